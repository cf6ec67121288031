//! A gate that lets only so much through at a time, in the order in which it is asked.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Lets in whoever comes, in their order, while what is inside together is no more than its room.
///
/// Who waits longest goes first, also where somebody who needs less would fit: a large one is not passed over for ever.
pub(crate) struct Gate {
    room: usize,
    line: Mutex<Line>,
    moved: Condvar,
}

struct Line {
    free: usize,
    /// The number that is given out next.
    next: u64,
    /// The number whose turn it is.
    turn: u64,
}

/// What is inside, until it is dropped.
pub(crate) struct Pass<'a> {
    gate: &'a Gate,
    size: usize,
}

impl Gate {
    pub(crate) const fn new(room: usize) -> Self {
        let line = Line { free: room, next: 0, turn: 0 };
        Self { room, line: Mutex::new(line), moved: Condvar::new() }
    }

    /// Waits for its turn, and then for room. What is larger than the room goes in alone.
    pub(crate) fn enter(&self, size: usize) -> Pass<'_> {
        let size = size.min(self.room);
        let mut line = self.line();
        let number = line.next;
        line.next += 1;
        while line.turn != number || line.free < size {
            line = self.moved.wait(line).unwrap_or_else(PoisonError::into_inner);
        }
        line.turn += 1;
        line.free -= size;
        drop(line);
        // Whoever is next may fit too.
        self.moved.notify_all();
        Pass { gate: self, size }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        // Nothing in here panics half way.
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.gate.line().free += self.size;
        self.gate.moved.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    /// Waits until so many have asked.
    fn await_asked(gate: &Gate, count: u64) {
        while gate.line().next < count {
            thread::yield_now();
        }
    }

    #[test]
    fn who_asks_first_goes_first_even_where_a_smaller_one_would_fit() {
        let gate = Gate::new(10);
        let (told, heard) = mpsc::channel();
        thread::scope(|scope| {
            let first = gate.enter(6);
            // While the second is inside, nobody else fits; so whoever is heard first went first.
            for (number, size) in [(1, 10), (2, 1), (3, 1)] {
                let (gate, told) = (&gate, told.clone());
                scope.spawn(move || {
                    let _pass = gate.enter(size);
                    let _ = told.send(number);
                });
                await_asked(gate, number + 1);
            }
            assert!(heard.try_recv().is_err(), "the small ones do not overtake");
            drop(first);
            let order: Vec<u64> = heard.iter().take(3).collect();
            assert_eq!((order.first(), order.len()), (Some(&1), 3));
        });
        assert_eq!(gate.line().free, 10);
    }

    #[test]
    fn what_is_inside_is_never_more_than_the_room() {
        let gate = Gate::new(100);
        thread::scope(|scope| {
            for size in [1, 30, 60, 99, 100, 1_000] {
                let gate = &gate;
                scope.spawn(move || {
                    for _ in 0..200 {
                        let _pass = gate.enter(size);
                        // `free` would have underflowed otherwise, and that panics.
                        assert!(gate.line().free <= 100);
                    }
                });
            }
        });
        assert_eq!(gate.line().free, 100);
    }
}
