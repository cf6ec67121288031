//! What an authority sees of the platform: no older than a moment, and never the key of a time that is over.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use model::{Clock, Instant};
use signer::{Platform, PlatformError, Signer, SignerError, State};

/// How long what was seen is gone by. The key process decides for itself, so that an old view can at worst send it an
/// order that it refuses; and strangers must not reach it at will.
const AGE_MAX: Duration = Duration::from_secs(1);

/// What an authority works with, made from the platform.
pub(crate) trait View: Sized {
    /// Why there is none.
    type Error: From<SignerError> + From<PlatformError>;

    /// What is in use at `at`.
    fn of(platform: &Platform, at: Instant) -> Result<Self, Self::Error>;

    /// Is it still in use at `at`?
    fn is_current(&self, platform: &Platform, at: Instant) -> bool;
}

/// The platform, as it was a moment ago, and the view of it.
pub(crate) struct Sight<V> {
    signer: Arc<dyn Signer>,
    clock: Arc<dyn Clock>,
    kept: Mutex<Option<Kept<V>>>,
}

struct Kept<V> {
    asked: Duration,
    state: State,
    platform: Platform,
    view: Arc<V>,
}

impl<V: View> Sight<V> {
    pub(crate) const fn new(signer: Arc<dyn Signer>, clock: Arc<dyn Clock>) -> Self {
        Self { signer, clock, kept: Mutex::new(None) }
    }

    /// What is in use now.
    pub(crate) fn view(&self) -> Result<Arc<V>, V::Error> {
        // Held while it is asked, so that a crowd asks the key process once.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let is_fresh = |kept: &&mut Kept<V>| self.clock.boot().saturating_sub(kept.asked) < AGE_MAX;
        match kept.as_mut().filter(is_fresh) {
            Some(kept) => kept.at(self.clock.now()),
            None => self.look(&mut kept),
        }
    }

    /// The same, asked again: what was in use a moment ago is refused now.
    pub(crate) fn renewed(&self) -> Result<Arc<V>, V::Error> {
        self.look(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn look(&self, kept: &mut Option<Kept<V>>) -> Result<Arc<V>, V::Error> {
        let (asked, at) = (self.clock.boot(), self.clock.now());
        let state = self.signer.state()?;
        if let Some(kept) = kept.as_mut().filter(|kept| is_same(&kept.state, &state)) {
            kept.asked = asked;
            return kept.at(at);
        }
        let platform = Platform::replay(&state)?;
        let view = Arc::new(V::of(&platform, at)?);
        *kept = Some(Kept { asked, state, platform, view: Arc::clone(&view) });
        Ok(view)
    }
}

impl<V: View> Kept<V> {
    fn at(&mut self, at: Instant) -> Result<Arc<V>, V::Error> {
        if !self.view.is_current(&self.platform, at) {
            self.view = Arc::new(V::of(&self.platform, at)?);
        }
        Ok(Arc::clone(&self.view))
    }
}

fn is_same(a: &State, b: &State) -> bool {
    a.registry == b.registry && a.certificates == b.certificates
}
