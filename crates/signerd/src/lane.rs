//! Lane processes: what a module may reach, and how its process comes to know it.
//!
//! A lane process is this executable once more, with a word that makes it one. It inherits the key process's walls and
//! puts up narrower ones before it loads anything: the module's own files and the PIN, and not the key process's folder.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use keystore::{
    Called, CalledError, HardwareToken, KeyStoreError, LaneProgram, Pkcs11Store, Pkcs11Uri, Pkcs11Wiring,
};
use model::{Disk, Space};

use crate::FileDisk;
use crate::sandbox::confine::{Confines, Network, Programs, Sockets, confine};

/// Where shared libraries are and what nearly every one of them reads.
const RUNTIME: [&str; 9] = [
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/etc/ld.so.cache",
    "/etc/ssl",
    "/etc/pkcs11",
    "/dev/random",
    "/dev/urandom",
];

/// Where whatever a module prints goes.
const NOWHERE: &str = "/dev/null";

/// A key store in a hardware token, as it is configured.
#[derive(Debug, Clone)]
pub struct Pkcs11Config {
    /// The token, its module, and the file of its PIN.
    pub uri: Pkcs11Uri,
    /// How long a signature may take before the module's process is killed.
    pub deadline: Duration,
    /// The whole environment of the module's process. No secrets.
    pub environment: BTreeMap<String, String>,
    /// Files and folders that the module reads, beside itself, the libraries of the system and the PIN.
    pub read: Vec<PathBuf>,
    /// Folders in which it keeps files.
    pub write: Vec<PathBuf>,
    /// What it has to do with a network.
    pub network: Network,
    /// The words that make this executable a lane process.
    pub verb: Vec<OsString>,
}

impl Pkcs11Config {
    /// How long a signature may take, unless said otherwise: a device at the other end of a network is slow, not silent.
    pub const DEADLINE: Duration = Duration::from_secs(10);

    /// How long it may be said to take. A batch goes on for fifteen seconds and ends with the signature that it is at then;
    /// whoever ordered waits for half a minute, and then orders the same once more.
    pub const DEADLINES_MS: RangeInclusive<u64> = 100..=10_000;

    /// A deadline of so many milliseconds.
    pub fn deadline_of(milliseconds: u64) -> Result<Duration, DeadlineError> {
        if Self::DEADLINES_MS.contains(&milliseconds) {
            return Ok(Duration::from_millis(milliseconds));
        }
        let (least, most) = (*Self::DEADLINES_MS.start(), *Self::DEADLINES_MS.end());
        Err(DeadlineError { milliseconds, least, most })
    }

    /// A module that reads nothing of its own, writes nothing and speaks with nobody.
    pub fn new(uri: Pkcs11Uri, verb: Vec<OsString>) -> Self {
        Self {
            uri,
            deadline: Self::DEADLINE,
            environment: BTreeMap::new(),
            read: Vec::new(),
            write: Vec::new(),
            network: Network::None,
            verb,
        }
    }
}

/// A signature may not take so long, or so little.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a signature may take from {least} to {most} ms, and not {milliseconds}: whoever orders one waits for 30 s in all"
)]
pub struct DeadlineError {
    milliseconds: u64,
    least: u64,
    most: u64,
}

/// Why a lane process does not begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LaneError {
    /// A word that says nothing here.
    #[error("`{word}` is none of `read=PATH`, `write=PATH` and `network=any`")]
    Word {
        /// The word.
        word: String,
    },
    /// Nobody called it, or not in a way that it understands.
    #[error("the lane process cannot begin")]
    Called(#[from] CalledError),
}

/// What a lane process does, from its first word to its end. [`harden`](crate::harden) comes before.
pub fn lane(words: &[OsString]) -> Result<(), LaneError> {
    let mut confines = parse(words)?;
    let called = Called::accept(std::io::stdin().as_fd())?;
    // The sockets of a device's own service lie where the module was let; the key process's do not.
    confines.sockets = Sockets::In(confines.read.iter().chain(&confines.write).cloned().collect());
    confines.read.extend(module_reads(called.module()));
    confines.read.push(called.pin_file().to_owned());
    confines.write.push(NOWHERE.into());
    // A file of the PIN that is missing is told when it is read.
    confines.read.retain(|path| path.exists());
    match confine(&confines) {
        Ok(_) => Ok(called.serve()?),
        Err(cause) => Ok(called.refuse(&model::told(&cause))?),
    }
}

/// Asks a module for its token, in a lane process that lives for that alone. The PIN is not used; where the key process
/// of this folder remembers that it was refused, that is the answer.
pub fn look(config: &Pkcs11Config, folder: &Path, name: &Space) -> Result<HardwareToken, KeyStoreError> {
    keystore::look(&wiring(config), &FileDisk::new(&folder_of(folder, name)))
}

/// The folder in which a store remembers, in that of its key process.
pub(crate) fn folder_of(key_process: &Path, name: &Space) -> PathBuf {
    key_process.join("stores").join(name.as_str())
}

/// Starts the store. Its process comes later; nobody waits for it here.
pub(crate) fn store(config: &Pkcs11Config, disk: Arc<dyn Disk>) -> Result<Pkcs11Store, KeyStoreError> {
    Pkcs11Store::start(wiring(config), disk)
}

/// What the key process must be able to reach, so that its lane process still is.
pub(crate) fn needs(config: &Pkcs11Config) -> Confines {
    // A PIN that is written anew is another file in the same folder; each lane process then takes that file alone.
    let pin_folder = config.uri.pin_file().parent().map(Path::to_owned);
    let read = module_reads(config.uri.module()).chain(pin_folder).chain(config.read.clone());
    Confines {
        read: read.filter(|path| path.exists()).collect(),
        write: config.write.iter().filter(|path| path.exists()).cloned().chain([NOWHERE.into()]).collect(),
        programs: Programs::Own,
        network: config.network.clone(),
        ..Confines::default()
    }
}

/// Both of them.
pub(crate) fn join(mut one: Confines, other: Confines) -> Confines {
    one.read.extend(other.read);
    one.write.extend(other.write);
    if other.programs == Programs::Own {
        one.programs = Programs::Own;
    }
    if other.network == Network::Any {
        one.network = Network::Any;
    }
    one
}

fn module_reads(module: &Path) -> impl Iterator<Item = PathBuf> {
    let beside = module.parent().map(Path::to_owned);
    RUNTIME.into_iter().map(PathBuf::from).filter(|path| path.exists()).chain(beside)
}

fn wiring(config: &Pkcs11Config) -> Pkcs11Wiring {
    Pkcs11Wiring {
        uri: config.uri.clone(),
        environment: config.environment.clone(),
        deadline: config.deadline,
        program: LaneProgram {
            // The program that runs, also after its file was replaced by that of another release.
            executable: "/proc/self/exe".into(),
            arguments: config.verb.iter().cloned().chain(words(config)).collect(),
        },
    }
}

/// The words that [`parse`] reads.
fn words(config: &Pkcs11Config) -> impl Iterator<Item = OsString> {
    let word = |name: &'static str| {
        move |path: &PathBuf| {
            let mut word = OsString::from(name);
            word.push(path);
            word
        }
    };
    let network = (config.network == Network::Any).then(|| OsString::from("network=any"));
    config.read.iter().map(word("read=")).chain(config.write.iter().map(word("write="))).chain(network)
}

fn parse(words: &[OsString]) -> Result<Confines, LaneError> {
    let mut confines = Confines::default();
    for word in words {
        let unknown = || LaneError::Word { word: word.display().to_string() };
        match word.to_str().and_then(|word| word.split_once('=')).ok_or_else(unknown)? {
            ("read", path) => confines.read.push(path.into()),
            ("write", path) => confines.write.push(path.into()),
            ("network", "any") => confines.network = Network::Any,
            _ => return Err(unknown()),
        }
    }
    Ok(confines)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn what_a_lane_process_is_told_it_understands_and_nothing_else() {
        let uri = "pkcs11:token=a?module-path=/m.so&pin-source=/pin".parse().unwrap();
        let config = Pkcs11Config {
            read: vec!["/etc/a b".into()],
            write: vec!["/var/c=d".into()],
            network: Network::Any,
            ..Pkcs11Config::new(uri, vec!["lane".into()])
        };
        let confines = parse(&words(&config).collect::<Vec<_>>()).unwrap();
        assert_eq!((confines.read, confines.write), (config.read, config.write));
        assert_eq!((confines.network, confines.programs), (Network::Any, Programs::None));
        for word in ["read", "exec=/bin/sh", "network=some"] {
            assert!(parse(&[word.into()]).is_err(), "{word}");
        }
    }
}
