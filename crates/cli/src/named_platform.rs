//! Which platform a TUF repository is of: a small file among its targets. A trust root is too long for a repository and grows
//! with every entry; by this file whoever follows the repository knows which trust root is the platform's, and that it is no
//! older than what its administrators published.

use ::verify::TrustRoot;
use model::{Digest, PlatformId};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// The name of the file.
pub(crate) const FILE: &str = "platform.json";

/// What the file says. A later version may say more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NamedPlatform {
    /// The digest of the genesis, by which every entry after it is proven.
    platform: PlatformId,
    /// The head that its registry had.
    registry: Digest,
}

impl NamedPlatform {
    /// The platform of a trust root, as it is now.
    pub(crate) fn of(root: &TrustRoot) -> Self {
        Self { platform: root.platform(), registry: root.registry().head() }
    }

    pub(crate) fn parse(json: &[u8]) -> Result<Self, Failure> {
        serde_json::from_slice(json).map_err(Failure::input(FILE, "what `avouch trust publish` wrote"))
    }

    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("two digests always encode as JSON")
    }

    /// Is this trust root the platform's, and no older than what was published?
    pub(crate) fn check(&self, root: &TrustRoot) -> Result<(), Failure> {
        if root.platform() != self.platform {
            return Err(Failure::Usage {
                what: format!(
                    "the server's trust root is of {}, and the TUF repository is of {}",
                    root.platform(),
                    self.platform
                ),
                advice: "do not use this server before you know why",
            });
        }
        if !root.registry().knows_head(&self.registry) {
            return Err(Failure::Usage {
                what: format!(
                    "the server's trust root ends before registry head {}, which the TUF repository names",
                    self.registry
                ),
                advice: "the server shows an older state than its administrators published, or another: ask them",
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    const TRUST_ROOT: &[u8] = include_bytes!("../../verify/tests/vectors/receipts/0.1.0/trust-root.json");

    #[test]
    fn a_trust_root_of_another_platform_or_an_older_one_is_not_the_named_platforms() {
        let root = TrustRoot::parse(TRUST_ROOT).unwrap();
        let named = NamedPlatform::of(&root);
        assert_eq!(NamedPlatform::parse(named.to_json().as_bytes()).unwrap(), named);
        named.check(&root).unwrap();
        let later = NamedPlatform { registry: Digest::of(b"an entry that is not there"), ..named.clone() };
        assert!(later.check(&root).unwrap_err().to_string().contains("ends before registry head"));
        let other = NamedPlatform { platform: PlatformId::new(Digest::of(b"another genesis")), ..named };
        assert!(other.check(&root).unwrap_err().to_string().contains("the TUF repository is of"));
    }
}
