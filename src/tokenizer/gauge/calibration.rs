//! Texts to measure the gauge with: natural ones, and generated ones of every sort that costs much or little.
//! Owns the generators. The same seed gives the same texts.

use std::fs;
use std::path::Path;

/// One text, as it stands in a JSON string, and as it is.
pub(super) struct Corpus {
    pub(super) name: String,
    pub(super) text: String,
    /// Whether people or programs write such.
    pub(super) natural: bool,
    /// Whether all but ASCII is escaped in JSON.
    pub(super) ascii: bool,
}

const BYTES: usize = 6_000;

impl Corpus {
    fn natural(name: &str, text: &str, ascii: bool) -> Self {
        let name = if ascii { format!("{name} escaped") } else { name.to_owned() };
        Self { name, text: text.chars().take(12_000).collect(), natural: true, ascii }
    }

    fn made(name: &str, text: String) -> Self {
        Self { name: name.to_owned(), text, natural: false, ascii: false }
    }

    /// The text inside a JSON string, and where each of its characters begins there.
    pub(super) fn json(&self) -> (String, Vec<usize>) {
        let (mut json, mut places) = (String::new(), Vec::new());
        for letter in self.text.chars() {
            let at = json.len();
            places.extend(std::iter::repeat_n(at, letter.len_utf8()));
            let escaped = serde_json::to_string(&letter).unwrap();
            match self.ascii && !letter.is_ascii() {
                true => letter.encode_utf16(&mut [0; 2]).iter().for_each(|unit| json += &format!("\\u{unit:04x}")),
                false => json += escaped.trim_start_matches('"').strip_suffix('"').unwrap_or(&escaped),
            }
            if letter == '"' {
                json.truncate(at);
                json += "\\\"";
            }
        }
        (json, places)
    }
}

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }

    fn of(&mut self, letters: &str) -> char {
        let letters: Vec<char> = letters.chars().collect();
        letters[self.below(letters.len())]
    }

    fn run(&mut self, letters: &str) -> String {
        let letters: Vec<char> = letters.chars().collect();
        (0..BYTES).map(|_| letters[self.below(letters.len())]).collect()
    }

    fn words(&mut self, letters: &str, longest: usize, between: &str) -> String {
        let mut text = String::new();
        while text.len() < BYTES {
            for _ in 0..=self.below(longest) {
                text.push(self.of(letters));
            }
            text.push(self.of(between));
        }
        text
    }

    fn points(&mut self, from: u32, to: u32) -> String {
        let span = usize::try_from(to - from).unwrap();
        let mut text = String::new();
        while text.len() < BYTES {
            text.extend(char::from_u32(from + u32::try_from(self.below(span)).unwrap()));
        }
        text
    }

    /// Letters of a few kinds, some often and some rarely.
    fn mixture(&mut self) -> String {
        let kinds: Vec<&str> = (0..=self.below(4)).map(|_| KINDS[self.below(KINDS.len())]).collect();
        let mut text = String::new();
        while text.len() < BYTES {
            let kind = kinds[self.below(kinds.len())];
            for _ in 0..=self.below(3) {
                text.push(self.of(kind));
            }
        }
        text
    }
}

const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &str = "0123456789";
const MARKS: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
const BASE64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const ALL: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
const KINDS: [&str; 15] = [
    "aeiou",
    "tnsrhldcmpgfybw",
    "kvxjqz",
    "AEIOU",
    "TNSRHLDCMP",
    DIGITS,
    " ",
    "\n",
    "\t",
    ".,",
    "\"'`",
    "([{<)]}>",
    ";:!?",
    "+-*/=&|%^~$#@",
    "_\\",
];

/// First code point, one beyond the last.
const BLOCKS: [(u32, u32); 27] = [
    (0x80, 0x180),
    (0x180, 0x250),
    (0x250, 0x370),
    (0x370, 0x400),
    (0x400, 0x480),
    (0x480, 0x530),
    (0x530, 0x590),
    (0x590, 0x600),
    (0x600, 0x700),
    (0x700, 0x800),
    (0x800, 0x900),
    (0x900, 0xe00),
    (0xe00, 0xe80),
    (0xe80, 0x1000),
    (0x1000, 0x2000),
    (0x2000, 0x2c00),
    (0x2c00, 0x3000),
    (0x3000, 0x3100),
    (0x3100, 0x4e00),
    (0x4e00, 0xa000),
    (0xa000, 0xac00),
    (0xac00, 0xd7a4),
    (0xe000, 0xf900),
    (0xf900, 0x1_0000),
    (0x1_0000, 0x2_0000),
    (0x1_f300, 0x1_fb00),
    (0x2_0000, 0x11_0000),
];

/// What people and programs write: the languages of the fixtures, and this project's own prose and code.
pub(super) fn natural() -> Vec<Corpus> {
    let languages = fs::read_dir(root().join("tests/fixtures/languages")).unwrap();
    let mut files: Vec<_> = languages.map(|file| file.unwrap().path()).collect();
    files.sort();
    files.extend(OWN.map(|name| root().join("tests/fixtures/calibration").join(name)));
    files.iter().flat_map(|file| read(file)).collect()
}

/// The same, on which nothing was measured.
pub(super) fn held_out() -> Vec<Corpus> {
    HELD_OUT.iter().flat_map(|name| read(&root().join(name))).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The text of a file; twice where escaping it makes a difference.
fn read(file: &Path) -> Vec<Corpus> {
    let (name, text) = (file.file_name().unwrap().to_string_lossy(), fs::read_to_string(file).unwrap());
    let foreign = text.chars().filter(|letter| !letter.is_ascii()).count() > text.chars().count() / 4;
    let mut corpora = vec![Corpus::natural(&name, &text, false)];
    corpora.extend(foreign.then(|| Corpus::natural(&name, &text, true)));
    corpora
}

const HELD_OUT: [&str; 6] = [
    "ARCHITECTURE.md",
    "docs/errors.md",
    "src/store/writer.rs",
    "tests/clients/stand.py",
    "static/js/pages/overview.js",
    "tests/fixtures/openai_chat/tools_reasoning.sse",
];

/// Texts of our own as they once were: what costs are measured on must not change with every line that is written.
const OWN: [&str; 12] = [
    "README.md.txt",
    "docs-dialects.md.txt",
    "docs-performance.md.txt",
    "src-relay.rs.txt",
    "src-dialect-splice.rs.txt",
    "tests-clients-conftest.py.txt",
    "tests-clients-test_anthropic.py.txt",
    "static-js-api.js.txt",
    "templates-layout.html.txt",
    "migrations-sqlite-ledger-up.sql.txt",
    "tests-fixtures-openai_chat-index.json.txt",
    "tests-fixtures-openai_chat-whole.json.txt",
];

/// What costs most, and what nobody would write.
pub(super) fn generated(seed: u64) -> Vec<Corpus> {
    let mut dice = Dice(seed);
    let hex = "0123456789abcdef";
    let mut made = vec![
        Corpus::made("base64", dice.run(BASE64)),
        Corpus::made("hex", dice.run(hex)),
        Corpus::made("hex, upper case", dice.run("0123456789ABCDEF")),
        Corpus::made("hashes", dice.words(hex, 64, " \n\"")),
        Corpus::made("digits", dice.run(DIGITS)),
        Corpus::made("numbers", dice.words(DIGITS, 7, ",; \n")),
        Corpus::made("short numbers", dice.words(DIGITS, 2, ", \n")),
        Corpus::made("floats", dice.words("0123456789.-e", 12, ",")),
        Corpus::made("marks", dice.run(MARKS)),
        Corpus::made("spaced marks", dice.words(MARKS, 2, " ")),
        Corpus::made("lower case", dice.run(LOWER)),
        Corpus::made("upper case", dice.run(UPPER)),
        Corpus::made("random words", dice.words(LOWER, 8, " ")),
        Corpus::made("short random words", dice.words(LOWER, 3, " ")),
        Corpus::made("random names", dice.words(ALL, 12, " .(,")),
        Corpus::made("one letter words", dice.words(LOWER, 1, " \n")),
        Corpus::made("rare letters", dice.words("kvxjqz", 6, " ")),
        Corpus::made("capitals", dice.words(UPPER, 5, " ")),
        Corpus::made("printable", dice.run(&format!("{ALL}{MARKS} "))),
        Corpus::made("white", dice.run(" \n\t\r")),
        Corpus::made("control", dice.run("\u{0}\u{1}\u{2}\u{7}\u{8}\u{b}\u{c}\u{1b}\u{7f}")),
        Corpus::made("emoji", dice.run("😀😅👍🎉🔥🚀❤\u{fe0f}👩\u{200d}💻🏽🇩🇪")),
        Corpus::made("any characters", dice.points(0x80, 0xd800)),
    ];
    for letter in [" ", "\n", "\t", "a", "x", "A", "0", "-", "=", ".", "\"", "\\", "é", "中", "🙂", "\u{0}"] {
        made.push(Corpus::made(&format!("flood of {letter:?}"), letter.repeat(BYTES / letter.len())));
    }
    for (from, to) in BLOCKS {
        made.push(Corpus::made(&format!("U+{from:04X}"), dice.points(from, to)));
        let spaced: String = dice.points(from, to).chars().flat_map(|letter| [letter, ' ']).collect();
        made.push(Corpus::made(&format!("U+{from:04X} spaced"), spaced));
    }
    made.push(Corpus { ascii: true, ..Corpus::made("any characters escaped", dice.points(0x80, 0x1_0000)) });
    made.extend((0..24).map(|n| Corpus::made(&format!("mixture {n}"), dice.mixture())));
    made
}
