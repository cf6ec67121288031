//! `[signerd.stores.NAME]`: key stores besides the sealed files.

use std::collections::BTreeMap;
use std::path::PathBuf;

use model::Space;
use serde::{Deserialize, Serialize};
use signerd::{Network, Pkcs11Config, SOFTWARE};

use crate::config::Folder;
use crate::failure::Failure;

/// A key store besides the sealed files, by its kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Store {
    /// A hardware token behind a PKCS #11 module.
    Pkcs11(Pkcs11),
}

/// A hardware token behind a PKCS #11 module, which runs in a process of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pkcs11 {
    /// The token, its module and the file of its PIN, as a URI of RFC 7512:
    /// `pkcs11:token=LABEL?module-path=/usr/lib/MODULE.so&pin-source=file:/etc/avouch/PIN`.
    pub(crate) uri: String,
    /// How long a signature may take, in milliseconds, before the module's process is killed and started again.
    #[serde(default = "deadline_ms")]
    pub(crate) deadline_ms: u64,
    /// The whole environment of the module's process, as its own documentation asks for it. No secrets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) environment: BTreeMap<String, String>,
    /// Files and folders that the module reads, besides itself, the libraries of the system and the PIN.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) read: Vec<PathBuf>,
    /// Folders in which the module keeps files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) write: Vec<PathBuf>,
    /// Whether the module speaks with its device over a network.
    #[serde(default)]
    pub(crate) network: bool,
}

fn deadline_ms() -> u64 {
    u64::try_from(Pkcs11Config::DEADLINE.as_millis()).unwrap_or(u64::MAX)
}

/// The stores of a data folder, read and checked.
pub(crate) fn stores(folder: &Folder) -> Result<BTreeMap<Space, Pkcs11Config>, Failure> {
    folder.config.signerd.stores.iter().map(|(name, store)| one(folder, name, store)).collect()
}

fn one(folder: &Folder, name: &str, store: &Store) -> Result<(Space, Pkcs11Config), Failure> {
    let wrong = |fault: &str| folder.wrong("signerd.stores", &format!("`{name}`: {fault}"));
    let space: Space = name.parse().map_err(|cause| wrong(&format!("{cause}")))?;
    if name == SOFTWARE || name.contains('/') {
        return Err(wrong("a store has a name of one part, and `software` is that of the sealed files"));
    }
    let Store::Pkcs11(wiring) = store;
    let deadline = Pkcs11Config::deadline_of(wiring.deadline_ms);
    let deadline = deadline.map_err(|cause| wrong(&format!("`deadline_ms`: {cause}")))?;
    let uri = wiring.uri.parse().map_err(|cause| wrong(&format!("{cause}")))?;
    let at = |paths: &[PathBuf]| paths.iter().map(|path| folder.at(path)).collect();
    Ok((
        space,
        Pkcs11Config {
            deadline,
            environment: wiring.environment.clone(),
            read: at(&wiring.read),
            write: at(&wiring.write),
            network: if wiring.network { Network::Any } else { Network::None },
            ..Pkcs11Config::new(uri, ["signerd", "lane"].map(Into::into).to_vec())
        },
    ))
}
