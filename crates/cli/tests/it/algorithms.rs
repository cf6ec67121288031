//! Every algorithm in the forms that it goes with: what foreign tools make of what avouch signs with it, under roots and
//! with timestamp authorities of other algorithms, and that a changed byte is refused by all of them.

use std::fs;

use model::Algorithm;
use pki::Certificate;
use testkit::{Direction, interop_row};

use crate::judges::{Bench, Said, ask, bench};
use crate::matrix::{faults, row};
use crate::site::Site;
use crate::stage::{Given, public_key_pem};
use crate::tamper::{Change, Others, changes};

/// A round of the test: new keys of one algorithm, with a root of another above them.
struct Round {
    /// As the command line calls it.
    name: &'static str,
    algorithm: Algorithm,
    /// What the root is changed to before; none where it stays.
    new_root: Option<&'static str>,
    /// What it is then.
    root: Algorithm,
}

/// Few RSA keys: each takes a second, or several.
const ROUNDS: [Round; 3] = [
    Round { name: "p384", algorithm: Algorithm::EcdsaP384, new_root: None, root: Algorithm::EcdsaP256 },
    Round {
        name: "rsa3072",
        algorithm: Algorithm::Rsa3072,
        new_root: Some("p384"),
        root: Algorithm::EcdsaP384,
    },
    Round {
        name: "rsa4096",
        algorithm: Algorithm::Rsa4096,
        new_root: Some("rsa3072"),
        root: Algorithm::Rsa3072,
    },
];

fn create_key(site: &Site, name: &str, form: &str, algorithm: &str, days: &str) {
    let (dir, passphrase) = (site.dir.to_string_lossy().into_owned(), site.path("passphrase"));
    let what = ["key", "create", name, "--form", form, "--algorithm", algorithm, "--days", days];
    site.good(&[&what[..], &["--dir", &dir, "--admin-passphrase-file", &passphrase]].concat());
}

/// Another authority timestamps from now on. The one before goes on until it is stopped; what it stamped stands.
fn exchange_authority(site: &Site, algorithm: &str) {
    let dir = site.dir.to_string_lossy().into_owned();
    let keys: serde_json::Value =
        serde_json::from_str(&site.good(&["key", "list", "--json", "--dir", &dir])).unwrap();
    let is_authority =
        |key: &&serde_json::Value| key["record"]["form"] == "timestamp" && key["state"] == "active";
    let before =
        keys.as_array().unwrap().iter().find(is_authority).unwrap()["id"].as_str().unwrap().to_owned();
    create_key(site, "platform/timestamp", "timestamp", algorithm, "1825");
    let passphrase = site.path("passphrase");
    let what = ["key", "disable", &before, "--reason", "another has taken over"];
    site.good(&[&what[..], &["--dir", &dir, "--admin-passphrase-file", &passphrase]].concat());
}

/// The algorithm of the authority whose token stands in the CMS signature.
fn authority_of(given: &Given) -> Algorithm {
    let token = envelope::timestamp::open(&given.response().unwrap()).unwrap();
    token.certificates()[0].public_key().unwrap().algorithm()
}

fn create_profile(site: &Site, name: &str, forms: &[&str]) {
    let dir = site.dir.to_string_lossy().into_owned();
    let keys: Vec<String> = forms.iter().map(|form| format!("--key={form}={name}/{form}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    site.good(&[&["profile", "create", name, "--dir", &dir][..], &keys].concat());
}

/// Writes what verifiers start from beside the files, as they stand now.
fn export_trust(site: &Site, root: Algorithm) {
    let put = |name: &str, text: &str| fs::write(site.path(name), text).unwrap();
    put("trust-root.json", &site.good(&["trust", "export"]));
    put("trusted_root.json", &site.good(&["trust", "export", "--sigstore"]));
    let roots = Certificate::chain_from_pem(&site.good(&["trust", "export", "--roots"])).unwrap();
    let is_asked = |one: &&Certificate| one.public_key().unwrap().algorithm() == root;
    put("root.pem", &roots.iter().find(is_asked).unwrap().to_pem());
}

/// Two files that were signed with fresh keys of this algorithm.
fn sign(site: &Site, round: &Round) -> [Given; 2] {
    if let Some(root) = round.new_root {
        create_key(site, "platform/ca", "ca", root, "7300");
    }
    let profile = format!("default/{}", round.name);
    exchange_authority(site, round.name);
    create_key(site, &format!("{profile}/blob"), "blob", round.name, "1825");
    create_key(site, &format!("{profile}/cms"), "cms", round.name, "1825");
    create_profile(site, &profile, &["blob", "cms"]);
    let names = ["one.bin", "two.bin"].map(|name| format!("{}-{name}", round.name));
    for name in &names {
        fs::write(site.path(name), format!("what the organisation ships: {name}\n")).unwrap();
        site.good(&["sign", name, "--profile", &profile, "--product", "thing", "--source", ""]);
    }
    export_trust(site, round.root);
    names.map(|name| Given::read(site.folder.path(), &name))
}

#[test]
fn interop_foreign_tools_accept_what_keys_of_every_algorithm_sign_and_nothing_that_was_changed() {
    let site = Site::new();
    let bench = bench();
    let mut wrong = Vec::new();
    let mut refused = vec![0; bench.judges.len()];
    for round in ROUNDS {
        let [given, other] = sign(&site, &round);
        let algorithm = round.algorithm;
        assert_eq!((given.key.algorithm(), authority_of(&given)), (algorithm, algorithm));
        let others = Others { file: other, platform: given.clone() };
        for judge in &bench.judges {
            let (said, words) = judge.of(&given);
            println!("{algorithm}: {}: {said:?}", judge.column);
            if said != Said::Accepted {
                wrong.push(format!("{algorithm}, {}: {said:?}: {words}", judge.column));
            }
        }
        for change in changes().iter().filter(|change| is_looked_at(change)) {
            let said = row(change, &given, &others, &bench.judges);
            let counts = refused.iter_mut().zip(&said).filter(|(_, said)| **said == Said::Refused);
            counts.for_each(|(count, _)| *count += 1);
            wrong.extend(
                faults(change, &said, &bench).into_iter().map(|fault| format!("{algorithm}, {fault}")),
            );
        }
    }
    report(&bench, &refused);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The changes whose fields differ by algorithm; the matrix has all others.
fn is_looked_at(change: &Change) -> bool {
    ["file", "signature", "certificate"].contains(&change.part) && change.what != "of another platform"
}

/// Tells `cargo xtask interop` how many each tool accepted and refused.
fn report(bench: &Bench, refused: &[u32]) {
    let accepted = u32::try_from(ROUNDS.len()).unwrap();
    for (judge, refused) in bench.judges.iter().zip(refused) {
        if let Some(tool) = judge.tool() {
            interop_row(judge.format, tool, Direction::Ours, accepted, *refused);
        }
    }
}

#[test]
fn an_ed25519_key_signs_cms_over_inline_content_and_no_digest() {
    let site = Site::new();
    let (dir, passphrase) = (site.dir.to_string_lossy().into_owned(), site.path("passphrase"));
    let blob = ["key", "create", "default/pure/blob", "--form", "blob", "--algorithm", "ed25519"];
    let (code, said) =
        site.run(&[&blob[..], &["--dir", &dir, "--admin-passphrase-file", &passphrase]].concat());
    assert!(code != 0 && said.contains("a key of form blob cannot be ed25519"), "{code}: {said}");

    create_key(&site, "default/pure/cms", "cms", "ed25519", "1825");
    create_profile(&site, "default/pure", &["cms"]);
    fs::write(site.path("small"), b"sixty-four kibibytes at most\n").unwrap();
    site.good(&["sign", "small", "--profile", "default/pure"]);
    let trust_root = site.good(&["trust", "export"]);
    fs::write(site.path("trust-root.json"), trust_root).unwrap();
    for signature in ["small.receipt.json", "small.p7s"] {
        let verify = ["verify", "small", "--signature", signature, "--trust-root", "trust-root.json"];
        site.good(&verify);
        fs::write(site.path("other"), b"sixty-four kibibytes at mosT\n").unwrap();
        let changed = ["verify", "other", "--signature", signature, "--trust-root", "trust-root.json"];
        assert_eq!(site.run(&changed).0, 1);
    }
    openssl_verifies_the_attributes(&fs::read(site.path("small.p7s")).unwrap());
    fs::write(site.path("large"), vec![7; 64 * 1024 + 1]).unwrap();
    let (code, said) = site.run(&["sign", "large", "--profile", "default/pure"]);
    assert!(code == 3 && said.contains("use a profile whose key signs digests"), "{code}: {said}");
}

/// `openssl cms` of the 3.0 series knows no Ed25519; what was signed, and the signature, it does verify.
fn openssl_verifies_the_attributes(p7s: &[u8]) {
    let Some(openssl) = testkit::tool("openssl") else { return };
    let opened = envelope::cms::open(p7s).unwrap();
    let key = opened.certificates()[0].public_key().unwrap();
    let mut changed = opened.to_be_signed().to_vec();
    *changed.last_mut().unwrap() ^= 1;
    for (signed, expected) in [(opened.to_be_signed().to_vec(), Said::Accepted), (changed, Said::Refused)] {
        let files = vec![
            ("signed", signed),
            ("signature", opened.signature().to_vec()),
            ("key.pem", public_key_pem(&key)),
        ];
        let line = "pkeyutl -verify -pubin -inkey key.pem -rawin -in signed -sigfile signature";
        let (said, words) = ask(openssl.command().args(line.split(' ')), &files);
        assert_eq!(said, expected, "{words}");
    }
}
