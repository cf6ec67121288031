//! The test runner, whichever is installed, and its own last words.

use std::io::{BufRead, BufReader, IsTerminal, Read, Write, stderr};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;

use crate::failure::Failure;
use crate::{metadata, program};

/// The lines with which a test runner closes: what it ran, what passed, what failed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Closing(Vec<String>);

/// A run that came to its end, well or not.
pub(crate) struct Run {
    pub(crate) closing: Closing,
    pub(crate) verdict: Result<(), Failure>,
}

/// The command that runs the workspace's tests, or those that the arguments choose.
pub(crate) fn tests(arguments: &[&str]) -> Command {
    let mut cargo = program::cargo();
    cargo.current_dir(metadata::root());
    if program::find("cargo-nextest").is_some() {
        // `--no-tests=warn`: a filter may match nothing yet, and the closing lines then say so.
        cargo.args(["nextest", "run", "--no-fail-fast", "--no-tests=warn"]);
    } else {
        cargo.args(["test", "--tests", "--no-fail-fast"]);
        // One after the other: some measure the memory of their process, which is then not theirs alone.
        cargo.env("RUST_TEST_THREADS", "1");
    }
    if !arguments.iter().any(|argument| argument.starts_with("-p") || argument.starts_with("--package")) {
        cargo.arg("--workspace");
    }
    cargo.args(arguments);
    cargo
}

/// Runs it. All that it writes goes on to standard error; the closing lines are kept as well.
pub(crate) fn watch(command: &mut Command) -> Result<Run, Failure> {
    if stderr().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|source| program::not_started(command, source))?;
    let (sender, lines) = mpsc::channel();
    listen(child.stdout.take(), sender.clone());
    listen(child.stderr.take(), sender);
    let mut closing = Closing::default();
    for line in lines {
        // Nobody reading our standard error is no reason to stop the tests.
        let _ = stderr().write_all(&line);
        closing.hear(String::from_utf8_lossy(&line).trim_end());
    }
    let status = child.wait().map_err(|source| program::not_started(command, source))?;
    let verdict = program::succeeded(command, status);
    if let Err(failure) = &verdict
        && closing.0.is_empty()
    {
        // It did not come to its own last words: what does not compile is not to look like what passed.
        closing.0.push(failure.to_string());
    }
    Ok(Run { closing, verdict })
}

/// Sends on each line of an output, from a thread of its own, until it ends.
fn listen(output: Option<impl Read + Send + 'static>, lines: mpsc::Sender<Vec<u8>>) {
    let Some(output) = output else { return };
    thread::spawn(move || {
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        while output.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            if lines.send(std::mem::take(&mut line)).is_err() {
                return;
            }
        }
    });
}

/// Nextest lists every failure after its summary; a reader needs no more of them than this.
const LINES_MAX: usize = 60;

impl Closing {
    /// Keeps a line if it is one of the closing ones: nextest's from its summary on, and libtest's results.
    fn hear(&mut self, line: &str) {
        let plain = without_colour(line);
        let plain = plain.trim();
        let summing_up = self.0.first().is_some_and(|first| is_summary(first));
        let result =
            plain.starts_with("test result:") && !plain.contains("ok. 0 passed; 0 failed; 0 ignored");
        if (summing_up || result || is_summary(plain)) && self.0.len() < LINES_MAX {
            self.0.push(plain.to_owned());
        }
    }

    /// Adds another run's.
    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// The lines as one text.
    pub(crate) fn text(&self) -> String {
        self.0.iter().map(|line| format!("{line}\n")).collect()
    }
}

fn is_summary(line: &str) -> bool {
    line.starts_with("Summary [")
}

fn without_colour(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, escape)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = escape.split_once(|c: char| c.is_ascii_alphabetic()).map_or("", |(_, after)| after);
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(lines: &[&str]) -> String {
        let mut closing = Closing::default();
        lines.iter().for_each(|line| closing.hear(line));
        closing.text()
    }

    #[test]
    fn the_summary_of_nextest_is_kept_with_all_that_follows_it() {
        let lines = [
            "    PASS [ 0.1s] a b",
            "\u{1b}[32;1m     Summary\u{1b}[0m [   0.2s] 2 tests run: 1 passed",
            "  FAIL x",
        ];
        assert_eq!(heard(&lines), "Summary [   0.2s] 2 tests run: 1 passed\nFAIL x\n");
    }

    #[test]
    fn the_results_of_libtest_are_kept_unless_nothing_ran() {
        let lines = [
            "running 0 tests",
            "test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out",
            "test result: FAILED. 3 passed; 1 failed; 0 ignored",
            "error: 1 target failed",
        ];
        assert_eq!(heard(&lines), "test result: FAILED. 3 passed; 1 failed; 0 ignored\n");
    }
}
