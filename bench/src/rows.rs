//! The rows, one module a subject.

mod hanging;
mod hashing;
mod idle;
mod keyless;
mod log;
mod receipts;
mod tokens;
pub(crate) mod verifying;

use std::path::Path;

use crate::Effort;
use crate::failure::Failure;
use crate::raw::Raw;
use crate::report::Row;

/// A row whose bare figures drift is made again, so often.
const TRIES: usize = 3;

/// What every row is measured with.
pub(crate) struct Bench<'a> {
    pub(crate) avouch: &'a Path,
    pub(crate) raw: Raw,
    pub(crate) effort: Effort,
}

type Measure = fn(&Bench<'_>) -> Result<Row, Failure>;

const ROWS: &[(&str, Measure)] = &[
    ("receipts", receipts::full),
    ("signatures", receipts::bare),
    ("rsa-receipts", receipts::rsa),
    ("pkcs11-receipts", receipts::in_module),
    ("pkcs11-rsa-receipts", receipts::rsa_in_module),
    ("lone-receipt", receipts::lone),
    ("hanging-lane", hanging::lane),
    ("tokens", tokens::many),
    ("lone-append", log::lone),
    ("append-64", log::of_sixty_four),
    ("append-512", log::of_many),
    ("certificates", keyless::certificates),
    ("keyless-flow", keyless::flow),
    ("verify-bundle", verifying::in_process),
    ("verify-process", verifying::as_process),
    ("hashing", hashing::large),
    ("idle", idle::memory),
];

/// What rows there are.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|(name, _)| *name)
}

/// Measures the rows of these names, or all.
pub(crate) fn measure(avouch: &Path, effort: Effort, names: &[String]) -> Result<Vec<Row>, Failure> {
    let bench = Bench { avouch, raw: Raw::new()?, effort };
    let wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    ROWS.iter().filter(|(name, _)| wanted(name)).map(|(name, row)| steady(&bench, name, *row)).collect()
}

fn steady(bench: &Bench<'_>, name: &str, row: Measure) -> Result<Row, Failure> {
    let mut last = None;
    for attempt in 1..=TRIES {
        eprintln!("{name}, attempt {attempt} …");
        let measured = row(bench)?;
        if measured.is_steady() || bench.effort == Effort::Quick {
            return Ok(measured);
        }
        last = Some(measured);
    }
    Ok(last.expect("it was tried"))
}
