//! A bounded queue that hands out whatever has gathered.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A queue between two stages.
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    capacity: usize,
}

struct State<T> {
    waiting: VecDeque<T>,
    is_closed: bool,
}

/// Why something was not put into a queue: it comes back.
#[derive(Debug)]
pub(crate) enum TurnedAway<T> {
    /// The queue is full.
    Full(T),
    /// Nothing is taken any more.
    Closed(T),
}

/// What comes out of a queue.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Batch<T> {
    /// What has gathered, at least one.
    Of(Vec<T>),
    /// Nothing within the time that was waited.
    Idle,
    /// Nothing, and nothing will come.
    Closed,
}

impl<T> Queue<T> {
    pub(crate) fn new(capacity: usize) -> Self {
        let state = State { waiting: VecDeque::new(), is_closed: false };
        Self { state: Mutex::new(state), changed: Condvar::new(), capacity }
    }

    /// Puts something in if there is room: for the door, where a full queue is an answer.
    pub(crate) fn offer(&self, one: T) -> Result<(), TurnedAway<T>> {
        let mut state = self.lock();
        if state.is_closed {
            return Err(TurnedAway::Closed(one));
        }
        if state.waiting.len() >= self.capacity {
            return Err(TurnedAway::Full(one));
        }
        state.waiting.push_back(one);
        self.changed.notify_all();
        Ok(())
    }

    /// Puts all of it in, and waits while the queue is full: between stages, where waiting is what holds the stage
    /// before back. What comes after the end is dropped; its row is in the store.
    ///
    /// Who takes is woken once all of it is in, so that a batch stays one.
    pub(crate) fn push_all(&self, many: impl IntoIterator<Item = T>) {
        let mut many = many.into_iter().peekable();
        if many.peek().is_none() {
            return;
        }
        let mut state = self.lock();
        for one in many {
            while state.waiting.len() >= self.capacity && !state.is_closed {
                self.changed.notify_all();
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if !state.is_closed {
                state.waiting.push_back(one);
            }
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Takes whatever has gathered, at most `count`; waits for the first, at most `patience`.
    pub(crate) fn take(&self, count: usize, patience: Option<Duration>) -> Batch<T> {
        let mut state = self.lock();
        while state.waiting.is_empty() || count == 0 {
            if state.is_closed && state.waiting.is_empty() {
                return Batch::Closed;
            }
            state = match patience {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(patience) => {
                    let (state, waited) =
                        self.changed.wait_timeout(state, patience).unwrap_or_else(PoisonError::into_inner);
                    if waited.timed_out() && (count == 0 || state.waiting.is_empty() && !state.is_closed) {
                        return Batch::Idle;
                    }
                    state
                }
            };
        }
        let count = count.min(state.waiting.len());
        let batch = state.waiting.drain(..count).collect();
        self.changed.notify_all();
        Batch::Of(batch)
    }

    /// Takes nothing in any more; what is in is still handed out.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }

    pub(crate) fn length(&self) -> u64 {
        u64::try_from(self.lock().waiting.len()).unwrap_or(u64::MAX)
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn a_batch_is_whatever_has_gathered_and_at_most_what_was_asked_for() {
        let queue = Queue::new(8);
        for one in 0..5 {
            queue.offer(one).unwrap();
        }
        assert_eq!(queue.take(3, None), Batch::Of(vec![0, 1, 2]));
        assert_eq!(queue.take(3, None), Batch::Of(vec![3, 4]));
        assert_eq!(queue.take(3, Some(Duration::ZERO)), Batch::Idle);
    }

    #[test]
    fn a_full_queue_gives_back_what_it_does_not_take_and_a_closed_one_hands_out_what_it_holds() {
        let queue = Queue::new(1);
        queue.offer("first").unwrap();
        assert!(matches!(queue.offer("second"), Err(TurnedAway::Full("second"))));
        queue.close();
        assert!(matches!(queue.offer("third"), Err(TurnedAway::Closed("third"))));
        assert_eq!(queue.take(9, None), Batch::Of(vec!["first"]));
        assert_eq!(queue.take(9, None), Batch::Closed);
    }
}
