//! Somebody with the PIN and the module, in a process of their own, tries to get the keys out, and puts careless keys
//! in their place.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::elliptic_curve::{EcKdf, Ecdh1DeriveParams};
use cryptoki::object::{Attribute, AttributeInfo, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use keystore::{KeyStore, KeyStoreError, LaneFault, Retry};
use model::{Algorithm, Digest, KeyId};
use testkit::SoftHsm;

use super::{disk, program, start, wiring};

/// Runs one of the ignored tests below in a process of its own, in which the module finds its token.
fn run(test: &str, hsm: &SoftHsm, more: &[(&str, &str)]) -> String {
    let program = program(test);
    let mut command = Command::new(program.executable);
    command.args(program.arguments).envs(hsm.environment()).env("THIEF_MODULE", hsm.module());
    let more: BTreeMap<&str, &str> = more.iter().copied().collect();
    let output = command.envs(more).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{said}");
    said
}

/// The token, with whoever knows the PIN logged in; `None` if nobody started this process for that.
fn logged_in() -> Option<Session> {
    let module = Pkcs11::new(std::env::var_os("THIEF_MODULE")?).unwrap();
    module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
    let slot = *module.get_slots_with_initialized_token().unwrap().first().unwrap();
    let session = module.open_rw_session(slot).unwrap();
    session.login(UserType::User, Some(&AuthPin::new(SoftHsm::PIN.into()))).unwrap();
    Some(session)
}

#[test]
fn a_key_can_be_neither_read_nor_wrapped_nor_copied_out_nor_put_to_another_use() {
    let Some(hsm) = SoftHsm::new() else { return };
    let store = start(wiring(&hsm), &disk());
    let algorithms = [Algorithm::EcdsaP256, Algorithm::EcdsaP384, Algorithm::Rsa3072, Algorithm::Ed25519];
    algorithms.iter().for_each(|algorithm| drop(store.generate(*algorithm).unwrap()));
    let said = run("pkcs11::thief::thief", &hsm, &[]);
    assert!(said.contains("4 keys held"), "{said}");
}

#[test]
#[ignore = "it is the process of a thief, which another test starts"]
fn thief() {
    let Some(session) = logged_in() else { return };
    let wrapping = aes(&session);
    let (_, careless) = pair(&session, &[Attribute::Extractable(true), Attribute::Sensitive(false)], &[]);
    // The attempts are good ones: a careless key gives everything away.
    assert!(session.wrap_key(&Mechanism::AesKeyWrapPad, wrapping, careless).is_ok());
    assert_eq!(session.get_attributes(careless, &[AttributeType::Value]).unwrap().len(), 1);
    session.destroy_object(careless).unwrap();

    let keys =
        session.find_objects(&[Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Token(true)]).unwrap();
    for key in &keys {
        is_not_read(&session, *key);
        is_not_wrapped_or_copied(&session, wrapping, *key);
        does_nothing_else(&session, *key);
    }
    println!("{} keys held", keys.len());
}

fn aes(session: &Session) -> ObjectHandle {
    let template = [
        Attribute::ValueLen(32.into()),
        Attribute::Wrap(true),
        Attribute::Encrypt(true),
        Attribute::Token(false),
    ];
    session.generate_key(&Mechanism::AesKeyGen, &template).unwrap()
}

/// A pair over P-256 as careless as asked for.
fn pair(session: &Session, private: &[Attribute], public: &[Attribute]) -> (ObjectHandle, ObjectHandle) {
    let p256 = vec![0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    let public =
        [&[Attribute::EcParams(p256), Attribute::Token(true), Attribute::Verify(true)], public].concat();
    let private =
        [&[Attribute::Token(true), Attribute::Private(true), Attribute::Sign(true)], private].concat();
    session.generate_key_pair(&Mechanism::EccKeyPairGen, &public, &private).unwrap()
}

fn is_not_read(session: &Session, key: ObjectHandle) {
    use AttributeType as A;
    let secrets =
        [A::Value, A::PrivateExponent, A::Prime1, A::Prime2, A::Exponent1, A::Exponent2, A::Coefficient];
    let told = session.get_attribute_info(key, &secrets).unwrap();
    assert!(told.iter().any(|one| matches!(one, AttributeInfo::Sensitive)), "{told:?}");
    for (secret, told) in secrets.iter().zip(told) {
        assert!(!matches!(told, AttributeInfo::Available(length) if length > 0), "{secret}: {told:?}");
        assert!(session.get_attributes(key, &[*secret]).map_or(true, |found| found.is_empty()), "{secret}");
    }
}

fn is_not_wrapped_or_copied(session: &Session, wrapping: ObjectHandle, key: ObjectHandle) {
    for mechanism in [Mechanism::AesKeyWrap, Mechanism::AesKeyWrapPad] {
        let error = session.wrap_key(&mechanism, wrapping, key).unwrap_err();
        assert!(matches!(error, Error::Pkcs11(RvError::KeyUnextractable, _)), "{error}");
    }
    for change in [Attribute::Extractable(true), Attribute::Sensitive(false)] {
        session.update_attributes(key, std::slice::from_ref(&change)).unwrap_err();
        assert!(session.copy_object(key, &[change]).is_err());
    }
}

fn does_nothing_else(session: &Session, key: ObjectHandle) {
    let kind = session.get_attributes(key, &[AttributeType::KeyType]).unwrap();
    let error = match kind.first() {
        Some(Attribute::KeyType(KeyType::RSA)) => {
            session.decrypt(&Mechanism::RsaPkcs, key, &[1; 384]).unwrap_err()
        }
        Some(Attribute::KeyType(KeyType::EC)) => {
            let params = Ecdh1DeriveParams::new(EcKdf::null(), &[4; 65]);
            let template = [
                Attribute::Class(ObjectClass::SECRET_KEY),
                Attribute::KeyType(KeyType::GENERIC_SECRET),
                Attribute::ValueLen(32.into()),
            ];
            session.derive_key(&Mechanism::Ecdh1Derive(params), key, &template).unwrap_err()
        }
        _ => return,
    };
    assert!(matches!(error, Error::Pkcs11(RvError::KeyFunctionNotPermitted, _)), "{error}");
}

#[test]
fn a_key_that_is_not_as_avouch_makes_them_is_refused_by_the_attribute_that_differs() {
    let Some(hsm) = SoftHsm::new() else { return };
    for (careless, attribute) in [
        ("extractable", "CKA_EXTRACTABLE has true"),
        ("not-sensitive", "CKA_SENSITIVE has false"),
        ("derives", "CKA_DERIVE has true"),
        ("decrypts", "CKA_DECRYPT has true"),
        ("unwraps", "CKA_UNWRAP has true"),
    ] {
        let said = run("pkcs11::thief::careless", &hsm, &[("CARELESS", careless)]);
        let id = said.split_whitespace().find_map(|word| word.parse::<KeyId>().ok()).unwrap();
        let error = start(wiring(&hsm), &disk()).key(&id).err().unwrap();
        assert!(matches!(error, KeyStoreError::Lane(LaneFault::Attribute { .. })), "{careless}: {error}");
        assert_eq!(error.retry(), Retry::DoesNotHelp);
        let attribute = attribute.replace(" has ", " ");
        assert!(error.to_string().contains(&format!("key has {attribute}")), "{careless}: {error}");
    }
    let said = run("pkcs11::thief::careless", &hsm, &[("CARELESS", "")]);
    let id = said.split_whitespace().find_map(|word| word.parse::<KeyId>().ok()).unwrap();
    start(wiring(&hsm), &disk()).key(&id).unwrap();
}

#[test]
#[ignore = "it is a process that makes careless keys, which another test starts"]
fn careless() {
    let Some(session) = logged_in() else { return };
    let asked = std::env::var("CARELESS").unwrap();
    let is = |what: &str| asked == what;
    let private = [
        Attribute::Extractable(is("extractable")),
        Attribute::Sensitive(!is("not-sensitive")),
        Attribute::Derive(is("derives")),
        Attribute::Decrypt(is("decrypts")),
        Attribute::Unwrap(is("unwraps")),
        Attribute::SignRecover(false),
    ];
    let (public, private) = pair(&session, &private, &[]);
    let point = session.get_attributes(public, &[AttributeType::EcPoint]).unwrap();
    let Some(Attribute::EcPoint(point)) = point.first() else { panic!("a public key has a point") };
    let prefix = [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
        0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
    ];
    let id = KeyId::new(Digest::of(&[&prefix, &point[2..]].concat()));
    for object in [public, private] {
        session.update_attributes(object, &[Attribute::Id(id.digest().as_bytes().to_vec())]).unwrap();
    }
    println!(" {id} ");
}
