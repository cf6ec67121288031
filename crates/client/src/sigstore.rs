//! The services of Sigstore, ours or anybody's: a certificate for the holder of an ID token (Fulcio v2), a timestamp
//! (RFC 3161) and a log entry (Rekor v2).
//!
//! Specifications: `fulcio.proto` and `rekor_service.proto` of Sigstore, in protojson; RFC 3161 §3.4.

use std::time::Duration;

use model::Base64;
use reqwest::{Certificate, Url, redirect};
use serde::{Deserialize, Serialize};

use crate::ClientError;
use crate::context::{CONNECT_LIMIT, is_loopback, kept_here};
use crate::exchange::{Call, Exchange, Repeat};

/// Chains, entries and tokens.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// How long a log may take: upstream's make their checkpoints every ten seconds.
const LOG_LIMIT: Duration = Duration::from_secs(40);

/// Where the services are: each by the address that a signing config names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// The certificate authority.
    pub authority: String,
    /// The transparency log.
    pub log: String,
    /// The timestamp authority, by its whole address.
    pub timestamp_authority: String,
}

/// Whose certificates the services' own may come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Believed {
    /// These authorities, in PEM, and no others.
    Only(String),
    /// Those of this system.
    System,
}

/// A client of the services of Sigstore.
#[derive(Debug, Clone)]
pub struct Sigstore {
    authority: Exchange,
    log: Exchange,
    timestamp_authority: Exchange,
}

/// What is logged: a signature over a digest, and by whose certificate.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewEntry {
    hashed_rekord_request_v002: HashedRekord,
}

#[derive(Debug, Clone, Serialize)]
struct HashedRekord {
    digest: Base64,
    signature: LoggedSignature,
}

#[derive(Debug, Clone, Serialize)]
struct LoggedSignature {
    content: Base64,
    verifier: LoggedVerifier,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct LoggedVerifier {
    x509_certificate: RawBytes,
    key_details: &'static str,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct RawBytes {
    raw_bytes: Base64,
}

impl NewEntry {
    /// The entry for a signature over this digest, by the key in this certificate (DER), of which protobuf says this.
    pub fn new(digest: &[u8], signature: &[u8], certificate: &[u8], key_details: &'static str) -> Self {
        let of = |bytes: &[u8]| Base64(bytes.to_vec());
        let verifier =
            LoggedVerifier { x509_certificate: RawBytes { raw_bytes: of(certificate) }, key_details };
        let signature = LoggedSignature { content: of(signature), verifier };
        Self { hashed_rekord_request_v002: HashedRekord { digest: of(digest), signature } }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewCertificate<'a> {
    credentials: Credentials<'a>,
    public_key_request: PublicKeyRequest<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Credentials<'a> {
    oidc_identity_token: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PublicKeyRequest<'a> {
    public_key: NamedKey<'a>,
    proof_of_possession: Base64,
}

#[derive(Serialize)]
struct NamedKey<'a> {
    algorithm: &'static str,
    content: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IssuedCertificate {
    signed_certificate_embedded_sct: WithTimestamp,
}

#[derive(Deserialize)]
struct WithTimestamp {
    chain: Chain,
}

#[derive(Deserialize)]
struct Chain {
    certificates: Vec<String>,
}

impl Sigstore {
    /// Sets a client up; nothing is sent yet.
    pub fn new(places: &Places, believed: &Believed) -> Result<Self, ClientError> {
        let at = |place: &str| exchange(place, believed);
        Ok(Self {
            authority: at(&places.authority)?,
            log: at(&places.log)?,
            timestamp_authority: at(&places.timestamp_authority)?,
        })
    }

    /// A certificate for the token's holder and this key (PEM), whose possession the signature over the token's `email`
    /// or `sub` proves; the certificates above it follow, in PEM.
    ///
    /// Safe to repeat: one token and one key get one certificate.
    pub async fn certificate(
        &self,
        token: &str,
        public_key_pem: &str,
        proof: &[u8],
    ) -> Result<Vec<String>, ClientError> {
        let body = NewCertificate {
            credentials: Credentials { oidc_identity_token: token },
            public_key_request: PublicKeyRequest {
                public_key: NamedKey { algorithm: "ECDSA", content: public_key_pem },
                proof_of_possession: Base64(proof.to_vec()),
            },
        };
        let path = beneath(&self.authority.base, "/api/v2/signingCert");
        let mut call = Call::post(&path, &body, ANSWER_BYTES_MAX)?;
        call.repeat = Repeat::Safe;
        call.headers.push(("authorization", format!("Bearer {token}")));
        let issued: IssuedCertificate = self.authority.json(&call).await?;
        Ok(issued.signed_certificate_embedded_sct.chain.certificates)
    }

    /// A response of the timestamp authority to a request, both in DER.
    pub async fn timestamp(&self, request: Vec<u8>) -> Result<Vec<u8>, ClientError> {
        let path = beneath(&self.timestamp_authority.base, "");
        let mut call = Call::get(&path, ANSWER_BYTES_MAX);
        call.method = reqwest::Method::POST;
        call.content_type = "application/timestamp-query";
        call.body = Some(request);
        Ok(self.timestamp_authority.make(&call).await?.body)
    }

    /// Logs a signature; the entry comes back as the log writes it. What is logged already comes back as it was.
    pub async fn append(&self, entry: &NewEntry) -> Result<Vec<u8>, ClientError> {
        let path = beneath(&self.log.base, "/api/v2/log/entries");
        let mut call = Call::post(&path, entry, ANSWER_BYTES_MAX)?;
        (call.repeat, call.limit) = (Repeat::Safe, LOG_LIMIT);
        Ok(self.log.make(&call).await?.body)
    }
}

/// A path beneath that of a service's own address.
fn beneath(base: &Url, path: &str) -> String {
    format!("{}{path}", base.path().trim_end_matches('/'))
}

/// A connection pool for one service: TLS, or plain HTTP on loopback.
pub(crate) fn exchange(place: &str, believed: &Believed) -> Result<Exchange, ClientError> {
    let refuse = || ClientError::Address { url: place.to_owned() };
    let base: Url = place.parse().map_err(|_| refuse())?;
    let bare = base.query().is_none() && base.fragment().is_none() && base.username().is_empty();
    let here = is_loopback(&base);
    if !bare || !(base.scheme() == "https" || base.scheme() == "http" && here) {
        return Err(refuse());
    }
    let mut builder = reqwest::Client::builder()
        .tls_backend_rustls()
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(CONNECT_LIMIT);
    if let Believed::Only(pem) = believed {
        let roots = Certificate::from_pem_bundle(pem.as_bytes()).map_err(ClientError::Certificates)?;
        builder = builder.tls_certs_only(roots);
    }
    if here {
        builder = kept_here(builder);
    }
    let http = builder.build().map_err(ClientError::Setup)?;
    Ok(Exchange { http, base, authorization: None })
}
