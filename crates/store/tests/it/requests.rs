//! Rows, receipts and the ledger's edge: together or not at all.

use engine::{Conflict, Known, Leaf, LeafKind, Ledger, Lookup, RequestStore, State, StoreError, Write};
use model::receipt::Receipt;
use model::{Digest, Instant};
use tlog::RightEdge;

use crate::world::{World, caller, id, insert, leaf, row, standing};

fn advance(number: u8, from: State, to: State) -> Write {
    let receipt = Receipt {
        version: 1,
        request: "{}".to_owned(),
        registry: Digest::ZERO,
        endorsements: vec![],
        items: vec![],
    };
    let receipts = if to == State::Done {
        ["b", "a"].map(|name| (name.to_owned(), receipt.encode())).into()
    } else {
        vec![]
    };
    Write::Move {
        id: id(number),
        from,
        to: standing(to),
        endorsements: vec![b"yes".to_vec()],
        log_size: 8,
        receipts,
        leaves: vec![leaf(100 + number)],
    }
}

fn lookup(number: u8, key: Option<&str>, repeat: Digest) -> Lookup {
    Lookup {
        principal: caller(9).principal,
        id: id(number),
        idempotency_key: key.map(str::to_owned),
        repeat,
        repeat_since: Instant::EPOCH,
    }
}

#[test]
fn a_row_comes_back_as_it_was_written_and_moves_on_with_its_receipts() {
    let (_world, store) = World::new();
    let results = RequestStore::write(
        &store,
        &[
            insert(row(1, State::Waiting)),
            advance(1, State::Waiting, State::Intended),
            Write::Crashed { id: id(1) },
            advance(1, State::Intended, State::Done),
        ],
    );
    assert_eq!(results.unwrap(), [Ok(()), Ok(()), Ok(()), Ok(())]);
    let mut expected = row(1, State::Done);
    (expected.endorsements, expected.log_size, expected.crashes) = (vec![b"yes".to_vec()], 8, 1);
    assert_eq!(store.load(&[id(1)]).unwrap(), [Some(expected)]);
    let names: Vec<String> = store.receipts(&id(1)).unwrap().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["b", "a"], "in the order of the request");
}

#[test]
fn the_root_that_the_ledger_once_had_is_found_at_every_size() {
    let (_world, store) = World::new();
    // Three times past where the edge is kept for good, in batches that do not end there.
    let (mut edge, mut roots) = (RightEdge::new(), vec![RightEdge::new().root()]);
    let leaves: Vec<Leaf> = (0..=u8::MAX).map(leaf).collect();
    while edge.size() < 50_000 {
        let notes: Vec<Write> = (0..5)
            .flat_map(|_| leaves.iter())
            .map(|leaf| {
                let leaf = Leaf { kind: LeafKind::Strangers, request: None, ..leaf.clone() };
                edge.append(leaf.hash());
                roots.push(edge.root());
                Write::Note { leaf }
            })
            .collect();
        assert!(store.write(&notes).unwrap().iter().all(Result::is_ok));
    }
    let last = edge.size();
    for size in [0, 1, 2, 16_383, 16_384, 16_385, 32_768, 40_000, 49_152, last - 1, last] {
        let at = usize::try_from(size).unwrap();
        assert_eq!(store.root_at(size).unwrap(), Some(roots[at]), "{size}");
    }
    assert_eq!(store.root_at(last + 1).unwrap(), None);
    assert_eq!(store.root_at(u64::MAX).unwrap(), None);
}

#[test]
fn a_write_that_does_not_fit_fails_alone_and_takes_its_leaves_with_it() {
    let (_world, store) = World::new();
    let results = RequestStore::write(
        &store,
        &[
            insert(row(1, State::Waiting)),
            insert(row(1, State::Waiting)),
            advance(1, State::Intended, State::Done),
            advance(2, State::Intended, State::Done),
            Write::Crashed { id: id(1) },
            insert(row(3, State::Intended)),
        ],
    );
    let moved = |number| Err(Conflict::Moved { id: id(number) });
    assert_eq!(
        results.unwrap(),
        [Ok(()), Err(Conflict::Taken { id: id(1) }), moved(1), moved(2), moved(1), Ok(())]
    );
    let leaves = store.leaves(0, 10).unwrap();
    assert_eq!(leaves, [leaf(1), leaf(3)]);
    let mut edge = RightEdge::new();
    leaves.iter().for_each(|leaf| edge.append(leaf.hash()));
    let head = store.head().unwrap();
    assert_eq!((head.size, head.root), (2, edge.root()));
}

#[test]
fn what_a_client_repeats_is_found_by_id_by_its_own_key_and_by_its_own_newest_like() {
    let (_world, store) = World::new();
    let mut one = row(1, State::Done);
    one.idempotency_key = Some("build-1".to_owned());
    let mut newer = row(2, State::Intended);
    (newer.repeat, newer.submitted) = (one.repeat, one.submitted.after(std::time::Duration::from_secs(1)));
    let mut refused = row(3, State::Refused);
    (refused.repeat, refused.submitted) =
        (one.repeat, newer.submitted.after(std::time::Duration::from_secs(1)));
    let mut theirs = row(4, State::Done);
    (theirs.caller, theirs.idempotency_key, theirs.repeat) =
        (caller(8), one.idempotency_key.clone(), one.repeat);
    let batch = [one.clone(), newer.clone(), refused, theirs].map(insert);
    assert_eq!(RequestStore::write(&store, &batch).unwrap(), [Ok(()), Ok(()), Ok(()), Ok(())]);
    let late = Lookup {
        repeat_since: newer.submitted.after(std::time::Duration::from_secs(9)),
        ..lookup(4, None, one.repeat)
    };
    let found =
        store.find(&[lookup(7, Some("build-1"), one.repeat), late, lookup(8, Some("other"), Digest::ZERO)]);
    assert_eq!(
        found.unwrap(),
        [
            Known { by_id: None, by_key: Some(id(1)), by_repeat: Some(id(2)) },
            Known { by_id: Some(id(4)), by_key: None, by_repeat: None },
            Known::default(),
        ]
    );
    let mut twin = row(5, State::Waiting);
    twin.idempotency_key = one.idempotency_key;
    assert_eq!(RequestStore::write(&store, &[insert(twin)]).unwrap(), [Err(Conflict::Taken { id: id(5) })]);
}

#[test]
fn what_is_in_flight_and_what_waits_too_long_is_unfinished() {
    let (_world, store) = World::new();
    let batch = [(1, State::Waiting), (2, State::Intended), (3, State::Done), (4, State::Expired)];
    RequestStore::write(&store, &batch.map(|(number, state)| insert(row(number, state)))).unwrap();
    let deadline = row(1, State::Waiting).deadline;
    assert_eq!(store.unfinished(deadline.before(std::time::Duration::from_secs(1))).unwrap(), [id(2)]);
    assert_eq!(store.unfinished(deadline).unwrap(), [id(1), id(2)]);
}

#[test]
fn a_row_that_cannot_be_what_was_written_is_named() {
    let columns = [
        ("state = 'odd'", "state"),
        ("items = x'00'", "items"),
        ("caller = x'7b7d'", "caller"),
        ("reasons = x'0000000100000001ff'", "reasons"),
        ("space = 'No Space'", "name"),
        ("submitted = -1", "number"),
    ];
    for (change, what) in columns {
        let (world, store) = World::new();
        RequestStore::write(&store, &[insert(row(1, State::Waiting))]).unwrap();
        world.meddle(&format!("UPDATE requests SET {change}"));
        let error = store.load(&[id(1)]).unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{change}: {error}");
        assert_eq!(error.to_string(), format!("the stored {what} cannot be read: run `avouch fsck`"));
    }
    let (world, store) = World::new();
    RequestStore::write(&store, &[insert(row(1, State::Waiting))]).unwrap();
    world.meddle("UPDATE ledger_edge SET edge = x'0100000000000000ff'");
    assert!(matches!(store.head(), Err(StoreError::Corrupt { what: "ledger's edge", .. })));
    assert!(RequestStore::write(&store, &[insert(row(2, State::Waiting))]).is_err(), "no ledger, no write");
    assert_eq!(store.load(&[id(2)]).unwrap(), [None]);
}

#[test]
fn a_leaf_about_no_request_is_the_strangers_and_nobody_elses() {
    let (_world, store) = World::new();
    let strangers = Leaf { kind: LeafKind::Strangers, request: None, ..leaf(1) };
    let note = |leaf: &Leaf| RequestStore::write(&store, &[Write::Note { leaf: leaf.clone() }]);
    assert_eq!(note(&strangers).unwrap(), [Ok(())]);
    assert!(note(&Leaf { request: None, ..leaf(2) }).is_err(), "a submission is about a request");
    assert!(note(&Leaf { request: Some(id(3)), ..strangers.clone() }).is_err(), "strangers made none");
    assert_eq!(store.leaves(0, 10).unwrap(), [strangers]);
    assert_eq!(store.head().unwrap().size, 1);
}
