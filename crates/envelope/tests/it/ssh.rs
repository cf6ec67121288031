//! SSH signatures: ssh-keygen as judge and as writer, tokens, and every changed bit.

use std::fs::File;

use data_encoding::BASE64;
use envelope::sshsig::{self, Holder, Presence, SshKey, SshSig, SshSigError};
use model::{Algorithm, Digest, Hash};
use testkit::Direction;

use crate::support::Key;
use crate::tampered::unnoticed;

const NAMESPACE: &str = "endorse.avouch.v1";
const MESSAGE: &[u8] = b"avouch endorsement v1\n";

fn software(key: &Key) -> SshKey {
    SshKey::new(key.public(), Holder::Software).unwrap()
}

fn seal(key: &Key, hash: Hash) -> String {
    let signature = key.sign_ssh(&sshsig::signed_data(NAMESPACE, hash, MESSAGE));
    sshsig::seal(&software(key), NAMESPACE, hash, &signature).unwrap()
}

fn string(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
}

/// What a FIDO token makes: PROTOCOL.u2f, written a second time.
fn token_blob(key: &Key, application: &str, flags: u8) -> Vec<u8> {
    let kind = match key.public().algorithm() {
        Algorithm::Ed25519 => "sk-ssh-ed25519@openssh.com",
        _ => "sk-ecdsa-sha2-nistp256@openssh.com",
    };
    let added = [&[flags][..], &7_u32.to_be_bytes()].concat();
    let signed = Digest::of(&sshsig::signed_data(NAMESPACE, Hash::Sha512, MESSAGE));
    let message = [Digest::of(application.as_bytes()).as_bytes(), &added[..], signed.as_bytes()].concat();
    let mut signature = key.sign(&message);
    if matches!(key.public().algorithm(), Algorithm::EcdsaP256) {
        // DER: 30 len 02 len r 02 len s; the numbers are mpints already.
        let r = 4..4 + usize::from(signature[3]);
        let s = r.end + 2..signature.len();
        signature = [string(&signature[r]), string(&signature[s])].concat();
    }
    let holder = Holder::Token { application: application.to_owned() };
    let wire = SshKey::new(key.public(), holder).unwrap().to_wire();
    let inner = [string(kind.as_bytes()), string(&signature), added].concat();
    let fields =
        [string(&wire), string(NAMESPACE.as_bytes()), string(b""), string(b"sha512"), string(&inner)]
            .concat();
    [&b"SSHSIG\0\0\0\x01"[..], &fields].concat()
}

#[test]
fn our_signatures_verify_for_their_namespace_message_and_key_alone() {
    for algorithm in [Algorithm::Ed25519, Algorithm::EcdsaP256, Algorithm::Rsa3072] {
        let key = Key::generate(algorithm);
        for hash in [Hash::Sha256, Hash::Sha384, Hash::Sha512] {
            let signature = SshSig::from_armor(&seal(&key, hash)).unwrap();
            let verified = signature.verify(NAMESPACE, MESSAGE, &software(&key)).unwrap();
            assert_eq!(verified.presence(), Presence::Unsaid);
            let other = signature.verify("file", MESSAGE, &software(&key));
            assert!(matches!(other, Err(SshSigError::OtherNamespace { .. })));
            let other = signature.verify(NAMESPACE, b"other", &software(&key));
            assert!(matches!(other, Err(SshSigError::BadSignature(_))));
            let other = signature.verify(NAMESPACE, MESSAGE, &software(&Key::generate(algorithm)));
            assert!(matches!(other, Err(SshSigError::OtherKey)));
        }
    }
}

#[test]
fn a_token_says_whether_it_was_touched_and_for_which_application() {
    for algorithm in [Algorithm::Ed25519, Algorithm::EcdsaP256] {
        let key = Key::generate(algorithm);
        let expected = |application: &str| {
            SshKey::new(key.public(), Holder::Token { application: application.to_owned() }).unwrap()
        };
        for (flags, user_present, user_verified) in [(0, false, false), (1, true, false), (5, true, true)] {
            let signature = SshSig::from_blob(&token_blob(&key, "ssh:", flags)).unwrap();
            let verified = signature.verify(NAMESPACE, MESSAGE, &expected("ssh:")).unwrap();
            assert_eq!(verified.presence(), Presence::Token { user_present, user_verified, counter: 7 });
            let other = signature.verify(NAMESPACE, MESSAGE, &expected("ssh:other"));
            assert!(matches!(other, Err(SshSigError::OtherKey)));
            let bare = signature.verify(NAMESPACE, MESSAGE, &software(&key));
            assert!(matches!(bare, Err(SshSigError::OtherKey)));
        }
        let line = expected("ssh:").to_line();
        assert_eq!(SshKey::from_line(&line).unwrap(), expected("ssh:"));
    }
}

#[test]
fn a_field_that_means_nothing_must_be_empty_and_nothing_may_follow() {
    let key = Key::generate(Algorithm::Ed25519);
    let signature = key.sign_ssh(&sshsig::signed_data(NAMESPACE, Hash::Sha512, MESSAGE));
    let inner = [string(b"ssh-ed25519"), string(&signature)].concat();
    let blob = |version: &[u8], namespace: &[u8], reserved: &[u8], hash: &[u8], inner: &[u8]| {
        let fields = [namespace, reserved, hash, inner].map(string).concat();
        SshSig::from_blob(&[&b"SSHSIG"[..], version, &string(&software(&key).to_wire()), &fields].concat())
    };
    let (one, name) = ([0, 0, 0, 1], NAMESPACE.as_bytes());
    let good = blob(&one, name, b"", b"sha512", &inner).unwrap();
    good.verify(NAMESPACE, MESSAGE, &software(&key)).unwrap();
    for (what, refused) in [
        ("version", blob(&[0, 0, 0, 2], name, b"", b"sha512", &inner)),
        ("namespace", blob(&one, b"", b"", b"sha512", &inner)),
        ("namespace", blob(&one, &[b'n'; 256], b"", b"sha512", &inner)),
        ("reserved field", blob(&one, name, b"x", b"sha512", &inner)),
        ("hash", blob(&one, name, b"", b"sha384", &inner)),
        ("end of the signature", blob(&one, name, b"", b"sha512", &[&inner[..], b"x"].concat())),
    ] {
        assert!(matches!(refused, Err(SshSigError::Malformed { what: field }) if field == what), "{what}");
    }
}

#[test]
fn every_bit_of_a_signature_is_covered() {
    for algorithm in [Algorithm::Ed25519, Algorithm::EcdsaP256, Algorithm::Rsa3072] {
        let key = Key::generate(algorithm);
        let expected = software(&key);
        let armored = seal(&key, Hash::Sha512);
        let base64: String = armored.lines().filter(|line| !line.starts_with("-----")).collect();
        let blob = BASE64.decode(base64.as_bytes()).unwrap();
        let accepts = |blob: &[u8]| {
            SshSig::from_blob(blob).is_ok_and(|read| read.verify(NAMESPACE, MESSAGE, &expected).is_ok())
        };
        assert_eq!(unnoticed(&blob, accepts), [], "{algorithm}");
    }
    for algorithm in [Algorithm::Ed25519, Algorithm::EcdsaP256] {
        let key = Key::generate(algorithm);
        let expected = SshKey::new(key.public(), Holder::Token { application: "ssh:".to_owned() }).unwrap();
        let accepts = |blob: &[u8]| {
            SshSig::from_blob(blob).is_ok_and(|read| read.verify(NAMESPACE, MESSAGE, &expected).is_ok())
        };
        assert_eq!(unnoticed(&token_blob(&key, "ssh:", 1), accepts), [], "{algorithm} on a token");
    }
}

#[test]
fn every_bit_of_the_armor_is_covered() {
    let key = Key::generate(Algorithm::Ed25519);
    let expected = software(&key);
    let armored = seal(&key, Hash::Sha512);
    let accepts = |text: &[u8]| {
        let text = std::str::from_utf8(text).ok();
        let read = text.and_then(|text| SshSig::from_armor(text).ok());
        read.is_some_and(|read| read.verify(NAMESPACE, MESSAGE, &expected).is_ok())
    };
    // The line break at the end may be missing.
    let armored = armored.trim_end().as_bytes().to_vec();
    assert_eq!(unnoticed(&armored, accepts), []);
    assert!(accepts(&[&armored[..], b"\n"].concat()));
    let windows = String::from_utf8(armored).unwrap().replace('\n', "\r\n");
    assert!(accepts(windows.as_bytes()));
}

#[test]
fn a_line_with_options_another_kind_or_a_short_rsa_key_is_refused() {
    let key = software(&Key::generate(Algorithm::Ed25519));
    let line = key.to_line();
    assert_eq!(SshKey::from_line(&format!("{line} somebody at a laptop\n")).unwrap(), key);
    assert!(matches!(SshKey::from_line(&format!("no-pty {line}")), Err(SshSigError::Line)));
    let other = line.replace("ssh-ed25519 ", "ssh-rsa ");
    assert!(matches!(SshKey::from_line(&other), Err(SshSigError::Line)));
    assert!(matches!(SshKey::from_line("ssh-ed25519"), Err(SshSigError::Line)));
    let p384 = SshKey::new(Key::generate(Algorithm::EcdsaP384).public(), Holder::Software);
    assert!(matches!(p384, Err(SshSigError::UnknownAlgorithm { .. })));
    let Some(ssh_keygen) = testkit::tool("ssh-keygen") else { return };
    let folder = testkit::temp_folder();
    let file = folder.path().join("short");
    let made =
        ssh_keygen.command().args(["-q", "-t", "rsa", "-b", "2048", "-N", "", "-f"]).arg(&file).status();
    assert!(made.unwrap().success());
    let line = std::fs::read_to_string(file.with_extension("pub")).unwrap();
    assert!(matches!(SshKey::from_line(&line), Err(SshSigError::UnknownAlgorithm { .. })));
}

#[test]
fn interop_ssh_keygen_verifies_our_signatures() {
    let Some(ssh_keygen) = testkit::tool("ssh-keygen") else { return };
    let folder = testkit::temp_folder();
    let path = |name: &str| folder.path().join(name);
    let (mut accepted, mut refused) = (0, 0);
    std::fs::write(path("good"), MESSAGE).unwrap();
    std::fs::write(path("evil"), b"other\n").unwrap();
    for algorithm in [Algorithm::Ed25519, Algorithm::EcdsaP256, Algorithm::Rsa3072] {
        let key = Key::generate(algorithm);
        std::fs::write(path("allowed"), format!("bot@example.test {}\n", software(&key).to_line())).unwrap();
        for hash in [Hash::Sha256, Hash::Sha512] {
            std::fs::write(path("signature"), seal(&key, hash)).unwrap();
            for (file, namespace, good) in
                [("good", NAMESPACE, true), ("evil", NAMESPACE, false), ("good", "file", false)]
            {
                let mut command = ssh_keygen.command();
                command.args(["-Y", "verify", "-I", "bot@example.test", "-n", namespace]);
                command.arg("-f").arg(path("allowed")).arg("-s").arg(path("signature"));
                let output = command.stdin(File::open(path(file)).unwrap()).output().unwrap();
                assert_eq!(
                    output.status.success(),
                    good,
                    "{algorithm} {hash:?} {file} {namespace}: {output:?}"
                );
                *(if good { &mut accepted } else { &mut refused }) += 1;
            }
        }
    }
    testkit::interop_row("sshsig", &ssh_keygen, Direction::Ours, accepted, refused);
}

#[test]
fn interop_signatures_of_ssh_keygen_verify_here() {
    let Some(ssh_keygen) = testkit::tool("ssh-keygen") else { return };
    let folder = testkit::temp_folder();
    let path = |name: &str| folder.path().join(name);
    let (mut accepted, mut refused) = (0, 0);
    for (kind, bits) in [("ed25519", "256"), ("ecdsa", "256"), ("rsa", "3072"), ("rsa", "4096")] {
        let key = path(&format!("{kind}-{bits}"));
        let made =
            ssh_keygen.command().args(["-q", "-t", kind, "-b", bits, "-N", "", "-f"]).arg(&key).status();
        assert!(made.unwrap().success());
        let line = std::fs::read_to_string(key.with_extension("pub")).unwrap();
        let expected = SshKey::from_line(&line).unwrap();
        assert!(line.starts_with(&expected.to_line()), "{line}");
        for hash in ["hashalg=sha256", "hashalg=sha512"] {
            std::fs::write(path("message"), MESSAGE).unwrap();
            let _ = std::fs::remove_file(path("message.sig"));
            let mut command = ssh_keygen.command();
            command.args(["-Y", "sign", "-n", NAMESPACE, "-O", hash, "-f"]).arg(&key).arg(path("message"));
            let output = command.output().unwrap();
            assert!(output.status.success(), "{output:?}");
            let armored = std::fs::read_to_string(path("message.sig")).unwrap();
            let signature = SshSig::from_armor(&armored).unwrap();
            assert_eq!(signature.namespace(), NAMESPACE);
            assert_eq!(*signature.key(), expected);
            signature.verify(NAMESPACE, MESSAGE, &expected).unwrap();
            assert!(signature.verify(NAMESPACE, b"other", &expected).is_err());
            (accepted, refused) = (accepted + 1, refused + 1);
        }
    }
    testkit::interop_row("sshsig", &ssh_keygen, Direction::Theirs, accepted, refused);
}
