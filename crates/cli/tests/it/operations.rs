//! What an operator does: check, back up, restore, adopt, upgrade.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::Path;

use signer::Frame;

use crate::site::{Site, alone, copy_folder};

fn administrator(site: &Site) -> [String; 4] {
    let public = site.dir.join("admin/administrator.pub").to_string_lossy().into_owned();
    ["--admin".to_owned(), public, "--admin-passphrase-file".to_owned(), site.path("passphrase")]
}

fn adopt(of: &Site, site: &Site) -> String {
    let endorser = administrator(of);
    let data = site.data();
    let mut arguments = vec!["signerd", "adopt", &data, "--reason", "a test of loss"];
    arguments.extend(endorser.iter().map(String::as_str));
    site.good(&arguments)
}

/// Serves, signs nothing, shows what there is, and ends again; what the launcher says of it.
fn only_reads(site: &mut Site) -> String {
    site.start();
    let (code, said) = site.sign("never.bin");
    assert!(code == 2 && said.contains("this server only reads"), "{said}");
    site.good(&["log", "prove", "1"]);
    assert!(site.good(&["request", "list", "--state", "done"]).contains(" default\n"));
    let (code, said) = site.run(&["doctor", &site.data()]);
    assert!(code == 2 && said.contains("this server only reads"), "{said}");
    site.stop();
    fs::remove_file(site.folder.path().join("never.bin")).unwrap();
    site.said()
}

#[test]
fn a_second_launcher_and_a_second_server_on_one_folder_are_refused_by_name() {
    let site = Site::new();
    let (code, said) = site.run(&["serve", &site.data()]);
    assert_ne!(code, 0);
    assert!(said.contains("runs on") || said.contains("serves"), "{said}");
    // A server alone, on ports of its own: the store's lock refuses it.
    let other = site.folder.path().join("other");
    fs::create_dir(&other).unwrap();
    let config = fs::read_to_string(site.dir.join("avouch.toml")).unwrap();
    let moved = config.lines().map(|line| match line.split_once(" = ") {
        Some((key, _)) if key.ends_with("listen") => format!("{key} = \"127.0.0.1:0\"\n"),
        Some(("admin_socket", value)) if value.contains("server") => {
            "admin_socket = \"admin.sock\"\n".to_owned()
        }
        Some((key @ ("folder" | "passphrase_file" | "socket" | "admin_socket"), value)) => {
            format!("{key} = \"{}/{}\"\n", site.data(), value.trim_matches('"'))
        }
        _ => format!("{line}\n"),
    });
    fs::write(other.join("avouch.toml"), moved.collect::<String>()).unwrap();
    fs::create_dir(other.join("run")).unwrap();
    let (code, said) = site.run(&["server", &other.to_string_lossy()]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("two servers never share a folder"), "{said}");
    let (code, said) = site.run(&["fsck", &site.data()]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("its books move"), "{said}");
    assert_eq!(site.sign("still.bin").0, 0, "the first goes on");
}

#[test]
fn a_backup_made_under_load_restores_with_its_heads_and_names_every_receipt_that_is_younger() {
    let _alone = alone();
    let mut site = Site::new();
    assert_eq!(site.sign("before.bin").0, 0);
    let backup = site.path("backup");
    std::thread::scope(|scope| {
        let own = site.at(&site.dir);
        let load = scope.spawn(move || {
            (0..6).for_each(|n| assert_eq!(own.sign(&format!("during-{n}.bin")).0, 0));
            own
        });
        let said = site.good(&["backup", &site.data(), &backup]);
        assert!(said.contains("is not in it"), "{said}");
        let own = load.join().unwrap();
        for n in 0..6 {
            let name = format!("during-{n}.bin.receipt.json");
            fs::copy(own.folder.path().join(&name), site.folder.path().join(&name)).unwrap();
        }
    });
    assert_eq!(site.sign("after.bin").0, 0);
    let held = site.receipts();
    site.stop();
    assert_eq!(site.run(&["fsck", &site.data(), "--receipt", &held]).0, 0);

    let restored = site.at(&site.folder.path().join("restored"));
    restored.good(&["restore", &backup, &restored.data()]);
    let (code, said) = restored.run(&["restore", &backup, &restored.data()]);
    assert!(code == 3 && said.contains("may be newer"), "{said}");
    fs::copy(site.dir.join("signerd/passphrase"), restored.dir.join("signerd/passphrase")).unwrap();
    let manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(site.folder.path().join("backup/manifest.json")).unwrap()).unwrap();
    let (code, said) = restored.run(&["fsck", &restored.data(), "--receipt", &held]);
    assert_eq!(code, 1, "{said}");
    for book in ["journal", "ledger", "log"] {
        assert!(said.contains(manifest[book]["root"].as_str().unwrap()), "{book}: {said}");
    }
    let found: Vec<&str> = said.lines().filter(|line| line.starts_with("found:")).collect();
    assert!(found.iter().all(|line| line.contains("is missing here")), "{said}");
    assert!(found.iter().any(|line| line.contains("after.bin")), "{said}");
    assert!(!found.iter().any(|line| line.contains("before.bin")), "{said}");
}

#[test]
fn a_key_process_that_was_restored_signs_nothing_stateful_until_it_is_adopted() {
    let _alone = alone();
    let mut site = Site::new();
    assert_eq!(site.sign("one.bin").0, 0);
    let backup = site.path("backup");
    site.good(&["backup", &site.data(), &backup, "--with-passphrase"]);
    assert_eq!(site.sign("two.bin").0, 0);
    site.stop();
    let mut restored = site.at(&site.folder.path().join("restored"));
    restored.good(&["restore", &backup, &restored.data()]);
    assert!(only_reads(&mut restored).contains("run `avouch fsck`"));
    assert!(restored.good(&["fsck", &restored.data()]).contains("comes from a backup and was not adopted"));
    assert!(only_reads(&mut restored).contains("administrators adopt it"));
    let said = adopt(&site, &restored);
    assert!(said.contains("-2.log.localhost"), "{said}");
    restored.start();
    assert_eq!(restored.sign("three.bin").0, 0);
    restored.good(&["verify", "three.bin"]);
    // The log that was frozen is read on, by its name and by what follows it.
    restored.good(&["trust", "export"]);
    let frozen = ["log", "--shard", "2026.log.localhost"];
    let newest = restored.good(&["log", "checkpoint"]);
    assert!(newest.starts_with("2026-2.log.localhost\n"), "{newest}");
    let said = restored.good(&[frozen.as_slice(), &["checkpoint"]].concat());
    assert!(said.starts_with("2026.log.localhost\n2\n"), "{said}");
    restored.good(&[frozen.as_slice(), &["prove", "1"]].concat());
    restored.good(&[frozen.as_slice(), &["follow", "--once"]].concat());
    let (code, said) = restored.run(&["log", "checkpoint", "--shard", "2025.log.localhost"]);
    assert!(code == 3 && said.contains("names no log `2025.log.localhost`"), "{said}");
    restored.stop();
    let said = restored.good(&["fsck", &restored.data(), "--receipt", &restored.receipts()]);
    assert!(said.contains("adoption 1") && said.contains("is frozen: 2 entries"), "{said}");
    // What was signed before stands under the new trust root too.
    fs::copy(site.folder.path().join("one.bin"), restored.folder.path().join("one.bin")).unwrap();
    for ending in [".receipt.json", ".sigstore.json", ".p7s"] {
        let name = format!("one.bin{ending}");
        fs::copy(site.folder.path().join(&name), restored.folder.path().join(&name)).unwrap();
    }
    restored.good(&["verify", "one.bin"]);
}

#[test]
fn a_stale_backup_of_the_server_cannot_fork_the_log() {
    let _alone = alone();
    let mut site = Site::new();
    assert_eq!(site.sign("one.bin").0, 0);
    let backup = site.path("backup");
    site.good(&["backup", &site.data(), &backup]);
    assert_eq!(site.sign("two.bin").0, 0);
    site.stop();
    fs::rename(site.dir.join("server"), site.folder.path().join("lost")).unwrap();
    site.good(&["restore", &backup, &site.data(), "--only", "server"]);
    let (code, said) = site.run(&["fsck", &site.data()]);
    assert!(code == 1 && said.contains("the store is not the newest one"), "{said}");
    assert!(said.contains("which no row knows"), "{said}");
    // Somebody takes the mark away and starts all the same.
    fs::remove_file(site.dir.join("server/restored")).unwrap();
    assert!(only_reads(&mut site).contains("would fork the log"));
    let of = site.at(&site.dir);
    adopt(&of, &site);
    site.good(&["fsck", &site.data()]);
    site.start();
    assert_eq!(site.sign("three.bin").0, 0);
    site.stop();
    let said = site.good(&["fsck", &site.data()]);
    assert!(said.contains("an adoption left it behind") && said.contains("its row is not here"), "{said}");
}

#[test]
fn a_key_process_that_was_put_back_alone_is_told_and_adopted() {
    let _alone = alone();
    let mut site = Site::new();
    assert_eq!(site.sign("one.bin").0, 0);
    let backup = site.path("backup");
    site.good(&["backup", &site.data(), &backup, "--with-passphrase"]);
    assert_eq!(site.sign("two.bin").0, 0);
    site.stop();
    fs::rename(site.dir.join("signerd"), site.folder.path().join("lost")).unwrap();
    site.good(&["restore", &backup, &site.data(), "--only", "key-process"]);
    let (code, said) = site.run(&["fsck", &site.data()]);
    assert!(code == 1 && said.contains("its folder is not the newest one"), "{said}");
    assert!(said.contains("which the journal does not reach"), "{said}");
    assert!(only_reads(&mut site).contains("the key process was put back"));
    let of = site.at(&site.dir);
    adopt(&of, &site);
    site.start();
    assert_eq!(site.sign("three.bin").0, 0);
    site.stop();
    let said = site.good(&["fsck", &site.data(), "--receipt", &site.receipts()]);
    assert!(said.contains("the intents of 2 signatures are lost"), "{said}");
}

#[test]
fn a_restored_server_that_knows_the_last_checkpoint_goes_on() {
    let _alone = alone();
    let mut site = Site::new();
    assert_eq!(site.sign("one.bin").0, 0);
    let backup = site.path("backup");
    site.good(&["backup", &site.data(), &backup]);
    site.stop();
    fs::rename(site.dir.join("server"), site.folder.path().join("lost")).unwrap();
    site.good(&["restore", &backup, &site.data(), "--only", "server"]);
    let said = site.good(&["fsck", &site.data()]);
    assert!(said.contains("the restored folder is whole"), "{said}");
    site.start();
    assert_eq!(site.sign("two.bin").0, 0);
    site.stop();
    let said = site.good(&["fsck", &site.data(), "--receipt", &site.receipts()]);
    assert!(said.contains("4 entries"), "{said}");
}

#[test]
fn a_backup_that_was_changed_is_not_restored() {
    let site = Site::new();
    let backup = site.path("backup");
    site.good(&["backup", &site.data(), &backup]);
    let note = site.folder.path().join("backup/server/tiles/checkpoint");
    let text = fs::read_to_string(&note).unwrap();
    fs::write(&note, text.replace("localhost", "localhosT")).unwrap();
    let (code, said) = site.run(&["restore", &backup, &site.path("restored")]);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("is not the file that was backed up"), "{said}");
    assert!(!site.folder.path().join("restored").exists());
}

#[test]
fn an_older_release_refuses_a_newer_store_by_name() {
    let mut site = Site::new();
    site.stop();
    assert!(site.good(&["upgrade", "--check", &site.data()]).contains("schema `0001_beginning`"));
    let other = site.at(&site.folder.path().join("newer"));
    copy_folder(&site.dir, &other.dir);
    let written = write_later_migration(&other.dir.join("server/store.sqlite"));
    if !written {
        testkit::skip("sqlite3", "the command line of SQLite is not here");
        return;
    }
    let (code, said) = other.run(&["upgrade", "--check", &other.data()]);
    assert!(code == 1 && said.contains("`0999_later`"), "{said}");
    let (code, said) = other.run(&["fsck", &other.data()]);
    assert!(code == 2 && said.contains("`0999_later`"), "{said}");
}

/// A migration of a later release, as another program writes it.
fn write_later_migration(database: &Path) -> bool {
    let sql = "INSERT INTO migrations (number, name) VALUES (999, '0999_later')";
    let done = std::process::Command::new("sqlite3").arg(database).arg(sql).status();
    done.is_ok_and(|status| status.success())
}

#[test]
fn a_reload_asked_of_the_launcher_reaches_the_server_its_certificates_and_its_log_filter() {
    let site = Site::new();
    let certificate = site.dir.join("server/tls/server.pem");
    let good = fs::read(&certificate).unwrap();
    let told = |text: &str| site.said().matches(text).count();
    assert_eq!(told("the TLS files"), 0);
    // What cannot be read is told at once, and nobody is cut off.
    fs::write(&certificate, "not a certificate").unwrap();
    site.hang_up_until(|| told("the TLS files cannot be read again; the old ones stay in use") > 0);
    assert_eq!(site.sign("with-the-old-one.bin").0, 0);
    fs::write(&certificate, &good).unwrap();
    // That all went well is told to who wants to know: the filter is read again as well.
    let config = site.dir.join("avouch.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("[server]\n", "[server]\nlog = \"info\"\n")).unwrap();
    site.hang_up_until(|| told("the TLS files were read again") > 0);
    assert_eq!(site.sign("with-the-new-one.bin").0, 0);
    // That it was answered is told once it was.
    site.wait_until(|| told("answered") > 0);
}

#[test]
fn an_adoption_leaves_behind_the_log_that_it_ends_and_none_that_was_followed_before() {
    let _alone = alone();
    let mut site = Site::new();
    assert_eq!(site.sign("one.bin").0, 0);
    let (data, passphrase) = (site.data(), site.path("passphrase"));
    let rotate = ["trust", "rotate", "log", "--lead", "0s", "--overlap", "0s"];
    site.good(&[&rotate[..], &["--dir", &data, "--admin-passphrase-file", &passphrase]].concat());
    let mut names = (2..).map(|n| format!("{n}.bin"));
    site.wait_until(|| site.sign(&names.next().unwrap()).0 == 0 && site.dir.join("server/shards").is_dir());
    site.stop();
    let of = site.at(&site.dir);
    adopt(&of, &site);
    site.good(&["fsck", &site.data()]);
    fs::rename(site.dir.join("server/shards"), site.folder.path().join("lost")).unwrap();
    let (code, said) = site.run(&["fsck", &site.data()]);
    let found = "log `2026.log.localhost`: the key process signed a checkpoint for";
    assert!(code == 1 && said.contains(found), "{said}");
}

#[test]
fn where_every_place_for_orders_is_kept_a_key_is_disabled_all_the_same() {
    let site = Site::new();
    let socket = site.dir.join("run/signerd/orders.sock");
    // What a server can do that is taken over: each is told the state, and does not go until one is sent away.
    let mut kept = Vec::new();
    loop {
        let mut stream = UnixStream::connect(&socket).unwrap();
        Frame::Ask.write(&mut stream).unwrap();
        match Frame::read(&mut stream).unwrap() {
            Frame::State(_) => kept.push(stream),
            Frame::Refused(_) => break,
            other => panic!("{other:?}"),
        }
    }
    let (data, passphrase) = (site.data(), site.path("passphrase"));
    let disable = ["key", "disable", "default/blob", "--reason", "a test", "--dir", &data];
    let (code, said) = site.run(&[&disable[..], &["--admin-passphrase-file", &passphrase]].concat());
    let listed = site.good(&["key", "list", "--dir", &data]);
    drop(kept);
    assert_eq!(code, 0, "{said}");
    assert!(listed.contains("suspended"), "{listed}");
}

#[test]
fn where_the_server_cannot_be_told_a_key_is_disabled_and_the_command_says_so() {
    let site = Site::new();
    std::fs::remove_file(site.dir.join("run/server/admin.sock")).unwrap();
    let (data, passphrase) = (site.data(), site.path("passphrase"));
    let disable = ["key", "disable", "default/blob", "--reason", "a test", "--dir", &data];
    let (code, said) = site.run(&[&disable[..], &["--admin-passphrase-file", &passphrase]].concat());
    assert!(code == 2 && said.contains("the change is in force at the key process"), "{code}: {said}");
    assert!(said.contains("do: do not repeat it"), "{said}");
    assert!(site.good(&["key", "list", "--dir", &data]).contains("suspended"));
}
