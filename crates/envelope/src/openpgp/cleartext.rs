//! Texts that are signed and stay readable (RFC 9580 §7): `InRelease` of APT, `.prov` of Helm.
//!
//! What is signed is the text with its lines ended by CR and LF, without white space at their ends, and without the last
//! line's end. Two texts that differ in nothing else have one signature.

use std::fmt::Write as _;

use model::Hash;

use super::signature::Signature;
use super::{OpenPgpError, armored, read_signatures};

/// The format of an item whose content is a file as a text.
pub const CLEARTEXT: &str = "cleartext";

/// A text that is clearsigned: the index of a large distribution is a few hundred kilobytes.
pub const CLEARTEXT_BYTES_MAX: usize = 16 * 1024 * 1024;

const BEGIN: &str = "-----BEGIN PGP SIGNED MESSAGE-----";
const SIGNATURE: &str = "-----BEGIN PGP SIGNATURE-----";

/// A clearsigned text that was read. Nothing is verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleartext {
    text: Vec<u8>,
    signatures: Vec<Signature>,
}

/// What is signed of a text; `None` where a CR stands somewhere else than before a LF, which readers read in two ways.
pub fn canonical_text(text: &[u8]) -> Option<Vec<u8>> {
    let mut canonical = Vec::with_capacity(text.len() + text.len() / 16);
    let whole = text.strip_suffix(b"\n").unwrap_or(text);
    for (place, line) in whole.split(|byte| *byte == b'\n').enumerate() {
        if place > 0 {
            canonical.extend_from_slice(b"\r\n");
        }
        canonical.extend_from_slice(trimmed(line)?);
    }
    Some(canonical)
}

/// A line without white space at its end.
fn trimmed(line: &[u8]) -> Option<&[u8]> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let end = line.iter().rposition(|byte| !matches!(byte, b' ' | b'\t')).map_or(0, |last| last + 1);
    let line = &line[..end];
    (!line.contains(&b'\r')).then_some(line)
}

const fn name(hash: Hash) -> &'static str {
    match hash {
        Hash::Sha384 => "SHA384",
        Hash::Sha512 => "SHA512",
        _ => "SHA256",
    }
}

/// Puts a text and the packet of its signature into one file. `canonical` is what was signed ([`canonical_text`]).
pub fn clearsigned(canonical: &[u8], hash: Hash, packet: &[u8]) -> Vec<u8> {
    let mut head = String::new();
    let _infallible = write!(head, "{BEGIN}\nHash: {}\n\n", name(hash));
    let mut out = head.into_bytes();
    for line in canonical.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        // What begins with a dash could be taken for the end of the text.
        if line.starts_with(b"-") {
            out.extend_from_slice(b"- ");
        }
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    out.extend_from_slice(armored(packet).as_bytes());
    out
}

/// Does a file begin as a clearsigned text?
pub fn is_clearsigned(bytes: &[u8]) -> bool {
    bytes
        .strip_prefix(BEGIN.as_bytes())
        .is_some_and(|rest| rest.starts_with(b"\n") || rest.starts_with(b"\r\n"))
}

impl Cleartext {
    /// Reads a clearsigned text. Nothing may stand before it, behind it, or in it that is not signed.
    pub fn parse(bytes: &[u8]) -> Result<Self, OpenPgpError> {
        let length = bytes.len();
        if length > CLEARTEXT_BYTES_MAX {
            return Err(OpenPgpError::TooLong { length, limit: CLEARTEXT_BYTES_MAX });
        }
        if !is_clearsigned(bytes) {
            return Err(OpenPgpError::NotClearsigned);
        }
        let mut rest = bytes;
        let mut line = || take_line(&mut rest);
        line();
        let mut hashes = Vec::new();
        loop {
            match line().map(|line| line.trim_ascii_end()) {
                Some([]) => break,
                Some(header) => hashes.extend(named(header)?),
                None => return Err(OpenPgpError::NotClearsigned),
            }
        }
        let mut text: Vec<u8> = Vec::new();
        loop {
            let line = line().ok_or(OpenPgpError::NotClearsigned)?;
            match line {
                [b'-', b' ', escaped @ ..] => text.extend_from_slice(escaped),
                [b'-', ..] if line.trim_ascii_end() == SIGNATURE.as_bytes() => break,
                [b'-', ..] => return Err(OpenPgpError::NotClearsigned),
                plain => text.extend_from_slice(plain),
            }
            text.push(b'\n');
        }
        let armor = [SIGNATURE.as_bytes(), b"\n", rest].concat();
        let signatures = read_signatures(&armor)?;
        // Nobody signs this line; that it must name the hash leaves nothing in the file that could be anything.
        if let Some(hash) = signatures.iter().map(Signature::hash).find(|hash| !hashes.contains(hash)) {
            return Err(OpenPgpError::OtherHashNamed { hash });
        }
        let text = canonical_text(&text).ok_or(OpenPgpError::NotClearsigned)?;
        Ok(Self { text, signatures })
    }

    /// What its signatures are over.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// Its signatures.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }
}

/// The next line, without its end.
fn take_line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    if rest.is_empty() {
        return None;
    }
    let end = rest.iter().position(|byte| *byte == b'\n');
    let (line, after) = match end {
        Some(end) => (&rest[..end], &rest[end + 1..]),
        None => (*rest, &rest[rest.len()..]),
    };
    *rest = after;
    Some(line)
}

/// The hashes that a header names; no other header may stand there.
fn named(header: &[u8]) -> Result<Vec<Hash>, OpenPgpError> {
    let names = header.strip_prefix(b"Hash: ").and_then(|names| std::str::from_utf8(names).ok());
    let names = names.ok_or(OpenPgpError::NotClearsigned)?.split(',');
    let known = [Hash::Sha256, Hash::Sha384, Hash::Sha512];
    Ok(names.filter_map(|one| known.into_iter().find(|hash| name(*hash) == one.trim())).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn a_text_is_signed_without_the_ends_of_its_lines() {
        for (text, canonical) in [
            (&b""[..], &b""[..]),
            (b"\n", b""),
            (b"a", b"a"),
            (b"a\n", b"a"),
            (b"a \t\r\nb\n\n", b"a\r\nb\r\n"),
            (b"- a\n--\n", b"- a\r\n--"),
            (b"  a", b"  a"),
        ] {
            assert_eq!(canonical_text(text).unwrap(), canonical);
        }
        assert!(canonical_text(b"a\rb\n").is_none());
        assert!(canonical_text(b"a\r\r\n").is_none());
    }

    #[test]
    fn what_is_written_around_a_text_is_taken_off_again() {
        for text in [&b""[..], b"a", b"-----BEGIN PGP SIGNATURE-----\n- x\n-\n\nFrom here", b"\n\n\n"] {
            let canonical = canonical_text(text).unwrap();
            let file = clearsigned(&canonical, Hash::Sha256, &[]);
            // No signature stands in it, and it gets so far that this is said.
            let refused = Cleartext::parse(&file).unwrap_err();
            assert!(matches!(refused, OpenPgpError::Malformed { what: "OpenPGP signature" }), "{refused}");
        }
    }
}
