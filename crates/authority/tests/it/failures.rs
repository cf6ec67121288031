//! Whatever fails in the middle: the same token gives the same certificate, one leaf, and a log that goes on.

use authority::{Blame, CertificateError, Issued};
use tlog::CheckpointLock as _;

use crate::world::{Holder, Transport, World, one};

/// Frames of the first certificate of a log: its empty head, and one for each step.
const FRAMES: usize = 4;

fn ended(world: &World, token: &str, ada: &Holder, earlier: Option<Issued>) {
    let issued = one(world.authority().issue(&[ada.claim(token)])).unwrap();
    if let Some(earlier) = earlier {
        assert_eq!(issued, earlier);
    }
    assert_eq!((issued.leaf, world.checkpoint().size()), (0, 1));
    let ben = Holder::new("ben@example.com");
    let next = one(world.authority().issue(&[ben.claim(&world.token(&ben))])).unwrap();
    assert_eq!(next.leaf, 1);
    world.audit(&[issued, next]);
}

#[test]
fn a_line_that_breaks_at_any_frame_costs_nothing_but_time() {
    for frame in 0..FRAMES {
        for transport in [Transport::CutAt(frame), Transport::LosesAnswerTo(frame)] {
            let world = World::new();
            let (authority, ada) = (world.authority(), Holder::new("ada@example.com"));
            let token = world.token(&ada);
            world.line.set(transport);
            let error = one(authority.issue(&[ada.claim(&token)])).unwrap_err();
            assert_eq!(error.blame(), Blame::Nobody, "{transport:?}: {error}");
            world.line.set(Transport::Honest);
            let issued = one(authority.issue(&[ada.claim(&token)])).unwrap();
            drop(authority);
            ended(&world, &token, &ada, Some(issued));
        }
    }
}

#[test]
fn a_server_that_stops_at_any_frame_is_gone_on_with_by_the_next() {
    for frame in 0..FRAMES {
        for transport in [Transport::CutAt(frame), Transport::LosesAnswerTo(frame)] {
            let mut world = World::new();
            let ada = Holder::new("ada@example.com");
            let token = world.token(&ada);
            world.line.set(transport);
            one(world.authority().issue(&[ada.claim(&token)])).unwrap_err();
            world.line.set(Transport::Honest);
            world.reopen();
            ended(&world, &token, &ada, None);
        }
    }
}

#[test]
fn a_signature_that_does_not_verify_gets_neither_into_the_log_nor_out() {
    for frame in 0..FRAMES {
        let world = World::new();
        let (authority, ada) = (world.authority(), Holder::new("ada@example.com"));
        let token = world.token(&ada);
        world.line.set(Transport::SpoilsAnswerTo(frame));
        let error = one(authority.issue(&[ada.claim(&token)])).unwrap_err();
        let bad = matches!(
            error,
            CertificateError::Signature | CertificateError::Log(_) | CertificateError::Lint(_)
        );
        assert!(bad && error.blame() != Blame::Asker, "{frame}: {error}");
        assert!(world.records().iter().all(|record| record["state"] == "refused"));
        world.line.set(Transport::Honest);
        drop(authority);
        ended(&world, &token, &ada, None);
    }
}

#[test]
fn the_same_token_finds_its_leaf_behind_many_others_after_a_restart() {
    let mut world = World::new();
    let ada = Holder::new("ada@example.com");
    let token = world.token(&ada);
    let authority = world.authority();
    let first = one(authority.issue(&[ada.claim(&token)])).unwrap();
    let holders: Vec<Holder> = (0..300).map(|n| Holder::new(&format!("{n}@example.com"))).collect();
    let claims: Vec<_> = holders.iter().map(|one| one.claim(&world.token(one))).collect();
    assert!(authority.issue(&claims).iter().all(Result::is_ok));
    drop(authority);
    world.reopen();
    assert_eq!(one(world.authority().issue(&[ada.claim(&token)])).unwrap(), first);
    assert_eq!(world.checkpoint().size(), 301);
}

#[test]
fn a_log_that_was_signed_for_is_never_begun_anew() {
    let world = World::new();
    let (authority, ada) = (world.authority(), Holder::new("ada@example.com"));
    one(authority.issue(&[ada.claim(&world.token(&ada))])).unwrap();
    // Another store of the same platform: one that was lost, and made again.
    let other = World::with_process_of(&world);
    let error = one(other.authority().issue(&[ada.claim(&world.token(&ada))])).unwrap_err();
    let CertificateError::Disagreement { stored, signed, .. } = error else { panic!("{error}") };
    assert_eq!((stored, signed), (0, 1));
    assert!(store::CertificateLog::new(other.store()).load().unwrap().is_none(), "nothing was made");
}

#[test]
fn whoever_proves_nothing_does_not_wait_for_those_who_are_being_certified() {
    let world = World::new();
    let (authority, ada) = (world.authority(), Holder::new("ada@example.com"));
    let token = world.token(&ada);
    let (signed, _) = token.rsplit_once('.').unwrap();
    let forged = ada.claim(&format!("{signed}.AAAA"));
    std::thread::scope(|scope| {
        let closed = world.line.gate.lock().unwrap();
        let waiting = scope.spawn(|| one(authority.issue(&[ada.claim(&token)])));
        while world.line.frames() == 0 {
            std::thread::yield_now();
        }
        for claim in [forged, ada.claim("not a token")] {
            assert_eq!(one(authority.issue(&[claim])).unwrap_err().blame(), Blame::Asker);
        }
        drop(closed);
        waiting.join().unwrap().unwrap();
    });
}
