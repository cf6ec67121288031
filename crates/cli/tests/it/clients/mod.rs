//! The matrix *signer × verifier*: unmodified clients of Sigstore sign at a platform, and verify what each of them signed.

mod client;
mod commits;
mod containers;
mod instructions;
pub(crate) mod registry;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use data_encoding::BASE64;
use serde_json::{Value, json};
use testkit::{ClientCell, interop_cell};

use crate::command_line::text;
use crate::holders::World;
use crate::sigstore_site::ADA;
use crate::token::create;
use client::{Client, Means, What, clients};

/// What is signed, under a name that every line has.
const FILE: &str = "app.tar";

/// Verifiers that cannot read an attestation of today, and why. That they do is a failure, too.
const CANNOT: [(&str, &str); 2] = [
    (
        "sigstore-python 4.2",
        "reads an attestation only in a log entry of kind `dsse`, which Rekor v2 gave up; from 4.3 on it does",
    ),
    (
        "@sigstore/verify 3",
        "reads an attestation only in a log entry of kind `dsse`, which Rekor v2 gave up; from 4.1 on it does",
    ),
];

/// One signature.
struct Signed<'a> {
    by: &'a Client,
    what: What,
    bundle: String,
    /// The file with the public key, where one signed.
    key: String,
}

/// The platform, and copies of its folder in which something was changed.
struct Stage {
    world: World,
    other_file: PathBuf,
    other_statement: PathBuf,
}

#[test]
fn interop_every_client_verifies_what_every_client_signs_without_a_key_of_its_own() {
    matrix(Means::Keyless);
}

#[test]
fn interop_every_client_that_can_verifies_what_others_sign_with_a_key() {
    matrix(Means::Keyed);
}

fn matrix(means: Means) {
    let clients = clients();
    let stage = Stage::new();
    if means == Means::Keyed {
        stage.make_keys();
    }
    let mut signed = Vec::new();
    for what in [What::Blob, What::Attestation] {
        for client in &clients {
            signed.extend(client.signs(means, what).map(|line| stage.sign(client, what, line, signed.len())));
        }
    }
    stage.change(&signed);
    let faults: Vec<String> = std::thread::scope(|scope| {
        let (stage, signed) = (&stage, &signed);
        let judge = |verifier| scope.spawn(move || stage.judge(means, verifier, signed));
        let threads: Vec<_> = clients.iter().map(judge).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Where the public key is by which a client signs: avouch has one for files and one for claims.
fn key_file(client: &str, what: What) -> String {
    let which = if (client, what) == ("avouch", What::Attestation) { "-attest" } else { "" };
    format!("{client}{which}.pub")
}

impl Stage {
    fn new() -> Self {
        let world = World::new();
        let folder = |name| world.site.folder.path().join(name);
        let (other_file, other_statement) = (folder("other-file"), folder("other-statement"));
        let predicate = json!({
            "buildDefinition": {"buildType": "https://example.com/build", "externalParameters": {}},
            "runDetails": {"builder": {"id": "https://example.com/builder"}},
        });
        let digest = model::Digest::of(&fs::read(folder(FILE)).unwrap()).to_string();
        let statement = json!({
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": FILE, "digest": {"sha256": digest}}],
            "predicateType": "https://slsa.dev/provenance/v1",
            "predicate": predicate,
        });
        fs::write(folder("predicate.json"), predicate.to_string()).unwrap();
        fs::write(folder("statement.json"), statement.to_string()).unwrap();
        Self { world, other_file, other_statement }
    }

    fn folder(&self) -> &Path {
        self.world.site.folder.path()
    }

    /// cosign's key, where it is; the platform has one already.
    fn make_keys(&self) {
        if let Some(cosign) = testkit::tool("cosign") {
            self.run(cosign.command().args(["generate-key-pair"]).current_dir(self.folder())).unwrap();
        }
        let site = &self.world.site;
        let (code, said) = create(site, "default/attest", &["--form", "dsse"]);
        assert_eq!(code, 0, "{said}");
        site.good(&[
            "profile",
            "create",
            "default/attest",
            "--key=dsse=default/attest",
            "--dir",
            &site.data(),
        ]);
        for (what, key) in [(What::Blob, "default/blob"), (What::Attestation, "default/attest")] {
            let pem = site.good(&["trust", "export", "--key", key]);
            fs::write(self.folder().join(key_file("avouch", what)), pem).unwrap();
        }
    }

    fn sign<'a>(&self, by: &'a Client, what: What, line: &str, number: usize) -> Signed<'a> {
        let bundle = format!("{number}.sigstore.json");
        let key = key_file(by.name.split(' ').next().unwrap(), what);
        let token = self.world.token(ADA);
        fs::write(self.folder().join("token"), &token).unwrap();
        let signed = Signed { by, what, bundle, key };
        let mut command = by.command();
        command.env("AVOUCH_CONTEXT", self.world.site.path("context.toml"));
        command.args(self.words(line, &signed, &token)).current_dir(self.folder());
        self.run(&mut command).unwrap_or_else(|said| panic!("{} does not sign: {said}", by.name));
        let suffix = if what == What::Blob { "" } else { ".slsaprovenance1.att" };
        let beside = self.folder().join(format!("{FILE}{suffix}.sigstore.json"));
        if !line.contains("BUNDLE") {
            fs::rename(beside, self.folder().join(&signed.bundle)).unwrap();
        }
        signed
    }

    fn words(&self, line: &str, signed: &Signed<'_>, token: &str) -> Vec<String> {
        let word = |word: &str| match word {
            "ADA" => ADA.to_owned(),
            "TOKEN" => token.to_owned(),
            "ISSUER" => self.world.issuer.url(),
            "KEY" => signed.key.clone(),
            "BUNDLE" => signed.bundle.clone(),
            "CONFIG" => "sigstore/signing_config.v0.2.json".to_owned(),
            "ROOT" => "sigstore/trusted_root.json".to_owned(),
            "TRUST" => "sigstore/client_trust_config.json".to_owned(),
            plain => plain.to_owned(),
        };
        line.split(' ').map(word).collect()
    }

    /// Runs a client; what it says where it refuses.
    fn run(&self, command: &mut Command) -> Result<(), String> {
        self.world.surround(command);
        let output = command.output().unwrap();
        assert!(output.status.code().is_some_and(|code| code != 101), "{command:?}: {}", text(&output));
        if output.status.success() { Ok(()) } else { Err(text(&output)) }
    }

    /// Lays out the two folders in which something was changed: the file; what the statements say.
    fn change(&self, signed: &[Signed<'_>]) {
        for folder in [&self.other_file, &self.other_statement] {
            fs::create_dir(folder).unwrap();
            crate::site::copy_folder(&self.folder().join("sigstore"), &folder.join("sigstore"));
            for name in [FILE, "cosign.pub", "avouch.pub", "avouch-attest.pub"] {
                let _absent_where_nobody_has_a_key = fs::copy(self.folder().join(name), folder.join(name));
            }
            for Signed { bundle, .. } in signed {
                fs::copy(self.folder().join(bundle), folder.join(bundle)).unwrap();
            }
        }
        fs::write(self.other_file.join(FILE), "the bytes of another application").unwrap();
        for signed in signed.iter().filter(|signed| signed.what == What::Attestation) {
            let path = self.other_statement.join(&signed.bundle);
            let mut bundle: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            let payload = bundle["dsseEnvelope"]["payload"].as_str().unwrap();
            let payload = String::from_utf8(BASE64.decode(payload.as_bytes()).unwrap()).unwrap();
            let changed = payload.replace("https://example.com/builder", "https://example.com/another");
            assert_ne!(payload, changed);
            bundle["dsseEnvelope"]["payload"] = BASE64.encode(changed.as_bytes()).into();
            fs::write(path, bundle.to_string()).unwrap();
        }
    }

    /// What is wrong with what a client says of all signatures.
    fn judge(&self, means: Means, verifier: &Client, signed: &[Signed<'_>]) -> Vec<String> {
        let mut faults = Vec::new();
        for signed in signed {
            let Some(line) = verifier.verifies(means, signed.what) else { continue };
            let verify = |folder: &Path| {
                let mut command = verifier.command();
                self.run(command.args(self.words(line, signed, "")).current_dir(folder))
            };
            let cannot = CANNOT.iter().find(|(name, _)| verifier.name.starts_with(name));
            let cannot = cannot.filter(|_| signed.what == What::Attestation).map(|(_, why)| *why);
            let pair = format!("{} of {:?} by {}", verifier.name, signed.what, signed.by.name);
            match (verify(self.folder()), cannot) {
                (Err(said), None) => faults.push(format!("{pair}: refused: {said}")),
                (Ok(()), Some(_)) => faults.push(format!("{pair}: accepted, and was not expected to")),
                _ => {}
            }
            let mut refused = 0;
            // What is refused as it is says nothing of a change.
            for folder in self.changed(signed.what, line).into_iter().filter(|_| cannot.is_none()) {
                match verify(folder) {
                    Err(_) => refused += 1,
                    Ok(()) => faults.push(format!("{pair}: accepted in {}", folder.display())),
                }
            }
            report(means, verifier, signed, refused, cannot);
        }
        faults
    }

    /// The folders in which a verifier is shown something that was changed.
    fn changed(&self, what: What, line: &str) -> Vec<&Path> {
        let file = line.ends_with(FILE) || line.starts_with("verify app.tar ");
        let file = file.then_some(self.other_file.as_path());
        let statement = (what == What::Attestation).then_some(self.other_statement.as_path());
        file.into_iter().chain(statement).collect()
    }
}

fn report(means: Means, verifier: &Client, signed: &Signed<'_>, refused: u32, cannot: Option<&str>) {
    interop_cell(&ClientCell {
        means: if means == Means::Keyed { "keyed" } else { "keyless" },
        what: if signed.what == What::Blob { "blob" } else { "attestation" },
        signer: &signed.by.name,
        verifier: &verifier.name,
        refused,
        cannot,
    });
}
