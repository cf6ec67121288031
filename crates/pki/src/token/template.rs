//! How a text of a certificate is put together from claims.
//!
//! `{claim}` stands for a claim that must be there, `{claim=text}` for one with a default, `{claim|from=to|from=to}` for
//! one whose values are translated, and any other value refused. Everything else stands for itself. A claim never
//! replaces what the template says literally.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Claims;

/// The longest template, and the longest text that comes out of one.
const BYTES_MAX: usize = 2_048;

/// A template. Its parts were read when it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Claim { name: String, otherwise: Otherwise },
}

/// What becomes of the claim's value, and of its absence.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Otherwise {
    Required,
    Default(String),
    Translated(Vec<(String, String)>),
}

/// Why a text is no template, or gives none for these claims.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// Not a template.
    #[error(
        "`{text}` is no template: claims stand in braces, as `{{claim}}`, `{{claim=default}}` or `{{claim|from=to}}`"
    )]
    Malformed {
        /// The text.
        text: String,
    },
    /// A claim that the template needs and the token does not have.
    #[error("the token has no claim `{claim}`")]
    Missing {
        /// The claim.
        claim: String,
    },
    /// A value for which the template has no translation.
    #[error("the token's claim `{claim}` is `{value}`, which its issuer's record does not provide for")]
    Untranslated {
        /// The claim.
        claim: String,
        /// Its value.
        value: String,
    },
    /// A text that is too long, or holds control characters.
    #[error("the claims give a text of control characters or of more than {BYTES_MAX} bytes")]
    Unfit,
}

impl Template {
    /// The text for these claims; it may be empty, where all claims in it have defaults.
    pub fn fill(&self, claims: &Claims) -> Result<String, TemplateError> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Claim { name, otherwise } => text.push_str(&otherwise.value(name, claims)?),
            }
        }
        if text.len() > BYTES_MAX || text.contains(char::is_control) {
            return Err(TemplateError::Unfit);
        }
        Ok(text)
    }
}

impl Otherwise {
    fn value(&self, claim: &str, claims: &Claims) -> Result<String, TemplateError> {
        let missing = || TemplateError::Missing { claim: claim.to_owned() };
        let value = claims.scalar(claim);
        match self {
            Self::Required => value.ok_or_else(missing),
            Self::Default(default) => Ok(value.unwrap_or_else(|| default.clone())),
            Self::Translated(translations) => {
                let value = value.ok_or_else(missing)?;
                let found = translations.iter().find(|(from, _)| *from == value);
                found.map(|(_, to)| to.clone()).ok_or_else(|| {
                    let value = value.chars().take(64).collect();
                    TemplateError::Untranslated { claim: claim.to_owned(), value }
                })
            }
        }
    }
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        let malformed = || TemplateError::Malformed { text: text.chars().take(256).collect() };
        if text.is_empty() || text.len() > BYTES_MAX || text.contains(char::is_control) {
            return Err(malformed());
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let Some((literal, after)) = rest.split_once('{') else {
                parts.push(Part::Literal(rest.to_owned()));
                break;
            };
            if !literal.is_empty() {
                parts.push(Part::Literal(literal.to_owned()));
            }
            let (claim, after) = after.split_once('}').ok_or_else(malformed)?;
            parts.push(part(claim).ok_or_else(malformed)?);
            rest = after;
        }
        let closed = |part: &Part| matches!(part, Part::Literal(literal) if literal.contains('}'));
        if parts.iter().any(closed) {
            return Err(malformed());
        }
        Ok(Self { text: text.to_owned(), parts })
    }
}

fn part(claim: &str) -> Option<Part> {
    let (name, otherwise) = match (claim.split_once('|'), claim.split_once('=')) {
        (Some((name, translations)), _) => {
            let pair = |pair: &str| pair.split_once('=').map(|(from, to)| (from.to_owned(), to.to_owned()));
            let translations: Option<Vec<_>> = translations.split('|').map(pair).collect();
            (name, Otherwise::Translated(translations?))
        }
        (None, Some((name, default))) => (name, Otherwise::Default(default.to_owned())),
        (None, None) => (claim, Otherwise::Required),
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ':');
    let named = !name.is_empty() && name.chars().all(is_name);
    named.then(|| Part::Claim { name: name.to_owned(), otherwise })
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Template {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    fn filled(template: &str, claims: &str) -> Result<String, TemplateError> {
        template.parse::<Template>()?.fill(&Claims::parse(claims.as_bytes()).unwrap())
    }

    #[test]
    fn claims_stand_in_their_places() {
        let claims = r#"{"repository":"a/b","run_id":7,"ref_type":"tag","ref":"v1"}"#;
        assert_eq!(filled("https://x/{repository}/runs/{run_id}", claims).unwrap(), "https://x/a/b/runs/7");
        assert_eq!(filled("refs/{ref_type|branch=heads|tag=tags}/{ref}", claims).unwrap(), "refs/tags/v1");
        assert_eq!(filled("{environment=}", claims).unwrap(), "");
        assert_eq!(filled("{run_id=none}", claims).unwrap(), "7");
    }

    #[test]
    fn what_is_missing_or_not_provided_for_is_named() {
        let missing = filled("{sub}", "{}").unwrap_err();
        assert_eq!(missing.to_string(), "the token has no claim `sub`");
        let other = filled("{ref_type|branch=heads}", r#"{"ref_type":"tree"}"#).unwrap_err();
        assert!(matches!(other, TemplateError::Untranslated { .. }));
        assert_eq!(filled("{sub}", r#"{"sub":"a\nb"}"#), Err(TemplateError::Unfit));
    }

    #[test]
    fn what_is_no_template_is_refused() {
        for text in ["", "{", "}", "{}", "{a", "a}", "{a b}", "{a|b}", "{{a}}", "a\nb"] {
            assert!(text.parse::<Template>().is_err(), "{text}");
        }
    }
}
