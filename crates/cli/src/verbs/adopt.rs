//! `avouch signerd adopt`: administrators take up a state that was restored. A new journal and a new log begin; the old
//! log is frozen, and the gap stays visible in the registry, in trust roots and in `avouch fsck`.

use std::path::PathBuf;

use clap::Args;
use model::{Algorithm, Form, Instant};
use quorum::{Adoption, Change, Key, KeyState, Registry};
use signer::AdminClient;

use crate::administration::{Administrator, Granted, NewKey, Then, days, generate, name, sealed_files};
use crate::config::Folder;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::random;
use crate::ssh::EndorsingKey;
use crate::terminal::Terminal;
use crate::verbs::init;

/// The flags of `avouch signerd adopt`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  avouch signerd adopt /var/lib/avouch --reason 'the disk of the key host was lost'

It starts the key process for as long as it takes, where none runs.")]
pub(crate) struct AdoptArgs {
    /// The data folder
    dir: PathBuf,
    /// Why, for ever in the registry
    #[arg(long)]
    reason: String,
    /// The administrator's SSH public key; otherwise the one in the data folder
    #[arg(long, value_name = "FILE.pub")]
    admin: Option<PathBuf>,
    /// The passphrase of an administrator's key that `avouch init` made; otherwise `ssh-keygen` signs, and asks
    #[arg(long, value_name = "FILE")]
    admin_passphrase_file: Option<PathBuf>,
}

pub(super) fn run(args: &AdoptArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let folder = Folder::open(&args.dir)?;
    let public_file = args.admin.clone().unwrap_or_else(|| folder.administrator());
    let key = EndorsingKey::open(&public_file, args.admin_passphrase_file.as_deref())?;
    let _household = init::with_key_process(&folder)?;
    let journal = init::state(&folder)?.journal;
    let mut registry = init::registry(&folder)?;
    let key_process = AdminClient::new(&folder.at(&folder.config.signerd.admin_socket));
    let administrator = Administrator { key: &key, key_process: &key_process, folder: &folder };
    let now = crate::clock::now();
    let adoption = Adoption {
        journal_size: journal.size,
        journal_root: journal.root,
        instance: name(&data_encoding::HEXLOWER.encode(&random::bytes::<4>())),
        reason: args.reason.clone(),
    };
    let instance = adoption.instance.clone();
    let NextLog { frozen, begun, certificates, mut changes } =
        next_log(&registry, &key_process, &args.reason, now)?;
    changes.insert(0, Change::Adoption(adoption));
    if let Granted::Waits(waiting) = administrator.change(&mut registry, changes, &args.reason, now)? {
        return Ok(waiting.tell(Then::Submit, terminal));
    }
    terminal.line(format_args!("adopted: the journal goes on as `{instance}` from leaf {} on", journal.size));
    terminal.line(format_args!("log `{frozen}` is frozen; `{begun}` begins when the server starts again"));
    for log in certificates {
        terminal.line(format_args!(
            "log of certificates `{log}` is frozen; a new key of form sct begins another"
        ));
    }
    terminal.line(terminal.bold("next:"));
    terminal.line(format_args!("  avouch fsck {0}; then avouch serve {0}", args.dir.display()));
    terminal
        .line("  avouch trust export    verifiers need the new trust root: it names both logs, and the gap");
    Ok(Exit::Done)
}

/// One log ends, and another begins.
struct NextLog {
    frozen: String,
    begun: String,
    /// Logs of certificates, which end as well.
    certificates: Vec<String>,
    /// Every key so far that signs heads of a log retires, and one is added.
    changes: Vec<Change>,
}

fn next_log(
    registry: &Registry,
    key_process: &AdminClient,
    reason: &str,
    now: Instant,
) -> Result<NextLog, Failure> {
    let old: Vec<&Key> = registry.keys().filter(|key| signs_heads(key)).collect();
    let (logs, of_certificates): (Vec<&Key>, Vec<&Key>) =
        old.iter().partition(|key| key.record.form == Form::Checkpoint);
    let last = logs.last().ok_or_else(|| Failure::Usage {
        what: "the registry has no checkpoint key in use, so there is no log to go on from".to_owned(),
        advice: "`avouch key list` shows all keys",
    })?;
    let begun = next_origin(registry, &now.to_string());
    let next = NewKey {
        name: last.record.name.clone(),
        generation: last.record.generation + 1,
        form: Form::Checkpoint,
        classes: Vec::new(),
        public_key: generate(key_process, &sealed_files(), Algorithm::Ed25519)?,
        store: sealed_files(),
        not_before: now,
        validity: days(3650),
        subject: None,
        origin: Some(begun.clone()),
        rule: None,
    };
    let retire = |key: &&Key| Change::KeyState {
        key: key.record.id(),
        state: KeyState::Retired,
        since: now,
        reason: reason.to_owned(),
    };
    let mut changes: Vec<Change> = old.iter().map(retire).collect();
    changes.push(Change::Key(next.record()));
    let certificates = of_certificates.iter().filter_map(|key| key.record.origin.clone()).collect();
    Ok(NextLog { frozen: last.record.origin.clone().unwrap_or_default(), begun, certificates, changes })
}

/// One that is suspended could be restored later, and would go on from a head that others know to be old.
fn signs_heads(key: &Key) -> bool {
    matches!(key.record.form, Form::Checkpoint | Form::Sct)
        && matches!(key.state, KeyState::Active | KeyState::Suspended)
}

/// The origin of the next log of this year: `2026-2.log.HOST` after `2026.log.HOST`.
fn next_origin(registry: &Registry, now: &str) -> String {
    let year: String = now.chars().take(4).collect();
    let taken = |origin: &String| registry.keys().any(|key| key.record.origin.as_ref() == Some(origin));
    let first = format!("{year}.log.{}", registry.host());
    let later = (2_u32..).map(|number| format!("{year}-{number}.log.{}", registry.host()));
    let mut origins = std::iter::once(first).chain(later);
    origins.find(|origin| !taken(origin)).expect("numbers do not end")
}
