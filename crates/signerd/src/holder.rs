//! Certificates for holders of ID tokens: built here from the token, and from nothing that the server says.
//!
//! Three steps, each with an intent of its own: the precertificate, the timestamp of the certificate-transparency log
//! over it, and the certificate with that timestamp in it. All three are remembered under the token's digest until the
//! token ends, so that one token gets one certificate, for one key.

use envelope::{Chosen, ToBeSigned};
use keystore::Stores;
use model::journal::{Intent, endorsements_digest};
use model::{Form, Instant, KeyId, PublicKey, told};
use pki::sct::{self, SignedTimestamp};
use pki::token::{CertificateNames, IdToken, Trust};
use pki::{Certificate, ComposeError, HolderCertificate, TbsCertificate};
use quorum::{IdentityProof, Key};
use signer::{HolderOrder, HolderStep, Refusal, RefusalCode};

use crate::guard::Reading;
use crate::intended::{Intended, Prepared, PrivateKey, Recall};
use crate::journal::Work;
use crate::standing::{check_clock, check_room, platform_key, refuse, registry};
use crate::state::{Signing, State};

/// Takes an order as far as its intent, or says why not.
pub(crate) fn prepare(
    state: &State,
    keys: &Stores,
    order: &HolderOrder,
    random: [u8; 16],
    now: Reading,
) -> Result<Prepared, Refusal> {
    check_clock(now)?;
    let digest = order.digest();
    let step = |number| state.signings.get(&(digest, number));
    let known = step(order.step.number());
    let chosen = match step(HolderStep::Precertificate.number()) {
        Some(first) => Chosen::decode(&first.intent.chosen).map_err(|error| {
            refuse(RefusalCode::Journal, format!("the journal's intent: {}", told(&error)))
        })?,
        None => Chosen::Holder { time: now.time, serial: random },
    };
    let Chosen::Holder { time, serial } = chosen else {
        return Err(refuse(RefusalCode::Malformed, "this was signed, and not for the holder of a token"));
    };
    let holder = Holder::read(state, order, time, now)?;
    let certificate = holder.certificate(time, serial).map_err(composing)?;
    let precertificate = ToBeSigned::Message(certificate.precertificate().map_err(composing)?.der().to_vec());
    if let Some(first) = step(HolderStep::Precertificate.number()) {
        same_bytes(first, &precertificate)?;
    }
    let (key, to_be_signed, chosen) = match order.step {
        HolderStep::Precertificate => (holder.authority, precertificate, chosen),
        HolderStep::Timestamp { log, leaf } => {
            finished(step(HolderStep::Precertificate.number()), "precertificate")?;
            let log = platform_key(state, &log, Form::Sct, now.time)?;
            let to_be_signed = timestamp(&holder, &certificate, time, leaf)?;
            (log, to_be_signed, Chosen::Nothing)
        }
        HolderStep::Certificate { log, leaf } => {
            let (timestamped, signature) =
                finished(step(HolderStep::Timestamp { log, leaf }.number()), "timestamp")?;
            // INVARIANT: the timestamp in a certificate is one that this journal shows, over this very certificate and leaf.
            same_bytes(timestamped, &timestamp(&holder, &certificate, time, leaf)?)?;
            let log = platform_key(state, &log, Form::Sct, now.time)?;
            let timestamp =
                SignedTimestamp::new(&log.record.public_key, time, extension(leaf)?, signature.to_vec());
            let sealed: TbsCertificate = certificate.certificate(&timestamp).map_err(composing)?;
            (holder.authority, ToBeSigned::Message(sealed.der().to_vec()), Chosen::Nothing)
        }
    };
    if let Some(known) = known {
        same_bytes(known, &to_be_signed)?;
        if let Some(kept) = Prepared::kept(known) {
            return Ok(kept);
        }
    } else {
        check_room(state.signings.len())?;
    }
    let private = PrivateKey::of(&key.record, keys)?;
    let intended = |intent| Intended {
        intent,
        to_be_signed: to_be_signed.clone(),
        key: private,
        recall: Recall::Remembered,
    };
    if let Some(known) = known {
        return Ok(Prepared::Resumed(intended(known.intent.clone())));
    }
    let intent = Intent {
        sequence: state.next(),
        time: now.time,
        key: key.record.id(),
        record: key.digest,
        registry: registry(state)?.head(),
        request: digest,
        item: order.step.number(),
        to_be_signed: to_be_signed.sha256(),
        endorsements: endorsements_digest(&[]),
        chosen: chosen.encode(),
    };
    Ok(Prepared::Intended(Work::Remembered { deadline: holder.expires }, intended(intent)))
}

/// A token's holder, and the authority that issues.
struct Holder<'a> {
    names: CertificateNames,
    public_key: PublicKey,
    authority: &'a Key,
    issuer: Certificate,
    /// The end of the token: for so long it is remembered.
    expires: Instant,
}

impl<'a> Holder<'a> {
    /// Reads the token as it was when the first step was taken: its holder does not lose the second by being slow.
    fn read(state: &'a State, order: &HolderOrder, at: Instant, now: Reading) -> Result<Self, Refusal> {
        let authority = platform_key(state, &order.authority, Form::Certificate, now.time)?;
        let token = IdToken::parse(&order.token).map_err(|error| malformed(&error))?;
        let iss = token.issuer().unwrap_or_default();
        let issuer = registry(state)?.issuers().named(iss).ok_or_else(|| {
            let shown: String = iss.chars().filter(|c| !c.is_control()).take(256).collect();
            refuse(RefusalCode::Token, format!("the registry knows no issuer `{shown}` whose tokens count"))
        })?;
        // INVARIANT: the record of the key says whether a token is believed by its issuer's signature or by the server's
        // word, and the trust root shows that record.
        let trust = match authority.record.identity {
            Some(IdentityProof::Asserted) => Trust::Word,
            _ => Trust::Keys(&issuer.keys),
        };
        let refused = |error: &dyn std::error::Error| refuse(RefusalCode::Token, told(error));
        let verified = issuer.verify(&token, trust, at).map_err(|error| refused(&error))?;
        let names = verified.names().map_err(|error| refused(&error))?;
        let public_key = PublicKey::from_spki(&order.public_key).map_err(|error| malformed(&error))?;
        let expires = verified.expires();
        let issuer = certificate(state, &order.authority, &authority.record.name.to_string())?;
        Ok(Self { names, public_key, authority, issuer, expires })
    }

    fn certificate(&self, time: Instant, serial: [u8; 16]) -> Result<HolderCertificate<'_>, ComposeError> {
        HolderCertificate::beginning(time, serial, &self.names, &self.public_key, &self.issuer)
    }
}

fn certificate(state: &State, key: &KeyId, name: &str) -> Result<Certificate, Refusal> {
    let der = state.certificates.get(key);
    let der = der.ok_or_else(|| refuse(RefusalCode::Key, format!("key `{name}` has no certificate yet")))?;
    Certificate::from_der(der).map_err(|error| refuse(RefusalCode::Journal, told(&error)))
}

/// What the log's key signs.
fn timestamp(
    holder: &Holder<'_>,
    certificate: &HolderCertificate<'_>,
    time: Instant,
    leaf: u64,
) -> Result<ToBeSigned, Refusal> {
    let logged = certificate.logged().map_err(composing)?;
    let issuer = &holder.authority.record.public_key;
    Ok(ToBeSigned::Message(sct::to_be_signed(time, issuer, logged.der(), &extension(leaf)?)))
}

fn extension(leaf: u64) -> Result<Vec<u8>, Refusal> {
    let text = "a leaf of a certificate-transparency log has an index of at most forty bits";
    sct::leaf_index(leaf).ok_or_else(|| refuse(RefusalCode::Malformed, text))
}

/// The step before, with its signature.
fn finished<'a>(signing: Option<&'a Signing>, what: &str) -> Result<(&'a Signing, &'a [u8]), Refusal> {
    let found = signing.and_then(|signing| Some((signing, signing.signature.as_deref()?)));
    found.ok_or_else(|| {
        let text = format!("the {what} for this token was not signed here; begin again with a new token");
        refuse(RefusalCode::Token, text)
    })
}

/// INVARIANT: one token, one key, one leaf. What was signed under a token's digest is never signed in other words.
fn same_bytes(signing: &Signing, to_be_signed: &ToBeSigned) -> Result<(), Refusal> {
    if signing.intent.to_be_signed == to_be_signed.sha256() {
        return Ok(());
    }
    let text =
        "this token was used already, for another key or under another record; ask its issuer for a new one";
    Err(refuse(RefusalCode::Token, text))
}

fn malformed(error: &dyn std::error::Error) -> Refusal {
    refuse(RefusalCode::Malformed, told(error))
}

fn composing(error: ComposeError) -> Refusal {
    refuse(RefusalCode::Key, told(&error))
}
