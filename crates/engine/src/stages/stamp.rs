//! Stamp: every signature gets a timestamp token, and no token is believed before it was verified.

use std::sync::{Arc, Mutex, PoisonError};

use envelope::timestamp::{self, Authority, TimestampError, VerifiedTimestamp};
use model::{Digest, Timestamping, told};

use super::sign::Miscounted;
use super::{Fate, Intended, Passed, Signed, Trouble, World};
use crate::StampError;
use crate::platform::Platform;

/// A signed request each of whose signatures has a token that verifies, where its profile asks for one.
#[derive(Debug)]
pub struct Stamped {
    pub(crate) signed: Signed,
    // INVARIANT: one for each signature, in their order; `None` only where the profile asks for no token, or the request
    // is condemned.
    pub(super) tokens: Vec<Option<Vec<u8>>>,
}

impl Stamped {
    pub(crate) fn tokens(&self) -> &[Option<Vec<u8>>] {
        &self.tokens
    }

    pub(crate) const fn intended(&self) -> &Intended {
        &self.signed.intended
    }

    fn without(signed: Signed) -> Self {
        let tokens = vec![None; signed.signatures().len()];
        Self { signed, tokens }
    }
}

/// The third stage.
pub struct Stamp {
    world: Arc<World>,
    /// The last token whose whole path was verified: those after it are mostly by the same authority.
    known: Mutex<Option<VerifiedTimestamp>>,
}

impl Stamp {
    /// The stage over a world.
    pub const fn new(world: Arc<World>) -> Self {
        Self { world, known: Mutex::new(None) }
    }

    /// Stamps every signature of the batch.
    pub fn run(&self, batch: Vec<Signed>) -> Passed<Stamped, Signed> {
        let mut passed = Passed::default();
        let imprints: Vec<Digest> = batch.iter().flat_map(imprints).collect();
        let stamps = if imprints.is_empty() { Vec::new() } else { self.world.timestamper.stamp(&imprints) };
        if stamps.len() != imprints.len() {
            let (found, count) = (stamps.len(), imprints.len());
            passed.trouble = Some(Trouble::new("the timestamp authority", Miscounted { found, count }));
            passed.again = batch;
            return passed;
        }
        let mut stamps = stamps.into_iter();
        for signed in batch {
            let imprints: Vec<Digest> = imprints_of(&signed);
            let mine: Result<Vec<Vec<u8>>, StampError> = stamps.by_ref().take(imprints.len()).collect();
            self.settle(signed, &imprints, mine, &mut passed);
        }
        passed
    }
}

fn imprints(signed: &Signed) -> impl Iterator<Item = Digest> + use<> {
    imprints_of(signed).into_iter()
}

/// What is stamped of a request: its raw signatures, or nothing. A token is for a receipt.
fn imprints_of(signed: &Signed) -> Vec<Digest> {
    match signed.intended.fitting().profile.timestamp {
        Timestamping::Rfc3161 if signed.intended.fate().is_none() => {
            signed.signatures().iter().map(|signature| Digest::of(&signature.signature)).collect()
        }
        Timestamping::Rfc3161 | Timestamping::None => Vec::new(),
    }
}

impl Stamp {
    fn settle(
        &self,
        signed: Signed,
        imprints: &[Digest],
        stamps: Result<Vec<Vec<u8>>, StampError>,
        passed: &mut Passed<Stamped, Signed>,
    ) {
        let stamps = match stamps {
            Ok(stamps) => stamps,
            Err(error) if error.is_transient() => {
                passed.trouble = Some(Trouble::new("the timestamp authority", error));
                passed.again.push(signed);
                return;
            }
            Err(error) => {
                let why = format!("there is no timestamp token: {}", told(&error));
                passed.next.push(Stamped::without(signed.condemned(Fate::failed(why))));
                return;
            }
        };
        let platform = &signed.intended.fitting().platform;
        let verified =
            imprints.iter().zip(&stamps).try_for_each(|(imprint, der)| self.verify(der, imprint, platform));
        passed.next.push(match verified {
            Ok(()) if stamps.is_empty() => Stamped::without(signed),
            Ok(()) => Stamped { signed, tokens: stamps.into_iter().map(Some).collect() },
            Err(error) => {
                let why = format!("the timestamp token was held back: {}", told(&error));
                Stamped::without(signed.condemned(Fate::failed(why)))
            }
        });
    }

    /// Is this a token over this imprint, by a key that the platform's own authority certified for it?
    fn verify(&self, der: &[u8], imprint: &Digest, platform: &Platform) -> Result<(), TimestampError> {
        let (token, stamped) = (timestamp::open(der)?, timestamp::Stamped::Sha256(*imprint));
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // A root that the platform does not have any more vouches for nobody.
        let before = known.as_ref().filter(|known| platform.roots().contains(known.path().root()));
        let alike = before.map(|before| timestamp::verify_alike(&token, stamped, before));
        if !matches!(alike, Some(Ok(Some(_)))) {
            let authority = Authority { certificates: &[], roots: platform.roots() };
            *known = Some(timestamp::verify(&token, stamped, authority)?);
        }
        Ok(())
    }
}
