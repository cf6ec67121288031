//! Where a connection waits until it is known who is at its other end.

use std::collections::BTreeMap;
use std::io;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So many wait at a time.
const PLACES: usize = 16;

/// How long each may wait undisturbed: who means to say who they are has said it by then.
const UNDISTURBED: Duration = Duration::from_millis(100);

/// Connections of which nobody knows yet whose they are.
///
/// Whoever comes when all places are taken has the place of whoever waited longest, so that nobody keeps others out by
/// saying nothing. They come in no faster than one after the other has had its time.
#[derive(Default)]
pub(crate) struct Porch {
    waiting: Mutex<Waiting>,
    left: Condvar,
}

#[derive(Default)]
struct Waiting {
    /// The number that is given out next: who has the lowest has waited longest.
    next: u64,
    those: BTreeMap<u64, (Instant, UnixStream)>,
}

/// A place, until it is dropped.
pub(crate) struct Place {
    porch: Arc<Porch>,
    number: u64,
}

impl Porch {
    /// Lets one more wait, as soon as there is a place.
    pub(crate) fn enter(self: &Arc<Self>, stream: &UnixStream) -> io::Result<Place> {
        let stream = stream.try_clone()?;
        let mut waiting = self.waiting();
        while waiting.those.len() >= PLACES {
            let longest =
                waiting.those.first_key_value().map(|(number, (since, _))| (*number, since.elapsed()));
            let Some((number, waited)) = longest else { break };
            if waited < UNDISTURBED {
                let left = UNDISTURBED - waited;
                waiting = self.left.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0;
            } else if let Some((_, stream)) = waiting.those.remove(&number) {
                // Whoever reads from it reads its end.
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
        let number = waiting.next;
        waiting.next += 1;
        waiting.those.insert(number, (Instant::now(), stream));
        Ok(Place { porch: Arc::clone(self), number })
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Nothing in here panics half way.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.porch.waiting().those.remove(&self.number);
        self.porch.left.notify_all();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use std::io::Read as _;

    use super::*;

    #[test]
    fn who_comes_last_has_the_place_of_who_waited_longest_and_who_left_costs_nobody_a_place() {
        let porch = Arc::new(Porch::default());
        let pairs: Vec<_> = (0..=PLACES).map(|_| UnixStream::pair().unwrap()).collect();
        let mut places: Vec<_> = pairs[..PLACES].iter().map(|(ours, _)| porch.enter(ours).unwrap()).collect();
        places.push(porch.enter(&pairs[PLACES].0).unwrap());
        assert_eq!((&pairs[0].1).read(&mut [0]).unwrap(), 0, "the first was sent away");
        assert_eq!(porch.waiting().those.len(), PLACES);
        drop(places);
        assert_eq!(porch.waiting().those.len(), 0);
        pairs[1].0.set_nonblocking(true).unwrap();
        let error = (&pairs[1].0).read(&mut [0]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock, "and nobody else");
    }
}
