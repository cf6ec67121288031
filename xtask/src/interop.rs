//! `cargo xtask interop`: which foreign tools accept what we sign, and we what they sign.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::skips::{self, Skips};
use crate::tamper::{self, Cell};
use crate::{clients, metadata, runner, tools};

/// The environment variable that names the file to which tests append rows, one JSON object a line.
const VARIABLE: &str = "AVOUCH_INTEROP";

/// What one tool said of one format: how many good ones it accepted, how many spoilt ones it refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Row {
    format: String,
    tool: String,
    version: String,
    direction: String,
    accepted: u64,
    refused: u64,
}

/// What the tests reported.
#[derive(Serialize)]
pub(crate) struct Reported {
    /// The table of formats and tools.
    pub(crate) rows: Vec<Row>,
    /// The matrix of Sigstore's clients.
    pub(crate) clients: Vec<clients::Cell>,
    /// The matrix of tampered parts and tools.
    #[serde(skip)]
    pub(crate) cells: Vec<Cell>,
}

pub(crate) fn run(arguments: &[&str]) -> Result<(), Failure> {
    let json = match arguments {
        [] => false,
        ["--json"] => true,
        _ => return Err(Failure::Usage { said: "usage: cargo xtask interop [--json]".to_owned() }),
    };
    let reported = collect()?;
    if json {
        let text = serde_json::to_string_pretty(&reported)
            .map_err(|why| Failure::NotUnderstood { what: "the rows".to_owned(), why: why.to_string() })?;
        println!("{text}");
    } else {
        print!("\n{}\n{}", table(&reported.rows), clients::tables(&reported.clients));
    }
    Ok(())
}

/// Runs the tests whose names begin with `interop_` and collects what they report.
pub(crate) fn collect() -> Result<Reported, Failure> {
    let reports = Reports::begin()?;
    let skips = Skips::begin()?;
    let mut tests = runner::tests(&["interop_"]);
    tests.env(tools::VARIABLE, tools::folder()?).env(skips::VARIABLE, skips.path());
    runner::watch(reports.tell(&mut tests))?.verdict?;
    reports.read()
}

/// The files that tests report to.
pub(crate) struct Reports {
    rows: PathBuf,
    cells: PathBuf,
    clients: PathBuf,
}

impl Reports {
    /// Begins with none.
    pub(crate) fn begin() -> Result<Self, Failure> {
        let (rows, cells) = (empty("interop.jsonl")?, empty("tamper.jsonl")?);
        Ok(Self { rows, cells, clients: empty("clients.jsonl")? })
    }

    /// Tells a run of tests where they are.
    pub(crate) fn tell<'a>(&self, tests: &'a mut Command) -> &'a mut Command {
        tests
            .env(VARIABLE, &self.rows)
            .env(tamper::VARIABLE, &self.cells)
            .env(clients::VARIABLE, &self.clients)
    }

    /// What was reported.
    pub(crate) fn read(&self) -> Result<Reported, Failure> {
        let clients = clients::sorted(read(&self.clients)?);
        Ok(Reported { rows: summed(read(&self.rows)?), clients, cells: read(&self.cells)? })
    }
}

/// An empty file for tests to write to.
fn empty(name: &str) -> Result<PathBuf, Failure> {
    let path = metadata::scratch_folder()?.join(name);
    fs::write(&path, "").map_err(|source| Failure::File { action: "write", path: path.clone(), source })?;
    Ok(path)
}

/// What tests wrote to it, one JSON object a line.
fn read<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, Failure> {
    let failed = |source| Failure::File { action: "read", path: path.to_owned(), source };
    let text = fs::read_to_string(path).map_err(failed)?;
    let lines: Result<Vec<T>, _> = text.lines().map(serde_json::from_str).collect();
    lines.map_err(|why| Failure::NotUnderstood {
        what: "what a test reported".to_owned(),
        why: why.to_string(),
    })
}

/// One row for each format, tool, version and direction.
fn summed(rows: Vec<Row>) -> Vec<Row> {
    let mut summed: BTreeMap<_, Row> = BTreeMap::new();
    for row in rows {
        let key = (row.format.clone(), row.tool.clone(), row.version.clone(), row.direction.clone());
        summed
            .entry(key)
            .and_modify(|sum| {
                sum.accepted += row.accepted;
                sum.refused += row.refused;
            })
            .or_insert(row);
    }
    summed.into_values().collect()
}

/// The rows as a table in Markdown.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut table = String::from(
        "| format | tool | version | whose signatures | accepted | refused |\n|---|---|---|---|--:|--:|\n",
    );
    for Row { format, tool, version, direction, accepted, refused } in rows {
        // Writing to a string does not fail.
        let _ = writeln!(table, "| {format} | {tool} | {version} | {direction} | {accepted} | {refused} |");
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(tool: &str, accepted: u64, refused: u64) -> Row {
        let [format, version, direction] = ["cms", "3.0.22", "ours"].map(str::to_owned);
        Row { format, tool: tool.to_owned(), version, direction, accepted, refused }
    }

    #[test]
    fn rows_of_one_tool_and_format_are_added_up() {
        let rows = summed(vec![row("openssl", 1, 2), row("certtool", 1, 0), row("openssl", 3, 4)]);
        assert_eq!(rows, [row("certtool", 1, 0), row("openssl", 4, 6)]);
    }

    #[test]
    fn the_table_has_a_line_for_each_row() {
        assert!(table(&[row("openssl", 4, 6)]).ends_with("| cms | openssl | 3.0.22 | ours | 4 | 6 |\n"));
    }
}
