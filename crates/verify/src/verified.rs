//! What verification proved, and what it did not look at.

use std::fmt;

use envelope::in_toto::Statement;
use model::{Algorithm, Digest, Instant, Item, KeyId, PersonId, PlatformId, Request, Space};
use serde::Serialize;

/// Whose present time a verifier goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimeSource {
    /// The clock of the verifying machine.
    SystemClock,
    /// A time that the caller named.
    Named,
}

/// The present, as a verifier has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Present {
    /// The time.
    pub at: Instant,
    /// Whose it is.
    pub source: TimeSource,
}

/// The time at which something is believed to have been signed, and on whose word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BelievedTime {
    /// The time.
    pub at: Instant,
    /// On whose word.
    pub whose: Whose,
}

/// On whose word a time is believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Whose {
    /// A timestamp authority of the trust root says that the signature existed then.
    TimestampAuthority {
        /// The subject of its certificate.
        subject: String,
    },
    /// A transparency log of the trust root promised the entry then.
    TransparencyLog {
        /// Which.
        origin: String,
    },
    /// Nobody: there is no timestamp token, so the verifier's own present is what counts.
    Verifier(TimeSource),
}

impl fmt::Display for BelievedTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at;
        match &self.whose {
            Whose::TimestampAuthority { subject } => {
                write!(f, "{at}, by the clock of the timestamp authority `{subject}`")
            }
            Whose::TransparencyLog { origin } => write!(f, "{at}, by the clock of the log {origin}"),
            Whose::Verifier(TimeSource::SystemClock) => write!(f, "{at}, by the clock of this machine"),
            Whose::Verifier(TimeSource::Named) => write!(f, "{at}, as it was named on the command line"),
        }
    }
}

/// A verified receipt, bundle or CMS. Only this room makes one.
#[derive(Debug, Clone, Serialize)]
pub struct Verified {
    pub(crate) file: Digest,
    pub(crate) platform: Option<PlatformId>,
    pub(crate) request: Option<Request>,
    pub(crate) items: Vec<VerifiedItem>,
    pub(crate) not_checked: Vec<NotChecked>,
}

/// One signature, verified.
#[derive(Debug, Clone, Serialize)]
pub struct VerifiedItem {
    pub(crate) item: Option<Item>,
    pub(crate) key: KeyId,
    pub(crate) time: BelievedTime,
    pub(crate) proven: Vec<Proven>,
}

impl Verified {
    /// The SHA-256 of the file that was signed.
    pub const fn file(&self) -> &Digest {
        &self.file
    }

    /// The platform, where a receipt names it.
    pub const fn platform(&self) -> Option<PlatformId> {
        self.platform
    }

    /// The request that led to the signatures, where a receipt carries it.
    pub const fn request(&self) -> Option<&Request> {
        self.request.as_ref()
    }

    /// The signatures.
    pub fn items(&self) -> &[VerifiedItem] {
        &self.items
    }

    /// What was not looked at, and whoever decides should know.
    pub fn not_checked(&self) -> &[NotChecked] {
        &self.not_checked
    }
}

impl VerifiedItem {
    /// The item that was signed, where a receipt carries it.
    pub const fn item(&self) -> Option<&Item> {
        self.item.as_ref()
    }

    /// The key that signed.
    pub const fn key(&self) -> KeyId {
        self.key
    }

    /// When it is believed to have been signed, and on whose word.
    pub const fn time(&self) -> &BelievedTime {
        &self.time
    }

    /// What is claimed of the file, where it is not the file itself that was signed.
    pub fn statement(&self) -> Option<&Statement> {
        self.proven.iter().find_map(|proven| match proven {
            Proven::Attested { statement } => Some(statement),
            _ => None,
        })
    }

    /// What was proven, in the order in which one thing rests on the other.
    pub fn proven(&self) -> &[Proven] {
        &self.proven
    }
}

/// Something that was proven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "proof", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Proven {
    /// The file is the one that was to be signed.
    File {
        /// Its SHA-256.
        sha256: Digest,
    },
    /// The item stands in the request.
    Requested {
        /// The request digest.
        request: Digest,
    },
    /// The registry vouches for the key.
    Registered {
        /// The key's name.
        name: Space,
        /// Its generation.
        generation: u32,
        /// The registry's head under which it signed.
        registry: Digest,
    },
    /// The signature is the key's, over the bytes that the request composes to.
    Signature {
        /// With which algorithm.
        algorithm: Algorithm,
    },
    /// A trusted root vouches for the signer's certificate.
    Certificate {
        /// Whose it is.
        subject: String,
        /// The root.
        root: String,
    },
    /// The certificate is that of whoever held an ID token.
    Holder {
        /// Whom the token named.
        subject: String,
        /// Who vouched for it.
        issuer: String,
    },
    /// The certificate is public: a certificate-transparency log of the trust root promised it.
    Transparent {
        /// Which log, by its id.
        log: Digest,
        /// When.
        at: Instant,
    },
    /// What was signed is a claim about the file.
    Attested {
        /// The claim.
        statement: Statement,
    },
    /// Whoever signed says this besides, and signed it.
    Comment {
        /// What.
        text: String,
    },
    /// It was signed for one use, and says for which.
    Namespace {
        /// Which.
        name: String,
    },
    /// A transparency log of Rekor v1 promised the entry.
    Promised {
        /// Which log.
        origin: String,
        /// When.
        at: Instant,
    },
    /// The key is the one that OpenPGP knows by this fingerprint.
    OpenPgpKey {
        /// The fingerprint.
        fingerprint: String,
        /// Whose it is by its own word, where its certificate was asked.
        #[serde(rename = "userIds")]
        user_ids: Vec<String>,
    },
    /// A timestamp authority of the trust root saw the signature.
    Timestamp {
        /// Its certificate's subject.
        authority: String,
        /// When.
        at: Instant,
    },
    /// The signature is public: its entry stands in the transparency log.
    Logged {
        /// Which log.
        origin: String,
        /// The entry's index.
        index: u64,
        /// The size of the tree that the checkpoint is of.
        size: u64,
    },
    /// Outsiders, who remember how far a book went, saw the checkpoint.
    Witnessed {
        /// Of which log or journal.
        origin: String,
        /// Who.
        by: Vec<String>,
        /// When the last of them did, by its own clock.
        at: Instant,
    },
    /// People endorsed it, as the key's rule asks.
    Endorsed {
        /// Who.
        persons: Vec<PersonId>,
    },
    /// The key process had recorded its intent in its journal.
    Journalled {
        /// Which journal.
        origin: String,
        /// The intent's index.
        index: u64,
    },
}

impl fmt::Display for Proven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { sha256 } => write!(f, "the file is the one that was signed: sha256 {sha256}"),
            Self::Requested { request } => write!(f, "it was asked for by the request with digest {request}"),
            Self::Registered { name, generation, registry } => {
                write!(
                    f,
                    "key `{name}`, generation {generation}, stands in the registry with head {registry}, and was active"
                )
            }
            Self::Signature { algorithm } => write!(f, "the signature ({algorithm}) verifies"),
            Self::Certificate { subject, root } => {
                write!(f, "the certificate of `{subject}` leads to the trusted root `{root}`")
            }
            Self::Holder { subject, issuer } => {
                write!(f, "`{subject}` signed, as `{issuer}` vouched")
            }
            Self::Transparent { log, at } => {
                write!(f, "the certificate was promised at {at} to the certificate log {log}")
            }
            Self::Attested { statement } => {
                write!(f, "what was signed is a claim about the file, of kind `{}`", statement.predicate_type)
            }
            Self::Comment { text } => write!(f, "whoever signed says: {text:?}"),
            Self::Namespace { name } => write!(f, "it was signed for the namespace `{name}`"),
            Self::Promised { origin, at } => write!(f, "the log {origin} promised the entry at {at}"),
            Self::OpenPgpKey { fingerprint, user_ids } if user_ids.is_empty() => {
                write!(f, "OpenPGP knows the key as {fingerprint}")
            }
            Self::OpenPgpKey { fingerprint, user_ids } => {
                write!(
                    f,
                    "OpenPGP knows the key as {fingerprint}, of `{}` by its own word",
                    user_ids.join("`, `")
                )
            }
            Self::Timestamp { authority, at } => write!(f, "`{authority}` saw the signature at {at}"),
            Self::Logged { origin, index, size } => {
                write!(f, "it is entry {index} of the log {origin}, in the checkpoint of {size} entries")
            }
            Self::Witnessed { origin, by, at } => {
                write!(f, "{} cosigned the checkpoint of {origin}, the last of them at {at}", by.join(", "))
            }
            Self::Endorsed { persons } => {
                write!(f, "{} endorsed it, as the key's rule asks", people(persons))
            }
            Self::Journalled { origin, index } => {
                write!(f, "the intent is entry {index} of the journal {origin}")
            }
        }
    }
}

fn people(persons: &[PersonId]) -> String {
    match persons {
        [one] => format!("one person ({one})"),
        several => {
            let names: Vec<String> = several.iter().map(PersonId::to_string).collect();
            format!("{} persons ({})", several.len(), names.join(", "))
        }
    }
}

/// Something that was not looked at, and that whoever decides should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "open", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum NotChecked {
    /// Something was said, and nobody named what it should be.
    Expectation {
        /// What.
        what: &'static str,
        /// What was said.
        found: String,
    },
    /// Who asked is the server's word alone.
    RequesterAsserted,
    /// There is no timestamp token, and the verifier asked for none.
    NoTimestamp,
    /// There is no log entry, and the verifier asked for none.
    NoLogEntry,
    /// A CMS signature has no place for a log entry.
    CmsWithoutLogEntry,
    /// A signature with nothing beside it.
    Bare {
        /// What it is.
        what: &'static str,
    },
    /// A single person governs the platform.
    Solo,
    /// Nobody outside holds the platform to a book of its own: its journal, or its log.
    Unanchored {
        /// Which.
        what: &'static str,
    },
    /// The receipt shows too few witnesses of a book.
    NotWitnessed {
        /// Of which book.
        what: &'static str,
        /// How many did.
        found: usize,
        /// How many it takes.
        needed: usize,
    },
    /// No checkpoint of the journal covers the intent.
    JournalWithoutCheckpoint,
    /// The receipt does not carry the intent.
    NoJournal,
    /// Whether what is claimed is so.
    Claim {
        /// What of it.
        what: &'static str,
    },
    /// A claim that is not shaped as its type says, and that nobody asked for.
    Misshapen {
        /// In what.
        fault: String,
    },
    /// A claim of a kind that is not looked into.
    UnknownPredicate,
    /// What happened to keys after the trust root was made is not known here.
    LaterRevocations {
        /// How many registry entries the trust root knows.
        entries: u64,
    },
    /// The file's name was not compared: whoever stores a file names it.
    FileName {
        /// The name in the receipt.
        signed_as: String,
    },
    /// A bundle or CMS alone does not say who asked, nor by which rule.
    NoRequest,
    /// The key was given by the verifier, and no registry was asked about it.
    KeyGiven,
    /// When it was signed is the word of whoever signed.
    SignersTime {
        /// When, by that word.
        at: Instant,
    },
    /// A signature by somebody who is not known here.
    OtherSigner {
        /// Which key it names.
        named: String,
    },
    /// What the platform's own log of Rekor v1 says of the time.
    Promise,
    /// Whose the ID token was is the server's word alone.
    IdentityAsserted,
}

impl fmt::Display for NotChecked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expectation { what, found } if found.is_empty() => {
                write!(f, "no {what} was named when it was signed, and none was expected")
            }
            Self::Expectation { what, found } => {
                write!(f, "the {what} is `{found}`; no expectation was given to compare it with")
            }
            Self::RequesterAsserted => f.write_str("who asked for it was proven to the server alone"),
            Self::NoTimestamp => {
                f.write_str("when it was signed: there is no timestamp token, and none was asked for")
            }
            Self::NoLogEntry => {
                f.write_str("whether it is public: there is no log entry, and none was asked for")
            }
            Self::CmsWithoutLogEntry => f.write_str(
                "whether it is public: a CMS signature carries no log entry; verify the receipt for that",
            ),
            Self::Bare { what } => write!(
                f,
                "when it was signed, and whether it is public: a {what} carries no timestamp and no log entry; verify the receipt for that"
            ),
            Self::Solo => {
                f.write_str("that more than one person governs the platform: its genesis says solo")
            }
            Self::Unanchored { what } => {
                write!(f, "that the {what} hides no fork: no witness cosigns it (unanchored)")
            }
            Self::NotWitnessed { what, found, needed } => write!(
                f,
                "that others saw the same {what}: the receipt shows {found} of the {needed} witnesses that it takes"
            ),
            Self::JournalWithoutCheckpoint => {
                f.write_str("the intent in the journal: no checkpoint in the receipt covers it")
            }
            Self::NoJournal => {
                f.write_str("the journal: the receipt does not carry the key process's intent")
            }
            Self::Claim { what } => f.write_str(what),
            Self::Misshapen { fault } => {
                write!(f, "what is claimed: the predicate is not what its type says: {fault}")
            }
            Self::UnknownPredicate => {
                f.write_str("what is claimed: predicates of this type are not looked into")
            }
            Self::LaterRevocations { entries } => {
                write!(f, "revocations after the {entries} registry entries that this trust root knows")
            }
            Self::FileName { signed_as } => write!(f, "the file's name: it was signed as `{signed_as}`"),
            Self::NoRequest => f.write_str("who asked for it, and by which rule: only a receipt says so"),
            Self::KeyGiven => f.write_str("whether the key was in force: it was named by hand"),
            Self::SignersTime { at } => {
                write!(f, "when it was signed: {at}, by the word of whoever signed")
            }
            Self::OtherSigner { named } => {
                write!(f, "another signature, by the key {named}, which is not known here")
            }
            Self::Promise => f.write_str(
                "the time that the log of Rekor v1 promises: it is the platform's own word, and only a timestamp counts",
            ),
            Self::IdentityAsserted => f.write_str(
                "whose the ID token was: the platform's registry lets its server say so (`identity: asserted`)",
            ),
        }
    }
}
