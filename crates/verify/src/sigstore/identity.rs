//! Whom a verifier expects: a subject, and who vouched for it.

use std::fmt;
use std::str::FromStr;

/// Who should have held the token: a subject, and the issuer that vouched for it. One without the other proves
/// nothing, because whoever runs an issuer chooses its subjects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The address, URI or user name.
    pub subject: Pattern,
    /// The issuer's URL.
    pub issuer: Pattern,
}

/// A text in which `*` stands for any run of characters without `/`, and `**` for any run at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(String);

/// Why a pattern is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatternError {
    /// Nothing.
    #[error("an identity cannot be empty")]
    Empty,
    /// One by which nearly everybody would be expected.
    #[error(
        "`{pattern}` expects whoever there is: before the first `*` there must be a scheme, a host and `/`, or it must be `*@DOMAIN`"
    )]
    Everybody {
        /// The pattern.
        pattern: String,
    },
}

impl Pattern {
    /// A text that stands for itself alone, whatever is in it.
    pub fn exactly(text: &str) -> Result<Self, PatternError> {
        if text.is_empty() {
            return Err(PatternError::Empty);
        }
        Ok(Self(text.replace('*', "\0")))
    }

    /// Is this one of those that are expected?
    pub fn matches(&self, text: &str) -> bool {
        matches(self.0.as_bytes(), text.replace('*', "\0").as_bytes())
    }
}

/// One row for each part of the pattern: after which bytes of the text it may end. What it costs is the one length times
/// the other, whatever names others choose; a search that goes back would take as long as they like.
fn matches(mut pattern: &[u8], text: &[u8]) -> bool {
    let mut ends = vec![false; text.len() + 1];
    ends[0] = true;
    while let Some((first, rest)) = pattern.split_first() {
        let star = *first == b'*';
        let across = star && rest.first() == Some(&b'*');
        let mut before = false;
        for (end, place) in ends.iter_mut().enumerate() {
            // What stands before this place, if anything does.
            let byte = end.checked_sub(1).map(|last| text[last]);
            let ended = std::mem::replace(place, false);
            *place = match (byte, star) {
                (None, _) => ended && star,
                (Some(byte), true) => ended || (before && (across || byte != b'/')),
                (Some(byte), false) => before && byte == *first,
            };
            before = if star { *place } else { ended };
        }
        pattern = if across { &rest[1..] } else { rest };
    }
    ends[text.len()]
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        if text.is_empty() {
            return Err(PatternError::Empty);
        }
        let Some((before, after)) = text.split_once('*') else { return Ok(Self(text.to_owned())) };
        let host = before.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map(|(host, _)| host);
        let named_host =
            host.is_some_and(|host| host.contains('.') || host.contains(':') || host == "localhost");
        let domain = after.strip_prefix('@').filter(|_| before.is_empty());
        let named_domain = domain.is_some_and(|domain| domain.contains('.') && !domain.contains('*'));
        if (named_host || named_domain) && text.matches('*').count() <= STARS_MAX {
            return Ok(Self(text.to_owned()));
        }
        Err(PatternError::Everybody { pattern: text.chars().take(256).collect() })
    }
}

/// With more of them, nobody reads what is meant.
const STARS_MAX: usize = 6;

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.replace('\0', "*"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn a_star_stays_within_a_segment_and_two_do_not() {
        let one: Pattern = "https://github.com/acme/*/.github/workflows/x.yml@refs/tags/*".parse().unwrap();
        assert!(one.matches("https://github.com/acme/app/.github/workflows/x.yml@refs/tags/v1"));
        assert!(!one.matches("https://github.com/acme/a/b/.github/workflows/x.yml@refs/tags/v1"));
        assert!(!one.matches("https://github.com/acme/app/.github/workflows/x.yml@refs/tags/v1/evil"));
        let two: Pattern = "https://github.com/acme/**".parse().unwrap();
        assert!(
            two.matches("https://github.com/acme/a/b@c") && !two.matches("https://github.com/acmeevil/a")
        );
        let mail: Pattern = "*@example.com".parse().unwrap();
        assert!(mail.matches("ada@example.com") && !mail.matches("ada@example.com.evil.net"));
    }

    #[test]
    fn a_name_that_nearly_fits_many_stars_is_refused_at_once() {
        let pattern: Pattern = "https://a.example/**a**a**a".parse().unwrap();
        let name = format!("https://a.example/{}", "a".repeat(100_000));
        assert!(pattern.matches(&name) && !pattern.matches(&format!("{name}b")));
        assert!(!pattern.matches("https://a.example/aa") && pattern.matches("https://a.example/aaa"));
    }

    #[test]
    fn a_pattern_that_expects_everybody_is_refused_with_the_reason() {
        for text in ["*", "**", "https://*", "https://*/acme", "*@*", "*@com", "*example.com", "ada*", "a/*"]
        {
            let error = text.parse::<Pattern>().unwrap_err();
            assert!(error.to_string().contains("expects whoever there is"), "{text}");
        }
        assert_eq!("".parse::<Pattern>(), Err(PatternError::Empty));
    }

    #[test]
    fn a_star_in_a_name_is_no_pattern_where_the_text_is_meant() {
        let exact = Pattern::exactly("https://a.example/*").unwrap();
        assert!(exact.matches("https://a.example/*") && !exact.matches("https://a.example/x"));
    }
}
