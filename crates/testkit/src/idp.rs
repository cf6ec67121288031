//! An issuer of ID tokens that a test holds in its hand.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use aws_lc_rs::{rand::SystemRandom, signature::KeyPair as _};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

/// An issuer with one P-256 key.
pub struct IdentityProvider {
    key: EcdsaKeyPair,
    key_id: String,
}

impl IdentityProvider {
    /// One with a new key, which it calls so.
    pub fn new(key_id: &str) -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING);
        Self { key: key.expect("a key can be made"), key_id: key_id.to_owned() }
    }

    /// The keys that it publishes (RFC 7517).
    pub fn jwks(&self) -> Value {
        // An uncompressed point: a byte, then both coordinates.
        let (x, y) = self.key.public_key().as_ref()[1..].split_at(32);
        let (x, y) = (BASE64URL_NOPAD.encode(x), BASE64URL_NOPAD.encode(y));
        json!({"keys": [
            {"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.key_id, "x": x, "y": y},
        ]})
    }

    /// A token with these claims.
    pub fn token(&self, claims: &Value) -> String {
        self.token_with(&json!({"alg": "ES256", "kid": self.key_id, "typ": "JWT"}), claims)
    }

    /// A token with this header, whatever it says, signed as always.
    pub fn token_with(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = self.key.sign(&SystemRandom::new(), signed.as_bytes());
        let signature = signature.expect("a key that was just made works");
        format!("{signed}.{}", BASE64URL_NOPAD.encode(signature.as_ref()))
    }
}
