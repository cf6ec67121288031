//! What the clients of Sigstore are told: their own flags, settings and files, for this platform.

use std::path::Path;

use clap::ValueEnum;
use data_encoding::BASE64;
use envelope::signing_config::{SIGNING_CONFIG_BYTES_MAX, SigningConfig};
use envelope::tuf::bytes_max;
use model::TufRole;

use super::{CONFIG, TUF_ROOT};
use crate::failure::Failure;

/// A client of Sigstore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Client {
    /// cosign, from 3.1 on: files and images
    Cosign,
    /// The `sigstore` package of Python, from 4.3 on
    SigstorePython,
    /// The `@sigstore/sign` and `@sigstore/verify` packages of Node.js
    SigstoreJs,
    /// gitsign: commits and tags
    Gitsign,
    /// Sigstore's admission controller for Kubernetes
    PolicyController,
    /// Kyverno, from 1.19 on
    Kyverno,
}

/// Who is expected to have signed.
pub(super) struct Expected<'a> {
    pub(super) identity: &'a str,
    /// Otherwise the issuer at which people log in.
    pub(super) issuer: Option<&'a str>,
}

/// Shown where nobody is named.
const SOME_ISSUER: &str = "https://login.example.com";

impl Client {
    const fn template(self) -> &'static str {
        match self {
            Self::Cosign => include_str!("cosign.sh"),
            Self::SigstorePython => include_str!("python.sh"),
            Self::SigstoreJs => include_str!("node.cjs"),
            Self::Gitsign => include_str!("gitsign.sh"),
            Self::PolicyController => include_str!("policy-controller.sh"),
            Self::Kyverno => include_str!("kyverno.sh"),
        }
    }

    /// What it is told, with the files in this folder.
    pub(super) fn instructions(self, files: &Path, expected: &Expected<'_>) -> Result<String, Failure> {
        let config = config(&files.join(CONFIG))?;
        let now = crate::clock::now();
        let unusable = Failure::input(files.join(CONFIG).display().to_string(), "a signing config");
        let url = config.authority(now).map_err(unusable)?.url.as_str();
        let logs_in = config.issuer(now).map_or(SOME_ISSUER, |issuer| issuer.url.as_str());
        let issuer = expected.issuer.unwrap_or(logs_in);
        let mut text = self.template().to_owned();
        if text.contains("ROOT\n") {
            let path = files.join(TUF_ROOT);
            if !path.exists() {
                return Err(Failure::Usage {
                    what: format!("there is no `{}`: this client follows a TUF repository", path.display()),
                    advice: "begin one with `avouch trust publish`, then run `avouch sigstore files` once more",
                });
            }
            let root = crate::files::read_bounded(&path, bytes_max(TufRole::Root))?;
            text = fill(&text, "ROOT", &BASE64.encode(&root));
        }
        let folder = files.display().to_string();
        let is_quoted = |text: &str| text.contains(['\'', '"', '\\']) || text.contains(char::is_control);
        if [folder.as_str(), issuer, expected.identity].into_iter().any(is_quoted) {
            return Err(Failure::Usage {
                what: "a quote, a backslash or a line break cannot be told to a client".to_owned(),
                advice: "name another folder, identity or issuer",
            });
        }
        let words =
            [("FILES", folder.as_str()), ("URL", url), ("ISSUER", issuer), ("IDENTITY", expected.identity)];
        Ok(words.into_iter().fold(text, |text, (word, value)| fill(&text, word, value)))
    }
}

/// Puts a value where its word stands alone: `FILE` is not in `FILES`.
fn fill(text: &str, word: &str, value: &str) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(word) {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let stands_alone = !before.ends_with(is_part) && !after.starts_with(is_part);
        filled.push_str(before);
        filled.push_str(if stands_alone { value } else { word });
        rest = after;
    }
    filled.push_str(rest);
    filled
}

fn config(path: &Path) -> Result<SigningConfig, Failure> {
    if !path.exists() {
        return Err(Failure::Usage {
            what: format!("there is no `{}`", path.display()),
            advice: "`avouch sigstore files DIR` writes it; name that folder with `--files DIR`",
        });
    }
    let json = crate::files::read_bounded(path, SIGNING_CONFIG_BYTES_MAX)?;
    SigningConfig::from_json(&json)
        .map_err(Failure::input(path.display().to_string(), "a signing config that can be used"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_filled_in_where_it_stands_alone() {
        let text = "FILES/a 'URL/b' MY_URL FILE $FILE URLS (URL)";
        assert_eq!(fill(text, "URL", "u"), "FILES/a 'u/b' MY_URL FILE $FILE URLS (u)");
        assert_eq!(fill(text, "FILES", "f"), "f/a 'URL/b' MY_URL FILE $FILE URLS (URL)");
    }
}
