//! OpenSSL as a judge of what was sealed here, and as a writer of what is opened here.

use std::path::PathBuf;

use envelope::timestamp::{
    self, Authority, CertificateWish, FailureInfo, Imprint, Request, Stamped, TstInfo,
};
use envelope::{Chosen, ToBeSigned, cms, compose};
use model::{Algorithm, Digest, Form, Hash};
use pki::{CertificateProfile, Usage, verify_path};
use testkit::{Direction, TempFolder, Tool};

use crate::support::{Key, Signer, carried_item, then};

const CONTENT: &[u8] = b"what is shipped\n";

/// The algorithms of keys for CMS signatures and tokens that OpenSSL 3.0 verifies.
const SIGNED_WITH: [Algorithm; 4] =
    [Algorithm::EcdsaP256, Algorithm::EcdsaP384, Algorithm::Rsa3072, Algorithm::Rsa4096];

/// Runs `openssl`: whether it was content, and what it said.
fn run(openssl: &Tool, arguments: &[&str]) -> (bool, String) {
    let output = openssl.command().args(arguments).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

fn write(folder: &TempFolder, name: &str, bytes: &[u8]) -> String {
    let path: PathBuf = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A response by this authority over these bytes.
fn respond(authority: &Signer, request: &Request) -> Vec<u8> {
    let info = TstInfo::answer(request, then(), 0x80).unwrap().encode().unwrap();
    let ToBeSigned::Message(attributes) = timestamp::compose(&info, &authority.certificate, then()).unwrap()
    else {
        panic!()
    };
    let signature = authority.key.sign(&attributes);
    let chain = [authority.certificate.clone()];
    timestamp::seal(&info, &attributes, &signature, &chain, request.certificate).unwrap()
}

/// A detached signature over [`CONTENT`] with a token over its signature.
fn sign(signer: &Signer, authority: &Signer) -> Vec<u8> {
    let chosen = Chosen::SigningTime(then());
    let item = carried_item(Form::Cms, signer.key.public().algorithm(), CONTENT);
    let composed = compose(&item, &chosen, Some(&signer.certificate)).unwrap();
    let ToBeSigned::Message(attributes) = composed else { panic!() };
    let signature = signer.key.sign(&attributes);
    let response =
        respond(authority, &request(Imprint::of(Hash::Sha256, &signature), CertificateWish::Embedded));
    let token = timestamp::token_of(&response).unwrap();
    let sealed =
        cms::seal(&attributes, std::slice::from_ref(&signer.certificate), &signature, Some(&token)).unwrap();
    let verified = cms::open(&sealed).unwrap().verify_content(CONTENT).unwrap();
    assert_eq!(verified.token(), Some(token.as_slice()));
    sealed
}

fn request(imprint: Imprint, certificate: CertificateWish) -> Request {
    Request { imprint, policy: None, nonce: Some(vec![0x28, 1, 2, 3]), certificate }
}

#[test]
fn interop_openssl_verifies_our_cms_signatures_and_refuses_other_content_and_other_roots() {
    let Some(openssl) = testkit::tool("openssl") else { return };
    let folder = testkit::temp_folder();
    let authority = Signer::new(Algorithm::EcdsaP256, &CertificateProfile::Timestamping);
    let other_root = write(&folder, "other-root.pem", authority.root.to_pem().as_bytes());
    let (good, evil) = (write(&folder, "good", CONTENT), write(&folder, "evil", b"what is not shipped\n"));
    let at = then().seconds().to_string();
    let (mut accepted, mut refused) = (0, 0);
    for algorithm in SIGNED_WITH {
        let signer = Signer::new(algorithm, &CertificateProfile::CodeSigning);
        let p7s = write(&folder, "signature.p7s", &sign(&signer, &authority));
        let root = write(&folder, "root.pem", signer.root.to_pem().as_bytes());
        let verify = |content: &str, root: &str| {
            let what = ["cms", "-verify", "-binary", "-inform", "DER", "-in", &p7s, "-content", content];
            let how = ["-CAfile", root, "-purpose", "any", "-cades", "-attime", &at, "-out", "/dev/null"];
            run(&openssl, &[&what[..], &how].concat())
        };
        let (held, said) = verify(&good, &root);
        assert!(held && said.contains("CAdES Verification successful"), "{algorithm}: {said}");
        accepted += 1;
        for (content, root) in [(&evil, &root), (&good, &other_root)] {
            let (held, said) = verify(content, root);
            assert!(!held, "{algorithm}: {said}");
            refused += 1;
        }
    }
    testkit::interop_row("cms", &openssl, Direction::Ours, accepted, refused);
}

#[test]
fn interop_openssl_verifies_our_tokens_with_their_certificate_and_without() {
    let Some(openssl) = testkit::tool("openssl") else { return };
    let folder = testkit::temp_folder();
    let (good, evil) = (write(&folder, "good", CONTENT), write(&folder, "evil", b"what is not shipped\n"));
    let at = then().seconds().to_string();
    let (mut accepted, mut refused) = (0, 0);
    for algorithm in SIGNED_WITH {
        let authority = Signer::new(algorithm, &CertificateProfile::Timestamping);
        let root = write(&folder, "root.pem", authority.root.to_pem().as_bytes());
        let leaf = write(&folder, "leaf.pem", authority.certificate.to_pem().as_bytes());
        for (hash, wish) in [
            (Hash::Sha256, CertificateWish::Embedded),
            (Hash::Sha256, CertificateWish::Omitted),
            (Hash::Sha384, CertificateWish::Embedded),
            (Hash::Sha512, CertificateWish::Omitted),
        ] {
            let request = request(Imprint::of(hash, CONTENT), wish);
            let query = write(&folder, "query.tsq", &request.encode().unwrap());
            let response = write(&folder, "response.tsr", &respond(&authority, &request));
            let verify = |arguments: &[&str]| {
                let what = ["ts", "-verify", "-in", &response, "-CAfile", &root, "-attime", &at];
                run(&openssl, &[&what, arguments].concat())
            };
            let untrusted = ["-untrusted", &leaf];
            for arguments in [["-data", &good], ["-queryfile", &query]] {
                let (held, said) = verify(&[arguments, untrusted].concat());
                assert!(held, "{algorithm} {hash:?} {wish:?}: {said}");
                accepted += 1;
            }
            let (held, said) = verify(&[["-data", &evil], untrusted].concat());
            assert!(!held, "{algorithm}: {said}");
            let (held, said) = verify(&["-data", &good]);
            assert_eq!(held, wish == CertificateWish::Embedded, "{algorithm} {wish:?}: {said}");
            refused += 1;
        }
    }
    testkit::interop_row("timestamp", &openssl, Direction::Ours, accepted, refused);
}

#[test]
fn openssl_reads_the_reason_of_a_rejection() {
    let Some(openssl) = testkit::tool("openssl") else { return };
    let folder = testkit::temp_folder();
    for (failure, words) in [
        (FailureInfo::BadAlgorithm, "unrecognized or unsupported algorithm identifier"),
        (FailureInfo::BadRequest, "transaction not permitted or supported"),
        (FailureInfo::BadFormat, "the data submitted has the wrong format"),
        (FailureInfo::TimeNotAvailable, "the TSA's time source is not available"),
        (FailureInfo::UnacceptedPolicy, "the requested TSA policy is not supported by the TSA"),
        (FailureInfo::UnacceptedExtension, "the requested extension is not supported by the TSA"),
        (FailureInfo::SystemFailure, "the request cannot be handled due to system failure"),
    ] {
        let response = timestamp::rejection(failure, "try again");
        let file = write(&folder, "rejection.tsr", &response);
        let (_, said) = run(&openssl, &["ts", "-reply", "-in", &file, "-text"]);
        assert!(said.contains("Status: Rejected.") && said.contains("try again"), "{said}");
        assert!(said.contains(words), "{failure:?}: {said}");
        let refused = timestamp::open(&response);
        assert!(
            matches!(refused, Err(timestamp::TimestampError::Refused { status: 2, text }) if text == "try again")
        );
    }
}

#[test]
fn interop_requests_and_signatures_of_openssl_are_read() {
    let Some(openssl) = testkit::tool("openssl") else { return };
    let folder = testkit::temp_folder();
    let content = write(&folder, "content", CONTENT);
    let mut accepted = 0;
    for (option, hash) in [("-sha256", Hash::Sha256), ("-sha384", Hash::Sha384), ("-sha512", Hash::Sha512)] {
        for (extra, wish) in [("-cert", CertificateWish::Embedded), ("-no_nonce", CertificateWish::Omitted)] {
            let query = folder.path().join("query.tsq");
            let out = query.to_str().unwrap();
            let (made, said) =
                run(&openssl, &["ts", "-query", "-data", &content, option, extra, "-out", out]);
            assert!(made, "{said}");
            let der = std::fs::read(&query).unwrap();
            let request = Request::parse(&der).unwrap();
            assert_eq!(request.imprint, Imprint::of(hash, CONTENT));
            assert_eq!(request.certificate, wish);
            assert_eq!(request.nonce.is_none(), extra == "-no_nonce");
            assert_eq!(request.encode().unwrap(), der);
            accepted += 1;
        }
    }
    let signer = Signer::new(Algorithm::EcdsaP256, &CertificateProfile::CodeSigning);
    let Key::Ecdsa(key) = &signer.key else { panic!() };
    let key = data_encoding::BASE64.encode(key.to_pkcs8v1().unwrap().as_ref());
    let key = format!("-----BEGIN PRIVATE KEY-----\n{key}\n-----END PRIVATE KEY-----\n");
    let key = write(&folder, "key.pem", key.as_bytes());
    let leaf = write(&folder, "leaf.pem", signer.certificate.to_pem().as_bytes());
    let out = folder.path().join("theirs.p7s");
    let what = ["cms", "-sign", "-binary", "-cades", "-in", &content, "-signer", &leaf, "-inkey", &key];
    let (made, said) =
        run(&openssl, &[&what[..], &["-outform", "DER", "-out", out.to_str().unwrap()]].concat());
    assert!(made, "{said}");
    let opened = cms::open(&std::fs::read(&out).unwrap()).unwrap();
    let verified = opened.verify_signature(&Digest::of(CONTENT).into()).unwrap();
    assert_eq!(*verified.signer(), signer.certificate);
    verify_path(verified.signer(), &[], std::slice::from_ref(&signer.root), then(), Usage::CodeSigning)
        .unwrap();
    testkit::interop_row("cms", &openssl, Direction::Theirs, accepted + 1, 0);
}

#[test]
fn our_tokens_verify_here_and_a_re_run_signs_the_same_bytes() {
    let authority = Signer::new(Algorithm::EcdsaP256, &CertificateProfile::Timestamping);
    let request = request(Imprint::sha256(&Digest::of(CONTENT)), CertificateWish::Omitted);
    let token = timestamp::open(&respond(&authority, &request)).unwrap();
    let (certificates, roots) = ([authority.certificate.clone()], [authority.root.clone()]);
    let known = Authority { certificates: &certificates, roots: &roots };
    let verified = timestamp::verify(&token, Stamped::Bytes(CONTENT), known).unwrap();
    assert_eq!(verified.time(), then());
    assert_eq!(verified.tst_info().serial, [0, 0x80]);
    assert_eq!(verified.tst_info().nonce, request.nonce);
    let again = timestamp::open(&respond(&authority, &request)).unwrap();
    assert_eq!(again.to_be_signed(), token.to_be_signed());
    let coder = Signer::new(Algorithm::EcdsaP256, &CertificateProfile::CodeSigning);
    let by_a_coder = timestamp::open(&respond(&coder, &request)).unwrap();
    let (certificates, roots) = ([coder.certificate.clone()], [coder.root.clone()]);
    let refused = timestamp::verify(
        &by_a_coder,
        Stamped::Bytes(CONTENT),
        Authority { certificates: &certificates, roots: &roots },
    );
    assert!(matches!(refused, Err(timestamp::TimestampError::Path(_))));
}

#[test]
fn a_request_that_asks_for_what_is_not_offered_is_refused_with_its_reason() {
    let mut asked = request(Imprint::sha256(&Digest::of(CONTENT)), CertificateWish::Omitted);
    asked.policy = Some("1.2.3".to_owned());
    let read = Request::parse(&asked.encode().unwrap()).unwrap();
    let refused = TstInfo::answer(&read, then(), 1).unwrap_err();
    assert_eq!(refused.failure(), FailureInfo::UnacceptedPolicy);
    asked.policy = Some(timestamp::POLICY.to_owned());
    assert!(TstInfo::answer(&asked, then(), 1).is_ok());
    assert_eq!(Request::parse(b"nonsense").unwrap_err().failure(), FailureInfo::BadFormat);
    let long = Request { nonce: Some(vec![1; 33]), ..asked };
    assert!(long.encode().is_err());
}
