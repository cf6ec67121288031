//! A key of the platform that another follows: by hand after a rotation, and by an adoption.

use std::fs;
use std::process::{Child, Stdio};

use model::Clock;
use signerd::SystemClock;

use crate::holders::World;
use crate::site::{Site, copy_folder};

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

/// The key process alone, without a server, until it is dropped.
struct KeyProcess(Child);

impl KeyProcess {
    fn start(site: &Site) -> Self {
        let child = site.command().args(["signerd", &site.data()]).stderr(Stdio::null()).spawn().unwrap();
        let started = Self(child);
        site.wait_until(|| {
            site.dir.join("run/signerd/orders.sock").exists()
                && site.run(&["key", "list", "--dir", &site.data()]).0 == 0
        });
        started
    }
}

impl Drop for KeyProcess {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

#[test]
fn logs_that_an_adoption_left_are_left_also_when_their_successors_were_rotated_before_they_began() {
    let mut world = World::new();
    let data = world.site.data();
    let (server, kept) = (world.site.dir.join("server"), world.site.folder.path().join("kept"));
    world.sign_as("ada@example.com");
    world.site.stop();
    copy_folder(&server, &kept);
    world.site.start();
    world.sign_as("ben@example.com");
    world.site.stop();
    // The newest store is lost, and the key process knows more of both logs.
    fs::remove_dir_all(&server).unwrap();
    copy_folder(&kept, &server);
    let public = world.site.dir.join("admin/administrator.pub").to_string_lossy().into_owned();
    good(&world.site, &["signerd", "adopt", &data, "--reason", "a disk was lost", "--admin", &public]);
    let alone = KeyProcess::start(&world.site);
    for log in ["log", "ct"] {
        let rotate = ["trust", "rotate", log, "--lead", "0s", "--overlap", "0s", "--dir", &data];
        let passphrase = world.site.path("passphrase");
        let endorsed = ["--admin-passphrase-file", &passphrase];
        let (_, said) = world.site.run(&[&rotate[..], &endorsed].concat());
        assert!(said.contains("is in force"), "{said}");
    }
    drop(alone);
    world.site.start();
    world.site.good(&["sigstore", "files", &world.site.path("sigstore")]);
    world.sign_as("cleo@example.com");
    world.site.stop();
    let said = world.site.good(&["fsck", &data]);
    assert!(said.contains("an adoption left it behind"), "{said}");
}
