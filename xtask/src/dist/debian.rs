//! The Debian package: two executables, two units for two users, and what people read.
//!
//! Specification: Debian Policy 4.7, <https://www.debian.org/doc/debian-policy/>, and `deb(5)`.

use std::path::Path;
use std::process::Command;

use super::build::Built;
use super::completions::Texts;
use super::links::{self, Glibc};
use super::release::Release;
use super::tree::{self, Tree};
use crate::failure::Failure;
use crate::{metadata, program};

/// Files of the package that stand in `packaging/` as they are.
const FILES: [(&str, &str); 8] = [
    ("usr/lib/systemd/system/avouch-signerd.service", "systemd/avouch-signerd.service"),
    ("usr/lib/systemd/system/avouch-server.service", "systemd/avouch-server.service"),
    ("usr/lib/systemd/system/avouch-witness-feed.service", "systemd/avouch-witness-feed.service"),
    ("usr/lib/systemd/system/avouch-issuer-feed.service", "systemd/avouch-issuer-feed.service"),
    ("usr/lib/systemd/system/avouch-witness.service", "systemd/avouch-witness.service"),
    ("usr/lib/sysusers.d/avouch.conf", "sysusers.conf"),
    ("etc/default/avouch-signerd", "deb/avouch-signerd.default"),
    ("usr/share/doc/avouch/copyright", "deb/copyright"),
];

/// What runs when the package comes and goes.
const SCRIPTS: [&str; 3] = ["postinst", "prerm", "postrm"];

/// Files that an administrator may change: an upgrade asks before it replaces them.
const CONFFILES: &str = "/etc/default/avouch-signerd\n";

/// Makes the package.
pub(super) fn package(
    release: &Release,
    built: &Built,
    texts: &Texts,
    sbom: &Path,
    out: &Path,
    stage: &Path,
) -> Result<(), Failure> {
    let tree = Tree::new(&stage.join("deb"))?;
    fill(&tree, built, texts, sbom)?;
    let sums = sums(&tree)?;
    let bytes = installed_bytes(&tree)?;
    let glibc = links::glibc(&built.avouch)?.max(links::glibc(&built.signerd)?);
    tree.file("DEBIAN/control", control(release, glibc, bytes).as_bytes())?;
    tree.file("DEBIAN/conffiles", CONFFILES.as_bytes())?;
    tree.file("DEBIAN/md5sums", sums.as_bytes())?;
    for script in SCRIPTS {
        tree.script(&format!("DEBIAN/{script}"), &tree::read(&packaging(&format!("deb/{script}")))?)?;
    }
    let name = out.join(format!("avouch_{}_{}.deb", release.version, release.machine.debian));
    let mut dpkg = Command::new("dpkg-deb");
    dpkg.args(["--build", "--root-owner-group", "-Zxz"]).arg(tree.root()).arg(name);
    // It fixes all times by this.
    program::run(dpkg.env("SOURCE_DATE_EPOCH", release.epoch.to_string()))
}

fn fill(tree: &Tree, built: &Built, texts: &Texts, sbom: &Path) -> Result<(), Failure> {
    tree.executable("usr/bin/avouch", &built.avouch)?;
    tree.executable("usr/libexec/avouch-signerd", &built.signerd)?;
    for (path, from) in FILES {
        tree.copy(path, &packaging(from))?;
    }
    for (name, text) in &texts.manuals {
        tree.compressed(&format!("usr/share/man/man1/{name}"), text)?;
    }
    for completion in &texts.completions {
        tree.file(completion.debian, &completion.text)?;
    }
    tree.copy("usr/share/doc/avouch/sbom.cdx.json", sbom)?;
    let root = metadata::root();
    tree.compressed("usr/share/doc/avouch/CHANGELOG.md", &tree::read(&root.join("CHANGELOG.md"))?)?;
    tree.copy("usr/share/doc/avouch/packages.md", &root.join("docs/operate/packages.md"))?;
    // Where people look for it. It is there once a platform is founded.
    tree.link("etc/avouch/avouch.toml", "/var/lib/avouch/avouch.toml")
}

fn control(release: &Release, Glibc(major, minor): Glibc, bytes: usize) -> String {
    format!(
        "Package: avouch\n\
         Version: {version}\n\
         Architecture: {architecture}\n\
         Maintainer: The authors of avouch <avouch@localhost>\n\
         Installed-Size: {kibibytes}\n\
         Depends: libc6 (>= {major}.{minor}), libgcc-s1, passwd\n\
         Section: admin\n\
         Priority: optional\n\
         Description: self-hosted code signing with receipts that anyone can check\n \
         A signing service, a timestamp authority and a transparency log in one\n \
         program. Keys live in a process of their own; every signature has a receipt,\n \
         from which alone anybody checks who asked for it, when, and with which key.\n",
        version = release.version,
        architecture = release.machine.debian,
        kibibytes = bytes.div_ceil(1024),
    )
}

/// The list that `dpkg --verify` holds the installed files to.
fn sums(tree: &Tree) -> Result<String, Failure> {
    let mut md5sum = Command::new("md5sum");
    md5sum.arg("--").args(tree.files()?).current_dir(tree.root());
    program::output(&mut md5sum)
}

fn installed_bytes(tree: &Tree) -> Result<usize, Failure> {
    tree.files()?.iter().map(|path| tree::read(&tree.root().join(path)).map(|bytes| bytes.len())).sum()
}

fn packaging(path: &str) -> std::path::PathBuf {
    metadata::root().join("packaging").join(path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::super::release::Machine;
    use super::*;

    fn unit(name: &str) -> String {
        std::fs::read_to_string(packaging(&format!("systemd/{name}.service"))).unwrap()
    }

    fn says(unit: &str, line: &str) -> bool {
        unit.lines().any(|said| said == line)
    }

    #[test]
    fn the_control_file_names_the_oldest_glibc_that_will_do() {
        let release = Release {
            version: "1.2.3".to_owned(),
            epoch: 0,
            machine: Machine { triple: "", debian: "amd64" },
            metadata: metadata::Metadata::default(),
        };
        let text = control(&release, Glibc(2, 36), 1025);
        for line in ["Version: 1.2.3", "Architecture: amd64", "Installed-Size: 2"] {
            assert!(says(&text, line), "{line}");
        }
        assert!(text.contains("libc6 (>= 2.36)"));
        assert!(
            text.lines()
                .skip_while(|line| !line.starts_with("Description"))
                .skip(1)
                .all(|l| l.starts_with(' '))
        );
    }

    #[test]
    fn each_process_has_a_user_of_its_own_and_the_key_process_no_network() {
        let (signerd, server) = (unit("avouch-signerd"), unit("avouch-server"));
        assert!(says(&signerd, "User=avouch-signerd") && says(&server, "User=avouch"));
        assert!(says(&signerd, "PrivateNetwork=yes") && says(&signerd, "RestrictAddressFamilies=AF_UNIX"));
        assert!(signerd.contains("LoadCredential=passphrase:") && !server.contains("LoadCredential"));
        let wall = server.lines().find(|line| line.starts_with("InaccessiblePaths=")).unwrap();
        assert!(wall.contains("/var/lib/avouch/signerd") && wall.contains("/var/lib/avouch/admin"), "{wall}");
        let (witnesses, issuers) = (unit("avouch-witness-feed"), unit("avouch-issuer-feed"));
        for feed in [&witnesses, &issuers] {
            // They call outside as the server's user, and see none of its secrets.
            let wall = feed.lines().find(|line| line.starts_with("InaccessiblePaths=")).unwrap();
            for hidden in ["/signerd", "/admin", "/client", "/server/tls"] {
                assert!(wall.contains(&format!("-/var/lib/avouch{hidden}")), "{wall}");
            }
            assert!(says(feed, "User=avouch") && says(feed, "SocketBindDeny=any"));
        }
        for unit in [signerd, server, witnesses, issuers, unit("avouch-witness")] {
            for line in [
                "NoNewPrivileges=yes",
                "ProtectSystem=strict",
                "MemoryDenyWriteExecute=yes",
                "Restart=always",
            ] {
                assert!(says(&unit, line), "{line}");
            }
            // What the processes lock themselves in with must get through the unit's own filter.
            for call in ["seccomp", "landlock_restrict_self", "capset"] {
                assert!(
                    unit.lines().any(|l| l.starts_with("SystemCallFilter=") && l.contains(call)),
                    "{call}"
                );
            }
        }
    }

    #[test]
    fn the_users_of_the_units_are_those_that_the_package_makes() {
        let made = [
            std::fs::read_to_string(packaging("deb/postinst")).unwrap(),
            std::fs::read_to_string(packaging("sysusers.conf")).unwrap(),
        ];
        for (made, word) in made.iter().zip(["user", "u"]) {
            for name in ["avouch", "avouch-signerd"] {
                let line = format!("{word} {name} ");
                let found = made.lines().find(|said| said.trim_start().starts_with(&line));
                // In the list of users, a colon would begin the next field.
                assert!(found.is_some_and(|found| !found.contains(':')), "{line}");
            }
        }
    }
}
