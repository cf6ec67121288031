//! The spelling of protobuf in JSON (protojson), as far as Sigstore's files use it: 64-bit integers are strings,
//! and `null` is the same as absence.

use model::Hash;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// How protobuf spells a hash (`HashAlgorithm`).
pub(crate) const fn hash_name(hash: Hash) -> &'static str {
    match hash {
        Hash::Sha384 => "SHA2_384",
        Hash::Sha512 => "SHA2_512",
        _ => "SHA2_256",
    }
}

/// An unsigned reading of `int64`: written as a string, read from a string or a number. Negative values are not
/// values here.
pub(crate) mod int64 {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Spelling {
        Text(String),
        Number(u64),
    }

    pub(crate) fn serialize<S: Serializer>(value: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let value = match Spelling::deserialize(deserializer)? {
            Spelling::Number(number) => Some(number),
            Spelling::Text(text) => text.parse().ok().filter(|number: &u64| number.to_string() == text),
        };
        // Nothing beyond int64 exists in protobuf.
        value
            .filter(|number| i64::try_from(*number).is_ok())
            .ok_or_else(|| D::Error::custom("not an unsigned decimal integer below 2^63"))
    }
}

/// For lists and integers: `null` stands for the empty value.
pub(crate) fn absent_if_null<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A list of at most `N` elements; `null` stands for the empty one.
pub(crate) fn list_of_at_most<'de, const N: usize, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let list: Vec<T> = absent_if_null(deserializer)?;
    if list.len() > N {
        return Err(D::Error::custom(format_args!("{} elements in a list of at most {N}", list.len())));
    }
    Ok(list)
}
