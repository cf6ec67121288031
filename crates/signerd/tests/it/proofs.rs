//! What a signature of a governed key carries: the proof that its intent is in the journal. And what the journal keeps of
//! the ledger.

use std::sync::Arc;

use model::journal::Leaf;
use model::{Digest, Disk, Item, merkle};
use quorum::{Adoption, Change};
use signer::{Answer, Head, JournalProof, Order, Orders, Signed, Signer};
use signerd::inspect;
use testkit::MemoryDisk;
use testkit::founding::space;
use tlog::proof::verify_inclusion;
use tlog::{SignedCheckpoint, VerifierKey};

use crate::world::{Asking, Platform, World, journal_key};

const ORIGIN: &str = "localhost/journal/one";

/// Orders for the items of one endorsed request.
fn governed(platform: &Platform, content: &[u8], items: u32) -> Vec<Order> {
    let mut asking = platform.asking("default/governed", content);
    let item = asking.items[0].clone();
    asking.items = (0..items).map(|index| Item { index, ..item.clone() }).collect();
    let by = [&platform.world.endorsers[0], &platform.world.endorsers[1]];
    let asking: Asking = asking.recompose().endorsed(&by, platform.world.now());
    (0..items).map(|index| Order::Sign(asking.sign_order(index))).collect()
}

fn signed(answers: Vec<Answer>) -> Vec<Signed> {
    let signed = answers.into_iter().map(|answer| match answer {
        Answer::Signed(signed) => signed,
        Answer::Refused(refusal) => panic!("{refusal}"),
    });
    signed.collect()
}

/// The checkpoint under which a signature is proven, once the proof holds.
fn proven(platform: &Platform, signed: &Signed, origin: &str) -> SignedCheckpoint {
    let JournalProof { path, checkpoint, .. } = signed.journal.as_ref().expect("the key is governed");
    let key = VerifierKey::of_log(origin, &journal_key(&platform.process)).unwrap();
    let checkpoint = SignedCheckpoint::open(checkpoint, &key).unwrap();
    assert_eq!(checkpoint.size(), signed.index + 1);
    let leaf = merkle::leaf_hash(&signed.leaf);
    verify_inclusion(&leaf, signed.index, checkpoint.size(), checkpoint.root(), path).unwrap();
    checkpoint
}

fn on_memory(segment_bytes: usize) -> (Arc<MemoryDisk>, Platform) {
    let disk = Arc::new(MemoryDisk::new());
    let mut world = World::on(Arc::<MemoryDisk>::clone(&disk));
    world.segment_bytes = segment_bytes;
    (disk, Platform::begin(world))
}

/// The leaves of the journal, all of which are still in its files.
fn leaves(disk: &Arc<MemoryDisk>) -> Vec<Leaf> {
    let disk: Arc<dyn Disk> = Arc::<MemoryDisk>::clone(disk);
    let inspection = inspect(&disk).unwrap().unwrap();
    assert_eq!(inspection.held_from, 0);
    inspection.leaves
}

fn ledger(size: u64) -> Head {
    Head { size, root: Digest::of(&size.to_be_bytes()) }
}

fn order_under(platform: &Platform, ledger: Head, orders: Vec<Order>) -> Vec<Answer> {
    platform.process.order(&Orders { ledger, orders }).unwrap().answers
}

#[test]
fn every_governed_signature_is_proven_under_a_checkpoint_of_the_one_journal() {
    let (disk, platform) = on_memory(4 * 1024 * 1024);
    let mut all = Vec::new();
    for (round, items) in [1, 2, 3, 256, 1, 31].into_iter().enumerate() {
        let round = round.to_be_bytes();
        let mut orders = governed(&platform, &round, items);
        if items < 256 {
            orders.insert(0, platform.asking("default/blob", &round).order());
        }
        let mut answers = signed(platform.order_all(orders));
        if items < 256 {
            assert_eq!(answers.remove(0).journal, None, "nobody asks for the proof of an ungoverned one");
        }
        all.extend(answers);
    }
    let hashes: Vec<Digest> = leaves(&disk).iter().map(Leaf::hash).collect();
    for signed in &all {
        let checkpoint = proven(&platform, signed, ORIGIN);
        let size = usize::try_from(checkpoint.size()).unwrap();
        assert_eq!(*checkpoint.root(), merkle::root(&hashes[..size]), "another tree at {size}");
    }
    assert_eq!(all.len(), 294);
}

#[test]
fn an_order_that_is_repeated_gets_the_same_proof_over_replay_roll_over_and_a_lost_outcome() {
    let (disk, mut platform) = on_memory(8 * 1024);
    let orders: Vec<Order> =
        [1, 7, 2].iter().flat_map(|items| governed(&platform, &[*items], u32::from(*items))).collect();
    let first = signed(platform.order_all(orders.clone()));
    assert_eq!(signed(platform.order_all(orders.clone())), first, "the reply was lost");
    platform = platform.restart();
    assert_eq!(signed(platform.order_all(orders.clone())), first, "replayed from the frames");
    let files = || ["journal-even", "journal-odd"].map(|name| disk.read(name).unwrap_or_default());
    let begun = files();
    for n in 0..100_u32 {
        platform.order(platform.asking("default/blob", &n.to_be_bytes()).order()).unwrap();
    }
    assert!(files().iter().zip(&begun).all(|(now, then)| now[..43] != then[..43]), "the segments took turns");
    assert_eq!(signed(platform.order_all(orders.clone())), first);
    platform = platform.restart();
    assert_eq!(signed(platform.order_all(orders.clone())), first, "replayed from a snapshot");

    // An intent whose outcome was torn off with its signature, at once and out of a snapshot.
    let order = governed(&platform, b"torn", 1).remove(0);
    let before = platform.order(order.clone()).unwrap();
    let newest = ["journal-even", "journal-odd"].into_iter().max_by_key(|name| {
        let file = disk.read(name).unwrap();
        <[u8; 8]>::try_from(&file[19..27]).unwrap()
    });
    let file = disk.read(newest.unwrap()).unwrap();
    let outcome = file.windows(4).rposition(|window| window == b"avj1").unwrap();
    disk.tamper(newest.unwrap(), |file| file[outcome + 100..].fill(0));
    platform = platform.restart();
    let after = platform.order(order).unwrap();
    assert_ne!(after.signature, before.signature, "the outcome is still there");
    assert_eq!((after.index, &after.leaf, &after.journal), (before.index, &before.leaf, &before.journal));
    proven(&platform, &after, ORIGIN);
}

#[test]
fn a_proof_is_under_the_origin_that_the_journal_had_when_the_intent_was_made() {
    let platform = Platform::new();
    let old = governed(&platform, b"old", 1).remove(0);
    let before = platform.order(old.clone()).unwrap();
    let Head { size, root } = platform.process.state().unwrap().journal;
    let reason = "another host".to_owned();
    let instance = space("two");
    platform.enter(vec![Change::Adoption(Adoption {
        journal_size: size,
        journal_root: root,
        instance,
        reason,
    })]);
    let after = platform.order(governed(&platform, b"new", 1).remove(0)).unwrap();
    proven(&platform, &after, "localhost/journal/two");
    let again = platform.order(old).unwrap();
    assert_eq!(again, before, "one checkpoint of a size, whatever came later");
    proven(&platform, &again, ORIGIN);
}

#[test]
fn the_ledgers_head_stands_in_the_journal_before_the_intents_that_it_was_told_with() {
    let (disk, platform) = on_memory(4 * 1024 * 1024);
    let begun = leaves(&disk).len();
    let syncs = disk.syncs();
    let orders = governed(&platform, b"one", 2);
    let answers = signed(order_under(&platform, ledger(5), orders.clone()));
    assert_eq!(disk.syncs() - syncs, 1, "it rides on the sync of the intents");
    let found = leaves(&disk);
    let Leaf::Ledger { sequence, size: 5, root, .. } = found[begun] else { panic!("{:?}", found[begun]) };
    assert_eq!((sequence + 1, root), (answers[0].index, ledger(5).root));
    assert_eq!(platform.process.state().unwrap().ledger, ledger(5));

    // Told again, told with nothing new, told with nothing good: there is nothing to record.
    let other = platform.asking("default/blob", b"two").order();
    order_under(&platform, ledger(5), vec![other.clone()]);
    order_under(&platform, ledger(6), orders);
    let mut bad = platform.asking("default/blob", b"three");
    bad.request.policy = Digest::ZERO;
    for size in 7..20 {
        order_under(&platform, ledger(size), vec![bad.order()]);
    }
    let heads = |leaves: &[Leaf]| leaves.iter().filter(|leaf| matches!(leaf, Leaf::Ledger { .. })).count();
    assert_eq!(heads(&leaves(&disk)), 1);
}

#[test]
fn a_ledger_that_went_back_is_recorded_and_takes_back_nothing_and_signing_goes_on() {
    let (disk, mut platform) = on_memory(16 * 1024);
    for (n, size) in [3, 9, 4].into_iter().enumerate() {
        let order = platform.asking("default/blob", &n.to_be_bytes()).order();
        signed(order_under(&platform, ledger(size), vec![order]));
        assert_eq!(
            platform.process.state().unwrap().ledger,
            ledger(if n == 0 { 3 } else { 9 }),
            "the longest"
        );
    }
    platform = platform.restart();
    assert_eq!(platform.process.state().unwrap().ledger, ledger(9));
    let sizes: Vec<u64> = leaves(&disk)
        .into_iter()
        .filter_map(|leaf| match leaf {
            Leaf::Ledger { size, .. } => Some(size),
            _ => None,
        })
        .collect();
    assert_eq!(sizes, [3, 9, 4]);
    let mut n = 0_u32;
    while disk.list().unwrap().len() < 2 {
        let order = platform.asking("default/blob", &[&n.to_be_bytes()[..], b"more"].concat()).order();
        order_under(&platform, ledger(4), vec![order]);
        n += 1;
    }
    platform = platform.restart();
    assert_eq!(platform.process.state().unwrap().ledger, ledger(9), "a snapshot holds it");
    let Head { size, root } = platform.process.state().unwrap().journal;
    let (instance, reason) = (space("two"), "the store is lost".to_owned());
    platform.enter(vec![Change::Adoption(Adoption {
        journal_size: size,
        journal_root: root,
        instance,
        reason,
    })]);
    assert_eq!(platform.process.state().unwrap().ledger, Head::empty(), "an adoption is the way back");
}
