//! Is this the state that was left, or one that was restored from a backup?
//!
//! A restored state is behind what the key process did since the backup was made. Were it to go on as if nothing had
//! happened, there would be two histories under one name. So a backup holds a file beside the journal, and
//! until administrators adopt the state by an endorsed entry, nothing stateful and nothing governed is signed. The
//! file is never deleted: it names how many adoptions there were, and one more makes it a thing of the past.

use std::collections::BTreeMap;

use model::journal::LeafError;
use model::layout::{Reader, Writer};
use model::{Disk, Form, Instant};
use quorum::{Change, Key, KeyState, Registry};
use signer::{Head, Order, Refusal, RefusalCode};

use crate::KeyProcessError;
use crate::standing::refuse;

/// The file that marks a copy of a journal, beside it.
pub const RESTORED: &str = "restored";

const VERSION: u8 = 1;

/// What a backup says of itself, beside the journal in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restored {
    /// How many adoptions the registry had.
    pub adoptions: u64,
    /// The head of the journal in the backup: what came after it is lost.
    pub head: Head,
    /// When it was made.
    pub at: Instant,
}

/// May there be another history than this one?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lost {
    /// No: nothing is lost.
    Nothing,
    /// Perhaps: the state was restored, or its witnesses do not hold it.
    Something,
}

/// Does the state go on where it stopped?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Continuity {
    /// It does, as far as is known here.
    Unbroken,
    /// It was restored, and nobody adopted it.
    Restored(Restored),
    /// It was restored, and the administrators adopted it.
    Adopted(Restored),
}

impl Restored {
    /// The bytes of the file.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.byte(VERSION).long(self.adoptions).long(self.head.size).digest(&self.head.root);
        writer.long(self.at.nanoseconds());
        writer.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, KeyProcessError> {
        let mut reader = Reader::new(bytes);
        let version = reader.byte("version").map_err(LeafError::from)?;
        if version != VERSION {
            return Err(KeyProcessError::Version { name: RESTORED.to_owned(), version });
        }
        let take = || {
            let restored = Self {
                adoptions: reader.long("adoptions")?,
                head: Head { size: reader.long("size")?, root: reader.digest("root")? },
                at: Instant::from_nanoseconds(reader.long("time")?),
            };
            reader.finish().map(|()| restored)
        };
        take().map_err(|error| LeafError::from(error).into())
    }
}

impl Continuity {
    /// What the folder says of the state in it.
    pub(crate) fn read(disk: &dyn Disk, registry: Option<&Registry>) -> Result<Self, KeyProcessError> {
        if !disk.list()?.iter().any(|name| name == RESTORED) {
            return Ok(Self::Unbroken);
        }
        Ok(Self::Restored(Restored::decode(&disk.read(RESTORED)?)?).after(registry))
    }

    /// The same, once the registry has grown.
    pub(crate) fn after(self, registry: Option<&Registry>) -> Self {
        let adoptions = registry.map_or(0, |registry| registry.adoptions().len());
        match self {
            Self::Restored(restored) if u64::try_from(adoptions).unwrap_or(u64::MAX) > restored.adoptions => {
                Self::Adopted(restored)
            }
            same => same,
        }
    }

    /// INVARIANT: a state that was restored and not adopted signs nothing that another history may have signed
    /// otherwise: no checkpoint, no token, no certificate, nothing that people endorsed.
    pub(crate) fn check(&self, order: &Order, registry: Option<&Registry>) -> Result<(), Refusal> {
        match self {
            Self::Restored(restored) if !is_free(order, registry) => Err(restored.refusal()),
            _ => Ok(()),
        }
    }

    /// May the journal's own checkpoint be signed, and certificates be issued?
    pub(crate) const fn is_settled(&self) -> bool {
        !matches!(self, Self::Restored(_))
    }
}

impl Restored {
    fn refusal(&self) -> Refusal {
        let text = format!(
            "this state comes from a backup of {} (journal of {} leaves), and what came after it is not known here; administrators adopt it with `avouch signerd adopt DIR`",
            self.at, self.head.size
        );
        refuse(RefusalCode::Journal, text)
    }
}

/// Does an order ask for nothing that another history may have signed otherwise?
pub(crate) fn is_free(order: &Order, registry: Option<&Registry>) -> bool {
    match order {
        Order::Sign(order) => registry.is_some_and(|registry| !is_governed(registry, &order.item)),
        // What was signed is recalled once somebody says that this state goes on.
        Order::Timestamp(_)
        | Order::Checkpoint(_)
        | Order::Promise(_)
        | Order::Holder(_)
        | Order::Tuf(_)
        | Order::Recall(_) => false,
    }
}

/// An item that cannot be read, or names a key that is not known, is refused further on for that.
fn is_governed(registry: &Registry, item: &[u8]) -> bool {
    let key = model::Item::parse(item).ok();
    let key = key.and_then(|item| registry.key_named(&item.key.name, item.key.generation));
    key.is_some_and(|key| key.record.rule.is_some())
}

/// An adoption begins new histories: a journal under a new name, and, where state was lost, logs under new origins.
/// The old ones are frozen.
pub(crate) fn check_adoption(
    lost: Lost,
    before: &Registry,
    after: &Registry,
    changes: &[Change],
    heads: &BTreeMap<String, Head>,
    now: Instant,
) -> Result<(), Refusal> {
    let adoptions = changes.iter().filter(|change| matches!(change, Change::Adoption(_))).count();
    if adoptions == 0 {
        return Ok(());
    }
    let instance = after.instance();
    let is_old =
        before.instance() == instance || before.adoptions().iter().any(|one| one.instance == *instance);
    if adoptions > 1 || is_old {
        return refused(format!("an adoption names one new instance; `{instance}` was one before"));
    }
    if lost == Lost::Nothing {
        return Ok(());
    }
    let is_new = |key: &&Key| before.key(&key.record.id()).is_none();
    // One that is suspended could be restored later, and would go on from a head that others know to be old.
    let goes_on = |key: &&Key| key.is_active_at(now) || key.state == KeyState::Suspended;
    let signs =
        |key: &&Key| matches!(key.record.form, Form::Checkpoint | Form::Sct | Form::Set) && goes_on(key);
    if let Some(key) = after.keys().filter(signs).find(|key| !is_new(key)) {
        let (name, generation) = (&key.record.name, key.record.generation);
        return refused(format!(
            "an adoption retires every key that signs heads of a log, and `{name}` generation {generation} goes on"
        ));
    }
    let known = |origin: &&str| {
        heads.contains_key(*origin) || before.keys().any(|key| key.record.origin.as_deref() == Some(*origin))
    };
    let mut origins = after.keys().filter(is_new).filter_map(|key| key.record.origin.as_deref());
    match origins.find(known) {
        Some(origin) => refused(format!("an adoption begins new logs, and `{origin}` was one before")),
        None => Ok(()),
    }
}

fn refused(text: String) -> Result<(), Refusal> {
    Err(refuse(RefusalCode::Journal, text))
}
