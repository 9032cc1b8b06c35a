//! Memory as this thread holds it: an allocator that counts, so that "bounded" and "flat" are measured and not
//! believed.
//! Owns two figures for each thread, so that tests side by side do not disturb each other.
#![expect(unsafe_code, reason = "an allocator cannot be written without; every call goes to the system's unchanged")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// Bytes held now. Below zero where a thread gives back what another took.
    static HELD: Cell<isize> = const { Cell::new(0) };
    /// The most held since [`measure`] was last asked.
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

fn note(change: isize) {
    // A thread that ends has no figures any more; what it gives back then is nobody's.
    let held = HELD.try_with(|held| {
        held.set(held.get() + change);
        held.get()
    });
    if let Ok(held) = held {
        PEAK.try_with(|peak| peak.set(peak.get().max(held))).ok();
    }
}

fn size(layout: Layout) -> isize {
    isize::try_from(layout.size()).unwrap_or(isize::MAX)
}

// SAFETY: every request goes to the system's allocator with the caller's own layout; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(size(layout));
        // SAFETY: the caller keeps the contract of `GlobalAlloc`, which is the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        note(-size(layout));
        // SAFETY: as above.
        unsafe { System.dealloc(place, layout) }
    }
}

/// Bytes this thread holds now.
pub(crate) fn held() -> isize {
    HELD.get()
}

/// What `work` gives, and the most bytes it held at once beyond what was held before.
pub(crate) fn measure<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = held();
    PEAK.set(before);
    let made = work();
    (made, usize::try_from(PEAK.get() - before).unwrap_or(0))
}
