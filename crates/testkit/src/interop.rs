//! What foreign tools said, for the table of `cargo xtask interop`.

use serde::Serialize;

use crate::{Tool, lines};

/// Whose signatures were judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Ours, by the tool.
    Ours,
    /// The tool's, by us.
    Theirs,
}

#[derive(Serialize)]
struct Row<'a> {
    format: &'a str,
    tool: &'a str,
    version: String,
    direction: Direction,
    accepted: u32,
    refused: u32,
}

/// Reports what a tool said of a format: how many good ones were accepted, how many spoilt ones refused.
///
/// The test itself asserts that these are all; the name of such a test begins with `interop_`.
pub fn interop_row(format: &str, tool: &Tool, direction: Direction, accepted: u32, refused: u32) {
    let row = Row { format, tool: tool.name(), version: tool.version(), direction, accepted, refused };
    lines::append("AVOUCH_INTEROP", &row);
}
