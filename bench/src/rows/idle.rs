//! What a platform takes that does nothing.

use std::time::Duration;

use crate::failure::Failure;
use crate::platform::{Plan, Platform};
use crate::processes;
use crate::report::{Floor, Row};
use crate::rows::Bench;

/// What all processes together may take.
const MEBIBYTES_MAX: f64 = 64.0;
/// It has done its work of the start by then.
const REST: Duration = Duration::from_secs(3);

pub(super) fn memory(bench: &Bench<'_>) -> Result<Row, Failure> {
    let platform = Platform::new(bench.avouch, &Plan::default())?;
    std::thread::sleep(REST);
    let bytes = u32::try_from(processes::memory(platform.process())).unwrap_or(u32::MAX);
    let mebibytes = f64::from(bytes) / f64::from(1 << 20);
    Ok(Row {
        name: "idle",
        what: "memory of all processes at rest (PSS)",
        value: mebibytes,
        unit: "MiB",
        ratio: mebibytes / MEBIBYTES_MAX,
        floor: Floor::AtMost(1.0),
        drift: 0.0,
        beside: format!("{} processes", processes::count(platform.process())),
    })
}
