//! Signed notes (C2SP `signed-note`): a text, an empty line, and lines of signatures.
//!
//! Two things are narrower here than in the specification. The text holds no empty line, because foreign readers of
//! checkpoints demand it; and no control characters at all, not only those of ASCII.

use data_encoding::BASE64;
use model::{Algorithm, Instant};

mod key;

pub(crate) use key::cosigned_text;
pub use key::{NoteAlgorithm, VerifierKey};

/// The longest note: a hundred signatures of the longest kind, and text.
pub const NOTE_BYTES_MAX: usize = 1024 * 1024;

/// The most signatures in a note.
pub const SIGNATURES_MAX: usize = 100;

/// What a signature line begins with: an em dash and a space.
const DASH: &str = "\u{2014} ";

/// Why a note is not one, or proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoteError {
    /// Longer than [`NOTE_BYTES_MAX`].
    #[error("a note of {length} bytes; at most {NOTE_BYTES_MAX} are read")]
    TooLong {
        /// How long it is.
        length: usize,
    },
    /// A control character other than the end of a line.
    #[error("the note holds a control character at byte {at}")]
    ControlCharacter {
        /// Where the first one is.
        at: usize,
    },
    /// Not a text, exactly one empty line, and signature lines.
    #[error("a note is a text, one empty line and then its signatures; this is not")]
    Shape,
    /// A line after the text that is no signature.
    #[error("line {line} after the text is not a signature: an em dash, a name and base64")]
    SignatureLine {
        /// Which, counted from 1.
        line: usize,
    },
    /// More than [`SIGNATURES_MAX`].
    #[error("the note has more than {SIGNATURES_MAX} signatures")]
    TooManySignatures,
    /// A signature in the name of a known key that the key did not make.
    #[error("the signature of `{name}` does not verify with the key that is known for it")]
    BadSignature {
        /// The key's name.
        name: String,
    },
    /// Not one signature of a key that is known.
    #[error("none of the note's signatures is by a key that is known here")]
    NoKnownKey,
    /// A text that is not a verifier key.
    #[error("not a verifier key, which is a name, its key hash and the key, joined by `+`")]
    NotAVerifierKey,
    /// A verifier key whose hash is that of another.
    #[error("the key hash of the verifier key `{name}` does not belong to its name and key")]
    KeyHash {
        /// Its name.
        name: String,
    },
    /// A signature type that is not verified here.
    #[error(
        "the verifier key `{name}` is of type {kind:#04x}; known are 0x01 (ed25519), 0x02 (ECDSA), 0x04 (cosignature/v1) and 0x05 (tree head)"
    )]
    UnknownAlgorithm {
        /// Its name.
        name: String,
        /// Its type.
        kind: u8,
    },
    /// A public key of an algorithm that signs no notes.
    #[error("the key for `{name}` is {algorithm}, with which notes of this kind are not signed")]
    OtherAlgorithm {
        /// The name it should sign under.
        name: String,
        /// What it is.
        algorithm: Algorithm,
    },
    /// A name that no key may have.
    #[error(
        "`{name}` cannot name a key: a name is 1 to 255 bytes without spaces, `+` and control characters"
    )]
    Name {
        /// The beginning of it.
        name: String,
    },
}

/// A note that is well formed and of which nothing is verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note<'a> {
    text: &'a str,
    signatures: Vec<SignatureLine<'a>>,
}

/// One signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
struct SignatureLine<'a> {
    name: &'a str,
    key_hash: [u8; 4],
    signature: Vec<u8>,
}

impl<'a> Note<'a> {
    /// Reads a note.
    pub fn parse(note: &'a str) -> Result<Self, NoteError> {
        if note.len() > NOTE_BYTES_MAX {
            return Err(NoteError::TooLong { length: note.len() });
        }
        if let Some(at) = note.find(|c: char| c.is_control() && c != '\n') {
            return Err(NoteError::ControlCharacter { at });
        }
        let blank = note.find("\n\n").ok_or(NoteError::Shape)?;
        let (text, rest) = (&note[..=blank], &note[blank + 2..]);
        let lines = rest.strip_suffix('\n').ok_or(NoteError::Shape)?;
        if text.starts_with('\n') {
            return Err(NoteError::Shape);
        }
        let mut signatures = Vec::new();
        for (at, line) in lines.split('\n').enumerate() {
            if at == SIGNATURES_MAX {
                return Err(NoteError::TooManySignatures);
            }
            signatures.push(SignatureLine::parse(line).ok_or(NoteError::SignatureLine { line: at + 1 })?);
        }
        Ok(Self { text, signatures })
    }

    /// The text that was signed, with the end of its last line.
    pub const fn text(&self) -> &'a str {
        self.text
    }

    /// The names that stand on the signature lines. Nothing shows that they signed.
    pub fn names(&self) -> impl Iterator<Item = &'a str> {
        self.signatures.iter().map(|signature| signature.name)
    }

    /// Verifies every signature that is in the name of one of `keys`, and passes over all others. One that does not
    /// verify makes the whole note bad.
    pub fn signed_by(&self, keys: &[VerifierKey]) -> Result<Vec<SignedBy>, NoteError> {
        let mut signers: Vec<SignedBy> = Vec::new();
        for line in &self.signatures {
            let mut known = keys.iter().filter(|key| line.is_of(key)).peekable();
            if known.peek().is_none() {
                continue;
            }
            let mut verified = known.filter_map(|key| key.verify(self.text, &line.signature).ok());
            let signer =
                verified.next().ok_or_else(|| NoteError::BadSignature { name: line.name.to_owned() })?;
            if signers.iter().all(|other| other.key != signer.key) {
                signers.push(signer);
            }
        }
        Ok(signers)
    }
}

impl<'a> SignatureLine<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (name, encoded) = line.strip_prefix(DASH)?.split_once(' ')?;
        let decoded = BASE64.decode(encoded.as_bytes()).ok()?;
        let (key_hash, signature) = decoded.split_first_chunk::<4>()?;
        if !key::is_name(name) || signature.is_empty() {
            return None;
        }
        Some(Self { name, key_hash: *key_hash, signature: signature.to_vec() })
    }

    fn encode(&self) -> String {
        let bytes = [&self.key_hash[..], &self.signature].concat();
        format!("{DASH}{} {}\n", self.name, BASE64.encode(&bytes))
    }

    fn is_of(&self, key: &VerifierKey) -> bool {
        self.name == key.name() && self.key_hash == key.key_hash()
    }
}

/// One who signed a note, verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedBy {
    pub(crate) key: VerifierKey,
    pub(crate) time: Option<Instant>,
    /// What the key made, without what stands before it on its line.
    pub(crate) signature: Vec<u8>,
}

impl SignedBy {
    /// The key that signed.
    pub const fn key(&self) -> &VerifierKey {
        &self.key
    }

    /// When, as a witness says of its cosignature and a tree head of itself; plain signatures say nothing of it.
    pub const fn time(&self) -> Option<Instant> {
        self.time
    }
}

/// A note that was signed by at least one known key. Only [`open`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    text: String,
    signers: Vec<SignedBy>,
}

impl Opened {
    /// The text that was signed, with the end of its last line.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Who signed: at least one, each once, in the note's order.
    pub fn signers(&self) -> &[SignedBy] {
        &self.signers
    }
}

/// Opens a note with the keys that are known for it.
pub fn open(note: &str, keys: &[VerifierKey]) -> Result<Opened, NoteError> {
    let note = Note::parse(note)?;
    let signers = note.signed_by(keys)?;
    if signers.is_empty() {
        return Err(NoteError::NoKnownKey);
    }
    Ok(Opened { text: note.text.to_owned(), signers })
}

/// A note with further lines of signatures: those that are by one of `keys` and verify, in the place of what the same key
/// signed before.
pub(crate) fn joined(note: &str, lines: &str, keys: &[VerifierKey]) -> Result<String, NoteError> {
    let before = Note::parse(note)?;
    let added = format!("{}\n{lines}", before.text);
    let added = Note::parse(&added)?;
    let is_known = |line: &&SignatureLine<'_>| keys.iter().any(|key| line.is_of(key));
    let known: Vec<&SignatureLine<'_>> = added.signatures.iter().filter(is_known).collect();
    added.signed_by(keys)?;
    let replaced = |line: &&SignatureLine<'_>| {
        known.iter().any(|new| (new.name, new.key_hash) == (line.name, line.key_hash))
    };
    let kept = before.signatures.iter().filter(|line| !replaced(line));
    let mut joined = format!("{}\n", before.text);
    kept.chain(known.iter().copied()).for_each(|line| joined.push_str(&line.encode()));
    Note::parse(&joined)?;
    Ok(joined)
}

/// The note with those of its signatures that are by one of `keys`, which must verify.
pub fn only(note: &str, keys: &[VerifierKey]) -> Result<String, NoteError> {
    let note = Note::parse(note)?;
    if note.signed_by(keys)?.is_empty() {
        return Err(NoteError::NoKnownKey);
    }
    let mut kept = format!("{}\n", note.text);
    let known = note.signatures.iter().filter(|line| keys.iter().any(|key| line.is_of(key)));
    known.for_each(|line| kept.push_str(&line.encode()));
    Ok(kept)
}

/// The line of a signature under a note of this text: of a cosignature the time stands before the signature, in eight
/// bytes. It must verify.
pub fn signature_line(text: &str, key: &VerifierKey, signature: &[u8]) -> Result<String, NoteError> {
    let note = seal(text, key, signature)?;
    let line = note.strip_prefix(text).and_then(|rest| rest.strip_prefix('\n'));
    line.map(str::to_owned).ok_or(NoteError::Shape)
}

/// Makes a note of a text and one signature over it, which must verify. Of a cosignature the time goes before the
/// signature, in eight bytes.
pub fn seal(text: &str, key: &VerifierKey, signature: &[u8]) -> Result<String, NoteError> {
    key.verify(text, signature)?;
    let mut bytes = key.key_hash().to_vec();
    bytes.extend_from_slice(signature);
    let note = format!("{text}\n{DASH}{} {}\n", key.name(), BASE64.encode(&bytes));
    // A text that no reader would take apart again is not sealed.
    if Note::parse(&note)?.text() != text {
        return Err(NoteError::Shape);
    }
    Ok(note)
}
