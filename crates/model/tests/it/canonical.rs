//! Requests and items in any other spelling than their own are refused.

use std::fs;
use std::path::Path;

use model::{Item, ItemError, Items, Request, limits};
use serde_json::Value;

fn golden(name: &str) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/requests.json");
    serde_json::from_str::<Value>(&fs::read_to_string(file).unwrap()).unwrap()[name].take()
}

fn request() -> String {
    golden("release of three items")["request"].as_str().unwrap().to_owned()
}

fn items() -> Vec<String> {
    let items = golden("release of three items")["items"].take();
    items.as_array().unwrap().iter().map(|one| one["item"].as_str().unwrap().to_owned()).collect()
}

fn text(error: &dyn std::error::Error) -> String {
    let cause = error.source().map(text);
    cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

/// The refusal of the golden request, in which `from` was replaced by `to`.
#[track_caller]
fn refusal(from: &str, to: &str) -> String {
    let request = request();
    assert!(request.contains(from), "{from} is not there");
    text(&Request::parse(request.replacen(from, to, 1).as_bytes()).unwrap_err())
}

#[test]
fn another_spelling_of_the_same_request_is_refused() {
    let not_canonical =
        "not a request: JSON that is not in the canonical form of RFC 8785: it differs at byte ";
    let version = "\"version\":1";
    for (from, to) in [
        ("{\"created\"", "{ \"created\""),
        (version, "\"version\": 1"),
        ("\"reason\":\"R", "\"reason\":\"\\u0052"),
        ("ö", "\\u00f6"),
        ("https://git", "https:\\/\\/git"),
    ] {
        let refused = refusal(from, to);
        assert!(refused.starts_with(not_canonical), "{to}: {refused}");
    }
    let request = request();
    let swapped = request.replacen(",\"version\":1}", "}", 1).replacen('{', "{\"version\":1,", 1);
    let refused = text(&Request::parse(swapped.as_bytes()).unwrap_err());
    assert_eq!(refused, format!("{not_canonical}2"));
    let spaced = text(&Request::parse(format!("{request}\n").as_bytes()).unwrap_err());
    assert_eq!(spaced, format!("{not_canonical}{}", request.len()));
}

#[test]
fn what_is_not_the_json_of_a_request_is_refused() {
    let not_json = "not a request: not the JSON that is expected here: ";
    for (from, to) in [
        ("\"version\":1", "\"version\":1,\"extra\":1"),
        ("\"version\":1", "\"version\":1,\"version\":1"),
        ("\"version\":1", "\"version\":1.0"),
        ("\"version\":1", "\"version\":1e0"),
        ("\"version\":1", "\"version\":-1"),
        ("\"version\":1", "\"version\":\"1\""),
        ("\"count\":3", "\"count\":4294967296"),
        ("\"sign\":{", "\"sing\":{"),
        ("\"class\":\"release\"", "\"class\":\"Release\""),
        ("\"disclosure\":\"items\"", "\"disclosure\":\"all\""),
        ("\"proven\":\"client-certificate\"", "\"proven\":\"hearsay\""),
        ("\"id\":\"req_", "\"id\":\"prn_"),
        ("\"platform\":\"plt_", "\"platform\":\"key_"),
        ("\"space\":\"payments/api\"", "\"space\":\"payments//api\""),
        ("T09:06:42Z", "T09:06:42+00:00"),
        ("\"nonce\":\"5a", "\"nonce\":\"5A"),
    ] {
        let refused = refusal(from, to);
        assert!(refused.starts_with(not_json), "{to}: {refused}");
    }
    assert!(Request::parse(b"").is_err());
    assert!(Request::parse(b"\xff").is_err());
    assert!(Request::parse(&b"[".repeat(60_000)).is_err());
    let long = vec![b' '; limits::REQUEST_BYTES_MAX + 1];
    let refused = text(&Request::parse(&long).unwrap_err());
    assert_eq!(refused, "not a request: 65537 bytes of JSON where at most 65536 are allowed");
}

#[test]
fn a_request_outside_of_its_limits_says_which_field_is_wrong() {
    assert_eq!(
        refusal("\"version\":1", "\"version\":2"),
        "a request of version 2; this avouch knows version 1"
    );
    assert_eq!(
        refusal("2026-11-21T09:06:42.000000001Z", "2026-11-20T09:06:42Z"),
        "the request's deadline 2026-11-20T09:06:42Z is not after its creation 2026-11-20T09:06:42Z"
    );
    let long = "x".repeat(limits::TEXT_BYTES_MAX + 1);
    let bad = |field: &str| format!("the request's `{field}` is too long, or holds control characters");
    assert_eq!(refusal("Release 4.2", &long), bad("reason"));
    assert_eq!(refusal("Release 4.2", "Release\\n4.2"), bad("reason"));
    assert_eq!(refusal("\"product\":\"Payments", "\"product\":\"\\u001b[2J"), bad("subject.product"));
    assert_eq!(refusal("refs/tags/v4.2.0", &long), bad("subject.source.ref"));
    assert_eq!(refusal("\"count\":3", "\"count\":0"), "a request of 0 items, where 1 to 1024 are allowed");
    assert_eq!(
        refusal("\"count\":3", "\"count\":1025"),
        "a request of 1025 items, where 1 to 1024 are allowed"
    );
    let digest = format!("\"{}\",", "0".repeat(64));
    assert_eq!(refusal("\"evidence\":[", &format!("\"evidence\":[{}", digest.repeat(63))), bad("evidence"));
}

#[test]
fn an_item_outside_of_its_limits_says_which_field_is_wrong() {
    let [file, statement, notes] = items().try_into().unwrap();
    let refusal = |item: &str, from: &str, to: &str| {
        assert!(item.contains(from), "{from} is not there");
        text(&Item::parse(item.replacen(from, to, 1).as_bytes()).unwrap_err())
    };
    let bad = |field: &str| format!("the item's `{field}` is empty, too long or too large");
    assert_eq!(refusal(&file, "installer.exe", ""), bad("name"));
    assert_eq!(refusal(&file, "installer.exe", &"x".repeat(256)), bad("name"));
    assert_eq!(refusal(&file, "installer.exe", "a\\tb"), bad("name"));
    assert_eq!(
        refusal(&file, "\"length\":9007199254740992", "\"length\":9007199254740994"),
        bad("content.length")
    );
    // The next integer after 2^53 has no canonical form at all: it cannot be told from its neighbour.
    let next = refusal(&file, "\"size\":9007199254740992", "\"size\":9007199254740993");
    assert!(next.starts_with("not an item: JSON that is not in the canonical form"), "{next}");
    assert_eq!(refusal(&file, "\"size\":9007199254740992", "\"size\":9007199254740994"), bad("file.size"));
    assert_eq!(refusal(&notes, "\"namespace\":\"file\"", "\"namespace\":\"\""), bad("parameters.namespace"));
    assert_eq!(refusal(&statement, "application/vnd.in-toto+json", ""), bad("parameters.payloadType"));
    let comment =
        |text: &str| refusal(&notes, "\"namespace\":\"file\"", &format!("\"trustedComment\":\"{text}\""));
    for wrong in ["", "two\\nlines", "a\\rb", "\\u001b[2J", &"x".repeat(limits::TEXT_BYTES_MAX + 1)] {
        assert_eq!(comment(wrong), bad("parameters.trustedComment"));
    }
    // Empty parameters have one spelling: none.
    assert!(
        refusal(&notes, "{\"namespace\":\"file\"}", "{}")
            .starts_with("not an item: JSON that is not in the canonical")
    );
    assert!(refusal(&notes, "{\"namespace\":\"file\"}", "null").starts_with("not an item: not the JSON"));
    // Base64 in any other spelling.
    assert!(refusal(&statement, "\"bytes\":\"e", "\"bytes\":\"=").starts_with("not an item: not the JSON"));
    assert!(
        refusal(&statement, "\"bytes\":\"eyJ", "\"bytes\":\"-yJ").starts_with("not an item: not the JSON")
    );
}

#[test]
fn items_stand_where_they_say_they_stand() {
    let items: Vec<Vec<u8>> = items().into_iter().map(String::into_bytes).collect();
    let swapped = vec![items[1].clone(), items[0].clone()];
    let refused = Items::parse(swapped).unwrap_err();
    assert_eq!(text(&refused), "the item at place 0 says that its index is 1");
    assert!(matches!(Items::parse(vec![]), Err(ItemError::Count { count: 0 })));
    let many = vec![items[0].clone(); limits::ITEMS_MAX + 1];
    assert_eq!(text(&Items::parse(many).unwrap_err()), "1025 items, where a request has 1 to 1024");
}
