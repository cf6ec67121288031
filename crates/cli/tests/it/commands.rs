//! The page of commands is what the binary says of itself. `AVOUCH_GEN=1`, which `cargo xtask gen` sets, writes it.

use std::fs;
use std::path::Path;

use crate::command_line::avouch;

const HEAD: &str = "\
# Commands

Made by `cargo xtask gen` from `avouch --help` and from that of every verb. Exit codes are [the same for all](README.md).
";

#[test]
fn the_page_of_commands_is_what_the_binary_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/commands.md");
    let mut made = HEAD.to_owned();
    describe(&[], &mut made);
    if std::env::var_os("AVOUCH_GEN").is_some() {
        fs::write(&path, &made).unwrap();
    }
    let held = fs::read_to_string(&path).unwrap_or_default();
    let differs = made.lines().zip(held.lines()).find(|(made, held)| made != held);
    assert!(made == held, "docs/reference/commands.md is out of date: run `cargo xtask gen`; {differs:?}");
}

/// Adds what a verb says of itself, and then each verb beneath it.
fn describe(verb: &[&str], page: &mut String) {
    let output = avouch().args(verb).arg("--help").env_remove("COLUMNS").output().unwrap();
    assert!(output.status.success(), "{verb:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    let name = [&["avouch"], verb].concat().join(" ");
    page.push_str(&format!("\n## {name}\n\n```text\n{}\n```\n", said.trim_end()));
    for beneath in verbs(&said) {
        describe(&[verb, &[beneath]].concat(), page);
    }
}

/// The verbs that a help text lists.
pub(crate) fn verbs(said: &str) -> Vec<&str> {
    let listed = said.lines().skip_while(|line| !line.starts_with("Commands:")).skip(1);
    // What is wrapped stands further in.
    let names = listed.take_while(|line| !line.is_empty()).filter_map(|line| {
        let line = line.strip_prefix("  ").filter(|line| !line.starts_with(' '))?;
        line.split_whitespace().next()
    });
    names.filter(|verb| *verb != "help").collect()
}
