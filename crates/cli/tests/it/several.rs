//! Platforms that several administrators govern, each with an SSH key of their own.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::site::Site;

/// An SSH key as people have them: its public half's path.
fn key(site: &Site, name: &str) -> String {
    let path = site.path(name);
    let made =
        Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", &path]).status();
    assert!(made.unwrap().success());
    format!("{path}.pub")
}

/// The messages that wait beside a request to be signed.
fn messages(request: &str) -> Vec<PathBuf> {
    let folder = PathBuf::from(request).parent().unwrap().to_owned();
    let stem = PathBuf::from(request).file_stem().unwrap().to_string_lossy().into_owned();
    let mut found: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name.starts_with(&format!("{stem}.prn_")) && name.ends_with(".txt")
    });
    found.sort();
    found
}

/// Signs a message with this key, as somebody does who has no avouch.
fn keygen(public: &str, message: &PathBuf) -> bool {
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-Y", "sign", "-n", "endorse.avouch.v1", "-f", public.trim_end_matches(".pub")]);
    command.arg(message).status().unwrap().success()
}

/// The file of the request that the verb says is waiting.
fn waiting(said: &str) -> String {
    let line = said
        .lines()
        .find(|line| line.starts_with("then: avouch request submit "))
        .unwrap_or_else(|| panic!("{said}"));
    line.rsplit(' ').next().unwrap().to_owned()
}

/// A platform of three administrators, two of whom must endorse what the third asks for; not served yet.
fn founded_by_three() -> (Site, [String; 3]) {
    let site = Site::unfounded();
    let keys = ["ada", "ben", "cleo"].map(|name| key(&site, name));
    let [ada, ben, cleo] = &keys;
    let data = site.data();
    let (code, said) = site.run(&["init", &data, "--admin", ada, "--admin", ben]);
    assert!(code == 3 && said.contains("two endorsements at least"), "{said}");
    let all = ["--admin", ada, "--admin", ben, "--admin", cleo];
    let (code, said) = site.run(&[&["init", &data, "--threshold", "3"], all.as_slice()].concat());
    assert!(code == 3 && said.contains("3 of 3 administrators can never endorse a change"), "{said}");
    assert!(!site.dir.exists(), "what is refused makes nothing");
    let (code, said) = site.run(&[&["init", &data], all.as_slice()].concat());
    assert!(code == 4 && said.contains("has not signed the genesis"), "{said}");
    assert!(said.contains("changes ask for 2 of administrators"), "{said}");
    (site, keys)
}

#[test]
fn three_administrators_found_a_platform_and_change_it_two_at_a_time() {
    let (mut site, [ada, ben, cleo]) = founded_by_three();
    let data = site.data();
    let genesis = site.dir.join("admin/genesis.json").to_string_lossy().into_owned();
    // Ada and Ben have avouch, Cleo has what she has. Whose message is whose, the file says to whoever reads it.
    for public in [&ada, &ben] {
        assert!(site.good(&["endorse", &genesis, "--key", public]).contains(" has the key ssh-ed25519 "));
        let (code, said) = site.run(&["init", &data, "--continue"]);
        assert!(code == 4 && said.contains("has not signed the genesis"), "{said}");
    }
    let said = site.run(&["init", &data, "--continue"]).1;
    let line = said.lines().find(|line| line.contains("ssh-keygen -Y sign")).unwrap();
    let message = PathBuf::from(line.rsplit(' ').next().unwrap());
    assert!(keygen(&ben, &message));
    let (code, said) = site.run(&["init", &data, "--continue"]);
    assert!(code == 3 && said.contains("is not this administrator's signature of this request"), "{said}");
    fs::remove_file(format!("{}.sig", message.display())).unwrap();
    assert!(keygen(&cleo, &message));
    let (code, said) = site.run(&["init", &data, "--continue"]);
    assert!(code == 4 && said.contains("the platform began: all founders signed"), "{said}");
    let keys = site.dir.join("admin/first-keys.json").to_string_lossy().into_owned();
    assert!(site.dir.join("admin/first-keys.json").exists(), "the platform began");
    assert!(messages(&genesis).is_empty() && !PathBuf::from(&genesis).exists(), "nothing is left lying");
    // The first keys are asked for in the name of the first founder; the file knows nobody, so each says who they are.
    let (_, asked) = site.run(&["init", &data, "--continue"]);
    assert!(asked.contains("adds key platform/ca#1"), "{asked}");
    for message in messages(&keys) {
        let signs = [&ada, &ben, &cleo].into_iter().find(|public| {
            assert!(keygen(public, &message));
            let (_, said) = site.run(&["init", &data, "--continue"]);
            let is_theirs = !said.contains("is not this administrator's signature");
            if !is_theirs {
                fs::remove_file(format!("{}.sig", message.display())).unwrap();
            }
            is_theirs
        });
        assert!(signs.is_some());
    }
    assert!(site.dir.join("client/trust-root.json").exists(), "the last signature was enough");
    let said = site.good(&["trust", "show", "--context", &format!("{data}/client/context.toml")]);
    assert!(said.contains("governed by 2 of 3"), "{said}");
    let (code, said) = site.run(&["init", &data, "--continue"]);
    assert!(code == 3 && said.contains("is founded already"), "{said}");

    site.serve();
    assert_eq!(site.sign("one.bin").0, 0);
    site.good(&["verify", "one.bin"]);
    change_together(&site, [&ada, &ben, &cleo]);
}

/// One asks, two endorse on machines of their own, the last step puts it in force.
fn change_together(site: &Site, [ada, ben, cleo]: [&str; 3]) {
    let dir = site.data();
    let create = ["key", "create", "default/next", "--form", "blob", "--dir", &dir];
    let (code, said) = site.run(&[create.as_slice(), &["--admin", ada]].concat());
    assert!(code == 4 && said.contains("brings 0 of 2 endorsements"), "{said}");
    let request = waiting(&said);
    // A file that shows something else than what would be signed is not endorsed.
    let disguised = site.path("disguised.json");
    let text = fs::read_to_string(&request).unwrap();
    fs::write(&disguised, text.replace("\"default/next\"", "\"default/harm\"")).unwrap();
    let (code, said) = site.run(&["endorse", &disguised, "--key", ben]);
    assert!(code == 3 && said.contains("something else than it shows: do not endorse it"), "{said}");
    let copies = ["at-bens.json", "at-cleos.json"].map(|name| site.path(name));
    for (copy, public) in copies.iter().zip([ben, cleo]) {
        fs::copy(&request, copy).unwrap();
        let said = site.good(&["endorse", copy, "--key", public]);
        assert!(said.contains("adds key default/next#1 of form blob"), "{said}");
    }
    let (code, said) = site.run(&["request", "submit", &request, &copies[0], "--dir", &dir]);
    assert!(code == 4 && said.contains("brings 1 of 2 endorsements"), "{said}");
    let said = site.good(&["request", "submit", &request, &copies[1], "--dir", &dir]);
    assert!(said.contains("done: registry entry 2"), "{said}");
    assert!(site.good(&["key", "list", "--dir", &dir]).contains("default/next#1"));
    let (code, said) = site.run(&["request", "submit", &copies[0], "--dir", &dir]);
    assert!(code == 3 && said.contains("does not follow the head"), "{said}");
    // Taking away needs one, also from `init`'s first keys; a stranger's key none.
    let disable = ["key", "disable", "default/next", "--reason", "a test", "--dir", &dir];
    let stranger = key(site, "stranger");
    let (code, said) = site.run(&[disable.as_slice(), &["--admin", &stranger]].concat());
    assert!(code == 3 && said.contains("no administrator has the key"), "{said}");
    assert!(site.good(&[disable.as_slice(), &["--admin", cleo]].concat()).contains("signs no more"));
}

#[test]
fn a_single_administrator_hands_over_to_several_who_all_say_so() {
    let site = Site::new();
    let dir = site.data();
    let [ben, cleo] = ["ben", "cleo"].map(|name| key(&site, name));
    let public = site.dir.join("admin/administrator.pub").to_string_lossy().into_owned();
    let own = ["--admin", &public, "--admin-passphrase-file", &site.path("passphrase"), "--dir", &dir];
    let govern = ["govern", "--with", &ben, "--with", &cleo];
    let (code, said) = site.run(&[govern.as_slice(), &own].concat());
    assert!(code == 4 && said.contains("is to administer from this entry on"), "{said}");
    assert!(said.contains("lets several govern from now on; changes ask for 2 of administrators"), "{said}");
    let request = waiting(&said);
    site.good(&["endorse", &request, "--key", &ben]);
    let (code, said) = site.run(&["request", "submit", &request, "--dir", &dir]);
    assert!(code == 4 && said.contains("has not endorsed it"), "{said}");
    site.good(&["endorse", &request, "--key", &cleo]);
    site.good(&["request", "submit", &request, "--dir", &dir]);
    site.good(&["trust", "export"]);
    let said = site.good(&["trust", "show"]);
    assert!(said.contains("governed by 2 of 3 since entry 3, and by a single person before"), "{said}");
    // The one who governed alone is one of three now.
    let create = ["key", "create", "default/next", "--form", "blob"];
    let (code, said) = site.run(&[create.as_slice(), &own].concat());
    assert!(code == 4 && said.contains("brings 0 of 2 endorsements"), "{said}");
    let (code, said) = site.run(&[govern.as_slice(), &own].concat());
    assert!(code == 3 && said.contains("govern this platform already"), "{said}");
    assert_eq!(site.sign("still.bin").0, 0);
}
