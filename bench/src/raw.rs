//! The bare operations: what the same cryptography costs with nothing around it.

use std::time::Duration;

use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
};

use testkit::SoftHsm;

use crate::cost;
use crate::failure::Failure;
use crate::module::{self, ModuleKey};

/// How long one probe of one operation takes.
const PROBE: Duration = Duration::from_millis(120);
/// What is signed: about as long as what is signed in earnest.
const MESSAGE: [u8; 256] = [0x5a; 256];

/// One bare operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    /// ECDSA P-256 with SHA-256.
    SignP256,
    VerifyP256,
    /// RSASSA-PKCS1-v1_5 of 3072 bits with SHA-256.
    SignRsa3072,
    VerifyRsa3072,
    VerifyEd25519,
    /// By a key in SoftHSM2, through its module.
    SignInModule(ModuleKey),
    /// SHA-256 of one MiB.
    HashMebibyte,
}

/// Keys and signatures, made once.
pub(crate) struct Raw {
    p256: EcdsaKeyPair,
    rsa: RsaKeyPair,
    p256_public: ParsedPublicKey,
    rsa_public: ParsedPublicKey,
    p256_signature: Vec<u8>,
    rsa_signature: Vec<u8>,
    ed25519_public: ParsedPublicKey,
    ed25519_signature: Vec<u8>,
    block: Vec<u8>,
    /// A token of its own, where one can be had.
    pub(crate) hsm: Option<SoftHsm>,
}

impl Raw {
    pub(crate) fn new() -> Result<Self, Failure> {
        let refused = |why: aws_lc_rs::error::Unspecified| Failure::bad("no bare key")(&why);
        let p256 = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map_err(refused)?;
        let rsa = RsaKeyPair::generate(KeySize::Rsa3072).map_err(refused)?;
        let random = SystemRandom::new();
        let p256_signature = p256.sign(&random, &MESSAGE).map_err(refused)?.as_ref().to_vec();
        let mut rsa_signature = vec![0; rsa.public_modulus_len()];
        rsa.sign(&RSA_PKCS1_SHA256, &random, &MESSAGE, &mut rsa_signature).map_err(refused)?;
        let parse = |algorithm, key: &[u8]| {
            ParsedPublicKey::new(algorithm, key).map_err(|why| Failure::bad("no bare key")(&why))
        };
        let p256_public = parse(&ECDSA_P256_SHA256_ASN1, p256.public_key().as_ref())?;
        let rsa_public = parse(&RSA_PKCS1_2048_8192_SHA256, rsa.public_key().as_ref())?;
        let ed25519 = Ed25519KeyPair::generate().map_err(refused)?;
        let ed25519_public = parse(&ED25519, ed25519.public_key().as_ref())?;
        let ed25519_signature = ed25519.sign(&MESSAGE).as_ref().to_vec();
        let block = vec![7; 1 << 20];
        Ok(Self {
            p256,
            rsa,
            p256_public,
            rsa_public,
            p256_signature,
            rsa_signature,
            ed25519_public,
            ed25519_signature,
            block,
            hsm: SoftHsm::new(),
        })
    }

    /// What one operation costs now.
    fn probe(&self, operation: Operation) -> Result<Duration, Failure> {
        let random = SystemRandom::new();
        Ok(match operation {
            Operation::SignInModule(key) => {
                let none = || Failure::bad("no hardware token")(&"SoftHSM2 is not installed");
                module::probe(self.hsm.as_ref().ok_or_else(none)?, key)?
            }
            Operation::SignP256 => cost::of_one(PROBE, || {
                let signed = self.p256.sign(&random, &MESSAGE);
                assert!(std::hint::black_box(signed).is_ok(), "a key that was just made signs");
            }),
            Operation::VerifyP256 => verify(&self.p256_public, &self.p256_signature),
            Operation::SignRsa3072 => {
                let mut signature = vec![0; self.rsa.public_modulus_len()];
                cost::of_one(PROBE, || {
                    let signed = self.rsa.sign(&RSA_PKCS1_SHA256, &random, &MESSAGE, &mut signature);
                    assert!(std::hint::black_box(signed).is_ok(), "a key that was just made signs");
                })
            }
            Operation::VerifyRsa3072 => verify(&self.rsa_public, &self.rsa_signature),
            Operation::VerifyEd25519 => verify(&self.ed25519_public, &self.ed25519_signature),
            Operation::HashMebibyte => cost::of_one(PROBE, || {
                std::hint::black_box(digest::digest(&digest::SHA256, &self.block));
            }),
        })
    }
}

fn verify(key: &ParsedPublicKey, signature: &[u8]) -> Duration {
    cost::of_one(PROBE, || {
        let good = key.verify_sig(&MESSAGE, signature);
        assert!(std::hint::black_box(good).is_ok(), "a signature that was just made is good");
    })
}

/// What one operation of avouch needs at least.
pub(crate) type Needs = &'static [(Operation, u32)];

/// Probes of what is needed, taken between the loads.
pub(crate) struct Probes<'a> {
    raw: &'a Raw,
    needs: Needs,
    taken: Vec<Vec<Duration>>,
}

impl<'a> Probes<'a> {
    pub(crate) fn new(raw: &'a Raw, needs: Needs) -> Self {
        Self { raw, needs, taken: vec![Vec::new(); needs.len()] }
    }

    /// Takes one of each.
    pub(crate) fn take(&mut self) -> Result<(), Failure> {
        for ((operation, _), taken) in self.needs.iter().zip(&mut self.taken) {
            taken.push(self.raw.probe(*operation)?);
        }
        Ok(())
    }

    /// What is needed at least, by the median probe of each.
    pub(crate) fn cost(&self) -> Duration {
        let each = self.needs.iter().zip(&self.taken);
        each.map(|((_, times), taken)| cost::median(taken.clone()) * *times).sum()
    }

    /// How far the probes lie apart, in parts of their median; the worst of the operations.
    pub(crate) fn drift(&self) -> f64 {
        let apart = |taken: &Vec<Duration>| {
            let (least, most) = (taken.iter().min(), taken.iter().max());
            let apart = most.zip(least).map(|(most, least)| *most - *least).unwrap_or_default();
            apart.as_secs_f64() / cost::median(taken.clone()).as_secs_f64().max(f64::MIN_POSITIVE)
        };
        self.taken.iter().map(apart).fold(0.0, f64::max)
    }
}
