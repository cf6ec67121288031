//! The attacks on the key process that its specification names, by their names.

use model::{Algorithm, Content, Digest, Form, merkle};
use pki::Certificate;
use signer::{Answer, CheckpointOrder, Head, Imprint, Order, RefusalCode, Signer, TimestampOrder};
use testkit::CrashDisk;

use crate::world::{HOUR, MINUTE, Platform, World, YEAR};

#[test]
fn a_subject_swapped_after_endorsement_composes_other_bytes_and_is_refused() {
    let platform = Platform::new();
    let [ben, cleo, _] = &platform.world.endorsers;
    let good = platform.asking("default/governed", b"good").endorsed(&[ben, cleo], platform.world.now());
    let evil = Content::Sha256 { digest: Digest::of(b"evil"), length: 4 };

    // The item alone: it does not stand in the request that was endorsed.
    let mut swapped = good.clone();
    swapped.items[0].content = evil;
    let Order::Sign(mut order) = swapped.order() else { panic!() };
    assert_eq!(platform.order(Order::Sign(order.clone())).unwrap_err().code, RefusalCode::NotInRequest);
    // With its own path, still against the endorsed root.
    order.path = vec![Digest::of(b"any")];
    assert_eq!(platform.order(Order::Sign(order)).unwrap_err().code, RefusalCode::NotInRequest);
    // With a request around it: nobody endorsed that one.
    let rewritten = swapped.recompose();
    assert_eq!(platform.order(rewritten.order()).unwrap_err().code, RefusalCode::Quorum);
    // What was endorsed is what is signed.
    let signed = platform.order(good.order()).unwrap();
    let key = platform.public_key("default/governed");
    key.verify(b"good", &signed.signature).unwrap();
    key.verify(b"evil", &signed.signature).unwrap_err();
}

/// As far as the key process goes; what foreign verifiers say of the same bytes is asked where they are run.
#[test]
fn a_blob_that_is_a_pae_a_tbscertificate_an_attribute_set_or_a_checkpoint_is_valid_nowhere_else() {
    let platform = Platform::new();
    let state = platform.process.state().unwrap();
    let certificates = state.certificates.iter().map(|one| Certificate::from_der(&one.certificate).unwrap());
    let certificates: Vec<_> = certificates.collect();
    let cms = platform.asking("default/cms", b"bytes");
    let time = envelope::Chosen::SigningTime(platform.world.now().whole_second());
    let attributes =
        certificates.iter().find_map(|one| envelope::compose(&cms.items[0], &time, Some(one)).ok());
    let Some(envelope::ToBeSigned::Message(attributes)) = attributes else { panic!("no attributes") };
    let checkpoint = tlog::Checkpoint::new(crate::world::ORIGIN, 1, Digest::of(b"root")).unwrap().text();
    let blob = platform.public_key("default/blob");
    let registry = platform.registry();
    for evil in [
        envelope::dsse::pre_authentication_encoding("application/vnd.in-toto+json", b"{}"),
        certificates[0].tbs_der(),
        attributes,
        checkpoint.into_bytes(),
    ] {
        let signed = platform.order(platform.asking("default/blob", &evil).order()).unwrap();
        blob.verify(&evil, &signed.signature).unwrap();
        // Nobody else's key verifies it, and the key that does is certified by nobody.
        let others = registry.keys().filter(|key| key.record.public_key != blob);
        for key in others {
            assert!(key.record.public_key.verify(&evil, &signed.signature).is_err(), "{}", key.record.name);
        }
    }
    assert!(certificates.iter().all(|certificate| certificate.public_key().unwrap() != blob));
    // Nor does the key become one of another form, or of a log, later on.
    for (form, algorithm) in [
        (Form::Cms, Algorithm::EcdsaP256),
        (Form::Ca, Algorithm::EcdsaP256),
        (Form::Dsse, Algorithm::EcdsaP256),
    ] {
        let record = quorum::KeyRecord {
            public_key: blob.clone(),
            ..platform.record("default/twin", form, algorithm)
        };
        let answer = platform.enter(vec![quorum::Change::Key(record)]);
        assert!(
            matches!(&answer, signer::AdminAnswer::Refused(refusal) if refusal.code == RefusalCode::Key),
            "{answer:?}"
        );
    }
}

#[test]
fn a_lost_reply_a_crash_and_a_replay_give_the_same_bytes_and_one_signature() {
    let mut platform = Platform::new();
    let order = platform.asking("default/cms", b"bytes").order();
    let first = platform.order(order.clone()).unwrap();
    // A lost reply.
    platform.world.clock.advance(MINUTE);
    assert_eq!(platform.order(order.clone()).unwrap(), first);
    // Within one batch, too.
    let twice = platform.order_all(vec![order.clone(), order.clone()]);
    assert_eq!(twice, [Answer::Signed(first.clone()), Answer::Signed(first.clone())]);
    // A crash of the process, which loses nothing that was written.
    platform = platform.restart();
    assert_eq!(platform.order(order.clone()).unwrap(), first);
    // A key that was suspended since gives nothing new, and what it gave stands.
    let size = platform.process.state().unwrap().journal.size;
    assert_eq!(platform.order(order.clone()).unwrap(), first);
    assert_eq!(platform.process.state().unwrap().journal.size, size, "a replay leaves no leaf");
    // Past the deadline, what was signed is still told, so that it can be logged, and nothing new is signed.
    let late = platform.asking("default/cms", b"other bytes").order();
    platform.world.clock.advance(10 * MINUTE);
    assert_eq!(platform.order(order).unwrap(), first);
    assert_eq!(platform.order(late).unwrap_err().code, RefusalCode::Expired);
}

#[test]
fn two_of_the_same_order_in_one_batch_are_signed_once() {
    let platform = Platform::new();
    let order = platform.asking("default/blob", b"bytes").order();
    let before = platform.process.state().unwrap().journal.size;
    let answers = platform.order_all(vec![order.clone(), order.clone(), order]);
    assert!(matches!(answers[0], Answer::Signed(_)));
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(platform.process.state().unwrap().journal.size, before + 1, "one intent");
}

#[test]
fn a_power_cut_that_takes_the_outcome_leaves_one_intent_and_the_same_bytes() {
    for seed in 0..30 {
        let disk = CrashDisk::default();
        let platform = Platform::begin(World::on(std::sync::Arc::new(disk.clone())));
        let order = platform.asking("default/cms", b"bytes").order();
        let first = platform.order(order.clone()).unwrap();
        disk.cut(seed);
        disk.switch_on();
        platform.world.clock.advance(MINUTE);
        let platform = platform.restart();
        let again = platform.order(order.clone()).unwrap();
        assert_eq!(
            (&again.chosen, again.index, &again.leaf),
            (&first.chosen, first.index, &first.leaf),
            "seed {seed}"
        );
        // From here on the outcome is whatever the journal says.
        assert_eq!(platform.order(order).unwrap(), again);
    }
}

fn checkpoint(
    platform: &Platform,
    old: Head,
    new: Head,
    proof: Vec<Digest>,
) -> Result<signer::Signed, RefusalCode> {
    let order = CheckpointOrder { key: platform.key("platform/log"), old, new, proof };
    platform.order(Order::Checkpoint(order)).map_err(|refusal| refusal.code)
}

fn head(leaves: &[Digest]) -> Head {
    Head { size: leaves.len() as u64, root: merkle::root(leaves) }
}

#[test]
fn a_checkpoint_that_does_not_extend_the_last_is_not_signed_even_by_a_restored_log() {
    let mut platform = Platform::new();
    let leaves: Vec<Digest> = (0..4_u8).map(|n| merkle::leaf_hash(&[n])).collect();
    let forked: Vec<Digest> = (0..4_u8).map(|n| merkle::leaf_hash(&[n, n])).collect();
    let (zero, one, two) = (head(&[]), head(&leaves[..1]), head(&leaves[..2]));
    checkpoint(&platform, zero, one, vec![]).unwrap();
    let signed = checkpoint(&platform, one, two, vec![leaves[1]]).unwrap();

    for _ in 0..2 {
        let refused = |old, new, proof| checkpoint(&platform, old, new, proof).unwrap_err();
        let not = RefusalCode::NotConsistent;
        // A second root for the same size.
        assert_eq!(refused(two, head(&forked[..2]), vec![]), not);
        // A restored log, which goes on from where it was.
        assert_eq!(refused(one, head(&leaves[..3]), vec![leaves[1]]), not);
        assert_eq!(refused(zero, head(&forked[..3]), vec![]), not);
        // The right beginning, and no proof, or one of another history.
        assert_eq!(refused(two, head(&leaves[..3]), vec![]), not);
        assert_eq!(refused(two, head(&forked[..3]), vec![leaves[2]]), not);
        // Backwards.
        assert_eq!(refused(two, one, vec![]), not);
        assert_eq!(refused(two, zero, vec![]), not);
        // The last one once more is the last one once more.
        assert_eq!(checkpoint(&platform, one, two, vec![]).unwrap().signature, signed.signature);
        platform = platform.restart();
    }
    checkpoint(&platform, two, head(&leaves[..3]), vec![leaves[2]]).unwrap();
}

#[test]
fn two_checkpoints_of_one_size_in_one_batch_are_one() {
    let platform = Platform::new();
    let key = platform.key("platform/log");
    let order = |leaf: &[u8]| {
        let new = head(&[merkle::leaf_hash(leaf)]);
        Order::Checkpoint(CheckpointOrder { key, old: head(&[]), new, proof: vec![] })
    };
    let answers = platform.order_all(vec![order(b"one"), order(b"other")]);
    assert!(matches!(answers[0], Answer::Signed(_)));
    assert!(matches!(&answers[1], Answer::Refused(refusal) if refusal.code == RefusalCode::NotConsistent));
}

#[test]
fn a_clock_pushed_an_hour_or_a_year_either_way_yields_no_token_no_revived_endorsement_and_no_permanent_stop()
{
    let mut platform = Platform::new();
    let begin = platform.world.now();
    let order = TimestampOrder {
        key: platform.key("platform/timestamp"),
        imprint: Imprint::Sha256([5; 32]),
        nonce: None,
    };
    let stamp =
        |platform: &Platform| platform.order(Order::Timestamp(order.clone())).map_err(|refusal| refusal.code);
    stamp(&platform).unwrap();
    let dead = {
        let [ben, cleo, _] = &platform.world.endorsers;
        platform.asking("default/governed", b"old").endorsed(&[ben, cleo], begin)
    };
    platform.world.clock.advance(11 * MINUTE);
    let now = platform.world.now();
    stamp(&platform).unwrap();
    for pushed in [now.after(HOUR), now.before(HOUR), now.after(YEAR), now.before(YEAR), begin.after(MINUTE)]
    {
        let live = {
            let [ben, cleo, _] = &platform.world.endorsers;
            platform.asking("default/governed", b"new").endorsed(&[ben, cleo], now)
        };
        platform.world.clock.set_now(pushed);
        assert_eq!(stamp(&platform).unwrap_err(), RefusalCode::Clock, "{pushed}");
        let cms = platform.order(platform.asking("default/cms", b"x").order());
        assert!(cms.is_err(), "{pushed}");
        assert_eq!(platform.order(dead.order()).unwrap_err().code, RefusalCode::Expired, "{pushed}");
        assert_eq!(platform.order(live.order()).unwrap_err().code, RefusalCode::Clock, "{pushed}");
        // No permanent stop: the clock is put right, and everything goes on.
        platform.world.clock.set_now(now);
        stamp(&platform).unwrap();
    }
    // Back over a restart: the journal knows better.
    platform.world.clock.set_now(begin.before(HOUR));
    platform = platform.restart();
    assert_eq!(stamp(&platform).unwrap_err(), RefusalCode::Clock);
    assert_eq!(platform.order(dead.order()).unwrap_err().code, RefusalCode::Expired);
    platform.world.clock.set_now(now);
    stamp(&platform).unwrap();
    // Forwards over a restart, and put right before anything was signed: another restart is all it takes.
    platform.world.clock.set_now(now.after(YEAR));
    platform = platform.restart();
    platform.world.clock.set_now(now);
    assert_eq!(stamp(&platform).unwrap_err(), RefusalCode::Clock);
    platform = platform.restart();
    stamp(&platform).unwrap();
}

#[test]
fn a_stranger_with_many_bad_requests_neither_fills_the_journal_nor_stops_a_signature() {
    let platform = Platform::new();
    let mut bad = platform.asking("default/blob", b"bad");
    bad.request.policy = Digest::ZERO;
    let size = || platform.process.state().unwrap().journal.size;
    let before = size();
    for _ in 0..20 {
        platform.order_all(vec![bad.order(); 256]);
    }
    assert_eq!(size(), before);
    platform.world.clock.advance(MINUTE);
    platform.order_all(vec![bad.order(); 256]);
    platform.order(platform.asking("default/blob", b"good").order()).unwrap();
    assert_eq!(size(), before + 2, "one sum of refusals, one intent");
}
