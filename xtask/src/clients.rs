//! The matrix of Sigstore's clients: who verifies what each of them signed.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

/// The environment variable that names the file to which tests append cells, one JSON object a line.
pub(crate) const VARIABLE: &str = "AVOUCH_CLIENTS";

/// What one client said of another's signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cell {
    means: String,
    what: String,
    signer: String,
    verifier: String,
    refused: u64,
    cannot: Option<String>,
}

/// The matrix in Markdown: a table for each thing that is signed, and below them why a cell is not what it should be.
pub(crate) fn tables(cells: &[Cell]) -> String {
    let mut text = String::new();
    let mut reasons: Vec<&str> = Vec::new();
    for (means, what) in distinct(cells, |cell| (cell.means.as_str(), cell.what.as_str())) {
        let its: Vec<&Cell> = cells.iter().filter(|cell| cell.means == means && cell.what == what).collect();
        // Writing to a string does not fail.
        let _ = writeln!(text, "### {what}, {means}\n");
        table(&mut text, &its, &mut reasons);
    }
    for (number, reason) in (1..).zip(&reasons) {
        let _ = writeln!(text, "{number}. It {reason}.");
    }
    text
}

fn table<'a>(text: &mut String, cells: &[&'a Cell], reasons: &mut Vec<&'a str>) {
    let verifiers = distinct(cells.iter().copied(), |cell| cell.verifier.as_str());
    let _ = writeln!(text, "| signed by | {} |", verifiers.join(" | "));
    let _ = writeln!(text, "|---{}|", "|:-:".repeat(verifiers.len()));
    for signer in distinct(cells.iter().copied(), |cell| cell.signer.as_str()) {
        let of = |verifier: &&str| {
            cells.iter().find(|cell| cell.signer == signer && cell.verifier == **verifier).copied()
        };
        let row: Vec<String> = verifiers.iter().map(|verifier| said(of(verifier), reasons)).collect();
        let _ = writeln!(text, "| {signer} | {} |", row.join(" | "));
    }
    text.push('\n');
}

/// A tick with the number of changed copies that were refused; a cross with the number of its reason.
fn said<'a>(cell: Option<&'a Cell>, reasons: &mut Vec<&'a str>) -> String {
    let Some(cell) = cell else { return String::new() };
    let Some(reason) = cell.cannot.as_deref() else { return format!("✓ {}", cell.refused) };
    let known = reasons.iter().position(|known| *known == reason);
    let at = known.unwrap_or_else(|| {
        reasons.push(reason);
        reasons.len() - 1
    });
    format!("✗ ({})", at + 1)
}

/// The different values, in the order in which they first come.
fn distinct<'a, T: PartialEq>(
    cells: impl IntoIterator<Item = &'a Cell>,
    value: impl Fn(&'a Cell) -> T,
) -> Vec<T> {
    let mut distinct = Vec::new();
    for cell in cells {
        let value = value(cell);
        if !distinct.contains(&value) {
            distinct.push(value);
        }
    }
    distinct
}

/// In the order of the tables, whichever test came first.
pub(crate) fn sorted(mut cells: Vec<Cell>) -> Vec<Cell> {
    let order = |cell: &Cell| {
        (
            cell.means != "keyless",
            cell.what != "blob",
            cell.what.clone(),
            cell.signer.clone(),
            cell.verifier.clone(),
        )
    };
    cells.sort_by_key(order);
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(signer: &str, verifier: &str, cannot: Option<&str>) -> Cell {
        let [means, what, signer, verifier] = ["keyless", "blob", signer, verifier].map(str::to_owned);
        Cell { means, what, signer, verifier, refused: 1, cannot: cannot.map(str::to_owned) }
    }

    #[test]
    fn the_matrix_has_a_row_for_each_signer_and_names_each_reason_once() {
        let old = Some("is too old");
        let cells = [cell("b", "a", None), cell("b", "b", old), cell("a", "b", old), cell("a", "a", None)];
        let expected = "### blob, keyless\n\n| signed by | a | b |\n|---|:-:|:-:|\n| a | ✓ 1 | ✗ (1) |\n| b | ✓ 1 | ✗ (1) |\n\n1. It is too old.\n";
        assert_eq!(tables(&sorted(cells.to_vec())), expected);
    }
}
