//! The folder of a witness: `witness.toml`, its key, and what it saw.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::witness::Keys;
use model::Disk;
use serde::{Deserialize, Serialize};
use signerd::{Cost, FileDisk};
use tlog::VerifierKey;
use tlog::witness::KnownLog;

use crate::failure::Failure;

/// The name of the file in its folder.
pub(super) const FILE: &str = "witness.toml";

/// `witness.toml`. Unknown keys are refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    /// Where checkpoints are brought (HTTP; put TLS before it where the way is not your own).
    pub(super) listen: SocketAddr,
    /// The logs whose checkpoints it cosigns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) logs: Vec<Log>,
}

/// A log that a witness knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Log {
    /// Its verifier key.
    pub(super) key: String,
    /// Its origin, where that is not the key's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) origin: Option<String>,
}

/// A folder of a witness.
pub(super) struct Stand {
    pub(super) path: PathBuf,
}

impl Stand {
    pub(super) fn config(&self) -> Result<Config, Failure> {
        let file = self.path.join(FILE);
        if !file.exists() {
            return Err(Failure::Folder {
                path: self.path.clone(),
                fault: "is not a witness's folder: it has no `witness.toml`",
                advice: "make one with `avouch witness init DIR`",
            });
        }
        let text = fs::read_to_string(&file).map_err(Failure::file("read", &file))?;
        toml::from_str(&text).map_err(|source| Failure::Config { path: file, source: source.into() })
    }

    pub(super) fn passphrase_file(&self) -> PathBuf {
        self.path.join("passphrase")
    }

    pub(super) fn keys_folder(&self) -> PathBuf {
        self.path.join("keys")
    }

    pub(super) fn memory_folder(&self) -> PathBuf {
        self.path.join("seen")
    }

    pub(super) fn keys(&self) -> Result<Keys, Failure> {
        let file = self.passphrase_file();
        let content = fs::read(&file).map_err(Failure::file("read", &file))?;
        let passphrase = signerd::passphrase(content);
        let passphrase = passphrase.map_err(Failure::input(file.display().to_string(), "a passphrase"))?;
        Ok(Keys { disk: disk(&self.keys_folder()), passphrase, cost: Cost::RECOMMENDED })
    }

    pub(super) fn memory(&self) -> Arc<dyn Disk> {
        disk(&self.memory_folder())
    }
}

fn disk(folder: &Path) -> Arc<dyn Disk> {
    Arc::new(FileDisk::new(folder))
}

impl Config {
    /// The logs that it names.
    pub(super) fn known(&self) -> Result<Vec<KnownLog>, Failure> {
        let log = |log: &Log| {
            let key = VerifierKey::parse(&log.key)
                .map_err(Failure::input(log.key.clone(), "the verifier key of a log"))?;
            let origin = log.origin.clone().unwrap_or_else(|| key.name().to_owned());
            KnownLog::new(&origin, key)
                .map_err(Failure::input(origin, "the origin of a log with a key of its own"))
        };
        self.logs.iter().map(log).collect()
    }
}
