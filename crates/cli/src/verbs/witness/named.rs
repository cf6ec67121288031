//! `avouch witness name|dismiss|show`: who witnesses a platform's books, as its registry says.

use std::collections::BTreeMap;

use clap::{Args, ValueEnum};
use model::Form;
use quorum::{Book, Change, Key, Registry, Witness, Witnesses};
use serde::Serialize;
use signer::{AdminClient, Anchor};
use tlog::VerifierKey;
use tlog::note::NoteAlgorithm;

use super::super::key::EndorserArgs;
use crate::administration::{Granted, Then};
use crate::context::FolderArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;
use crate::verbs::init;

/// The flags of `avouch witness name`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  avouch witness name 'w1.example.com+5f2b…+BD…' 'w2.example.org+…' 'w3.example.net+…' --threshold 2
  avouch witness name 'w1.example.com+5f2b…+BD…' --threshold 1 --book journal

From then on the key process signs nothing governed and no checkpoint before the threshold of them hold its journal:
write where they are into `[witnesses]` of avouch.toml first, and have `avouch witness feed` running. What each must know
of this platform is printed by `avouch witness show KEY`.")]
pub(super) struct NameArgs {
    /// The verifier keys of all witnesses, in place of those before
    #[arg(required = true, value_name = "KEY")]
    keys: Vec<String>,
    /// How many must have cosigned: more than half of them
    #[arg(long, value_name = "COUNT")]
    threshold: u32,
    /// What they cosign; otherwise both
    #[arg(long = "book", value_enum)]
    books: Vec<Named>,
    #[command(flatten)]
    endorser: EndorserArgs,
}

/// The flags of `avouch witness dismiss`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  avouch witness dismiss    journal and log are unanchored from then on")]
pub(super) struct DismissArgs {
    #[command(flatten)]
    endorser: EndorserArgs,
}

/// The flags of `avouch witness show`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  avouch witness show --dir /var/lib/avouch
  avouch witness show 'w1.example.com+5f2b\u{2026}+BD\u{2026}'    what that one must know, before it is named")]
pub(super) struct ShowArgs {
    /// The verifier keys of witnesses that are to be named
    #[arg(value_name = "KEY")]
    keys: Vec<String>,
    #[command(flatten)]
    folder: FolderArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What witnesses cosign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Named {
    /// The key process's journal
    Journal,
    /// The transparency log
    Log,
}

/// How a platform is witnessed, for programs.
#[derive(Debug, Serialize)]
struct Report {
    /// What every witness must know: the keys of the log that grows, and of the one that is about to follow it.
    logs: Vec<String>,
    /// What each must know of the journal, by its own name.
    journal: BTreeMap<String, String>,
    witnesses: Option<Witnesses>,
    held_by: Vec<String>,
    loose: Option<String>,
}

pub(super) fn name(args: &NameArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let witnesses = args.keys.iter().map(|key| witness(key)).collect::<Result<_, _>>()?;
    let books = match args.books.as_slice() {
        [] => vec![Book::Journal, Book::Log],
        named => named.iter().map(|book| book.book()).collect(),
    };
    let named = Witnesses { threshold: args.threshold, witnesses, books };
    change(named, &args.endorser, "witnesses", terminal)
}

/// The witness of a verifier key.
fn witness(text: &str) -> Result<Witness, Failure> {
    let expected = "the verifier key of a witness";
    let key = VerifierKey::parse(text).map_err(Failure::input(text.to_owned(), expected))?;
    if key.algorithm() != NoteAlgorithm::Cosignature {
        let what = format!("`{}` is the key of a log, and not of a witness", key.name());
        return Err(Failure::Usage { what, advice: "`avouch witness init` prints the key of a witness" });
    }
    Ok(Witness { name: key.name().to_owned(), key: key.public_key().clone() })
}

pub(super) fn dismiss(args: &DismissArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let nobody = Witnesses { threshold: 0, witnesses: Vec::new(), books: Vec::new() };
    change(nobody, &args.endorser, "no witnesses", terminal)
}

fn change(
    witnesses: Witnesses,
    endorser: &EndorserArgs,
    reason: &str,
    terminal: Terminal,
) -> Result<Exit, Failure> {
    let (folder, mut registry) = endorser.open()?;
    let changes = |_: &AdminClient| Ok(vec![Change::Witnesses(witnesses)]);
    match endorser.change(&folder, &mut registry, changes, reason)? {
        Granted::Now => {
            terminal.note("in force: see `avouch witness show`");
            Ok(Exit::Done)
        }
        Granted::Waits(waiting) => Ok(waiting.tell(Then::Submit, terminal)),
    }
}

pub(super) fn show(args: &ShowArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let folder = args.folder.open()?;
    let registry = init::registry(&folder)?;
    let anchor = init::state(&folder)?.anchor;
    let named = registry.witnesses(Book::Journal).or_else(|| registry.witnesses(Book::Log)).cloned();
    let logs = logs(&registry);
    let to_be_named = args.keys.iter().map(|key| witness(key)).collect::<Result<Vec<_>, _>>()?;
    let all = named.iter().flat_map(|named| &named.witnesses).chain(&to_be_named);
    let journal = all.filter_map(|one| Some((one.name.clone(), journal_for(&registry, one)?))).collect();
    let (held_by, loose) = match anchor {
        Anchor::Unanchored => (Vec::new(), None),
        Anchor::Held { by } => (by, None),
        Anchor::Loose { why } => (Vec::new(), Some(why)),
    };
    let exit = if loose.is_some() { Exit::CannotCheck } else { Exit::Done };
    let report = Report { logs, journal, witnesses: named, held_by, loose };
    if args.json {
        terminal.line(crate::verbs::json(&report));
        return Ok(exit);
    }
    terminal.line("what every witness must know of this platform:");
    report.logs.iter().for_each(|key| terminal.line(format_args!("  {key}")));
    for (name, key) in &report.journal {
        terminal.line(format_args!("and {name}, for itself alone:\n  {key}"));
    }
    let Some(named) = &report.witnesses else {
        terminal.line("no witness is named: journal and log are unanchored");
        return Ok(exit);
    };
    let books: Vec<&str> = named.books.iter().map(|book| Named::from(*book).words()).collect();
    let (threshold, count) = (named.threshold, named.witnesses.len());
    terminal
        .line(format_args!("{} must be cosigned by {threshold} of {count} witnesses:", books.join(" and ")));
    for one in &named.witnesses {
        let key = VerifierKey::of_witness(&one.name, &one.key).map(|key| key.encode());
        terminal.line(format_args!("  {}", key.unwrap_or_else(|_| one.name.clone())));
    }
    match &report.loose {
        Some(why) => terminal.line(format_args!("{} {why}", terminal.bad("not anchored:"))),
        None if named.books.contains(&Book::Journal) => {
            terminal.line(format_args!("the journal is held by {}", report.held_by.join(", ")));
        }
        None => {}
    }
    Ok(exit)
}

/// The verifier keys of the log that grows, and of the one that is published to follow it.
fn logs(registry: &Registry) -> Vec<String> {
    let both =
        [registry.in_use(Form::Checkpoint, crate::clock::now()), registry.platform_key(Form::Checkpoint)];
    let key = |key: &Key| VerifierKey::of_log(key.record.origin.as_deref()?, &key.record.public_key).ok();
    let mut keys: Vec<String> = both.into_iter().flatten().filter_map(key).map(|key| key.encode()).collect();
    keys.dedup();
    keys
}

/// The verifier key of the journal, as this witness alone is shown it.
fn journal_for(registry: &Registry, witness: &Witness) -> Option<String> {
    let key = VerifierKey::of_log(&registry.journal_shown_to(witness), registry.journal_key());
    Some(key.ok()?.encode())
}

impl Named {
    const fn book(self) -> Book {
        match self {
            Self::Journal => Book::Journal,
            Self::Log => Book::Log,
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Journal => "the journal",
            Self::Log => "the log",
        }
    }
}

impl From<Book> for Named {
    fn from(book: Book) -> Self {
        match book {
            Book::Journal => Self::Journal,
            Book::Log => Self::Log,
        }
    }
}
