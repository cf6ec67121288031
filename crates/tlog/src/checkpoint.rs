//! Checkpoints (C2SP `tlog-checkpoint`): the size and root of a log, signed, and what witnesses add to them.

use data_encoding::BASE64;
use model::{Digest, Instant};

use crate::SIZE_MAX;
use crate::note::{Note, NoteError, VerifierKey, cosigned_text};

/// What a log says of itself: so many entries, this root. Nothing is signed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Digest,
    extensions: Vec<String>,
}

/// Why a checkpoint is not one, or not this log's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// Not the three lines that every checkpoint has, or in another spelling.
    #[error("a checkpoint is an origin, a size and a root in base64, each on a line of its own; this is not")]
    Shape,
    /// Not a note, or not signed by the log.
    #[error("the checkpoint is not a note that the log `{origin}` signed")]
    Note {
        /// The log it should be of.
        origin: String,
        /// What is wrong with the note.
        #[source]
        source: NoteError,
    },
    /// A checkpoint of another log.
    #[error("a checkpoint of the log `{found}` where one of `{expected}` belongs")]
    Origin {
        /// The log it should be of.
        expected: String,
        /// The log it is of.
        found: String,
    },
    /// The key of a witness where a log's belongs.
    #[error("the key of `{name}` makes cosignatures; a log's checkpoint is opened with the log's own key")]
    KindOfKey {
        /// Its name.
        name: String,
    },
}

impl Checkpoint {
    /// A checkpoint without extension lines. The origin is one line without control characters.
    pub fn new(origin: &str, size: u64, root: Digest) -> Result<Self, CheckpointError> {
        if origin.is_empty() || origin.contains(char::is_control) || size > SIZE_MAX {
            return Err(CheckpointError::Shape);
        }
        Ok(Self { origin: origin.to_owned(), size, root, extensions: Vec::new() })
    }

    /// The next checkpoint of the same log.
    pub(crate) fn extended(&self, size: u64, root: Digest) -> Self {
        Self { origin: self.origin.clone(), size, root, extensions: Vec::new() }
    }

    /// Reads a checkpoint's text. What would not be written in the same way is refused.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let mut lines = text.strip_suffix('\n').ok_or(CheckpointError::Shape)?.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(CheckpointError::Shape);
        };
        let size = size.parse().map_err(|_| CheckpointError::Shape)?;
        let root = BASE64.decode(root.as_bytes()).ok().and_then(|bytes| Digest::from_slice(&bytes));
        let mut checkpoint = Self::new(origin, size, root.ok_or(CheckpointError::Shape)?)?;
        checkpoint.extensions = lines.map(str::to_owned).collect();
        let extensions = &checkpoint.extensions;
        if extensions.iter().any(|line| line.is_empty() || line.contains(char::is_control))
            || checkpoint.text() != text
        {
            return Err(CheckpointError::Shape);
        }
        Ok(checkpoint)
    }

    /// The text that is signed.
    pub fn text(&self) -> String {
        let mut text = format!("{}\n{}\n{}\n", self.origin, self.size, BASE64.encode(self.root.as_bytes()));
        for line in &self.extensions {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    /// Which log.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// How many entries it has.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root of its tree.
    pub const fn root(&self) -> &Digest {
        &self.root
    }

    /// Further lines that mean something to some; ours have none.
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }
}

/// A checkpoint that its log signed. Only opening the note with the log's key makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    note: String,
}

/// A witness's word that at a time this checkpoint was the newest of its log, and extended all that it had seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosignature {
    /// The witness's key.
    pub witness: VerifierKey,
    /// When it cosigned, by its own clock.
    pub time: Instant,
    /// The signature over checkpoint and time.
    pub signature: [u8; 64],
}

impl SignedCheckpoint {
    /// Opens a checkpoint with the log's key, which knows the log's origin.
    pub fn open(note: &str, log: &VerifierKey) -> Result<Self, CheckpointError> {
        Self::open_at(note, log.origin(), log)
    }

    /// Opens a checkpoint of this origin with a key that has another name, as some logs' have.
    pub fn open_at(note: &str, origin: &str, log: &VerifierKey) -> Result<Self, CheckpointError> {
        if !log.is_of_a_log() {
            return Err(CheckpointError::KindOfKey { name: log.name().to_owned() });
        }
        let refuse = |source| CheckpointError::Note { origin: origin.to_owned(), source };
        let opened = crate::note::open(note, std::slice::from_ref(log)).map_err(refuse)?;
        let checkpoint = Checkpoint::parse(opened.text())?;
        if checkpoint.origin() != origin {
            let (expected, found) = (origin.to_owned(), checkpoint.origin);
            return Err(CheckpointError::Origin { expected, found });
        }
        Ok(Self { checkpoint, note: note.to_owned() })
    }

    /// Signs off a checkpoint of this log with a signature over its text, which must verify.
    pub fn seal(checkpoint: Checkpoint, log: &VerifierKey, signature: &[u8]) -> Result<Self, NoteError> {
        let note = crate::note::seal(&checkpoint.text(), log, signature)?;
        Ok(Self { checkpoint, note })
    }

    /// What the log says.
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// How many entries the log has.
    pub const fn size(&self) -> u64 {
        self.checkpoint.size
    }

    /// The root of its tree.
    pub const fn root(&self) -> &Digest {
        &self.checkpoint.root
    }

    /// The whole note, signatures included.
    pub fn note(&self) -> &str {
        &self.note
    }

    /// The same checkpoint with what witnesses wrote under it: of the lines, those by one of these witnesses, each in the
    /// place of what stood there by the same; all others are left out. One that does not verify makes all of it bad.
    pub fn with_cosignatures(&self, lines: &str, witnesses: &[VerifierKey]) -> Result<Self, CheckpointError> {
        let refuse = |source| CheckpointError::Note { origin: self.checkpoint.origin.clone(), source };
        let note = crate::note::joined(&self.note, lines, witnesses).map_err(refuse)?;
        Ok(Self { checkpoint: self.checkpoint.clone(), note })
    }

    /// The cosignatures of these witnesses that it carries; each witness once. A bad one makes all of it bad.
    pub fn cosignatures(&self, witnesses: &[VerifierKey]) -> Result<Vec<Cosignature>, CheckpointError> {
        let refuse = |source| CheckpointError::Note { origin: self.checkpoint.origin.clone(), source };
        let signers = Note::parse(&self.note).and_then(|note| note.signed_by(witnesses)).map_err(refuse)?;
        let cosigned = signers.into_iter().filter_map(|signer| {
            let signature = signer.signature.try_into().ok()?;
            Some(Cosignature { time: signer.time?, witness: signer.key, signature })
        });
        Ok(cosigned.collect())
    }
}

impl Cosignature {
    /// Opens a checkpoint of this origin that a witness cosigned, whoever the log is.
    pub fn open(note: &str, origin: &str, witness: &VerifierKey) -> Result<Checkpoint, CheckpointError> {
        let refuse = |source| CheckpointError::Note { origin: origin.to_owned(), source };
        let opened = crate::note::open(note, std::slice::from_ref(witness)).map_err(refuse)?;
        let checkpoint = Checkpoint::parse(opened.text())?;
        if checkpoint.origin != origin {
            let (expected, found) = (origin.to_owned(), checkpoint.origin);
            return Err(CheckpointError::Origin { expected, found });
        }
        Ok(checkpoint)
    }

    /// The line that the witness wrote under a checkpoint; it must verify over this one.
    pub fn line(&self, checkpoint: &Checkpoint) -> Result<String, NoteError> {
        let signature = [&self.time.seconds().to_be_bytes()[..], &self.signature].concat();
        crate::note::signature_line(&checkpoint.text(), &self.witness, &signature)
    }

    /// The bytes that a witness signs at a time, cut to whole seconds.
    pub fn to_be_signed(checkpoint: &Checkpoint, time: Instant) -> Vec<u8> {
        cosigned_text(&checkpoint.text(), time.seconds()).into_bytes()
    }
}
