//! Signing without a key of one's own: a key that lives for one run of this program, a certificate that names the holder
//! of an ID token, a timestamp from within its ten minutes, and a log entry for whoever watches that name.
//!
//! token → certificate → signature → timestamp and log entry → bundle, which is verified before it is written.

use std::path::{Path, PathBuf};

use ::verify::{
    Artifact, Identity, Pattern, Present, Refused, SignedBy, TimeSource, Verified, verify_sigstore,
};
use aws_lc_rs::digest as sha;
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use clap::Args;
use client::{Believed, NewEntry, Places, Sigstore};
use envelope::bundle::{Bundle, Content, Entry, Signer};
use envelope::dsse::{self, Envelope};
use envelope::rekor::key_details;
use envelope::signing_config::{SIGNING_CONFIG_BYTES_MAX, SigningConfig};
use envelope::timestamp::{CertificateWish, Imprint, Request, integer_octets};
use envelope::trusted_root::TrustedRoot;
use model::{Digest, Hash, Hashed, PublicKey};
use pki::Certificate;
use pki::token::CertificateNames;

use crate::context::{Context, ContextArgs};
use crate::failure::Failure;
use crate::followed::Followed;
use crate::id_token::{Held, TokenArgs};
use crate::verbs::verify::foreign;

/// How to sign without a key of one's own, and where.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct KeylessArgs {
    #[command(flatten)]
    pub(crate) token: TokenArgs,
    /// A Sigstore `signing_config.v0.2.json`: sign there instead of at the stored context's server
    #[arg(long, value_name = "FILE", requires = "trusted_root")]
    pub(crate) signing_config: Option<PathBuf>,
    /// The `trusted_root.json` that goes with it
    #[arg(long, value_name = "FILE", requires = "signing_config")]
    pub(crate) trusted_root: Option<PathBuf>,
    /// Certificates, in PEM, that those services' own come from; otherwise the system's
    #[arg(long, value_name = "FILE", requires = "signing_config")]
    pub(crate) ca: Option<PathBuf>,
    /// All three from a TUF repository, which is asked for what is new: the folder of `avouch trust follow`
    #[arg(long, value_name = "DIR", conflicts_with = "signing_config")]
    pub(crate) tuf: Option<PathBuf>,
}

/// What is signed.
pub(crate) enum What {
    /// The file.
    File,
    /// An in-toto statement about it, as JSON.
    Statement(Vec<u8>),
}

/// Somebody who has a key and a certificate for a few minutes.
pub(crate) struct Session {
    services: Sigstore,
    key: EcdsaKeyPair,
    certificate: Certificate,
    names: CertificateNames,
    root: TrustedRoot,
    /// Where a newer trusted root comes from.
    context: Option<Context>,
}

/// Where is signed, and whom to believe.
struct Place {
    places: Places,
    believed: Believed,
    root: TrustedRoot,
    issuer: Option<String>,
    context: Option<Context>,
}

impl KeylessArgs {
    /// Proves who is there, and gets them a certificate.
    pub(crate) fn begin(&self, context: &ContextArgs) -> Result<Session, Failure> {
        let place = match (&self.signing_config, &self.trusted_root, &self.tuf) {
            (Some(config), Some(root), _) => named(config, root, self.believed()?)?,
            (_, _, Some(dir)) => {
                let followed = Followed::refresh(dir)?;
                named(&followed.signing_config, &followed.trusted_root, followed.believed)?
            }
            _ => stored(context.load()?)?,
        };
        let ca = match &place.believed {
            Believed::Only(pem) => Some(pem.as_str()),
            Believed::System => None,
        };
        let held = self.token.get(ca, || Ok(place.issuer.clone()))?;
        Session::begin(place, &held)
    }

    fn believed(&self) -> Result<Believed, Failure> {
        let read = |path: &PathBuf| std::fs::read_to_string(path).map_err(Failure::file("read", path));
        Ok(self.ca.as_ref().map(read).transpose()?.map_or(Believed::System, Believed::Only))
    }
}

/// The services that a signing config names.
fn named(config: &Path, root: &Path, believed: Believed) -> Result<Place, Failure> {
    const EXPECTED: &str = "a Sigstore signing config that can be used";
    let (name, now) = (config.display().to_string(), crate::clock::now());
    let json = crate::files::read_bounded(config, SIGNING_CONFIG_BYTES_MAX)?;
    let config = SigningConfig::from_json(&json).map_err(Failure::input(&name, EXPECTED))?;
    let wrong = || Failure::input(&name, EXPECTED);
    Ok(Place {
        places: Places {
            authority: config.authority(now).map_err(wrong())?.url.clone(),
            log: config.log(now).map_err(wrong())?.url.clone(),
            timestamp_authority: config.timestamp_authority(now).map_err(wrong())?.url.clone(),
        },
        believed,
        root: foreign::trusted_root(root)?,
        issuer: config.issuer(now).map(|endpoint| endpoint.url.clone()),
        context: None,
    })
}

/// The stored context's server serves all of it at its public address.
fn stored(context: Context) -> Result<Place, Failure> {
    let url = public_url(&context)?;
    let trust_root = context.trust_root()?;
    let ca = std::fs::read_to_string(&context.ca).map_err(Failure::file("read", &context.ca))?;
    let mut people = trust_root.registry().issuers().people();
    let issuer = people.next().filter(|_| people.next().is_none()).map(|issuer| issuer.record.url.clone());
    Ok(Place {
        places: Places {
            timestamp_authority: format!("{url}/api/v1/timestamp"),
            authority: url.clone(),
            log: url,
        },
        believed: Believed::Only(ca),
        root: trust_root.sigstore().clone(),
        issuer,
        context: Some(context),
    })
}

/// The address at which anybody is served, as services are named: without a slash at its end.
pub(crate) fn public_url(context: &Context) -> Result<String, Failure> {
    let url = context.public_url.as_ref().ok_or_else(|| Failure::Usage {
        what: "the context does not name the server's public address".to_owned(),
        advice: "store it once more with `avouch login URL --public-url URL`",
    })?;
    Ok(url.trim_end_matches('/').to_owned())
}

impl Session {
    fn begin(place: Place, held: &Held) -> Result<Self, Failure> {
        let services = Sigstore::new(&place.places, &place.believed)?;
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)
            .map_err(Failure::inside("make a key for this run"))?;
        let spki = key.public_key().as_der().map_err(Failure::inside("encode a key that was just made"))?;
        let public =
            PublicKey::from_spki(spki.as_ref()).map_err(Failure::inside("read a key that was just made"))?;
        let proof = sign(&key, held.challenge()?.as_bytes())?;
        let pem = crate::verbs::trust::public_key_pem(&public);
        let chain = crate::online::call(services.certificate(&held.text, &pem, &proof))?;
        let authority =
            |fault: &str| Failure::Process { process: "the certificate authority", fault: fault.to_owned() };
        let certificate = chain.first().and_then(|pem| Certificate::from_pem(pem).ok());
        let certificate = certificate.ok_or_else(|| authority("gave no certificate that can be read"))?;
        if certificate.public_key().ok().as_ref() != Some(&public) {
            return Err(authority("gave a certificate for another key"));
        }
        let names = CertificateNames::of(&certificate)
            .map_err(|cause| authority(&format!("gave a certificate that names nobody: {cause}")))?;
        Ok(Self { services, key, certificate, names, root: place.root, context: place.context })
    }

    /// Whom the certificate names.
    pub(crate) const fn names(&self) -> &CertificateNames {
        &self.names
    }

    /// Signs; what comes back verifies.
    pub(crate) fn sign(&mut self, artifact: &Artifact, what: What) -> Result<Vec<u8>, Failure> {
        let (digest, content) = match what {
            What::File => {
                let digest = artifact.digests.sha256();
                let signature = sign_digest(&self.key, &digest)?;
                (digest, Content::message(&Hashed::Sha256(digest), &signature))
            }
            What::Statement(json) => {
                let encoded = dsse::pre_authentication_encoding(dsse::IN_TOTO, &json);
                let signature = sign(&self.key, &encoded)?;
                (Digest::of(&encoded), Content::Dsse(Envelope::seal(dsse::IN_TOTO, &json, &signature)))
            }
        };
        let signature = match &content {
            Content::Message { signature, .. } => signature.clone(),
            Content::Dsse(envelope) => envelope.signature.clone(),
            _ => unreachable!("one of the two was just made"),
        };
        let (entry, token) = self.witness(&digest, &signature)?;
        let signer = Signer::Certificate(self.certificate.der().to_vec());
        let bundle = Bundle::seal(signer, content, Some(entry), Some(&token)).to_json();
        self.check(artifact, &bundle)?;
        Ok(bundle)
    }

    /// The log entry of a signature, and its timestamp: neither needs the other, so both are asked for at once.
    fn witness(&self, digest: &Digest, signature: &[u8]) -> Result<(Entry, Vec<u8>), Failure> {
        let algorithm =
            self.certificate.public_key().map_err(Failure::inside("read a certificate's key"))?.algorithm();
        let new = NewEntry::new(digest.as_bytes(), signature, self.certificate.der(), key_details(algorithm));
        let request = Request {
            imprint: Imprint::of(Hash::Sha256, signature),
            policy: None,
            nonce: Some(integer_octets(u64::from_be_bytes(crate::random::bytes()))),
            certificate: CertificateWish::Embedded,
        };
        let request = request.encode().map_err(Failure::inside("ask for a timestamp"))?;
        let (logged, token) = crate::online::call(async {
            tokio::try_join!(self.services.append(&new), self.services.timestamp(request))
        })?;
        let entry = Entry::from_json(&logged).map_err(Failure::input("the log's answer", "a log entry"))?;
        Ok((entry, token))
    }

    /// Holds a bundle to the trusted root; fetched anew once, where the one at hand is too old.
    fn check(&mut self, artifact: &Artifact, bundle: &[u8]) -> Result<(), Failure> {
        let judged = match self.verify(artifact, bundle)? {
            Err(refused @ Refused::CannotCheck { .. }) => match self.context.take() {
                Some(context) => {
                    self.root = context.renew_trust_root()?.sigstore().clone();
                    self.verify(artifact, bundle)?
                }
                None => Err(refused),
            },
            judged => judged,
        };
        let name = artifact.name.clone().unwrap_or_default();
        judged.map(drop).map_err(|source| Failure::BadReceipt { name, source: Box::new(source) })
    }

    fn verify(&self, artifact: &Artifact, bundle: &[u8]) -> Result<Result<Verified, Refused>, Failure> {
        let exactly = |text: &str| {
            Pattern::exactly(text)
                .map_err(Failure::input("the certificate's name", "one that can be expected"))
        };
        let identity =
            Identity { subject: exactly(self.names.subject.text())?, issuer: exactly(&self.names.issuer)? };
        let present = Present { at: crate::clock::now(), source: TimeSource::SystemClock };
        Ok(verify_sigstore(artifact, bundle, SignedBy::Holder(&identity), &self.root, present))
    }
}

fn sign(key: &EcdsaKeyPair, message: &[u8]) -> Result<Vec<u8>, Failure> {
    let signature = key.sign(&SystemRandom::new(), message).map_err(Failure::inside("sign"))?;
    Ok(signature.as_ref().to_vec())
}

fn sign_digest(key: &EcdsaKeyPair, digest: &Digest) -> Result<Vec<u8>, Failure> {
    let digest =
        sha::Digest::import_less_safe(digest.as_bytes(), &sha::SHA256).map_err(Failure::inside("sign"))?;
    Ok(key.sign_digest(&digest).map_err(Failure::inside("sign"))?.as_ref().to_vec())
}
