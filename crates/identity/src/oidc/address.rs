//! Where an issuer may be called.

use std::fmt;
use std::net::IpAddr;

use reqwest::Url;

use super::OidcError;

/// The longest address that is called.
const BYTES_MAX: usize = 2_048;

/// An address that may be called: TLS, or plain HTTP on loopback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    url: Url,
    place: Place,
}

/// Where an address leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// To this very host, because it says so.
    Loopback,
    /// Elsewhere; that a name leads there is checked when it is resolved.
    Elsewhere,
}

impl Address {
    /// Reads an address.
    pub fn parse(text: &str) -> Result<Self, OidcError> {
        let refuse = |fault| {
            let url = text.chars().filter(|c| !c.is_control()).take(256).collect();
            Err(OidcError::Address { url, fault })
        };
        if text.len() > BYTES_MAX {
            return refuse("it is too long");
        }
        let Ok(url) = text.parse::<Url>() else { return refuse("it is no URL") };
        let Some(host) = url.host_str() else { return refuse("it names no host") };
        let literal: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
        let place = match literal {
            Some(address) if address.is_loopback() => Place::Loopback,
            Some(address) if !is_elsewhere(address) => return refuse("no issuer is at such an address"),
            None if host == "localhost" => Place::Loopback,
            _ => Place::Elsewhere,
        };
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return refuse("it must have neither a user nor a `#`");
        }
        match (url.scheme(), place) {
            ("https", _) | ("http", Place::Loopback) => Ok(Self { url, place }),
            _ => refuse("it must begin with `https://`, or be on loopback"),
        }
    }

    /// Reads an address that an issuer names: one elsewhere does not lead to this host, nor one of this host away.
    pub(super) fn named_by(&self, text: &str) -> Result<Self, OidcError> {
        let named = Self::parse(text)?;
        if named.place != self.place {
            let fault = "an issuer on loopback and one elsewhere do not name each other's addresses";
            return Err(OidcError::Address { url: named.to_string(), fault });
        }
        Ok(named)
    }

    /// The address.
    pub const fn url(&self) -> &Url {
        &self.url
    }

    pub(super) const fn place(&self) -> Place {
        self.place
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.as_str())
    }
}

/// May an issuer elsewhere be at this address? Private networks have issuers; this host, its link and what is nobody's
/// own address have none. The link is where clouds answer with credentials.
pub(super) fn is_elsewhere(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let nobodys = v4.is_unspecified() || v4.is_multicast() || v4.is_broadcast();
            !(nobodys || v4.is_loopback() || v4.is_link_local() || v4.octets()[0] == 0)
        }
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => is_elsewhere(IpAddr::V4(v4)),
            None => {
                let nobodys = v6.is_unspecified() || v6.is_multicast();
                // AWS answers with credentials there.
                let metadata = v6.segments() == [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254];
                !(nobodys || metadata || v6.is_loopback() || v6.is_unicast_link_local())
            }
        },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn only_tls_or_loopback_is_called() {
        for good in
            ["https://login.example.com/a", "http://localhost:5556", "http://127.0.0.1:1/x", "http://[::1]:1"]
        {
            assert!(Address::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "http://login.example.com",
            "http://10.0.0.1",
            "ftp://login.example.com",
            "file:///etc/passwd",
            "https://a:b@login.example.com",
            "https://login.example.com/#x",
            "https://169.254.169.254/latest/meta-data",
            "https://[::ffff:169.254.169.254]/",
            "https://[fe80::1]/",
            "https://[fd00:ec2::254]/",
            "https://0.0.0.0/",
            "http://localhost.example.com",
            "http://0177.0.0.2.example.com",
            "not a url",
        ] {
            assert!(Address::parse(bad).is_err(), "{bad}");
        }
        // A private network has issuers of its own; a number written in octal is read as browsers read it.
        assert!(Address::parse("https://10.0.0.1/").is_ok());
        assert_eq!(Address::parse("https://0177.0.0.1/").unwrap().place(), Place::Loopback);
    }

    #[test]
    fn an_issuer_elsewhere_does_not_lead_to_this_host() {
        let elsewhere = Address::parse("https://login.example.com").unwrap();
        let here = Address::parse("http://127.0.0.1:5556").unwrap();
        assert!(elsewhere.named_by("https://keys.example.net/jwks").is_ok());
        assert!(elsewhere.named_by("https://localhost/jwks").is_err());
        assert!(elsewhere.named_by("http://127.0.0.1:5556/jwks").is_err());
        assert!(here.named_by("http://localhost:5556/jwks").is_ok());
        assert!(here.named_by("https://keys.example.net/jwks").is_err());
    }
}
