//! A platform of several administrators, whose keys are not on this machine. Each signs the genesis, and enough of them
//! the first keys: between the two, and after, `avouch init --continue` goes on with what has come together.

use std::path::{Path, PathBuf};

use quorum::{Entry, Principal, Registry};
use signer::AdminClient;

use super::{FIRST_KEYS, InitArgs, finish, first_changes, journal_key, make_folder, state, welcome};
use crate::administration::{Granted, Identity, Pending, Then, asking, check_threshold, genesis, majority};
use crate::config::{Folder, Ports};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::files;
use crate::launch::Household;
use crate::ssh::EndorsingKey;
use crate::terminal::Terminal;

/// Where a founding waits, in the data folder.
const GENESIS: &str = "admin/genesis.json";
const KEYS: &str = "admin/first-keys.json";

/// Makes the folder, and writes out the genesis that all founders sign.
pub(super) fn begin(args: &InitArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let count = u32::try_from(args.admins.len()).unwrap_or(u32::MAX);
    let threshold = args.threshold.unwrap_or_else(|| majority(count));
    check_threshold(count, threshold)?;
    let keys = args.admins.iter().map(|path| Ok((path, EndorsingKey::open(path, None)?)));
    let keys = keys.collect::<Result<Vec<(&PathBuf, EndorsingKey)>, Failure>>()?;
    let folder = make_folder(args, Ports::From(args.port))?;
    let (mut founders, mut identities) = (Vec::new(), Vec::new());
    for (path, key) in &keys {
        let identity = Identity::new(&path.file_stem().unwrap_or_default().to_string_lossy());
        founders.push(identity.principal(key));
        identities.push(identity);
    }
    files::write(&folder.at("admin/principals.json"), super::super::json(&identities).as_bytes())?;
    let mut household = Household::start_key_process(folder.clone())?;
    let genesis =
        genesis(&args.host, journal_key(&folder)?, founders.clone(), threshold, crate::clock::now());
    Pending::new(folder.at(GENESIS), Entry::first(genesis)).save(&founders)?;
    household.stop();
    drop(household);
    go_on(&args.dir, terminal)
}

/// Goes on as far as the endorsements go.
///
/// CRASH: what the registry took is taken; the rest is done by the next call.
pub(super) fn go_on(dir: &Path, terminal: Terminal) -> Result<Exit, Failure> {
    let folder = Folder::open(dir)?;
    let household = Household::start_key_process(folder.clone())?;
    let key_process = AdminClient::new(&folder.at(&folder.config.signerd.admin_socket));
    if state(&folder)?.registry.is_empty() {
        let mut genesis = Pending::load(&folder.at(GENESIS))?;
        genesis.collect(None)?;
        if let Granted::Waits(waiting) = genesis.begin(&key_process)? {
            return Ok(waiting.tell(Then::Continue(folder.path()), terminal));
        }
        terminal.line("the platform began: all founders signed its genesis");
    }
    let mut registry = super::registry(&folder)?;
    if registry.entries() == 1 {
        let mut keys = first_keys(&folder, &registry, &key_process)?;
        keys.collect(Some(&registry))?;
        if let Granted::Waits(waiting) = keys.grant(&mut registry, &key_process, crate::clock::now())? {
            return Ok(waiting.tell(Then::Continue(folder.path()), terminal));
        }
    }
    if folder.at(super::TRUST_ROOT).exists() {
        return Err(Failure::Folder {
            path: folder.path().to_owned(),
            fault: "is founded already",
            advice: "serve it with `avouch serve DIR`",
        });
    }
    let mut founded = finish(folder, household, None, crate::clock::now())?;
    founded.household.stop();
    welcome(&founded, terminal)?;
    Ok(Exit::Done)
}

/// The request for the first keys: the one that waits, or a new one where there is none, or where its time has passed.
fn first_keys(folder: &Folder, registry: &Registry, key_process: &AdminClient) -> Result<Pending, Failure> {
    let (path, now) = (folder.at(KEYS), crate::clock::now());
    if path.exists() {
        let waiting = Pending::load(&path)?;
        if waiting.entry().request.as_ref().is_some_and(|request| now < request.deadline) {
            return Ok(waiting);
        }
        waiting.remove(&waiting.signers(Some(registry)));
    }
    let changes = first_changes(key_process, registry.host(), now)?;
    let first: Option<&Principal> = registry.administrators().next();
    let first = first.expect("a registry has administrators");
    let entry = Entry::next(registry, asking(registry, first, FIRST_KEYS, now), changes);
    let pending = Pending::new(path, entry);
    pending.save(&pending.signers(Some(registry)))?;
    Ok(pending)
}
