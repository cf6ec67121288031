//! Whether a log gets slower as it grows.

use std::time::{Duration, Instant};

use data_encoding::BASE64;
use serde_json::Value;

use crate::Effort;
use crate::bulk::{self, Sample};
use crate::cost;
use crate::disk;
use crate::failure::Failure;
use crate::platform::Platform;
use crate::plot::{Plot, Point};
use crate::raw::Probes;
use crate::report::{Floor, Row};
use crate::rows::Bench;
use crate::rows::log::{ENTRIES, NEEDS, Submitter, plan};
use crate::wire::Connection;

/// The size that the others are set against.
const SHORT: u64 = 1_000;
/// What the long log comes to, and where it is looked at on the way.
const LONG: [u64; 3] = [10_000, 100_000, 1_000_000];
const LONG_QUICK: [u64; 1] = [10_000];
/// Entries that are brought at a time. Their bundles are of every width meanwhile.
const ENTRIES_EACH: usize = 256;
const ROUNDS: usize = 4;

/// A platform whose log was made long.
struct Grown {
    platform: Platform,
    sample: Sample,
}

/// Somebody who brings entries, one after the other.
struct Bringer {
    connection: Connection,
    submitter: Submitter,
}

/// The median of the longest log, against that of a short one: the two in turns, so that the disk's moods are the same.
pub(super) fn append(bench: &Bench<'_>) -> Result<Row, Failure> {
    let sizes = if bench.effort == Effort::Full { &LONG[..] } else { &LONG_QUICK[..] };
    let (mut short, mut long) = (Grown::new(bench)?, Grown::new(bench)?);
    short.grow(SHORT)?;
    let mut points = Vec::new();
    for size in sizes {
        long.grow(*size)?;
        let mut bringer = long.bringer()?;
        bringer.bring(ENTRIES_EACH / 4)?;
        let took = bringer.bring(ENTRIES_EACH)?;
        points.push(Point { size: *size, millis: millis(took, 0.5) });
    }
    let (mut at_short, mut at_long) = (short.bringer()?, long.bringer()?);
    at_short.bring(ENTRIES_EACH / 4)?;
    let mut probes = Probes::new(&bench.raw, NEEDS);
    let (mut of_short, mut of_long, mut syncs) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        probes.take()?;
        syncs.push(disk::sync_time(long.platform.folder())?);
        of_short.extend(at_short.bring(ENTRIES_EACH)?);
        of_long.extend(at_long.bring(ENTRIES_EACH)?);
    }
    let (p99, least, most) = (millis(of_long.clone(), 0.99), millis(of_short, 0.5), millis(of_long, 0.5));
    points.insert(0, Point { size: SHORT, millis: least });
    points.last_mut().expect("it was looked at").millis = most;
    let seen: Vec<String> =
        points.iter().map(|point| format!("{:.2} ms at {}", point.millis, point.size)).collect();
    bench.keep_plot(&Plot {
        file: "append.svg",
        title: "log entry with proof, one client, p50 in ms, by the log's size",
        points,
    })?;
    Ok(Row {
        name: "append-growth",
        what: "log entry with proof, one client, p50 in a log of a million, against that in one of a thousand",
        value: most,
        unit: "ms",
        ratio: most / least,
        floor: Floor::AtMost(1.25),
        drift: probes.drift(),
        beside: format!(
            "{}; p99 {p99:.2} ms; fdatasync {:.3} ms",
            seen.join(", "),
            cost::median(syncs).as_secs_f64() * 1e3
        ),
    })
}

fn millis(mut took: Vec<Duration>, share: f64) -> f64 {
    took.sort_unstable();
    cost::percentile(&took, share).as_secs_f64() * 1e3
}

impl Grown {
    fn new(bench: &Bench<'_>) -> Result<Self, Failure> {
        let platform = Platform::new(bench.avouch, &plan())?;
        let mut bringer = Bringer::new(&platform)?;
        let answer = bringer.connection.post(ENTRIES, "application/json", &bringer.submitter.entry())?;
        let bad = |why: &dyn std::fmt::Display| Failure::bad("an answer that is no entry")(why);
        let entry: Value = serde_json::from_slice(&answer.body).map_err(|why| bad(&why))?;
        let body = entry.get("canonicalizedBody").and_then(Value::as_str).unwrap_or_default();
        let sample = Sample::of(&BASE64.decode(body.as_bytes()).map_err(|why| bad(&why))?)?;
        Ok(Self { platform, sample })
    }

    fn grow(&mut self, to: u64) -> Result<(), Failure> {
        let sample = &self.sample;
        self.platform.aside(|dir| bulk::grow(dir, sample, to))
    }

    fn bringer(&self) -> Result<Bringer, Failure> {
        Bringer::new(&self.platform)
    }
}

impl Bringer {
    fn new(platform: &Platform) -> Result<Self, Failure> {
        Ok(Self { connection: Connection::open(&platform.public)?, submitter: Submitter::new() })
    }

    /// How long each of so many took.
    fn bring(&mut self, count: usize) -> Result<Vec<Duration>, Failure> {
        let mut took = Vec::with_capacity(count);
        for _ in 0..count {
            let began = Instant::now();
            self.submitter.bring(&mut self.connection)?;
            took.push(began.elapsed());
        }
        Ok(took)
    }
}
