//! The files of a list of checksums that was verified.

use std::path::Path;

use ::verify::{Fault, Part, Refused, Verified};
use formats::checksums::{Checksum, ChecksumError, ChecksumList, LIST_BYTES_MAX};
use model::{Digest, Digests};
use serde::Serialize;

use super::VerifyArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// What is said of a list and its files, for programs.
#[derive(Debug, Serialize)]
struct Report<'a> {
    verdict: &'static str,
    list: &'a Verified,
    files: &'a [Listed],
}

/// A file of a list, held to it.
#[derive(Debug, Serialize)]
struct Listed {
    name: String,
    said: Said,
}

/// What is to be said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Said {
    /// It is the one that the list names.
    Good,
    /// It is another.
    Bad,
    /// It is not there.
    Missing,
    /// It is there and cannot be read.
    Unreadable,
}

/// Holds the files of a list that was verified to it, and says of each what it is.
pub(super) fn run(args: &VerifyArgs, verified: &Verified, terminal: Terminal) -> Result<Exit, Failure> {
    let files = judge(args, verified)?;
    let exit = exit_of(&files, args);
    if args.json {
        let verdict = match exit {
            Exit::Done => "good",
            Exit::Bad => "bad",
            _ => "cannot-check",
        };
        terminal.line(super::super::json(&Report { verdict, list: verified, files: &files }));
        return Ok(exit);
    }
    super::show(verified, &args.file, terminal);
    show(&files, terminal);
    Ok(exit)
}

/// Holds every file to the list, which is read once more, and must be the one whose signature was verified.
fn judge(args: &VerifyArgs, verified: &Verified) -> Result<Vec<Listed>, Failure> {
    let bytes = crate::files::read_bounded(&args.file, LIST_BYTES_MAX)?;
    if Digest::of(&bytes) != *verified.file() {
        return Err(Failure::Usage {
            what: format!("`{}` changed while it was verified", args.file.display()),
            advice: "verify it again, when nobody writes it",
        });
    }
    let list = ChecksumList::parse(&bytes).map_err(|cause| refused(args, cause))?;
    let folder = args.file.parent().unwrap_or(Path::new(""));
    Ok(list.files().iter().map(|one| Listed { name: one.name.clone(), said: said(folder, one) }).collect())
}

/// A file that is no list is named by mistake; a list that leads astray is bad, whoever signed it.
fn refused(args: &VerifyArgs, cause: ChecksumError) -> Failure {
    match cause {
        ChecksumError::Weak { .. } | ChecksumError::Name { .. } | ChecksumError::Twice { .. } => {
            let fault = Fault::Unreadable(Box::new(cause));
            let source = Refused::Bad { part: Part::File, item: None, fault };
            Failure::Refused { subject: format!("`{}` is refused as a list", args.file.display()), source }
        }
        other => Failure::input(args.file.display().to_string(), "a list of checksums")(other),
    }
}

fn said(folder: &Path, one: &Checksum) -> Said {
    let path = folder.join(&one.name);
    match std::fs::metadata(&path) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Said::Missing,
        Ok(file) if file.is_file() => {}
        _ => return Said::Unreadable,
    }
    let hash = one.digest.hash();
    let read: Result<Digests, Failure> = crate::reading::artifact(&path, &[hash]).map(|read| read.digests);
    match read {
        Ok(digests) if digests.hashed(hash) == Some(one.digest) => Said::Good,
        Ok(_) => Said::Bad,
        Err(_) => Said::Unreadable,
    }
}

/// Shows the files, one a line.
fn show(listed: &[Listed], terminal: Terminal) {
    for Listed { name, said } in listed {
        let word = match said {
            Said::Good => terminal.good("good"),
            Said::Bad => terminal.bad("bad"),
            Said::Missing => "missing".to_owned(),
            Said::Unreadable => "unreadable".to_owned(),
        };
        let name = if name.contains(char::is_control) { format!("{name:?}") } else { name.clone() };
        terminal.line(format_args!("  {word} {name}"));
    }
    let good = listed.iter().filter(|one| one.said == Said::Good).count();
    terminal.line(format_args!("{good} of {} files are those of the list", listed.len()));
}

/// A bad file makes all bad; one that is not there cannot be checked, unless that was to be so.
fn exit_of(listed: &[Listed], args: &VerifyArgs) -> Exit {
    let any = |said| listed.iter().any(|one| one.said == said);
    match (any(Said::Bad), any(Said::Unreadable), any(Said::Missing)) {
        (true, ..) => Exit::Bad,
        (_, true, _) => Exit::CannotCheck,
        (.., true) if !args.ignore_missing || !any(Said::Good) => Exit::CannotCheck,
        _ => Exit::Done,
    }
}
