//! The room `quorum`: entries of the registry, endorsements, and chains of entries.

use model::{Digest, from_canonical, limits, to_canonical};
use quorum::{Endorsement, Entry, Moment, Registry};

use crate::Reading::{self, Refused, Taken};
use crate::{parts, platform};

/// One entry, or one endorsement: what is read is written again as the same bytes.
pub fn entry(bytes: &[u8]) -> Reading {
    let entry = Entry::parse(bytes);
    let endorsement = from_canonical::<Endorsement>(bytes, limits::ENTRY_BYTES_MAX);
    let reading = Reading::of(&entry).or(Reading::of(&endorsement));
    if let Ok(entry) = entry {
        assert_eq!(entry.encode(), bytes, "an entry is read from its canonical bytes alone");
        Entry::changes_digest(&entry.changes);
    }
    if let Ok(endorsement) = endorsement {
        assert_eq!(
            to_canonical(&endorsement),
            bytes,
            "an endorsement is read from its canonical bytes alone"
        );
        endorsement.message(&platform::REGISTRY.platform(), &Digest::ZERO);
    }
    if let Ok(registry) = Registry::begin(bytes) {
        assert_eq!((registry.entries(), registry.head()), (1, Entry::head(bytes)));
    }
    reading
}

/// A chain of entries: the state that it replays to knows every one of them as its past.
pub fn replay(bytes: &[u8]) -> Reading {
    let entries = parts::split_all(bytes);
    let Ok(registry) = Registry::replay(entries.iter().copied()) else { return Refused };
    assert_eq!(usize::try_from(registry.entries()), Ok(entries.len()));
    assert!(entries.iter().all(|entry| registry.knows_head(&Entry::head(entry))));
    for key in registry.keys() {
        let record = &key.record;
        assert_eq!(registry.key(&record.id()).map(|key| key.digest), Some(record.digest()));
        assert!(registry.key_named(&record.name, record.generation).is_some());
    }
    Taken
}

/// An entry on top of the founder's platform: only what the founder endorsed goes through, and a refusal changes
/// nothing.
pub fn append(bytes: &[u8]) -> Reading {
    let mut reading = Refused;
    for moment in [Moment::Live(platform::NOW), Moment::Replayed] {
        let mut registry = platform::REGISTRY.clone();
        let head = registry.head();
        if registry.append(bytes, moment).is_ok() {
            let entry = Entry::parse(bytes).expect("what was appended can be read");
            let endorsed = platform::ENTRIES
                .iter()
                .any(|ours| (&ours.request, &ours.changes) == (&entry.request, &entry.changes));
            assert!(endorsed, "the founder endorsed no {:?}", entry.changes);
            assert_eq!(registry.head(), Entry::head(bytes));
            reading = Taken;
        } else {
            assert_eq!((registry.head(), registry.entries()), (head, 1), "a refusal changes nothing");
        }
    }
    reading
}
