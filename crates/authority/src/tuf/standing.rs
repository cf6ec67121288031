//! How the metadata stands: which versions, until when, and who is late.

use std::time::Duration;

use envelope::tuf::renewed_before;
use model::{Instant, TufRole};
use quorum::Registry;
use signer::TufVersion;

/// How late a renewal may be before it is told: the server looks every minute.
const PATIENCE: Duration = Duration::from_secs(6 * 3_600);

/// How each role stands; empty where the platform has no TUF metadata.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TufStanding {
    /// Root, targets, snapshot, timestamp, as far as they are there.
    pub roles: Vec<RoleStanding>,
}

/// How one role stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoleStanding {
    /// Which.
    pub role: TufRole,
    /// Its newest version; zero where it should be there and is not.
    pub version: u64,
    /// Until when that counts.
    pub expires: Instant,
}

impl TufStanding {
    pub(super) fn of(registry: &Registry, signed: &[TufVersion]) -> Self {
        if registry.tuf().root().is_none() {
            return Self::default();
        }
        let newest = |role: &TufRole| {
            let of_role = signed.iter().filter(|one| one.role == *role);
            let newest = of_role.max_by_key(|one| one.version);
            let (version, expires) = newest.map_or((0, Instant::EPOCH), |one| (one.version, one.expires));
            RoleStanding { role: *role, version, expires }
        };
        let published = registry.tuf().targets().is_some();
        let there = TufRole::ALL.iter().filter(|role| published || **role == TufRole::Root);
        Self { roles: there.map(newest).collect() }
    }

    /// Those whose next version should be there by now.
    pub fn late(&self, now: Instant) -> impl Iterator<Item = &RoleStanding> {
        self.roles.iter().filter(move |one| one.is_late(now))
    }
}

impl RoleStanding {
    fn is_late(&self, now: Instant) -> bool {
        self.expires.since(now) < renewed_before(self.role).saturating_sub(PATIENCE)
    }

    /// Do people have to renew it, or does it renew alone?
    pub const fn is_renewed_by_people(&self) -> bool {
        matches!(self.role, TufRole::Root | TufRole::Targets)
    }
}
