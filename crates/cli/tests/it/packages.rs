//! What a package brings beside the executables, held against those who read it; and a platform for the package's users.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command_line::text;

const UNITS: [&str; 5] = [
    "avouch-signerd.service",
    "avouch-server.service",
    "avouch-witness-feed.service",
    "avouch-issuer-feed.service",
    "avouch-witness.service",
];

fn packaging(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging").join(path)
}

#[test]
fn systemd_understands_the_units() {
    let folder = testkit::temp_folder();
    let units = UNITS.map(|name| {
        let text = fs::read_to_string(packaging("systemd").join(name)).unwrap();
        // Their programs are not installed where this is tested.
        let text = text
            .replace("/usr/libexec/avouch-signerd", "/bin/true")
            .replace("/usr/bin/avouch ", "/bin/true ");
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    });
    let Ok(verified) = Command::new("systemd-analyze").args(["verify", "--man=no"]).args(&units).output()
    else {
        return testkit::skip(
            "systemd-analyze",
            "it is not installed, and alone knows how systemd reads a unit",
        );
    };
    let said = String::from_utf8_lossy(&verified.stderr);
    assert!(verified.status.success(), "{said}");
    // The back-off is younger than some versions of systemd, which start again after a fixed time.
    let is_younger = |line: &str| ["RestartSteps", "RestartMaxDelaySec"].iter().any(|key| line.contains(key));
    let findings: Vec<&str> =
        said.lines().filter(|line| line.contains("avouch-") && !is_younger(line)).collect();
    assert_eq!(findings, [""; 0]);
}

/// Who starts what in a system with the two users of a package, in namespaces of its own that end with it.
const SYSTEM: &str = r#"
mount --bind passwd /etc/passwd
./avouch init --system data
sed -i -E 's/^(.*listen) = .*/\1 = "127.0.0.1:0"/; /^public_url/d' data/avouch.toml
./avouch serve --detach data
stat --format '%n %U %a' data data/admin data/run/signerd data/server data/signerd data/signerd/passphrase
stat --format 'process %U' /proc/[0-9]*
./avouch doctor data
"#;

#[test]
fn a_platform_for_the_users_of_the_package_runs_as_these_two() {
    if fs::metadata("/proc/self").is_ok_and(|own| own.uid() != 0) {
        return testkit::skip("two users", "this is not root");
    }
    let folder = testkit::temp_folder();
    let place = folder.path();
    // Both users pass through to the program and to the data.
    fs::set_permissions(place, fs::Permissions::from_mode(0o711)).unwrap();
    fs::copy(env!("CARGO_BIN_EXE_avouch"), place.join("avouch")).unwrap();
    let users = "root:x:0:0::/root:/bin/sh\navouch:x:64001:64001::/:/bin/false\navouch-signerd:x:64002:64002::/:/bin/false\n";
    fs::write(place.join("passwd"), users).unwrap();
    let output = Command::new("unshare")
        .args(["--mount", "--pid", "--mount-proc", "--fork", "--kill-child", "sh", "-euc", SYSTEM])
        .current_dir(place)
        .env("HOME", place)
        .output()
        .unwrap();
    let said = text(&output);
    assert!(output.status.success(), "{said}");
    for line in [
        "data root 711",
        "data/admin root 700",
        "data/run/signerd avouch-signerd 711",
        "data/server avouch 700",
        "data/signerd avouch-signerd 700",
        "data/signerd/passphrase avouch-signerd 400",
        "process avouch",
        "process avouch-signerd",
        "in force  the key process runs under a user of its own: it is user 64002, the server user 64001",
    ] {
        assert!(said.lines().any(|found| found == line), "`{line}` is missing: {said}");
    }
}
