//! The audit ledger: leaves, and the right edge of the tree over them, in the transaction of the change.

use engine::{Leaf, LeafKind, Ledger, StoreError};
use model::{Digest, RequestId};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use signer::Head;
use tlog::RightEdge;

use crate::Store;
use crate::error::Fault;
use crate::row::{bytes, nanoseconds, request_id_or_none, signed, space, time};

/// After so many leaves, the edge is kept for good: so many are read at most for the root at any size.
const MILESTONE: u64 = 1 << 14;

impl Ledger for Store {
    fn head(&self) -> Result<Head, StoreError> {
        self.query("read the ledger", |connection| {
            let edge = edge(connection)?;
            Ok(Head { size: edge.size(), root: edge.root() })
        })
    }

    fn root_at(&self, size: u64) -> Result<Option<Digest>, StoreError> {
        self.query("read the ledger", |connection| {
            let newest = edge(connection)?;
            if newest.size() <= size {
                return Ok((newest.size() == size).then(|| newest.root()));
            }
            let mut edge = milestone(connection, size)?;
            let mut statement = connection.prepare_cached(include_str!("../sql/ledger_between.sql"))?;
            let mut found = statement.query(params![signed(edge.size())?, signed(size)?])?;
            while let Some(row) = found.next()? {
                edge.append(leaf(row)?.hash());
            }
            Ok((edge.size() == size).then(|| edge.root()))
        })
    }

    fn leaves(&self, from: u64, count: u32) -> Result<Vec<Leaf>, StoreError> {
        self.query("read the ledger", |connection| {
            let mut statement = connection.prepare_cached(include_str!("../sql/ledger_list.sql"))?;
            let mut found = statement.query(params![signed(from)?, count])?;
            let mut leaves = Vec::new();
            while let Some(row) = found.next()? {
                leaves.push(leaf(row)?);
            }
            Ok(leaves)
        })
    }
}

/// Appends leaves behind the last one, and moves the edge with them.
pub(crate) fn append(transaction: &Transaction<'_>, leaves: &[&Leaf]) -> Result<(), Fault> {
    if leaves.is_empty() {
        return Ok(());
    }
    let mut edge = edge(transaction)?;
    let mut statement = transaction.prepare_cached(include_str!("../sql/ledger_insert.sql"))?;
    for leaf in leaves {
        statement.execute(params![
            signed(edge.size())?,
            leaf.kind.word(),
            leaf.request.as_ref().map(RequestId::as_bytes),
            leaf.space.as_str(),
            nanoseconds(leaf.time)?,
            leaf.salt,
            leaf.record,
        ])?;
        edge.append(leaf.hash());
        if edge.size().is_multiple_of(MILESTONE) {
            let mut statement =
                transaction.prepare_cached(include_str!("../sql/ledger_milestone_insert.sql"))?;
            statement.execute(params![signed(edge.size())?, edge.encode()])?;
        }
    }
    let mut statement = transaction.prepare_cached(include_str!("../sql/ledger_edge_set.sql"))?;
    statement.execute(params![edge.encode()])?;
    Ok(())
}

pub(crate) fn edge(connection: &Connection) -> Result<RightEdge, Fault> {
    let mut statement = connection.prepare_cached(include_str!("../sql/ledger_edge.sql"))?;
    decode(statement.query_row([], |row| row.get(0)).optional()?)
}

/// The last edge that was kept when the ledger had no more than so many leaves.
fn milestone(connection: &Connection, size: u64) -> Result<RightEdge, Fault> {
    let mut statement = connection.prepare_cached(include_str!("../sql/ledger_milestone.sql"))?;
    decode(statement.query_row([signed(size)?], |row| row.get(0)).optional()?)
}

pub(crate) fn decode(edge: Option<Vec<u8>>) -> Result<RightEdge, Fault> {
    match edge {
        Some(bytes) => RightEdge::decode(&bytes).map_err(|source| Fault::corrupt("ledger's edge", source)),
        None => Ok(RightEdge::new()),
    }
}

pub(crate) fn leaf(row: &rusqlite::Row<'_>) -> Result<Leaf, Fault> {
    let word: String = row.get("kind")?;
    let kind = LeafKind::ALL.into_iter().find(|kind| kind.word() == word);
    Ok(Leaf {
        kind: kind.ok_or(Fault::Corrupt { what: "kind of a ledger leaf", source: None })?,
        request: request_id_or_none(row, "request")?,
        space: space(row, "space")?,
        time: time(row, "time")?,
        salt: bytes(row, "salt")?,
        record: row.get("record")?,
    })
}
