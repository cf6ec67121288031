//! What a registry asks of whoever it does not know: the header `WWW-Authenticate` (RFC 9110 §11.6.1).

/// The longest header that is read.
const HEADER_BYTES_MAX: usize = 8 * 1024;

/// A way to prove oneself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// With a name and a password, at the registry itself.
    Basic,
    /// With a token, from this address.
    Bearer { realm: String, service: Option<String> },
}

/// The first of the ways in a header that is known here; tokens before passwords.
pub(super) fn parse<'a>(headers: impl Iterator<Item = &'a str>) -> Option<Challenge> {
    let headers = headers.filter(|header| header.len() <= HEADER_BYTES_MAX);
    let mut ways: Vec<Challenge> = headers.flat_map(challenges).collect();
    ways.sort_by_key(|way| matches!(way, Challenge::Basic));
    ways.into_iter().next()
}

/// A scheme with its parameters.
struct Raw {
    scheme: String,
    parameters: Vec<(String, String)>,
}

fn challenges(header: &str) -> Vec<Challenge> {
    let mut raw: Vec<Raw> = Vec::new();
    let mut rest = header;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let Some((word, after)) = token(rest) else { break };
        let after = after.trim_start();
        match (after.strip_prefix('='), raw.last_mut()) {
            (Some(value), Some(last)) => {
                let Some((value, after)) = parameter(value.trim_start()) else { break };
                last.parameters.push((word.to_ascii_lowercase(), value));
                rest = after;
            }
            (Some(_), None) => break,
            (None, _) => {
                raw.push(Raw { scheme: word.to_ascii_lowercase(), parameters: Vec::new() });
                rest = after;
            }
        }
    }
    raw.into_iter().filter_map(Raw::known).collect()
}

impl Raw {
    fn known(self) -> Option<Challenge> {
        let find = |name: &str| {
            self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
        };
        match self.scheme.as_str() {
            "basic" => Some(Challenge::Basic),
            "bearer" => Some(Challenge::Bearer { realm: find("realm")?, service: find("service") }),
            _ => None,
        }
    }
}

/// A word of RFC 9110 §5.6.2, and what follows it.
fn token(text: &str) -> Option<(&str, &str)> {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let end = text.find(|c| !is_letter(c)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// A parameter's value, bare or quoted, and what follows it.
fn parameter(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, after) = token(text)?;
        return Some((value.to_owned(), after));
    };
    let mut value = String::new();
    let mut letters = quoted.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => value.push(letters.next()?.1),
            plain => value.push(plain),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(realm: &str, service: Option<&str>) -> Option<Challenge> {
        Some(Challenge::Bearer { realm: realm.to_owned(), service: service.map(str::to_owned) })
    }

    #[test]
    fn a_token_is_asked_for_before_a_password_and_what_is_not_known_is_passed_over() {
        let one = |header: &str| parse([header].into_iter());
        assert_eq!(
            one(
                r#"Bearer realm="https://auth.example.com/token",service="registry, \"a\"",scope="repository:a:pull""#
            ),
            bearer("https://auth.example.com/token", Some("registry, \"a\""))
        );
        assert_eq!(one(r#"Basic realm="r", Bearer realm=https"#), bearer("https", None));
        assert_eq!(one(r#"Negotiate, basic realm="a""#), Some(Challenge::Basic));
        assert_eq!(parse([r#"Basic realm="r""#, r#"Bearer realm="x""#].into_iter()), bearer("x", None));
        for bad in
            ["", "Bearer", r#"Bearer service="a""#, r#"Bearer realm="open"#, "=x", "Digest realm=\"a\""]
        {
            assert_eq!(one(bad), None, "{bad}");
        }
        assert_eq!(one(&format!("Basic realm=\"{}\"", "a".repeat(HEADER_BYTES_MAX))), None);
    }
}
