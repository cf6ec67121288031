//! What the certificate authority for holders of ID tokens says of its paths, and the log of its certificates.

use api::Code;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

use super::operation::{Listener, Operation, bytes, operation, text};
use super::public::status;
use crate::routes::fulcio::CLAIM_BYTES_MAX;

const CLAIMS: &str = "Fulcio's API. The token is that of the body, or else `Authorization: Bearer`. The key is proven by a certificate request in PEM, in base64, of which nothing else is looked at, or by its signature over the token's `email` or `sub`. Refusals on this path are the JSON of `google.rpc.Status`.";

fn by_anybody(id: &str, summary: &str) -> Operation {
    operation(Listener::Public, id, summary)
}

fn object() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Object)
}

fn json(object: ObjectBuilder) -> [(&'static str, RefOr<Schema>, Option<serde_json::Value>); 1] {
    [("application/json", RefOr::from(Schema::from(object)), None)]
}

fn refused(operation: Operation) -> Operation {
    read(operation)
        .answers_in("application/json", 400, "It does not hold; the message says what.", status())
        .answers_in("application/json", 408, "The body took too long.", status())
        .answers_in("application/json", 413, "The body is too large.", status())
        .answers_in("application/json", 429, "This address asks for too many.", status())
}

fn read(operation: Operation) -> Operation {
    operation
        .answers_in("application/json", 404, "The platform certifies no holders of ID tokens.", status())
        .answers_in("application/json", 500, "Something went wrong in avouch.", status())
        .answers_in("application/json", 503, "There are no certificates now: try again.", status())
}

pub(crate) fn signing_certificate() -> Operation {
    let request = object()
        .property("credentials", object())
        .property("publicKeyRequest", object())
        .property("certificateSigningRequest", text("LS0tLS1CRUdJTiBDRVJU…"));
    let operation = by_anybody("createSigningCertificate", "A certificate for the holder of an ID token")
        .about(CLAIMS)
        .takes_any(json(request), CLAIM_BYTES_MAX)
        .answers_in(
            "application/json",
            200,
            "The certificate, with the log's timestamp in it, and those above it.",
            object(),
        );
    refused(operation)
}

pub(crate) fn signing_certificate_before() -> Operation {
    let request = object()
        .property("publicKey", object())
        .property("signedEmailAddress", text("c2lnbmF0dXJl"))
        .property("certificateSigningRequest", text("LS0tLS1CRUdJTiBDRVJU…"));
    let operation = by_anybody("createSigningCertificateV1", "The same, as version 1 has it")
        .about("The log's timestamp is in the certificate, and so in no header.")
        .takes_any(json(request), CLAIM_BYTES_MAX)
        .answers_in("application/pem-certificate-chain", 201, "The chain in PEM, its leaf first.", text("…"));
    refused(operation)
}

pub(crate) fn trust_bundle() -> Operation {
    read(by_anybody("readTrustBundle", "The certificate authority's certificates").answers_in(
        "application/json",
        200,
        "The chain, its root last.",
        object(),
    ))
}

pub(crate) fn configuration() -> Operation {
    read(by_anybody("readConfiguration", "The issuers whose ID tokens count").answers_in(
        "application/json",
        200,
        "The issuers.",
        object(),
    ))
}

pub(crate) fn root_certificate() -> Operation {
    read(
        by_anybody("readRootCertificate", "The certificate authority's certificates, as version 1 has it")
            .answers_in(
                "application/pem-certificate-chain",
                200,
                "The chain in PEM, its root last.",
                text("…"),
            ),
    )
}

const SHARD: &str = "The last part of the log's origin.";
const READ: [Code; 3] = [Code::NotFound, Code::Unavailable, Code::Internal];

pub(crate) fn log_checkpoint() -> Operation {
    by_anybody("readCertificateLogCheckpoint", "The newest checkpoint of the log of certificates")
        .about(
            "C2SP static-ct-api. A log of the same operator is no independent witness of its certificates.",
        )
        .part("shard", SHARD, text("2026"))
        .answers_in("text/plain; charset=utf-8", 200, "The checkpoint.", text("ct.sign.example/2026\n2\n…\n"))
        .refuses(&READ)
}

pub(crate) fn log_tile() -> Operation {
    by_anybody("readCertificateLogTile", "A tile of the log of certificates")
        .about("A path of C2SP static-ct-api below `tile/`. What a path holds never changes.")
        .part("shard", SHARD, text("2026"))
        .part("path", "Level and index of a tile, or `data/` and the index of a bundle.", text("0/000.p/2"))
        .answers_in("application/octet-stream", 200, "The tile.", bytes())
        .refuses(&READ)
}

pub(crate) fn log_issuer() -> Operation {
    let example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    by_anybody("readCertificateLogIssuer", "A certificate that entries of the log name")
        .part("shard", SHARD, text("2026"))
        .part("fingerprint", "The SHA-256 of the certificate, in hexadecimal.", text(example))
        .answers_in("application/pkix-cert", 200, "The certificate, in DER.", bytes())
        .refuses(&READ)
}
