//! Room: how much of all requests' bodies may be in memory at once, and whether the process has any to spare.
//! Owns the count; a body's share is given back when the last who holds the body lets go of it. Refuses to count what
//! arrives in one piece: those are small, and there are at most as many as calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;

/// What all bodies share.
#[derive(Clone)]
pub struct Room(Arc<Left>);

struct Left {
    bytes: AtomicUsize,
    is_tight: AtomicBool,
}

/// What one body has of it.
pub struct Share {
    left: Arc<Left>,
    bytes: usize,
}

/// A body with its share.
struct Kept {
    body: Bytes,
    _share: Share,
}

impl Room {
    /// Room for so many bytes.
    pub fn of(bytes: usize) -> Self {
        Self(Arc::new(Left { bytes: AtomicUsize::new(bytes), is_tight: AtomicBool::new(false) }))
    }

    /// A share of nothing yet.
    pub fn share(&self) -> Share {
        Share { left: Arc::clone(&self.0), bytes: 0 }
    }

    /// Whether the process has too little memory left for another call.
    pub fn is_tight(&self) -> bool {
        self.0.is_tight.load(Ordering::Relaxed)
    }

    /// Notes whether it has; gives what was noted before.
    pub fn tighten(&self, is_tight: bool) -> bool {
        self.0.is_tight.swap(is_tight, Ordering::Relaxed)
    }
}

impl Share {
    /// Takes `bytes` more, if they are left.
    #[must_use]
    pub fn grow(&mut self, bytes: usize) -> bool {
        let taken = self.left.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes));
        if taken.is_ok() {
            self.bytes = self.bytes.saturating_add(bytes);
        }
        taken.is_ok()
    }

    /// The same body, holding its share as long as anybody holds the body.
    pub fn with(self, body: Bytes) -> Bytes {
        Bytes::from_owner(Kept { body, _share: self })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.left.bytes.fetch_add(self.bytes, Ordering::Relaxed);
    }
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_given_back_once_nobody_holds_the_body() {
        let room = Room::of(10);
        let mut one = room.share();
        assert!(one.grow(4) && one.grow(3) && !one.grow(4), "ten, and no more");
        let body = one.with(Bytes::from_static(b"1234567"));
        let part = body.slice(2..4);
        drop(body);
        assert!(!room.share().grow(4), "a part of it is held still");
        assert_eq!(part, "34");
        drop(part);
        assert!(room.share().grow(10));
    }
}
