//! The room `model`: requests and receipts, leaves of the journal, keys, and texts of one word.

use std::fmt::Display;
use std::str::FromStr;

use der::Decode;
use der::asn1::AnyRef;
use envelope::rekor_v1::EntryId;
use model::journal::Leaf;
use model::receipt::Receipt;
use model::{
    Algorithm, Class, Digest, Form, Hash, Hashed, Instant, Item, KeyId, PersonId, PlatformId, PrincipalId,
    Profile, PublicKey, Purpose, Request, RequestId, Space, from_canonical, limits, merkle, to_canonical,
};

use crate::Reading::{self, Refused, Taken};
use crate::known::{KEYS, UNSIGNED};
use crate::parts;

/// The canonical JSON of requests, items, receipts and profiles: what is read is written again as the same bytes.
pub fn request(bytes: &[u8]) -> Reading {
    let profile = from_canonical::<Profile>(bytes, limits::REQUEST_BYTES_MAX);
    let encodings = [
        Request::parse(bytes).ok().map(|request| request.encode()),
        Item::parse(bytes).ok().map(|item| item.encode()),
        Receipt::parse(bytes).ok().map(|receipt| receipt.encode()),
        profile.ok().map(|profile| to_canonical(&profile)),
    ];
    let mut reading = Refused;
    for encoding in encodings.into_iter().flatten() {
        assert_eq!(encoding, bytes, "what is signed over is read from its canonical bytes alone");
        reading = Taken;
    }
    reading
}

/// Leaves of the journal: a fixed layout has one encoding.
pub fn journal_leaf(bytes: &[u8]) -> Reading {
    let Ok(leaf) = Leaf::decode(bytes) else { return Refused };
    assert_eq!(leaf.encode(), bytes, "a leaf is read from its one layout alone");
    assert_eq!(leaf.hash(), merkle::leaf_hash(bytes));
    Taken
}

/// A public key, a message and a signature. One key has one encoding, and so one key id.
pub fn public_key(bytes: &[u8]) -> Reading {
    let [spki, message, signature] = parts::split(bytes);
    let key = PublicKey::from_spki(spki);
    let reading = Reading::of(&key);
    if let Ok(key) = key {
        assert_eq!(key.spki(), spki, "a key keeps its bytes");
        AnyRef::from_der(spki).expect("a key is one DER value with nothing after it");
        assert!(spki.ends_with(key.raw()), "the raw key is the end of the whole");
        if let Ok(raw) = key.raw().try_into() {
            assert_eq!(PublicKey::from_ed25519(raw), key);
        }
        let _ = key.verify(message, signature);
        let _ = key.verify_digest(&Hashed::Sha256(Digest::of(message)), signature);
        for hash in [Hash::Sha256, Hash::Sha384, Hash::Sha512] {
            let _ = key.verify_hashed(hash, message, signature);
        }
    }
    for key in KEYS.iter() {
        assert!(key.verify(UNSIGNED, signature).is_err(), "{key:?} signed nothing");
        assert!(
            key.verify_digest(&Hashed::Sha256(Digest::of(UNSIGNED)), signature).is_err(),
            "{key:?} signed nothing"
        );
    }
    reading
}

/// Ids, of log entries of Rekor v1 too, names, digests, words and instants in text: one value has one spelling, and instants read back as themselves.
pub fn text(bytes: &[u8]) -> Reading {
    let Ok(text) = std::str::from_utf8(bytes) else { return Refused };
    let instant = text.parse::<Instant>();
    if let Ok(instant) = &instant {
        assert_eq!(instant.to_string().parse().as_ref(), Ok(instant), "an instant reads back as itself");
    }
    let ids = one_spelling::<RequestId>(text).or(one_spelling::<PrincipalId>(text));
    let digests = one_spelling::<KeyId>(text).or(one_spelling::<PlatformId>(text));
    let words = one_spelling::<Form>(text).or(one_spelling::<Purpose>(text)).or(one_spelling::<Class>(text));
    Reading::of(&instant)
        .or(ids)
        .or(one_spelling::<PersonId>(text))
        .or(digests)
        .or(one_spelling::<Digest>(text))
        .or(words)
        .or(one_spelling::<Algorithm>(text))
        .or(one_spelling::<Space>(text))
        .or(one_spelling::<EntryId>(text))
}

fn one_spelling<T: FromStr + Display>(text: &str) -> Reading {
    let Ok(value) = text.parse::<T>() else { return Refused };
    assert_eq!(value.to_string(), text, "a value has one spelling");
    Taken
}
