//! When a bundle was signed, by the word of timestamp authorities.

use envelope::bundle::Bundle;

use crate::anchors::Anchors;
use crate::{BelievedTime, Evidence, Part, Present, Proven, Refused, timestamp};

/// A time that somebody vouches for.
#[derive(Debug, Clone)]
pub(super) struct Dated {
    pub(super) time: BelievedTime,
    pub(super) proven: Proven,
}

/// The times of all tokens. One of an authority that is not known here says nothing and is passed over; but where no
/// token says anything, the first refusal stands.
pub(super) fn of_tokens(bundle: &Bundle, anchors: &Anchors, present: Present) -> Result<Vec<Dated>, Refused> {
    let mut times = Vec::new();
    let mut refused = None;
    for (place, token) in bundle.timestamps.iter().enumerate() {
        if bundle.timestamps.iter().take(place).any(|earlier| earlier == token) {
            continue;
        }
        let token = Some(token.as_slice());
        match timestamp::date(token, bundle.signature(), anchors, Evidence::Required, present) {
            Ok(dated) => {
                let proven = dated.proven.expect("a token that is believed proves its time");
                times.push(Dated { time: dated.time, proven });
            }
            // INVARIANT: a token that is bad makes the bundle bad; only what cannot be checked is passed over.
            Err(bad @ Refused::Bad { .. }) => return Err(bad),
            Err(unknown) => {
                refused.get_or_insert(unknown);
            }
        }
    }
    match refused {
        Some(refused) if times.is_empty() && refused.part() == Part::Timestamp => Err(refused),
        _ => Ok(times),
    }
}
