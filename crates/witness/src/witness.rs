//! The witness: what it saw of each log, and its key.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use keystore::{Cost, Key, KeyStore as _, Passphrase, Signable, SoftwareStore};
use model::{Algorithm, Clock, Digest, Disk};
use tlog::note::{self, NoteAlgorithm};
use tlog::witness::{KnownLog, Rejection, Seen, Submission};
use tlog::{Cosignature, SignedCheckpoint, VerifierKey};

use crate::WitnessError;

/// The file that says who the witness is: its verifier key.
const IDENTITY: &str = "witness";

/// Where the private key is, and what it is sealed under.
pub struct Keys {
    /// The folder of the sealed key file.
    pub disk: Arc<dyn Disk>,
    /// The passphrase.
    pub passphrase: Passphrase,
    /// What guessing it shall cost, where a file is made.
    pub cost: Cost,
}

/// A witness of the logs that it was told of.
///
/// Calls come from several threads. Each log has a lock of its own, which is held from the comparison with what was seen
/// until what is seen now is durable: no two submissions are judged by one memory.
pub struct Witness {
    key: VerifierKey,
    private: Arc<dyn Key>,
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    logs: BTreeMap<String, Watched>,
}

/// A log, and what was seen of it.
struct Watched {
    log: KnownLog,
    file: String,
    memory: Mutex<Memory>,
}

/// What is remembered of a log.
enum Memory {
    Nothing,
    /// The newest checkpoint that was cosigned, as anybody may read it.
    Newest {
        seen: Seen,
        note: String,
    },
    /// A write failed: whether the old or the new one is on the disk, only a new start tells.
    Unknown,
}

/// Begins a witness of this name: it gets a key.
pub fn begin(name: &str, disk: &dyn Disk, keys: Keys) -> Result<VerifierKey, WitnessError> {
    if disk.list()?.iter().any(|file| file == IDENTITY) {
        return Err(WitnessError::Begun { key: Box::new(identity(disk)?) });
    }
    // A name that no note could bear is found before there is a key.
    let refused = |source| WitnessError::Name { name: name.to_owned(), source };
    VerifierKey::new(name, NoteAlgorithm::Cosignature, [0; 32]).map_err(refused)?;
    // CRASH: a key without an identity is nobody's: the next attempt makes another.
    let public = keys.store().generate(Algorithm::Ed25519)?;
    let key = VerifierKey::of_witness(name, &public).map_err(refused)?;
    disk.replace(IDENTITY, format!("{}\n", key.encode()).as_bytes())?;
    Ok(key)
}

impl Keys {
    fn store(self) -> SoftwareStore {
        SoftwareStore::new(self.disk, self.passphrase, self.cost)
    }
}

impl Witness {
    /// Opens a witness that was begun, for these logs.
    pub fn open(
        disk: Arc<dyn Disk>,
        keys: Keys,
        clock: Arc<dyn Clock>,
        logs: Vec<KnownLog>,
    ) -> Result<Self, WitnessError> {
        let key = identity(&*disk)?;
        let private = keys.store().key(&key.public_key().id())?;
        let mut watched = BTreeMap::new();
        for log in logs {
            let origin = log.origin().to_owned();
            let watching = Watched::open(log, &*disk, &key)?;
            if watched.insert(origin.clone(), watching).is_some() {
                return Err(WitnessError::Twice { origin });
            }
        }
        Ok(Self { key, private, disk, clock, logs: watched })
    }

    /// The key by which others know it.
    pub const fn key(&self) -> &VerifierKey {
        &self.key
    }

    /// The logs that it knows, with the size that it cosigned last.
    pub fn logs(&self) -> impl Iterator<Item = (&KnownLog, Option<u64>)> {
        self.logs.values().map(|watched| (&watched.log, watched.size()))
    }

    /// Answers a submission with the line of the cosignature.
    ///
    /// INVARIANT: of each log, what is cosigned extends all that was cosigned before, whatever stops in between.
    pub fn add_checkpoint(&self, body: &str) -> Result<String, WitnessError> {
        let submission = Submission::parse(body)?;
        let watched = self.logs.get(submission.origin()).ok_or(Rejection::UnknownLog)?;
        let checkpoint = submission.signed_by(&watched.log)?;
        let mut memory = watched.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let before = match &*memory {
            Memory::Nothing => None,
            Memory::Newest { seen, .. } => Some(*seen),
            Memory::Unknown => return Err(WitnessError::Stopped),
        };
        let seen = submission.extends(&checkpoint, before)?;
        let line = self.cosign(&checkpoint)?;
        if before == Some(seen) {
            // Nothing new is to be remembered: whoever repeats a checkpoint makes nobody wait for a disk.
            return Ok(line);
        }
        let own = note::only(checkpoint.note(), std::slice::from_ref(watched.log.key()));
        let own = own.map_err(WitnessError::Cosignature)?;
        let note = SignedCheckpoint::open_at(&own, watched.log.origin(), watched.log.key())?
            .with_cosignatures(&line, std::slice::from_ref(&self.key))?;
        // CRASH: before this, nothing of the new cosignature was seen outside; after it, it is remembered, and whoever
        // lost the answer is told the size and submits the same once more.
        if let Err(cause) = self.disk.replace(&watched.file, note.note().as_bytes()) {
            *memory = Memory::Unknown;
            return Err(cause.into());
        }
        *memory = Memory::Newest { seen, note: note.note().to_owned() };
        Ok(line)
    }

    /// The newest checkpoint that was cosigned of the log whose origin has this SHA-256, if there is one.
    pub fn checkpoint(&self, origin: &Digest) -> Option<String> {
        let watched =
            self.logs.values().find(|watched| Digest::of(watched.log.origin().as_bytes()) == *origin)?;
        match &*watched.memory.lock().unwrap_or_else(PoisonError::into_inner) {
            Memory::Newest { note, .. } => Some(note.clone()),
            Memory::Nothing | Memory::Unknown => None,
        }
    }

    fn cosign(&self, checkpoint: &SignedCheckpoint) -> Result<String, WitnessError> {
        let time = self.clock.now();
        if time.seconds() == 0 {
            return Err(WitnessError::Clock);
        }
        let message = Cosignature::to_be_signed(checkpoint.checkpoint(), time);
        let signature = self.private.sign(Signable::Message(&message))?;
        let signature = [&time.seconds().to_be_bytes()[..], &signature].concat();
        note::signature_line(&checkpoint.checkpoint().text(), &self.key, &signature)
            .map_err(WitnessError::Cosignature)
    }
}

impl Watched {
    fn open(log: KnownLog, disk: &dyn Disk, witness: &VerifierKey) -> Result<Self, WitnessError> {
        let file = Digest::of(log.origin().as_bytes()).to_string();
        let memory = match disk.list()?.contains(&file) {
            false => Memory::Nothing,
            true => {
                let note = String::from_utf8_lossy(&disk.read(&file)?).into_owned();
                let foreign = |source| WitnessError::Foreign { origin: log.origin().to_owned(), source };
                let checkpoint = Cosignature::open(&note, log.origin(), witness).map_err(foreign)?;
                let seen = Seen { size: checkpoint.size(), root: *checkpoint.root() };
                Memory::Newest { seen, note }
            }
        };
        Ok(Self { log, file, memory: Mutex::new(memory) })
    }

    fn size(&self) -> Option<u64> {
        match &*self.memory.lock().unwrap_or_else(PoisonError::into_inner) {
            Memory::Newest { seen, .. } => Some(seen.size),
            Memory::Nothing | Memory::Unknown => None,
        }
    }
}

fn identity(disk: &dyn Disk) -> Result<VerifierKey, WitnessError> {
    if !disk.list()?.iter().any(|file| file == IDENTITY) {
        return Err(WitnessError::NotBegun);
    }
    let text = String::from_utf8_lossy(&disk.read(IDENTITY)?).trim_end().to_owned();
    let key = VerifierKey::parse(&text);
    key.map_err(|source| WitnessError::Name { name: text.chars().take(64).collect(), source })
}
