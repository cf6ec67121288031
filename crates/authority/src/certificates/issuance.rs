//! The three steps to certificates, each one frame to the key process. What it signed is composed here too, and compared
//! by its signature.

use envelope::Chosen;
use model::{Instant, PublicKey};
use pki::sct::{self, SignedTimestamp};
use pki::token::CertificateNames;
use pki::{Certificate, HolderCertificate, Linted};
use signer::{Answer, HolderOrder, HolderStep, Order, Orders, Signed};

use super::book::Book;
use super::claim::Admitted;
use super::view::View;
use super::{CertificateError, CertificateParts, Issued, all_fail};

/// What the steps are taken with.
pub(super) struct Issuance<'a> {
    pub(super) parts: &'a CertificateParts,
    pub(super) view: &'a View,
}

/// A claim with its precertificate.
#[derive(Debug)]
pub(super) struct Precertified {
    admitted: Admitted,
    serial: [u8; 16],
    pub(super) time: Instant,
    pub(super) precertificate: Certificate,
    /// What the log's timestamp is over.
    pub(super) logged: Vec<u8>,
    /// The index of its intent in the journal.
    pub(super) intent: u64,
}

/// A precertificate that stands in the log, with the log's timestamp.
#[derive(Debug)]
pub(super) struct Timestamped {
    precertified: Precertified,
    leaf: u64,
    timestamp: SignedTimestamp,
}

/// A certificate that may leave once it is recorded.
#[derive(Debug)]
pub(super) struct Certified {
    pub(super) certificate: Linted,
    pub(super) names: CertificateNames,
    pub(super) key: PublicKey,
    pub(super) leaf: u64,
    pub(super) intent: u64,
    pub(super) chain: Vec<Certificate>,
}

impl Certified {
    pub(super) fn into_issued(self) -> Issued {
        let own = std::iter::once(self.certificate.into_certificate());
        Issued { chain: own.chain(self.chain).collect(), leaf: self.leaf }
    }
}

impl Issuance<'_> {
    /// The first step.
    pub(super) fn precertify(
        &self,
        members: Vec<Admitted>,
        book: &mut Option<Book>,
    ) -> Vec<Result<Precertified, CertificateError>> {
        let orders = members.iter().map(|one| self.holder_order(one, HolderStep::Precertificate)).collect();
        let ready = Book::ready(book, self.parts, self.view);
        let answers = match ready.and_then(|()| order(self.parts, orders)) {
            Ok(answers) => answers,
            Err(error) => return all_fail(members.len(), &error),
        };
        let pairs = members.into_iter().zip(answers);
        pairs.map(|(admitted, answer)| self.precertified(admitted, &signed(answer)?)).collect()
    }

    fn precertified(&self, admitted: Admitted, signed: &Signed) -> Result<Precertified, CertificateError> {
        let chosen = Chosen::decode(&signed.chosen);
        let Chosen::Holder { time, serial } =
            chosen.map_err(|source| CertificateError::Chosen(Some(source)))?
        else {
            return Err(CertificateError::Chosen(None));
        };
        let new = self.compose(&admitted, time, serial)?;
        let precertificate = new.precertificate()?.seal(&signed.signature);
        let precertificate = precertificate.map_err(|_| CertificateError::Signature)?;
        // INVARIANT: nothing that the key process did not sign in these very words gets into the log.
        precertificate.verify_signature_by(self.view.issuer()).map_err(|_| CertificateError::Signature)?;
        let logged = new.logged()?.der().to_vec();
        Ok(Precertified { admitted, serial, time, precertificate, logged, intent: signed.index })
    }

    /// The second step: into the log, and then the timestamps together with the log's new head.
    pub(super) fn timestamp(
        &self,
        members: Vec<Precertified>,
        book: &mut Option<Book>,
    ) -> Vec<Result<Timestamped, CertificateError>> {
        match self.try_timestamp(&members, book) {
            Ok((leaves, answers)) => {
                let pairs = members.into_iter().zip(leaves).zip(answers);
                pairs.map(|((member, leaf), answer)| self.timestamped(member, leaf, answer)).collect()
            }
            Err(error) => {
                // What memory holds may not be what is durable: the next batch opens the log again.
                *book = None;
                all_fail(members.len(), &error)
            }
        }
    }

    fn try_timestamp(
        &self,
        members: &[Precertified],
        book: &mut Option<Book>,
    ) -> Result<(Vec<u64>, Vec<Answer>), CertificateError> {
        let book = book.as_mut().expect("the log was opened before the first step");
        let leaves = book.append(self.view, members)?;
        let log = self.view.log.id;
        let orders = members.iter().zip(&leaves).map(|(member, leaf)| {
            self.holder_order(&member.admitted, HolderStep::Timestamp { log, leaf: *leaf })
        });
        let answers = book.order(self.parts, &self.view.log, orders.collect())?;
        Ok((leaves, answers))
    }

    fn timestamped(
        &self,
        precertified: Precertified,
        leaf: u64,
        answer: Answer,
    ) -> Result<Timestamped, CertificateError> {
        let signed = signed(answer)?;
        let extension = sct::leaf_index(leaf).ok_or(CertificateError::Entry)?;
        let log = &self.view.log.public_key;
        let timestamp = SignedTimestamp::new(log, precertified.time, extension, signed.signature);
        let verified = timestamp.verify(log, &self.view.public_key, &precertified.logged);
        verified.map_err(|_| CertificateError::Signature)?;
        Ok(Timestamped { precertified, leaf, timestamp })
    }

    /// The third step.
    pub(super) fn certify(&self, members: Vec<Timestamped>) -> Vec<Result<Certified, CertificateError>> {
        let log = self.view.log.id;
        let orders = members.iter().map(|member| {
            let step = HolderStep::Certificate { log, leaf: member.leaf };
            self.holder_order(&member.precertified.admitted, step)
        });
        let answers = match order(self.parts, orders.collect()) {
            Ok(answers) => answers,
            Err(error) => return all_fail(members.len(), &error),
        };
        members.into_iter().zip(answers).map(|(member, answer)| self.certified(member, answer)).collect()
    }

    fn certified(&self, member: Timestamped, answer: Answer) -> Result<Certified, CertificateError> {
        let Timestamped { precertified, leaf, timestamp } = member;
        let Precertified { admitted, serial, time, intent, .. } = precertified;
        let signature = signed(answer)?.signature;
        let sealed = self.compose(&admitted, time, serial)?.certificate(&timestamp)?.seal(&signature);
        let certificate = sealed.map_err(|_| CertificateError::Signature)?;
        // INVARIANT: a signature that does not verify never leaves, nor does a certificate that breaks its profile.
        let certificate = Linted::check(certificate, self.view.issuer()).map_err(CertificateError::Lint)?;
        let Admitted { names, key, .. } = admitted;
        Ok(Certified { certificate, names, key, leaf, intent, chain: self.view.chain.clone() })
    }

    fn compose<'b>(
        &'b self,
        admitted: &'b Admitted,
        time: Instant,
        serial: [u8; 16],
    ) -> Result<HolderCertificate<'b>, CertificateError> {
        let Admitted { names, key, .. } = admitted;
        Ok(HolderCertificate::beginning(time, serial, names, key, self.view.issuer())?)
    }

    fn holder_order(&self, admitted: &Admitted, step: HolderStep) -> Order {
        Order::Holder(HolderOrder {
            authority: self.view.authority,
            token: admitted.token.clone(),
            public_key: admitted.key.spki().to_vec(),
            step,
        })
    }
}

/// One frame.
pub(super) fn order(parts: &CertificateParts, orders: Vec<Order>) -> Result<Vec<Answer>, CertificateError> {
    let count = orders.len();
    let answers = parts.signer.order(&Orders { ledger: parts.ledger.head()?, orders })?.answers;
    if answers.len() == count { Ok(answers) } else { Err(CertificateError::Answers) }
}

fn signed(answer: Answer) -> Result<Signed, CertificateError> {
    match answer {
        Answer::Signed(signed) => Ok(signed),
        Answer::Refused(refusal) => Err(CertificateError::Refused(refusal)),
    }
}
