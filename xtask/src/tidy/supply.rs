//! The crates of others that ship: none that is banned, only with licences that are allowed, only from the registry.
//!
//! `deny.toml` says which. Where cargo-deny is installed, `cargo xtask check` runs it as well; this needs nothing.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::{Finding, licence};
use crate::failure::Failure;
use crate::metadata::{self, Metadata, Package};

/// The part of `deny.toml` that is held here.
#[derive(Debug, Deserialize)]
struct Deny {
    bans: Bans,
    licenses: Licences,
}

#[derive(Debug, Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Debug, Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

#[derive(Debug, Deserialize)]
struct Licences {
    allow: Vec<String>,
}

/// What is compiled for the rooms, build scripts included; what only tests and chores use is not.
pub(super) fn shipped() -> Result<String, Failure> {
    metadata::tree(&[
        "--workspace",
        "--exclude",
        "xtask",
        "--exclude",
        "testkit",
        "--exclude",
        "sim",
        "--exclude",
        "bench",
        "--edges",
        "normal,build",
    ])
}

/// Holds what is shipped, as cargo's tree names it, to `deny.toml`.
pub(super) fn judge(metadata: &Metadata, shipped: &str, deny: &str) -> Result<Vec<Finding>, Failure> {
    let deny: Deny = toml::from_str(deny)
        .map_err(|why| Failure::NotUnderstood { what: "`deny.toml`".to_owned(), why: why.to_string() })?;
    let mut findings = Vec::new();
    let lines: BTreeSet<&str> = shipped.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    for package in lines.iter().filter_map(|line| metadata.package(line)) {
        let Package { name, version, .. } = package;
        if let Some(Ban { reason, .. }) = deny.bans.deny.iter().find(|ban| ban.name == *name) {
            findings
                .push(Finding::broken(format!("`{name}` {version} is compiled in, and banned: {reason}")));
        }
        let expression = package.license.as_deref().unwrap_or_default();
        if !licence::fulfilled(expression, &deny.licenses.allow) {
            findings.push(Finding::broken(format!(
                "`{name}` {version} has the licence `{expression}`, which deny.toml does not allow"
            )));
        }
        if package.source.as_ref().is_some_and(|source| !source.starts_with("registry+")) {
            findings.push(Finding::broken(format!("`{name}` {version} does not come from the registry")));
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DENY: &str =
        "[bans]\ndeny = [{ crate = \"ring\", reason = \"one is enough\" }]\n[licenses]\nallow = [\"MIT\"]\n";

    fn package(name: &str, license: &str) -> Package {
        Package {
            id: name.to_owned(),
            name: name.to_owned(),
            version: "1.2.3".to_owned(),
            license: Some(license.to_owned()),
            source: Some("registry+elsewhere".to_owned()),
            ..Package::default()
        }
    }

    /// What is said where `package` is shipped.
    fn said(package: Package) -> Vec<String> {
        let metadata = Metadata { packages: vec![package], ..Metadata::default() };
        let findings =
            judge(&metadata, "a v1.2.3\nring v1.2.3\nring v1.2.3 (*)\n", DENY).expect("the text is TOML");
        findings.iter().map(Finding::to_string).collect()
    }

    #[test]
    fn a_banned_crate_is_refused_where_it_ships() {
        assert_eq!(
            said(package("ring", "MIT")),
            ["broken: `ring` 1.2.3 is compiled in, and banned: one is enough"]
        );
        assert_eq!(said(Package { version: "1.2.4".to_owned(), ..package("ring", "MIT") }), [""; 0]);
    }

    #[test]
    fn a_licence_that_is_not_allowed_is_refused() {
        assert_eq!(said(package("a", "MIT")), [""; 0]);
        assert!(said(package("a", "GPL-3.0"))[0].contains("`GPL-3.0`"));
    }

    #[test]
    fn a_crate_from_elsewhere_is_refused() {
        let stray = Package { source: Some("git+https://example.test".to_owned()), ..package("a", "MIT") };
        assert!(said(stray)[0].contains("does not come from the registry"));
    }
}
