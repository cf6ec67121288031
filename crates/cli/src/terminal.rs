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
}

impl Terminal {
    /// The terminal of this process; `NO_COLOR` (no-color.org) is heeded.
    pub(crate) fn new() -> Self {
        let paint = |is_terminal: bool| {
            let quiet = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            if is_terminal && !quiet { Paint::Ansi } else { Paint::Plain }
        };
        Self { out: paint(io::stdout().is_terminal()), err: paint(io::stderr().is_terminal()) }
    }

    /// A line on standard output. Nobody reading is no failure.
    pub(crate) fn line(self, text: impl Display) {
        let _nobody_reads = writeln!(io::stdout(), "{text}");
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
