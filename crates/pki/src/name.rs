//! Names of our own certificates: who a key belongs to, and which servers a TLS key speaks for.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use const_oid::ObjectIdentifier;
use const_oid::db::rfc4519::{COMMON_NAME, ORGANIZATION_NAME};
use der::Tag;
use der::asn1::{Any, Ia5String, SetOfVec};
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::ext::pkix::name::GeneralName;

use crate::encoding;

/// The upper bound of X.520 for an organization and for a common name, in characters.
const ATTRIBUTE_CHARACTERS_MAX: usize = 64;

/// Who a certificate of ours is for: an organization, and a common name within it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DistinguishedName {
    organization: String,
    common_name: String,
}

/// Why a text cannot stand in a certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// An attribute that is empty, too long, or not plain text.
    #[error(
        "`{text}` cannot be the {attribute} of a certificate: use 1 to {ATTRIBUTE_CHARACTERS_MAX} characters without control characters"
    )]
    Attribute {
        /// Which attribute.
        attribute: &'static str,
        /// The text, shortened.
        text: String,
    },
    /// Neither an IP address nor a host name.
    #[error(
        "`{text}` is not the name of a server: use an IP address, or a host name of lower-case letters, digits and `-` in parts joined by `.`"
    )]
    Server {
        /// The text, shortened.
        text: String,
    },
}

impl DistinguishedName {
    /// Names the owner of a key.
    pub fn new(organization: &str, common_name: &str) -> Result<Self, NameError> {
        Ok(Self {
            organization: attribute("organization", organization)?,
            common_name: attribute("common name", common_name)?,
        })
    }

    /// The organization.
    pub fn organization(&self) -> &str {
        &self.organization
    }

    /// The common name.
    pub fn common_name(&self) -> &str {
        &self.common_name
    }

    /// The DER Name: organization, then common name, each in UTF-8 (RFC 5280 §4.1.2.4).
    pub(crate) fn der(&self) -> Vec<u8> {
        let rdn = |oid: ObjectIdentifier, text: &str| {
            let value =
                Any::new(Tag::Utf8String, text.as_bytes()).expect("at most 64 characters were accepted");
            SetOfVec::from_iter([AttributeTypeAndValue { oid, value }]).expect("one attribute is in order")
        };
        encoding::der(&vec![rdn(ORGANIZATION_NAME, &self.organization), rdn(COMMON_NAME, &self.common_name)])
    }
}

impl fmt::Display for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.common_name, self.organization)
    }
}

fn attribute(attribute: &'static str, text: &str) -> Result<String, NameError> {
    let length = text.chars().count();
    if length == 0
        || length > ATTRIBUTE_CHARACTERS_MAX
        || text.trim() != text
        || text.contains(char::is_control)
    {
        return Err(NameError::Attribute {
            attribute,
            text: text.chars().take(ATTRIBUTE_CHARACTERS_MAX).collect(),
        });
    }
    Ok(text.to_owned())
}

/// A name that a TLS server answers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerName {
    /// A host name.
    Dns(DnsName),
    /// An IP address.
    Ip(IpAddr),
}

/// A host name in its preferred syntax (RFC 1034 §3.5), in lower case and without wildcards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsName(String);

impl DnsName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DnsName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let good_label = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        };
        // A last label of digits is an IP address that somebody mistyped.
        let numeric = text.rsplit('.').next().is_some_and(|last| last.chars().all(|c| c.is_ascii_digit()));
        if text.len() <= 253 && !numeric && text.split('.').all(good_label) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError::Server { text: text.chars().take(ATTRIBUTE_CHARACTERS_MAX).collect() })
        }
    }
}

impl FromStr for ServerName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        text.parse().map(Self::Ip).or_else(|_| text.parse().map(Self::Dns))
    }
}

impl ServerName {
    pub(crate) fn general_name(&self) -> GeneralName {
        match self {
            Self::Dns(name) => GeneralName::DnsName(
                Ia5String::new(name.as_str()).expect("a host name is ASCII of at most 253 bytes"),
            ),
            Self::Ip(address) => GeneralName::from(*address),
        }
    }
}
