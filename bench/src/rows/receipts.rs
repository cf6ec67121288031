//! Requests that are answered with receipts.

use std::time::Duration;

use crate::Effort;
use crate::cost;
use crate::disk;
use crate::failure::Failure;
use crate::load::{Clients, Throughput};
use crate::module::ModuleKey;
use crate::platform::{Plan, Platform};
use crate::raw::{Needs, Operation, Probes};
use crate::report::{Floor, Row};
use crate::rows::Bench;
use crate::submission::{Submitter, view};
use crate::wire::Connection;

/// Keep-alive clients, unless a row says otherwise.
const CLIENTS: u32 = 64;
const PROFILE: &str = "default/measured";

/// A signature and a token, and each verified once.
const FULL: Needs = &[(Operation::SignP256, 2), (Operation::VerifyP256, 2)];
const BARE: Needs = &[(Operation::SignP256, 1), (Operation::VerifyP256, 1)];
const RSA: Needs = &[
    (Operation::SignRsa3072, 1),
    (Operation::VerifyRsa3072, 1),
    (Operation::SignP256, 1),
    (Operation::VerifyP256, 1),
];

const IN_MODULE: Needs =
    &[(Operation::SignInModule(ModuleKey::P256), 1), (Operation::SignP256, 1), (Operation::VerifyP256, 2)];
const RSA_IN_MODULE: Needs = &[
    (Operation::SignInModule(ModuleKey::Rsa3072), 1),
    (Operation::VerifyRsa3072, 1),
    (Operation::SignP256, 1),
    (Operation::VerifyP256, 1),
];

pub(super) fn full(bench: &Bench<'_>) -> Result<Row, Failure> {
    let row = Throughput { name: "receipts", what: "full receipts", needs: FULL, floor: 0.45, each: 1 };
    many(bench, &row, &[], &[])
}

pub(super) fn bare(bench: &Bench<'_>) -> Result<Row, Failure> {
    let what = "signatures, without token and log";
    let row = Throughput { name: "signatures", what, needs: BARE, floor: 0.45, each: 1 };
    many(bench, &row, &[], &["--without-timestamp", "--without-log"])
}

pub(super) fn rsa(bench: &Bench<'_>) -> Result<Row, Failure> {
    let what = "RSA-3072 receipts";
    let row = Throughput { name: "rsa-receipts", what, needs: RSA, floor: 0.82, each: 1 };
    many(bench, &row, &["--algorithm", "rsa3072"], &[])
}

pub(super) fn in_module(bench: &Bench<'_>) -> Result<Row, Failure> {
    let what = "full receipts, the key in SoftHSM2";
    let row = Throughput { name: "pkcs11-receipts", what, needs: IN_MODULE, floor: 0.45, each: 1 };
    many(bench, &row, &["--store", "hsm"], &[])
}

pub(super) fn rsa_in_module(bench: &Bench<'_>) -> Result<Row, Failure> {
    let what = "RSA-3072 receipts, the key in SoftHSM2";
    let row = Throughput { name: "pkcs11-rsa-receipts", what, needs: RSA_IN_MODULE, floor: 0.9, each: 1 };
    many(bench, &row, &["--algorithm", "rsa3072", "--store", "hsm"], &[])
}

/// With a store `hsm`, where there is a token.
fn plan(bench: &Bench<'_>) -> Plan {
    let Some(hsm) = &bench.raw.hsm else { return Plan::default() };
    let environment = hsm.environment();
    let conf = environment.get("SOFTHSM2_CONF").map(String::as_str).unwrap_or_default();
    let (uri, tokens) = (hsm.uri(hsm.module()), hsm.tokens());
    let config = format!(
        "[signerd.stores.hsm]\nkind = \"pkcs11\"\nuri = \"{uri}\"\nenvironment = {{ SOFTHSM2_CONF = \"{conf}\" }}\n\
         read = [\"{conf}\"]\nwrite = [\"{}\"]\n",
        tokens.display()
    );
    Plan { config }
}

fn many(bench: &Bench<'_>, row: &Throughput, key: &[&str], profile: &[&str]) -> Result<Row, Failure> {
    let plan = if key.contains(&"hsm") { plan(bench) } else { Plan::default() };
    let platform = Platform::new(bench.avouch, &plan)?;
    platform.profile(PROFILE, key, profile)?;
    let view = view(&mut Connection::open(&platform.listen)?, PROFILE)?;
    let mut clients = Clients::new(&platform.listen, CLIENTS, |number| {
        let mut submitter = Submitter::new(&view, number, 1);
        move |connection: &mut Connection| submitter.ask(connection).map(drop)
    })?;
    row.measure(&platform, &bench.raw, bench.effort, &mut clients)
}

/// One client, which waits for the disk six times.
pub(super) fn lone(bench: &Bench<'_>) -> Result<Row, Failure> {
    let platform = Platform::new(bench.avouch, &Plan::default())?;
    platform.profile(PROFILE, &[], &[])?;
    let view = view(&mut Connection::open(&platform.listen)?, PROFILE)?;
    let mut clients = Clients::new(&platform.listen, 1, |number| {
        let mut submitter = Submitter::new(&view, number, 1);
        move |connection: &mut Connection| submitter.ask(connection).map(drop)
    })?;
    let during = if bench.effort == Effort::Full { 1_500 } else { 200 };
    clients.work(Duration::from_millis(during / 4))?;
    let mut probes = Probes::new(&bench.raw, FULL);
    let (mut syncs, mut took) = (Vec::new(), Vec::new());
    for _ in 0..4 {
        probes.take()?;
        syncs.push(disk::sync_time(platform.folder())?);
        took.extend(clients.work(Duration::from_millis(during))?.latencies);
    }
    took.sort_unstable();
    let (median, sync) = (cost::percentile(&took, 0.5), cost::median(syncs));
    let bound = sync * 7 + Duration::from_micros(600);
    Ok(Row {
        name: "lone-receipt",
        what: "full receipt, one client, p50, against 7 × fdatasync + 0.6 ms",
        value: median.as_secs_f64() * 1e3,
        unit: "ms",
        ratio: median.as_secs_f64() / bound.as_secs_f64(),
        floor: Floor::AtMost(1.0),
        drift: probes.drift(),
        beside: format!(
            "fdatasync {:.3} ms; p99 {:.2} ms",
            sync.as_secs_f64() * 1e3,
            cost::percentile(&took, 0.99).as_secs_f64() * 1e3
        ),
    })
}
