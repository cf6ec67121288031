//! A key of the platform that another follows: by hand after a rotation, and by an adoption.

use std::fs;

use model::Clock;
use signerd::SystemClock;

use crate::site::Site;

/// With the flags of the administrator who founded it.
fn good(site: &Site, arguments: &[&str]) -> String {
    let endorsed = ["--admin-passphrase-file", &site.path("passphrase")];
    site.good(&[arguments, &endorsed].concat())
}

#[test]
fn an_authority_that_is_made_after_a_rotation_is_in_use_at_once() {
    let site = Site::new();
    let data = site.data();
    let asserted = ["key", "create", "platform/asserted", "--form", "certificate", "--asserted"];
    good(&site, &["trust", "rotate", "ca", "--lead", "0s", "--overlap", "1h", "--dir", &data]);
    // Times of taking over are whole seconds.
    let rotated = SystemClock.now().seconds();
    site.wait_until(|| SystemClock.now().seconds() > rotated);
    good(&site, &[&asserted[..], &["--dir", &data]].concat());
    let root = site.path("exported.json");
    fs::write(&root, site.good(&["trust", "export"])).unwrap();
    let shown = site.good(&["trust", "show", &root]);
    let line = shown.lines().find(|line| line.trim_start().starts_with("platform/asserted#1"));
    assert!(line.is_some_and(|line| line.contains(" in use since ")), "{shown}");
}

#[test]
fn an_adoption_begins_the_next_log_of_rekor_v1() {
    let mut site = Site::new();
    let data = site.data();
    good(&site, &["key", "create", "platform/rekor-v1", "--form", "set", "--dir", &data]);
    site.stop();
    let public = site.dir.join("admin/administrator.pub").to_string_lossy().into_owned();
    let said = good(&site, &["signerd", "adopt", &data, "--reason", "a test of loss", "--admin", &public]);
    let begun = said.lines().find(|line| line.starts_with("log `v1.log.localhost - "));
    assert!(begun.is_some_and(|line| line.contains("is frozen; `v1.log.localhost - ")), "{said}");
    site.start();
    let listed = site.good(&["key", "list", "--dir", &data]);
    let next = listed.lines().find(|line| line.starts_with("platform/rekor-v1#2"));
    assert!(next.is_some_and(|line| line.contains("active")), "{listed}");
}
