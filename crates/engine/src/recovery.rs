//! Recovery: what was in flight when a server stopped goes through the ordinary stages once more.

use model::{Instant, Request};

use crate::stages::{Arrival, World, records};
use crate::{Row, Standing, State, StoreError, Write};

/// A request that was in flight at so many crashes is signed no more: it may be what crashes the server. What was signed
/// of it is recalled, and if that crashes the server as well, it is set aside as it is.
pub(crate) const CRASHES_MAX: u32 = 3;

/// How many rows are in memory at once.
const ROWS_MAX: usize = 256;

/// Counts the crash for every row in flight, sets aside what was in flight too often, and gives back the rest.
pub fn take_up(world: &World) -> Result<Vec<Arrival>, StoreError> {
    let ids = world.requests.unfinished(world.clock.now())?;
    let mut arrivals = Vec::new();
    for ids in ids.chunks(ROWS_MAX) {
        let rows: Vec<Row> = world.requests.load(ids)?.into_iter().flatten().collect();
        let in_flight = rows.iter().filter(|row| row.standing.state == State::Intended);
        let writes: Vec<Write> = in_flight.map(|row| crashed(world, row)).collect();
        if !writes.is_empty() {
            // A row that does not stand there any more needs nothing: it is not in flight.
            let _ = world.requests.write(&writes)?;
        }
        let goes_on = |row: &&Row| row.standing.state != State::Intended || row.crashes < CRASHES_MAX;
        arrivals.extend(rows.iter().filter(goes_on).map(|row| Arrival::Unfinished { id: row.id }));
    }
    Ok(arrivals)
}

/// What waits past its deadline.
pub(crate) fn overdue(world: &World, now: Instant) -> Result<Vec<Arrival>, StoreError> {
    let mut arrivals = Vec::new();
    for ids in world.requests.unfinished(now)?.chunks(ROWS_MAX) {
        let rows = world.requests.load(ids)?.into_iter().flatten();
        let waiting = rows.filter(|row| row.standing.state == State::Waiting);
        arrivals.extend(waiting.map(|row| Arrival::Unfinished { id: row.id }));
    }
    Ok(arrivals)
}

fn crashed(world: &World, row: &Row) -> Write {
    if row.crashes < CRASHES_MAX {
        return Write::Crashed { id: row.id };
    }
    let reasons = vec![format!(
        "it was in flight when the server stopped, {} times, and is set aside: look at the server's log, then at what `avouch fsck` says of it",
        row.crashes + 1
    )];
    let to = Standing { state: State::Failed, since: world.clock.now(), reasons };
    let digest = Request::digest(&row.request);
    let leaf = records::outcome(world.place(row.id, &row.space), digest, &to, &[], &[]);
    Write::Move {
        id: row.id,
        from: State::Intended,
        to,
        endorsements: row.endorsements.clone(),
        log_size: row.log_size,
        receipts: Vec::new(),
        leaves: vec![leaf],
    }
}
