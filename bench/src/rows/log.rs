//! Entries of others, from the call to index and proof under a durable checkpoint (Rekor v2).

use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use data_encoding::BASE64;
use model::Digest;
use serde_json::json;

use crate::Effort;
use crate::cost;
use crate::disk;
use crate::failure::Failure;
use crate::load::{Client, Clients, Phase, Spent, Throughput};
use crate::platform::{Plan, Platform};
use crate::post::BarePost;
use crate::processes;
use crate::raw::{Needs, Operation, Probes};
use crate::report::{Floor, Row};
use crate::rows::Bench;
use crate::wire::{Connection, Door};

pub(super) const ENTRIES: &str = "/api/v2/log/entries";
/// As many as others are measured by.
const MANY: u32 = 512;
/// The log verifies what it takes.
pub(super) const NEEDS: Needs = &[(Operation::VerifyP256, 1)];

/// SubjectPublicKeyInfo of P-256, up to the point that ends it (RFC 5480).
pub(super) const SPKI: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// Somebody who signs and logs.
pub(super) struct Submitter {
    key: EcdsaKeyPair,
    number: u64,
}

impl Submitter {
    pub(super) fn new() -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key can be made");
        Self { key, number: 0 }
    }

    /// The body of a `hashedRekordRequestV002` that nobody brought before.
    pub(super) fn entry(&mut self) -> Vec<u8> {
        self.number += 1;
        let message = self.number.to_be_bytes();
        let signature =
            self.key.sign(&SystemRandom::new(), &message).expect("a key that was just made signs");
        let key = [&SPKI[..], self.key.public_key().as_ref()].concat();
        let entry = json!({"hashedRekordRequestV002": {
            "digest": BASE64.encode(Digest::of(&message).as_bytes()),
            "signature": {
                "content": BASE64.encode(signature.as_ref()),
                "verifier": {
                    "publicKey": {"rawBytes": BASE64.encode(&key)},
                    "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                },
            },
        }});
        entry.to_string().into_bytes()
    }

    pub(super) fn bring(&mut self, connection: &mut Connection) -> Result<(), Failure> {
        let entry = self.entry();
        connection.post(ENTRIES, "application/json", &entry).map(drop)
    }
}

/// One address brings all of them here.
pub(super) fn plan() -> Plan {
    Plan { config: "log_submissions_per_second = 1000000\n".to_owned() }
}

fn clients(door: &Door, count: u32) -> Result<Clients<impl Client>, Failure> {
    Clients::new(door, count, |_| {
        let mut submitter = Submitter::new();
        move |connection: &mut Connection| submitter.bring(connection)
    })
}

pub(super) fn lone(bench: &Bench<'_>) -> Result<Row, Failure> {
    median(bench, "lone-append", "log entry with proof, one client, p50", 1, 1.5)
}

pub(super) fn of_sixty_four(bench: &Bench<'_>) -> Result<Row, Failure> {
    median(bench, "append-64", "log entry with proof, 64 clients, p50", 64, 3.0)
}

/// The median, which is judged in milliseconds.
fn median(
    bench: &Bench<'_>,
    name: &'static str,
    what: &'static str,
    count: u32,
    most_ms: f64,
) -> Result<Row, Failure> {
    let platform = Platform::new(bench.avouch, &plan())?;
    let mut clients = clients(&platform.public, count)?;
    let during = Duration::from_millis(if bench.effort == Effort::Full { 1_500 } else { 200 });
    clients.work(during / 4)?;
    let mut probes = Probes::new(&bench.raw, NEEDS);
    let (mut syncs, mut took) = (Vec::new(), Vec::new());
    for _ in 0..4 {
        probes.take()?;
        syncs.push(disk::sync_time(platform.folder())?);
        took.extend(clients.work(during)?.latencies);
    }
    took.sort_unstable();
    let at = |share| cost::percentile(&took, share).as_secs_f64() * 1e3;
    Ok(Row {
        name,
        what,
        value: at(0.5),
        unit: "ms",
        ratio: at(0.5) / most_ms,
        floor: Floor::AtMost(1.0),
        drift: probes.drift(),
        beside: format!(
            "at most {most_ms} ms wanted; p99 {:.2} ms; fdatasync {:.3} ms; {} entries",
            at(0.99),
            cost::median(syncs).as_secs_f64() * 1e3,
            took.len()
        ),
    })
}

pub(super) fn of_many(bench: &Bench<'_>) -> Result<Row, Failure> {
    let platform = Platform::new(bench.avouch, &plan())?;
    let mut clients = clients(&platform.public, MANY)?;
    let what = "log entries, verified, 512 clients";
    let row = Throughput { name: "append-512", what, needs: NEEDS, floor: 0.35, each: 1 };
    row.measure(&platform, &bench.raw, bench.effort, &mut clients)
}

/// The same clients with the same bodies, in turns at the log and at somebody who only answers.
pub(super) fn against_post(bench: &Bench<'_>) -> Result<Row, Failure> {
    let platform = Platform::new(bench.avouch, &plan())?;
    let answer =
        Connection::open(&platform.public)?.post(ENTRIES, "application/json", &Submitter::new().entry())?;
    let post = BarePost::start(&platform, answer.body.len())?;
    let mut sides = [
        Side {
            process: platform.process(),
            clients: clients(&platform.public, MANY)?,
            done: Done::default(),
        },
        Side { process: post.process(), clients: clients(&post.door, MANY)?, done: Done::default() },
    ];
    let (rounds, during) = match bench.effort {
        Effort::Full => (5, Duration::from_millis(1_500)),
        Effort::Quick => (1, Duration::from_millis(300)),
    };
    for side in &mut sides {
        side.clients.work(during / 4)?;
    }
    let mut probes = Probes::new(&bench.raw, NEEDS);
    probes.take()?;
    for _ in 0..rounds {
        sides.iter_mut().try_for_each(|side| side.work(during))?;
        probes.take()?;
    }
    let [(ours, our_cost), (theirs, their_cost)] = sides.map(|side| side.done.figures());
    Ok(Row {
        name: "append-512-post",
        what: "log entries, 512 clients, against a bare POST of the same bodies",
        value: ours,
        unit: "1/s",
        ratio: ours / theirs,
        floor: Floor::AtLeast(0.4),
        drift: probes.drift(),
        beside: format!(
            "{our_cost:.1} µs of the platform's processes; POST: {theirs:.0} 1/s, {their_cost:.1} µs"
        ),
    })
}

/// Who is asked, and by whom.
struct Side<C> {
    process: u32,
    clients: Clients<C>,
    done: Done,
}

#[derive(Default)]
struct Done {
    phases: Phase,
    spent: Spent,
}

impl<C: Client> Side<C> {
    fn work(&mut self, during: Duration) -> Result<(), Failure> {
        let before = processes::by_kind(self.process);
        let phase = self.clients.work(during)?;
        self.done.spent.add(before, processes::by_kind(self.process));
        self.done.phases.latencies.extend(phase.latencies);
        self.done.phases.wall += phase.wall;
        Ok(())
    }
}

impl Done {
    /// How many a second, and microseconds of the server's processor time for each.
    fn figures(&self) -> (f64, f64) {
        let count = self.phases.count();
        (count / self.phases.wall.as_secs_f64(), cost::micros(self.spent.all()) / count.max(1.0))
    }
}
