//! Help, usage and exit codes.

use std::process::{Command, Output};

pub(crate) fn avouch() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_avouch"));
    command
        .env("NO_COLOR", "1")
        .env_remove("AVOUCH_DIR")
        .env_remove("AVOUCH_CONTEXT")
        .env("XDG_CONFIG_HOME", "/nonexistent");
    command
}

pub(crate) fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn run(arguments: &[&str]) -> (Option<i32>, String) {
    let output = avouch().args(arguments).output().unwrap();
    (output.status.code(), text(&output))
}

#[test]
fn the_help_of_the_root_holds_the_table_of_exit_codes() {
    let (code, said) = run(&["--help"]);
    assert_eq!(code, Some(0));
    for line in ["0  good, or done", "1  bad, or refused", "4  pending", "6  expired"] {
        assert!(said.contains(line), "{said}");
    }
}

#[test]
fn every_verb_has_help_and_those_that_do_something_have_examples() {
    let (_, said) = run(&["--help"]);
    let verbs = crate::commands::verbs(&said);
    assert!(verbs.len() > 15, "{said}");
    for verb in verbs {
        let (code, said) = run(&[verb, "--help"]);
        assert_eq!(code, Some(0), "{verb}");
        let has_verbs = said.contains("Commands:");
        assert!(has_verbs || said.contains("Example"), "`avouch {verb} --help` shows no example:\n{said}");
    }
}

#[test]
fn a_mistake_in_the_command_line_is_3_and_not_claps_2() {
    assert_eq!(run(&["sing", "file"]).0, Some(3));
    assert_eq!(run(&["sign"]).0, Some(3));
    assert_eq!(run(&["verify", "/nonexistent/file"]).0, Some(3));
    let (code, said) = run(&["verify", "/"]);
    assert!(code == Some(3) && said.contains("do: name a file, not a folder"), "{code:?}: {said}");
    let (code, said) = run(&["serve", "/nonexistent"]);
    assert_eq!(code, Some(3));
    assert!(
        said.contains("is not a data folder of avouch")
            && said.contains("do: make one with `avouch init DIR`"),
        "{said}"
    );
}

#[test]
fn an_unknown_key_in_the_configuration_is_named() {
    let folder = testkit::temp_folder();
    std::fs::write(folder.path().join("avouch.toml"), "[platform]\nhost = \"localhost\"\nhots = 1\n")
        .unwrap();
    let (code, said) = run(&["config", "check", &folder.path().to_string_lossy()]);
    assert_eq!(code, Some(3));
    assert!(said.contains("hots"), "{said}");
}

#[test]
fn completions_and_manual_pages_are_made() {
    let (code, said) = run(&["completions", "bash"]);
    assert!(code == Some(0) && said.contains("avouch"));
    let folder = testkit::temp_folder();
    assert_eq!(run(&["man", &folder.path().to_string_lossy()]).0, Some(0));
    assert!(folder.path().join("avouch-sign.1").exists());
}

#[test]
fn nothing_is_coloured_where_nobody_looks() {
    let output = avouch().env_remove("NO_COLOR").args(["verify", "/nonexistent"]).output().unwrap();
    assert!(!text(&output).contains('\u{1b}'));
}

#[test]
fn a_key_that_was_named_is_not_passed_over_because_a_receipt_stands_beside() {
    let folder = testkit::temp_folder();
    let path = |name: &str| folder.path().join(name).display().to_string();
    for name in ["file", "file.receipt.json", "file.p7s", "root.json"] {
        std::fs::write(path(name), "{}").unwrap();
    }
    let key = testkit::Key::generate(model::Algorithm::EcdsaP256).public();
    let key = data_encoding::BASE64.encode(key.spki());
    std::fs::write(path("key.pem"), format!("-----BEGIN PUBLIC KEY-----\n{key}\n-----END PUBLIC KEY-----\n"))
        .unwrap();
    let named = ["--public-key", &path("key.pem"), "--sigstore", &path("root.json")];
    let (code, said) = run(&[&["verify", &path("file")], &named[..]].concat());
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("there is no receipt, bundle or signature beside"), "{said}");
    for other in ["file.receipt.json", "file.p7s"] {
        let (code, said) =
            run(&[&["verify", &path("file"), "--signature", &path(other)], &named[..]].concat());
        assert_eq!(code, Some(3), "{said}");
        assert!(said.contains("whoever is named does not sign as"), "{said}");
    }
}
