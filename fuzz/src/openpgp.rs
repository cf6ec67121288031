//! OpenPGP (the room `envelope`): signatures, clearsigned texts, certificates.

use envelope::openpgp::{
    Cleartext, Issuer, Key, Kind, NewCertificate, Signature, canonical_text, clearsigned, read_certificates,
    read_signatures,
};
use envelope::{Chosen, ToBeSigned, compose, detached};
use model::receipt::SignedItem;
use model::{
    Base64, Content, Digest, FileClaim, Form, Hash, HashState, Hex16, Instant, Item, ItemKey, Parameters,
    SignatureOf, to_canonical,
};

use crate::Reading::{self, Refused, Taken};
use crate::known::{THEN, UNSIGNED};
use crate::platform::{MESSAGE, founder_key, founder_signs_raw};

/// What the founder's certificate says.
const USER_ID: &str = "Founder (Example)";

/// A file of signatures, a clearsigned text or certificates: the founder's key has signed one file and one text, and says
/// one thing of itself.
pub fn openpgp(bytes: &[u8]) -> Reading {
    let key = founder();
    let mut reading = Refused;
    if let Ok(signatures) = read_signatures(bytes) {
        for signature in &signatures {
            assert!(!is_over(signature, &key, UNSIGNED), "nobody signed that");
            if is_over(signature, &key, MESSAGE) {
                assert_eq!((signature.kind(), signature.created()), (Kind::Binary, Some(THEN)));
            }
        }
        reading = Taken;
    }
    if let Ok(cleartext) = Cleartext::parse(bytes) {
        let signed = canonical_text(MESSAGE).expect("a text without a CR");
        for signature in cleartext.signatures() {
            let is_good = is_over(signature, &key, cleartext.text());
            assert!(!is_good || cleartext.text() == signed, "the founder signed no other text");
        }
        reading = Taken;
    }
    if let Ok(certificates) = read_certificates(bytes) {
        for certificate in &certificates {
            assert!(!certificate.signers().is_empty());
            let ours = certificate.primary().public() == key.public();
            assert!(!ours || certificate.user_ids() == [USER_ID], "the founder says nothing else");
        }
        reading = Taken;
    }
    reading
}

fn is_over(signature: &Signature, key: &Key, content: &[u8]) -> bool {
    signature
        .verify(key, &|hash: Hash, trailer: &[u8]| Some(hash.digest(&[content, trailer].concat())))
        .is_ok()
}

fn founder() -> Key {
    Key::new(founder_key().key(), THEN)
}

/// The founder's certificate, in packets.
pub fn founder_certificate() -> Vec<u8> {
    let until = Instant::from_seconds(THEN.seconds() + 1_000_000);
    let new = NewCertificate::new(founder_key().key(), THEN, until, USER_ID).expect("a good user id");
    let ToBeSigned::Message(message) = new.to_be_signed() else { unreachable!("Ed25519 signs messages") };
    new.seal(&founder_signs_raw(&message)).expect("a signature by this key")
}

/// The founder's signature of the message, as a packet.
pub fn founder_signature(of: SignatureOf) -> Vec<u8> {
    let content = match of {
        SignatureOf::Text => canonical_text(MESSAGE).expect("a text without a CR"),
        _ => MESSAGE.to_vec(),
    };
    let mut state = HashState::sha256();
    state.update(&content);
    let item = Item {
        index: 0,
        salt: Hex16([7; 16]),
        name: "message".to_owned(),
        format: "blob".parse().expect("a good name"),
        form: Form::OpenPgp,
        parameters: Parameters { signature_of: Some(of), ..Parameters::default() },
        key: ItemKey {
            name: "payments/openpgp".parse().expect("a good name"),
            generation: 1,
            record: Digest::ZERO,
        },
        content: Content::State(state),
        file: FileClaim { sha256: Digest::of(MESSAGE), size: 31 },
    };
    let chosen = Chosen::OpenPgp { time: THEN, issuer: Issuer::of(founder_key().key(), THEN) };
    let composed = compose(&item, &chosen, None).expect("an item that composes");
    let ToBeSigned::Message(message) = composed else { unreachable!("Ed25519 signs messages") };
    let signed = SignedItem {
        item: String::from_utf8(to_canonical(&item)).expect("JSON is UTF-8"),
        path: Vec::new(),
        public_key: founder_key().key().clone(),
        chain: Vec::new(),
        signature: Base64(founder_signs_raw(&message)),
        chosen: Base64(chosen.encode()),
        timestamp: None,
        log: None,
        journal: None,
    };
    detached::openpgp_packet(&signed, &item).expect("a signature of this item")
}

/// The message, clearsigned by the founder.
pub fn founder_cleartext() -> Vec<u8> {
    let canonical = canonical_text(MESSAGE).expect("a text without a CR");
    clearsigned(&canonical, Hash::Sha256, &founder_signature(SignatureOf::Text))
}
