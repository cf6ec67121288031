//! What is missing for a judgement.

use model::{Digest, Hash, Instant, KeyId, Space};

/// What is missing for a judgement.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Gap {
    /// A layout of a newer avouch.
    #[error("it is of version {version}, and this avouch knows version 1")]
    NewerVersion {
        /// Its version.
        version: u32,
    },
    /// The trust root is too old to go by.
    #[error("it expired at {expires}, and it is {now}")]
    TrustRootExpired {
        /// Its expiry.
        expires: Instant,
        /// The verifier's time.
        now: Instant,
    },
    /// A registry head that the trust root's chain does not know.
    #[error(
        "it was signed under the registry head {head}, which is not among the {entries} entries of the trust root"
    )]
    UnknownRegistryHead {
        /// The head.
        head: Digest,
        /// How many entries the trust root knows.
        entries: u64,
    },
    /// A book that nobody witnesses.
    #[error("no witness was named for the {what} when it was signed, and the verifier asks for some")]
    Unanchored {
        /// Which book.
        what: &'static str,
    },
    /// Too few witnesses of a book.
    #[error(
        "the receipt shows {found} witnesses of the {what}, and it takes {needed}: it shows nothing of {}",
        missing.join(", ")
    )]
    NotWitnessed {
        /// Which book.
        what: &'static str,
        /// How many did.
        found: usize,
        /// How many it takes.
        needed: usize,
        /// The others that the registry names.
        missing: Vec<String>,
    },
    /// A format that this avouch does not read.
    #[error("the format `{format}` is not read by this avouch")]
    UnknownFormat {
        /// The format.
        format: Space,
    },
    /// A form that this avouch does not compose.
    #[error("what a key of this form signs is not composed by this avouch")]
    UnknownForm(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A log that is not in the trust root.
    #[error("the trust root names no log `{origin}`")]
    UnknownLog {
        /// Its origin.
        origin: String,
    },
    /// A key that the trust root's chain does not know.
    #[error("{key} is not among the keys of the {entries} registry entries of the trust root")]
    UnknownKey {
        /// The key.
        key: KeyId,
        /// How many entries the trust root knows.
        entries: u64,
    },
    /// A bundle that names a key which the trust root's chain does not know.
    #[error("the bundle's hint `{found}` names no key of the {entries} registry entries of the trust root")]
    UnknownHint {
        /// The hint.
        found: String,
        /// How many entries the trust root knows.
        entries: u64,
    },
    /// A minisign signature that names a key which the trust root's chain does not know.
    #[error("no minisign key of the {entries} registry entries of the trust root has the number {found}")]
    UnknownNumber {
        /// The number.
        found: String,
        /// How many entries the trust root knows.
        entries: u64,
    },
    /// An old minisign signature, and only digests of the file are at hand.
    #[error("it is an old minisign signature, which is over the file itself and not over its digest")]
    FileUnknown,
    /// A signature that may be one of something else.
    #[error("it may have been made of something else")]
    Ambiguous(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// OpenPGP signatures, and none by a key that is known here.
    #[error("it is by {found}, and that is no key that is known here")]
    UnknownSigner {
        /// Which keys it names.
        found: String,
    },
    /// It was signed as a text, and only digests of the file are at hand.
    #[error(
        "it was signed as a text, with its lines ended alike, and only the file itself says what that is"
    )]
    TextUnknown,
    /// Something in it that must be understood, and is not.
    #[error("it holds something that is not read here")]
    NotRead(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A trust root without a timestamp authority.
    #[error("the trust root names no timestamp authority")]
    NoAuthority,
    /// A token of somebody whom the authority's root vouches for, and whom the trust root does not list.
    #[error("`{subject}` made it, and is not among the timestamp authorities that the trust root lists")]
    UnlistedAuthority {
        /// The subject of the certificate.
        subject: String,
    },
    /// A certificate of an issuer that is not in the trust root.
    #[error("the trust root does not know who issued its certificate")]
    UnknownIssuer(#[source] pki::PathError),
    /// Something on the path that is not understood and must not be overlooked.
    #[error("its path holds something that avouch does not know")]
    Path(#[source] pki::PathError),
    /// A trust root without a certificate authority of that time.
    #[error("the trust root names no certificate authority for that time")]
    NoCertificateAuthority,
    /// A certificate without a timestamp of a log of the trust root.
    #[error("no certificate-transparency log of the trust root promised it")]
    NoCertificateLog,
    /// No timestamp token.
    #[error("there is none, so that nobody says when it was signed")]
    NoTimestamp,
    /// No log entry.
    #[error("there is none, so that nobody can have seen it in public")]
    NoLogEntry,
    /// A token of a later time than the verifier's.
    #[error("it says {at}, and the verifier's time is only {now}")]
    FromTheFuture {
        /// What it says.
        at: Instant,
        /// The verifier's time.
        now: Instant,
    },
    /// An expectation of something that the claim does not say.
    #[error("the claim does not say what the {what} is")]
    NotSaid {
        /// What was expected.
        what: &'static str,
    },
    /// An expectation that only a receipt can meet.
    #[error("only a receipt says what the {what} is")]
    NeedsReceipt {
        /// What was expected.
        what: &'static str,
    },
    /// It was signed by a digest of the file that nobody computed.
    #[error("it was signed by its {hash}, which is not known")]
    DigestUnknown {
        /// The hash.
        hash: Hash,
    },
    /// Something that needs more than is at hand.
    #[error("it is of a kind that is not read here: {what}")]
    Unsupported {
        /// What it is.
        what: &'static str,
    },
}

impl Gap {
    pub(super) const fn advice(&self) -> &'static str {
        match self {
            Self::NewerVersion { .. } | Self::UnknownFormat { .. } | Self::UnknownForm(_) => {
                "verify with a newer avouch"
            }
            Self::TrustRootExpired { .. }
            | Self::UnknownRegistryHead { .. }
            | Self::UnknownKey { .. }
            | Self::UnknownHint { .. }
            | Self::UnknownNumber { .. }
            | Self::NoAuthority
            | Self::NoCertificateAuthority
            | Self::NoCertificateLog
            | Self::UnlistedAuthority { .. }
            | Self::UnknownIssuer(_)
            | Self::UnknownLog { .. } => {
                "fetch the platform's present trust root (`avouch trust export`) and verify again"
            }
            Self::Unanchored { .. } => "leave out `--require-witnesses`; the verdict then says so",
            Self::NotWitnessed { .. } => {
                "fetch the receipt again (`avouch request receipts`), or leave out `--require-witnesses`"
            }
            Self::NoTimestamp => "say `--without-timestamp` if whoever signed asks for no tokens",
            Self::NoLogEntry => "say `--without-log` if whoever signed logs nothing",
            Self::FromTheFuture { .. } => "set this machine's clock, or name the time with `--at`",
            Self::DigestUnknown { .. } | Self::TextUnknown => "give the file itself, and not its digest",
            Self::FileUnknown => {
                "ask for a signature that `minisign -S` makes without `-l`; old ones are verified of files up to 64 MiB"
            }
            Self::Ambiguous(_) => {
                "ask for a signature of another kind, or that `minisign -S` makes without `-l`"
            }
            Self::NotSaid { .. } => {
                "only a SLSA provenance says so, and not each of them; leave the expectation out, or ask for another attestation"
            }
            Self::NeedsReceipt { .. } => "verify with the file's receipt, `NAME.receipt.json`",
            Self::UnknownSigner { .. } => {
                "name the signer's certificate with `--public-key KEY.asc`, if you trust it, or the platform's present trust root"
            }
            Self::Path(_) | Self::NotRead(_) | Self::Unsupported { .. } => {
                "verify with a tool that knows it, or ask for a signature without it"
            }
        }
    }
}
