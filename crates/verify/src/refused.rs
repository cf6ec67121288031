//! Why something is refused: because it is bad, or because it cannot be checked.

mod gap;

use std::fmt;

use envelope::in_toto::{PredicateError, PredicateType};
use model::{Class, Digest, Form, Hash, Instant, KeyId, Space};

pub use gap::Gap;

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
