//! How an image is named: `HOST[:PORT]/PATH[:TAG][@sha256:…]`.

use std::fmt;
use std::str::FromStr;

use model::{Digest, limits};

/// Where an image is meant that names no host.
const DEFAULT_HOST: &str = "docker.io";

/// The longest tag.
const TAG_BYTES_MAX: usize = 128;

/// A repository of a registry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Repository {
    host: String,
    path: String,
}

/// An image: by its digest, or by a tag, which may be another one tomorrow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Where it is.
    pub repository: Repository,
    /// What it is called there. Beside a digest it says nothing.
    pub tag: Option<String>,
    /// Which it is.
    pub digest: Option<Digest>,
}

/// Why a text names no image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReferenceError {
    /// A host with letters that none has.
    #[error("`{host}` is no host of a registry")]
    Host {
        /// What was found.
        host: String,
    },
    /// A path that no repository has.
    #[error(
        "`{path}` is no path of a repository: lower-case words with `.`, `_` or `-` between them, and `/`"
    )]
    Path {
        /// What was found.
        path: String,
    },
    /// A tag that cannot be one.
    #[error(
        "`{tag}` is no tag: up to 128 letters, digits, `_`, `.` and `-`, the first two of which do not begin it"
    )]
    Tag {
        /// What was found.
        tag: String,
    },
    /// A digest of another algorithm, or none.
    #[error("`{digest}` is no digest that is read here: `sha256:` and 64 lower-case hexadecimal digits")]
    Digest {
        /// What was found.
        digest: String,
    },
}

/// The tag under which a registry without referrers keeps the list of what refers to an image.
pub fn fallback_tag(digest: &Digest) -> String {
    format!("sha256-{digest}")
}

impl Repository {
    /// The host, with its port where it has one.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The last part of the path, by which people call what is in it.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The image in it with this digest, as references have it.
    pub fn image(&self, digest: &Digest) -> String {
        format!("{self}@sha256:{digest}")
    }

    /// As cosign names it in what it signs: one registry of many people has another name there.
    pub fn docker_reference(&self) -> String {
        let host = if self.host == DEFAULT_HOST { "index.docker.io" } else { &self.host };
        format!("{host}/{}", self.path)
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.path)
    }
}

impl FromStr for Repository {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let (host, path) = match text.split_once('/') {
            Some((first, rest)) if is_host(first) => (first, rest.to_owned()),
            Some(_) => (DEFAULT_HOST, text.to_owned()),
            None => (DEFAULT_HOST, format!("library/{text}")),
        };
        if !is_plain_host(host) {
            return Err(ReferenceError::Host { host: shown(host) });
        }
        if path.len() > limits::NAME_BYTES_MAX || !path.split('/').all(is_component) {
            return Err(ReferenceError::Path { path: shown(&path) });
        }
        let host = if host == "index.docker.io" { DEFAULT_HOST } else { host };
        Ok(Self { host: host.to_owned(), path })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { repository, tag, digest } = self;
        match (digest, tag) {
            (Some(digest), _) => f.write_str(&repository.image(digest)),
            (None, Some(tag)) => write!(f, "{repository}:{tag}"),
            (None, None) => write!(f, "{repository}:latest"),
        }
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let (named, digest) = match text.split_once('@') {
            Some((named, digest)) => (named, Some(parse_digest(digest)?)),
            None => (text, None),
        };
        // A colon before the last slash belongs to a port.
        let after_path = named.rfind('/').unwrap_or(0);
        let (repository, tag) = match named.rfind(':') {
            Some(at) if at > after_path => (&named[..at], Some(parse_tag(&named[at + 1..])?)),
            _ => (named, None),
        };
        Ok(Self { repository: repository.parse()?, tag, digest })
    }
}

fn parse_digest(text: &str) -> Result<Digest, ReferenceError> {
    let digest = text.strip_prefix("sha256:").and_then(|hex| hex.parse().ok());
    digest.ok_or_else(|| ReferenceError::Digest { digest: shown(text) })
}

fn parse_tag(text: &str) -> Result<String, ReferenceError> {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let first = text.bytes().next().is_some_and(is_word);
    let rest = text.bytes().all(|byte| is_word(byte) || byte == b'.' || byte == b'-');
    if first && rest && text.len() <= TAG_BYTES_MAX {
        return Ok(text.to_owned());
    }
    Err(ReferenceError::Tag { tag: shown(text) })
}

/// Is the first part of a name a host, as docker tells it from a path?
fn is_host(first: &str) -> bool {
    first == "localhost" || first.contains(['.', ':'])
}

/// A name or an address with a port, and nothing else that an address of the web may have.
fn is_plain_host(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !host.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-';
    let is_address = |byte: u8| byte.is_ascii_hexdigit() || byte == b':' || byte == b'.';
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    let is_named = match name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => !address.is_empty() && address.bytes().all(is_address),
        None => name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.bytes().all(is_name),
    };
    is_named && port.is_none_or(is_port)
}

/// `[a-z0-9]+` with `.`, `_`, `__` or dashes between them.
fn is_component(part: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bounded = |byte: Option<u8>| byte.is_some_and(is_word);
    let mut separator = String::new();
    let separators_stand = part.chars().all(|c| {
        if c.is_ascii_lowercase() || c.is_ascii_digit() {
            separator.clear();
            return true;
        }
        separator.push(c);
        matches!(separator.as_str(), "." | "_" | "__") || separator.bytes().all(|byte| byte == b'-')
    });
    bounded(part.bytes().next()) && bounded(part.bytes().last()) && separators_stand
}

/// What of a foreign text may stand in a message.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(128).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    const HEX: &str = "c9c5d7e1d2d042e9b5b8b2d5e0ef033b5e2574c2d9a5571ea11c1ab2b731ee01";

    #[test]
    fn an_image_is_named_as_docker_names_it() {
        let at_hub = format!("alpine@sha256:{HEX}");
        let with_both = format!("registry.example.com:5000/team/app:1.4@sha256:{HEX}");
        for (text, whole) in [
            ("alpine", "docker.io/library/alpine:latest"),
            ("team/app:1.4", "docker.io/team/app:1.4"),
            ("index.docker.io/team/app", "docker.io/team/app:latest"),
            ("localhost/app", "localhost/app:latest"),
            ("127.0.0.1:5000/team/app:v1", "127.0.0.1:5000/team/app:v1"),
            ("[::1]:5000/a/b__c-d.e:x", "[::1]:5000/a/b__c-d.e:x"),
            (&at_hub, &format!("docker.io/library/alpine@sha256:{HEX}")),
            (&with_both, &format!("registry.example.com:5000/team/app@sha256:{HEX}")),
        ] {
            assert_eq!(text.parse::<Reference>().unwrap().to_string(), whole, "{text}");
        }
    }

    #[test]
    fn what_could_lead_elsewhere_is_no_name() {
        for text in [
            "",
            "/",
            "a//b",
            "Team/app",
            "team/../app",
            "team/app:",
            "team/app:-x",
            "team/a..b",
            "team/a___b",
            "team/-a",
            "user@host.example/app",
            "host.example:99999/app",
            "host.example:+1/app",
            "host.example:/app",
            "ho st.example/app",
            "host.example?x/app",
            "host.example#/app",
            "team/app@sha512:00",
            "team/app@sha256:00",
            "https://host.example/app",
            "[::1/app",
        ] {
            assert!(text.parse::<Reference>().is_err(), "{text}");
        }
        let upper = format!("team/app@sha256:{}", HEX.to_uppercase());
        assert!(upper.parse::<Reference>().is_err());
    }
}
