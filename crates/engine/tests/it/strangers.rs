//! What strangers do is recorded in sum, and who has gone leaves nothing behind.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::{LeafKind, Ledger, State, View};
use model::Clock as _;
use tlog::RightEdge;

use crate::world::{World, reply};

#[test]
fn strangers_are_one_leaf_about_no_request_under_the_ledgers_head() {
    let world = World::new();
    let engine = world.engine();
    let since = world.clock.now();
    engine
        .record_strangers(since, &BTreeMap::from([("no-credential", 999_999), ("handshake", 1)]), 0)
        .unwrap();
    let leaves = world.store().leaves(0, 10).unwrap();
    let [leaf] = leaves.as_slice() else { panic!("one leaf: {leaves:?}") };
    assert_eq!((leaf.kind, leaf.request, leaf.space.as_str()), (LeafKind::Strangers, None, "platform"));
    assert_eq!(
        String::from_utf8_lossy(&leaf.record),
        format!(r#"{{"refused":{{"handshake":1,"no-credential":999999}},"since":"{since}"}}"#)
    );
    let mut edge = RightEdge::new();
    edge.append(leaf.hash());
    let head = world.store().head().unwrap();
    assert_eq!((head.size, head.root), (1, edge.root()));
}

#[test]
fn a_poll_that_is_given_up_leaves_nothing_and_the_next_one_still_waits() {
    let world = World::new();
    let engine = world.engine();
    let asking = world.asking(&engine, "default/governed", &["release.tar"]);
    assert_eq!(asking.submit(&world, &engine).unwrap().state, State::Waiting);
    // Many more than may wait at a time: if those who went kept their seats, the last would be answered at once.
    let held = Arc::new(());
    for _ in 0..1_000 {
        let held = Arc::clone(&held);
        drop(engine.watch(asking.id(), Box::new(move |_| drop(held))));
    }
    assert_eq!(Arc::strong_count(&held), 1, "no reply is kept");
    let (told, answered) = reply();
    let watch = engine.watch(asking.id(), told);
    assert!(answered.is_there().is_none(), "it waits");
    let (withdrawn, done) = reply();
    engine.withdraw(world.caller(), asking.id(), withdrawn);
    let states = [done.wait(), answered.wait()].map(|view| view.map(|View { state, .. }| state).unwrap());
    assert_eq!(states, [State::Withdrawn; 2]);
    drop(watch);
}
