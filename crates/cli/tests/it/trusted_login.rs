//! A login that begins with the root of TUF: which platform a server may show is proven by its repository, now and later.

use std::fs;

use serde_json::Value;

use crate::site::Site;
use crate::trusted::{follow, mirror, owned, publish, published, repository};

/// Logs in at a platform as its first client, into a context of its own; by what the flags say.
fn log_in(at: &Site, context: &str, more: &[&str]) -> (i32, String) {
    let ready: Value =
        serde_json::from_slice(&fs::read(at.dir.join("run/server/ready.json")).unwrap()).unwrap();
    let port = ready["listen"].as_str().unwrap().rsplit(':').next().unwrap().to_owned();
    let pem = fs::read_to_string(at.dir.join("client/ca.pem")).unwrap();
    let fingerprint = pki::Certificate::from_pem(&pem).unwrap().fingerprint().to_string();
    let client = |name: &str| at.dir.join("client").join(name).to_string_lossy().into_owned();
    let url = format!("https://localhost:{port}");
    let public_url = crate::holders::public_url(at);
    let (cert, key) = (client("client.pem"), client("client.key"));
    let login = ["login", &url, "--public-url", &public_url, "--fingerprint", &fingerprint];
    at.run(&[&login[..], &["--cert", &cert, "--key", &key, "--context", context], more].concat())
}

#[test]
fn a_context_that_began_with_the_root_of_tuf_takes_the_platform_that_the_repository_names_and_goes_on_with_it()
 {
    let world = published();
    let (site, context) = (&world.site, world.site.path("mine/context.toml"));
    let root = site.path("root.json");
    let (code, said) = log_in(site, &context, &["--root", &root]);
    assert!(code == 0 && said.contains("it is the platform that its TUF repository names"), "{code}: {said}");
    assert!(!said.contains("compare it"), "{said}");
    let mut stored: Vec<_> =
        fs::read_dir(site.path("mine")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    stored.sort();
    assert_eq!(stored, ["ca.pem", "context.toml", "trust-root.json", "tuf"]);

    // What the platform becomes later comes the same way: another key of a role too.
    publish(&world, &["--rotate", "root"]);
    site.good(&["trust", "export", "--context", &context]);
    let known = fs::read_to_string(site.path("mine/tuf/root.json")).unwrap();
    let known: Value = serde_json::from_str(&known).unwrap();
    assert_eq!(known["signed"]["version"], 2);
    site.good(&["whoami", "--context", &context]);
    // A second login, with the root that is handed out by then, takes the place of the first.
    let (code, said) = log_in(site, &context, &["--root", &root]);
    assert_eq!(code, 0, "{said}");
}

#[test]
fn a_server_of_another_platform_is_not_logged_into_whatever_repository_it_shows() {
    let (world, other) = (published(), Site::new());
    let (root, context) = (world.site.path("root.json"), other.path("mine/context.toml"));
    let nothing_is_stored = || {
        let left = fs::read_dir(other.path("mine")).unwrap().count();
        assert_eq!(left, 0, "nothing of a platform that is not the named one is trusted later");
    };
    let (code, said) = log_in(&other, &context, &["--root", &root]);
    assert_eq!(code, 1, "its own repository is of other keys: {said}");
    nothing_is_stored();
    // It shows the files of the repository as they are, and a trust root of its own.
    let (code, said) = follow(&world, "followed", &repository(&world));
    assert_eq!(code, 0, "{said}");
    let (code, said) = log_in(&other, &context, &["--tuf", &world.site.path("followed")]);
    assert!(code == 3 && said.contains("and the TUF repository is of"), "{code}: {said}");
    nothing_is_stored();
}

#[test]
fn a_context_is_not_renewed_while_its_repository_is_rolled_back() {
    let world = published();
    let files = world.site.folder.path().join("mirror");
    mirror(&world, &files);
    let shown = owned(files.clone());
    let (code, said) = follow(&world, "followed", &shown.url());
    assert_eq!(code, 0, "{said}");
    let (site, context) = (&world.site, world.site.path("mine/context.toml"));
    let (code, said) = log_in(site, &context, &["--tuf", &site.path("followed")]);
    assert_eq!(code, 0, "{said}");
    let old = fs::read(files.join("timestamp.json")).unwrap();
    publish(&world, &["--rotate", "targets"]);
    mirror(&world, &files);
    site.good(&["trust", "export", "--context", &context]);
    fs::write(files.join("timestamp.json"), old).unwrap();
    let (code, said) = site.run(&["trust", "export", "--context", &context]);
    assert!(code == 1 && said.contains("or more is expected"), "{code}: {said}");
}
