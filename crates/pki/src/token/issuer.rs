//! What the registry says of an issuer of ID tokens.

use std::collections::BTreeMap;

use model::PublicKey;
use serde::{Deserialize, Serialize};

use super::{Template, WorkflowExtension};

/// The most keys of one issuer. Those that rotate theirs have a handful.
pub(super) const KEYS_MAX: usize = 64;

/// The longest text of a record.
const TEXT_BYTES_MAX: usize = 512;

/// An issuer of ID tokens: how its tokens are known, and what a certificate says of whoever holds one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TokenIssuer {
    /// The version of this layout: 1.
    pub version: u32,
    /// What its tokens have as `iss`. A `*` stands for any one part of letters, digits, `-` and `_`.
    pub url: String,
    /// What its tokens must have as `aud`.
    pub audience: String,
    /// What a certificate says of a token's holder.
    pub kind: IssuerKind,
    /// Where a token names the issuer behind this one, `$.federated_claims.connector_id`; the certificate names that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer_claim: Option<String>,
    /// The keys that its tokens are signed with; none where they are fetched, and the server's word is taken.
    pub keys: Vec<IssuerKey>,
}

/// A key that an issuer signs tokens with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IssuerKey {
    /// What tokens name it by (`kid`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The key.
    pub public_key: PublicKey,
}

/// What a certificate says of a token's holder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub enum IssuerKind {
    /// A person's address, which the issuer has verified.
    Email {
        /// Must the token say that the address was verified?
        verification: Verification,
    },
    /// A user name, with the domain in which it means something.
    Username {
        /// The domain.
        domain: String,
    },
    /// A URI, of which scheme and host are given.
    Uri {
        /// `https://example.com`.
        domain: String,
    },
    /// A SPIFFE id of a trust domain.
    Spiffe {
        /// The trust domain.
        trust_domain: String,
    },
    /// A Kubernetes service account.
    Kubernetes,
    /// A job of a CI system.
    Workflow(Workflow),
}

/// Must a token say that its address was verified?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verification {
    /// Yes: `email_verified` must be true.
    Required,
    /// No: this issuer verifies all of them and does not say so.
    Skipped,
}

/// What a certificate says of a job of a CI system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workflow {
    /// Which claims make the subject, a URI.
    pub subject: Template,
    /// Which claims make which extension. What comes out empty is left out.
    pub extensions: BTreeMap<WorkflowExtension, Template>,
}

/// The claims of which one is signed to prove possession of the key that a certificate is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge(pub(super) Vec<String>);

/// Why the record of an issuer cannot stand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssuerError {
    /// A version that this avouch does not know.
    #[error("a record of version {version} of the issuer `{url}`; this avouch knows version 1")]
    Version {
        /// The issuer.
        url: String,
        /// The version.
        version: u32,
    },
    /// An address that no token may name.
    #[error(
        "`{url}` is no issuer: it must be `https://HOST…` (or `http://` on loopback), without `?`, `#` or spaces"
    )]
    Url {
        /// The address.
        url: String,
    },
    /// A text that is empty, too long, or of the wrong shape.
    #[error("the record of the issuer `{url}`: its `{field}` {fault}")]
    Field {
        /// The issuer.
        url: String,
        /// Which.
        field: &'static str,
        /// What is wrong with it.
        fault: &'static str,
    },
}

impl TokenIssuer {
    /// Holds the record together.
    pub fn check(&self) -> Result<(), IssuerError> {
        if self.version != 1 {
            return Err(IssuerError::Version { url: self.url.clone(), version: self.version });
        }
        if !is_address(&self.url) {
            return Err(IssuerError::Url { url: self.url.chars().take(TEXT_BYTES_MAX).collect() });
        }
        let wrong = |field, fault| Err(IssuerError::Field { url: self.url.clone(), field, fault });
        if !is_text(&self.audience) {
            return wrong("audience", "is empty, too long or of control characters");
        }
        if self.issuer_claim.as_ref().is_some_and(|path| !is_text(path) || !path.starts_with("$.")) {
            return wrong("issuerClaim", "must read `$.name.name`");
        }
        if self.keys.len() > KEYS_MAX {
            return wrong("keys", "has more keys than any issuer");
        }
        if self.is_pattern() && !self.keys.is_empty() {
            return wrong(
                "keys",
                "stands beside a pattern, and the issuers that it stands for have keys of their own",
            );
        }
        match &self.kind {
            IssuerKind::Username { domain } | IssuerKind::Spiffe { trust_domain: domain }
                if !is_host(domain) =>
            {
                wrong("domain", "must be a host name, such as `example.com`")
            }
            IssuerKind::Uri { domain } if !is_origin(domain) => {
                wrong("domain", "must be a scheme and a host, such as `https://example.com`")
            }
            _ => Ok(()),
        }
    }

    /// Does the address stand for many?
    pub fn is_pattern(&self) -> bool {
        self.url.contains('*')
    }

    /// Is this the issuer that a token names?
    pub fn is_named_by(&self, iss: &str) -> bool {
        let mut parts = self.url.split('*');
        let Some(mut rest) = parts.next().and_then(|first| iss.strip_prefix(first)) else { return false };
        for part in parts {
            let length = rest.bytes().take_while(|byte| is_wild(char::from(*byte))).count();
            // The longest run is taken, as no part of an address begins with such a character but at its end.
            let Some(after) =
                (length > 0).then(|| &rest[length..]).and_then(|after| after.strip_prefix(part))
            else {
                return false;
            };
            rest = after;
        }
        rest.is_empty()
    }
}

/// May a `*` stand for it?
fn is_wild(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_')
}

fn is_text(text: &str) -> bool {
    !text.is_empty() && text.len() <= TEXT_BYTES_MAX && !text.contains(char::is_control)
}

fn is_address(url: &str) -> bool {
    let host = url.strip_prefix("https://").or_else(|| {
        let rest = url.strip_prefix("http://")?;
        let after = ["localhost", "127.0.0.1", "[::1]"].iter().find_map(|host| rest.strip_prefix(host))?;
        (after.is_empty() || after.starts_with(['/', ':'])).then_some(rest)
    });
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '?' | '#' | '\\' | '"' | '<' | '>' | '@');
    host.is_some_and(|host| !host.is_empty() && !host.starts_with(['/', '*']))
        && is_text(url)
        && url.chars().all(plain)
        && !url.contains("**")
        // What follows one must not look like what it stands for.
        && url.split('*').skip(1).all(|after| !after.starts_with(is_wild))
}

fn is_host(domain: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty() && label.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    domain.len() <= 253 && domain.split('.').all(label)
}

fn is_origin(domain: &str) -> bool {
    let Some((scheme, host)) = domain.split_once("://") else { return false };
    !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_lowercase()) && is_host(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer(url: &str) -> TokenIssuer {
        TokenIssuer {
            version: 1,
            url: url.to_owned(),
            audience: "sigstore".to_owned(),
            kind: IssuerKind::Kubernetes,
            issuer_claim: None,
            keys: Vec::new(),
        }
    }

    #[test]
    fn a_star_stands_for_one_part_and_for_nothing_beyond_it() {
        let eks = issuer("https://oidc.eks.*.amazonaws.com/id/*");
        assert_eq!(eks.check(), Ok(()));
        assert!(eks.is_named_by("https://oidc.eks.us-west-2.amazonaws.com/id/ABC_1"));
        for other in [
            "https://oidc.eks..amazonaws.com/id/A",
            "https://oidc.eks.evil.com/x.amazonaws.com/id/A",
            "https://oidc.eks.us.amazonaws.com/id/",
            "https://oidc.eks.us.amazonaws.com/id/A/b",
            "https://oidc.eks.us.amazonaws.com.evil.com/id/A",
        ] {
            assert!(!eks.is_named_by(other), "{other}");
        }
    }

    #[test]
    fn an_issuer_without_a_star_is_named_by_its_address_alone() {
        let issuer = issuer("https://issuer.example.com");
        assert!(issuer.is_named_by("https://issuer.example.com"));
        for other in
            ["https://issuer.example.com/", "https://issuer.example.co", "", "https://ISSUER.example.com"]
        {
            assert!(!issuer.is_named_by(other), "{other}");
        }
    }

    #[test]
    fn addresses_that_could_mean_two_things_are_refused() {
        for url in [
            "http://issuer.example.com",
            "https://",
            "https://*",
            "https://*/x",
            "https://a.example.com/?x",
            "https://a@b.example.com",
            "https://a.**.example.com",
            "https://a.*b.example.com",
            "ftp://a.example.com",
            "http://[2001:db8::1]/x",
            "http://localhost.example.com",
        ] {
            assert!(issuer(url).check().is_err(), "{url}");
        }
        for url in [
            "http://localhost:5556",
            "http://127.0.0.1:80/dex",
            "http://[::1]:1",
            "https://a.*.example.com/x",
        ] {
            assert_eq!(issuer(url).check(), Ok(()), "{url}");
        }
    }
}
