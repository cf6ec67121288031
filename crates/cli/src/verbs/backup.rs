//! `avouch backup`: a copy of a data folder that agrees with itself, made while everything runs.
//!
//! The order makes it agree: the database at one moment, then the tiles of the log that it knows (which never change),
//! then the journal, which so knows at least as much, then the keys that the journal names.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use model::Disk;
use quorum::Registry;
use signerd::{FileDisk, Inspection, RESTORED, Restored};
use store::{LogName, Reader, Restoration};
use tlog::tile::TileKind;
use tlog::{Checkpoint, Locked, TilePath};

use crate::config::{FILE, Folder};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::files;
use crate::manifest::{HeadOf, Listed, LogHead, Manifest, Presence, is_free};
use crate::terminal::Terminal;

/// The flags of `avouch backup`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  avouch backup /var/lib/avouch /backup/2026-11-20
  avouch fsck /backup/2026-11-20

A backup holds the sealed keys and the server's own TLS keys: keep it as you keep the folder.")]
pub(crate) struct BackupArgs {
    /// The data folder; it may be in use
    dir: PathBuf,
    /// The folder to make
    out: PathBuf,
    /// Copy the passphrase of the sealed keys too: whoever has such a backup has the keys
    #[arg(long)]
    with_passphrase: bool,
}

/// How often the journal is copied until the copy is whole: it is written to meanwhile.
const TRIES: u32 = 20;

/// Files beside the two folders that a platform is not whole without.
const BESIDE: [&str; 7] = [
    FILE,
    "admin/administrator.pub",
    "admin/principal.json",
    "client/ca.pem",
    "client/client.pem",
    "client/context.toml",
    "client/trust-root.json",
];

pub(super) fn run(args: &BackupArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let folder = Folder::open(&args.dir)?;
    if !is_free(&args.out)? {
        return Err(Failure::Folder {
            path: args.out.clone(),
            fault: "is there and not empty",
            advice: "name a folder that `avouch backup` can make",
        });
    }
    files::private_folder(&args.out)?;
    let mut copy = Copy { from: &folder, to: &args.out, listed: Vec::new() };
    let (ledger, log) = copy.server()?;
    let (inspection, registry) = copy.journal()?;
    let passphrase = if args.with_passphrase { Presence::Included } else { Presence::Apart };
    copy.keys(passphrase)?;
    for path in BESIDE.iter().filter(|path| folder.at(path).exists()) {
        copy.file(path)?;
    }
    let mut listed = copy.listed;
    listed.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    let manifest = Manifest {
        version: 1,
        created: crate::clock::now(),
        host: folder.config.platform.host.clone(),
        journal: HeadOf { size: inspection.head.size, root: inspection.head.root },
        registry: HeadOf { size: registry.entries(), root: registry.head() },
        ledger,
        log,
        passphrase,
        files: listed,
    };
    manifest.save(&args.out)?;
    sync_folders(&args.out)?;
    report(&manifest, &args.out, terminal);
    Ok(Exit::Done)
}

fn report(manifest: &Manifest, out: &Path, terminal: Terminal) {
    terminal.line(format_args!("{} files in `{}`", manifest.files.len(), out.display()));
    let head = |name: &str, size: u64, root: &model::Digest| {
        terminal.line(format_args!("  {name:<10} {size}  {}", terminal.dim(&root.to_string())));
    };
    head("journal", manifest.journal.size, &manifest.journal.root);
    head("registry", manifest.registry.size, &manifest.registry.root);
    head("ledger", manifest.ledger.size, &manifest.ledger.root);
    head("log", manifest.log.size, &manifest.log.root);
    match manifest.passphrase {
        Presence::Included => terminal.line("the passphrase is in it: whoever has this backup has the keys"),
        Presence::Apart => {
            terminal.line("the passphrase of the sealed keys is not in it: keep a copy of that elsewhere")
        }
    }
    terminal.line(format_args!("check it with `avouch fsck {}`", out.display()));
}

/// A copy in the making.
struct Copy<'a> {
    from: &'a Folder,
    to: &'a Path,
    listed: Vec<Listed>,
}

impl Copy<'_> {
    /// The server's folder: database, then what the log shows, then TLS.
    fn server(&mut self) -> Result<(HeadOf, LogHead), Failure> {
        const ACTION: &str = "copy the database";
        let part = self.from.config.server.folder.clone();
        let reader = Reader::beside(&self.from.at(&part)).map_err(Failure::inside(ACTION))?;
        files::private_folder(&self.to.join(&part))?;
        let database = part.join(store::DATABASE);
        reader.copy_into(&self.to.join(&database)).map_err(Failure::inside(ACTION))?;
        private(&self.to.join(&database))?;
        let copied = Reader::beside(&self.to.join(&part)).map_err(Failure::inside(ACTION))?;
        let ledger = copied.ledger_head().map_err(Failure::inside(ACTION))?;
        let mut logs = Vec::new();
        for name in LogName::ALL {
            let locked = copied.log(name).map_err(Failure::inside(ACTION))?;
            logs.extend(locked.map(|locked| (name, locked)));
        }
        drop(copied);
        self.list(&database)?;
        let mut newest = None;
        for (name, locked) in &logs {
            let copied = self.log(&part.join(name.folder()), locked)?;
            newest = newest.or((*name == LogName::Transparency).then_some(copied));
        }
        let newest = newest.ok_or_else(|| Failure::Folder {
            path: self.from.at(&part),
            fault: "holds no log",
            advice: "`avouch fsck` says more",
        })?;
        for name in LogName::ALL {
            self.tree(&part.join(name.shards()), &|_| true)?;
        }
        self.tree(&part.join("tls"), &|_| true)?;
        let log = LogHead { origin: newest.origin().to_owned(), size: newest.size(), root: *newest.root() };
        Ok((HeadOf { size: ledger.size, root: ledger.root }, log))
    }

    /// What a log shows, as far as the copied database knows it.
    fn log(&mut self, folder: &Path, locked: &Locked) -> Result<Checkpoint, Failure> {
        let parse = |text: &str| Checkpoint::parse(text).map_err(Failure::inside("copy a log"));
        let (onto, newest) = (parse(&locked.onto)?, parse(&locked.checkpoint)?);
        self.tree(&folder.join("tile"), &|path| is_within(path, newest.size()))?;
        // A note that was shown later is of a log which the copy does not know; it is signed again when it is needed.
        let path = folder.join("checkpoint");
        let note = fs::read_to_string(self.from.at(&path)).ok();
        let shown = note.as_deref().and_then(|note| tlog::note::Note::parse(note).ok());
        if let (Some(note), Some(shown)) = (&note, shown)
            && [onto.text(), newest.text()].iter().any(|text| text == shown.text())
        {
            self.put(&path, note.as_bytes())?;
        }
        Ok(newest)
    }

    /// The journal's files, until their copies are whole: they are written to meanwhile.
    fn journal(&mut self) -> Result<(Inspection, Registry), Failure> {
        const ACTION: &str = "copy the journal";
        let part = self.from.config.signerd.folder.join("journal");
        files::private_folder(&self.to.join(&part))?;
        let mut tries = 0;
        loop {
            tries += 1;
            let mut names: Vec<PathBuf> = names(&self.from.at(&part))?;
            names.retain(|name| name.as_os_str() != RESTORED);
            for name in &names {
                let path = part.join(name);
                let bytes =
                    fs::read(self.from.at(&path)).map_err(Failure::file("read", &self.from.at(&path)))?;
                write_private(&self.to.join(&path), &bytes)?;
            }
            let disk: Arc<dyn Disk> = Arc::new(FileDisk::new(&self.to.join(&part)));
            match signerd::inspect(&disk) {
                Ok(Some(inspection)) => {
                    let registry = Registry::replay(inspection.registry.iter().map(Vec::as_slice));
                    let registry = registry.map_err(Failure::inside(ACTION))?;
                    names.iter().try_for_each(|name| self.list(&part.join(name)))?;
                    self.mark(&part, &inspection, &registry)?;
                    return Ok((inspection, registry));
                }
                Ok(None) => {
                    return Err(Failure::Folder {
                        path: self.from.at(&part),
                        fault: "holds no journal",
                        advice: "`avouch fsck` says more",
                    });
                }
                Err(_) if tries < TRIES => {}
                Err(cause) => return Err(Failure::inside(ACTION)(cause)),
            }
        }
    }

    /// Marks both folders as copies, so that neither is taken for the original, wherever it is put.
    fn mark(&mut self, part: &Path, inspection: &Inspection, registry: &Registry) -> Result<(), Failure> {
        let adoptions = u64::try_from(registry.adoptions().len()).unwrap_or(u64::MAX);
        let restored = Restored { adoptions, head: inspection.head, at: crate::clock::now() };
        self.put(&part.join(RESTORED), &restored.encode())?;
        let server = self.from.config.server.folder.clone();
        let marked = Restoration::Unchecked.write(&self.to.join(&server));
        marked.map_err(Failure::inside("mark the copy"))?;
        self.list(&server.join(RESTORED))
    }

    fn keys(&mut self, passphrase: Presence) -> Result<(), Failure> {
        self.tree(&self.from.config.signerd.folder.join("keys"), &|_| true)?;
        match passphrase {
            Presence::Included => self.file(self.from.config.signerd.passphrase_file.clone()),
            Presence::Apart => Ok(()),
        }
    }

    /// Every file below a folder that is wanted.
    fn tree(&mut self, part: &Path, wanted: &dyn Fn(&Path) -> bool) -> Result<(), Failure> {
        let from = self.from.at(part);
        if !from.exists() {
            return Ok(());
        }
        for name in names(&from)? {
            let path = part.join(&name);
            if self.from.at(&path).is_dir() {
                self.tree(&path, wanted)?;
            } else if wanted(&path) && name.extension().is_none_or(|ending| ending != "new") {
                self.file(&path)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: impl AsRef<Path>) -> Result<(), Failure> {
        let from = self.from.at(&path);
        let bytes = fs::read(&from).map_err(Failure::file("read", &from))?;
        self.put(path.as_ref(), &bytes)
    }

    fn put(&mut self, path: &Path, bytes: &[u8]) -> Result<(), Failure> {
        write_private(&self.to.join(path), bytes)?;
        self.list(path)
    }

    fn list(&mut self, path: &Path) -> Result<(), Failure> {
        self.listed.push(Listed::of(&self.to.join(path), &path.to_string_lossy())?);
        Ok(())
    }
}

fn names(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = fs::read_dir(folder).map_err(Failure::file("look into", folder))?;
    let names = entries.map(|entry| entry.map(|entry| entry.file_name().into()));
    let mut names: Vec<PathBuf> =
        names.collect::<Result<_, _>>().map_err(Failure::file("look into", folder))?;
    names.sort_unstable();
    Ok(names)
}

/// Is a tile's file one of a log of this size? Later ones belong to entries that the copy does not know.
fn is_within(path: &Path, size: u64) -> bool {
    let text = path.to_string_lossy();
    let tile = text.find("tile/").and_then(|at| text.get(at..)?.parse::<TilePath>().ok());
    tile.is_some_and(|tile| {
        let level = match tile.kind() {
            TileKind::Hashes { level } => u32::from(level),
            TileKind::Entries | TileKind::Certificates => 0,
        };
        let end = tile.index().saturating_mul(256).saturating_add(u64::from(tile.width()));
        end <= size >> (8 * level)
    })
}

/// Writes a file that only its user may read, durably, with the folders above it.
pub(super) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    if let Some(parent) = path.parent() {
        files::private_folder(parent)?;
    }
    files::write(path, bytes)?;
    private(path)
}

fn private(path: &Path) -> Result<(), Failure> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
        .map_err(Failure::file("close to others", path))
}

/// Makes the names below a folder durable.
pub(super) fn sync_folders(folder: &Path) -> Result<(), Failure> {
    for entry in fs::read_dir(folder).map_err(Failure::file("look into", folder))?.flatten() {
        if entry.path().is_dir() {
            sync_folders(&entry.path())?;
        }
    }
    File::open(folder).and_then(|open| open.sync_all()).map_err(Failure::file("make durable", folder))
}
