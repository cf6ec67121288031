//! Answers and what the key process tells of itself.

use model::KeyId;
use model::layout::{LayoutError, Reader, Writer};
use model::limits;
use model::receipt::Sighting;

use super::order::{put_head, take_head};
use super::tuf::{put_versions, take_versions};
use super::witnessing::{put_anchor, take_anchor};
use super::{ORDERS_MAX, PROOF_MAX};
use crate::witnessing::{NOTE_BYTES_MAX, NOTES_MAX};
use crate::{Answer, Answers, Certified, JournalProof, Refusal, RefusalCode, Signed, State};

/// What was chosen for a signature.
const CHOSEN_BYTES_MAX: usize = 256;

/// One leaf of the journal that is an intent.
const LEAF_BYTES_MAX: usize = 4 * 1024;

/// The explanation of a refusal; longer ones are cut.
const TEXT_BYTES_MAX: usize = 4 * 1024;

/// Entries of a registry, and keys with certificates.
const ENTRIES_MAX: usize = 1 << 20;

/// One certificate.
const CERTIFICATE_BYTES_MAX: usize = 32 * 1024;

/// A signed checkpoint with its cosignatures.
const CHECKPOINT_BYTES_MAX: usize = 1024 * 1024;

/// The key stores of one key process.
const STORES_MAX: usize = 256;

/// The origins of logs.
const ORIGINS_MAX: usize = 4 * 1024;

pub(crate) fn put_answers(writer: &mut Writer, answers: &Answers) {
    put_head(writer, &answers.journal);
    writer.list(&answers.answers, |writer, answer| match answer {
        Answer::Signed(signed) => put_signed(writer.byte(1), signed),
        Answer::Refused(refusal) => put_refusal(writer.byte(2), refusal),
    });
}

pub(crate) fn take_answers(reader: &mut Reader<'_>) -> Result<Answers, LayoutError> {
    let journal = take_head(reader)?;
    let answers = reader.list("answers", ORDERS_MAX, |reader| match reader.byte("answer.kind")? {
        1 => take_signed(reader).map(Answer::Signed),
        2 => take_refusal(reader).map(Answer::Refused),
        _ => Err(LayoutError::Value { field: "answer.kind" }),
    })?;
    Ok(Answers { journal, answers })
}

fn put_signed(writer: &mut Writer, signed: &Signed) {
    writer.bytes(&signed.signature).bytes(&signed.chosen).long(signed.index).bytes(&signed.leaf);
    writer.option(signed.journal.as_ref(), |writer, proof| {
        writer.list(&proof.path, |writer, hash| {
            writer.digest(hash);
        });
        writer.bytes(proof.checkpoint.as_bytes());
        writer.list(&proof.witnessed, |writer, sighting| {
            writer.bytes(sighting.checkpoint.as_bytes()).list(&sighting.path, |writer, hash| {
                writer.digest(hash);
            });
        });
    });
}

fn take_signed(reader: &mut Reader<'_>) -> Result<Signed, LayoutError> {
    Ok(Signed {
        signature: reader.bytes("signature", limits::SIGNATURE_BYTES_MAX)?.to_vec(),
        chosen: reader.bytes("chosen", CHOSEN_BYTES_MAX)?.to_vec(),
        index: reader.long("index")?,
        leaf: reader.bytes("leaf", LEAF_BYTES_MAX)?.to_vec(),
        journal: reader.option("journal", take_proof)?,
    })
}

fn take_proof(reader: &mut Reader<'_>) -> Result<JournalProof, LayoutError> {
    Ok(JournalProof {
        path: reader.list("path", PROOF_MAX, |reader| reader.digest("path"))?,
        checkpoint: reader.text("checkpoint", CHECKPOINT_BYTES_MAX)?.to_owned(),
        witnessed: reader.list("witnessed", NOTES_MAX, take_sighting)?,
    })
}

fn take_sighting(reader: &mut Reader<'_>) -> Result<Sighting, LayoutError> {
    Ok(Sighting {
        checkpoint: reader.text("checkpoint", NOTE_BYTES_MAX)?.to_owned(),
        path: reader.list("path", PROOF_MAX, |reader| reader.digest("path"))?,
    })
}

pub(crate) fn put_refusal(writer: &mut Writer, refusal: &Refusal) {
    let text = &refusal.text[..refusal.text.floor_char_boundary(TEXT_BYTES_MAX)];
    writer.byte(refusal.code.byte()).bytes(text.as_bytes());
}

pub(crate) fn take_refusal(reader: &mut Reader<'_>) -> Result<Refusal, LayoutError> {
    let byte = reader.byte("refusal.code")?;
    let code = RefusalCode::from_byte(byte).ok_or(LayoutError::Value { field: "refusal.code" })?;
    Ok(Refusal { code, text: reader.text("refusal.text", TEXT_BYTES_MAX)?.to_owned() })
}

pub(crate) fn put_state(writer: &mut Writer, state: &State) {
    writer.list(&state.registry, |writer, entry| {
        writer.bytes(entry);
    });
    writer.list(&state.certificates, |writer, certified| {
        let Certified { key, issuer, certificate } = certified;
        writer.digest(key.digest()).digest(issuer.digest()).bytes(certificate);
    });
    put_head(writer, &state.journal);
    writer.bytes(&state.journal_key).bytes(state.journal_checkpoint.as_bytes());
    put_anchor(writer, &state.anchor);
    put_head(writer, &state.ledger);
    writer.list(&state.checkpoints, |writer, (origin, head)| {
        writer.bytes(origin.as_bytes());
        put_head(writer, head);
    });
    writer.list(&state.stores, |writer, store| {
        writer.bytes(store.as_str().as_bytes());
    });
    put_versions(writer, &state.tuf);
}

pub(crate) fn take_state(reader: &mut Reader<'_>) -> Result<State, LayoutError> {
    Ok(State {
        registry: reader.list("registry", ENTRIES_MAX, |reader| {
            reader.bytes("entry", limits::ENTRY_BYTES_MAX).map(<[u8]>::to_vec)
        })?,
        certificates: reader.list("certificates", ENTRIES_MAX, |reader| {
            let (key, issuer) = (KeyId::new(reader.digest("key")?), KeyId::new(reader.digest("issuer")?));
            let certificate = reader.bytes("certificate", CERTIFICATE_BYTES_MAX)?.to_vec();
            Ok::<_, LayoutError>(Certified { key, issuer, certificate })
        })?,
        journal: take_head(reader)?,
        journal_key: reader.bytes("journal key", limits::SPKI_BYTES_MAX)?.to_vec(),
        journal_checkpoint: reader.text("journal checkpoint", CHECKPOINT_BYTES_MAX)?.to_owned(),
        anchor: take_anchor(reader)?,
        ledger: take_head(reader)?,
        checkpoints: reader.list("checkpoints", ORIGINS_MAX, |reader| {
            let origin = reader.text("origin", limits::NAME_BYTES_MAX)?.to_owned();
            Ok::<_, LayoutError>((origin, take_head(reader)?))
        })?,
        stores: reader.list("stores", STORES_MAX, |reader| {
            let field = "store";
            reader.text(field, limits::NAME_BYTES_MAX)?.parse().map_err(|_| LayoutError::Value { field })
        })?,
        tuf: take_versions(reader)?,
    })
}
