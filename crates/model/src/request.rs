//! The request: what is asked of the platform, and the digest over which people endorse.

use serde::{Deserialize, Serialize};

use crate::{
    CanonicalError, Class, Digest, Hex32, Instant, PersonId, PlatformId, PrincipalId, Purpose, RequestId,
    Space, Tag, from_canonical, limits, to_canonical,
};

/// A request as it stands in canonical JSON. The client composes it; nobody may add to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The version of this layout: 1.
    pub version: u32,
    /// Its id.
    pub id: RequestId,
    /// The space in which it acts.
    pub space: Space,
    /// The platform it is for.
    pub platform: PlatformId,
    /// The registry's head when it was composed: the present one, or an ancestor of it.
    pub registry: Digest,
    /// The policy in force when it was composed. Another one voids endorsements.
    pub policy: Digest,
    /// Thirty-two random bytes.
    pub nonce: Hex32,
    /// When it was composed.
    pub created: Instant,
    /// Until when it may be signed.
    pub deadline: Instant,
    /// Who asks, and how that was proven.
    pub requester: Requester,
    /// Why, in the requester's words; may be empty.
    pub reason: String,
    /// What is asked.
    pub kind: Kind,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requester {
    /// The principal.
    pub principal: PrincipalId,
    /// The person behind it; a workload stands for the person who is responsible for it.
    pub person: PersonId,
    /// How that was proven.
    pub proven: Proven,
}

/// How a requester was proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Proven {
    /// A client certificate, checked by the server alone.
    ClientCertificate,
    /// An API key, checked by the server alone.
    ApiKey,
    /// An endorsement made with the requester's own credential, which the key process checks.
    Endorsement,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
#[non_exhaustive]
pub enum Kind {
    /// To sign.
    Sign(Signing),
    /// To change the registry.
    Admin {
        /// The digest of the changes ([`Tag::Changes`]).
        changes: Digest,
    },
}

/// A request to sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signing {
    /// The name of the signing profile.
    pub profile: Space,
    /// The digest of that profile's version.
    #[serde(rename = "profileVersion")]
    pub profile_version: Digest,
    /// What the keys are for: `code`.
    pub purpose: Purpose,
    /// The decision that the signatures support.
    pub class: Class,
    /// What is signed, as people call it.
    pub subject: Subject,
    /// Digests of evidence that endorsers looked at.
    pub evidence: Vec<Digest>,
    /// What the receipt may say to whom.
    pub disclosure: Disclosure,
    /// The items.
    pub items: ItemTree,
}

/// What is signed, as people call it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// The product; may be empty.
    pub product: String,
    /// Its version; may be empty.
    pub version: String,
    /// Where it was made from, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceContext>,
}

/// Where something was made from. All of it is the requester's claim.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceContext {
    /// The repository's URI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// The commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The ref that was built.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The build's own address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
}

/// What the receipt may say to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Disclosure {
    /// Whoever holds a file's receipt sees the request and that file's item, and of the others only hashes.
    Items,
}

/// Root and count of the items: an RFC 6962 tree, so that a receipt discloses one item and not its neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemTree {
    /// The tree's root.
    pub root: Digest,
    /// How many items there are.
    pub count: u32,
}

/// Why bytes are not a request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// Not the canonical JSON of a request.
    #[error("not a request")]
    NotCanonical(#[from] CanonicalError),
    /// A version that this avouch does not know.
    #[error("a request of version {version}; this avouch knows version 1")]
    Version {
        /// The version it names.
        version: u32,
    },
    /// A field outside its limits.
    #[error("the request's `{field}` is too long, or holds control characters")]
    OutOfBounds {
        /// Which.
        field: &'static str,
    },
    /// A deadline that is not after the beginning.
    #[error("the request's deadline {deadline} is not after its creation {created}")]
    NoTime {
        /// When it was composed.
        created: Instant,
        /// Until when it may be signed.
        deadline: Instant,
    },
    /// No items, or too many.
    #[error("a request of {count} items, where 1 to {} are allowed", limits::ITEMS_MAX)]
    Items {
        /// How many it names.
        count: u32,
    },
}

impl Request {
    /// Reads a request's canonical JSON and holds it to its limits.
    pub fn parse(bytes: &[u8]) -> Result<Self, RequestError> {
        let request: Self = from_canonical(bytes, limits::REQUEST_BYTES_MAX)?;
        if request.version != 1 {
            return Err(RequestError::Version { version: request.version });
        }
        if request.deadline <= request.created {
            return Err(RequestError::NoTime { created: request.created, deadline: request.deadline });
        }
        text("reason", &request.reason)?;
        if let Kind::Sign(signing) = &request.kind {
            signing.check()?;
        }
        Ok(request)
    }

    /// The canonical JSON.
    pub fn encode(&self) -> Vec<u8> {
        to_canonical(self)
    }

    /// The request digest of canonical bytes: what people endorse.
    pub fn digest(bytes: &[u8]) -> Digest {
        Tag::Request.digest(&[bytes])
    }
}

impl Signing {
    fn check(&self) -> Result<(), RequestError> {
        text("subject.product", &self.subject.product)?;
        text("subject.version", &self.subject.version)?;
        let source = self.subject.source.as_ref();
        for (field, value) in [
            ("subject.source.repository", source.and_then(|s| s.repository.as_ref())),
            ("subject.source.commit", source.and_then(|s| s.commit.as_ref())),
            ("subject.source.ref", source.and_then(|s| s.reference.as_ref())),
            ("subject.source.build", source.and_then(|s| s.build.as_ref())),
        ] {
            text(field, value.map_or("", String::as_str))?;
        }
        if self.evidence.len() > limits::EVIDENCE_MAX {
            return Err(RequestError::OutOfBounds { field: "evidence" });
        }
        match usize::try_from(self.items.count) {
            Ok(count) if (1..=limits::ITEMS_MAX).contains(&count) => Ok(()),
            _ => Err(RequestError::Items { count: self.items.count }),
        }
    }
}

fn text(field: &'static str, value: &str) -> Result<(), RequestError> {
    if value.len() > limits::TEXT_BYTES_MAX || value.contains(|c: char| c.is_control()) {
        return Err(RequestError::OutOfBounds { field });
    }
    Ok(())
}
