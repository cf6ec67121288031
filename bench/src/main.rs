//! `cargo xtask bench` and `cargo xtask hammer`: what the real binaries do under load, beside what the machine could do at most.
//!
//! **In scope**: the rows of `docs/measured/speed.md`. Each loads a platform of the real processes, and sets the processor
//! time that all of them took for one operation against the processor time of the bare cryptography that the operation
//! needs, measured on the same cores in the same run, in between. The hammer loads too, and checks everything that comes
//! back.
//!
//! **Out of scope**: deciding from a single run. A row whose bare figures drift by more than 5 % is made again, and in
//! the end said to be unsteady.
//!
//! Usage: `bench --avouch FILE [--json] [--quick] [--page FILE] [ROW…]`, `bench hammer --avouch FILE [--seconds N] [--clients N]`

mod bulk;
mod cost;
mod disk;
mod failure;
mod hammer;
mod load;
mod module;
mod page;
mod platform;
mod plot;
mod post;
mod processes;
mod raw;
mod report;
mod rows;
mod submission;
mod wire;

use std::path::PathBuf;
use std::process::ExitCode;

use failure::Failure;
use module::ModuleKey;
use report::Printed;

const USAGE: &str = "\
usage: bench --avouch FILE [--json] [--quick] [--page FILE] [ROW…]
       bench hammer --avouch FILE [--seconds N] [--clients N]";

/// What the command line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    avouch: PathBuf,
    printed: Printed,
    effort: Effort,
    /// The page that is written, beside what is printed.
    page: Option<PathBuf>,
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    /// These rows; all where none is named.
    Rows(Vec<String>),
    /// The hammer.
    Hammer { seconds: u64, clients: usize },
    /// The process that measures a module.
    Module { path: PathBuf, key: ModuleKey },
    /// The process that only answers.
    Post { tls: PathBuf, answer_bytes: usize },
}

/// How much is done for a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    /// Enough to be quoted.
    Full,
    /// Enough to see that it runs.
    Quick,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let Some(asked) = asked(&arguments) else {
        eprintln!("{USAGE}\nrows: {}", rows::names().collect::<Vec<_>>().join(" "));
        return ExitCode::from(3);
    };
    let done = match &asked.what {
        What::Rows(names) => bench(&asked, names),
        What::Hammer { seconds, clients } => hammer::run(&asked.avouch, *seconds, *clients),
        What::Module { path, key } => module::run(path, *key),
        What::Post { tls, answer_bytes } => post::run(tls, *answer_bytes),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("bench: {failure}");
            let causes = std::iter::successors(std::error::Error::source(&failure), |cause| cause.source());
            causes.for_each(|cause| eprintln!("  because {cause}"));
            ExitCode::FAILURE
        }
    }
}

fn bench(asked: &Asked, names: &[String]) -> Result<(), Failure> {
    let rows = rows::measure(asked, names)?;
    report::print(&rows, asked.printed);
    asked.page.as_ref().map_or(Ok(()), |path| page::write(path, &rows))
}

fn asked(arguments: &[&str]) -> Option<Asked> {
    let mut rest = arguments;
    let mut asked = Asked {
        avouch: PathBuf::new(),
        printed: Printed::Table,
        effort: Effort::Full,
        page: None,
        what: What::Rows(Vec::new()),
    };
    if let ["module", path, key] = rest {
        asked.what = What::Module { path: PathBuf::from(path), key: ModuleKey::named(key)? };
        return Some(asked);
    }
    if let ["post", tls, answer_bytes] = rest {
        asked.what = What::Post { tls: PathBuf::from(tls), answer_bytes: answer_bytes.parse().ok()? };
        return Some(asked);
    }
    if let ["hammer", after @ ..] = rest {
        (asked.what, rest) = (What::Hammer { seconds: 30, clients: 32 }, after);
    }
    loop {
        rest = match (rest, &mut asked.what) {
            ([], _) => break,
            (["--avouch", path, after @ ..], _) => {
                asked.avouch = PathBuf::from(path);
                after
            }
            (["--seconds", number, after @ ..], What::Hammer { seconds, .. }) => {
                *seconds = number.parse().ok()?;
                after
            }
            (["--clients", number, after @ ..], What::Hammer { clients, .. }) => {
                *clients = number.parse().ok()?;
                after
            }
            (["--json", after @ ..], What::Rows(_)) => {
                asked.printed = Printed::Json;
                after
            }
            (["--quick", after @ ..], What::Rows(_)) => {
                asked.effort = Effort::Quick;
                after
            }
            (["--page", path, after @ ..], What::Rows(_)) => {
                asked.page = Some(PathBuf::from(path));
                after
            }
            ([name, after @ ..], What::Rows(names)) if rows::names().any(|row| row == *name) => {
                names.push((*name).to_owned());
                after
            }
            _ => return None,
        };
    }
    (!asked.avouch.as_os_str().is_empty()).then_some(asked)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn the_command_line_names_rows_and_nothing_else() {
        let read = asked(&["--avouch", "a", "--json", "receipts"]).unwrap();
        assert_eq!((read.printed, read.what), (Printed::Json, What::Rows(vec!["receipts".to_owned()])));
        assert_eq!(asked(&["--avouch", "a", "unheard-of"]), None);
        assert_eq!(asked(&["receipts"]), None);
        let read = asked(&["hammer", "--avouch", "a", "--seconds", "5"]).unwrap();
        assert_eq!(read.what, What::Hammer { seconds: 5, clients: 32 });
        assert_eq!(asked(&["hammer", "--avouch", "a", "--json"]), None);
    }
}
