//! Before anything is served: do store and key process know the same log, and the same ledger?
//!
//! The key process remembers the last checkpoint that it signed. A store that was put back from a backup is behind it,
//! and would be refused at its first new entry; here that is found, and told, before one is taken: such a store is
//! read, and nothing is written to it. Where the registry says by now that another log follows the one that is stored, the
//! engine begins that one; here it is seen that the one before may be left.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::{Ledger, StoreError};
use model::{Clock, Form};
use quorum::{KeyRecord, Registry, RegistryError};
use signer::{Agreement, Answer, CheckpointOrder, Head, Order, Orders, Refusal, Signer, SignerError, State};
use store::{OpenError, Restoration, Store};
use tlog::note::Note;
use tlog::{Checkpoint, CheckpointError, CheckpointLock, LockError, Locked, TileStore};
use tracing::{info, warn};

use crate::wiring::holder;

/// What is expected where no key signs the heads of a log.
const NO_LOG: &str = "none";

/// Why store and key process do not agree.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AgreementError {
    /// A folder that was restored, and nobody looked at it since.
    #[error(
        "`{}` comes from a backup, and nothing is written to it before its books were checked: end the server, run `avouch fsck` on the data folder, then start again",
        folder.display()
    )]
    Unchecked {
        /// The server's folder.
        folder: PathBuf,
    },
    /// The store is behind the key process.
    #[error(
        "the key process signed a checkpoint of `{origin}` for {signed} entries, and the store knows {stored}: the store was put back, and to go on here would fork the log; bring the newest store back, or begin a new log with `avouch signerd adopt`"
    )]
    StoreBehind {
        /// The log.
        origin: String,
        /// The size that was signed last.
        signed: u64,
        /// The size that is stored.
        stored: u64,
    },
    /// The key process is behind the store.
    #[error(
        "the store knows a checkpoint of `{origin}` for {stored} entries, and the key process signed none after {signed}: the key process was put back; bring its newest folder back, or adopt its state with `avouch signerd adopt`"
    )]
    KeyProcessBehind {
        /// The log.
        origin: String,
        /// The size that was signed last.
        signed: u64,
        /// The size that is stored.
        stored: u64,
    },
    /// Two roots for one size.
    #[error(
        "store and key process know different checkpoints of `{origin}` for {size} entries: run `avouch fsck` on the data folder"
    )]
    OtherRoot {
        /// The log.
        origin: String,
        /// The size.
        size: u64,
    },
    /// The ledger is behind the journal.
    #[error(
        "the journal saw an audit ledger of {recorded} leaves, and the store knows {stored}: the store was put back; bring the newest store back, or go on without what is lost: `avouch signerd adopt`"
    )]
    LedgerBehind {
        /// How many leaves the ledger had when the journal saw most of it.
        recorded: u64,
        /// How many it has.
        stored: u64,
    },
    /// Another ledger than the journal saw.
    #[error(
        "the first {size} leaves of the audit ledger are not those that the journal saw: run `avouch fsck` on the data folder"
    )]
    OtherLedger {
        /// How many leaves the ledger had when the journal saw most of it.
        size: u64,
    },
    /// A log that the registry does not know.
    #[error(
        "the store holds the log `{stored}`, and the registry's is `{expected}`: is this the folder of another platform?"
    )]
    OtherLog {
        /// The stored one.
        stored: String,
        /// The one in force.
        expected: String,
    },
    /// The key process will not sign the last checkpoint once more.
    #[error("the key process does not sign the last checkpoint once more")]
    Refused(#[source] Refusal),
    /// The key process cannot be asked.
    #[error("the key process cannot be asked")]
    Signer(#[from] SignerError),
    /// The registry.
    #[error("the registry that the key process shows does not replay")]
    Registry(#[from] RegistryError),
    /// The store.
    #[error("the store cannot be opened")]
    Store(#[from] OpenError),
    /// The ledger.
    #[error("the audit ledger cannot be read")]
    Ledger(#[from] StoreError),
    /// The lock.
    #[error("the newest checkpoint cannot be read")]
    Lock(#[from] LockError),
    /// A checkpoint that is none.
    #[error("the stored checkpoint cannot be read")]
    Checkpoint(#[from] CheckpointError),
}

impl AgreementError {
    /// Does it stay so until somebody does something about it, and is it no good even to read?
    pub const fn is_for_good(&self) -> bool {
        matches!(self, Self::OtherLog { .. } | Self::Store(OpenError::Older { .. }))
    }

    /// Is what the store holds still what this platform once said, so that it may be shown?
    ///
    /// INVARIANT: only a log that the key process of this platform signed for is shown under this platform's name.
    const fn leaves_it_readable(&self) -> bool {
        matches!(
            self,
            Self::Unchecked { .. }
                | Self::StoreBehind { .. }
                | Self::KeyProcessBehind { .. }
                | Self::OtherRoot { .. }
                | Self::LedgerBehind { .. }
                | Self::OtherLedger { .. }
                | Self::Refused(_)
        )
    }
}

/// A store, and what may be done with it.
pub(crate) enum Standing {
    /// Store and key process agree: it is written to.
    Agreed(Store),
    /// They do not, or nobody looked yet: it is read.
    ReadOnly {
        /// The store, which refuses to be written to.
        store: Store,
        /// What must be put right first, and how.
        why: AgreementError,
    },
}

/// Opens the store: to write to it once it agrees with the key process, to read it where that is safe.
pub(crate) fn stand(
    folder: &Path,
    signer: &Arc<dyn Signer>,
    clock: &Arc<dyn Clock>,
) -> Result<Standing, AgreementError> {
    match agreed(folder, signer, clock) {
        Ok(store) => Ok(Standing::Agreed(store)),
        Err(why) if why.leaves_it_readable() => {
            Ok(Standing::ReadOnly { store: Store::read_only(folder, Arc::clone(clock))?, why })
        }
        Err(why) => Err(why),
    }
}

fn agreed(folder: &Path, signer: &Arc<dyn Signer>, clock: &Arc<dyn Clock>) -> Result<Store, AgreementError> {
    let restoration = Restoration::read(folder)?;
    if restoration == Restoration::Unchecked {
        return Err(AgreementError::Unchecked { folder: folder.to_owned() });
    }
    let store = Store::open(folder, &holder(), Arc::clone(clock))?;
    let told = signer.state()?;
    let registry = told.replay()?;
    let ledger = check_ledger(&told, &store);
    match (store.load()?, registry.in_use(Form::Checkpoint, clock.now())) {
        (Some(locked), Some(key)) => {
            let known = Known::new(&told, &locked, shown(&store).as_deref())?;
            let origin = key.record.origin.as_deref().unwrap_or_default();
            if known.newest.origin() == origin {
                known.check()?;
                ledger?;
                if restoration == Restoration::Checked {
                    known.sign_again(key.record.id(), store.head()?, &**signer)?;
                }
            } else {
                known.check_left(&registry, origin)?;
                known.check_is_next(&registry, &key.record)?;
                // An adoption leaves behind what is not known, whatever followed since; a log that is followed in its turn is
                // known to its end.
                if !registry.has_left(known.newest.origin()) {
                    known.check()?;
                    ledger?;
                }
                warn!(frozen = known.newest.origin(), begun = origin, "another log begins");
            }
        }
        // No log is written to, since its key was taken away: that is no reason to show less than was signed of it.
        (Some(locked), None) => {
            let known = Known::new(&told, &locked, shown(&store).as_deref())?;
            known.check_left(&registry, NO_LOG)?;
            known.check()?;
            ledger?;
        }
        (None, _) => ledger?,
    }
    if restoration == Restoration::Checked {
        Restoration::None.write(folder)?;
        info!("the restored folder agrees with the key process, and is gone on with");
    }
    Ok(store)
}

/// What both know of one log.
struct Known<'a> {
    told: &'a State,
    onto: Checkpoint,
    newest: Checkpoint,
}

impl<'a> Known<'a> {
    fn new(told: &'a State, locked: &Locked, shown: Option<&str>) -> Result<Self, CheckpointError> {
        let newest = Checkpoint::parse(&locked.checkpoint)?;
        // Once the newest is shown, it was signed, and whoever signed it knows it.
        let onto = match shown {
            Some(text) if text == locked.checkpoint => newest.clone(),
            _ => Checkpoint::parse(&locked.onto)?,
        };
        Ok(Self { told, onto, newest })
    }

    /// Only what the registry knows is left for another, and frozen.
    fn check_left(&self, registry: &Registry, expected: &str) -> Result<(), AgreementError> {
        let stored = self.newest.origin();
        if registry.keys().any(|key| key.record.origin.as_deref() == Some(stored)) {
            return Ok(());
        }
        Err(AgreementError::OtherLog { stored: stored.to_owned(), expected: expected.to_owned() })
    }

    /// A log that was signed for is not begun anew: it is in the newest store. Only a clock that went back lets one be in use
    /// that the stored one followed.
    fn check_is_next(&self, registry: &Registry, next: &KeyRecord) -> Result<(), AgreementError> {
        let origin = next.origin.as_deref().unwrap_or_default();
        let signed = self.told.checkpoints.iter().find(|(of, _)| of == origin).map(|(_, head)| head.size);
        let stored = registry.keys().find(|key| key.record.origin.as_deref() == Some(self.newest.origin()));
        let follows = stored.is_some_and(|stored| stored.record.in_use_from() > next.in_use_from());
        match signed {
            Some(signed) if !follows => {
                Err(AgreementError::StoreBehind { origin: origin.to_owned(), signed, stored: 0 })
            }
            _ => Ok(()),
        }
    }

    /// What was signed last is the newest that is stored, or what that one was swapped in onto.
    fn check(&self) -> Result<(), AgreementError> {
        let origin = self.newest.origin().to_owned();
        let stored = self.newest.size();
        let last = self.last().unwrap_or_else(Head::empty);
        let signed = last.size;
        match Agreement::of_log(head(&self.onto), head(&self.newest), last) {
            Agreement::Agreed => Ok(()),
            Agreement::StoreBehind => Err(AgreementError::StoreBehind { origin, signed, stored }),
            Agreement::OtherRoot => Err(AgreementError::OtherRoot { origin, size: signed }),
            Agreement::KeyProcessBehind => Err(AgreementError::KeyProcessBehind { origin, signed, stored }),
        }
    }

    /// The head that the key process signed last.
    fn last(&self) -> Option<Head> {
        self.told.checkpoints.iter().find(|(of, _)| of == self.newest.origin()).map(|(_, head)| *head)
    }

    /// The same order gives the same signature; a key process whose own state was restored refuses it.
    fn sign_again(&self, key: model::KeyId, ledger: Head, signer: &dyn Signer) -> Result<(), AgreementError> {
        let Some(last) = self.last() else { return Ok(()) };
        let order = Order::Checkpoint(CheckpointOrder { key, old: last, new: last, proof: Vec::new() });
        match signer.order(&Orders { ledger, orders: vec![order] })?.answers.into_iter().next() {
            Some(Answer::Refused(refusal)) => Err(AgreementError::Refused(refusal)),
            _ => Ok(()),
        }
    }
}

/// The longest head of the ledger that the journal recorded is one that the ledger has had. Orders tell a head and it is
/// recorded, whatever it says; so this is asked before the first of them.
fn check_ledger(told: &State, ledger: &dyn Ledger) -> Result<(), AgreementError> {
    let recorded = told.ledger;
    match Agreement::of_ledger(recorded, ledger.root_at(recorded.size)?) {
        Agreement::Agreed => Ok(()),
        Agreement::StoreBehind => {
            Err(AgreementError::LedgerBehind { recorded: recorded.size, stored: ledger.head()?.size })
        }
        Agreement::OtherRoot | Agreement::KeyProcessBehind => {
            Err(AgreementError::OtherLedger { size: recorded.size })
        }
    }
}

/// The text of the checkpoint that is shown. Where none can be read, the newest waits to be signed again.
fn shown(store: &Store) -> Option<String> {
    let note = store.published().ok().flatten()?;
    Note::parse(&note).ok().map(|note| note.text().to_owned())
}

fn head(checkpoint: &Checkpoint) -> Head {
    Head { size: checkpoint.size(), root: *checkpoint.root() }
}
