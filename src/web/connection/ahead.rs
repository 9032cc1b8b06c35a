//! Ahead: what a client sends before its earlier request is answered. actix-http frames an answer by the head that it has read
//! last, so the next head is held back until the answer has ended.
//! Owns where a request ends, as far as its head says so plainly. Refuses to judge heads: where that is not plain, nothing is
//! held back any more, and a head that is none is actix's to refuse.

use memchr::memmem;

const HEAD_ENDS: &[u8] = b"\r\n\r\n";

/// Where in the bytes of a connection the next one stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Place {
    /// At the beginning of a request.
    #[default]
    Start,
    /// Inside one, so many bytes before its end.
    Inside(usize),
    /// After one, which is not answered yet.
    Whole,
    /// Nobody knows: the request says in another way how long it is, or came in pieces.
    Unknown,
}

impl Place {
    /// How many of `fresh` belong to the request, and where the next byte stands then.
    pub(super) fn after(self, fresh: &[u8]) -> (usize, Self) {
        match self {
            Self::Start => Self::of_head(fresh).unwrap_or((fresh.len(), Self::Unknown)),
            Self::Inside(rest) => Self::inside(rest, fresh.len()),
            Self::Whole | Self::Unknown => (fresh.len(), self),
        }
    }

    /// The same, with so many of the bytes that belong to the request still to be given.
    pub(super) fn short_of(self, left: usize) -> Self {
        match self {
            Self::Whole if left > 0 => Self::Inside(left),
            Self::Inside(rest) => Self::Inside(rest.saturating_add(left)),
            other => other,
        }
    }

    fn of_head(fresh: &[u8]) -> Option<(usize, Self)> {
        let (head, body) = fresh.split_at_checked(memmem::find(fresh, HEAD_ENDS)?.checked_add(HEAD_ENDS.len())?)?;
        let (mine, place) = Self::inside(body_length(head)?, body.len());
        Some((head.len().checked_add(mine)?, place))
    }

    fn inside(rest: usize, come: usize) -> (usize, Self) {
        match rest.checked_sub(come) {
            None | Some(0) => (rest, Self::Whole),
            Some(rest) => (come, Self::Inside(rest)),
        }
    }
}

/// How many bytes follow a head; `None` where that is not plain, or what follows may be no request.
fn body_length(head: &[u8]) -> Option<usize> {
    let mut lines =
        head.strip_suffix(HEAD_ENDS)?.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let plain = |line: &&[u8]| !line.is_empty() && !line.contains(&b'\r');
    lines.next().filter(plain)?;
    // Every line but the last ends as it should; another reader may take a bare line feed for an end, and this one does not.
    if memchr::memchr_iter(b'\n', head).any(|at| at.checked_sub(1).and_then(|before| head.get(before)) != Some(&b'\r'))
    {
        return None;
    }
    let mut length = None;
    for line in lines {
        let (name, value) = line.split_at_checked(memchr::memchr(b':', line)?)?;
        if !plain(&line) || !name.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        if name.eq_ignore_ascii_case(b"transfer-encoding") || name.eq_ignore_ascii_case(b"upgrade") {
            return None;
        }
        if name.eq_ignore_ascii_case(b"content-length") {
            let value = std::str::from_utf8(value.get(1..)?).ok()?.trim_matches([' ', '\t']);
            let digits = value.bytes().all(|byte| byte.is_ascii_digit());
            length = Some(value.parse().ok().filter(|_| digits && length.is_none())?);
        }
    }
    Some(length.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(bytes: &str) -> (usize, Place) {
        Place::Start.after(bytes.as_bytes())
    }

    #[test]
    fn what_follows_a_whole_request_is_not_its() {
        let next = "HEAD / HTTP/1.1\r\n\r\n";
        for request in [
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.0\r\nHost: a\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-LENGTH:\t 5 \r\nHost: a\r\n\r\nabcde",
            "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        ] {
            assert_eq!(place(&format!("{request}{next}")), (request.len(), Place::Whole), "{request}");
            assert_eq!(place(request), (request.len(), Place::Whole), "{request}");
        }
    }

    #[test]
    fn a_body_that_comes_later_is_counted() {
        let (head, mut place) = place("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\na");
        assert_eq!((head, place), (39, Place::Inside(4)));
        for (piece, mine, after) in [("bc", 2, Place::Inside(2)), ("deGET /", 2, Place::Whole)] {
            assert_eq!(place.after(piece.as_bytes()), (mine, after));
            place = after;
        }
    }

    #[test]
    fn what_has_no_room_yet_comes_next() {
        assert_eq!(Place::Whole.short_of(3), Place::Inside(3));
        assert_eq!(Place::Inside(2).short_of(3), Place::Inside(5));
        assert_eq!([Place::Whole.short_of(0), Place::Unknown.short_of(9)], [Place::Whole, Place::Unknown]);
    }

    #[test]
    fn what_is_not_plain_holds_nothing_back() {
        for unclear in [
            "GET / HT",
            "\r\n\r\n",
            "\r\nGET / HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nabcde",
            "POST / HTTP/1.1\r\nContent-Length: +5\r\n\r\nabcde",
            "POST / HTTP/1.1\r\nContent-Length:\r\n\r\nabcde",
            "POST / HTTP/1.1\r\nContent-Length : 5\r\n\r\nabcde",
            "POST / HTTP/1.1\r\nA: b\nContent-Length: 5\r\n\r\nabcde",
            "POST / HTTP/1.1\r\nA: b\r\n Content-Length: 5\r\n\r\nabcde",
            "POST / HTTP/1.1\r\nA: b\rContent-Length: 5\r\n\r\nabcde",
            "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
            "no colon HTTP/1.1\r\nhere\r\n\r\n",
        ] {
            assert_eq!(place(unclear), (unclear.len(), Place::Unknown), "{unclear:?}");
        }
    }
}
