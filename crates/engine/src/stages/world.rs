//! All that the stages touch, behind traits.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use model::{Clock, RequestId, Space};
use signer::Signer;
use tlog::{CheckpointLock, TileStore};

use super::LogMark;
use super::records::Place;
use crate::board::{Board, Reply, Seat};
use crate::logs::Logs;
use crate::metrics::Counters;
use crate::platform::{Platform, PlatformCache};
use crate::troubles::Troubles;
use crate::{
    Directory, Ledger, LogIndex, PolicyEngine, RequestStore, Row, State, StoreError, SubmitError,
    Timestamper, View,
};

/// Fills a buffer with random bytes.
pub type Random = Box<dyn FnMut(&mut [u8]) + Send>;

/// What the engine is put together from.
pub struct Parts {
    /// Wall time, and the time by which everything inside is measured.
    pub clock: Arc<dyn Clock>,
    /// Randomness for salts.
    pub random: Random,
    /// The key process.
    pub signer: Arc<dyn Signer>,
    /// Policy.
    pub policy: Arc<dyn PolicyEngine>,
    /// The timestamp authority.
    pub timestamper: Arc<dyn Timestamper>,
    /// Request rows and receipts.
    pub requests: Arc<dyn RequestStore>,
    /// The audit ledger.
    pub ledger: Arc<dyn Ledger>,
    /// Profiles and grants.
    pub directory: Arc<dyn Directory>,
    /// The transparency log's tiles.
    pub tiles: Arc<dyn TileStore>,
    /// The transparency log's newest checkpoint.
    pub lock: Arc<dyn CheckpointLock>,
    /// The transparency log's index.
    pub index: Arc<dyn LogIndex>,
}

/// The parts, with what the stages share of them in memory.
pub struct World {
    pub(crate) clock: Arc<dyn Clock>,
    random: Mutex<Random>,
    pub(crate) signer: Arc<dyn Signer>,
    pub(crate) policy: Arc<dyn PolicyEngine>,
    pub(crate) timestamper: Arc<dyn Timestamper>,
    pub(crate) requests: Arc<dyn RequestStore>,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) tiles: Arc<dyn TileStore>,
    pub(crate) lock: Arc<dyn CheckpointLock>,
    pub(crate) index: Arc<dyn LogIndex>,
    pub(crate) cache: PlatformCache,
    pub(crate) board: Board,
    pub(crate) counters: Counters,
    pub(crate) troubles: Troubles,
    /// The transparency logs that were opened.
    pub(crate) logs: Logs,
    /// Where the transparency log stands: the entries of an intent that is recorded now are not before it.
    log_mark: AtomicU64,
}

impl World {
    /// Puts the parts together. Nothing is asked of any of them yet.
    pub fn new(parts: Parts) -> Self {
        let Parts {
            clock,
            random,
            signer,
            policy,
            timestamper,
            requests,
            ledger,
            directory,
            tiles,
            lock,
            index,
        } = parts;
        Self {
            cache: PlatformCache::new(Arc::clone(&signer), Arc::clone(&clock)),
            random: Mutex::new(random),
            board: Board::default(),
            counters: Counters::default(),
            troubles: Troubles::default(),
            logs: Logs::default(),
            log_mark: AtomicU64::new(0),
            clock,
            signer,
            policy,
            timestamper,
            requests,
            ledger,
            directory,
            tiles,
            lock,
            index,
        }
    }

    /// Where the transparency log stands.
    pub(crate) fn log_mark(&self) -> LogMark {
        LogMark::read(self.log_mark.load(Ordering::Acquire))
    }

    pub(crate) fn mark_log(&self, mark: LogMark) {
        self.log_mark.store(mark.number(), Ordering::Release);
    }

    /// The platform, refreshed if it does not know what `knows` looks for.
    pub(crate) fn platform(&self, knows: impl Fn(&Platform) -> bool) -> Result<Arc<Platform>, SubmitError> {
        let platform = self.cache.current()?;
        if knows(&platform) { Ok(platform) } else { self.cache.refreshed() }
    }

    /// Where the next leaf about a request stands.
    pub(crate) fn place(&self, request: RequestId, space: &Space) -> Place {
        Place { request: Some(request), space: space.clone(), time: self.clock.now(), salt: self.salt() }
    }

    /// Where the next leaf about no request stands.
    pub(crate) fn place_of_none(&self) -> Place {
        let space = "platform".parse().expect("the platform's own space is a well formed name");
        Place { request: None, space, time: self.clock.now(), salt: self.salt() }
    }

    fn salt(&self) -> [u8; 16] {
        let mut salt = [0; 16];
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        random(&mut salt);
        salt
    }

    /// How a request stands; `None` if there is no such request.
    pub(crate) fn view(&self, id: RequestId) -> Result<Option<(Row, View)>, StoreError> {
        let Some(row) = self.requests.load(&[id])?.into_iter().flatten().next() else { return Ok(None) };
        let mut view = View::of(id, model::Request::digest(&row.request), row.standing.clone());
        match view.state {
            State::Intended => view.state = self.board.progress(&id).unwrap_or(State::Intended),
            State::Done => view.receipts = self.requests.receipts(&id)?,
            _ => {}
        }
        Ok(Some((row, view)))
    }

    /// Answers with how a request stands: at once, if it is final or waits for people; else once it is final.
    pub(crate) fn join(&self, id: RequestId, reply: Reply) {
        match self.view(id) {
            Ok(Some((_, view))) if view.state.is_final() || view.state == State::Waiting => reply(Ok(view)),
            Ok(Some(_)) => {
                // Nothing that is in flight stays so for long: the seat is given up when it is final.
                self.watch(id, reply);
            }
            Ok(None) => reply(Err(SubmitError::NotFound { id })),
            Err(error) => reply(Err(error.into())),
        }
    }

    /// Answers once a request is final, and says where the reply waits until then.
    pub(crate) fn watch(&self, id: RequestId, reply: Reply) -> Option<Seat> {
        // Watched first and looked at then, so that an end in between is not missed.
        let (seat, turned_away) = match self.board.watch(id, reply) {
            Ok(seat) => (Some(seat), None),
            Err(reply) => (None, Some(reply)),
        };
        match (self.view(id), turned_away) {
            (Ok(Some((_, view))), Some(reply)) => reply(Ok(view)),
            (Ok(Some((_, view))), None) if view.state.is_final() => self.board.tell(&view),
            (Ok(Some(_)), None) => {}
            (Ok(None), turned_away) => self.board.fail(id, turned_away, || SubmitError::NotFound { id }),
            (Err(error), turned_away) => {
                let error = Arc::new(error);
                self.board.fail(id, turned_away, || SubmitError::unavailable("the store", error.clone()));
            }
        }
        seat
    }
}
