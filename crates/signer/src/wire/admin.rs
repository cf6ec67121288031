//! Administrative messages and their answers.

use model::layout::{LayoutError, Reader, Writer};
use model::{Algorithm, limits};

use super::answer::{put_refusal, take_refusal};
use crate::{AdminAnswer, AdminMessage};

pub(crate) fn put_message(writer: &mut Writer, message: &AdminMessage) {
    match message {
        AdminMessage::Begin { entry } => writer.byte(1).bytes(entry),
        AdminMessage::Generate { store, algorithm } => {
            writer.byte(2).bytes(store.as_bytes()).bytes(algorithm.word().as_bytes())
        }
        AdminMessage::Append { entry } => writer.byte(3).bytes(entry),
    };
}

pub(crate) fn take_message(reader: &mut Reader<'_>) -> Result<AdminMessage, LayoutError> {
    let entry = |reader: &mut Reader<'_>| reader.bytes("entry", limits::ENTRY_BYTES_MAX).map(<[u8]>::to_vec);
    match reader.byte("message.kind")? {
        1 => Ok(AdminMessage::Begin { entry: entry(reader)? }),
        2 => Ok(AdminMessage::Generate { store: take_store(reader)?, algorithm: take_algorithm(reader)? }),
        3 => Ok(AdminMessage::Append { entry: entry(reader)? }),
        _ => Err(LayoutError::Value { field: "message.kind" }),
    }
}

fn take_store(reader: &mut Reader<'_>) -> Result<String, LayoutError> {
    reader.text("store", limits::NAME_BYTES_MAX).map(str::to_owned)
}

fn take_algorithm(reader: &mut Reader<'_>) -> Result<Algorithm, LayoutError> {
    let field = "algorithm";
    reader.text(field, limits::NAME_BYTES_MAX)?.parse().map_err(|_| LayoutError::Value { field })
}

pub(crate) fn put_answer(writer: &mut Writer, answer: &AdminAnswer) {
    match answer {
        AdminAnswer::Generated { spki } => {
            writer.byte(1).bytes(spki);
        }
        AdminAnswer::Appended { head } => {
            writer.byte(2).digest(head);
        }
        AdminAnswer::Refused(refusal) => put_refusal(writer.byte(3), refusal),
    }
}

pub(crate) fn take_answer(reader: &mut Reader<'_>) -> Result<AdminAnswer, LayoutError> {
    match reader.byte("answer.kind")? {
        1 => Ok(AdminAnswer::Generated { spki: reader.bytes("spki", limits::SPKI_BYTES_MAX)?.to_vec() }),
        2 => Ok(AdminAnswer::Appended { head: reader.digest("head")? }),
        3 => take_refusal(reader).map(AdminAnswer::Refused),
        _ => Err(LayoutError::Value { field: "answer.kind" }),
    }
}
