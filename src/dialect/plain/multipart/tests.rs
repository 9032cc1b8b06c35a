//! Tests of reading an upload: what is accepted, what is ambiguous, and bodies cut and changed anywhere.

use super::*;

const BODY: &str = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a \\\"b\\\"; name=x.wav\"\r\n\
    Content-Type: audio/wav\r\n\r\nRI--b\r\n\r\n-b\r\n--b\r\ncontent-disposition: form-data; name=model\r\n\r\nm\r\n--b--\r\n";

/// Numbers without a pattern, the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound).unwrap()).unwrap()
    }
}

/// A part's name, whether it is a file, and its value.
type Told = (String, bool, Vec<u8>);

fn names(body: &[u8]) -> Result<Vec<Told>, &'static str> {
    let parts = read(body, "b")?;
    Ok(parts.iter().map(|part| (part.name.to_owned(), part.is_file, body[part.value.clone()].to_vec())).collect())
}

#[test]
fn a_content_type_names_its_boundary() {
    for (kind, expected) in [
        ("multipart/form-data; boundary=abc", Some("abc")),
        ("Multipart/Form-Data; charset=utf-8; Boundary=\"a b:c\"", Some("a b:c")),
        ("multipart/form-data", None),
        ("multipart/form-data; boundary=", None),
        ("multipart/form-data; boundary=a; boundary=b", None),
        ("multipart/form-data; boundary=\"a\r\"", None),
        ("multipart/mixed; boundary=abc", None),
        ("application/json; boundary=abc", None),
    ] {
        assert_eq!(boundary(kind), expected, "{kind}");
    }
    assert_eq!(boundary(&format!("multipart/form-data; boundary={}", "b".repeat(71))), None);
}

#[test]
fn parts_are_found_whatever_their_order_and_bytes() {
    let expected =
        vec![("file".to_owned(), true, b"RI--b\r\n\r\n-b".to_vec()), ("model".to_owned(), false, b"m".to_vec())];
    assert_eq!(names(BODY.as_bytes()).unwrap(), expected);
    let surrounded = format!("a preamble\r\n{BODY}an epilogue");
    assert_eq!(names(surrounded.as_bytes()).unwrap(), expected);
    let padded = BODY.replace("\r\n--b\r\n", "\r\n--b \t\r\n");
    assert_eq!(names(padded.as_bytes()).unwrap(), expected);
    assert_eq!(names(b"--b\r\nContent-Disposition: form-data; name=\"\"\r\n\r\n\r\n--b--").unwrap()[0].2, b"");
}

#[test]
fn what_two_readers_could_understand_differently_is_refused() {
    let model = "content-disposition: form-data; name=model";
    for changed in [
        BODY.replace("\r\n--b\r\ncontent", "\n--b\r\ncontent"),
        BODY.replace("\r\n--b\r\ncontent", "\r--b\r\ncontent"),
        BODY.replace("\r\n--b\r\ncontent", "\r\n--bc\r\ncontent"),
        BODY.replace("\r\n--b\r\ncontent", "\r\n--b\ncontent"),
        BODY.replace("--b--\r\n", "--b--x"),
        BODY.replace("--b--\r\n", "--b--\r\n--b\r\n"),
        BODY.replace("--b--\r\n", "--b--\r\n--b--\r\n"),
        BODY.replace(model, "content-disposition: form-data; name=\"mo\\del\""),
        BODY.replace(model, "content-disposition: form-data; name=model; name=n"),
        BODY.replace(model, "content-disposition: form-data; name=model; name*=utf-8''n"),
        BODY.replace(model, "content-disposition: form-data;\r\n name=model"),
        BODY.replace(model, "content-disposition : form-data; name=model"),
        BODY.replace(model, "content-disposition: form-data"),
        BODY.replace(model, "content-disposition: attachment; name=model"),
        BODY.replace(model, &format!("{model}\r\n{model}")),
        BODY.replace(model, &format!("{model}\nx: y")),
        BODY.replace(model, &format!("{model}\r\ncontent-transfer-encoding: base64")),
        BODY.replace("name=model\r\n\r\nm", "name=model\r\nm"),
    ] {
        assert!(changed != BODY && names(changed.as_bytes()).is_err(), "{changed:?}");
    }
}

#[test]
fn a_body_that_is_cut_anywhere_is_refused() {
    let whole = BODY.len() - "\r\n".len();
    for end in 0..whole {
        assert!(names(&BODY.as_bytes()[..end]).is_err(), "cut at {end}");
    }
    assert!(names(&BODY.as_bytes()[..whole]).is_ok());
}

#[test]
fn whatever_is_accepted_can_be_read_again_with_another_model() {
    let seed = 0x5eed_ab1e_0ddb_a11e;
    println!("seed {seed:#x}");
    let mut dice = Dice(seed);
    let mut accepted = 0;
    for _ in 0..20_000 {
        let mut body = BODY.as_bytes().to_vec();
        for _ in 0..=dice.below(3) {
            let (at, byte) = (dice.below(body.len()), b"\r\n-b: ;\"\\=mx\0\xff"[dice.below(14)]);
            match dice.below(3) {
                0 => body[at] = byte,
                1 => body.insert(at, byte),
                _ => drop(body.remove(at)),
            }
        }
        let Ok(parts) = read(&body, "b") else { continue };
        let Some(model) = parts.iter().find(|part| part.name == "model") else { continue };
        accepted += 1;
        let told = [&body[..model.value.start], b"other", &body[model.value.end..]].concat();
        let again = names(&told).unwrap();
        assert_eq!(again.len(), parts.len());
        assert_eq!(again.iter().find(|part| part.0 == "model").unwrap().2, b"other");
    }
    assert!(accepted > 1_000, "{accepted}");
}
