//! One signature of a receipt: from the request down to the bytes that were signed, and up to the log.

use envelope::in_toto;
use envelope::openpgp::CLEARTEXT;
use envelope::rekor::{Body, Verifier};
use envelope::{Chosen, ComposeError, ToBeSigned, compose};
use model::journal::{Intent, Leaf, endorsements_digest};
use model::receipt::SignedItem;
use model::{Content, RequestedItem, merkle};
use pki::{Certificate, PathError, Usage, VerifiedPath, verify_path};
use quorum::{Key, Moment};
use tlog::proof::verify_inclusion;
use tlog::{CheckpointError, SignedCheckpoint, VerifierKey};

use crate::receipt::{Bench, endorsement_bytes, file_digest, text_digest, unreadable};
use crate::refused::{Fault, Gap};
use crate::statement::{About, about};
use crate::timestamp::Dated;
use crate::witnesses::{self, Witnessed};
use crate::{
    BelievedTime, Evidence, NotChecked, Part, Proven, QuorumExpectation, Refused, TrustRoot, VerifiedItem,
    key, log, timestamp,
};

/// What became of one item.
pub(crate) struct Judged {
    pub(crate) verified: VerifiedItem,
    /// Does the rule of its key ask for endorsements?
    pub(crate) governed: bool,
    pub(crate) open: Vec<NotChecked>,
}

/// An item while it is being verified.
struct Examination<'a> {
    bench: &'a Bench<'a>,
    signed: &'a SignedItem,
    item: RequestedItem,
    proven: Vec<Proven>,
    open: Vec<NotChecked>,
}

/// Verifies one item of the bench's receipt.
pub(crate) fn verify(bench: &Bench<'_>, signed: &SignedItem, item: RequestedItem) -> Result<Judged, Refused> {
    let proven = vec![Proven::Requested { request: bench.request_digest }];
    let mut examination = Examination { bench, signed, item, proven, open: Vec::new() };
    examination.check_file()?;
    let key = examination.check_key()?;
    let chain = examination.read_chain()?;
    let to_be_signed = examination.check_signature(key, chain.first())?;
    let time = examination.date(key)?;
    examination.check_path(&chain, &time)?;
    examination.check_log(&to_be_signed, chain.first(), &time)?;
    examination.check_endorsements(key)?;
    examination.check_journal(key, &to_be_signed)?;
    let Examination { item, proven, open, .. } = examination;
    let verified = VerifiedItem { item: Some(item.into_item()), key: key.record.id(), time, proven };
    Ok(Judged { verified, governed: key.record.rule.is_some(), open })
}

impl<'a> Examination<'a> {
    /// Is the item of this file, and is its content what the format makes of the file?
    fn check_file(&mut self) -> Result<(), Refused> {
        if self.item.format.as_str() == in_toto::FORMAT {
            return self.check_subject();
        }
        let artifact = self.bench.artifact;
        let (signed, found) = (self.item.file.sha256, artifact.digests.sha256());
        if signed != found {
            return Err(Refused::bad(Part::File, Fault::OtherFile { signed, found }));
        }
        let format = self.item.format.clone();
        let (content, size) = (&self.item.content, self.item.file.size);
        let known = content.known_by();
        let is_file = match format.as_str() {
            // Of a blob the content is the file itself.
            name if name == formats::Format::name(&formats::Blob) => {
                known.as_bytes() == file_digest(artifact, known.hash())? && content.length() == size
            }
            CLEARTEXT => known.as_bytes() == text_digest(artifact, known.hash())?,
            _ => return Err(Refused::cannot_check(Part::Item, Gap::UnknownFormat { format })),
        };
        if !is_file {
            return Err(Refused::bad(Part::Item, Fault::OtherContent { format }));
        }
        if artifact.name.as_ref().is_some_and(|name| *name != self.item.name) {
            self.open.push(NotChecked::FileName { signed_as: self.item.name.clone() });
        }
        self.proven.push(Proven::File { sha256: found });
        Ok(())
    }

    /// Is the item's content a statement about this file, and about the one that the item names?
    fn check_subject(&mut self) -> Result<(), Refused> {
        let format = self.item.format.clone();
        let payload_type = self.item.parameters.payload_type.as_deref();
        let (Content::Inline { bytes }, Some(payload_type)) = (&self.item.content, payload_type) else {
            return Err(Refused::bad(Part::Item, Fault::OtherContent { format }));
        };
        let About { proven, open } = about(payload_type, &bytes.0, self.bench.artifact)?;
        // The file that the request names is the first that the statement is about, and not something else.
        let named = self.item.file.sha256.into();
        if !matches!(&proven, Proven::Attested { statement } if statement.names(&named).is_some()) {
            return Err(Refused::bad(Part::Item, Fault::OtherContent { format }));
        }
        self.proven.extend([Proven::File { sha256: self.bench.artifact.digests.sha256() }, proven]);
        self.open.extend(open);
        Ok(())
    }

    fn check_key(&mut self) -> Result<&'a Key, Refused> {
        let key = key::find(self.bench.registry, &self.item)?;
        key::check_class(key, self.bench.signing.class)?;
        let name = &key.record.name;
        // INVARIANT: a public key is taken from the registry; the one in the receipt must be the same or is no key.
        if self.signed.public_key != key.record.public_key {
            let fault = Fault::NotAsRecorded { what: "public key", name: name.clone() };
            return Err(Refused::bad(Part::Key, fault));
        }
        let expected = self.bench.expectations.check_key(key.record.id(), Some(name));
        self.open.extend(expected.map_err(Refused::expectation)?);
        self.proven.push(Proven::Registered {
            name: name.clone(),
            generation: key.record.generation,
            registry: self.bench.receipt.registry,
        });
        Ok(key)
    }

    fn read_chain(&self) -> Result<Vec<Certificate>, Refused> {
        let form = self.item.form;
        let count = self.signed.chain.len();
        let fault = match (form.is_certified(), count) {
            (true, 0) => Some(Fault::NoCertificate { form }),
            (false, 1..) => Some(Fault::CertificateUnwanted { form }),
            (_, count) if count > pki::CHAIN_MAX => {
                Some(Fault::Count { what: "certificates", count, most: pki::CHAIN_MAX })
            }
            _ => None,
        };
        if let Some(fault) = fault {
            return Err(Refused::bad(Part::Certificate, fault));
        }
        let read = |der: &model::Base64| Certificate::from_der(&der.0).map_err(unreadable(Part::Certificate));
        let chain: Vec<Certificate> = self.signed.chain.iter().map(read).collect::<Result<_, _>>()?;
        if chain.first().is_some_and(|leaf| leaf.public_key().as_ref() != Ok(&self.signed.public_key)) {
            let fault = Fault::NotAsRecorded { what: "certificate's key", name: self.item.key.name.clone() };
            return Err(Refused::bad(Part::Certificate, fault));
        }
        Ok(chain)
    }

    /// Composes what was signed from the item, and verifies the signature over it.
    fn check_signature(
        &mut self,
        key: &Key,
        certificate: Option<&Certificate>,
    ) -> Result<ToBeSigned, Refused> {
        let chosen = Chosen::decode(&self.signed.chosen.0).map_err(unreadable(Part::Signature))?;
        // INVARIANT: whom an OpenPGP signature names follows from the key's record.
        if !chosen.is_of(&key.record.public_key, key.record.not_before) {
            let fault = Fault::NotAsRecorded { what: "fingerprint", name: key.record.name.clone() };
            return Err(Refused::bad(Part::Signature, fault));
        }
        let to_be_signed = compose(&self.item, &chosen, certificate).map_err(|cause| match cause {
            ComposeError::NotComposed { .. } => {
                Refused::cannot_check(Part::Signature, Gap::UnknownForm(Box::new(cause)))
            }
            other => unreadable(Part::Item)(other),
        })?;
        let key = &self.signed.public_key;
        to_be_signed
            .verify(key, &self.signed.signature.0)
            .map_err(|cause| Refused::bad(Part::Signature, Fault::Signature(Box::new(cause))))?;
        self.proven.push(Proven::Signature { algorithm: key.algorithm() });
        let parameters = &self.item.parameters;
        self.proven.extend(parameters.trusted_comment.clone().map(|text| Proven::Comment { text }));
        self.proven.extend(parameters.namespace.clone().map(|name| Proven::Namespace { name }));
        Ok(to_be_signed)
    }

    /// When it was signed, and whether the key could sign then.
    fn date(&mut self, key: &Key) -> Result<BelievedTime, Refused> {
        let Bench { root, expectations, present, .. } = self.bench;
        let token = self.signed.timestamp.as_ref().map(|token| token.0.as_slice());
        let dated = timestamp::date(
            token,
            &self.signed.signature.0,
            root.anchors(),
            expectations.timestamp,
            *present,
        )?;
        let Dated { time, proven, open } = dated;
        key::check_time(root.registry(), key, time.at)?;
        self.proven.extend(proven);
        self.open.extend(open);
        Ok(time)
    }

    fn check_path(&mut self, chain: &[Certificate], time: &BelievedTime) -> Result<(), Refused> {
        let Some((leaf, others)) = chain.split_first() else { return Ok(()) };
        self.proven.push(platform_path(leaf, others, self.bench.root, time)?);
        Ok(())
    }

    fn check_log(
        &mut self,
        to_be_signed: &ToBeSigned,
        certificate: Option<&Certificate>,
        time: &BelievedTime,
    ) -> Result<(), Refused> {
        let Some(entry) = &self.signed.log else {
            if self.bench.expectations.log == Evidence::Required {
                return Err(Refused::cannot_check(Part::LogEntry, Gap::NoLogEntry));
            }
            self.open.push(NotChecked::NoLogEntry);
            return Ok(());
        };
        let key = || Verifier::PublicKey(self.signed.public_key.clone());
        let verifier = certificate.cloned().map_or_else(key, Verifier::Certificate);
        let body = Body::new(to_be_signed, &self.signed.signature.0, verifier)
            .map_err(unreadable(Part::LogEntry))?;
        let (logged, checkpoint) = log::verify(entry, &body, self.bench.root.anchors(), time.at)?;
        self.proven.push(logged);
        let Bench { registry, expectations, .. } = self.bench;
        let witnessed = witnesses::of_log(&checkpoint, registry, expectations.witnesses)?;
        self.note_witnesses(witnessed);
        Ok(())
    }

    fn note_witnesses(&mut self, witnessed: Witnessed) {
        match witnessed {
            Witnessed::Proven(proven) => self.proven.push(proven),
            Witnessed::Open(open) => self.open.push(open),
        }
    }

    /// INVARIANT: the key's record says whether a quorum is due, never the receipt.
    fn check_endorsements(&mut self, key: &Key) -> Result<(), Refused> {
        let Bench { registry, request, request_digest, endorsements, expectations, .. } = self.bench;
        let Some(rule) = &key.record.rule else {
            return match expectations.quorum {
                QuorumExpectation::AsRecorded => Ok(()),
                QuorumExpectation::Required => {
                    let name = key.record.name.clone();
                    Err(Refused::expectation(Fault::Ungoverned { name }))
                }
            };
        };
        let counted = quorum::count(registry, rule, request, request_digest, endorsements, Moment::Replayed)
            .map_err(|cause| Refused::bad(Part::Endorsements, Fault::Quorum(cause)))?;
        self.proven.push(Proven::Endorsed { persons: counted.persons().iter().copied().collect() });
        Ok(())
    }

    /// Is the intent in the journal that of this very signature?
    fn check_journal(&mut self, key: &Key, to_be_signed: &ToBeSigned) -> Result<(), Refused> {
        let Some(entry) = &self.signed.journal else {
            if key.record.rule.is_some() {
                let name = key.record.name.clone();
                return Err(Refused::bad(Part::Journal, Fault::NoIntent { name }));
            }
            self.open.push(NotChecked::NoJournal);
            return Ok(());
        };
        let leaf = Leaf::decode(&entry.leaf.0).map_err(unreadable(Part::Journal))?;
        let Leaf::Intent(found) = &leaf else {
            return Err(Refused::bad(Part::Journal, Fault::OtherEntry { field: "kind" }));
        };
        let expected = Intent {
            sequence: entry.index,
            time: found.time,
            key: key.record.id(),
            record: key.digest,
            registry: self.bench.receipt.registry,
            request: self.bench.request_digest,
            item: self.item.index,
            to_be_signed: to_be_signed.sha256(),
            endorsements: endorsements_digest(&endorsement_bytes(self.bench.endorsements)),
            chosen: self.signed.chosen.0.clone(),
        };
        if let Some(field) = difference(found, &expected) {
            return Err(Refused::bad(Part::Journal, Fault::OtherEntry { field }));
        }
        // The key process signs within the request's time only, and writes the time that it signs into what it signs.
        let chosen = Chosen::decode(&found.chosen).map_err(unreadable(Part::Journal))?;
        let is_written = chosen.signing_time().is_none_or(|written| written == found.time.whole_second());
        let request = self.bench.request;
        if !is_written || found.time < request.created || found.time >= request.deadline {
            return Err(Refused::bad(Part::Journal, Fault::OtherEntry { field: "time" }));
        }
        let Some(note) = &entry.checkpoint else {
            // INVARIANT: the key's record says whether a proof is due, never the receipt.
            if key.record.rule.is_some() {
                let name = key.record.name.clone();
                return Err(Refused::bad(Part::Journal, Fault::NoJournalCheckpoint { name }));
            }
            self.open.push(NotChecked::JournalWithoutCheckpoint);
            return Ok(());
        };
        let (checkpoint, origin) = self.open_journal(note)?;
        let leaf = merkle::leaf_hash(&entry.leaf.0);
        verify_inclusion(&leaf, entry.index, checkpoint.size(), checkpoint.root(), &entry.path)
            .map_err(|cause| Refused::bad(Part::Journal, Fault::Inclusion(cause)))?;
        let (place, expected) = ((&leaf, entry.index), self.bench.expectations.witnesses);
        let witnessed =
            witnesses::of_journal(&entry.witnessed, place, &origin, self.bench.registry, expected)?;
        self.proven.push(Proven::Journalled { origin, index: entry.index });
        self.note_witnesses(witnessed);
        Ok(())
    }

    /// A checkpoint of the journal under the origin that it had when the intent was made, with that origin.
    fn open_journal(&self, note: &str) -> Result<(SignedCheckpoint, String), Refused> {
        let registry = self.bench.registry;
        let origin = registry.journal_origins().next_back().expect("a registry has at least one journal");
        let bad = |cause| Refused::bad(Part::Journal, Fault::Checkpoint(cause));
        let key = VerifierKey::of_log(&origin, registry.journal_key())
            .map_err(|source| bad(CheckpointError::Note { origin: origin.clone(), source }))?;
        Ok((SignedCheckpoint::open(note, &key).map_err(bad)?, origin))
    }
}

/// In what an intent differs from the one that belongs there.
fn difference(found: &Intent, expected: &Intent) -> Option<&'static str> {
    let fields = [
        ("sequence", found.sequence == expected.sequence),
        ("key", found.key == expected.key),
        ("record", found.record == expected.record),
        ("registry head", found.registry == expected.registry),
        ("request digest", found.request == expected.request),
        ("item", found.item == expected.item),
        ("digest of what is signed", found.to_be_signed == expected.to_be_signed),
        ("endorsements", found.endorsements == expected.endorsements),
        ("choices", found.chosen == expected.chosen),
    ];
    fields.into_iter().find_map(|(field, same)| (!same).then_some(field))
}

/// Verifies that a trusted root vouched for a signer's certificate when it signed.
pub(crate) fn certificate_path(
    leaf: &Certificate,
    others: &[Certificate],
    roots: &[Certificate],
    time: &BelievedTime,
) -> Result<Proven, Refused> {
    path(leaf, others, roots, time).map(|path| proven(&path))
}

/// The same of a platform's key: its registry says which of its roots counted then.
pub(crate) fn platform_path(
    leaf: &Certificate,
    others: &[Certificate],
    root: &TrustRoot,
    time: &BelievedTime,
) -> Result<Proven, Refused> {
    let path = path(leaf, others, root.roots(), time)?;
    // INVARIANT: what a root vouches for after its end is bad, whatever it vouched for before.
    let authority = path.root().public_key().ok().and_then(|key| root.registry().key(&key.id()));
    authority.map_or(Ok(()), |authority| key::check_time(root.registry(), authority, time.at))?;
    Ok(proven(&path))
}

fn path(
    leaf: &Certificate,
    others: &[Certificate],
    roots: &[Certificate],
    time: &BelievedTime,
) -> Result<VerifiedPath, Refused> {
    verify_path(leaf, others, roots, time.at, Usage::CodeSigning).map_err(|cause| match cause {
        PathError::CannotCheck { .. } => Refused::cannot_check(Part::Certificate, Gap::Path(cause)),
        PathError::UntrustedIssuer { .. } => {
            Refused::cannot_check(Part::Certificate, Gap::UnknownIssuer(cause))
        }
        other => Refused::bad(Part::Certificate, Fault::Path(other)),
    })
}

fn proven(path: &VerifiedPath) -> Proven {
    Proven::Certificate { subject: path.leaf().subject_text(), root: path.root().subject_text() }
}
