//! The corpus of receipts: what every version signed verifies for ever, each kind of it.

use std::fs;
use std::path::{Path, PathBuf};

use model::receipt::Receipt;
use model::{Digests, Hash, Instant};
use serde::Deserialize;
use verify::{
    Artifact, BundleTrust, CmsTrust, Evidence, Expectations, MinisignTrust, NotChecked, Present, Proven,
    QuorumExpectation, Refused, SshTrust, TimeSource, TrustRoot, verify_bundle, verify_cms, verify_minisig,
    verify_receipt, verify_sshsig,
};

#[derive(Deserialize)]
struct Corpus {
    made: Instant,
    files: Vec<Signed>,
}

#[derive(Deserialize)]
struct Signed {
    name: String,
    forms: Vec<String>,
    governed: bool,
    /// Signed without timestamp token and log entry.
    bare: bool,
}

/// The corpus of one version.
struct Version {
    folder: PathBuf,
    corpus: Corpus,
    root: TrustRoot,
}

fn versions() -> Vec<Version> {
    let receipts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/receipts");
    let mut versions: Vec<Version> = fs::read_dir(receipts)
        .unwrap()
        .map(|entry| {
            let folder = entry.unwrap().path();
            let corpus = serde_json::from_slice(&fs::read(folder.join("corpus.json")).unwrap()).unwrap();
            let root = TrustRoot::parse(&fs::read(folder.join("trust-root.json")).unwrap()).unwrap();
            Version { folder, corpus, root }
        })
        .collect();
    versions.sort_by(|a, b| a.folder.cmp(&b.folder));
    assert!(!versions.is_empty());
    versions
}

fn artifact(bytes: &[u8]) -> Artifact {
    Artifact { digests: Digests::of(bytes, &Hash::ALL), name: None }
}

impl Version {
    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// A day after it was made, with what the kind of this file can show.
    fn present(&self) -> Present {
        let day = std::time::Duration::from_secs(86_400);
        Present { at: self.corpus.made.after(day), source: TimeSource::Named }
    }

    fn judge(&self, file: &Signed, bytes: &[u8], receipt: &Receipt) -> Result<verify::Verified, Refused> {
        verify_receipt(&artifact(bytes), receipt, &self.root, &expected(file), self.present())
    }
}

fn expected(file: &Signed) -> Expectations {
    let evidence = if file.bare { Evidence::IfPresent } else { Evidence::Required };
    let quorum = if file.governed { QuorumExpectation::Required } else { QuorumExpectation::AsRecorded };
    let (product, version) = (Some("thing".to_owned()), Some("1.0".to_owned()));
    Expectations { product, version, quorum, timestamp: evidence, log: evidence, ..Expectations::default() }
}

#[test]
fn every_receipt_of_every_version_verifies() {
    for version in versions() {
        for file in &version.corpus.files {
            let (bytes, json) =
                (version.read(&file.name), version.read(&format!("{}.receipt.json", file.name)));
            let receipt = Receipt::parse(&json).unwrap();
            assert_eq!(receipt.encode(), json, "{}", file.name);
            let verdict = version.judge(file, &bytes, &receipt);
            let verified = verdict.unwrap_or_else(|refused| panic!("{}: {refused:?}", file.name));
            let forms: Vec<String> =
                verified.items().iter().map(|item| item.item().unwrap().form.to_string()).collect();
            assert_eq!(forms, file.forms, "{}", file.name);
            for item in verified.items() {
                let proves = |wanted: fn(&Proven) -> bool| item.proven().iter().any(wanted);
                assert_eq!(proves(|one| matches!(one, Proven::Logged { .. })), !file.bare);
                assert_eq!(proves(|one| matches!(one, Proven::Timestamp { .. })), !file.bare);
                assert_eq!(proves(|one| matches!(one, Proven::Endorsed { .. })), file.governed);
                assert!(!file.governed || proves(|one| matches!(one, Proven::Journalled { .. })));
            }
            assert!(version.judge(file, b"another file", &receipt).is_err(), "{}", file.name);
        }
    }
}

#[test]
fn every_bundle_and_cms_of_every_version_verifies_or_asks_for_its_receipt() {
    for version in versions() {
        let mut verified = 0;
        for file in &version.corpus.files {
            let artifact = artifact(&version.read(&file.name));
            let alone = Expectations {
                product: None,
                version: None,
                quorum: QuorumExpectation::AsRecorded,
                ..expected(file)
            };
            // Without a log entry nobody's bundle is one: the signature lies beside the file bare.
            for form in file.forms.iter().filter(|form| !file.bare || *form != "blob") {
                let trust = &version.root;
                let verdict = match form.as_str() {
                    "blob" => {
                        let bundle = version.read(&format!("{}.sigstore.json", file.name));
                        let trust = BundleTrust::Platform(trust);
                        verify_bundle(&artifact, &bundle, trust, &alone, version.present())
                    }
                    "cms" => {
                        let p7s = version.read(&format!("{}.p7s", file.name));
                        verify_cms(&artifact, &p7s, CmsTrust::Platform(trust), &alone, version.present())
                    }
                    "minisign" => {
                        let minisig = version.read(&format!("{}.minisig", file.name));
                        let trust = MinisignTrust::Platform(trust);
                        verify_minisig(&artifact, None, &minisig, trust, &alone, version.present())
                    }
                    "sshsig" => {
                        let sshsig = version.read(&format!("{}.sshsig", file.name));
                        let trust = SshTrust::Platform(trust);
                        verify_sshsig(&artifact, &sshsig, Some("file"), trust, &alone, version.present())
                    }
                    other => panic!("{other}: what stands beside the receipt?"),
                };
                match verdict {
                    Ok(told) => {
                        assert!(!file.governed && told.not_checked().contains(&NotChecked::NoRequest));
                        verified += 1;
                    }
                    Err(Refused::CannotCheck { .. }) => assert!(file.governed, "{} as {form}", file.name),
                    Err(bad) => panic!("{} as {form}: {bad:?}", file.name),
                }
            }
        }
        assert!(verified >= 9, "only {verified} were verified");
    }
}
