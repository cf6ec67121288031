//! Request rows and receipts.

use engine::{Conflict, Known, Leaf, Lookup, RequestStore, Row, StoreError, Write};
use model::receipt::Receipt;
use model::{Instant, RequestId, from_canonical, to_canonical};
use rusqlite::{Connection, OptionalExtension, Params, Transaction, params};

use crate::Store;
use crate::error::Fault;
use crate::ledger;
use crate::row::{
    decode_list, digest, encode_list, nanoseconds, number, request_id, signed, space, standing, time,
};

/// A caller: a few names.
const CALLER_BYTES_MAX: usize = 1024 * 1024;

impl RequestStore for Store {
    fn write(&self, batch: &[Write]) -> Result<Vec<Result<(), Conflict>>, StoreError> {
        let written = self.transact(|transaction| {
            let mut leaves: Vec<&Leaf> = Vec::new();
            let mut results = Vec::with_capacity(batch.len());
            for write in batch {
                let result = write_one(transaction, write)?;
                if result.is_ok() {
                    leaves.extend(leaves_of(write));
                }
                results.push(result);
            }
            ledger::append(transaction, &leaves)?;
            Ok(results)
        });
        written.map_err(|failed| failed.into_store("write requests"))
    }

    fn load(&self, ids: &[RequestId]) -> Result<Vec<Option<Row>>, StoreError> {
        self.query("read requests", |connection| {
            let mut statement = connection.prepare_cached(include_str!("../sql/request_load.sql"))?;
            let mut rows = Vec::with_capacity(ids.len());
            for id in ids {
                let mut found = statement.query(params![id.as_bytes()])?;
                rows.push(found.next()?.map(load).transpose()?);
            }
            Ok(rows)
        })
    }

    fn find(&self, lookups: &[Lookup]) -> Result<Vec<Known>, StoreError> {
        self.query("look requests up", |connection| {
            lookups.iter().map(|lookup| find(connection, lookup)).collect()
        })
    }

    fn receipts(&self, id: &RequestId) -> Result<Vec<(String, Receipt)>, StoreError> {
        self.query("read receipts", |connection| {
            let mut statement = connection.prepare_cached(include_str!("../sql/receipt_list.sql"))?;
            let mut found = statement.query(params![id.as_bytes()])?;
            let mut receipts = Vec::new();
            while let Some(row) = found.next()? {
                let body: Vec<u8> = row.get("body")?;
                let receipt = Receipt::parse(&body).map_err(|source| Fault::corrupt("receipt", source))?;
                receipts.push((row.get("name")?, receipt));
            }
            Ok(receipts)
        })
    }

    fn unfinished(&self, now: Instant) -> Result<Vec<RequestId>, StoreError> {
        self.query("read requests", |connection| {
            let mut statement = connection.prepare_cached(include_str!("../sql/request_unfinished.sql"))?;
            let mut found = statement.query(params![nanoseconds(now)?])?;
            let mut ids = Vec::new();
            while let Some(row) = found.next()? {
                ids.push(request_id(row, "id")?);
            }
            Ok(ids)
        })
    }
}

fn leaves_of(write: &Write) -> &[Leaf] {
    match write {
        Write::Insert { leaves, .. } | Write::Move { leaves, .. } => leaves,
        Write::Note { leaf } => std::slice::from_ref(leaf),
        Write::Crashed { .. } => &[],
    }
}

fn write_one(transaction: &Transaction<'_>, write: &Write) -> Result<Result<(), Conflict>, Fault> {
    match write {
        Write::Insert { row, .. } => {
            let fits = insert(transaction, row)? == 1;
            Ok(if fits { Ok(()) } else { Err(Conflict::Taken { id: row.id }) })
        }
        Write::Move { id, from, to, endorsements, log_size, receipts, .. } => {
            let mut statement = transaction.prepare_cached(include_str!("../sql/request_move.sql"))?;
            let moved = statement.execute(params![
                id.as_bytes(),
                from.word(),
                to.state.word(),
                nanoseconds(to.since)?,
                encode_list(&to.reasons),
                encode_list(endorsements),
                signed(*log_size)?,
            ])?;
            if moved != 1 {
                return Ok(Err(Conflict::Moved { id: *id }));
            }
            insert_receipts(transaction, id, receipts)?;
            Ok(Ok(()))
        }
        Write::Crashed { id } => {
            let mut statement = transaction.prepare_cached(include_str!("../sql/request_crashed.sql"))?;
            let counted = statement.execute(params![id.as_bytes()])?;
            Ok(if counted == 1 { Ok(()) } else { Err(Conflict::Moved { id: *id }) })
        }
        // Its leaf is all there is to it.
        Write::Note { .. } => Ok(Ok(())),
    }
}

fn insert(transaction: &Transaction<'_>, row: &Row) -> Result<usize, Fault> {
    let mut statement = transaction.prepare_cached(include_str!("../sql/request_insert.sql"))?;
    let inserted = statement.execute(params![
        row.id.as_bytes(),
        row.space.as_str(),
        row.profile.as_str(),
        row.caller.principal.as_bytes(),
        to_canonical(&row.caller),
        row.request,
        encode_list(&row.items),
        encode_list(&row.endorsements),
        row.idempotency_key,
        row.repeat.as_bytes(),
        nanoseconds(row.submitted)?,
        nanoseconds(row.deadline)?,
        row.standing.state.word(),
        nanoseconds(row.standing.since)?,
        encode_list(&row.standing.reasons),
        signed(row.log_size)?,
        row.crashes,
    ])?;
    Ok(inserted)
}

fn insert_receipts(
    transaction: &Transaction<'_>,
    id: &RequestId,
    receipts: &[(String, Vec<u8>)],
) -> Result<(), Fault> {
    let mut statement = transaction.prepare_cached(include_str!("../sql/receipt_insert.sql"))?;
    for (place, (name, body)) in receipts.iter().enumerate() {
        let place = i64::try_from(place).map_err(|source| Fault::corrupt("number", source))?;
        statement.execute(params![id.as_bytes(), place, name, body])?;
    }
    Ok(())
}

pub(crate) fn load(row: &rusqlite::Row<'_>) -> Result<Row, Fault> {
    let list = |column: &'static str| {
        let bytes = row.get_ref(column)?.as_blob().map_err(|source| Fault::corrupt(column, source))?;
        decode_list(column, bytes)
    };
    let caller: Vec<u8> = row.get("caller")?;
    Ok(Row {
        id: request_id(row, "id")?,
        space: space(row, "space")?,
        profile: space(row, "profile")?,
        caller: from_canonical(&caller, CALLER_BYTES_MAX)
            .map_err(|source| Fault::corrupt("caller", source))?,
        request: row.get("request")?,
        items: list("items")?,
        endorsements: list("endorsements")?,
        idempotency_key: row.get("idempotency_key")?,
        repeat: digest(row, "repeat")?,
        submitted: time(row, "submitted")?,
        deadline: time(row, "deadline")?,
        standing: standing(row)?,
        log_size: number(row.get("log_size")?)?,
        crashes: row.get("crashes")?,
    })
}

fn find(connection: &Connection, lookup: &Lookup) -> Result<Known, Fault> {
    let Lookup { principal, id, idempotency_key, repeat, repeat_since } = lookup;
    let principal = principal.as_bytes();
    let by_id = first(connection, include_str!("../sql/request_exists.sql"), params![id.as_bytes()])?;
    let by_key = match idempotency_key {
        Some(key) => first(connection, include_str!("../sql/request_by_key.sql"), params![principal, key])?,
        None => None,
    };
    let repeat = params![principal, repeat.as_bytes(), nanoseconds(*repeat_since)?];
    let by_repeat = first(connection, include_str!("../sql/request_by_repeat.sql"), repeat)?;
    Ok(Known { by_id, by_key, by_repeat })
}

fn first(connection: &Connection, sql: &str, params: impl Params) -> Result<Option<RequestId>, Fault> {
    let mut statement = connection.prepare_cached(sql)?;
    let id: Option<[u8; 16]> = statement.query_row(params, |row| row.get(0)).optional()?;
    Ok(id.map(RequestId::new))
}
