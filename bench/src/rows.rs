//! The rows, one module a subject.

mod growing;
mod hanging;
mod hashing;
mod idle;
mod keyless;
mod log;
mod receipts;
mod tokens;
pub(crate) mod verifying;

use std::path::Path;

use crate::failure::Failure;
use crate::plot::Plot;
use crate::raw::Raw;
use crate::report::Row;
use crate::{Asked, Effort};

/// A row whose bare figures drift is made again, so often.
const TRIES: usize = 3;

/// What every row is measured with.
pub(crate) struct Bench<'a> {
    pub(crate) avouch: &'a Path,
    pub(crate) raw: Raw,
    pub(crate) effort: Effort,
    /// Where plots are kept; nowhere, where nobody writes a page.
    pub(crate) plots: Option<&'a Path>,
}

impl Bench<'_> {
    /// Keeps a plot beside the page.
    pub(crate) fn keep_plot(&self, plot: &Plot) -> Result<(), Failure> {
        let Some(folder) = self.plots else { return Ok(()) };
        let path = folder.join(plot.file);
        std::fs::write(&path, plot.svg()).map_err(Failure::file("write", &path))
    }
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
    ("append-512-post", log::against_post),
    ("append-growth", growing::append),
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
pub(crate) fn measure(asked: &Asked, names: &[String]) -> Result<Vec<Row>, Failure> {
    let Asked { avouch, effort, page, .. } = asked;
    let plots = page.as_deref().and_then(Path::parent);
    let bench = Bench { avouch, raw: Raw::new()?, effort: *effort, plots };
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
