//! What the entries of a log are: how a bundle holds them, and which bytes of one are hashed.

use model::Digest;
use model::merkle::leaf_hash;

use crate::note::NoteAlgorithm;
use crate::tile::{self, TileFormatError};
use crate::{TilePath, VerifierKey, certificate_entry};

/// What the entries of a log are. The key that signs its heads says it: only a log of certificates signs tree heads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Entries {
    /// Bytes that are stored behind their length, and hashed as they are (C2SP tlog-tiles).
    #[default]
    Plain,
    /// Precertificates, of which more is stored than is hashed (C2SP static-ct-api).
    Certificates,
}

impl Entries {
    pub(crate) const fn of(key: &VerifierKey) -> Self {
        match key.algorithm() {
            NoteAlgorithm::TreeHead => Self::Certificates,
            _ => Self::Plain,
        }
    }

    /// Names a bundle of them.
    pub(crate) fn bundle(self, index: u64, width: u16) -> Result<TilePath, TileFormatError> {
        match self {
            Self::Plain => TilePath::entries(index, width),
            Self::Certificates => TilePath::certificates(index, width),
        }
    }

    /// Adds the entry of this index to a bundle, and says what its leaf hash is.
    pub(crate) fn put(
        self,
        index: u64,
        entry: &[u8],
        bundle: &mut Vec<u8>,
    ) -> Result<Digest, TileFormatError> {
        match self {
            Self::Plain => {
                tile::encode_entry(entry, bundle)?;
                Ok(leaf_hash(entry))
            }
            Self::Certificates => {
                // INVARIANT: the index that a certificate's timestamp promises is the one at which it stands.
                let hash = certificate_entry::leaf_hash_at(index, entry)
                    .ok_or(TileFormatError::NotACertificate { index })?;
                bundle.extend_from_slice(entry);
                Ok(hash)
            }
        }
    }

    /// Is this the entry of this index that has this leaf hash?
    pub(crate) fn is_leaf(self, index: u64, entry: &[u8], hash: &Digest) -> bool {
        match self {
            Self::Plain => leaf_hash(entry) == *hash,
            Self::Certificates => certificate_entry::leaf_hash_at(index, entry) == Some(*hash),
        }
    }

    /// May this be the origin of such a log? A bare host name in lower case, because foreign clients derive the name of
    /// a log's key from its address; of a log of certificates, its address, which may go on with a path.
    pub(crate) fn is_origin(self, origin: &str) -> bool {
        let (host, path) = match (self, origin.split_once('/')) {
            (Self::Certificates, Some((host, path))) => (host, Some(path)),
            _ => (origin, None),
        };
        let part = |part: &str| !part.is_empty() && part.bytes().all(is_plain);
        is_host(host) && path.is_none_or(|path| path.split('/').all(part)) && origin.len() <= 253
    }
}

fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(is_plain)
    };
    host.split('.').all(label)
}

const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
}
