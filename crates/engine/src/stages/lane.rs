//! The lanes of Sign: one for each key store, so that one that is slow holds up its own requests alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use model::Space;
use signer::SignerError;

use super::World;
use crate::SubmitError;
use crate::platform::PlatformKey;

/// How many requests may be on their way through a lane. Who comes when it is full is told to come back, before
/// anything is recorded: so a lane never holds up what comes before it, whatever its store does. It is half of what waits
/// at the door at most, so that one lane that hangs leaves as much room for the others.
pub(crate) const PASSAGES_MAX: usize = 1_024;

/// When somebody who was turned away should come back.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The lanes, one for each store that the key process had when they were opened.
#[derive(Clone)]
pub struct Lanes(Arc<BTreeMap<Space, Arc<Lane>>>);

/// The path of one key store through Sign.
#[derive(Debug)]
pub struct Lane {
    store: Space,
    taken: AtomicUsize,
}

/// The right of a request to go through a lane, until it did or it ends.
#[derive(Debug)]
pub(crate) struct Passage(Arc<Lane>);

/// A key whose store has no lane.
#[derive(Debug, thiserror::Error)]
#[error("key store `{store}` was not there when the server started: start the server again")]
struct NoLane {
    store: Space,
}

impl Lanes {
    /// A lane for each store that the key process tells of.
    pub fn open(world: &World) -> Result<Self, SignerError> {
        let stores = world.signer.state()?.stores.into_iter();
        let lane = |store: Space| (store.clone(), Arc::new(Lane { store, taken: AtomicUsize::new(0) }));
        Ok(Self(Arc::new(stores.map(lane).collect())))
    }

    /// All of them. A request goes through those that it needs in this order, so that no two lanes wait for each other.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Lane>> {
        self.0.values()
    }

    /// A passage through every lane that these keys need, or through none.
    pub(crate) fn book(&self, keys: &[Arc<PlatformKey>]) -> Result<Vec<Passage>, SubmitError> {
        let stores: BTreeSet<&Space> = keys.iter().map(|key| &key.record().store).collect();
        stores.into_iter().map(|store| self.passage(store)).collect()
    }

    fn passage(&self, store: &Space) -> Result<Passage, SubmitError> {
        let lane = self.0.get(store).ok_or_else(|| {
            SubmitError::unavailable("the key process", Arc::new(NoLane { store: store.clone() }))
        })?;
        // Whether it was one too many or not, dropping the passage gives the place back.
        let before = lane.taken.fetch_add(1, Ordering::Relaxed);
        let passage = Passage(Arc::clone(lane));
        if before < PASSAGES_MAX { Ok(passage) } else { Err(SubmitError::Busy { retry_after: RETRY_AFTER }) }
    }
}

impl Lane {
    /// The key store.
    pub const fn store(&self) -> &Space {
        &self.store
    }
}

impl Passage {
    pub(crate) fn store(&self) -> &Space {
        &self.0.store
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn a_full_lane_turns_its_own_away_and_no_others_and_has_room_again_once_one_is_through() {
        let name = |text: &str| text.parse::<Space>().unwrap();
        let lane = |store: Space| (store.clone(), Arc::new(Lane { store, taken: AtomicUsize::new(0) }));
        let lanes = Lanes(Arc::new([name("software"), name("token")].map(lane).into()));
        let mut held: Vec<Passage> =
            (0..PASSAGES_MAX).map(|_| lanes.passage(&name("token")).unwrap()).collect();
        assert!(matches!(lanes.passage(&name("token")), Err(SubmitError::Busy { .. })));
        lanes.passage(&name("software")).unwrap();
        held.pop();
        lanes.passage(&name("token")).unwrap();
        assert!(matches!(lanes.passage(&name("gone")), Err(SubmitError::Unavailable { .. })));
    }
}
