//! What is said to people: in colour on a terminal, plain everywhere else.

use std::error::Error;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use crate::failure::Failure;

/// How a text is shown.
#[derive(Debug, Clone, Copy)]
enum Paint {
    Plain,
    Ansi,
}

/// One of the two streams of a terminal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    out: Paint,
    err: Paint,
    /// How wide lines are; none where nobody looks: programs read one thing a line.
    columns: Option<usize>,
}

/// How wide lines are on a terminal.
const COLUMNS: usize = 80;

impl Terminal {
    /// The terminal of this process; `NO_COLOR` (no-color.org) is heeded.
    pub(crate) fn new() -> Self {
        let paint = |is_terminal: bool| {
            let quiet = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            if is_terminal && !quiet { Paint::Ansi } else { Paint::Plain }
        };
        let (out, err) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        Self { out: paint(out), err: paint(err), columns: out.then_some(COLUMNS) }
    }

    /// A line on standard output. Nobody reading is no failure.
    pub(crate) fn line(self, text: impl Display) {
        let _nobody_reads = writeln!(io::stdout(), "{text}");
    }

    /// One of a list, behind a mark that is one column wide.
    pub(crate) fn list_item(self, mark: &str, text: &str) {
        const INDENT: usize = 6;
        let lines = wrap(text, self.columns.map_or(usize::MAX, |columns| columns - INDENT));
        for (number, line) in lines.iter().enumerate() {
            match number {
                0 => self.line(format_args!("    {mark} {line}")),
                _ => self.line(format_args!("{:INDENT$}{line}", "")),
            }
        }
    }

    /// Bytes on standard output.
    pub(crate) fn bytes(self, bytes: &[u8]) {
        let _nobody_reads = io::stdout().write_all(bytes);
    }

    /// A note on standard error, which is for people only.
    pub(crate) fn note(self, text: impl Display) {
        let _nobody_reads = writeln!(io::stderr(), "{text}");
    }

    /// A failure, its causes and what to do, on standard error.
    pub(crate) fn failure(self, failure: &Failure) {
        self.note(format_args!("{} {failure}", self.err.wrap("1;31", "avouch:")));
        let mut cause = failure.source();
        while let Some(because) = cause {
            self.note(format_args!("  because {because}"));
            cause = because.source();
        }
        let advice = failure.advice();
        if !advice.is_empty() {
            self.note(format_args!("  {} {advice}", self.err.wrap("1", "do:")));
        }
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.out.wrap("1", text)
    }

    pub(crate) fn good(self, text: &str) -> String {
        self.out.wrap("32", text)
    }

    pub(crate) fn bad(self, text: &str) -> String {
        self.out.wrap("31", text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.out.wrap("2", text)
    }
}

impl Paint {
    fn wrap(self, code: &str, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Ansi => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }
}

/// Lines of words, none longer than this unless a word is.
fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is a line from the beginning");
        let width = line.chars().count();
        if width == 0 {
            line.push_str(word);
        } else if width.saturating_add(1).saturating_add(word.chars().count()) <= columns {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_and_a_long_word_stays_whole() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("a key_0123456789 b", 5), ["a", "key_0123456789", "b"]);
        assert_eq!(wrap("größe zählt", 11), ["größe zählt"]);
        assert_eq!(wrap("", 5), [""]);
        assert_eq!(wrap("one two three", usize::MAX), ["one two three"]);
    }
}
