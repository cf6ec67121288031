//! An issuer's keys, as it publishes them (RFC 7517): of each set, those that tokens may be signed with.

use data_encoding::BASE64URL_NOPAD;
use der::asn1::{BitStringRef, UintRef};
use der::{AnyRef, Decode, Sequence};
use model::{KeyError, PublicKey};

use super::issuer::{IssuerKey, KEYS_MAX};
use super::{Claims, ClaimsError};
use crate::encoding;

/// The longest set of keys that is read.
const JWKS_BYTES_MAX: usize = 256 * 1024;

/// The beginning of a SubjectPublicKeyInfo, up to the key's own bytes (RFC 5480, RFC 8410).
const P256: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
];
const P384: &[u8] = &[
    0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81,
    0x04, 0x00, 0x22, 0x03, 0x62, 0x00, 0x04,
];
/// The AlgorithmIdentifier of RSA keys (RFC 3279 §2.3.1).
const RSA: &[u8] =
    &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

/// Why a set of keys cannot be taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JwkError {
    /// Longer than any set.
    #[error("a set of keys of {length} bytes, where at most {JWKS_BYTES_MAX} are read")]
    TooLong {
        /// How long it is.
        length: usize,
    },
    /// Not JSON.
    #[error("the set of keys cannot be read")]
    Json(#[from] ClaimsError),
    /// Not a set.
    #[error("the set of keys has no list `keys`")]
    NoList,
    /// None that a token could be verified with.
    #[error(
        "the set holds no key that tokens are verified with: RSA of 2048, 3072 or 4096 bits, P-256, P-384, Ed25519"
    )]
    NoKey,
    /// Far more than any issuer has.
    #[error("a set of {count} keys, where at most {KEYS_MAX} are taken")]
    TooMany {
        /// How many there are.
        count: usize,
    },
    /// A key of a known kind that is none.
    #[error("key `{key}` of the set is malformed")]
    Malformed {
        /// Its id.
        key: String,
        /// Why.
        #[source]
        source: Option<KeyError>,
    },
}

/// SubjectPublicKeyInfo of an RSA key.
#[derive(Sequence)]
struct RsaSpki<'a> {
    algorithm: AnyRef<'a>,
    key: BitStringRef<'a>,
}

/// RSAPublicKey (RFC 8017 A.1.1).
#[derive(Sequence)]
struct RsaPublicKey<'a> {
    modulus: UintRef<'a>,
    public_exponent: UintRef<'a>,
}

/// The keys of a JSON Web Key Set that tokens may be signed with. Keys for encryption, and kinds that are not
/// verified here, are left out; a malformed one of a known kind is an error.
pub fn parse_jwks(json: &[u8]) -> Result<Vec<IssuerKey>, JwkError> {
    if json.len() > JWKS_BYTES_MAX {
        return Err(JwkError::TooLong { length: json.len() });
    }
    let set = Claims::parse(json)?;
    let list = set.objects("keys").ok_or(JwkError::NoList)?;
    if list.len() > KEYS_MAX {
        return Err(JwkError::TooMany { count: list.len() });
    }
    let keys: Vec<IssuerKey> =
        list.into_iter().filter_map(|key| read(key).transpose()).collect::<Result<_, _>>()?;
    if keys.is_empty() { Err(JwkError::NoKey) } else { Ok(keys) }
}

/// One key; `None` for one of another use or kind.
fn read(jwk: &Claims) -> Result<Option<IssuerKey>, JwkError> {
    if jwk.text("use").is_some_and(|usage| usage != "sig") {
        return Ok(None);
    }
    let id = jwk.text("kid").map(str::to_owned);
    let malformed = |source| JwkError::Malformed {
        key: id.clone().unwrap_or_else(|| "without an id".to_owned()),
        source,
    };
    let part = |name: &str| {
        let text = jwk.text(name).ok_or_else(|| malformed(None))?;
        BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| malformed(None))
    };
    let spki = match (jwk.text("kty"), jwk.text("crv")) {
        (Some("RSA"), _) => rsa(&part("n")?, &part("e")?).ok_or_else(|| malformed(None))?,
        (Some("EC"), Some("P-256")) => {
            point(P256, 32, part("x")?, part("y")?).ok_or_else(|| malformed(None))?
        }
        (Some("EC"), Some("P-384")) => {
            point(P384, 48, part("x")?, part("y")?).ok_or_else(|| malformed(None))?
        }
        (Some("OKP"), Some("Ed25519")) => {
            let raw: [u8; 32] = part("x")?.try_into().map_err(|_| malformed(None))?;
            PublicKey::from_ed25519(&raw).spki().to_vec()
        }
        _ => return Ok(None),
    };
    match PublicKey::from_spki(&spki) {
        Ok(public_key) => Ok(Some(IssuerKey { key: id, public_key })),
        // An RSA key of a size that is not verified here is another kind, not a malformed one.
        Err(KeyError::UnknownAlgorithm) => Ok(None),
        Err(source) => Err(malformed(Some(source))),
    }
}

fn rsa(modulus: &[u8], exponent: &[u8]) -> Option<Vec<u8>> {
    let key =
        RsaPublicKey { modulus: UintRef::new(modulus).ok()?, public_exponent: UintRef::new(exponent).ok()? };
    let key = encoding::der(&key);
    let spki = RsaSpki {
        algorithm: AnyRef::from_der(RSA).expect("this is DER"),
        key: BitStringRef::from_bytes(&key).ok()?,
    };
    Some(encoding::der(&spki))
}

/// Coordinates have the length of the field, leading zeros included (RFC 7518 §6.2.1.2).
fn point(prefix: &[u8], length: usize, x: Vec<u8>, y: Vec<u8>) -> Option<Vec<u8>> {
    (x.len() == length && y.len() == length).then(|| [prefix, &x, &y].concat())
}
