//! `avouch restore`: puts a backup into an empty folder, and marks what may not simply go on.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use signerd::RESTORED;

use super::backup::{sync_folders, write_private};
use crate::config::{Config, FILE, Folder};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::files;
use crate::launch;
use crate::manifest::{Manifest, Presence, is_free};
use crate::owners;
use crate::terminal::Terminal;

/// The flags of `avouch restore`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  avouch restore /backup/2026-11-20 /var/lib/avouch
  avouch restore /backup/2026-11-20 /var/lib/avouch --only server    where the key process's folder is the newest still")]
pub(crate) struct RestoreArgs {
    /// What `avouch backup` made
    backup: PathBuf,
    /// The folder to make
    dir: PathBuf,
    /// Restore one process's folder into a data folder that lacks it
    #[arg(long)]
    only: Option<Part>,
}

/// A process's folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The server's
    Server,
    /// The key process's
    KeyProcess,
}

pub(super) fn run(args: &RestoreArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let manifest = Manifest::load(&args.backup)?;
    manifest.verify(&args.backup)?;
    let path = args.backup.join(FILE);
    let text = fs::read_to_string(&path).map_err(Failure::file("read", &path))?;
    let config: Config =
        toml::from_str(&text).map_err(|source| Failure::Config { path, source: source.into() })?;
    let (server, key_process) = (&config.server.folder, &config.signerd.folder);
    let wanted = |path: &Path| match args.only {
        None => true,
        Some(Part::Server) => path.starts_with(server),
        Some(Part::KeyProcess) => path.starts_with(key_process),
    };
    let target = match args.only {
        None => args.dir.clone(),
        Some(Part::Server) => args.dir.join(server),
        Some(Part::KeyProcess) => args.dir.join(key_process),
    };
    if !is_free(&target)? {
        return Err(Failure::Folder {
            path: target,
            fault: "is not empty, and what is there may be newer than the backup",
            advice: "restore into an empty folder, or move what is there away first",
        });
    }
    files::private_folder(&args.dir)?;
    // CRASH: the marks that the backup brings come first: a folder that is whole is marked.
    let is_mark = |path: &str| path.ends_with(&format!("/{RESTORED}"));
    let mut listed: Vec<_> = manifest.files.iter().filter(|listed| wanted(Path::new(&listed.path))).collect();
    listed.sort_by_key(|listed| !is_mark(&listed.path));
    for listed in listed {
        let from = args.backup.join(&listed.path);
        let bytes = fs::read(&from).map_err(Failure::file("read", &from))?;
        write_private(&args.dir.join(&listed.path), &bytes)?;
        if is_mark(&listed.path) {
            sync_folders(&args.dir)?;
        }
    }
    if args.only.is_none() {
        for inside in ["run/signerd", "run/server"] {
            files::private_folder(&args.dir.join(inside))?;
        }
    }
    if launch::is_root() && args.dir.join(FILE).exists() {
        owners::settle(&Folder::open(&args.dir)?)?;
    }
    sync_folders(&args.dir)?;
    report(args, &manifest, &config, terminal);
    Ok(Exit::Done)
}

fn report(args: &RestoreArgs, manifest: &Manifest, config: &Config, terminal: Terminal) {
    let dir = args.dir.display();
    terminal.line(format_args!("restored what was there on {}; nothing signs from it yet", manifest.created));
    terminal.line(terminal.bold("next:"));
    let mut steps = Vec::new();
    if manifest.passphrase == Presence::Apart && args.only != Some(Part::Server) {
        steps.push(format!(
            "put the passphrase of the sealed keys into {}",
            args.dir.join(&config.signerd.passphrase_file).display()
        ));
    }
    if args.only != Some(Part::Server) {
        steps.push(format!("avouch signerd adopt {dir} --reason WHY    the administrators take the state up: a new journal and a new log begin, the gap stays visible"));
    }
    steps.push(format!("avouch fsck {dir}    holds the books against each other"));
    steps.push(format!(
        "avouch serve {dir}    asks the key process whether it knows the same log, then serves"
    ));
    for (at, step) in steps.iter().enumerate() {
        terminal.line(format_args!("  {}. {step}", at + 1));
    }
    if args.only == Some(Part::Server) {
        terminal.line("where the key process has signed since, `fsck` says so: the newest server folder, or an adoption, is the way forward");
    }
}
