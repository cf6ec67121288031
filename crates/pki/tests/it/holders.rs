//! Certificates for holders of ID tokens, and the timestamps of the logs that they stand in.

use model::{Algorithm, Instant, PublicKey};
use pki::sct::{self, SignedTimestamp};
use pki::token::{
    CertificateNames, IdToken, IssuerKind, SubjectName, TokenIssuer, Trust, Verification, WorkflowExtension,
};
use pki::{Certificate, CertificateProfile, ComposeError, HolderCertificate, Possessed, Serial, Validity};

use crate::support::{Authority, Key, NOW, at, seal};

const LEAVES: [(&[u8], &[u8]); 2] = [
    (
        include_bytes!("../vectors/worked-example/keyless/leaf.der"),
        include_bytes!("../vectors/worked-example/keyless/sct-signed-data.bin"),
    ),
    (
        include_bytes!("../vectors/worked-example/dsse/leaf.der"),
        include_bytes!("../vectors/worked-example/dsse/sct-signed-data.bin"),
    ),
];
const CHAIN: &str = include_str!("../vectors/worked-example/certs/ca-chain.pem");
const LOG: &str = include_str!("../vectors/worked-example/keys/ct.pub.pem");

fn log() -> PublicKey {
    let body: String = LOG.lines().filter(|line| !line.starts_with('-')).collect();
    PublicKey::from_spki(&data_encoding::BASE64.decode(body.as_bytes()).unwrap()).unwrap()
}

#[test]
fn the_timestamps_of_the_worked_example_are_over_the_bytes_that_its_log_signed() {
    let issuer = Certificate::chain_from_pem(CHAIN).unwrap()[0].public_key().unwrap();
    for (leaf, signed) in LEAVES {
        let leaf = Certificate::from_der(leaf).unwrap();
        let timestamps = leaf.signed_timestamps().unwrap();
        let [timestamp] = timestamps.as_slice() else { panic!("one timestamp") };
        let logged = leaf.logged_tbs().unwrap();
        assert_eq!(sct::to_be_signed(timestamp.time(), &issuer, &logged, &timestamp.extensions), signed);
        timestamp.verify(&log(), &issuer, &logged).unwrap();
    }
    let second = Certificate::from_der(LEAVES[1].0).unwrap().signed_timestamps().unwrap().remove(0);
    assert_eq!(second.extensions, sct::leaf_index(1).unwrap());
}

#[test]
fn a_timestamp_of_another_certificate_issuer_log_or_time_is_refused() {
    let chain = Certificate::chain_from_pem(CHAIN).unwrap();
    let issuer = chain[0].public_key().unwrap();
    let leaf = Certificate::from_der(LEAVES[0].0).unwrap();
    let other = Certificate::from_der(LEAVES[1].0).unwrap();
    let good = leaf.signed_timestamps().unwrap().remove(0);
    let logged = leaf.logged_tbs().unwrap();
    assert!(good.verify(&log(), &issuer, &other.logged_tbs().unwrap()).is_err());
    assert!(good.verify(&log(), &chain[1].public_key().unwrap(), &logged).is_err());
    assert!(good.verify(&issuer, &issuer, &logged).is_err());
    let mut later = good.clone();
    later.time_ms += 1;
    assert!(later.verify(&log(), &issuer, &logged).is_err());
    let mut extended = good;
    extended.extensions = sct::leaf_index(7).unwrap();
    assert!(extended.verify(&log(), &issuer, &logged).is_err());
}

fn names() -> CertificateNames {
    CertificateNames {
        subject: SubjectName::Uri(
            "https://github.com/acme/app/.github/workflows/x.yml@refs/heads/main".into(),
        ),
        issuer: "https://token.actions.githubusercontent.com".into(),
        workflow: vec![
            (WorkflowExtension::GithubWorkflowTrigger, "push".into()),
            (WorkflowExtension::RunnerEnvironment, "github-hosted".into()),
        ],
    }
}

struct Issued {
    authority: Authority,
    precertificate: Certificate,
    certificate: Certificate,
    log: Key,
}

fn issue(names: &CertificateNames) -> Issued {
    let authority = Authority::new(Algorithm::EcdsaP256, "Holders", &CertificateProfile::HolderAuthority);
    let log = Key::generate(Algorithm::EcdsaP256);
    let new = HolderCertificate {
        names,
        public_key: &Key::generate(Algorithm::EcdsaP256).public(),
        serial: Serial::from_random([9; 16]),
        validity: Validity::new(at(NOW), at(NOW).after(std::time::Duration::from_secs(600))).unwrap(),
        issuer: &authority.certificate,
    };
    let precertificate = seal(&new.precertificate().unwrap(), &authority.key);
    let logged = new.logged().unwrap();
    let extensions = sct::leaf_index(3).unwrap();
    let signed = sct::to_be_signed(at(NOW), &authority.key.public(), logged.der(), &extensions);
    let timestamp = SignedTimestamp::new(&log.public(), at(NOW), extensions, log.sign(&signed));
    let certificate = seal(&new.certificate(&timestamp).unwrap(), &authority.key);
    Issued { authority, precertificate, certificate, log }
}

#[test]
fn a_certificate_holds_the_timestamp_of_its_own_bytes() {
    let issued = issue(&names());
    let timestamps = issued.certificate.signed_timestamps().unwrap();
    assert_eq!(timestamps.len(), 1);
    let (logged, issuer) = (issued.certificate.logged_tbs().unwrap(), issued.authority.key.public());
    timestamps[0].verify(&issued.log.public(), &issuer, &logged).unwrap();
    assert_eq!(issued.precertificate.signed_timestamps().unwrap(), []);
    assert!(issued.precertificate.extension("1.3.6.1.4.1.11129.2.4.3").is_some());
    assert!(issued.certificate.extension("1.3.6.1.4.1.11129.2.4.3").is_none());
}

#[test]
fn old_extensions_are_raw_bytes_and_new_ones_are_texts_of_der() {
    let certificate = issue(&names()).certificate;
    let value =
        |number: u32| certificate.extension(&format!("1.3.6.1.4.1.57264.1.{number}")).unwrap().to_vec();
    assert_eq!(value(1), b"https://token.actions.githubusercontent.com");
    assert_eq!(value(2), b"push");
    assert_eq!(value(11), [&[0x0c, 13][..], b"github-hosted"].concat());
    assert_eq!(value(8)[..2], [0x0c, 43]);
}

#[test]
fn an_authority_for_holders_makes_no_authority_and_outlives_nobody() {
    let issued = issue(&names());
    assert!(issued.authority.certificate.is_authority());
    let new = HolderCertificate {
        names: &names(),
        public_key: &issued.log.public(),
        serial: Serial::from_random([9; 16]),
        validity: Validity::new(at(NOW), Instant::from_seconds(4_000_000_000)).unwrap(),
        issuer: &issued.authority.certificate,
    };
    assert!(matches!(new.precertificate(), Err(ComposeError::OutlivesIssuer { .. })));
    let leaf = HolderCertificate { issuer: &issued.certificate, ..new };
    assert!(matches!(leaf.precertificate(), Err(ComposeError::NotAnAuthority { .. })));
}

#[test]
fn interop_openssl_builds_the_path_of_a_holder_and_refuses_the_poisoned_one() {
    let Some(openssl) = testkit::tool("openssl") else { return };
    let folder = testkit::temp_folder();
    for subject in [
        names().subject,
        SubjectName::Email("ada@example.com".into()),
        SubjectName::Username("ada!example.com".into()),
    ] {
        let issued = issue(&CertificateNames { subject, ..names() });
        let write = |name: &str, certificate: &Certificate| {
            let path = folder.path().join(name);
            std::fs::write(&path, certificate.to_pem()).unwrap();
            path
        };
        let root = write("root.pem", &issued.authority.certificate);
        let verify = |certificate: &Certificate| {
            let leaf = write("leaf.pem", certificate);
            let when = at(NOW).seconds().to_string();
            let mut command = openssl.command();
            command.args(["verify", "-x509_strict", "-attime", &when, "-CAfile"]).arg(&root);
            let output = command.arg(leaf).output().unwrap();
            (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
        };
        let (good, said) = verify(&issued.certificate);
        assert!(good, "{said}");
        let (good, said) = verify(&issued.precertificate);
        assert!(!good && said.contains("critical extension"), "{said}");
    }
}

#[test]
fn interop_a_request_made_by_openssl_proves_its_key_and_a_changed_one_does_not() {
    let Some(openssl) = testkit::tool("openssl") else { return };
    let folder = testkit::temp_folder();
    let algorithms: [&[&str]; 4] = [
        &["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
        &["ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-sha384"],
        &["rsa:2048"],
        &["ed25519"],
    ];
    for algorithm in algorithms {
        let path = folder.path().join("request.der");
        let mut command = openssl.command();
        command.args(["req", "-new", "-nodes", "-subj", "/", "-outform", "DER", "-newkey"]).args(algorithm);
        command.arg("-keyout").arg(folder.path().join("key.pem")).arg("-out").arg(&path);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{algorithm:?}: {}", String::from_utf8_lossy(&output.stderr));
        let request = std::fs::read(&path).unwrap();
        Possessed::by_request(&request).unwrap();
        for place in 0..request.len() {
            let mut changed = request.clone();
            changed[place] ^= 1;
            assert!(Possessed::by_request(&changed).is_err(), "{algorithm:?} byte {place}");
        }
    }
}

#[test]
fn possession_is_proven_by_the_address_or_the_subject_and_by_no_other_text() {
    let provider = testkit::IdentityProvider::new("k");
    let claims = serde_json::json!({"iss": "https://i.example.com", "aud": "sigstore", "sub": "42", "iat": 1, "exp": 9,
        "email": "ada@example.com", "email_verified": true});
    let token = IdToken::parse(provider.token(&claims).as_bytes()).unwrap();
    let issuer = TokenIssuer {
        version: 1,
        url: "https://i.example.com".to_owned(),
        audience: "sigstore".to_owned(),
        kind: IssuerKind::Email { verification: Verification::Required },
        issuer_claim: None,
        keys: Vec::new(),
    };
    let verified = issuer.verify(&token, Trust::Word, Instant::from_seconds(5)).unwrap();
    let key = Key::generate(Algorithm::EcdsaP256);
    let proven = |text: &str| {
        Possessed::by_challenge(key.public(), &verified.challenge(), &key.sign(text.as_bytes())).is_ok()
    };
    assert!(proven("ada@example.com") && proven("42"));
    assert!(!proven("eve@example.com") && !proven("") && !proven("https://i.example.com"));
    let other = Key::generate(Algorithm::EcdsaP256).sign(b"42");
    assert!(Possessed::by_challenge(key.public(), &verified.challenge(), &other).is_err());
}
