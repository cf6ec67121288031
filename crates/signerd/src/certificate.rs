//! Certificates of the platform's own keys: built here from their records, with nothing from outside.

use envelope::{Chosen, ToBeSigned, openpgp};
use keystore::Stores;
use model::journal::{Intent, endorsements_digest};
use model::{Form, Instant, KeyId, Tag, told};
use pki::{
    Certificate, CertificateProfile, DistinguishedName, Issuer, NewCertificate, Serial, TbsCertificate,
    Validity,
};
use quorum::{Key, KeyRecord, Registry};
use signer::{Refusal, RefusalCode};

use crate::guard::Reading;
use crate::intended::{Intended, PrivateKey, Recall};
use crate::journal::{Journal, Record, Work};
use crate::standing::{check_clock, refuse};
use crate::state::State;

/// A certificate that is about to be signed.
pub(crate) struct Issuing {
    /// The intent, and the key that signs.
    pub(crate) intended: Intended,
    /// The key that it is for.
    pub(crate) subject: KeyId,
    /// What is signed.
    pub(crate) certificate: Unsigned,
    /// The intent as a step, unless the journal holds it already.
    pub(crate) step: Option<Record>,
}

/// A certificate that was signed, and is not in the journal yet.
pub(crate) struct Issued {
    /// What was intended.
    pub(crate) intent: Intent,
    /// The key that it is for.
    pub(crate) subject: KeyId,
    pub(crate) signature: Vec<u8>,
    pub(crate) der: Vec<u8>,
}

/// A certificate without its signature.
pub(crate) enum Unsigned {
    /// Of X.509.
    X509(TbsCertificate),
    /// Of OpenPGP: what a key of form `openpgp` says of itself.
    OpenPgp(openpgp::NewCertificate),
}

impl Unsigned {
    fn to_be_signed(&self) -> ToBeSigned {
        match self {
            Self::X509(certificate) => ToBeSigned::Message(certificate.der().to_vec()),
            Self::OpenPgp(certificate) => certificate.to_be_signed(),
        }
    }

    fn seal(self, signature: &[u8]) -> Result<Vec<u8>, Refusal> {
        let sealed = match self {
            Self::X509(certificate) => {
                certificate.seal(signature).map(|sealed| sealed.der().to_vec()).map_err(|error| told(&error))
            }
            Self::OpenPgp(certificate) => certificate.seal(signature).map_err(|error| told(&error)),
        };
        sealed.map_err(|why| refuse(RefusalCode::Key, why))
    }
}

impl Issuing {
    /// Has the certificate signed. The intent must be durable, and no lock may be held: a key store may take its time.
    pub(crate) fn sign(self) -> Result<Issued, Refusal> {
        let Self { intended, subject, certificate, .. } = self;
        let signature = intended.sign()?;
        let der = certificate.seal(&signature)?;
        Ok(Issued { intent: intended.intent, subject, signature, der })
    }
}

/// What a certificate of a form looks like; `None` for forms without.
const fn profile(form: Form) -> Option<CertificateProfile> {
    match form {
        Form::Ca => Some(CertificateProfile::Root),
        Form::Certificate => Some(CertificateProfile::HolderAuthority),
        Form::Cms | Form::CmsPlain => Some(CertificateProfile::CodeSigning),
        Form::Timestamp => Some(CertificateProfile::Timestamping),
        _ => None,
    }
}

/// Does a root stand above the certificate of a form?
fn is_below_root(form: Form) -> bool {
    profile(form).is_some() && !is_root(form)
}

/// Does a key of this form sign its own certificate?
///
/// INVARIANT: a key of form `openpgp` certifies itself, here and never by an order, and nothing else ever.
const fn certifies_itself(form: Form) -> bool {
    is_root(form) || matches!(form, Form::OpenPgp)
}

/// Does the certificate of a form stand by itself? What holders of tokens sign and what the platform signs begin at roots
/// of their own: `openssl cms` and its like believe whatever leads to the root that they are given.
const fn is_root(form: Form) -> bool {
    matches!(form, Form::Ca | Form::Certificate)
}

/// The certificate that what a key signs at `at` names.
pub(crate) fn shown(state: &State, key: &Key, at: Instant) -> Result<Certificate, Refusal> {
    let der = state.certificate(&key.record.id(), at).ok_or_else(|| {
        let text = format!("key `{}` has no certificate by a root that is in use", key.record.name);
        refuse(RefusalCode::Key, text)
    })?;
    Certificate::from_der(der).map_err(|error| refuse(RefusalCode::Journal, told(&error)))
}

/// Could a new key get the certificate that it asks for? Asked before its entry is taken, so that none gets stuck.
pub(crate) fn check(registry: &Registry, record: &KeyRecord, now: Instant) -> Result<(), Refusal> {
    if record.form == Form::OpenPgp {
        return openpgp_certificate(record).map(drop);
    }
    if profile(record.form).is_none() {
        return Ok(());
    }
    subject(record)?;
    validity(record)?;
    match record.form {
        Form::Certificate => Ok(()),
        // A root certifies every key that another certified before it.
        Form::Ca => registry
            .keys()
            .filter(|key| is_below_root(key.record.form) && key.is_active_at(now))
            .try_for_each(|key| check_outlives(record, &key.record)),
        _ => check_outlives(&newest_root(registry, record)?.record, record),
    }
}

fn check_outlives(issuer: &KeyRecord, record: &KeyRecord) -> Result<(), Refusal> {
    if record.not_after <= issuer.not_after {
        return Ok(());
    }
    let (name, issuer_name, end) = (&record.name, &issuer.name, issuer.not_after);
    let text = format!("key `{name}` would outlive its issuer `{issuer_name}`, which ends at {end}");
    Err(refuse(RefusalCode::Key, text))
}

/// The next certificate that is missing and can be made; `None` when there is none.
pub(crate) fn next(journal: &mut Journal, keys: &Stores, now: Reading) -> Result<Option<Issuing>, Refusal> {
    let Some((key, signer)) = missing(journal.state(), now.time) else { return Ok(None) };
    check_clock(now)?;
    let known = journal.state().issuing.get(&(key.record.id(), signer.record.id())).cloned();
    if key.record.form == Form::OpenPgp {
        // Nothing in it is chosen: it follows from the key's record.
        let certificate = Unsigned::OpenPgp(openpgp_certificate(&key.record)?);
        let chosen = Chosen::Nothing.encode();
        return issuing(journal.state(), keys, (&key, &key), (certificate, chosen), known, now.time)
            .map(Some);
    }
    // CRASH: an intent without a certificate: the same serial number goes into the same certificate again.
    let serial = match &known {
        Some(intent) => chosen_serial(intent)?,
        None => Serial::from_random(journal.draw()),
    };
    let certificate = Unsigned::X509(x509(journal.state(), &key, &signer, serial, now.time)?);
    let made = (certificate, serial.as_bytes().to_vec());
    issuing(journal.state(), keys, (&key, &signer), made, known, now.time).map(Some)
}

/// A key that lacks a certificate, with the key that certifies it. Each has one by the root that is in use and by those that
/// are to follow, so that verifiers know it under all of them before it is shown.
fn missing(state: &State, now: Instant) -> Option<(Key, Key)> {
    let registry = state.registry.as_ref()?;
    let lacks = |key: &Key, issuer: &Key| !state.is_certified_by(&key.record.id(), &issuer.record.id());
    let active = || registry.keys().filter(|key| key.is_active_at(now));
    let mut by_themselves = active().filter(|key| certifies_itself(key.record.form));
    if let Some(key) = by_themselves.find(|key| lacks(key, key)) {
        return Some((key.clone(), key.clone()));
    }
    let mut roots = registry.in_use_or_next(Form::Ca, now);
    let below = |root: &Key| {
        let can =
            |key: &&Key| is_below_root(key.record.form) && key.record.not_after <= root.record.not_after;
        active().filter(can).find(|key| lacks(key, root)).cloned()
    };
    roots.find_map(|root| Some((below(root)?, root.clone())))
}

/// The certificate of a key by another, or by itself.
fn x509(
    state: &State,
    key: &Key,
    signer: &Key,
    serial: Serial,
    now: Instant,
) -> Result<TbsCertificate, Refusal> {
    let record = &key.record;
    let profile =
        profile(record.form).ok_or_else(|| refuse(RefusalCode::Key, "a form without certificates"))?;
    let above = key.record.id() != signer.record.id();
    let authority = above.then(|| shown(state, signer, now)).transpose()?;
    let certificate = NewCertificate {
        profile: &profile,
        subject: &subject(record)?,
        public_key: &record.public_key,
        serial,
        validity: validity(record)?,
        issuer: authority.as_ref().map_or(Issuer::Itself, Issuer::Certificate),
    };
    certificate.compose().map_err(|error| refuse(RefusalCode::Key, told(&error)))
}

/// What a key of form `openpgp` says of itself: whose it is, since when, until when.
fn openpgp_certificate(record: &KeyRecord) -> Result<openpgp::NewCertificate, Refusal> {
    let subject = record.subject.as_ref();
    let subject =
        subject.ok_or_else(|| refuse(RefusalCode::Key, "a key with a certificate names no subject"))?;
    let user_id = format!("{} ({})", subject.common_name, subject.organization);
    openpgp::NewCertificate::new(&record.public_key, record.not_before, record.not_after, &user_id)
        .map_err(|error| refuse(RefusalCode::Key, told(&error)))
}

/// A certificate with its intent, from what was chosen for it.
fn issuing(
    state: &State,
    keys: &Stores,
    (key, signer): (&Key, &Key),
    (certificate, chosen): (Unsigned, Vec<u8>),
    known: Option<Intent>,
    now: Instant,
) -> Result<Issuing, Refusal> {
    let record = &key.record;
    let registry = crate::standing::registry(state)?;
    let to_be_signed = certificate.to_be_signed();
    let private = PrivateKey::of(&signer.record, keys)?;
    let intent = Intent {
        sequence: state.next(),
        time: now,
        key: signer.record.id(),
        record: signer.digest,
        registry: registry.head(),
        // What stands for the request: the record of the key that gets the certificate.
        request: Tag::CertificateOrder.digest(&[key.digest.as_bytes()]),
        item: 0,
        to_be_signed: to_be_signed.sha256(),
        endorsements: endorsements_digest(&[]),
        chosen,
    };
    let subject = record.id();
    let step = Record::Intent { intent: intent.clone(), work: Work::Certificate { subject } };
    let (intent, step) = known.map_or((intent, Some(step)), |known| (known, None));
    Ok(Issuing {
        intended: Intended { intent, to_be_signed, key: private, recall: Recall::Once },
        subject,
        certificate,
        step,
    })
}

fn chosen_serial(intent: &Intent) -> Result<Serial, Refusal> {
    let bytes = intent.chosen.as_slice().try_into();
    let bytes = bytes
        .map_err(|_| refuse(RefusalCode::Journal, "the intent of a certificate holds no serial number"))?;
    Ok(Serial::from_random(bytes))
}

fn subject(record: &KeyRecord) -> Result<DistinguishedName, Refusal> {
    let subject = record.subject.as_ref();
    let subject =
        subject.ok_or_else(|| refuse(RefusalCode::Key, "a key with a certificate names no subject"))?;
    DistinguishedName::new(&subject.organization, &subject.common_name)
        .map_err(|error| refuse(RefusalCode::Key, told(&error)))
}

fn validity(record: &KeyRecord) -> Result<Validity, Refusal> {
    Validity::new(record.not_before, record.not_after).map_err(|error| refuse(RefusalCode::Key, told(&error)))
}

/// The newest active root.
fn newest_root<'a>(registry: &'a Registry, record: &KeyRecord) -> Result<&'a Key, Refusal> {
    registry.platform_key(Form::Ca).ok_or_else(|| {
        let text = format!(
            "key `{}` needs a certificate, and the registry has no active key of form ca",
            record.name
        );
        refuse(RefusalCode::Key, text)
    })
}
