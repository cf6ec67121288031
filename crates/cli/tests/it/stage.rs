//! One platform that was really run: what it signs, and all that a verifier is given of it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use data_encoding::BASE64;
use model::PublicKey;
use model::receipt::Receipt;
use pki::Certificate;
use serde_json::Value;
use testkit::TempFolder;

use crate::command_line::{avouch, text};
use crate::der::Der;

/// A demonstration that goes on, so that more can be signed.
pub(crate) struct Stage {
    folder: TempFolder,
    child: Child,
    _said: BufReader<ChildStdout>,
}

impl Stage {
    /// Founds a platform, serves it, and has it sign one file.
    pub(crate) fn new() -> Self {
        let folder = testkit::temp_folder();
        let file = folder.path().join("first.bin");
        fs::write(&file, b"the first thing that this platform signs\n").unwrap();
        let mut demo = avouch();
        demo.arg("demo").arg(&file).arg("--keep").arg("--out").arg(folder.path().join("out"));
        let mut child = demo.stdout(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.contains("export AVOUCH_CONTEXT") {
            line.clear();
            assert_ne!(said.read_line(&mut line).unwrap(), 0, "the demonstration ended early");
        }
        Self { folder, child, _said: said }
    }

    /// What a verifier is given of the first file.
    pub(crate) fn first(&self) -> Given {
        Given::read(&self.out(), "first.bin")
    }

    /// Has a file signed. A blob key signs the digest of whatever is in it.
    pub(crate) fn sign(&self, name: &str, bytes: &[u8]) -> Given {
        let out = self.out();
        fs::write(out.join(name), bytes).unwrap();
        let context = out.join("context.toml");
        let output = avouch()
            .arg("sign")
            .arg(out.join(name))
            .arg("--context")
            .arg(context)
            .args(["--product", "thing", "--version", "1.0", "--source", ""])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", text(&output));
        Given::read(&out, name)
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ended = Command::new("kill").arg(self.child.id().to_string()).status();
        let _reaped = self.child.wait();
    }
}

/// All that a verifier is given: a file, what was signed of it, and whom to trust.
#[derive(Clone)]
pub(crate) struct Given {
    pub(crate) file: Vec<u8>,
    pub(crate) signature: Vec<u8>,
    pub(crate) p7s: Vec<u8>,
    pub(crate) bundle: Value,
    /// The receipt; several where a change can be made in each of its items.
    pub(crate) receipts: Vec<Receipt>,
    pub(crate) key: PublicKey,
    pub(crate) root: Certificate,
    /// Sigstore's trusted root.
    pub(crate) trusted_root: Value,
    /// The platform's own, which holds the other.
    pub(crate) trust_root: Value,
}

/// Where the certificates stand in a ContentInfo, and the fields in a SignerInfo.
pub(crate) const CERTIFICATES: [usize; 3] = [1, 0, 3];
const DIGEST_ALGORITHM: [usize; 2] = [2, 0];
const ATTRIBUTES: usize = 3;
const SIGNATURE: usize = 5;
const TOKEN: [usize; 4] = [6, 0, 1, 0];

impl Given {
    /// Reads what stands beside a file.
    pub(crate) fn read(folder: &Path, name: &str) -> Self {
        let bytes = |suffix: &str| fs::read(folder.join(format!("{name}{suffix}"))).unwrap();
        let json = |bytes: Vec<u8>| serde_json::from_slice(&bytes).unwrap();
        let text = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
        let receipt = Receipt::parse(&bytes(".receipt.json")).unwrap();
        Self {
            file: bytes(""),
            signature: bytes(".sig"),
            p7s: bytes(".p7s"),
            bundle: json(bytes(".sigstore.json")),
            key: receipt.items[0].public_key.clone(),
            receipts: vec![receipt],
            root: Certificate::from_pem(&text("root.pem")).unwrap(),
            trusted_root: json(text("trusted_root.json").into_bytes()),
            trust_root: json(text("trust-root.json").into_bytes()),
        }
    }

    /// The response of the timestamp authority over the bare signature.
    pub(crate) fn response(&self) -> Option<Vec<u8>> {
        let response = self.bundle.pointer(RESPONSE)?.as_str()?;
        Some(BASE64.decode(response.as_bytes()).unwrap())
    }

    /// The token in the CMS signature, and the signature value that it is over.
    pub(crate) fn cms_token(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        let mut p7s = Der::parse(&self.p7s);
        let signer = p7s.signer();
        let value = signer.at(&[SIGNATURE]).bytes().clone();
        (signer.children().len() > TOKEN[0]).then(|| (signer.at(&TOKEN).encode(), value))
    }
}

/// Where the timestamp stands in a bundle.
pub(crate) const RESPONSE: &str =
    "/verificationMaterial/timestampVerificationData/rfc3161Timestamps/0/signedTimestamp";

/// The fields of a ContentInfo with one signer that tests change.
impl Der {
    fn signer(&mut self) -> &mut Self {
        // What stands before it may be missing; it is always the last.
        self.at(&[1, 0]).children().last_mut().unwrap().at(&[0])
    }

    pub(crate) fn digest_algorithm(&mut self) -> &mut Self {
        self.signer().at(&DIGEST_ALGORITHM)
    }

    pub(crate) fn attributes(&mut self) -> &mut Self {
        self.signer().at(&[ATTRIBUTES])
    }

    pub(crate) fn signature(&mut self) -> &mut Self {
        self.signer().at(&[SIGNATURE])
    }

    pub(crate) fn token(&mut self) -> &mut Self {
        self.signer().at(&TOKEN)
    }

    pub(crate) fn without_token(&mut self) {
        self.signer().children().truncate(TOKEN[0]);
    }
}

/// A public key in PEM.
pub(crate) fn public_key_pem(key: &PublicKey) -> Vec<u8> {
    let base64 = BASE64.encode(key.spki());
    let lines: Vec<&str> = base64.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n")).into_bytes()
}
