//! Which precertificates stand in the log, and where.
//!
//! One token has one leaf for ever: the key process signs no timestamp for a second one. So before a precertificate is
//! appended it is asked whether it stands there already, by the index of its intent in the journal. Those of intents
//! since the log was opened are remembered; older ones are looked for.

use std::collections::BTreeMap;

/// How many are remembered.
const REMEMBERED_MAX: usize = 1 << 16;

/// What is known of the leaves of precertificates, by the index of their intents.
#[derive(Debug)]
pub(super) struct Leaves {
    /// INVARIANT: whatever was logged of intents from here on is in `known`.
    since: u64,
    known: BTreeMap<u64, Known>,
}

/// What is known of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) leaf: u64,
    /// Does the ledger know of the certificate?
    pub(super) record: Record,
}

/// Does the ledger know of a certificate?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Record {
    Written,
    /// Not by this process.
    Unwritten,
}

/// Where a precertificate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// There.
    At(u64),
    /// Nowhere yet.
    Nowhere,
    /// It may stand there since before the log was opened.
    Perhaps,
}

impl Leaves {
    /// Nothing is known of intents before this one, and those from here on are not logged yet.
    pub(super) const fn since(intent: u64) -> Self {
        Self { since: intent, known: BTreeMap::new() }
    }

    pub(super) fn find(&self, intent: u64) -> Standing {
        match self.known.get(&intent) {
            Some(known) => Standing::At(known.leaf),
            None if intent < self.since => Standing::Perhaps,
            None => Standing::Nowhere,
        }
    }

    /// Remembers where one stands. The oldest are forgotten, and would be looked for.
    pub(super) fn remember(&mut self, intent: u64, leaf: u64) {
        self.known.entry(intent).or_insert(Known { leaf, record: Record::Unwritten });
        while self.known.len() > REMEMBERED_MAX {
            if let Some((oldest, _)) = self.known.pop_first() {
                self.since = self.since.max(oldest + 1);
            }
        }
    }

    pub(super) fn record(&self, intent: u64) -> Record {
        self.known.get(&intent).map_or(Record::Unwritten, |known| known.record)
    }

    pub(super) fn recorded(&mut self, intent: u64) {
        if let Some(known) = self.known.get_mut(&intent) {
            known.record = Record::Written;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_logged_is_found_and_what_may_have_been_is_looked_for() {
        let mut leaves = Leaves::since(10);
        assert_eq!((leaves.find(9), leaves.find(10)), (Standing::Perhaps, Standing::Nowhere));
        leaves.remember(10, 3);
        leaves.remember(9, 1);
        leaves.remember(10, 4);
        assert_eq!((leaves.find(9), leaves.find(10)), (Standing::At(1), Standing::At(3)));
        assert_eq!(leaves.record(10), Record::Unwritten);
        leaves.recorded(10);
        leaves.recorded(77);
        assert_eq!((leaves.record(10), leaves.record(77)), (Record::Written, Record::Unwritten));
    }

    #[test]
    fn the_oldest_is_forgotten_and_looked_for_from_then_on() {
        let mut leaves = Leaves::since(0);
        let most = u64::try_from(REMEMBERED_MAX).expect("a small number");
        (0..=most).for_each(|intent| leaves.remember(intent, intent));
        assert_eq!((leaves.find(0), leaves.find(1)), (Standing::Perhaps, Standing::At(1)));
        assert_eq!(leaves.find(most + 1), Standing::Nowhere);
    }
}
