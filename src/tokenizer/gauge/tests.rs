//! The gauge measured: its figures beside real counts for every text, and the test that writes its costs anew.
//! Owns the bounds it is held to: the ceiling never below a count, the likely figure within 15 % in the median.
//! Refuses nothing: what fails is printed.

use std::fmt::Write as _;

use tiktoken_rs::{CoreBPE, cl100k_base_singleton, o200k_base_singleton};

use super::calibration::{Corpus, generated, held_out, natural};
use super::*;

const SEEDS: [u64; 2] = [3, 4];
/// Fewer pairs than this say nothing on their own.
const ENOUGH: u64 = 40;

fn vocabularies() -> [&'static CoreBPE; 2] {
    [o200k_base_singleton(), cl100k_base_singleton()]
}

fn tokens(vocabulary: &CoreBPE, text: &str) -> u64 {
    u64::try_from(vocabulary.count_ordinary(text)).unwrap()
}

/// Pairs of classes in a text, and how many tokens begin at the second of each.
struct Tally {
    pairs: Vec<u64>,
    begun: Vec<u64>,
}

impl Tally {
    fn new() -> Self {
        Self { pairs: vec![0; CLASSES * CLASSES], begun: vec![0; CLASSES * CLASSES] }
    }

    fn add(&mut self, corpus: &Corpus, vocabulary: &CoreBPE) {
        let (json, places) = corpus.json();
        let bytes = json.as_bytes();
        let pair = |at: usize| {
            let before = at.checked_sub(1).map_or(SPACE, |before| class(bytes[before]));
            usize::from(before) << 5 | usize::from(class(bytes[at]))
        };
        (0..bytes.len()).for_each(|at| self.pairs[pair(at)] += 1);
        let mut at = 0;
        for token in vocabulary.encode_ordinary(&corpus.text) {
            self.begun[pair(places[at])] += 1;
            at += vocabulary.decode_bytes(&[token]).unwrap().len();
        }
    }

    fn cost(&self, pair: usize) -> Option<u64> {
        (self.pairs[pair] > 0).then(|| (self.begun[pair] * TOKEN).div_ceil(self.pairs[pair]))
    }
}

/// Measures the costs: they are those that are written down. With `FARTHING_CALIBRATE` they are written down anew, which
/// a change of classes, texts or vocabularies asks for.
#[test]
#[expect(clippy::disallowed_methods, reason = "whether to write is said from outside")]
fn calibrate() {
    let (natural, made) = (natural(), (10..14).flat_map(generated).collect::<Vec<_>>());
    let (mut often, mut pooled) = (Tally::new(), Tally::new());
    natural.iter().for_each(|corpus| often.add(corpus, vocabularies()[0]));
    let mut demands = Vec::new();
    for corpus in natural.iter().chain(&made) {
        let mut pairs = Vec::new();
        for vocabulary in vocabularies() {
            let mut alone = Tally::new();
            alone.add(corpus, vocabulary);
            pooled.add(corpus, vocabulary);
            pairs = alone.pairs;
        }
        let tokens = vocabularies().map(|vocabulary| tokens(vocabulary, &corpus.text)).into_iter().max().unwrap();
        let margin = if corpus.natural { 20 } else { 6 };
        let possible = pairs.iter().enumerate().map(|(pair, count)| count * most(pair)).sum::<u64>();
        demands.push(Demand { pairs, cost: ((tokens + tokens * margin / 100 + 2) * TOKEN).min(possible) });
    }
    let known = |pair: usize| often.pairs[pair] >= ENOUGH;
    let likely: Vec<_> = (0..CLASSES * CLASSES)
        .map(|pair| often.cost(pair).filter(|_| known(pair)).or(pooled.cost(pair)).unwrap_or(most(pair) / 2))
        .collect();
    let mut ceiling: Vec<_> = (0..CLASSES * CLASSES)
        .map(|pair| if pooled.pairs[pair] == 0 { most(pair) } else { often.cost(pair).unwrap_or(most(pair) / 4) })
        .collect();
    for _ in 0..2_000 {
        // Each has its turn before anybody has a second.
        let lacking = demands.iter().filter(|demand| demand.raise(&mut ceiling, &often)).count();
        if lacking == 0 {
            break;
        }
    }
    if std::env::var_os("FARTHING_CALIBRATE").is_none() {
        let written =
            |costs: &[[u16; CLASSES]; CLASSES]| costs.as_flattened().iter().map(|cost| u64::from(*cost)).collect();
        let [known_likely, known_ceiling]: [Vec<u64>; 2] = [written(&LIKELY), written(&CEILING)];
        assert!(likely == known_likely && ceiling == known_ceiling, "costs.rs is old: run with FARTHING_CALIBRATE=1");
        return;
    }
    let mut file = String::from(HEAD);
    write(&mut file, "LIKELY", "Likely, from natural texts.", &likely);
    write(&mut file, "CEILING", "At most: enough for every text, raised where natural ones pay least.", &ceiling);
    std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/tokenizer/gauge/costs.rs"), file).unwrap();
}

/// What the ceiling of a text must come to.
struct Demand {
    pairs: Vec<u64>,
    cost: u64,
}

impl Demand {
    /// Raises `costs` a little if they do not come to it, most where natural texts seldom have the pair.
    fn raise(&self, costs: &mut [u64], often: &Tally) -> bool {
        let all = |costs: &[u64]| self.pairs.iter().zip(costs).map(|(pairs, cost)| pairs * cost).sum::<u64>();
        let lacking = self.cost.saturating_sub(all(costs));
        if lacking == 0 {
            return false;
        }
        let (own, natural) = (self.pairs.iter().sum::<u64>(), often.pairs.iter().sum::<u64>());
        let mut raised = false;
        for (pair, cost) in costs.iter_mut().enumerate().filter(|(pair, _)| self.pairs[*pair] > 0) {
            let share = self.pairs[pair] * 1_000_000 / own;
            let step = 16 * share / (share + often.pairs[pair] * 4_000_000 / natural + 1_000);
            let next = (*cost + step.max(u64::from(lacking > own * 4))).min(most(pair));
            raised |= next != *cost;
            *cost = next;
        }
        raised || {
            // All that is cheap is spent: one unit each.
            costs
                .iter_mut()
                .enumerate()
                .filter(|(pair, cost)| self.pairs[*pair] > 0 && **cost < most(*pair))
                .for_each(|(_, cost)| *cost += 1);
            true
        }
    }
}

/// The most a pair can cost: a token for each byte that begins there.
fn most(pair: usize) -> u64 {
    TOKEN
        * match pair % CLASSES {
            30 => 0,
            19..=22 | 31 => 2,
            23..=28 => 3,
            29 => 4,
            _ => 1,
        }
}

const HEAD: &str = "//! Costs: what each pair of neighbouring bytes costs, by their classes, in 256ths of a token.
//! Owns the figures. Written by the test `calibrate`; not to be changed by hand.
";

fn write(file: &mut String, name: &str, what: &str, costs: &[u64]) {
    writeln!(file, "\n/// {what} The first byte's class is the row.\npub(super) static {name}: [[u16; 32]; 32] = [")
        .unwrap();
    for row in costs.chunks(CLASSES) {
        let figures: Vec<_> = row.iter().map(u64::to_string).collect();
        let [first, second] = [&figures[..16], &figures[16..]].map(|half| half.join(", "));
        writeln!(file, "    [\n        {first},\n        {second},\n    ],").unwrap();
    }
    file.push_str("];\n");
}

fn percent(part: u64, whole: u64) -> u64 {
    part * 100 / whole.max(1)
}

#[test]
fn the_ceiling_holds_for_every_text_and_likely_is_near_for_natural_ones() {
    let made: Vec<_> = SEEDS.into_iter().flat_map(generated).collect();
    println!(
        "seeds {SEEDS:?}\n{:34} {:>7} {:>7} {:>7} {:>7} likely ceiling, %",
        "text", "bytes", "tokens", "likely", "ceiling"
    );
    let (mut off, mut over) = (Vec::new(), Vec::new());
    for corpus in natural().iter().chain(&held_out()).chain(&made) {
        let json = corpus.json().0;
        let gauge = Gauge::of(json.as_bytes());
        let [o200k, cl100k] = vocabularies().map(|vocabulary| tokens(vocabulary, &corpus.text));
        let (near, most) = (percent(gauge.likely, o200k), percent(gauge.ceiling, o200k));
        println!(
            "{:34} {:7} {o200k:7} {:7} {:7} {near:6} {most:7}",
            corpus.name,
            json.len(),
            gauge.likely,
            gauge.ceiling
        );
        if gauge.ceiling < o200k.max(cl100k) {
            over.push(format!("{}: {} of {}", corpus.name, gauge.ceiling, o200k.max(cl100k)));
        }
        if corpus.natural {
            off.push(near.abs_diff(100));
        }
    }
    off.sort_unstable();
    let median = off[off.len() / 2];
    println!("natural texts: median error of likely {median} %, all {off:?}");
    assert!(over.is_empty(), "{over:?}");
    assert!(median <= 15, "{median} %");
}
