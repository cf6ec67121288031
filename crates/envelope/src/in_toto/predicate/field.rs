//! A value of a predicate, with where it stands: what a schema says of it, in few words.

use std::collections::BTreeSet;

use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use serde_json::{Map, Value};

use super::PredicateError;
use crate::in_toto::json::{escaped, shown};

/// A value, and its JSON pointer.
#[derive(Debug, Clone)]
pub(super) struct Field<'a> {
    pointer: String,
    value: &'a Value,
}

pub(super) type Checked<T = ()> = Result<T, PredicateError>;

impl<'a> Field<'a> {
    /// The whole predicate.
    pub(super) const fn whole(value: &'a Value) -> Self {
        Self { pointer: String::new(), value }
    }

    /// Says what belongs here instead.
    pub(super) fn other(&self, expected: impl Into<String>) -> PredicateError {
        let found = match self.value {
            Value::Null => "null".to_owned(),
            Value::Bool(value) => value.to_string(),
            Value::Number(number) => number.to_string(),
            Value::String(text) => format!("`{}`", shown(text)),
            Value::Array(list) if list.is_empty() => "an empty list".to_owned(),
            Value::Array(_) => "a list".to_owned(),
            Value::Object(_) => "an object".to_owned(),
        };
        PredicateError::Other { pointer: self.place(), found, expected: expected.into() }
    }

    /// Says that something of this name was there before.
    pub(super) fn twice(&self, found: &str) -> PredicateError {
        PredicateError::Twice { pointer: self.place(), found: shown(found) }
    }

    fn place(&self) -> String {
        if self.pointer.is_empty() { "/".to_owned() } else { self.pointer.clone() }
    }

    fn object(&self) -> Checked<&'a Map<String, Value>> {
        self.value.as_object().ok_or_else(|| self.other("an object"))
    }

    fn below(&self, name: &str, value: &'a Value) -> Self {
        Self { pointer: format!("{}/{}", self.pointer, escaped(name)), value }
    }

    /// A field that must be there.
    pub(super) fn required(&self, name: &str) -> Checked<Self> {
        let value = self.object()?.get(name).filter(|value| !value.is_null());
        let pointer = || format!("{}/{}", self.pointer, escaped(name));
        value
            .map(|value| self.below(name, value))
            .ok_or_else(|| PredicateError::Missing { pointer: pointer() })
    }

    /// A field that may be there; `null`, as many write it, is the same as absence.
    pub(super) fn optional(&self, name: &str) -> Checked<Option<Self>> {
        let value = self.object()?.get(name).filter(|value| !value.is_null());
        Ok(value.map(|value| self.below(name, value)))
    }

    /// Something about a field, if it is there.
    pub(super) fn if_there(&self, name: &str, check: impl FnOnce(&Self) -> Checked) -> Checked {
        self.optional(name)?.map_or(Ok(()), |field| check(&field))
    }

    /// The elements of a list that may be there.
    pub(super) fn elements(&self, name: &str) -> Checked<Vec<Self>> {
        self.optional(name)?.map_or(Ok(Vec::new()), |list| list.list())
    }

    /// The elements of a list that must have some.
    pub(super) fn some_elements(&self, name: &str) -> Checked<Vec<Self>> {
        let list = self.required(name)?;
        let elements = list.list()?;
        if elements.is_empty() { Err(list.other("a list that is not empty")) } else { Ok(elements) }
    }

    /// The elements of this list.
    pub(super) fn list(&self) -> Checked<Vec<Self>> {
        let list = self.value.as_array().ok_or_else(|| self.other("a list"))?;
        let element = |(index, value)| Self { pointer: format!("{}/{index}", self.pointer), value };
        Ok(list.iter().enumerate().map(element).collect())
    }

    /// The fields of this object.
    pub(super) fn fields(&self) -> Checked<Vec<(&'a str, Self)>> {
        Ok(self.object()?.iter().map(|(name, value)| (name.as_str(), self.below(name, value))).collect())
    }

    /// It is an object.
    pub(super) fn is_object(&self) -> Checked {
        self.object().map(drop)
    }

    /// It is text, which may be empty.
    pub(super) fn text(&self) -> Checked<&'a str> {
        self.value.as_str().ok_or_else(|| self.other("text"))
    }

    /// It is the text itself, where it is text at all.
    pub(super) fn as_text(&self) -> Option<&'a str> {
        self.value.as_str()
    }

    /// It is text, and not empty.
    pub(super) fn named(&self) -> Checked<&'a str> {
        let text = self.text()?;
        if text.trim().is_empty() { Err(self.other("text that says something")) } else { Ok(text) }
    }

    /// It is one of these words.
    pub(super) fn word(&self, words: &[&str]) -> Checked<&'a str> {
        let text = self.text()?;
        if words.contains(&text) {
            return Ok(text);
        }
        Err(self.other(if words.len() == 1 {
            format!("`{}`", words.join(""))
        } else {
            format!("one of {}", words.join(", "))
        }))
    }

    /// It is a URI.
    pub(super) fn uri(&self) -> Checked<&'a str> {
        let text = self.text()?;
        if is_uri(text) { Ok(text) } else { Err(self.other("a URI")) }
    }

    /// It is a time.
    pub(super) fn time(&self) -> Checked {
        let text = self.text()?;
        if is_time(text) { Ok(()) } else { Err(self.other("a time of RFC 3339")) }
    }

    /// It is a whole number from this one on.
    pub(super) fn number_from(&self, least: u64) -> Checked {
        let is_one = self.value.as_u64().is_some_and(|number| number >= least);
        if is_one { Ok(()) } else { Err(self.other(format!("a whole number from {least} on"))) }
    }

    /// It is text in hexadecimal, of so many digits if that is known.
    pub(super) fn hexadecimal(&self, digits: Option<usize>) -> Checked {
        let text = self.text()?;
        let is_hexadecimal = !text.is_empty() && HEXLOWER_PERMISSIVE.decode(text.as_bytes()).is_ok();
        match digits {
            Some(digits) if !is_hexadecimal || text.len() != digits => {
                Err(self.other(format!("{digits} digits of hexadecimal")))
            }
            None if !is_hexadecimal => Err(self.other("a digest in hexadecimal")),
            _ => Ok(()),
        }
    }

    /// It is text in base64.
    pub(super) fn base64(&self) -> Checked {
        let text = self.text()?;
        if BASE64.decode(text.as_bytes()).is_ok() { Ok(()) } else { Err(self.other("base64")) }
    }

    /// Each element is text.
    pub(super) fn texts(&self) -> Checked {
        self.list()?.iter().try_for_each(|element| element.text().map(drop))
    }
}

/// Names that may occur once.
#[derive(Debug, Default)]
pub(super) struct Once<'a>(BTreeSet<&'a str>);

impl<'a> Once<'a> {
    /// Takes a name that was not there before.
    pub(super) fn take(&mut self, field: &Field<'a>) -> Checked {
        let name = field.named()?;
        if self.0.insert(name) { Ok(()) } else { Err(field.twice(name)) }
    }
}

/// A scheme, a colon, and visible characters after it (RFC 3986 §3).
pub(super) fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    scheme.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
        && scheme.bytes().all(is_scheme)
        && !rest.is_empty()
        && !rest.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// A date, a time, and its distance from UTC (RFC 3339 §5.6). Of the year 1, too: it is what some write for none.
fn is_time(text: &str) -> bool {
    let Some((local, rest)) = text.split_at_checked(19) else { return false };
    let shape = |(index, byte): (usize, u8)| match index {
        4 | 7 => byte == b'-',
        10 => matches!(byte, b'T' | b't' | b' '),
        13 | 16 => byte == b':',
        _ => byte.is_ascii_digit(),
    };
    if !local.bytes().enumerate().all(shape) {
        return false;
    }
    let within = |at: usize, range: std::ops::RangeInclusive<u8>| {
        local
            .get(at..at + 2)
            .and_then(|digits| digits.parse().ok())
            .is_some_and(|number| range.contains(&number))
    };
    let is_day = within(5, 1..=12) && within(8, 1..=31);
    let is_hour = within(11, 0..=23) && within(14, 0..=59) && within(17, 0..=60);
    is_day && is_hour && is_offset(rest)
}

/// What follows the seconds: perhaps a fraction, then the distance from UTC.
fn is_offset(rest: &str) -> bool {
    let offset = match rest.strip_prefix('.') {
        None => rest,
        Some(fraction) => {
            let offset = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            if offset.len() == fraction.len() {
                return false;
            }
            offset
        }
    };
    match offset.as_bytes() {
        [b'Z' | b'z'] => true,
        [b'+' | b'-', h1, h2, b':', m1, m2] => [h1, h2, m1, m2].into_iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_day_an_hour_and_a_distance_from_utc() {
        for good in [
            "2026-11-20T09:06:42Z",
            "2026-11-20T09:06:42.123456789+01:00",
            "2026-11-20t09:06:42z",
            "0001-01-01T00:00:00Z",
        ] {
            assert!(is_time(good), "{good}");
        }
        for bad in [
            "",
            "2026-11-20",
            "2026-11-20T09:06:42",
            "2026-13-20T09:06:42Z",
            "2026-11-20T09:06:42.Z",
            "2026-11-20T09:06:42.1.2Z",
            "2026-11-20T09:06:42+1:00",
        ] {
            assert!(!is_time(bad), "{bad}");
        }
    }
}
