//! Signatures and public keys of minisign ([jedisct1.github.io/minisign](https://jedisct1.github.io/minisign/)).
//!
//! A signature file has four lines: an untrusted comment, the signature (over the BLAKE2b of the file), a trusted comment,
//! and a second signature over the first and that comment. The untrusted comment is covered by nothing, and neither is the
//! key's number: it is only how a key is found.
//!
//! Older signatures are over the file itself. They are read and verified, and never made: the two kinds differ in a letter
//! that no signature covers, so that one over a file of 64 bytes says nothing ([`MinisignError::Ambiguous`]).

mod error;
mod key;
mod signature;

pub use error::MinisignError;
pub use key::{KeyNumber, MinisignKey};
pub use signature::{Minisig, Over};

/// A signature file: minisign reads comments of 8,192 bytes.
pub const MINISIG_BYTES_MAX: usize = 16 * 1024;

/// The most bytes of a file whose old signature is verified: the file has to be in memory.
pub const LEGACY_FILE_BYTES_MAX: usize = 64 * 1024 * 1024;

const UNTRUSTED: &str = "untrusted comment: ";
const TRUSTED: &str = "trusted comment: ";

/// What a line says behind the words that it must begin with; comments hold nothing that a terminal acts upon.
fn comment<'a>(line: &'a str, begin: &str, what: &'static str) -> Result<&'a str, MinisignError> {
    let text = line.strip_prefix(begin).ok_or(MinisignError::Malformed { what })?;
    let is_plain = text.chars().all(|c| c == '\t' || !c.is_control());
    if is_plain { Ok(text) } else { Err(MinisignError::Malformed { what }) }
}

/// The bytes of a line of base64.
fn bytes<const N: usize>(line: &str, what: &'static str) -> Result<[u8; N], MinisignError> {
    let bytes = data_encoding::BASE64.decode(line.as_bytes()).ok();
    bytes.and_then(|bytes| bytes.try_into().ok()).ok_or(MinisignError::Malformed { what })
}

/// The lines of a file, each without its break; nothing may stand behind the last.
fn lines<const N: usize>(text: &str) -> Option<[&str; N]> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let lines: Vec<&str> = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).collect();
    lines.try_into().ok()
}
