//! The compact form of a token: header, claims and signature, each in unpadded base64url (RFC 7515 §3.1).

use data_encoding::BASE64URL_NOPAD;
use model::limits::ID_TOKEN_BYTES_MAX;

use super::{Claims, ClaimsError};

/// A token that was read. Nothing in it is believed yet.
#[derive(Debug, Clone)]
pub struct IdToken {
    pub(super) algorithm: JwsAlgorithm,
    /// Which of the issuer's keys signed it, as it says.
    pub(super) key: Option<String>,
    pub(super) claims: Claims,
    /// Header and claims as they were received: what the signature is over.
    pub(super) signed: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

/// How a token says that it is signed (RFC 7518 §3.1); none of those that need no private key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JwsAlgorithm {
    Rs256,
    Es256,
    Es384,
    EdDsa,
}

/// Why bytes are no token that could ever be believed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Longer than any token.
    #[error("a token of {length} bytes, where at most {ID_TOKEN_BYTES_MAX} are read")]
    TooLong {
        /// How long it is.
        length: usize,
    },
    /// Not three parts with dots between them.
    #[error("not an ID token: it must be three parts of base64url with dots between them")]
    NotCompact,
    /// A part that is not base64url.
    #[error("the token's {part} is not unpadded base64url")]
    Encoding {
        /// Which part.
        part: &'static str,
    },
    /// A part that is no JSON object, or has a name twice.
    #[error("the token's {part} cannot be read")]
    Json {
        /// Which part.
        part: &'static str,
        /// Why.
        #[source]
        source: ClaimsError,
    },
    /// An algorithm by which anybody could have made the token, or that is not verified here.
    #[error(
        "the token says that it is signed with `{algorithm}`; RS256, ES256, ES384 and EdDSA are believed, and never `none` or a shared secret"
    )]
    Algorithm {
        /// What it says.
        algorithm: String,
    },
    /// Header parameters that must be understood and are not.
    #[error("the token's header asks for `{parameter}`, which is not understood here")]
    Critical {
        /// Which parameter.
        parameter: &'static str,
    },
}

impl IdToken {
    /// Reads a token in compact form.
    pub fn parse(compact: &[u8]) -> Result<Self, TokenError> {
        if compact.len() > ID_TOKEN_BYTES_MAX {
            return Err(TokenError::TooLong { length: compact.len() });
        }
        let mut parts = compact.split(|byte| *byte == b'.');
        let (Some(header), Some(claims), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(TokenError::NotCompact);
        };
        let signed = compact.get(..header.len() + 1 + claims.len()).ok_or(TokenError::NotCompact)?.to_vec();
        let header = json("header", header)?;
        let algorithm = algorithm(&header)?;
        let key = header.text("kid").map(str::to_owned);
        let signature = decode("signature", signature)?;
        Ok(Self { algorithm, key, claims: json("claims", claims)?, signed, signature })
    }

    /// The issuer that the token names.
    pub fn issuer(&self) -> Option<&str> {
        self.claims.text("iss")
    }

    /// What it says, believed by nobody yet: for whoever brings it and wants to know what is in it.
    pub const fn unverified(&self) -> &Claims {
        &self.claims
    }

    /// Which of the issuer's keys signed it, as it says.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }
}

fn algorithm(header: &Claims) -> Result<JwsAlgorithm, TokenError> {
    // A parameter that must be understood, and another way of taking the claims: both change what was signed.
    for parameter in ["crit", "b64", "zip"] {
        if header.has(parameter) {
            return Err(TokenError::Critical { parameter });
        }
    }
    match header.text("alg") {
        Some("RS256") => Ok(JwsAlgorithm::Rs256),
        Some("ES256") => Ok(JwsAlgorithm::Es256),
        Some("ES384") => Ok(JwsAlgorithm::Es384),
        Some("EdDSA") => Ok(JwsAlgorithm::EdDsa),
        other => {
            Err(TokenError::Algorithm { algorithm: other.unwrap_or("nothing").chars().take(32).collect() })
        }
    }
}

fn json(part: &'static str, text: &[u8]) -> Result<Claims, TokenError> {
    Claims::parse(&decode(part, text)?).map_err(|source| TokenError::Json { part, source })
}

fn decode(part: &'static str, text: &[u8]) -> Result<Vec<u8>, TokenError> {
    BASE64URL_NOPAD.decode(text).map_err(|_| TokenError::Encoding { part })
}
