//! `avouch doctor`: is everything ready, and what is not?

mod cosigned;

use std::borrow::Cow;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use model::{Disk, Force, Guarantee, Space, told};
use serde::Serialize;
use signer::{Anchor, Signer as _};
use signerd::{HardwareToken, Pkcs11Config};
use store::Restoration;

use crate::config::Folder;
use crate::context::FolderArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::launch;
use crate::readiness::Readiness;
use crate::terminal::Terminal;
use crate::verbs::init;

/// The flags of `avouch doctor`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  avouch doctor /var/lib/avouch")]
pub(crate) struct DoctorArgs {
    /// The data folder; otherwise `$AVOUCH_DIR`, or the one in the stored context
    dir: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// One row of the list.
#[derive(Debug, Serialize)]
struct Row {
    what: Cow<'static, str>,
    state: RowState,
    evidence: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    fix: &'static str,
}

/// How one thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum RowState {
    /// It is as it should be.
    InForce,
    /// It is not, and cannot be on this machine or with this configuration.
    NotHere,
    /// It is not, and must be.
    Wrong,
}

pub(super) fn run(args: &DoctorArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let folder = FolderArgs { dir: args.dir.clone() }.open()?;
    let mut rows = vec![configuration(&folder), secrets(&folder), key_process(&folder), server(&folder)];
    rows.extend(readiness(&folder));
    rows.extend(stores(&folder));
    rows.extend([trust_root(&folder), continuity(&folder), anchor(&folder)]);
    rows.extend(log_cosigned(&folder));
    if args.json {
        terminal.line(super::json(&rows));
    } else {
        rows.iter().for_each(|row| show(row, terminal));
    }
    let wrong = rows.iter().any(|row| row.state == RowState::Wrong);
    Ok(if wrong { Exit::CannotCheck } else { Exit::Done })
}

fn show(row: &Row, terminal: Terminal) {
    let mark = match row.state {
        RowState::InForce => terminal.good("in force "),
        RowState::NotHere => terminal.dim("not here "),
        RowState::Wrong => terminal.bad("wrong    "),
    };
    terminal.line(format_args!("{mark} {}: {}", row.what, row.evidence));
    if !row.fix.is_empty() {
        terminal.line(format_args!("          do: {}", row.fix));
    }
}

fn row(what: &'static str, found: Result<String, String>, fix: &'static str) -> Row {
    match found {
        Ok(evidence) => Row { what: what.into(), state: RowState::InForce, evidence, fix: "" },
        Err(evidence) => Row { what: what.into(), state: RowState::Wrong, evidence, fix },
    }
}

fn configuration(folder: &Folder) -> Row {
    let found = super::config::check_host(folder);
    let found =
        found.map(|()| format!("host {}", folder.config.platform.host)).map_err(|cause| cause.to_string());
    row("configuration", found, "correct `avouch.toml`")
}

fn secrets(folder: &Folder) -> Row {
    let private = [
        folder.at(&folder.config.signerd.folder),
        folder.at(&folder.config.signerd.passphrase_file),
        folder.at(&folder.config.server.folder),
        folder.at("server/tls/server.key"),
        folder.at("server/tls/ca.key"),
    ];
    let open = private
        .iter()
        .find(|path| fs::metadata(path).map_or(true, |metadata| metadata.permissions().mode() & 0o077 != 0));
    let found = match open {
        None => Ok("keys and folders are readable by their user alone".to_owned()),
        Some(path) => Err(format!("`{}` is missing, or others may read it", path.display())),
    };
    row("secrets", found, "`chmod go-rwx` what is named")
}

fn key_process(folder: &Folder) -> Row {
    let client = signer::Client::new(&folder.at(&folder.config.signerd.socket));
    let found = client.state().map(|state| {
        format!("{} registry entries, journal of {} leaves", state.registry.len(), state.journal.size)
    });
    row(
        "key process",
        found.map_err(|cause| cause.to_string()),
        "start `avouch serve`, and read what it says",
    )
}

fn server(folder: &Folder) -> Row {
    let found = launch::addresses(&folder.ready_file());
    let found = found.and_then(|addresses| {
        let stream =
            std::net::TcpStream::connect_timeout(&addresses.listen, std::time::Duration::from_secs(2))
                .ok()?;
        drop(stream);
        Some(format!("listens at {}, log and trust root at {}", addresses.listen, addresses.public_url))
    });
    row(
        "server",
        found.ok_or_else(|| "nobody listens".to_owned()),
        "start `avouch serve`, and read what it says",
    )
}

/// What the running server itself says that it lacks, and which walls it and the key process found when they tried
/// them. Where none runs, the row above says so.
fn readiness(folder: &Folder) -> Vec<Row> {
    let Some(addresses) = launch::addresses(&folder.ready_file()) else { return Vec::new() };
    const WHAT: &str = "readiness";
    match Readiness::ask(addresses.monitor_listen) {
        Err(cause) => vec![row(WHAT, Err(cause.to_string()), "read what `avouch serve` says")],
        Ok(readiness) => {
            let missing = readiness.missing().map(|check| format!("{}: {}", check.name, check.evidence));
            let found = match missing.collect::<Vec<_>>().join("; ") {
                missing if missing.is_empty() => Ok("it can sign".to_owned()),
                missing => Err(missing),
            };
            let fix = "do what it says; it goes on by itself once it can, unless it only reads";
            let first = row(WHAT, found, fix);
            std::iter::once(first).chain(readiness.guarantees.into_iter().map(guarantee)).collect()
        }
    }
}

fn guarantee(found: Guarantee) -> Row {
    let state = match found.force {
        Force::InForce => RowState::InForce,
        Force::NotHere => RowState::NotHere,
    };
    Row { what: found.what.into(), state, evidence: found.evidence, fix: "" }
}

/// One row a key store in a hardware token: its module is asked, in a process of its own, without a PIN.
fn stores(folder: &Folder) -> Vec<Row> {
    let key_process = folder.at(&folder.config.signerd.folder);
    // What is wrong with the configuration was said before any of this.
    let configured = crate::stores::stores(folder).unwrap_or_default();
    let one = |(name, config): (&Space, &Pkcs11Config)| {
        let fix = "look at token, module and PIN, as docs/operate/hsm.md says";
        let found = signerd::look(config, &key_process, name);
        let found = found.map(|token| hardware_token(&token)).map_err(|cause| told(&cause));
        Row { what: format!("key store `{name}`").into(), ..row("", found, fix) }
    };
    configured.iter().map(one).collect()
}

fn hardware_token(token: &HardwareToken) -> String {
    let free = match token.sessions_free() {
        Some(count) => format!("{count} sessions free"),
        None => "any number of sessions".to_owned(),
    };
    let algorithms: Vec<&str> = token.algorithms.iter().map(|algorithm| algorithm.word()).collect();
    let HardwareToken { label, model, serial, module, .. } = token;
    format!(
        "token `{label}` ({model}, serial {serial}) answers through {module}; {free}; it makes {}",
        algorithms.join(", ")
    )
}

fn trust_root(folder: &Folder) -> Row {
    let found =
        crate::reading::trust_root(&folder.at(super::init::TRUST_ROOT)).map_err(|cause| cause.to_string());
    let found = found.and_then(|root| {
        let expires = root.expires();
        if expires <= crate::clock::now() {
            Err(format!("it expired at {expires}"))
        } else {
            Ok(format!("until {expires}"))
        }
    });
    row("trust root", found, "`avouch trust export` fetches a new one")
}

/// What comes from a backup signs and serves only after somebody looked at it.
fn continuity(folder: &Folder) -> Row {
    let what = "folders that go on where they stopped";
    let journal = folder.at(&folder.config.signerd.folder).join("journal");
    let disk: Arc<dyn Disk> = Arc::new(signerd::FileDisk::new(&journal));
    if let Ok(Some(journal)) = signerd::inspect(&disk)
        && let signerd::Continuity::Restored(restored) = journal.continuity
    {
        let evidence = format!("the key process's comes from a backup of {}", restored.at);
        return row(what, Err(evidence), "`avouch signerd adopt DIR`, then `avouch fsck DIR`");
    }
    match Restoration::read(&folder.at(&folder.config.server.folder)) {
        Ok(Restoration::None) => {
            row(what, Ok("neither comes from a backup that nobody took up".to_owned()), "")
        }
        Ok(Restoration::Checked) => {
            let evidence = "the server's comes from a backup, and its books agree";
            row(what, Err(evidence.to_owned()), "start `avouch serve DIR`")
        }
        Ok(Restoration::Unchecked) => {
            let evidence = "the server's comes from a backup";
            row(what, Err(evidence.to_owned()), "stop everything, then `avouch fsck DIR`")
        }
        Err(cause) => row(what, Err(cause.to_string()), "look at the server's folder"),
    }
}

fn anchor(folder: &Folder) -> Row {
    let what = "journal anchored by witnesses";
    let anchor = match init::state(folder) {
        Ok(state) => state.anchor,
        Err(cause) => return row(what, Err(cause.to_string()), "start the key process"),
    };
    match anchor {
        Anchor::Unanchored => {
            let evidence = "no witness is named: unanchored".to_owned();
            Row { what: what.into(), state: RowState::NotHere, evidence, fix: "" }
        }
        Anchor::Held { by } => row(what, Ok(format!("held by {}", by.join(", "))), ""),
        Anchor::Loose { why } => row(what, Err(why), "run `avouch witness feed`"),
    }
}

/// One row where witnesses are named for the log. Where the key process cannot be asked, other rows say so.
fn log_cosigned(folder: &Folder) -> Option<Row> {
    let found = cosigned::stand(folder, &init::registry(folder).ok()?)?;
    Some(row("log cosigned by witnesses", found, "run `avouch witness feed`, and read what it says"))
}
