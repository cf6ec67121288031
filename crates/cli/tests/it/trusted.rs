//! The TUF repository of a whole platform: followed by our own client, by python-tuf and by cosign, rotated meanwhile, and
//! held against a server that shows what it likes.

use std::fs;
use std::path::{Path, PathBuf};

use testkit::{HttpSite, Reply};

use crate::command_line::text;
use crate::holders::World;
use crate::sigstore_site::ADA;

/// A platform whose repository says where it really is.
pub(crate) fn published() -> World {
    let world = World::new();
    publish(&world, &[]);
    fs::write(world.site.path("root.json"), world.site.good(&["trust", "export", "--tuf"])).unwrap();
    world
}

pub(crate) fn publish(world: &World, more: &[&str]) -> String {
    let (data, passphrase) = (world.site.data(), world.site.path("passphrase"));
    let endorsed = ["--dir", &data, "--admin-passphrase-file", &passphrase];
    world.site.good(&[&["trust", "publish"], &endorsed[..], more].concat())
}

pub(crate) fn repository(world: &World) -> String {
    format!("{}/tuf", crate::holders::public_url(&world.site))
}

/// Follows the repository at this address into a new folder.
pub(crate) fn follow(world: &World, dir: &str, url: &str) -> (i32, String) {
    let ca = world.site.dir.join("server/tls/ca.pem").to_string_lossy().into_owned();
    world.site.run(&["trust", "follow", dir, "--repository", url, "--root", "root.json", "--ca", &ca])
}

#[test]
fn what_is_trusted_comes_from_the_repository_and_goes_with_every_rotation_of_its_keys() {
    let world = published();
    let (code, said) = follow(&world, "followed", &repository(&world));
    assert_eq!(code, 0, "{said}");
    let fetched = || fs::read_to_string(world.site.path("followed/targets/trusted_root.json")).unwrap();
    let root: serde_json::Value = serde_json::from_str(&fetched()).unwrap();
    assert_eq!(root["tlogs"].as_array().unwrap().len(), 1);
    assert!(publish(&world, &[]).contains("says what the platform says now"), "nothing is published twice");

    // Signed and verified by what it says alone.
    fs::write(world.site.path("token"), world.token(ADA)).unwrap();
    let sign = ["sign", "app.tar", "--keyless", "--identity-token", "@token", "--tuf", "followed"];
    world.site.good(&sign);
    let url = world.issuer.url();
    let verify = ["verify", "app.tar", "--identity", ADA, "--issuer", &url, "--tuf", "followed"];
    world.site.good(&verify);

    // Another key comes, and the old one goes; a client that was away for all of it comes after.
    for role in ["root", "timestamp"] {
        publish(&world, &["--rotate", role]);
        world.site.good(&["trust", "follow", "followed"]);
        publish(&world, &["--retire", role]);
        world.site.good(&["trust", "follow", "followed"]);
    }
    world.site.good(&verify);
    let (code, said) = follow(&world, "late", &repository(&world));
    assert_eq!(code, 0, "{said}");
}

/// A server between a client and the repository, which shows the files of a folder.
pub(crate) fn owned(files: PathBuf) -> HttpSite {
    HttpSite::serve(move |asked| {
        let path = asked.path().trim_start_matches('/').to_owned();
        match fs::read(files.join(path)) {
            Ok(bytes) => Reply::Say(200, Vec::new(), bytes),
            Err(_) => Reply::status(404),
        }
    })
}

#[test]
fn interop_python_tuf_takes_the_repository_and_refuses_it_with_one_byte_changed() {
    let Some(python) = testkit::tuf_python() else { return };
    let world = published();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/trusted.py");
    let run = |url: &str, dir: &str| {
        let mut command = python.command();
        command.arg(&script).args([&world.site.path("root.json"), url, &world.site.path(dir)]);
        world.surround(&mut command);
        command.output().unwrap()
    };
    let output = run(&repository(&world), "python");
    assert!(output.status.success(), "{}", text(&output));
    let (code, said) = follow(&world, "ours", &repository(&world));
    assert_eq!(code, 0, "{said}");
    let fetched = |path: &str| fs::read(world.site.path(path)).unwrap();
    assert_eq!(fetched("python/trusted_root.json"), fetched("ours/targets/trusted_root.json"));
    let files = world.site.folder.path().join("mirror");
    mirror(&world, &files);
    let site = owned(files.clone());
    assert!(run(&site.url(), "again").status.success());
    spoil(&files);
    assert!(!run(&site.url(), "spoilt").status.success());
    testkit::interop_row("TUF repository", &python, testkit::Direction::Ours, 2, 1);
}

#[test]
fn interop_cosign_is_initialised_from_the_repository_and_verifies_with_nothing_else() {
    let Some(cosign) = testkit::tool("cosign") else { return };
    let world = published();
    world.sign_as(ADA);
    let good = |arguments: &[&str]| {
        let output = world.tool(cosign.command(), arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
    };
    good(&["initialize", "--mirror", &repository(&world), "--root", "root.json"]);
    let url = world.issuer.url();
    let verify = ["verify-blob", "--use-signed-timestamps", "--bundle", "app.tar.sigstore.json", "app.tar"];
    let by = |who| ["--certificate-identity", who, "--certificate-oidc-issuer", url.as_str()];
    good(&[&verify[..], &by(ADA)].concat());
    let other = world.tool(cosign.command(), &[&verify[..], &by("ben@example.com")].concat());
    assert!(!other.status.success(), "another identity");
    testkit::interop_row("TUF repository", &cosign, testkit::Direction::Ours, 1, 1);
}

#[test]
fn a_server_that_shows_old_mixed_or_forged_files_is_not_believed() {
    let world = published();
    let files = world.site.folder.path().join("mirror");
    mirror(&world, &files);
    let site = owned(files.clone());
    let (code, said) = follow(&world, "followed", &site.url());
    assert_eq!(code, 0, "a mirror is as good: {said}");
    let old = world.site.folder.path().join("old");
    crate::site::copy_folder(&files, &old);
    publish(&world, &["--rotate", "timestamp"]);
    mirror(&world, &files);
    world.site.good(&["trust", "follow", "followed"]);

    // Rollback: what was shown before.
    fs::copy(old.join("timestamp.json"), files.join("timestamp.json")).unwrap();
    let (code, said) = world.site.run(&["trust", "follow", "followed"]);
    assert!(code == 1 && said.contains("or more is expected"), "{code} {said}");
    // Mix and match: a newer timestamp, and the snapshot of before under its name.
    mirror(&world, &files);
    let named = |dir: &Path| newest(dir, "snapshot.json");
    fs::copy(named(&old), named(&files)).unwrap();
    let (code, said) = follow(&world, "mixed", &site.url());
    assert!(code == 1 && said.contains("not the file that the metadata above it names"), "{code} {said}");
    // Forged: one byte of the trusted root.
    mirror(&world, &files);
    spoil(&files);
    let (code, said) = follow(&world, "forged", &site.url());
    assert!(code == 1 && said.contains("not the file"), "{code} {said}");
}

/// Changes one byte of the trusted root in a mirror.
fn spoil(files: &Path) {
    let targets = fs::read_dir(files.join("targets")).unwrap().flatten().map(|entry| entry.path());
    for target in targets.filter(|path| path.to_string_lossy().ends_with("trusted_root.json")) {
        let text = fs::read_to_string(&target).unwrap();
        fs::write(&target, text.replacen("SHA2_256", "SHA2_255", 1)).unwrap();
    }
}

fn newest(dir: &Path, name: &str) -> PathBuf {
    let number = |path: &PathBuf| -> Option<u64> {
        path.file_name()?.to_str()?.strip_suffix(name)?.strip_suffix('.')?.parse().ok()
    };
    let files = fs::read_dir(dir).unwrap().flatten().map(|entry| entry.path());
    files.filter(|path| number(path).is_some()).max_by_key(number).unwrap()
}

/// Fetches every file of the repository, as a mirror would.
pub(crate) fn mirror(world: &World, into: &Path) {
    let Some(curl) = testkit::tool("curl") else { panic!("curl is needed") };
    fs::create_dir_all(into.join("targets")).unwrap();
    let ca = world.site.dir.join("server/tls/ca.pem");
    let fetch = |path: &str| {
        let mut command = curl.command();
        let output =
            command.args(["-sSf", &format!("{}/{path}", repository(world)), "--cacert"]).arg(&ca).output();
        let output = output.unwrap();
        output.status.success().then(|| {
            fs::write(into.join(path), &output.stdout).unwrap();
            serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()
        })
    };
    let _roots = (1..).take_while(|version| fetch(&format!("{version}.root.json")).is_some()).count();
    let timestamp = fetch("timestamp.json").unwrap();
    let snapshot = timestamp["signed"]["meta"]["snapshot.json"]["version"].as_u64().unwrap();
    let snapshot = fetch(&format!("{snapshot}.snapshot.json")).unwrap();
    let targets = snapshot["signed"]["meta"]["targets.json"]["version"].as_u64().unwrap();
    let targets = fetch(&format!("{targets}.targets.json")).unwrap();
    for (name, target) in targets["signed"]["targets"].as_object().unwrap() {
        let digest = target["hashes"]["sha256"].as_str().unwrap();
        fetch(&format!("targets/{digest}.{name}")).unwrap();
    }
}

/// The suite is kept outside the repository, unmodified, with a `venv` beside it in which its requirements are installed. What
/// it asks of a client is asked at every change by [`crate::repositories`].
#[test]
#[ignore = "AVOUCH_TUF_CONFORMANCE must name the folder of the suite, which no package registry has"]
fn the_public_conformance_suite_for_clients_of_tuf_passes() {
    let suite = std::env::var_os("AVOUCH_TUF_CONFORMANCE").map(PathBuf::from).unwrap();
    let entry = format!("{} tuf-conformance", env!("CARGO_BIN_EXE_avouch"));
    let mut command = std::process::Command::new(suite.join("venv/bin/python"));
    command.args(["-m", "pytest", "-q", "tuf_conformance", "--entrypoint", &entry]).current_dir(&suite);
    let output = command.output().unwrap();
    let said = text(&output);
    assert!(output.status.success(), "{said}");
    let passed = said.split(" passed").next().and_then(|before| before.split_whitespace().last());
    let passed: u32 = passed.and_then(|count| count.parse().ok()).unwrap();
    assert!(passed >= 113, "{said}");
}
