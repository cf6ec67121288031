//! Keys in a hardware token, used as an operator would: a store in the configuration, a key in it, signatures that
//! foreign tools accept.

use std::fs;
use std::path::Path;
use std::process::Command;

use testkit::SoftHsm;

use crate::site::Site;

/// Adds a store `hsm` to the configuration.
fn configure(dir: &Path, uri: &str, hsm: &SoftHsm) {
    let config = dir.join("avouch.toml");
    let environment = hsm.environment();
    let conf = &environment["SOFTHSM2_CONF"];
    let text = fs::read_to_string(&config).unwrap();
    let text = text.split("[signerd.stores.hsm]").next().unwrap().to_owned();
    let store = format!(
        "[signerd.stores.hsm]\nkind = \"pkcs11\"\nuri = \"{uri}\"\nenvironment = {{ SOFTHSM2_CONF = \"{conf}\" }}\n\
         read = [\"{conf}\"]\nwrite = [\"{}\"]\n",
        hsm.tokens().display()
    );
    fs::write(config, text + "\n" + &store).unwrap();
}

/// A platform with a store `hsm`, founded and not served yet.
fn founded(hsm: &SoftHsm) -> Site {
    let site = Site::unfounded();
    site.good(&["init", &site.data(), "--admin-passphrase-file", &site.path("passphrase")]);
    configure(&site.dir, &hsm.uri(hsm.module()), hsm);
    site
}

fn create(site: &Site, name: &str, flags: &[&str]) -> (i32, String) {
    let (dir, passphrase) = (site.data(), site.path("passphrase"));
    let endorser = ["--dir", &dir, "--admin-passphrase-file", &passphrase];
    site.run(&[&["key", "create", name][..], flags, &endorser].concat())
}

fn row(said: &str, what: &str) -> String {
    said.lines().find(|line| line.contains(what)).unwrap_or_else(|| panic!("{what}: {said}")).to_owned()
}

/// The lane processes that may write to this token.
fn lanes(hsm: &SoftHsm) -> Vec<String> {
    let mark = format!("write={}", hsm.tokens().display());
    let is_lane = |process: &String| {
        let arguments = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        arguments.split(|byte| *byte == 0).any(|one| one == mark.as_bytes())
    };
    let all = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    all.filter(is_lane).collect()
}

#[test]
fn interop_openssl_accepts_what_a_key_in_a_hardware_token_signs() {
    let (Some(hsm), Some(openssl)) = (SoftHsm::new(), testkit::tool("openssl")) else { return };
    let mut site = founded(&hsm);
    assert!(site.good(&["config", "check", &site.data()]).contains("is good"));
    site.serve();
    for (name, form, algorithm) in
        [("default/hsm/blob", "blob", "p384"), ("default/hsm/cms", "cms", "rsa3072")]
    {
        let (code, said) = create(&site, name, &["--form", form, "--algorithm", algorithm, "--store", "hsm"]);
        assert_eq!(code, 0, "{said}");
    }
    let shown = site.good(&["key", "show", "default/hsm/cms", "--dir", &site.data()]);
    assert!(shown.contains("kept in store `hsm`"), "{shown}");
    let profile = ["profile", "create", "default/hsm", "--dir", &site.data()].map(str::to_owned);
    let keys = ["--key=blob=default/hsm/blob", "--key=cms=default/hsm/cms"].map(str::to_owned);
    let profile: Vec<&str> = profile.iter().chain(&keys).map(String::as_str).collect();
    site.good(&profile);
    fs::write(site.path("thing.bin"), "what the organisation ships\n").unwrap();
    site.good(&["sign", "thing.bin", "--profile", "default/hsm"]);
    site.good(&["trust", "export"]);
    site.good(&["verify", "thing.bin"]);

    fs::write(site.path("roots.pem"), site.good(&["trust", "export", "--roots"])).unwrap();
    let judged = |file: &str| {
        let mut judge = openssl.command();
        judge
            .current_dir(site.folder.path())
            .args(["cms", "-verify", "-binary", "-inform", "DER", "-purpose", "any"]);
        judge.args(["-in", "thing.bin.p7s", "-CAfile", "roots.pem", "-out", "/dev/null", "-content", file]);
        judge.output().unwrap().status.success()
    };
    fs::write(site.path("other.bin"), "what somebody else ships\n").unwrap();
    let accepted = u32::from(judged("thing.bin"));
    let refused = u32::from(!judged("other.bin"));
    assert_eq!((accepted, refused), (1, 1));
    testkit::interop_row(
        "CMS by RSA-3072 in SoftHSM2",
        &openssl,
        testkit::Direction::Ours,
        accepted,
        refused,
    );

    let said = site.good(&["doctor", &site.data()]);
    let said = row(&said, "key store `hsm`");
    assert!(said.contains("token `avouch test`") && said.contains("rsa-3072-sha256"), "{said}");
    site.stop();
    site.good(&["fsck", &site.data()]);
}

#[test]
fn a_store_that_is_configured_wrong_is_named_before_anything_starts() {
    let Some(hsm) = SoftHsm::new() else { return };
    let site = founded(&hsm);
    for (uri, expected) in [
        ("pkcs11:token=a?module-path=/m.so&pin-value=1234", "`pin-value` is not taken"),
        ("pkcs11:token=a", "`module-path` is missing"),
        ("token=a", "must begin with `pkcs11:`"),
    ] {
        configure(&site.dir, uri, &hsm);
        let (code, said) = site.run(&["config", "check", &site.data()]);
        assert!(code == 3 && said.contains("signerd.stores") && said.contains(expected), "{code}: {said}");
    }
}

#[test]
fn what_is_wrong_with_a_token_is_said_by_doctor_and_to_whoever_makes_a_key() {
    let Some(hsm) = SoftHsm::new() else { return };
    let mut site = founded(&hsm);
    hsm.write_pin("wrong");
    site.serve();
    let (code, said) = create(&site, "default/hsm", &["--form", "blob", "--store", "hsm"]);
    assert!(code != 0 && said.contains("refuses the PIN; it was tried once"), "{code}: {said}");
    let (code, said) = site.run(&["doctor", &site.data()]);
    assert_eq!(code, 2, "{said}");
    assert!(row(&said, "key store `hsm`").contains("refuses the PIN"), "{said}");
    // Everything else goes on, and another PIN is tried without a restart.
    assert_eq!(site.sign("one.bin").0, 0);
    hsm.write_pin(SoftHsm::PIN);
    let (code, said) = create(&site, "default/hsm", &["--form", "blob", "--store", "hsm"]);
    assert_eq!(code, 0, "{said}");
    let (code, said) = create(&site, "default/other", &["--form", "blob", "--store", "nowhere"]);
    assert!(code != 0 && said.contains("there is no key store `nowhere`"), "{code}: {said}");
}

#[test]
fn a_lane_process_that_is_killed_is_replaced_and_none_is_left_behind() {
    let Some(hsm) = SoftHsm::new() else { return };
    let mut site = founded(&hsm);
    site.serve();
    let (code, said) = create(&site, "default/hsm", &["--form", "blob", "--store", "hsm"]);
    assert_eq!(code, 0, "{said}");
    let profile = ["profile", "create", "default/hsm", "--key=blob=default/hsm", "--dir"];
    site.good(&[&profile[..], &[&site.data()]].concat());
    fs::write(site.path("thing.bin"), "what the organisation ships\n").unwrap();
    for _ in 0..3 {
        let before = lanes(&hsm);
        assert_eq!(before.len(), 1, "{before:?}");
        assert!(Command::new("kill").args(["-9", &before[0]]).status().unwrap().success());
        site.good(&["sign", "thing.bin", "--profile", "default/hsm", "--again"]);
        assert_ne!(lanes(&hsm), before);
    }
    site.stop();
    assert_eq!(lanes(&hsm), Vec::<String>::new());
}
