//! Who waits for which request, and how far those in flight are.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use model::RequestId;

use crate::{State, SubmitError, View};

/// What is called once, with how a request stands or why it was not taken.
pub type Reply = Box<dyn FnOnce(Result<View, SubmitError>) + Send>;

/// How many may wait for one request: clients that ask again leave their earlier questions here.
const WATCHERS_MAX: usize = 64;

/// Memory of what is in flight. Nothing here is needed to recover: who waited asks again.
#[derive(Default)]
pub(crate) struct Board {
    requests: Mutex<HashMap<RequestId, Entry>>,
}

#[derive(Default)]
struct Entry {
    progress: Option<State>,
    replies: Vec<Reply>,
}

impl Board {
    /// Calls `reply` once the request is final; gives it back where too many wait already.
    pub(crate) fn watch(&self, id: RequestId, reply: Reply) -> Result<(), Reply> {
        let mut requests = self.lock();
        let replies = &mut requests.entry(id).or_default().replies;
        if replies.len() >= WATCHERS_MAX {
            return Err(reply);
        }
        replies.push(reply);
        Ok(())
    }

    /// Tells all who wait for a request, and one more, that it cannot be said how it stands.
    pub(crate) fn fail(&self, id: RequestId, one_more: Option<Reply>, why: impl Fn() -> SubmitError) {
        let entry = self.lock().remove(&id).unwrap_or_default();
        for reply in entry.replies.into_iter().chain(one_more) {
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
        for reply in entry.replies {
            reply(Ok(view.clone()));
        }
    }

    /// Tells all who wait for anything that they will not hear of it from here.
    pub(crate) fn close(&self, why: impl Fn() -> SubmitError) {
        let entries: Vec<Entry> = self.lock().drain().map(|(_, entry)| entry).collect();
        for reply in entries.into_iter().flat_map(|entry| entry.replies) {
            reply(Err(why()));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RequestId, Entry>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
