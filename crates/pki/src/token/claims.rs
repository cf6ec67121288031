//! The claims of a token: a JSON object in which every name stands once.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

/// How deep claims may nest.
const DEPTH_MAX: usize = 8;

/// The claims of a token, or of a part of one.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Claims(BTreeMap<String, Claim>);

/// The value of a claim.
#[derive(Debug, Clone, PartialEq)]
enum Claim {
    Null,
    Bool(bool),
    /// A number, as the text that JSON has for it: nothing is calculated with it but whole seconds.
    Number(serde_json::Number),
    Text(String),
    List(Vec<Self>),
    Object(Claims),
}

/// Why bytes are no claims.
#[derive(Debug, thiserror::Error)]
#[error("the token's JSON cannot be read")]
pub struct ClaimsError(#[from] serde_json::Error);

impl Claims {
    /// Reads a JSON object; a name that stands twice is refused, because two readers may take different ones.
    pub fn parse(json: &[u8]) -> Result<Self, ClaimsError> {
        Ok(serde_json::from_slice(json)?)
    }

    /// A claim that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.text()
    }

    /// A claim that is a text, number or truth value, as a text. Nothing else has one spelling.
    pub fn scalar(&self, name: &str) -> Option<String> {
        match self.0.get(name)? {
            Claim::Text(text) => Some(text.clone()),
            Claim::Number(number) => Some(number.to_string()),
            Claim::Bool(value) => Some(value.to_string()),
            Claim::Null | Claim::List(_) | Claim::Object(_) => None,
        }
    }

    /// A claim that is `true`, or the text `true`, which some issuers write for it.
    pub fn is_true(&self, name: &str) -> bool {
        matches!(self.0.get(name), Some(Claim::Bool(true)))
            || matches!(self.0.get(name), Some(Claim::Text(text)) if text == "true")
    }

    /// A claim that is a time in seconds since 1970; fractions are cut off (RFC 7519 §2, NumericDate).
    pub fn seconds(&self, name: &str) -> Option<u64> {
        let Claim::Number(number) = self.0.get(name)? else { return None };
        match number.as_u64() {
            Some(seconds) => Some(seconds),
            None => number.to_string().split_once('.').and_then(|(whole, _)| whole.parse().ok()),
        }
    }

    /// A claim that is an object.
    pub fn object(&self, name: &str) -> Option<&Self> {
        self.0.get(name)?.object()
    }

    /// A claim that is a list of objects.
    pub fn objects(&self, name: &str) -> Option<Vec<&Self>> {
        let Claim::List(list) = self.0.get(name)? else { return None };
        list.iter().map(Claim::object).collect()
    }

    /// A claim that is a text or a list of texts (`aud`, RFC 7519 §4.1.3).
    pub fn texts(&self, name: &str) -> Vec<&str> {
        match self.0.get(name) {
            Some(Claim::Text(text)) => vec![text],
            Some(Claim::List(list)) => {
                // One that is no text is somebody else's audience, and no reason to take none for one.
                list.iter().filter_map(Claim::text).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The text at the end of a path of names, `$.federated_claims.connector_id`.
    pub fn at(&self, path: &str) -> Option<&str> {
        let mut names = path.strip_prefix("$.")?.split('.').peekable();
        let mut claims = self;
        while let Some(name) = names.next() {
            if names.peek().is_none() {
                return claims.text(name);
            }
            claims = claims.object(name)?;
        }
        None
    }

    /// Is there such a claim, of any kind?
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

impl Claim {
    fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    const fn object(&self) -> Option<&Claims> {
        if let Self::Object(claims) = self { Some(claims) } else { None }
    }
}

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_any(Depth(DEPTH_MAX))? {
            Claim::Object(claims) => Ok(claims),
            _ => Err(D::Error::custom("not an object")),
        }
    }
}

/// Reads a value, of which so many levels may follow.
#[derive(Clone, Copy)]
struct Depth(usize);

impl Depth {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        self.0.checked_sub(1).map(Self).ok_or_else(|| E::custom("nested too deep"))
    }
}

impl<'de> serde::de::DeserializeSeed<'de> for Depth {
    type Value = Claim;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Claim, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Depth {
    type Value = Claim;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of JSON")
    }

    fn visit_unit<E>(self) -> Result<Claim, E> {
        Ok(Claim::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Claim, E> {
        Ok(Claim::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Claim, E> {
        Ok(Claim::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Claim, E> {
        Ok(Claim::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Claim, E> {
        serde_json::Number::from_f64(value)
            .map(Claim::Number)
            .ok_or_else(|| E::custom("a number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Claim, E> {
        Ok(Claim::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Claim, A::Error> {
        let depth = self.deeper()?;
        let mut all = Vec::new();
        while let Some(one) = list.next_element_seed(depth)? {
            all.push(one);
        }
        Ok(Claim::List(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Claim, A::Error> {
        let depth = self.deeper()?;
        let mut claims = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = map.next_value_seed(depth)?;
            if claims.insert(name, value).is_some() {
                return Err(A::Error::custom("a name stands twice in one object"));
            }
        }
        Ok(Claim::Object(Claims(claims)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    fn claims(json: &str) -> Claims {
        Claims::parse(json.as_bytes()).unwrap()
    }

    #[test]
    fn a_claim_that_stands_twice_is_refused_at_every_depth() {
        for json in [r#"{"sub":"a","sub":"b"}"#, r#"{"a":{"b":1,"b":2}}"#, r#"{"a":[{"b":1,"b":1}]}"#] {
            assert!(Claims::parse(json.as_bytes()).is_err(), "{json}");
        }
    }

    #[test]
    fn what_is_no_object_or_nests_too_deep_is_refused() {
        for json in ["[]", "1", "\"a\"", "", "{} {}", "{\"a\":[[[[[[[[[1]]]]]]]]]}"] {
            assert!(Claims::parse(json.as_bytes()).is_err(), "{json}");
        }
    }

    #[test]
    fn scalars_have_one_spelling_and_the_rest_has_none() {
        let claims = claims(r#"{"text":"x","number":12,"truth":true,"null":null,"list":["x"],"object":{}}"#);
        assert_eq!(claims.scalar("text").as_deref(), Some("x"));
        assert_eq!(claims.scalar("number").as_deref(), Some("12"));
        assert_eq!(claims.scalar("truth").as_deref(), Some("true"));
        for name in ["null", "list", "object", "absent"] {
            assert_eq!(claims.scalar(name), None, "{name}");
        }
    }

    #[test]
    fn an_audience_is_a_text_or_a_list_of_texts() {
        assert_eq!(claims(r#"{"aud":"sigstore"}"#).texts("aud"), ["sigstore"]);
        assert_eq!(claims(r#"{"aud":["a",1,"sigstore"]}"#).texts("aud"), ["a", "sigstore"]);
        assert!(claims(r#"{"aud":{"sigstore":1}}"#).texts("aud").is_empty());
    }

    #[test]
    fn a_path_ends_at_a_text() {
        let claims = claims(r#"{"federated_claims":{"connector_id":"https://github.com","n":1}}"#);
        assert_eq!(claims.at("$.federated_claims.connector_id"), Some("https://github.com"));
        for path in
            ["$.federated_claims", "$.federated_claims.n", "federated_claims.connector_id", "$.", "$.a.b"]
        {
            assert_eq!(claims.at(path), None, "{path}");
        }
    }

    #[test]
    fn a_time_is_whole_seconds_and_never_a_text_or_negative() {
        let claims = claims(r#"{"whole":1700000000,"part":1700000000.75,"text":"1700000000","before":-1}"#);
        assert_eq!(claims.seconds("whole"), Some(1_700_000_000));
        assert_eq!(claims.seconds("part"), Some(1_700_000_000));
        assert_eq!(claims.seconds("text"), None);
        assert_eq!(claims.seconds("before"), None);
    }
}
