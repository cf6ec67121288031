//! Entries of a certificate-transparency log (C2SP static-ct-api, *Log entries*): precertificates.
//!
//! What is stored (`TileLeaf`) begins with what is hashed and what the log's timestamp is over (RFC 6962 §3.4,
//! `TimestampedEntry`), and goes on with what monitors want to see besides.

use model::merkle::leaf_hash;
use model::{Digest, Instant, limits};

/// `precert_entry` (RFC 6962 §3.1).
const PRECERTIFICATE: [u8; 2] = [0, 1];

/// The one extension: the index of the leaf, in forty bits.
const LEAF_INDEX: [u8; 5] = [0, 8, 0, 0, 5];

/// Version and type before the entry where it is hashed (RFC 6962 §3.4): both are 0.
const LEAF: [u8; 2] = [0, 0];

/// An entry of a certificate-transparency log: a precertificate, and who issues it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateEntry<'a> {
    /// The time of its timestamp.
    pub time: Instant,
    /// The SHA-256 of the issuing key's SubjectPublicKeyInfo.
    pub issuer: Digest,
    /// The TBSCertificate without its poison.
    pub tbs: &'a [u8],
    /// Where it is to stand.
    pub index: u64,
    /// The precertificate.
    pub precertificate: &'a [u8],
    /// The SHA-256 of each certificate above it, the lowest first.
    pub chain: Vec<Digest>,
}

impl<'a> CertificateEntry<'a> {
    /// Reads what a log stores. Nothing may be missing, and nothing follow.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let Found { time_ms, issuer, tbs, index, precertificate, chain, .. } =
            Found::first(bytes).filter(|found| found.length == bytes.len())?;
        let time = Instant::from_nanoseconds(time_ms.checked_mul(1_000_000)?);
        let chain = chain.iter().copied().map(Digest::from_bytes).collect();
        Some(Self { time, issuer, tbs, index, precertificate, chain })
    }

    /// What the log stores. `None` where a part is longer than any certificate, or the index beyond forty bits.
    pub fn encode(&self) -> Option<Vec<u8>> {
        let [0, 0, 0, index @ ..] = self.index.to_be_bytes() else { return None };
        let chain: Vec<u8> = self.chain.iter().flat_map(|digest| *digest.as_bytes()).collect();
        let mut bytes = (self.time.nanoseconds() / 1_000_000).to_be_bytes().to_vec();
        bytes.extend(PRECERTIFICATE);
        bytes.extend(self.issuer.as_bytes());
        bytes.extend([0]);
        put_short(&mut bytes, self.tbs)?;
        bytes.extend(LEAF_INDEX);
        bytes.extend(index);
        bytes.extend([0]);
        put_short(&mut bytes, self.precertificate)?;
        put_short(&mut bytes, &chain)?;
        (bytes.len() <= limits::LOG_ENTRY_BYTES_MAX).then_some(bytes)
    }
}

fn put_short(bytes: &mut Vec<u8>, part: &[u8]) -> Option<()> {
    bytes.extend(u16::try_from(part.len()).ok()?.to_be_bytes());
    bytes.extend(part);
    Some(())
}

/// The leaf hash of an entry that says itself that it stands at this index, with nothing after it.
pub(crate) fn leaf_hash_at(index: u64, entry: &[u8]) -> Option<Digest> {
    let found = Found::first(entry).filter(|found| found.index == index && found.length == entry.len())?;
    Some(leaf_hash(&[&LEAF, found.hashed].concat()))
}

/// How many bytes the entry is long that these bytes begin with.
pub(crate) fn length(bytes: &[u8]) -> Option<usize> {
    Found::first(bytes).map(|found| found.length)
}

/// What was found at the beginning of bytes.
struct Found<'a> {
    time_ms: u64,
    issuer: Digest,
    tbs: &'a [u8],
    index: u64,
    precertificate: &'a [u8],
    chain: &'a [[u8; 32]],
    /// What of it is hashed, behind [`LEAF`].
    hashed: &'a [u8],
    length: usize,
}

impl<'a> Found<'a> {
    fn first(bytes: &'a [u8]) -> Option<Self> {
        let mut rest = bytes;
        let time_ms = u64::from_be_bytes(take(&mut rest, 8)?.try_into().ok()?);
        if take(&mut rest, 2)? != PRECERTIFICATE {
            return None;
        }
        let issuer = Digest::from_slice(take(&mut rest, 32)?)?;
        let tbs = take_long(&mut rest)?;
        if take(&mut rest, 5)? != LEAF_INDEX {
            return None;
        }
        let index = take(&mut rest, 5)?.iter().fold(0, |index, byte| index << 8 | u64::from(*byte));
        let hashed = bytes.strip_suffix(rest)?;
        let precertificate = take_long(&mut rest)?;
        let length = usize::from(u16::from_be_bytes(take(&mut rest, 2)?.try_into().ok()?));
        let (chain, []) = take(&mut rest, length)?.as_chunks() else { return None };
        let length = bytes.len() - rest.len();
        Some(Self { time_ms, issuer, tbs, index, precertificate, chain, hashed, length })
    }
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(count)?;
    *rest = after;
    Some(taken)
}

/// What stands behind its length in three bytes.
fn take_long<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let [high, middle, low] = take(rest, 3)?.try_into().ok()?;
    take(rest, usize::try_from(u32::from_be_bytes([0, high, middle, low])).ok()?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    fn entry(index: u64) -> Vec<u8> {
        let chain = [Digest::of(b"above"), Digest::of(b"root")];
        let (tbs, precertificate, issuer) = (&b"tbs"[..], &b"precertificate"[..], Digest::of(b"issuer"));
        let time = Instant::from_seconds(7);
        CertificateEntry { time, issuer, tbs, index, precertificate, chain: chain.to_vec() }.encode().unwrap()
    }

    #[test]
    fn an_entry_is_hashed_as_rfc_6962_has_it_and_stored_with_what_monitors_want() {
        let mut expected = vec![0, 0, 0, 0, 0, 0, 0, 0, 0x1b, 0x58, 0, 1];
        expected.extend(Digest::of(b"issuer").as_bytes());
        expected.extend(b"\0\0\x03tbs\0\x08\0\0\x05\0\0\0\x01\x02");
        assert_eq!(leaf_hash_at(0x102, &entry(0x102)), Some(leaf_hash(&expected)));
        assert!(entry(0x102).starts_with(&expected[2..]));
    }

    #[test]
    fn an_entry_has_a_hash_at_its_own_index_alone_and_with_nothing_missing_or_after_it() {
        let entry = entry(5);
        assert_eq!(leaf_hash_at(4, &entry), None);
        assert_eq!(leaf_hash_at(5, &[&entry[..], &[0]].concat()), None);
        for length in 0..entry.len() {
            assert_eq!(leaf_hash_at(5, &entry[..length]), None, "{length}");
        }
        assert_eq!(length(&[&entry[..], b"and the next"].concat()), Some(entry.len()));
        let read = CertificateEntry::parse(&entry).unwrap();
        assert_eq!((read.index, read.tbs, read.precertificate), (5, &b"tbs"[..], &b"precertificate"[..]));
        assert_eq!(read.encode().unwrap(), entry);
        assert_eq!(CertificateEntry::parse(&[&entry[..], &[0]].concat()), None);
    }

    #[test]
    fn no_index_is_beyond_forty_bits() {
        let parts = |index| CertificateEntry {
            time: Instant::EPOCH,
            issuer: Digest::ZERO,
            tbs: b"",
            index,
            precertificate: b"",
            chain: Vec::new(),
        };
        assert!(parts((1 << 40) - 1).encode().is_some());
        assert!(parts(1 << 40).encode().is_none());
    }
}
