//! Somebody owns the server and speaks to the key process over its ordinary socket: whatever they order, they get no
//! certificate, token or checkpoint from a key for code, no time that is not now, no second checkpoint for an origin; and
//! of every signature that they do get the journal knows, and `fsck` names it.

mod orders;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::Arc;
use std::time::{Duration, Instant as Since};

use envelope::{Chosen, compose};
use model::journal::{Ending, Intent, Leaf};
use model::{Clock as _, Digest, Disk, Instant, Item, KeyId, Purpose, Request};
use signer::{
    Answer, Client, Frame, Head, Order, Orders, Platform, RefusalCode, Signed, Signer as _, SignerError,
};
use signerd::{FileDisk, SystemClock};

use crate::site::Site;
use crate::token::create;
use orders::{Intruder, head};

/// So many orders, unless `AVOUCH_HOSTILE_ORDERS` says otherwise.
const ORDERS: usize = 400;
/// The most in one frame.
const BATCH_MAX: usize = 32;
/// How far a time may be from when it was asked for.
const APART_MAX: Duration = Duration::from_secs(1);

fn count() -> usize {
    std::env::var("AVOUCH_HOSTILE_ORDERS").ok().and_then(|text| text.parse().ok()).unwrap_or(ORDERS)
}

/// A platform with keys of several forms, one of them governed, whose key process runs alone.
struct Lonely {
    site: Site,
    key_process: KeyProcess,
}

/// Ended at the latest when it is dropped, so that a test that fails leaves none behind.
struct KeyProcess(Child);

impl Drop for KeyProcess {
    fn drop(&mut self) {
        let _gone_already = self.0.kill();
        let _reaped = self.0.wait();
    }
}

impl Lonely {
    fn new() -> Self {
        let mut site = Site::founded();
        site.serve();
        for (name, flags) in [
            ("default/dsse", &["--form", "dsse"][..]),
            ("default/minisign", &["--form", "minisign", "--algorithm", "ed25519"]),
            ("default/sshsig", &["--form", "sshsig"]),
            ("default/governed", &["--form", "blob", "--rule", "administrators=1"]),
            ("default/other", &["--form", "blob", "--algorithm", "rsa3072"]),
        ] {
            let (code, said) = create(&site, name, flags);
            assert_eq!(code, 0, "{said}");
        }
        site.stop();
        let key_process = site.command().arg("signerd").arg(&site.dir).spawn().unwrap();
        let lonely = Self { site, key_process: KeyProcess(key_process) };
        let (client, since) = (Client::new(&lonely.socket()), Since::now());
        while client.state().is_err() {
            assert!(since.elapsed() < Duration::from_secs(120), "the key process does not start");
            std::thread::yield_now();
        }
        lonely
    }

    fn socket(&self) -> PathBuf {
        self.site.dir.join("run/signerd/orders.sock")
    }

    /// Ends the key process as an init system would.
    fn stop(mut self) -> Site {
        let process = self.key_process.0.id().to_string();
        assert!(std::process::Command::new("kill").arg(process).status().unwrap().success());
        assert!(self.key_process.0.wait().unwrap().success());
        self.site
    }
}

/// All that was given, held against what may be.
struct Judge {
    platform: Platform,
    /// What was given first for each item of a request.
    given: BTreeMap<(Digest, u32), Signed>,
    /// The leaf of each signature, and the signature's digest.
    leaves: BTreeMap<u64, (Vec<u8>, Digest)>,
    serials: BTreeSet<u64>,
    /// The last version of the metadata that each key signs.
    versions: BTreeMap<KeyId, u64>,
    /// The last head of each key's log.
    last: BTreeMap<KeyId, Head>,
    tally: BTreeMap<&'static str, usize>,
}

impl Judge {
    fn new(platform: Platform) -> Self {
        let (given, leaves, serials) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        let (versions, tally) = (BTreeMap::new(), BTreeMap::new());
        let last = BTreeMap::new();
        Self { platform, given, leaves, serials, versions, last, tally }
    }

    /// One answer; times must be between these two.
    fn hear(&mut self, order: &Order, answer: &Answer, between: (Instant, Instant)) {
        let Answer::Signed(signed) = answer else { return self.count("refused") };
        let Ok(Leaf::Intent(intent)) = Leaf::decode(&signed.leaf) else { panic!("no intent: {order:?}") };
        assert_eq!(intent.sequence, signed.index);
        let chosen = Chosen::decode(&signed.chosen).unwrap();
        assert_eq!(intent.chosen, signed.chosen);
        self.leaves.insert(signed.index, (signed.leaf.clone(), Digest::of(&signed.signature)));
        match order {
            Order::Sign(order) => {
                let digest = Request::digest(&order.request);
                let item = Item::parse(&order.item).expect("what is signed can be read");
                if let Some(first) = self.given.get(&(digest, item.index)) {
                    assert_eq!(first, signed, "one order, one signature");
                    return self.count("given again");
                }
                self.check_code(&item, &chosen, signed, &intent, between);
                self.given.insert((digest, item.index), signed.clone());
                self.count("signatures of keys for code");
            }
            Order::Timestamp(order) => {
                self.check_purpose(&order.key, Purpose::Timestamp);
                let Chosen::Stamp { time, serial } = chosen else { panic!("{chosen:?}") };
                check_time(time, between);
                assert!(self.serials.insert(serial), "a number of a token comes once");
                self.count("timestamp tokens");
            }
            Order::Checkpoint(order) => {
                // A log of certificates has heads of its own, with a time in them.
                match chosen {
                    Chosen::TreeHead(time) => {
                        self.check_purpose(&order.key, Purpose::Sct);
                        check_time(time, between);
                    }
                    _ => self.check_purpose(&order.key, Purpose::Checkpoint),
                }
                let last = self.last.entry(order.key).or_insert_with(|| head(&[]));
                let (old, new) = (*last, order.new);
                if old == new {
                    return self.count("checkpoints given again");
                }
                tlog::proof::verify_consistency(old.size, &old.root, new.size, &new.root, &order.proof)
                    .unwrap_or_else(|error| panic!("a second history: {error}: {old:?}, {order:?}"));
                *last = new;
                self.count("checkpoints");
            }
            Order::Recall(order) => {
                let first = self.given.get(&(order.request, order.item)).expect("it was given before");
                assert_eq!(first, signed, "what is given back is what was given");
                self.count("given back");
            }
            Order::Tuf(order) => {
                self.check_purpose(&order.key, Purpose::Tuf);
                let last = self.versions.insert(order.key, order.version).unwrap_or(order.version);
                assert!((last..=last + 1).contains(&order.version), "{order:?} after version {last}");
                self.count("TUF metadata");
            }
            Order::Holder(_) | Order::Promise(_) => panic!("{order:?} was done"),
        }
    }

    fn count(&mut self, what: &'static str) {
        *self.tally.entry(what).or_default() += 1;
    }

    fn check_purpose(&self, key: &KeyId, purpose: Purpose) {
        let key = self.platform.registry().key(key).expect("keys that sign are in the registry");
        assert_eq!(key.record.purpose, purpose, "{}", key.record.name);
    }

    /// What was signed is what everybody composes of the item for a key of that form, and nothing else.
    fn check_code(
        &self,
        item: &Item,
        chosen: &Chosen,
        signed: &Signed,
        intent: &Intent,
        between: (Instant, Instant),
    ) {
        let key = self.platform.registry().key_named(&item.key.name, item.key.generation).unwrap();
        assert_eq!((key.record.purpose, key.record.form), (Purpose::Code, item.form));
        assert!(key.record.rule.is_none(), "nobody endorsed `{}`", key.record.name);
        assert_eq!(intent.key, key.record.id());
        let chain = self.platform.chain_at(&key.record.id(), intent.time).unwrap_or_default();
        let composed = compose(item, chosen, chain.certificates.first()).unwrap();
        composed.verify(&key.record.public_key, &signed.signature).unwrap();
        check_time(intent.time, between);
        if let Chosen::SigningTime(time) = chosen {
            check_time(*time, (between.0.whole_second(), between.1));
        }
    }
}

fn check_time(time: Instant, (sent, heard): (Instant, Instant)) {
    assert!(sent.before(APART_MAX) <= time && time <= heard.after(APART_MAX), "{time}: {sent} to {heard}");
}

/// What certificates, tokens, checkpoints, attributes and envelopes cover.
fn evil(platform: &Platform) -> Vec<Vec<u8>> {
    let mut evil: Vec<Vec<u8>> = platform.certificates().map(pki::Certificate::tbs_der).collect();
    evil.push(envelope::dsse::pre_authentication_encoding("application/vnd.in-toto+json", b"{}"));
    evil.push(
        tlog::Checkpoint::new("2026.log.localhost", 1, Digest::of(b"root")).unwrap().text().into_bytes(),
    );
    evil
}

/// A frame of which some bytes are others. Mostly it is none any more; where it is one, what it orders is judged too.
fn say_spoilt(intruder: &mut Intruder, judge: &mut Judge, orders: &Orders, socket: &Path) {
    let mut frame = Vec::new();
    Frame::Orders(orders.clone()).write(&mut frame).unwrap();
    let spoilt = intruder.spoil(frame.split_off(4));
    let spoilt = [&u32::try_from(spoilt.len()).unwrap().to_be_bytes()[..], &spoilt].concat();
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let sent = SystemClock.now();
    stream.write_all(&spoilt).unwrap();
    match (Frame::read(&mut stream), Frame::read(&mut spoilt.as_slice())) {
        (Ok(Frame::Answers(answers)), Ok(Frame::Orders(orders))) => {
            hear_all(intruder, judge, &orders, &answers.answers, (sent, SystemClock.now()));
        }
        (Ok(Frame::Refused(_) | Frame::State(_)), _) => judge.count("spoilt frames refused"),
        other => panic!("{other:?}"),
    }
}

fn hear_all(
    intruder: &mut Intruder,
    judge: &mut Judge,
    orders: &Orders,
    answers: &[Answer],
    between: (Instant, Instant),
) {
    for (order, answer) in orders.orders.iter().zip(answers) {
        judge.hear(order, answer, between);
        intruder.hear(order, answer);
    }
}

#[test]
fn hostile_orders_get_nothing_that_is_not_theirs_and_every_signature_is_in_the_journal_and_named() {
    let lonely = Lonely::new();
    let (socket, client) = (lonely.socket(), Client::new(&lonely.socket()));
    let platform = Platform::replay(&client.state().unwrap()).unwrap();
    let mut intruder = Intruder::new(platform.registry().clone(), evil(&platform), 10_000);
    let (mut judge, mut ordered) = (Judge::new(platform), 0);
    while ordered < count() {
        let size = 1 + intruder.below(BATCH_MAX.min(count() - ordered));
        let orders = (0..size).map(|_| intruder.order()).collect();
        let orders = Orders { ledger: Head::empty(), orders };
        ordered += size;
        let sent = SystemClock.now();
        let answers = match client.order(&orders) {
            Ok(answers) => answers.answers,
            // One that is no order at all: the frame is none, and nothing of it was looked at.
            Err(SignerError::Refused(refusal)) if refusal.code == RefusalCode::Malformed => {
                judge.count("frames refused");
                continue;
            }
            Err(error) => panic!("{error}"),
        };
        hear_all(&mut intruder, &mut judge, &orders, &answers, (sent, SystemClock.now()));
        if intruder.below(4) == 0 {
            say_spoilt(&mut intruder, &mut judge, &orders, &socket);
        }
    }
    let given = judge.leaves.len();
    assert!(
        ["signatures of keys for code", "timestamp tokens", "checkpoints", "given again"]
            .iter()
            .all(|what| judge.tally.contains_key(what)),
        "{:?}",
        judge.tally
    );
    check_journal(&lonely.stop(), &judge);
    println!("{ordered} orders, {given} leaves of signatures: {:?}", judge.tally);
}

/// Each is where its leaf says, and ended in that signature; and `fsck` lists it by leaf and signature.
fn check_journal(site: &Site, judge: &Judge) {
    let disk: Arc<dyn Disk> = Arc::new(FileDisk::new(&site.dir.join("signerd/journal")));
    let journal = signerd::inspect(&disk).unwrap().unwrap();
    assert_eq!(journal.held_from, 0, "the files hold all of it");
    let (code, said) = site.run(&["fsck", &site.data(), "--json", "--signatures"]);
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(code, 1, "it tells of requests that nobody knows: {said}");
    let listed: BTreeSet<(u64, String)> = said["signatures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["leaf"].as_u64().unwrap(), one["signature"].as_str().unwrap().to_owned()))
        .collect();
    let findings: Vec<&str> =
        said["findings"].as_array().unwrap().iter().map(|one| one["text"].as_str().unwrap()).collect();
    for (leaf, (bytes, signature)) in &judge.leaves {
        assert_eq!(journal.leaves[usize::try_from(*leaf).unwrap()].encode(), *bytes, "leaf {leaf}");
        let ending = journal.intents[leaf].ending;
        assert_eq!(ending, Some(Ending::Signed(*signature)), "leaf {leaf}");
        assert!(listed.contains(&(*leaf, signature.to_string())), "`fsck` does not list leaf {leaf}");
    }
    // Those that are of a request are faults as well: no row knows it.
    for signed in judge.given.values() {
        let named = findings.iter().any(|text| text.contains(&format!("leaf {}", signed.index)));
        assert!(named, "`fsck` finds nothing at leaf {}", signed.index);
    }
    assert!(
        judge.last.is_empty()
            || findings.iter().any(|text| text.contains("the key process signed a checkpoint")),
        "{findings:?}"
    );
}
