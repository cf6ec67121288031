//! The matrix *tampered part × tool*, which a test of the real binary fills.

use std::fmt::Write as _;

use serde::Deserialize;

/// The environment variable that names the file to which that test writes cells, one JSON object a line.
pub(crate) const VARIABLE: &str = "AVOUCH_TAMPER";

/// What one tool says of one change.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cell {
    part: String,
    change: String,
    tool: String,
    /// None for avouch itself.
    version: Option<String>,
    said: String,
}

/// The cells as a table in Markdown: a line for each change, a column for each tool, in the order of the cells.
pub(crate) fn table(cells: &[Cell]) -> String {
    let Some(first) = cells.first() else { return String::new() };
    let is_first_line = |cell: &&Cell| (&cell.part, &cell.change) == (&first.part, &first.change);
    let columns: Vec<&Cell> = cells.iter().take_while(is_first_line).collect();
    let mut table = String::from("| part | change |");
    for Cell { tool, version, .. } in &columns {
        // Writing to a string does not fail.
        let _ = match version {
            Some(version) => write!(table, " {tool}<br>{version} |"),
            None => write!(table, " {tool} |"),
        };
    }
    let _ = writeln!(table, "\n|---|---|{}", ":-:|".repeat(columns.len()));
    for line in cells.chunks(columns.len()) {
        let Some(Cell { part, change, .. }) = line.first() else { continue };
        let said: String = line.iter().map(|cell| format!(" {} |", cell.said)).collect();
        let _ = writeln!(table, "| {part} | {change} |{said}");
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(change: &str, tool: &str, version: Option<&str>, said: &str) -> Cell {
        let [part, change, tool, said] = ["token", change, tool, said].map(str::to_owned);
        Cell { part, change, tool, version: version.map(str::to_owned), said }
    }

    #[test]
    fn the_table_has_a_line_for_each_change_and_a_column_for_each_tool() {
        let cells = [
            cell("imprint", "openssl ts", Some("3.0"), "R"),
            cell("imprint", "avouch", None, "R"),
            cell("removed", "openssl ts", Some("3.0"), "·"),
            cell("removed", "avouch", None, "C"),
        ];
        let expected = "\
            | part | change | openssl ts<br>3.0 | avouch |\n\
            |---|---|:-:|:-:|\n\
            | token | imprint | R | R |\n\
            | token | removed | · | C |\n";
        assert_eq!(table(&cells), expected);
        assert_eq!(table(&[]), "");
    }
}
