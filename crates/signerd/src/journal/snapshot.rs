//! Snapshots: all state in one piece, at the beginning of each segment.
//!
//! Signings stand in the order of their intents. A right edge shares most of its hashes with the one before it, so of each
//! only those are written that the one before does not have.

use std::collections::BTreeMap;

use model::journal::{COSIGNED_MAX, Intent, Leaf, LeafError};
use model::layout::{LayoutError, Reader, Writer};
use model::{Digest, Instant, KeyId, PublicKey, limits};
use quorum::Registry;
use signer::Head;
use tlog::RightEdge;

use crate::KeyProcessError;
use crate::anchorage::Anchorage;
use crate::awaited::{Awaited, Seen};
use crate::rate::Window;
use crate::state::{Signing, State, adopted_at};
use crate::tuf::Versions;

/// The version of the layout.
const VERSION: u8 = 1;

/// More of anything than a key process ever holds.
const MANY: usize = 1 << 26;

/// The most hashes in a right edge.
const EDGE_MAX: usize = 64;

impl State {
    /// All of it in one piece.
    pub(super) fn snapshot(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.byte(VERSION).bytes(&self.edge.encode()).bytes(self.journal_key.spki());
        writer.list(&self.entries, |writer, entry| {
            writer.bytes(entry);
        });
        writer.count(self.certificates.len());
        for (key, certificates) in &self.certificates {
            writer.digest(key.digest()).count(certificates.len());
            for (issuer, certificate) in certificates {
                writer.digest(issuer.digest()).bytes(certificate);
            }
        }
        put_signings(&mut writer, &self.signings);
        writer.count(self.issuing.len());
        for ((subject, _), intent) in &self.issuing {
            writer.digest(subject.digest()).bytes(&Leaf::Intent(intent.clone()).encode());
        }
        writer.long(self.mark.nanoseconds()).long(self.serial);
        put_head(&mut writer, &self.ledger);
        writer.count(self.heads.len());
        for (origin, head) in &self.heads {
            put_head(writer.bytes(origin.as_bytes()), head);
        }
        writer.count(self.rates.len());
        for (key, window) in &self.rates {
            window.put(writer.digest(key.digest()));
        }
        self.tuf.put(&mut writer);
        self.anchorage.put(&mut writer);
        self.awaited.put(&mut writer);
        writer.finish()
    }

    /// Reads a snapshot. The registry is replayed from its genesis: every endorsement in it is checked again.
    pub(super) fn from_snapshot(bytes: &[u8]) -> Result<Self, KeyProcessError> {
        let mut reader = Reader::new(bytes);
        let mut state = Self::take(&mut reader)?;
        reader.finish().map_err(LeafError::from)?;
        if !state.entries.is_empty() {
            state.registry = Some(Registry::replay(state.entries.iter().map(Vec::as_slice))?);
            state.adopted = state.entries.iter().rev().find_map(|entry| adopted_at(entry));
        }
        Ok(state)
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, KeyProcessError> {
        let version = reader.byte("version").map_err(LeafError::from)?;
        if version != VERSION {
            return Err(KeyProcessError::Version { name: "journal".to_owned(), version });
        }
        let edge = reader.bytes("right edge", 4 * 1024).map_err(LeafError::from)?;
        let edge = RightEdge::decode(edge)?;
        let spki = reader.bytes("journal key", limits::SPKI_BYTES_MAX).map_err(LeafError::from)?;
        let mut state = Self::new(PublicKey::from_spki(spki)?);
        state.edge = edge;
        state.take_lists(reader)?;
        Ok(state)
    }

    fn take_lists(&mut self, reader: &mut Reader<'_>) -> Result<(), LeafError> {
        self.entries = reader.list("entries", MANY, |reader| {
            reader.bytes("entry", limits::ENTRY_BYTES_MAX).map(<[u8]>::to_vec)
        })?;
        self.certificates = map(reader, "certificates", |reader| {
            let key = KeyId::new(reader.digest("key")?);
            let certificates = map(reader, "certificates", |reader| {
                let issuer = KeyId::new(reader.digest("issuer")?);
                Ok((issuer, reader.bytes("certificate", pki::CERTIFICATE_BYTES_MAX)?.to_vec()))
            })?;
            Ok((key, certificates))
        })?;
        let mut last = RightEdge::new();
        self.signings = map(reader, "signings", |reader| {
            let signing = take_signing(reader, &mut last)?;
            Ok(((signing.intent.request, signing.intent.item), signing))
        })?;
        let open = self.signings.values().filter(|signing| signing.signature.is_none());
        self.unfinished = open
            .map(|signing| (signing.intent.sequence, (signing.intent.request, signing.intent.item)))
            .collect();
        self.issuing = map(reader, "issuing", |reader| {
            let (subject, intent) = (KeyId::new(reader.digest("subject")?), take_intent(reader)?);
            Ok(((subject, intent.key), intent))
        })?;
        self.mark = Instant::from_nanoseconds(reader.long("mark")?);
        self.serial = reader.long("serial")?;
        self.ledger = take_head(reader)?;
        self.heads = map(reader, "heads", |reader| {
            Ok((reader.text("origin", limits::NAME_BYTES_MAX)?.to_owned(), take_head(reader)?))
        })?;
        self.rates =
            map(reader, "rates", |reader| Ok((KeyId::new(reader.digest("key")?), Window::take(reader)?)))?;
        self.tuf = Versions::take(reader)?;
        self.anchorage = Anchorage::take(reader, self.edge.size())?;
        self.awaited = Awaited::take(reader, self.edge.size(), |index| self.signing_at(index))?;
        Ok(())
    }
}

fn map<K: Ord, V>(
    reader: &mut Reader<'_>,
    field: &'static str,
    take: impl FnMut(&mut Reader<'_>) -> Result<(K, V), LeafError>,
) -> Result<BTreeMap<K, V>, LeafError> {
    Ok(reader.list(field, MANY, take)?.into_iter().collect())
}

fn put_head(writer: &mut Writer, head: &Head) {
    writer.long(head.size).digest(&head.root);
}

fn take_head(reader: &mut Reader<'_>) -> Result<Head, LayoutError> {
    Ok(Head { size: reader.long("size")?, root: reader.digest("root")? })
}

fn put_signings(writer: &mut Writer, signings: &BTreeMap<(Digest, u32), Signing>) {
    let mut signings: Vec<&Signing> = signings.values().collect();
    signings.sort_unstable_by_key(|signing| signing.intent.sequence);
    let mut last = &RightEdge::new();
    writer.list(&signings, |writer, signing| {
        writer.bytes(&Leaf::Intent(signing.intent.clone()).encode()).long(signing.deadline.nanoseconds());
        writer.option(signing.edge.as_ref(), |writer, edge| {
            writer.list(edge.beyond(last), |writer, node| {
                writer.digest(node);
            });
            last = edge;
        });
        writer.option(signing.signature.as_ref(), |writer, signature| {
            writer.bytes(signature);
        });
        writer.list(&signing.seen, |writer, seen| seen.put(writer));
    });
}

/// Reads a signing; `last` is the right edge before the last one of a governed key.
fn take_signing(reader: &mut Reader<'_>, last: &mut RightEdge) -> Result<Signing, LeafError> {
    let intent = take_intent(reader)?;
    let deadline = Instant::from_nanoseconds(reader.long("deadline")?);
    let edge = reader.option("right edge", |reader| {
        let beyond = reader.list("right edge", EDGE_MAX, |reader| reader.digest("right edge"))?;
        let edge = last.going_on(intent.sequence, &beyond);
        *last = edge.map_err(|_| LayoutError::Value { field: "right edge" })?;
        Ok::<_, LayoutError>(last.clone())
    })?;
    let signature = reader.option("signature", |reader| {
        reader.bytes("signature", limits::SIGNATURE_BYTES_MAX).map(<[u8]>::to_vec)
    })?;
    let seen = reader.list("seen", COSIGNED_MAX, Seen::take)?;
    Ok(Signing { intent, deadline, edge, signature, seen })
}

fn take_intent(reader: &mut Reader<'_>) -> Result<Intent, LeafError> {
    match Leaf::decode(reader.bytes("intent", 4 * 1024)?)? {
        Leaf::Intent(intent) => Ok(intent),
        _ => Err(LayoutError::Value { field: "intent" }.into()),
    }
}
