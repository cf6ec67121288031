//! The room for connections of one listener: a stranger never keeps a place that somebody else needs.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::{Duration, Instant, timeout_at};

/// A bounded number of places. When all are taken, the oldest guest that proved nothing so far makes room, once it had
/// its place for as long as the grace; when all have proven who they are, the next one waits.
#[derive(Debug)]
pub(crate) struct Room {
    places_max: usize,
    grace: Duration,
    guests: Mutex<Guests>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct Guests {
    next: u64,
    by_age: BTreeMap<u64, (Instant, Arc<Guest>)>,
}

#[derive(Debug, Default)]
struct Guest {
    proven: AtomicBool,
    crowded_out: Notify,
}

/// A place that is taken. Dropping it frees it.
#[derive(Debug)]
pub(crate) struct Place {
    room: Arc<Room>,
    number: u64,
    guest: Arc<Guest>,
}

/// Says of a connection that whoever is at its other end has proven who they are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Proof(Arc<Guest>);

impl Room {
    pub(crate) fn new(places_max: usize, grace: Duration) -> Arc<Self> {
        Arc::new(Self { places_max, grace, guests: Mutex::default(), freed: Notify::new() })
    }

    /// A place for one more connection, which may cost a stranger theirs.
    pub(crate) async fn enter(self: &Arc<Self>) -> Place {
        loop {
            let freed = self.freed.notified();
            match self.try_enter() {
                Ok(place) => return place,
                // Whichever comes first, it is tried again.
                Err(Some(due)) => drop(timeout_at(due, freed).await),
                Err(None) => freed.await,
            }
        }
    }

    /// A place; or when there will be one at the latest, if that is known.
    fn try_enter(self: &Arc<Self>) -> Result<Place, Option<Instant>> {
        let (mut guests, now) = (self.guests(), Instant::now());
        if guests.by_age.len() >= self.places_max {
            let mut strangers =
                guests.by_age.iter().filter(|(_, (_, guest))| !guest.proven.load(Ordering::Relaxed));
            let (&oldest, (since, _)) = strangers.next().ok_or(None)?;
            let due = *since + self.grace;
            if now < due {
                return Err(Some(due));
            }
            if let Some((_, guest)) = guests.by_age.remove(&oldest) {
                guest.crowded_out.notify_one();
            }
        }
        let number = guests.next;
        guests.next += 1;
        let guest = Arc::new(Guest::default());
        guests.by_age.insert(number, (now, Arc::clone(&guest)));
        Ok(Place { room: Arc::clone(self), number, guest })
    }

    fn guests(&self) -> MutexGuard<'_, Guests> {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Resolves when this connection has to make room.
    pub(crate) async fn crowded_out(&self) {
        self.guest.crowded_out.notified().await;
    }

    pub(crate) fn proof(&self) -> Proof {
        Proof(Arc::clone(&self.guest))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.room.guests().by_age.remove(&self.number);
        self.room.freed.notify_one();
    }
}

impl Proof {
    /// They have, and keep their place.
    pub(crate) fn give(&self) {
        self.0.proven.store(true, Ordering::Relaxed);
    }

    /// Was it given?
    pub(crate) fn is_given(&self) -> bool {
        self.0.proven.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    async fn is_out(place: &Place) -> bool {
        timeout(Duration::ZERO, place.crowded_out()).await.is_ok()
    }

    #[tokio::test]
    async fn the_oldest_stranger_makes_room_and_who_has_proven_themselves_stays() {
        let room = Room::new(2, Duration::ZERO);
        let known = room.enter().await;
        known.proof().give();
        let stranger = room.enter().await;
        let newer = room.enter().await;
        assert!(is_out(&stranger).await && !is_out(&known).await && !is_out(&newer).await);
        drop(stranger);
        assert_eq!(room.guests().by_age.len(), 2);
    }

    #[tokio::test]
    async fn nobody_makes_room_before_the_grace_is_over_and_who_comes_waits_for_that() {
        let (room, grace) = (Room::new(1, Duration::from_millis(30)), Duration::from_millis(30));
        let (began, first) = (Instant::now(), room.enter().await);
        let second = room.enter().await;
        assert!(is_out(&first).await && !is_out(&second).await && began.elapsed() >= grace);
    }

    #[tokio::test]
    async fn where_all_have_proven_themselves_the_next_one_waits_until_one_leaves() {
        let room = Room::new(1, Duration::ZERO);
        let known = room.enter().await;
        known.proof().give();
        assert!(timeout(Duration::from_millis(1), room.enter()).await.is_err());
        let waiting = tokio::spawn({
            let room = Arc::clone(&room);
            async move { room.enter().await.number }
        });
        tokio::task::yield_now().await;
        drop(known);
        assert_eq!(waiting.await.ok(), Some(1));
    }
}
