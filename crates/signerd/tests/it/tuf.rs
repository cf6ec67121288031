//! TUF metadata: what an owned server gets signed of it, and what it does not.

use envelope::tuf::{Opened, Root, Snapshot, Targets, Timestamp, period};
use model::{Algorithm, Digest, Form, Instant, KeyId, TufRole};
use quorum::{Change, KeyRecord, TufRoot, TufTargets};
use signer::{AdminAnswer, Order, Refusal, RefusalCode, Signed, Signer as _, TufOrder, TufVersion};

use crate::world::{HOUR, MINUTE, Platform, World, YEAR};

const DAY: std::time::Duration = std::time::Duration::from_secs(86_400);

/// A platform with a key for each role, whose root and targets were endorsed.
struct Published {
    platform: Platform,
    root: KeyId,
    targets: KeyId,
    snapshot: KeyId,
    timestamp: KeyId,
}

pub(crate) fn key(platform: &Platform, name: &str, role: TufRole) -> KeyRecord {
    KeyRecord { role: Some(role), ..platform.record(name, Form::Tuf, Algorithm::EcdsaP256) }
}

impl Published {
    fn new() -> Self {
        Self::on(Platform::new())
    }

    fn on(platform: Platform) -> Self {
        let records = TufRole::ALL.iter().map(|role| key(&platform, &format!("platform/tuf-{role}"), *role));
        let records: Vec<KeyRecord> = records.collect();
        let [root, targets, snapshot, timestamp] = [0, 1, 2, 3].map(|at: usize| records[at].id());
        let mut changes: Vec<Change> = records.into_iter().map(Change::Key).collect();
        let now = platform.world.now().whole_second();
        let one = |key: KeyId| vec![key];
        changes.push(Change::TufRoot(TufRoot {
            version: 1,
            expires: now.after(YEAR),
            root: one(root),
            targets: one(targets),
            snapshot: one(snapshot),
            timestamp: one(timestamp),
        }));
        changes.push(Change::TufTargets(files(1, now.after(YEAR), "one")));
        let entered = platform.enter(changes);
        assert!(matches!(entered, AdminAnswer::Appended { .. }), "{entered:?}");
        Self { platform, root, targets, snapshot, timestamp }
    }

    fn sign(&self, key: KeyId, version: u64) -> Result<Signed, Refusal> {
        self.platform.order(Order::Tuf(TufOrder { key, version }))
    }

    fn refused(&self, key: KeyId, version: u64) -> RefusalCode {
        self.sign(key, version).unwrap_err().code
    }

    /// Everything that is due at the beginning.
    fn signed(self) -> Self {
        for key in [self.root, self.targets, self.snapshot, self.timestamp] {
            self.sign(key, 1).unwrap();
        }
        self
    }

    fn told(&self, role: TufRole) -> TufVersion {
        let told = self.platform.process.state().unwrap().tuf;
        told.into_iter().filter(|one| one.role == role).max_by_key(|one| one.version).unwrap()
    }

    fn file(&self, role: TufRole) -> Vec<u8> {
        let registry = self.platform.registry();
        let one = self.told(role);
        let metadata = registry.tuf_metadata(role, one.version, one.expires, one.names.as_ref()).unwrap();
        registry.tuf_seal(&metadata, &one.signatures).unwrap().bytes
    }

    fn publish(&self, version: u64, text: &str) -> AdminAnswer {
        let expires = self.platform.world.now().whole_second().after(YEAR);
        self.platform.enter(vec![Change::TufTargets(files(version, expires, text))])
    }
}

fn files(version: u64, expires: Instant, text: &str) -> TufTargets {
    let files = [("trusted_root.json".to_owned(), text.to_owned())].into();
    TufTargets { version, expires, files }
}

#[test]
fn each_role_is_signed_over_the_file_below_it_and_the_whole_opens() {
    let published = Published::new().signed();
    let root: Opened<Root> = Opened::parse(&published.file(TufRole::Root)).unwrap();
    let targets: Opened<Targets> = Opened::parse(&published.file(TufRole::Targets)).unwrap();
    let snapshot: Opened<Snapshot> = Opened::parse(&published.file(TufRole::Snapshot)).unwrap();
    let timestamp: Opened<Timestamp> = Opened::parse(&published.file(TufRole::Timestamp)).unwrap();
    let keys = &root.says.keys;
    root.check(root.says.signers(TufRole::Root), keys).unwrap();
    targets.check(root.says.signers(TufRole::Targets), keys).unwrap();
    snapshot.check(root.says.signers(TufRole::Snapshot), keys).unwrap();
    timestamp.check(root.says.signers(TufRole::Timestamp), keys).unwrap();
    assert!(timestamp.check(root.says.signers(TufRole::Snapshot), keys).is_err());
    assert!(timestamp.says.snapshot().is(&published.file(TufRole::Snapshot)));
    assert!(snapshot.says.meta["targets.json"].is(&published.file(TufRole::Targets)));
    assert!(targets.says.targets["trusted_root.json"].is(b"one"));
    let now = published.platform.world.now();
    assert_eq!(
        published.told(TufRole::Timestamp).expires,
        now.after(period(TufRole::Timestamp)).whole_second()
    );
}

#[test]
fn an_owned_server_cannot_replace_the_trusted_root_nor_freeze_it_past_its_expiry() {
    let published = Published::new();
    // Nothing is signed over what is not signed itself, and no version is left out.
    assert_eq!(published.refused(published.timestamp, 1), RefusalCode::NotConsistent);
    assert_eq!(published.refused(published.snapshot, 1), RefusalCode::NotConsistent);
    let published = published.signed();
    // A root and targets that no entry names, and one that was replaced.
    for key in [published.root, published.targets] {
        assert_eq!(published.refused(key, 2), RefusalCode::Quorum);
        assert!(published.sign(key, 0).is_err());
    }
    assert_eq!(published.refused(published.timestamp, 3), RefusalCode::NotConsistent);
    assert_eq!(published.refused(published.snapshot, 0), RefusalCode::NotConsistent);
    // Each key signs for its role alone, and keys of other forms sign nothing of it.
    let others = published.platform.key("default/blob");
    assert_eq!(published.refused(others, 1), RefusalCode::Key);
    assert!(matches!(published.publish(2, "two"), AdminAnswer::Appended { .. }));
    // What it renews is over what was endorsed last, or is not signed at all.
    assert_eq!(published.refused(published.snapshot, 2), RefusalCode::NotConsistent);
    published.sign(published.targets, 2).unwrap();
    published.sign(published.snapshot, 2).unwrap();
    published.sign(published.timestamp, 2).unwrap();
    assert_eq!(published.told(TufRole::Snapshot).names.unwrap().version, 2);
    // What it renews ends a fixed time from now, however often it asks.
    let start = published.platform.world.now();
    for version in 3..40 {
        published.platform.world.clock.advance(HOUR);
        published.sign(published.timestamp, version).unwrap();
        let now = published.platform.world.now();
        assert!(published.told(TufRole::Timestamp).expires <= now.after(period(TufRole::Timestamp)));
    }
    assert!(published.platform.world.now() > start);
    // And nothing counts beyond what people endorsed.
    published.platform.world.clock.advance(400 * DAY);
    assert_eq!(published.refused(published.snapshot, 3), RefusalCode::Key, "the key has ended too");
}

/// Attack: what was endorsed is held back for as long as the timestamp lasts that stood then, and no longer.
#[test]
fn no_timestamp_is_renewed_over_targets_that_were_replaced() {
    let published = Published::new().signed();
    published.sign(published.timestamp, 2).unwrap();
    assert!(matches!(published.publish(2, "two"), AdminAnswer::Appended { .. }));
    let refused = || {
        let refusal = published.sign(published.timestamp, 3).unwrap_err();
        assert_eq!(refusal.code, RefusalCode::NotConsistent);
        assert!(refusal.text.contains("targets that were replaced"), "{}", refusal.text);
    };
    refused();
    assert_eq!(published.told(TufRole::Timestamp).version, 2);
    published.sign(published.timestamp, 2).expect("what stands already is told again");
    published.sign(published.targets, 2).unwrap();
    refused();
    published.sign(published.snapshot, 2).unwrap();
    published.sign(published.timestamp, 3).unwrap();
    assert_eq!(published.told(TufRole::Timestamp).names.unwrap().version, 2);
}

#[test]
fn there_are_never_two_metadata_of_one_role_and_version() {
    let published = Published::new().signed();
    let first = published.sign(published.timestamp, 1).unwrap();
    let file = published.file(TufRole::Timestamp);
    published.platform.world.clock.advance(MINUTE);
    assert_eq!(published.sign(published.timestamp, 1).unwrap(), first, "the same again, and no later end");
    let Published { platform, root, targets, snapshot, timestamp } = published;
    let published = Published { platform: platform.restart(), root, targets, snapshot, timestamp };
    assert_eq!(published.file(TufRole::Timestamp), file);
    assert_eq!(published.sign(published.timestamp, 1).unwrap().signature, first.signature);
    published.platform.world.clock.advance(MINUTE);
    published.sign(published.timestamp, 2).unwrap();
    assert_eq!(published.refused(published.timestamp, 1), RefusalCode::NotConsistent);
}

#[test]
fn what_was_signed_survives_the_turn_of_a_segment_and_its_versions_go_on() {
    let mut world = World::new();
    world.segment_bytes = 4 * 1024;
    let published = Published::on(Platform::begin(world)).signed();
    for version in 2..60 {
        published.platform.world.clock.advance(MINUTE);
        published.sign(published.timestamp, version).unwrap();
    }
    let Published { platform, root, targets, snapshot, timestamp } = published;
    let published = Published { platform: platform.restart(), root, targets, snapshot, timestamp };
    assert_eq!(published.told(TufRole::Timestamp).version, 59);
    let opened: Opened<Timestamp> = Opened::parse(&published.file(TufRole::Timestamp)).unwrap();
    assert_eq!(opened.says.snapshot().version, 1);
    published.sign(published.timestamp, 60).unwrap();
}

#[test]
fn a_root_is_signed_by_the_keys_before_and_from_now_on_and_old_ones_go_when_the_next_says_so() {
    let published = Published::new().signed();
    let platform = &published.platform;
    let second = KeyRecord { generation: 2, ..key(platform, "platform/tuf-root", TufRole::Root) };
    let second_id = second.id();
    let expires = platform.world.now().whole_second().after(YEAR);
    let next = |version, root: &[KeyId]| TufRoot {
        version,
        expires,
        root: root.to_vec(),
        targets: vec![published.targets],
        snapshot: vec![published.snapshot],
        timestamp: vec![published.timestamp],
    };
    let both = next(2, &[published.root, second_id]);
    let entered = platform.enter(vec![Change::Key(second), Change::TufRoot(both)]);
    assert!(matches!(entered, AdminAnswer::Appended { .. }), "{entered:?}");
    published.sign(second_id, 2).unwrap();
    let registry = platform.registry();
    let unsealed = registry.tuf_root(2).unwrap();
    assert!(
        registry.tuf_seal(&unsealed, &published.told(TufRole::Root).signatures).is_none(),
        "not by the old one"
    );
    published.sign(published.root, 2).unwrap();
    let two: Opened<Root> = Opened::parse(&published.file(TufRole::Root)).unwrap();
    assert!(matches!(
        platform.enter(vec![Change::TufRoot(next(3, &[second_id]))]),
        AdminAnswer::Appended { .. }
    ));
    published.sign(second_id, 3).unwrap();
    let three: Opened<Root> = Opened::parse(&published.file(TufRole::Root)).unwrap();
    three.check(two.says.signers(TufRole::Root), &two.says.keys).unwrap();
    three.check(three.says.signers(TufRole::Root), &three.says.keys).unwrap();
    assert!(matches!(
        platform.enter(vec![Change::TufRoot(next(4, &[second_id]))]),
        AdminAnswer::Appended { .. }
    ));
    assert_eq!(published.refused(published.root, 4), RefusalCode::Key, "it is out");
}

#[test]
fn metadata_that_skips_a_version_counts_for_ever_or_is_of_others_keys_cannot_be_endorsed() {
    let published = Published::new().signed();
    let platform = &published.platform;
    let now = platform.world.now().whole_second();
    let root = platform.registry().tuf().root().unwrap().clone();
    let blob = platform.key("default/blob");
    let targets = |version, expires| Change::TufTargets(files(version, expires, "x"));
    let next = TufRoot { version: 2, ..root };
    for change in [
        targets(3, now.after(YEAR)),
        targets(2, now.after(500 * DAY)),
        targets(2, now),
        targets(2, Instant::from_nanoseconds(now.after(YEAR).nanoseconds() + 1)),
        Change::TufTargets(TufTargets {
            files: [("../x".to_owned(), String::new())].into(),
            ..files(2, now.after(YEAR), "")
        }),
        Change::TufRoot(TufRoot { version: 3, ..next.clone() }),
        Change::TufRoot(TufRoot { timestamp: vec![blob], ..next.clone() }),
        Change::TufRoot(TufRoot { timestamp: vec![published.snapshot], ..next.clone() }),
        Change::TufRoot(TufRoot { timestamp: vec![], ..next.clone() }),
        Change::TufRoot(TufRoot { root: vec![published.root, published.root], ..next.clone() }),
    ] {
        let answer = platform.enter(vec![change.clone()]);
        assert!(matches!(answer, AdminAnswer::Refused(_)), "{change:?}");
    }
    assert_eq!(platform.registry().tuf().targets().unwrap().version, 1);
    assert_eq!(
        Digest::of(b"one"),
        Digest::of(platform.registry().tuf().targets().unwrap().files["trusted_root.json"].as_bytes())
    );
}
