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

/// What became of one client's signature at another.
#[derive(Debug, Clone, Serialize)]
pub struct ClientCell<'a> {
    /// `keyless` or `keyed`.
    pub means: &'a str,
    /// `blob`, `attestation`, `commit`, `image`.
    pub what: &'a str,
    /// Who signed, with the version.
    pub signer: &'a str,
    /// Who verified, with the version.
    pub verifier: &'a str,
    /// How many changed copies were refused.
    pub refused: u32,
    /// Why the untouched one is refused as well; none where it is accepted, as it should be.
    pub cannot: Option<&'a str>,
}

/// Reports what one client said of another's signature.
///
/// The test itself asserts it; the name of such a test begins with `interop_`.
pub fn interop_cell(cell: &ClientCell<'_>) {
    lines::append("AVOUCH_CLIENTS", cell);
}
