//! Why something is refused: because it is bad, or because it cannot be checked.

use std::fmt;

use envelope::in_toto::{PredicateError, PredicateType};
use model::{Class, Digest, Form, Hash, Instant, KeyId, Space};

/// A refusal. `Bad` never becomes good; `CannotCheck` may, with what its advice names.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It contradicts itself, the file, the trust root or what was expected.
    #[error("bad {part}{}", place(*.item))]
    Bad {
        /// The part that is bad.
        part: Part,
        /// Which item of the receipt, where it is in one.
        item: Option<usize>,
        /// What is wrong with it.
        #[source]
        fault: Fault,
    },
    /// It says something that cannot be judged with what is at hand.
    #[error("cannot check the {part}{}", place(*.item))]
    CannotCheck {
        /// The part that cannot be judged.
        part: Part,
        /// Which item of the receipt, where it is in one.
        item: Option<usize>,
        /// What is missing.
        #[source]
        gap: Gap,
    },
}

fn place(item: Option<usize>) -> String {
    item.map_or_else(String::new, |index| format!(" of signature {}", index + 1))
}

/// A part of what is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Part {
    /// The file.
    File,
    /// The receipt, as a whole.
    Receipt,
    /// The bundle, as a whole.
    Bundle,
    /// The CMS, as a whole.
    Cms,
    /// The request.
    Request,
    /// An item of it.
    Item,
    /// The statement that was signed.
    Statement,
    /// The key.
    Key,
    /// The registry.
    Registry,
    /// The signature.
    Signature,
    /// The signer's certificate.
    Certificate,
    /// The timestamp token.
    Timestamp,
    /// The log entry.
    LogEntry,
    /// The checkpoint of the log.
    Checkpoint,
    /// The endorsements.
    Endorsements,
    /// The journal entry.
    Journal,
    /// What was expected.
    Expectation,
    /// The trust root.
    TrustRoot,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "file",
            Self::Receipt => "receipt",
            Self::Bundle => "bundle",
            Self::Cms => "CMS signature",
            Self::Request => "request",
            Self::Item => "item",
            Self::Statement => "statement",
            Self::Key => "key",
            Self::Registry => "registry",
            Self::Signature => "signature",
            Self::Certificate => "certificate",
            Self::Timestamp => "timestamp token",
            Self::LogEntry => "log entry",
            Self::Checkpoint => "log checkpoint",
            Self::Endorsements => "endorsements",
            Self::Journal => "journal entry",
            Self::Expectation => "match with what was expected",
            Self::TrustRoot => "trust root",
        })
    }
}

/// What is wrong with a part that is bad.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// Not what its kind must look like.
    #[error("it cannot be read")]
    Unreadable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// None of what there must be one of, or more than can be.
    #[error("{count} {what}, where 1 to {most} belong")]
    Count {
        /// Of what.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// How many there may be.
        most: usize,
    },
    /// The file is another one.
    #[error("the file's sha256 is {found}, and what was signed is {signed}")]
    OtherFile {
        /// The digest that was signed.
        signed: Digest,
        /// The digest of the file at hand.
        found: Digest,
    },
    /// The same, where something was signed by the digest of another hash.
    #[error("the file's {hash} is not the one that was signed")]
    OtherDigest {
        /// The hash.
        hash: Hash,
    },
    /// A statement about other files.
    #[error("the statement is about `{names}`, and not about this file, whose sha256 is {found}")]
    OtherSubject {
        /// The digest of the file at hand.
        found: Digest,
        /// What the statement calls its subjects.
        names: String,
    },
    /// A signature of the file itself, where a claim about it was expected.
    #[error("the file itself was signed, and an attestation was expected")]
    NoStatement,
    /// A predicate that is not what its type says.
    #[error("its predicate is no `{kind}`")]
    Predicate {
        /// What it says it is.
        kind: PredicateType,
        /// In what it is not.
        #[source]
        cause: Box<PredicateError>,
    },
    /// Two items of one receipt are of two files.
    #[error("it is of another file than the receipt's first")]
    TwoFiles,
    /// A content that is not what the format makes of the file.
    #[error("its content is not what the format `{format}` makes of the file")]
    OtherContent {
        /// The format.
        format: Space,
    },
    /// A request that asks for something else than signatures.
    #[error("it asks for a change of the registry and not for a signature")]
    NotSigning,
    /// Made for another platform.
    #[error("it is of another platform than the trust root")]
    OtherPlatform,
    /// Not an item of this request.
    #[error("it does not stand in the request at the place that it names")]
    NotRequested,
    /// Composed under a registry or a policy that was never in force when it was signed.
    #[error("the request was composed under another {what} than it was signed under")]
    NeverInForce {
        /// What.
        what: &'static str,
    },
    /// A key that the registry does not know under that name.
    #[error("the registry knows no generation {generation} of a key `{name}`")]
    NoSuchKey {
        /// The name.
        name: Space,
        /// The generation.
        generation: u32,
    },
    /// Something that is not as the key's record says.
    #[error("its {what} is not what the record of key `{name}` says")]
    NotAsRecorded {
        /// What differs.
        what: &'static str,
        /// The key.
        name: Space,
    },
    /// A class that the key does not sign for.
    #[error("key `{name}` does not sign for class {class}")]
    OtherClass {
        /// The key.
        name: Space,
        /// The class that was asked for.
        class: Class,
    },
    /// Outside the key's validity.
    #[error("key `{name}` may sign from {not_before} until {not_after}, and it was {at}")]
    OutsideValidity {
        /// The key.
        name: Space,
        /// From when it may sign.
        not_before: Instant,
        /// Until when.
        not_after: Instant,
        /// When it signed, as far as can be believed.
        at: Instant,
    },
    /// A key that did not sign any more.
    #[error("key `{name}` is {state} since {since}, and it was {at}")]
    NotActive {
        /// The key.
        name: Space,
        /// What it is.
        state: &'static str,
        /// Since when.
        since: Instant,
        /// When it signed, as far as can be believed.
        at: Instant,
    },
    /// A signature that does not verify.
    #[error("it does not verify")]
    Signature(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A certificate where none belongs: the digest that a blob key signs could be that of a set of CMS attributes.
    #[error("a key of form {form} has no certificate, and one is there")]
    CertificateUnwanted {
        /// The form.
        form: Form,
    },
    /// No certificate where one belongs.
    #[error("a key of form {form} has a certificate, and none is there")]
    NoCertificate {
        /// The form.
        form: Form,
    },
    /// A certificate that does not lead to a trusted root at that time.
    #[error("it does not lead to a trusted root")]
    Path(#[source] pki::PathError),
    /// A root certificate that the bundle brought along, and that anybody could have made.
    #[error("a root certificate came with it, which only the trust root may name")]
    RootInBundle,
    /// A timestamp of a certificate log that is not over this certificate.
    #[error("its certificate-transparency timestamp does not verify")]
    Transparency(#[source] model::BadSignature),
    /// A token that is not over this signature, or not by whom it says.
    #[error("it is not a timestamp of this signature by a trusted authority")]
    Timestamp(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A certificate in a token that nothing rests on and nobody signed for.
    #[error("it carries a certificate that is not on its signer's path")]
    Stowaway,
    /// A token from outside the time in which its authority is believed.
    #[error("it is of an authority whose window is {window}, and it says {at}")]
    OutsideWindow {
        /// When the authority may sign.
        window: String,
        /// The time it says.
        at: Instant,
    },
    /// A log entry of something else.
    #[error("its `{field}` is not that of this signature")]
    OtherEntry {
        /// What differs.
        field: &'static str,
    },
    /// Without a part that an entry of its kind has.
    #[error("it has no `{field}`")]
    Incomplete {
        /// Which.
        field: &'static str,
    },
    /// A proof that does not lead to the checkpoint.
    #[error("it does not lead to the checkpoint")]
    Inclusion(#[source] tlog::ProofError),
    /// A checkpoint that its log did not sign.
    #[error("the log did not sign it")]
    Checkpoint(#[source] tlog::CheckpointError),
    /// Too few endorsements, or a rejection.
    #[error("the key's rule is not met")]
    Quorum(#[source] quorum::Shortfall),
    /// A quorum without the intent that names it: somebody took it away.
    #[error("key `{name}` asks for endorsements, and the journal's intent that names them is not there")]
    NoIntent {
        /// The key.
        name: Space,
    },
    /// An intent without the proof that it is in the journal: somebody took it away.
    #[error(
        "key `{name}` asks for endorsements, and no checkpoint of the journal covers the intent that names them"
    )]
    NoJournalCheckpoint {
        /// The key.
        name: Space,
    },
    /// Endorsements where no rule asks for any: nobody has looked at them.
    #[error("there are some, and the rule of no key asks for any")]
    Unasked,
    /// Nobody had to endorse, and the verifier asks that somebody did.
    #[error("a quorum is required, and the record of key `{name}` asks for none")]
    Ungoverned {
        /// The key.
        name: Space,
    },
    /// A signature that was to count until a time, which is over.
    #[error("it counts until {ended}, and it is {now}")]
    Ended {
        /// Until when.
        ended: Instant,
        /// The verifier's time.
        now: Instant,
    },
    /// Not what was expected.
    #[error("the {what} is `{found}`, and `{expected}` was expected")]
    Unexpected {
        /// What.
        what: &'static str,
        /// What was expected.
        expected: String,
        /// What it is.
        found: String,
    },
    /// Another key than the one that the verifier named.
    #[error("it names key {found}, and the key at hand is {expected}")]
    OtherKey {
        /// The key at hand.
        expected: KeyId,
        /// What it names.
        found: String,
    },
}

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

impl Refused {
    pub(crate) const fn bad(part: Part, fault: Fault) -> Self {
        Self::Bad { part, item: None, fault }
    }

    pub(crate) const fn cannot_check(part: Part, gap: Gap) -> Self {
        Self::CannotCheck { part, item: None, gap }
    }

    pub(crate) const fn expectation(fault: Fault) -> Self {
        Self::bad(Part::Expectation, fault)
    }

    /// Says of which item it is.
    pub(crate) fn of_item(self, place: usize) -> Self {
        match self {
            Self::Bad { part, fault, .. } => Self::Bad { part, item: Some(place), fault },
            Self::CannotCheck { part, gap, .. } => Self::CannotCheck { part, item: Some(place), gap },
        }
    }

    /// The part that it is about.
    pub const fn part(&self) -> Part {
        match self {
            Self::Bad { part, .. } | Self::CannotCheck { part, .. } => *part,
        }
    }

    /// What to do about it.
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::Bad { fault, .. } => fault.advice(),
            Self::CannotCheck { gap, .. } => gap.advice(),
        }
    }
}

impl Refused {
    /// The hash whose digest of the file is missing; with it, the same question has another answer.
    pub const fn hash_needed(&self) -> Option<Hash> {
        match self {
            Self::CannotCheck { gap: Gap::DigestUnknown { hash }, .. } => Some(*hash),
            _ => None,
        }
    }

    /// Is the file itself missing? With it, the same question has another answer.
    pub const fn is_file_needed(&self) -> bool {
        matches!(self, Self::CannotCheck { gap: Gap::FileUnknown, .. })
    }
}

impl Fault {
    const fn advice(&self) -> &'static str {
        match self {
            Self::OtherSubject { .. } => {
                "find the attestation that is about this file, or the file that this one is about"
            }
            Self::NoStatement => "name the attestation with `--attestation FILE`",
            Self::Predicate { .. } => {
                "whoever made the attestation must make it anew; what is signed cannot be mended"
            }
            Self::OtherFile { .. } | Self::OtherDigest { .. } => {
                "do not use the file; fetch it again from where it was published, with its receipt"
            }
            Self::Unexpected { .. } | Self::Ungoverned { .. } => {
                "do not use the file for this; it was signed for something else"
            }
            Self::OtherPlatform => {
                "use the trust root of the platform that signed, if you trust that platform"
            }
            Self::NotActive { .. } | Self::OutsideValidity { .. } => {
                "do not use the file; ask whoever published it to sign it again"
            }
            _ => "do not use the file; fetch file and signature again, and report it if they stay bad",
        }
    }
}

impl Gap {
    const fn advice(&self) -> &'static str {
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
