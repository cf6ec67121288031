//! What is said for witnessing.

use model::layout::{LayoutError, Reader, Writer};
use model::limits;

use super::PROOF_MAX;
use super::answer::{put_refusal, take_refusal};
use crate::witnessing::{Anchor, NOTE_BYTES_MAX, NOTES_MAX, Occasion, Offer, WitnessAnswer, WitnessMessage};

/// A verifier key of a witness: a name of 255 bytes, and more.
const KEY_BYTES_MAX: usize = 512;

/// Why a state is not anchored; longer texts are cut.
const WHY_BYTES_MAX: usize = 4 * 1024;

pub(crate) fn put_message(writer: &mut Writer, message: &WitnessMessage) {
    match message {
        WitnessMessage::Offer(Occasion::Turn) => writer.byte(1),
        WitnessMessage::Offer(Occasion::Intent) => writer.byte(3),
        WitnessMessage::Tell { notes } => writer.byte(2).list(notes, |writer, note| {
            writer.bytes(note.as_bytes());
        }),
    };
}

pub(crate) fn take_message(reader: &mut Reader<'_>) -> Result<WitnessMessage, LayoutError> {
    match reader.byte("message.kind")? {
        1 => Ok(WitnessMessage::Offer(Occasion::Turn)),
        3 => Ok(WitnessMessage::Offer(Occasion::Intent)),
        2 => Ok(WitnessMessage::Tell {
            notes: reader
                .list("notes", NOTES_MAX, |reader| reader.text("note", NOTE_BYTES_MAX).map(str::to_owned))?,
        }),
        _ => Err(LayoutError::Value { field: "message.kind" }),
    }
}

pub(crate) fn put_answer(writer: &mut Writer, answer: &WitnessAnswer) {
    match answer {
        WitnessAnswer::Offers(offers) => {
            writer.byte(1).list(offers, |writer, offer| {
                writer
                    .bytes(offer.witness.as_bytes())
                    .bytes(offer.checkpoint.as_bytes())
                    .long(offer.old_size);
                writer.list(&offer.proof, |writer, hash| {
                    writer.digest(hash);
                });
            });
        }
        WitnessAnswer::Anchored(anchor) => put_anchor(writer.byte(2), anchor),
        WitnessAnswer::Refused(refusal) => put_refusal(writer.byte(3), refusal),
    }
}

pub(crate) fn take_answer(reader: &mut Reader<'_>) -> Result<WitnessAnswer, LayoutError> {
    match reader.byte("answer.kind")? {
        1 => Ok(WitnessAnswer::Offers(reader.list("offers", NOTES_MAX, |reader| {
            Ok::<_, LayoutError>(Offer {
                witness: reader.text("witness", KEY_BYTES_MAX)?.to_owned(),
                checkpoint: reader.text("checkpoint", NOTE_BYTES_MAX)?.to_owned(),
                old_size: reader.long("old size")?,
                proof: reader.list("proof", PROOF_MAX, |reader| reader.digest("proof"))?,
            })
        })?)),
        2 => take_anchor(reader).map(WitnessAnswer::Anchored),
        3 => take_refusal(reader).map(WitnessAnswer::Refused),
        _ => Err(LayoutError::Value { field: "answer.kind" }),
    }
}

pub(crate) fn put_anchor(writer: &mut Writer, anchor: &Anchor) {
    match anchor {
        Anchor::Unanchored => writer.byte(0),
        Anchor::Held { by } => writer.byte(1).list(by, |writer, name| {
            writer.bytes(name.as_bytes());
        }),
        Anchor::Loose { why } => {
            writer.byte(2).bytes(&why.as_bytes()[..why.floor_char_boundary(WHY_BYTES_MAX)])
        }
    };
}

pub(crate) fn take_anchor(reader: &mut Reader<'_>) -> Result<Anchor, LayoutError> {
    match reader.byte("anchor")? {
        0 => Ok(Anchor::Unanchored),
        1 => Ok(Anchor::Held {
            by: reader.list("witnesses", NOTES_MAX, |reader| {
                reader.text("name", limits::NAME_BYTES_MAX).map(str::to_owned)
            })?,
        }),
        2 => Ok(Anchor::Loose { why: reader.text("why", WHY_BYTES_MAX)?.to_owned() }),
        _ => Err(LayoutError::Value { field: "anchor" }),
    }
}
