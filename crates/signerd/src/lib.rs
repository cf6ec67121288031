//! The key process: it composes what it signs, asks its own registry whether it may, and keeps a journal of it all.
//!
//! **In scope**: the registry (kept, extended by endorsed entries), the journal and its segments, the checks of every
//! order, what each purpose asks before it signs, certificates of the platform's own keys and of holders of ID tokens,
//! the clock guard, rates, the three sockets, start and stop of the process, the walls around it and around whoever else
//! asks for some ([`confine()`]), the lane processes of hardware tokens ([`lane()`]). [`KeyProcess`] is the core without
//! sockets or files; [`InProcess`] is the same behind [`signer::Signer`].
//!
//! **Out of scope**: who may ask (the server knows, and is not believed here), what an endorsement is and how it is
//! counted (the room `quorum`), which bytes a form covers (the room `envelope`), where private keys are (the room
//! `keystore`). No artifact is ever parsed here.
//!
//! Specifications: RFC 6962 §2 (the journal's tree) and §3 (certificate transparency), RFC 3161 (timestamp tokens),
//! RFC 5280 (certificates), C2SP `tlog-checkpoint`, `signed-note` and `static-ct-api`, the kernel's
//! `userspace-api/landlock.rst` and `userspace-api/seccomp_filter.rst`.

mod abreast;
mod admin;
mod anchor;
mod anchorage;
mod awaited;
mod batch;
mod certificate;
mod checkpoint;
mod clock;
mod code;
mod continuity;
mod credential;
mod disk;
mod error;
mod gate;
mod guard;
mod holder;
mod in_process;
mod intended;
mod journal;
mod keys;
mod lane;
mod porch;
mod process;
mod promise;
mod rate;
mod recall;
mod sandbox;
mod seats;
mod shared;
mod socket;
mod standing;
mod start;
mod state;
mod timestamp;
mod tuf;

pub use clock::SystemClock;
pub use continuity::{Continuity, RESTORED, Restored};
pub use disk::FileDisk;
pub use error::KeyProcessError;
pub use in_process::InProcess;
pub use journal::inspect::{Blemish, Held, Inspection, KnownIntent, OrderKind, hold, inspect};
pub use keys::unopened;
pub use keystore::{
    Cost, HardwareToken, KeyStoreError, Passphrase, PassphraseError, Pkcs11Uri, Pkcs11UriError, SOFTWARE,
};
pub use lane::{DeadlineError, LaneError, Pkcs11Config, lane, look};
pub use process::{KeyProcess, Parts, SEGMENT_BYTES};
pub use sandbox::confine::{
    ConfineError, Confined, Confines, Filter, Modes, Network, Programs, Sockets, confine,
};
pub use sandbox::{User, harden, passphrase, start_nothing, user};
pub use start::{Config, Running, guarantees_file, run, start, witness_socket};

/// Where random bytes come from. In production the system; in a simulation its seed.
pub type Random = Box<dyn FnMut(&mut [u8]) + Send>;
