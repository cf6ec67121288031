//! JSON as strangers write it, read once and strictly: UTF-8, no name twice in an object, bounded in depth and number
//! of values. Which of two values of one name counts would be anybody's guess, and two readers would guess otherwise.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// How deep values may stand in each other: bills of materials nest components a few times.
pub const DEPTH_MAX: usize = 64;

/// How many values there may be: a bill of materials of the greatest length has fewer.
pub const VALUES_MAX: usize = 1 << 20;

/// Characters of a stranger's text that a message shows.
const SHOWN_MAX: usize = 64;

/// Why bytes are not JSON that is read here.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// Bytes that are no text.
    #[error("it is not UTF-8 from byte {at} on")]
    NotUtf8 {
        /// The first that is none.
        at: usize,
    },
    /// Text that is no JSON, or a name twice, or too deep, or too much.
    #[error("it is not JSON that can be relied on")]
    Json(#[source] serde_json::Error),
}

/// Reads one value, and nothing after it.
pub(super) fn read(bytes: &[u8]) -> Result<Value, JsonError> {
    let text = str::from_utf8(bytes).map_err(|cause| JsonError::NotUtf8 { at: cause.valid_up_to() })?;
    let left = Cell::new(VALUES_MAX);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let whole = Strict { at: &Step::Whole, depth: 0, left: &left };
    let value = whole.deserialize(&mut deserializer).map_err(JsonError::Json)?;
    deserializer.end().map_err(JsonError::Json)?;
    Ok(value)
}

/// What of a stranger's text may stand in a message.
pub(super) fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(SHOWN_MAX).collect()
}

/// A name in a JSON pointer (RFC 6901 §3).
pub(super) fn escaped(name: &str) -> String {
    shown(name).replace('~', "~0").replace('/', "~1")
}

/// Where a value stands while it is read.
enum Step<'a> {
    Whole,
    Field(&'a Step<'a>, &'a str),
    Element(&'a Step<'a>, usize),
}

impl fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => Ok(()),
            Self::Field(parent, name) => write!(f, "{parent}/{}", escaped(name)),
            Self::Element(parent, index) => write!(f, "{parent}/{index}"),
        }
    }
}

/// Reads a value at a place.
struct Strict<'a> {
    at: &'a Step<'a>,
    depth: usize,
    /// How many values may still come.
    left: &'a Cell<usize>,
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        if self.depth > DEPTH_MAX {
            let message =
                format_args!("`{}` stands deeper than the {DEPTH_MAX} levels that are read", self.at);
            return Err(D::Error::custom(message));
        }
        let left = self.left.get().checked_sub(1);
        self.left.set(left.ok_or_else(|| {
            D::Error::custom(format_args!("there are more than the {VALUES_MAX} values that are read"))
        })?);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut elements = Vec::new();
        loop {
            let at = Step::Element(self.at, elements.len());
            match list.next_element_seed(Strict { at: &at, depth: self.depth + 1, left: self.left })? {
                Some(element) => elements.push(element),
                None => return Ok(Value::Array(elements)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            let at = Step::Field(self.at, &name);
            if fields.contains_key(&name) {
                return Err(A::Error::custom(format_args!("`{at}` is there twice")));
            }
            let value = map.next_value_seed(Strict { at: &at, depth: self.depth + 1, left: self.left })?;
            fields.insert(name, value);
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use std::error::Error as _;

    use super::*;

    fn fault(text: &[u8]) -> String {
        let error = read(text).unwrap_err();
        error.source().map_or_else(|| error.to_string(), ToString::to_string)
    }

    #[test]
    fn a_value_is_read_as_it_stands() {
        let text = br#" {"a":[1,-2,0.5,true,null,"x"],"b":{}} "#;
        assert_eq!(read(text).unwrap(), serde_json::from_slice::<Value>(text).unwrap());
    }

    #[test]
    fn a_name_that_is_there_twice_is_refused_where_it_stands() {
        assert!(fault(br#"{"a":[{"b/c":1,"b/c":1}]}"#).contains("`/a/0/b~1c` is there twice"));
        // Spelt otherwise it is the same name.
        assert!(fault(br#"{"a":1,"\u0061":2}"#).contains("`/a` is there twice"));
    }

    #[test]
    fn what_is_too_deep_too_much_no_text_or_followed_by_something_is_refused() {
        let nested = |depth: usize| [vec![b'['; depth], vec![b']'; depth]].concat();
        assert!(read(&nested(DEPTH_MAX + 1)).is_ok());
        assert!(fault(&nested(DEPTH_MAX + 2)).contains("deeper than the 64 levels"));
        let many = format!("[{}0]", "0,".repeat(VALUES_MAX));
        assert!(fault(many.as_bytes()).contains("more than the 1048576 values"));
        assert_eq!(fault(b"[\"\xff\"]"), "it is not UTF-8 from byte 2 on");
        assert!(fault(b"{} {}").contains("trailing characters"));
    }
}
