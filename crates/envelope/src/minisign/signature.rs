//! Signatures: sealed, parsed, and verified.

use data_encoding::BASE64;
use model::{Digests, Hash};

use super::{
    KeyNumber, MINISIG_BYTES_MAX, MinisignError, MinisignKey, TRUSTED, UNTRUSTED, bytes, comment, lines,
};
use crate::countersigned;

/// A signature file, taken apart. Nothing in it is believed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minisig {
    untrusted_comment: String,
    over: Over,
    number: KeyNumber,
    signature: [u8; 64],
    trusted_comment: String,
    second: [u8; 64],
}

/// What the first signature says that it is over. No signature covers that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// The BLAKE2b of the file.
    Digest,
    /// The file itself.
    File,
}

impl Over {
    const fn kind(self) -> [u8; 2] {
        match self {
            Self::Digest => *b"ED",
            Self::File => *b"Ed",
        }
    }
}

/// How long a file is that could be the BLAKE2b of another.
const DIGEST_BYTES: usize = 64;

impl Minisig {
    /// Puts a signature file together. `signatures` are both, one behind the other, as a key makes them of
    /// [`ToBeSigned::Twice`](crate::ToBeSigned::Twice).
    pub fn seal(
        key: &MinisignKey,
        signatures: &[u8],
        trusted_comment: &str,
        untrusted_comment: &str,
    ) -> Result<Self, MinisignError> {
        let (signature, second) = signatures.split_first_chunk().ok_or(MinisignError::Unsealable)?;
        Ok(Self {
            untrusted_comment: untrusted_comment.to_owned(),
            over: Over::Digest,
            number: key.number(),
            signature: *signature,
            trusted_comment: trusted_comment.to_owned(),
            second: second.try_into().map_err(|_| MinisignError::Unsealable)?,
        })
    }

    /// Reads a signature file.
    pub fn parse(text: &str) -> Result<Self, MinisignError> {
        if text.len() > MINISIG_BYTES_MAX {
            return Err(MinisignError::TooLong { length: text.len() });
        }
        let [untrusted, signature, trusted, second] =
            lines(text).ok_or(MinisignError::Malformed { what: "number of lines" })?;
        let malformed = || MinisignError::Malformed { what: "signature" };
        let whole: [u8; 74] = bytes(signature, "signature")?;
        let (kind, rest) = whole.split_first_chunk::<2>().ok_or_else(malformed)?;
        let (number, signature) = rest.split_first_chunk::<8>().ok_or_else(malformed)?;
        let over = [Over::Digest, Over::File].into_iter().find(|over| over.kind() == *kind);
        Ok(Self {
            untrusted_comment: comment(untrusted, UNTRUSTED, "untrusted comment")?.to_owned(),
            over: over.ok_or(MinisignError::Malformed { what: "kind of signature" })?,
            number: KeyNumber(*number),
            signature: signature.try_into().map_err(|_| malformed())?,
            trusted_comment: comment(trusted, TRUSTED, "trusted comment")?.to_owned(),
            second: bytes(second, "signature of the trusted comment")?,
        })
    }

    /// The signature file.
    pub fn to_file(&self) -> String {
        let signature = [&self.over.kind()[..], &self.number.0, &self.signature].concat();
        format!(
            "{UNTRUSTED}{}\n{}\n{TRUSTED}{}\n{}\n",
            self.untrusted_comment,
            BASE64.encode(&signature),
            self.trusted_comment,
            BASE64.encode(&self.second)
        )
    }

    /// By what it names its key.
    pub const fn number(&self) -> KeyNumber {
        self.number
    }

    /// What it says that it is over.
    pub const fn over(&self) -> Over {
        self.over
    }

    /// What nothing covers: anybody may have put it there.
    pub fn untrusted_comment(&self) -> &str {
        &self.untrusted_comment
    }

    /// What it says in words. It is nobody's word before the signature was verified.
    pub fn trusted_comment(&self) -> &str {
        &self.trusted_comment
    }

    /// Checks both signatures: that of a file that is known by its digests, and that of the comment.
    pub fn verify(&self, key: &MinisignKey, file: &Digests) -> Result<(), MinisignError> {
        if self.over != Over::Digest {
            return Err(MinisignError::FileUnknown);
        }
        const HASH: Hash = Hash::Blake2b512;
        self.check(key, file.digest(HASH).ok_or(MinisignError::DigestUnknown { hash: HASH })?)
    }

    /// The same of a signature over the file itself.
    pub fn verify_legacy(&self, key: &MinisignKey, file: &[u8]) -> Result<(), MinisignError> {
        match self.over {
            Over::Digest => self.verify(key, &Digests::of(file, &[Hash::Blake2b512])),
            Over::File if file.len() == DIGEST_BYTES => Err(MinisignError::Ambiguous),
            Over::File => self.check(key, file),
        }
    }

    fn check(&self, key: &MinisignKey, signed: &[u8]) -> Result<(), MinisignError> {
        if self.number != key.number() {
            return Err(MinisignError::OtherKey { found: self.number, expected: key.number() });
        }
        key.key().verify(signed, &self.signature)?;
        let second = countersigned(&self.signature, &self.trusted_comment);
        key.key().verify(&second, &self.second).map_err(MinisignError::BadComment)
    }
}
