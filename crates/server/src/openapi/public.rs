//! What the listener for everybody says of its paths.

use api::{Code, LogSearch};
use envelope::rekor::SUBMISSION_BYTES_MAX;
use envelope::timestamp::REQUEST_BYTES_MAX;
use serde_json::json;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Schema, SchemaType, Type};

use super::operation::{Listener, Operation, bytes, number_from, operation, text};

fn by_anybody(id: &str, summary: &str) -> Operation {
    operation(Listener::Public, id, summary)
}

pub(crate) fn checkpoint() -> Operation {
    by_anybody("readCheckpoint", "The log's newest checkpoint")
        .about("A signed note (C2SP tlog-checkpoint).")
        .answers_in(
            "text/plain; charset=utf-8",
            200,
            "The checkpoint.",
            text("2026.log.sign.example\n2\n…\n"),
        )
        .refuses(&[Code::NotFound, Code::Unavailable, Code::Internal])
}

pub(crate) fn tile() -> Operation {
    by_anybody("readTile", "A tile of the log")
        .about("A path of C2SP tlog-tiles below `tile/`. What a path holds never changes.")
        .part(
            "path",
            "Level and index of a tile, or `entries/` and the index of a bundle.",
            text("0/000.p/2"),
        )
        .answers_in("application/octet-stream", 200, "The tile.", bytes())
        .refuses(&[Code::NotFound, Code::Unavailable, Code::Internal])
}

const ORIGIN: &str = "The log's origin; one that was frozen, too.";

pub(crate) fn shard_checkpoint() -> Operation {
    by_anybody("readShardCheckpoint", "The newest checkpoint of the log with this origin")
        .part("origin", ORIGIN, text("2026.log.sign.example"))
        .answers_in(
            "text/plain; charset=utf-8",
            200,
            "The checkpoint.",
            text("2026.log.sign.example\n2\n…\n"),
        )
        .refuses(&[Code::NotFound, Code::Unavailable, Code::Internal])
}

pub(crate) fn shard_tile() -> Operation {
    by_anybody("readShardTile", "A tile of the log with this origin")
        .part("origin", ORIGIN, text("2026.log.sign.example"))
        .part(
            "path",
            "Level and index of a tile, or `entries/` and the index of a bundle.",
            text("0/000.p/2"),
        )
        .answers_in("application/octet-stream", 200, "The tile.", bytes())
        .refuses(&[Code::NotFound, Code::Unavailable, Code::Internal])
}

pub(crate) fn log_entry() -> Operation {
    let request = ObjectBuilder::new()
        .schema_type(Type::Object)
        .property("hashedRekordRequestV002", ObjectBuilder::new().schema_type(Type::Object))
        .property("dsseRequestV002", ObjectBuilder::new().schema_type(Type::Object))
        .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)));
    let answer = ObjectBuilder::new().schema_type(Type::Object);
    by_anybody("createLogEntry", "Bring an entry to the log")
        .about("Rekor v2: a signature over a digest, verified and logged as `hashedrekord` 0.0.2. `dsseRequestV002` is logged as the same over the envelope's pre-authentication encoding. Who brings an entry that is there already is given that one. Refusals on this path are the JSON of `google.rpc.Status`.")
        .takes_any([("application/json", RefOr::from(Schema::from(request)), None)], SUBMISSION_BYTES_MAX)
        .answers_in("application/json", 201, "The `TransparencyLogEntry`, as protobuf writes it in JSON.", answer)
        .answers_in("application/json", 400, "It does not hold; the message says what.", status())
        .answers_in("application/json", 401, "The log takes entries of callers, and this is none.", status())
        .answers_in("application/json", 403, "The log takes no entries of others.", status())
        .answers_in("application/json", 405, "The log is frozen, or the server only reads.", status())
        .answers_in("application/json", 408, "The body took too long.", status())
        .answers_in("application/json", 413, "The body is too large.", status())
        .answers_in("application/json", 429, "This address brings too many.", status())
        .answers_in("application/json", 500, "Something went wrong in avouch.", status())
        .answers_in("application/json", 503, "The log cannot take more now: try again.", status())
}

/// `google.rpc.Status`.
pub(super) fn status() -> RefOr<Schema> {
    let text = ObjectBuilder::new().schema_type(Type::String);
    let status = ObjectBuilder::new().schema_type(Type::Object);
    let status = status.property("code", number_from(0, 3)).property("message", text);
    status.required("code").required("message").into()
}

pub(crate) fn search() -> Operation {
    by_anybody("searchLog", "Entries of the log, by what they tell")
        .about("Entries that tell all that is named, each with its inclusion proof, and how far the log was looked through. Names are compared to the letter. Nothing of an entry's certificate is verified here: whoever finds one verifies it.")
        .query("identity", "Whom the signer's certificate names.", text("release@example.com"))
        .query("issuer", "Who vouched for that name.", text("https://accounts.example.com"))
        .query("digest", "The digest that was signed, in hexadecimal, with or without the name of its hash.", text("sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"))
        .query("key", "The SHA-256 of the key's SubjectPublicKeyInfo, in hexadecimal or base64.", text("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"))
        .query("since", "Entries whose certificate was valid then or later. A key without a certificate tells no time.", text("2026-11-20T12:00:00Z"))
        .query("until", "Entries whose certificate was valid then or earlier.", text("2026-11-21T12:00:00Z"))
        .query("from", "From which index on.", number_from(0, 0))
        .query("limit", "At most so many entries on a page.", number_from(1, 64))
        .answers::<LogSearch>(200, "What was found.")
        .refuses(&[Code::BadRequest, Code::NotFound, Code::Busy, Code::Unavailable, Code::Internal])
}

pub(crate) fn stamp() -> Operation {
    let example =
        json!({ "artifactHash": "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=", "hashAlgorithm": "sha256" });
    let kinds = [
        ("application/timestamp-query", bytes().into(), None),
        ("application/json", timestamp_request(), Some(example)),
    ];
    by_anybody("stamp", "A timestamp token")
        .about("RFC 3161 over HTTP, or the JSON that clients of Sigstore know. A query that cannot be granted is answered with `200` and a rejection, as the RFC has it.")
        .takes_any(kinds, REQUEST_BYTES_MAX)
        .answers_in("application/timestamp-reply", 200, "The TimeStampResp, in DER.", bytes())
        .refuses(&[
            Code::Malformed,
            Code::BadRequest,
            Code::TimedOut,
            Code::TooLarge,
            Code::UnsupportedMediaType,
            Code::ReadOnly,
            Code::Busy,
            Code::Unavailable,
            Code::Internal,
        ])
}

fn timestamp_request() -> RefOr<Schema> {
    // Left out, or null: clients send either.
    let or_null = |kind| SchemaType::from_iter([kind, Type::Null]);
    let word = |words: [&str; 3]| ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words));
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .property(
            "artifactHash",
            text("n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=").description(Some("The digest, in base64.")),
        )
        .property("hashAlgorithm", word(["sha256", "sha384", "sha512"]))
        .property("certificates", ObjectBuilder::new().schema_type(Type::Boolean))
        .property("nonce", number_from(0, 4711).schema_type(or_null(Type::Integer)))
        .property("tsaPolicyOID", text(envelope::timestamp::POLICY).schema_type(or_null(Type::String)))
        .required("artifactHash")
        .required("hashAlgorithm")
        .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)))
        .into()
}

pub(crate) fn chain() -> Operation {
    by_anybody("readTimestampChain", "The timestamp authority's certificates")
        .answers_in(
            "application/pem-certificate-chain",
            200,
            "The chain in PEM, its leaf first.",
            text("-----BEGIN CERTIFICATE-----\n…"),
        )
        .refuses(&[Code::Unavailable, Code::Internal])
}

pub(crate) fn trust_root() -> Operation {
    let anything =
        ObjectBuilder::new().schema_type(Type::Object).description(Some("A trust root, version 1."));
    by_anybody("readTrustRoot", "What verifiers start from")
        .answers_in("application/json", 200, "The trust root, to be pinned by its genesis.", anything)
        .refuses(&[Code::Unavailable, Code::Internal])
}

pub(crate) fn tuf_metadata() -> Operation {
    let anything = ObjectBuilder::new().schema_type(Type::Object).description(Some("TUF metadata."));
    by_anybody("readTufMetadata", "A file of TUF metadata")
        .about("The Update Framework 1.0, with consistent snapshots: `N.root.json`, `timestamp.json`, and what follows from these. Only `timestamp.json` ever changes.")
        .part("file", "The file.", text("timestamp.json"))
        .answers_in("application/json", 200, "The metadata.", anything)
        .refuses(&[Code::NotFound, Code::Unavailable, Code::Internal])
}

pub(crate) fn tuf_target() -> Operation {
    by_anybody("readTufTarget", "A file that TUF metadata names")
        .about("`trusted_root.json` and `signing_config.v0.2.json` of Sigstore, behind their SHA-256.")
        .part("file", "SHA-256 and name.", text("<sha256>.trusted_root.json"))
        .answers_in("application/json", 200, "The file.", bytes())
        .refuses(&[Code::NotFound, Code::Unavailable, Code::Internal])
}

pub(crate) fn trusted_root() -> Operation {
    let anything = ObjectBuilder::new().schema_type(Type::Object);
    by_anybody("readTrustedRoot", "Whom clients of Sigstore believe")
        .about("Sigstore's `trusted_root.json`, as it stands in the trust root. Whoever fetches it believes this server at that moment: take it from the trust root, or by TUF.")
        .answers_in("application/json", 200, "The trusted root.", anything)
        .refuses(&[Code::Unavailable, Code::Internal])
}

pub(crate) fn signing_config() -> Operation {
    let anything = ObjectBuilder::new().schema_type(Type::Object);
    by_anybody("readSigningConfig", "Where clients of Sigstore sign")
        .answers_in("application/json", 200, "Sigstore's `signing_config.v0.2.json`.", anything)
        .refuses(&[Code::Unavailable, Code::Internal])
}

pub(crate) fn health() -> Operation {
    operation(Listener::Both, "health", "The process serves")
        .about("Whether it can sign, `/readyz` on the monitor listener says.")
        .answers_in("text/plain; charset=utf-8", 200, "It does.", text("ok\n"))
        .refuses(&[Code::Internal])
}

pub(crate) fn document() -> Operation {
    let anything = ObjectBuilder::new().schema_type(Type::Object);
    operation(Listener::Both, "readOpenApi", "This document")
        .answers_in("application/json", 200, "OpenAPI 3.1.", anything)
        .refuses(&[Code::Internal])
}
