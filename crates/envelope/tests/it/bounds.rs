//! What a stranger promises is not taken at its word: lengths, counts and texts without an end.

use envelope::rekor::Body;
use envelope::sshsig::{SshKey, SshSig};
use envelope::{bundle, cms, timestamp, trusted_root};
use serde_json::{Value, json};

use crate::support::example;

/// CVE-2024-29903: memory was taken for as many as somebody said would come.
#[test]
fn a_length_that_promises_gigabytes_is_refused_for_what_is_there() {
    // A SEQUENCE of four gigabytes less a byte, of which six bytes are there.
    let mut promising = vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xfe, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86];
    assert!(cms::open(&promising).is_err());
    assert!(timestamp::open(&promising).is_err());
    assert!(timestamp::Request::parse(&promising).is_err());
    assert!(pki::Certificate::from_der(&promising).is_err());
    // More bytes of length than a length can have.
    promising[1] = 0xff;
    assert!(cms::open(&promising).is_err());
    let ssh = [b"SSHSIG\0\0\0\x01".as_slice(), &u32::MAX.to_be_bytes(), b"ssh-ed25519"].concat();
    assert!(SshSig::from_blob(&ssh).is_err());
    assert!(SshKey::from_wire(&[&u32::MAX.to_be_bytes()[..], b"ssh-ed25519"].concat()).is_err());
}

/// CVE-2025-66506, CVE-2025-66564: an object identifier was taken apart however long it was.
#[test]
fn an_object_identifier_without_an_end_is_refused() {
    let query = example("blob/timestamp.tsq");
    let mut request = timestamp::Request::parse(&query).unwrap();
    (request.policy, request.nonce) = (Some(timestamp::POLICY.to_owned()), None);
    let good = request.encode().unwrap();
    timestamp::Request::parse(&good).unwrap();
    let policy = good.windows(2).rposition(|window| window[0] == 0x06 && window[1] < 0x80).unwrap();
    let (before, length) = (&good[2..policy], usize::from(good[policy + 1]));
    let after = &good[policy + 2 + length..];
    for arcs in [40_usize, 100, 200] {
        // One bit an octet says that the arc goes on, or each octet is an arc of its own.
        for octet in [0x81, 0x01] {
            let mut oid = vec![octet; arcs];
            oid[arcs - 1] = 0x01;
            let header = if arcs < 128 { vec![0x06, arcs as u8] } else { vec![0x06, 0x81, arcs as u8] };
            let inside = [before, &header, &oid, after].concat();
            let length = u16::try_from(inside.len()).unwrap().to_be_bytes();
            let whole = [&[0x30, 0x82][..], &length, &inside].concat();
            assert!(timestamp::Request::parse(&whole).is_err(), "{arcs} octets of {octet:#x}");
        }
    }
}

/// CVE-2026-23831, GO-2023-1795: an entry without its inner message, or with a malformed one, brought the log down.
#[test]
fn a_log_body_without_one_of_its_parts_is_refused_and_brings_nothing_down() {
    let body: Value = serde_json::from_slice(&example("blob/log-body.json")).unwrap();
    let parts = pointers(&body, "");
    assert!(parts.len() > 8, "{parts:?}");
    for part in &parts {
        for other in [Value::Null, json!(""), json!({}), json!([]), json!(0)] {
            let mut changed = body.clone();
            let place = changed.pointer_mut(part).unwrap();
            if *place == other {
                continue;
            }
            *place = other.clone();
            assert!(Body::parse(&model::to_canonical(&changed)).is_err(), "{part} as {other}");
        }
        let (parent, name) = part.rsplit_once('/').unwrap();
        let mut changed = body.clone();
        changed.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name).unwrap();
        assert!(Body::parse(&model::to_canonical(&changed)).is_err(), "without {part}");
    }
}

/// CVE-2024-45395, GHSA-cq38-jh5f-37mq, CVE-2023-25656: a bundle could hold as much as anybody cared to write.
#[test]
fn a_bundle_or_a_trusted_root_beyond_its_limits_is_not_read() {
    let good: Value = serde_json::from_slice(&example("blob/bundle.sigstore.json")).unwrap();
    let read = |json: &Value| bundle::Bundle::from_json(&serde_json::to_vec(json).unwrap());
    read(&good).unwrap();
    for list in [
        "/verificationMaterial/tlogEntries",
        "/verificationMaterial/timestampVerificationData/rfc3161Timestamps",
    ] {
        let mut many = good.clone();
        let list = many.pointer_mut(list).unwrap().as_array_mut().unwrap();
        *list = vec![list[0].clone(); 33];
        assert!(read(&many).is_err());
    }
    let spaces = vec![b' '; 64 * 1024 * 1024];
    assert!(bundle::Bundle::from_json(&spaces).is_err());
    assert!(trusted_root::TrustedRoot::from_json(&spaces).is_err());
}

/// Every place of a JSON value but the whole.
fn pointers(value: &Value, at: &str) -> Vec<String> {
    let Some(map) = value.as_object() else { return Vec::new() };
    map.iter()
        .flat_map(|(name, inner)| {
            let here = format!("{at}/{name}");
            [vec![here.clone()], pointers(inner, &here)].concat()
        })
        .collect()
}
