//! Promises of Rekor v1: what is promised, when, and all that is not.

use envelope::Chosen;
use envelope::rekor_v1::promise_to_be_signed;
use model::merkle::{self, leaf_hash};
use model::{Algorithm, Form, KeyId};
use quorum::Change;
use signer::{AdminAnswer, CheckpointOrder, Head, Order, PromiseOrder, Refusal, RefusalCode, Signed};
use testkit::founding::PROMISED_LOG_ORIGIN;
use tlog::{Checkpoint, VerifierKey};

use crate::world::{Asking, HOUR, MINUTE, Platform};

const NAME: &str = "platform/rekor-v1";
const FIRST: &[u8] = b"the first entry";
const SECOND: &[u8] = b"the second entry";

/// A platform with a log of Rekor v1 that has two entries, under a signed head.
fn begun() -> Platform {
    let platform = Platform::new();
    let record = platform.record(NAME, Form::Set, Algorithm::EcdsaP256);
    let entered = platform.enter(vec![Change::Key(record)]);
    assert!(matches!(entered, AdminAnswer::Appended { .. }), "{entered:?}");
    let order = CheckpointOrder { key: platform.key(NAME), old: Head::empty(), new: head(), proof: vec![] };
    platform.order(Order::Checkpoint(order)).unwrap();
    platform
}

fn head() -> Head {
    Head { size: 2, root: merkle::root(&[leaf_hash(FIRST), leaf_hash(SECOND)]) }
}

fn promise(key: KeyId) -> PromiseOrder {
    PromiseOrder { key, body: SECOND.to_vec(), index: 1, head: head(), path: vec![leaf_hash(FIRST)] }
}

fn order(platform: &Platform, bend: impl FnOnce(&mut PromiseOrder)) -> Result<Signed, Refusal> {
    let mut order = promise(platform.key(NAME));
    bend(&mut order);
    platform.order(Order::Promise(order))
}

fn refused(platform: &Platform, bend: impl FnOnce(&mut PromiseOrder)) -> RefusalCode {
    order(platform, bend).unwrap_err().code
}

#[test]
fn a_promise_is_of_an_entry_under_the_last_head_by_the_key_processs_own_clock() {
    let platform = begun();
    platform.world.clock.advance(MINUTE);
    let now = platform.world.now();
    let signed = order(&platform, |_| {}).unwrap();
    assert_eq!(Chosen::decode(&signed.chosen).unwrap(), Chosen::Promise(now.whole_second()));
    let key = platform.public_key(NAME);
    let bytes = promise_to_be_signed(SECOND, now.seconds(), key.id().digest(), 1);
    key.verify(&bytes, &signed.signature).unwrap();
    let later = promise_to_be_signed(SECOND, now.seconds() + 1, key.id().digest(), 1);
    assert!(key.verify(&later, &signed.signature).is_err());
}

#[test]
fn what_does_not_stand_in_the_log_under_the_last_head_is_not_promised() {
    let platform = begun();
    for (what, code) in [
        ("another entry", refused(&platform, |order| order.body = b"never logged".to_vec())),
        ("another index", refused(&platform, |order| order.index = 0)),
        ("no path", refused(&platform, |order| order.path.clear())),
        ("an index beyond", refused(&platform, |order| order.index = 2)),
        // An owned server makes up a tree with its entry in it, and the journal knows no such head.
        (
            "a head of its own",
            refused(&platform, |order| {
                order.head = Head { size: 1, root: leaf_hash(b"forged") };
                (order.body, order.index, order.path) = (b"forged".to_vec(), 0, vec![]);
            }),
        ),
        (
            "an older head",
            refused(&platform, |order| {
                order.head = Head { size: 1, root: leaf_hash(FIRST) };
                (order.body, order.index, order.path) = (FIRST.to_vec(), 0, vec![]);
            }),
        ),
    ] {
        assert_eq!(code, RefusalCode::NotConsistent, "{what}");
    }
}

#[test]
fn a_key_that_promises_signs_the_checkpoints_of_its_log_and_nothing_else() {
    let platform = begun();
    let key = platform.key(NAME);
    // No other key of the platform promises anything.
    for other in ["platform/log", "platform/timestamp", "default/blob", "platform/ca"] {
        assert_eq!(refused(&platform, |order| order.key = platform.key(other)), RefusalCode::Key, "{other}");
    }
    // Nor does this one sign what others do.
    let stamp = signer::TimestampOrder { key, imprint: signer::Imprint::Sha256([1; 32]), nonce: None };
    assert_eq!(platform.order(Order::Timestamp(stamp)).unwrap_err().code, RefusalCode::Key);
    let Asking { mut items, .. } = platform.asking("default/blob", b"content");
    let record = platform.registry().key(&key).unwrap().digest;
    items[0].key.name = testkit::founding::space(NAME);
    items[0].key.record = record;
    let asking = Asking { items, ..platform.asking("default/blob", b"content") }.recompose();
    assert_eq!(platform.order(asking.order()).unwrap_err().code, RefusalCode::Key);
    // A checkpoint of it is one of its own log, and reads as one of no other.
    let order = CheckpointOrder { key, old: head(), new: head(), proof: vec![] };
    let signed = platform.order(Order::Checkpoint(order)).unwrap();
    let public = platform.public_key(NAME);
    let verifier = VerifierKey::of_rekor_v1(PROMISED_LOG_ORIGIN, &public).unwrap();
    let text = |origin: &str| Checkpoint::new(origin, 2, head().root).unwrap().text();
    verifier.verify(&text(PROMISED_LOG_ORIGIN), &signed.signature).unwrap();
    assert!(verifier.verify(&text(verifier.name()), &signed.signature).is_err());
    let promise = order_text(&platform);
    assert!(public.verify(&promise, &signed.signature).is_err(), "a checkpoint is no promise");
}

fn order_text(platform: &Platform) -> Vec<u8> {
    let key = platform.public_key(NAME);
    promise_to_be_signed(SECOND, platform.world.now().seconds(), key.id().digest(), 1)
}

#[test]
fn the_log_of_rekor_v1_does_not_fork_and_a_clock_that_is_not_believed_promises_nothing() {
    let platform = begun();
    let fork = Head { size: 2, root: leaf_hash(b"fork") };
    let order = CheckpointOrder { key: platform.key(NAME), old: Head::empty(), new: fork, proof: vec![] };
    assert_eq!(platform.order(Order::Checkpoint(order)).unwrap_err().code, RefusalCode::NotConsistent);
    platform.world.clock.set_now(platform.world.now().after(HOUR));
    assert_eq!(refused(&platform, |_| {}), RefusalCode::Clock);
}

#[test]
fn a_promise_may_be_ordered_again_after_a_restart_and_says_its_own_time() {
    let platform = begun();
    let first = Chosen::decode(&order(&platform, |_| {}).unwrap().chosen).unwrap();
    let platform = platform.restart();
    platform.world.clock.advance(MINUTE);
    let second = Chosen::decode(&order(&platform, |_| {}).unwrap().chosen).unwrap();
    let (Chosen::Promise(first), Chosen::Promise(second)) = (first, second) else { panic!("promises") };
    assert_eq!(second, first.after(MINUTE));
}
