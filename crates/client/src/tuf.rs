//! A TUF repository at an address, anybody's: a web server with files, and a client that believes nothing of it.

use std::fmt::Write as _;

use reqwest::Url;

use crate::exchange::{Call, Exchange};
use crate::sigstore::exchange;
use crate::{Believed, ClientError};

/// Where a repository's files are.
#[derive(Debug, Clone)]
pub struct TufSite {
    metadata: Exchange,
    targets: Exchange,
}

impl TufSite {
    /// A repository with its metadata here and its targets there; nothing is sent yet.
    pub fn new(metadata: &str, targets: &str, believed: &Believed) -> Result<Self, ClientError> {
        Ok(Self { metadata: exchange(metadata, believed)?, targets: exchange(targets, believed)? })
    }

    /// Fetches a file of metadata; `None` where there is none of that name.
    pub async fn metadata(&self, name: &str, bytes_max: usize) -> Result<Option<Vec<u8>>, ClientError> {
        fetch(&self.metadata, &escaped(name), bytes_max).await
    }

    /// Fetches a file that clients want; `None` where there is none of that path.
    pub async fn target(&self, path: &str, bytes_max: usize) -> Result<Option<Vec<u8>>, ClientError> {
        let parts: Vec<String> = path.split('/').map(escaped).collect();
        fetch(&self.targets, &parts.join("/"), bytes_max).await
    }
}

/// A name as one part of a path: whatever is not plain stands there by its number, and nothing leads elsewhere.
pub fn escaped(name: &str) -> String {
    // A part of dots alone is no name, but the folder itself or the one above it.
    let is_name = name.bytes().any(|byte| byte != b'.');
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_~".contains(&byte) || (byte == b'.' && is_name) {
            text.push(char::from(byte));
        } else {
            let _never_fails = write!(text, "%{byte:02X}");
        }
    }
    text
}

async fn fetch(exchange: &Exchange, below: &str, bytes_max: usize) -> Result<Option<Vec<u8>>, ClientError> {
    let path = format!("{}/{below}", path_of(&exchange.base));
    match exchange.make(&Call::get(&path, bytes_max)).await {
        Ok(answer) => Ok(Some(answer.body)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn path_of(base: &Url) -> &str {
    base.path().trim_end_matches('/')
}

/// Static stores say 403 of what is not there, too.
fn is_absent(error: &ClientError) -> bool {
    match error {
        ClientError::Foreign { status, .. } | ClientError::Said { status, .. } => matches!(status, 403 | 404),
        ClientError::Problem(problem) => problem.status == 404,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Component, Path};

    use super::*;

    /// CVE-2026-24137: the name of a target led to a file elsewhere.
    #[test]
    fn a_name_from_a_repository_is_one_part_of_a_path_and_no_way_out_of_it() {
        for name in ["../../etc/passwd", "/etc/passwd", "a/b", "..", ".", "..\\x", "a\0b", "a%2fb", "\u{e4}"]
        {
            let escaped = escaped(name);
            let parts: Vec<_> = Path::new(&escaped).components().collect();
            assert!(matches!(parts[..], [Component::Normal(_)]), "{name:?}: {escaped}");
            assert!(!escaped.contains(['/', '\\', '\0']), "{escaped}");
        }
        assert_ne!(escaped("a/b"), escaped("a%2Fb"), "two names are never one");
    }
}
