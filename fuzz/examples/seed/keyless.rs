//! Seeds of what signing without keys brings: tokens, certificates and their log, entries and metadata of today's and of
//! yesterday's clients, witnesses.

use data_encoding::{BASE64, HEXLOWER};
use envelope::rekor::Body;
use envelope::signing_config::{Endpoint, SigningConfig};
use envelope::trusted_root::Window;
use envelope::tuf::{NewMetadata, RoleKeys};
use fuzz::parts::join;
use fuzz::{holders, known};
use model::{Digest, TufRole};
use tlog::CertificateEntry;

use super::{Done, example, log_example, write};

pub(super) fn all() -> Done {
    tokens()?;
    certificates()?;
    signing_config()?;
    entries()?;
    metadata()?;
    witnesses()
}

fn tokens() -> Done {
    for (name, token) in holders::TOKENS.iter() {
        write("id_token", name, token.as_bytes())?;
    }
    // Header and claims of the one, and the signature of the other.
    let (email, uri) = (&holders::TOKENS["email"], &holders::TOKENS["uri"]);
    let crossed = email.rsplit_once('.').zip(uri.rsplit_once('.'));
    let ((signed, _), (_, signature)) = crossed.ok_or("a token has dots")?;
    write("id_token", "bad-crossed", format!("{signed}.{signature}").as_bytes())?;
    write("id_token", "bad-none", b"eyJhbGciOiJub25lIn0.e30.")?;
    write("issuer_keys", "ed25519", holders::jwks().as_bytes())?;
    write("issuer_keys", "bad-none", br#"{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}"#)
}

fn certificates() -> Done {
    let request = holders::request();
    write("certificate_request", "ed25519", &request)?;
    let (last, before) = request.split_last().ok_or("a request has bytes")?;
    write("certificate_request", "bad-signature", &[before, &[last ^ 1]].concat())?;
    let base64 = BASE64.encode(&request);
    let lines: Vec<&str> = base64.as_bytes().chunks(64).map(str::from_utf8).collect::<Result<_, _>>()?;
    let label = "CERTIFICATE REQUEST";
    let pem = format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"));
    let request = BASE64.encode(pem.as_bytes());
    let key = BASE64.encode(known::LOG.public_key().spki());
    for (name, json) in [
        ("v2-request", format!(r#"{{"certificateSigningRequest":"{request}"}}"#)),
        (
            "v2-key",
            format!(
                r#"{{"credentials":{{"oidcIdentityToken":"t"}},"publicKeyRequest":{{"publicKey":{{"content":"{key}"}},"proofOfPossession":"c2ln"}}}}"#
            ),
        ),
        ("v1-key", format!(r#"{{"publicKey":{{"content":"{key}"}},"signedEmailAddress":"c2ln"}}"#)),
        ("bad-both", format!(r#"{{"publicKey":{{"content":"{key}"}}}}"#)),
    ] {
        write("certificate_asked", name, json.as_bytes())?;
    }
    let leaf = example("keyless/leaf.der")?;
    let entry = CertificateEntry {
        time: known::THEN.whole_second(),
        issuer: Digest::of(b"issuer"),
        tbs: b"what a timestamp is over",
        index: 0,
        precertificate: &leaf,
        chain: vec![Digest::of(b"authority"), Digest::of(b"root")],
    };
    let entry = entry.encode().ok_or("an entry of bounded length")?;
    write("certificate_entry", "one", &entry)?;
    write("certificate_entry", "bad-short", &entry[..entry.len() - 1])?;
    write("tile", "certificates-1", &join(&[b"tile/data/000.p/1", &entry]))?;
    write("tile_path", "tile-data-000.p-1", b"tile/data/000.p/1")
}

fn signing_config() -> Done {
    let open = Window { start: known::THEN, end: None };
    let at = |path: &str, version| {
        vec![Endpoint::new(&format!("https://sign.example.test{path}"), version, open, "example")]
    };
    let config = SigningConfig::new(at("", 1), Vec::new(), at("", 2), at("/api/v1/timestamp", 1));
    write("signing_config", "one-of-each", &config.to_json())?;
    write("signing_config", "bad-type", br#"{"mediaType":"application/json"}"#)
}

/// What clients of Rekor v1 propose.
fn entries() -> Done {
    for name in ["blob", "keyless"] {
        let body = Body::parse(&example(&format!("{name}/log-body.json"))?)?;
        let pem = match body.verifier() {
            envelope::rekor::Verifier::Certificate(certificate) => certificate.to_pem(),
            verifier => pki::public_key_pem(&verifier.key()?),
        };
        let (pem, signature) = (BASE64.encode(pem.as_bytes()), BASE64.encode(body.signature()));
        let hash = format!(r#"{{"algorithm":"sha256","value":"{}"}}"#, HEXLOWER.encode(body.digest()));
        let by = format!(r#"{{"content":"{signature}","publicKey":{{"content":"{pem}"}}}}"#);
        let spec = format!(r#"{{"data":{{"hash":{hash}}},"signature":{by}}}"#);
        let json = format!(r#"{{"apiVersion":"0.0.1","kind":"hashedrekord","spec":{spec}}}"#);
        write("proposed_entry", name, json.as_bytes())?;
    }
    write("proposed_entry", "bad-kind", br#"{"apiVersion":"0.0.1","kind":"intoto","spec":{}}"#)
}

fn metadata() -> Done {
    let key = known::LOG.public_key().clone();
    let roles = [TufRole::Root, TufRole::Targets, TufRole::Snapshot, TufRole::Timestamp];
    let keys: RoleKeys = roles.into_iter().map(|role| (role, vec![key.clone()])).collect();
    let root = NewMetadata::root(1, known::THEN, &keys);
    let targets = NewMetadata::targets(1, known::THEN, [("trusted_root.json", &b"{}"[..])]);
    let signed = |new: &NewMetadata| new.seal([(&key, &[7_u8; 64][..])]);
    let snapshot = NewMetadata::snapshot(1, known::THEN, &signed(&targets).named());
    let timestamp = NewMetadata::timestamp(1, known::THEN, &signed(&snapshot).named());
    for (name, new) in
        [("root", root), ("targets", targets), ("snapshot", snapshot), ("timestamp", timestamp)]
    {
        write("tuf_metadata", name, &signed(&new).bytes)?;
    }
    write("tuf_metadata", "bad-version", br#"{"signatures":[],"signed":{"_type":"root","version":0}}"#)
}

fn witnesses() -> Done {
    let note = String::from_utf8(log_example("log/checkpoint-5.txt")?)?;
    let hash = BASE64.encode(Digest::of(b"a node").as_bytes());
    write("witness_submission", "first", format!("old 0\n\n{note}").as_bytes())?;
    write("witness_submission", "next", format!("old 3\n{hash}\n{hash}\n\n{note}").as_bytes())?;
    write("witness_submission", "bad-size", format!("old 00\n\n{note}").as_bytes())
}
