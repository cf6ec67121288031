//! The lease: who may write, since which epoch, until when.

use model::Instant;
use rusqlite::{Connection, Transaction, params};

use crate::error::Fault;
use crate::row::{instant, number, signed};

/// For how long a lease is taken. It is extended with whatever is written, so that it costs no sync of its own.
pub(crate) const LEASE_S: u64 = 60;

/// Who may write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The server that holds it.
    pub holder: String,
    /// The fencing epoch: it grows with every server that takes the lease.
    pub epoch: u64,
    /// Until when, unless it is extended.
    pub until: Instant,
}

/// The lease as it is.
pub(crate) fn read(connection: &Connection) -> Result<Lease, Fault> {
    let mut statement = connection.prepare_cached(include_str!("../sql/lease_read.sql"))?;
    let (holder, epoch, until) =
        statement.query_row([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)))?;
    Ok(Lease { holder, epoch: number(epoch)?, until: instant(until)? })
}

/// Takes the lease over, with a new epoch: whoever holds an older one writes no more.
pub(crate) fn take(transaction: &Transaction<'_>, holder: &str, until: Instant) -> Result<Lease, Fault> {
    let until = signed(until.nanoseconds())?;
    transaction.execute(include_str!("../sql/lease_take.sql"), params![holder, until])?;
    read(transaction)
}

/// INVARIANT: every write carries the epoch. Where another server has a later one, nothing is written.
pub(crate) fn fence(transaction: &Transaction<'_>, epoch: u64, now: Instant) -> Result<(), Fault> {
    let lease = read(transaction)?;
    if lease.epoch != epoch {
        return Err(Fault::LeaseLost { epoch: lease.epoch });
    }
    let period = std::time::Duration::from_secs(LEASE_S);
    if lease.until < now.after(period / 2) {
        let until = signed(now.after(period).nanoseconds())?;
        transaction.prepare_cached(include_str!("../sql/lease_extend.sql"))?.execute(params![until])?;
    }
    Ok(())
}
