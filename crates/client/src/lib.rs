//! The client of avouch's HTTP API.
//!
//! **In scope**: one method for each path of `/v1` and of the public listener, authentication by client certificate
//! or API key, time limits, retries where they are safe, waiting for a request to be done, and the administrative
//! paths on the server's local socket; the services of Sigstore, ours or anybody's ([`Sigstore`]); witnesses
//! ([`WitnessClient`]); registries of container images ([`oci`]).
//!
//! **Out of scope**: composing requests, verifying what comes back (that is `verify`, and nothing here believes a
//! server), the command line.
//!
//! Specification: the wire types are in `api`; problems are RFC 9457.

mod admin;
mod context;
mod error;
mod exchange;
mod signing;
mod sigstore;
mod tuf;
mod witness;

pub mod oci;

pub use admin::AdminClient;
pub use context::{Context, Credential};
pub use error::{ClientError, Kind};
pub use signing::{Client, Shard, Wait};
pub use sigstore::{Believed, NewEntry, Places, Sigstore};
pub use tuf::{TufSite, escaped};
pub use witness::{WitnessClient, WitnessReply};
