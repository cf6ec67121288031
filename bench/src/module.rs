//! What a PKCS #11 module takes for a bare signature: measured in a process of its own, as a lane runs it.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use testkit::SoftHsm;

use crate::cost;
use crate::failure::Failure;

/// How long one probe takes.
const PROBE: Duration = Duration::from_millis(250);
/// The named curve P-256 (RFC 5480), in DER.
const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

/// What the module signs with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ModuleKey {
    P256,
    Rsa3072,
}

impl ModuleKey {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::P256 => "p256",
            Self::Rsa3072 => "rsa3072",
        }
    }

    pub(crate) fn named(word: &str) -> Option<Self> {
        [Self::P256, Self::Rsa3072].into_iter().find(|key| key.word() == word)
    }
}

/// Probes the module, in a process of its own.
pub(crate) fn probe(hsm: &SoftHsm, key: ModuleKey) -> Result<Duration, Failure> {
    let own = std::env::current_exe().map_err(Failure::file("find", Path::new("bench")))?;
    let mut command = Command::new(&own);
    command.arg("module").arg(hsm.module()).arg(key.word()).envs(hsm.environment());
    let output = command.output().map_err(Failure::file("start", &own))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let nanoseconds = said.trim().parse().map_err(|_| Failure::Bad {
        what: "the module was not measured",
        why: String::from_utf8_lossy(&output.stderr).into_owned(),
    })?;
    Ok(Duration::from_nanos(nanoseconds))
}

/// The process that measures: prints how many nanoseconds of processor time one signature takes.
pub(crate) fn run(module: &Path, key: ModuleKey) -> Result<(), Failure> {
    let took = measure(module, key).map_err(|why| Failure::bad("the module")(&why))?;
    println!("{}", took.as_nanos());
    Ok(())
}

fn measure(module: &Path, key: ModuleKey) -> Result<Duration, cryptoki::error::Error> {
    let module = Pkcs11::new(module)?;
    module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))?;
    let slots = module.get_slots_with_initialized_token()?;
    let slot = slots.first().copied().ok_or(cryptoki::error::Error::InvalidValue)?;
    let session = module.open_rw_session(slot)?;
    session.login(UserType::User, Some(&AuthPin::new(SoftHsm::PIN.into())))?;
    let private = make(&session, key)?;
    let (mechanism, input): (_, &[u8]) = match key {
        ModuleKey::P256 => (Mechanism::Ecdsa, &[0x5a; 32]),
        ModuleKey::Rsa3072 => (Mechanism::Sha256RsaPkcs, &[0x5a; 256]),
    };
    session.sign(&mechanism, private, input)?;
    Ok(cost::of_one(PROBE, || {
        let signed = session.sign(&mechanism, private, input);
        assert!(std::hint::black_box(signed).is_ok(), "a key that signed once signs again");
    }))
}

fn make(session: &Session, key: ModuleKey) -> Result<ObjectHandle, cryptoki::error::Error> {
    let private = [Attribute::Token(false), Attribute::Private(true), Attribute::Sign(true)];
    let (mechanism, public) = match key {
        ModuleKey::P256 => (Mechanism::EccKeyPairGen, vec![Attribute::EcParams(P256.to_vec())]),
        ModuleKey::Rsa3072 => (
            Mechanism::RsaPkcsKeyPairGen,
            vec![Attribute::ModulusBits(3_072.into()), Attribute::PublicExponent(vec![1, 0, 1])],
        ),
    };
    let public = [vec![Attribute::Token(false), Attribute::Verify(true)], public].concat();
    Ok(session.generate_key_pair(&mechanism, &public, &private)?.1)
}
