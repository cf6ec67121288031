//! Who comes to the log, and with what.

use envelope::ToBeSigned;
use envelope::rekor::{Body, RekorError, SubmittedBody, Terms, Verifier};
use model::{Digest, Logging, merkle};

use crate::platform::PlatformKey;
use crate::stages::sign::Signature;
use crate::stages::submit::Entry;
use crate::stages::{Intended, LogMark, Stamped};
use crate::{EntryReply, IndexedEntry};

/// What reaches Log.
pub enum Entrant {
    /// A request of ours, stamped.
    Stamped(Box<Stamped>),
    /// An entry that somebody else asks for.
    Submitted {
        /// Its body.
        body: SubmittedBody,
        /// Called once its checkpoint is public, or cannot be.
        reply: EntryReply,
    },
}

impl From<Stamped> for Entrant {
    fn from(stamped: Stamped) -> Self {
        Self::Stamped(Box::new(stamped))
    }
}

/// Somebody who waits for entries.
pub(super) struct Waiting {
    pub(super) whose: Whose,
    pub(super) candidates: Vec<Candidate>,
}

/// An entry that is to be in the log, and may be there already: its body, and what the index keeps of it.
pub(super) struct Candidate {
    pub(super) body: Vec<u8>,
    pub(super) indexed: IndexedEntry,
}

/// Who waits.
pub(super) enum Whose {
    Request(Box<Stamped>),
    Submitter(EntryReply),
}

impl Waiting {
    /// A request, with an entry for each of its signatures; with none, where its profile asks for no entries. One whose
    /// signatures cannot be logged comes back.
    pub(super) fn request(stamped: Box<Stamped>) -> Result<Self, (Box<Stamped>, RekorError)> {
        match candidates(&stamped) {
            Ok(candidates) => Ok(Self { whose: Whose::Request(stamped), candidates }),
            Err(error) => Err((stamped, error)),
        }
    }

    pub(super) fn submitter(body: SubmittedBody, reply: EntryReply) -> Self {
        let (body, terms) = body.into_parts();
        Self { whose: Whose::Submitter(reply), candidates: vec![Candidate::new(body, terms)] }
    }

    /// From where on the log may hold the entries of this request already.
    pub(super) fn perhaps_from(&self) -> Option<LogMark> {
        match &self.whose {
            Whose::Request(stamped) => match stamped.intended().entry {
                Entry::Perhaps { from } => Some(from),
                Entry::New => None,
            },
            Whose::Submitter(_) => None,
        }
    }

    /// Does somebody ask for this who may have asked before?
    pub(super) const fn is_submitted(&self) -> bool {
        matches!(self.whose, Whose::Submitter(_))
    }
}

impl Candidate {
    fn new(body: Vec<u8>, terms: Terms) -> Self {
        let indexed = IndexedEntry { leaf: merkle::leaf_hash(&body), terms: Some(terms) };
        Self { body, indexed }
    }

    pub(super) const fn leaf(&self) -> Digest {
        self.indexed.leaf
    }
}

fn candidates(stamped: &Stamped) -> Result<Vec<Candidate>, RekorError> {
    let fitting = stamped.intended().fitting();
    if fitting.profile.log == Logging::None {
        return Ok(Vec::new());
    }
    let signatures = stamped.signed.signatures().iter();
    signatures.map(|signature| candidate(signature, &fitting.keys[signature.item])).collect()
}

fn candidate(signature: &Signature, key: &PlatformKey) -> Result<Candidate, RekorError> {
    let verifier = match signature.chain.first() {
        Some(certificate) => Verifier::Certificate(certificate.clone()),
        None => Verifier::PublicKey(key.record().public_key.clone()),
    };
    let to_be_signed: &ToBeSigned = &signature.to_be_signed;
    let body = Body::new(to_be_signed, &signature.signature, verifier)?;
    Ok(Candidate::new(body.encode(), body.terms()))
}

/// The same request, whose entries may be in the log from now on.
pub(super) fn perhaps(mut stamped: Box<Stamped>, from: LogMark) -> Box<Stamped> {
    let intended: &mut Intended = &mut stamped.signed.intended;
    if intended.entry == Entry::New {
        intended.entry = Entry::Perhaps { from };
    }
    stamped
}

/// Those whose entries come under one checkpoint.
pub(super) fn groups(waiting: Vec<Waiting>) -> Vec<Vec<Waiting>> {
    let mut groups: Vec<Vec<Waiting>> = Vec::new();
    let mut entries = 0;
    for one in waiting {
        match groups.last_mut() {
            Some(group) if entries + one.candidates.len() <= tlog::ENTRIES_MAX => {
                entries += one.candidates.len();
                group.push(one);
            }
            _ => {
                entries = one.candidates.len();
                groups.push(vec![one]);
            }
        }
    }
    groups
}
