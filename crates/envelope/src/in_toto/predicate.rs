//! The kinds of claims that are looked into: one list, one module for each family.
//!
//! A schema here is what the specification says of the fields that verifiers go by: that they are there, of their
//! type, one of their words. What a specification leaves open, or adds in a later minor version, is let through.

mod bom;
mod field;
mod provenance;
mod results;
mod spdx;
mod vex;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::json::{self, JsonError, shown};
use field::Field;

/// A kind of claim that is looked into.
#[derive(Debug)]
pub struct PredicateKind {
    /// The short word for it: that of cosign's `--type`, where it has one.
    pub word: &'static str,
    /// Other words for it.
    pub aliases: &'static [&'static str],
    /// The URI that is written.
    pub uri: &'static str,
    /// Which other URIs are of this kind.
    breadth: Breadth,
    /// What it is, in few words.
    pub what: &'static str,
    /// What a signature over such a claim does not say.
    pub open: &'static str,
    check: fn(&Field<'_>) -> Result<(), PredicateError>,
}

/// Which URIs beside its own are of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breadth {
    /// None.
    Exact,
    /// Those with `/v` and a version after it.
    Versions,
    /// These.
    Also(&'static [&'static str]),
}

const OPEN_BOM: &str =
    "that the bill is complete and true, and the digests within it: they are of parts, which nobody compared";
const OPEN_VEX: &str = "that the judgement about vulnerabilities is right, or still is";
const OPEN_RESULT: &str = "that the test, scan or check was made as told, and says today what it said then";
const OPEN_PROVENANCE: &str =
    "that it was built as told: whoever signed says so; hold the signer against who builds";

impl PredicateKind {
    /// Every kind there is.
    pub const ALL: &'static [Self] = &[
        Self {
            word: "slsaprovenance1",
            aliases: &[],
            uri: "https://slsa.dev/provenance/v1",
            breadth: Breadth::Exact,
            what: "SLSA provenance 1.0",
            open: OPEN_PROVENANCE,
            check: provenance::v1,
        },
        Self {
            word: "slsaprovenance02",
            aliases: &["slsaprovenance"],
            uri: "https://slsa.dev/provenance/v0.2",
            breadth: Breadth::Exact,
            what: "SLSA provenance 0.2",
            open: OPEN_PROVENANCE,
            check: provenance::v02,
        },
        Self {
            word: "vsa",
            aliases: &[],
            uri: "https://slsa.dev/verification_summary/v1",
            breadth: Breadth::Exact,
            what: "SLSA verification summary 1.0",
            open: OPEN_RESULT,
            check: results::verification_summary,
        },
        Self {
            word: "spdxjson",
            aliases: &["spdx"],
            uri: "https://spdx.dev/Document",
            breadth: Breadth::Versions,
            what: "SPDX 2.2, 2.3 or 3.0 bill of materials",
            open: OPEN_BOM,
            check: spdx::document,
        },
        Self {
            word: "cyclonedx",
            aliases: &[],
            uri: "https://cyclonedx.org/bom",
            breadth: Breadth::Versions,
            what: "CycloneDX 1.4 to 1.6 bill of materials, or VEX",
            open: OPEN_BOM,
            check: bom::cyclonedx,
        },
        Self {
            word: "openvex",
            aliases: &[],
            uri: "https://openvex.dev/ns",
            breadth: Breadth::Versions,
            what: "OpenVEX",
            open: OPEN_VEX,
            check: vex::openvex,
        },
        Self {
            word: "csaf",
            aliases: &[],
            uri: "https://docs.oasis-open.org/csaf/csaf/v2.0/csaf_json_schema.json",
            breadth: Breadth::Exact,
            what: "CSAF 2.0 advisory, or VEX",
            open: OPEN_VEX,
            check: vex::csaf,
        },
        Self {
            word: "vuln",
            aliases: &[],
            uri: "https://cosign.sigstore.dev/attestation/vuln/v1",
            breadth: Breadth::Exact,
            what: "vulnerability scan, as cosign has it",
            open: OPEN_RESULT,
            check: results::cosign_vulnerabilities,
        },
        Self {
            word: "vulns",
            aliases: &[],
            uri: "https://in-toto.io/attestation/vulns/v0.1",
            breadth: Breadth::Also(&["https://in-toto.io/attestation/vulns/v0.2"]),
            what: "vulnerability scan, as in-toto has it",
            open: OPEN_RESULT,
            check: results::vulnerabilities,
        },
        Self {
            word: "test-result",
            aliases: &[],
            uri: "https://in-toto.io/attestation/test-result/v0.1",
            breadth: Breadth::Exact,
            what: "test result",
            open: OPEN_RESULT,
            check: results::test_result,
        },
        Self {
            word: "scai",
            aliases: &[],
            uri: "https://in-toto.io/attestation/scai/v0.3",
            breadth: Breadth::Also(&["https://in-toto.io/attestation/scai/attribute-report/v0.2"]),
            what: "SCAI attribute report",
            open: OPEN_RESULT,
            check: results::attributes,
        },
    ];

    /// What cosign calls `custom`: whatever its maker likes.
    const CUSTOM: (&'static str, &'static str) = ("custom", "https://cosign.sigstore.dev/attestation/v1");

    fn has(&self, uri: &str) -> bool {
        let version = |uri: &str| uri.strip_prefix(self.uri)?.strip_prefix("/v")?.chars().next();
        match self.breadth {
            _ if uri == self.uri => true,
            Breadth::Exact => false,
            Breadth::Versions => version(uri).is_some_and(|first| first.is_ascii_digit()),
            Breadth::Also(others) => others.contains(&uri),
        }
    }

    fn is_called(&self, word: &str) -> bool {
        self.word == word || self.aliases.contains(&word)
    }
}

/// The URI that says what kind of claim a predicate makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PredicateType(String);

/// The longest URI that somebody may name on a command line.
const URI_BYTES_MAX: usize = 512;

impl PredicateType {
    /// The URI.
    pub fn uri(&self) -> &str {
        &self.0
    }

    /// The kind, if it is one that is looked into.
    pub fn kind(&self) -> Option<&'static PredicateKind> {
        PredicateKind::ALL.iter().find(|kind| kind.has(&self.0))
    }

    /// The short word for it; `custom` where it is none that is looked into.
    pub fn word(&self) -> &'static str {
        self.kind().map_or(PredicateKind::CUSTOM.0, |kind| kind.word)
    }

    /// Is a claim of this type one of those that `expected` stands for?
    pub fn is_one_of(&self, expected: &Self) -> bool {
        let kind = PredicateKind::ALL.iter().find(|kind| kind.uri == expected.0);
        *self == *expected || kind.is_some_and(|kind| kind.has(&self.0))
    }

    /// Holds a predicate to the schema of its kind; one that is not looked into is as good as any.
    pub fn check(&self, predicate: &Value) -> Result<(), PredicateError> {
        self.kind().map_or(Ok(()), |kind| (kind.check)(&Field::whole(predicate)))
    }

    /// Reads a predicate from its JSON and holds it to the schema of its kind.
    pub fn read(&self, json: &[u8]) -> Result<Value, PredicateError> {
        let value = json::read(json)?;
        self.check(&value)?;
        Ok(value)
    }

    /// Who built it, as a provenance says.
    pub fn builder<'a>(&self, predicate: &'a Value) -> Option<&'a str> {
        provenance::builder(self.word(), predicate)
    }

    /// From which repositories it was built, as a provenance says of the build's own parameters.
    pub fn sources<'a>(&self, predicate: &'a Value) -> Vec<&'a str> {
        provenance::sources(self.word(), predicate)
    }
}

impl fmt::Display for PredicateType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().filter(|c| !c.is_control()).take(URI_BYTES_MAX).try_for_each(|c| write!(f, "{c}"))
    }
}

impl FromStr for PredicateType {
    type Err = PredicateError;

    /// A word, or a URI.
    fn from_str(text: &str) -> Result<Self, PredicateError> {
        let (custom, uri) = PredicateKind::CUSTOM;
        if text == custom {
            return Ok(Self(uri.to_owned()));
        }
        if let Some(kind) = PredicateKind::ALL.iter().find(|kind| kind.is_called(text)) {
            return Ok(Self(kind.uri.to_owned()));
        }
        if text.len() <= URI_BYTES_MAX && field::is_uri(text) {
            return Ok(Self(text.to_owned()));
        }
        let words: Vec<&str> = PredicateKind::ALL.iter().map(|kind| kind.word).chain([custom]).collect();
        Err(PredicateError::UnknownType { text: shown(text), words: words.join(", ") })
    }
}

/// Why a predicate is not what its type says.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PredicateError {
    /// A type that is no word that is known and no URI.
    #[error("`{text}` is no kind of claim: name one of {words}, or a URI")]
    UnknownType {
        /// What was named.
        text: String,
        /// What is known.
        words: String,
    },
    /// Not JSON that can be relied on.
    #[error("it cannot be read")]
    Json(#[from] JsonError),
    /// A field that must be there.
    #[error("`{pointer}` is missing")]
    Missing {
        /// Where it should stand (RFC 6901).
        pointer: String,
    },
    /// A field that is something else.
    #[error("`{pointer}` is {found}, where {expected} belongs")]
    Other {
        /// Where it stands (RFC 6901).
        pointer: String,
        /// What it is.
        found: String,
        /// What it should be.
        expected: String,
    },
    /// A name or a reference that is there twice.
    #[error("`{pointer}` is `{found}`, as an earlier one is already")]
    Twice {
        /// Where the later one stands (RFC 6901).
        pointer: String,
        /// What it is.
        found: String,
    },
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_words_and_its_uris_and_no_two_share_one() {
        let mut seen = Vec::new();
        for kind in PredicateKind::ALL {
            for word in kind.aliases.iter().chain([&kind.word, &kind.uri]) {
                let parsed: PredicateType = word.parse().unwrap();
                assert_eq!(parsed.uri(), kind.uri);
                assert_eq!(parsed.word(), kind.word);
                assert!(!seen.contains(word), "{word}");
                seen.push(word);
            }
        }
        let versioned: PredicateType = "https://spdx.dev/Document/v2.3".parse().unwrap();
        assert_eq!(versioned.word(), "spdxjson");
        assert!(versioned.is_one_of(&"spdx".parse().unwrap()));
        assert!(!"spdx".parse::<PredicateType>().unwrap().is_one_of(&versioned));
    }

    #[test]
    fn a_uri_that_only_begins_like_a_known_one_is_custom() {
        for uri in [
            "https://slsa.dev/provenance/v1.evil",
            "https://spdx.dev/Documents",
            "https://spdx.dev/Document/vx",
        ] {
            assert!(uri.parse::<PredicateType>().unwrap().kind().is_none(), "{uri}");
        }
        for text in ["sbom", "", "no scheme", "1a:b", "https://with a space"] {
            let error = text.parse::<PredicateType>().unwrap_err().to_string();
            assert!(error.contains("cyclonedx") && error.contains("or a URI"), "{error}");
        }
    }
}
