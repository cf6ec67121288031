//! How much one source may bring: a bucket for each address, so that one stranger does not take what is there for all.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use model::Clock;

/// For how many seconds' worth a source may bring at once what it did not bring before.
const BURST_S: u32 = 8;

/// How many sources are remembered. Past that, whoever has been quiet longest is forgotten.
const SOURCES_MAX: usize = 4_096;

/// The sources that brought something lately.
pub(crate) struct Sources {
    clock: Arc<dyn Clock>,
    per_second: NonZeroU32,
    buckets: Mutex<HashMap<IpAddr, Bucket>>,
}

/// What a source may bring now, in thousandths, and since when.
struct Bucket {
    left: u64,
    at: Duration,
}

impl Sources {
    pub(crate) fn new(clock: Arc<dyn Clock>, per_second: NonZeroU32) -> Self {
        Self { clock, per_second, buckets: Mutex::default() }
    }

    /// May this source bring one more? If not, after how long it may.
    pub(crate) fn admit(&self, source: IpAddr) -> Result<(), Duration> {
        let (now, rate) = (self.clock.boot(), u64::from(self.per_second.get()));
        let most = rate * u64::from(BURST_S) * 1_000;
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let source = network(source);
        if buckets.len() >= SOURCES_MAX && !buckets.contains_key(&source) {
            make_room(&mut buckets);
        }
        let bucket = buckets.entry(source).or_insert(Bucket { left: most, at: now });
        let passed = u64::try_from(now.saturating_sub(bucket.at).as_millis()).unwrap_or(u64::MAX);
        bucket.left = bucket.left.saturating_add(passed.saturating_mul(rate)).min(most);
        bucket.at = now;
        match bucket.left.checked_sub(1_000) {
            Some(left) => {
                bucket.left = left;
                Ok(())
            }
            None => Err(Duration::from_millis((1_000 - bucket.left).div_ceil(rate))),
        }
    }
}

fn make_room(buckets: &mut HashMap<IpAddr, Bucket>) {
    let quietest = buckets.iter().min_by_key(|(_, bucket)| bucket.at).map(|(source, _)| *source);
    if let Some(source) = quietest {
        buckets.remove(&source);
    }
}

/// Whoever has one address of IPv6 has all of a /64.
pub(crate) fn network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it stands")]

    use testkit::HandClock;

    use super::*;

    #[test]
    fn a_source_brings_so_many_a_second_and_holds_up_no_other() {
        let clock = Arc::new(HandClock::default());
        let sources = Sources::new(Arc::<HandClock>::clone(&clock), NonZeroU32::new(10).unwrap());
        let (one, other): (IpAddr, IpAddr) = ("2001:db8::1".parse().unwrap(), "192.0.2.7".parse().unwrap());
        let same_network: IpAddr = "2001:db8::ffff:2".parse().unwrap();
        for _ in 0..80 {
            sources.admit(one).unwrap();
        }
        assert_eq!(sources.admit(same_network), Err(Duration::from_millis(100)));
        sources.admit(other).unwrap();
        clock.advance(Duration::from_millis(150));
        sources.admit(one).unwrap();
        assert_eq!(sources.admit(one), Err(Duration::from_millis(50)));
    }

    #[test]
    fn no_number_of_sources_is_remembered_beyond_its_bound() {
        let clock = Arc::new(HandClock::default());
        let sources = Sources::new(Arc::<HandClock>::clone(&clock), NonZeroU32::MIN);
        for source in 0..2 * u32::try_from(SOURCES_MAX).unwrap() {
            clock.advance(Duration::from_millis(1));
            sources.admit(IpAddr::V4(source.into())).unwrap();
        }
        assert_eq!(sources.buckets.lock().unwrap().len(), SOURCES_MAX);
    }
}
