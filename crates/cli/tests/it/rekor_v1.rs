//! A client that speaks Rekor v1 alone signs against a whole platform, and foreign tools check what the log promised.

use std::fs;
use std::process::Output;

use data_encoding::BASE64;
use serde_json::Value;
use testkit::Tool;

use crate::command_line::text;
use crate::site::Site;

const NAME: &str = "release.tar";

/// The format of bundles, before and since.
const OLD: &str = "--new-bundle-format=false";
const NEW: &str = "--new-bundle-format=true";

/// A platform with a log of Rekor v1, and a cosign that is told of nothing but its address.
struct Pointed {
    site: Site,
    cosign: Tool,
    url: String,
}

impl Pointed {
    fn new() -> Option<Self> {
        let cosign = testkit::tool("cosign")?;
        let site = Site::new();
        let url = public_url(&site);
        fs::write(site.path(NAME), "a release").unwrap();
        Some(Self { site, cosign, url })
    }

    fn begin_log(&self) {
        let data = self.site.data();
        let passphrase = self.site.path("passphrase");
        let create = ["key", "create", "platform/rekor-v1", "--form", "set", "--dir", &data];
        self.site.good(&[create.as_slice(), &["--admin-passphrase-file", &passphrase]].concat());
        let root = self.site.good(&["trust", "export", "--sigstore"]);
        fs::write(self.site.path("trusted_root.json"), root).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.cosign.command();
        command.current_dir(self.site.folder.path()).args(arguments).env("COSIGN_PASSWORD", "");
        command.env("SSL_CERT_FILE", self.site.dir.join("server/tls/ca.pem"));
        command.env("SIGSTORE_REKOR_PUBLIC_KEY", self.site.path("log.pem"));
        command.env("HOME", self.site.folder.path()).output().unwrap()
    }

    fn good(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
        text(&output)
    }

    /// As a client signs that knows Rekor v1 alone, into a bundle of this format.
    fn sign(&self, format: &str, bundle: &str) -> Output {
        let flags =
            ["sign-blob", "--key", "cosign.key", "--yes", "--use-signing-config=false", "--tlog-upload"];
        let ways = ["--rekor-url", &self.url, "--trusted-root", "trusted_root.json", format];
        self.run(&[flags.as_slice(), &ways, &["--bundle", bundle, NAME]].concat())
    }
}

#[test]
fn interop_cosign_signs_with_rekor_v1_and_openssl_checks_the_promise() {
    let Some(pointed) = Pointed::new() else { return };
    pointed.good(&["generate-key-pair"]);
    // Without a key of that form there is no such log, and it says how one begins.
    let site = &pointed.site;
    let (_, said) = site.run(&["trust", "export", "--sigstore"]);
    fs::write(site.path("trusted_root.json"), said).unwrap();
    let off = pointed.sign(OLD, "off.bundle");
    assert!(!off.status.success() && text(&off).contains("has no log of Rekor v1"), "{}", text(&off));
    pointed.begin_log();
    let signed = pointed.sign(OLD, "old.bundle");
    assert!(signed.status.success(), "{}", text(&signed));
    let bundle: Value = serde_json::from_slice(&fs::read(site.path("old.bundle")).unwrap()).unwrap();
    fs::write(site.path("log.pem"), log_key(&site.path("trusted_root.json"))).unwrap();
    let verify =
        ["verify-blob", "--key", "cosign.pub", "--new-bundle-format=false", "--bundle", "old.bundle"];
    pointed.good(&[verify.as_slice(), &[NAME]].concat());
    let other = pointed.run(&[verify.as_slice(), &["cosign.pub"]].concat());
    assert!(!other.status.success(), "another file");
    // The promise is ECDSA over canonical JSON, by the key that the trusted root names.
    let payload = &bundle["rekorBundle"]["Payload"];
    let promise = bundle["rekorBundle"]["SignedEntryTimestamp"].as_str().unwrap();
    fs::write(site.path("promise.bin"), BASE64.decode(promise.as_bytes()).unwrap()).unwrap();
    fs::write(site.path("promised.json"), serde_json::to_vec(payload).unwrap()).unwrap();
    let Some(openssl) = testkit::tool("openssl") else { return };
    let check = ["dgst", "-sha256", "-verify", "log.pem", "-signature", "promise.bin", "promised.json"];
    let mut command = openssl.command();
    let checked = command.current_dir(site.folder.path()).args(check).output().unwrap();
    assert!(text(&checked).contains("Verified OK"), "{}", text(&checked));
}

#[test]
fn what_our_log_of_rekor_v1_promises_is_no_time_to_our_verifier_and_one_to_a_foreign_root() {
    let Some(pointed) = Pointed::new() else { return };
    let site = &pointed.site;
    pointed.good(&["generate-key-pair"]);
    pointed.begin_log();
    let signed = pointed.sign(NEW, "new.json");
    assert!(signed.status.success(), "{}", text(&signed));
    let foreign = ["--trusted-root", "trusted_root.json", "--bundle", "new.json", NAME];
    pointed.good(&[["verify-blob", "--key", "cosign.pub"].as_slice(), &foreign].concat());
    // Sigstore's rule stands for whoever is given its file alone.
    let (root, key) = (site.path("trusted_root.json"), site.path("cosign.pub"));
    let (bundle, file) = (site.path("new.json"), site.path(NAME));
    let verify = ["verify", "--public-key", &key, "--bundle", &bundle, &file];
    site.good(&[verify.as_slice(), &["--trusted-root", &root]].concat());
    // With the platform's registry it is the platform's own word, and there is no other time.
    let own = site.path("trust-root.json");
    fs::write(&own, site.good(&["trust", "export"])).unwrap();
    let (code, said) = site.run(&[verify.as_slice(), &["--trust-root", &own]].concat());
    assert!(code == 2 && said.contains("nobody says when it was signed"), "{code} {said}");
}

#[test]
fn clients_fetch_the_files_that_sigstore_files_writes_to_the_byte() {
    let Some(curl) = testkit::tool("curl") else { return };
    let site = Site::new();
    site.good(&["sigstore", "files", &site.path("files")]);
    let url = public_url(&site);
    for name in ["trusted_root.json", "signing_config.v0.2.json"] {
        let mut command = curl.command();
        command.args(["--silent", "--fail", "--cacert"]).arg(site.dir.join("server/tls/ca.pem"));
        let served = command.arg(format!("{url}/sigstore/{name}")).output().unwrap();
        assert!(served.status.success(), "{name}");
        assert!(served.stdout == fs::read(site.path(&format!("files/{name}"))).unwrap(), "{name}");
    }
}

fn public_url(site: &Site) -> String {
    let ready = fs::read(site.dir.join("run/server/ready.json")).unwrap();
    let ready: Value = serde_json::from_slice(&ready).unwrap();
    ready["public_url"].as_str().unwrap().replace("127.0.0.1", "localhost")
}

/// The key of the log of Rekor v1 in a trusted root, in PEM.
fn log_key(trusted_root: &str) -> String {
    let root: Value = serde_json::from_slice(&fs::read(trusted_root).unwrap()).unwrap();
    let logs = root["tlogs"].as_array().unwrap();
    let of_v1 = |log: &&Value| log["baseUrl"].as_str().unwrap().starts_with("https://v1.log.");
    let log = logs.iter().find(of_v1).unwrap();
    let der = BASE64.decode(log["publicKey"]["rawBytes"].as_str().unwrap().as_bytes()).unwrap();
    pki::public_key_pem(&model::PublicKey::from_spki(&der).unwrap())
}
