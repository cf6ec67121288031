//! The rotation drill: every key of the platform that others see is rotated while many sign, verify and refresh what they
//! trust. Nobody notices; what was signed before verifies afterwards; and what was retired is of no use to anybody.
//!
//! `AVOUCH_DRILL_SECONDS` says for how long; twenty, unless it is said.

mod client;
pub(crate) mod promises;

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use model::{Form, KeyId};
use signer::{
    Answer, CheckpointOrder, Head, HolderOrder, HolderStep, Imprint, Order, Orders, Refusal, RefusalCode,
    Signer, TimestampOrder, TufOrder,
};

use self::client::{Client, Refresh, identity};
use crate::command_line::text;
use crate::holders::World;

const ROLES: [(&str, Form); 6] = [
    ("signing-root", Form::Ca),
    ("ca", Form::Certificate),
    ("log", Form::Checkpoint),
    ("tsa", Form::Timestamp),
    ("ct", Form::Sct),
    ("rekor-v1", Form::Set),
];

/// What is done by whom: signing with a key of the platform, signing without, and verifying, each by so many.
const OF_EACH: usize = 7;

/// The number of the client who brings entries to the log of Rekor v1.
const OF_REKOR_V1: usize = 3 * OF_EACH;

/// The number of the client who signs before and after.
const FIRST: usize = OF_REKOR_V1 + 1;

/// What was counted.
#[derive(Default)]
struct Counts {
    signed: AtomicU64,
    keyless: AtomicU64,
    verified: AtomicU64,
    refreshed: AtomicU64,
    followed: AtomicU64,
    promised: AtomicU64,
    /// What a client did not manage that was so slow that what it trusted was older than the lead by then.
    late: AtomicU64,
    failures: Mutex<Vec<String>>,
}

/// When things happen.
struct Times {
    whole: Duration,
}

impl Times {
    fn new() -> Self {
        let seconds = std::env::var("AVOUCH_DRILL_SECONDS").ok().and_then(|text| text.parse().ok());
        Self { whole: Duration::from_secs(seconds.unwrap_or(20)) }
    }

    /// The lead, where a change of the registry takes so long: it is counted from before it is known to anybody.
    fn lead(&self, change: Duration) -> Duration {
        (self.whole / 2).max(4 * change)
    }

    fn overlap(&self) -> Duration {
        self.whole / 10
    }

    /// How old what a client trusts may be when it begins to do something.
    fn age_max(&self) -> Duration {
        self.whole / 16
    }

    /// How old it may be when it has done it: no verifier is promised more than that it notices nothing within the lead.
    fn late(&self) -> Duration {
        self.whole / 4
    }
}

/// What was signed before anything was rotated, and what was trusted then.
struct Before {
    folder: PathBuf,
    promised: promises::Kept,
}

impl Before {
    fn new(client: &mut Client<'_>) -> Self {
        client.refresh();
        client.sign(0);
        client.sign_keyless(0);
        assert!(client.good(&["log", "follow", "--once"]), "{:?}", client.counts.failures);
        let folder = client.folder.clone();
        fs::copy(folder.join("trusted_root.json"), folder.join("first_trusted_root.json")).unwrap();
        fs::copy(folder.join("trust-root.json"), folder.join("first-trust-root.json")).unwrap();
        let promised = promises::bring(client).expect("the log of Rekor v1 was begun");
        Self { folder, promised }
    }

    /// It verifies by what was trusted then, and by what this client trusts.
    fn verify(&self, client: &Client<'_>) {
        let at = |name: &str| self.folder.join(name).to_string_lossy().into_owned();
        for root in [
            at("first-trust-root.json"),
            client.folder.join("trust-root.json").to_string_lossy().into_owned(),
        ] {
            client.verify(&["verify", &at("managed-0.tar"), "--trust-root", &root]);
        }
        let (bundle, who) = (at("keyless-0.tar"), identity(FIRST, 0));
        client.verify_keyless_by(&bundle, &who, &["--trusted-root", &at("first_trusted_root.json")]);
        client.verify_keyless(&bundle, &who);
    }
}

#[test]
fn nobody_notices_while_every_key_of_the_platform_is_rotated() {
    let _alone = crate::site::alone();
    if testkit::tool("curl").is_none() {
        return;
    }
    let (mut world, counts, times) = (world(), Counts::default(), Times::new());
    let mut first = Client::new(&world, &counts, &times, FIRST).of_the_server();
    let before = Before::new(&mut first);
    let old = keys_in_use(&world);
    let (over, begun) = (AtomicBool::new(false), Instant::now());
    thread::scope(|scope| {
        for number in 0..FIRST {
            let (world, counts, times, over, before) = (&world, &counts, &times, &over, &before);
            scope.spawn(move || {
                let mut client = Client::new(world, counts, times, number);
                let mut turn = 1;
                while !over.load(Ordering::Relaxed) {
                    client.refresh();
                    match number % 3 {
                        0 if number == OF_REKOR_V1 => drop(promises::bring(&client)),
                        0 => client.sign(turn),
                        1 => client.sign_keyless(turn),
                        _ => before.verify(&client),
                    }
                    turn += 1;
                }
            });
        }
        let _they_end_whatever_happens = Ending(&over);
        rotate_all(&world, &times);
        until_retired(&world, &old);
        thread::sleep(times.whole.saturating_sub(begun.elapsed()));
    });
    let failures = counts.failures.lock().unwrap();
    let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
    println!(
        "rotation drill: {} clients for {} s: {} signed, {} signed keylessly, {} promised, {} verified, {} refreshed, {} refreshed by TUF; {} too late to count; {} failures",
        FIRST,
        begun.elapsed().as_secs(),
        read(&counts.signed),
        read(&counts.keyless),
        read(&counts.promised),
        read(&counts.verified),
        read(&counts.refreshed),
        read(&counts.followed),
        read(&counts.late),
        failures.len()
    );
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    drop(failures);
    after(&world, &mut first, &before, &old);
    assert!(counts.failures.lock().unwrap().is_empty(), "{:?}", counts.failures);
    world.site.stop();
    let (code, said) = world.site.run(&["fsck", &world.site.data()]);
    assert_eq!(code, 0, "{said}");
}

/// Ends the work of all clients when it is dropped.
struct Ending<'a>(&'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A platform with every log that there can be, whose repository says where it is.
fn world() -> World {
    let world = World::new();
    endorsed(&world, &["key", "create", "platform/rekor-v1", "--form", "set"]);
    endorsed(&world, &["trust", "publish"]);
    fs::write(world.site.path("root.json"), world.site.good(&["trust", "export", "--tuf"])).unwrap();
    world
}

/// What an administrator has done.
fn endorsed(world: &World, arguments: &[&str]) -> String {
    let (data, passphrase) = (world.site.data(), world.site.path("passphrase"));
    world.site.good(&[arguments, &["--dir", &data, "--admin-passphrase-file", &passphrase]].concat())
}

/// Each is rotated once; the new ones take over one after the other, while the old ones are still believed. The root of
/// TUF is another before that, and its old key is gone after it.
fn rotate_all(world: &World, times: &Times) {
    let seconds = |duration: Duration| format!("{}s", duration.as_secs());
    let change = Instant::now();
    endorsed(world, &["trust", "publish", "--rotate", "root"]);
    let (lead, overlap) = (seconds(times.lead(change.elapsed())), seconds(times.overlap()));
    for (role, _) in ROLES {
        let said = endorsed(world, &["trust", "rotate", role, "--lead", &lead, "--overlap", &overlap]);
        assert!(said.contains("takes over at"), "{said}");
    }
    endorsed(world, &["trust", "publish", "--retire", "root"]);
}

/// Waits until none of these keys may sign any more.
fn until_retired(world: &World, old: &[(Form, KeyId)]) {
    let deadline = Instant::now() + Duration::from_secs(600);
    let registry = || orders(world).state().unwrap().replay().unwrap();
    let now = || model::Clock::now(&signerd::SystemClock);
    while old.iter().any(|(_, key)| registry().key(key).unwrap().is_active_at(now())) {
        assert!(Instant::now() < deadline, "they do not retire");
        thread::sleep(Duration::from_millis(500));
    }
}

/// Everything is over: what was signed stands, and what was retired signs nothing more.
fn after(world: &World, client: &mut Client<'_>, before: &Before, old: &[(Form, KeyId)]) {
    client.refresh = Refresh::Before;
    client.refresh();
    before.verify(client);
    client.sign(9_999);
    client.sign_keyless(9_999);
    let followed = text(&client.command().args(["log", "follow", "--once"]).output().unwrap());
    assert!(followed.contains("has ended") && followed.contains("lost none"), "{followed}");
    let shown = text(&client.command().args(["trust", "show"]).output().unwrap());
    assert_eq!(shown.matches("retired since").count(), ROLES.len(), "{shown}");
    assert_eq!(shown.matches("in use since").count(), ROLES.len(), "{shown}");
    before.promised.is_in_the_trusted_root_of(client);
    assert!(promises::bring(client).is_some_and(|new| new.log() != before.promised.log()));
    // Nobody orders anything of a root: it certifies what the registry says.
    for (form, key) in old.iter().filter(|(form, _)| *form != Form::Ca) {
        let refusal = refused(world, order_of(*form, *key));
        assert!(refusal.code == RefusalCode::Key && refusal.text.contains("retired"), "{}", refusal.text);
    }
    assert_another_root(world, client, before, old);
    let registry = orders(world).state().unwrap().replay().unwrap();
    let root = registry.tuf().root().unwrap();
    let first = registry.key_named(&"platform/tuf-root".parse().unwrap(), 1).unwrap().record.id();
    assert!((root.version, root.root.len()) == (3, 1) && !root.root.contains(&first));
    refused(world, Order::Tuf(TufOrder { key: first, version: 4 }));
}

/// What is signed now has its certificates under the new root; who knows the old one alone cannot check it.
fn assert_another_root(world: &World, client: &Client<'_>, before: &Before, old: &[(Form, KeyId)]) {
    let (_, root) = old.iter().find(|(form, _)| *form == Form::Ca).unwrap();
    let state = orders(world).state().unwrap();
    let by = |new: bool| {
        let of_one = state.certificates.iter().filter(move |one| (one.issuer != *root) == new);
        of_one.map(|one| one.key)
    };
    let certified: Vec<KeyId> = by(true).collect();
    let lacking = by(false).filter(|key| key != root && !certified.contains(key));
    let registry = state.replay().unwrap();
    let now = model::Clock::now(&signerd::SystemClock);
    assert_eq!(lacking.filter(|key| registry.key(key).unwrap().is_active_at(now)).count(), 0);
    let first = before.folder.join("first-trust-root.json").to_string_lossy().into_owned();
    let verify = ["verify", "managed-9999.tar", "--trust-root", &first];
    let output = client.command().args(verify).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
}

fn refused(world: &World, order: Order) -> Refusal {
    let answers = orders(world).order(&Orders { ledger: Head::empty(), orders: vec![order] }).unwrap();
    let [Answer::Refused(refusal)] = answers.answers.as_slice() else { panic!("it signs: {answers:?}") };
    refusal.clone()
}

/// What a server that somebody owns would ask of an old key.
fn order_of(form: Form, key: KeyId) -> Order {
    match form {
        Form::Timestamp => {
            Order::Timestamp(TimestampOrder { key, imprint: Imprint::Sha256([5; 32]), nonce: None })
        }
        Form::Certificate => Order::Holder(HolderOrder {
            authority: key,
            token: b"any".to_vec(),
            public_key: Vec::new(),
            step: HolderStep::Precertificate,
        }),
        _ => Order::Checkpoint(CheckpointOrder {
            key,
            old: Head::empty(),
            new: Head { size: 1, root: model::Digest::of(b"another") },
            proof: Vec::new(),
        }),
    }
}

fn orders(world: &World) -> signer::Client {
    signer::Client::new(&world.site.dir.join("run/signerd/orders.sock"))
}

fn keys_in_use(world: &World) -> Vec<(Form, KeyId)> {
    let registry = orders(world).state().unwrap().replay().unwrap();
    let now = model::Clock::now(&signerd::SystemClock);
    let in_use = |form| registry.in_use(form, now).unwrap().record.id();
    ROLES.iter().map(|(_, form)| (*form, in_use(*form))).collect()
}
