//! The real binary, run as people run it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::as_conversions,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

mod algorithms;
mod asserted;
mod attest;
mod bare;
mod books;
mod clients;
mod command_line;
mod commands;
mod conformance;
mod corpus;
mod demo;
mod der;
mod development;
mod drill;
mod flips;
mod forgery;
mod forms;
mod git;
mod hardware;
mod holders;
mod hostile;
mod issuers;
mod judges;
mod keyless;
mod kill;
mod launcher;
mod login;
mod matrix;
mod oci;
mod openpgp;
mod operations;
mod packages;
mod platform;
mod readme;
mod rekor;
mod rekor_v1;
mod repositories;
mod rollback;
mod several;
mod sigstore_site;
mod site;
mod stage;
mod successors;
mod tamper;
mod token;
mod trusted;
mod trusted_login;
#[cfg(target_arch = "x86_64")]
mod walls;
mod witnesses;
