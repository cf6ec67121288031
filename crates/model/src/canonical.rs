//! RFC 8785 canonical JSON, read strictly: bytes that do not re-encode to themselves are refused.
//!
//! What was received is what is hashed, never a re-serialisation; the comparison here is what makes the two equal.

mod writer;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Why bytes are not the canonical form of what they should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CanonicalError {
    /// Longer than its limit.
    #[error("{length} bytes of JSON where at most {limit} are allowed")]
    TooLong {
        /// What was received.
        length: usize,
        /// What is allowed.
        limit: usize,
    },
    /// Not the JSON of this type: an unknown or doubled field, a wrong type, a value out of range.
    #[error("not the JSON that is expected here")]
    Json(#[source] serde_json::Error),
    /// The JSON of this type, in another spelling (white space, order of fields, escapes).
    #[error("JSON that is not in the canonical form of RFC 8785: it differs at byte {at}")]
    NotCanonical {
        /// The first byte that differs.
        at: usize,
    },
}

/// Encodes a value as RFC 8785 JSON.
pub fn to_canonical<T: Serialize>(value: &T) -> Vec<u8> {
    // Our types hold strings, integers within 2^53, lists and structs: none of them can fail to encode.
    writer::to_vec(value).expect("avouch's own types always encode as JSON")
}

/// Decodes RFC 8785 JSON of at most `limit` bytes; refuses everything that does not re-encode to the same bytes.
pub fn from_canonical<T: Serialize + DeserializeOwned>(
    bytes: &[u8],
    limit: usize,
) -> Result<T, CanonicalError> {
    if bytes.len() > limit {
        return Err(CanonicalError::TooLong { length: bytes.len(), limit });
    }
    let value: T = serde_json::from_slice(bytes).map_err(CanonicalError::Json)?;
    let again = to_canonical(&value);
    if again != bytes {
        let at = again.iter().zip(bytes).position(|(a, b)| a != b).unwrap_or(again.len().min(bytes.len()));
        return Err(CanonicalError::NotCanonical { at });
    }
    Ok(value)
}
