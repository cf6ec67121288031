//! Start and stop of the key process.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::rand;
use keystore::{Cost, Passphrase, SoftwareStore, Stores};
use model::{Clock, Guarantee, Space};

use crate::credential::Credential;
use crate::lane::{self, Pkcs11Config};
use crate::process::{KeyProcess, Parts, SEGMENT_BYTES};
use crate::sandbox::confine::{Confines, Modes, confine};
use crate::sandbox::{self, StopSignals};
use crate::shared::Shared;
use crate::socket::{Audience, Listening, OnFailure};
use crate::{FileDisk, KeyProcessError};

/// What the key process needs to know from outside.
pub struct Config {
    /// Its folder, which nobody else may enter. It is made if it is not there.
    pub folder: PathBuf,
    /// What its key files are sealed under.
    pub passphrase: Passphrase,
    /// What guessing that passphrase shall cost, for key files to come.
    pub cost: Cost,
    /// The socket for orders.
    pub socket: PathBuf,
    /// The socket for administration.
    pub admin_socket: PathBuf,
    /// Users besides its own who may order.
    pub order_users: Vec<u32>,
    /// Users besides its own who may send administrative messages.
    pub admin_users: Vec<u32>,
    /// Key stores besides the sealed files in its folder, by their names.
    pub stores: BTreeMap<Space, Pkcs11Config>,
}

impl Config {
    /// The folder and three sockets, for the user of the process alone.
    pub fn new(folder: &Path, passphrase: Passphrase, socket: &Path, admin_socket: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            passphrase,
            cost: Cost::RECOMMENDED,
            socket: socket.to_owned(),
            admin_socket: admin_socket.to_owned(),
            order_users: Vec::new(),
            admin_users: Vec::new(),
            stores: BTreeMap::new(),
        }
    }
}

/// A key process that runs. Dropping it without [`stop`](Running::stop) is like a crash.
pub struct Running {
    process: Arc<Shared>,
    sockets: Vec<Listening>,
    _lock: File,
}

/// Locks the process in and runs until it is asked to stop (SIGTERM, SIGINT). [`harden`](crate::harden) comes before.
pub fn run(config: &Config, clock: Arc<dyn Clock>) -> Result<(), KeyProcessError> {
    let refused = |source| KeyProcessError::System {
        action: "wait for signals of",
        path: config.folder.clone(),
        source,
    };
    // Before any thread, so that all of them leave the signals to this one.
    let signals = StopSignals::hold().map_err(refused)?;
    lock_in(config)?;
    let running = listen(config, clock, OnFailure::Stop)?;
    signals.wait().map_err(refused)?;
    running.stop()
}

/// Locks the process in, and leaves word of how that went for whoever asks.
fn lock_in(config: &Config) -> Result<(), KeyProcessError> {
    make_private(&config.folder)?;
    let stores = config.stores.values().map(lane::needs);
    let mut confines = stores.fold(Confines::default(), lane::join);
    confines.modes = Modes::Set;
    confines.write.push(config.folder.clone());
    let sockets = [&config.socket, &config.admin_socket];
    confines.write.extend(sockets.iter().filter_map(|socket| socket.parent()).map(Path::to_owned));
    let confined = confine(&confines)?;
    let path = guarantees_file(&config.socket);
    let told = Guarantee::encode(&sandbox::guarantees(&confines, confined));
    // Written in place: who may read this very file may read what comes into it later.
    let written =
        fs::write(&path, told).and_then(|()| fs::set_permissions(&path, PermissionsExt::from_mode(0o644)));
    written.map_err(|source| KeyProcessError::System { action: "write", path, source })
}

/// Where the key process that takes orders at this socket says which walls it has.
pub fn guarantees_file(socket: &Path) -> PathBuf {
    socket.with_extension("guarantees")
}

/// Where the key process that takes orders at this socket speaks with whoever goes to its witnesses. Nothing is ordered
/// there.
pub fn witness_socket(socket: &Path) -> PathBuf {
    socket.with_file_name("witness.sock")
}

/// Starts within a process that does other things too: takes the folder, opens keys and journal, and listens.
pub fn start(config: &Config, clock: Arc<dyn Clock>) -> Result<Running, KeyProcessError> {
    listen(config, clock, OnFailure::Refuse)
}

fn listen(config: &Config, clock: Arc<dyn Clock>, failure: OnFailure) -> Result<Running, KeyProcessError> {
    let keys_folder = config.folder.join("keys");
    let journal_folder = config.folder.join("journal");
    for folder in [&config.folder, &keys_folder, &journal_folder] {
        make_private(folder)?;
    }
    let lock = sandbox::lock(&config.folder)?;
    let process = KeyProcess::open(Parts {
        disk: Arc::new(FileDisk::new(&journal_folder)),
        keys: stores(config, &keys_folder)?,
        clock,
        random: Box::new(|bytes| {
            rand::fill(bytes).expect("the system's source of randomness works from boot on")
        }),
        segment_bytes: SEGMENT_BYTES,
    })?;
    let process = Arc::new(Shared::new(process));
    // What a crash interrupted and nobody has to order again is finished, before anybody asks for it.
    process.catch_up()?;
    let sockets = vec![
        Listening::start(&config.socket, Audience::Orders, &config.order_users, &process, failure)?,
        Listening::start(
            &config.admin_socket,
            Audience::Administration(Credential::issue(&config.admin_socket)?),
            &config.admin_users,
            &process,
            failure,
        )?,
        Listening::start(
            &witness_socket(&config.socket),
            Audience::Witnessing,
            &config.order_users,
            &process,
            failure,
        )?,
    ];
    Ok(Running { process, sockets, _lock: lock })
}

/// The sealed files, which are the home, and whatever else is configured.
fn stores(config: &Config, folder: &Path) -> Result<Stores, KeyProcessError> {
    let files = SoftwareStore::new(Arc::new(FileDisk::new(folder)), config.passphrase.clone(), config.cost);
    let home = Stores::new(Arc::new(files));
    config.stores.iter().try_fold(home, |stores, (name, wiring)| {
        let folder = lane::folder_of(&config.folder, name);
        folder.parent().map_or(Ok(()), make_private)?;
        make_private(&folder)?;
        let store = lane::store(wiring, Arc::new(FileDisk::new(&folder)))?;
        Ok(stores.with(name.clone(), Arc::new(store)))
    })
}

impl Running {
    /// Stops: outcomes are made durable, the folder is free. What a key store is at work on is dropped.
    pub fn stop(mut self) -> Result<(), KeyProcessError> {
        for socket in std::mem::take(&mut self.sockets) {
            socket.stop();
        }
        self.process.stop()
    }
}

impl Drop for Running {
    /// Connections may outlive this value, and the folder's lock does not: they get no more signatures.
    fn drop(&mut self) {
        self.process.abandon();
        for socket in std::mem::take(&mut self.sockets) {
            socket.stop();
        }
    }
}

fn make_private(folder: &Path) -> Result<(), KeyProcessError> {
    let refused = |action| move |source| KeyProcessError::System { action, path: folder.to_owned(), source };
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(refused("make")(error)),
        _ => {}
    }
    let mode = fs::metadata(folder).map_err(refused("look at"))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(KeyProcessError::Open { folder: folder.to_owned(), mode: mode & 0o777 });
    }
    Ok(())
}
