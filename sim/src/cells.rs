//! The table: every step at which something can go wrong, and all that can go wrong there.

use testkit::Fault as DiskFault;

use crate::Store;

/// Where something goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Submission and intent, in the server's store.
    Intent,
    /// A frame of the journal, written.
    JournalWrite,
    /// A frame of the journal, waited for.
    JournalSync,
    /// A new segment of the journal: the file, its snapshot, and the wait for it.
    JournalSegment,
    /// The swap of the log's checkpoint, with its staged tiles.
    Swap,
    /// The next log takes the place of one that it follows.
    Succession,
    /// The tile files.
    Tiles,
    /// The published checkpoint.
    Publish,
    /// The outcome, in the server's store.
    Outcome,
    /// A frame between server and key process that is of no lane: a token, a checkpoint, administration.
    Frame,
    /// The lane of a key store: its frames, and the uses of its keys.
    Lane(Store),
    /// The module behind the lane of the token, while it signs.
    Module,
    /// The server, at any moment.
    Server,
    /// The key process, at any moment.
    KeyProcess,
    /// The clock of both processes.
    Clock,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The operation fails, and nobody knows what of it was done.
    Error,
    /// The power goes before the operation.
    CutBefore,
    /// The power goes after the operation, before its caller hears of it.
    CutAfter,
    /// There is no room.
    FullDisk,
    /// The frame never arrives.
    LostFrame,
    /// The answer never arrives.
    LostReply,
    /// The process is killed; what it wrote stays.
    Kill,
    /// The power goes: what was not waited for is dropped, kept or torn.
    PowerCut,
    /// The key store fails.
    KeyStoreError,
    /// The key store gives a signature that does not verify.
    BadSignature,
    /// The same is ordered once more, over another connection, while the key store is at work.
    Overtaken,
    /// Nothing of the lane comes through for long.
    Slow,
    /// The module's process is killed while it signs.
    KilledInMidSign,
    /// The module does not answer until its process is killed for that.
    Hung,
    /// The token is pulled out, and put back some time later.
    TokenGone,
    /// The PIN is another from now on, and somebody writes it anew later.
    PinRefused,
    /// The clock is set an hour or a day, either way.
    Jump,
}

/// A step, and a fault that can befall it.
pub type Cell = (Step, Fault);

/// Kinds of steps: each kind has its own faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Disk,
    Line,
    Lane,
    Module,
    Process,
    Clock,
}

impl Step {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 17] = [
        Self::Intent,
        Self::JournalWrite,
        Self::JournalSync,
        Self::JournalSegment,
        Self::Swap,
        Self::Succession,
        Self::Tiles,
        Self::Publish,
        Self::Outcome,
        Self::Frame,
        Self::Lane(Store::Cloud),
        Self::Lane(Store::Software),
        Self::Lane(Store::Token),
        Self::Module,
        Self::Server,
        Self::KeyProcess,
        Self::Clock,
    ];

    /// The words for it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Intent => "intent",
            Self::JournalWrite => "journal write",
            Self::JournalSync => "journal sync",
            Self::JournalSegment => "journal segment",
            Self::Swap => "checkpoint swap",
            Self::Succession => "succession of logs",
            Self::Tiles => "tiles",
            Self::Publish => "published checkpoint",
            Self::Outcome => "outcome",
            Self::Frame => "frame",
            Self::Server => "server",
            Self::KeyProcess => "key process",
            Self::Lane(Store::Cloud) => "lane of the cloud",
            Self::Lane(Store::Software) => "lane of the files",
            Self::Lane(Store::Token) => "lane of the token",
            Self::Module => "module of the token",
            Self::Clock => "clock",
        }
    }

    pub(crate) const fn kind(self) -> Kind {
        match self {
            Self::Intent
            | Self::JournalWrite
            | Self::JournalSync
            | Self::JournalSegment
            | Self::Swap
            | Self::Succession
            | Self::Tiles
            | Self::Publish
            | Self::Outcome => Kind::Disk,
            Self::Frame => Kind::Line,
            Self::Server | Self::KeyProcess => Kind::Process,
            Self::Lane(_) => Kind::Lane,
            Self::Module => Kind::Module,
            Self::Clock => Kind::Clock,
        }
    }
}

impl Kind {
    pub(crate) const ALL: [Self; 6] =
        [Self::Disk, Self::Line, Self::Lane, Self::Module, Self::Process, Self::Clock];

    /// All that can befall a step of this kind.
    pub(crate) const fn faults(self) -> &'static [Fault] {
        match self {
            Self::Disk => &[Fault::Error, Fault::CutBefore, Fault::CutAfter, Fault::FullDisk],
            Self::Line => &[Fault::LostFrame, Fault::LostReply],
            Self::Process => &[Fault::Kill, Fault::PowerCut],
            Self::Lane => &[
                Fault::LostFrame,
                Fault::LostReply,
                Fault::KeyStoreError,
                Fault::BadSignature,
                Fault::Overtaken,
                Fault::Slow,
            ],
            Self::Module => &[Fault::KilledInMidSign, Fault::Hung, Fault::TokenGone, Fault::PinRefused],
            Self::Clock => &[Fault::Jump],
        }
    }

    /// Why these faults befall no other step.
    pub(crate) const fn why_nowhere_else(self) -> &'static str {
        match self {
            Self::Disk => "befall one write or one wait: no other step has any",
            Self::Line => {
                "befall what one process says to the other that is of no lane: a checkpoint, a token, administration"
            }
            Self::Process => {
                "befall a process between two steps; a cut within a durable step is that step's cut before or after"
            }
            Self::Lane => {
                "befall the orders of one lane, and the keys of its store: the store of the files has the platform's own, too"
            }
            Self::Module => "befall the one store that stands behind a lane process of its own",
            Self::Clock => "befalls the one clock that all read, between any two steps",
        }
    }
}

impl Fault {
    /// The words for it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::CutBefore => "cut before",
            Self::CutAfter => "cut after",
            Self::FullDisk => "full disk",
            Self::LostFrame => "lost frame",
            Self::LostReply => "lost reply",
            Self::Kill => "kill",
            Self::PowerCut => "power cut",
            Self::KeyStoreError => "error",
            Self::BadSignature => "bad signature",
            Self::Overtaken => "overtaken",
            Self::Slow => "slow",
            Self::KilledInMidSign => "killed",
            Self::Hung => "hung",
            Self::TokenGone => "token gone",
            Self::PinRefused => "PIN refused",
            Self::Jump => "jump",
        }
    }

    /// As a disk knows it.
    pub(crate) const fn of_a_disk(self) -> Option<DiskFault> {
        match self {
            Self::Error => Some(DiskFault::Error),
            Self::CutBefore => Some(DiskFault::CutBefore),
            Self::CutAfter => Some(DiskFault::CutAfter),
            Self::FullDisk => Some(DiskFault::Full),
            _ => None,
        }
    }
}

/// Every cell that can be hit; one that never was counts as zero.
pub(crate) fn all() -> Vec<Cell> {
    let cells = |step: Step| step.kind().faults().iter().map(move |fault| (step, *fault));
    Step::ALL.into_iter().flat_map(cells).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_every_step_once_and_every_kind_of_fault() {
        assert_eq!(all().len(), 9 * 4 + 2 + 3 * 6 + 4 + 2 * 2 + 1);
        assert!(Kind::ALL.iter().all(|kind| Step::ALL.iter().any(|step| step.kind() == *kind)));
    }
}
