//! Commits: gitsign signs them in a real repository, and what it signed is held against the commits themselves.

use std::fs;
use std::path::{Path, PathBuf};

use testkit::{ClientCell, Tool, interop_cell};

use super::instructions::{instructions, run};
use crate::command_line::text;
use crate::holders::World;
use crate::sigstore_site::ADA;

/// A repository whose commits gitsign signs, as a person of this platform.
struct Repository {
    world: World,
    gitsign: Tool,
    git: Tool,
    folder: PathBuf,
    /// What gitsign is told before it signs.
    settings: String,
    /// And before it verifies, with the line that does.
    verify: String,
}

impl Repository {
    fn new(gitsign: Tool, git: Tool) -> Self {
        let world = World::new();
        let (data, passphrase) = (world.site.data(), world.site.path("passphrase"));
        let by = ["--dir", &data, "--admin-passphrase-file", &passphrase];
        world.site.good(&[&["key", "create", "platform/rekor-v1", "--form", "set"], &by[..]].concat());
        // What is trusted since then is told to those who follow the TUF repository.
        world.site.good(&[&["trust", "publish"], &by[..]].concat());
        let files = world.site.path("sigstore");
        world.site.good(&["sigstore", "files", &files]);
        let told = instructions(&world, "gitsign").replace("sigstore/", &format!("{files}/"));
        let (settings, verify) = told.split_once("# A verifier").unwrap();
        let (settings, verify) = (format!("git init --quiet .\n{settings}"), format!("#{verify}"));
        let folder = world.site.folder.path().join("repository");
        fs::create_dir(&folder).unwrap();
        Self { world, gitsign, git, folder, settings, verify }
    }

    fn run(&self, lines: &str) -> Result<Vec<u8>, String> {
        let lines = format!("{}\n{lines}", self.settings);
        let output = run(&self.world, &lines, &[&self.gitsign, &self.git], &self.folder);
        if output.status.success() { Ok(output.stdout) } else { Err(format!("{lines}\n{}", text(&output))) }
    }

    /// Does gitsign accept it, of this person?
    fn verify(&self, commit: &str, who: &str) -> Result<(), String> {
        let verify = self.verify.replace(" HEAD", &format!(" {commit}")).replace(ADA, who);
        self.run(&verify).map(drop)
    }

    /// Signs a commit; what git keeps of it.
    fn commit(&self) -> String {
        let lines = "git config user.name Ada; git config user.email ada@example.com
            echo contents > file; git add file; git commit --quiet --message 'a commit'; git cat-file commit HEAD";
        String::from_utf8(self.run(lines).unwrap()).unwrap()
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
fn interop_gitsign_signs_a_commit_of_a_real_repository_and_verifies_it() {
    let Some(gitsign) = testkit::tool("gitsign") else { return };
    let (Some(git), Some(openssl)) = (testkit::tool("git"), testkit::tool("openssl")) else { return };
    let repository = Repository::new(gitsign, git);
    let commit = repository.commit();
    assert!(commit.contains("gpgsig -----BEGIN SIGNED MESSAGE-----"), "{commit}");
    let authority = repository.world.site.path("sigstore/fulcio.pem");
    let folder = repository.world.site.folder.path();
    assert!(accepts(&openssl, folder, &commit, &authority), "{commit}");
    assert!(!accepts(&openssl, folder, &commit.replace("a commit", "another"), &authority));
    let gitsign = format!("gitsign {}", repository.gitsign.version());
    report(&gitsign, &format!("openssl {}", openssl.version()), 1);

    repository.verify("HEAD", ADA).unwrap();
    repository.verify("HEAD", "ben@example.com").unwrap_err();
    let change =
        "git cat-file commit HEAD | sed 's/a commit/another/' | git hash-object -t commit -w --stdin";
    let changed = String::from_utf8(repository.run(change).unwrap()).unwrap();
    repository.verify(changed.trim(), ADA).unwrap_err();
    report(&gitsign, &gitsign, 1);
}

fn report(signer: &str, verifier: &str, refused: u32) {
    let (means, what, cannot) = ("keyless", "commit", None);
    interop_cell(&ClientCell { means, what, signer, verifier, refused, cannot });
}
