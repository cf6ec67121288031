//! API keys: `avk_<id>_<secret>`, of which the platform keeps the id and a digest.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use data_encoding::{Encoding, Specification};
use model::{Digest, Tag};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const PREFIX: &str = "avk_";
const ID_BYTES: usize = 10;
const SECRET_BYTES: usize = 32;

static BASE32: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str("abcdefghijklmnopqrstuvwxyz234567");
    specification.encoding().expect("thirty-two distinct symbols are a base32 alphabet")
});

/// The public half of an API key: it names the key in lists, logs and messages. Written `avk_<id>`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ApiKeyId([u8; ID_BYTES]);

/// An API key with its secret. It is shown once, when it is made; [`fmt::Debug`] leaves the secret out.
#[derive(Clone)]
pub struct ApiKey {
    id: ApiKeyId,
    secret: [u8; SECRET_BYTES],
}

/// A text that is no API key. The text is not repeated: most of it may be somebody's secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an API key of the form `avk_<id>_<secret>`")]
pub struct NotAnApiKey;

/// A secret that is not the one which belongs to the id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the secret does not belong to this API key")]
pub struct WrongSecret;

impl ApiKeyId {
    /// Takes bytes that are an id already.
    pub const fn new(bytes: [u8; ID_BYTES]) -> Self {
        Self(bytes)
    }

    /// The ten bytes.
    pub const fn as_bytes(&self) -> &[u8; ID_BYTES] {
        &self.0
    }
}

impl ApiKey {
    /// Makes random bytes into an API key: ten of them name it, thirty-two are its secret.
    pub fn from_random(random: &[u8; ID_BYTES + SECRET_BYTES]) -> Self {
        let (mut id, mut secret) = ([0; ID_BYTES], [0; SECRET_BYTES]);
        id.copy_from_slice(&random[..ID_BYTES]);
        secret.copy_from_slice(&random[ID_BYTES..]);
        Self { id: ApiKeyId(id), secret }
    }

    /// Its name.
    pub const fn id(&self) -> ApiKeyId {
        self.id
    }

    /// The whole key as its holder keeps it.
    pub fn expose(&self) -> String {
        format!("{}_{}", self.id, BASE32.encode(&self.secret))
    }

    /// What the platform keeps of it. The secret has 256 random bits, so that one hash is enough.
    pub fn digest(&self) -> Digest {
        Tag::ApiKey.digest(&[&self.id.0, &self.secret])
    }

    /// Holds the secret against what the platform kept, in constant time.
    pub fn verify(&self, kept: &Digest) -> Result<(), WrongSecret> {
        verify_slices_are_equal(self.digest().as_bytes(), kept.as_bytes()).map_err(|_| WrongSecret)
    }
}

impl FromStr for ApiKey {
    type Err = NotAnApiKey;

    fn from_str(text: &str) -> Result<Self, NotAnApiKey> {
        let (id, secret) =
            text.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_')).ok_or(NotAnApiKey)?;
        Ok(Self { id: ApiKeyId(bytes(id)?), secret: bytes(secret)? })
    }
}

impl FromStr for ApiKeyId {
    type Err = NotAnApiKey;

    fn from_str(text: &str) -> Result<Self, NotAnApiKey> {
        bytes(text.strip_prefix(PREFIX).ok_or(NotAnApiKey)?).map(Self)
    }
}

fn bytes<const N: usize>(text: &str) -> Result<[u8; N], NotAnApiKey> {
    // The length is looked at first, so that a long header costs nothing.
    if text.len() != (8 * N).div_ceil(5) {
        return Err(NotAnApiKey);
    }
    BASE32.decode(text.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok()).ok_or(NotAnApiKey)
}

impl fmt::Display for ApiKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", BASE32.encode(&self.0))
    }
}

impl fmt::Debug for ApiKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_…", self.id)
    }
}

impl Serialize for ApiKeyId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ApiKeyId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it stands")]

    use super::*;

    fn key(byte: u8) -> ApiKey {
        ApiKey::from_random(&[byte; 42])
    }

    #[test]
    fn a_key_reads_back_as_it_was_written_and_its_debug_text_keeps_the_secret() {
        let text = key(7).expose();
        assert_eq!(text, "avk_a4dqobyha4dqobyh_a4dqobyha4dqobyha4dqobyha4dqobyha4dqobyha4dqobyha4dq");
        let again: ApiKey = text.parse().unwrap();
        assert_eq!(again.expose(), text);
        assert_eq!(again.id().to_string(), "avk_a4dqobyha4dqobyh");
        assert_eq!(format!("{again:?}"), "avk_a4dqobyha4dqobyh_…");
        assert_eq!("avk_a4dqobyha4dqobyh".parse(), Ok(again.id()));
    }

    #[test]
    fn a_key_verifies_against_its_own_digest_and_against_no_other() {
        let kept = key(7).digest();
        assert_eq!(key(7).verify(&kept), Ok(()));
        assert_eq!(key(8).verify(&kept), Err(WrongSecret));
        for bit in 0..42 * 8 {
            let mut random = [7; 42];
            random[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(ApiKey::from_random(&random).verify(&kept), Err(WrongSecret), "bit {bit}");
        }
    }

    #[test]
    fn a_key_has_one_spelling() {
        let text = key(7).expose();
        for changed in [
            text.to_uppercase(),
            format!(" {text}"),
            format!("{text}="),
            format!("{text}a"),
            text.replacen("avk_", "avk-", 1),
            text.replacen("avk_", "", 1),
            // The last symbol carries bits that no byte has.
            format!("{}r", &text[..text.len() - 1]),
            text[..text.len() - 1].to_owned(),
            text.replace('a', "1"),
            String::new(),
            "avk__".to_owned(),
        ] {
            assert_eq!(changed.parse::<ApiKey>().map(|key| key.expose()), Err(NotAnApiKey), "{changed}");
        }
    }
}
