//! A watch over memory: a count in foreign bytes must not become an allocation.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// What a small input may take at once: fixed tables and texts of errors.
const SMALL: usize = 256 * 1024;

/// How many bytes one byte of input may become: `{}` is two bytes, and a value of some hundred in memory.
const FACTOR: usize = 512;

thread_local! {
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

/// The most that an input of this length may take at once.
pub const fn allowed(length: usize) -> usize {
    SMALL + FACTOR * length
}

/// Runs `work`, and says how many bytes the largest allocation in it had.
pub fn largest_allocation<T>(work: impl FnOnce() -> T) -> (T, usize) {
    LARGEST.set(0);
    let done = work();
    (done, LARGEST.get())
}

/// The system's allocator, looked at.
struct Watched;

#[global_allocator]
static WATCHED: Watched = Watched;

fn note(size: usize) {
    // A thread that is ending has no cell any more, and nobody who asks for it.
    let _ = LARGEST.try_with(|largest| largest.set(largest.get().max(size)));
}

// SAFETY: every call goes to the system's allocator as it came; `note` allocates nothing.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: as promised by our own caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: as promised by our own caller.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size);
        // SAFETY: as promised by our own caller.
        unsafe { System.realloc(old, layout, size) }
    }

    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        // SAFETY: as promised by our own caller.
        unsafe { System.dealloc(old, layout) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_allocation_for_a_promised_count_is_seen() {
        let promised = |count: usize| drop(std::hint::black_box(Vec::<u64>::with_capacity(count)));
        assert_eq!(largest_allocation(|| promised(1 << 20)), ((), 8 << 20));
        assert!(largest_allocation(|| promised(1 << 20)).1 > allowed(4));
        assert!(largest_allocation(|| promised(16)).1 <= allowed(4));
    }
}
