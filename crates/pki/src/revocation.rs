//! Certificate revocation lists (RFC 5280 §5), as a path is held against them.
//!
//! Whole lists that the key which issued a certificate signed itself are read, for all reasons, with a distribution point
//! or without. Changes to another list, lists that are split by reasons, and those of other issuers are not: where one
//! of them stands among the lists, nothing is known, for it may tell what the others do not.

use webpki::{CertRevocationList, OwnedCertRevocationList};

/// The DER of a list: some hundred thousand numbers.
pub const REVOCATION_LIST_BYTES_MAX: usize = 16 * 1024 * 1024;

/// All revocation lists that are there, as their issuers gave them. Whether those signed them is found out together with
/// the path.
#[derive(Debug)]
pub struct RevocationLists(Vec<CertRevocationList<'static>>);

/// Why bytes are not a revocation list that avouch reads.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RevocationListError {
    /// Longer than its limit.
    #[error("{length} bytes of revocation list, where at most {REVOCATION_LIST_BYTES_MAX} are allowed")]
    TooLong {
        /// What was received.
        length: usize,
    },
    /// Not a list, or not in DER.
    #[error("not the DER of a revocation list of version 2")]
    Malformed,
    /// A kind of list that is not read.
    #[error("the revocation list has {what} that avouch does not know")]
    Unknown {
        /// What it is.
        what: &'static str,
    },
}

impl RevocationLists {
    /// Reads the DER of every list.
    pub fn read<'a>(lists: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, RevocationListError> {
        lists.into_iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn all(&self) -> Vec<&CertRevocationList<'static>> {
        self.0.iter().collect()
    }
}

fn read(bytes: &[u8]) -> Result<CertRevocationList<'static>, RevocationListError> {
    use webpki::Error as E;
    if bytes.len() > REVOCATION_LIST_BYTES_MAX {
        return Err(RevocationListError::TooLong { length: bytes.len() });
    }
    let unknown = |what| RevocationListError::Unknown { what };
    let read = OwnedCertRevocationList::from_der(bytes).map_err(|error| match error {
        E::UnsupportedCriticalExtension => unknown("a critical extension"),
        E::UnsupportedDeltaCrl => unknown("changes to another list"),
        E::UnsupportedIndirectCrl => unknown("certificates of other issuers"),
        E::UnsupportedCrlIssuingDistributionPoint => unknown("a distribution point"),
        E::UnsupportedRevocationReason | E::UnsupportedRevocationReasonsPartitioning => {
            unknown("some of all reasons alone")
        }
        _ => RevocationListError::Malformed,
    })?;
    Ok(CertRevocationList::Owned(read))
}
