//! Ids, names, digests and instants: one spelling each.

use std::time::Duration;

use model::{
    Algorithm, Class, Digest, Form, Instant, KeyId, PersonId, PlatformId, PrincipalId, Purpose, RequestId,
    Space,
};

#[test]
fn random_ids_have_one_spelling_and_their_own_prefix() {
    let id = RequestId::new([0xa5; 16]);
    let text = id.to_string();
    assert_eq!(text, "req_uws2ljnfuws2ljnfuws2ljnfuu");
    assert_eq!(text.parse::<RequestId>().unwrap(), id);
    assert!(text.parse::<PrincipalId>().is_err() && text.parse::<PersonId>().is_err());
    for bad in [
        "",
        "req_",
        "uws2ljnfuws2ljnfuws2ljnfuu",
        "REQ_uws2ljnfuws2ljnfuws2ljnfuu",
        "req_UWS2ljnfuws2ljnfuws2ljnfuu",
        "req_uws2ljnfuws2ljnfuws2ljnfu",
        "req_uws2ljnfuws2ljnfuws2ljnfuua",
        // Other bits where only zeros may stand: a second spelling of the same sixteen bytes.
        "req_uws2ljnfuws2ljnfuws2ljnfuv",
        "req_uws2ljnfuws2ljnfuws2ljnfuu======",
        " req_uws2ljnfuws2ljnfuws2ljnfuu",
    ] {
        assert!(bad.parse::<RequestId>().is_err(), "{bad:?}");
    }
    assert_eq!(
        "key_1".parse::<RequestId>().unwrap_err().to_string(),
        "`key_1` is not an id of the form `req_…`"
    );
}

#[test]
fn digest_ids_and_digests_are_lower_case_hexadecimal() {
    let digest = Digest::of(b"abc");
    assert_eq!(digest.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(digest.to_string().parse::<Digest>().unwrap(), digest);
    let key = KeyId::new(digest);
    assert_eq!(key.to_string().parse::<KeyId>().unwrap(), key);
    assert!(key.to_string().parse::<PlatformId>().is_err());
    for bad in [digest.to_string().to_uppercase(), digest.to_string()[1..].to_owned(), format!("{digest}00")]
    {
        assert!(bad.parse::<Digest>().is_err() && format!("key_{bad}").parse::<KeyId>().is_err(), "{bad}");
    }
    assert_eq!(Digest::from_slice(&[0; 31]), None);
}

#[test]
fn spaces_are_paths_of_plain_names() {
    for good in ["a", "payments/api", "a.b-c_d/0", "a/b/c/d/e/f/g/h", &"x".repeat(63)] {
        assert_eq!(good.parse::<Space>().unwrap().as_str(), good);
    }
    for bad in [
        "",
        "/",
        "a/",
        "/a",
        "a//b",
        "A",
        "-a",
        ".",
        "..",
        "a/../b",
        "a b",
        "ä",
        "a/b/c/d/e/f/g/h/i",
        &"x".repeat(64),
        "a\0",
    ] {
        assert!(bad.parse::<Space>().is_err(), "{bad:?}");
    }
    let space = |text: &str| text.parse::<Space>().unwrap();
    assert!(space("payments/api").is_within(&space("payments")));
    assert!(space("payments").is_within(&space("payments")));
    assert!(!space("payments").is_within(&space("payments/api")));
    assert!(!space("payments-old").is_within(&space("payments")), "a prefix ends where a name ends");
}

#[test]
fn instants_have_one_spelling() {
    for (nanoseconds, text) in [
        (0, "1970-01-01T00:00:00Z"),
        (1, "1970-01-01T00:00:00.000000001Z"),
        (1_795_165_602_500_000_000, "2026-11-20T09:06:42.5Z"),
        (u64::MAX, "2554-07-21T23:34:33.709551615Z"),
    ] {
        let instant = Instant::from_nanoseconds(nanoseconds);
        assert_eq!(instant.to_string(), text);
        assert_eq!(text.parse::<Instant>().unwrap(), instant);
    }
    for bad in [
        "",
        "2026-11-20",
        "2026-11-20T09:06:42",
        "2026-11-20T09:06:42+00:00",
        "2026-13-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "2555-01-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-11-20T25:00:00Z",
    ] {
        assert!(bad.parse::<Instant>().is_err(), "{bad:?}");
    }
}

#[test]
fn instants_stop_at_the_ends_of_time_and_do_not_wrap() {
    let last = Instant::from_nanoseconds(u64::MAX);
    assert_eq!(last.after(Duration::from_secs(1)), last);
    assert_eq!(last.after(Duration::MAX), last);
    assert_eq!(Instant::from_seconds(u64::MAX), last);
    assert_eq!(Instant::EPOCH.before(Duration::from_nanos(1)), Instant::EPOCH);
    assert_eq!(Instant::EPOCH.since(last), Duration::ZERO);
    assert_eq!(Instant::from_seconds(3).since(Instant::from_seconds(1)), Duration::from_secs(2));
    assert_eq!(Instant::from_nanoseconds(1_999_999_999).whole_second(), Instant::from_seconds(1));
}

#[test]
fn words_are_read_as_they_are_written_and_unknown_ones_name_the_known() {
    for form in Form::ALL {
        assert_eq!(form.word().parse::<Form>().unwrap(), *form);
    }
    for algorithm in Algorithm::ALL {
        assert_eq!(algorithm.to_string().parse::<Algorithm>().unwrap(), *algorithm);
    }
    assert!("Release".parse::<Class>().is_err());
    let refused = "signing".parse::<Purpose>().unwrap_err().to_string();
    assert!(
        refused.starts_with("`signing` is not known here; known are code, certificate, ca, "),
        "{refused}"
    );
}
