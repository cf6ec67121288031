//! One test a reason: each order is good but for one thing, and is refused with that thing's code.

use model::{Algorithm, Base64, Class, Content, Digest, Form, Kind, PlatformId, Purpose, Request};
use quorum::{Change, Decision, KeyRecord, KeyState};
use signer::{Imprint, Order, Refusal, RefusalCode, SignOrder, TimestampOrder};

use crate::world::{Asking, HOUR, MINUTE, Platform, YEAR, space};

fn refusal(platform: &Platform, asking: &Asking) -> Refusal {
    platform.order(asking.order()).unwrap_err()
}

/// Bends a good request, and expects this code and no signature.
fn refused(platform: &Platform, code: RefusalCode, bend: impl FnOnce(&mut Asking)) -> Refusal {
    let mut asking = platform.asking("default/blob", b"bytes");
    bend(&mut asking);
    let refusal = refusal(platform, &asking.recompose());
    assert_eq!(refusal.code, code, "{refusal}");
    refusal
}

#[test]
fn bytes_that_are_no_canonical_request_or_item_are_malformed() {
    let platform = Platform::new();
    let Order::Sign(good) = platform.asking("default/blob", b"bytes").order() else { panic!() };
    let spaced = |bytes: &[u8]| [bytes, b" "].concat();
    for bad in [
        SignOrder { request: spaced(&good.request), ..good.clone() },
        SignOrder { item: spaced(&good.item), ..good.clone() },
        SignOrder { request: Vec::new(), ..good.clone() },
        SignOrder { item: good.request.clone(), ..good.clone() },
    ] {
        assert_eq!(platform.order(Order::Sign(bad)).unwrap_err().code, RefusalCode::Malformed);
    }
    platform.order(Order::Sign(good)).unwrap();
}

#[test]
fn a_request_for_another_platform_or_before_there_is_one_is_refused() {
    let platform = Platform::new();
    let other = PlatformId::new(Digest::of(b"other"));
    refused(&platform, RefusalCode::OtherPlatform, |asking| asking.request.platform = other);
    let bare = crate::world::World::new();
    let process = Platform { process: bare.start().unwrap(), world: bare };
    let error = process.order(platform.asking("default/blob", b"bytes").order()).unwrap_err();
    assert_eq!(error.code, RefusalCode::OtherPlatform);
}

#[test]
fn a_request_outside_its_time_is_expired() {
    let platform = Platform::new();
    let now = platform.world.now();
    let early = refused(&platform, RefusalCode::Expired, |asking| {
        (asking.request.created, asking.request.deadline) = (now.after(MINUTE), now.after(2 * MINUTE));
    });
    assert!(early.text.starts_with("the request may be signed from 2026-11-20T09:07:42Z until"), "{early}");
    refused(&platform, RefusalCode::Expired, |asking| {
        (asking.request.created, asking.request.deadline) = (now.before(MINUTE), now);
    });
    refused(&platform, RefusalCode::Expired, |asking| asking.request.deadline = now.after(16 * MINUTE));
}

#[test]
fn an_item_that_does_not_stand_in_the_request_is_refused() {
    let platform = Platform::new();
    let mut asking = platform.asking("default/blob", b"bytes");
    asking.items[0].name = "evil.tar.gz".to_owned();
    assert_eq!(refusal(&platform, &asking).code, RefusalCode::NotInRequest);
    let Order::Sign(mut order) = asking.recompose().order() else { panic!() };
    order.path.push(Digest::ZERO);
    assert_eq!(platform.order(Order::Sign(order)).unwrap_err().code, RefusalCode::NotInRequest);
}

#[test]
fn an_unknown_registry_head_another_policy_and_another_record_are_stale() {
    let platform = Platform::new();
    let other = Digest::of(b"other");
    refused(&platform, RefusalCode::Stale, |asking| asking.request.registry = other);
    refused(&platform, RefusalCode::Stale, |asking| asking.request.policy = other);
    refused(&platform, RefusalCode::Stale, |asking| asking.items[0].key.record = other);
}

#[test]
fn an_older_registry_head_is_good_as_long_as_record_and_policy_stand() {
    let platform = Platform::new();
    let asking = platform.asking("default/blob", b"bytes");
    platform.enter(vec![Change::Key(platform.record("default/new", Form::Blob, Algorithm::EcdsaP256))]);
    platform.order(asking.order()).unwrap();
}

#[test]
fn a_request_that_asks_for_no_signature_or_for_another_purpose_is_refused() {
    let platform = Platform::new();
    let refusal = refused(&platform, RefusalCode::Key, |asking| asking.signing.purpose = Purpose::Timestamp);
    assert_eq!(refusal.text, "requests are signed with keys for code, not for timestamp");
    let asking = platform.asking("default/blob", b"bytes");
    let Order::Sign(mut order) = asking.order() else { panic!() };
    order.request = Request { kind: Kind::Admin { changes: Digest::ZERO }, ..asking.request }.encode();
    assert_eq!(platform.order(Order::Sign(order)).unwrap_err().code, RefusalCode::Malformed);
}

#[test]
fn a_key_that_is_not_there_not_of_this_form_or_class_or_the_platforms_own_signs_nothing() {
    let platform = Platform::new();
    refused(&platform, RefusalCode::Key, |asking| asking.items[0].key.generation = 2);
    refused(&platform, RefusalCode::Key, |asking| asking.items[0].key.name = space("default/none"));
    refused(&platform, RefusalCode::Key, |asking| asking.items[0].form = Form::Cms);
    refused(&platform, RefusalCode::Key, |asking| asking.signing.class = Class::Emergency);
    for own in ["platform/ca", "platform/timestamp", "platform/log"] {
        let asking = platform.asking(own, b"bytes");
        assert_eq!(refusal(&platform, &asking).code, RefusalCode::Key, "{own}");
    }
}

#[test]
fn a_suspended_key_and_one_outside_its_validity_sign_nothing() {
    let platform = Platform::new();
    let later = platform.world.now().after(HOUR);
    let future = KeyRecord {
        not_before: later,
        ..platform.record("default/future", Form::Blob, Algorithm::EcdsaP256)
    };
    platform.enter(vec![Change::Key(future)]);
    let early = refusal(&platform, &platform.asking("default/future", b"bytes"));
    assert_eq!(early.code, RefusalCode::Key);

    let asking = platform.asking("default/blob", b"bytes");
    let (key, since) = (platform.key("default/blob"), platform.world.now());
    let state = |state| Change::KeyState { key, state, since, reason: String::new() };
    platform.enter(vec![state(KeyState::Suspended)]);
    let refused = refusal(&platform, &asking);
    assert_eq!(
        (refused.code, refused.text.as_str()),
        (RefusalCode::Key, "key `default/blob` generation 1 is suspended and does not sign")
    );
    platform.enter(vec![state(KeyState::Active)]);
    platform.order(asking.order()).unwrap();
}

#[test]
fn content_that_does_not_fit_the_form_is_malformed() {
    let platform = Platform::new();
    let inline = Content::Inline { bytes: Base64(b"bytes".to_vec()) };
    refused(&platform, RefusalCode::Malformed, |asking| asking.items[0].content = inline);
    refused(&platform, RefusalCode::Malformed, |asking| {
        asking.items[0].parameters.namespace = Some("file".to_owned());
    });
    platform.enter(vec![Change::Key(platform.record("default/p384", Form::Blob, Algorithm::EcdsaP384))]);
    let other = refusal(&platform, &platform.asking("default/p384", b"bytes"));
    assert_eq!(
        (other.code, other.text.as_str()),
        (RefusalCode::Key, "key `default/p384` is ecdsa-p384-sha384, which signs no SHA-256 digests")
    );
}

#[test]
fn a_governed_key_signs_with_two_of_three_and_with_nothing_less() {
    let platform = Platform::new();
    let [ben, cleo, dan] = &platform.world.endorsers;
    let founder = &platform.world.founder;
    let now = platform.world.now();
    let asking = platform.asking("default/governed", b"bytes");
    let quorum = |asking: Asking| refusal(&platform, &asking).code;
    assert_eq!(quorum(asking.clone()), RefusalCode::Quorum);
    assert_eq!(quorum(asking.clone().endorsed(&[ben], now)), RefusalCode::Quorum);
    assert_eq!(quorum(asking.clone().endorsed(&[ben, ben], now)), RefusalCode::Quorum);
    assert_eq!(quorum(asking.clone().endorsed(&[ben, founder], now)), RefusalCode::Quorum);
    assert_eq!(quorum(asking.clone().endorsed(&[ben, cleo], now.before(MINUTE))), RefusalCode::Quorum);
    assert_eq!(quorum(asking.clone().endorsed(&[ben, cleo], now.after(MINUTE))), RefusalCode::Quorum);

    let mut for_another = asking.clone().endorsed(&[ben, cleo], now);
    for_another.request.reason = "another".to_owned();
    assert_eq!(quorum(for_another), RefusalCode::Quorum);

    let mut rejected = asking.clone().endorsed(&[ben, cleo], now);
    let no = dan.say(Decision::Reject, &asking.request.platform, &asking.digest(), now);
    rejected.endorsements.push(model::to_canonical(&no));
    assert_eq!(quorum(rejected), RefusalCode::Quorum);

    let mut unreadable = asking.clone().endorsed(&[ben, cleo], now);
    unreadable.endorsements.push(b"{}".to_vec());
    assert_eq!(quorum(unreadable), RefusalCode::Malformed);

    let mut own = asking.clone();
    own.request.requester.person = ben.person;
    assert_eq!(quorum(own.endorsed(&[ben, cleo], now)), RefusalCode::Quorum);

    let mut open = asking.clone();
    open.request.deadline = now.after(25 * HOUR);
    assert_eq!(quorum(open.endorsed(&[ben, cleo], now)), RefusalCode::Quorum);

    let endorsed = asking.endorsed(&[ben, cleo], now);
    let signed = platform.order(endorsed.order()).unwrap();
    platform.public_key("default/governed").verify(b"bytes", &signed.signature).unwrap();
    let model::journal::Leaf::Intent(intent) = model::journal::Leaf::decode(&signed.leaf).unwrap() else {
        panic!()
    };
    assert_eq!(intent.endorsements, model::journal::endorsements_digest(&endorsed.endorsements));
}

#[test]
fn a_rate_that_is_used_up_refuses_until_its_period_passed_and_over_a_restart() {
    let mut platform = Platform::new();
    let order = |platform: &Platform, content: &[u8]| {
        platform.order(platform.asking("default/rated", content).order()).map_err(|refusal| refusal.code)
    };
    order(&platform, b"one").unwrap();
    let twice = platform.asking("default/rated", b"two").order();
    platform.order(twice.clone()).unwrap();
    platform.order(twice).unwrap();
    platform = platform.restart();
    assert_eq!(order(&platform, b"three").unwrap_err(), RefusalCode::Rate);
    platform.world.clock.advance(11 * MINUTE);
    order(&platform, b"three").unwrap();
}

#[test]
fn the_last_of_a_rate_may_be_ordered_twice_and_is_signed_once() {
    let platform = Platform::new();
    let order = |content: &[u8]| platform.asking("default/rated", content).order();
    platform.order(order(b"one")).unwrap();
    let answers = platform.order_all(vec![order(b"two"), order(b"two")]);
    assert!(matches!(answers[0], signer::Answer::Signed(_)));
    assert_eq!(answers[0], answers[1]);
}

#[test]
fn one_batch_cannot_overdraw_a_rate() {
    let platform = Platform::new();
    let orders = (0..4_u8).map(|content| platform.asking("default/rated", &[content]).order()).collect();
    let answers = platform.order_all(orders);
    let signed = answers.iter().filter(|answer| matches!(answer, signer::Answer::Signed(_))).count();
    assert_eq!(signed, 2, "{answers:?}");
}

#[test]
fn a_timestamp_or_checkpoint_key_of_another_kind_is_refused() {
    let platform = Platform::new();
    for name in ["platform/log", "platform/ca", "default/blob", "default/cms"] {
        let key = platform.key(name);
        let order = TimestampOrder { key, imprint: Imprint::Sha256([0; 32]), nonce: None };
        assert_eq!(platform.order(Order::Timestamp(order)).unwrap_err().code, RefusalCode::Key, "{name}");
    }
    let unknown = TimestampOrder {
        key: model::KeyId::new(Digest::ZERO),
        imprint: Imprint::Sha256([0; 32]),
        nonce: None,
    };
    assert_eq!(platform.order(Order::Timestamp(unknown)).unwrap_err().code, RefusalCode::Key);
}

#[test]
fn a_key_file_that_was_touched_makes_its_orders_fail_and_no_others() {
    let platform = Platform::new();
    let id = platform.key("default/blob");
    platform.world.key_disk.tamper(&format!("{id}.sealed"), |file| file[90] ^= 1);
    let platform = platform.restart();
    let refused = platform.order(platform.asking("default/blob", b"bytes").order()).unwrap_err();
    assert_eq!(refused.code, RefusalCode::KeyStore);
    assert!(refused.text.contains("is damaged"), "{refused}");
    platform.order(platform.asking("default/cms", b"bytes").order()).unwrap();
}

#[test]
fn a_key_is_refused_after_its_last_year_even_for_tokens() {
    let platform = Platform::new();
    platform.world.clock.advance(YEAR);
    let order = TimestampOrder {
        key: platform.key("platform/timestamp"),
        imprint: Imprint::Sha512([1; 64]),
        nonce: None,
    };
    assert_eq!(platform.order(Order::Timestamp(order)).unwrap_err().code, RefusalCode::Key);
}
