//! When a certificate ends, read from its own bytes (X.509 in DER). Owns the few steps to that field.
//! Refuses everything else in it: whether a certificate is good is for those who meet it to say.

use farthing_actors::domain::Timestamp;

const SEQUENCE: u8 = 0x30;
/// The version stands in brackets of its own, and may be left out.
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// The serial number, the algorithm and the issuer stand before the times.
const BEFORE: usize = 3;

/// The last moment of a certificate; `None` where that cannot be read.
pub(super) fn ends_at(der: &[u8]) -> Option<Timestamp> {
    let (_, certificate) = element(der)?.of(SEQUENCE)?;
    let (_, mut fields) = element(certificate)?.of(SEQUENCE)?;
    if element(fields)?.tag == VERSION {
        fields = element(fields)?.rest;
    }
    for _ in 0..BEFORE {
        fields = element(fields)?.rest;
    }
    let (_, times) = element(fields)?.of(SEQUENCE)?;
    moment(&element(element(times)?.rest)?)
}

/// One element: what it is, what is in it, and what follows it.
struct Element<'a> {
    tag: u8,
    content: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Element<'a> {
    /// What follows it and what is in it, if it is of this kind.
    fn of(self, tag: u8) -> Option<(&'a [u8], &'a [u8])> {
        (self.tag == tag).then_some((self.rest, self.content))
    }
}

fn element(bytes: &[u8]) -> Option<Element<'_>> {
    let (tag, bytes) = bytes.split_first()?;
    let (first, bytes) = bytes.split_first()?;
    let (length, bytes) = match first.checked_sub(0x80) {
        None => (usize::from(*first), bytes),
        // The length has a length: more than three bytes are no certificate.
        Some(count @ 1..=3) => {
            let (length, bytes) = bytes.split_at_checked(usize::from(count))?;
            (length.iter().fold(0, |sum, byte| sum * 256 + usize::from(*byte)), bytes)
        }
        Some(_) => return None,
    };
    let (content, rest) = bytes.split_at_checked(length)?;
    Some(Element { tag: *tag, content, rest })
}

/// `YYMMDDHHMMSSZ` of 1950 to 2049, or `YYYYMMDDHHMMSSZ`.
fn moment(element: &Element) -> Option<Timestamp> {
    let text = std::str::from_utf8(element.content).ok()?.strip_suffix('Z')?;
    let (century, text) = match element.tag {
        UTC_TIME if text.get(..2)? < "50" => ("20", text),
        UTC_TIME => ("19", text),
        GENERALIZED_TIME => text.split_at_checked(2)?,
        _ => return None,
    };
    let two = |at: usize| text.get(at..at + 2);
    let (year, month, day) = (two(0)?, two(2)?, two(4)?);
    let (hour, minute, second) = (two(6)?, two(8)?, text.get(10..)?);
    format!("{century}{year}-{month}-{day}T{hour}:{minute}:{second}Z").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(year: i32) -> Vec<u8> {
        let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(year, 3, 4);
        let key = rcgen::KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn the_end_is_what_the_certificate_says() {
        // From 2050 on the time has another form.
        for year in [1999, 2031, 2049, 2050, 2999] {
            let expected = format!("{year}-03-04T00:00:00Z").parse().unwrap();
            assert_eq!(ends_at(&made(year)), Some(expected), "{year}");
        }
    }

    #[test]
    fn what_is_cut_short_or_no_certificate_has_no_end() {
        let whole = made(2031);
        assert!((0..whole.len()).all(|length| ends_at(whole.get(..length).unwrap()).is_none()));
        for bytes in [&b""[..], b"no certificate", &[0x30, 0x84, 0, 0, 0, 1, 0], &[0x30, 0x80, 0, 0], &[0x30, 0xff]] {
            assert_eq!(ends_at(bytes), None, "{bytes:?}");
        }
    }
}
