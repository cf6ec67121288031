//! Keys in a hardware token, used as an operator would: a store in the configuration, a key in it, signatures that
//! foreign tools accept.

use std::fs;
use std::process::Command;

use testkit::SoftHsm;

use crate::token::{TokenStore, create, founded, with_profile};

fn row(said: &str, what: &str) -> String {
    said.lines().find(|line| line.contains(what)).unwrap_or_else(|| panic!("{what}: {said}")).to_owned()
}

#[test]
fn interop_openssl_accepts_what_a_key_in_a_hardware_token_signs() {
    let (Some(hsm), Some(openssl)) = (SoftHsm::new(), testkit::tool("openssl")) else { return };
    let mut site = founded(&TokenStore::of(&hsm, &hsm.tokens()));
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
    let tokens = hsm.tokens();
    let site = founded(&TokenStore::of(&hsm, &tokens));
    for (uri, expected) in [
        ("pkcs11:token=a?module-path=/m.so&pin-value=1234", "`pin-value` is not taken"),
        ("pkcs11:token=a", "`module-path` is missing"),
        ("token=a", "must begin with `pkcs11:`"),
    ] {
        TokenStore { uri: uri.to_owned(), ..TokenStore::of(&hsm, &tokens) }.configure(&site.dir);
        let (code, said) = site.run(&["config", "check", &site.data()]);
        assert!(code == 3 && said.contains("signerd.stores") && said.contains(expected), "{code}: {said}");
    }
    TokenStore { deadline_ms: 30_000, ..TokenStore::of(&hsm, &tokens) }.configure(&site.dir);
    let (code, said) = site.run(&["config", "check", &site.data()]);
    let expected = "`deadline_ms`: a signature may take from 100 to 10000 ms, and not 30000: whoever orders one waits for 30 s in all";
    assert!(code == 3 && said.contains(expected), "{code}: {said}");
}

#[test]
fn what_is_wrong_with_a_token_is_said_by_doctor_and_to_whoever_makes_a_key() {
    let Some(hsm) = SoftHsm::new() else { return };
    let mut site = founded(&TokenStore::of(&hsm, &hsm.tokens()));
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
    let tokens = hsm.tokens();
    let store = TokenStore::of(&hsm, &tokens);
    let mut site = founded(&store);
    site.serve();
    with_profile(&site);
    fs::write(site.path("thing.bin"), "what the organisation ships\n").unwrap();
    for _ in 0..3 {
        let before = store.lanes();
        assert_eq!(before.len(), 1, "{before:?}");
        assert!(Command::new("kill").args(["-9", &before[0]]).status().unwrap().success());
        site.good(&["sign", "thing.bin", "--profile", "default/hsm", "--again"]);
        assert_ne!(store.lanes(), before);
    }
    site.stop();
    assert_eq!(store.lanes(), Vec::<String>::new());
}
