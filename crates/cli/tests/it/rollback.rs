//! A server's folder that was put back where the log does not tell, because nothing was logged: what the journal saw of
//! the ledger does.

use std::fs;

use crate::site::{Site, alone, copy_folder};

/// A platform that signs without token and entry.
fn quiet() -> Site {
    let site = Site::new();
    let keys = ["--key", "blob=default/blob", "--without-timestamp", "--without-log"];
    site.good(&[&["profile", "create", "default/quiet", "--dir", &site.data()][..], &keys].concat());
    site
}

fn sign(site: &Site, name: &str) -> (i32, String) {
    fs::write(site.folder.path().join(name), format!("bytes of {name}")).unwrap();
    site.run(&["sign", name, "--profile", "default/quiet"])
}

/// A part of the data folder as it is now, for later.
fn keep(site: &Site, part: &str, name: &str) {
    copy_folder(&site.dir.join(part), &site.folder.path().join(name));
}

/// What was kept takes the place of a part of the data folder.
fn put_back(site: &Site, part: &str, name: &str) {
    fs::remove_dir_all(site.dir.join(part)).unwrap();
    copy_folder(&site.folder.path().join(name), &site.dir.join(part));
}

/// Starts, and is not taken for good; what is said of it.
fn refused_by_start(site: &mut Site) -> String {
    site.start();
    let (code, said) = sign(site, "never.bin");
    assert!(code == 2 && said.contains("this server only reads"), "{said}");
    site.stop();
    site.said()
}

#[test]
fn a_ledger_that_was_put_back_is_named_by_fsck_and_by_the_start() {
    let _alone = alone();
    let mut site = quiet();
    assert_eq!(sign(&site, "one.bin").0, 0);
    site.stop();
    keep(&site, "server", "older");
    site.start();
    assert_eq!(sign(&site, "two.bin").0, 0);
    site.stop();
    keep(&site, "server", "newest");
    site.good(&["fsck", &site.data()]);

    put_back(&site, "server", "older");
    let (code, said) = site.run(&["fsck", &site.data()]);
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains(
            "the journal saw a ledger of 5 leaves, and there are 3: the store is not the newest one"
        ),
        "{said}"
    );
    assert!(!said.contains("the key process signed a checkpoint"), "the log tells nothing here: {said}");
    let said = refused_by_start(&mut site);
    assert!(said.contains("the journal saw an audit ledger of 5 leaves, and the store knows 3"), "{said}");

    put_back(&site, "server", "newest");
    site.good(&["fsck", &site.data()]);
    site.start();
    assert_eq!(sign(&site, "three.bin").0, 0);
}

#[test]
fn another_ledger_than_the_journal_saw_is_named_by_fsck_and_by_the_start() {
    let _alone = alone();
    let mut site = quiet();
    site.stop();
    keep(&site, "server", "server-before");
    keep(&site, "signerd", "signerd-before");
    site.start();
    assert_eq!(sign(&site, "one.bin").0, 0);
    site.stop();
    keep(&site, "server", "server-of-one");
    put_back(&site, "server", "server-before");
    put_back(&site, "signerd", "signerd-before");
    site.start();
    assert_eq!(sign(&site, "other.bin").0, 0);
    site.stop();
    site.good(&["fsck", &site.data()]);

    put_back(&site, "server", "server-of-one");
    let (code, said) = site.run(&["fsck", &site.data()]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("the ledger's first 2 leaves are not those that the journal saw"), "{said}");
    let said = refused_by_start(&mut site);
    assert!(said.contains("the first 2 leaves of the audit ledger are not those"), "{said}");
}
