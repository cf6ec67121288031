//! Log: every signature becomes an entry of the transparency log, under a checkpoint that the key process signed; and
//! so does every entry that others ask for, once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use model::receipt::LogEntry;
use model::{Base64, Digest, told};
use tlog::note::NoteError;
use tlog::{Committed, LogError, SignedCheckpoint, TileError};

use super::{Fate, Intended, Passed, Stamped, Trouble, World};
use crate::platform::PlatformError;
use crate::{EntryError, IndexedEntry, State};

mod entrant;
mod known;
mod mark;
mod sealing;

pub use entrant::Entrant;
use entrant::{Candidate, Waiting, Whose, groups, perhaps};
use known::Known;
pub(crate) use mark::LogMark;
pub use sealing::found_log;
use sealing::{LogKey, in_use, seal, show_again, stored};

/// A stamped request each of whose signatures is in the log, where its profile asks for that.
#[derive(Debug)]
pub struct Logged {
    pub(crate) stamped: Stamped,
    // INVARIANT: one for each signature, in their order, each under a durable checkpoint; `None` only where the profile
    // asks for no entry, or the request is condemned since there can be none.
    entries: Vec<Option<LogEntry>>,
}

impl Logged {
    pub(crate) fn entries(&self) -> &[Option<LogEntry>] {
        &self.entries
    }

    pub(crate) const fn intended(&self) -> &Intended {
        self.stamped.intended()
    }

    fn without(stamped: Stamped) -> Self {
        let entries = vec![None; stamped.signed.signatures().len()];
        Self { stamped, entries }
    }
}

/// Why the log did not do its part.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogStageError {
    /// The log itself.
    #[error("the transparency log cannot be written")]
    Log(#[from] LogError),
    /// The key process could not be asked.
    #[error("the checkpoint's signature could not be ordered")]
    Signer(#[from] signer::SignerError),
    /// The key process refused.
    #[error("the key process refuses to sign the checkpoint")]
    Refused(#[from] signer::Refusal),
    /// Not one answer to one order.
    #[error("the key process gave no answer to the checkpoint order")]
    NoAnswer,
    /// Nothing waits for a signature.
    #[error("no checkpoint waits for its signature")]
    NothingPending,
    /// The head of the ledger, or the log's index, could not be read or written.
    #[error("the store cannot be read or written")]
    Store(#[from] crate::StoreError),
    /// What the key process tells of the platform is not known.
    #[error(transparent)]
    Unknown(#[from] crate::SubmitError),
    /// The newest checkpoint cannot be read.
    #[error("the newest checkpoint cannot be read")]
    Lock(#[source] tlog::LockError),
    /// The platform has no checkpoint key, or one that is not known here.
    #[error("the platform's checkpoint key cannot be used")]
    Platform(#[from] PlatformError),
    /// A checkpoint key that makes no notes.
    #[error("the platform's checkpoint key makes no notes")]
    Key(#[from] NoteError),
    /// The index says other things than the log.
    #[error("the log's index does not hold what the log has at {index}; it is made anew")]
    Index {
        /// Where.
        index: u64,
    },
}

/// The fourth stage: the one sequencer of the one log.
pub struct LogStage {
    world: Arc<World>,
    key: LogKey,
    /// The newest checkpoint of the log that is being left, until the next one is known to have begun.
    leaving: Option<String>,
    /// `None` once it is not known what is durable, until it is opened again.
    log: Option<tlog::Log>,
    known: Known,
}

impl LogStage {
    /// The stage over a world whose log was founded; opens the log, or the one that succeeds it by now, and brings its
    /// index to where it is.
    pub fn open(world: Arc<World>) -> Result<Self, LogStageError> {
        let key = stored(&*world.cache.refreshed()?, &world)?;
        let known = Known::of(Arc::clone(&world), key.verifier.name());
        world.logs.know(key.verifier.clone());
        let mut stage = Self { world, key, leaving: None, log: None, known };
        stage.turn()?;
        stage.log()?;
        // An index that cannot be written keeps nothing from being signed: it is tried again when it is needed.
        let _ = stage.catch_up();
        Ok(stage)
    }

    /// Appends an entry for every signature of the batch, and gives each its proof; and so for what others submitted,
    /// which is answered here.
    pub fn run(&mut self, batch: Vec<Entrant>) -> Passed<Logged, Entrant> {
        let mut passed = Passed::default();
        // As long as the key of the log that is open signs, nothing has to wait for the next.
        if let Err(error) = self.turn() {
            passed.trouble = Some(Trouble::new("the next transparency log", error));
        }
        let mut waiting: Vec<Waiting> = Vec::new();
        for entrant in batch {
            match entrant {
                Entrant::Submitted { body, reply } => waiting.push(Waiting::submitter(body, reply)),
                Entrant::Stamped(stamped) => self.admit(stamped, &mut waiting, &mut passed),
            }
        }
        for group in groups(waiting) {
            self.append(group, &mut passed);
        }
        for logged in passed.next.iter().filter(|logged| logged.intended().fate().is_none()) {
            self.world.board.note(logged.intended().id(), State::Logged);
        }
        passed
    }

    /// Did the key process sign for this log before?
    fn is_signed_for(&self, origin: &str) -> Result<bool, LogStageError> {
        Ok(self.world.signer.state()?.checkpoints.iter().any(|(of, _)| of == origin))
    }

    /// Goes on in the log whose key is in use by now, where that is another than the one that is open.
    ///
    /// INVARIANT: it goes on in logs that were added later alone, and a log that was signed for is never begun anew. A clock that goes back behind the time at which another
    /// log took over brings no older one back, and a store that was put back does not begin the one that it lost.
    ///
    /// CRASH: entries that were in flight may stand in the old log, and get a second one in the new.
    fn turn(&mut self) -> Result<(), LogStageError> {
        let next = in_use(&*self.world.cache.current()?, &self.world)?;
        if next.log <= self.key.log || self.is_signed_for(next.verifier.name())? {
            return Ok(());
        }
        // What was swapped into the old log is signed and shown before it is left, unless its key signs no more: then it
        // was never shown, and nobody was told.
        match self.log() {
            Ok(_) => {}
            // A log that is damaged does not hold up the next; a disk that fails for a moment does.
            Err(LogStageError::Log(error)) if !is_passing(&error) => {}
            Err(LogStageError::Refused(_)) => show_again(&self.world, &self.key)?,
            Err(error) => return Err(error),
        }
        let _ = self.catch_up();
        let locked = self.world.lock.load().map_err(LogStageError::Lock)?;
        let newest = locked.map(|locked| locked.checkpoint).unwrap_or_default();
        // Where it is not known whether the next one began, it is begun once more in the place of the same.
        let has_begun = newest.lines().next() == Some(next.verifier.origin());
        let last = self.leaving.take().filter(|_| has_begun).unwrap_or(newest);
        self.leaving = Some(last.clone());
        let (tiles, lock) = (Arc::clone(&self.world.tiles), Arc::clone(&self.world.lock));
        self.log = None;
        drop(tlog::Log::succeed(&last, next.verifier.clone(), tiles, lock)?);
        self.leaving = None;
        self.known = Known::of(Arc::clone(&self.world), next.verifier.name());
        self.world.logs.know(next.verifier.clone());
        self.key = next;
        self.log().map(|_| ())
    }

    fn admit(&self, stamped: Box<Stamped>, waiting: &mut Vec<Waiting>, passed: &mut Passed<Logged, Entrant>) {
        match Waiting::request(stamped) {
            Ok(Waiting { whose: Whose::Request(stamped), candidates }) if candidates.is_empty() => {
                passed.next.push(Logged::without(*stamped));
            }
            Ok(one) => waiting.push(one),
            Err((stamped, error)) => {
                let why = format!("the signature cannot be logged: {}", told(&error));
                let Stamped { signed, tokens } = *stamped;
                let stamped = Stamped { signed: signed.condemned(Fate::failed(why)), tokens };
                passed.next.push(Logged::without(stamped));
            }
        }
    }

    fn append(&mut self, group: Vec<Waiting>, passed: &mut Passed<Logged, Entrant>) {
        match self.try_append(&group, passed) {
            Ok(entries) => {
                for Waiting { whose, candidates } in group {
                    let mut mine = candidates.iter().map(|one| entries.get(&one.leaf()).cloned());
                    match whose {
                        Whose::Request(stamped) => {
                            passed.next.push(Logged { stamped: *stamped, entries: mine.collect() });
                        }
                        // CRASH: the entry is public, and who asks again is given the same one.
                        Whose::Submitter(reply) => {
                            let entry = mine.next().flatten();
                            reply(Ok(entry.expect("each body of the group is in the log by now")));
                        }
                    }
                }
            }
            Err(error) => self.put_back(group, error, passed),
        }
    }

    /// CRASH: the entries may be durable. Those of requests are looked for before they are staged again; who submitted
    /// others is told to ask again, and then is given what there is.
    fn put_back(&self, group: Vec<Waiting>, error: LogStageError, passed: &mut Passed<Logged, Entrant>) {
        let (from, error) = (self.world.log_mark(), Arc::new(error));
        for one in group {
            match one.whose {
                Whose::Request(stamped) => passed.again.push(Entrant::Stamped(perhaps(stamped, from))),
                Whose::Submitter(reply) => reply(Err(EntryError::Unavailable(Arc::clone(&error)))),
            }
        }
        passed.trouble = Some(Trouble::new("the transparency log", error));
    }

    /// The entries of the group, by their leaf hashes.
    fn try_append(
        &mut self,
        group: &[Waiting],
        passed: &mut Passed<Logged, Entrant>,
    ) -> Result<HashMap<Digest, LogEntry>, LogStageError> {
        let mut entries = self.find(group)?;
        self.recall(group, &mut entries)?;
        // A key that signs the same bytes alike gives one body twice, and so may two who submit; one entry does for all.
        let mut seen: HashSet<Digest> = entries.keys().copied().collect();
        let all = group.iter().flat_map(|one| &one.candidates);
        let missing = all.filter(|one| seen.insert(one.leaf()));
        let (bodies, indexed): (Vec<Vec<u8>>, Vec<IndexedEntry>) =
            missing.map(|one| (one.body.clone(), one.indexed.clone())).unzip();
        if !bodies.is_empty() {
            let committed = self.commit(&bodies);
            if committed.is_err() {
                // What memory holds may not be what is durable: the next one opens the log again.
                self.log = None;
            }
            let committed = committed?;
            self.world.mark_log(LogMark::new(self.key.log, committed.checkpoint.size()));
            // CRASH: an index that does not have them catches up before it is asked.
            let first = committed.entries.first().map_or(0, |entry| entry.index);
            if let Err(error) = self.known.extend(first, indexed) {
                passed.trouble = Some(Trouble::new("the transparency log's index", error));
            }
            entries.extend(log_entries(committed, bodies));
        }
        Ok(entries)
    }

    /// Appends entries: swapped in first, then signed, then shown.
    fn commit(&mut self, entries: &[Vec<u8>]) -> Result<Committed, LogStageError> {
        let (world, key) = (Arc::clone(&self.world), self.key.id);
        let log = self.log()?;
        let staged = log.stage(entries)?;
        log.swap(staged)?;
        // CRASH: the checkpoint is durable and unsigned; opening the log has it signed.
        seal(&world, key, log)
    }

    /// The entries that are in the log already, by leaf hash: those of requests that were in flight when something
    /// stopped. The same order gave the same signature, so that their bodies are the same bytes. They are read from the
    /// log itself: what was signed waits for no index.
    fn find(&mut self, group: &[Waiting]) -> Result<HashMap<Digest, LogEntry>, LogStageError> {
        let mut wanted: HashMap<Digest, &Candidate> = HashMap::new();
        let mut from = u64::MAX;
        for one in group {
            if let Some(first) = one.perhaps_from() {
                from = from.min(first.in_log(self.key.log));
                wanted.extend(one.candidates.iter().map(|one| (one.leaf(), one)));
            }
        }
        let mut found = HashMap::new();
        let log = self.log()?;
        let Some((size, checkpoint)) =
            log.checkpoint().map(|newest| (newest.size(), newest.note().to_owned()))
        else {
            return Ok(found);
        };
        let mut index = from;
        while index < size && !wanted.is_empty() {
            let logged = log.inclusion(index)?;
            if let Some(one) = wanted.remove(&logged.leaf_hash) {
                let (body, path) = (Base64(one.body.clone()), logged.path);
                found
                    .insert(logged.leaf_hash, LogEntry { index, body, path, checkpoint: checkpoint.clone() });
            }
            index += 1;
        }
        Ok(found)
    }

    /// The entries that somebody submitted before: whoever asks again, because an answer was lost, is given the same.
    fn recall(
        &mut self,
        group: &[Waiting],
        entries: &mut HashMap<Digest, LogEntry>,
    ) -> Result<(), LogStageError> {
        let submitted = group.iter().filter(|one| one.is_submitted()).flat_map(|one| &one.candidates);
        let unknown = submitted.filter(|one| !entries.contains_key(&one.leaf()));
        let (leaves, bodies): (Vec<Digest>, Vec<&Vec<u8>>) =
            unknown.map(|one| (one.leaf(), &one.body)).unzip();
        if leaves.is_empty() {
            return Ok(());
        }
        self.log()?;
        let (Some(log), known) = (&self.log, &mut self.known) else { return Ok(()) };
        let found = known.find(log, &leaves)?;
        for ((leaf, body), index) in leaves.into_iter().zip(bodies).zip(found) {
            let (Some(index), Some(newest)) = (index, log.checkpoint()) else { continue };
            let (path, checkpoint) = (log.inclusion(index)?.path, newest.note().to_owned());
            entries.insert(leaf, LogEntry { index, body: Base64(body.clone()), path, checkpoint });
        }
        Ok(())
    }

    fn catch_up(&mut self) -> Result<(), LogStageError> {
        self.log()?;
        match &self.log {
            Some(log) => self.known.catch_up(log),
            None => Ok(()),
        }
    }

    /// The log, opened again where it had to stop. What was swapped in and not signed then is signed now.
    fn log(&mut self) -> Result<&mut tlog::Log, LogStageError> {
        let log = match self.log.take() {
            Some(log) => log,
            None => {
                let (tiles, lock) = (Arc::clone(&self.world.tiles), Arc::clone(&self.world.lock));
                let mut log = tlog::Log::open(self.key.verifier.clone(), tiles, lock)?;
                if log.pending().is_some() {
                    seal(&self.world, self.key.id, &mut log)?;
                }
                let size = log.checkpoint().map_or(0, SignedCheckpoint::size);
                self.world.mark_log(LogMark::new(self.key.log, size));
                log
            }
        };
        Ok(self.log.insert(log))
    }
}

/// Does an error say nothing of the log itself, so that the same may succeed later?
const fn is_passing(error: &LogError) -> bool {
    match error {
        LogError::Lock { .. } | LogError::Note { .. } => true,
        LogError::Read { source, .. } | LogError::Publish { source, .. } => {
            matches!(source, TileError::Failed { .. })
        }
        _ => false,
    }
}

fn log_entries(committed: Committed, bodies: Vec<Vec<u8>>) -> impl Iterator<Item = (Digest, LogEntry)> {
    let checkpoint = committed.checkpoint.note().to_owned();
    committed.entries.into_iter().zip(bodies).map(move |(logged, body)| {
        let (index, body, path) = (logged.index, Base64(body), logged.path);
        (logged.leaf_hash, LogEntry { index, body, path, checkpoint: checkpoint.clone() })
    })
}
