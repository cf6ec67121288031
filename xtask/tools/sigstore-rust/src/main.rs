//! The Rust client of Sigstore, as a program that tests can start.
//!
//! **In scope**: signing and verifying with the crates `sigstore-sign` and `sigstore-verify`, in the words of the
//! conformance suite's protocol. It exits with 1 if it is refused.
//!
//! **Out of scope**: anything of avouch's own; it is a judge, and shares no code with what it judges.

use std::collections::HashMap;
use std::error::Error;
use std::{env, fs};

use sigstore_oidc::IdentityToken;
use sigstore_sign::{SigningContext, SigningServices};
use sigstore_trust_root::{SigningConfig, TrustedRoot};
use sigstore_types::{Bundle, DerPublicKey};
use sigstore_verify::{PublicKeyVerificationPolicy, VerificationPolicy, verify};

/// The verb, the flags with their values, and the file.
struct Asked {
    verb: String,
    flags: HashMap<String, String>,
    file: String,
}

impl Asked {
    fn read() -> Option<Self> {
        let mut words = env::args().skip(1);
        let (verb, mut flags, mut file) = (words.next()?, HashMap::new(), String::new());
        while let Some(word) = words.next() {
            match word.strip_prefix("--") {
                Some("in-toto") => drop(flags.insert("in-toto".to_owned(), String::new())),
                Some(flag) => drop(flags.insert(flag.to_owned(), words.next()?)),
                None => file = word,
            }
        }
        Some(Self { verb, flags, file })
    }

    fn flag(&self, name: &str) -> Result<&str, String> {
        self.flags.get(name).map(String::as_str).ok_or_else(|| format!("--{name} is missing"))
    }

    async fn sign(&self) -> Result<(), Box<dyn Error>> {
        let config = SigningConfig::from_file(self.flag("signing-config")?)?;
        let context = SigningContext::new(SigningServices::from_signing_config(&config)?);
        let signer = context.signer(IdentityToken::from_jwt(self.flag("identity-token")?)?);
        let bytes = fs::read(&self.file)?;
        let bundle = match self.flags.contains_key("in-toto") {
            true => signer.sign_raw_statement(&bytes).await?,
            false => signer.sign(bytes.as_slice()).await?,
        };
        Ok(fs::write(self.flag("bundle")?, bundle.to_json_pretty()?)?)
    }

    fn verify(&self) -> Result<(), Box<dyn Error>> {
        let root = TrustedRoot::from_file(self.flag("trusted-root")?)?;
        let bundle = Bundle::from_json(&fs::read_to_string(self.flag("bundle")?)?)?;
        let bytes = fs::read(&self.file)?;
        if let Ok(key) = self.flag("key") {
            let key = DerPublicKey::from_pem(&fs::read_to_string(key)?)?;
            verify(bytes.as_slice(), &bundle, &PublicKeyVerificationPolicy::new(key), &root)?;
        } else {
            let (subject, issuer) =
                (self.flag("certificate-identity")?, self.flag("certificate-oidc-issuer")?);
            verify(bytes.as_slice(), &bundle, &VerificationPolicy::new(subject, issuer), &root)?;
        }
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let asked = Asked::read().ok_or("sign-bundle or verify-bundle, flags with their values, and a file")?;
    match asked.verb.as_str() {
        "sign-bundle" => asked.sign().await,
        "verify-bundle" => asked.verify(),
        _ => Err("sign-bundle or verify-bundle".into()),
    }
}
