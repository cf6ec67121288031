//! How a key of the platform stands among its kind.

use model::Instant;
use quorum::{Key, KeyState, Registry};

/// How a key stands at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is known, and is to take over.
    Next,
    /// It signs.
    InUse,
    /// Another took over; what it still signs is believed.
    Succeeded,
    /// It does not sign until a quorum restores it.
    Suspended,
    /// What it signs is refused.
    Ended,
}

impl Standing {
    pub(super) fn of(key: &Key, registry: &Registry, now: Instant) -> Self {
        let in_use = registry.in_use(key.record.form, now).map(|key| key.record.id());
        match key.state {
            KeyState::Suspended => Self::Suspended,
            _ if !key.is_active_at(now) => Self::Ended,
            _ if in_use == Some(key.record.id()) => Self::InUse,
            _ if now < key.record.in_use_from() => Self::Next,
            _ => Self::Succeeded,
        }
    }

    /// In words, with the times that belong to it: since when, and what is next.
    pub(super) fn words(self, key: &Key, registry: &Registry) -> String {
        let record = &key.record;
        let from = record.takes_over.unwrap_or(record.not_before);
        let successor = registry.keys().find(|next| {
            next.record.form == record.form && next.record.takes_over.is_some_and(|at| at > from)
        });
        match (self, key.state) {
            (Self::Next, _) => format!("next: takes over at {from}"),
            (Self::InUse, KeyState::Retired) => {
                let next = successor.map_or_else(String::new, |next| {
                    format!(
                        "{}#{} takes over at {}, ",
                        next.record.name,
                        next.record.generation,
                        next.record.in_use_from()
                    )
                });
                format!("in use since {from}; next: {next}it is retired at {}", key.since)
            }
            (Self::InUse, _) => format!("in use since {from}; next: it ends at {}", record.not_after),
            (Self::Succeeded, KeyState::Retired) => {
                format!("believed since {}; next: it is retired at {}", record.not_before, key.since)
            }
            (Self::Succeeded, _) => format!("believed since {}, beside the one in use", record.not_before),
            (Self::Suspended, _) => format!("suspended since {}", key.since),
            (Self::Ended, KeyState::Revoked) => {
                format!("revoked since {}; what it signed before stands", key.since)
            }
            (Self::Ended, _) => format!("retired since {}; what it signed before stands", key.since),
        }
    }
}
