//! Segments: files of fixed length that are overwritten in turn, so that a write never has to grow a file.
//!
//! | part | bytes |
//! |---|---|
//! | magic | `avouch/v1/segment\0` |
//! | version, generation, id | 1, 8, 16 |
//! | frames | one after the other, the first of them a snapshot |
//! | what an earlier use left | to the end of the file |
//!
//! | part of a frame | bytes |
//! |---|---|
//! | magic `avj1`, length of the body | 4, 4 |
//! | up to where the segment was durable when the frame was written | 8 |
//! | hash of the frame before | 32 |
//! | hash: SHA-256 of segment header, offset, the two fields before, body | 32 |
//! | body: a kind byte and what it holds | |
//!
//! The id is random for each use, so that a frame of an earlier use is no frame of this one. The chain ends at the
//! first frame that does not hold: there the write stopped that a crash tore. Only what was never synced may be
//! torn; where a later frame says that more was durable, the file is damaged, and nothing starts over it.

use std::sync::Arc;

use model::layout::{LayoutError, Reader, Writer};
use model::{Digest, Disk, Hasher};

use crate::KeyProcessError;

const MAGIC: &[u8] = b"avouch/v1/segment\0";
const VERSION: u8 = 1;
const HEADER_BYTES: usize = MAGIC.len() + 1 + 8 + 16;
const FRAME_MAGIC: &[u8; 4] = b"avj1";
/// Everything of a frame but its body.
const FRAME_BYTES: usize = 4 + 4 + 8 + 32 + 32;
/// The longest body: a snapshot.
const BODY_BYTES_MAX: usize = 1 << 30;

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FrameKind {
    /// All state, at the beginning of a segment.
    Snapshot,
    /// Steps.
    Records,
    /// Nothing: the next segment is durable, and this one ends here.
    End,
}

/// A segment that is written to.
pub(super) struct Segment {
    disk: Arc<dyn Disk>,
    name: String,
    header: [u8; HEADER_BYTES],
    generation: u64,
    capacity: usize,
    at: usize,
    durable: usize,
    last: Digest,
}

/// What a segment's file turned out to hold.
pub(super) enum Found {
    /// A segment whose snapshot is whole.
    Whole(Whole),
    /// A file whose snapshot is not whole: it was never finished, or it is damaged.
    Broken,
    /// No file.
    Absent,
}

/// A segment with what its frames hold.
pub(super) struct Whole {
    pub(super) segment: Segment,
    pub(super) snapshot: Vec<u8>,
    pub(super) records: Vec<Vec<u8>>,
    pub(super) end: End,
    pub(super) tail: Tail,
}

/// Does a segment say that another one follows?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Ended,
    Open,
}

/// What stands behind the last frame of the chain?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tail {
    /// What an earlier use left, or what a crash tore before it was synced.
    Free,
    /// A frame that says that more was durable than there is: the file is damaged.
    Damaged,
}

impl FrameKind {
    const fn byte(self) -> u8 {
        match self {
            Self::Snapshot => 1,
            Self::Records => 2,
            Self::End => 3,
        }
    }

    const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Snapshot),
            2 => Some(Self::Records),
            3 => Some(Self::End),
            _ => None,
        }
    }
}

/// The file of a generation: two take turns.
pub(super) fn file_name(generation: u64) -> &'static str {
    if generation.is_multiple_of(2) { "journal-even" } else { "journal-odd" }
}

impl Segment {
    /// Begins a generation with a snapshot, and is durable when it returns. `capacity` is the least it should hold.
    pub(super) fn begin(
        disk: &Arc<dyn Disk>,
        generation: u64,
        id: [u8; 16],
        snapshot: &[u8],
        capacity: usize,
    ) -> Result<Self, KeyProcessError> {
        let name = file_name(generation).to_owned();
        let mut writer = Writer::new();
        writer.fixed(MAGIC).byte(VERSION).long(generation).fixed(&id);
        let header = writer.finish().try_into().expect("a header has one length");
        let mut segment = Self {
            disk: Arc::clone(disk),
            name,
            header,
            generation,
            capacity: 0,
            at: HEADER_BYTES,
            durable: 0,
            last: Digest::ZERO,
        };
        let frame = segment.frame(FrameKind::Snapshot, snapshot);
        let mut bytes = [&segment.header[..], &frame].concat();
        let needed = bytes.len().saturating_add(capacity);
        let present = if disk.list()?.contains(&segment.name) { disk.read(&segment.name)?.len() } else { 0 };
        if present >= needed {
            segment.capacity = present;
            disk.write_at(&segment.name, 0, &bytes)?;
            disk.sync(&segment.name)?;
            segment.advance(&frame);
        } else {
            segment.advance(&frame);
            bytes.resize(needed, 0);
            segment.capacity = needed;
            disk.replace(&segment.name, &bytes)?;
        }
        segment.durable = segment.at;
        Ok(segment)
    }

    pub(super) const fn generation(&self) -> u64 {
        self.generation
    }

    /// Is there room for a body, and after it for the end?
    pub(super) const fn fits(&self, body: usize) -> bool {
        // One byte of kind in each of the two frames.
        let needed = self.at.saturating_add(2 * (FRAME_BYTES + 1)).saturating_add(body);
        needed <= self.capacity
    }

    /// Writes records, which are durable after [`sync`](Self::sync).
    pub(super) fn write(&mut self, records: &[u8]) -> Result<(), KeyProcessError> {
        self.put(FrameKind::Records, records)
    }

    /// Says that the next segment is durable, and is durable itself when it returns.
    pub(super) fn end(&mut self) -> Result<(), KeyProcessError> {
        self.put(FrameKind::End, &[])?;
        self.sync()
    }

    fn put(&mut self, kind: FrameKind, body: &[u8]) -> Result<(), KeyProcessError> {
        let frame = self.frame(kind, body);
        let offset = u64::try_from(self.at).unwrap_or(u64::MAX);
        self.disk.write_at(&self.name, offset, &frame)?;
        self.advance(&frame);
        Ok(())
    }

    /// Makes durable what was read: a process that was killed may have written it without waiting.
    pub(super) fn adopt(&mut self) -> Result<(), KeyProcessError> {
        self.disk.sync(&self.name)?;
        self.durable = self.at;
        Ok(())
    }

    /// Where a segment whose tail is damaged stops to hold.
    pub(super) fn damage(&self) -> KeyProcessError {
        KeyProcessError::Damaged { name: self.name.clone(), at: self.at }
    }

    /// The file's name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Where a frame stands that was to go on with the chain and does not hold; `None` where the chain simply ends.
    pub(super) fn torn(&self, file: &[u8]) -> Option<usize> {
        let behind = file.get(self.at..)?;
        // What an earlier use left names no frame of this use as the one before it; a single damaged byte of that
        // name leaves the others.
        let same = behind.get(16..48)?.iter().zip(self.last.as_bytes()).filter(|(a, b)| a == b).count();
        (same >= 16).then_some(self.at)
    }

    /// Makes everything durable that was written.
    pub(super) fn sync(&mut self) -> Result<(), KeyProcessError> {
        if self.durable < self.at {
            self.disk.sync(&self.name)?;
            self.durable = self.at;
        }
        Ok(())
    }

    fn frame(&self, kind: FrameKind, body: &[u8]) -> Vec<u8> {
        let body = [&[kind.byte()], body].concat();
        let durable = u64::try_from(self.durable).unwrap_or(u64::MAX);
        let hash = frame_hash(&self.header, self.at, durable, &self.last, &body);
        let mut writer = Writer::new();
        writer
            .fixed(FRAME_MAGIC)
            .count(body.len())
            .long(durable)
            .digest(&self.last)
            .digest(&hash)
            .fixed(&body);
        writer.finish()
    }

    fn advance(&mut self, frame: &[u8]) {
        let hash = frame.get(FRAME_BYTES - 32..FRAME_BYTES).and_then(Digest::from_slice);
        self.last = hash.expect("a frame of our own has a hash");
        self.at += frame.len();
    }

    /// Reads a generation's file.
    pub(super) fn open(disk: &Arc<dyn Disk>, name: &'static str) -> Result<Found, KeyProcessError> {
        if !disk.list()?.iter().any(|there| there == name) {
            return Ok(Found::Absent);
        }
        let file = disk.read(name)?;
        let Some((header, generation)) = read_header(&file) else { return Ok(Found::Broken) };
        if header[MAGIC.len()] != VERSION {
            return Err(KeyProcessError::Version { name: name.to_owned(), version: header[MAGIC.len()] });
        }
        let mut segment = Self {
            disk: Arc::clone(disk),
            name: name.to_owned(),
            header,
            generation,
            capacity: file.len(),
            at: HEADER_BYTES,
            durable: 0,
            last: Digest::ZERO,
        };
        let mut bodies = Vec::new();
        while let Some(frame) =
            Frame::at(&file, &header, segment.at).filter(|frame| frame.last == segment.last)
        {
            segment.last = frame.hash;
            segment.at = frame.end;
            bodies.push((frame.kind, frame.body.to_vec()));
        }
        Ok(segment.assemble(bodies, &file))
    }

    fn assemble(self, bodies: Vec<(FrameKind, Vec<u8>)>, file: &[u8]) -> Found {
        let mut bodies = bodies.into_iter();
        let Some((FrameKind::Snapshot, snapshot)) = bodies.next() else { return Found::Broken };
        let (mut records, mut end, mut tail) = (Vec::new(), End::Open, self.tail(file));
        for (kind, body) in bodies {
            match kind {
                FrameKind::Records if end == End::Open => records.push(body),
                FrameKind::End if end == End::Open => end = End::Ended,
                _ => tail = Tail::Damaged,
            }
        }
        Found::Whole(Whole { segment: self, snapshot, records, end, tail })
    }

    /// A frame beyond the end of the chain is what a torn write left, unless it says that the end was durable.
    fn tail(&self, file: &[u8]) -> Tail {
        let behind = file.get(self.at..).unwrap_or_default();
        let mut places = behind.windows(4).enumerate().filter(|(_, window)| window == FRAME_MAGIC);
        let contradicts = |(distance, _): (usize, &[u8])| {
            let frame = Frame::at(file, &self.header, self.at + distance);
            frame.is_some_and(|frame| usize::try_from(frame.durable).is_ok_and(|durable| durable > self.at))
        };
        if places.any(contradicts) { Tail::Damaged } else { Tail::Free }
    }
}

fn read_header(file: &[u8]) -> Option<([u8; HEADER_BYTES], u64)> {
    let header: [u8; HEADER_BYTES] = *file.first_chunk()?;
    let mut reader = Reader::new(header.strip_prefix(MAGIC)?);
    reader.byte("version").ok()?;
    Some((header, reader.long("generation").ok()?))
}

/// A frame that holds by itself; whether it belongs into the chain is for the reader of the chain to say.
struct Frame<'a> {
    kind: FrameKind,
    durable: u64,
    last: Digest,
    hash: Digest,
    body: &'a [u8],
    end: usize,
}

impl<'a> Frame<'a> {
    fn at(file: &'a [u8], header: &[u8; HEADER_BYTES], at: usize) -> Option<Self> {
        let mut reader = Reader::new(file.get(at..)?);
        Self::take(&mut reader, header, at).ok()
    }

    fn take(reader: &mut Reader<'a>, header: &[u8; HEADER_BYTES], at: usize) -> Result<Self, LayoutError> {
        let bad = LayoutError::Value { field: "frame" };
        if reader.array("magic")? != *FRAME_MAGIC {
            return Err(bad);
        }
        let length = reader.count("length", BODY_BYTES_MAX)?;
        let durable = reader.long("durable")?;
        let (last, hash) = (reader.digest("last")?, reader.digest("hash")?);
        let body = reader.fixed("body", length)?;
        let (kind, rest) = body.split_first().ok_or(bad)?;
        if frame_hash(header, at, durable, &last, body) != hash {
            return Err(bad);
        }
        let kind = FrameKind::from_byte(*kind).ok_or(bad)?;
        Ok(Self { kind, durable, last, hash, body: rest, end: at + FRAME_BYTES + length })
    }
}

fn frame_hash(header: &[u8; HEADER_BYTES], at: usize, durable: u64, last: &Digest, body: &[u8]) -> Digest {
    let mut hasher = Hasher::new();
    hasher.update(header);
    hasher.update(&u64::try_from(at).unwrap_or(u64::MAX).to_be_bytes());
    hasher.update(&durable.to_be_bytes());
    hasher.update(last.as_bytes());
    hasher.update(body);
    hasher.finish()
}
