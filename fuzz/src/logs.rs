//! The room `tlog`: notes, checkpoints, keys of logs, tiles and the right edge.

use model::Digest;
use tlog::note::{self, Note};
use tlog::proof::verify_inclusion;
use tlog::tile::{
    FULL_WIDTH, TileKind, TilePath, decode_entries, decode_hashes, decode_leaves, encode_entry, encode_hashes,
};
use tlog::witness::{KnownLog, Seen, Submission};
use tlog::{CertificateEntry, Checkpoint, RightEdge, SignedCheckpoint, VerifierKey};

use crate::Reading::{self, Refused, Taken};
use crate::known::{CHECKPOINTS, LOG};
use crate::parts;

/// A signed note: the worked example's log signed three texts and no other.
pub fn note(bytes: &[u8]) -> Reading {
    let Ok(text) = std::str::from_utf8(bytes) else { return Refused };
    if let Ok(note) = Note::parse(text) {
        assert!(text.starts_with(note.text()) && note.text().ends_with('\n'));
        assert!((1..=note::SIGNATURES_MAX).contains(&note.names().count()));
    }
    if let Ok(opened) = note::open(text, std::slice::from_ref(&*LOG)) {
        assert!(CHECKPOINTS.contains(&opened.text()), "the log signed no `{}`", opened.text());
    }
    let opened = SignedCheckpoint::open(text, &LOG);
    if let Ok(signed) = &opened {
        assert!(CHECKPOINTS.contains(&signed.checkpoint().text().as_str()), "the log signed no {signed:?}");
        assert_eq!(signed.note(), text);
        assert!(signed.cosignatures(std::slice::from_ref(&*LOG)).is_ok_and(|cosigned| cosigned.is_empty()));
    }
    Reading::of(&opened)
}

/// The text of a checkpoint: what is read is written again as the same bytes.
pub fn checkpoint(bytes: &[u8]) -> Reading {
    let Ok(text) = std::str::from_utf8(bytes) else { return Refused };
    let Ok(checkpoint) = Checkpoint::parse(text) else { return Refused };
    assert_eq!(checkpoint.text(), text, "a checkpoint is read from its one spelling alone");
    assert!(checkpoint.size() <= tlog::SIZE_MAX);
    Taken
}

/// The key of a log or witness: one key has one spelling.
pub fn verifier_key(bytes: &[u8]) -> Reading {
    let Ok(text) = std::str::from_utf8(bytes) else { return Refused };
    let Ok(key) = VerifierKey::parse(text) else { return Refused };
    assert_eq!(key.encode(), text, "a key is read from its one spelling alone");
    assert_eq!(key.log_id().as_bytes()[..4], key.key_hash());
    Taken
}

/// The path of a tile: one tile has one path.
pub fn tile_path(bytes: &[u8]) -> Reading {
    let Ok(text) = std::str::from_utf8(bytes) else { return Refused };
    let Ok(path) = text.parse::<TilePath>() else { return Refused };
    assert_eq!(path.to_string(), text, "a tile has one path");
    assert!((1..=FULL_WIDTH).contains(&path.width()));
    if let Some(full) = path.full() {
        assert_eq!(full.to_string().parse(), Ok(full));
    }
    Taken
}

/// A tile path, and bytes under it: hashes and entries are written again as the same bytes.
pub fn tile(bytes: &[u8]) -> Reading {
    let [path, contents] = parts::split(bytes);
    let Some(path) = std::str::from_utf8(path).ok().and_then(|text| text.parse::<TilePath>().ok()) else {
        return Refused;
    };
    let (hashes, entries) = (decode_hashes(path, contents), decode_entries(path, contents));
    let reading = Reading::of(&hashes).or(Reading::of(&entries));
    if let Ok(hashes) = hashes {
        assert_eq!(hashes.len(), usize::from(path.width()));
        assert_eq!(encode_hashes(&hashes), contents, "hashes have one layout");
    }
    if let Ok(entries) = entries {
        assert_eq!(entries.len(), usize::from(path.width()));
        let mut again = Vec::new();
        for entry in &entries {
            match path.kind() {
                TileKind::Certificates => again.extend_from_slice(entry),
                _ => encode_entry(entry, &mut again).expect("an entry that was read is short enough"),
            }
        }
        assert_eq!(again, contents, "entries have one layout");
        if let Ok(leaves) = decode_leaves(path, contents) {
            assert!(leaves.iter().map(|(entry, _)| entry).eq(&entries), "the entries with their hashes");
        }
    }
    reading
}

/// An entry of a log of certificates: what is read is written again as the same bytes, but for what is below the
/// millisecond.
pub fn certificate_entry(bytes: &[u8]) -> Reading {
    let Some(entry) = CertificateEntry::parse(bytes) else { return Refused };
    if let Some(again) = entry.encode() {
        assert_eq!(again, bytes, "an entry is read from its one layout alone");
    }
    Taken
}

/// What a witness is asked: one spelling, and nothing is taken that the log did not sign and that does not extend what
/// was seen.
pub fn witness_submission(bytes: &[u8]) -> Reading {
    let Ok(text) = std::str::from_utf8(bytes) else { return Refused };
    let Ok(submission) = Submission::parse(text) else { return Refused };
    assert_eq!(submission.encode(), text, "a submission is read from its one spelling alone");
    let log = KnownLog::new(LOG.name(), LOG.clone()).expect("a good origin");
    if let Ok(signed) = submission.signed_by(&log) {
        assert!(CHECKPOINTS.contains(&signed.checkpoint().text().as_str()), "the log signed no {signed:?}");
        for seen in [None, Some(Seen { size: 5, root: Digest::of(b"another root") })] {
            if let Ok(now) = submission.extends(&signed, seen) {
                assert_eq!((now.size, &now.root), (signed.size(), signed.root()));
                assert_eq!(seen, None, "nothing extends another root");
            }
        }
    }
    Taken
}

/// A right edge: one layout, and it grows as long as a log may.
pub fn right_edge(bytes: &[u8]) -> Reading {
    let Ok(mut edge) = RightEdge::decode(bytes) else { return Refused };
    assert_eq!(edge.encode(), bytes, "an edge is read from its one layout alone");
    edge.root();
    if edge.size() < tlog::SIZE_MAX {
        let (before, leaf) = (edge.clone(), Digest::of(b"leaf"));
        edge.append(leaf);
        assert_eq!(edge.size(), before.size() + 1);
        assert_eq!(before.going_on(edge.size(), edge.beyond(&before)).as_ref(), Ok(&edge));
        let path = before.path_of_next();
        verify_inclusion(&leaf, before.size(), edge.size(), &edge.root(), &path)
            .expect("the path is its own");
        assert_eq!(RightEdge::decode(&edge.encode()), Ok(edge));
    }
    Taken
}
