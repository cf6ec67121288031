//! Keys of minisign and of SSH: two signatures by one order, and namespaces.

use envelope::sshsig::{self, Holder, SshKey, SshSig};
use envelope::{Chosen, compose, countersigned, dsse};
use model::journal::Leaf;
use model::{Algorithm, Content, Digest, DigestBlake2b, Form, Hash, Hashed, Parameters, Request};
use quorum::{Change, Decision, Endorsement, Exclusion, KeyRecord, Moment, Proof, SSH_NAMESPACE, Shortfall};
use signer::{AdminAnswer, RefusalCode};
use testkit::founding::rule;

use crate::world::{Asking, Platform};

const COMMENT: &str = "timestamp:1795165602\tfile:app.tar.gz\thashed";

/// A platform with a key of either form.
fn platform() -> Platform {
    let platform = Platform::new();
    let minisign = platform.record("default/minisign", Form::Minisign, Algorithm::Ed25519);
    let sshsig = platform.record("default/sshsig", Form::SshSig, Algorithm::Ed25519);
    let answer = platform.enter(vec![Change::Key(minisign), Change::Key(sshsig)]);
    assert!(!matches!(answer, AdminAnswer::Refused(_)), "{answer:?}");
    platform
}

/// A request for a minisign signature of what is said to have this digest.
fn minisig(platform: &Platform, digest: &[u8], comment: &str) -> Asking {
    let mut asking = platform.asking("default/minisign", b"content");
    let digest = DigestBlake2b::from_slice(digest).unwrap();
    asking.items[0].content = Content::Blake2b512 { digest, length: 7 };
    asking.items[0].parameters =
        Parameters { trusted_comment: Some(comment.to_owned()), ..Parameters::default() };
    asking.recompose()
}

fn ssh(platform: &Platform, hashed: Hashed, namespace: Option<&str>) -> Asking {
    let mut asking = platform.asking("default/sshsig", b"content");
    asking.items[0].content = (hashed, 7).into();
    asking.items[0].parameters =
        Parameters { namespace: namespace.map(str::to_owned), ..Parameters::default() };
    asking.recompose()
}

fn hashed(hash: Hash, content: &[u8]) -> Hashed {
    Hashed::from_slice(hash, &hash.digest(content)).unwrap()
}

#[test]
fn one_order_gives_both_signatures_of_minisign_under_one_intent_that_covers_both() {
    let platform = platform();
    let digest = Hash::Blake2b512.digest(b"content");
    let asking = minisig(&platform, &digest, COMMENT);
    let signed = platform.order(asking.order()).unwrap();
    let key = platform.public_key("default/minisign");
    let (first, second) = signed.signature.split_at(64);
    key.verify(&digest, first).unwrap();
    key.verify(&countersigned(first, COMMENT), second).unwrap();
    let composed = compose(&asking.items[0], &Chosen::Nothing, None).unwrap();
    let Leaf::Intent(intent) = Leaf::decode(&signed.leaf).unwrap() else { panic!("an intent") };
    assert_eq!(intent.to_be_signed, composed.sha256());
    assert_eq!(intent.to_be_signed, Digest::of(&[&digest[..], COMMENT.as_bytes()].concat()));
    // The same order gets the same bytes, also from another process.
    let platform = platform.restart();
    assert_eq!(platform.order(asking.order()).unwrap(), signed);
    // Another comment is another request, and another intent over the same first signature.
    let other = platform.order(minisig(&platform, &digest, "something else").order()).unwrap();
    assert_eq!(other.signature[..64], signed.signature[..64]);
    assert_ne!(other.signature[64..], signed.signature[64..]);
    assert_ne!(other.index, signed.index);
}

#[test]
fn a_comment_that_was_swapped_after_it_was_asked_for_is_in_no_request() {
    let platform = platform();
    let digest = Hash::Blake2b512.digest(b"content");
    let mut asking = minisig(&platform, &digest, COMMENT);
    asking.items[0].parameters.trusted_comment = Some("the newest release".to_owned());
    assert_eq!(platform.order(asking.order()).unwrap_err().code, RefusalCode::NotInRequest);
}

/// As far as the key process goes; what verifiers say of the same bytes is asked where they are run.
#[test]
fn the_64_bytes_that_a_minisign_key_signs_are_a_signature_of_no_other_key() {
    let platform = platform();
    let registry = platform.registry();
    let minisign = platform.public_key("default/minisign");
    let data = sshsig::signed_data("file", Hash::Sha256, b"content");
    let pae = dsse::pre_authentication_encoding("application/json", &[b' '; 34]);
    for evil in [data, pae] {
        let signed = platform.order(minisig(&platform, &evil, "x").order()).unwrap();
        minisign.verify(&evil, &signed.signature[..64]).unwrap();
        for key in registry.keys().filter(|key| key.record.public_key != minisign) {
            let public = &key.record.public_key;
            assert!(public.verify(&evil, &signed.signature[..64]).is_err(), "{}", key.record.name);
        }
    }
    // Nor does the key become one of another form later on.
    for form in [Form::SshSig, Form::Dsse, Form::Cms, Form::Checkpoint] {
        let twin = platform.record("default/twin", form, Algorithm::Ed25519);
        let answer = platform.enter(vec![Change::Key(KeyRecord { public_key: minisign.clone(), ..twin })]);
        let AdminAnswer::Refused(refusal) = &answer else { panic!("{form}: {answer:?}") };
        assert_eq!(refusal.code, RefusalCode::Key, "{form}");
    }
    // And no endorsement is 64 bytes long, or begins with a signature.
    let endorsement = sshsig::signed_data(SSH_NAMESPACE, Hash::Sha256, b"avouch endorsement v1\n");
    assert_ne!(endorsement.len(), 64);
}

#[test]
fn an_ssh_signature_is_made_in_the_namespaces_of_the_keys_record_alone() {
    let platform = platform();
    let key = SshKey::new(platform.public_key("default/sshsig"), Holder::Software).unwrap();
    for hash in [Hash::Sha512, Hash::Sha256] {
        let signed = platform.order(ssh(&platform, hashed(hash, b"content"), Some("file")).order()).unwrap();
        let armored = sshsig::seal(&key, "file", hash, &signed.signature).unwrap();
        SshSig::from_armor(&armored).unwrap().verify("file", b"content", &key).unwrap();
    }
    for (namespace, code) in [
        (Some("git"), RefusalCode::Key),
        (None, RefusalCode::Key),
        (Some("FILE"), RefusalCode::Key),
        (Some(SSH_NAMESPACE), RefusalCode::Key),
    ] {
        let asking = ssh(&platform, hashed(Hash::Sha512, b"content"), namespace);
        assert_eq!(platform.order(asking.order()).unwrap_err().code, code, "{namespace:?}");
    }
    for other in [hashed(Hash::Sha384, b"content"), hashed(Hash::Blake2b512, b"content")] {
        let asking = ssh(&platform, other, Some("file"));
        assert_eq!(platform.order(asking.order()).unwrap_err().code, RefusalCode::Malformed);
    }
}

/// An endorsement that a key for code signs would be somebody's word that nobody gave.
#[test]
fn an_endorsement_is_never_signed_by_a_key_for_code() {
    let platform = platform();
    let (world, registry) = (&platform.world, platform.registry());
    // No record lists such a namespace, in whatever company or spelling.
    for namespace in [SSH_NAMESPACE, "enrol.avouch.v1", "x.Avouch.y"] {
        let record = platform.record("default/evil", Form::SshSig, Algorithm::Ed25519);
        let namespaces = vec!["file".to_owned(), namespace.to_owned()];
        let answer = platform.enter(vec![Change::Key(KeyRecord { namespaces, ..record })]);
        assert!(matches!(answer, AdminAnswer::Refused(_)), "{namespace}: {answer:?}");
    }
    // And whatever a record says, nothing is composed there.
    let item = ssh(&platform, hashed(Hash::Sha512, b"x"), Some(SSH_NAMESPACE)).items.remove(0);
    assert!(matches!(
        compose(&item, &Chosen::Nothing, None),
        Err(envelope::ComposeError::ReservedNamespace { .. })
    ));
    // What the key signs of an endorsement's message, in its own namespace, endorses nothing.
    let [ben, ..] = &world.endorsers;
    let asking = platform.asking("default/governed", b"evil");
    let digest = asking.digest();
    let (principal, time) = (ben.principal, world.now());
    let message = quorum::message(&registry.platform(), &digest, Decision::Endorse, &principal, None, time);
    let hash = Hash::Sha512;
    let signed =
        platform.order(ssh(&platform, hashed(hash, message.as_bytes()), Some("file")).order()).unwrap();
    let key = SshKey::new(platform.public_key("default/sshsig"), Holder::Software).unwrap();
    for namespace in ["file", SSH_NAMESPACE] {
        let armored = sshsig::seal(&key, namespace, hash, &signed.signature).unwrap();
        let body: String = armored.lines().filter(|line| !line.starts_with('-')).collect();
        let signature: model::Base64 = serde_json::from_value(body.into()).unwrap();
        let proof = Proof::Ssh { signature };
        let endorsement = Endorsement { principal, decision: Decision::Endorse, facet: None, time, proof };
        let counted = quorum::count(
            &registry,
            &rule("endorsers", 1),
            &Request::parse(&asking.request_bytes()).unwrap(),
            &digest,
            &[endorsement],
            Moment::Live(time),
        );
        let Err(Shortfall::TooFew { have: 0, excluded, .. }) = counted else { panic!("{namespace}") };
        assert_eq!(excluded, [(principal, Exclusion::BadSignature)]);
    }
}
