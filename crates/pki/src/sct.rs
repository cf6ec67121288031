//! Signed certificate timestamps (RFC 6962 §3.2 and §3.3).
//!
//! A log signs the heads of its tree with the same key, and what it signs says which of the two it is. The extension
//! with the index of the leaf is that of C2SP static-ct-api.

use const_oid::ObjectIdentifier;
use der::asn1::OctetString;
use der::{AnyRef, Decode, Encode, Reader, SliceReader, Tag, Tagged};
use model::{Algorithm, BadSignature, Digest, Instant, PublicKey};
use x509_cert::ext::Extension;

use crate::{Certificate, encoding};

/// The extension of a certificate that holds its timestamps.
const LIST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.11129.2.4.2");

/// The extension that nobody understands, so that nobody accepts the certificate (RFC 6962 §3.1).
pub(crate) const POISON: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.11129.2.4.3");

/// `[3]` of a TBSCertificate: its extensions.
const EXTENSIONS: Tag = Tag::ContextSpecific { constructed: true, number: der::TagNumber(3) };

/// SHA-256 with ECDSA, and with RSA, as TLS 1.2 numbers them (RFC 5246 §7.4.1.4.1).
const SHA256_ECDSA: [u8; 2] = [4, 3];
const SHA256_RSA: [u8; 2] = [4, 1];

/// The most timestamps of one certificate that are read.
const TIMESTAMPS_MAX: usize = 16;

/// What a log promises: that a certificate stands in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedTimestamp {
    /// Which log: the SHA-256 of its key.
    pub log: Digest,
    /// When, in milliseconds since 1970.
    pub time_ms: u64,
    /// The extensions, as they were signed.
    pub extensions: Vec<u8>,
    /// The signature: DER for ECDSA.
    pub signature: Vec<u8>,
    algorithm: [u8; 2],
}

/// Why a certificate's timestamps cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SctError {
    /// Not the list of RFC 6962 §3.3.
    #[error("the certificate's list of timestamps is malformed")]
    Malformed,
    /// More than anybody needs.
    #[error("the certificate has more than {TIMESTAMPS_MAX} timestamps")]
    TooMany,
    /// A version that is not known.
    #[error("a certificate timestamp of version {version}; version 0 is known")]
    Version {
        /// Which.
        version: u8,
    },
}

/// What a log's key signs for a certificate that is about to be issued (RFC 6962 §3.2, `precert_entry`).
///
/// `logged` is the TBSCertificate without poison and timestamps, `issuer` the key that signs the certificate.
pub fn to_be_signed(time: Instant, issuer: &PublicKey, logged: &[u8], extensions: &[u8]) -> Vec<u8> {
    timestamped(milliseconds(time), issuer.id().digest(), logged, extensions)
}

fn timestamped(time_ms: u64, issuer: &Digest, logged: &[u8], extensions: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0];
    bytes.extend(time_ms.to_be_bytes());
    bytes.extend([0, 1]);
    bytes.extend(issuer.as_bytes());
    bytes.extend(length::<3>(logged.len()));
    bytes.extend(logged);
    bytes.extend(length::<2>(extensions.len()));
    bytes.extend(extensions);
    bytes
}

/// The extension that names the leaf's index (C2SP static-ct-api, *SCT Extension*). `None` beyond forty bits.
pub fn leaf_index(index: u64) -> Option<Vec<u8>> {
    let [0, 0, 0, index @ ..] = index.to_be_bytes() else { return None };
    Some([&[0, 0, 5][..], &index].concat())
}

/// The milliseconds of a log's time.
pub const fn milliseconds(time: Instant) -> u64 {
    time.nanoseconds() / 1_000_000
}

impl SignedTimestamp {
    /// A timestamp of the log with this P-256 key.
    pub fn new(log: &PublicKey, time: Instant, extensions: Vec<u8>, signature: Vec<u8>) -> Self {
        let algorithm = SHA256_ECDSA;
        Self { log: *log.id().digest(), time_ms: milliseconds(time), extensions, signature, algorithm }
    }

    /// Holds the signature against a log's key. `issuer` is the key that signed the certificate.
    pub fn verify(&self, log: &PublicKey, issuer: &PublicKey, logged: &[u8]) -> Result<(), BadSignature> {
        let expected = match log.algorithm() {
            Algorithm::EcdsaP256 => SHA256_ECDSA,
            Algorithm::Rsa2048 | Algorithm::Rsa3072 | Algorithm::Rsa4096 => SHA256_RSA,
            _ => return Err(BadSignature),
        };
        if self.algorithm != expected || self.log != *log.id().digest() {
            return Err(BadSignature);
        }
        let signed = timestamped(self.time_ms, issuer.id().digest(), logged, &self.extensions);
        log.verify(&signed, &self.signature)
    }

    /// When, as an instant.
    pub const fn time(&self) -> Instant {
        Instant::from_nanoseconds(self.time_ms.saturating_mul(1_000_000))
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![0];
        bytes.extend(self.log.as_bytes());
        bytes.extend(self.time_ms.to_be_bytes());
        bytes.extend(length::<2>(self.extensions.len()));
        bytes.extend(&self.extensions);
        bytes.extend(self.algorithm);
        bytes.extend(length::<2>(self.signature.len()));
        bytes.extend(&self.signature);
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<Self, SctError> {
        let mut rest = bytes;
        let [version] = *take(&mut rest, 1)? else { return Err(SctError::Malformed) };
        if version != 0 {
            return Err(SctError::Version { version });
        }
        let log = Digest::from_bytes(array(take(&mut rest, 32)?)?);
        let time_ms = u64::from_be_bytes(array(take(&mut rest, 8)?)?);
        let extensions = prefixed(&mut rest)?.to_vec();
        let algorithm = array(take(&mut rest, 2)?)?;
        let signature = prefixed(&mut rest)?.to_vec();
        if rest.is_empty() {
            Ok(Self { log, time_ms, extensions, signature, algorithm })
        } else {
            Err(SctError::Malformed)
        }
    }
}

/// The extension of a certificate with this timestamp.
pub(crate) fn extension(timestamp: &SignedTimestamp) -> Extension {
    let one = timestamp.encode();
    let one = [&length::<2>(one.len())[..], &one].concat();
    let list = [&length::<2>(one.len())[..], &one].concat();
    let list = OctetString::new(list).expect("a timestamp of bounded length");
    let extn_value = OctetString::new(encoding::der(&list)).expect("a timestamp of bounded length");
    Extension { extn_id: LIST, critical: false, extn_value }
}

impl Certificate {
    /// The timestamps in it; none, where it has no such extension.
    pub fn signed_timestamps(&self) -> Result<Vec<SignedTimestamp>, SctError> {
        let Some(value) = self.extension(&LIST.to_string()) else { return Ok(Vec::new()) };
        let list = OctetString::from_der(value).map_err(|_| SctError::Malformed)?;
        let mut all = list.as_bytes();
        let mut rest = prefixed(&mut all)?;
        if !all.is_empty() || rest.is_empty() {
            return Err(SctError::Malformed);
        }
        let mut timestamps = Vec::new();
        while !rest.is_empty() {
            if timestamps.len() == TIMESTAMPS_MAX {
                return Err(SctError::TooMany);
            }
            timestamps.push(SignedTimestamp::decode(prefixed(&mut rest)?)?);
        }
        Ok(timestamps)
    }

    /// Its TBSCertificate as a log signed it: without the timestamps themselves.
    pub fn logged_tbs(&self) -> Result<Vec<u8>, SctError> {
        without(&LIST, &self.tbs_der()).map_err(|_| SctError::Malformed)
    }

    /// The TBSCertificate that a log hashes of this precertificate: without the poison.
    pub fn precertified_tbs(&self) -> Result<Vec<u8>, SctError> {
        without(&POISON, &self.tbs_der()).map_err(|_| SctError::Malformed)
    }
}

/// A TBSCertificate without one of its extensions. All else stays as it is, to the byte.
fn without(left_out: &ObjectIdentifier, tbs: &[u8]) -> der::Result<Vec<u8>> {
    let sequence = AnyRef::from_der(tbs)?;
    let mut reader = SliceReader::new(sequence.value())?;
    let mut kept = Vec::new();
    while !reader.is_finished() {
        let part: AnyRef<'_> = reader.decode()?;
        if part.tag() == EXTENSIONS {
            let mut all = Vec::<Extension>::from_der(part.value())?;
            all.retain(|extension| extension.extn_id != *left_out);
            let all = all.to_der()?;
            kept.extend(AnyRef::new(EXTENSIONS, &all)?.to_der()?);
        } else {
            kept.extend(part.to_der()?);
        }
    }
    AnyRef::new(Tag::Sequence, &kept)?.to_der()
}

/// The last `N` bytes of a length (TLS presentation language, RFC 8446 §3.4).
fn length<const N: usize>(length: usize) -> [u8; N] {
    // INVARIANT: lengths are of certificates and signatures, whose limits are far below 2^16.
    let bytes = u64::try_from(length).expect("a length fits sixty-four bits").to_be_bytes();
    let (rest, last) = bytes.split_at(8 - N);
    assert!(rest.iter().all(|byte| *byte == 0), "a length within its limit");
    last.try_into().expect("that many bytes were split off")
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Result<&'a [u8], SctError> {
    let (taken, after) = rest.split_at_checked(count).ok_or(SctError::Malformed)?;
    *rest = after;
    Ok(taken)
}

fn prefixed<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], SctError> {
    let count = u16::from_be_bytes(array(take(rest, 2)?)?);
    take(rest, usize::from(count))
}

fn array<const N: usize>(bytes: &[u8]) -> Result<[u8; N], SctError> {
    bytes.try_into().map_err(|_| SctError::Malformed)
}
