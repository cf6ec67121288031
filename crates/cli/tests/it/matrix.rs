//! The matrix *tampered part × tool*: what foreign tools accept of what avouch signs, and that every change of it is
//! refused, by a foreign tool that looks at what was changed and by `avouch verify` always.

use std::fmt::Write as _;

use serde::Serialize;
use testkit::{Direction, interop_row};

use crate::judges::{Bench, Judge, Said, bench};
use crate::stage::{Given, Stage};
use crate::tamper::{Change, Others, changes};

/// Where `cargo xtask gen` wants the cells, one JSON object a line.
const VARIABLE: &str = "AVOUCH_TAMPER";

/// Changes that the foreign tools read over: nothing signs these fields, and what they repeat is signed elsewhere.
/// Other tools do refuse them, as the tamper matrix of the worked example shows; avouch refuses all.
const READ_OVER: [(&str, &str); 6] = [
    ("public key", "the bundle's hint at it"),
    ("signed attributes", "the content type beside them"),
    ("inclusion proof", "tree size, beside the checkpoint"),
    ("inclusion proof", "root, beside the checkpoint"),
    ("log entry", "an integrated time, which nothing signs"),
    ("trust root", "the log begins later"),
];

/// A `.p7s` stands in no log, and so it does not matter to it which log is trusted.
const NOT_ITS_PART: [(&str, &str, &str); 1] = [("avouch, .p7s", "trust root", "no log")];

/// What the platforms signed, gathered before any of it is judged.
fn scene() -> (Given, Others) {
    let stage = Stage::new();
    let file = stage.first();
    let given = stage.sign("second.bin", b"what the organisation ships\n");
    let platform = Stage::new().first();
    (given, Others { file, platform })
}

/// One cell, as `xtask` reads it.
#[derive(Serialize)]
struct Cell<'a> {
    part: &'a str,
    change: &'a str,
    tool: &'a str,
    version: Option<String>,
    said: &'a str,
}

#[test]
fn interop_every_changed_part_is_refused_by_a_tool_that_looks_at_it_and_by_avouch_always() {
    let (given, others) = scene();
    let bench = bench();
    for judge in &bench.judges {
        let (said, words) = judge.of(&given);
        assert_eq!(said, Said::Accepted, "{} refuses what avouch signed: {words}", judge.column);
    }
    let changes = changes();
    let judged = |change| row(change, &given, &others, &bench.judges);
    let rows: Vec<Vec<Said>> = changes.iter().map(judged).collect();
    print(&changes, &rows, &bench.judges);
    let faults = changes.iter().zip(&rows).flat_map(|(change, row)| faults(change, row, &bench));
    let faults: Vec<String> = faults.collect();
    assert!(faults.is_empty(), "{faults:#?}");
    report(&changes, &rows, &bench.judges);
}

pub(crate) fn row(change: &Change, given: &Given, others: &Others, judges: &[Judge]) -> Vec<Said> {
    let mut changed = given.clone();
    (change.make)(&mut changed, others);
    judges.iter().map(|judge| judge.of_change(given, &changed).0).collect()
}

/// What is wrong with a row.
pub(crate) fn faults(change: &Change, row: &[Said], bench: &Bench) -> Vec<String> {
    let (part, what) = (change.part, change.what);
    let of = |is_foreign: bool| {
        let cells = row.iter().zip(&bench.judges);
        cells.filter(move |(said, judge)| judge.tool().is_some() == is_foreign && **said != Said::Nothing)
    };
    let mut faults = Vec::new();
    for (said, judge) in of(false) {
        let expected = NOT_ITS_PART.contains(&(judge.column, part, what));
        if (*said == Said::Accepted) != expected {
            faults.push(format!("{part}, {what}: {} says {said:?}", judge.column));
        }
    }
    if of(false).next().is_none() {
        faults.push(format!("{part}, {what}: avouch does not look at it"));
    }
    // Of what foreign tools are not shown they say nothing.
    let is_read_over = of(true).next().is_some() && of(true).all(|(said, _)| *said == Said::Accepted);
    if bench.complete && is_read_over != READ_OVER.contains(&(part, what)) {
        faults.push(format!("{part}, {what}: read over by every foreign tool: {is_read_over}"));
    }
    faults
}

const fn letter(said: Said) -> &'static str {
    match said {
        Said::Nothing => "·",
        Said::Refused => "R",
        Said::CannotCheck => "C",
        Said::Accepted => "a",
    }
}

fn print(changes: &[Change], rows: &[Vec<Said>], judges: &[Judge]) {
    let mut table = String::new();
    for (n, judge) in judges.iter().enumerate() {
        let _ = writeln!(table, "{}{}", "│ ".repeat(n), judge.column);
    }
    for (change, row) in changes.iter().zip(rows) {
        let letters: Vec<&str> = row.iter().map(|said| letter(*said)).collect();
        let _ = writeln!(table, "{}  {}: {}", letters.join(" "), change.part, change.what);
    }
    println!("{table}");
}

/// Tells `cargo xtask interop` how many each tool refused, and `cargo xtask gen` every cell.
fn report(changes: &[Change], rows: &[Vec<Said>], judges: &[Judge]) {
    let mut lines = String::new();
    for (column, judge) in judges.iter().enumerate() {
        let refused = rows.iter().filter(|row| row[column] == Said::Refused).count() as u32;
        if let Some(tool) = judge.tool() {
            interop_row(judge.format, tool, Direction::Ours, 1, refused);
        }
    }
    for (change, row) in changes.iter().zip(rows) {
        for (said, judge) in row.iter().zip(judges) {
            let version = judge.tool().map(testkit::Tool::version);
            let (part, what) = (change.part, change.what);
            let cell = Cell { part, change: what, tool: judge.column, version, said: letter(*said) };
            let _ = writeln!(lines, "{}", serde_json::to_string(&cell).unwrap());
        }
    }
    if let Some(path) = std::env::var_os(VARIABLE) {
        std::fs::write(path, lines).unwrap();
    }
}
