//! `pkcs11:` URIs (RFC 7512): which hardware token, behind which module, and in which file its PIN stands.
//!
//! What RFC 7512 knows and this reader refuses, by name: objects (avouch names its keys itself), PINs in the URI,
//! commands that print a PIN, modules without a path. Whatever it does not know it refuses as well.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The longest URI: two paths, and four fields that PKCS #11 bounds.
const URI_BYTES_MAX: usize = 4 * 1024;
/// The longest path in one.
const PATH_BYTES_MAX: usize = 1_024;

/// A `pkcs11:` URI that names one hardware token.
#[derive(Clone, PartialEq, Eq)]
pub struct Pkcs11Uri {
    text: String,
    select: Select,
    module: PathBuf,
    pin_file: PathBuf,
}

/// What a token must say of itself to be the one. What is `None` may be anything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Select {
    pub(crate) label: Option<String>,
    pub(crate) manufacturer: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) serial: Option<String>,
    pub(crate) slot: Option<u64>,
}

/// Why a text is not a URI of a hardware token that avouch can use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Pkcs11UriError {
    /// More bytes than a URI has.
    #[error("a `pkcs11:` URI has at most {URI_BYTES_MAX} bytes, and this one {length}")]
    TooLong {
        /// Its length.
        length: usize,
    },
    /// Another scheme, or none.
    #[error("the URI must begin with `pkcs11:`")]
    Scheme,
    /// A byte that must not stand in a URI as it is.
    #[error("byte {at} of the URI must be written as `%` and two hexadecimal digits")]
    Character {
        /// Its place.
        at: usize,
    },
    /// A `%` without two hexadecimal digits, or bytes that are no text.
    #[error("`{attribute}` has a `%` that does not stand for a character")]
    Escape {
        /// The attribute.
        attribute: &'static str,
    },
    /// A part without `=`, or a name that RFC 7512 does not know.
    #[error(
        "`{name}` is no attribute that is known here; known are token, manufacturer, model, serial and slot-id before the `?`, module-path and pin-source after it"
    )]
    Unknown {
        /// What stands there.
        name: String,
    },
    /// An attribute that RFC 7512 knows and avouch does not take.
    #[error("`{attribute}` is not taken: {why}")]
    NotTaken {
        /// The attribute.
        attribute: &'static str,
        /// Why, and what to do.
        why: &'static str,
    },
    /// An attribute that stands there twice.
    #[error("`{attribute}` stands there twice")]
    Twice {
        /// The attribute.
        attribute: &'static str,
    },
    /// A value that is empty, too long, or not of its kind.
    #[error("`{attribute}` must be {expected}")]
    Value {
        /// The attribute.
        attribute: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// An attribute without which nothing can be found.
    #[error("`{attribute}` is missing: {why}")]
    Missing {
        /// The attribute.
        attribute: &'static str,
        /// What it is for.
        why: &'static str,
    },
}

/// Attributes of RFC 7512 that are refused by name.
const NOT_TAKEN: [(&str, &str); 10] = [
    ("pin-value", "a PIN does not belong into a configuration; name its file with pin-source"),
    ("module-name", "name the module's file with module-path"),
    ("object", AVOUCH_NAMES),
    ("type", AVOUCH_NAMES),
    ("id", AVOUCH_NAMES),
    ("library-manufacturer", BY_PATH),
    ("library-version", BY_PATH),
    ("library-description", BY_PATH),
    ("slot-description", BY_TOKEN),
    ("slot-manufacturer", BY_TOKEN),
];
const AVOUCH_NAMES: &str = "the URI names a token; its keys are named by avouch";
const BY_PATH: &str = "the module is named by module-path alone";
const BY_TOKEN: &str = "a slot is named by its token, or by slot-id";

impl Pkcs11Uri {
    /// The file of the module, a shared library.
    pub fn module(&self) -> &Path {
        &self.module
    }

    /// The file of the PIN.
    pub fn pin_file(&self) -> &Path {
        &self.pin_file
    }

    pub(crate) const fn select(&self) -> &Select {
        &self.select
    }
}

impl FromStr for Pkcs11Uri {
    type Err = Pkcs11UriError;

    fn from_str(text: &str) -> Result<Self, Pkcs11UriError> {
        if text.len() > URI_BYTES_MAX {
            return Err(Pkcs11UriError::TooLong { length: text.len() });
        }
        let rest = text.strip_prefix("pkcs11:").ok_or(Pkcs11UriError::Scheme)?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        check_characters(text, rest, path.len())?;
        let mut parts = Parts::default();
        for part in path.split(';').filter(|_| !path.is_empty()) {
            parts.take_path(part)?;
        }
        for part in query.split('&').filter(|_| !query.is_empty()) {
            parts.take_query(part)?;
        }
        parts.finish(text)
    }
}

#[derive(Default)]
struct Parts {
    select: Select,
    module: Option<String>,
    pin_source: Option<String>,
}

impl Parts {
    fn take_path(&mut self, part: &str) -> Result<(), Pkcs11UriError> {
        let (name, value) = split(part)?;
        match name {
            "token" => put(&mut self.select.label, "token", text("token", value, 32)?),
            "manufacturer" => {
                put(&mut self.select.manufacturer, "manufacturer", text("manufacturer", value, 32)?)
            }
            "model" => put(&mut self.select.model, "model", text("model", value, 16)?),
            "serial" => put(&mut self.select.serial, "serial", text("serial", value, 16)?),
            "slot-id" => put(&mut self.select.slot, "slot-id", number(value)?),
            _ => Err(unknown(name)),
        }
    }

    fn take_query(&mut self, part: &str) -> Result<(), Pkcs11UriError> {
        let (name, value) = split(part)?;
        match name {
            "module-path" => {
                put(&mut self.module, "module-path", text("module-path", value, PATH_BYTES_MAX)?)
            }
            "pin-source" => {
                put(&mut self.pin_source, "pin-source", text("pin-source", value, PATH_BYTES_MAX)?)
            }
            _ => Err(unknown(name)),
        }
    }

    fn finish(self, text: &str) -> Result<Pkcs11Uri, Pkcs11UriError> {
        let Self { select, module, pin_source } = self;
        if select.label.is_none() && select.serial.is_none() && select.slot.is_none() {
            let why = "it says which token; serial or slot-id would do as well";
            return Err(Pkcs11UriError::Missing { attribute: "token", why });
        }
        let why = "it names the module, such as `/usr/lib/softhsm/libsofthsm2.so`";
        let module = module.ok_or(Pkcs11UriError::Missing { attribute: "module-path", why })?;
        let why = "it names the file of the PIN, such as `file:/etc/avouch/hsm.pin`";
        let pin_source = pin_source.ok_or(Pkcs11UriError::Missing { attribute: "pin-source", why })?;
        Ok(Pkcs11Uri {
            text: text.to_owned(),
            select,
            module: absolute("module-path", &module)?,
            pin_file: pin_file(&pin_source)?,
        })
    }
}

fn split(part: &str) -> Result<(&str, &str), Pkcs11UriError> {
    part.split_once('=').ok_or_else(|| unknown(part))
}

fn unknown(name: &str) -> Pkcs11UriError {
    match NOT_TAKEN.iter().find(|(known, _)| *known == name) {
        Some((attribute, why)) => Pkcs11UriError::NotTaken { attribute, why },
        None => Pkcs11UriError::Unknown { name: name.chars().take(32).collect() },
    }
}

fn put<T>(place: &mut Option<T>, attribute: &'static str, value: T) -> Result<(), Pkcs11UriError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(Pkcs11UriError::Twice { attribute }),
    }
}

fn text(attribute: &'static str, value: &str, limit: usize) -> Result<String, Pkcs11UriError> {
    let escape = Pkcs11UriError::Escape { attribute };
    let decoded = decode(value).ok_or_else(|| escape.clone())?;
    if decoded.is_empty() || decoded.len() > limit || decoded.contains(&0) {
        return Err(Pkcs11UriError::Value { attribute, expected: "neither empty nor longer than its field" });
    }
    String::from_utf8(decoded).map_err(|_| escape)
}

fn number(value: &str) -> Result<u64, Pkcs11UriError> {
    let wrong = Pkcs11UriError::Value { attribute: "slot-id", expected: "a decimal number" };
    if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong);
    }
    value.parse().map_err(|_| wrong)
}

fn decode(value: &str) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            decoded.push(*first);
            continue;
        }
        let ([high, low], after) = rest.split_first_chunk::<2>()?;
        decoded.push(digit(*high)? << 4 | digit(*low)?);
        rest = after;
    }
    Some(decoded)
}

const fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

fn absolute(attribute: &'static str, path: &str) -> Result<PathBuf, Pkcs11UriError> {
    if path.starts_with('/') {
        Ok(PathBuf::from(path))
    } else {
        Err(Pkcs11UriError::Value { attribute, expected: "an absolute path" })
    }
}

/// RFC 7512 §2.4: a `file:` URI, a path, or a command behind a `|`.
fn pin_file(source: &str) -> Result<PathBuf, Pkcs11UriError> {
    if source.starts_with('|') {
        let why = "nothing is run for a PIN; name its file";
        return Err(Pkcs11UriError::NotTaken { attribute: "pin-source", why });
    }
    let path = source.strip_prefix("file:").unwrap_or(source);
    // `file:///path` has an empty host (RFC 8089).
    absolute("pin-source", path.strip_prefix("//").unwrap_or(path))
}

/// The characters that RFC 7512 §2.3 lets stand for themselves; everything else is escaped.
fn check_characters(whole: &str, rest: &str, path_bytes: usize) -> Result<(), Pkcs11UriError> {
    let before = whole.len() - rest.len();
    let stands = |at: usize, byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => true,
        b'-' | b'.' | b'_' | b'~' | b'%' | b'=' | b'&' => true,
        b':' | b'[' | b']' | b'@' | b'!' | b'$' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' => true,
        b';' => at < path_bytes,
        b'?' => at >= path_bytes,
        b'/' | b'|' => at > path_bytes,
        _ => false,
    };
    match rest.bytes().enumerate().find(|(at, byte)| !stands(*at, *byte)) {
        None => Ok(()),
        Some((at, _)) => Err(Pkcs11UriError::Character { at: before + at }),
    }
}

impl fmt::Display for Pkcs11Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Pkcs11Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Select {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slot = self.slot.map(|slot| slot.to_string());
        let fields = [
            ("token", &self.label),
            ("manufacturer", &self.manufacturer),
            ("model", &self.model),
            ("serial", &self.serial),
            ("slot-id", &slot),
        ];
        let said = fields.iter().filter_map(|(name, value)| Some(format!("{name}={}", value.as_ref()?)));
        f.write_str(&said.collect::<Vec<_>>().join(";"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    const QUERY: &str = "?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/avouch/hsm.pin";

    fn refused(path: &str) -> String {
        format!("pkcs11:{path}{QUERY}").parse::<Pkcs11Uri>().unwrap_err().to_string()
    }

    #[test]
    fn a_uri_names_token_module_and_pin_file() {
        let uri: Pkcs11Uri =
            format!("pkcs11:token=The%20Software%20PKCS%2311;manufacturer=a&b;serial=ab12;slot-id=7{QUERY}")
                .parse()
                .unwrap();
        assert_eq!(uri.select().label.as_deref(), Some("The Software PKCS#11"));
        assert_eq!(uri.select().manufacturer.as_deref(), Some("a&b"));
        assert_eq!(uri.select().slot, Some(7));
        assert_eq!(uri.module(), Path::new("/usr/lib/softhsm/libsofthsm2.so"));
        assert_eq!(uri.pin_file(), Path::new("/etc/avouch/hsm.pin"));
        assert!(uri.to_string().starts_with("pkcs11:token=The%20Software"));
    }

    #[test]
    fn a_pin_is_named_by_its_file_and_never_by_its_digits_or_a_command() {
        for (query, expected) in [
            ("pin-value=1234", "`pin-value` is not taken: a PIN does not belong into a configuration"),
            ("pin-source=|/bin/pin", "`pin-source` is not taken: nothing is run for a PIN"),
            ("pin-source=file:hsm.pin", "`pin-source` must be an absolute path"),
        ] {
            let text = format!("pkcs11:token=a?module-path=/m.so&{query}");
            let error = text.parse::<Pkcs11Uri>().unwrap_err().to_string();
            assert!(error.starts_with(expected), "{query}: {error}");
        }
        for pin in ["/a", "file:/a", "file:///a"] {
            let text = format!("pkcs11:token=a?module-path=/m.so&pin-source={pin}");
            assert_eq!(text.parse::<Pkcs11Uri>().unwrap().pin_file(), Path::new("/a"));
        }
    }

    #[test]
    fn what_is_unknown_double_or_out_of_bounds_is_refused_by_name() {
        assert!(refused("token=a;colour=red").contains("`colour`"));
        assert!(refused("token=a;object=k").contains("its keys are named by avouch"));
        assert!(refused("token=a;token=a").contains("`token` stands there twice"));
        assert!(refused("token=").contains("`token` must be"));
        assert!(refused(&format!("token={}", "a".repeat(33))).contains("`token` must be"));
        assert!(refused("slot-id=+7").contains("a decimal number"));
        assert!(refused("token=a%2").contains("a `%` that does not stand"));
        assert!(refused("token=%ff").contains("a `%` that does not stand"));
        assert!(refused("token=a b").contains("byte 14 of the URI"));
        assert!(refused("token=a/b").contains("byte 14 of the URI"));
        assert!(refused("").contains("`token` is missing"));
        assert!(refused("token=a;").contains("`` is no attribute"));
        assert_eq!(
            "pkcs11:".repeat(1_000).parse::<Pkcs11Uri>().unwrap_err(),
            Pkcs11UriError::TooLong { length: 7_000 }
        );
        assert_eq!("PKCS11:token=a".parse::<Pkcs11Uri>().unwrap_err(), Pkcs11UriError::Scheme);
    }
}
