//! Repositories that python-tuf makes, good and under attack, and what our client takes of them: what python-tuf's own takes,
//! step for step, down to the versions that it keeps.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::command_line::{avouch, text};
use crate::trusted::owned;

const ROLES: [&str; 4] = ["root", "targets", "snapshot", "timestamp"];

/// A repository that changes step by step.
#[derive(Deserialize)]
struct Case {
    name: String,
    steps: Vec<Step>,
}

/// What it shows then.
#[derive(Deserialize)]
struct Step {
    /// What whoever wrote the case expects.
    expected: String,
    /// What python-tuf says.
    said: String,
    /// The file that is wanted.
    target: Option<String>,
    /// The versions that python-tuf keeps from then on.
    kept: Map<String, Value>,
}

/// Our client, with a folder of its own.
struct Client {
    folder: PathBuf,
}

impl Client {
    fn begin(case: &Path) -> Self {
        let client = Self { folder: case.join("ours") };
        let root = case.join("root.json");
        let (taken, said) = client.run(&["init", &root.to_string_lossy()], "", &client.folder);
        assert!(taken, "{said}");
        client
    }

    /// Whether it succeeded, and what it said. Files come into the folder `into`.
    fn run(&self, verb: &[&str], url: &str, into: &Path) -> (bool, String) {
        let mut command: Command = avouch();
        command.args(["tuf-conformance", "--metadata-url", url, "--metadata-dir"]).arg(&self.folder);
        command.args(["--target-base-url", &format!("{url}/targets"), "--target-dir"]).arg(into);
        let output = command.args(verb).output().unwrap();
        let said = text(&output);
        assert!(matches!(output.status.code(), Some(0 | 1)), "neither taken nor refused: {said}");
        (output.status.success(), said)
    }

    fn kept(&self) -> Map<String, Value> {
        let version = |role: &&str| {
            let json = fs::read(self.folder.join(format!("{role}.json"))).ok()?;
            let json: Value = serde_json::from_slice(&json).unwrap();
            Some(((*role).to_owned(), json["signed"]["version"].clone()))
        };
        ROLES.iter().filter_map(version).collect()
    }
}

#[test]
fn interop_our_client_takes_of_repositories_of_python_tuf_what_its_own_client_takes() {
    let Some(python) = testkit::tuf_python() else { return };
    let folder = testkit::temp_folder();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/repositories/attacks.py");
    let output = python.command().arg(script).arg(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let cases: Vec<Case> =
        serde_json::from_slice(&fs::read(folder.path().join("cases.json")).unwrap()).unwrap();
    assert!(cases.len() >= 35, "{}", cases.len());
    let (mut accepted, mut refused) = (0, 0);
    for case in &cases {
        let place = folder.path().join(&case.name);
        let client = Client::begin(&place);
        for (number, step) in case.steps.iter().enumerate() {
            let what = format!("{} {number}", case.name);
            assert_eq!(step.said, step.expected, "{what}: python-tuf says otherwise than the case");
            let site = owned(place.join(number.to_string()));
            // A folder of its own for each: what lies there and is good is not fetched again.
            let into = place.join(format!("files-{number}"));
            let (taken, said) = match &step.target {
                None => client.run(&["refresh"], &site.url(), &into),
                Some(target) => client.run(&["--target-name", target, "download"], &site.url(), &into),
            };
            assert_eq!(taken, step.expected == "taken", "{what}: {said}");
            assert_eq!(client.kept(), step.kept, "{what}: what is kept: {said}");
            if taken { accepted += 1 } else { refused += 1 }
        }
    }
    assert!(accepted >= 60 && refused >= 45, "{accepted} accepted, {refused} refused");
    testkit::interop_row("TUF repository", &python, testkit::Direction::Theirs, accepted, refused);
}
