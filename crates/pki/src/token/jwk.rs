//! An issuer's keys, as it publishes them (RFC 7517): of each set, those that tokens may be signed with.

use data_encoding::BASE64URL_NOPAD;
use model::{Algorithm, KeyError, PublicKey};

use super::issuer::{IssuerKey, KEYS_MAX};
use super::{Claims, ClaimsError};

/// The longest set of keys that is read.
const JWKS_BYTES_MAX: usize = 256 * 1024;

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
    // Coordinates have the length of the field, leading zeros included (RFC 7518 §6.2.1.2).
    let point = |length: usize| {
        let (x, y) = (part("x")?, part("y")?);
        let whole = x.len() == length && y.len() == length;
        if whole { Ok([&[4], x.as_slice(), &y].concat()) } else { Err(malformed(None)) }
    };
    let public_key = match (jwk.text("kty"), jwk.text("crv")) {
        (Some("RSA"), _) => PublicKey::from_rsa(&part("n")?, &part("e")?),
        (Some("EC"), Some("P-256")) => PublicKey::from_point(Algorithm::EcdsaP256, &point(32)?),
        (Some("EC"), Some("P-384")) => PublicKey::from_point(Algorithm::EcdsaP384, &point(48)?),
        (Some("OKP"), Some("Ed25519")) => {
            let raw: [u8; 32] = part("x")?.try_into().map_err(|_| malformed(None))?;
            Ok(PublicKey::from_ed25519(&raw))
        }
        _ => return Ok(None),
    };
    match public_key {
        Ok(public_key) => Ok(Some(IssuerKey { key: id, public_key })),
        // An RSA key of a size that is not verified here is another kind, not a malformed one.
        Err(KeyError::UnknownAlgorithm) => Ok(None),
        Err(source) => Err(malformed(Some(source))),
    }
}
