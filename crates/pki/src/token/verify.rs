//! Is this token its issuer's, for us, and now?

use der::Sequence;
use der::asn1::UintRef;
use model::{Algorithm, BadSignature, Instant};

use super::issuer::{IssuerKey, TokenIssuer};
use super::jws::JwsAlgorithm;
use super::{Claims, IdToken};
use crate::encoding;

/// How far the clocks of issuers may be off, in seconds.
pub const LEEWAY_S: u64 = 5;

/// The longest life of a token that is believed, in seconds: for so long it is remembered for which key it was used.
pub const PERIOD_S_MAX: u64 = 24 * 3_600;

/// By what the signature of a token is known to be the issuer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust<'a> {
    /// By these keys.
    Keys(&'a [IssuerKey]),
    /// By the word of whoever brought it, who has looked.
    Word,
}

/// A token that is its issuer's, for us, and valid at the time at which it was looked at.
#[derive(Debug, Clone)]
pub struct Verified<'a> {
    issuer: &'a TokenIssuer,
    claims: &'a Claims,
    issued: Instant,
    expires: Instant,
}

/// Why a token is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenRefused {
    /// Another issuer's.
    #[error("the token is of the issuer `{found}`, not of `{expected}`")]
    Issuer {
        /// Whose it says to be.
        found: String,
        /// Whose it should be.
        expected: String,
    },
    /// For somebody else.
    #[error(
        "the token is for the audience `{found}`, not for `{expected}`: ask its issuer for one for `{expected}`"
    )]
    Audience {
        /// Whom it is for.
        found: String,
        /// Whom it should be for.
        expected: String,
    },
    /// A claim that must be there.
    #[error("the token has no claim `{claim}`, or one of the wrong kind")]
    Missing {
        /// Which.
        claim: &'static str,
    },
    /// Past its end.
    #[error("the token expired at {at}: ask for a new one")]
    Expired {
        /// Its end.
        at: Instant,
    },
    /// Before its beginning.
    #[error("the token is valid from {at} on: look at the clocks of its issuer and of this host")]
    NotYet {
        /// Its beginning.
        at: Instant,
    },
    /// Valid for longer than anything is remembered.
    #[error("the token is valid for {period_s} s, where at most {PERIOD_S_MAX} are believed")]
    TooLong {
        /// For how long it is.
        period_s: u64,
    },
    /// Signed with a key that its issuer is not known to have.
    #[error("the token is signed with the key `{key}`, which its issuer is not known to have")]
    UnknownKey {
        /// How the token names the key.
        key: String,
    },
    /// Not signed by its issuer.
    #[error("the token's signature is not its issuer's")]
    Signature(#[from] BadSignature),
}

impl TokenIssuer {
    /// Is the token this issuer's, for the audience that its record names, and valid now?
    pub fn verify<'a>(
        &'a self,
        token: &'a IdToken,
        trust: Trust<'_>,
        now: Instant,
    ) -> Result<Verified<'a>, TokenRefused> {
        let claims = &token.claims;
        let iss = token.issuer().ok_or(TokenRefused::Missing { claim: "iss" })?;
        if !self.is_named_by(iss) {
            return Err(TokenRefused::Issuer { found: shown(iss), expected: self.url.clone() });
        }
        // INVARIANT: nothing that a token says is looked at further before its signature was.
        if let Trust::Keys(keys) = trust {
            verify_signature(token, keys)?;
        }
        let audiences = claims.texts("aud");
        if !audiences.contains(&self.audience.as_str()) {
            let found = shown(&audiences.join(", "));
            return Err(TokenRefused::Audience { found, expected: self.audience.clone() });
        }
        let Times { issued, expires } = check_times(claims, now)?;
        Ok(Verified { issuer: self, claims, issued, expires })
    }
}

impl<'a> Verified<'a> {
    /// Whose it is.
    pub const fn issuer(&self) -> &'a TokenIssuer {
        self.issuer
    }

    /// What it says.
    pub const fn claims(&self) -> &'a Claims {
        self.claims
    }

    /// When it was issued, by the clock of its issuer.
    pub const fn issued(&self) -> Instant {
        self.issued
    }

    /// When it ends, leeway included: for so long it has to be remembered.
    pub const fn expires(&self) -> Instant {
        self.expires
    }
}

fn verify_signature(token: &IdToken, keys: &[IssuerKey]) -> Result<(), TokenRefused> {
    let algorithm = token.algorithm;
    let named = |key: &&IssuerKey| match (&key.key, &token.key) {
        (Some(key), Some(named)) => key == named,
        // A set of one key, or a token that names none: the signature decides.
        _ => true,
    };
    let mut fitting =
        keys.iter().filter(named).filter(|key| algorithm.fits(key.public_key.algorithm())).peekable();
    if fitting.peek().is_none() {
        return Err(TokenRefused::UnknownKey { key: shown(token.key().unwrap_or("that it does not name")) });
    }
    let signature = algorithm.signature(&token.signature)?;
    let verifies = |key: &IssuerKey| key.public_key.verify(&token.signed, &signature).is_ok();
    if fitting.any(verifies) { Ok(()) } else { Err(BadSignature.into()) }
}

/// When a token was issued, and its end, leeway included.
struct Times {
    issued: Instant,
    expires: Instant,
}

/// Both ends, each with the leeway.
fn check_times(claims: &Claims, now: Instant) -> Result<Times, TokenRefused> {
    let seconds = |claim: &'static str| claims.seconds(claim).ok_or(TokenRefused::Missing { claim });
    let (issued, expires, now) = (seconds("iat")?, seconds("exp")?, now.seconds());
    let not_before = if claims.has("nbf") { seconds("nbf")?.max(issued) } else { issued };
    let end = expires.saturating_add(LEEWAY_S);
    if end <= now {
        return Err(TokenRefused::Expired { at: instant(expires) });
    }
    if not_before > now.saturating_add(LEEWAY_S) {
        return Err(TokenRefused::NotYet { at: instant(not_before) });
    }
    match expires.saturating_sub(issued) {
        period_s if period_s > PERIOD_S_MAX => Err(TokenRefused::TooLong { period_s }),
        _ => Ok(Times { issued: instant(issued), expires: instant(end) }),
    }
}

/// A time that a token names, as far as it can be shown.
fn instant(seconds: u64) -> Instant {
    Instant::from_seconds(seconds)
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(256).collect()
}

impl JwsAlgorithm {
    const fn fits(self, key: Algorithm) -> bool {
        matches!(
            (self, key),
            (Self::Rs256, Algorithm::Rsa2048 | Algorithm::Rsa3072 | Algorithm::Rsa4096)
                | (Self::Es256, Algorithm::EcdsaP256)
                | (Self::Es384, Algorithm::EcdsaP384)
                | (Self::EdDsa, Algorithm::Ed25519)
        )
    }

    /// The signature as keys verify it: for ECDSA, two numbers of fixed length become DER (RFC 7518 §3.4).
    fn signature(self, raw: &[u8]) -> Result<Vec<u8>, BadSignature> {
        let length = match self {
            Self::Rs256 | Self::EdDsa => return Ok(raw.to_vec()),
            Self::Es256 => 32,
            Self::Es384 => 48,
        };
        if raw.len() != 2 * length {
            return Err(BadSignature);
        }
        let (r, s) = raw.split_at(length);
        let number = |bytes| UintRef::new(bytes).map_err(|_| BadSignature);
        Ok(encoding::der(&EcdsaSignature { r: number(r)?, s: number(s)? }))
    }
}

/// ECDSA-Sig-Value (RFC 3279 §2.2.3).
#[derive(Sequence)]
struct EcdsaSignature<'a> {
    r: UintRef<'a>,
    s: UintRef<'a>,
}
