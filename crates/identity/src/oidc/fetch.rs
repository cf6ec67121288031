//! Calls to issuers, within bounds.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::OnceLock;
use std::time::Duration;

use pki::token::{IssuerKey, parse_jwks};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Certificate, Client, ClientBuilder, RequestBuilder, redirect};

use super::address::{Place, is_elsewhere};
use super::{Address, Discovered, OidcError};

/// The longest document about an issuer.
const DOCUMENT_BYTES_MAX: usize = 64 * 1024;
/// The longest set of keys.
const KEYS_BYTES_MAX: usize = 256 * 1024;

/// This machine; the port is that of the address.
const LOCALHOST: [SocketAddr; 2] = [
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
    SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), 0),
];

/// How long an issuer is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// For a connection, TLS included.
    pub connect: Duration,
    /// For a whole answer.
    pub whole: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(4), whole: Duration::from_secs(8) }
    }
}

/// Calls issuers. Nothing that it is told is believed here.
#[derive(Debug)]
pub struct Fetcher {
    /// Roots that are believed beside the system's, or on loopback alone.
    roots: Vec<Certificate>,
    limits: Limits,
    loopback: OnceLock<Client>,
    elsewhere: OnceLock<Client>,
}

impl Fetcher {
    /// One that believes these certificate authorities, in PEM, beside those of the system.
    pub fn new(ca_pem: Option<&str>, limits: Limits) -> Result<Self, OidcError> {
        let roots = ca_pem.map_or(Ok(Vec::new()), |pem| Certificate::from_pem_bundle(pem.as_bytes()));
        let roots = roots.map_err(OidcError::Setup)?;
        Ok(Self { roots, limits, loopback: OnceLock::new(), elsewhere: OnceLock::new() })
    }

    /// What an issuer publishes of itself.
    pub async fn discover(&self, issuer: &str) -> Result<Discovered, OidcError> {
        let address = Discovered::address(issuer)?;
        let json = self.read(self.get(&address)?, &address, DOCUMENT_BYTES_MAX).await?;
        Discovered::parse(issuer, &address, &json)
    }

    /// The keys that an issuer signs with now.
    pub async fn keys(&self, issuer: &str) -> Result<Vec<IssuerKey>, OidcError> {
        let address = self.discover(issuer).await?.keys;
        let json = self.read(self.get(&address)?, &address, KEYS_BYTES_MAX).await?;
        parse_jwks(&json).map_err(|source| OidcError::Keys { url: issuer.to_owned(), source })
    }

    /// Posts a form; the answer comes back with its status, whatever that is.
    pub async fn post(&self, address: &Address, form: &[(&str, &str)]) -> Result<(u16, Vec<u8>), OidcError> {
        let call = self.client(address.place())?.post(address.url().clone());
        let mut body = reqwest::Url::parse("form:").expect("a constant address");
        body.query_pairs_mut().extend_pairs(form);
        let call = call.header("content-type", "application/x-www-form-urlencoded");
        let call = call.header("accept", "application/json");
        let call = call.body(body.query().unwrap_or_default().to_owned());
        self.answer(call, address, DOCUMENT_BYTES_MAX).await
    }

    /// Gets a small JSON document with a bearer's token.
    pub async fn get_as(&self, address: &Address, bearer: &str) -> Result<Vec<u8>, OidcError> {
        let call = self.get(address)?.bearer_auth(bearer);
        self.read(call, address, DOCUMENT_BYTES_MAX).await
    }

    fn get(&self, address: &Address) -> Result<RequestBuilder, OidcError> {
        let call = self.client(address.place())?.get(address.url().clone());
        Ok(call.header("accept", "application/json"))
    }

    async fn read(
        &self,
        call: RequestBuilder,
        address: &Address,
        bytes_max: usize,
    ) -> Result<Vec<u8>, OidcError> {
        match self.answer(call, address, bytes_max).await? {
            (200, body) => Ok(body),
            (status, _) => Err(OidcError::Status { url: address.to_string(), status }),
        }
    }

    async fn answer(
        &self,
        call: RequestBuilder,
        address: &Address,
        bytes_max: usize,
    ) -> Result<(u16, Vec<u8>), OidcError> {
        let unreachable = |source: reqwest::Error| OidcError::Unreachable {
            url: address.to_string(),
            source: source.without_url(),
        };
        let mut response = call.send().await.map_err(unreachable)?;
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > bytes_max {
                return Err(OidcError::TooLong { url: address.to_string(), limit: bytes_max });
            }
            body.extend_from_slice(&chunk);
        }
        Ok((status, body))
    }

    fn client(&self, place: Place) -> Result<&Client, OidcError> {
        let shelf = match place {
            Place::Loopback => &self.loopback,
            Place::Elsewhere => &self.elsewhere,
        };
        if let Some(client) = shelf.get() {
            return Ok(client);
        }
        let client = self.builder(place).build().map_err(OidcError::Setup)?;
        Ok(shelf.get_or_init(|| client))
    }

    fn builder(&self, place: Place) -> ClientBuilder {
        let builder = Client::builder();
        let builder = match place {
            // A proxy has no way to this machine's own addresses, public authorities do not vouch for them, and nobody is
            // asked where `localhost` is (RFC 6761 §6.3).
            Place::Loopback => builder
                .no_proxy()
                .resolve_to_addrs("localhost", &LOCALHOST)
                .tls_certs_only(self.roots.clone()),
            Place::Elsewhere => {
                builder.dns_resolver(Elsewhere).tls_certs_merge(self.roots.clone()).https_only(true)
            }
        };
        builder
            .tls_backend_rustls()
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(self.limits.connect)
            .timeout(self.limits.whole)
    }
}

/// Resolves names, and leaves out addresses at which no issuer elsewhere is.
#[derive(Debug, Clone, Copy)]
struct Elsewhere;

/// Where a name leads that must lead elsewhere.
#[derive(Debug, thiserror::Error)]
#[error("`{name}` leads to this host or its link, where no issuer is called")]
struct NotElsewhere {
    name: String,
}

impl Resolve for Elsewhere {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let called: Vec<SocketAddr> = found.filter(|address| is_elsewhere(address.ip())).collect();
            if called.is_empty() {
                return Err(NotElsewhere { name: name.as_str().to_owned() }.into());
            }
            let called: Addrs = Box::new(called.into_iter());
            Ok(called)
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use serde_json::json;
    use testkit::{HttpSite, IdentityProvider, Reply, TlsPeriod, TlsRoot};

    use super::*;

    const NAME: &str = "issuer.example.com";

    /// Asks an issuer elsewhere, that names this address for its keys. Its server is here, which only the name server of
    /// this test says.
    fn keys(named: impl Fn(&str) -> String + Send + Sync + 'static) -> (Result<usize, OidcError>, usize) {
        let root = TlsRoot::new();
        let jwks = IdentityProvider::new("k1").jwks();
        let site = HttpSite::serve_tls(root.server(NAME, TlsPeriod::Now), move |asked| {
            let url = format!("https://{}", asked.header("host").unwrap());
            match asked.path() {
                "/keys" => Reply::json(&jwks),
                _ => Reply::json(&json!({"issuer": url, "jwks_uri": named(&url)})),
            }
        });
        let fetcher = Fetcher::new(Some(&root.pem()), Limits::default()).unwrap();
        let here = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), site.port());
        let builder = fetcher.builder(Place::Elsewhere).no_proxy().resolve_to_addrs(NAME, &[here]);
        fetcher.elsewhere.set(builder.build().unwrap()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let told = runtime.block_on(fetcher.keys(&format!("https://{NAME}:{}", site.port())));
        (told.map(|keys| keys.len()), site.asked())
    }

    #[test]
    fn an_issuer_elsewhere_has_its_own_keys_asked_for_over_tls_and_nothing_of_this_host_or_its_link() {
        let (told, asked) = keys(|url| format!("{url}/keys"));
        assert_eq!((told.unwrap(), asked), (1, 2));
        for named in [
            "https://127.0.0.1/keys",
            "https://localhost/keys",
            "https://[::1]/keys",
            "https://[::ffff:127.0.0.1]/keys",
            "https://169.254.169.254/latest/meta-data",
            "https://[fd00:ec2::254]/latest/meta-data",
            "https://[fe80::1]/keys",
            "https://0.0.0.0/keys",
            "https://2130706433/keys",
            "http://issuer.example.com/keys",
            "file:///etc/passwd",
        ] {
            let (told, asked) = keys(|_| named.to_owned());
            assert!(matches!(told, Err(OidcError::Address { .. })), "{named}: {told:?}");
            assert_eq!(asked, 1, "{named}");
        }
    }

    #[test]
    fn a_name_that_leads_to_this_host_is_resolved_to_nothing() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for name in ["127.0.0.1", "localhost", "::1"] {
            let found = runtime.block_on(Elsewhere.resolve(name.parse().unwrap()));
            let error = found.err().unwrap();
            assert!(error.is::<NotElsewhere>(), "{name}: {error}");
        }
    }
}
