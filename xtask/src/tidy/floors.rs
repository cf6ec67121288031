//! Floors and edges: which room may use which.
//!
//! The rule is in the code; the edges that there are stand in a golden file besides, so that a new one is a line in
//! a diff that somebody reads.

use std::collections::BTreeSet;
use std::fmt;

use super::{EDGES_GOLDEN, Finding};
use crate::metadata::{Kind, Metadata};

/// The floor of each room. An edge points down.
const FLOORS: [(&str, u8); 20] = [
    ("model", 0),
    ("pki", 1),
    ("envelope", 1),
    ("formats", 1),
    ("tlog", 1),
    ("quorum", 1),
    ("verify", 2),
    ("identity", 2),
    ("signer", 2),
    ("keystore", 2),
    ("signerd", 2),
    ("witness", 2),
    ("engine", 3),
    ("authority", 3),
    ("policy", 3),
    ("store", 3),
    ("server", 4),
    ("cli", 4),
    ("api", 4),
    ("client", 4),
];

/// The edges that stay on one floor.
const SAME_FLOOR: [(&str, &str); 17] = [
    ("formats", "envelope"),
    ("envelope", "pki"),
    ("envelope", "tlog"),
    ("quorum", "envelope"),
    ("quorum", "pki"),
    ("signerd", "signer"),
    ("signerd", "keystore"),
    ("witness", "keystore"),
    ("policy", "engine"),
    ("authority", "engine"),
    ("store", "engine"),
    ("store", "authority"),
    ("server", "api"),
    ("client", "api"),
    ("cli", "server"),
    ("cli", "client"),
    ("cli", "api"),
];

/// Private keys are in one process, and a witness's in another; nobody else links the room that holds them.
const KEY_ROOM: (&str, [&str; 2]) = ("keystore", ["signerd", "witness"]);

/// What tests and measurements are made of, and nothing that ships: the kit, the rehearsal of the production stages, and
/// what measures the real processes. They may use everything, each other included, and nobody ships them.
pub(super) const TEST_ROOMS: [&str; 3] = ["testkit", "sim", "bench"];

/// Tools beside the house.
const OUTBUILDINGS: [&str; 1] = ["xtask"];

/// One package of the workspace uses another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    from: String,
    to: String,
    purpose: &'static str,
}

impl fmt::Display for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}{}", self.from, self.to, self.purpose)
    }
}

/// The golden file of what is there now.
pub(super) fn golden(metadata: &Metadata) -> String {
    let mut text = String::from(
        "# Which room uses which. Made by `cargo xtask tidy --bless`: a new line here is a new edge, to be reviewed.\n",
    );
    for edge in edges(metadata) {
        text.push_str(&format!("{edge}\n"));
    }
    text
}

/// Holds the edges to the floors and to the golden file.
pub(super) fn judge(metadata: &Metadata, golden: &str) -> Vec<Finding> {
    let edges = edges(metadata);
    let mut findings: Vec<Finding> =
        edges.iter().filter_map(|edge| Some(Finding::broken(wrong(edge)?))).collect();
    for package in metadata.own() {
        let name = package.name.as_str();
        if floor(name).is_none() && !is_test_room(name) && !OUTBUILDINGS.contains(&name) {
            findings.push(Finding::broken(format!(
                "`{name}` has no floor; give it one in xtask/src/tidy/floors.rs"
            )));
        }
    }
    let here: BTreeSet<String> = edges.iter().map(Edge::to_string).collect();
    let known: BTreeSet<String> =
        golden.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect();
    for edge in here.difference(&known) {
        findings.push(Finding::broken(format!(
            "`{edge}` is not in {EDGES_GOLDEN}; if the edge is meant, run `cargo xtask tidy --bless` and say why in the commit"
        )));
    }
    for edge in known.difference(&here) {
        findings.push(Finding::broken(format!(
            "`{edge}` is in {EDGES_GOLDEN} and is gone; run `cargo xtask tidy --bless`"
        )));
    }
    findings
}

fn edges(metadata: &Metadata) -> BTreeSet<Edge> {
    let own: BTreeSet<&str> = metadata.own().map(|package| package.name.as_str()).collect();
    let mut edges = BTreeSet::new();
    for package in metadata.own() {
        let inside = |name: &str| own.contains(name);
        for dependency in package.dependencies.iter().filter(|d| d.path.is_some() && inside(&d.name)) {
            let purpose = match dependency.kind {
                Kind::Normal => "",
                Kind::Dev => " (dev)",
                Kind::Build => " (build)",
            };
            edges.insert(Edge { from: package.name.clone(), to: dependency.name.clone(), purpose });
        }
    }
    edges
}

/// What is wrong with an edge. Edges of tests ship nothing: the golden file lists them, and no floor binds them.
fn wrong(edge: &Edge) -> Option<String> {
    let Edge { from, to, purpose } = edge;
    if *purpose == " (dev)" || is_test_room(from) {
        return None;
    }
    if is_test_room(to) {
        return Some(format!("`{from}` ships `{to}`; make it a dev-dependency"));
    }
    if to == KEY_ROOM.0 && !KEY_ROOM.1.contains(&from.as_str()) {
        return Some(format!(
            "`{from}` links `{to}`, which only `{}` may: private keys are nowhere else",
            KEY_ROOM.1.join("` and `")
        ));
    }
    let (above, below) = (floor(from)?, floor(to)?);
    let same = SAME_FLOOR.iter().any(|(a, b)| a == from && b == to);
    match above.cmp(&below) {
        std::cmp::Ordering::Less => Some(format!(
            "`{from}` (floor {above}) uses `{to}` (floor {below}): an edge only points down; move what is needed to a lower room"
        )),
        std::cmp::Ordering::Equal if !same => Some(format!(
            "`{from}` uses `{to}`, on the same floor {above}; only the edges that ARCHITECTURE.md lists may do that"
        )),
        _ => None,
    }
}

fn is_test_room(name: &str) -> bool {
    TEST_ROOMS.contains(&name)
}

fn floor(room: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == room).map(|(_, floor)| *floor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::{Dependency, Package};

    /// A workspace of packages with dependencies on one another.
    fn workspace(packages: &[(&str, &[(&str, Kind)])]) -> Metadata {
        let package = |(name, uses): &(&str, &[(&str, Kind)])| Package {
            id: (*name).to_owned(),
            name: (*name).to_owned(),
            dependencies: uses
                .iter()
                .map(|(to, kind)| Dependency {
                    name: (*to).to_owned(),
                    kind: *kind,
                    path: Some("crates".into()),
                })
                .collect(),
            ..Package::default()
        };
        let packages: Vec<Package> = packages.iter().map(package).collect();
        let workspace_members = packages.iter().map(|p| p.id.clone()).collect();
        Metadata { packages, workspace_members, ..Metadata::default() }
    }

    /// What is said of a workspace whose golden file is up to date.
    fn said(metadata: &Metadata) -> Vec<String> {
        judge(metadata, &golden(metadata)).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn a_planted_upward_edge_is_refused() {
        let house = workspace(&[("model", &[("engine", Kind::Normal)]), ("engine", &[])]);
        let said = said(&house);
        assert_eq!(said.len(), 1);
        assert!(said[0].starts_with("broken: `model` (floor 0) uses `engine` (floor 3)"), "{said:?}");
    }

    #[test]
    fn an_upward_edge_of_a_build_script_is_refused_as_well() {
        assert_eq!(said(&workspace(&[("pki", &[("store", Kind::Build)]), ("store", &[])])).len(), 1);
    }

    #[test]
    fn edges_down_and_the_listed_ones_across_are_good() {
        let house = workspace(&[
            ("cli", &[("server", Kind::Normal), ("model", Kind::Normal)]),
            ("server", &[]),
            ("model", &[]),
        ]);
        assert_eq!(said(&house), [""; 0]);
    }

    #[test]
    fn another_edge_across_is_refused() {
        assert_eq!(said(&workspace(&[("pki", &[("tlog", Kind::Normal)]), ("tlog", &[])])).len(), 1);
    }

    #[test]
    fn only_the_key_process_links_private_keys() {
        let house = workspace(&[("engine", &[("keystore", Kind::Normal)]), ("keystore", &[])]);
        assert!(said(&house)[0].contains("only `signerd` and `witness` may"));
    }

    #[test]
    fn the_rooms_of_tests_use_all_and_are_shipped_by_none() {
        let rehearsal: [(&str, &[(&str, Kind)]); 3] = [
            ("sim", &[("keystore", Kind::Normal), ("testkit", Kind::Normal)]),
            ("keystore", &[]),
            ("testkit", &[]),
        ];
        assert_eq!(said(&workspace(&rehearsal)), [""; 0]);
        assert_eq!(said(&workspace(&[("engine", &[("sim", Kind::Normal)]), ("sim", &[])])).len(), 1);
    }

    #[test]
    fn testkit_is_for_tests() {
        assert_eq!(said(&workspace(&[("model", &[("testkit", Kind::Dev)]), ("testkit", &[])])), [""; 0]);
        assert_eq!(said(&workspace(&[("model", &[("testkit", Kind::Normal)]), ("testkit", &[])])).len(), 1);
    }

    #[test]
    fn an_edge_that_the_golden_file_lacks_is_refused_and_so_is_one_that_is_gone() {
        let house = workspace(&[("engine", &[("model", Kind::Normal)]), ("model", &[])]);
        assert!(judge(&house, "")[0].text.contains("`engine -> model` is not in"));
        let golden = "engine -> model\nengine -> pki\n";
        assert!(judge(&house, golden)[0].text.contains("`engine -> pki` is in"));
    }

    #[test]
    fn a_room_without_a_floor_is_refused() {
        assert!(said(&workspace(&[("cellar", &[])]))[0].contains("`cellar` has no floor"));
    }
}
