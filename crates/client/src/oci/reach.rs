//! How a registry is reached, and who asks.

use std::fmt;
use std::time::Duration;

use reqwest::{Certificate, Url, redirect};

use super::OciError;
use crate::context::{CONNECT_LIMIT, is_loopback, kept_here};

/// How long a connection is kept that nobody uses: registries and those before them end it after some ten seconds.
const IDLE_LIMIT: Duration = Duration::from_secs(4);

/// How a registry is reached, and who asks.
#[derive(Debug, Clone, Default)]
pub struct Reach {
    /// Over what.
    pub transport: Transport,
    /// Certificates, in PEM, that its own may come from, beside those of this system.
    pub ca_pem: Option<String>,
    /// Who asks.
    pub login: Login,
    /// The address that gives tokens, where it is none of the registry's own domain.
    pub realm: Option<String>,
}

/// Over what a registry is reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Transport {
    /// TLS; plain HTTP on this machine, unless its certificates are named.
    #[default]
    Tls,
    /// Plain HTTP: whoever is on the way reads and changes all of it, and is given no password.
    Plain,
}

/// Who asks.
#[derive(Clone, Default)]
pub enum Login {
    /// Nobody in particular.
    #[default]
    Anonymous,
    /// Somebody with a password.
    Password {
        /// Their name.
        user: String,
        /// Their password.
        password: String,
    },
    /// Somebody whom the registry's authority gave a token that gets them others.
    IdentityToken(String),
    /// Somebody with a token for the registry itself.
    RegistryToken(String),
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Anonymous => "nobody in particular",
            Self::Password { .. } => "a password",
            Self::IdentityToken(_) => "an identity token",
            Self::RegistryToken(_) => "a registry token",
        })
    }
}

impl Reach {
    /// The address of a registry.
    pub(super) fn base(&self, host: &str) -> Result<Url, OciError> {
        // One registry is called otherwise than it is reached.
        let host = if host == "docker.io" { "registry-1.docker.io" } else { host };
        let parse = |scheme: &str| format!("{scheme}://{host}/").parse::<Url>();
        let refuse = |_| OciError::Host { host: host.to_owned() };
        let url = parse("https").map_err(refuse)?;
        let plain = self.transport == Transport::Plain || is_loopback(&url) && self.ca_pem.is_none();
        if plain { parse("http").map_err(refuse) } else { Ok(url) }
    }

    /// A connection pool that follows no redirects by itself.
    pub(super) fn http(&self, base: &Url) -> Result<reqwest::Client, OciError> {
        let roots = self.ca_pem.as_deref().unwrap_or_default();
        let roots = Certificate::from_pem_bundle(roots.as_bytes()).map_err(OciError::Certificates)?;
        let mut builder = reqwest::Client::builder()
            .tls_backend_rustls()
            .tls_certs_merge(roots)
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .user_agent("avouch")
            .pool_idle_timeout(IDLE_LIMIT)
            .connect_timeout(CONNECT_LIMIT);
        if is_loopback(base) {
            builder = kept_here(builder);
        }
        builder.build().map_err(OciError::Setup)
    }
}

/// May what is sent here be a secret?
pub(super) fn is_private(url: &Url) -> bool {
    url.scheme() == "https" || is_loopback(url)
}

/// Is whoever gives tokens the registry's own host, or of its domain: beneath it, or beneath what is above its first name?
///
/// `auth.docker.io` is of `registry-1.docker.io`, `gitlab.com` of `registry.gitlab.com`, and nothing is of `com` or of an address.
pub(super) fn is_of(realm: &Url, registry: &Url) -> bool {
    let (Some(realm), Some(registry)) = (realm.host_str(), registry.host_str()) else { return false };
    let is_number = registry.ends_with(|c: char| c.is_ascii_digit() || c == ']');
    let above = registry.split_once('.').map(|(_, above)| above);
    let mut domains = [Some(registry), above].into_iter().flatten();
    let is_beneath =
        |domain: &str| realm == domain || realm.strip_suffix(domain).is_some_and(|name| name.ends_with('.'));
    realm == registry || !is_number && domains.any(|domain| domain.contains('.') && is_beneath(domain))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn who_gives_tokens_is_of_the_registrys_domain_or_has_to_be_named() {
        let url = |host: &str| format!("https://{host}/token").parse::<Url>().unwrap();
        for (realm, registry, expected) in [
            ("auth.docker.io", "registry-1.docker.io", true),
            ("ghcr.io", "ghcr.io", true),
            ("gitlab.com", "registry.gitlab.com", true),
            ("login.example.com", "registry.example.com:5000", true),
            ("auth.quay.io", "quay.io", true),
            ("evil.io", "quay.io", false),
            ("evilexample.com", "registry.example.com", false),
            ("evil.com", "registry.example.com", false),
            ("evil.com", "example.com", false),
            ("127.0.0.1", "127.0.0.1:5000", true),
            ("10.0.0.1", "11.0.0.1", false),
            ("evil.localhost", "localhost", false),
        ] {
            assert_eq!(is_of(&url(realm), &url(registry)), expected, "{realm} of {registry}");
        }
    }

    #[test]
    fn a_registry_is_reached_over_tls_unless_it_is_here() {
        let tls = Reach::default();
        let base = |reach: &Reach, host: &str| reach.base(host).unwrap().to_string();
        assert_eq!(base(&tls, "docker.io"), "https://registry-1.docker.io/");
        assert_eq!(base(&tls, "registry.example.com:5000"), "https://registry.example.com:5000/");
        assert_eq!(base(&tls, "127.0.0.1:5000"), "http://127.0.0.1:5000/");
        let here = Reach { ca_pem: Some(String::new()), ..Reach::default() };
        assert_eq!(base(&here, "localhost:5000"), "https://localhost:5000/");
        let plain = Reach { transport: Transport::Plain, ..Reach::default() };
        assert_eq!(base(&plain, "registry.example.com"), "http://registry.example.com/");
    }
}
