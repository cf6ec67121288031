//! What keys are made as, and what they are held to afterwards.

use std::ffi::c_ulong;

use cryptoki::error::Error;
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use model::Algorithm;

use super::refused;
use crate::pkcs11::fault::LaneFault;

/// How the module makes and uses keys of one algorithm.
pub(super) struct Kind {
    pub(super) key_type: KeyType,
    pub(super) making: Mechanism<'static>,
    pub(super) signing: Mechanism<'static>,
    /// What the public half is made from.
    parameters: Vec<Attribute>,
}

/// The curves by their object identifiers in DER (RFC 5480, RFC 8410), as `CKA_EC_PARAMS` has them.
const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: [u8; 7] = [0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];
const ED25519: [u8; 5] = [0x06, 0x03, 0x2b, 0x65, 0x70];
/// 65,537.
const EXPONENT: [u8; 3] = [0x01, 0x00, 0x01];

impl Kind {
    /// `None` for algorithms of which no keys are made.
    pub(super) fn of(algorithm: Algorithm) -> Option<Self> {
        let ecdsa = |curve: &[u8]| Self {
            key_type: KeyType::EC,
            making: Mechanism::EccKeyPairGen,
            signing: Mechanism::Ecdsa,
            parameters: vec![Attribute::EcParams(curve.to_vec())],
        };
        let rsa = |bits: c_ulong| Self {
            key_type: KeyType::RSA,
            making: Mechanism::RsaPkcsKeyPairGen,
            signing: Mechanism::RsaPkcs,
            parameters: vec![
                Attribute::ModulusBits(bits.into()),
                Attribute::PublicExponent(EXPONENT.to_vec()),
            ],
        };
        match algorithm {
            Algorithm::EcdsaP256 => Some(ecdsa(&P256)),
            Algorithm::EcdsaP384 => Some(ecdsa(&P384)),
            Algorithm::Rsa3072 => Some(rsa(3_072)),
            Algorithm::Rsa4096 => Some(rsa(4_096)),
            Algorithm::Ed25519 => Some(Self {
                key_type: KeyType::EC_EDWARDS,
                making: Mechanism::EccEdwardsKeyPairGen,
                signing: Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Pure)),
                parameters: vec![Attribute::EcParams(ED25519.to_vec())],
            }),
            _ => None,
        }
    }

    /// Which of ours a token with these mechanisms makes and uses. Sizes and curves show when a key is made.
    pub(super) fn offered(mechanisms: &[MechanismType]) -> Vec<Algorithm> {
        let has = |mechanism: &Mechanism<'_>| mechanisms.contains(&mechanism.mechanism_type());
        let offers = |algorithm: &Algorithm| {
            Self::of(*algorithm).is_some_and(|kind| has(&kind.making) && has(&kind.signing))
        };
        Algorithm::ALL.iter().copied().filter(offers).collect()
    }

    /// The public half of a key to be made.
    pub(super) fn public(&self, names: &[Attribute]) -> Vec<Attribute> {
        let usage = [
            Attribute::Token(true),
            Attribute::Private(false),
            Attribute::Verify(true),
            Attribute::Encrypt(false),
            Attribute::Wrap(false),
        ];
        [&usage[..], &self.parameters, names].concat()
    }

    /// The private half.
    pub(super) fn private(names: &[Attribute]) -> Vec<Attribute> {
        let usage = [
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Sign(true),
            Attribute::SignRecover(false),
            Attribute::Decrypt(false),
            Attribute::Unwrap(false),
            Attribute::Derive(false),
        ];
        [&usage[..], names].concat()
    }
}

/// What a module must say of a private key of ours.
const HELD: [(AttributeType, &str, bool); 8] = [
    (AttributeType::Token, "CKA_TOKEN", true),
    (AttributeType::Private, "CKA_PRIVATE", true),
    (AttributeType::Local, "CKA_LOCAL", true),
    (AttributeType::Sensitive, "CKA_SENSITIVE", true),
    (AttributeType::AlwaysSensitive, "CKA_ALWAYS_SENSITIVE", true),
    (AttributeType::Extractable, "CKA_EXTRACTABLE", false),
    (AttributeType::NeverExtractable, "CKA_NEVER_EXTRACTABLE", true),
    (AttributeType::Sign, "CKA_SIGN", true),
];

/// What it must not say; a module that does not know of such a use at all cannot offer it.
const NOT_HELD: [(AttributeType, &str); 5] = [
    (AttributeType::SignRecover, "CKA_SIGN_RECOVER"),
    (AttributeType::Decrypt, "CKA_DECRYPT"),
    (AttributeType::Unwrap, "CKA_UNWRAP"),
    (AttributeType::Derive, "CKA_DERIVE"),
    (AttributeType::AlwaysAuthenticate, "CKA_ALWAYS_AUTHENTICATE"),
];

/// Reads back what the module made of a private key. One by one, because modules differ in what they do when a
/// single attribute of many is not theirs.
pub(super) fn check_private(session: &Session, key: ObjectHandle) -> Result<(), LaneFault> {
    let class = read(session, key, AttributeType::Class)?;
    if class != Some(Attribute::Class(ObjectClass::PRIVATE_KEY)) {
        return Err(differs("CKA_CLASS", "another value", "a private key"));
    }
    for (attribute, name, expected) in HELD {
        let found = read(session, key, attribute)?.and_then(|one| flag(&one));
        if found != Some(expected) {
            return Err(differs(name, found.map_or("no value", said), said(expected)));
        }
    }
    for (attribute, name) in NOT_HELD {
        if read(session, key, attribute)?.and_then(|one| flag(&one)) == Some(true) {
            return Err(differs(name, said(true), said(false)));
        }
    }
    Ok(())
}

fn differs(attribute: &str, found: &str, expected: &str) -> LaneFault {
    LaneFault::Attribute {
        attribute: attribute.to_owned(),
        found: found.to_owned(),
        expected: expected.to_owned(),
    }
}

const fn said(flag: bool) -> &'static str {
    if flag { "true" } else { "false" }
}

/// One attribute; `None` where the module does not know it of this key.
pub(super) fn read(
    session: &Session,
    key: ObjectHandle,
    attribute: AttributeType,
) -> Result<Option<Attribute>, LaneFault> {
    match session.get_attributes(key, &[attribute]) {
        Ok(found) => Ok(found.into_iter().next()),
        Err(Error::InvalidValue | Error::NotSupported) => Ok(None),
        Err(error) => Err(refused::fault("read an attribute of a key")(error)),
    }
}

const fn flag(attribute: &Attribute) -> Option<bool> {
    match attribute {
        Attribute::Token(flag)
        | Attribute::Private(flag)
        | Attribute::Local(flag)
        | Attribute::Sensitive(flag)
        | Attribute::AlwaysSensitive(flag)
        | Attribute::Extractable(flag)
        | Attribute::NeverExtractable(flag)
        | Attribute::Sign(flag)
        | Attribute::SignRecover(flag)
        | Attribute::Decrypt(flag)
        | Attribute::Unwrap(flag)
        | Attribute::Derive(flag)
        | Attribute::AlwaysAuthenticate(flag) => Some(*flag),
        _ => None,
    }
}
