//! `avouch fsck`: the four books of a platform, held against each other.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use store::{OpenError, Reader, Restoration};

use crate::config::Folder;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::fsck::{self, Folders, Held, Report, Signature};
use crate::terminal::Terminal;

/// The flags of `avouch fsck`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  avouch fsck /var/lib/avouch     while nothing runs there
  avouch fsck /var/lib/avouch --signatures | grep release/cms     what a key signed, one by one
  avouch backup /var/lib/avouch /backup/today && avouch fsck /backup/today    while it runs

Exit codes: 0 all agree, 1 something does not, 2 cannot be read")]
pub(crate) struct FsckArgs {
    /// The data folder, or a backup of it
    dir: PathBuf,
    /// A receipt that somebody holds, or a folder of them: is each known here?
    #[arg(long = "receipt", value_name = "FILE|DIR")]
    receipts: Vec<PathBuf>,
    /// List every signature in the journal: leaf, time, key, and the signature's SHA-256
    #[arg(long)]
    signatures: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The report, for programs.
#[derive(Debug, Serialize)]
struct Told<'a> {
    books: Vec<ToldBook<'a>>,
    findings: Vec<ToldFinding>,
    remarks: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signatures: Option<Vec<ToldSignature<'a>>>,
}

#[derive(Debug, Serialize)]
struct ToldSignature<'a> {
    leaf: u64,
    time: String,
    key: &'a str,
    kind: &'static str,
    signature: String,
}

#[derive(Debug, Serialize)]
struct ToldBook<'a> {
    name: &'a str,
    holds: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    head: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct ToldFinding {
    text: String,
    advice: &'static str,
}

pub(super) fn run(args: &FsckArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let folder = Folder::open(&args.dir)?;
    let held = held(&args.receipts)?;
    let (mut report, server) = check(&folder, &held)?;
    let signatures = args.signatures.then(|| std::mem::take(&mut report.signatures));
    if args.json {
        terminal.line(super::json(&told(&report, signatures.as_deref())));
    } else {
        signatures.iter().flatten().for_each(|one| show_signature(one, terminal));
        show(&report, terminal);
    }
    if !report.findings.is_empty() {
        return Ok(Exit::Bad);
    }
    const ACTION: &str = "note that the restored folder was checked";
    // A backup stays as it is.
    let is_backup = folder.at(crate::manifest::FILE).exists();
    if !is_backup && Restoration::read(&server).map_err(Failure::inside(ACTION))? == Restoration::Unchecked {
        Restoration::Checked.write(&server).map_err(Failure::inside(ACTION))?;
        terminal.note("the restored folder is whole: `avouch serve` asks the key process whether it knows the same log, then serves");
    }
    Ok(Exit::Done)
}

/// Checks a folder in which nothing runs.
fn check(folder: &Folder, held: &[Held]) -> Result<(Report, PathBuf), Failure> {
    let wiring = &folder.config.signerd;
    let (server, key_process) = (folder.at(&folder.config.server.folder), folder.at(&wiring.folder));
    let opened = Reader::open(&server).and_then(|store| Ok((store.schema()?, store)));
    let store = match opened {
        Err(OpenError::Held { holder, .. }) => return Err(runs("the server", &format!(" (`{holder}`)"))),
        Err(cause @ OpenError::Newer { .. }) => return Err(Failure::inside("read the store")(cause)),
        Ok((schema, _)) if !schema.missing.is_empty() => {
            return Err(Failure::Folder {
                path: server,
                fault: "holds a store of an older release",
                advice: "start this avouch on it once, which upgrades it, and check it then",
            });
        }
        opened => opened.map(|(_, store)| store),
    };
    let _quiet = match signerd::hold(&key_process) {
        Err(signerd::KeyProcessError::Locked { .. }) => return Err(runs("the key process", "")),
        quiet => quiet.map_err(Failure::inside("read the key process's folder"))?,
    };
    let passphrase_file = folder.at(&wiring.passphrase_file);
    let folders = Folders { server: &server, key_process: &key_process, passphrase_file: &passphrase_file };
    Ok((fsck::check(folders, store, held), server))
}

/// The receipts in files, and in folders of them.
fn held(paths: &[PathBuf]) -> Result<Vec<Held>, Failure> {
    let mut held = Vec::new();
    for path in paths {
        let mut files = vec![path.clone()];
        if path.is_dir() {
            let entries = std::fs::read_dir(path).map_err(Failure::file("look into", path))?;
            let is_receipt = |path: &PathBuf| path.to_string_lossy().ends_with(".receipt.json");
            files = entries.flatten().map(|entry| entry.path()).filter(is_receipt).collect();
            files.sort_unstable();
        }
        for file in files {
            let receipt = crate::reading::receipt(&file)?;
            held.push(Held { name: file.display().to_string(), receipt });
        }
    }
    Ok(held)
}

fn runs(process: &'static str, who: &str) -> Failure {
    let fault = format!(
        "runs on this folder{who}, and its books move: stop it, or make a backup (`avouch backup DIR OUT`) and check that"
    );
    Failure::Process { process, fault }
}

fn told<'a>(report: &'a Report, signatures: Option<&'a [Signature]>) -> Told<'a> {
    let told = |one: &'a Signature| ToldSignature {
        leaf: one.leaf,
        time: one.time.to_string(),
        key: &one.key,
        kind: one.kind,
        signature: one.signature.to_string(),
    };
    Told {
        books: report
            .books
            .iter()
            .map(|book| ToldBook { name: &book.name, holds: &book.holds, head: book.head.as_deref() })
            .collect(),
        findings: report
            .findings
            .iter()
            .map(|finding| ToldFinding { text: finding.to_string(), advice: finding.advice() })
            .collect(),
        remarks: report.remarks.iter().map(ToString::to_string).collect(),
        signatures: signatures.map(|all| all.iter().map(told).collect()),
    }
}

/// So many findings are shown; more of them say no more.
const SHOWN_MAX: usize = 50;

fn show_signature(one: &Signature, terminal: Terminal) {
    let Signature { leaf, time, key, kind, signature } = one;
    terminal.line(format_args!("{leaf:<8} {time}  {key}  {kind}  {}", terminal.dim(&signature.to_string())));
}

fn show(report: &Report, terminal: Terminal) {
    for book in &report.books {
        let head = book.head.as_ref().map(|head| format!("  {}", terminal.dim(head))).unwrap_or_default();
        terminal.line(format_args!("{:<24} {}{head}", book.name, book.holds));
    }
    for remark in &report.remarks {
        terminal.line(format_args!("{} {remark}", terminal.dim("note:")));
    }
    for finding in report.findings.iter().take(SHOWN_MAX) {
        terminal.line(format_args!("{} {finding}", terminal.bad("found:")));
        terminal.line(format_args!("  do: {}", finding.advice()));
    }
    match report.findings.len() {
        0 => terminal.line(terminal.good("all books agree")),
        1 => terminal.line("1 thing does not agree"),
        count => terminal.line(format_args!("{count} things do not agree")),
    }
}
