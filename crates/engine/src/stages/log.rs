//! Log: every signature becomes an entry of the transparency log, under a checkpoint that the key process signed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use envelope::rekor::{Body, RekorError, Verifier};
use model::receipt::LogEntry;
use model::{Base64, Digest, Form, KeyId, Logging, merkle, told};
use signer::{Answer, CheckpointOrder, Head, Order, Orders};
use tlog::note::NoteError;
use tlog::{Committed, LogError, SignedCheckpoint, VerifierKey};

use super::sign::Signature;
use super::submit::Entry;
use super::{Intended, Passed, Stamped, Stopped, Trouble, World};
use crate::State;
use crate::platform::{Platform, PlatformError, PlatformKey};

/// A stamped request each of whose signatures is in the log, where its profile asks for that.
#[derive(Debug)]
pub struct Logged {
    pub(crate) stamped: Stamped,
    // INVARIANT: one for each item, in their order, each under a durable checkpoint; `None` only where the profile
    // asks for no entry.
    entries: Vec<Option<LogEntry>>,
}

impl Logged {
    pub(crate) fn entries(&self) -> &[Option<LogEntry>] {
        &self.entries
    }

    pub(crate) const fn intended(&self) -> &Intended {
        self.stamped.intended()
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
    /// The head of the ledger could not be read.
    #[error("the ledger's head cannot be read")]
    Ledger(#[from] crate::StoreError),
    /// The platform has no checkpoint key, or one that is not known here.
    #[error("the platform's checkpoint key cannot be used")]
    Platform(#[from] PlatformError),
    /// A checkpoint key that makes no notes.
    #[error("the platform's checkpoint key makes no notes")]
    Key(#[from] NoteError),
}

/// The fourth stage: the one sequencer of the one log.
pub struct LogStage {
    world: Arc<World>,
    key: KeyId,
    verifier: VerifierKey,
    /// `None` once it is not known what is durable, until it is opened again.
    log: Option<tlog::Log>,
}

/// A request, with the bodies of its entries.
struct Bodies {
    stamped: Stamped,
    bodies: Vec<Vec<u8>>,
}

impl LogStage {
    /// The stage over a world whose log was founded; opens the log.
    pub fn open(world: Arc<World>) -> Result<Self, LogStageError> {
        let platform = Platform::replay(&world.signer.state()?)?;
        let (key, verifier) = checkpoint_key(platform.own(Form::Checkpoint)?)?;
        let mut stage = Self { world, key, verifier, log: None };
        stage.log()?;
        Ok(stage)
    }

    /// Appends an entry for every signature of the batch, and gives each its proof.
    pub fn run(&mut self, batch: Vec<Stamped>) -> Passed<Logged, Stamped> {
        let mut passed = Passed::default();
        let mut waiting: Vec<Bodies> = Vec::new();
        for stamped in batch {
            match bodies(&stamped) {
                Ok(bodies) if bodies.is_empty() => {
                    let entries = vec![None; stamped.signed.signatures().len()];
                    passed.next.push(Logged { stamped, entries });
                }
                Ok(bodies) => waiting.push(Bodies { stamped, bodies }),
                Err(error) => {
                    let why = format!("the signature cannot be logged: {}", told(&error));
                    passed.stopped.push(Stopped::new(stamped.intended(), State::Failed, why));
                }
            }
        }
        for group in groups(waiting) {
            self.append(group, &mut passed);
        }
        for logged in &passed.next {
            self.world.board.note(logged.intended().id(), State::Logged);
        }
        passed
    }

    fn append(&mut self, group: Vec<Bodies>, passed: &mut Passed<Logged, Stamped>) {
        match self.try_append(&group) {
            Ok(entries) => {
                let logged = group.into_iter().zip(entries);
                passed
                    .next
                    .extend(logged.map(|(Bodies { stamped, .. }, entries)| Logged { stamped, entries }));
            }
            Err(error) => {
                // CRASH: the entries may be durable. They are looked for before they are staged again.
                let from = self.world.log_size.load(Ordering::Acquire);
                let again = group.into_iter().map(|Bodies { stamped, .. }| perhaps(stamped, from));
                passed.again.extend(again);
                passed.trouble = Some(Trouble::new("the transparency log", error));
            }
        }
    }

    /// The entries of each request, in their order.
    fn try_append(&mut self, group: &[Bodies]) -> Result<Vec<Vec<Option<LogEntry>>>, LogStageError> {
        let found = self.find(group)?;
        // A key that signs the same bytes alike gives one body twice; one entry does for both.
        let mut seen: HashSet<Digest> = found.keys().copied().collect();
        let all = group.iter().flat_map(|one| &one.bodies);
        let missing: Vec<Vec<u8>> =
            all.filter(|body| seen.insert(merkle::leaf_hash(body))).cloned().collect();
        let mut entries = found;
        if !missing.is_empty() {
            let committed = self.commit(&missing);
            if committed.is_err() {
                // What memory holds may not be what is durable: the next one opens the log again.
                self.log = None;
            }
            let committed = committed?;
            self.world.log_size.store(committed.checkpoint.size(), Ordering::Release);
            entries.extend(log_entries(committed, missing));
        }
        let entry = |body: &Vec<u8>| entries.get(&merkle::leaf_hash(body)).cloned();
        Ok(group.iter().map(|one| one.bodies.iter().map(entry).collect()).collect())
    }

    /// Appends entries: swapped in first, then signed, then shown.
    fn commit(&mut self, entries: &[Vec<u8>]) -> Result<Committed, LogStageError> {
        let (world, key) = (Arc::clone(&self.world), self.key);
        let log = self.log()?;
        let staged = log.stage(entries)?;
        log.swap(staged)?;
        // CRASH: the checkpoint is durable and unsigned; opening the log has it signed.
        seal(&world, key, log)
    }

    /// The entries that are in the log already, by leaf hash: those of requests that were in flight when something
    /// stopped. The same order gave the same signature, so that their bodies are the same bytes.
    fn find(&mut self, group: &[Bodies]) -> Result<HashMap<Digest, LogEntry>, LogStageError> {
        let mut wanted: HashMap<Digest, &Vec<u8>> = HashMap::new();
        let mut from = u64::MAX;
        for one in group {
            if let Entry::Perhaps { from: first } = one.stamped.intended().entry {
                from = from.min(first);
                wanted.extend(one.bodies.iter().map(|body| (merkle::leaf_hash(body), body)));
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
            if let Some(body) = wanted.remove(&logged.leaf_hash) {
                let (body, path) = (Base64(body.clone()), logged.path);
                found
                    .insert(logged.leaf_hash, LogEntry { index, body, path, checkpoint: checkpoint.clone() });
            }
            index += 1;
        }
        Ok(found)
    }

    /// The log, opened again where it had to stop. What was swapped in and not signed then is signed now.
    fn log(&mut self) -> Result<&mut tlog::Log, LogStageError> {
        let log = match self.log.take() {
            Some(log) => log,
            None => {
                let (tiles, lock) = (Arc::clone(&self.world.tiles), Arc::clone(&self.world.lock));
                let mut log = tlog::Log::open(self.verifier.clone(), tiles, lock)?;
                if log.pending().is_some() {
                    seal(&self.world, self.key, &mut log)?;
                }
                let size = log.checkpoint().map_or(0, SignedCheckpoint::size);
                self.world.log_size.store(size, Ordering::Release);
                log
            }
        };
        Ok(self.log.insert(log))
    }
}

/// The body of the entry of each signature; none, where the profile asks for no entries.
fn bodies(stamped: &Stamped) -> Result<Vec<Vec<u8>>, RekorError> {
    let fitting = stamped.intended().fitting();
    if fitting.profile.log == Logging::None {
        return Ok(Vec::new());
    }
    let signatures = stamped.signed.signatures().iter().zip(&fitting.keys);
    signatures.map(|(signature, key)| body(signature, key)).collect()
}

fn body(signature: &Signature, key: &PlatformKey) -> Result<Vec<u8>, RekorError> {
    let verifier = match key.certificate() {
        Some(certificate) => Verifier::Certificate(certificate.clone()),
        None => Verifier::PublicKey(key.record().public_key.clone()),
    };
    Ok(Body::new(&signature.to_be_signed, &signature.signature, verifier)?.encode())
}

/// Requests whose entries come under one checkpoint.
fn groups(waiting: Vec<Bodies>) -> Vec<Vec<Bodies>> {
    let mut groups: Vec<Vec<Bodies>> = Vec::new();
    let mut entries = 0;
    for one in waiting {
        match groups.last_mut() {
            Some(group) if entries + one.bodies.len() <= tlog::ENTRIES_MAX => {
                entries += one.bodies.len();
                group.push(one);
            }
            _ => {
                entries = one.bodies.len();
                groups.push(vec![one]);
            }
        }
    }
    groups
}

/// The same request, whose entries may be in the log from now on.
fn perhaps(mut stamped: Stamped, from: u64) -> Stamped {
    let entry = &mut stamped.signed.intended.entry;
    if *entry == Entry::New {
        *entry = Entry::Perhaps { from };
    }
    stamped
}

fn log_entries(committed: Committed, bodies: Vec<Vec<u8>>) -> impl Iterator<Item = (Digest, LogEntry)> {
    let checkpoint = committed.checkpoint.note().to_owned();
    committed.entries.into_iter().zip(bodies).map(move |(logged, body)| {
        let (index, body, path) = (logged.index, Base64(body), logged.path);
        (logged.leaf_hash, LogEntry { index, body, path, checkpoint: checkpoint.clone() })
    })
}

/// Creates the platform's log, where there is none: once, when a platform is made.
pub fn found_log(world: &World) -> Result<(), LogStageError> {
    let platform = Platform::replay(&world.signer.state()?)?;
    let (key, verifier) = checkpoint_key(platform.own(Form::Checkpoint)?)?;
    let mut log = tlog::Log::create(verifier, Arc::clone(&world.tiles), Arc::clone(&world.lock))?;
    seal(world, key, &mut log).map(|_| ())
}

fn checkpoint_key(key: &PlatformKey) -> Result<(KeyId, VerifierKey), LogStageError> {
    let record = key.record();
    let origin = record.origin.as_deref().ok_or(PlatformError::NoKey { form: Form::Checkpoint })?;
    Ok((record.id(), VerifierKey::of_log(origin, &record.public_key)?))
}

/// Has the pending checkpoint signed, and shows it.
fn seal(world: &World, key: KeyId, log: &mut tlog::Log) -> Result<Committed, LogStageError> {
    let pending = log.pending().ok_or(LogStageError::NothingPending)?;
    let (onto, new) = (pending.onto(), pending.checkpoint());
    let order = CheckpointOrder {
        key,
        old: Head { size: onto.size(), root: *onto.root() },
        new: Head { size: new.size(), root: *new.root() },
        proof: pending.consistency().to_vec(),
    };
    let ledger = world.ledger.head()?;
    let answers = world.signer.order(&Orders { ledger, orders: vec![Order::Checkpoint(order)] })?;
    match answers.answers.into_iter().next() {
        Some(Answer::Signed(signed)) => Ok(log.seal(&signed.signature)?),
        Some(Answer::Refused(refusal)) => Err(refusal.into()),
        None => Err(LogStageError::NoAnswer),
    }
}
