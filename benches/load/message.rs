//! HTTP/1.1 messages, as far as a benchmark needs them: the end of a head, and both ways to delimit a body.
//! Owns parsing. Refuses to touch a socket.

use memchr::memmem;

/// What a head says about its message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    /// The status of an answer; zero for a request.
    pub(crate) status: u16,
    /// How the body ends.
    pub(crate) framing: Framing,
    /// Bytes of the head, its empty line included.
    pub(crate) length: usize,
}

/// How a body ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Framing {
    /// After so many bytes.
    Length(usize),
    /// After the empty chunk.
    Chunked,
}

impl Head {
    /// Reads the head at the start of `input`; `None` until it is whole.
    pub(crate) fn parse(input: &[u8]) -> Option<Self> {
        let length = memmem::find(input, b"\r\n\r\n")?.checked_add(4)?;
        let text = String::from_utf8_lossy(input.get(..length)?);
        let mut lines = text.lines();
        let status = lines.next().map_or(0, status_of);
        Some(Self { status, framing: framing_of(lines), length })
    }
}

fn status_of(line: &str) -> u16 {
    line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|code| code.parse().ok()).unwrap_or(0)
}

fn framing_of<'a>(headers: impl Iterator<Item = &'a str>) -> Framing {
    let mut framing = Framing::Length(0);
    for (name, value) in headers.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            framing = Framing::Length(value.trim().parse().unwrap_or(0));
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            return Framing::Chunked;
        }
    }
    framing
}

/// A body on its way in: strips the chunks and knows the end.
#[derive(Debug)]
pub(crate) enum Body {
    /// So many bytes are missing.
    Fixed(usize),
    /// The next line is a chunk's size.
    Size,
    /// So many bytes of this chunk are missing.
    Chunk(usize),
    /// The line break after a chunk.
    ChunkEnd,
    /// The lines after the last chunk.
    Trailer,
    /// Nothing is missing.
    Whole,
}

impl Body {
    /// A body of which nothing has been read.
    pub(crate) fn new(framing: Framing) -> Self {
        match framing {
            Framing::Length(0) => Self::Whole,
            Framing::Length(length) => Self::Fixed(length),
            Framing::Chunked => Self::Size,
        }
    }

    /// Whether the end was seen.
    pub(crate) fn is_whole(&self) -> bool {
        matches!(self, Self::Whole)
    }

    /// Takes what it can from `input`, appends the payload to `out`, and returns how many bytes were used.
    pub(crate) fn take(&mut self, input: &[u8], out: &mut Vec<u8>) -> usize {
        let mut used = 0;
        while let Some(rest) = input.get(used..)
            && let Some(step) = self.step(rest, out)
        {
            used = used.saturating_add(step);
        }
        used
    }

    /// One transition; `None` when the input does not reach.
    fn step(&mut self, input: &[u8], out: &mut Vec<u8>) -> Option<usize> {
        match *self {
            Self::Whole => None,
            Self::Fixed(missing) => {
                let step = copy(input, missing, out)?;
                *self = if step == missing { Self::Whole } else { Self::Fixed(missing.saturating_sub(step)) };
                Some(step)
            }
            Self::Chunk(missing) => {
                let step = copy(input, missing, out)?;
                *self = if step == missing { Self::ChunkEnd } else { Self::Chunk(missing.saturating_sub(step)) };
                Some(step)
            }
            Self::Size => self.line(input, |line| match chunk_size(line) {
                0 => Self::Trailer,
                size => Self::Chunk(size),
            }),
            Self::ChunkEnd => self.line(input, |_| Self::Size),
            Self::Trailer => self.line(input, |line| if line.is_empty() { Self::Whole } else { Self::Trailer }),
        }
    }

    fn line(&mut self, input: &[u8], next: impl FnOnce(&[u8]) -> Self) -> Option<usize> {
        let end = memchr::memchr(b'\n', input)?;
        *self = next(input.get(..end)?.trim_ascii());
        end.checked_add(1)
    }
}

fn copy(input: &[u8], missing: usize, out: &mut Vec<u8>) -> Option<usize> {
    let part = input.get(..missing.min(input.len())).filter(|part| !part.is_empty())?;
    out.extend_from_slice(part);
    Some(part.len())
}

fn chunk_size(line: &[u8]) -> usize {
    std::str::from_utf8(line)
        .ok()
        .and_then(|text| text.split(';').next())
        .and_then(|size| usize::from_str_radix(size.trim(), 16).ok())
        .unwrap_or(0)
}
