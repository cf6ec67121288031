//! OpenPGP: a key certifies itself when it is added and by no order; what it signs of files is a signature of a file or of a
//! text, at the key process's own time, under the fingerprint of its own record.

use envelope::openpgp::{Certificate, Issuer, Key, read_certificates};
use envelope::{Chosen, ToBeSigned, compose};
use model::journal::Leaf;
use model::{Algorithm, Content, Digest, Form, Hash, HashState, Parameters, SignatureOf};
use quorum::Change;
use signer::{AdminAnswer, RefusalCode, Signed, Signer};

use crate::world::{Asking, MINUTE, Platform, World};

const KEY: &str = "default/openpgp";

/// A platform with a key of OpenPGP.
fn platform(algorithm: Algorithm) -> Platform {
    let platform = Platform::begin(World::new());
    let change = Change::Key(platform.record(KEY, Form::OpenPgp, algorithm));
    let entered = platform.enter(vec![change]);
    assert!(matches!(entered, AdminAnswer::Appended { .. }), "{entered:?}");
    platform
}

fn certificate(platform: &Platform) -> Vec<u8> {
    let (id, state) = (platform.key(KEY), platform.process.state().unwrap());
    let own = state.certificates.iter().find(|certified| certified.key == id).unwrap();
    assert_eq!(own.issuer, id);
    own.certificate.clone()
}

fn read(platform: &Platform) -> Certificate {
    read_certificates(&certificate(platform)).unwrap().remove(0)
}

fn asking(platform: &Platform, content: &[u8], of: Option<SignatureOf>) -> Asking {
    let mut asking = platform.asking(KEY, content);
    let mut state = match platform.public_key(KEY).algorithm() {
        Algorithm::EcdsaP384 => HashState::sha384(),
        _ => HashState::sha256(),
    };
    state.update(content);
    asking.items[0].content = Content::State(state);
    asking.items[0].parameters = Parameters { signature_of: of, ..Parameters::default() };
    asking.recompose()
}

fn sign(platform: &Platform, of: SignatureOf) -> (Asking, Signed) {
    let asking = asking(platform, b"what is shipped", Some(of));
    let signed = platform.order(asking.order()).unwrap();
    (asking, signed)
}

#[test]
fn a_key_of_openpgp_certifies_itself_when_it_is_added_and_the_journal_says_so() {
    for algorithm in [Algorithm::EcdsaP256, Algorithm::EcdsaP384, Algorithm::Ed25519, Algorithm::Rsa3072] {
        let mut platform = platform(algorithm);
        let own = certificate(&platform);
        let record = platform.registry().key(&platform.key(KEY)).unwrap().record.clone();
        let certificate = read(&platform);
        assert_eq!(certificate.user_ids(), ["default/openpgp (Example)"]);
        assert_eq!(*certificate.primary(), Key::new(&record.public_key, record.not_before));
        certificate.signers()[0].check(platform.world.now()).unwrap();
        // It stands, with the same bytes, after whatever starts again.
        platform = platform.restart();
        assert_eq!(self::certificate(&platform), own);
    }
}

#[test]
fn a_signature_of_openpgp_says_the_key_processs_time_and_its_own_key_and_everybody_composes_the_same() {
    for algorithm in [Algorithm::EcdsaP256, Algorithm::EcdsaP384, Algorithm::Ed25519, Algorithm::Rsa3072] {
        let platform = platform(algorithm);
        for of in [SignatureOf::Binary, SignatureOf::Text] {
            let (asking, signed) = sign(&platform, of);
            let record = platform.registry().key(&platform.key(KEY)).unwrap().record.clone();
            let chosen = Chosen::decode(&signed.chosen).unwrap();
            let issuer = Issuer::of(&record.public_key, record.not_before);
            assert_eq!(chosen, Chosen::OpenPgp { time: platform.world.now().whole_second(), issuer });
            assert!(chosen.is_of(&record.public_key, record.not_before));
            assert!(!chosen.is_of(&record.public_key, platform.world.now()));
            let composed = compose(&asking.items[0], &chosen, None).unwrap();
            composed.verify(&record.public_key, &signed.signature).unwrap();
            let Leaf::Intent(intent) = Leaf::decode(&signed.leaf).unwrap() else { panic!("not an intent") };
            assert_eq!(intent.to_be_signed, composed.sha256());
            if let ToBeSigned::Message(message) = composed {
                assert_eq!((algorithm, message.len()), (Algorithm::Ed25519, Hash::Sha256.length()));
            }
            // Ordered again at another time, the same bytes come back.
            platform.world.clock.advance(MINUTE);
            assert_eq!(platform.order(asking.order()).unwrap().signature, signed.signature);
        }
    }
}

#[test]
fn nothing_is_signed_as_openpgp_that_is_not_a_file_or_a_text_by_its_hash_state() {
    let platform = platform(Algorithm::EcdsaP256);
    let refused = |asking: Asking| platform.order(asking.recompose().order()).unwrap_err().code;
    assert_eq!(refused(asking(&platform, b"bytes", None)), RefusalCode::Malformed);
    let mut digest = asking(&platform, b"bytes", Some(SignatureOf::Binary));
    digest.items[0].content = Content::Sha256 { digest: Digest::of(b"bytes"), length: 5 };
    assert_eq!(refused(digest), RefusalCode::Malformed);
    let mut long = asking(&platform, b"bytes", Some(SignatureOf::Binary));
    let mut state = HashState::sha384();
    state.update(b"bytes");
    long.items[0].content = Content::State(state);
    assert_eq!(refused(long), RefusalCode::Key);
    // Another key's form, and the other way round.
    let mut blob = asking(&platform, b"bytes", Some(SignatureOf::Binary));
    blob.items[0].key = platform.asking("default/blob", b"bytes").items[0].key.clone();
    assert_eq!(refused(blob.clone()), RefusalCode::Key);
    blob.items[0].form = Form::Blob;
    assert_eq!(refused(blob), RefusalCode::Malformed);
}

#[test]
fn what_a_key_of_openpgp_certified_itself_with_is_no_signature_of_a_file() {
    // The bytes of the certification, given as a file: the trailer of an order names the type of a file, and so its
    // signature is another than the certification.
    let platform = platform(Algorithm::Ed25519);
    let own = certificate(&platform);
    let asking = asking(&platform, &own, Some(SignatureOf::Binary));
    let signed = platform.order(asking.order()).unwrap();
    let composed = compose(&asking.items[0], &Chosen::decode(&signed.chosen).unwrap(), None).unwrap();
    let ToBeSigned::Message(message) = composed else { panic!("Ed25519 signs messages") };
    assert_ne!(message, Hash::Sha256.digest(&own));
    assert!(!own.windows(32).any(|part| part == &signed.signature[..32]));
}
