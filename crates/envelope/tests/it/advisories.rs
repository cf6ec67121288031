//! What others got wrong with metadata of TUF.

use envelope::tuf::{NewMetadata, Opened, RoleKeys, Root, Targets, is_file_name};
use model::{Algorithm, Instant, TufRole};
use testkit::Key;

/// CVE-2026-23992: a threshold of zero or less was met by nobody.
#[test]
fn a_root_of_tuf_with_a_threshold_of_zero_is_not_read() {
    let key = Key::generate(Algorithm::EcdsaP256).public();
    let roles = [TufRole::Root, TufRole::Targets, TufRole::Snapshot, TufRole::Timestamp];
    let keys: RoleKeys = roles.into_iter().map(|role| (role, vec![key.clone()])).collect();
    let root = NewMetadata::root(1, Instant::from_seconds(1_800_000_000), &keys).seal([]);
    let text = String::from_utf8(root.bytes).unwrap();
    let opened = Opened::<Root>::parse(text.as_bytes()).unwrap();
    for role in roles {
        assert!(opened.check(opened.says.signers(role), &opened.says.keys).is_err(), "nobody signed");
    }
    let threshold = text.lines().find(|line| line.contains("threshold")).unwrap().trim();
    for other in ["0", "-1", "4294967296"] {
        let line = threshold.replace('1', other);
        let spoilt = text.replacen(threshold, &line, 1);
        assert_ne!(spoilt, text);
        assert!(Opened::<Root>::parse(spoilt.as_bytes()).is_err(), "{line}");
    }
}

/// CVE-2026-24137: the name of a target led to a file elsewhere.
#[test]
fn a_file_of_our_repository_is_named_by_no_path() {
    for name in ["../trusted_root.json", "/etc/passwd", "a/b", "..", ".hidden", "a\\b", "a\0", "A", ""] {
        assert!(!is_file_name(name), "{name:?}");
    }
    assert!(is_file_name("trusted_root.json"));
    // What others name is read, and is a name and no path.
    let foreign = NewMetadata::targets(1, Instant::EPOCH, [("../x", &b"y"[..])]).seal([]);
    let opened = Opened::<Targets>::parse(&foreign.bytes).unwrap();
    assert!(opened.says.targets.contains_key("../x"));
}
