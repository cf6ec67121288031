//! Homes: what may be used in one room only, so that it can be understood, reviewed and replaced there.

use super::Finding;
use super::source::Source;
use crate::metadata::{Kind, Metadata};

/// Libraries, and the rooms that may use them outside their tests.
const LIBRARIES: [(&[&str], &[&str]); 5] = [
    (&["axum"], &["server"]),
    (&["rusqlite", "libsqlite3-sys", "sqlx"], &["store"]),
    (&["cedar-policy", "cedar-policy-core"], &["policy"]),
    // `bench` answers a bare POST with what the server is built of, so that the two can be compared.
    (&["tokio"], &["server", "client", "identity", "cli", "bench"]),
    (&["reqwest", "ureq", "hyper-rustls"], &["client", "identity"]),
];

/// Words of code, and the paths in which they may stand.
struct Words {
    what: &'static str,
    words: &'static [&'static str],
    /// The rooms that are looked at; none means all.
    rooms: &'static [&'static str],
    /// Beginnings of paths that are exempt.
    homes: &'static [&'static str],
}

const WORDS: [Words; 3] = [
    Words {
        what: "SQL belongs in `store`",
        words: &["\"SELECT ", "INSERT INTO ", "CREATE TABLE ", "DELETE FROM "],
        rooms: &[],
        homes: &["crates/store/"],
    },
    Words {
        what: "Linux-only code belongs in the key process's sandbox, the launcher, or where lane processes are passed what they need",
        words: &["std::os::linux", "cfg(target_os", "rustix::", "libc::", "use rustix", "use libc"],
        rooms: &[],
        homes: &["crates/signerd/src/sandbox", "crates/cli/src/launch", "crates/keystore/src/pkcs11/system"],
    },
    Words {
        what: "floors 0 and 1 take bytes, a time and random bytes: they do no input or output",
        words: &[
            "std::fs",
            "TcpStream",
            "TcpListener",
            "UdpSocket",
            "ToSocketAddrs",
            "std::process",
            "std::env",
            "std::thread",
            "SystemTime",
            "time::Instant",
            "SystemRandom",
            "rand::",
        ],
        rooms: &["model", "pki", "envelope", "formats", "tlog", "quorum"],
        homes: &[],
    },
];

/// Holds the manifests to the homes of libraries.
pub(super) fn judge_dependencies(metadata: &Metadata) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in metadata.own().filter(|package| package.name != "testkit") {
        for dependency in package.dependencies.iter().filter(|d| d.kind != Kind::Dev) {
            for (_, rooms) in LIBRARIES.iter().filter(|(names, _)| names.contains(&dependency.name.as_str()))
            {
                if !rooms.contains(&package.name.as_str()) {
                    let (name, room) = (&dependency.name, &package.name);
                    let rooms = rooms.join("`, `");
                    findings.push(Finding::broken(format!(
                        "`{room}` uses `{name}`, which is at home in `{rooms}`"
                    )));
                }
            }
        }
    }
    findings
}

/// Holds shipped code to the homes of words.
pub(super) fn judge_sources(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for Words { what, words, rooms, homes } in &WORDS {
        let abroad = |source: &&Source| {
            let room = source.room().filter(|room| rooms.is_empty() || rooms.contains(room));
            room.is_some_and(|room| room != "testkit")
                && !homes.iter().any(|home| source.path.starts_with(home))
        };
        for source in sources.iter().filter(abroad) {
            for (number, line) in source.code() {
                if let Some(word) = words.iter().find(|word| line.contains(**word)) {
                    findings.push(Finding::broken(format!(
                        "{}:{number}: `{}`: {what}",
                        source.path,
                        word.trim()
                    )));
                }
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::source::tests::source;
    use super::*;
    use crate::metadata::{Dependency, Package};

    #[test]
    fn a_library_away_from_home_is_named() {
        let uses = |name: &str, kind| Dependency { name: name.to_owned(), kind, path: None };
        let package = Package {
            id: "engine".to_owned(),
            name: "engine".to_owned(),
            dependencies: vec![uses("axum", Kind::Normal), uses("tokio", Kind::Dev)],
            ..Package::default()
        };
        let metadata = Metadata {
            packages: vec![package],
            workspace_members: vec!["engine".to_owned()],
            ..Metadata::default()
        };
        let findings = judge_dependencies(&metadata);
        assert_eq!(
            findings,
            [Finding::broken("`engine` uses `axum`, which is at home in `server`".to_owned())]
        );
    }

    /// CVE-2026-24117: an address in what a stranger sent was fetched.
    #[test]
    fn what_fetches_by_an_address_is_at_home_with_who_asked_for_it() {
        for fetching in ["reqwest", "ureq"] {
            let dependency = Dependency { name: fetching.to_owned(), kind: Kind::Normal, path: None };
            let of = |name: &str| Package {
                id: name.to_owned(),
                name: name.to_owned(),
                dependencies: vec![dependency.clone()],
                ..Package::default()
            };
            let packages = ["client", "server", "engine", "verify", "envelope"].map(of).to_vec();
            let workspace_members = packages.iter().map(|package| package.id.clone()).collect();
            let findings =
                judge_dependencies(&Metadata { packages, workspace_members, ..Metadata::default() });
            assert_eq!(findings.len(), 4, "{findings:?}");
        }
    }

    #[test]
    fn words_are_found_in_code_and_away_from_home_only() {
        let sources = [
            source("crates/store/src/rows.rs", "let q = \"SELECT 1\";"),
            source("crates/engine/src/a.rs", "// std::os::linux\nlet q = \"SELECT 1\";"),
            source("crates/signerd/src/sandbox/landlock.rs", "use rustix::fs;"),
            source("crates/signerd/src/main.rs", "use rustix::fs;"),
            source("crates/tlog/src/lib.rs", "use std::fs;\n#[cfg(test)]\nmod tests { use std::env; }"),
            source("crates/store/src/disk.rs", "use std::fs;"),
        ];
        let said: Vec<String> = judge_sources(&sources).iter().map(|f| f.text.clone()).collect();
        let found = |place: &str| said.iter().any(|text| text.starts_with(place));
        assert!(found("crates/engine/src/a.rs:2") && found("crates/signerd/src/main.rs:1"), "{said:?}");
        assert!(found("crates/tlog/src/lib.rs:1"), "{said:?}");
        assert_eq!(said.len(), 3, "{said:?}");
    }
}
