//! The list of what is linked into the executables: name, version, licence, source and checksum of every crate.
//!
//! Specification: CycloneDX 1.5, <https://cyclonedx.org/docs/1.5/json/>.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};

use super::build::Built;
use super::checksums;
use super::release::Release;
use super::tree;
use crate::failure::Failure;
use crate::metadata::{self, Metadata, Package};
use crate::program;

/// The part of `Cargo.lock` that is used.
#[derive(Debug, Default, Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Debug, Default, Deserialize)]
struct Locked {
    name: String,
    version: String,
    checksum: Option<String>,
}

/// What is linked into one executable: each crate with those that it needs itself, as `NAME VERSION`.
#[derive(Debug, Default, PartialEq, Eq)]
struct Linked(BTreeMap<String, BTreeSet<String>>);

/// Writes the list, and returns its path.
pub(super) fn write(release: &Release, built: &Built, out: &Path) -> Result<PathBuf, Failure> {
    let lock = tree::read(&metadata::root().join("Cargo.lock"))?;
    let not_understood = |why: toml::de::Error| Failure::NotUnderstood {
        what: "`Cargo.lock`".to_owned(),
        why: why.to_string(),
    };
    let lock: Lock = toml::from_str(&String::from_utf8_lossy(&lock)).map_err(not_understood)?;
    let mut executables = Vec::new();
    let mut linked = Linked::default();
    for (name, package, path) in built.each() {
        let crates = Linked::into(package)?;
        executables.push((name, checksums::sha256(path)?, crates.root(package)));
        linked.0.extend(crates.0);
    }
    let list = compose(release, &executables, &linked, &lock)?;
    let path = out.join(format!("avouch-{}.cdx.json", release.version));
    tree::write(&path, format!("{list:#}\n").as_bytes())?;
    Ok(path)
}

impl Linked {
    /// Asks cargo what is linked into the executable of a package.
    fn into(package: &str) -> Result<Self, Failure> {
        let mut cargo = program::cargo();
        cargo.args([
            "tree",
            "--locked",
            "--target",
            metadata::PLATFORM,
            "--prefix",
            "depth",
            "--format",
            " {p}",
        ]);
        cargo.args(["--edges", "normal,no-proc-macro", "--package", package]);
        Ok(Self::parse(&program::output(cargo.current_dir(metadata::root()))?))
    }

    /// From cargo's tree, one crate a line: its depth, then `NAME vVERSION`. What a crate needs stands where it is named first.
    fn parse(tree: &str) -> Self {
        let (mut linked, mut path) = (Self::default(), Vec::<String>::new());
        for line in tree.lines() {
            let mut words = line.split_whitespace();
            let (Some(depth), Some(name), Some(version)) = (words.next(), words.next(), words.next()) else {
                continue;
            };
            let one = format!("{name} {}", version.trim_start_matches('v'));
            path.truncate(depth.parse().unwrap_or_default());
            if let Some(above) = path.last() {
                linked.0.entry(above.clone()).or_default().insert(one.clone());
            }
            linked.0.entry(one.clone()).or_default();
            path.push(one);
        }
        linked
    }

    /// The crate of a package, as it is named here.
    fn root(&self, package: &str) -> String {
        let begins = format!("{package} ");
        self.0.keys().find(|name| name.starts_with(&begins)).cloned().unwrap_or_default()
    }
}

/// The whole list, of executables that are each a name, a checksum and a crate.
fn compose(
    release: &Release,
    executables: &[(&str, String, String)],
    linked: &Linked,
    lock: &Lock,
) -> Result<Value, Failure> {
    let own = json!({
        "type": "application", "bom-ref": "avouch", "name": "avouch", "version": release.version,
        "licenses": [{ "expression": "Apache-2.0" }],
    });
    let mut components = Vec::new();
    let mut dependencies = Vec::new();
    for (name, sum, root) in executables {
        let reference = format!("executable:{name}");
        components.push(json!({
            "type": "application", "bom-ref": reference, "name": name, "version": release.version,
            "hashes": [{ "alg": "SHA-256", "content": sum }],
        }));
        dependencies.push(json!({ "ref": reference, "dependsOn": [reference_of(root)] }));
    }
    for (name, needs) in &linked.0 {
        components.push(component(name, &release.metadata, lock)?);
        let needs: Vec<String> = needs.iter().map(|need| reference_of(need)).collect();
        dependencies.push(json!({ "ref": reference_of(name), "dependsOn": needs }));
    }
    Ok(json!({
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "metadata": { "timestamp": instant(release.epoch), "component": own },
        "components": components,
        "dependencies": dependencies,
    }))
}

/// A crate, by the address that a package has everywhere.
fn reference_of(name: &str) -> String {
    format!("pkg:cargo/{}", name.replace(' ', "@"))
}

fn component(name: &str, metadata: &Metadata, lock: &Lock) -> Result<Value, Failure> {
    let not_known = |what: &str| Failure::NotUnderstood {
        what: format!("the crate `{name}`"),
        why: format!("it is linked in, and {what}"),
    };
    let is = |a: &str, b: &str| name.split_once(' ') == Some((a, b));
    let package = metadata.packages.iter().find(|package| is(&package.name, &package.version));
    let Package { name: crate_name, version, license, source, .. } =
        package.ok_or_else(|| not_known("cargo's metadata does not have it"))?;
    let licence = license.as_ref().ok_or_else(|| not_known("it has no licence"))?;
    let mut component = json!({
        "type": "library", "bom-ref": reference_of(name), "purl": reference_of(name),
        "name": crate_name, "version": version,
        // Before SPDX expressions, crates wrote `MIT/Apache-2.0` and meant either.
        "licenses": [{ "expression": licence.split('/').map(str::trim).collect::<Vec<_>>().join(" OR ") }],
    });
    // What has no source is our own, and is in this repository.
    if let Some(source) = source {
        let locked = lock.package.iter().find(|locked| is(&locked.name, &locked.version));
        let checksum = locked.and_then(|locked| locked.checksum.as_ref());
        let checksum = checksum.ok_or_else(|| not_known("Cargo.lock has no checksum of it"))?;
        component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
        component["externalReferences"] = json!([{ "type": "distribution", "url": source }]);
    }
    Ok(component)
}

/// Seconds since 1970 as RFC 3339 writes them. The days are counted as in Howard Hinnant's `civil_from_days`.
fn instant(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march = (5 * day_of_year + 2) / 153;
    let (day, month) =
        (day_of_year - (153 * march + 2) / 5 + 1, if march < 10 { march + 3 } else { march - 9 });
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3_600, rest / 60 % 60, rest % 60)
}

#[cfg(test)]
mod tests {
    use super::super::release::Machine;
    use super::*;

    const TREE: &str = "0 cli v0.1.0 (/a/crates/cli)\n1 serde v1.0.2\n2 itoa v1.0.0\n1 model v0.1.0 (/a/crates/model)\n2 serde v1.0.2 (*)\n";

    fn linked() -> Linked {
        Linked::parse(TREE)
    }

    fn package(name: &str, version: &str, source: Option<&str>) -> Package {
        Package {
            name: name.to_owned(),
            version: version.to_owned(),
            license: Some("MIT / Apache-2.0".to_owned()),
            source: source.map(str::to_owned),
            ..Package::default()
        }
    }

    fn list(lock: &Lock) -> Result<Value, Failure> {
        let packages = vec![
            package("cli", "0.1.0", None),
            package("model", "0.1.0", None),
            package("serde", "1.0.2", Some("registry+x")),
            package("itoa", "1.0.0", Some("registry+x")),
        ];
        let release = Release {
            version: "0.1.0".to_owned(),
            epoch: 951_782_400,
            machine: Machine { triple: "", debian: "" },
            metadata: Metadata { packages, ..Metadata::default() },
        };
        compose(&release, &[("avouch", "00".to_owned(), "cli 0.1.0".to_owned())], &linked(), lock)
    }

    fn locked(name: &str, version: &str) -> Locked {
        Locked {
            name: name.to_owned(),
            version: version.to_owned(),
            checksum: Some(format!("sum of {name}")),
        }
    }

    #[test]
    fn each_crate_stands_there_once_with_what_it_needs_itself() {
        let linked = linked();
        assert_eq!(linked.0.len(), 4);
        let needs = |name: &str| linked.0[name].iter().cloned().collect::<Vec<_>>();
        assert_eq!(needs("cli 0.1.0"), ["model 0.1.0", "serde 1.0.2"]);
        assert_eq!(needs("serde 1.0.2"), ["itoa 1.0.0"]);
        assert_eq!(needs("model 0.1.0"), ["serde 1.0.2"]);
        assert_eq!(linked.root("cli"), "cli 0.1.0");
    }

    #[test]
    fn a_crate_of_others_is_named_with_licence_source_and_checksum() {
        let lock = Lock { package: vec![locked("serde", "1.0.2"), locked("itoa", "1.0.0")] };
        let list = list(&lock).expect("all is known");
        assert_eq!(list["metadata"]["timestamp"], "2000-02-29T00:00:00Z");
        let components = list["components"].as_array().expect("it is a list");
        let serde = components.iter().find(|one| one["name"] == "serde").expect("it is linked in");
        assert_eq!(serde["purl"], "pkg:cargo/serde@1.0.2");
        assert_eq!(serde["licenses"][0]["expression"], "MIT OR Apache-2.0");
        assert_eq!(serde["hashes"][0]["content"], "sum of serde");
        let ours = components.iter().find(|one| one["name"] == "model").expect("it is linked in");
        assert_eq!(ours.get("hashes"), None);
    }

    #[test]
    fn a_crate_without_a_checksum_stops_the_release() {
        let lock = Lock { package: vec![locked("serde", "1.0.1"), locked("itoa", "1.0.0")] };
        assert!(list(&lock).is_err_and(|failure| failure.to_string().contains("`serde 1.0.2`")));
    }

    #[test]
    fn times_are_written_as_everybody_reads_them() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_795_182_049, "2026-11-20T13:40:49Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
        ] {
            assert_eq!(instant(seconds), text);
        }
    }
}
