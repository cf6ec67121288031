//! The timestamp authority (RFC 3161).

use std::sync::Arc;

use engine::{Ledger, StampError, Timestamper};
use envelope::timestamp::{
    CertificateWish, FailureInfo, Imprint as RequestImprint, Request, TimestampError, TstInfo, compose,
    rejection, seal,
};
use envelope::{Chosen, ToBeSigned};
use model::journal::Leaf;
use model::{BadSignature, Clock, Digest, Hash, Instant};
use pki::Certificate;
use signer::{Chain, Imprint, Order, Orders, RefusalCode, Signed, Signer, TimestampOrder};

use crate::AuthorityError;
use crate::own::Own;
use crate::sight::Sight;

/// Orders in one frame.
const BATCH_MAX: usize = 256;

/// Answers timestamp requests with tokens that the key process signs. Calls block; any number of them at once.
pub struct TimestampAuthority {
    signer: Arc<dyn Signer>,
    ledger: Arc<dyn Ledger>,
    // INVARIANT: what is seen here decides only which key is ordered; the key process decides whether it signs.
    sight: Sight<Own>,
}

/// Who verifies the signature in a response before anybody believes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verifier {
    /// The authority: for whoever asks from outside.
    Authority,
    /// The engine, which asks for its own signatures: Stamp verifies each token with its path, and does not do it twice.
    Engine,
}

/// The answer to a timestamp request: the DER of a TimeStampResp.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// With a token.
    Granted(Vec<u8>),
    /// With the reason why there is none.
    Rejected(Vec<u8>),
}

impl Answer {
    /// The DER, whatever it says.
    pub fn into_der(self) -> Vec<u8> {
        match self {
            Self::Granted(der) | Self::Rejected(der) => der,
        }
    }
}

impl TimestampAuthority {
    /// An authority over this key process. `ledger` gives the head that goes with every order; `clock` says only which
    /// key is in use.
    pub fn new(signer: Arc<dyn Signer>, ledger: Arc<dyn Ledger>, clock: Arc<dyn Clock>) -> Self {
        let sight = Sight::new(Arc::clone(&signer), clock);
        Self { signer, ledger, sight }
    }

    /// Answers requests from outside, each for itself, in their order. Requests that ask for something which is not
    /// offered are answered with a rejection; an error means that nobody could be asked.
    pub fn answer(&self, requests: &[Request]) -> Vec<Result<Answer, AuthorityError>> {
        let offered: Vec<Result<&Request, Answer>> = requests.iter().map(check_offer).collect();
        let accepted: Vec<Request> =
            offered.iter().filter_map(|offer| offer.as_ref().ok().copied().cloned()).collect();
        let mut made = self.make(&accepted, Verifier::Authority).into_iter();
        let answer_to = |offer: Result<&Request, Answer>| match offer {
            Err(rejected) => Ok(rejected),
            Ok(_) => {
                let made = made.next().expect("one result for each accepted request");
                made.map_or_else(refusal, |der| Ok(Answer::Granted(der)))
            }
        };
        offered.into_iter().map(answer_to).collect()
    }

    /// The authority's certificate and those above it, the root included where the platform has it.
    pub fn chain(&self) -> Result<Vec<Certificate>, AuthorityError> {
        // The one that tokens are made with; strangers ask for it, and must not reach the key process at will.
        let own = self.sight.view()?;
        Ok(own.chain.certificates.iter().chain(&own.chain.root).cloned().collect())
    }

    fn make(&self, requests: &[Request], verifier: Verifier) -> Vec<Result<Vec<u8>, AuthorityError>> {
        let batches = requests.chunks(BATCH_MAX);
        let made = batches.flat_map(|batch| {
            let made = self.make_batch(batch, verifier);
            made.unwrap_or_else(|error| batch.iter().map(|_| Err(error.clone())).collect())
        });
        made.collect()
    }

    fn make_batch(&self, batch: &[Request], verifier: Verifier) -> Result<Made, AuthorityError> {
        let made = self.order(&*self.sight.view()?, batch, verifier)?;
        if made.iter().any(says_another_key) {
            // The key was retired or suspended since it was last looked at, or another authority certified it: once is
            // enough to notice.
            return self.order(&*self.sight.renewed()?, batch, verifier);
        }
        Ok(made)
    }

    fn order(&self, own: &Own, batch: &[Request], verifier: Verifier) -> Result<Made, AuthorityError> {
        let ledger = self.ledger.head().map_err(|source| AuthorityError::Ledger(Arc::new(source)))?;
        let orders = Orders { ledger, orders: batch.iter().map(|request| order(own, request)).collect() };
        let answers =
            self.signer.order(&orders).map_err(|source| AuthorityError::Unreachable(Arc::new(source)))?;
        let pairs = batch.iter().zip(answers.answers);
        Ok(pairs
            .map(|(request, answer)| match answer {
                signer::Answer::Signed(signed) => token(own, request, &signed, verifier),
                signer::Answer::Refused(refusal) => Err(AuthorityError::Refused(refusal)),
            })
            .collect())
    }
}

impl Timestamper for TimestampAuthority {
    fn stamp(&self, imprints: &[Digest]) -> Vec<Result<Vec<u8>, StampError>> {
        let request = |imprint: &Digest| Request {
            imprint: RequestImprint::sha256(imprint),
            policy: None,
            nonce: None,
            certificate: CertificateWish::Embedded,
        };
        let requests: Vec<Request> = imprints.iter().map(request).collect();
        self.make(&requests, Verifier::Engine)
            .into_iter()
            .map(|made| made.map_err(StampError::from))
            .collect()
    }
}

/// The responses of one batch, in its order.
type Made = Vec<Result<Vec<u8>, AuthorityError>>;

/// Refuses what the key process need not be asked about.
fn check_offer(request: &Request) -> Result<&Request, Answer> {
    let refuse = |error: TimestampError| Answer::Rejected(rejection(error.failure(), &error.to_string()));
    imprint(&request.imprint).ok_or_else(|| refuse(TimestampError::UnknownHash))?;
    TstInfo::answer(request, Instant::EPOCH, 1).map_err(refuse)?;
    Ok(request)
}

/// Turns the key process's refusal of a good request into an answer; whoever asks cannot do anything about it.
fn refusal(error: AuthorityError) -> Result<Answer, AuthorityError> {
    match error {
        AuthorityError::Refused(refusal) if refusal.code == RefusalCode::Clock => {
            let text = "the authority has no time that it can vouch for now";
            Ok(Answer::Rejected(rejection(FailureInfo::TimeNotAvailable, text)))
        }
        error => Err(error),
    }
}

fn says_another_key(made: &Result<Vec<u8>, AuthorityError>) -> bool {
    match made {
        Err(AuthorityError::Refused(refusal)) => refusal.code == RefusalCode::Key,
        Err(AuthorityError::Signature(_)) => true,
        _ => false,
    }
}

fn order(own: &Own, request: &Request) -> Order {
    // INVARIANT: what is not offered is refused before it is ordered.
    let imprint = imprint(&request.imprint).expect("the hash of every request that is ordered is offered");
    Order::Timestamp(TimestampOrder { key: own.key, imprint, nonce: request.nonce.clone() })
}

fn imprint(imprint: &RequestImprint) -> Option<Imprint> {
    let digest = imprint.digest();
    match imprint.hash() {
        Hash::Sha256 => digest.try_into().ok().map(Imprint::Sha256),
        Hash::Sha384 => digest.try_into().ok().map(Imprint::Sha384),
        Hash::Sha512 => digest.try_into().ok().map(Imprint::Sha512),
        _ => None,
    }
}

/// Composes what the key process must have signed, and puts the response together.
fn token(
    own: &Own,
    request: &Request,
    signed: &Signed,
    verifier: Verifier,
) -> Result<Vec<u8>, AuthorityError> {
    let unusable = |source| AuthorityError::Token(Arc::new(source));
    let (time, serial) = match Chosen::decode(&signed.chosen) {
        Ok(Chosen::Stamp { time, serial }) => (time, serial),
        Ok(_) => return Err(AuthorityError::NotAStamp(None)),
        Err(source) => return Err(AuthorityError::NotAStamp(Some(source))),
    };
    let tst_info = TstInfo::answer(request, time, serial).and_then(|info| info.encode()).map_err(unusable)?;
    let mut bad = AuthorityError::NoCertificate { key: own.key };
    for Chain { certificates, .. } in &own.chains {
        let Some(certificate) = certificates.first() else { continue };
        let to_be_signed = compose(&tst_info, certificate, time).map_err(unusable)?;
        match verify(&to_be_signed, own, signed, verifier) {
            Ok(()) => {
                let ToBeSigned::Message(attributes) = to_be_signed else {
                    return Err(AuthorityError::NotAStamp(None));
                };
                let sealed =
                    seal(&tst_info, &attributes, &signed.signature, certificates, request.certificate);
                return sealed.map_err(unusable);
            }
            Err(source) => bad = AuthorityError::Signature(source),
        }
    }
    Err(bad)
}

/// INVARIANT: a signature that does not verify never leaves. For the engine, which verifies it itself, it is enough that
/// the journal's intent says that these bytes were signed: so it is known which of several certificates they name.
fn verify(
    to_be_signed: &ToBeSigned,
    own: &Own,
    signed: &Signed,
    verifier: Verifier,
) -> Result<(), BadSignature> {
    match verifier {
        Verifier::Authority => to_be_signed.verify(&own.public_key, &signed.signature),
        Verifier::Engine => match Leaf::decode(&signed.leaf) {
            Ok(Leaf::Intent(intent)) if intent.to_be_signed == to_be_signed.sha256() => Ok(()),
            _ => Err(BadSignature),
        },
    }
}

#[cfg(test)]
mod tests;
