//! How long others wait while the module of one key store hangs.

use std::process::Command;
use std::thread;
use std::time::Duration;

use testkit::Shim;

use crate::Effort;
use crate::cost;
use crate::failure::Failure;
use crate::load::Clients;
use crate::platform::{Plan, Platform};
use crate::raw::{Needs, Operation, Probes};
use crate::report::{Floor, Row};
use crate::rows::Bench;
use crate::submission::{Submitter, view};
use crate::wire::Connection;

/// Clients that sign with a key in a file, one receipt after the other.
const CLIENTS: u32 = 8;
/// Requests that wait for the module meanwhile.
const STUCK: u32 = 4;
const QUICK: &str = "default/quick";
const HANGING: &str = "default/hanging";
const NEEDS: Needs = &[(Operation::SignP256, 2), (Operation::VerifyP256, 2)];

/// The 99th of a hundred receipts of one lane, while another hangs, against the same while nobody uses that one.
pub(super) fn lane(bench: &Bench<'_>) -> Result<Row, Failure> {
    let shim =
        Shim::new().ok_or_else(|| Failure::bad("no module that can hang")(&"SoftHSM2 or cc is missing"))?;
    let platform = Platform::new(bench.avouch, &plan(&shim))?;
    platform.profile(QUICK, &[], &[])?;
    platform.profile(HANGING, &["--store", "hsm"], &[])?;
    let quick = view(&mut Connection::open(&platform.listen)?, QUICK)?;
    let mut clients = Clients::new(&platform.listen, CLIENTS, |number| {
        let mut submitter = Submitter::new(&quick, number, 1);
        move |connection: &mut Connection| submitter.ask(connection).map(drop)
    })?;
    let (rounds, during) = match bench.effort {
        Effort::Full => (5, Duration::from_secs(3)),
        Effort::Quick => (1, Duration::from_millis(500)),
    };
    clients.work(during / 4)?;
    let mut probes = Probes::new(&bench.raw, NEEDS);
    let (mut calm, mut hung) = (Vec::new(), Vec::new());
    probes.take()?;
    for _ in 0..rounds {
        calm.extend(clients.work(during)?.latencies);
        hung.extend(while_hanging(&platform, &shim, || clients.work(during))?.latencies);
        probes.take()?;
    }
    calm.sort_unstable();
    hung.sort_unstable();
    let at = |took: &[Duration], share| cost::percentile(took, share).as_secs_f64() * 1e3;
    Ok(Row {
        name: "hanging-lane",
        what: "full receipt, p99 while another key store hangs, against p99 while none does",
        value: at(&hung, 0.99),
        unit: "ms",
        ratio: at(&hung, 0.99) / at(&calm, 0.99),
        floor: Floor::AtMost(1.2),
        drift: probes.drift(),
        beside: format!(
            "{} and {} receipts; calm p50 {:.2} ms, p99 {:.2} ms; hanging p50 {:.2} ms",
            calm.len(),
            hung.len(),
            at(&calm, 0.5),
            at(&calm, 0.99),
            at(&hung, 0.5)
        ),
    })
}

/// Does something while requests wait for a module that does not answer; afterwards it is killed, and they are signed.
fn while_hanging<T>(
    platform: &Platform,
    shim: &Shim,
    work: impl FnOnce() -> Result<T, Failure>,
) -> Result<T, Failure> {
    let profile = view(&mut Connection::open(&platform.listen)?, HANGING)?;
    let stuck = |number| {
        let (profile, door) = (&profile, &platform.listen);
        move || Submitter::new(profile, CLIENTS + number, 1).ask(&mut Connection::open(door)?).map(drop)
    };
    thread::scope(|scope| {
        let hanging = shim.hang();
        let stuck: Vec<_> = (0..STUCK).map(|number| scope.spawn(stuck(number))).collect();
        let process = hanging();
        let done = work();
        shim.relent("hang");
        let _gone = Command::new("kill").args(["-9", &process]).status();
        // Whether they had their receipts in time is not what is measured.
        stuck.into_iter().for_each(|one| drop(one.join()));
        done
    })
}

/// With a store `hsm` whose module may hang for longer than a phase is.
fn plan(shim: &Shim) -> Plan {
    let variables = shim.environment();
    let conf = variables.get("SOFTHSM2_CONF").cloned().unwrap_or_default();
    let variables: Vec<String> =
        variables.iter().map(|(name, value)| format!("{name} = \"{value}\"")).collect();
    let config = format!(
        "[signerd.stores.hsm]\nkind = \"pkcs11\"\nuri = \"{}\"\nenvironment = {{ {} }}\nread = [\"{conf}\"]\nwrite = [\"{}\"]\n\
         deadline_ms = 10000\n",
        shim.uri(),
        variables.join(", "),
        shim.hsm.folder().display()
    );
    Plan { config }
}
