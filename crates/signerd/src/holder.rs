//! Certificates for holders of ID tokens: built here from the token, and from nothing that the server says.
//!
//! Three steps, each with an intent of its own: the precertificate, the timestamp of the certificate-transparency log
//! over it, and the certificate with that timestamp in it. All three are remembered under the token's digest until the
//! token ends, so that one token gets one certificate, for one key.

use envelope::{Chosen, ToBeSigned};
use keystore::Stores;
use model::journal::Intent;
use model::{Digest, Form, Instant, KeyId, PublicKey, told};
use pki::sct::{self, SignedTimestamp};
use pki::token::{CertificateNames, IdToken, Trust};
use pki::{Certificate, ComposeError, HolderCertificate, TbsCertificate};
use quorum::{IdentityProof, Key};
use signer::{HolderOrder, HolderStep, Refusal, RefusalCode};

use crate::certificate;
use crate::guard::Reading;
use crate::intended::{Intended, Prepared, PrivateKey, Recall, own_intent};
use crate::journal::Work;
use crate::standing::{Remembered, check_clock, check_room, platform_key, refuse, registry};
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
    let taken = Taken { state, token: order.digest() };
    let known = taken.step(order.step);
    let begun = taken.chosen()?.unwrap_or(Chosen::Holder { time: now.time, serial: random });
    let Chosen::Holder { time, serial } = begun else {
        return Err(refuse(RefusalCode::Malformed, "this was signed, and not for the holder of a token"));
    };
    let holder = Holder::read(state, order, time, now)?;
    let Next { key, to_be_signed } = holder.next(&taken, order.step, serial, now)?;
    if let Some(known) = known {
        same_bytes(known, &to_be_signed)?;
        same_key(known, &key.record.id())?;
        if let Some(kept) = Prepared::kept(known) {
            return Ok(kept);
        }
    } else {
        check_room(state.signings.len(), Remembered::Token)?;
    }
    let private = PrivateKey::of(&key.record, keys)?;
    let to_be_signed_digest = to_be_signed.sha256();
    let intended = |intent| Intended { intent, to_be_signed, key: private, recall: Recall::Remembered };
    if let Some(known) = known {
        return Ok(Prepared::Resumed(intended(known.intent.clone())));
    }
    let chosen = if order.step == HolderStep::Precertificate { begun } else { Chosen::Nothing };
    let own = own_intent(state, key, now.time, taken.token, to_be_signed_digest, chosen.encode())?;
    let intent = Intent { item: order.step.number(), ..own };
    Ok(Prepared::Intended(Work::Remembered { deadline: holder.expires }, intended(intent)))
}

/// The steps that were taken for a token.
struct Taken<'a> {
    state: &'a State,
    token: Digest,
}

impl<'a> Taken<'a> {
    fn step(&self, step: HolderStep) -> Option<&'a Signing> {
        self.state.signings.get(&(self.token, step.number()))
    }

    /// What was chosen in the first of them.
    fn chosen(&self) -> Result<Option<Chosen>, Refusal> {
        let first = self.step(HolderStep::Precertificate);
        first
            .map(|first| Chosen::decode(&first.intent.chosen))
            .transpose()
            .map_err(|error| refuse(RefusalCode::Journal, format!("the journal's intent: {}", told(&error))))
    }

    /// A step that must have been taken, with its signature.
    fn finished(&self, step: HolderStep, what: &str) -> Result<(&'a Signing, &'a [u8]), Refusal> {
        let found = self.step(step).and_then(|signing| Some((signing, signing.signature.as_deref()?)));
        found.ok_or_else(|| {
            let text = format!("the {what} for this token was not signed here; begin again with a new token");
            refuse(RefusalCode::Token, text)
        })
    }
}

/// What a step signs, and with which key.
struct Next<'a> {
    key: &'a Key,
    to_be_signed: ToBeSigned,
}

/// A token's holder, and the authority that issues.
struct Holder<'a> {
    state: &'a State,
    /// When the first step was taken: then the certificate begins.
    time: Instant,
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
        // INVARIANT: the server's word is taken only where the record of the key says so, which the trust root shows, and
        // only for an issuer whose keys administrators left to the server: where keys stand in the registry, they count.
        let trust = match authority.record.identity {
            Some(IdentityProof::Asserted) if issuer.keys.is_empty() => Trust::Word,
            _ => Trust::Keys(&issuer.keys),
        };
        let refused = |error: &dyn std::error::Error| refuse(RefusalCode::Token, told(error));
        let verified = issuer.verify(&token, trust, at).map_err(|error| refused(&error))?;
        check_known(state, verified.issued())?;
        let names = verified.names().map_err(|error| refused(&error))?;
        let public_key = PublicKey::from_spki(&order.public_key).map_err(|error| malformed(&error))?;
        check_foreign(state, &public_key)?;
        let expires = verified.expires();
        let issuer = certificate::shown(state, authority, now.time)?;
        Ok(Self { state, time: at, names, public_key, authority, issuer, expires })
    }

    fn next(
        &self,
        taken: &Taken<'_>,
        step: HolderStep,
        serial: [u8; 16],
        now: Reading,
    ) -> Result<Next<'a>, Refusal> {
        let Self { state, time, authority, .. } = *self;
        let certificate =
            HolderCertificate::beginning(time, serial, &self.names, &self.public_key, &self.issuer)
                .map_err(composing)?;
        let precertificate = message(certificate.precertificate())?;
        if let Some(first) = taken.step(HolderStep::Precertificate) {
            same_bytes(first, &precertificate)?;
        }
        match step {
            HolderStep::Precertificate => Ok(Next { key: authority, to_be_signed: precertificate }),
            HolderStep::Timestamp { log, leaf } => {
                taken.finished(HolderStep::Precertificate, "precertificate")?;
                let key = platform_key(state, &log, Form::Sct, now.time)?;
                Ok(Next { key, to_be_signed: self.timestamp(&certificate, leaf)? })
            }
            HolderStep::Certificate { log, leaf } => {
                let (timestamped, signature) =
                    taken.finished(HolderStep::Timestamp { log, leaf }, "timestamp")?;
                // INVARIANT: the timestamp in a certificate is one that this journal shows, of this very log and over this
                // very certificate and leaf. What is signed names no log.
                same_bytes(timestamped, &self.timestamp(&certificate, leaf)?)?;
                same_key(timestamped, &log)?;
                let log = &platform_key(state, &log, Form::Sct, now.time)?.record.public_key;
                let timestamp = SignedTimestamp::new(log, time, extension(leaf)?, signature.to_vec());
                Ok(Next { key: authority, to_be_signed: message(certificate.certificate(&timestamp))? })
            }
        }
    }

    /// What the log's key signs.
    fn timestamp(&self, certificate: &HolderCertificate<'_>, leaf: u64) -> Result<ToBeSigned, Refusal> {
        let logged = certificate.logged().map_err(composing)?;
        let issuer = &self.authority.record.public_key;
        let bytes = sct::to_be_signed(self.time, issuer, logged.der(), &extension(leaf)?);
        Ok(ToBeSigned::Message(bytes))
    }
}

fn message(certificate: Result<TbsCertificate, ComposeError>) -> Result<ToBeSigned, Refusal> {
    Ok(ToBeSigned::Message(certificate.map_err(composing)?.der().to_vec()))
}

/// INVARIANT: one token, one key, also over the loss of what was known of tokens: one from before the adoption may have
/// been used then.
fn check_known(state: &State, issued: Instant) -> Result<(), Refusal> {
    match state.adopted {
        Some(adopted) if issued <= adopted => {
            let text = format!(
                "the token is from before {adopted}, when a restored state was adopted: whether it was used is not known any more; ask its issuer for a new one"
            );
            Err(refuse(RefusalCode::Token, text))
        }
        _ => Ok(()),
    }
}

/// INVARIANT: a key of the platform has the certificate that its record says, or none: with one, the digest that a blob
/// key signs could be that of attributes of CMS, and its signature would be valid under our root.
fn check_foreign(state: &State, public_key: &PublicKey) -> Result<(), Refusal> {
    match registry(state)?.key(&public_key.id()) {
        None if public_key != &state.journal_key => Ok(()),
        _ => Err(refuse(
            RefusalCode::Key,
            "a key of the platform itself is certified for no holder of a token",
        )),
    }
}

fn extension(leaf: u64) -> Result<Vec<u8>, Refusal> {
    let text = "a leaf of a certificate-transparency log has an index of at most forty bits";
    sct::leaf_index(leaf).ok_or_else(|| refuse(RefusalCode::Malformed, text))
}

/// INVARIANT: one token, one key, one leaf. What was signed under a token's digest is never signed in other words.
fn same_bytes(signing: &Signing, to_be_signed: &ToBeSigned) -> Result<(), Refusal> {
    if signing.intent.to_be_signed == to_be_signed.sha256() {
        return Ok(());
    }
    Err(used())
}

/// What one key signed under a token's digest, no other signs.
fn same_key(signing: &Signing, key: &KeyId) -> Result<(), Refusal> {
    if signing.intent.key == *key { Ok(()) } else { Err(used()) }
}

fn used() -> Refusal {
    let text =
        "this token was used already, for another key or under another record; ask its issuer for a new one";
    refuse(RefusalCode::Token, text)
}

fn malformed(error: &dyn std::error::Error) -> Refusal {
    refuse(RefusalCode::Malformed, told(error))
}

fn composing(error: ComposeError) -> Refusal {
    refuse(RefusalCode::Key, told(&error))
}
