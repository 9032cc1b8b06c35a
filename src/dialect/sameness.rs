//! Sameness: what a JSON body says, whatever the order of its members, the space between them and the escapes in its strings.
//! Owns the one answer to whether two requests ask the same, for the response cache and for idempotency keys. Refuses to judge
//! values: a number is what is written, a member that is given twice is two, in their order, and what is no JSON is its bytes.
//!
//! A walk without recursion, over a body that was read before: the text is written anew with the members of each object in the
//! order of their names. A long object is replaced by its digest as soon as it ends, so that no byte is moved again for each
//! object around it.

use memchr::memchr;
use sha2::{Digest, Sha256};

use super::splice::json_string;
use super::walk;

/// Objects of more bytes than this become their digest.
const SHORT: usize = 256;
/// What a digest begins with, and no value of JSON does.
const DIGESTED: u8 = b'#';

/// The same for all JSON that says the same.
pub(super) fn of_json(body: &[u8]) -> [u8; 32] {
    match Canonical::of(body) {
        Some(text) => Sha256::new().chain_update([1]).chain_update(text).finalize().into(),
        None => of_bytes(body),
    }
}

/// The same for the same bytes.
pub(super) fn of_bytes(body: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update([0]).chain_update(body).finalize().into()
}

/// A body as far as it was read, written anew.
#[derive(Default)]
struct Canonical {
    text: Vec<u8>,
    /// The arrays and objects around what comes next.
    around: Vec<Open>,
}

/// An array or object that has not ended.
struct Open {
    /// Where its text begins.
    at: usize,
    /// Where its members begin, and where their names end; `None` for an array.
    members: Option<Vec<(usize, usize)>>,
    /// Where what comes next in it begins.
    next: usize,
}

impl Canonical {
    /// The text; `None` if `body` is not JSON that can be taken apart.
    fn of(body: &[u8]) -> Option<Vec<u8>> {
        let mut canonical = Self::default();
        let mut rest = body.trim_ascii_start();
        while let Some((byte, after)) = rest.split_first() {
            let after = match byte {
                b'"' => canonical.string(rest, after),
                b'{' | b'[' => canonical.enter(*byte, after),
                b'}' | b']' => canonical.leave(*byte, after)?,
                b':' => canonical.name(after)?,
                b',' => canonical.next(after)?,
                _ => canonical.scalar(rest),
            };
            rest = after.trim_ascii_start();
        }
        canonical.around.is_empty().then_some(canonical.text)
    }

    /// With no escape but those that JSON needs. Halves of characters stay as they are written: no other text has their escapes.
    fn string<'a>(&mut self, rest: &'a [u8], after: &'a [u8]) -> &'a [u8] {
        let (text, following) = walk::string(after);
        let quoted = rest.get(..rest.len().saturating_sub(following.len())).unwrap_or(rest);
        let plain = memchr(b'\\', text).and_then(|_| serde_json::from_slice::<String>(quoted).ok());
        match plain {
            Some(plain) => self.text.extend_from_slice(json_string(&plain).as_bytes()),
            None => self.text.extend_from_slice(quoted),
        }
        following
    }

    /// A number, `true`, `false` or `null`, as it is written.
    fn scalar<'a>(&mut self, rest: &'a [u8]) -> &'a [u8] {
        let ends =
            |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b',' | b':' | b']' | b'}' | b'"' | b'[' | b'{');
        let (text, rest) = rest.split_at(rest.iter().position(ends).unwrap_or(rest.len()));
        self.text.extend_from_slice(text);
        rest
    }

    fn enter<'a>(&mut self, byte: u8, after: &'a [u8]) -> &'a [u8] {
        let at = self.text.len();
        self.text.push(byte);
        self.around.push(Open { at, members: (byte == b'{').then(Vec::new), next: self.text.len() });
        after
    }

    /// What stands before a colon is a member's name.
    fn name<'a>(&mut self, after: &'a [u8]) -> Option<&'a [u8]> {
        let open = self.around.last_mut()?;
        open.members.as_mut()?.push((open.next, self.text.len()));
        self.text.push(b':');
        Some(after)
    }

    fn next<'a>(&mut self, after: &'a [u8]) -> Option<&'a [u8]> {
        self.text.push(b',');
        self.around.last_mut()?.next = self.text.len();
        Some(after)
    }

    fn leave<'a>(&mut self, byte: u8, after: &'a [u8]) -> Option<&'a [u8]> {
        let Open { at, members, .. } = self.around.pop()?;
        if members.is_some() != (byte == b'}') {
            return None;
        }
        match members {
            Some(members) if !members.is_empty() => self.put_in_order(at, &members)?,
            _ => self.text.push(byte),
        }
        Some(after)
    }

    /// Puts the members of the object whose text begins at `at` in the order of their names; equal names keep theirs.
    fn put_in_order(&mut self, at: usize, places: &[(usize, usize)]) -> Option<()> {
        // As after any other.
        self.text.push(b',');
        let ends = places.iter().skip(1).map(|(begins, _)| *begins).chain([self.text.len()]);
        let member = |((begins, name), end): (&(usize, usize), usize)| {
            Some((self.text.get(*begins..*name)?, self.text.get(*begins..end)?))
        };
        let mut members: Vec<_> = places.iter().zip(ends).map(member).collect::<Option<_>>()?;
        let is_short = self.text.len().saturating_sub(at) <= SHORT;
        if is_short && members.is_sorted_by_key(|(name, _)| *name) {
            self.text.push(b'}');
            return Some(());
        }
        members.sort_by_key(|(name, _)| *name);
        let members = members.into_iter().map(|(_, whole)| whole);
        let ordered = if is_short {
            [b"{".as_slice()].into_iter().chain(members).chain([b"}".as_slice()]).collect::<Vec<_>>().concat()
        } else {
            let digest = members.fold(Sha256::new(), |digest, member| digest.chain_update(member)).finalize();
            [&[DIGESTED], digest.as_slice()].concat()
        };
        self.text.truncate(at);
        self.text.extend(ordered);
        Some(())
    }
}

#[cfg(test)]
mod tests;
