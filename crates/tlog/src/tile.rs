//! Tiles and entry bundles (C2SP `tlog-tiles`): how they are called and what is in them.

use std::fmt;
use std::str::FromStr;

use model::merkle::leaf_hash;
use model::{Digest, limits};

use crate::{SIZE_MAX, certificate_entry};

/// How many hashes a full tile holds, and how many entries a full bundle.
pub const FULL_WIDTH: u16 = 256;

/// The highest level of tiles that a tree of [`SIZE_MAX`] entries has.
pub const LEVEL_MAX: u8 = 7;

/// What is in a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TileKind {
    /// Hashes of perfect subtrees of 256^level entries; of level 0, leaf hashes.
    Hashes {
        /// The level, from the leaves upwards.
        level: u8,
    },
    /// The entries themselves.
    Entries,
    /// The entries of a log of certificates (C2SP `static-ct-api`, *data tiles*).
    Certificates,
}

/// The name of a tile or of an entry bundle, such as `tile/0/x001/x234/067.p/8`. A tile that is not full is another
/// one at every width, so that what is behind a name never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TilePath {
    kind: TileKind,
    index: u64,
    width: u16,
}

/// Why something is not a tile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TileFormatError {
    /// A level, index or width that no tree has.
    #[error("no tree has a tile of level {level}, index {index} and width {width}")]
    NoSuchTile {
        /// The level; 0 for entries.
        level: u8,
        /// The index.
        index: u64,
        /// The width.
        width: u16,
    },
    /// A text that is not the path of a tile.
    #[error("`{text}` is not the path of a tile, such as `tile/0/x001/234` or `tile/entries/000.p/8`")]
    NotAPath {
        /// The beginning of the text.
        text: String,
    },
    /// Bytes that are not what the path promises.
    #[error("`{path}` holds {length} bytes that are not {} whole hashes or entries", path.width())]
    Contents {
        /// The tile.
        path: TilePath,
        /// How many bytes it has.
        length: usize,
    },
    /// An entry that no bundle can hold.
    #[error("an entry of {length} bytes; a log's entry has at most {}", limits::LOG_ENTRY_BYTES_MAX)]
    EntryTooLong {
        /// How long it is.
        length: usize,
    },
    /// An entry that a log of certificates does not take.
    #[error("entry {index} of a log of certificates must be a precertificate that names this index")]
    NotACertificate {
        /// Where it was to stand.
        index: u64,
    },
}

impl TilePath {
    /// Names a tile of hashes: 1 to 256 of them.
    pub fn hashes(level: u8, index: u64, width: u16) -> Result<Self, TileFormatError> {
        let refuse = TileFormatError::NoSuchTile { level, index, width };
        if level > LEVEL_MAX || width == 0 || width > FULL_WIDTH {
            return Err(refuse);
        }
        // The first entry that is under none of the tile's hashes must be one that a tree can have.
        let shift = 8 * u32::from(level);
        let hashes =
            index.checked_mul(u64::from(FULL_WIDTH)).and_then(|first| first.checked_add(u64::from(width)));
        match hashes {
            Some(hashes) if hashes <= SIZE_MAX >> shift => {
                Ok(Self { kind: TileKind::Hashes { level }, index, width })
            }
            _ => Err(refuse),
        }
    }

    /// Names an entry bundle: 1 to 256 entries.
    pub fn entries(index: u64, width: u16) -> Result<Self, TileFormatError> {
        Ok(Self { kind: TileKind::Entries, ..Self::hashes(0, index, width)? })
    }

    /// Names an entry bundle of a log of certificates: 1 to 256 entries.
    pub fn certificates(index: u64, width: u16) -> Result<Self, TileFormatError> {
        Ok(Self { kind: TileKind::Certificates, ..Self::hashes(0, index, width)? })
    }

    /// What is in it.
    pub const fn kind(&self) -> TileKind {
        self.kind
    }

    /// Which of its level, from the left.
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// How many hashes or entries it holds: 1 to 256.
    pub const fn width(&self) -> u16 {
        self.width
    }

    /// The same tile, full; none where no tree is so large that it could be.
    pub fn full(&self) -> Option<Self> {
        match self.kind {
            TileKind::Hashes { level } => Self::hashes(level, self.index, FULL_WIDTH).ok(),
            TileKind::Entries => Self::entries(self.index, FULL_WIDTH).ok(),
            TileKind::Certificates => Self::certificates(self.index, FULL_WIDTH).ok(),
        }
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Hashes { level } => write!(f, "tile/{level}/")?,
            TileKind::Entries => f.write_str("tile/entries/")?,
            TileKind::Certificates => f.write_str("tile/data/")?,
        }
        let mut divisor = 1;
        while self.index / divisor >= 1000 {
            divisor *= 1000;
        }
        while divisor > 1 {
            write!(f, "x{:03}/", self.index / divisor % 1000)?;
            divisor /= 1000;
        }
        write!(f, "{:03}", self.index % 1000)?;
        if self.width < FULL_WIDTH { write!(f, ".p/{}", self.width) } else { Ok(()) }
    }
}

impl FromStr for TilePath {
    type Err = TileFormatError;

    fn from_str(text: &str) -> Result<Self, TileFormatError> {
        // One tile has one path: whatever a lenient reading lets through is refused by writing it again.
        let path = parse_leniently(text).filter(|path| text.len() <= 64 && path.to_string() == text);
        path.ok_or_else(|| TileFormatError::NotAPath { text: text.chars().take(64).collect() })
    }
}

fn parse_leniently(text: &str) -> Option<TilePath> {
    let (level, rest) = text.strip_prefix("tile/")?.split_once('/')?;
    let (digits, width) = match rest.split_once(".p/") {
        Some((digits, width)) => (digits, width.parse().ok()?),
        None => (rest, FULL_WIDTH),
    };
    let mut index: u64 = 0;
    for element in digits.split('/') {
        let number: u64 = element.trim_start_matches('x').parse().ok()?;
        index = index.checked_mul(1000)?.checked_add(number)?;
    }
    match level {
        "entries" => TilePath::entries(index, width).ok(),
        "data" => TilePath::certificates(index, width).ok(),
        _ => TilePath::hashes(level.parse().ok()?, index, width).ok(),
    }
}

/// The bytes of a tile of hashes.
pub fn encode_hashes(hashes: &[Digest]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(32 * hashes.len());
    for hash in hashes {
        bytes.extend_from_slice(hash.as_bytes());
    }
    bytes
}

/// Reads the hashes of the tile `path`.
pub fn decode_hashes(path: TilePath, bytes: &[u8]) -> Result<Vec<Digest>, TileFormatError> {
    match bytes.as_chunks::<32>() {
        (hashes, []) if hashes.len() == usize::from(path.width) => {
            Ok(hashes.iter().copied().map(Digest::from_bytes).collect())
        }
        _ => Err(TileFormatError::Contents { path, length: bytes.len() }),
    }
}

/// Adds an entry to the bytes of a bundle: its length in sixteen bits, then itself.
pub fn encode_entry(entry: &[u8], bundle: &mut Vec<u8>) -> Result<(), TileFormatError> {
    let length =
        u16::try_from(entry.len()).map_err(|_| TileFormatError::EntryTooLong { length: entry.len() })?;
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    Ok(())
}

/// Reads the entries of the bundle `path`.
pub fn decode_entries(path: TilePath, bytes: &[u8]) -> Result<Vec<&[u8]>, TileFormatError> {
    let contents = TileFormatError::Contents { path, length: bytes.len() };
    let mut entries = Vec::with_capacity(usize::from(path.width));
    let mut rest = bytes;
    for _ in 0..path.width {
        let first = match path.kind {
            TileKind::Certificates => {
                certificate_entry::length(rest).and_then(|length| rest.split_at_checked(length))
            }
            _ => behind_its_length(rest),
        };
        let Some((entry, after)) = first else { return Err(contents) };
        entries.push(entry);
        rest = after;
    }
    if rest.is_empty() { Ok(entries) } else { Err(contents) }
}

/// Reads the entries of the bundle `path`, each with its leaf hash.
pub fn decode_leaves(path: TilePath, bytes: &[u8]) -> Result<Vec<(&[u8], Digest)>, TileFormatError> {
    let first = path.index * u64::from(FULL_WIDTH);
    let entries = decode_entries(path, bytes)?;
    (first..)
        .zip(entries)
        .map(|(index, entry)| match path.kind {
            TileKind::Certificates => certificate_entry::leaf_hash_at(index, entry)
                .map(|hash| (entry, hash))
                .ok_or(TileFormatError::NotACertificate { index }),
            _ => Ok((entry, leaf_hash(entry))),
        })
        .collect()
}

fn behind_its_length(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, after) = bytes.split_first_chunk::<2>()?;
    after.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}
