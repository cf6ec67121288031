//! Work that is done side by side.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Does the work for each of these on at most so many threads, the caller's among them; the outcomes are in the order
/// of what they came from. One that takes its time holds up itself, and no other as long as a thread is left.
pub(crate) fn abreast<T: Send, U: Send>(
    these: Vec<T>,
    width: NonZeroUsize,
    work: impl Fn(T) -> U + Sync,
) -> Vec<U> {
    let width = width.get().min(these.len());
    if width <= 1 {
        return these.into_iter().map(work).collect();
    }
    let done = Mutex::new(Vec::with_capacity(these.len()));
    let line = Mutex::new(these.into_iter().enumerate());
    // Nothing panics while it holds either of the two.
    let next = || line.lock().unwrap_or_else(PoisonError::into_inner).next();
    let one_after_the_other = || {
        while let Some((at, one)) = next() {
            let outcome = (at, work(one));
            done.lock().unwrap_or_else(PoisonError::into_inner).push(outcome);
        }
    };
    thread::scope(|scope| {
        for _ in 1..width {
            // Where the system has no thread left, the others do all of it.
            let _ =
                thread::Builder::new().name("abreast".to_owned()).spawn_scoped(scope, one_after_the_other);
        }
        one_after_the_other();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, outcome)| outcome).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    fn width(number: usize) -> NonZeroUsize {
        NonZeroUsize::new(number).expect("no test is of no width")
    }

    #[test]
    fn as_many_are_at_work_at_once_as_may_be_and_each_outcome_has_its_place() {
        // Nobody passes the barrier before three are there.
        let barrier = Barrier::new(3);
        let doubled = abreast((0..9).collect(), width(3), |number: u32| {
            barrier.wait();
            number * 2
        });
        assert_eq!(doubled, [0, 2, 4, 6, 8, 10, 12, 14, 16]);
    }

    #[test]
    fn a_single_one_is_done_where_it_came_from() {
        let here = thread::current().id();
        for (these, width) in [(vec![()], width(8)), (vec![(), ()], width(1))] {
            assert!(abreast(these, width, |()| thread::current().id()).iter().all(|one| *one == here));
        }
    }
}
