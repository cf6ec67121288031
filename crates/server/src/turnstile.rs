//! What calls may take of the server before it is known whether they may: bounded, and full is an answer that costs
//! nothing. Nobody's key is looked up and no body is read for a call that would be turned away in the end.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api::Code;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use crate::accept::Peer;
use crate::config::Limits;
use crate::problem::Refusal;
use crate::sources::network;

/// One source of the public holds one place in so many, and no more: whoever begins calls and does not end them is in
/// nobody's way but their own.
const SOURCES_MIN: usize = 4;

/// The bytes of bodies are counted in steps of this many.
const STEP_BYTES: usize = 1024;

/// A timestamp request is a digest and a few short fields: so many bytes have room for each that has a place.
const TIMESTAMP_BYTES: usize = 4 * STEP_BYTES;

/// Bounds on what is on its way.
#[derive(Debug)]
pub(crate) struct Turnstile {
    lookups: Semaphore,
    submissions: Arc<Semaphore>,
    steps: Arc<Semaphore>,
    /// How many places a source may hold.
    share: usize,
    shares: Shares,
}

/// How many places each source holds: no more sources than there are places.
type Shares = Arc<Mutex<HashMap<IpAddr, usize>>>;

/// The place of one submission, from before anybody asked whose it is until the engine has answered.
#[derive(Debug)]
pub(crate) struct Place {
    _place: OwnedSemaphorePermit,
    steps: Arc<Semaphore>,
    held: Vec<OwnedSemaphorePermit>,
    bytes: usize,
    _share: Option<Share>,
}

/// That a source holds one place more. It holds one less when this is dropped.
#[derive(Debug)]
struct Share {
    shares: Shares,
    source: IpAddr,
}

impl Turnstile {
    /// For requests of callers.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self::with(limits, limits.submissions_max, limits.submissions_bytes_max)
    }

    /// The same for entries that others bring to the log.
    pub(crate) fn of_entries(limits: &Limits) -> Self {
        Self::with(limits, limits.entries_max, limits.entries_bytes_max)
    }

    /// The same for whoever claims a certificate.
    pub(crate) fn of_claims(limits: &Limits) -> Self {
        Self::with(limits, limits.certificates_max, limits.certificates_bytes_max)
    }

    /// The same for timestamp requests.
    pub(crate) fn of_timestamps(limits: &Limits) -> Self {
        let count = limits.timestamps_max;
        Self::with(limits, count, count.saturating_mul(TIMESTAMP_BYTES))
    }

    /// So many places, whose bodies share so many bytes.
    fn with(limits: &Limits, places: usize, bytes: usize) -> Self {
        Self {
            lookups: semaphore(limits.lookups_max),
            submissions: Arc::new(semaphore(places)),
            steps: Arc::new(semaphore(bytes / STEP_BYTES)),
            share: (places / SOURCES_MIN).max(1),
            shares: Shares::default(),
        }
    }

    /// A turn to have a credential looked up. Whoever has proven themselves on this connection before waits for it;
    /// strangers do not, or they would stand before everybody else.
    pub(crate) async fn look_up(&self, peer: &Peer) -> Result<SemaphorePermit<'_>, Refusal> {
        let turn = if peer.proof.is_given() {
            self.lookups.acquire().await.ok()
        } else {
            self.lookups.try_acquire().ok()
        };
        turn.ok_or_else(|| busy("too many credentials are being looked up"))
    }

    /// A place for a submission, if there is one.
    pub(crate) fn admit(&self) -> Result<Place, Refusal> {
        let place = Arc::clone(&self.submissions).try_acquire_owned();
        let place = place.map_err(|_| busy("too many requests are on their way"))?;
        Ok(Place { _place: place, steps: Arc::clone(&self.steps), held: Vec::new(), bytes: 0, _share: None })
    }

    /// A place for whoever calls from there, if there is one and they do not hold their share already.
    pub(crate) fn admit_from(&self, source: Option<IpAddr>) -> Result<Place, Refusal> {
        let source = network(source.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)));
        let share = Share::take(&self.shares, source, self.share)
            .ok_or_else(|| busy("too many calls from this address are on their way"))?;
        Ok(Place { _share: Some(share), ..self.admit()? })
    }
}

impl Share {
    fn take(shares: &Shares, source: IpAddr, most: usize) -> Option<Self> {
        let mut held = lock(shares);
        let count = held.entry(source).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Self { shares: Arc::clone(shares), source })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = lock(&self.shares);
        if let Some(count) = held.get_mut(&self.source) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.source);
            }
        }
    }
}

fn lock(shares: &Shares) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
    shares.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Place {
    /// Makes room for more bytes of its body. Only what has come counts: who announces much holds nothing by it.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), Refusal> {
        let steps = |bytes: usize| bytes.div_ceil(STEP_BYTES);
        let more = steps(self.bytes + bytes) - steps(self.bytes);
        if more > 0 {
            let more = u32::try_from(more).ok();
            let taken = more.and_then(|more| Arc::clone(&self.steps).try_acquire_many_owned(more).ok());
            let taken = taken.ok_or_else(|| busy("the requests on their way are too large together"))?;
            match self.held.first_mut() {
                Some(held) => held.merge(taken),
                None => self.held.push(taken),
            }
        }
        self.bytes += bytes;
        Ok(())
    }
}

/// Calls that only read, whoever they are.
#[derive(Debug, Clone)]
pub(crate) struct Reads(Arc<Semaphore>);

impl Reads {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self(Arc::new(semaphore(limits.reads_max)))
    }
}

/// Lets so many calls in that read; whoever brings something has a place of their own to find.
pub(crate) async fn reading(State(Reads(places)): State<Reads>, request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let place = if reads { places.try_acquire().map(Some) } else { Ok(None) };
    match place {
        Ok(_until_it_is_answered) => next.run(request).await,
        Err(_) => Refusal::new(Code::Busy, "too much is being read at a time: try again").into_response(),
    }
}

fn semaphore(count: usize) -> Semaphore {
    Semaphore::new(count.min(Semaphore::MAX_PERMITS))
}

fn busy(why: &str) -> Refusal {
    Refusal::new(Code::Busy, format!("{why}: try again, it stays the same request"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it stands")]

    use super::*;

    fn turnstile() -> Turnstile {
        let limits = Limits {
            lookups_max: 1,
            submissions_max: 2,
            submissions_bytes_max: 4 * STEP_BYTES,
            ..Limits::default()
        };
        Turnstile::new(&limits)
    }

    #[test]
    fn bodies_share_a_number_of_bytes_and_give_them_back_with_their_places() {
        let turnstile = turnstile();
        let (mut first, mut second) = (turnstile.admit().unwrap(), turnstile.admit().unwrap());
        assert_eq!(turnstile.admit().unwrap_err().problem.code, Code::Busy);
        for _ in 0..3 * STEP_BYTES {
            first.grow(1).unwrap();
        }
        second.grow(STEP_BYTES).unwrap();
        assert_eq!(second.grow(1).unwrap_err().problem.code, Code::Busy);
        drop(first);
        second.grow(3 * STEP_BYTES).unwrap();
    }

    #[test]
    fn one_source_holds_its_share_of_the_places_and_leaves_the_others_to_others() {
        let limits = Limits { entries_max: 8, ..Limits::default() };
        let turnstile = Turnstile::of_entries(&limits);
        let one: Option<IpAddr> = Some("2001:db8::1".parse().unwrap());
        let same_network = Some("2001:db8::ffff:2".parse().unwrap());
        let other = Some("192.0.2.7".parse().unwrap());
        let held = [turnstile.admit_from(one).unwrap(), turnstile.admit_from(same_network).unwrap()];
        assert_eq!(turnstile.admit_from(one).unwrap_err().problem.code, Code::Busy);
        let others = turnstile.admit_from(other).unwrap();
        drop(held);
        assert_eq!(lock(&turnstile.shares).len(), 1, "whoever holds nothing is forgotten");
        turnstile.admit_from(one).unwrap();
        drop(others);
        assert!(lock(&turnstile.shares).is_empty());
    }

    #[tokio::test]
    async fn a_stranger_does_not_wait_for_a_lookup_and_who_was_proven_does() {
        let turnstile = turnstile();
        let (stranger, known) = (Peer::default(), Peer::default());
        known.proof.give();
        let turn = turnstile.look_up(&stranger).await.unwrap();
        assert_eq!(turnstile.look_up(&stranger).await.unwrap_err().problem.code, Code::Busy);
        let (waited, ()) = tokio::join!(turnstile.look_up(&known), async { drop(turn) });
        assert!(waited.is_ok());
    }
}
