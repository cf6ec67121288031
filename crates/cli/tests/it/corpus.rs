//! The corpus of receipts: of each version, every kind that it signs. A receipt of version 1 verifies for ever, so what
//! was released is never made anew; `cargo xtask gen corpus` makes the folder of the version at hand.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use model::{Clock as _, Instant};
use serde_json::{Value, json};

use crate::site::Site;

/// A file of the corpus, and how it is signed.
struct Case {
    name: &'static str,
    profile: &'static str,
    keys: &'static [Key],
    flags: &'static [&'static str],
}

/// A key of a case's profile.
struct Key {
    form: &'static str,
    algorithm: &'static str,
    /// The rule of a governed one.
    rule: &'static [&'static str],
}

const fn key(form: &'static str, algorithm: &'static str) -> Key {
    Key { form, algorithm, rule: &[] }
}

const ENDORSED: &[&str] = &["--rule", "administrators=1", "--independent", "0"];

const CASES: [Case; 7] = [
    Case { name: "p256.bin", profile: "default", keys: &[], flags: &[] },
    Case {
        name: "p384.bin",
        profile: "default/p384",
        keys: &[key("blob", "p384"), key("cms", "p384")],
        flags: &[],
    },
    Case {
        name: "rsa3072.bin",
        profile: "default/rsa3072",
        keys: &[key("blob", "rsa3072"), key("cms", "rsa3072")],
        flags: &[],
    },
    Case { name: "ed25519.bin", profile: "default/ed25519", keys: &[key("cms", "ed25519")], flags: &[] },
    Case {
        name: "plain.bin",
        profile: "default/plain",
        keys: &[key("minisign", "ed25519"), key("sshsig", "p256")],
        flags: &[],
    },
    Case {
        name: "governed.bin",
        profile: "default/governed",
        keys: &[
            Key { form: "blob", algorithm: "p256", rule: ENDORSED },
            Key { form: "cms", algorithm: "p256", rule: ENDORSED },
        ],
        flags: &[],
    },
    Case {
        name: "bare.bin",
        profile: "default/bare",
        keys: &[key("blob", "p256"), key("cms", "p256")],
        flags: &["--without-timestamp", "--without-log"],
    },
];

/// Where the receipts of this version are.
fn folder() -> PathBuf {
    let receipts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../verify/tests/vectors/receipts");
    receipts.join(env!("CARGO_PKG_VERSION"))
}

#[test]
fn the_corpus_holds_every_kind_of_receipt_that_this_version_signs() {
    let site = Site::new();
    CASES.iter().for_each(|case| found(&site, case));
    fs::write(site.path("trust-root.json"), site.good(&["trust", "export"])).unwrap();
    CASES.iter().for_each(|case| sign(&site, case));
    let manifest = json!({ "made": signerd::SystemClock.now().whole_second(), "files": CASES.map(describe) });
    fs::write(site.path("corpus.json"), format!("{manifest:#}\n")).unwrap();
    let made = names(site.folder.path());
    if std::env::var_os("AVOUCH_GEN").is_some() {
        let _nothing_was_there = fs::remove_dir_all(folder());
        fs::create_dir_all(folder()).unwrap();
        for name in &made {
            fs::copy(site.path(name), folder().join(name)).unwrap();
        }
    }
    let advice = "run `cargo xtask gen corpus`; of a version that was released, first name the next one";
    assert_eq!(names(&folder()), made, "the corpus lacks kinds of receipts, or has more: {advice}");
    let held: Value = serde_json::from_slice(&fs::read(folder().join("corpus.json")).unwrap()).unwrap();
    held["made"].as_str().unwrap().parse::<Instant>().unwrap();
    assert_eq!(held["files"], manifest["files"], "the corpus tells of other kinds: {advice}");
}

/// What the verifier's test finds in the manifest.
fn describe(case: Case) -> Value {
    let governed = case.keys.iter().any(|key| !key.rule.is_empty());
    let forms: Vec<&str> = match case.keys {
        [] => vec!["blob", "cms"],
        keys => keys.iter().map(|key| key.form).collect(),
    };
    json!({ "name": case.name, "forms": forms, "governed": governed, "bare": !case.flags.is_empty() })
}

fn found(site: &Site, case: &Case) {
    let (data, passphrase) = (site.data(), site.path("passphrase"));
    if case.keys.is_empty() {
        return;
    }
    let mut profile = vec!["profile".to_owned(), "create".to_owned(), case.profile.to_owned()];
    for Key { form, algorithm, rule } in case.keys {
        let name = format!("{}/{form}", case.profile);
        let create = ["key", "create", &name, "--form", form, "--algorithm", algorithm, "--dir", &data];
        site.good(&[&create[..], &["--admin-passphrase-file", &passphrase], rule].concat());
        profile.extend(["--key".to_owned(), format!("{form}={name}")]);
    }
    let profile: Vec<&str> = profile.iter().map(String::as_str).collect();
    site.good(&[&profile[..], case.flags, &["--dir", &data]].concat());
}

fn sign(site: &Site, case: &Case) {
    fs::write(site.path(case.name), format!("what the organisation ships: {}\n", case.name)).unwrap();
    let what = ["sign", case.name, "--profile", case.profile, "--product", "thing", "--version", "1.0"];
    let sign = [&what[..], &["--source", "", "--idempotency-key", case.name, "--json"]].concat();
    if case.keys.iter().all(|key| key.rule.is_empty()) {
        site.good(&sign);
        return;
    }
    let (code, said) = site.run(&[&sign[..], &["--wait", "0"]].concat());
    assert_eq!(code, 4, "{said}");
    let waiting: Value = serde_json::from_str(&said).unwrap();
    let principal = fs::read(site.dir.join("admin/principal.json")).unwrap();
    let principal: Value = serde_json::from_slice(&principal).unwrap();
    let (public, passphrase) = (site.dir.join("admin/administrator.pub"), site.path("passphrase"));
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let (request, digest) = (word(&waiting["request"]), word(&waiting["digest"]));
    let who = ["--as", &word(&principal["principal"]), "--key", public.to_str().unwrap()].map(str::to_owned);
    let who: Vec<&str> = who.iter().map(String::as_str).collect();
    let endorse = ["endorse", &request, "--digest", &digest, "--passphrase-file", &passphrase];
    site.good(&[&endorse[..], &who].concat());
    site.good(&sign);
}

/// The files of a corpus in a folder: what was signed, what came back, what a verifier starts from.
fn names(folder: &Path) -> BTreeSet<String> {
    let Ok(entries) = fs::read_dir(folder) else { return BTreeSet::new() };
    let all = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let of_case = |name: &str| CASES.iter().any(|case| name.starts_with(case.name));
    all.filter(|name| of_case(name) || ["trust-root.json", "corpus.json"].contains(&name.as_str())).collect()
}
