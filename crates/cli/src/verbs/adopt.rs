//! `avouch signerd adopt`: administrators take up a state that was restored. A new journal and a new log begin; the old
//! log is frozen, and the gap stays visible in the registry, in trust roots and in `avouch fsck`.

use std::path::PathBuf;

use clap::Args;
use model::{Form, Instant};
use quorum::{Adoption, Change, Key, KeyRecord, KeyState, Registry};
use signer::AdminClient;

use crate::administration::{Administrator, Granted, Successor, Then, generate, name, sealed_files};
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
    let NextLogs { logs, mut changes } = next_logs(&registry, &key_process, &args.reason, now)?;
    changes.insert(0, Change::Adoption(adoption));
    if let Granted::Waits(waiting) = administrator.change(&mut registry, changes, &args.reason, now)? {
        return Ok(waiting.tell(Then::Submit, terminal));
    }
    terminal.line(format_args!("adopted: the journal goes on as `{instance}` from leaf {} on", journal.size));
    for (frozen, begun) in logs {
        terminal
            .line(format_args!("log `{frozen}` is frozen; `{begun}` begins when the server starts again"));
    }
    terminal.line(terminal.bold("next:"));
    terminal.line(format_args!("  avouch fsck {0}; then avouch serve {0}", args.dir.display()));
    terminal
        .line("  avouch trust export    verifiers need the new trust root: it names both logs, and the gap");
    Ok(Exit::Done)
}

/// Logs end, and others begin.
struct NextLogs {
    /// Each with the one that begins in its place.
    logs: Vec<(String, String)>,
    /// Every key so far that signs heads of a log retires, and one is added in its place.
    changes: Vec<Change>,
}

fn next_logs(
    registry: &Registry,
    key_process: &AdminClient,
    reason: &str,
    now: Instant,
) -> Result<NextLogs, Failure> {
    let old: Vec<&Key> = registry.keys().filter(|key| signs_heads(key, now)).collect();
    if !old.iter().any(|key| key.record.form == Form::Checkpoint) {
        return Err(Failure::Usage {
            what: "the registry has no checkpoint key in use, so there is no log to go on from".to_owned(),
            advice: "`avouch key list` shows all keys",
        });
    }
    let retire = |key: &&Key| Change::KeyState {
        key: key.record.id(),
        state: KeyState::Retired,
        since: now,
        reason: reason.to_owned(),
    };
    let (mut logs, mut changes): (_, Vec<Change>) = (Vec::new(), old.iter().map(retire).collect());
    for form in [Form::Checkpoint, Form::Sct, Form::Set] {
        let of_form = old.iter().filter(|key| key.record.form == form);
        let Some(last) = of_form.max_by_key(|key| key.place) else { continue };
        let next = Successor {
            public_key: generate(key_process, &sealed_files(), last.record.public_key.algorithm())?,
            store: sealed_files(),
            published: now,
            takes_over: None,
            days: 3650,
        };
        let next = next.of(&last.record, registry);
        let names = |record: &KeyRecord| record.origin.clone().unwrap_or_default();
        logs.push((names(&last.record), names(&next)));
        changes.push(Change::Key(next));
    }
    Ok(NextLogs { logs, changes })
}

/// One that is suspended could be restored later, and would go on from a head that others know to be old.
fn signs_heads(key: &Key, now: Instant) -> bool {
    matches!(key.record.form, Form::Checkpoint | Form::Sct | Form::Set)
        && (key.is_active_at(now) || key.state == KeyState::Suspended)
}
