//! Claims about files, by a managed key: every kind of them, judged by cosign and by us, changed in every part; and those
//! that cosign makes, judged by us.

use std::fs;
use std::path::Path;
use std::process::Command;

use data_encoding::BASE64;
use envelope::dsse::{IN_TOTO, pre_authentication_encoding};
use serde_json::{Value, json};
use testkit::{Direction, Tool, interop_row};

use crate::command_line::{avouch, text};
use crate::holders::World;
use crate::judges::{Files, Said, ask, sigstore_js};
use crate::token::create;

/// A kind of claim: its vector, what we call it, and what cosign does where it makes and where it checks one.
struct Kind {
    vector: &'static str,
    ours: &'static str,
    cosign: &'static str,
    /// Does cosign make one of the same predicate?
    made_by_cosign: bool,
}

const fn kind(vector: &'static str, cosign: &'static str, made_by_cosign: bool) -> Kind {
    Kind { vector, ours: vector, cosign, made_by_cosign }
}

/// All kinds that are looked into, and two that are not.
const KINDS: [Kind; 14] = [
    kind("slsaprovenance1", "slsaprovenance1", true),
    kind("slsaprovenance02", "slsaprovenance02", true),
    kind("spdxjson", "spdxjson", true),
    kind("cyclonedx", "cyclonedx", true),
    kind("openvex", "openvex", true),
    kind("vuln", "vuln", true),
    kind("custom", "custom", false),
    kind("vsa", "https://slsa.dev/verification_summary/v1", true),
    kind("csaf", "https://docs.oasis-open.org/csaf/csaf/v2.0/csaf_json_schema.json", true),
    kind("vulns", "https://in-toto.io/attestation/vulns/v0.1", true),
    kind("test-result", "https://in-toto.io/attestation/test-result/v0.1", true),
    kind("scai", "https://in-toto.io/attestation/scai/v0.3", true),
    Kind { vector: "spdx3", ours: "spdx", cosign: "spdxjson", made_by_cosign: true },
    Kind {
        vector: "custom",
        ours: "https://example.com/approval/v1",
        cosign: "https://example.com/approval/v1",
        made_by_cosign: true,
    },
];

/// A platform with a key for claims.
struct Desk {
    world: World,
}

impl Desk {
    fn new() -> Self {
        let world = World::new();
        let (code, said) = create(&world.site, "default/attest", &["--form", "dsse"]);
        assert_eq!(code, 0, "{said}");
        let desk = Self { world };
        desk.good(&[
            "profile",
            "create",
            "default/attest",
            "--key=dsse=default/attest",
            "--dir",
            &desk.world.site.data(),
        ]);
        let key = desk.good(&["trust", "export", "--key", "default/attest"]);
        desk.put("attest.pub", key.as_bytes());
        desk.put("other.tar", b"the bytes of another application");
        desk
    }

    fn path(&self, name: &str) -> String {
        self.world.site.path(name)
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&fs::read(self.path(name)).unwrap()).unwrap()
    }

    fn run(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.world.tool(self.world.site.command(), arguments);
        (output.status.code().unwrap_or(-1), text(&output))
    }

    fn good(&self, arguments: &[&str]) -> String {
        let (code, said) = self.run(arguments);
        assert_eq!(code, 0, "{arguments:?}: {said}");
        said
    }

    fn cosign(&self, cosign: &Tool, arguments: &[&str]) -> (bool, String) {
        let output = self.world.tool(cosign.command(), arguments);
        (output.status.success(), text(&output))
    }

    /// Has a claim of this kind signed, and returns what the files beside are called.
    fn attest(&self, kind: &Kind, predicate: &str) -> String {
        let out = self.path(&format!("out-{}", kind.vector));
        fs::create_dir_all(&out).unwrap();
        let what = [
            "attest",
            "app.tar",
            "--profile",
            "default/attest",
            "--type",
            kind.ours,
            "--predicate",
            predicate,
        ];
        self.good(&[&what[..], &["--source", "", "--out", &out]].concat());
        let bundle = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path());
        let bundle =
            bundle.max_by_key(|path| path.to_string_lossy().ends_with(".att.sigstore.json")).unwrap();
        let bundle = bundle.to_string_lossy().into_owned();
        bundle.strip_suffix(".sigstore.json").unwrap().to_owned()
    }
}

fn vector(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../envelope/tests/vectors/predicates");
    folder.join(format!("{name}.json")).to_string_lossy().into_owned()
}

/// What is changed in a bundle, and how.
type Change = (&'static str, fn(&mut Value));

/// Every part that a signature covers, and the signature.
const CHANGES: [Change; 5] = [
    ("payload", |bundle| change_payload(bundle, |statement| statement["predicate"]["added"] = json!(1))),
    ("subject", |bundle| {
        let other = model::Digest::of(b"the bytes of another application").to_string();
        change_payload(bundle, |statement| statement["subject"][0]["digest"]["sha256"] = other.into());
    }),
    ("predicate type", |bundle| {
        change_payload(bundle, |statement| statement["predicateType"] = json!("https://example.com/swapped"));
    }),
    ("payload type", |bundle| bundle["dsseEnvelope"]["payloadType"] = json!("application/vnd.in-toto")),
    ("signature", |bundle| {
        let signature = &mut bundle["dsseEnvelope"]["signatures"][0]["sig"];
        let mut bytes = BASE64.decode(signature.as_str().unwrap().as_bytes()).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        *signature = BASE64.encode(&bytes).into();
    }),
];

fn change_payload(bundle: &mut Value, change: impl FnOnce(&mut Value)) {
    let payload = &mut bundle["dsseEnvelope"]["payload"];
    let bytes = BASE64.decode(payload.as_str().unwrap().as_bytes()).unwrap();
    let mut statement: Value = serde_json::from_slice(&bytes).unwrap();
    change(&mut statement);
    *payload = BASE64.encode(statement.to_string().as_bytes()).into();
}

/// Whom a changed bundle is shown as: the file and the type are those that it says after the change.
fn asked<'a>(change: &str, kind: &'a str) -> (&'static str, &'a str) {
    match change {
        "subject" => ("other.tar", kind),
        "predicate type" => ("app.tar", "https://example.com/swapped"),
        _ => ("app.tar", kind),
    }
}

#[test]
fn interop_cosign_accepts_our_claims_of_every_kind_and_refuses_each_change_as_we_do() {
    let Some(cosign) = testkit::tool("cosign") else { return };
    let desk = Desk::new();
    let (mut accepted, mut refused) = (0, 0);
    for kind in &KINDS {
        let beside = desk.attest(kind, &vector(kind.vector));
        let (receipt, bundle) = (format!("{beside}.receipt.json"), format!("{beside}.sigstore.json"));
        desk.good(&["verify", "app.tar", "--attestation", &receipt, "--type", kind.ours]);
        let ours = |file: &str, kind: &str, bundle: &str| {
            desk.run(&["verify", file, "--attestation", bundle, "--type", kind])
        };
        let theirs = |file: &str, kind: &str, bundle: &str| {
            let verify = ["verify-blob-attestation", "--key", "attest.pub", "--use-signed-timestamps"];
            let root = ["--trusted-root", "sigstore/trusted_root.json"];
            desk.cosign(&cosign, &[&verify[..], &root, &["--type", kind, "--bundle", bundle, file]].concat())
        };
        let (code, said) = ours("app.tar", kind.ours, &bundle);
        assert_eq!(code, 0, "{}: {said}", kind.ours);
        let (good, said) = theirs("app.tar", kind.cosign, &bundle);
        assert!(good, "{} as {}: {said}", kind.ours, kind.cosign);
        accepted += 1;
        let other = ("another file", "other.tar", kind.cosign);
        let another = ("another type", "app.tar", "https://example.com/other");
        for (what, file, as_kind) in [other, another] {
            assert!(!theirs(file, as_kind, &bundle).0, "{}: {what}", kind.ours);
            let as_kind = if as_kind == kind.cosign { kind.ours } else { as_kind };
            assert_eq!(ours(file, as_kind, &bundle).0, 1, "{}: {what}", kind.ours);
            refused += 1;
        }
        for (what, change) in CHANGES {
            let mut changed = desk.json(&bundle);
            change(&mut changed);
            desk.put("changed.sigstore.json", changed.to_string().as_bytes());
            let (file, as_cosign) = asked(what, kind.cosign);
            assert!(!theirs(file, as_cosign, "changed.sigstore.json").0, "{}: cosign, {what}", kind.ours);
            let (code, said) = ours(file, asked(what, kind.ours).1, "changed.sigstore.json");
            let expected = if what == "payload type" { 2 } else { 1 };
            assert_eq!(code, expected, "{}: {what}: {said}", kind.ours);
            refused += 1;
        }
    }
    interop_row("attestation, 14 kinds", &cosign, Direction::Ours, accepted, refused);
}

#[test]
fn interop_cosigns_own_claims_of_every_kind_are_accepted_and_each_change_refused() {
    let Some(cosign) = testkit::tool("cosign") else { return };
    let desk = Desk::new();
    let good = |arguments: &[&str]| {
        let (good, said) = desk.cosign(&cosign, arguments);
        assert!(good, "{arguments:?}: {said}");
    };
    good(&["generate-key-pair"]);
    let (mut accepted, mut refused) = (0, 0);
    for kind in KINDS.iter().filter(|kind| kind.made_by_cosign) {
        let predicate = vector(kind.vector);
        let attest =
            ["attest-blob", "--yes", "--key", "cosign.key", "--type", kind.cosign, "--predicate", &predicate];
        let place = ["--signing-config", "sigstore/signing_config.v0.2.json"];
        let root = ["--trusted-root", "sigstore/trusted_root.json"];
        good(&[&attest[..], &place, &root, &["--bundle", "theirs.sigstore.json", "app.tar"]].concat());
        let judge = |file: &str, as_kind: &str, bundle: &str| {
            let verify = ["verify", file, "--attestation", bundle, "--type", as_kind];
            desk.run(&[&verify[..], &["--public-key", "cosign.pub"], &root].concat())
        };
        let (code, said) = judge("app.tar", kind.ours, "theirs.sigstore.json");
        assert_eq!(code, 0, "{}: {said}", kind.ours);
        accepted += 1;
        for (what, change) in CHANGES {
            let mut changed = desk.json("theirs.sigstore.json");
            change(&mut changed);
            desk.put("changed.sigstore.json", changed.to_string().as_bytes());
            let (file, as_kind) = asked(what, kind.ours);
            let (code, said) = judge(file, as_kind, "changed.sigstore.json");
            assert!(code == 1 || (code == 2 && what == "payload type"), "{}: {what}: {said}", kind.ours);
            refused += 1;
        }
    }
    interop_row("attestation, 13 kinds", &cosign, Direction::Theirs, accepted, refused);
}

#[test]
fn a_claim_that_is_not_what_it_says_is_not_signed_and_the_field_is_named() {
    let desk = Desk::new();
    let attest = |kind: &str, predicate: &[u8], profile: &str| {
        desk.put("predicate.json", predicate);
        desk.run(&[
            "attest",
            "app.tar",
            "--profile",
            profile,
            "--type",
            kind,
            "--predicate",
            "predicate.json",
        ])
    };
    let missing = br#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library"}]}"#;
    let twice = br#"{"bomFormat":"CycloneDX","bomFormat":"CycloneDX","specVersion":"1.6"}"#;
    let table: [(&str, &[u8], &str, &str); 5] = [
        ("cyclonedx", missing, "default/attest", "`/components/0/name` is missing"),
        ("cyclonedx", twice, "default/attest", "`/bomFormat` is there twice"),
        ("https://example.com/x", b"{\"a\":\"\xff\"}", "default/attest", "not UTF-8"),
        ("sbom", b"{}", "default/attest", "name one of slsaprovenance1"),
        ("custom", b"{}", "default", "has no key for attestations"),
    ];
    for (kind, predicate, profile, expected) in table {
        let (code, said) = attest(kind, predicate, profile);
        assert!(code == 3 && said.contains(expected), "{expected}: {code} {said}");
    }
    let (code, said) = desk.run(&["sign", "app.tar", "--profile", "default/attest"]);
    assert!(code == 3 && said.contains("avouch attest"), "{said}");
    // Two files of one name cannot be told apart.
    fs::create_dir(desk.path("sub")).unwrap();
    desk.put("sub/app.tar", b"another");
    let two = ["attest", "app.tar", "sub/app.tar", "--type", "custom", "--predicate", "predicate.json"];
    let (code, said) = desk.run(&[&two[..], &["--profile", "default/attest"]].concat());
    assert!(code == 3 && said.contains("has the name `app.tar` of an earlier one"), "{said}");
}

#[test]
fn a_claim_about_several_files_is_signed_by_a_governed_key_once_people_saw_what_it_says() {
    let desk = Desk::new();
    let rule = ["--form", "dsse", "--rule", "administrators=1", "--independent", "0"];
    let (code, said) = create(&desk.world.site, "default/careful", &rule);
    assert_eq!(code, 0, "{said}");
    let data = desk.world.site.data();
    desk.good(&["profile", "create", "default/careful", "--key=dsse=default/careful", "--dir", &data]);
    desk.good(&["trust", "export"]);
    let predicate = vector("slsaprovenance1");
    let what = ["attest", "app.tar", "other.tar", "--type", "slsaprovenance1", "--predicate", &predicate];
    let call =
        ["--profile", "default/careful", "--wait", "0", "--json", "--idempotency-key", "one", "--source", ""];
    let (code, said) = desk.run(&[&what[..], &call].concat());
    assert_eq!(code, 4, "{said}");
    let report: Value = serde_json::from_str(&said).unwrap();
    let (request, digest) = (report["request"].as_str().unwrap(), report["digest"].as_str().unwrap());

    let contents = desk.path("");
    let shown = desk.good(&["request", "show", request, "--file", "other.tar", "--contents", &contents]);
    assert_eq!(desk.json("item-0.content")["subject"][1]["name"], "other.tar");
    for expected in
        ["SLSA provenance 1.0", "built by \"https://ci.example.com/runner\"", "it is about the file"]
    {
        assert!(shown.contains(expected), "{shown}");
    }
    let principal: Value =
        serde_json::from_slice(&fs::read(desk.world.site.dir.join("admin/principal.json")).unwrap()).unwrap();
    let key = desk.world.site.dir.join("admin/administrator.pub").to_string_lossy().into_owned();
    let (who, passphrase) = (principal["principal"].as_str().unwrap(), desk.path("passphrase"));
    let endorse = ["endorse", request, "--digest", digest, "--as", who, "--key", &key];
    desk.good(&[&endorse[..], &["--passphrase-file", &passphrase]].concat());
    desk.good(&[&what[..], &call].concat());

    let expected = ["--type", "slsaprovenance1", "--require-quorum", "--builder", "https://ci.example.com/*"];
    let source = ["--source-repository", "https://git.example.com/team/app"];
    // Beside the first file; the second is in it as well.
    desk.good(&[&["verify", "app.tar"], &expected[..], &source].concat());
    let receipt = "app.tar.slsaprovenance1.att.receipt.json";
    let second =
        desk.good(&[&["verify", "other.tar", "--attestation", receipt], &expected[..], &source].concat());
    assert!(second.contains("claim about the file"), "{second}");
    let (code, said) = desk.run(
        &[&["verify", "app.tar"], &expected[..], &["--source-repository", "https://git.example.com/x"]]
            .concat(),
    );
    assert!(code == 1 && said.contains("source repository"), "{said}");
    // A bundle shows nobody who agreed.
    let bundle = "app.tar.slsaprovenance1.att.sigstore.json";
    assert_eq!(desk.run(&["verify", "app.tar", "--attestation", bundle]).0, 2);
    let said = desk.good(&["verify", "app.tar", "--type", "slsaprovenance1", "--json"]);
    let said: Value = serde_json::from_str(&said).unwrap();
    let claim =
        said["items"][0]["proven"].as_array().unwrap().iter().find(|one| one["proof"] == "attested").unwrap();
    assert_eq!(
        claim["statement"]["predicate"]["runDetails"]["builder"]["id"],
        "https://ci.example.com/runner"
    );
    let shown = desk.good(&["inspect", receipt]);
    assert!(shown.contains("\"other.tar\"") && shown.contains("a signature does not say"), "{shown}");
}

/// A bill of materials of more than a megabyte, as those of large products are.
#[test]
fn a_bill_of_materials_of_more_than_a_megabyte_is_signed_and_verified_and_a_larger_one_is_refused_at_once() {
    let desk = Desk::new();
    let bill = |components: usize| {
        let component = |number| {
            json!({"type": "library", "name": format!("library {number}"), "bom-ref": format!("pkg:generic/{number}"),
                "version": "1.0.0", "hashes": [{"alg": "SHA-256", "content": "ab".repeat(32)}],
                "description": "a part of a product, described in as many words as is usual for such parts"})
        };
        let components: Vec<Value> = (0..components).map(component).collect();
        json!({"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": components})
            .to_string()
    };
    desk.put("large.json", bill(5_000).as_bytes());
    assert!(fs::metadata(desk.path("large.json")).unwrap().len() > 1_000_000);
    let beside = desk.attest(&KINDS[3], "large.json");
    for suffix in ["receipt.json", "sigstore.json"] {
        desk.good(&[
            "verify",
            "app.tar",
            "--attestation",
            &format!("{beside}.{suffix}"),
            "--type",
            "cyclonedx",
        ]);
    }
    desk.put("larger.json", bill(40_000).as_bytes());
    let (code, said) = desk.run(&[
        "attest",
        "app.tar",
        "--profile",
        "attest",
        "--type",
        "cyclonedx",
        "--predicate",
        "larger.json",
    ]);
    assert!(code == 3 && said.contains("at most 8388608"), "{said}");
}

/// One key, one form, by whoever goes by the platform. Whoever pins a key has nothing to tell the forms apart by, and is
/// listed in the threat model.
#[test]
fn what_a_key_for_claims_signed_is_a_file_to_those_alone_who_pin_its_key() {
    let (Some(cosign), Some(openssl), Some(js)) =
        (testkit::tool("cosign"), testkit::tool("openssl"), testkit::sigstore_js())
    else {
        return;
    };
    let desk = Desk::new();
    let beside = desk.attest(&KINDS[0], &vector(KINDS[0].vector));
    let mut bundle = desk.json(&format!("{beside}.sigstore.json"));
    let envelope = bundle.as_object_mut().unwrap().remove("dsseEnvelope").unwrap();
    let decoded = |text: &Value| BASE64.decode(text.as_str().unwrap().as_bytes()).unwrap();
    let signature = decoded(&envelope["signatures"][0]["sig"]);
    let file = pre_authentication_encoding(IN_TOTO, &decoded(&envelope["payload"]));
    let digest = BASE64.encode(model::Digest::of(&file).as_bytes());
    bundle["messageSignature"] = json!({
        "messageDigest": {"algorithm": "SHA2_256", "digest": digest},
        "signature": BASE64.encode(&signature),
    });
    let read = |name: &str| fs::read(desk.path(name)).unwrap();
    let files: Files = vec![
        ("f", file),
        ("f.sig", signature),
        ("f.sigstore.json", bundle.to_string().into_bytes()),
        ("key.pem", read("attest.pub")),
        ("trusted_root.json", read("sigstore/trusted_root.json")),
        ("trust-root.json", desk.good(&["trust", "export"]).into_bytes()),
    ];
    let cosign_line = "verify-blob --key key.pem --trusted-root trusted_root.json --use-signed-timestamps --bundle f.sigstore.json f";
    let pinned = "verify f --signature f.sigstore.json --public-key key.pem --trusted-root trusted_root.json";
    let platform = "verify f --signature f.sigstore.json --trust-root trust-root.json";
    let said = |mut command: Command, line: &str| ask(command.args(line.split(' ')), &files);
    let (by_platform, why) = said(avouch(), platform);
    assert!(by_platform == Said::Refused && why.contains("form is not what the record"), "{why}");
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/threat-model.md");
    let page = fs::read_to_string(page).unwrap();
    for (judge, command, line) in [
        ("openssl dgst or pkeyutl", openssl.command(), "dgst -sha256 -verify key.pem -signature f.sig f"),
        ("cosign verify-blob --key, our log and authority", cosign.command(), cosign_line),
        ("avouch verify --public-key", avouch(), pinned),
        (
            "@sigstore/verify, our log and authority",
            sigstore_js(&js),
            "f.sigstore.json trusted_root.json key.pem f",
        ),
    ] {
        let (verdict, why) = said(command, line);
        assert_eq!(verdict, Said::Accepted, "{judge}: {why}");
        assert!(page.contains(&format!("| dsse → blob | {judge} |")), "{judge}");
    }
}

/// Whom the attestations of the public conformance suite are by.
const BEACON: &str = "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main";

/// An attestation as Python's package index publishes it (PEP 740) is a file of its own, beside the package.
#[test]
fn a_published_attestation_is_verified_by_the_name_of_its_file() {
    let Some(vectors) = testkit::vectors() else { return };
    let suite = vectors.join("sigstore-conformance");
    let bundle =
        fs::read(suite.join("bundle-verify/happy-path-intoto-in-dsse-v3/bundle.sigstore.json")).unwrap();
    let bundle: Value = serde_json::from_slice(&bundle).unwrap();
    let (material, envelope) = (&bundle["verificationMaterial"], &bundle["dsseEnvelope"]);
    let published = json!({
        "version": 1,
        "verification_material": {
            "certificate": material["certificate"]["rawBytes"],
            "transparency_entries": material["tlogEntries"],
        },
        "envelope": {"statement": envelope["payload"], "signature": envelope["signatures"][0]["sig"]},
    });
    let files: Files = vec![
        ("a.txt", fs::read(suite.join("a.txt")).unwrap()),
        ("b.txt", b"another package".to_vec()),
        ("root.json", fs::read(suite.join("trusted_root.production.json")).unwrap()),
        ("a.txt.publish.attestation", published.to_string().into_bytes()),
    ];
    let issuer = "https://token.actions.githubusercontent.com";
    let judge = |file: &str, kind: &str| {
        let verify = ["verify", file, "--attestation", "a.txt.publish.attestation", "--type", kind];
        let by = ["--identity", BEACON, "--issuer", issuer, "--trusted-root", "root.json"];
        ask(avouch().args(verify).args(by), &files)
    };
    let (said, why) = judge("a.txt", "slsaprovenance1");
    assert_eq!(said, Said::Accepted, "{why}");
    assert_eq!(judge("b.txt", "slsaprovenance1").0, Said::Refused);
    assert_eq!(judge("a.txt", "cyclonedx").0, Said::Refused);
}

/// Without it cosign verifies whatever a key signed as of SHA-256.
const SHA384: &[&str] = &["--signature-digest-algorithm", "sha384"];

/// Which keys sign claims, and whose bundles cosign reads. A profile may have a key for claims beside those for files.
#[test]
fn keys_of_every_algorithm_sign_claims_and_a_key_for_claims_leaves_files_to_the_others() {
    let desk = Desk::new();
    let (data, predicate) = (desk.world.site.data(), vector("slsaprovenance1"));
    let cosign = testkit::tool("cosign");
    for (algorithm, flags) in [("p384", SHA384), ("rsa3072", &[]), ("ed25519", &[])] {
        let (name, key) = (format!("default/{algorithm}"), format!("--key=dsse=default/{algorithm}"));
        let (code, said) = create(&desk.world.site, &name, &["--form", "dsse", "--algorithm", algorithm]);
        assert_eq!(code, 0, "{said}");
        desk.good(&["profile", "create", &name, "--key=blob=default/blob", &key, "--dir", &data]);
        desk.put(algorithm, algorithm.as_bytes());
        let attest =
            ["attest", algorithm, "--profile", &name, "--type", "slsaprovenance1", "--predicate", &predicate];
        desk.good(&[&attest[..], &["--source", ""]].concat());
        desk.good(&["verify", algorithm, "--type", "slsaprovenance1", "--key", &name]);
        // The other key of the profile signs the file, and this one does not.
        desk.good(&["sign", algorithm, "--profile", &name, "--source", ""]);
        let receipt = desk.json(&format!("{algorithm}.receipt.json"));
        assert_eq!(receipt["items"].as_array().unwrap().len(), 1);
        let bundle = format!("{algorithm}.slsaprovenance1.att.sigstore.json");
        assert_eq!(Path::new(&desk.path(&bundle)).exists(), algorithm != "ed25519", "{algorithm}");
        let (Some(cosign), true) = (&cosign, algorithm != "ed25519") else { continue };
        desk.put("key.pem", desk.good(&["trust", "export", "--key", &name]).as_bytes());
        let verify = ["verify-blob-attestation", "--key", "key.pem", "--use-signed-timestamps"];
        let root = [
            "--trusted-root",
            "sigstore/trusted_root.json",
            "--type",
            "slsaprovenance1",
            "--bundle",
            &bundle,
        ];
        let (good, said) = desk.cosign(cosign, &[&verify[..], &root, flags, &[algorithm]].concat());
        assert!(good, "{algorithm}: {said}");
    }
}
