//! `avouch demo`, and what others say of the files that it leaves.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex, Weak};

use testkit::{Direction, TempFolder, interop_row, tool};

use crate::command_line::{avouch, text};

/// One demonstration for all tests that run at the time, because nothing in it is changed by looking. Its folder goes with
/// the last of them.
struct Demo {
    _folder: TempFolder,
    out: PathBuf,
    said: String,
}

fn demo() -> Arc<Demo> {
    static DEMO: Mutex<Weak<Demo>> = Mutex::new(Weak::new());
    let mut shared = DEMO.lock().unwrap();
    if let Some(demo) = shared.upgrade() {
        return demo;
    }
    let folder = testkit::temp_folder();
    let file = folder.path().join("firmware.bin");
    fs::write(&file, b"what the organisation ships\n").unwrap();
    let out = folder.path().join("out");
    let output = avouch().arg("demo").arg(&file).arg("--out").arg(&out).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let demo = Arc::new(Demo { said: text(&output), out, _folder: folder });
    *shared = Arc::downgrade(&demo);
    demo
}

/// Runs a foreign tool in the folder of the demonstration, untouched and with one byte of `tampered` changed.
fn both_ways(format: &str, name: &'static str, arguments: &[&str], tampered: &str) {
    let Some(tool) = tool(name) else { return };
    let demo = demo();
    let run = |folder: &Path| -> Output {
        let mut command: Command = tool.command();
        command.current_dir(folder).env("HOME", folder).args(arguments).output().unwrap()
    };
    let good = run(&demo.out);
    let copy = testkit::temp_folder();
    for entry in fs::read_dir(&demo.out).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file()) {
        fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    let path = copy.path().join(tampered);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
    let bad = run(copy.path());
    let (accepted, refused) = (u32::from(good.status.success()), u32::from(!bad.status.success()));
    interop_row(format, &tool, Direction::Ours, accepted, refused);
    assert!(good.status.success(), "{name} refuses what avouch signed: {}", text(&good));
    assert!(!bad.status.success(), "{name} accepts a changed `{tampered}`: {}", text(&bad));
}

fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{}", model::Digest::of(bytes))
}

#[test]
fn the_demonstration_tells_the_whole_story_and_leaves_its_files() {
    let demo = demo();
    for words in [
        "Found a platform",
        "Sign `firmware.bin`",
        "Verify it, offline",
        "refused:",
        "openssl cms",
        "cosign verify-blob",
    ] {
        assert!(demo.said.contains(words), "no `{words}` in:\n{}", demo.said);
    }
    for suffix in [".receipt.json", ".sigstore.json", ".p7s", ".sig", ".tsr"] {
        assert!(demo.out.join(format!("firmware.bin{suffix}")).exists(), "no {suffix}");
    }
    assert!(!demo.out.join("platform").exists(), "the keys of a demonstration are left behind");
}

#[test]
fn the_keyless_demonstration_tells_whose_word_counts_and_who_did_not_sign() {
    let folder = testkit::temp_folder();
    let file = folder.path().join("it's firmware.bin");
    fs::write(&file, b"what the organisation ships\n").unwrap();
    let out = folder.path().join("out");
    let output = avouch().args(["demo", "--keyless"]).arg(&file).arg("--out").arg(&out).output().unwrap();
    let said = text(&output);
    assert!(output.status.success(), "{said}");
    for words in [
        "/development-issuer, which is for trying only",
        "as ada@example.com",
        "because the signer is `ada@example.com`, and `ben@example.com` was expected",
        "because the file's SHA-256 is not the one that was signed",
        "cosign verify-blob",
    ] {
        assert!(said.contains(words), "no `{words}` in:\n{said}");
    }
    let mut left: Vec<_> =
        fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    left.sort();
    let expected = [
        "it's firmware.bin",
        "it's firmware.bin.sigstore.json",
        "it's firmware.bin.tampered",
        "trusted_root.json",
        "verify-with-others.sh",
    ];
    assert_eq!(left, expected);
    let Some(cosign) = tool("cosign") else { return };
    let path = format!("{}:/usr/bin:/bin", cosign.path().parent().unwrap().display());
    let script = out.join("verify-with-others.sh");
    let output = Command::new("sh").arg(&script).env("PATH", path).env("HOME", &out).output().unwrap();
    assert!(output.status.success() && text(&output).contains("Verified OK"), "{}", text(&output));
}

#[test]
fn what_the_demonstration_left_verifies_with_the_verbs_too() {
    let demo = demo();
    let file = demo.out.join("firmware.bin");
    let root = demo.out.join("trust-root.json");
    for suffix in [".receipt.json", ".sigstore.json", ".p7s"] {
        let signature = demo.out.join(format!("firmware.bin{suffix}"));
        let output = avouch()
            .arg("verify")
            .arg(&file)
            .arg("--signature")
            .arg(&signature)
            .arg("--trust-root")
            .arg(&root)
            .output()
            .unwrap();
        assert!(output.status.success(), "{suffix}: {}", text(&output));
        assert!(text(&output).contains("not checked:"));
        let output = avouch().arg("inspect").arg(&signature).output().unwrap();
        assert!(output.status.success(), "{suffix}: {}", text(&output));
    }
    let output = avouch().arg("explain").arg(&file).arg("--trust-root").arg(&root).output().unwrap();
    assert!(
        output.status.success() && text(&output).contains("What this does not prove"),
        "{}",
        text(&output)
    );
    let digest = digest_of(&fs::read(&file).unwrap());
    let receipt = demo.out.join("firmware.bin.receipt.json");
    let output = avouch()
        .arg("explain")
        .arg(&digest)
        .arg("--signature")
        .arg(&receipt)
        .arg("--trust-root")
        .arg(&root)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let tampered = demo.out.join("firmware.bin.tampered");
    let receipt = demo.out.join("firmware.bin.receipt.json");
    let output = avouch()
        .arg("verify")
        .arg(&tampered)
        .arg("--signature")
        .arg(&receipt)
        .arg("--trust-root")
        .arg(&root)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let output = avouch()
        .arg("verify")
        .arg(&file)
        .arg("--trust-root")
        .arg(&root)
        .args(["--product", "other"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let output = avouch()
        .arg("verify")
        .arg(&file)
        .arg("--trust-root")
        .arg(&root)
        .args(["--at", "2020-01-01T00:00:00Z"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
}

#[test]
fn interop_openssl_cms_accepts_the_detached_cms_signature() {
    let arguments = [
        "cms",
        "-verify",
        "-binary",
        "-inform",
        "DER",
        "-in",
        "firmware.bin.p7s",
        "-content",
        "firmware.bin",
        "-CAfile",
        "root.pem",
        "-purpose",
        "any",
        "-out",
        "/dev/null",
    ];
    both_ways("cms", "openssl", &arguments, "firmware.bin");
}

#[test]
fn interop_openssl_dgst_accepts_the_raw_signature() {
    let arguments =
        ["dgst", "-sha256", "-verify", "key.pub.pem", "-signature", "firmware.bin.sig", "firmware.bin"];
    both_ways("raw", "openssl", &arguments, "firmware.bin");
}

#[test]
fn interop_openssl_ts_accepts_the_timestamp() {
    let arguments =
        ["ts", "-verify", "-in", "firmware.bin.tsr", "-data", "firmware.bin.sig", "-CAfile", "root.pem"];
    both_ways("timestamp", "openssl", &arguments, "firmware.bin.sig");
}

#[test]
fn interop_cosign_accepts_the_bundle_with_key_log_and_timestamp() {
    let arguments = [
        "verify-blob",
        "--key",
        "key.pub.pem",
        "--trusted-root",
        "trusted_root.json",
        "--use-signed-timestamps",
        "--bundle",
        "firmware.bin.sigstore.json",
        "firmware.bin",
    ];
    both_ways("bundle", "cosign", &arguments, "firmware.bin");
}

/// What `avouch verify` says of the demonstration's file with these flags.
fn refusal(flags: &[&std::ffi::OsStr]) -> (Option<i32>, String) {
    let demo = demo();
    let output = avouch().arg("verify").arg(demo.out.join("firmware.bin")).args(flags).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// All but the first line, which names the file.
fn reasons(said: &str) -> Vec<&str> {
    let (first, reasons) = said.split_once('\n').unwrap();
    assert!(first.starts_with("avouch: `") && first.contains("` is refused by `"), "{first}");
    reasons.lines().map(str::trim).collect()
}

#[test]
fn a_truncated_bundle_is_bad_and_says_where() {
    let demo = demo();
    let folder = testkit::temp_folder();
    let bundle = fs::read(demo.out.join("firmware.bin.sigstore.json")).unwrap();
    let cut = folder.path().join("cut.sigstore.json");
    let body = b"\"canonicalizedBody\":\"";
    let column = bundle.windows(body.len()).position(|found| found == body).unwrap() + body.len() + 30;
    fs::write(&cut, &bundle[..column]).unwrap();
    let root = demo.out.join("trust-root.json");
    let flags = ["--signature".as_ref(), cut.as_os_str(), "--trust-root".as_ref(), root.as_os_str()];
    let (code, said) = refusal(&flags);
    assert_eq!(code, Some(1), "{said}");
    let because = [
        "because bad bundle",
        "because it cannot be read",
        "because not a Sigstore bundle",
        &format!("because EOF while parsing a string at line 1 column {column}"),
        "do: do not use the file; fetch file and signature again, and report it if they stay bad",
    ];
    assert_eq!(reasons(&said), because);
}

#[test]
fn the_trust_root_of_another_platform_is_named_as_that() {
    let folder = testkit::temp_folder();
    let output = avouch().arg("init").arg(folder.path().join("other")).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let root = folder.path().join("other/client/trust-root.json");
    let (code, said) = refusal(&["--trust-root".as_ref(), root.as_os_str()]);
    assert_eq!(code, Some(1), "{said}");
    let because = [
        "because bad request",
        "because it is of another platform than the trust root",
        "do: use the trust root of the platform that signed, if you trust that platform",
    ];
    assert_eq!(reasons(&said), because);
}

#[test]
fn a_clock_that_is_a_day_off_cannot_check_and_says_so() {
    let demo = demo();
    let root = demo.out.join("trust-root.json");
    let flags = ["--trust-root".as_ref(), root.as_os_str(), "--at".as_ref(), "2026-01-01T00:00:00Z".as_ref()];
    let (code, said) = refusal(&flags);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("cannot check the timestamp token of signature 1"), "{said}");
    assert!(said.contains("do: set this machine's clock, or name the time with `--at`"), "{said}");
}

#[test]
fn a_refusal_is_json_too_where_json_is_asked_for() {
    let demo = demo();
    let root = demo.out.join("trust-root.json");
    let file = demo.out.join("firmware.bin");
    let verify = |flags: &[&str]| {
        let output = avouch()
            .arg("verify")
            .arg(&file)
            .arg("--json")
            .arg("--trust-root")
            .arg(&root)
            .args(flags)
            .output()
            .unwrap();
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code(), json)
    };
    let (code, json) = verify(&[]);
    assert_eq!((code, json["verdict"].as_str()), (Some(0), Some("good")));
    let (code, json) = verify(&["--product", "other"]);
    assert_eq!((code, json["verdict"].as_str()), (Some(1), Some("bad")));
    assert!(json["reasons"][1].as_str().unwrap().contains("`other` was expected"), "{json}");
}
