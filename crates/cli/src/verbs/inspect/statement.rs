//! What an attestation says, of what, and what a signature over it does not cover.

use envelope::dsse;
use envelope::in_toto::Statement;
use model::{Content, Item, told};

use crate::terminal::Terminal;

/// Subjects that are shown; the rest is counted.
const SUBJECTS_SHOWN: usize = 16;

/// Shows the statement that is an item's content, if it is one.
pub(in crate::verbs) fn show_content(item: &Item, terminal: Terminal) {
    if let (Content::Inline { bytes }, Some(payload_type)) = (&item.content, &item.parameters.payload_type) {
        show(payload_type, &bytes.0, terminal);
    }
}

/// Shows what is in an envelope.
pub(in crate::verbs) fn show(payload_type: &str, payload: &[u8], terminal: Terminal) {
    terminal.line(format_args!("  over a DSSE payload of type {payload_type:?}, {} bytes", payload.len()));
    if payload_type != dsse::IN_TOTO {
        return terminal.line("  which is no in-toto statement; what it says is not looked into");
    }
    let statement = match Statement::parse(payload) {
        Ok(statement) => statement,
        Err(cause) => {
            return terminal.line(format_args!("  a statement that cannot be read: {}", told(&cause)));
        }
    };
    let kind = &statement.predicate_type;
    let what = kind.kind().map_or("of a kind that is not looked into", |kind| kind.what);
    terminal.line(format_args!("  which claims {:?} ({what}) of", kind.uri()));
    for subject in statement.subject.iter().take(SUBJECTS_SHOWN) {
        terminal.line(format_args!("    {:?} {:?}", subject.name, subject.digest));
    }
    let more = statement.subject.len().saturating_sub(SUBJECTS_SHOWN);
    if more > 0 {
        terminal.line(format_args!("    and {more} more"));
    }
    if let Some(builder) = kind.builder(&statement.predicate) {
        terminal.line(format_args!("  built by {builder:?}"));
    }
    for source in kind.sources(&statement.predicate) {
        terminal.line(format_args!("  built from {source:?}"));
    }
    if let Err(cause) = kind.check(&statement.predicate) {
        terminal.line(format_args!("  its predicate is not what its type says: {}", told(&cause)));
    }
    let open = kind.kind().map_or("what is claimed", |kind| kind.open);
    terminal.line(format_args!("  a signature does not say: {open}"));
    terminal.line("  names are not compared: a subject is what its digests are of, and nothing covers an envelope's `keyid`");
}
