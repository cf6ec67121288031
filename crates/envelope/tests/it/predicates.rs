//! Predicates of every kind: good ones, and what is wrong with each that is changed in one place.

use std::collections::BTreeSet;

use envelope::in_toto::{PredicateKind, PredicateType};
use serde_json::{Value, json};

macro_rules! vectors {
    ($($name:literal),*) => { [$(($name, include_str!(concat!("../vectors/predicates/", $name, ".json")))),*] };
}

/// A good predicate of each kind; SPDX has two.
const GOOD: [(&str, &str); 13] = vectors![
    "slsaprovenance1",
    "slsaprovenance02",
    "vsa",
    "spdxjson",
    "spdx3",
    "cyclonedx",
    "openvex",
    "csaf",
    "vuln",
    "vulns",
    "test-result",
    "scai",
    "custom"
];

fn kind(name: &str) -> PredicateType {
    name.trim_end_matches('3').trim_end_matches("json").parse().unwrap()
}

/// What is said of a predicate, down to the cause.
fn fault(name: &str, predicate: &[u8]) -> Option<String> {
    kind(name).read(predicate).err().map(|error| model::told(&error))
}

#[test]
fn a_good_predicate_of_every_kind_is_taken() {
    for (name, text) in GOOD {
        assert_eq!(fault(name, text.as_bytes()), None, "{name}");
    }
    let covered: BTreeSet<&str> = GOOD.iter().map(|(name, _)| kind(name).word()).collect();
    assert!(PredicateKind::ALL.iter().all(|kind| covered.contains(kind.word)), "{covered:?}");
}

/// What must be there, and what must be what: the place that is changed is the place that is named.
#[test]
fn whatever_is_changed_in_a_predicate_is_let_through_or_named_by_its_place() {
    for (name, text) in GOOD.into_iter().filter(|(name, _)| *name != "custom") {
        let good: Value = serde_json::from_str(text).unwrap();
        let (mut missing, mut other) = (0, 0);
        for pointer in pointers(&good, "") {
            let (parent, field) = pointer.rsplit_once('/').unwrap();
            let mut without = good.clone();
            if let Some(fields) = without.pointer_mut(parent).and_then(Value::as_object_mut) {
                fields.remove(&field.replace("~1", "/").replace("~0", "~"));
                if let Some(said) = fault(name, without.to_string().as_bytes()) {
                    let named = said.contains(&format!("`{pointer}` is missing"))
                        // One of several must be there, or the object says what it is.
                        || said.contains(&format!("`{parent}` is an object"))
                        || said.contains("`/@graph` is a list")
                        // Without its context, SPDX 3 is taken for SPDX 2.
                        || (pointer == "/@context" && name == "spdx3");
                    assert!(named, "{name} without {pointer}: {said}");
                    missing += 1;
                }
            }
            for wrong in [json!(true), json!(""), json!([]), json!({}), json!(-1), json!("zz zz")] {
                let mut changed = good.clone();
                *changed.pointer_mut(&pointer).unwrap() = wrong.clone();
                if let Some(said) = fault(name, changed.to_string().as_bytes()) {
                    let named = said.contains(&format!("`{pointer}` is "))
                        || said.contains(&format!("`{pointer}/"))
                        || said.contains("`/@graph` is a list")
                        // What is a word for something else asks for more beside it.
                        || said.contains(&format!("`{parent}/"));
                    assert!(named, "{name} with {wrong} at {pointer}: {said}");
                    other += 1;
                }
            }
        }
        assert!(missing >= 3 && other >= 10, "{name}: {missing} {other}");
    }
}

/// Every place of a JSON value but the whole.
fn pointers(value: &Value, at: &str) -> Vec<String> {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(fields) => {
            let escaped = |name: &String| name.replace('~', "~0").replace('/', "~1");
            fields.iter().map(|(name, inner)| (escaped(name), inner)).collect()
        }
        Value::Array(list) => {
            list.iter().enumerate().map(|(index, inner)| (index.to_string(), inner)).collect()
        }
        _ => Vec::new(),
    };
    let below = |(name, inner): (String, &Value)| {
        let here = format!("{at}/{name}");
        [vec![here.clone()], pointers(inner, &here)].concat()
    };
    inner.into_iter().flat_map(below).collect()
}

#[test]
fn what_contradicts_itself_or_says_too_little_is_named() {
    let twice = "as an earlier one is already";
    let cases: [(&str, &str, Value, &str); 14] = [
        ("cyclonedx", "/components/1/bom-ref", json!("lib/inner"), twice),
        ("cyclonedx", "/components/0/hashes/0/alg", json!("SHA-512"), "`/components/0/hashes/0/content` is"),
        ("cyclonedx", "/specVersion", json!("1.3"), "one of 1.4, 1.5, 1.6"),
        ("cyclonedx", "/vulnerabilities/0/analysis/state", json!("fine"), "one of resolved"),
        ("spdxjson", "/packages/1/SPDXID", json!("SPDXRef-Package-app"), twice),
        ("spdxjson", "/packages/1/SPDXID", json!("Package-lib"), "`SPDXRef-`"),
        ("spdxjson", "/documentNamespace", json!("https://example.com/a#b"), "without `#`"),
        ("spdxjson", "/creationInfo/creators/0", json!("me"), "begins with `Tool: `"),
        ("spdx3", "/@graph/3/type", json!("SpdxDocument"), "one `SpdxDocument`, and not 2"),
        ("openvex", "/statements/0/justification", Value::Null, "`/statements/0/justification` is missing"),
        (
            "openvex",
            "/statements/1/action_statement",
            Value::Null,
            "`/statements/1/action_statement` is missing",
        ),
        (
            "csaf",
            "/vulnerabilities/0/product_status",
            Value::Null,
            "`/vulnerabilities/0/product_status` is missing",
        ),
        ("slsaprovenance1", "/runDetails/metadata/finishedOn", json!("yesterday"), "a time of RFC 3339"),
        ("test-result", "/configuration/0", json!({"name": "x"}), "`uri`, `digest` or `content`"),
    ];
    for (name, pointer, value, expected) in cases {
        let text = GOOD.iter().find(|(good, _)| *good == name).unwrap().1;
        let mut changed: Value = serde_json::from_str(text).unwrap();
        *changed.pointer_mut(pointer).unwrap() = value;
        let said = fault(name, changed.to_string().as_bytes()).unwrap_or_default();
        assert!(said.contains(expected), "{name} {pointer}: {said}");
    }
}

#[test]
fn a_predicate_with_a_name_twice_no_text_or_no_end_of_depth_is_refused_of_every_kind() {
    let deep = format!("{}1{}", r#"{"a":"#.repeat(100), "}".repeat(100));
    let hostile: [(&[u8], &str); 5] = [
        (br#"{"bomFormat":"CycloneDX","bomFormat":"CycloneDX"}"#, "`/bomFormat` is there twice"),
        (b"{\"a\":\"\xff\xfe\"}", "not UTF-8"),
        (deep.as_bytes(), "deeper than the 64 levels"),
        (b"", "EOF"),
        (b"[1e999]", "number out of range"),
    ];
    for (name, _) in GOOD {
        for (bytes, expected) in hostile {
            let said = fault(name, bytes).unwrap_or_default();
            assert!(said.contains(expected), "{name}: {said}");
        }
    }
}

#[test]
fn an_spdx_document_as_tags_and_values_is_the_text_that_cosign_makes_of_it() {
    let kind = kind("spdx");
    assert!(kind.read(br#""SPDXVersion: SPDX-2.3\nDataLicense: CC0-1.0\n""#).is_ok());
    let said = kind.read(br#""just a text""#).unwrap_err().to_string();
    assert!(said.contains("SPDXVersion"), "{said}");
}

#[test]
fn builder_and_source_are_what_the_builds_own_parameters_say_and_no_dependency() {
    let provenance = |name: &str| -> (PredicateType, Value) {
        let text = GOOD.iter().find(|(good, _)| *good == name).unwrap().1;
        (kind(name), serde_json::from_str(text).unwrap())
    };
    for name in ["slsaprovenance1", "slsaprovenance02"] {
        let (kind, predicate) = provenance(name);
        assert_eq!(kind.builder(&predicate), Some("https://ci.example.com/runner"), "{name}");
        assert_eq!(kind.sources(&predicate), ["https://git.example.com/team/app"], "{name}");
    }
    let (kind, mut predicate) = provenance("slsaprovenance1");
    predicate["buildDefinition"]["externalParameters"] = json!({});
    assert!(kind.sources(&predicate).is_empty(), "a dependency is nobody's source");
}

#[test]
fn the_documentation_names_every_kind_with_its_words_and_its_type() {
    let page = include_str!("../../../../docs/formats/attestations.md");
    for kind in PredicateKind::ALL {
        let words = kind.aliases.iter().chain([&kind.word]).all(|word| page.contains(&format!("`{word}`")));
        let row =
            page.lines().find(|line| line.starts_with('|') && line.contains(&format!("`{}`", kind.uri)));
        assert!(words && row.is_some_and(|row| row.contains(kind.what)), "{}", kind.word);
    }
}
