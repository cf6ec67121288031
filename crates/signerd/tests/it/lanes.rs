//! Key stores that take their time: whoever needs them waits, and nobody else.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;

use envelope::Chosen;
use keystore::{Cost, Passphrase, SoftwareStore};
use model::journal::Leaf;
use model::{Algorithm, Digest, Form, PublicKey, merkle};
use quorum::{Change, KeyRecord, KeyState};
use signer::{
    AdminAnswer, AdminMessage, Answer, Answers, CheckpointOrder, Head, Imprint, Order, Orders, Refusal,
    RefusalCode, Signed, Signer, SignerError, TimestampOrder,
};
use testkit::founding::key_record;
use testkit::{MemoryDisk, SlowStore};

use crate::world::{MINUTE, ORIGIN, Platform, World, space};

/// So many batches may be at work in one store.
const SEATS: usize = 16;

/// A platform with keys in a token as well: a blob key, and a checkpoint key of a log of its own.
pub(crate) fn platform() -> (Platform, SlowStore) {
    platform_with_sessions(1)
}

/// The same, with a token of which so many keys get on at once.
fn platform_with_sessions(sessions: usize) -> (Platform, SlowStore) {
    let passphrase = Passphrase::from_file_content(b"correct horse".to_vec().into()).unwrap();
    let inner = SoftwareStore::new(Arc::new(MemoryDisk::new()), passphrase, Cost::LEAST);
    let token = SlowStore::new(Arc::new(inner)).at_once(NonZeroUsize::new(sessions).unwrap());
    let mut world = World::new();
    world.more = vec![(space("token"), Arc::new(token.clone()))];
    let platform = Platform::begin(world);
    let log = KeyRecord { origin: Some(other_origin()), ..record(&platform, "token/log", Form::Checkpoint) };
    let keys = [record(&platform, "token/blob", Form::Blob), log].map(Change::Key);
    assert!(matches!(platform.enter(keys.into()), AdminAnswer::Appended { .. }));
    (platform, token)
}

fn other_origin() -> String {
    format!("2.{ORIGIN}")
}

fn record(platform: &Platform, name: &str, form: Form) -> KeyRecord {
    let algorithm = if form == Form::Checkpoint { Algorithm::Ed25519 } else { Algorithm::EcdsaP256 };
    let message = AdminMessage::Generate { store: "token".to_owned(), algorithm };
    let AdminAnswer::Generated { spki } = platform.administer(&message) else { panic!("no key") };
    let public = PublicKey::from_spki(&spki).unwrap();
    KeyRecord { store: space("token"), ..key_record(name, form, public, platform.world.now()) }
}

fn orders(order: &Order) -> Orders {
    Orders { ledger: Head::empty(), orders: vec![order.clone()] }
}

/// Orders over a connection of its own.
pub(crate) fn order_elsewhere(
    platform: &Platform,
    order: &Order,
) -> thread::JoinHandle<Result<Answers, SignerError>> {
    let (process, orders) = (platform.process.clone(), orders(order));
    thread::spawn(move || process.order(&orders))
}

fn answer(elsewhere: thread::JoinHandle<Result<Answers, SignerError>>) -> Result<Signed, Refusal> {
    match elsewhere.join().unwrap().unwrap().answers.pop().unwrap() {
        Answer::Signed(signed) => Ok(signed),
        Answer::Refused(refusal) => Err(refusal),
    }
}

fn stamp(platform: &Platform) -> u64 {
    let order = TimestampOrder {
        key: platform.key("platform/timestamp"),
        imprint: Imprint::Sha256([7; 32]),
        nonce: None,
    };
    let signed = platform.order(Order::Timestamp(order)).unwrap();
    match Chosen::decode(&signed.chosen).unwrap() {
        Chosen::Stamp { serial, .. } => serial,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_store_that_hangs_delays_its_own_orders_and_nothing_else() {
    let (platform, token) = platform();
    let held = token.hold(1);
    let slow = order_elsewhere(&platform, &platform.asking("token/blob", b"slow").order());
    token.await_waiting(1);

    platform.order(platform.asking("default/blob", b"quick").order()).unwrap();
    assert_eq!(stamp(&platform) + 1, stamp(&platform));
    // Another order of the same store is not held up either: a store serves as many at once as it can.
    platform.order(platform.asking("token/blob", b"beside it").order()).unwrap();
    let more = platform.record("default/more", Form::Blob, Algorithm::EcdsaP256);
    assert!(matches!(platform.enter(vec![Change::Key(more)]), AdminAnswer::Appended { .. }));
    assert_eq!(platform.process.state().unwrap().stores, [space("software"), space("token")]);

    drop(held);
    let signed = answer(slow).unwrap();
    let key = platform.public_key("token/blob");
    key.verify(b"slow", &signed.signature).unwrap();
}

#[test]
fn the_same_order_over_two_connections_gives_one_intent_one_outcome_and_one_signature() {
    let (platform, token) = platform();
    let order = platform.asking("token/blob", b"twice").order();
    let before = platform.process.state().unwrap().journal.size;
    let held = token.hold(2);
    let first = order_elsewhere(&platform, &order);
    token.await_waiting(1);
    let second = order_elsewhere(&platform, &order);
    token.await_waiting(2);
    drop(held);
    let (first, second) = (answer(first).unwrap(), answer(second).unwrap());
    assert_eq!(first, second);
    platform.public_key("token/blob").verify(b"twice", &first.signature).unwrap();
    assert_eq!(platform.order(order).unwrap(), first);
    // The next sync takes the outcome with it: an intent and an outcome, and an intent of the stamp.
    stamp(&platform);
    assert_eq!(platform.process.state().unwrap().journal.size, before + 3);
}

#[test]
fn a_batch_in_a_slow_store_ends_before_it_is_ordered_anew_and_what_it_signed_is_kept() {
    let (platform, token) = platform();
    let both = [&b"first"[..], b"second"].map(|bytes| platform.asking("token/blob", bytes).order());
    let orders = Orders { ledger: Head::empty(), orders: both.to_vec() };
    let held = token.hold(1);
    let (process, batch) = (platform.process.clone(), orders.clone());
    let slow = thread::spawn(move || process.order(&batch));
    token.await_waiting(1);
    platform.world.clock.advance(MINUTE);
    drop(held);
    let answers = slow.join().unwrap().unwrap().answers;
    let [Answer::Signed(first), Answer::Refused(late)] = &answers[..] else { panic!("{answers:?}") };
    assert!(late.code == RefusalCode::KeyStore && late.code.is_transient(), "{late}");
    let again = platform.process.order(&orders).unwrap().answers;
    let [Answer::Signed(kept), Answer::Signed(second)] = &again[..] else { panic!("{again:?}") };
    assert_eq!(kept, first);
    platform.public_key("token/blob").verify(b"second", &second.signature).unwrap();
}

#[test]
fn a_batch_uses_all_sessions_of_its_store_and_one_that_hangs_leaves_the_others_to_sign() {
    let (platform, token) = platform_with_sessions(3);
    let bytes: Vec<String> = (0..12).map(|number| format!("number {number}")).collect();
    let orders = bytes.iter().map(|bytes| platform.asking("token/blob", bytes.as_bytes()).order());
    let orders = Orders { ledger: Head::empty(), orders: orders.collect() };
    let held = token.hold(3);
    let (process, batch) = (platform.process.clone(), orders.clone());
    let slow = thread::spawn(move || process.order(&batch));
    // One after the other, the second would never come.
    token.await_waiting(3);
    drop(held);
    let answers = slow.join().unwrap().unwrap().answers;
    let key = platform.public_key("token/blob");
    for (bytes, answer) in bytes.iter().zip(&answers) {
        let Answer::Signed(signed) = answer else { panic!("{answer:?}") };
        key.verify(bytes.as_bytes(), &signed.signature).unwrap();
    }
    assert_eq!(platform.process.order(&orders).unwrap().answers, answers);
}

#[test]
fn a_key_that_is_taken_away_while_its_store_is_at_work_signs_nothing_more() {
    let (platform, token) = platform();
    let held = token.hold(1);
    let slow = order_elsewhere(&platform, &platform.asking("token/blob", b"slow").order());
    token.await_waiting(1);
    let (key, since) = (platform.key("token/blob"), platform.world.now());
    let suspended =
        Change::KeyState { key, state: KeyState::Suspended, since, reason: "taken away".to_owned() };
    assert!(matches!(platform.enter(vec![suspended]), AdminAnswer::Appended { .. }));
    drop(held);
    let refusal = answer(slow).unwrap_err();
    assert_eq!(
        (refusal.code, refusal.text.as_str()),
        (RefusalCode::Key, "key `token/blob` generation 1 is suspended and does not sign")
    );
}

#[test]
fn a_stop_waits_for_no_store_and_the_same_order_goes_on_under_the_same_intent() {
    let (platform, token) = platform();
    let order = platform.asking("token/blob", b"slow").order();
    let held = token.hold(1);
    let slow = order_elsewhere(&platform, &order);
    token.await_waiting(1);
    platform.process.stop().unwrap();
    let stopped = platform.process.state().unwrap_err();
    assert!(matches!(stopped, SignerError::Refused(_)), "{stopped}");
    drop(held);
    assert!(matches!(slow.join().unwrap(), Err(SignerError::Stopped)), "what it signed is dropped");

    let platform = platform.restart();
    let before = platform.process.state().unwrap().journal.size;
    let signed = platform.order(order).unwrap();
    assert!(signed.index < before, "the intent is the one from before the stop");
    platform.public_key("token/blob").verify(b"slow", &signed.signature).unwrap();
}

#[test]
fn a_store_with_all_its_seats_taken_turns_orders_away_before_they_leave_an_intent() {
    let (platform, token) = platform();
    let order = |number: usize| platform.asking("token/blob", format!("{number}").as_bytes()).order();
    let held = token.hold(SEATS);
    let slow: Vec<_> = (0..SEATS).map(|number| order_elsewhere(&platform, &order(number))).collect();
    token.await_waiting(SEATS);
    let before = platform.process.state().unwrap().journal.size;
    let refusal = platform.order(order(SEATS)).unwrap_err();
    assert_eq!(
        (refusal.code, refusal.text.as_str()),
        (RefusalCode::KeyStore, "16 batches are at work in the key store `token` already; order again later")
    );
    platform.order(platform.asking("default/blob", b"quick").order()).unwrap();
    let leaf = platform.process.state().unwrap().journal.size;
    assert_eq!(leaf, before + 1, "the quick one's intent, and none of the one that was turned away");
    drop(held);
    assert!(slow.into_iter().all(|slow| answer(slow).is_ok()));
    platform.order(order(SEATS)).unwrap();
}

#[test]
fn a_checkpoint_extends_the_last_one_also_while_that_is_not_signed_yet() {
    let (platform, token) = platform();
    let key = platform.key("token/log");
    let leaves = [b"one", b"two"].map(|leaf| merkle::leaf_hash(leaf));
    let head = |count: usize| Head { size: count as u64, root: merkle::root(&leaves[..count]) };
    let extend = |old, new, proof| Order::Checkpoint(CheckpointOrder { key, old, new, proof });
    let held = token.hold(1);
    let first = order_elsewhere(&platform, &extend(Head::empty(), head(1), Vec::new()));
    token.await_waiting(1);
    // Nothing that the first one rules out is signed meanwhile.
    let other = Head { size: 1, root: Digest::of(b"another log") };
    let fork = platform.order(extend(Head::empty(), other, Vec::new())).unwrap_err();
    assert_eq!(fork.code, RefusalCode::NotConsistent);
    let second = platform.order(extend(head(1), head(2), vec![leaves[1]])).unwrap();
    drop(held);
    let first = answer(first).unwrap();
    assert!(first.index < second.index);
    let text = |head: Head| tlog::Checkpoint::new(&other_origin(), head.size, head.root).unwrap().text();
    let public = platform.public_key("token/log");
    public.verify(text(head(1)).as_bytes(), &first.signature).unwrap();
    public.verify(text(head(2)).as_bytes(), &second.signature).unwrap();
    // The older of the two was signed last, and the log goes on from the newer all the same.
    let fork = platform.order(extend(head(1), other, Vec::new())).unwrap_err();
    assert_eq!(fork.code, RefusalCode::NotConsistent);
}

#[test]
fn an_outcome_names_its_intent_whatever_stands_between_them() {
    let (platform, token) = platform();
    let held = token.hold(1);
    let slow = order_elsewhere(&platform, &platform.asking("token/blob", b"slow").order());
    token.await_waiting(1);
    let quick = platform.order(platform.asking("default/blob", b"quick").order()).unwrap();
    drop(held);
    let slow = answer(slow).unwrap();
    assert!(slow.index < quick.index);
    let intent = |signed: &Signed| match Leaf::decode(&signed.leaf).unwrap() {
        Leaf::Intent(intent) => intent.sequence,
        other => panic!("{other:?}"),
    };
    assert_eq!((intent(&slow), intent(&quick)), (slow.index, quick.index));
    let platform = platform.restart();
    assert_eq!(platform.order(platform.asking("token/blob", b"slow").order()).unwrap(), slow);
}
