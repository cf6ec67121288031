//! The head of the tree of a certificate-transparency log, as RFC 6962 §3.5 has it signed, and as a line of a note
//! carries the signature (C2SP static-ct-api, *Checkpoints*).

use model::{Digest, Instant};

/// SHA-256 with ECDSA, and with RSA, as TLS 1.2 numbers them (RFC 5246 §7.4.1.4.1).
const ALGORITHMS: [[u8; 2]; 2] = [[4, 3], [4, 1]];

/// What the log's key signs.
pub fn to_be_signed(time: Instant, size: u64, root: &Digest) -> Vec<u8> {
    // Version 1 is numbered 0; a signature of kind 1 is over a tree head.
    let mut bytes = vec![0, 1];
    bytes.extend(milliseconds(time).to_be_bytes());
    bytes.extend(size.to_be_bytes());
    bytes.extend(root.as_bytes());
    bytes
}

/// What stands on the note's line for an ECDSA signature that was made at this time.
pub fn seal(time: Instant, signature: &[u8]) -> Vec<u8> {
    let length = u16::try_from(signature.len()).expect("a signature is far shorter than 64 KiB");
    let mut bytes = milliseconds(time).to_be_bytes().to_vec();
    bytes.extend(ALGORITHMS[0]);
    bytes.extend(length.to_be_bytes());
    bytes.extend(signature);
    bytes
}

/// The time and the signature on such a line.
pub(crate) fn open(line: &[u8]) -> Option<(Instant, &[u8])> {
    let (time, rest) = line.split_first_chunk::<8>()?;
    let (algorithm, rest) = rest.split_first_chunk::<2>()?;
    let (length, signature) = rest.split_first_chunk::<2>()?;
    let whole = ALGORITHMS.contains(algorithm) && usize::from(u16::from_be_bytes(*length)) == signature.len();
    let time = Instant::from_nanoseconds(u64::from_be_bytes(*time).checked_mul(1_000_000)?);
    whole.then_some((time, signature))
}

const fn milliseconds(time: Instant) -> u64 {
    time.nanoseconds() / 1_000_000
}
