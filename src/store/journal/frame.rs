//! Frames: how a record lies in a segment: `[length u32][checksum u32][sequence u64][write u64][payload]`, little endian.
//! `write` is the number of the first record that was written together with this one.
//! Owns the layout and its check. Refuses to tell why bytes are bad: torn, flipped and foreign look alike.

use farthing_actors::ledger::journal::{JournalError, Record};

/// Bytes before the payload.
const HEADER: usize = 4 + 4 + 8 + 8;
/// No record is longer: a bound on what a damaged length can make the reader look at.
const MAX_PAYLOAD: usize = 1 << 20;

/// Which record it is, and the first of those it was written together with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) seq: u64,
    pub(super) write: u64,
}

/// What lies at a place in a segment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// A record, and where the next one begins.
    Record { number: Number, payload: &'a [u8], next: usize },
    /// A length of zero, or the end of the file: nothing was written here.
    Nothing,
    /// Something that is no record.
    Bad,
}

/// Appends the frame of `record` to `frames`.
pub(super) fn encode(frames: &mut Vec<u8>, number: Number, record: &Record) -> Result<(), JournalError> {
    let start = frames.len();
    frames.extend_from_slice(&[0; HEADER]);
    serde_json::to_writer(&mut *frames, record).map_err(|error| JournalError(error.to_string()))?;
    let (header, payload) = frames.split_at_mut(start + HEADER);
    let length = u32::try_from(payload.len()).ok().filter(|_| payload.len() <= MAX_PAYLOAD);
    let length = length.ok_or_else(|| JournalError("the record is longer than a mebibyte".to_owned()))?;
    let numbers = [number.seq.to_le_bytes(), number.write.to_le_bytes()];
    let sum = checksum(length.to_le_bytes(), numbers, payload);
    let fields = length.to_le_bytes().into_iter().chain(sum.to_le_bytes()).chain(numbers.into_iter().flatten());
    let header = header.get_mut(start..).unwrap_or_default();
    header.iter_mut().zip(fields).for_each(|(byte, field)| *byte = field);
    Ok(())
}

/// Reads what lies at `at`.
pub(super) fn decode(bytes: &[u8], at: usize) -> Found<'_> {
    let rest = bytes.get(at..).unwrap_or_default();
    if rest.first_chunk::<4>().is_none_or(|length| *length == [0; 4]) {
        return Found::Nothing;
    }
    checked(rest).map_or(Found::Bad, |(number, payload)| Found::Record {
        number,
        payload,
        next: at.saturating_add(HEADER).saturating_add(payload.len()),
    })
}

fn checked(bytes: &[u8]) -> Option<(Number, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (sum, rest) = rest.split_first_chunk::<4>()?;
    let (seq, rest) = rest.split_first_chunk::<8>()?;
    let (write, rest) = rest.split_first_chunk::<8>()?;
    let size = usize::try_from(u32::from_le_bytes(*length)).ok().filter(|size| *size <= MAX_PAYLOAD)?;
    let payload = rest.get(..size)?;
    let right = checksum(*length, [*seq, *write], payload) == u32::from_le_bytes(*sum);
    let number = Number { seq: u64::from_le_bytes(*seq), write: u64::from_le_bytes(*write) };
    right.then_some((number, payload))
}

// The checksum covers the length and the numbers too: a flipped bit in any must not pass.
fn checksum(length: [u8; 4], numbers: [[u8; 8]; 2], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&length);
    numbers.iter().for_each(|number| hasher.update(number));
    hasher.update(payload);
    hasher.finalize()
}
