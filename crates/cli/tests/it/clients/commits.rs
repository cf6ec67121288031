//! Commits: gitsign signs them in a real repository, and what it signed is held against the commits themselves.

use std::fs;
use std::path::{Path, PathBuf};

use testkit::{ClientCell, Tool, interop_cell};

use super::instructions::{instructions, run};
use crate::command_line::text;
use crate::holders::World;

/// A repository whose commits gitsign signs, as a person of this platform.
struct Repository {
    world: World,
    gitsign: Tool,
    git: Tool,
    folder: PathBuf,
    /// What gitsign is told before it signs.
    settings: String,
}

impl Repository {
    fn new(gitsign: Tool, git: Tool) -> Self {
        let world = World::new();
        let (data, passphrase) = (world.site.data(), world.site.path("passphrase"));
        let by = ["--dir", &data, "--admin-passphrase-file", &passphrase];
        world.site.good(&[&["key", "create", "platform/rekor-v1", "--form", "set"], &by[..]].concat());
        let files = world.site.path("sigstore");
        world.site.good(&["sigstore", "files", &files]);
        let told = instructions(&world, "gitsign").replace("sigstore/", &format!("{files}/"));
        let settings = format!("git init --quiet .\n{}", told.split("# A verifier").next().unwrap());
        let folder = world.site.folder.path().join("repository");
        fs::create_dir(&folder).unwrap();
        Self { world, gitsign, git, folder, settings }
    }

    fn run(&self, lines: &str) -> Vec<u8> {
        let lines = format!("{}\n{lines}", self.settings);
        let output = run(&self.world, &lines, &[&self.gitsign, &self.git], &self.folder);
        assert!(output.status.success(), "{lines}\n{}", text(&output));
        output.stdout
    }

    /// Signs a commit; what git keeps of it.
    fn commit(&self) -> String {
        let lines = "git config user.name Ada; git config user.email ada@example.com
            echo contents > file; git add file; git commit --quiet --message 'a commit'; git cat-file commit HEAD";
        String::from_utf8(self.run(lines)).unwrap()
    }
}

/// A commit as it was signed, and its signature in PEM.
fn parts(commit: &str) -> (String, String) {
    let (mut signed, mut signature) = (String::new(), String::new());
    let (header, message) = commit.split_once("\n\n").unwrap();
    let mut is_signature = false;
    for line in header.lines() {
        is_signature = line.starts_with("gpgsig ") || is_signature && line.starts_with(' ');
        let into = if is_signature { &mut signature } else { &mut signed };
        into.push_str(line.strip_prefix("gpgsig ").unwrap_or(line).trim_start_matches(' '));
        into.push('\n');
    }
    (format!("{signed}\n{message}"), signature.replace("SIGNED MESSAGE", "CMS"))
}

/// Does OpenSSL accept the signature, from the platform's own authority?
fn accepts(openssl: &Tool, folder: &Path, commit: &str, authority: &str) -> bool {
    let (signed, signature) = parts(commit);
    fs::write(folder.join("commit"), signed).unwrap();
    fs::write(folder.join("commit.pem"), signature).unwrap();
    let verify = ["cms", "-verify", "-binary", "-inform", "PEM", "-in", "commit.pem", "-content", "commit"];
    let trust = ["-CAfile", authority, "-purpose", "any", "-out", "/dev/null"];
    openssl.command().args(verify).args(trust).current_dir(folder).output().unwrap().status.success()
}

#[test]
fn interop_gitsign_signs_a_commit_of_a_real_repository() {
    let Some(gitsign) = testkit::tool("gitsign") else { return };
    let (Some(git), Some(openssl)) = (testkit::tool("git"), testkit::tool("openssl")) else { return };
    let repository = Repository::new(gitsign, git);
    let commit = repository.commit();
    assert!(commit.contains("gpgsig -----BEGIN SIGNED MESSAGE-----"), "{commit}");
    let authority = repository.world.site.path("sigstore/fulcio.pem");
    let folder = repository.world.site.folder.path();
    assert!(accepts(&openssl, folder, &commit, &authority), "{commit}");
    assert!(!accepts(&openssl, folder, &commit.replace("a commit", "another"), &authority));
    let (signer, verifier) =
        (format!("gitsign {}", repository.gitsign.version()), format!("openssl {}", openssl.version()));
    interop_cell(&ClientCell {
        means: "keyless",
        what: "commit",
        signer: &signer,
        verifier: &verifier,
        refused: 1,
        cannot: None,
    });
}
