//! Who gets a certificate, who does not, and what the books say of either.

use authority::{Blame, CertificateError, Claim, Proof};
use model::{Algorithm, told};
use pki::token::{CertificateNames, SubjectName};
use pki::{Usage, verify_path};
use quorum::{Change, IssuerState};
use serde_json::{Value, json};
use testkit::{IdentityProvider, Key};

use crate::world::{Holder, ISSUER, World, one};

#[test]
fn a_holder_gets_a_certificate_that_stands_in_the_log_and_in_the_ledger() {
    let world = World::new();
    let authority = world.authority();
    let ada = Holder::new("ada@example.com");
    let issued = one(authority.issue(&[ada.claim(&world.token(&ada))])).unwrap();
    let [leaf, root] = issued.chain.as_slice() else { panic!("two certificates") };
    verify_path(leaf, &[], std::slice::from_ref(root), world.now(), Usage::CodeSigning).unwrap();
    assert_eq!(leaf.public_key().unwrap(), ada.key.public());
    let names = CertificateNames::of(leaf).unwrap();
    assert_eq!(names.subject, SubjectName::Email("ada@example.com".to_owned()));
    assert_eq!(names.issuer, ISSUER);
    assert_eq!((issued.leaf, world.checkpoint().size()), (0, 1));
    world.audit(std::slice::from_ref(&issued));
    let [record] = world.records().try_into().unwrap();
    assert_eq!(record["state"], "issued");
    assert_eq!(record["issued"]["subject"], "ada@example.com");
    assert_eq!(record["issued"]["certificate"], leaf.fingerprint().to_string());
    assert!(record.to_string().find("eyJ").is_none(), "no token is kept");
    let numbers = authority.numbers();
    assert_eq!((numbers.issued, numbers.refused, numbers.entries), (1, 0, 1));
}

#[test]
fn a_batch_is_three_frames_and_each_member_succeeds_or_fails_alone() {
    let world = World::new();
    let authority = world.authority();
    let holders: Vec<Holder> = (0..20).map(|n| Holder::new(&format!("{n}@example.com"))).collect();
    one(authority.issue(&[holders[0].claim(&world.token(&holders[0]))])).unwrap();
    let mut claims: Vec<Claim> = holders.iter().map(|one| one.claim(&world.token(one))).collect();
    claims[7] = holders[7].claim_over(&world.token(&holders[7]), "eve@example.com");
    claims[11] = holders[11].claim("no token");
    let before = world.line.frames();
    let results = authority.issue(&claims);
    assert_eq!(world.line.frames() - before, 3);
    let bad: Vec<usize> =
        results.iter().enumerate().filter(|(_, one)| one.is_err()).map(|(place, _)| place).collect();
    assert_eq!(bad, [7, 11]);
    let issued: Vec<_> = results.into_iter().flatten().collect();
    let mut leaves: Vec<u64> = issued.iter().map(|one| one.leaf).collect();
    let mut serials: Vec<Vec<u8>> = issued.iter().map(|one| one.chain[0].serial().to_vec()).collect();
    leaves.sort_unstable();
    leaves.dedup();
    serials.sort();
    serials.dedup();
    assert_eq!((leaves.len(), serials.len()), (18, 18));
    world.audit(&issued);
}

#[test]
fn a_request_of_openssl_proves_possession_too() {
    let Some(openssl) = testkit::tool("openssl") else { return };
    let (world, folder) = (World::new(), testkit::temp_folder());
    let request = folder.path().join("request.der");
    let made = openssl
        .command()
        .args(["req", "-new", "-nodes", "-subj", "/", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"])
        .args(["-sha384", "-outform", "DER", "-keyout"])
        .arg(folder.path().join("key.pem"))
        .arg("-out")
        .arg(&request)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let ada = Holder::new("ada@example.com");
    let proof = Proof::Request(std::fs::read(request).unwrap());
    let claim = Claim { token: world.token(&ada).into_bytes(), proof, published: Vec::new() };
    let issued = one(world.authority().issue(&[claim])).unwrap();
    assert_eq!(issued.chain[0].public_key().unwrap().algorithm(), Algorithm::EcdsaP384);
}

#[test]
fn whoever_proves_nothing_is_told_why_and_fills_no_ledger() {
    let world = World::new();
    let (authority, ada) = (world.authority(), Holder::new("ada@example.com"));
    let refused = |claims: &Value| {
        let error = one(authority.issue(&[ada.claim(&world.provider.token(claims))])).unwrap_err();
        assert_eq!(error.blame(), Blame::Asker, "{error}");
        told(&error)
    };
    for (name, value, text) in [
        ("iss", json!("https://evil.example.com"), "knows no issuer `https://evil.example.com`"),
        ("aud", json!("another"), "for the audience `another`"),
        ("exp", json!(1), "expired at"),
        ("email_verified", json!(false), "does not say that the address"),
        ("email", Value::Null, "has no claim `email`"),
    ] {
        let mut claims = world.claims("ada@example.com");
        claims[name] = value;
        assert!(refused(&claims).contains(text), "{name}: {}", refused(&claims));
    }
    let forged = IdentityProvider::new("k1").token(&world.claims("ada@example.com"));
    let forged = one(authority.issue(&[ada.claim(&forged)])).unwrap_err();
    assert!(matches!(forged, CertificateError::Token(_)), "{forged}");
    assert_eq!(world.line.frames(), 0, "the key process is not asked about strangers");
    assert!(world.records().is_empty());
}

#[test]
fn a_holder_whose_key_is_not_theirs_or_weak_is_refused_and_recorded_once() {
    let world = World::new();
    let (authority, ada) = (world.authority(), Holder::new("ada@example.com"));
    let token = world.token(&ada);
    for _ in 0..3 {
        let error = one(authority.issue(&[ada.claim_over(&token, "eve@example.com")])).unwrap_err();
        assert!(matches!(error, CertificateError::Possession(_)), "{error}");
    }
    let [record] = world.records().try_into().unwrap();
    assert_eq!(record["state"], "refused");
    assert!(record["reason"].as_str().unwrap().contains("not proven"), "{record}");
    // The token is still good for whoever proves it.
    one(authority.issue(&[ada.claim(&token)])).unwrap();
}

#[test]
fn one_token_gives_one_certificate_for_one_key_and_is_told_once() {
    let world = World::new();
    let (authority, ada) = (world.authority(), Holder::new("ada@example.com"));
    let token = world.token(&ada);
    let twice = authority.issue(&[ada.claim(&token), ada.claim(&token)]);
    let first = twice[0].as_ref().unwrap().clone();
    assert_eq!(*twice[1].as_ref().unwrap(), first);
    assert_eq!(one(authority.issue(&[ada.claim(&token)])).unwrap(), first);
    assert_eq!(world.checkpoint().size(), 1);
    let other = Holder { key: Key::generate(Algorithm::EcdsaP256), ..Holder::new("ada@example.com") };
    let error = one(authority.issue(&[other.claim(&token)])).unwrap_err();
    assert!(told(&error).contains("was used already"), "{}", told(&error));
    let states: Vec<Value> = world.records().iter().map(|record| record["state"].clone()).collect();
    assert_eq!(states, ["issued", "refused"]);
}

#[test]
fn an_issuer_that_is_suspended_gives_nobody_a_certificate_and_comes_back() {
    let world = World::new();
    let (authority, ada) = (world.authority(), Holder::new("ada@example.com"));
    one(authority.issue(&[ada.claim(&world.token(&ada))])).unwrap();
    let reason = "its key was stolen".to_owned();
    let state = IssuerState::Suspended;
    world.enter(vec![Change::IssuerState { url: ISSUER.to_owned(), state, reason }]);
    let error = one(authority.issue(&[ada.claim(&world.token(&ada))])).unwrap_err();
    assert!(matches!(error, CertificateError::UnknownIssuer { .. }), "{error}");
    assert!(authority.issuers().unwrap().is_empty());
}
