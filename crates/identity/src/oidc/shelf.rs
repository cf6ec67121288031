//! The keys of issuers, kept for a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use model::Clock;
use pki::token::{IdToken, IssuerKey, TokenIssuer, TokenRefused, Trust, Verified};
use tokio::sync::{Mutex as AsyncMutex, Semaphore};

use super::{Fetcher, OidcError};

/// How long keys are taken without asking again.
pub const FRESH: Duration = Duration::from_secs(15 * 60);
/// How long keys are taken from an issuer that answers no more: one that withdrew a key is to be believed by then.
pub const STALE_MAX: Duration = Duration::from_secs(6 * 3_600);
/// How long an issuer is left alone once it was asked, whatever tokens come: nobody makes us call it at their pace.
pub const PAUSE: Duration = Duration::from_secs(20);

/// Issuers whose keys are kept; a pattern stands for many.
const ISSUERS_MAX: usize = 1_024;
/// Issuers that are asked at a time.
const CALLS_MAX: usize = 16;
/// Issuers of which nothing is known yet, and that are asked within one [`PAUSE`]: whoever has a token may name as many
/// as a pattern has names.
const NEWCOMERS_MAX: u32 = 16;

/// The keys of issuers whose tokens are believed by what the issuer publishes, and not by what the registry says.
///
/// A key that is not known yet is looked for at once, because issuers rotate; an issuer that cannot be asked is believed
/// by its last keys for [`STALE_MAX`] and no longer.
pub struct IssuerShelf {
    fetcher: Fetcher,
    clock: Arc<dyn Clock>,
    held: Mutex<HashMap<String, Arc<AsyncMutex<Held>>>>,
    newcomers: Mutex<Newcomers>,
    calls: Semaphore,
}

/// How many issuers were asked for the first time, and since when that is counted.
#[derive(Default)]
struct Newcomers {
    since: Duration,
    count: u32,
}

/// What is held of one issuer.
#[derive(Default)]
struct Held {
    keys: Option<Arc<[IssuerKey]>>,
    /// When they came, by the clock since this machine started.
    came: Duration,
    /// When the issuer was last asked.
    asked: Option<Duration>,
}

impl IssuerShelf {
    /// An empty one.
    pub fn new(fetcher: Fetcher, clock: Arc<dyn Clock>) -> Self {
        Self {
            fetcher,
            clock,
            held: Mutex::default(),
            newcomers: Mutex::default(),
            calls: Semaphore::new(CALLS_MAX),
        }
    }

    /// Verifies a token of the issuer that this record stands for, by the keys in the record or, where there are none, by
    /// those that the issuer publishes. No other issuer is ever called.
    pub async fn verify<'a>(
        &self,
        record: &'a TokenIssuer,
        token: &'a IdToken,
    ) -> Result<Verified<'a>, OidcError> {
        let iss = token.issuer().ok_or(TokenRefused::Missing { claim: "iss" })?;
        if !record.is_named_by(iss) {
            let found = iss.chars().filter(|c| !c.is_control()).take(256).collect();
            return Err(TokenRefused::Issuer { found, expected: record.url.clone() }.into());
        }
        if !record.keys.is_empty() {
            return Ok(record.verify(token, Trust::Keys(&record.keys), self.clock.now())?);
        }
        let keys = self.keys(iss, token.key()).await?;
        Ok(record.verify(token, Trust::Keys(&keys), self.clock.now())?)
    }

    /// The keys of an issuer, this one among them if it has it.
    pub async fn keys(&self, issuer: &str, key: Option<&str>) -> Result<Arc<[IssuerKey]>, OidcError> {
        let held = self.of(issuer);
        // Whoever asks for the same issuer waits here for the one call, and then finds its keys.
        let mut held = held.lock().await;
        let now = self.clock.boot();
        if let Some(keys) = held.at_most(FRESH, now).filter(|keys| knows(keys, key)) {
            return Ok(keys);
        }
        if let Some(rest) = held.rest(now) {
            let resting = || OidcError::Resting { url: issuer.to_owned(), wait_s: rest.as_secs().max(1) };
            return held.at_most(STALE_MAX, now).ok_or_else(resting);
        }
        let _call = self.calls.try_acquire().map_err(|_| OidcError::Busy)?;
        if held.keys.is_none() && !self.newcomers.lock().unwrap_or_else(PoisonError::into_inner).admit(now) {
            return Err(OidcError::Busy);
        }
        held.asked = Some(now);
        match self.fetcher.keys(issuer).await {
            Ok(keys) => {
                let keys: Arc<[IssuerKey]> = keys.into();
                (held.keys, held.came) = (Some(Arc::clone(&keys)), now);
                Ok(keys)
            }
            Err(error) => held.at_most(STALE_MAX, now).ok_or(error),
        }
    }

    /// What is held of an issuer. Whoever has told nothing makes room, and then whoever was asked longest ago.
    fn of(&self, issuer: &str) -> Arc<AsyncMutex<Held>> {
        let mut all = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = all.get(issuer) {
            return Arc::clone(held);
        }
        if all.len() >= ISSUERS_MAX {
            // One that is being asked is locked, and stays.
            let asked = |held: &Arc<AsyncMutex<Held>>| {
                held.try_lock().ok().map(|held| (held.keys.is_some(), held.asked))
            };
            let oldest = all.iter().filter_map(|(url, held)| Some((asked(held)?, url.clone()))).min();
            if let Some((_, url)) = oldest {
                all.remove(&url);
            }
        }
        Arc::clone(all.entry(issuer.to_owned()).or_default())
    }
}

impl Newcomers {
    /// May one more be asked?
    fn admit(&mut self, now: Duration) -> bool {
        if now.saturating_sub(self.since) >= PAUSE {
            *self = Self { since: now, count: 0 };
        }
        self.count = self.count.saturating_add(1);
        self.count <= NEWCOMERS_MAX
    }
}

impl Held {
    /// The keys, if they are no older than this.
    fn at_most(&self, age: Duration, now: Duration) -> Option<Arc<[IssuerKey]>> {
        self.keys.clone().filter(|_| now.saturating_sub(self.came) < age)
    }

    /// How long the issuer is still left alone.
    fn rest(&self, now: Duration) -> Option<Duration> {
        let since = now.saturating_sub(self.asked?);
        PAUSE.checked_sub(since).filter(|rest| !rest.is_zero())
    }
}

/// A token that names no key may be any one's.
fn knows(keys: &[IssuerKey], key: Option<&str>) -> bool {
    key.is_none_or(|named| keys.iter().any(|known| known.key.as_deref() == Some(named)))
}
