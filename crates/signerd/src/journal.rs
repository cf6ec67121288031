//! The journal: all state of the key process, and the proof of every signature that it ever made.
//!
//! Each step is a [`Record`] and a leaf of an RFC 6962 tree. Steps are applied in memory first, then written in one
//! frame, then synced; nothing leaves the process before that.

pub(crate) mod inspect;
pub(crate) mod proof;
mod record;
mod segment;
mod snapshot;

use std::sync::Arc;

use model::layout::{Reader, Writer};
use model::{Disk, PublicKey};
use signer::Head;

use self::segment::{End, Found, Segment, Tail, Whole};
use crate::state::{SIGNINGS_MAX, State};
use crate::{KeyProcessError, Random};

pub(crate) use record::{Made, Record, Work};

/// The most records in one frame: a batch of orders, twice.
const RECORDS_MAX: usize = 4_096;

/// The journal, open for writing.
pub(crate) struct Journal {
    disk: Arc<dyn Disk>,
    random: Random,
    capacity: usize,
    state: State,
    segment: Segment,
    /// Records that are applied and not written yet.
    unwritten: Vec<Record>,
    /// The head of what is durable.
    durable: Head,
    standing: Standing,
}

/// What a disk held.
pub(crate) enum Opened {
    /// A journal.
    Found(Journal),
    /// None; the source of randomness goes back, for the one that is to begin.
    Absent(Random),
}

/// Can the journal be written?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Good,
    /// A write failed, and nobody knows what reached the disk. Only a new start, which reads the disk, helps.
    Broken,
    /// The process was stopped.
    Closed,
}

impl Journal {
    /// Opens the journal on a disk.
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        random: Random,
        capacity: usize,
    ) -> Result<Opened, KeyProcessError> {
        let even = Segment::open(&disk, segment::file_name(0))?;
        let odd = Segment::open(&disk, segment::file_name(1))?;
        let Some(Chosen { newest, older }) = choose(even, odd)? else { return Ok(Opened::Absent(random)) };
        let Whole { mut segment, snapshot, records, .. } = newest;
        // CRASH: the power went between the new segment and the end of the old one: the end is written now. An old
        // segment whose tail does not hold was being overwritten, and is of no use to anybody.
        if let Some(Whole { mut segment, end: End::Open, tail: Tail::Free, .. }) = older {
            segment.end()?;
        }
        segment.adopt()?;
        let mut state = State::from_snapshot(&snapshot)?;
        for body in records {
            for record in decode(&body)? {
                state.apply(&record)?;
            }
        }
        let durable = state.head();
        let (unwritten, standing) = (Vec::new(), Standing::Good);
        let journal = Self { disk, random, capacity, state, segment, unwritten, durable, standing };
        Ok(Opened::Found(journal))
    }

    /// Begins an empty journal, whose checkpoints this key signs.
    pub(crate) fn begin(
        disk: Arc<dyn Disk>,
        mut random: Random,
        capacity: usize,
        key: PublicKey,
    ) -> Result<Self, KeyProcessError> {
        let state = State::new(key);
        let segment = Segment::begin(&disk, 1, draw(&mut random), &state.snapshot(), capacity)?;
        let durable = state.head();
        let (unwritten, standing) = (Vec::new(), Standing::Good);
        Ok(Self { disk, random, capacity, state, segment, unwritten, durable, standing })
    }

    /// All that the journal says.
    pub(crate) const fn state(&self) -> &State {
        &self.state
    }

    /// The head of what is durable: no other head is ever told, so that none is ever taken back.
    pub(crate) const fn durable(&self) -> Head {
        self.durable
    }

    /// Random bytes from the source that the process was given.
    pub(crate) fn draw<const N: usize>(&mut self) -> [u8; N] {
        draw(&mut self.random)
    }

    /// Forgets what is past its time, where so much is remembered that there is soon no room. Looked at when a batch
    /// comes, and at most once a while, because it looks at everything.
    pub(crate) fn make_room(&mut self) {
        if self.state.signings.len() >= SIGNINGS_MAX / 2 {
            self.state.forget_expired();
        }
    }

    /// Applies a step. It is written with the next [`write`](Self::write) or [`sync`](Self::sync).
    pub(crate) fn append(&mut self, record: Record) -> Result<(), KeyProcessError> {
        self.check_standing()?;
        let applied = self.state.apply(&record);
        self.held(applied)?;
        self.unwritten.push(record);
        Ok(())
    }

    /// Writes what was appended, without waiting for the disk.
    ///
    /// CRASH: any part of it may be lost or kept. Outcomes are written so: without its outcome, an intent is signed
    /// again when it is ordered again, over the same bytes.
    pub(crate) fn write(&mut self) -> Result<(), KeyProcessError> {
        self.check_standing()?;
        let written = self.write_frame();
        self.held(written)
    }

    /// Writes what was appended and waits until it is durable, with everything before.
    pub(crate) fn sync(&mut self) -> Result<(), KeyProcessError> {
        self.check_standing()?;
        let synced = self.write_frame().and_then(|()| self.segment.sync());
        self.held(synced)?;
        self.durable = self.state.head();
        Ok(())
    }

    fn write_frame(&mut self) -> Result<(), KeyProcessError> {
        if self.unwritten.is_empty() {
            return Ok(());
        }
        let body = encode(&self.unwritten);
        if self.segment.fits(body.len()) {
            self.segment.write(&body)?;
        } else {
            self.roll_over()?;
        }
        self.unwritten.clear();
        Ok(())
    }

    /// Goes on in the other file. The snapshot holds what was appended and is not written.
    fn roll_over(&mut self) -> Result<(), KeyProcessError> {
        self.state.forget_expired();
        let generation = self.segment.generation() + 1;
        let snapshot = self.state.snapshot();
        // As much room as the snapshot takes, so that snapshots are never more than half of what is written.
        let capacity = self.capacity.max(snapshot.len());
        // CRASH: until the new snapshot is whole, the old segment stands and is the state.
        let id = draw(&mut self.random);
        let next = Segment::begin(&self.disk, generation, id, &snapshot, capacity)?;
        // CRASH: the new segment is the state from here on. The end of the old one says so, for the case that the
        // new one should ever be unreadable.
        self.segment.end()?;
        self.segment = next;
        self.durable = self.state.head();
        Ok(())
    }

    /// Takes nothing more: somebody else may open the files now.
    pub(crate) const fn close(&mut self) {
        self.standing = Standing::Closed;
    }

    /// Is the journal good for more?
    pub(crate) const fn check_standing(&self) -> Result<(), KeyProcessError> {
        match self.standing {
            Standing::Good => Ok(()),
            Standing::Broken | Standing::Closed => Err(KeyProcessError::Stopped),
        }
    }

    /// After a failure nothing is known about the disk, and memory may be ahead of it: stop for good.
    fn held(&mut self, result: Result<(), KeyProcessError>) -> Result<(), KeyProcessError> {
        if result.is_err() {
            self.standing = Standing::Broken;
        }
        result
    }
}

/// The segment that is the state, and the one before it where that can still be read.
struct Chosen {
    newest: Whole,
    older: Option<Whole>,
}

/// Which of two segments is the state; `None` where there is none at all. Nothing is written.
fn choose(even: Found, odd: Found) -> Result<Option<Chosen>, KeyProcessError> {
    let (newest, older) = match (even, odd) {
        (Found::Absent, Found::Absent) => return Ok(None),
        (Found::Whole(even), Found::Whole(odd)) if even.segment.generation() > odd.segment.generation() => {
            (even, Some(odd))
        }
        (Found::Whole(even), Found::Whole(odd)) => (odd, Some(even)),
        (Found::Whole(whole), _) | (_, Found::Whole(whole)) => (whole, None),
        _ => return Err(KeyProcessError::NoWholeSegment),
    };
    // CRASH: a segment ends only after the next one is durable. If the next one cannot be read, it was damaged
    // since; going on with the older one would forget signatures that were given.
    if newest.end == End::Ended {
        let name = segment::file_name(newest.segment.generation() + 1).to_owned();
        return Err(KeyProcessError::Damaged { name, at: 0 });
    }
    if newest.tail == Tail::Damaged {
        return Err(newest.segment.damage());
    }
    Ok(Some(Chosen { newest, older }))
}

fn draw<const N: usize>(random: &mut Random) -> [u8; N] {
    let mut bytes = [0; N];
    random(&mut bytes);
    bytes
}

fn encode(records: &[Record]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.list(records, |writer, record| record.put(writer));
    writer.finish()
}

fn decode(body: &[u8]) -> Result<Vec<Record>, KeyProcessError> {
    let mut reader = Reader::new(body);
    let records = reader.list("records", RECORDS_MAX, Record::take)?;
    reader.finish().map_err(model::journal::LeafError::from)?;
    Ok(records)
}
