//! What somebody tries who saw a token, or who owns the server.

use model::{Algorithm, Form};
use quorum::Change;
use signer::{AdminAnswer, HolderOrder, HolderStep, Order, RecallOrder, RefusalCode, Signer as _};
use signerd::{OrderKind, inspect};
use testkit::Key;

use super::World;

#[test]
fn a_token_with_another_signature_over_the_same_claims_is_the_same_token() {
    let mut world = World::new();
    // Whoever sees `(r, s)` writes `(r, n − s)`; the issuer itself makes any number of them.
    let (token, other) = (world.provider.token(&world.claims()), world.provider.token(&world.claims()));
    assert_ne!(token, other);
    let first = world.ask(&token, HolderStep::Precertificate).unwrap();
    assert_eq!(world.ask(&other, HolderStep::Precertificate).unwrap().signature, first.signature);
    world.holder = Key::generate(Algorithm::EcdsaP256);
    let refusal = world.ask(&other, HolderStep::Precertificate).unwrap_err();
    let text = &refusal.text;
    assert!(refusal.code == RefusalCode::Token && text.contains("was used already"), "{text}");
}

#[test]
fn a_certificate_names_the_log_that_signed_its_timestamp_and_no_other() {
    let world = World::new();
    let second = world.platform.record("platform/ct2", Form::Sct, Algorithm::EcdsaP256);
    let entered = world.platform.enter(vec![Change::Key(second)]);
    assert!(matches!(entered, AdminAnswer::Appended { .. }), "{entered:?}");
    let log = world.platform.key("platform/ct2");
    let token = world.provider.token(&world.claims());
    world.ask(&token, HolderStep::Precertificate).unwrap();
    world.ask(&token, world.timestamp(3)).unwrap();
    for step in [HolderStep::Certificate { log, leaf: 3 }, HolderStep::Timestamp { log, leaf: 3 }] {
        let refusal = world.ask(&token, step).unwrap_err();
        assert_eq!(refusal.code, RefusalCode::Token, "{}", refusal.text);
    }
    world.ask(&token, world.last(3)).unwrap();
}

#[test]
fn no_key_of_the_platform_is_certified_for_the_holder_of_a_token() {
    let world = World::new();
    let token = world.provider.token(&world.claims());
    for name in ["default/blob", "platform/ca", "platform/holders"] {
        let public_key = world.platform.public_key(name).spki().to_vec();
        let order = HolderOrder { public_key, ..world.order(&token, HolderStep::Precertificate) };
        let refusal = world.platform.order(Order::Holder(order)).unwrap_err();
        assert_eq!(refusal.code, RefusalCode::Key, "{name}: {}", refusal.text);
    }
    let journal = world.platform.process.state().unwrap().journal_key;
    let order = HolderOrder { public_key: journal, ..world.order(&token, HolderStep::Precertificate) };
    assert_eq!(world.platform.order(Order::Holder(order)).unwrap_err().code, RefusalCode::Key);
    world.ask(&token, HolderStep::Precertificate).unwrap();
}

/// Whoever knows a token's digest has not shown the token.
#[test]
fn a_step_to_a_holders_certificate_is_not_recalled() {
    let world = World::new();
    let token = world.provider.token(&world.claims());
    world.issue(&token, 3);
    let request = HolderOrder::digest_of(token.as_bytes());
    for item in 0..3 {
        let refusal = world.platform.order(Order::Recall(RecallOrder { request, item })).unwrap_err();
        assert_eq!(refusal.code, RefusalCode::Recalled);
    }
}

/// Whoever holds journal and store against each other looks for the request of everything else that is signed.
#[test]
fn a_step_to_a_holders_certificate_is_told_apart_from_an_item_of_a_request() {
    let world = World::new();
    let token = world.provider.token(&world.claims());
    world.issue(&token, 3);
    world.platform.order(world.platform.asking("default/blob", b"file").order()).unwrap();
    let seen = inspect(&world.platform.world.disk).unwrap().unwrap();
    let count = |kind| seen.intents.values().filter(|known| known.order == kind).count();
    assert_eq!((count(OrderKind::Holder), count(OrderKind::Code)), (3, 1));
}
