//! The public conformance suite's bundles, through its own protocol: the verb that it would call, and its exit code.

use std::fs;
use std::path::Path;

use crate::command_line::{avouch, text};

/// Whom the suite's bundles are by, unless a case says otherwise.
const SUBJECT: &str = "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main";
const ISSUER: &str = "https://token.actions.githubusercontent.com";

/// Cases in the suite; each is asked with a file and with its digest.
const CASES: usize = 70;

/// How the suite names what was signed.
#[derive(Debug, Clone, Copy)]
enum Given {
    Path,
    Digest,
}

fn judge(suite: &Path, case: &Path, given: Given) -> (bool, String) {
    let of_case = |name: &str, otherwise: &str| {
        let own = case.join(name);
        if own.exists() { own } else { suite.join(otherwise) }
    };
    let said = |name: &str, otherwise: &str| {
        fs::read_to_string(case.join(name)).map_or(otherwise.to_owned(), |text| text.trim().to_owned())
    };
    let artifact = of_case("artifact", "a.txt");
    let mut command = avouch();
    command
        .args(["sigstore-conformance", "verify-bundle", "--bundle"])
        .arg(case.join("bundle.sigstore.json"));
    command.arg("--trusted-root").arg(of_case("trusted_root.json", "trusted_root.production.json"));
    if case.join("key.pub").exists() {
        command.arg("--key").arg(case.join("key.pub"));
    } else {
        command.args(["--certificate-identity", &said("identity", SUBJECT)]);
        command.args(["--certificate-oidc-issuer", &said("issuer", ISSUER)]);
    }
    match given {
        Given::Path => command.arg(&artifact),
        Given::Digest => {
            let digest = model::Digest::of(&fs::read(&artifact).unwrap());
            command.arg(format!("sha256:{digest}"))
        }
    };
    let output = command.output().unwrap();
    (output.status.success(), text(&output))
}

#[test]
fn every_case_of_the_conformance_suite_ends_with_the_exit_code_that_it_must() {
    let Some(vectors) = testkit::vectors() else { return };
    let suite = vectors.join("sigstore-conformance");
    let entries = fs::read_dir(suite.join("bundle-verify")).unwrap();
    let mut cases: Vec<_> = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    cases.sort();
    assert_eq!(cases.len(), CASES);
    let mut wrong = Vec::new();
    for case in &cases {
        let name = case.file_name().unwrap().to_str().unwrap();
        for given in [Given::Path, Given::Digest] {
            let (accepted, said) = judge(&suite, case, given);
            if accepted == name.ends_with("_fail") {
                wrong.push(format!("{name} by {given:?}: {said}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), 2 * CASES, wrong.join("\n"));
}

#[test]
fn a_pattern_that_expects_everybody_is_refused_with_the_reason() {
    let output = avouch()
        .args([
            "verify",
            "f",
            "--bundle",
            "f.sigstore.json",
            "--identity",
            "*",
            "--issuer",
            "https://a.example",
        ])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output).contains("expects whoever there is"), "{}", text(&output));
}
