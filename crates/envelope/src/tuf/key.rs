//! Keys as TUF spells them.

use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use model::{Algorithm, BadSignature, PublicKey};
use serde::Deserialize;

/// A key of somebody's metadata, with how it signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TufKey {
    key: PublicKey,
    padding: Padding,
}

/// How a key of RSA signs; no other key has a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Padding {
    Pss,
    None,
}

/// A key in a file.
#[derive(Debug, Deserialize)]
pub(super) struct Wire {
    keytype: String,
    scheme: String,
    keyval: Public,
}

#[derive(Debug, Deserialize)]
struct Public {
    public: String,
}

const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const END: &str = "-----END PUBLIC KEY-----";

impl TufKey {
    /// The key of a file; `None` for one that nothing is verified with here. It stays in its file, and counts for nobody.
    pub(super) fn read(wire: &Wire) -> Option<Self> {
        let text = wire.keyval.public.trim();
        match (wire.keytype.as_str(), wire.scheme.as_str()) {
            ("ed25519", "ed25519") => {
                let raw = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()?;
                Some(Self { key: PublicKey::from_ed25519(&raw.try_into().ok()?), padding: Padding::None })
            }
            ("ecdsa" | "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256") => {
                Self::ecdsa(text, Algorithm::EcdsaP256)
            }
            ("ecdsa" | "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384") => {
                Self::ecdsa(text, Algorithm::EcdsaP384)
            }
            ("rsa", "rsassa-pss-sha256") => {
                let key = from_pem(text)?;
                key.algorithm().is_rsa().then_some(Self { key, padding: Padding::Pss })
            }
            _ => None,
        }
    }

    fn ecdsa(text: &str, algorithm: Algorithm) -> Option<Self> {
        let key = if text.starts_with(BEGIN) {
            from_pem(text)?
        } else {
            // As old files have it: the point itself.
            let point = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()?;
            PublicKey::from_point(algorithm, &point).ok()?
        };
        (key.algorithm() == algorithm).then_some(Self { key, padding: Padding::None })
    }

    /// Checks a signature.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        match self.padding {
            Padding::None => self.key.verify(message, signature),
            Padding::Pss => self.key.verify_pss(message, signature),
        }
    }

    /// The key.
    pub const fn public_key(&self) -> &PublicKey {
        &self.key
    }
}

/// A public key in PEM (RFC 7468 §13).
pub(super) fn to_pem(key: &PublicKey) -> String {
    let base64 = BASE64.encode(key.spki());
    let mut text = format!("{BEGIN}\n");
    for (place, character) in base64.chars().enumerate() {
        if place > 0 && place % 64 == 0 {
            text.push('\n');
        }
        text.push(character);
    }
    text.push_str(&format!("\n{END}\n"));
    text
}

fn from_pem(text: &str) -> Option<PublicKey> {
    let body = text.strip_prefix(BEGIN)?.strip_suffix(END)?;
    let base64: String = body.chars().filter(|character| !character.is_ascii_whitespace()).collect();
    PublicKey::from_spki(&BASE64.decode(base64.as_bytes()).ok()?).ok()
}
