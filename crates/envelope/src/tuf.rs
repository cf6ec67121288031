//! TUF metadata ([The Update Framework](https://theupdateframework.github.io/specification/latest/), 1.0): by which files
//! of a repository clients know whom they trust.
//!
//! What is composed here is of one shape: ECDSA keys on P-256, thresholds of one, consistent snapshots, no delegations.
//! What is opened may be anybody's, with fields that nobody knows: they are covered by the signatures like all others.

mod canonical;
mod compose;
mod delegated;
mod key;
mod open;

pub use canonical::{NotCanonical, canonical};
pub use compose::{FILE_NAME_BYTES_MAX, Named, NewMetadata, RoleKeys, Sealed, is_file_name, key_id};
pub use delegated::{DelegatedRole, Delegations};
pub use key::TufKey;
pub use open::{
    FileMeta, Keyring, Kind, Metadata, Opened, Root, Signers, Snapshot, TargetMeta, Targets, Timestamp,
    TufError,
};

use std::time::Duration;

use model::TufRole;

const DAY: Duration = Duration::from_secs(86_400);

/// The version of the specification that composed metadata names.
pub const SPECIFICATION: &str = "1.0.31";

/// The longest metadata of a role that is read.
pub const fn bytes_max(role: TufRole) -> usize {
    match role {
        TufRole::Timestamp => 16 * 1024,
        TufRole::Root => 512 * 1024,
        TufRole::Snapshot => 2 * 1024 * 1024,
        _ => 5 * 1024 * 1024,
    }
}

/// For how long one version of a role's metadata may count: what a repository that stands still keeps from its clients, it
/// keeps from them for so long and no longer.
pub const fn period(role: TufRole) -> Duration {
    let days = match role {
        TufRole::Timestamp => 7,
        TufRole::Snapshot => 30,
        _ => 400,
    };
    DAY.saturating_mul(days)
}

/// How much of that must be left; where there is less, the next version is due. What renews alone has a day in seven, and
/// whoever watches it the other six.
pub const fn renewed_before(role: TufRole) -> Duration {
    let days = match role {
        TufRole::Timestamp => 6,
        TufRole::Snapshot => 20,
        _ => 60,
    };
    DAY.saturating_mul(days)
}
