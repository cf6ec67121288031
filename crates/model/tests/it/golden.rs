//! Golden vectors: what was hashed once is hashed so for ever, by us and by a second implementation.

use std::fs;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use model::{Digest, Item, ItemError, Items, Kind, Request, Tag};
use serde::Deserialize;

#[derive(Deserialize)]
struct TagVector {
    tag: String,
    parts: Vec<String>,
    digest: Digest,
}

#[derive(Deserialize)]
struct RequestVector {
    request: String,
    digest: Digest,
    items: Vec<ItemVector>,
}

#[derive(Deserialize)]
struct ItemVector {
    item: String,
    leaf: Digest,
    path: Vec<Digest>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

fn requests() -> Vec<RequestVector> {
    let text = fs::read_to_string(folder().join("requests.json")).unwrap();
    serde_json::from_str::<std::collections::BTreeMap<String, RequestVector>>(&text)
        .unwrap()
        .into_values()
        .collect()
}

#[test]
fn every_tag_has_its_golden_digest() {
    let vectors: Vec<TagVector> =
        serde_json::from_str(&fs::read_to_string(folder().join("tags.json")).unwrap()).unwrap();
    assert_eq!(vectors.len(), Tag::ALL.len());
    for (tag, vector) in Tag::ALL.into_iter().zip(vectors) {
        assert_eq!(tag.prefix(), format!("avouch/v1/{}\0", vector.tag).as_bytes());
        let parts: Vec<Vec<u8>> =
            vector.parts.iter().map(|part| HEXLOWER.decode(part.as_bytes()).unwrap()).collect();
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        assert_eq!(tag.digest(&parts), vector.digest, "{tag:?}");
        assert_eq!(Digest::of(&tag.leaf(&parts.concat())), vector.digest, "{tag:?}");
    }
}

#[test]
fn no_tag_begins_another() {
    for (place, tag) in Tag::ALL.into_iter().enumerate() {
        for other in Tag::ALL.into_iter().skip(place + 1) {
            assert!(!tag.prefix().starts_with(other.prefix()) && !other.prefix().starts_with(tag.prefix()));
        }
    }
}

#[test]
fn the_golden_requests_and_items_are_read_and_hashed_as_written() {
    let requests = requests();
    assert_eq!(requests.len(), 4);
    for vector in requests {
        let request = Request::parse(vector.request.as_bytes()).unwrap();
        assert_eq!(request.encode(), vector.request.as_bytes());
        assert_eq!(Request::digest(vector.request.as_bytes()), vector.digest);
        let Kind::Sign(signing) = request.kind else { continue };
        let encoded = vector.items.iter().map(|one| one.item.clone().into_bytes()).collect();
        let items = Items::parse(encoded).unwrap();
        assert_eq!(items.tree(), signing.items);
        for ((bytes, item), golden) in items.iter().zip(&vector.items) {
            assert_eq!(Item::parse(bytes).unwrap().encode(), bytes);
            assert_eq!(Items::leaf(bytes), golden.leaf);
            assert_eq!(items.path(item.index).unwrap(), golden.path);
            assert_eq!(*signing.items.open(bytes, &golden.path).unwrap(), *item);
            let elsewhere = Item { index: item.index + 1, ..item.clone() };
            let renamed = Item { name: "another".to_owned(), ..item.clone() };
            for changed in [elsewhere, renamed] {
                let opened = signing.items.open(&changed.encode(), &golden.path);
                assert!(matches!(opened, Err(ItemError::NotRequested { .. })), "{opened:?}");
            }
        }
    }
}

/// Runs the second implementation over a folder of vectors: what it printed, or what it stopped at.
fn recompute(python: &testkit::Tool, vectors: &Path) -> Result<String, String> {
    let output = python.command().arg(folder().join("recompute.py")).arg(vectors).output().unwrap();
    let said = |bytes| String::from_utf8(bytes).unwrap();
    if output.status.success() { Ok(said(output.stdout)) } else { Err(said(output.stderr)) }
}

#[test]
fn a_second_implementation_recomputes_every_golden_digest() {
    let Some(python) = testkit::tool("python3") else { return };
    let said = recompute(&python, &folder()).unwrap();
    let leaves: usize = requests().iter().map(|vector| vector.items.len()).sum();
    let trees = requests().iter().filter(|vector| !vector.items.is_empty()).count();
    assert_eq!(said.lines().count(), Tag::ALL.len() + requests().len() + 2 * leaves + trees);
}

#[test]
fn the_second_implementation_stops_at_a_changed_vector() {
    let Some(python) = testkit::tool("python3") else { return };
    for (file, from, to, stops) in [
        ("tags.json", "\"parts\": [\"", "\"parts\": [\"00", "tag "),
        ("requests.json", "reason\\\":\\\"", "reason\\\":\\\"x", "request "),
        ("requests.json", "\"leaf\": \"", "\"leaf\": \"00", "leaf "),
        ("requests.json", "\"request\": \"{", "\"request\": \"{ ", "not canonical"),
    ] {
        let changed = testkit::temp_folder();
        for name in ["tags.json", "requests.json"] {
            let text = fs::read_to_string(folder().join(name)).unwrap();
            let text = if name == file { text.replacen(from, to, 1) } else { text };
            fs::write(changed.path().join(name), text).unwrap();
        }
        let said = recompute(&python, changed.path()).unwrap_err();
        assert!(said.contains(stops), "{said}");
    }
}
