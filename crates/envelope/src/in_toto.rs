//! In-toto statements ([attestation framework v1](https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md)),
//! as far as they say what they are about.

use std::collections::BTreeMap;

use model::Hash;
use serde::{Deserialize, Serialize};

use crate::protojson::list_of_at_most;

/// What a statement of version 1 says it is.
pub const STATEMENT_V1: &str = "https://in-toto.io/Statement/v1";

/// The same, before version 1.
const STATEMENT_V01: &str = "https://in-toto.io/Statement/v0.1";

/// Subjects of one statement: a release of thousands of files fits.
pub const SUBJECTS_MAX: usize = 65_536;

/// A claim about artifacts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    /// What it is about.
    #[serde(deserialize_with = "list_of_at_most::<SUBJECTS_MAX, _, _>")]
    pub subject: Vec<Subject>,
    /// What kind of claim it is: a URI.
    pub predicate_type: String,
    /// The claim itself.
    #[serde(default)]
    pub predicate: serde_json::Value,
}

/// An artifact, by its digests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// What it is called; covered by nothing but the statement.
    #[serde(default)]
    pub name: String,
    /// Its digests in hexadecimal, by the names of their algorithms.
    pub digest: BTreeMap<String, String>,
}

/// Why bytes are not a statement.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StatementError {
    /// Not the JSON of a statement.
    #[error("not an in-toto statement")]
    Json(#[from] serde_json::Error),
    /// Another type, or another version.
    #[error("a statement of type `{kind}`; `{STATEMENT_V1}` and version 0.1 are read")]
    Kind {
        /// What it says it is.
        kind: String,
    },
}

impl Statement {
    /// A statement of version 1.
    pub fn new(subject: Vec<Subject>, predicate_type: &str, predicate: serde_json::Value) -> Self {
        let (kind, predicate_type) = (STATEMENT_V1.to_owned(), predicate_type.to_owned());
        Self { kind, subject, predicate_type, predicate }
    }

    /// Reads the payload of an envelope.
    pub fn parse(json: &[u8]) -> Result<Self, StatementError> {
        let statement: Self = serde_json::from_slice(json)?;
        match statement.kind.as_str() {
            STATEMENT_V1 | STATEMENT_V01 => Ok(statement),
            kind => Err(StatementError::Kind { kind: kind.chars().take(128).collect() }),
        }
    }

    /// Is it about an artifact with this digest?
    pub fn names(&self, hash: Hash, digest: &[u8]) -> bool {
        let digest = data_encoding::HEXLOWER.encode(digest);
        let named = |subject: &Subject| {
            subject.digest.get(hash.word()).is_some_and(|named| named.eq_ignore_ascii_case(&digest))
        };
        self.subject.iter().any(named)
    }
}
