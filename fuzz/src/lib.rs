//! What every parser of foreign bytes is fed with, as plain functions from bytes.
//!
//! **In scope**: one function a target, which panics where a parser breaks a promise; the list of them; the watch
//! over memory; what the promises are held against ([`known`], [`platform`]).
//!
//! **Out of scope**: the fuzzer itself (`fuzz_targets/`, libFuzzer) and the corpora (`corpus/TARGET/`, written by the
//! example `seed`).
//!
//! Four promises are checked wherever a parser makes them: it does not panic; what it reads is written again as the
//! same bytes; nothing that nobody signed verifies; memory grows with what is there, never with what a count says.
//!
//! A new target is a function here, a line in [`TARGETS`], a file in `fuzz_targets/` with its `[[bin]]`, and a corpus
//! with at least one good input for each thing that it parses.

pub mod bare;
pub mod certificates;
pub mod envelopes;
pub mod frames;
pub mod hardware;
pub mod holders;
pub mod images;
pub mod known;
pub mod logs;
pub mod memory;
pub mod nouns;
pub mod openpgp;
pub mod parts;
pub mod platform;
pub mod proofs;
pub mod registry;
pub mod sigstore;
pub mod ssh;
pub mod timestamps;
pub mod verdicts;

/// What became of an input whose promises were kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// It was read to its end, or verified where something verifies.
    Taken,
    /// It was refused.
    Refused,
}

impl Reading {
    /// Taken, if the input was.
    pub const fn of<T, E>(outcome: &Result<T, E>) -> Self {
        if outcome.is_ok() { Self::Taken } else { Self::Refused }
    }

    /// Taken, if either was.
    pub fn or(self, other: Self) -> Self {
        if self == Self::Taken { self } else { other }
    }
}

/// A target: its name, and what it does with bytes.
pub type Target = (&'static str, fn(&[u8]) -> Reading);

/// Every target.
pub const TARGETS: &[Target] = &[
    ("bundle", sigstore::bundle),
    ("certificate", certificates::certificate),
    ("certificate_asked", holders::certificate_asked),
    ("certificate_chain", certificates::certificate_chain),
    ("certificate_entry", logs::certificate_entry),
    ("certificate_request", holders::certificate_request),
    ("checkpoint", logs::checkpoint),
    ("checksums", bare::checksums),
    ("cms", envelopes::cms),
    ("compose", envelopes::compose),
    ("consistency", proofs::consistency),
    ("dsse", envelopes::dsse),
    ("frame", frames::frame),
    ("id_token", holders::token),
    ("image", images::image),
    ("inclusion", proofs::inclusion),
    ("issuer_keys", holders::issuer_keys),
    ("journal_leaf", nouns::journal_leaf),
    ("lane_reply", hardware::lane_reply),
    ("log_submission", sigstore::log_submission),
    ("minisign", bare::minisign),
    ("note", logs::note),
    ("openpgp", openpgp::openpgp),
    ("path", certificates::path),
    ("pkcs11_uri", hardware::pkcs11_uri),
    ("proposed_entry", sigstore::proposed_entry),
    ("public_key", nouns::public_key),
    ("registry_append", registry::append),
    ("registry_entry", registry::entry),
    ("registry_replay", registry::replay),
    ("rekor_body", sigstore::rekor_body),
    ("request", nouns::request),
    ("revocation_lists", certificates::revocation_lists),
    ("right_edge", logs::right_edge),
    ("signing_config", sigstore::signing_config),
    ("ssh_key", ssh::key),
    ("ssh_signature", ssh::signature),
    ("statement", envelopes::statement),
    ("text", nouns::text),
    ("tile", logs::tile),
    ("tile_path", logs::tile_path),
    ("timestamp_info", timestamps::info),
    ("timestamp_request", timestamps::request),
    ("timestamp_response", timestamps::response),
    ("trust_root", verdicts::trust_root),
    ("trusted_root", sigstore::trusted_root),
    ("tuf_metadata", sigstore::tuf_metadata),
    ("verifier_key", logs::verifier_key),
    ("verify_bundle", verdicts::bundle),
    ("verify_cms", verdicts::cms),
    ("witness_submission", logs::witness_submission),
];

/// Feeds a target, and watches how much memory it takes.
pub fn feed(target: fn(&[u8]) -> Reading, bytes: &[u8]) -> Reading {
    let (reading, largest) = memory::largest_allocation(|| target(bytes));
    let allowed = memory::allowed(bytes.len());
    assert!(
        largest <= allowed,
        "{largest} bytes taken at once for an input of {}, where {allowed} are allowed",
        bytes.len()
    );
    reading
}
