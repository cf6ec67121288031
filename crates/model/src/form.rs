//! What a key is for, which bytes it signs, and how.

use serde::{Deserialize, Serialize};

use crate::{Hash, limits};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            /// Every value there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word for it, as it stands in requests and records.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }

        impl std::str::FromStr for $name {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                let found = Self::ALL.iter().copied().find(|value| value.word() == text);
                found.ok_or_else(|| UnknownWord::new(text, &[$($word),*]))
            }
        }
    };
}

/// A word that is none of those which stand in its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not known here; known are {known}")]
pub struct UnknownWord {
    text: String,
    known: String,
}

impl UnknownWord {
    /// None of those that are known here.
    pub fn new(text: &str, known: &[&str]) -> Self {
        Self { text: text.chars().take(64).collect(), known: known.join(", ") }
    }
}

words! {
    /// Which bytes a key signs. A key has one form, and two forms never share key material: a `blob` whose bytes
    /// were a set of CMS attributes would otherwise be a signature of that other kind.
    Form {
        /// The digest of a file; never with a certificate.
        Blob = "blob",
        /// The signed attributes of a CMS SignerInfo (RFC 5652 §5.4).
        Cms = "cms",
        /// The content itself, in a CMS SignerInfo without attributes.
        CmsPlain = "cms-plain",
        /// The pre-authentication encoding of DSSE.
        Dsse = "dsse",
        /// An OpenPGP signature of type 0x00 or 0x01.
        OpenPgp = "openpgp",
        /// The signed data of an SSHSIG.
        SshSig = "sshsig",
        /// A COSE Sig_structure.
        Cose = "cose",
        /// A JWS signing input.
        Jws = "jws",
        /// A minisign signature and its trusted comment.
        Minisign = "minisign",
        /// The signed data of an APK signature scheme v2 or later.
        Apk = "apk",
        /// A TBSCertificate for a token's holder.
        Certificate = "certificate",
        /// A TBSCertificate for a key of the platform itself.
        Ca = "ca",
        /// A TBSCertList or an OCSP ResponseData.
        Revocation = "revocation",
        /// The signed attributes of an RFC 3161 timestamp token.
        Timestamp = "timestamp",
        /// A signed certificate timestamp (RFC 6962 §3.2).
        Sct = "sct",
        /// A signed entry timestamp of Rekor v1, or the checkpoint of the log that it is of.
        Set = "set",
        /// The text of a checkpoint (C2SP tlog-checkpoint).
        Checkpoint = "checkpoint",
        /// A witness's cosignature (C2SP tlog-cosignature).
        Cosignature = "cosignature",
        /// The signed part of TUF metadata.
        Tuf = "tuf",
    }
}

words! {
    /// What a key is for.
    Purpose {
        /// Signs what an organisation ships.
        Code = "code",
        /// Issues certificates to holders of ID tokens.
        Certificate = "certificate",
        /// Issues certificates of the platform's own keys.
        Ca = "ca",
        /// Says which certificates are revoked.
        Revocation = "revocation",
        /// Signs timestamp tokens.
        Timestamp = "timestamp",
        /// Signs certificate timestamps.
        Sct = "sct",
        /// Signs entry timestamps.
        Set = "set",
        /// Signs checkpoints of a log.
        Checkpoint = "checkpoint",
        /// Cosigns checkpoints of somebody else's log.
        Cosignature = "cosignature",
        /// Signs TUF metadata.
        Tuf = "tuf",
    }
}

words! {
    /// A role of TUF metadata: what a key of form `tuf` signs, and nothing else.
    TufRole {
        /// Which keys count in every role, its own included.
        Root = "root",
        /// The files that clients fetch.
        Targets = "targets",
        /// The versions that belong together.
        Snapshot = "snapshot",
        /// That nothing is newer.
        Timestamp = "timestamp",
    }
}

words! {
    /// What an OpenPGP signature says that it is of.
    SignatureOf {
        /// A file, byte for byte.
        Binary = "binary",
        /// A text, whose lines end alike wherever it goes.
        Text = "text",
    }
}

words! {
    /// The decision that a signature supports.
    Class {
        /// A release.
        Release = "release",
        /// An update on its way to devices.
        Update = "update",
        /// A recovery image.
        Recovery = "recovery",
        /// Evidence.
        Evidence = "evidence",
        /// Configuration.
        Configuration = "configuration",
        /// An emergency.
        Emergency = "emergency",
        /// Development and tests.
        Development = "development",
    }
}

words! {
    /// A signature algorithm, hash included.
    Algorithm {
        /// ECDSA over P-256 with SHA-256.
        EcdsaP256 = "ecdsa-p256-sha256",
        /// ECDSA over P-384 with SHA-384.
        EcdsaP384 = "ecdsa-p384-sha384",
        /// RSA, 2048 bits, PKCS #1 v1.5 with SHA-256: verified, never made.
        Rsa2048 = "rsa-2048-sha256",
        /// RSA, 3072 bits, PKCS #1 v1.5 with SHA-256.
        Rsa3072 = "rsa-3072-sha256",
        /// RSA, 4096 bits, PKCS #1 v1.5 with SHA-256.
        Rsa4096 = "rsa-4096-sha256",
        /// Ed25519 (RFC 8032), pure: it signs inline bytes only.
        Ed25519 = "ed25519",
    }
}

impl Form {
    /// Does a key of this form have a certificate of the platform's own authority? A blob key never has: with one, the
    /// digest of a set of CMS attributes that it signs would verify as CMS.
    pub const fn is_certified(self) -> bool {
        matches!(self, Self::Cms | Self::CmsPlain | Self::Timestamp | Self::Certificate | Self::Ca)
    }

    /// Does it stand somewhere whose key of this form is: in its X.509 certificate, or in its OpenPGP certificate?
    pub const fn names_subject(self) -> bool {
        self.is_certified() || matches!(self, Self::OpenPgp)
    }

    /// Is a key of this form followed by another of the platform itself, which takes its place at a time?
    pub const fn is_taken_over(self) -> bool {
        matches!(
            self,
            Self::Ca | Self::Certificate | Self::Timestamp | Self::Sct | Self::Set | Self::Checkpoint
        )
    }

    /// The purpose that a key of this form has.
    pub const fn purpose(self) -> Purpose {
        match self {
            Self::Certificate => Purpose::Certificate,
            Self::Ca => Purpose::Ca,
            Self::Revocation => Purpose::Revocation,
            Self::Timestamp => Purpose::Timestamp,
            Self::Sct => Purpose::Sct,
            Self::Set => Purpose::Set,
            Self::Checkpoint => Purpose::Checkpoint,
            Self::Cosignature => Purpose::Cosignature,
            Self::Tuf => Purpose::Tuf,
            Self::Blob
            | Self::Cms
            | Self::CmsPlain
            | Self::Dsse
            | Self::OpenPgp
            | Self::SshSig
            | Self::Cose
            | Self::Jws
            | Self::Minisign
            | Self::Apk => Purpose::Code,
        }
    }
}

/// What of the content an item carries to its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Carried {
    /// Its digest.
    Digest(Hash),
    /// The state of this hash after it, for a form that puts words of its own behind the content.
    State(Hash),
    /// The bytes themselves.
    Inline,
}

impl Form {
    /// May a key of this form have this algorithm?
    pub const fn takes(self, algorithm: Algorithm) -> bool {
        match (self, algorithm) {
            // Verified where others made it, and too short for a key of ours.
            (_, Algorithm::Rsa2048) => false,
            // INVARIANT: a pure algorithm signs bytes and never a digest in their place, and a blob key signs a digest
            // and nothing else.
            (Self::Blob, _) => algorithm.hash().is_some(),
            // What minisign has. It signs the digest of a file as the bytes that it is.
            (Self::Minisign, _) => matches!(algorithm, Algorithm::Ed25519),
            // What `ssh-keygen` verifies and avouch as well. RSA in SSH hashes otherwise than these keys do.
            (Self::SshSig, _) => matches!(algorithm, Algorithm::Ed25519 | Algorithm::EcdsaP256),
            // What C2SP's notes of logs and witnesses are signed with.
            (Self::Checkpoint | Self::Cosignature, _) => matches!(algorithm, Algorithm::Ed25519),
            // What certificate-transparency logs and Rekor v1 sign with, and what their clients verify.
            (Self::Sct | Self::Set, _) => matches!(algorithm, Algorithm::EcdsaP256),
            // What every client of TUF verifies.
            (Self::Tuf, _) => matches!(algorithm, Algorithm::EcdsaP256),
            // Some clients of Sigstore read no issuer with an Ed25519 key.
            (Self::Certificate, _) => !matches!(algorithm, Algorithm::Ed25519),
            _ => true,
        }
    }

    /// The longest content that an item of this form carries inline, before base64.
    pub const fn inline_bytes_max(self) -> usize {
        match self {
            Self::Dsse => limits::STATEMENT_BYTES_MAX,
            _ => limits::INLINE_BYTES_MAX,
        }
    }

    /// What an item of this form carries to a key of this algorithm.
    pub const fn carries(self, algorithm: Algorithm) -> Carried {
        match (self, algorithm.hash()) {
            (Self::Minisign, _) => Carried::Digest(Hash::Blake2b512),
            (Self::SshSig, _) => Carried::Digest(Hash::Sha512),
            (Self::OpenPgp, Some(hash)) => Carried::State(hash),
            (Self::OpenPgp, None) => Carried::State(Hash::Sha256),
            (Self::Blob | Self::Cms | Self::CmsPlain, Some(hash)) => Carried::Digest(hash),
            _ => Carried::Inline,
        }
    }
}
