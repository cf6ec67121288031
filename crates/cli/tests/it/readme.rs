//! The first screen of the README, run line by line on a machine that has nothing: it cannot rot.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::command_line::text;

/// Brings up loopback in a network of the test's own, where the fixed ports of a first platform are free.
const LOOPBACK_UP: &str = "python3 -c \"import fcntl, socket, struct; fcntl.ioctl(socket.socket(), 0x8914, struct.pack('16sh', b'lo', 0x41))\"";

#[test]
fn interop_the_five_commands_of_the_readme_do_what_they_say() {
    let namespace = ["--map-root-user", "--net"];
    let allowed =
        Command::new("unshare").args(namespace).arg("true").status().is_ok_and(|status| status.success());
    if !allowed || testkit::tool("python3").is_none() || testkit::tool("openssl").is_none() {
        testkit::skip("the five commands of the README", "no network namespace, python3 or openssl here");
        return;
    }
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let readme = fs::read_to_string(repository.join("README.md")).unwrap();
    let block = readme.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
    let commands: Vec<&str> = block.lines().collect();
    assert_eq!(commands.len(), 5, "{block}");
    let home = testkit::temp_folder();
    fs::copy(repository.join("Cargo.toml"), home.path().join("Cargo.toml")).unwrap();
    let output = Command::new("unshare")
        .args(namespace)
        .args(["sh", "-ec", &script(&commands)])
        .current_dir(home.path())
        .env_clear()
        .env("HOME", home.path())
        .env("TMPDIR", home.path())
        .env("PATH", path())
        .output()
        .unwrap();
    let said = text(&output);
    assert!(output.status.success(), "{said}");
    for expected in ["Do not take our word for it", "signed Cargo.toml", "CMS Verification successful"] {
        assert!(said.contains(expected), "`{expected}` is missing: {said}");
    }
}

/// The commands as they stand there, but for building, which was done already; and the end of what they started.
fn script(commands: &[&str]) -> String {
    let mut lines = vec![LOOPBACK_UP.to_owned()];
    for command in commands {
        let command = command.split('#').next().unwrap().trim_end();
        match command.strip_prefix("cargo run --release -- ") {
            Some(verb) => lines.push(format!("avouch {verb}")),
            None if command == "cargo install --path crates/cli" => {}
            None => {
                assert!(command.starts_with("avouch ") || command.starts_with("openssl "), "{command}");
                lines.push(format!("{command} 2>>said; cat said"));
            }
        }
    }
    lines.push("kill $(sed -n 's/.*ends with `kill \\([0-9]*\\)`.*/\\1/p' said)".to_owned());
    lines.join("\n")
}

fn path() -> String {
    let avouch = Path::new(env!("CARGO_BIN_EXE_avouch")).parent().unwrap().to_owned();
    format!("{}:{}", avouch.display(), std::env::var("PATH").unwrap())
}
