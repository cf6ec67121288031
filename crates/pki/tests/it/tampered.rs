//! Every byte of a certificate, changed: it no longer parses, or no longer verifies, and nothing falls over.

use model::Algorithm;
use pki::{Certificate, CertificateProfile, Usage, verify_path};

use crate::support::{Authority, Key, NOW, at, text};

/// Three changes of every byte, and every truncation.
fn changes(der: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let flipped = (0..der.len()).flat_map(move |place| {
        [0x01, 0x80, 0xff].into_iter().map(move |bits| {
            let mut changed = der.to_vec();
            changed[place] ^= bits;
            changed
        })
    });
    flipped.chain((0..der.len()).map(|length| der[..length].to_vec()))
}

#[test]
fn no_changed_byte_of_a_leaf_or_of_a_root_leaves_a_path() {
    for algorithm in [Algorithm::EcdsaP256, Algorithm::Rsa2048, Algorithm::Ed25519] {
        let root = Authority::root(algorithm);
        for (profile, usage) in [
            (CertificateProfile::CodeSigning, Usage::CodeSigning),
            (CertificateProfile::Timestamping, Usage::Timestamping),
        ] {
            let leaf = root.issue(&profile, "Leaf", &Key::generate(Algorithm::EcdsaP256).public());
            let verifies = |leaf: &Certificate, root: &Certificate| {
                verify_path(leaf, &[], std::slice::from_ref(root), at(NOW), usage).is_ok()
            };
            assert!(verifies(&leaf, &root.certificate));
            let (mut read, mut refused) = (0, 0);
            for changed in changes(leaf.der()) {
                match Certificate::from_der(&changed) {
                    Ok(changed) => {
                        read += 1;
                        assert!(!verifies(&changed, &root.certificate), "{changed:?}");
                        assert!(changed.verify_signature_by(&root.certificate).is_err());
                    }
                    Err(_) => refused += 1,
                }
            }
            for changed in changes(root.certificate.der()) {
                match Certificate::from_der(&changed) {
                    Ok(changed) => {
                        read += 1;
                        assert!(!verifies(&leaf, &changed), "{changed:?}");
                        assert!(changed.verify_signature_by(&changed).is_err());
                    }
                    Err(_) => refused += 1,
                }
            }
            assert!(read > 500 && refused > 500, "{read} read, {refused} refused");
        }
    }
}

#[test]
fn what_is_not_the_one_encoding_of_a_certificate_is_refused() {
    let root = Authority::root(Algorithm::EcdsaP256).certificate;
    let refusal = |bytes: &[u8]| text(&Certificate::from_der(bytes).unwrap_err());
    assert!(refusal(&[root.der(), &[0]].concat()).starts_with("not the DER of an X.509 certificate: "));
    assert!(refusal(b"").starts_with("not the DER of an X.509 certificate: "));
    assert_eq!(refusal(&vec![0x30; 40_000]), "40000 bytes of certificate, where at most 32768 are allowed");
    let early = replaced(
        root.der(),
        b"\x17\x0d260101000000Z\x17\x0d460101000000Z",
        b"\x17\x0d460101000000Z\x17\x0d260101000000Z",
    );
    assert_eq!(
        refusal(&early),
        "the certificate ends at 2026-01-01T00:00:00Z, before it begins at 2046-01-01T00:00:00Z"
    );
    // The algorithm in the signed part is the first of the two.
    let other = replaced(root.der(), b"\xce\x3d\x04\x03\x02", b"\xce\x3d\x04\x03\x03");
    assert_eq!(
        refusal(&other),
        "the certificate names one signature algorithm inside its signed part and another outside of it"
    );
    let twice = replaced(root.der(), b"\x06\x03\x55\x1d\x13", b"\x06\x03\x55\x1d\x0f");
    assert_eq!(refusal(&twice), "the certificate has the extension 2.5.29.15 twice");
    let first = replaced(root.der(), b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x01");
    assert_eq!(refusal(&first), "a certificate of X.509 version 1 or 2; only version 3 is read");
}

fn replaced(der: &[u8], find: &[u8], replacement: &[u8]) -> Vec<u8> {
    let place = der.windows(find.len()).position(|window| window == find).expect("the bytes to be changed");
    let mut changed = der.to_vec();
    changed[place..place + find.len()].copy_from_slice(replacement);
    changed
}

#[test]
fn pem_that_is_not_certificates_and_nothing_else_is_refused() {
    let root = Authority::root(Algorithm::EcdsaP256).certificate;
    let pem = root.to_pem();
    let refusal = |text_: &str| text(&Certificate::chain_from_pem(text_).unwrap_err());
    assert_eq!(refusal(""), "0 certificates in PEM, where 1 to 16 are expected");
    assert_eq!(refusal(&pem.repeat(17)), "17 certificates in PEM, where 1 to 16 are expected");
    assert_eq!(
        text(&Certificate::from_pem(&pem.repeat(2)).unwrap_err()),
        "2 certificates in PEM, where 1 to 1 are expected"
    );
    let no_pem = |place| {
        format!(
            "not PEM text of certificates: block {place} is no well-formed `-----BEGIN CERTIFICATE-----` block"
        )
    };
    assert_eq!(refusal(&format!("{pem}garbage")), no_pem(2));
    assert_eq!(refusal(&format!("garbage\n{pem}")), no_pem(1));
    assert_eq!(refusal(&pem.replace("CERTIFICATE", "PRIVATE KEY")), no_pem(1));
    assert_eq!(refusal(&pem.replacen("MII", "M!I", 1)), no_pem(1));
    assert_eq!(refusal(&pem[..pem.len() - 5]), no_pem(1));
    let broken = pem.replacen("MII", "MIJ", 1);
    assert!(
        refusal(&broken).starts_with("PEM block 1 is not a certificate that avouch reads: "),
        "{}",
        refusal(&broken)
    );
    assert!(refusal(&" ".repeat(1_000_000)).contains("bytes of PEM"));
}
