//! Endorsements: a principal's own signature over a request digest.

use model::{Base64, Digest, Instant, PlatformId, PrincipalId, Space};
use serde::{Deserialize, Serialize};

/// The SSHSIG namespace of endorsements. A signature made for git, or for anything else, is none.
pub const SSH_NAMESPACE: &str = "endorse.avouch.v1";

/// What a principal says of a request, with the signature that proves it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endorsement {
    /// Who says it.
    pub principal: PrincipalId,
    /// What.
    pub decision: Decision,
    /// The part of a release that is vouched for; absent for the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facet: Option<Space>,
    /// When, by the endorser's clock.
    pub time: Instant,
    /// The signature over [`message`].
    pub proof: Proof,
}

/// What an endorser says of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// It may be signed.
    Endorse,
    /// It must not be signed.
    Reject,
}

impl Decision {
    const fn word(self) -> &'static str {
        match self {
            Self::Endorse => "endorse",
            Self::Reject => "reject",
        }
    }
}

/// A signature over an endorsement's message, by the kind of credential that made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
#[non_exhaustive]
pub enum Proof {
    /// An SSHSIG blob, without its armor, in the namespace [`SSH_NAMESPACE`].
    Ssh {
        /// The blob.
        signature: Base64,
    },
}

/// The message that an endorser signs: ASCII lines, which people read.
///
/// It names the platform, so that an endorsement for a test platform is worth nothing elsewhere, and the request
/// digest, which covers all that will be signed.
pub fn message(
    platform: &PlatformId,
    request: &Digest,
    decision: Decision,
    principal: &PrincipalId,
    facet: Option<&Space>,
    time: Instant,
) -> String {
    let facet = facet.map_or("-", Space::as_str);
    let decision = decision.word();
    format!(
        "avouch endorsement v1\nplatform {platform}\nrequest {request}\n{decision}\nprincipal {principal}\nfacet {facet}\ntime {time}\n"
    )
}

impl Endorsement {
    /// The message that this endorsement must be a signature over.
    pub fn message(&self, platform: &PlatformId, request: &Digest) -> String {
        message(platform, request, self.decision, &self.principal, self.facet.as_ref(), self.time)
    }
}
