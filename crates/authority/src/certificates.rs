//! The certificate authority for holders of ID tokens.
//!
//! A batch takes three steps together, each one frame to the key process: precertificates, timestamps (and the head of the
//! log that they stand in), certificates. Whoever fails at one takes no other; the rest go on.
//!
//! | if we stop | what is true | who finishes |
//! |---|---|---|
//! | after the first step | a precertificate that nobody has, and nobody may use | the same token gets the same |
//! | after the swap | it stands in the log, under a head that is not signed yet | opening the log; the same token finds its leaf |
//! | after the last step | a certificate that nobody has and the ledger does not know | the same token gets the same, and it is recorded |
//! | after the ledger | it is recorded, and nobody was told | the same token gets the same |

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use engine::{Ledger, RequestStore};
use model::{Clock, Digest};
use pki::Certificate;
use pki::token::{IdToken, TokenIssuer};
use signer::Signer;
use tlog::{CheckpointLock, TileStore};

mod book;
mod claim;
mod error;
mod issuance;
mod leaves;
mod records;
mod view;

pub use claim::{Claim, Proof};
pub use error::{Blame, CertificateError};

use book::Book;
use issuance::Issuance;
use records::Records;
use view::View;

use crate::sight::Sight;

/// Claims that are decided together: with the head of the log, one frame to the key process.
const BATCH_MAX: usize = 255;

/// What the authority is put together from.
pub struct CertificateParts {
    /// The key process.
    pub signer: Arc<dyn Signer>,
    /// Its head goes with every order.
    pub ledger: Arc<dyn Ledger>,
    /// Writes the ledger.
    pub requests: Arc<dyn RequestStore>,
    /// The time, of what is recorded and of tokens that are turned away before anybody is asked.
    pub clock: Arc<dyn Clock>,
    /// Fills a buffer with random bytes, for the salts of what is recorded.
    pub random: fn(&mut [u8]),
    /// The tiles of the log of certificates.
    pub tiles: Arc<dyn TileStore>,
    /// The newest checkpoint of that log.
    pub lock: Arc<dyn CheckpointLock>,
}

/// Certifies the holders of ID tokens. Calls block; batches come one after the other, for the log has one writer.
pub struct CertificateAuthority {
    parts: CertificateParts,
    sight: Sight<View>,
    desk: Mutex<Desk>,
    counts: Counts,
}

/// What one batch after the other works with.
#[derive(Default)]
struct Desk {
    /// `None` before the first, and whenever it is not known what is durable.
    book: Option<Book>,
    records: Records,
}

#[derive(Default)]
struct Counts {
    issued: AtomicU64,
    refused: AtomicU64,
    entries: AtomicU64,
}

/// What was counted since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CertificateNumbers {
    /// Certificates that were given out.
    pub issued: u64,
    /// Claims that got none.
    pub refused: u64,
    /// Entries of the log, once it was opened.
    pub entries: u64,
}

/// A certificate for the holder of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// The holder's, those above it, and the root at the end.
    pub chain: Vec<Certificate>,
    /// Where its precertificate stands in the log.
    pub leaf: u64,
}

impl CertificateAuthority {
    /// An authority over these parts. Nothing is asked of any of them yet.
    pub fn new(parts: CertificateParts) -> Self {
        let sight = Sight::new(Arc::clone(&parts.signer), Arc::clone(&parts.clock));
        Self { parts, sight, desk: Mutex::default(), counts: Counts::default() }
    }

    /// Decides claims, each for itself, in their order.
    pub fn issue(&self, claims: &[Claim]) -> Vec<Result<Issued, CertificateError>> {
        let mut decided = Vec::with_capacity(claims.len());
        for batch in claims.chunks(BATCH_MAX) {
            decided.extend(match self.sight.view() {
                Ok(view) => self.issue_batch(&view, batch),
                Err(error) => batch.iter().map(|_| Err(error.clone())).collect(),
            });
        }
        let issued = decided.iter().filter(|one| one.is_ok()).count();
        self.counts.count(issued, decided.len() - issued);
        decided
    }

    fn issue_batch(&self, view: &View, claims: &[Claim]) -> Vec<Result<Issued, CertificateError>> {
        let now = self.parts.clock.now();
        let issuance = Issuance { parts: &self.parts, view };
        // INVARIANT: whoever proves nothing keeps nobody waiting, and waits for nobody.
        let admitted: Vec<_> = claims.iter().map(|claim| claim.admit(view, now)).collect();
        let is_nobodys =
            |one: &Result<_, CertificateError>| one.as_ref().is_err_and(|error| !error.is_of_a_holder());
        if admitted.iter().all(is_nobodys) {
            return step(admitted, |_| Vec::new());
        }
        let mut desk = self.desk.lock().unwrap_or_else(PoisonError::into_inner);
        let Desk { book, records } = &mut *desk;
        let precertified = step(admitted, |members| issuance.precertify(members, book));
        let timestamped = step(precertified, |members| issuance.timestamp(members, book));
        let certified = step(timestamped, |members| issuance.certify(members));
        let decided = records.write(&self.parts, claims, certified, book.as_mut());
        if let Some(book) = book {
            self.counts.entries.store(book.size(), Ordering::Relaxed);
        }
        decided
    }

    /// What was counted since the start.
    pub fn numbers(&self) -> CertificateNumbers {
        self.counts.numbers()
    }

    /// The authority's certificate, and what stands above it where that is no root.
    pub fn chain(&self) -> Result<Vec<Certificate>, CertificateError> {
        Ok(self.sight.view()?.chain.clone())
    }

    /// The certificates of all authorities that are believed: the one in use, those that it succeeded a moment ago, and
    /// those that are to succeed it. Each is a root.
    pub fn believed(&self) -> Result<Vec<Certificate>, CertificateError> {
        Ok(self.sight.view()?.believed.clone())
    }

    /// A certificate of an authority by its fingerprint: what entries of logs name.
    pub fn certificate(&self, fingerprint: &Digest) -> Result<Option<Certificate>, CertificateError> {
        Ok(self.sight.view()?.certificate(fingerprint).cloned())
    }

    /// The issuers whose tokens count.
    pub fn issuers(&self) -> Result<Vec<TokenIssuer>, CertificateError> {
        Ok(self.sight.view()?.issuers())
    }

    /// The issuer that a token names, where its tokens count and the registry has no keys of it: what it publishes has to
    /// come with the claim.
    pub fn asks_for_keys(&self, token: &[u8]) -> Result<Option<(String, Option<String>)>, CertificateError> {
        let Ok(token) = IdToken::parse(token) else { return Ok(None) };
        let Some(iss) = token.issuer() else { return Ok(None) };
        let view = self.sight.view()?;
        let is_asserted = view.registry.issuers().named(iss).is_some_and(|record| record.keys.is_empty());
        Ok(is_asserted.then(|| (iss.to_owned(), token.key().map(str::to_owned))))
    }

    /// The origin of the log of certificates.
    pub fn log_origin(&self) -> Result<String, CertificateError> {
        Ok(self.sight.view()?.log.origin().to_owned())
    }
}

impl Counts {
    fn count(&self, issued: usize, refused: usize) {
        let add = |counter: &AtomicU64, count| {
            counter.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
        };
        add(&self.issued, issued);
        add(&self.refused, refused);
    }

    fn numbers(&self) -> CertificateNumbers {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CertificateNumbers {
            issued: read(&self.issued),
            refused: read(&self.refused),
            entries: read(&self.entries),
        }
    }
}

/// Takes those a step further who came so far; what failed stays what it is, in its place.
fn step<A, B>(
    members: Vec<Result<A, CertificateError>>,
    work: impl FnOnce(Vec<A>) -> Vec<Result<B, CertificateError>>,
) -> Vec<Result<B, CertificateError>> {
    let mut going_on = Vec::with_capacity(members.len());
    let places: Vec<Option<CertificateError>> = members
        .into_iter()
        .map(|member| match member {
            Ok(member) => {
                going_on.push(member);
                None
            }
            Err(error) => Some(error),
        })
        .collect();
    let mut done = if going_on.is_empty() { Vec::new() } else { work(going_on) }.into_iter();
    let next = |failed: Option<CertificateError>| match failed {
        Some(error) => Err(error),
        None => done.next().expect("a step has one result for each member"),
    };
    places.into_iter().map(next).collect()
}

/// The same failure for each of so many.
fn all_fail<B>(count: usize, error: &CertificateError) -> Vec<Result<B, CertificateError>> {
    (0..count).map(|_| Err(error.clone())).collect()
}
