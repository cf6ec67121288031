//! The TUF repository: files from which any client of TUF knows whom the platform trusts.
//!
//! Nothing of it is kept here. What roots and targets say stands in the registry, what was signed of them in the journal;
//! so the files are composed anew from what the key process tells, after a crash and from a backup too, and what is due
//! is ordered in between.

mod due;
mod files;
mod standing;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use engine::{Ledger, StoreError};
use model::{BadSignature, Clock, TufRole};
use quorum::RegistryError;
use signer::{Answer, Order, Orders, Refusal, Signer, SignerError, State};

use files::Files;
pub use standing::{RoleStanding, TufStanding};

/// How long files are given out before the key process is asked again: strangers must not reach it at will.
const AGE_MAX: Duration = Duration::from_secs(5);

/// Root, targets, snapshot and timestamp follow each other, each over the file before it; once more for what a crash cut.
const ROUNDS_MAX: usize = 8;

/// Why there is no repository now.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum TufRepositoryError {
    /// The key process could not be reached.
    #[error("the key process cannot be reached")]
    Unreachable(#[source] Arc<SignerError>),
    /// The ledger's head, which goes with every order, cannot be read.
    #[error("the head of the audit ledger cannot be read")]
    Ledger(#[source] Arc<StoreError>),
    /// The registry does not replay.
    #[error("the registry that the key process shows does not replay")]
    Registry(#[source] Arc<RegistryError>),
    /// The key process refused an order.
    #[error("the key process does not sign the next {role} of TUF")]
    Refused {
        /// Whose metadata.
        role: TufRole,
        /// Why.
        #[source]
        refusal: Refusal,
    },
    /// A signature is bad: it never leaves.
    #[error("a signature of the {role} of TUF does not verify")]
    Signature {
        /// Whose metadata.
        role: TufRole,
        /// Why.
        #[source]
        source: BadSignature,
    },
}

/// Does a repository have renewed what is due?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// It does.
    WhenDue,
    /// It shows what there is: whoever serves it only reads.
    Never,
}

/// Serves the repository's files, and has renewed what is due. Calls block.
pub struct TufRepository {
    signer: Arc<dyn Signer>,
    ledger: Arc<dyn Ledger>,
    clock: Arc<dyn Clock>,
    renewal: Renewal,
    shelf: Mutex<Shelf>,
}

#[derive(Default)]
struct Shelf {
    /// When the key process was asked last, by the clock since the start.
    asked: Option<Duration>,
    files: Arc<Files>,
    standing: TufStanding,
}

impl TufRepository {
    /// A repository over this key process. `ledger` gives the head that goes with every order.
    pub fn new(
        signer: Arc<dyn Signer>,
        ledger: Arc<dyn Ledger>,
        clock: Arc<dyn Clock>,
        renewal: Renewal,
    ) -> Self {
        Self { signer, ledger, clock, renewal, shelf: Mutex::default() }
    }

    /// The file at this path below the repository, as of a moment ago. Where nobody can be asked, clients go on with what
    /// there is, for as long as it counts.
    pub fn file(&self, path: &str) -> Result<Option<Arc<[u8]>>, TufRepositoryError> {
        let mut shelf = self.shelf();
        let renewed = if self.is_fresh(&shelf) { Ok(()) } else { self.renew_shelf(&mut shelf) };
        match renewed {
            Err(error) if shelf.files.is_empty() => Err(error),
            _ => Ok(shelf.files.at(path)),
        }
    }

    /// Every file by its path.
    pub fn files(&self) -> Result<BTreeMap<String, Arc<[u8]>>, TufRepositoryError> {
        let mut shelf = self.shelf();
        self.renew_shelf(&mut shelf)?;
        Ok(shelf.files.all())
    }

    /// Has signed what is due.
    pub fn renew(&self) -> Result<(), TufRepositoryError> {
        self.renew_shelf(&mut self.shelf())
    }

    /// Keeps nothing: what is given out from now on says what the key process says now.
    pub fn forget(&self) {
        self.shelf().asked = None;
    }

    /// How each role stood when it was looked at last.
    pub fn standing(&self) -> TufStanding {
        self.shelf().standing.clone()
    }

    // Held while the key process is asked, so that a crowd asks it once.
    fn shelf(&self) -> std::sync::MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_fresh(&self, shelf: &Shelf) -> bool {
        shelf.asked.is_some_and(|asked| self.clock.boot().saturating_sub(asked) < AGE_MAX)
    }

    fn renew_shelf(&self, shelf: &mut Shelf) -> Result<(), TufRepositoryError> {
        shelf.asked = Some(self.clock.boot());
        let mut refused = Ok(());
        for _ in 0..ROUNDS_MAX {
            let state = self.state()?;
            let registry = state.replay().map_err(|source| TufRepositoryError::Registry(Arc::new(source)))?;
            let files = Files::compose(&registry, &state.tuf)?;
            shelf.standing = TufStanding::of(&registry, &state.tuf);
            // What counts now is given out, whatever comes of the rest. A client that is half through finds the files
            // that it was told of before.
            shelf.files = Arc::new(files.after(&shelf.files));
            let due = due::orders(&registry, &state.tuf, self.clock.now());
            if due.is_empty() || refused.is_err() || self.renewal == Renewal::Never {
                break;
            }
            refused = self.order(&due);
        }
        refused
    }

    fn state(&self) -> Result<State, TufRepositoryError> {
        self.signer.state().map_err(|source| TufRepositoryError::Unreachable(Arc::new(source)))
    }

    fn order(&self, due: &[due::Due]) -> Result<(), TufRepositoryError> {
        let ledger = self.ledger.head().map_err(|source| TufRepositoryError::Ledger(Arc::new(source)))?;
        let orders = Orders { ledger, orders: due.iter().map(|due| Order::Tuf(due.order)).collect() };
        let answers =
            self.signer.order(&orders).map_err(|source| TufRepositoryError::Unreachable(Arc::new(source)))?;
        let refusal = due.iter().zip(answers.answers).find_map(|(due, answer)| match answer {
            Answer::Refused(refusal) => Some(TufRepositoryError::Refused { role: due.role, refusal }),
            Answer::Signed(_) => None,
        });
        refusal.map_or(Ok(()), Err)
    }
}
