//! Verifying, in process and as a process.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use model::{Digest, Digests};
use verify::{Artifact, BundleTrust, Expectations, Present, TimeSource, TrustRoot, verify_bundle};

use crate::Effort;
use crate::cost;
use crate::failure::Failure;
use crate::platform::{Plan, Platform};
use crate::raw::{Needs, Operation, Probes};
use crate::report::{Floor, Row};
use crate::rows::Bench;

/// In a bundle: the file's signature, the token's, the one on the authority's certificate, and the checkpoint's.
const BUNDLE: Needs = &[(Operation::VerifyP256, 3), (Operation::VerifyEd25519, 1)];
const ONE: Needs = &[(Operation::VerifyP256, 1)];
const FILE: &str = "one-mebibyte.bin";
const LENGTH: usize = 1 << 20;

/// A platform that has signed a file of one MiB under the profile that `avouch init` makes.
fn signed(bench: &Bench<'_>) -> Result<Platform, Failure> {
    let platform = Platform::new(bench.avouch, &Plan::default())?;
    let path = platform.folder().join(FILE);
    fs::write(&path, vec![0x61; LENGTH]).map_err(Failure::file("write", &path))?;
    platform.run(&["sign", FILE])?;
    Ok(platform)
}

fn read(path: PathBuf) -> Result<Vec<u8>, Failure> {
    fs::read(&path).map_err(Failure::file("read", &path))
}

pub(super) fn in_process(bench: &Bench<'_>) -> Result<Row, Failure> {
    let platform = signed(bench)?;
    let bundle = read(platform.folder().join(format!("{FILE}.sigstore.json")))?;
    let root = TrustRoot::parse(read(platform.trust_root())?.trim_ascii_end())
        .map_err(|why| Failure::bad("the platform's trust root")(&why))?;
    let artifact =
        Artifact { digests: Digests::from(Digest::of(&vec![0x61; LENGTH])), name: Some(FILE.to_owned()) };
    let present = present();
    let verify = || {
        let trust = BundleTrust::Platform(&root);
        verify_bundle(&artifact, &bundle, trust, &Expectations::default(), present)
    };
    verify().map_err(|why| Failure::bad("a bundle that was just made")(&why))?;
    let during = Duration::from_millis(if bench.effort == Effort::Full { 500 } else { 100 });
    let mut probes = Probes::new(&bench.raw, BUNDLE);
    let mut took = Vec::new();
    for _ in 0..5 {
        probes.take()?;
        took.push(cost::of_one(during, || assert!(verify().is_ok(), "what was good stays good")));
    }
    let (took, needed) = (cost::median(took), probes.cost());
    Ok(Row {
        name: "verify-bundle",
        what: "one bundle verified in process",
        value: cost::micros(took),
        unit: "µs",
        ratio: took.as_secs_f64() / needed.as_secs_f64(),
        floor: Floor::AtMost(1.3),
        drift: probes.drift(),
        beside: format!("{:.1} µs for its four signatures", cost::micros(needed)),
    })
}

pub(super) fn as_process(bench: &Bench<'_>) -> Result<Row, Failure> {
    let platform = signed(bench)?;
    let signature = format!("{FILE}.p7s");
    let ours = || {
        let mut command = platform.command();
        command.args(["verify", FILE, "--signature", &signature]);
        command
    };
    let root = platform.data().join("client/root.pem");
    let theirs = || openssl(platform.folder(), &signature, &root);
    let runs = if bench.effort == Effort::Full { 60 } else { 5 };
    let mut probes = Probes::new(&bench.raw, ONE);
    let (mut we, mut they) = (Vec::new(), Vec::new());
    for run in 0..runs {
        if run % 15 == 0 {
            probes.take()?;
        }
        we.push(time(&mut ours())?);
        they.push(time(&mut theirs())?);
    }
    let (we, they) = (cost::median(we), cost::median(they));
    Ok(Row {
        name: "verify-process",
        what: "`avouch verify` of 1 MiB as a process, against `openssl cms -verify`",
        value: we.as_secs_f64() * 1e3,
        unit: "ms",
        ratio: we.as_secs_f64() / they.as_secs_f64(),
        floor: Floor::AtMost(1.0),
        drift: probes.drift(),
        beside: format!("openssl {:.2} ms", they.as_secs_f64() * 1e3),
    })
}

fn openssl(folder: &Path, signature: &str, root: &Path) -> Command {
    let mut command = Command::new("openssl");
    command.current_dir(folder);
    command.args(["cms", "-verify", "-binary", "-inform", "DER", "-in", signature, "-content", FILE]);
    command.args(["-purpose", "any", "-out", "/dev/null", "-CAfile"]).arg(root);
    command
}

/// How long a command takes that succeeds.
fn time(command: &mut Command) -> Result<Duration, Failure> {
    let began = Instant::now();
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    let took = began.elapsed();
    match status {
        Ok(status) if status.success() => Ok(took),
        Ok(status) => Err(Failure::Command {
            command: format!("{command:?}"),
            code: status.code().unwrap_or(-1),
            said: String::new(),
        }),
        Err(source) => Err(Failure::file("start", Path::new(command.get_program()))(source)),
    }
}

pub(crate) fn present() -> Present {
    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let at = model::Instant::from_seconds(seconds);
    Present { at, source: TimeSource::SystemClock }
}
