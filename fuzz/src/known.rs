//! Keys, certificates and signatures that are known to be good: what verifies beyond them is a forgery.
//!
//! They are of the worked example. The fuzzer has none of its private keys; so of all that it writes, only what the
//! example holds may verify.

use std::sync::LazyLock;

use model::{Instant, PublicKey};
use pki::Certificate;
use tlog::VerifierKey;

/// A message that nobody ever signed, stamped or logged.
pub const UNSIGNED: &[u8] = b"nobody has ever signed this line of avouch's fuzzer\n";

/// The time of everything in the worked example.
pub const THEN: Instant = Instant::from_seconds(1_795_165_602);

macro_rules! example {
    ($file:literal) => {
        include_bytes!(concat!("../../crates/envelope/tests/vectors/worked-example/", $file))
    };
}

macro_rules! log_example {
    ($file:literal) => {
        include_str!(concat!("../../crates/tlog/tests/vectors/worked-example/", $file))
    };
}

/// The file that the worked example signs.
pub const ARTIFACT: &[u8] = example!("artifact.txt");

/// The signed attributes of its CMS signatures.
pub const SIGNED_ATTRIBUTES: [&[u8]; 2] =
    [example!("cms/rsa/signed-attributes.der"), example!("cms/ecdsa/signed-attributes.der")];

/// A signature over which the worked example has a timestamp token.
pub const STAMPED: &[u8] = example!("blob/signature.der");

/// The token over it.
pub const TOKEN: &[u8] = example!("blob/timestamp.token.der");

/// What the worked example's log signed.
pub const CHECKPOINTS: [&str; 3] = [
    log_example!("log/checkpoint-5.text"),
    log_example!("log/checkpoint-7.text"),
    log_example!("log/checkpoint-8.text"),
];

/// The key of the worked example's log.
pub static LOG: LazyLock<VerifierKey> =
    LazyLock::new(|| VerifierKey::parse(log_example!("keys/log.vkey").trim()).expect("a good key"));

/// Certificates of the worked example, its roots included.
pub static CERTIFICATES: LazyLock<Vec<Certificate>> = LazyLock::new(|| {
    let texts: [&[u8]; 8] = [
        example!("certs/tsa-chain.pem"),
        example!("certs/tsa-root.pem"),
        example!("certs/ca-chain.pem"),
        example!("cms/rsa/leaf.pem"),
        example!("cms/rsa/intermediate.pem"),
        example!("cms/ecdsa/leaf.pem"),
        example!("cms/ecdsa/intermediate.pem"),
        example!("certs/ca-root.pem"),
    ];
    let ders: [&[u8]; 2] = [example!("keyless/leaf.der"), example!("dsse/leaf.der")];
    let mut all: Vec<Certificate> = texts.iter().flat_map(|text| chain(text)).collect();
    all.extend(ders.iter().map(|der| Certificate::from_der(der).expect("a good certificate")));
    all.extend(ROOTS.iter().cloned());
    all
});

/// The roots of the worked example.
pub static ROOTS: LazyLock<Vec<Certificate>> = LazyLock::new(|| {
    let texts: [&[u8]; 4] = [
        example!("certs/tsa-root.pem"),
        example!("certs/ca-root.pem"),
        example!("cms/rsa/root.pem"),
        example!("cms/ecdsa/root.pem"),
    ];
    texts.iter().flat_map(|text| chain(text)).collect()
});

/// One key of each kind that verifies.
pub static KEYS: LazyLock<Vec<PublicKey>> = LazyLock::new(|| {
    let of_certificates = CERTIFICATES.iter().map(|one| one.public_key().expect("a good key"));
    of_certificates.chain([LOG.public_key().clone()]).collect()
});

/// Is this a certificate of the worked example? An ECDSA signature has two spellings; what is signed has one.
pub fn is_known(certificate: &Certificate) -> bool {
    CERTIFICATES.iter().any(|known| known.tbs_der() == certificate.tbs_der())
}

fn chain(pem: &[u8]) -> Vec<Certificate> {
    let text = std::str::from_utf8(pem).expect("PEM is text");
    Certificate::chain_from_pem(text).expect("a good chain")
}
