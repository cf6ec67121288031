//! Those who judge signatures: foreign tools and avouch itself, and what each of them reads.

use std::fs;
use std::process::Command;

use testkit::Tool;

use crate::command_line::{avouch, text};
use crate::stage::{Given, public_key_pem};

/// Files by their names.
pub(crate) type Files = Vec<(&'static str, Vec<u8>)>;

/// What is read of what is given: one set of files for each question, none where there is nothing to ask.
type Reads = fn(&Given) -> Vec<Files>;

/// A tool with the one thing that it is asked.
pub(crate) struct Judge {
    /// Its column in the matrix.
    pub(crate) column: &'static str,
    /// What kind of signature it is shown.
    pub(crate) format: &'static str,
    program: Program,
    reads: Reads,
    arguments: Arguments,
}

/// How the program is called; the words of the line have no spaces in them.
type Arguments = fn(&Given) -> &'static str;

/// Who judges.
pub(crate) enum Program {
    Avouch,
    Foreign(Tool),
    /// `@sigstore/verify`, which is no program but is called from one.
    SigstoreJs(Tool),
}

/// What a judge says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Said {
    /// Nothing that it reads was changed, or nothing is left for it to read.
    Nothing,
    /// It is bad.
    Refused,
    /// It cannot be checked, and so is not good: avouch keeps this apart.
    CannotCheck,
    /// It is good.
    Accepted,
}

impl Judge {
    /// The foreign tool; none where avouch judges.
    pub(crate) fn tool(&self) -> Option<&Tool> {
        match &self.program {
            Program::Avouch => None,
            Program::Foreign(tool) | Program::SigstoreJs(tool) => Some(tool),
        }
    }

    /// What it says of a change; where there are several questions, the most that was believed.
    pub(crate) fn of_change(&self, untouched: &Given, changed: &Given) -> (Said, String) {
        let before = (self.reads)(untouched);
        let questions = (self.reads)(changed).into_iter().filter(|files| !before.contains(files));
        let said = questions.map(|files| self.say(&files, changed));
        said.max_by_key(|(said, _)| *said).unwrap_or((Said::Nothing, String::new()))
    }

    /// What it says of all that it reads.
    pub(crate) fn of(&self, given: &Given) -> (Said, String) {
        let said = (self.reads)(given).into_iter().map(|files| self.say(&files, given));
        said.max_by_key(|(said, _)| *said).unwrap()
    }

    fn say(&self, files: &Files, given: &Given) -> (Said, String) {
        let arguments: Vec<&str> = (self.arguments)(given).split(' ').collect();
        let mut command = match &self.program {
            Program::Avouch => avouch(),
            Program::Foreign(tool) => tool.command(),
            Program::SigstoreJs(tool) => sigstore_js(tool),
        };
        ask(command.args(arguments), files)
    }
}

/// The command that shows a bundle, with trusted root, key and file, to `@sigstore/verify`.
pub(crate) fn sigstore_js(tool: &Tool) -> Command {
    let mut command = tool.command();
    command.args(["-e", include_str!("sigstore_verify.js"), "--"]);
    command
}

/// Runs a command in a folder with these files. Exit code 2 is avouch's *cannot check*; other tools have no such.
pub(crate) fn ask(command: &mut Command, files: &Files) -> (Said, String) {
    let folder = testkit::temp_folder();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    let ours = command.get_program() == avouch().get_program();
    let output = command.current_dir(&folder).env("HOME", folder.path()).output().unwrap();
    let said = match output.status.code() {
        Some(0) => Said::Accepted,
        Some(2) if ours => Said::CannotCheck,
        Some(101) if ours => panic!("{}", text(&output)),
        Some(_) => Said::Refused,
        None => panic!("a judge was killed: {}", text(&output)),
    };
    (said, text(&output))
}

const CMS: &str = "cms -verify -binary -inform DER -in f.p7s -content f -CAfile root.pem -purpose any";
const CADES: &str =
    "cms -verify -binary -inform DER -in f.p7s -content f -CAfile root.pem -purpose any -cades";
const DGST: &str = "dgst -sha256 -verify key.pem -signature f.sig f";
const DGST_SHA384: &str = "dgst -sha384 -verify key.pem -signature f.sig f";
const TS: &str = "ts -verify -in f.tsr -data f.sig -CAfile root.pem";
const TS_TOKEN: &str = "ts -verify -token_in -in token.der -data value.bin -CAfile root.pem";
const COSIGN: &str = "verify-blob --key key.pem --trusted-root trusted_root.json --use-signed-timestamps --bundle f.sigstore.json f";
// Without this flag, which it calls outdated, cosign verifies whatever a key signed as of SHA-256 (its issue 5091).
const COSIGN_SHA384: &str = "verify-blob --key key.pem --trusted-root trusted_root.json --use-signed-timestamps --signature-digest-algorithm sha384 --bundle f.sigstore.json f";
const SIGSTORE_JS: &str = "f.sigstore.json trusted_root.json key.pem f";
const RECEIPT: &str = "verify f --signature f.receipt.json --trust-root trust-root.json";
const BUNDLE: &str = "verify f --signature f.sigstore.json --trust-root trust-root.json";
const BUNDLE_AND_KEY: &str =
    "verify f --signature f.sigstore.json --public-key key.pem --sigstore trusted_root.json";
const P7S: &str = "verify f --signature f.p7s --trust-root trust-root.json";

/// The judges that are here, and whether that is all of them.
pub(crate) struct Bench {
    pub(crate) judges: Vec<Judge>,
    pub(crate) complete: bool,
}

/// Gathers the judges; those that are not here are skipped loudly.
pub(crate) fn bench() -> Bench {
    let foreign = |name| testkit::tool(name).map(Program::Foreign);
    let js = || testkit::sigstore_js().map(Program::SigstoreJs);
    let ours = || Some(Program::Avouch);
    let openssl = || foreign("openssl");
    let judge = |column, format, program: Option<Program>, reads: Reads, arguments: Arguments| {
        program.map(|program| Judge { column, format, program, reads, arguments })
    };
    let all = [
        judge("openssl cms", "cms", openssl(), cms_files, |_| CMS),
        judge("openssl cms -cades", "cms", openssl(), cms_files, |_| CADES),
        judge("openssl dgst", "raw", openssl(), raw_files, dgst),
        judge("openssl ts", "timestamp", openssl(), response_files, |_| TS),
        judge("openssl ts, token of the .p7s", "timestamp", openssl(), token_files, |_| TS_TOKEN),
        judge("cosign", "bundle", foreign("cosign"), bundle_files, cosign),
        judge("@sigstore/verify", "bundle", js(), bundle_files, |_| SIGSTORE_JS),
        judge("avouch, receipt", "receipt", ours(), receipt_files, |_| RECEIPT),
        judge("avouch, bundle", "bundle", ours(), our_bundle_files, |_| BUNDLE),
        judge("avouch, bundle and key", "bundle", ours(), bundle_files, |_| BUNDLE_AND_KEY),
        judge("avouch, .p7s", "cms", ours(), our_cms_files, |_| P7S),
    ];
    let complete = all.iter().all(Option::is_some);
    Bench { complete, judges: all.into_iter().flatten().collect() }
}

/// The digest is that of the key's own hash.
fn dgst(given: &Given) -> &'static str {
    if signs_sha384(given) { DGST_SHA384 } else { DGST }
}

fn cosign(given: &Given) -> &'static str {
    if signs_sha384(given) { COSIGN_SHA384 } else { COSIGN }
}

fn signs_sha384(given: &Given) -> bool {
    given.key.algorithm().hash() == Some(model::Hash::Sha384)
}

fn json(value: &serde_json::Value) -> Vec<u8> {
    // A trust root is canonical, and what is canonical is read by all.
    model::to_canonical(value)
}

fn cms_files(given: &Given) -> Vec<Files> {
    let root = given.root.to_pem().into_bytes();
    vec![vec![("f", given.file.clone()), ("f.p7s", given.p7s.clone()), ("root.pem", root)]]
}

fn our_cms_files(given: &Given) -> Vec<Files> {
    let root = json(&given.trust_root);
    vec![vec![("f", given.file.clone()), ("f.p7s", given.p7s.clone()), ("trust-root.json", root)]]
}

fn raw_files(given: &Given) -> Vec<Files> {
    let key = public_key_pem(&given.key);
    vec![vec![("f", given.file.clone()), ("f.sig", given.signature.clone()), ("key.pem", key)]]
}

fn response_files(given: &Given) -> Vec<Files> {
    let root = given.root.to_pem().into_bytes();
    let files =
        |response| vec![("f.tsr", response), ("f.sig", given.signature.clone()), ("root.pem", root.clone())];
    given.response().map(files).into_iter().collect()
}

fn token_files(given: &Given) -> Vec<Files> {
    let root = given.root.to_pem().into_bytes();
    let files = |(token, value)| vec![("token.der", token), ("value.bin", value), ("root.pem", root.clone())];
    given.cms_token().map(files).into_iter().collect()
}

fn bundle_files(given: &Given) -> Vec<Files> {
    vec![vec![
        ("f", given.file.clone()),
        ("f.sigstore.json", json(&given.bundle)),
        ("key.pem", public_key_pem(&given.key)),
        ("trusted_root.json", json(&given.trusted_root)),
    ]]
}

fn our_bundle_files(given: &Given) -> Vec<Files> {
    let root = json(&given.trust_root);
    vec![vec![("f", given.file.clone()), ("f.sigstore.json", json(&given.bundle)), ("trust-root.json", root)]]
}

fn receipt_files(given: &Given) -> Vec<Files> {
    let root = json(&given.trust_root);
    let files = |receipt: &model::receipt::Receipt| {
        vec![
            ("f", given.file.clone()),
            ("f.receipt.json", receipt.encode()),
            ("trust-root.json", root.clone()),
        ]
    };
    given.receipts.iter().map(files).collect()
}
