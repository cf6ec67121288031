//! Who waits for which request, and how far those in flight are.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use model::RequestId;

use crate::{State, SubmitError, View};

/// What is called once, with how a request stands or why it was not taken.
pub type Reply = Box<dyn FnOnce(Result<View, SubmitError>) + Send>;

/// How many may wait for one request.
const WATCHERS_MAX: usize = 64;

/// Memory of what is in flight. Nothing here is needed to recover: who waited asks again.
#[derive(Default)]
pub(crate) struct Board {
    requests: Mutex<HashMap<RequestId, Entry>>,
    seats: AtomicU64,
}

#[derive(Default)]
struct Entry {
    progress: Option<State>,
    replies: Vec<(Seat, Reply)>,
}

/// The place of one who waits. No two are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seat(u64);

impl Board {
    /// Calls `reply` once the request is final; gives it back where too many wait already.
    pub(crate) fn watch(&self, id: RequestId, reply: Reply) -> Result<Seat, Reply> {
        let mut requests = self.lock();
        let replies = &mut requests.entry(id).or_default().replies;
        if replies.len() >= WATCHERS_MAX {
            return Err(reply);
        }
        let seat = Seat(self.seats.fetch_add(1, Ordering::Relaxed));
        replies.push((seat, reply));
        Ok(seat)
    }

    /// Drops the reply of one who does not wait any more.
    pub(crate) fn leave(&self, id: RequestId, seat: Seat) {
        let mut requests = self.lock();
        let Some(entry) = requests.get_mut(&id) else { return };
        let place = entry.replies.iter().position(|(taken, _)| *taken == seat);
        let left = place.map(|place| entry.replies.swap_remove(place));
        if entry.replies.is_empty() && entry.progress.is_none() {
            requests.remove(&id);
        }
        // What the reply holds is somebody else's code, and is dropped outside the lock.
        drop(requests);
        drop(left);
    }

    /// Tells all who wait for a request, and one more, that it cannot be said how it stands.
    pub(crate) fn fail(&self, id: RequestId, one_more: Option<Reply>, why: impl Fn() -> SubmitError) {
        let entry = self.lock().remove(&id).unwrap_or_default();
        for reply in entry.replies().chain(one_more) {
            reply(Err(why()));
        }
    }

    /// Notes how far a request in flight is.
    pub(crate) fn note(&self, id: RequestId, state: State) {
        self.lock().entry(id).or_default().progress = Some(state);
    }

    /// How far a request is that its row calls intended.
    pub(crate) fn progress(&self, id: &RequestId) -> Option<State> {
        self.lock().get(id).and_then(|entry| entry.progress)
    }

    /// Tells all who wait for a request how it stands, and forgets it.
    pub(crate) fn tell(&self, view: &View) {
        // The replies are called outside the lock: they are somebody else's code.
        let entry = self.lock().remove(&view.id).unwrap_or_default();
        for reply in entry.replies() {
            reply(Ok(view.clone()));
        }
    }

    /// Tells all who wait for anything that they will not hear of it from here.
    pub(crate) fn close(&self, why: impl Fn() -> SubmitError) {
        let entries: Vec<Entry> = self.lock().drain().map(|(_, entry)| entry).collect();
        for reply in entries.into_iter().flat_map(Entry::replies) {
            reply(Err(why()));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RequestId, Entry>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn replies(self) -> impl Iterator<Item = Reply> {
        self.replies.into_iter().map(|(_, reply)| reply)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use std::sync::Arc;

    use super::*;

    const ID: RequestId = RequestId::new([1; 16]);

    fn reply(held: &Arc<()>) -> Reply {
        let held = Arc::clone(held);
        Box::new(move |_| drop(held))
    }

    #[test]
    fn who_leaves_makes_room_and_leaves_nothing_behind() {
        let (board, held) = (Board::default(), Arc::new(()));
        for _ in 0..10 * WATCHERS_MAX {
            let seat = board.watch(ID, reply(&held)).ok().unwrap();
            board.leave(ID, seat);
            board.leave(ID, seat);
        }
        assert!(board.lock().is_empty());
        assert_eq!(Arc::strong_count(&held), 1);
    }

    #[test]
    fn who_stays_keeps_their_seat_and_the_progress_stays_known() {
        let (board, held) = (Board::default(), Arc::new(()));
        let seats: Vec<Seat> =
            (0..WATCHERS_MAX).map(|_| board.watch(ID, reply(&held)).ok().unwrap()).collect();
        assert!(board.watch(ID, reply(&held)).is_err());
        board.note(ID, State::Signed);
        for seat in &seats[1..] {
            board.leave(ID, *seat);
        }
        assert_eq!((board.lock()[&ID].replies.len(), Arc::strong_count(&held)), (1, 2));
        board.leave(ID, seats[0]);
        assert_eq!(board.progress(&ID), Some(State::Signed));
    }
}
