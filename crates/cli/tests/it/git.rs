//! Commits and tags in a real repository, signed by a platform's SSH key as git asks for it, and judged by git with
//! `ssh-keygen` and with avouch.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use testkit::{Direction, Tool, interop_row};

use crate::command_line::{avouch, text};
use crate::site::Site;

/// A repository whose commits a platform signs.
struct Repository<'a> {
    site: &'a Site,
    git: &'a Tool,
    folder: PathBuf,
}

impl Repository<'_> {
    fn git(&self, arguments: &[&str]) -> Output {
        let mut command: Command = self.git.command();
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env("AVOUCH_CONTEXT", self.site.path("context.toml"));
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "Ada").env(format!("GIT_{who}_EMAIL"), "ada@example.com");
        }
        command.output().unwrap()
    }

    fn good(&self, arguments: &[&str]) -> String {
        let output = self.git(arguments);
        assert!(output.status.success(), "git {arguments:?}: {}", text(&output));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// What git says of an object, with either program behind it.
    fn accepts(&self, verb: &str, object: &str) -> bool {
        let avouch = avouch().get_program().to_string_lossy().into_owned();
        let says = ["ssh-keygen", avouch.as_str()].map(|program| {
            let program = format!("gpg.ssh.program={program}");
            self.git(&["-c", &program, verb, object]).status.success()
        });
        assert_eq!(says[0], says[1], "{verb} {object}");
        says[0]
    }

    /// The same object with something in it changed.
    fn changed(&self, kind: &str, object: &str, from: &str, to: &str) -> String {
        let whole = self.good(&["cat-file", kind, object]) + "\n";
        assert!(whole.contains(from), "{whole}");
        fs::write(self.folder.join("object"), whole.replacen(from, to, 1)).unwrap();
        self.good(&["hash-object", "-t", kind, "-w", "--literally", "object"])
    }
}

#[test]
fn interop_git_takes_commits_and_tags_that_a_platforms_ssh_key_signed() {
    let (Some(git), Some(ssh_keygen)) = (testkit::tool("git"), testkit::tool("ssh-keygen")) else { return };
    let site = Site::new();
    let (dir, passphrase) = (site.data(), site.path("passphrase"));
    let admin = ["--dir", dir.as_str(), "--admin-passphrase-file", passphrase.as_str()];
    let key =
        ["key", "create", "default/git", "--form", "sshsig", "--algorithm", "ed25519", "--namespace", "git"];
    site.good(&[&key[..], &admin].concat());
    site.good(&["profile", "create", "default/git", "--dir", &dir, "--key=sshsig=default/git"]);
    let folder = site.folder.path().join("repository");
    fs::create_dir(&folder).unwrap();
    let repository = Repository { site: &site, git: &git, folder: folder.clone() };
    repository.good(&["init", "-q", "-b", "main"]);
    let line = site.good(&["key", "show", "default/git", "--public", "--dir", &dir]);
    let public = line.trim().splitn(3, ' ').nth(2).unwrap().to_owned();
    fs::write(folder.join("../allowed"), line.replace("default/git ", "ada@example.com ")).unwrap();
    let program = avouch().get_program().to_string_lossy().into_owned();
    for (name, value) in [
        ("gpg.format", "ssh"),
        ("gpg.ssh.program", program.as_str()),
        ("user.signingKey", &format!("key::{public}")),
        ("avouch.profile", "default/git"),
        ("gpg.ssh.allowedSignersFile", &site.path("allowed")),
    ] {
        repository.good(&["config", name, value]);
    }
    fs::write(folder.join("f"), "content\n").unwrap();
    repository.good(&["add", "f"]);
    repository.good(&["commit", "-q", "-S", "-m", "The first change\n\nand why"]);
    repository.good(&["tag", "-s", "v1.0", "-m", "The first release"]);
    assert!(repository.accepts("verify-commit", "HEAD") && repository.accepts("verify-tag", "v1.0"));
    let (mut accepted, mut refused) = (2, 0);
    for (kind, verb, object, from, to) in [
        ("commit", "verify-commit", "HEAD", "The first change", "The final change"),
        ("commit", "verify-commit", "HEAD", "author Ada", "author Eve"),
        ("commit", "verify-commit", "HEAD", " U1NIU0lH", " U1NIU0lI"),
        ("tag", "verify-tag", "v1.0", "tag v1.0", "tag v2.0"),
        ("tag", "verify-tag", "v1.0", "The first release", "The final release"),
    ] {
        let changed = repository.changed(kind, object, from, to);
        assert!(!repository.accepts(verb, &changed), "{from}");
        refused += 1;
    }
    // Who is asked about it sees what it is.
    let asked = site.good(&["request", "list"]);
    assert!(asked.contains("default/git"), "{asked}");
    interop_row("git, by ssh", &git, Direction::Ours, accepted, refused);

    // Another key's name in the configuration, and a profile that signs nothing of the kind.
    let output =
        repository.git(&["-c", "avouch.profile=default", "commit", "-q", "-S", "--allow-empty", "-m", "x"]);
    assert!(
        !output.status.success() && text(&output).contains("does not sign with the key"),
        "{}",
        text(&output)
    );

    // What ssh-keygen signs is theirs, and verified through us as well.
    let made = ssh_keygen.command().args(["-q", "-t", "ed25519", "-N", "", "-f", &site.path("id")]).status();
    assert!(made.unwrap().success());
    let id = fs::read_to_string(site.path("id.pub")).unwrap();
    let allowed = fs::read_to_string(site.path("allowed")).unwrap() + "bob@example.com " + &id;
    fs::write(site.path("allowed"), allowed).unwrap();
    let theirs = ["-c", "gpg.ssh.program=ssh-keygen", "-c", &format!("user.signingKey={}", site.path("id"))];
    repository.good(&[&theirs[..], &["commit", "-q", "-S", "--allow-empty", "-m", "theirs"]].concat());
    assert!(repository.accepts("verify-commit", "HEAD"));
    let changed = repository.changed("commit", "HEAD", "theirs", "ours!!");
    assert!(!repository.accepts("verify-commit", &changed));
    (accepted, refused) = (1, 1);
    interop_row("git, by ssh", &git, Direction::Theirs, accepted, refused);
}
