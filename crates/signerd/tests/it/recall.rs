//! Recall: what was signed of an item that is given up comes back, and nothing new is signed.

use model::Digest;
use model::journal::Leaf;
use quorum::{Change, KeyState};
use signer::{Answer, Order, RecallOrder, RefusalCode, Signed, Signer as _};

use crate::lanes::{order_elsewhere, platform};
use crate::world::{Asking, MINUTE, Platform};

fn recall(asking: &Asking) -> Order {
    Order::Recall(RecallOrder { request: asking.digest(), item: 0 })
}

fn refused(platform: &Platform, order: Order) -> RefusalCode {
    platform.order(order).unwrap_err().code
}

#[test]
fn what_was_signed_comes_back_whatever_happened_to_its_key_and_after_its_deadline() {
    let platform = Platform::new();
    let asking = platform.asking("default/blob", b"bytes");
    let signed = platform.order(asking.order()).unwrap();
    let (key, state, since) = (platform.key("default/blob"), KeyState::Revoked, platform.world.now());
    platform.enter(vec![Change::KeyState { key, state, since, reason: "stolen".to_owned() }]);
    platform.world.clock.advance(MINUTE * 60);
    let head = platform.process.state().unwrap().journal;
    assert_eq!(platform.order(recall(&asking)).unwrap(), signed);
    assert_eq!(platform.process.state().unwrap().journal, head, "nothing is written for it");
}

#[test]
fn what_was_not_signed_when_it_was_recalled_is_never_signed() {
    let platform = Platform::new();
    let asking = platform.asking("default/blob", b"bytes");
    for _ in 0..2 {
        assert_eq!(refused(&platform, recall(&asking)), RefusalCode::Recalled);
        assert_eq!(refused(&platform, asking.order()), RefusalCode::Recalled);
    }
    let other = platform.asking("default/blob", b"others");
    let Signed { leaf, .. } = platform.order(other.order()).unwrap();
    let Leaf::Intent(intent) = Leaf::decode(&leaf).unwrap() else { panic!("not an intent") };
    assert_eq!(intent.to_be_signed, Digest::of(b"others"));
}

#[test]
fn what_a_key_store_is_still_at_work_on_when_it_is_recalled_is_dropped() {
    let (platform, token) = platform();
    let asking = platform.asking("token/blob", b"slow");
    let held = token.hold(1);
    let slow = order_elsewhere(&platform, &asking.order());
    token.await_waiting(1);
    assert_eq!(refused(&platform, recall(&asking)), RefusalCode::Recalled);
    drop(held);
    let answers = slow.join().unwrap().unwrap().answers;
    assert!(
        matches!(&answers[..], [Answer::Refused(refusal)] if refusal.code == RefusalCode::Recalled),
        "{answers:?}"
    );
    assert_eq!(
        refused(&platform, recall(&asking)),
        RefusalCode::Recalled,
        "the journal has no signature of it"
    );
}
