//! A large file, read once.

use std::fs::File;
use std::io::Read as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::Effort;
use crate::cost;
use crate::failure::Failure;
use crate::platform::{Plan, Platform};
use crate::raw::{Needs, Operation, Probes};
use crate::report::{Floor, Row};
use crate::rows::Bench;

const NEEDS: Needs = &[(Operation::HashMebibyte, 1)];
const FILE: &str = "large.bin";
/// How often the process is looked at.
const LOOK: Duration = Duration::from_millis(5);

pub(super) fn large(bench: &Bench<'_>) -> Result<Row, Failure> {
    let mebibytes: u32 = if bench.effort == Effort::Full { 4_096 } else { 256 };
    let platform = Platform::new(bench.avouch, &Plan::default())?;
    platform.profile("default/measured", &[], &[])?;
    let path = platform.folder().join(FILE);
    let file = File::create(&path).map_err(Failure::file("make", &path))?;
    file.set_len(u64::from(mebibytes) << 20).map_err(Failure::file("make", &path))?;
    warm(&path)?;
    let mut probes = Probes::new(&bench.raw, NEEDS);
    let (mut took, mut resident) = (Vec::new(), 0);
    for _ in 0..3 {
        probes.take()?;
        let (wall, most) = sign(&platform)?;
        took.push(wall);
        resident = most.max(resident);
    }
    let (took, needed) = (cost::median(took), probes.cost() * mebibytes);
    Ok(Row {
        name: "hashing",
        what: "`avouch sign` of 4 GiB from the page cache, against bare SHA-256",
        value: f64::from(mebibytes) / took.as_secs_f64(),
        unit: "MiB/s",
        ratio: needed.as_secs_f64() / took.as_secs_f64(),
        floor: Floor::AtLeast(0.95),
        drift: probes.drift(),
        beside: format!("{mebibytes} MiB; {} MiB resident at most, 64 wanted", resident / 1_024),
    })
}

/// Reads it into the page cache.
fn warm(path: &std::path::Path) -> Result<(), Failure> {
    let mut file = File::open(path).map_err(Failure::file("open", path))?;
    let mut some = vec![0; 1 << 20];
    while file.read(&mut some).map_err(Failure::file("read", path))? > 0 {}
    Ok(())
}

/// Signs it; how long that took, and what was resident at most, in KiB.
fn sign(platform: &Platform) -> Result<(Duration, u64), Failure> {
    let began = Instant::now();
    let mut command = platform.command();
    command.args(["sign", FILE, "--profile", "default/measured", "--again"]);
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(Failure::file("start", std::path::Path::new("avouch")))?;
    let mut most = 0;
    loop {
        let ended = child.try_wait().map_err(Failure::file("wait for", std::path::Path::new("avouch")))?;
        match ended {
            Some(status) if status.success() => return Ok((began.elapsed(), most)),
            Some(status) => {
                let code = status.code().unwrap_or(-1);
                let command = "avouch sign".to_owned();
                return Err(Failure::Command { command, code, said: String::new() });
            }
            None => most = resident(child.id()).max(most),
        }
        std::thread::sleep(LOOK);
    }
}

fn resident(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse().ok()).unwrap_or(0)
}
