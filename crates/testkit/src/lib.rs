//! What tests of every room share, and nothing that ships.
//!
//! **In scope**: skips that are counted and not silent, the published vectors, foreign tools and what they said,
//! folders that go away, throwaway keys ([`Key`]), a world that a test holds in its hand ([`HandClock`], [`MemoryDisk`], [`CrashDisk`],
//! [`SlowStore`], [`Seeded`]), the people in it ([`Person`]) with the platforms that they found ([`founding`]), and the suites that every
//! implementation of a trait runs ([`keystore`]).
//!
//! **Out of scope**: anything outside tests; what a single room needs, which stands in that room's own tests.
//!
//! `cargo xtask test` reads the files that [`skip`] and [`interop_row`] append to.
#![allow(clippy::panic, reason = "where a test cannot go on, it fails")]

mod clock;
mod crash_disk;
mod disk;
pub mod founding;
mod http_site;
mod idp;
mod interop;
mod key;
pub mod keystore;
mod lines;
mod person;
mod pkits;
mod seeded;
mod skip;
mod slow_store;
mod soft_hsm;
mod tls;
mod tool;

pub use clock::HandClock;
pub use crash_disk::{CrashDisk, Fault};
pub use disk::MemoryDisk;
pub use http_site::{Asked, HttpSite, Reply};
pub use idp::IdentityProvider;
pub use interop::{ClientCell, Direction, interop_cell, interop_row};
pub use key::Key;
pub use person::Person;
pub use pkits::{Pkits, pkits};
pub use seeded::Seeded;
pub use skip::{skip, vectors};
pub use slow_store::{Hold, SlowStore};
pub use soft_hsm::{Shim, SoftHsm};
pub use tempfile::TempDir as TempFolder;
pub use tls::{TlsPeriod, TlsRoot, TlsServer};
pub use tool::{Tool, oidc_browser, sigstore_js, sigstore_js_client, tool, tuf_python};

/// A folder of one's own, removed with all that is in it when the value is dropped.
pub fn temp_folder() -> TempFolder {
    match tempfile::Builder::new().prefix("avouch-test-").tempdir() {
        Ok(folder) => folder,
        Err(error) => panic!("cannot make a folder for this test: {error}"),
    }
}
