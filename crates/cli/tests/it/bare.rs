//! Signatures of minisign and of SSH, and signed lists of checksums, by a platform that is really run: what foreign tools say
//! of ours, what we say of theirs, and that whatever is changed is refused by both.

use std::fs::{self, File};
use std::process::{Command, Output};

use testkit::{Direction, Tool, interop_row};

use crate::site::Site;

const FILE: &[u8] = b"what the organisation ships\n";

/// A platform with a key of each form, and a profile of them.
fn site() -> Site {
    let site = Site::new();
    let (dir, passphrase) = (site.data(), site.path("passphrase"));
    let admin = ["--dir", dir.as_str(), "--admin-passphrase-file", passphrase.as_str()];
    for key in [
        &["default/minisign", "--form", "minisign", "--algorithm", "ed25519"][..],
        &["default/sshsig", "--form", "sshsig", "--namespace", "file", "--namespace", "git"],
    ] {
        site.good(&[&["key", "create"][..], key, &admin].concat());
    }
    let keys = ["--key=minisign=default/minisign", "--key=sshsig=default/sshsig"];
    site.good(&[&["profile", "create", "default/plain", "--dir", &dir][..], &keys].concat());
    let trust_root = site.good(&["trust", "export"]);
    site.put("trust-root.json", trust_root);
    for (key, file) in [("default/minisign", "minisign.pub"), ("default/sshsig", "allowed_signers")] {
        let public = site.good(&["key", "show", key, "--public", "--dir", &dir]);
        site.put(file, public);
    }
    site
}

impl Site {
    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.folder.path().join(name), bytes).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.folder.path().join(name)).unwrap()
    }

    fn plain(&self, name: &str, flags: &[&str]) -> (i32, String) {
        let what = ["sign", name, "--profile", "default/plain", "--product", "thing", "--source", ""];
        self.run(&[&what[..], flags].concat())
    }

    /// The exit code of a verification against the platform.
    fn verify(&self, name: &str, flags: &[&str]) -> (i32, String) {
        self.run(&[&["verify", name, "--trust-root", "trust-root.json"][..], flags].concat())
    }

    fn tool(&self, tool: &Tool, arguments: &[&str]) -> Command {
        let mut command = tool.command();
        command.args(arguments).current_dir(self.folder.path());
        command
    }

    fn minisign_accepts(&self, tool: &Tool, key: &str, name: &str) -> bool {
        self.tool(tool, &["-V", "-q", "-p", key, "-m", name]).status().unwrap().success()
    }

    fn ssh_keygen_accepts(&self, tool: &Tool, name: &str, namespace: &str) -> bool {
        let signature = format!("{name}.sshsig");
        let what = [
            "-Y",
            "verify",
            "-I",
            "default/sshsig",
            "-n",
            namespace,
            "-f",
            "allowed_signers",
            "-s",
            &signature,
        ];
        let input = File::open(self.folder.path().join(name)).unwrap();
        self.tool(tool, &what).stdin(input).output().unwrap().status.success()
    }
}

/// Copies of a text file in which one character of each line's middle and of its end is another, but for the first line.
fn spoilt(text: &[u8]) -> Vec<Vec<u8>> {
    let mut copies = Vec::new();
    let mut begin = 0;
    for (number, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
        // The last character of base64 may hold no bits at all; the one before it does.
        for place in [line.len() / 2, line.len().saturating_sub(5)] {
            if number > 0 {
                let mut copy = text.to_vec();
                copy[begin + place] = if copy[begin + place] == b'A' { b'B' } else { b'A' };
                copies.push(copy);
            }
        }
        begin += line.len();
    }
    copies
}

#[test]
fn interop_minisign_and_ssh_keygen_accept_what_a_platform_signs_and_avouch_what_they_sign() {
    let (Some(minisign), Some(ssh_keygen)) = (testkit::tool("minisign"), testkit::tool("ssh-keygen")) else {
        return;
    };
    let site = site();
    site.put("f", FILE);
    let (code, said) = site.plain("f", &[]);
    assert_eq!(code, 0, "{said}");
    let shown = site.good(&["inspect", "f.minisig"]);
    assert!(shown.contains("file:f\\thashed") && shown.contains("not covered"), "{shown}");
    let shown = site.good(&["inspect", "f.sshsig"]);
    assert!(shown.contains("in the namespace \"file\""), "{shown}");
    let (code, said) = site.verify("f", &[]);
    assert!(code == 0 && said.contains("whoever signed says"), "{said}");
    ours(&site, &minisign, &ssh_keygen);
    theirs(&site, &minisign, &ssh_keygen);
    choices(&site, &minisign, &ssh_keygen);
}

/// What the platform signed, good and spoilt, by each tool and by avouch.
fn ours(site: &Site, minisign: &Tool, ssh_keygen: &Tool) {
    for (suffix, format, tool) in [("minisig", "minisign", minisign), ("sshsig", "sshsig", ssh_keygen)] {
        let name = format!("f.{suffix}");
        let accepts = || match suffix {
            "minisig" => site.minisign_accepts(tool, "minisign.pub", "f"),
            _ => site.ssh_keygen_accepts(tool, "f", "file"),
        };
        let flags = ["--signature", name.as_str()];
        let (code, said) = site.verify("f", &flags);
        assert!(code == 0 && said.contains("carries no timestamp"), "{said}");
        assert!(accepts(), "{suffix}");
        let mut refused = 0;
        let good = site.read(&name);
        for copy in spoilt(&good) {
            site.put(&name, &copy);
            assert!(!accepts(), "{}", String::from_utf8_lossy(&copy));
            let (code, said) = site.verify("f", &flags);
            assert!([1, 2].contains(&code), "{code}: {said}: {}", String::from_utf8_lossy(&copy));
            refused += 1;
        }
        site.put(&name, &good);
        site.put("f", [FILE, b"more"].concat());
        assert!(!accepts());
        assert_eq!(site.verify("f", &flags).0, 1);
        site.put("f", FILE);
        interop_row(format, tool, Direction::Ours, 1, refused + 1);
    }
    assert!(!site.ssh_keygen_accepts(ssh_keygen, "f", "git"));
    assert_eq!(site.verify("f", &["--signature", "f.sshsig", "--namespace", "git"]).0, 1);
    let key = ["--public-key", "minisign.pub"];
    site.good(&[&["verify", "f", "--signature", "f.minisig"][..], &key].concat());
    assert_eq!(site.run(&[&["verify", "f", "--signature", "f.sshsig"][..], &key].concat()).0, 3);
}

fn made(output: &Output) {
    assert!(output.status.success(), "{output:?}");
}

/// What each tool signs, good and spoilt, by avouch.
fn theirs(site: &Site, minisign: &Tool, ssh_keygen: &Tool) {
    made(&site.tool(minisign, &["-G", "-W", "-p", "their.pub", "-s", "their.key"]).output().unwrap());
    made(&site.tool(ssh_keygen, &["-q", "-t", "ed25519", "-N", "", "-f", "id"]).output().unwrap());
    site.put("g", FILE);
    let sign_minisign = |option: &str| {
        made(&site.tool(minisign, &["-S", option, "-s", "their.key", "-m", "g"]).output().unwrap());
    };
    let judge = |signature: &str, key: &str| {
        site.run(&["verify", "g", "--signature", signature, "--public-key", key])
    };
    let mut refused = 0;
    for option in ["-q", "-l"] {
        sign_minisign(option);
        let (code, said) = judge("g.minisig", "their.pub");
        assert_eq!(code, 0, "{option}: {said}");
        let good = site.read("g.minisig");
        for copy in spoilt(&good) {
            site.put("g.minisig", &copy);
            assert!([1, 2].contains(&judge("g.minisig", "their.pub").0));
            refused += 1;
        }
        site.put("g.minisig", good);
        assert_eq!(judge("g.minisig", "minisign.pub").0, 1);
    }
    // An old signature of 64 bytes may be one of the file that they are the digest of.
    site.put("g", [7; 64]);
    sign_minisign("-l");
    let (code, said) = judge("g.minisig", "their.pub");
    assert!(code == 2 && said.contains("it may have been made of something else"), "{code}: {said}");
    site.put("g", FILE);
    interop_row("minisign", minisign, Direction::Theirs, 2, refused + 2);

    made(&site.tool(ssh_keygen, &["-Y", "sign", "-n", "file", "-f", "id", "g"]).output().unwrap());
    let (code, said) = judge("g.sig", "id.pub");
    assert_eq!(code, 0, "{said}");
    let mut refused = 0;
    let good = site.read("g.sig");
    for copy in spoilt(&good) {
        site.put("g.sig", &copy);
        assert!([1, 2].contains(&judge("g.sig", "id.pub").0));
        refused += 1;
    }
    site.put("g.sig", good);
    assert_eq!(
        site.run(&["verify", "g", "--signature", "g.sig", "--public-key", "id.pub", "--namespace", "git"]).0,
        1
    );
    interop_row("sshsig", ssh_keygen, Direction::Theirs, 1, refused + 1);
}

/// What whoever signs may choose, and what nobody may.
fn choices(site: &Site, minisign: &Tool, ssh_keygen: &Tool) {
    let (code, said) = site.plain("f", &["--again", "--trusted-comment", "thing 1.4", "--namespace", "git"]);
    assert_eq!(code, 0, "{said}");
    let comment = site.tool(minisign, &["-V", "-Q", "-p", "minisign.pub", "-m", "f"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&comment.stdout).trim_end(), "thing 1.4");
    assert!(
        site.ssh_keygen_accepts(ssh_keygen, "f", "git") && !site.ssh_keygen_accepts(ssh_keygen, "f", "file")
    );
    let (code, said) = site.plain("f", &["--again", "--namespace", "email"]);
    assert!(code != 0 && said.contains("does not sign in the namespace `email`"), "{code}: {said}");
    let (dir, passphrase) = (site.data(), site.path("passphrase"));
    let evil = ["key", "create", "default/evil", "--form", "sshsig", "--namespace", quorum::SSH_NAMESPACE];
    let admin = ["--dir", dir.as_str(), "--admin-passphrase-file", passphrase.as_str()];
    let (code, said) = site.run(&[&evil[..], &admin].concat());
    assert!(code != 0 && said.contains("in which no key for code signs"), "{code}: {said}");
    let p256 = ["key", "create", "default/other", "--form", "minisign"];
    let (code, said) = site.run(&[&p256[..], &admin].concat());
    assert!(code == 3 && said.contains("minisign keys and those of checkpoints are ed25519 alone"), "{said}");
}

#[test]
fn interop_a_signed_list_of_checksums_holds_its_files_and_sha256sum_agrees() {
    let Some(sha256sum) = testkit::tool("sha256sum") else { return };
    let site = Site::new();
    site.put("trust-root.json", site.good(&["trust", "export"]));
    fs::create_dir_all(site.folder.path().join("dist/sub")).unwrap();
    let names = ["dist/a.bin", "dist/sub/b c", "dist/with\\slash"];
    for name in names {
        site.put(name, format!("bytes of {name}\n"));
    }
    let list = [&["checksums", "--out", "dist/SHA256SUMS"][..], &names].concat();
    site.good(&list);
    let said = site
        .tool(&sha256sum, &["-c", "--strict", "SHA256SUMS"])
        .current_dir(site.folder.path().join("dist"))
        .status();
    assert!(said.unwrap().success());
    let mut write = site.tool(&sha256sum, &["a.bin", "sub/b c", "with\\slash"]);
    let written = write.current_dir(site.folder.path().join("dist")).output().unwrap();
    assert_eq!(site.read("dist/SHA256SUMS"), written.stdout);
    site.good(&["sign", "dist/SHA256SUMS", "--source", ""]);
    let judge = |flags: &[&str]| site.verify("dist/SHA256SUMS", &[&["--files"][..], flags].concat());
    let agrees = || {
        let mut command = site.tool(&sha256sum, &["-c", "--status", "--strict", "SHA256SUMS"]);
        command.current_dir(site.folder.path().join("dist")).status().unwrap().success()
    };
    let (code, said) = judge(&[]);
    assert!(code == 0 && said.contains("3 of 3 files are those of the list") && agrees(), "{said}");
    let json: serde_json::Value = serde_json::from_str(&site.good(&[
        "verify",
        "dist/SHA256SUMS",
        "--trust-root",
        "trust-root.json",
        "--files",
        "--json",
    ]))
    .unwrap();
    assert_eq!((&json["verdict"], &json["files"][1]["said"]), (&"good".into(), &"good".into()));

    // A byte of a file, a file that is gone, a byte of the list.
    site.put("dist/a.bin", "bytes of dist/a.bim\n");
    let (code, said) = judge(&[]);
    assert!(code == 1 && said.contains("bad a.bin") && !agrees(), "{code}: {said}");
    fs::remove_file(site.folder.path().join("dist/a.bin")).unwrap();
    let (code, said) = judge(&[]);
    assert!(code == 2 && said.contains("missing a.bin") && !agrees(), "{code}: {said}");
    assert_eq!(judge(&["--ignore-missing"]).0, 0);
    site.put("dist/a.bin", "bytes of dist/a.bin\n");
    let good = site.read("dist/SHA256SUMS");
    let mut refused = 2;
    for at in (0..good.len()).step_by(31) {
        let mut changed = good.clone();
        changed[at] ^= 1;
        site.put("dist/SHA256SUMS", &changed);
        assert_eq!(judge(&[]).0, 1);
        refused += 1;
    }
    interop_row("checksums", &sha256sum, Direction::Ours, 1, 2);
    // Lists that sha256sum made, signed, and those that would lead astray.
    site.put("dist/SHA256SUMS", &good);
    site.put("dist/thing_1.4_SHA256SUMS", [b"# by sha256sum -b\n", good.as_slice()].concat());
    site.good(&["sign", "dist/thing_1.4_SHA256SUMS", "--source", ""]);
    assert_eq!(site.verify("dist/thing_1.4_SHA256SUMS", &["--files"]).0, 0);
    let digest = &String::from_utf8_lossy(&good)[..64];
    for (name, line, code) in [
        ("up", format!("{digest}  ../a.bin\n"), 1),
        ("absolute", format!("{digest}  /etc/passwd\n"), 1),
        ("twice", format!("{digest}  a.bin\n{digest}  ./a.bin\n"), 1),
        ("weak", format!("{}  a.bin\n", &digest[..40]), 1),
        ("none", "nothing that is a list\n".to_owned(), 3),
    ] {
        let path = format!("dist/{name}");
        site.put(&path, &line);
        site.good(&["sign", &path, "--source", ""]);
        let (ended, said) = site.verify(&path, &["--files"]);
        assert_eq!(ended, code, "{name}: {said}");
        refused += 1;
    }
    interop_row("checksums", &sha256sum, Direction::Theirs, 1, refused);
    let (code, said) = site.run(&["checksums", "--out", "dist/sub/SUMS", "dist/a.bin"]);
    assert!(code == 3 && said.contains("is not below the folder of the list"), "{code}: {said}");
}
