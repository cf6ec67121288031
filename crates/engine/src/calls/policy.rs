//! Policy, as the engine asks it.

use identity::Caller;
use model::{Digest, Items, Profile, Request};

/// Decides whether something may be signed.
///
/// *Consistency*: a batch is decided under one policy, the one whose digest [`PolicyEngine::digest`] names.
/// *Concurrency*: any number of callers; `decide` blocks for as long as it computes, and does no input or output.
/// *Errors*: there are none. A policy that cannot be evaluated forbids, and says why.
pub trait PolicyEngine: Send + Sync {
    /// The digest of the policy in force. It must be the one that the registry names, or nothing is signed.
    fn digest(&self) -> Digest;

    /// One decision for each question, in their order.
    fn decide(&self, questions: &[Question<'_>]) -> Vec<Decision>;
}

/// What policy is asked about.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Who asks for the signature, with what they may reach at this moment.
    pub caller: &'a Caller,
    /// The signing profile.
    pub profile: &'a Profile,
    /// The request.
    pub request: &'a Request,
    /// Its items.
    pub items: &'a Items,
    /// When it is asked.
    pub moment: Moment,
}

/// When policy is asked: it is asked twice about every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// When the request is submitted.
    Submission,
    /// Once more, when nothing but the signature is left to do.
    BeforeSigning,
}

/// What policy says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It may be signed.
    Permit {
        /// Why.
        reasons: Vec<String>,
    },
    /// It must not be signed.
    Forbid {
        /// Why.
        reasons: Vec<String>,
    },
    /// It may be signed once somebody has endorsed it, whatever the key's own rule asks.
    NeedsEndorsement {
        /// Why.
        reasons: Vec<String>,
    },
}
