//! What the ledger is told: each certificate before it leaves, and why a holder who proved a token got none.
//!
//! Who asks with the same token again fills nothing: a certificate is told once, and so is the first refusal of a token.
//! What strangers are refused is told in sum, by whoever lets them in.

use std::collections::BTreeSet;

use engine::{Leaf, LeafKind, Write};
use model::{Digest, KeyId, to_canonical, told};
use pki::token::CertificateNames;
use serde::Serialize;

use super::book::Book;
use super::issuance::Certified;
use super::leaves::Record;
use super::{CertificateError, CertificateParts, Claim, Issued};

/// How many tokens are remembered that were refused. Past it the memory begins anew.
const REFUSED_MAX: usize = 1 << 14;

/// The tokens whose refusal is recorded.
#[derive(Default)]
pub(super) struct Records {
    refused: BTreeSet<Digest>,
}

/// A certificate, or why there is none.
#[derive(Serialize)]
struct Outcome<'a> {
    token: Digest,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    issued: Option<Certificate<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Serialize)]
struct Certificate<'a> {
    certificate: Digest,
    issuer: &'a str,
    subject: &'a str,
    key: KeyId,
    leaf: u64,
}

impl Records {
    /// Records a batch in one transaction, and only then lets its certificates go.
    pub(super) fn write(
        &mut self,
        parts: &CertificateParts,
        claims: &[Claim],
        certified: Vec<Result<Certified, CertificateError>>,
        mut book: Option<&mut Book>,
    ) -> Vec<Result<Issued, CertificateError>> {
        let mut writes = Vec::new();
        let mut refused = Vec::new();
        let mut issued = Vec::new();
        for (claim, one) in claims.iter().zip(&certified) {
            let token = claim.digest();
            let outcome = match one {
                Ok(one) => {
                    let record =
                        book.as_ref().map_or(Record::Unwritten, |book| book.leaves.record(one.intent));
                    let due = record == Record::Unwritten && !issued.contains(&one.intent);
                    issued.push(one.intent);
                    due.then(|| of(token, one))
                }
                Err(error) if error.is_of_a_holder() && !self.refused.contains(&token) => {
                    refused.push(token);
                    Some(Outcome { token, state: "refused", issued: None, reason: Some(told(error)) })
                }
                Err(_) => None,
            };
            writes.extend(outcome.map(|outcome| Write::Note { leaf: leaf(parts, &outcome) }));
        }
        // CRASH: before this the certificates are signed and nobody has them; the same tokens give the same ones.
        let written = if writes.is_empty() { Ok(Vec::new()) } else { parts.requests.write(&writes) };
        match written {
            Ok(_) => {
                self.remember(refused);
                for intent in issued {
                    if let Some(book) = book.as_deref_mut() {
                        book.leaves.recorded(intent);
                    }
                }
                certified.into_iter().map(|one| one.map(Certified::into_issued)).collect()
            }
            Err(source) => {
                let error = CertificateError::from(source);
                certified.into_iter().map(|one| one.and_then(|_| Err(error.clone()))).collect()
            }
        }
    }

    fn remember(&mut self, refused: Vec<Digest>) {
        if self.refused.len() + refused.len() > REFUSED_MAX {
            self.refused.clear();
        }
        self.refused.extend(refused);
    }
}

fn of(token: Digest, certified: &Certified) -> Outcome<'_> {
    let Certified { certificate, names: CertificateNames { subject, issuer, .. }, key, leaf, .. } = certified;
    let certificate = certificate.certificate().fingerprint();
    let issued = Certificate { certificate, issuer, subject: subject.text(), key: key.id(), leaf: *leaf };
    Outcome { token, state: "issued", issued: Some(issued), reason: None }
}

fn leaf(parts: &CertificateParts, outcome: &Outcome<'_>) -> Leaf {
    let mut salt = [0; 16];
    (parts.random)(&mut salt);
    let space = "platform".parse().expect("the platform's own space is a well formed name");
    let record = to_canonical(outcome);
    Leaf { kind: LeafKind::Certificate, request: None, space, time: parts.clock.now(), salt, record }
}
