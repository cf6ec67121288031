//! What was measured, for people and for programs.

use std::collections::BTreeMap;

use serde::Serialize;

/// More than this between the bare figures of one run, and the row is made again.
pub(crate) const DRIFT_MAX: f64 = 0.05;

/// One row.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    /// What is judged.
    pub(crate) ratio: f64,
    pub(crate) floor: Floor,
    /// How far the bare figures lay apart.
    pub(crate) drift: f64,
    /// What else there is to say.
    pub(crate) beside: String,
}

/// What a ratio must be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Floor {
    AtLeast(f64),
    AtMost(f64),
    /// Nothing: it is shown beside the others.
    Shown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Printed {
    Table,
    Json,
}

impl Row {
    pub(crate) fn is_steady(&self) -> bool {
        self.drift <= DRIFT_MAX
    }

    /// What it is, and by which name it is asked for.
    pub(crate) fn title(&self) -> String {
        format!("{} (`{}`)", self.what, self.name)
    }

    /// Its value, as people read it.
    pub(crate) fn figure(&self) -> String {
        format!("{} {}", number(self.value), self.unit)
    }

    /// Met, or not; where the bare figures drifted, neither.
    pub(crate) fn judgement(&self) -> &'static str {
        let reached = match self.floor {
            Floor::AtLeast(floor) => self.ratio >= floor,
            Floor::AtMost(ceiling) => self.ratio <= ceiling,
            Floor::Shown => return "",
        };
        match (self.is_steady(), reached) {
            (false, _) => "unsteady",
            (true, true) => "yes",
            (true, false) => "no",
        }
    }
}

impl Floor {
    fn number(self) -> Option<f64> {
        match self {
            Self::AtLeast(number) | Self::AtMost(number) => Some(number),
            Self::Shown => None,
        }
    }

    pub(crate) fn words(self) -> String {
        match self {
            Self::AtLeast(number) => format!("≥ {number}"),
            Self::AtMost(number) => format!("≤ {number}"),
            Self::Shown => String::new(),
        }
    }
}

#[derive(Serialize)]
struct Figure {
    value: f64,
    unit: &'static str,
    floor: Option<f64>,
    ratio: f64,
}

pub(crate) fn print(rows: &[Row], printed: Printed) {
    match printed {
        Printed::Table => table(rows),
        Printed::Json => {
            let figure = |row: &Row| Figure {
                value: row.value,
                unit: row.unit,
                floor: row.floor.number(),
                ratio: row.ratio,
            };
            let figures: BTreeMap<_, _> = rows.iter().map(|row| (row.name, figure(row))).collect();
            println!("{}", serde_json::to_string_pretty(&figures).expect("names and numbers always encode"));
        }
    }
}

fn table(rows: &[Row]) {
    println!("| row | value | ratio | floor | met | drift | beside |\n|---|--:|--:|--:|---|--:|---|");
    for row in rows {
        println!(
            "| {} | {} | {:.2} | {} | {} | {:.1} % | {} |",
            row.title(),
            row.figure(),
            row.ratio,
            row.floor.words(),
            row.judgement(),
            row.drift * 100.0,
            row.beside
        );
    }
}

/// As many digits as mean something.
fn number(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.3}"),
    }
}
