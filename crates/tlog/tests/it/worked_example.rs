//! The log of the worked example, whose checkpoints foreign clients accept: eight entries, three checkpoints.

use std::fs;
use std::path::PathBuf;

use data_encoding::BASE64;
use model::Digest;
use model::merkle::leaf_hash;
use tlog::proof::verify_consistency;
use tlog::{Checkpoint, RightEdge, SignedCheckpoint, TilePath, VerifierKey, tile};

fn read(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/worked-example");
    fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn text(name: &str) -> String {
    String::from_utf8(read(name)).unwrap()
}

fn log_key() -> VerifierKey {
    VerifierKey::parse(text("keys/log.vkey").trim_end()).unwrap()
}

fn edge(size: usize) -> RightEdge {
    let mut edge = RightEdge::new();
    (0..size).for_each(|n| edge.append(leaf_hash(&read(&format!("log/leaf-{n}.json")))));
    edge
}

#[test]
fn the_logs_key_has_the_hash_and_the_id_of_the_trusted_root() {
    let key = log_key();
    assert_eq!(key.encode(), text("keys/log.vkey").trim_end());
    assert_eq!(BASE64.encode(key.log_id().as_bytes()), "MfXltiuxtQ1HzkIe0VrzhPlKoUglfTaKYbYfOXohkXo=");
    assert_eq!(key.key_hash(), [0x31, 0xf5, 0xe5, 0xb6]);
}

#[test]
fn the_three_checkpoints_open_and_have_the_roots_of_their_leaves() {
    let hashes = text("log/leaf-hashes.txt");
    for (n, line) in hashes.lines().enumerate() {
        assert_eq!(line, format!("{n} {}", leaf_hash(&read(&format!("log/leaf-{n}.json")))));
    }
    for size in [5, 7, 8] {
        let signed =
            SignedCheckpoint::open(&text(&format!("log/checkpoint-{size}.txt")), &log_key()).unwrap();
        assert_eq!(signed.checkpoint().text(), text(&format!("log/checkpoint-{size}.text")));
        assert_eq!((signed.size(), *signed.root()), (size as u64, edge(size).root()));
        assert!(signed.checkpoint().extensions().is_empty());
    }
}

#[test]
fn a_checkpoint_is_sealed_to_the_same_bytes() {
    for size in [5, 7, 8] {
        let checkpoint = Checkpoint::new("sign.example.test", size as u64, edge(size).root()).unwrap();
        let signature = read(&format!("log/checkpoint-{size}.sig"));
        let note = tlog::note::seal(&checkpoint.text(), &log_key(), &signature).unwrap();
        assert_eq!(note, text(&format!("log/checkpoint-{size}.txt")));
    }
}

#[test]
fn the_consistency_proofs_verify_and_are_the_ones_that_we_make() {
    for (old, new) in [(5, 7), (5, 8), (7, 8)] {
        let json: serde_json::Value =
            serde_json::from_slice(&read(&format!("log/consistency-{old}-{new}.json"))).unwrap();
        let digest = |value: &serde_json::Value| {
            Digest::from_slice(&BASE64.decode(value.as_str().unwrap().as_bytes()).unwrap()).unwrap()
        };
        let proof: Vec<Digest> = json["hashes"].as_array().unwrap().iter().map(digest).collect();
        let (old_root, new_root) = (digest(&json["oldRoot"]), digest(&json["newRoot"]));
        verify_consistency(old, &old_root, new, &new_root, &proof).unwrap();
        for at in 0..proof.len() {
            let mut changed = proof.clone();
            changed[at] = Digest::ZERO;
            assert!(verify_consistency(old, &old_root, new, &new_root, &changed).is_err());
        }
    }
}

#[test]
fn the_tiles_and_entry_bundles_are_byte_for_byte_those_that_we_write() {
    for size in [5_u16, 7, 8] {
        let entries: Vec<Vec<u8>> = (0..size).map(|n| read(&format!("log/leaf-{n}.json"))).collect();
        let hashes: Vec<Digest> = entries.iter().map(|entry| leaf_hash(entry)).collect();
        let mut bundle = Vec::new();
        entries.iter().for_each(|entry| tile::encode_entry(entry, &mut bundle).unwrap());
        let (hash_tile, entry_tile) =
            (TilePath::hashes(0, 0, size).unwrap(), TilePath::entries(0, size).unwrap());
        assert_eq!(tile::encode_hashes(&hashes), read(&format!("log/{hash_tile}")));
        assert_eq!(bundle, read(&format!("log/{entry_tile}")));
        assert_eq!(tile::decode_entries(entry_tile, &bundle).unwrap(), entries);
        assert_eq!(tile::decode_hashes(hash_tile, &read(&format!("log/{hash_tile}"))).unwrap(), hashes);
    }
}

#[test]
fn every_byte_of_a_checkpoint_matters() {
    let good = read("log/checkpoint-8.txt");
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut changed = good.clone();
            changed[at] ^= 1 << bit;
            if let Ok(note) = String::from_utf8(changed) {
                assert!(SignedCheckpoint::open(&note, &log_key()).is_err(), "byte {at} bit {bit}");
            }
        }
    }
}

/// The key of `log2025-1.rekor.sigstore.dev` and its id, as the public trusted root states them.
#[test]
fn the_id_of_a_production_log_comes_out_of_its_name_and_key() {
    let Some(folder) = testkit::vectors() else { return };
    let path = folder.join("sigstore-conformance/trusted_root.production.json");
    let root: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let mut checked = 0;
    for log in root["tlogs"].as_array().unwrap() {
        if log["publicKey"]["keyDetails"] != "PKIX_ED25519" {
            continue;
        }
        let spki = BASE64.decode(log["publicKey"]["rawBytes"].as_str().unwrap().as_bytes()).unwrap();
        let host = log["baseUrl"].as_str().unwrap().strip_prefix("https://").unwrap();
        let key = VerifierKey::of_log(host, &model::PublicKey::from_spki(&spki).unwrap()).unwrap();
        assert_eq!(BASE64.encode(key.log_id().as_bytes()), log["logId"]["keyId"].as_str().unwrap());
        checked += 1;
    }
    assert!(checked > 0, "the trusted root names no Ed25519 log");
}
