//! The PKCS #11 store: keys in a hardware token, behind a vendor's module, in a process of its own.
//!
//! A module is somebody else's code, and is loaded nowhere but in a *lane process*: a child of the key process, one a
//! store, that is started again when it ends and killed when it does not answer. On this side of it are the store
//! ([`store`]), the lane with its keeper ([`lane`]) and the child as the system sees it ([`process`]); on the other
//! side is [`module`], which alone calls the module. Between them go bounded frames ([`wire`]).
//!
//! The lane process gets no secret but the PIN, which it reads from its file itself: it is in no argument, no
//! environment and no frame.

mod backoff;
mod fault;
mod lane;
mod module;
mod process;
mod refusal;
mod store;
mod system;
mod token;
mod uri;
mod wire;

pub use fault::LaneFault;
pub use module::{Called, CalledError};
pub use process::{LaneProgram, Pkcs11Wiring, look};
pub use store::Pkcs11Store;
pub use token::HardwareToken;
pub use uri::{Pkcs11Uri, Pkcs11UriError};
pub use wire::Reply as LaneReply;
