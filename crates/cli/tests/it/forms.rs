//! One key, one form: what a blob key was made to sign is no signature of any other kind, and no other key's
//! signature is a blob's, by avouch and by foreign tools that go by the platform's chain and trust root.
//!
//! A verifier that pins a bare key, or takes a certificate for any purpose, has nothing to tell the forms apart by:
//! where such a one accepts is listed in the threat model, and here held to be exactly that.

use std::fs;
use std::path::Path;

use envelope::countersigned;
use envelope::minisign::{Minisig, MinisignKey};
use envelope::sshsig::{self, Holder, SshKey};
use model::{Base64, PublicKey, Request};
use quorum::{
    Credential, Decision, Endorsement, Exclusion, Moment, Proof, RequesterProof, Requirement, Rule, Shortfall,
};
use testkit::Tool;
use verify::TrustRoot;

use crate::command_line::avouch;
use crate::forgery::{Foreign, Forger, of_other_keys, token_as_cms};
use crate::judges::{Files, Said, ask, sigstore_js};
use crate::stage::{Given, Stage, public_key_pem};

/// What somebody goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// The platform's root certificate, its trusted root, its registry.
    Platform,
    /// The platform's root certificate, for whatever purpose a certificate below it has.
    AnyPurpose,
    /// A key that somebody pinned, for anything that it may have signed.
    PinnedKey,
}

/// One cell of the matrix.
struct Cell {
    /// What the signature was made as, and what it is shown as.
    forms: String,
    /// Who was asked.
    judge: &'static str,
    trust: Trust,
    said: Said,
}

/// The tools that are asked, and what they said.
struct Court {
    openssl: Tool,
    cosign: Tool,
    sigstore_js: Tool,
    ssh_keygen: Tool,
    gpgv: Tool,
    cells: Vec<Cell>,
}

impl Court {
    fn gather() -> Option<Self> {
        Some(Self {
            openssl: testkit::tool("openssl")?,
            cosign: testkit::tool("cosign")?,
            sigstore_js: testkit::sigstore_js()?,
            ssh_keygen: testkit::tool("ssh-keygen")?,
            gpgv: testkit::tool("gpgv")?,
            cells: Vec::new(),
        })
    }

    fn enter(&mut self, forms: &str, judge: &'static str, trust: Trust, said: Said) {
        self.cells.push(Cell { forms: forms.to_owned(), judge, trust, said });
    }

    /// What this program says of these files; the words of its line must have no spaces in them.
    fn hear(&mut self, forms: &str, judge: &'static str, trust: Trust, line: &str, files: &Files) {
        let mut command = match judge.split(' ').next() {
            Some("avouch") => avouch(),
            Some("openssl") => self.openssl.command(),
            Some("cosign") => self.cosign.command(),
            Some("ssh-keygen") => self.ssh_keygen.command(),
            Some("gpgv,") => self.gpgv.command(),
            _ => sigstore_js(&self.sigstore_js),
        };
        let (said, _) = ask(command.args(line.split(' ')), files);
        self.enter(forms, judge, trust, said);
    }
}

use Trust::{AnyPurpose, PinnedKey, Platform};

const OUR_BUNDLE: &str = "verify f --signature f.sigstore.json --trust-root trust-root.json";
const OUR_BUNDLE_AND_KEY: &str =
    "verify f --signature f.sigstore.json --public-key key.pem --sigstore trusted_root.json";
const OUR_P7S: &str = "verify f --signature f.p7s --trust-root trust-root.json --without-timestamp";
const COSIGN: &str = "verify-blob --key key.pem --trusted-root trusted_root.json --use-signed-timestamps --bundle f.sigstore.json f";
const SIGSTORE_JS: &str = "f.sigstore.json trusted_root.json key.pem f";

#[test]
fn a_blob_that_is_a_pae_a_tbscertificate_an_attribute_set_or_a_checkpoint_is_valid_nowhere_else() {
    let Some(mut court) = Court::gather() else { return };
    let stage = Stage::new();
    let forger = Forger::new(&stage);
    envelope(&mut court, &forger);
    certificate(&mut court, &forger);
    attribute_set(&mut court, &forger);
    token(&mut court, &forger);
    checkpoint(&mut court, &forger);
    ssh_signature(&mut court, &forger);
    openpgp_signature(&mut court, &forger);
    court.judge("what a blob key signed");
}

#[test]
fn a_signature_of_a_cms_timestamp_checkpoint_or_ca_key_is_no_signature_of_a_blob() {
    let Some(mut court) = Court::gather() else { return };
    let given = Stage::new().first();
    for foreign in of_other_keys(&given) {
        as_blob(&mut court, &foreign, &given);
    }
    court.judge("what other keys signed, as a blob");
}

#[test]
fn a_timestamp_token_is_no_cms_signature_and_a_cms_signature_of_a_tst_info_is_no_token() {
    let Some(mut court) = Court::gather() else { return };
    let stage = Stage::new();
    let forger = Forger::new(&stage);
    let given = token_as_cms(&forger.given);
    let forms = "timestamp → cms";
    court.hear(forms, "avouch verify", Platform, OUR_P7S, &given.files());
    let line = cms("root.pem");
    court.hear(forms, "openssl cms", Platform, &line.replace(" -purpose any", ""), &given.files());
    court.hear(forms, "openssl cms -purpose any, our root", AnyPurpose, &line, &given.files());

    let given = forger.signed_tst_info();
    let forms = "cms → timestamp";
    let line = "ts -verify -in f.tsr -data f.sig -CAfile root.pem";
    court.hear(forms, "avouch verify", Platform, OUR_BUNDLE, &given.files());
    court.hear(forms, "openssl ts", Platform, line, &given.files());
    court.hear(forms, "cosign verify-blob", Platform, COSIGN, &given.files());
    court.hear(forms, "@sigstore/verify", Platform, SIGSTORE_JS, &given.files());
    court.judge("tokens and CMS signatures");
}

/// A minisign key signs 64 bytes that are said to be the digest of a file, and an SSH signature can be over as many.
#[test]
fn the_64_bytes_that_a_minisign_key_signs_are_valid_nowhere_else() {
    let Some(mut court) = Court::gather() else { return };
    let Some(minisign) = testkit::tool("minisign") else { return };
    let key = testkit::Key::generate(model::Algorithm::Ed25519);
    let minisign_key = MinisignKey::of(&key.public()).unwrap();
    let two = |bytes: &[u8]| {
        let first = key.sign(bytes);
        [first.clone(), key.sign(&countersigned(&first, "x"))].concat()
    };

    // As an SSH signature of a file: by the platform's own line of allowed_signers, and by one that names the key.
    let file = b"an invoice\n";
    let data = sshsig::signed_data("file", model::Hash::Sha256, file);
    assert_eq!(data.len(), 64);
    let ssh = |key: &PublicKey| SshKey::new(key.clone(), Holder::Software).unwrap();
    let armored = sshsig::seal(&ssh(&key.public()), "file", model::Hash::Sha256, &two(&data)[..64]).unwrap();
    let ours = testkit::Key::generate(model::Algorithm::Ed25519).public();
    for (judge, trust, known) in [
        ("ssh-keygen -Y verify", Platform, &ours),
        ("ssh-keygen -Y verify, the key as a person's", PinnedKey, &key.public()),
    ] {
        let folder = testkit::temp_folder();
        let put = |name: &str, bytes: &[u8]| {
            fs::write(folder.path().join(name), bytes).unwrap();
            folder.path().join(name)
        };
        let signers = format!("someone namespaces=\"file\" {}\n", ssh(known).to_line());
        let mut command = court.ssh_keygen.command();
        command.args(["-Y", "verify", "-I", "someone", "-n", "file"]);
        command
            .arg("-f")
            .arg(put("signers", signers.as_bytes()))
            .arg("-s")
            .arg(put("f.sig", armored.as_bytes()));
        command.stdin(fs::File::open(put("f", file)).unwrap());
        let (said, _) = ask(&mut command, &Vec::new());
        court.enter("minisign → sshsig", judge, trust, said);
    }

    // As an old signature of a file that is the digest: the letter that tells them apart is covered by nothing.
    let digest = model::Hash::Blake2b512.digest(file);
    let sealed = Minisig::seal(&minisign_key, &two(&digest), "x", "").unwrap().to_file();
    let files = vec![
        ("f", digest),
        ("f.minisig", sealed.replacen("\nRU", "\nRW", 1).into_bytes()),
        ("key.pub", minisign_key.to_file().into_bytes()),
    ];
    let forms = "minisign → an old minisig";
    for (judge, line) in [("minisign -V", "-V -p key.pub -m f"), ("minisign -V -H", "-V -H -p key.pub -m f")]
    {
        let (said, _) = ask(minisign.command().args(line.split(' ')), &files);
        court.enter(forms, judge, PinnedKey, said);
    }
    let line = "verify f --signature f.minisig --public-key key.pub";
    court.hear(forms, "avouch verify --public-key", PinnedKey, line, &files);
    court.judge("what a minisign key signed");
}

fn envelope(court: &mut Court, forger: &Forger<'_>) {
    const COSIGN_DSSE: &str = "verify-blob-attestation --type slsaprovenance1 --key key.pem --trusted-root trusted_root.json --use-signed-timestamps --bundle f.sigstore.json f";
    let forms = "blob → dsse";
    let mut given = forger.envelope();
    court.hear(forms, "avouch verify", Platform, OUR_BUNDLE, &given.files());
    court.hear(forms, "avouch verify --public-key", PinnedKey, OUR_BUNDLE_AND_KEY, &given.files());
    court.hear(forms, "@sigstore/verify", PinnedKey, SIGSTORE_JS, &given.files());
    court.hear(forms, "cosign verify-blob-attestation --key", PinnedKey, COSIGN_DSSE, &given.files());
    given.name_certificate();
    let line = format!("verify-blob-attestation --type slsaprovenance1 {ANYBODY}");
    court.hear(forms, "cosign verify-blob-attestation", Platform, &line, &given.files());
}

/// With a certificate of ours in the bundle instead of a key's hint, whoever it may be of.
const ANYBODY: &str = "--certificate-identity-regexp .* --certificate-oidc-issuer-regexp .* --trusted-root trusted_root.json --use-signed-timestamps --bundle f.sigstore.json f";

fn certificate(court: &mut Court, forger: &Forger<'_>) {
    let forms = "blob → certificate";
    for certificate in forger.certificates() {
        let given = forger.signed_with(&certificate);
        let mut files = given.files();
        files.push(("leaf.pem", certificate.to_pem().into_bytes()));
        files.push(("ca.pem", forger.authority.to_pem().into_bytes()));
        let line = "verify -purpose any -CAfile root.pem -untrusted ca.pem leaf.pem";
        court.hear(forms, "openssl verify", Platform, line, &files);
        court.hear(forms, "openssl cms", Platform, &cms("root.pem"), &files);
        court.hear(forms, "avouch verify", Platform, OUR_P7S, &files);
        if certificate.verify_signature_by(&forger.authority).is_ok() {
            let line = "verify -purpose any -CAfile ca.pem leaf.pem";
            court.hear(forms, "openssl verify, the key as an authority", PinnedKey, line, &files);
        }
    }
}

fn cms(root: &str) -> String {
    format!("cms -verify -binary -inform DER -in f.p7s -content f -CAfile {root} -purpose any -out out")
}

fn attribute_set(court: &mut Court, forger: &Forger<'_>) {
    let forms = "blob → cms";
    let [own, ours] = forger.attribute_sets();
    for given in [&own, &ours] {
        court.hear(forms, "avouch verify", Platform, OUR_P7S, &given.files());
        court.hear(forms, "openssl cms", Platform, &cms("root.pem"), &given.files());
    }
    let mut files = own.files();
    files.push(("ca.pem", forger.authority.to_pem().into_bytes()));
    court.hear(forms, "openssl cms, the key as an authority", PinnedKey, &cms("ca.pem"), &files);
}

fn token(court: &mut Court, forger: &Forger<'_>) {
    let forms = "blob → timestamp";
    let ts = |root| format!("ts -verify -in f.tsr -data f.sig -CAfile {root}");
    let [own, ours] = forger.tokens();
    for given in [&own, &ours] {
        court.hear(forms, "avouch verify", Platform, OUR_BUNDLE, &given.files());
        court.hear(forms, "openssl ts", Platform, &ts("root.pem"), &given.files());
        court.hear(forms, "cosign verify-blob", Platform, COSIGN, &given.files());
        court.hear(forms, "@sigstore/verify", Platform, SIGSTORE_JS, &given.files());
    }
    let mut files = own.files();
    files.push(("ca.pem", forger.authority.to_pem().into_bytes()));
    court.hear(forms, "openssl ts, the key as an authority", PinnedKey, &ts("ca.pem"), &files);
}

fn checkpoint(court: &mut Court, forger: &Forger<'_>) {
    let forms = "blob → checkpoint";
    let mut given = forger.checkpoint();
    court.hear(forms, "avouch verify", Platform, OUR_BUNDLE, &given.files());
    court.hear(forms, "cosign verify-blob", Platform, COSIGN, &given.files());
    court.hear(forms, "@sigstore/verify", Platform, SIGSTORE_JS, &given.files());
    given.trusted_root = forger.trusting_the_blob_key_as_log();
    let line = OUR_BUNDLE_AND_KEY;
    court.hear(forms, "avouch verify --sigstore, the key as a log", PinnedKey, line, &given.files());
    court.hear(forms, "@sigstore/verify, the key as a log", PinnedKey, SIGSTORE_JS, &given.files());
}

fn ssh_signature(court: &mut Court, forger: &Forger<'_>) {
    const NAMESPACE: &str = quorum::SSH_NAMESPACE;
    let forms = "blob → sshsig";
    let root = TrustRoot::parse(&model::to_canonical(&forger.given.trust_root)).unwrap();
    let registry = root.registry();
    let administrator = registry.principals().next().unwrap();
    let Some(Credential::Ssh { public_key, .. }) = administrator.credentials.first() else {
        panic!("the founder has an SSH key")
    };
    let request = Request::parse(forger.given.receipts[0].request.as_bytes()).unwrap();
    let digest = Request::digest(forger.given.receipts[0].request.as_bytes());
    let (principal, time) = (administrator.principal, request.created);
    let message = quorum::message(&registry.platform(), &digest, Decision::Endorse, &principal, None, time);
    let (armored, line) = forger.sshsig(NAMESPACE, message.as_bytes());

    // As an endorsement by the administrator.
    let body: String = armored.lines().filter(|line| !line.starts_with("-----")).collect();
    let signature = Base64(data_encoding::BASE64.decode(body.as_bytes()).unwrap());
    let proof = Proof::Ssh { signature };
    let endorsement = Endorsement { principal, decision: Decision::Endorse, facet: None, time, proof };
    let group = "administrators".parse().unwrap();
    let requirements = vec![Requirement { group, threshold: 1 }];
    let rule =
        Rule { requirements, independent: 0, period_s_max: u64::MAX, requester: RequesterProof::Asserted };
    let counted = quorum::count(registry, &rule, &request, &digest, &[endorsement], Moment::Replayed);
    let Err(Shortfall::TooFew { have: 0, excluded, .. }) = &counted else { panic!("{counted:?}") };
    assert_eq!(*excluded, [(principal, Exclusion::BadSignature)]);
    court.enter(forms, "avouch, counting endorsements", Platform, Said::Refused);

    let person = envelope::sshsig::SshKey::from_wire(&public_key.0).unwrap().to_line();
    for (judge, trust, key) in [
        ("ssh-keygen -Y verify", Platform, &person),
        ("ssh-keygen -Y verify, the key as a person's", PinnedKey, &line),
    ] {
        let signers = format!("someone namespaces=\"{NAMESPACE}\" {key}\n");
        let folder = testkit::temp_folder();
        let put = |name: &str, text: &str| {
            fs::write(folder.path().join(name), text).unwrap();
            folder.path().join(name)
        };
        let mut command = court.ssh_keygen.command();
        command.args(["-Y", "verify", "-I", "someone", "-n", NAMESPACE]);
        command.arg("-f").arg(put("signers", &signers)).arg("-s").arg(put("f.sig", &armored));
        command.stdin(fs::File::open(put("f", &message)).unwrap());
        let (said, _) = ask(&mut command, &Vec::new());
        court.enter(forms, judge, trust, said);
    }
}

fn openpgp_signature(court: &mut Court, forger: &Forger<'_>) {
    let forms = "blob → openpgp";
    let (certificate, armored) = forger.openpgp();
    let mut files = forger.given.files();
    files.extend([("f.asc", armored.into_bytes()), ("key.gpg", certificate)]);
    let line = "verify f --signature f.asc --trust-root trust-root.json --without-timestamp";
    court.hear(forms, "avouch verify", Platform, line, &files);
    let line = "verify f --signature f.asc --public-key key.gpg";
    court.hear(forms, "avouch verify --public-key, the key as one of OpenPGP", PinnedKey, line, &files);
    let line = "--keyring ./key.gpg f.asc f";
    court.hear(forms, "gpgv, the key as one of OpenPGP", PinnedKey, line, &files);
}

fn as_blob(court: &mut Court, foreign: &Foreign, given: &Given) {
    let forms = format!("{} → blob", foreign.form);
    let forms = forms.as_str();
    let bare = foreign.as_bare_blob(given);
    let line = |known: &str| format!("{known} --without-timestamp --without-log");
    court.hear(forms, "avouch verify", Platform, &line(OUR_BUNDLE), &bare.files());
    let judge = "avouch verify --public-key, without log and authority";
    court.hear(forms, judge, PinnedKey, &line(OUR_BUNDLE_AND_KEY), &bare.files());
    let line = match foreign.key.algorithm() {
        model::Algorithm::Ed25519 => "pkeyutl -verify -pubin -inkey key.pem -rawin -in f -sigfile f.sig",
        _ => "dgst -sha256 -verify key.pem -signature f.sig f",
    };
    court.hear(forms, "openssl dgst or pkeyutl", PinnedKey, line, &bare.files());
    let line = "verify-blob --key key.pem --insecure-ignore-tlog --bundle f.sigstore.json f";
    let mut given = foreign.as_blob(given);
    court.hear(forms, "cosign verify-blob --key, without a log", PinnedKey, line, &given.files());

    court.hear(forms, "avouch verify", Platform, OUR_BUNDLE, &given.files());
    let judge = "avouch verify --public-key, our log and authority";
    court.hear(forms, judge, PinnedKey, OUR_BUNDLE_AND_KEY, &given.files());
    court.hear(forms, "cosign verify-blob --key, our log and authority", PinnedKey, COSIGN, &given.files());
    court.hear(forms, "@sigstore/verify, our log and authority", PinnedKey, SIGSTORE_JS, &given.files());
    given.name_certificate();
    let line = format!("verify-blob {ANYBODY}");
    court.hear(forms, "cosign verify-blob, by certificate", Platform, &line, &given.files());
}

impl Court {
    /// INVARIANT: by the platform's chain and trust root nothing is accepted; by less than that exactly what is listed.
    fn judge(self, title: &str) {
        println!("{title}");
        for Cell { forms, judge, trust, said } in &self.cells {
            println!("  {forms:<20} {:<10} {judge:<55} {said:?}", format!("{trust:?}"));
        }
        let accepted = self.cells.iter().filter(|cell| cell.said == Said::Accepted);
        let (ours, lesser): (Vec<&Cell>, Vec<&Cell>) = accepted.partition(|cell| cell.trust == Platform);
        let ours: Vec<_> = ours.iter().map(|cell| (&cell.forms, cell.judge)).collect();
        assert!(ours.is_empty(), "accepted by the platform's own chain or trust root: {ours:?}");
        let mut accepted: Vec<String> =
            lesser.iter().map(|cell| format!("| {} | {} |", cell.forms, cell.judge)).collect();
        accepted.sort();
        let asked: Vec<&str> = self.cells.iter().map(|cell| cell.forms.as_str()).collect();
        let mut listed: Vec<String> =
            listed().filter(|line| asked.iter().any(|it| line.contains(it))).collect();
        listed.sort();
        assert_eq!(accepted, listed, "the threat model must list exactly what is accepted");
    }
}

/// The lines of the threat model that say who accepts a signature as one of another form.
fn listed() -> impl Iterator<Item = String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/threat-model.md");
    let text = fs::read_to_string(path).unwrap();
    let lines: Vec<String> = text
        .lines()
        .filter(|line| line.contains(" → ") && !line.contains("made as"))
        .map(str::to_owned)
        .collect();
    lines.into_iter()
}

impl Given {
    /// All of it, as files.
    fn files(&self) -> Files {
        let mut files = vec![
            ("f", self.file.clone()),
            ("f.sig", self.signature.clone()),
            ("f.p7s", self.p7s.clone()),
            ("f.sigstore.json", model::to_canonical(&self.bundle)),
            ("key.pem", public_key_pem(&self.key)),
            ("root.pem", self.root.to_pem().into_bytes()),
            ("trusted_root.json", model::to_canonical(&self.trusted_root)),
            ("trust-root.json", model::to_canonical(&self.trust_root)),
        ];
        files.extend(self.response().map(|response| ("f.tsr", response)));
        files
    }

    /// Names the signer in the bundle by the certificate of our cms key.
    fn name_certificate(&mut self) {
        let der = data_encoding::BASE64.encode(&self.receipts[0].items[1].chain[0].0);
        let material = self.bundle["verificationMaterial"].as_object_mut().unwrap();
        material.remove("publicKey");
        material.insert("certificate".to_owned(), serde_json::json!({ "rawBytes": der }));
    }
}
