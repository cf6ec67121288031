//! Writing RFC 8785 JSON in one pass and one buffer.
//!
//! Properties are written in the order in which their type names them, and put into their order where an object ends: most
//! types name them in order, and then there is nothing to be done.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::io::{self, Write};
use std::ops::Range;

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

/// The largest integer that a double holds exactly; up to it, all write integers alike.
const EXACT_MAX: u64 = 1 << 53;

/// Encodes a value.
pub(super) fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, serde_json::Error> {
    let text = RefCell::new(Vec::with_capacity(1024));
    let canonical = Canonical { text: &text, open: Vec::new() };
    value.serialize(&mut Serializer::with_formatter(Text(&text), canonical))?;
    Ok(text.into_inner())
}

/// What was written so far.
struct Text<'a>(&'a RefCell<Vec<u8>>);

impl Write for Text<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write(bytes).map(drop)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Knows where in the text the objects are that have not ended yet.
struct Canonical<'a> {
    text: &'a RefCell<Vec<u8>>,
    open: Vec<Object>,
}

/// An object that has not ended.
struct Object {
    properties: Vec<Property>,
    order: Order,
}

/// Are the properties in order so far?
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Sorted,
    Unsorted,
}

/// Where a property stands in the text: its key with quotation marks, and all of it.
struct Property {
    key: Range<usize>,
    end: usize,
}

impl Canonical<'_> {
    fn at(&self) -> usize {
        self.text.borrow().len()
    }

    fn object(&mut self) -> io::Result<&mut Object> {
        self.open.last_mut().ok_or_else(|| io::Error::other("a property outside of an object"))
    }

    /// What is no integer that all write alike goes the long way.
    fn write_double(&self, number: &impl Serialize) -> io::Result<()> {
        let text = serde_json_canonicalizer::to_vec(number).map_err(io::Error::other)?;
        Text(self.text).write_all(&text)
    }
}

impl Object {
    /// Puts the properties into their order.
    fn sort(&mut self, text: &mut Vec<u8>) -> io::Result<()> {
        let Some(first) = self.properties.first() else { return Ok(()) };
        let begin = first.key.start;
        self.properties.sort_by(|one, other| compare(&text[one.key.clone()], &text[other.key.clone()]));
        let twice = self.properties.windows(2).any(|pair| match pair {
            [one, other] => text[one.key.clone()] == text[other.key.clone()],
            _ => false,
        });
        if twice {
            return Err(io::Error::other("an object has a property twice"));
        }
        let mut sorted = Vec::with_capacity(text.len() - begin);
        for property in &self.properties {
            if !sorted.is_empty() {
                sorted.push(b',');
            }
            sorted.extend_from_slice(&text[property.key.start..property.end]);
        }
        text.truncate(begin);
        text.append(&mut sorted);
        Ok(())
    }
}

/// The order of properties: by the UTF-16 of their names (RFC 8785 §3.2.3).
fn compare(one: &[u8], other: &[u8]) -> Ordering {
    let is_plain = |key: &[u8]| key.iter().all(|byte| byte.is_ascii() && *byte != b'\\');
    if is_plain(one) && is_plain(other) {
        // The quotation mark that ends a name must not be compared with what stands there in a longer one.
        return name(one).cmp(name(other));
    }
    let units = |key: &[u8]| {
        let name: String = serde_json::from_slice(key).expect("a name that was just written");
        name.encode_utf16().collect::<Vec<u16>>()
    };
    units(one).cmp(&units(other))
}

/// A key without its quotation marks.
fn name(key: &[u8]) -> &[u8] {
    key.get(1..key.len() - 1).unwrap_or_default()
}

impl Formatter for Canonical<'_> {
    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.open.push(Object { properties: Vec::new(), order: Order::Sorted });
        writer.write_all(b"{")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if !first {
            writer.write_all(b",")?;
        }
        let at = self.at();
        self.object()?.properties.push(Property { key: at..at, end: at });
        Ok(())
    }

    fn end_object_key<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        let (at, text) = (self.at(), self.text);
        let object = self.object()?;
        if let Some(last) = object.properties.last_mut() {
            last.key.end = at;
        }
        if let [.., before, last] = object.properties.as_slice() {
            let text = text.borrow();
            if compare(&text[before.key.clone()], &text[last.key.clone()]) != Ordering::Less {
                object.order = Order::Unsorted;
            }
        }
        Ok(())
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        let at = self.at();
        if let Some(last) = self.object()?.properties.last_mut() {
            last.end = at;
        }
        Ok(())
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        let mut object =
            self.open.pop().ok_or_else(|| io::Error::other("an object ends that did not begin"))?;
        if object.order == Order::Unsorted {
            object.sort(&mut self.text.borrow_mut())?;
        }
        writer.write_all(b"}")
    }

    fn write_i64<W: ?Sized + Write>(&mut self, writer: &mut W, value: i64) -> io::Result<()> {
        if value.unsigned_abs() <= EXACT_MAX { write!(writer, "{value}") } else { self.write_double(&value) }
    }

    fn write_u64<W: ?Sized + Write>(&mut self, writer: &mut W, value: u64) -> io::Result<()> {
        if value <= EXACT_MAX { write!(writer, "{value}") } else { self.write_double(&value) }
    }

    fn write_i128<W: ?Sized + Write>(&mut self, _: &mut W, value: i128) -> io::Result<()> {
        self.write_double(&value)
    }

    fn write_u128<W: ?Sized + Write>(&mut self, _: &mut W, value: u128) -> io::Result<()> {
        self.write_double(&value)
    }

    fn write_f32<W: ?Sized + Write>(&mut self, _: &mut W, value: f32) -> io::Result<()> {
        self.write_double(&value)
    }

    fn write_f64<W: ?Sized + Write>(&mut self, _: &mut W, value: f64) -> io::Result<()> {
        self.write_double(&value)
    }

    fn write_number_str<W: ?Sized + Write>(&mut self, _: &mut W, value: &str) -> io::Result<()> {
        self.write_double(&value.parse::<f64>().map_err(io::Error::other)?)
    }

    fn write_raw_fragment<W: ?Sized + Write>(&mut self, _: &mut W, _: &str) -> io::Result<()> {
        Err(io::Error::other("a piece of JSON that was written elsewhere"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use proptest::prelude::*;
    use serde_json::{Map, Number, Value};

    use super::*;

    /// JSON of any shape: names that need escapes, and that sort otherwise in UTF-8 than in UTF-16, among them.
    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_filter_map("finite", Number::from_f64).prop_map(Value::Number),
            "\\PC*|[\u{0}-\u{ff}\u{e000}\u{10000}]*".prop_map(Value::String),
        ];
        leaf.prop_recursive(4, 64, 8, |inner| {
            let name = "[a-c\"\\\\\n/\u{7f}é\u{e000}\u{fb33}\u{10000}]{0,3}";
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::Array),
                prop::collection::vec((name, inner), 0..8)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect::<Map<_, _>>())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_another_implementation_writes(value in any_json()) {
            prop_assert_eq!(to_vec(&value).unwrap(), serde_json_canonicalizer::to_vec(&value).unwrap());
        }
    }

    #[test]
    fn properties_of_a_type_stand_in_their_order_however_deep_and_whatever_their_values() {
        #[derive(Serialize)]
        struct Inner {
            ab: u64,
            a: &'static str,
        }
        #[derive(Serialize)]
        struct Outer {
            z: Vec<Inner>,
            m: Inner,
            a: Option<Inner>,
        }
        let inner = || Inner { ab: 1 << 53, a: "}\",{" };
        let outer = Outer { z: vec![inner(), inner()], m: inner(), a: None };
        let text = String::from_utf8(to_vec(&outer).unwrap()).unwrap();
        let one = r#"{"a":"}\",{","ab":9007199254740992}"#;
        assert_eq!(text, format!(r#"{{"a":null,"m":{one},"z":[{one},{one}]}}"#));
    }

    #[test]
    fn an_object_that_has_a_property_twice_is_not_written() {
        struct Twice;
        impl Serialize for Twice {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_map([("a", 1), ("b", 2), ("a", 3)])
            }
        }
        assert!(to_vec(&Twice).is_err());
    }
}
