//! What an administrator may say. Every change of the registry is an endorsed entry; the socket gives no rights.

use keystore::Stores;
use model::journal::Leaf;
use model::{Algorithm, Instant, Space, told};
use quorum::{Change, Entry, KeyRecord, Moment, Registry, RegistryError};
use signer::{AdminAnswer, Refusal, RefusalCode};

use crate::anchor::Anchoring;
use crate::certificate;
use crate::continuity::check_adoption;
use crate::guard::{Belief, Reading};
use crate::intended::PrivateKey;
use crate::journal::Record;
use crate::process::{KeyProcess, journal_failed};
use crate::standing::{check_clock, refuse, registry};

/// The changes of an entry whose keys all are where their records say.
pub(crate) struct Opened(Vec<Change>);

impl Opened {
    fn changes(&self) -> &[Change] {
        &self.0
    }
}

/// Makes a key in a store, which may take its time: nobody else waits for it.
pub(crate) fn generate(stores: &Stores, store: &str, algorithm: Algorithm) -> Result<AdminAnswer, Refusal> {
    let refused = |error: &dyn std::error::Error| refuse(RefusalCode::KeyStore, told(error));
    let store: Space = store.parse().map_err(|error| refused(&error))?;
    let store = stores.named(&store).map_err(|error| refused(&error))?;
    let key = store.generate(algorithm).map_err(|error| refused(&error))?;
    Ok(AdminAnswer::Generated { spki: key.spki().to_vec() })
}

/// Reads an entry and opens the keys that it brings, which may take its time as well. A record names a key that this
/// process holds, or nothing could ever be signed under it.
pub(crate) fn open_keys(stores: &Stores, entry: &[u8]) -> Result<Opened, Refusal> {
    let entry = Entry::parse(entry).map_err(|error| refuse(RefusalCode::Malformed, told(&error)))?;
    for change in &entry.changes {
        if let Change::Key(record) = change {
            PrivateKey::of(record, stores)?.open()?;
        }
    }
    Ok(Opened(entry.changes))
}

impl KeyProcess {
    /// Begins a platform.
    pub(crate) fn begin(&mut self, entry: &[u8]) -> Result<AdminAnswer, Refusal> {
        if let Some(registry) = &self.journal.state().registry {
            let text = format!("there is a platform here already: {}", registry.platform());
            return Err(refuse(RefusalCode::OtherPlatform, text));
        }
        let registry = Registry::begin(entry).map_err(|error| not_taken(&error))?;
        if registry.journal_key() != self.journal_key() {
            let text =
                format!("the genesis names another journal than this one, of {}", self.journal_key().id());
            return Err(refuse(RefusalCode::Key, text));
        }
        self.enter(entry)
    }

    /// Takes the next entry, whose changes these are.
    pub(crate) fn append(&mut self, entry: &[u8], opened: &Opened) -> Result<AdminAnswer, Refusal> {
        let (now, changes) = (self.now(), opened.changes());
        let mut next = registry(self.journal.state())?.clone();
        let at = judged_at(changes, now);
        next.append(entry, Moment::Live(at)).map_err(|error| not_taken(&error))?;
        if changes.iter().any(|change| matches!(change, Change::Key(_))) && !adopts(changes) {
            check_clock(now)?;
        }
        for change in changes {
            if let Change::Key(record) = change {
                self.check_record(record)?;
                certificate::check(&next, record, at)?;
            }
        }
        let state = self.journal.state();
        check_adoption(self.lost(), registry(state)?, &next, changes, &state.heads, at)?;
        let answer = self.enter(entry)?;
        self.continuity = self.continuity.after(self.journal.state().registry.as_ref());
        if adopts(changes) {
            // The journal goes on under another origin, and what was cosigned of the old one says nothing of it.
            self.anchoring = Anchoring::default();
        }
        Ok(answer)
    }

    fn check_record(&self, record: &KeyRecord) -> Result<(), Refusal> {
        if record.id() == self.journal_key().id() {
            let text = format!("key `{}` is the journal's own, which signs nothing else", record.name);
            return Err(refuse(RefusalCode::Key, text));
        }
        Ok(())
    }

    /// Puts an entry that was checked into the journal, durably.
    fn enter(&mut self, entry: &[u8]) -> Result<AdminAnswer, Refusal> {
        let leaf = Leaf::Entry { sequence: self.journal.state().next(), entry: entry.to_vec() };
        let entered = self.journal.append(Record::Plain(leaf)).and_then(|()| self.journal.sync());
        entered.map_err(|error| journal_failed(&error))?;
        Ok(AdminAnswer::Appended { head: Entry::head(entry) })
    }
}

/// The time by which an entry's endorsements are judged. An adoption is also the way back from a journal that once
/// ran ahead with a wrong clock, so it is judged by the clock as it is; it follows one head, and so is no replay.
fn judged_at(changes: &[Change], now: Reading) -> Instant {
    match now.belief {
        Belief::Doubted { wall } if adopts(changes) => wall,
        _ => now.time,
    }
}

fn adopts(changes: &[Change]) -> bool {
    changes.iter().any(|change| matches!(change, Change::Adoption(_)))
}

fn not_taken(error: &RegistryError) -> Refusal {
    let code = match error {
        RegistryError::Shortfall { .. } | RegistryError::Founder { .. } => RefusalCode::Quorum,
        RegistryError::NotNext { .. } | RegistryError::Request { .. } => RefusalCode::Stale,
        RegistryError::Record { .. } | RegistryError::KeyTaken { .. } | RegistryError::NoKey { .. } => {
            RefusalCode::Key
        }
        _ => RefusalCode::Malformed,
    };
    refuse(code, told(error))
}
