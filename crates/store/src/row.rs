//! Between columns and types.

use engine::{Standing, State};
use model::layout::{LayoutError, Reader, Writer};
use model::{Digest, Instant, KeyId, PersonId, PrincipalId, RequestId, Space, limits};
use rusqlite::Row;

use crate::error::Fault;

/// The most members of a stored list, and the most bytes of one: more than anything that is written has.
const LIST_MAX: usize = limits::ITEMS_MAX;
const MEMBER_BYTES_MAX: usize = 1024 * 1024;

/// SQLite's integers are signed; what we store stays below 2^63.
pub(crate) fn signed(value: u64) -> Result<i64, Fault> {
    i64::try_from(value).map_err(|source| Fault::corrupt("number", source))
}

pub(crate) fn number(value: i64) -> Result<u64, Fault> {
    u64::try_from(value).map_err(|source| Fault::corrupt("number", source))
}

pub(crate) fn instant(value: i64) -> Result<Instant, Fault> {
    number(value).map(Instant::from_nanoseconds)
}

pub(crate) fn nanoseconds(value: Instant) -> Result<i64, Fault> {
    signed(value.nanoseconds())
}

pub(crate) fn bytes<const N: usize>(row: &Row<'_>, column: &str) -> Result<[u8; N], Fault> {
    Ok(row.get::<_, [u8; N]>(column)?)
}

pub(crate) fn digest(row: &Row<'_>, column: &str) -> Result<Digest, Fault> {
    bytes(row, column).map(Digest::from_bytes)
}

pub(crate) fn request_id(row: &Row<'_>, column: &str) -> Result<RequestId, Fault> {
    bytes(row, column).map(RequestId::new)
}

pub(crate) fn request_id_or_none(row: &Row<'_>, column: &str) -> Result<Option<RequestId>, Fault> {
    Ok(row.get::<_, Option<[u8; 16]>>(column)?.map(RequestId::new))
}

pub(crate) fn principal_id(row: &Row<'_>, column: &str) -> Result<PrincipalId, Fault> {
    bytes(row, column).map(PrincipalId::new)
}

pub(crate) fn person_id(row: &Row<'_>, column: &str) -> Result<PersonId, Fault> {
    bytes(row, column).map(PersonId::new)
}

pub(crate) fn key_id(row: &Row<'_>, column: &str) -> Result<KeyId, Fault> {
    digest(row, column).map(KeyId::new)
}

pub(crate) fn space(row: &Row<'_>, column: &str) -> Result<Space, Fault> {
    row.get::<_, String>(column)?.parse().map_err(|source| Fault::corrupt("name", source))
}

pub(crate) fn time(row: &Row<'_>, column: &str) -> Result<Instant, Fault> {
    instant(row.get(column)?)
}

pub(crate) fn time_or_none(row: &Row<'_>, column: &str) -> Result<Option<Instant>, Fault> {
    row.get::<_, Option<i64>>(column)?.map(instant).transpose()
}

/// A list of names in one column.
pub(crate) fn spaces(text: &str) -> Result<Vec<Space>, Fault> {
    let names = text.split(' ').filter(|name| !name.is_empty());
    names.map(|name| name.parse().map_err(|source| Fault::corrupt("name", source))).collect()
}

/// A name has no spaces in it, so that a list of them is words.
pub(crate) fn words(spaces: &[Space]) -> String {
    spaces.iter().map(Space::as_str).collect::<Vec<_>>().join(" ")
}

pub(crate) fn encode_list(list: &[impl AsRef<[u8]>]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.list(list, |writer, one| {
        writer.bytes(one.as_ref());
    });
    writer.finish()
}

pub(crate) fn decode_list(what: &'static str, bytes: &[u8]) -> Result<Vec<Vec<u8>>, Fault> {
    let mut reader = Reader::new(bytes);
    let list = reader
        .list(what, LIST_MAX, |reader| Ok::<_, LayoutError>(reader.bytes(what, MEMBER_BYTES_MAX)?.to_vec()));
    let list = list.and_then(|list| reader.finish().map(|()| list));
    list.map_err(|source| Fault::corrupt(what, source))
}

pub(crate) fn standing(row: &Row<'_>) -> Result<Standing, Fault> {
    let word: String = row.get("state")?;
    let state = State::ALL.into_iter().find(|state| state.word() == word);
    let state = state.ok_or(Fault::Corrupt { what: "state", source: None })?;
    let reasons = decode_list(
        "reasons",
        row.get_ref("reasons")?.as_blob().map_err(|source| Fault::corrupt("reasons", source))?,
    )?;
    let text = |bytes| String::from_utf8(bytes).map_err(|source| Fault::corrupt("reasons", source));
    let reasons = reasons.into_iter().map(text).collect::<Result<_, _>>()?;
    Ok(Standing { state, since: time(row, "since")?, reasons })
}
