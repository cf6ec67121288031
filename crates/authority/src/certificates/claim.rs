//! What is asked for: a certificate for whoever holds a token and has a key.

use std::sync::Arc;

use model::{Digest, Instant, PublicKey};
use pki::token::{CertificateNames, IdToken, IssuerKey, TokenIssuer, Trust};
use pki::{Possessed, PossessionError, check_strength};
use signer::HolderOrder;

use super::CertificateError;
use super::view::View;

/// What somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The ID token, as its issuer gave it.
    pub token: Vec<u8>,
    /// That whoever asks has the key.
    pub proof: Proof,
    /// The keys that the token's issuer publishes, where the registry has none of it; else none.
    pub published: Vec<IssuerKey>,
}

/// How it is proven that whoever asks has the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// By a certificate request (PKCS #10) in DER, of which all but the key is ignored.
    Request(Vec<u8>),
    /// By a signature over a name in the token.
    Challenge {
        /// The SubjectPublicKeyInfo.
        key: Vec<u8>,
        /// The signature over the text of the claim.
        signature: Vec<u8>,
    },
}

/// A claim in which everything is proven that can be proven before the key process is asked.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) token: Vec<u8>,
    pub(super) names: CertificateNames,
    pub(super) key: PublicKey,
}

impl Claim {
    /// What the key process remembers the token by.
    pub(super) fn digest(&self) -> Digest {
        HolderOrder::digest_of(&self.token)
    }

    /// Those of the registry; where it has none, those that the issuer publishes.
    fn keys_of<'a>(&'a self, issuer: &'a TokenIssuer) -> &'a [IssuerKey] {
        if issuer.keys.is_empty() { &self.published } else { &issuer.keys }
    }

    /// Believes the token, and that its holder has a key which is worth something.
    pub(super) fn admit(&self, view: &View, now: Instant) -> Result<Admitted, CertificateError> {
        let token =
            IdToken::parse(&self.token).map_err(|source| CertificateError::NotAToken(Arc::new(source)))?;
        let iss = token.issuer().unwrap_or_default();
        let issuer = view.registry.issuers().named(iss).ok_or_else(|| {
            let issuer = iss.chars().filter(|c| !c.is_control()).take(256).collect();
            CertificateError::UnknownIssuer { issuer }
        })?;
        // INVARIANT: whatever the key process takes our word for, we have seen the issuer's signature.
        let verified =
            issuer.verify(&token, Trust::Keys(self.keys_of(issuer)), now).map_err(CertificateError::Token)?;
        let names = verified.names().map_err(CertificateError::Names)?;
        let possession = |source: PossessionError| CertificateError::Possession(Arc::new(source));
        let possessed = match &self.proof {
            Proof::Request(der) => Possessed::by_request(der).map_err(possession)?,
            Proof::Challenge { key, signature } => {
                let key = PublicKey::from_spki(key).map_err(CertificateError::Key)?;
                Possessed::by_challenge(key, &verified.challenge(), signature).map_err(possession)?
            }
        };
        let key = possessed.key().clone();
        check_strength(&key).map_err(CertificateError::Weak)?;
        Ok(Admitted { token: self.token.clone(), names, key })
    }
}
