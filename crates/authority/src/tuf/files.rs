//! The files of the repository, by their paths: consistent snapshots, so that every file but one keeps its contents for
//! ever, and any web server or mirror can have them.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Digest, TufRole};
use quorum::Registry;
use signer::TufVersion;

use super::TufRepositoryError;

/// Files that clients may still be on their way to. Some hundreds are a day's worth of versions, and few bytes.
const KEPT_MAX: usize = 256;

/// Files by their paths.
#[derive(Debug, Default)]
pub(super) struct Files {
    standing: BTreeMap<String, Arc<[u8]>>,
    /// Those of versions before, newest last.
    before: Vec<(String, Arc<[u8]>)>,
}

impl Files {
    /// Those of what is signed; none before the first timestamp, but roots.
    pub(super) fn compose(registry: &Registry, signed: &[TufVersion]) -> Result<Self, TufRepositoryError> {
        let mut standing = BTreeMap::new();
        for one in signed {
            let TufVersion { role, version, expires, names, signatures } = one;
            let metadata = registry.tuf_metadata(*role, *version, *expires, names.as_ref());
            // Targets that people replaced and whose successor nobody has signed yet are not composed anew.
            let Some(metadata) = metadata else { continue };
            for (key, signature) in signatures {
                let Some(key) = registry.key(key) else { continue };
                let verified = metadata.to_be_signed().verify(&key.record.public_key, signature);
                verified.map_err(|source| TufRepositoryError::Signature { role: *role, source })?;
            }
            let Some(sealed) = registry.tuf_seal(&metadata, signatures) else { continue };
            standing.insert(path(*role, *version), sealed.bytes.into());
        }
        for (name, text) in registry.tuf().targets().into_iter().flat_map(|targets| &targets.files) {
            let path = format!("targets/{}.{name}", Digest::of(text.as_bytes()));
            standing.insert(path, text.as_bytes().into());
        }
        Ok(Self { standing, before: Vec::new() })
    }

    /// The same, with what was there before for those who are half through.
    pub(super) fn after(mut self, last: &Self) -> Self {
        let timestamp = path(TufRole::Timestamp, 0);
        if !self.standing.contains_key(&timestamp) {
            // The next one is on its way; until it is there, the last one counts.
            self.standing.extend(
                last.standing.get_key_value(&timestamp).map(|(path, file)| (path.clone(), file.clone())),
            );
        }
        let gone = last.standing.iter().filter(|(path, _)| !self.standing.contains_key(*path));
        let gone: Vec<_> = gone.map(|(path, file)| (path.clone(), Arc::clone(file))).collect();
        self.before = last.before.iter().cloned().chain(gone).collect();
        let excess = self.before.len().saturating_sub(KEPT_MAX);
        self.before.drain(..excess);
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.standing.is_empty()
    }

    pub(super) fn at(&self, path: &str) -> Option<Arc<[u8]>> {
        let before = || self.before.iter().rev().find(|(known, _)| known == path).map(|(_, file)| file);
        self.standing.get(path).or_else(before).cloned()
    }

    pub(super) fn all(&self) -> BTreeMap<String, Arc<[u8]>> {
        self.standing.clone()
    }
}

fn path(role: TufRole, version: u64) -> String {
    match role {
        TufRole::Timestamp => "timestamp.json".to_owned(),
        role => format!("{version}.{role}.json"),
    }
}
