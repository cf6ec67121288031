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
    format: &'static str,
}

/// Our own program, as git is told of it.
fn program() -> String {
    avouch().get_program().to_string_lossy().into_owned()
}

impl Repository<'_> {
    fn git(&self, arguments: &[&str]) -> Output {
        let mut command: Command = self.git.command();
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env("AVOUCH_CONTEXT", self.site.path("context.toml"));
        command.env("GNUPGHOME", self.site.path("gnupg"));
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
        let (key, theirs) = match self.format {
            "ssh" => ("gpg.ssh.program", "ssh-keygen"),
            "openpgp" => ("gpg.program", "gpg"),
            _ => ("gpg.x509.program", "gpgsm"),
        };
        let says = [theirs, &program()].map(|program| {
            let program = format!("{key}={program}");
            self.git(&["-c", &program, verb, object]).status.success()
        });
        assert_eq!(says[0], says[1], "{verb} {object}");
        says[0]
    }

    /// Copies of a commit and a tag in which something is changed, this too, none of which anybody takes.
    fn refuses_what_is_changed(&self, from: &str, to: &str) -> u32 {
        let changes = [
            ("commit", "verify-commit", "HEAD", "The first change", "The final change"),
            ("commit", "verify-commit", "HEAD", "author Ada", "author Eve"),
            ("commit", "verify-commit", "HEAD", from, to),
            ("tag", "verify-tag", "v1.0", "tag v1.0", "tag v2.0"),
            ("tag", "verify-tag", "v1.0", "The first release", "The final release"),
        ];
        for (kind, verb, object, from, to) in changes {
            let changed = self.changed(kind, object, from, to);
            assert!(!self.accepts(verb, &changed), "{from}");
        }
        u32::try_from(changes.len()).unwrap()
    }

    fn configure(&self, settings: &[(&str, &str)]) {
        self.good(&["init", "-q", "-b", "main"]);
        settings.iter().for_each(|(name, value)| drop(self.good(&["config", name, value])));
        fs::write(self.folder.join("f"), "content\n").unwrap();
        self.good(&["add", "f"]);
        self.good(&["commit", "-q", "-S", "-m", "The first change\n\nand why"]);
        self.good(&["tag", "-s", "v1.0", "-m", "The first release"]);
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
    let repository = Repository { site: &site, git: &git, folder: folder.clone(), format: "ssh" };
    let line = site.good(&["key", "show", "default/git", "--public", "--dir", &dir]);
    let public = line.trim().splitn(3, ' ').nth(2).unwrap().to_owned();
    fs::write(folder.join("../allowed"), line.replace("default/git ", "ada@example.com ")).unwrap();
    repository.configure(&[
        ("gpg.format", "ssh"),
        ("gpg.ssh.program", &program()),
        ("user.signingKey", &format!("key::{public}")),
        ("avouch.profile", "default/git"),
        ("gpg.ssh.allowedSignersFile", &site.path("allowed")),
    ]);
    assert!(repository.accepts("verify-commit", "HEAD") && repository.accepts("verify-tag", "v1.0"));
    let refused = repository.refuses_what_is_changed(" U1NIU0lH", " U1NIU0lI");
    // Who is asked about it sees what it is.
    let asked = site.good(&["request", "list"]);
    assert!(asked.contains("default/git"), "{asked}");
    interop_row("git, by ssh", &git, Direction::Ours, 2, refused);

    // Another key's name in the configuration, and a profile that signs nothing of the kind.
    let output =
        repository.git(&["-c", "avouch.profile=default", "commit", "-q", "-S", "--allow-empty", "-m", "x"]);
    assert!(
        !output.status.success() && text(&output).contains("does not sign with the key"),
        "{}",
        text(&output)
    );

    // A subject that looks like a flag is none.
    repository.good(&["commit", "-q", "-S", "--allow-empty", "-m", "--again is a flag, and this is none"]);
    assert!(repository.accepts("verify-commit", "HEAD"));

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
    interop_row("git, by ssh", &git, Direction::Theirs, 1, 1);
}

#[test]
fn interop_git_takes_commits_and_tags_with_cms_signatures_of_a_platform() {
    let (Some(git), Some(gpgsm)) = (testkit::tool("git"), testkit::tool("gpgsm")) else { return };
    let Some(openssl) = testkit::tool("openssl") else { return };
    let site = Site::new();
    let folder = site.folder.path().join("repository");
    fs::create_dir(&folder).unwrap();
    trust(&site, &gpgsm, &openssl);
    let repository = Repository { site: &site, git: &git, folder, format: "x509" };
    repository.configure(&[("gpg.format", "x509"), ("gpg.x509.program", &program())]);
    assert!(repository.accepts("verify-commit", "HEAD") && repository.accepts("verify-tag", "v1.0"));
    let said = text(&repository.git(&["log", "-1", "--format=%G? %GS"]));
    assert!(said.starts_with("G ") && said.contains("cms"), "{said}");
    let refused = repository.refuses_what_is_changed("committer Ada", "committer Eve");
    interop_row("git, by x509", &git, Direction::Ours, 2, refused);
    // Of another platform nobody can say anything, and what is no CMS is not taken for one.
    let stranger = Site::new();
    let theirs = Repository { site: &stranger, folder: repository.folder.clone(), ..repository };
    let said = theirs.git(&["verify-commit", "HEAD"]);
    assert!(!said.status.success(), "{}", text(&said));
    let said = theirs.git(&[
        "-c",
        "gpg.format=openpgp",
        "-c",
        &format!("gpg.program={}", program()),
        "commit",
        "-S",
        "--allow-empty",
        "-m",
        "x",
    ]);
    assert!(!said.status.success() && text(&said).contains("no key that makes `.asc`"), "{}", text(&said));
}

#[test]
fn interop_git_takes_commits_and_tags_that_a_platforms_key_of_openpgp_signed() {
    let (Some(git), Some(gpg)) = (testkit::tool("git"), testkit::tool("gpg")) else { return };
    let site = Site::new();
    let (dir, passphrase) = (site.data(), site.path("passphrase"));
    let key = ["key", "create", "default/git", "--form", "openpgp", "--algorithm", "ed25519"];
    site.good(&[&key[..], &["--dir", &dir, "--admin-passphrase-file", &passphrase]].concat());
    site.good(&["profile", "create", "default/git", "--dir", &dir, "--key=openpgp=default/git"]);
    let home = private_folder(&site, "gnupg");
    fs::write(site.path("git.asc"), site.good(&["trust", "export", "--openpgp", "default/git"])).unwrap();
    let imported =
        gpg.command().env("GNUPGHOME", &home).args(["--batch", "--import", &site.path("git.asc")]).output();
    assert!(imported.as_ref().unwrap().status.success(), "{}", text(&imported.unwrap()));
    let folder = site.folder.path().join("repository");
    fs::create_dir(&folder).unwrap();
    let repository = Repository { site: &site, git: &git, folder, format: "openpgp" };
    repository.configure(&[("gpg.program", &program()), ("avouch.profile", "default/git")]);
    assert!(repository.accepts("verify-commit", "HEAD") && repository.accepts("verify-tag", "v1.0"));
    let said = text(&repository.git(&["log", "-1", "--format=%GS"]));
    assert!(said.contains("default/git (localhost)"), "{said}");
    let refused = repository.refuses_what_is_changed("committer Ada", "committer Eve");
    interop_row("git, by openpgp", &git, Direction::Ours, 2, refused);
}

/// A folder that nobody else may enter, as GnuPG wants its own.
fn private_folder(site: &Site, name: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let folder = site.folder.path().join(name);
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    folder
}

/// Has gpgsm believe the platform's root.
fn trust(site: &Site, gpgsm: &Tool, openssl: &Tool) {
    let home = private_folder(site, "gnupg");
    fs::write(home.join("root.pem"), site.good(&["trust", "export", "--roots"])).unwrap();
    let mut fingerprint = openssl.command();
    fingerprint.args(["x509", "-noout", "-fingerprint", "-sha1", "-in"]).arg(home.join("root.pem"));
    let said = String::from_utf8(fingerprint.output().unwrap().stdout).unwrap();
    fs::write(home.join("trustlist.txt"), format!("{} S relax\n", said.trim().rsplit('=').next().unwrap()))
        .unwrap();
    fs::write(home.join("gpgsm.conf"), "disable-crl-checks\ndisable-dirmngr\n").unwrap();
    let import = gpgsm
        .command()
        .env("GNUPGHOME", &home)
        .args(["--batch", "--import"])
        .arg(home.join("root.pem"))
        .output();
    assert!(import.as_ref().unwrap().status.success(), "{}", text(&import.unwrap()));
}
