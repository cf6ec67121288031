//! The first screen of the README, run line by line on a machine that has nothing: it cannot rot.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::command_line::text;

/// Brings up loopback in a network of the test's own, where the fixed ports of a first platform are free, and nobody says
/// where `localhost` is.
const LOOPBACK_UP: &str = "mount --bind /dev/null /etc/hosts
python3 -c \"import fcntl, socket, struct; fcntl.ioctl(socket.socket(), 0x8914, struct.pack('16sh', b'lo', 0x41))\"";

/// Says how often anybody tried to reach something outside: the network of the test has no way there, and counts.
const TRIED: &str = "python3 -c \"
names, values = [line.split() for line in open('/proc/net/snmp') if line.startswith('Ip:')]
six = dict(line.split() for line in open('/proc/net/snmp6'))
print('tried to go out:', int(values[names.index('OutNoRoutes')]) + int(six['Ip6OutNoRoutes']))\"";

#[test]
fn interop_the_five_commands_of_the_readme_do_what_they_say() {
    let Some(machine) = Machine::new(&["openssl"]) else { return };
    let said = machine.run(1, 5);
    for expected in ["Do not take our word for it", "signed Cargo.toml", "CMS Verification successful"] {
        assert!(said.contains(expected), "`{expected}` is missing: {said}");
    }
}

#[test]
fn interop_from_nothing_to_a_keyless_signature_that_cosign_verifies() {
    let Some(machine) = Machine::new(&["cosign"]) else { return };
    let said = machine.run(2, 3);
    for expected in ["Sign `Cargo.toml` as ada@example.com", "ben@example.com", "Verified OK"] {
        assert!(said.contains(expected), "`{expected}` is missing: {said}");
    }
}

/// A machine that has nothing but a home with one file: a network of its own without a way out, and these tools.
struct Machine {
    home: testkit::TempFolder,
    tools: Vec<testkit::Tool>,
    readme: String,
}

const NAMESPACE: [&str; 3] = ["--map-root-user", "--mount", "--net"];

impl Machine {
    fn new(tools: &[&'static str]) -> Option<Self> {
        let allowed = Command::new("unshare").args(NAMESPACE).arg("true").status();
        if !allowed.is_ok_and(|status| status.success()) || testkit::tool("python3").is_none() {
            testkit::skip("the commands of the README", "no network namespace, or no python3 here");
            return None;
        }
        let tools: Option<Vec<_>> = tools.iter().map(|tool| testkit::tool(tool)).collect();
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let home = testkit::temp_folder();
        fs::copy(repository.join("Cargo.toml"), home.path().join("Cargo.toml")).unwrap();
        let readme = fs::read_to_string(repository.join("README.md")).unwrap();
        Some(Self { home, tools: tools?, readme })
    }

    /// Runs the n-th block of commands, of which there are so many.
    fn run(&self, block: usize, count: usize) -> String {
        let block = self.readme.split("```sh\n").nth(block).unwrap().split("```").next().unwrap();
        let commands: Vec<&str> = block.lines().collect();
        assert_eq!(commands.len(), count, "{block}");
        let home = self.home.path();
        let output = Command::new("unshare")
            .args(NAMESPACE)
            .args(["sh", "-ec", &script(&commands)])
            .current_dir(home)
            .env_clear()
            .env("HOME", home)
            .env("TMPDIR", home)
            .env("PATH", self.path())
            .output()
            .unwrap();
        let said = text(&output);
        assert!(output.status.success(), "{said}");
        assert!(said.contains("tried to go out: 0\n"), "somebody asked for something outside: {said}");
        said
    }

    fn path(&self) -> String {
        let folder = |program: &Path| program.parent().unwrap().display().to_string();
        let avouch = folder(Path::new(env!("CARGO_BIN_EXE_avouch")));
        let tools: String = self.tools.iter().map(|tool| format!(":{}", folder(tool.path()))).collect();
        format!("{avouch}{tools}:{}", std::env::var("PATH").unwrap())
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
                let known = ["avouch ", "openssl ", "sh demo/"];
                assert!(known.iter().any(|verb| command.starts_with(verb)), "{command}");
                lines.push(format!("{command} 2>>said; cat said"));
            }
        }
    }
    let end = "kill $(sed -n 's/.*ends with `kill \\([0-9]*\\)`.*/\\1/p' said)";
    lines.push(TRIED.to_owned());
    lines.extend(commands.iter().any(|command| command.contains("--detach")).then(|| end.to_owned()));
    lines.join("\n")
}
