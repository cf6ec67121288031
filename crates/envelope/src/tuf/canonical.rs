//! Canonical JSON as TUF has it (OLPC): what keys sign. It is not RFC 8785, and where a text holds a line break, it is not
//! even JSON: so a file is spelled as JSON, and what is signed of it is spelled here.

use serde_json::{Map, Value};

/// A value that has no canonical form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a number with a fraction, or one beyond 64 bits, has no canonical form")]
pub struct NotCanonical;

/// How texts are spelled.
#[derive(Clone, Copy)]
enum Spelling {
    /// For keys: only quotes and backslashes are escaped.
    Signed,
    /// For files: JSON.
    File,
}

/// The canonical form of a value.
pub fn canonical(value: &Value) -> Result<Vec<u8>, NotCanonical> {
    let mut text = String::new();
    write(value, Spelling::Signed, &mut text)?;
    Ok(text.into_bytes())
}

/// The same value as JSON, names in the same order: one value, one file.
pub(super) fn file(value: &Value) -> Result<Vec<u8>, NotCanonical> {
    let mut text = String::new();
    write(value, Spelling::File, &mut text)?;
    Ok(text.into_bytes())
}

// The depth is bounded by whoever read the value.
fn write(value: &Value, spelling: Spelling, out: &mut String) -> Result<(), NotCanonical> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) if number.is_i64() || number.is_u64() => out.push_str(&number.to_string()),
        Value::Number(_) => return Err(NotCanonical),
        Value::String(text) => write_text(text, spelling, out),
        Value::Array(values) => {
            out.push('[');
            for (place, value) in values.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                write(value, spelling, out)?;
            }
            out.push(']');
        }
        Value::Object(members) => write_object(members, spelling, out)?,
    }
    Ok(())
}

fn write_object(
    members: &Map<String, Value>,
    spelling: Spelling,
    out: &mut String,
) -> Result<(), NotCanonical> {
    // The map may be in the order of the file.
    let mut sorted: Vec<(&String, &Value)> = members.iter().collect();
    sorted.sort_unstable_by_key(|(name, _)| *name);
    out.push('{');
    for (place, (name, value)) in sorted.into_iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        write_text(name, spelling, out);
        out.push(':');
        write(value, spelling, out)?;
    }
    out.push('}');
    Ok(())
}

fn write_text(text: &str, spelling: Spelling, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match (character, spelling) {
            ('"' | '\\', _) => out.extend(['\\', character]),
            ('\n', Spelling::File) => out.push_str("\\n"),
            (control, Spelling::File) if control < ' ' => {
                out.push_str(&format!("\\u{:04x}", u32::from(control)));
            }
            _ => out.push(character),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn names_are_sorted_and_only_quotes_and_backslashes_are_escaped() {
        let value: Value =
            serde_json::from_str("{\"b\":[1,-2,null,true],\"a\":\"x\\n\\\"\\\\\\u0007é\"}").unwrap();
        let signed = canonical(&value).unwrap();
        assert_eq!(signed, "{\"a\":\"x\n\\\"\\\\\u{7}é\",\"b\":[1,-2,null,true]}".as_bytes());
        let file = file(&value).unwrap();
        assert_eq!(file, "{\"a\":\"x\\n\\\"\\\\\\u0007é\",\"b\":[1,-2,null,true]}".as_bytes());
        assert_eq!(serde_json::from_slice::<Value>(&file).unwrap(), value);
    }

    #[test]
    fn a_fraction_has_no_canonical_form() {
        for text in ["1.5", "[1e3]", "{\"a\":18446744073709551616}"] {
            assert_eq!(canonical(&serde_json::from_str(text).unwrap()), Err(NotCanonical), "{text}");
        }
    }
}
