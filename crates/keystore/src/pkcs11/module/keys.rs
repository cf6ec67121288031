//! Keys of the token: made, found, checked, used.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use aws_lc_rs::rand;
use cryptoki::context::Pkcs11;
use cryptoki::error::Error;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use cryptoki::slot::Slot;
use model::{Algorithm, KeyId, PublicKey};

use super::template::{self, Kind};
use super::{encode, refused};
use crate::pkcs11::fault::LaneFault;

/// The keys of one token, for all sessions.
pub(super) struct Keys {
    module: Pkcs11,
    slot: Slot,
    /// One is made at a time, and none is looked for meanwhile: it is seldom, and a token whose objects change under
    /// those who list them is what modules, SoftHSM2 among them, trip over. Keys that were found go on signing.
    objects: RwLock<()>,
    /// Those that were checked in this process. A handle holds for every session.
    found: RwLock<HashMap<KeyId, Found>>,
}

/// A key that is as it was made.
#[derive(Clone)]
pub(super) struct Found {
    private: ObjectHandle,
    algorithm: Algorithm,
    pub(super) spki: Vec<u8>,
}

/// How the label of a key begins; what follows is the start of its id, for people who list the token's objects.
const LABEL: &str = "avouch ";

impl Keys {
    pub(super) fn new(module: Pkcs11, slot: Slot) -> Self {
        Self { module, slot, objects: RwLock::new(()), found: RwLock::new(HashMap::new()) }
    }

    /// Makes a key, in the token and for it alone; its SubjectPublicKeyInfo.
    pub(super) fn generate(&self, algorithm: Algorithm) -> Result<Vec<u8>, LaneFault> {
        let unable = LaneFault::Unable { algorithm };
        let kind = Kind::of(algorithm).ok_or_else(|| unable.clone())?;
        let _alone = self.objects.write().unwrap_or_else(PoisonError::into_inner);
        let session = self.module.open_rw_session(self.slot).map_err(refused::fault("open a session"))?;
        // Its id follows from its public half, which nobody knows yet.
        let mut pending = [0; 32];
        rand::fill(&mut pending).map_err(|_| refused::because("make a key", "CKR_RANDOM_NO_RNG"))?;
        let names = [Attribute::Id(pending.to_vec()), Attribute::Label(b"avouch pending".to_vec())];
        let made = session.generate_key_pair(&kind.making, &kind.public(&names), &Kind::private(&names));
        let (public, private) = made.map_err(|error| match error {
            Error::Pkcs11(value, _) if refused::is_unable(&value) => unable,
            error => refused::fault("make a key")(error),
        })?;
        // CRASH: a key that nobody was told of is nobody's; it stays in the token under the label `avouch pending`.
        let finished = finish(&session, &kind, algorithm, public, private);
        if finished.is_err() {
            for object in [private, public] {
                // What it cannot destroy is nobody's either.
                let _ = session.destroy_object(object);
            }
        }
        finished
    }

    /// Finds a key and checks that it is as it was made.
    pub(super) fn find(&self, session: &Session, id: &KeyId) -> Result<Found, LaneFault> {
        if let Some(found) = self.found.read().unwrap_or_else(PoisonError::into_inner).get(id) {
            return Ok(found.clone());
        }
        let _unchanging = self.objects.read().unwrap_or_else(PoisonError::into_inner);
        let private = object(session, ObjectClass::PRIVATE_KEY, id)?;
        let public = object(session, ObjectClass::PUBLIC_KEY, id)?;
        let (spki, algorithm) = public_half(session, public)?;
        if KeyId::new(model::Digest::of(&spki)) != *id {
            return Err(LaneFault::NoKey);
        }
        template::check_private(session, private)?;
        let found = Found { private, algorithm, spki };
        self.found.write().unwrap_or_else(PoisonError::into_inner).insert(*id, found.clone());
        Ok(found)
    }

    /// Signs what the key's mechanism takes.
    pub(super) fn sign(&self, session: &Session, id: &KeyId, input: &[u8]) -> Result<Vec<u8>, LaneFault> {
        let found = self.find(session, id)?;
        let kind = Kind::of(found.algorithm).ok_or(LaneFault::NoKey)?;
        let raw = session.sign(&kind.signing, found.private, input).map_err(refused::fault("sign"))?;
        match kind.signing {
            Mechanism::Ecdsa => encode::ecdsa(&raw).ok_or_else(|| {
                let code = format!("a signature of {} bytes", raw.len());
                LaneFault::Gone { action: "sign".to_owned(), code }
            }),
            _ => Ok(raw),
        }
    }
}

/// Reads back what was made, and names it by its id.
fn finish(
    session: &Session,
    kind: &Kind,
    algorithm: Algorithm,
    public: ObjectHandle,
    private: ObjectHandle,
) -> Result<Vec<u8>, LaneFault> {
    template::check_private(session, private)?;
    let key_type = template::read(session, private, AttributeType::KeyType)?;
    let (spki, made) = public_half(session, public)?;
    if key_type != Some(Attribute::KeyType(kind.key_type)) || made != algorithm {
        return Err(LaneFault::Unable { algorithm });
    }
    let id = KeyId::new(model::Digest::of(&spki));
    let label: String = LABEL.chars().chain(id.to_string().chars().take(20)).collect();
    let names = [Attribute::Id(id.digest().as_bytes().to_vec()), Attribute::Label(label.into_bytes())];
    for object in [public, private] {
        session.update_attributes(object, &names).map_err(refused::fault("name a key"))?;
    }
    Ok(spki)
}

/// The one object of this class and id.
fn object(session: &Session, class: ObjectClass, id: &KeyId) -> Result<ObjectHandle, LaneFault> {
    let wanted =
        [Attribute::Class(class), Attribute::Token(true), Attribute::Id(id.digest().as_bytes().to_vec())];
    let found = session.find_objects(&wanted).map_err(refused::fault("look for a key"))?;
    match found[..] {
        [one] => Ok(one),
        [] => Err(LaneFault::NoKey),
        _ => Err(LaneFault::Attribute {
            attribute: "CKA_ID".to_owned(),
            found: format!("a value that {} objects have", found.len()),
            expected: "the only one".to_owned(),
        }),
    }
}

/// The SubjectPublicKeyInfo of a public object, as a key that avouch verifies with.
fn public_half(session: &Session, public: ObjectHandle) -> Result<(Vec<u8>, Algorithm), LaneFault> {
    let read = |attribute| template::read(session, public, attribute);
    let spki = match read(AttributeType::KeyType)? {
        Some(Attribute::KeyType(KeyType::RSA)) => {
            match (read(AttributeType::Modulus)?, read(AttributeType::PublicExponent)?) {
                (Some(Attribute::Modulus(modulus)), Some(Attribute::PublicExponent(exponent))) => {
                    Some(encode::from_modulus(&modulus, &exponent))
                }
                _ => None,
            }
        }
        _ => match read(AttributeType::EcPoint)? {
            Some(Attribute::EcPoint(point)) => encode::from_point(&point),
            _ => None,
        },
    };
    let read = spki.and_then(|spki| Some((PublicKey::from_spki(&spki).ok()?.algorithm(), spki)));
    read.map(|(algorithm, spki)| (spki, algorithm))
        .ok_or_else(|| refused::because("show a public key", "none that avouch verifies with"))
}
