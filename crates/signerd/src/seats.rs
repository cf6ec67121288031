//! The seats at the key stores: so many batches may be at work in one of them, and no more.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::Space;
use signer::{Refusal, RefusalCode};

use crate::standing::refuse;

/// How many batches may be at work in one key store. Whoever gives up waiting for a store that hangs and orders again
/// leaves a thread in it; a quarter of the connections are enough to lose to one store.
pub(crate) const SEATS_MAX: usize = 16;

/// The seats at every store that somebody ever sat at.
#[derive(Default)]
pub(crate) struct Seats(BTreeMap<Space, Arc<()>>);

/// A seat, until it is dropped.
pub(crate) struct Seat {
    _taken: Arc<()>,
}

impl Seats {
    /// A seat at this store, if one is free.
    pub(crate) fn take(&mut self, store: &Space) -> Result<Seat, Refusal> {
        let seats = self.0.entry(store.clone()).or_default();
        // One of those who hold it is the table itself.
        let taken = Arc::strong_count(seats) - 1;
        if taken < SEATS_MAX {
            return Ok(Seat { _taken: Arc::clone(seats) });
        }
        let text =
            format!("{taken} batches are at work in the key store `{store}` already; order again later");
        Err(refuse(RefusalCode::KeyStore, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_with_all_seats_taken_turns_its_own_orders_away_and_no_others() {
        let (mut seats, slow, quick) = (Seats::default(), name("slow"), name("quick"));
        let taken: Vec<Seat> = (0..SEATS_MAX).map(|_| seats.take(&slow).expect("a seat is free")).collect();
        let refusal = seats.take(&slow).err().expect("all seats are taken");
        assert!(refusal.code == RefusalCode::KeyStore && refusal.code.is_transient());
        assert!(seats.take(&quick).is_ok());
        drop(taken);
        assert!(seats.take(&slow).is_ok());
    }

    fn name(text: &str) -> Space {
        text.parse().expect("a word is a name")
    }
}
