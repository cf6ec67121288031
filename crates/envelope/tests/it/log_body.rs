//! Bodies of the log for every algorithm that signs here, and what is no body.

use envelope::ToBeSigned;
use envelope::rekor::{Body, RekorError, Verifier};
use model::{Algorithm, Digest, Hash, Hashed};
use pki::CertificateProfile;

use crate::support::{Key, Signer, example};

#[test]
fn every_algorithm_is_logged_under_its_own_name_and_hash() {
    for (algorithm, details, hash, digest) in [
        (Algorithm::EcdsaP256, "PKIX_ECDSA_P256_SHA_256", "SHA2_256", Hash::Sha256),
        (Algorithm::EcdsaP384, "PKIX_ECDSA_P384_SHA_384", "SHA2_384", Hash::Sha384),
        (Algorithm::Rsa3072, "PKIX_RSA_PKCS1V15_3072_SHA256", "SHA2_256", Hash::Sha256),
        (Algorithm::Ed25519, "PKIX_ED25519", "SHA2_256", Hash::Sha256),
    ] {
        let signer = Signer::new(algorithm, &CertificateProfile::CodeSigning);
        let message = ToBeSigned::Message(b"message".to_vec());
        let signature = signer.key.sign(b"message");
        for verifier in [Verifier::PublicKey(signer.key.public()), Verifier::Certificate(signer.certificate)]
        {
            let body = Body::new(&message, &signature, verifier).unwrap();
            let json = String::from_utf8(body.encode()).unwrap();
            assert!(json.contains(&format!("\"keyDetails\":\"{details}\"")), "{json}");
            assert!(json.contains(&format!("\"algorithm\":\"{hash}\"")), "{json}");
            assert_eq!(body.digest(), digest.digest(b"message"));
            assert_eq!(Body::parse(json.as_bytes()).unwrap(), body);
        }
    }
}

#[test]
fn a_digest_by_another_hash_than_the_keys_cannot_be_logged() {
    let key = Key::generate(Algorithm::EcdsaP384);
    let refused = Body::new(
        &ToBeSigned::Hashed(Hashed::Sha256(Digest::ZERO)),
        b"signature",
        Verifier::PublicKey(key.public()),
    );
    assert!(matches!(refused, Err(RekorError::DigestUnknown { hash: Hash::Sha384, .. })));
}

#[test]
fn a_body_in_another_spelling_or_of_another_kind_is_refused() {
    let body = String::from_utf8(example("blob/log-body.json")).unwrap();
    let changed = |from: &str, to: &str| {
        let changed = body.replacen(from, to, 1);
        assert_ne!(changed, body);
        Body::parse(changed.as_bytes()).unwrap_err()
    };
    assert!(matches!(changed("{", "{ "), RekorError::NotCanonical(_)));
    assert!(matches!(changed("\"0.0.2\"", "\"0.0.1\""), RekorError::OtherKind { .. }));
    assert!(matches!(changed("\"hashedrekord\"", "\"dsse\""), RekorError::OtherKind { .. }));
    assert!(matches!(changed("P256_SHA_256", "P384_SHA_384"), RekorError::OtherAlgorithm { .. }));
    assert!(matches!(changed("SHA2_256", "SHA2_512"), RekorError::OtherAlgorithm { .. }));
    assert!(matches!(changed("\"publicKey\"", "\"x509Certificate\""), RekorError::Certificate(_)));
}
