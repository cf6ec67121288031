//! What is signed: by keys of each form, and what comes back with it.

use envelope::Chosen;
use model::journal::{Leaf, endorsements_digest};
use model::{Digest, merkle};
use pki::Certificate;
use signer::{Answer, CheckpointOrder, Head, Imprint, Order, RefusalCode, Signer, TimestampOrder};

use crate::world::{MINUTE, ORIGIN, Platform};

fn certificate(platform: &Platform, key: &str) -> Certificate {
    let (id, state) = (platform.key(key), platform.process.state().unwrap());
    let certified = state.certificates.iter().find(|certified| certified.key == id).unwrap();
    Certificate::from_der(&certified.certificate).unwrap()
}

#[test]
fn a_blob_key_signs_the_digest_of_the_item_and_the_journal_says_so() {
    let platform = Platform::new();
    let asking = platform.asking("default/blob", b"bytes");
    let signed = platform.order(asking.order()).unwrap();
    platform.public_key("default/blob").verify(b"bytes", &signed.signature).unwrap();
    assert_eq!(Chosen::decode(&signed.chosen), Ok(Chosen::Nothing));
    let Leaf::Intent(intent) = Leaf::decode(&signed.leaf).unwrap() else { panic!("not an intent") };
    let registry = platform.registry();
    assert_eq!(intent.sequence, signed.index);
    assert_eq!(intent.time, platform.world.now());
    assert_eq!(intent.key, platform.key("default/blob"));
    assert_eq!(intent.record, asking.items[0].key.record);
    assert_eq!(intent.registry, registry.head());
    assert_eq!(intent.request, asking.digest());
    assert_eq!((intent.item, intent.to_be_signed), (0, Digest::of(b"bytes")));
    assert_eq!(intent.endorsements, endorsements_digest(&[]));
}

#[test]
fn a_cms_key_signs_what_everybody_composes_from_the_item_and_what_was_chosen() {
    let platform = Platform::new();
    let asking = platform.asking("default/cms", b"bytes");
    let signed = platform.order(asking.order()).unwrap();
    let chosen = Chosen::decode(&signed.chosen).unwrap();
    assert_eq!(chosen, Chosen::SigningTime(platform.world.now().whole_second()));
    let own = certificate(&platform, "default/cms");
    let composed = envelope::compose(&asking.items[0], &chosen, Some(&own)).unwrap();
    composed.verify(&platform.public_key("default/cms"), &signed.signature).unwrap();
}

#[test]
fn the_platforms_own_keys_have_certificates_from_its_root_by_their_records() {
    let platform = Platform::new();
    let root = certificate(&platform, "platform/ca");
    root.verify_signature_by(&root).unwrap();
    for (key, usage) in
        [("default/cms", pki::Usage::CodeSigning), ("platform/timestamp", pki::Usage::Timestamping)]
    {
        let leaf = certificate(&platform, key);
        leaf.verify_signature_by(&root).unwrap();
        leaf.check_usage(usage).unwrap();
        assert_eq!(leaf.public_key().unwrap(), platform.public_key(key));
        assert_eq!(leaf.subject_common_name().as_deref(), Some(key));
    }
    // A blob key has none: with one, a digest of attributes would verify under the root.
    assert_eq!(platform.process.state().unwrap().certificates.len(), 3);
}

fn stamp(platform: &Platform, nonce: Option<Vec<u8>>) -> Order {
    let imprint = Imprint::Sha256(*Digest::of(b"signature").as_bytes());
    Order::Timestamp(TimestampOrder { key: platform.key("platform/timestamp"), imprint, nonce })
}

#[test]
fn tokens_have_the_key_processs_own_time_and_numbers_that_only_grow_over_restarts_too() {
    let mut platform = Platform::new();
    let mut last = 0;
    for round in 0..3 {
        let answers = platform.order_all(vec![stamp(&platform, None), stamp(&platform, Some(vec![0, 0x81]))]);
        for answer in answers {
            let Answer::Signed(signed) = answer else { panic!("{answer:?}") };
            let Chosen::Stamp { time, serial } = Chosen::decode(&signed.chosen).unwrap() else { panic!() };
            assert_eq!(time, platform.world.now());
            assert!(serial > last, "round {round}: {serial} after {last}");
            last = serial;
        }
        platform.world.clock.advance(MINUTE);
        platform = platform.restart();
    }
}

#[test]
fn a_token_is_over_the_imprint_and_the_nonce_that_were_ordered() {
    use envelope::timestamp::{self, CertificateWish, Request, TstInfo};
    let platform = Platform::new();
    let signed = platform.order(stamp(&platform, Some(vec![0, 0x81, 0x02]))).unwrap();
    let Chosen::Stamp { time, serial } = Chosen::decode(&signed.chosen).unwrap() else { panic!() };
    let request = Request {
        imprint: timestamp::Imprint::sha256(&Digest::of(b"signature")),
        policy: None,
        nonce: Some(vec![0, 0x81, 0x02]),
        certificate: CertificateWish::Embedded,
    };
    let info = TstInfo::answer(&request, time, serial).unwrap().encode().unwrap();
    let own = certificate(&platform, "platform/timestamp");
    let composed = timestamp::compose(&info, &own, time).unwrap();
    composed.verify(&platform.public_key("platform/timestamp"), &signed.signature).unwrap();
    for bad in [vec![], vec![0, 1]] {
        assert_eq!(platform.order(stamp(&platform, Some(bad))).unwrap_err().code, RefusalCode::Malformed);
    }
}

#[test]
fn a_checkpoint_is_the_note_of_the_records_origin() {
    let platform = Platform::new();
    let leaf = merkle::leaf_hash(b"entry");
    let order = CheckpointOrder {
        key: platform.key("platform/log"),
        old: Head { size: 0, root: merkle::root(&[]) },
        new: Head { size: 1, root: leaf },
        proof: Vec::new(),
    };
    let signed = platform.order(Order::Checkpoint(order.clone())).unwrap();
    let text = tlog::Checkpoint::new(ORIGIN, 1, leaf).unwrap().text();
    platform.public_key("platform/log").verify(text.as_bytes(), &signed.signature).unwrap();
    assert_eq!(platform.process.state().unwrap().checkpoints, [(ORIGIN.to_owned(), order.new)]);
    // The log did not hear of it and asks again: the same bytes.
    assert_eq!(platform.order(Order::Checkpoint(order)).unwrap().signature, signed.signature);
}

#[test]
fn a_batch_is_answered_order_by_order_and_one_bad_one_fails_alone() {
    let platform = Platform::new();
    let good = |content: &[u8]| platform.asking("default/blob", content).order();
    let mut bad = platform.asking("default/blob", b"three");
    bad.request.policy = Digest::of(b"another policy");
    let answers = platform.order_all(vec![good(b"one"), bad.order(), good(b"two")]);
    let key = platform.public_key("default/blob");
    let [Answer::Signed(one), Answer::Refused(refusal), Answer::Signed(two)] = answers.as_slice() else {
        panic!("{answers:?}")
    };
    key.verify(b"one", &one.signature).unwrap();
    key.verify(b"two", &two.signature).unwrap();
    assert_eq!(refusal.code, RefusalCode::Stale);
}

#[test]
fn a_batch_costs_one_sync_and_a_batch_of_refusals_none() {
    let disk = std::sync::Arc::new(testkit::MemoryDisk::new());
    let platform = Platform::begin(crate::world::World::on(disk.clone()));
    let orders: Vec<Order> =
        (0..20_u8).map(|content| platform.asking("default/cms", &[content]).order()).collect();
    let before = disk.syncs();
    assert!(platform.order_all(orders.clone()).iter().all(|answer| matches!(answer, Answer::Signed(_))));
    assert_eq!(disk.syncs() - before, 1);
    platform.order_all(orders);
    assert_eq!(disk.syncs() - before, 1, "repeats are answered from the journal");
    let mut late = platform.asking("default/blob", b"late");
    late.request.policy = Digest::ZERO;
    platform.order_all(vec![late.order()]);
    assert_eq!(disk.syncs() - before, 1);
}

#[test]
fn every_item_of_a_request_is_signed_under_its_own_index() {
    let platform = Platform::new();
    let mut asking = platform.asking("default/blob", b"zero");
    let other = platform.asking("default/cms", b"one").items[0].clone();
    asking.items.push(model::Item { index: 1, ..other });
    let asking = asking.recompose();
    let orders = (0..2).map(|index| Order::Sign(asking.sign_order(index))).collect();
    let answers = platform.order_all(orders);
    assert!(answers.iter().all(|answer| matches!(answer, Answer::Signed(_))), "{answers:?}");
}
