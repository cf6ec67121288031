//! The rotation drill: every key of the platform that others see is rotated while many sign, verify and refresh what they
//! trust. Nobody notices; what was signed before verifies afterwards; and what was retired is of no use to anybody.
//!
//! `AVOUCH_DRILL_SECONDS` says for how long; twenty, unless it is said.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use model::{Form, KeyId};
use signer::{
    Answer, CheckpointOrder, Head, HolderOrder, HolderStep, Imprint, Order, Orders, RefusalCode, Signer,
    TimestampOrder,
};

use crate::command_line::text;
use crate::holders::World;

const ROLES: [(&str, Form); 4] =
    [("ca", Form::Certificate), ("log", Form::Checkpoint), ("tsa", Form::Timestamp), ("ct", Form::Sct)];

/// What is done by whom: each of the three by so many.
const OF_EACH: usize = 7;

/// The number of the client who signs before and after.
const FIRST: usize = 3 * OF_EACH;

/// What was counted.
#[derive(Default)]
struct Counts {
    signed: AtomicU64,
    keyless: AtomicU64,
    verified: AtomicU64,
    refreshed: AtomicU64,
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

/// When a client fetches what it trusts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Refresh {
    /// Before each thing that it does.
    Before,
    /// Only once it has become old.
    WhenOld,
}

/// One of those who sign and verify.
struct Client<'a> {
    world: &'a World,
    counts: &'a Counts,
    times: &'a Times,
    number: usize,
    folder: PathBuf,
    refresh: Refresh,
    fetched: Option<Instant>,
}

impl<'a> Client<'a> {
    fn new(world: &'a World, counts: &'a Counts, times: &'a Times, number: usize) -> Self {
        let folder = PathBuf::from(world.site.path(&format!("client-{number}")));
        fs::create_dir(&folder).unwrap();
        let context = fs::read_to_string(world.site.path("context.toml")).unwrap();
        let own = folder.join("trust-root.json");
        let line = context.lines().find(|line| line.starts_with("trust_root = ")).unwrap().to_owned();
        fs::write(folder.join("context.toml"), context.replace(&line, &format!("trust_root = {own:?}")))
            .unwrap();
        fs::copy(world.site.dir.join("client/trust-root.json"), own).unwrap();
        let refresh = if number.is_multiple_of(2) { Refresh::Before } else { Refresh::WhenOld };
        Self { world, counts, times, number, folder, refresh, fetched: None }
    }

    fn command(&self) -> Command {
        let mut command = self.world.site.command();
        command.env("AVOUCH_CONTEXT", self.folder.join("context.toml")).current_dir(&self.folder);
        command.env("SSL_CERT_FILE", self.world.site.dir.join("server/tls/ca.pem"));
        command
    }

    /// Does it, and keeps what went wrong.
    fn good(&self, arguments: &[&str]) -> bool {
        let output = self.command().args(arguments).output().unwrap();
        let is_late = self.fetched.is_some_and(|at| at.elapsed() > self.times.late());
        if !output.status.success() && is_late {
            self.counts.late.fetch_add(1, Ordering::Relaxed);
        } else if !output.status.success() {
            let what = format!("{arguments:?}: {}", text(&output));
            self.counts.failures.lock().unwrap().push(what);
        }
        output.status.success()
    }

    fn refresh(&mut self) {
        let is_old = self.fetched.is_none_or(|at| at.elapsed() > self.times.age_max());
        if self.refresh == Refresh::Before || is_old {
            let at = Instant::now();
            if self.good(&["sigstore", "files", "."]) {
                self.counts.refreshed.fetch_add(1, Ordering::Relaxed);
                self.fetched = Some(at);
            }
        }
    }

    /// Signs with a key of the platform, and verifies.
    fn sign(&mut self, turn: u64) {
        let name = format!("managed-{turn}.tar");
        fs::write(self.folder.join(&name), format!("bytes {turn} of {}", self.folder.display())).unwrap();
        if self.good(&["sign", &name]) {
            self.counts.signed.fetch_add(1, Ordering::Relaxed);
            self.verify(&["verify", &name]);
        }
    }

    /// Signs as the holder of a token, and verifies.
    fn sign_keyless(&mut self, turn: u64) {
        let name = format!("keyless-{turn}.tar");
        fs::write(self.folder.join(&name), format!("bytes {turn} of {}", self.folder.display())).unwrap();
        let who = identity(self.number, turn);
        fs::write(self.folder.join("token"), self.world.token(&who)).unwrap();
        let place = ["--signing-config", "signing_config.v0.2.json", "--trusted-root", "trusted_root.json"];
        let sign = ["sign", &name, "--keyless", "--identity-token", "@token"];
        if self.good(&[&sign[..], &place].concat()) {
            self.counts.keyless.fetch_add(1, Ordering::Relaxed);
            self.verify_keyless(&name, &who, Path::new("trusted_root.json"));
        }
    }

    fn verify_keyless(&self, name: &str, who: &str, root: &Path) {
        let (bundle, issuer) = (format!("{name}.sigstore.json"), self.world.issuer.url());
        let root = root.to_string_lossy();
        let by = ["--identity", who, "--issuer", &issuer, "--trusted-root", &root];
        self.verify(&[&["verify", name, "--bundle", &bundle], &by[..]].concat());
    }

    fn verify(&self, arguments: &[&str]) {
        if self.good(arguments) {
            self.counts.verified.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Who signs: another person each time, for a token is good for one certificate.
fn identity(number: usize, turn: u64) -> String {
    format!("client-{number}.{turn}@example.com")
}

/// What was signed before anything was rotated, and what was trusted then.
struct Before {
    folder: PathBuf,
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
        Self { folder }
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
        for root in [self.folder.join("first_trusted_root.json"), client.folder.join("trusted_root.json")] {
            client.verify_keyless(&at("keyless-0.tar"), &identity(FIRST, 0), &root);
        }
    }
}

#[test]
fn nobody_notices_while_every_key_of_the_platform_is_rotated() {
    let _alone = crate::site::alone();
    let (mut world, counts, times) = (World::new(), Counts::default(), Times::new());
    let mut first = Client::new(&world, &counts, &times, FIRST);
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
        "rotation drill: {} clients for {} s: {} signed, {} signed keylessly, {} verified, {} refreshed; {} too late to count; {} failures",
        FIRST,
        begun.elapsed().as_secs(),
        read(&counts.signed),
        read(&counts.keyless),
        read(&counts.verified),
        read(&counts.refreshed),
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

/// Each is rotated once; the new ones take over one after the other, while the old ones are still believed.
fn rotate_all(world: &World, times: &Times) {
    let (data, passphrase) = (world.site.data(), world.site.path("passphrase"));
    let seconds = |duration: Duration| format!("{}s", duration.as_secs());
    let change = Instant::now();
    let endorsed = ["--dir", &data, "--admin-passphrase-file", &passphrase];
    world.site.good(&[&["key", "create", "default/other", "--form", "blob"], &endorsed[..]].concat());
    let (lead, overlap) = (seconds(times.lead(change.elapsed())), seconds(times.overlap()));
    for (role, _) in ROLES {
        let rotate = ["trust", "rotate", role, "--lead", &lead, "--overlap", &overlap];
        let said = world
            .site
            .good(&[&rotate[..], &["--dir", &data, "--admin-passphrase-file", &passphrase]].concat());
        assert!(said.contains("takes over at"), "{said}");
    }
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
    for (form, key) in old {
        let order = order_of(*form, *key);
        let answers = orders(world).order(&Orders { ledger: Head::empty(), orders: vec![order] }).unwrap();
        let [Answer::Refused(refusal)] = answers.answers.as_slice() else {
            panic!("{form} signs: {answers:?}")
        };
        assert!(refusal.code == RefusalCode::Key && refusal.text.contains("retired"), "{}", refusal.text);
    }
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
