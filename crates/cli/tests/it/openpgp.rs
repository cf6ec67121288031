//! OpenPGP by a platform that is really run: what GnuPG, Sequoia and APT say of ours, what we say of theirs, and that
//! whatever is changed is refused by all of them.

use std::fs;
use std::process::Command;

use envelope::openpgp::NewCertificate;
use envelope::{Chosen, detached};
use model::receipt::SignedItem;
use model::{
    Base64, Content, Digest, FileClaim, Form, HashState, Hex16, Item, ItemKey, Parameters, PublicKey,
    SignatureOf,
};
use testkit::{Direction, Tool, interop_row};

use crate::site::Site;

const FILE: &[u8] = b"what the organisation ships\n";
const ALGORITHMS: [&str; 4] = ["p256", "p384", "ed25519", "rsa3072"];

/// A platform with a key of OpenPGP of each of these algorithms, each in a profile of its own.
struct Shop {
    site: Site,
}

impl Shop {
    fn open(algorithms: &[&str]) -> Self {
        let site = Site::new();
        let (dir, passphrase) = (site.data(), site.path("passphrase"));
        for algorithm in algorithms {
            let name = format!("default/{algorithm}");
            let create =
                ["key", "create", &name, "--form", "openpgp", "--algorithm", algorithm, "--dir", &dir];
            site.good(&[&create[..], &["--admin-passphrase-file", &passphrase]].concat());
            let key = format!("--key=openpgp={name}");
            site.good(&["profile", "create", &name, "--dir", &dir, &key]);
            let certificate = site.good(&["trust", "export", "--openpgp", &name]);
            fs::write(site.path(&format!("{algorithm}.asc")), certificate).unwrap();
        }
        fs::write(site.path("trust-root.json"), site.good(&["trust", "export"])).unwrap();
        Self { site }
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        fs::write(self.site.path(name), bytes).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.site.path(name)).unwrap()
    }

    fn sign(&self, name: &str, algorithm: &str, flags: &[&str]) -> String {
        let profile = format!("default/{algorithm}");
        let sign = ["sign", name, "--profile", &profile, "--product", "thing", "--source", "", "--again"];
        self.site.good(&[&sign[..], flags].concat())
    }

    fn verify(&self, name: &str, flags: &[&str]) -> (i32, String) {
        self.site.run(&[&["verify", name, "--trust-root", "trust-root.json"][..], flags].concat())
    }

    fn tool(&self, tool: &Tool, arguments: &[&str]) -> Command {
        let mut command = tool.command();
        command.args(arguments).current_dir(self.site.folder.path());
        command
    }

    /// Does this judge accept `NAME.asc` of a file, by the certificate of this algorithm's key?
    fn accepts(&self, tool: &Tool, name: &str, algorithm: &str) -> bool {
        let (signature, key) = (format!("{name}.asc"), format!("{algorithm}.asc"));
        let keyring = ["--keyring", key.as_str()];
        let mut command = match tool.name() {
            "sqv" => self.tool(tool, &[&keyring[..], &[&signature, name]].concat()),
            _ => {
                // It reads no armored keyring.
                let bytes = envelope_packets(&self.read(&key));
                self.put("keyring.gpg", &bytes);
                let keyring = self.site.path("keyring.gpg");
                self.tool(tool, &["--keyring", &keyring, &signature, name])
            }
        };
        command.output().unwrap().status.success()
    }
}

/// An armored block without its armor.
fn envelope_packets(armored: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(armored);
    let body = text.lines().filter(|line| !line.is_empty() && !line.starts_with(['-', '=']));
    data_encoding::BASE64.decode(body.collect::<String>().as_bytes()).unwrap()
}

#[test]
fn interop_what_a_platform_signs_as_openpgp_is_accepted_everywhere_and_nothing_that_was_changed() {
    let judges: Vec<Tool> = ["gpgv", "sqv"].into_iter().filter_map(testkit::tool).collect();
    let shop = Shop::open(&ALGORITHMS);
    shop.put("app.jar", FILE);
    let mut counts = vec![(0, 0); judges.len()];
    for algorithm in ALGORITHMS {
        let said = shop.sign("app.jar", algorithm, &[]);
        assert!(said.contains("app.jar.asc") && said.contains("app.jar.receipt.json"), "{said}");
        let alone = ["--signature", "app.jar.asc", "--without-timestamp"];
        let key = format!("{algorithm}.asc");
        let given = ["--signature", "app.jar.asc", "--public-key", &key];
        for flags in [&[][..], &alone, &given] {
            let (code, said) = shop.verify("app.jar", flags);
            assert_eq!(code, 0, "{algorithm} {flags:?}: {said}");
        }
        for (judge, counts) in judges.iter().zip(&mut counts) {
            assert!(shop.accepts(judge, "app.jar", algorithm), "{} refuses {algorithm}", judge.name());
            counts.0 += 1;
        }
        shop.put("app.jar", b"what the organisation shipt\n");
        for flags in [&[][..], &alone, &given] {
            assert_eq!(shop.verify("app.jar", flags).0, 1, "{algorithm} {flags:?}");
        }
        for (judge, counts) in judges.iter().zip(&mut counts) {
            assert!(!shop.accepts(judge, "app.jar", algorithm), "{} accepts another file", judge.name());
            counts.1 += 1;
        }
        shop.put("app.jar", FILE);
    }
    // The key of another.
    let (code, said) = shop.verify("app.jar", &["--signature", "app.jar.asc", "--public-key", "p256.asc"]);
    assert!(code == 2 && said.contains("no key that is known here"), "{code}: {said}");
    let inspected = shop.site.good(&["inspect", "app.jar.asc"]);
    assert!(inspected.contains("of a file, with SHA-256"), "{inspected}");
    let shown = shop.site.good(&["key", "show", "default/p384", "--dir", &shop.site.data()]);
    let fingerprint = shown.split("OpenPGP knows it as ").nth(1).and_then(|rest| rest.get(..40)).unwrap();
    let inspected = shop.site.good(&["inspect", "p384.asc"]);
    assert!(inspected.contains(fingerprint), "{inspected}");
    assert!(inspected.contains("by its own word"), "{inspected}");
    for (judge, (accepted, refused)) in judges.iter().zip(counts) {
        interop_row("openpgp", judge, Direction::Ours, accepted, refused);
    }
}

#[test]
fn a_disabled_key_of_openpgp_is_no_longer_exported_and_its_signature_no_longer_good() {
    let shop = Shop::open(&["ed25519"]);
    shop.put("app.jar", FILE);
    shop.sign("app.jar", "ed25519", &[]);
    let (dir, passphrase) = (shop.site.data(), shop.site.path("passphrase"));
    let disable = ["key", "disable", "default/ed25519", "--revoke", "--reason", "lost", "--dir", &dir];
    shop.site.good(&[&disable[..], &["--admin-passphrase-file", &passphrase]].concat());
    let (code, said) = shop.site.run(&["trust", "export", "--openpgp", "default/ed25519"]);
    assert!(code == 3 && said.contains("knows no OpenPGP certificate"), "{code}: {said}");
    shop.put("trust-root.json", shop.site.good(&["trust", "export"]).as_bytes());
    let (code, said) = shop.verify("app.jar", &["--signature", "app.jar.asc", "--without-timestamp"]);
    assert!(code == 1 && said.contains("revoked"), "{code}: {said}");
}

/// A key as one of OpenPGP, which signs whatever bytes it is given: a certificate of it, and a signature of a file, armored.
pub(crate) fn forged(
    key: &PublicKey,
    file: &[u8],
    sign: impl Fn(&str, &[u8]) -> Vec<u8>,
) -> (Vec<u8>, String) {
    const DUMMY: &[u8] = &[0x30, 6, 2, 1, 1, 2, 1, 1];
    let since = "2026-01-02T03:04:05Z".parse().unwrap();
    let until = "2036-01-02T03:04:05Z".parse().unwrap();
    let new = NewCertificate::new(key, since, until, "Releases").unwrap();
    let [public, user_id, own] = packets(&new.seal(DUMMY).unwrap());
    let framed = |tag: &[u8], length: &[u8], body: &[u8]| [tag, length, body].concat();
    let public = framed(&[0x99], &u16::try_from(public.len()).unwrap().to_be_bytes(), &public);
    let user_id = framed(&[0xb4], &u32::try_from(user_id.len()).unwrap().to_be_bytes(), &user_id);
    let certificate = new.seal(&sign("certificate.bin", &[public, user_id, trailer(&own)].concat())).unwrap();

    let mut state = HashState::sha256();
    state.update(file);
    let (sha256, size) = (Digest::of(file), state.length());
    let item = Item {
        index: 0,
        salt: Hex16([7; 16]),
        name: "f".to_owned(),
        format: "blob".parse().unwrap(),
        form: Form::OpenPgp,
        parameters: Parameters { signature_of: Some(SignatureOf::Binary), ..Parameters::default() },
        key: ItemKey { name: "default/blob".parse().unwrap(), generation: 1, record: Digest::ZERO },
        content: Content::State(state),
        file: FileClaim { sha256, size },
    };
    let chosen = Chosen::for_item(Form::OpenPgp, key, since, since);
    let signed = |signature: Vec<u8>| SignedItem {
        item: String::from_utf8(item.encode()).unwrap(),
        path: Vec::new(),
        public_key: key.clone(),
        chain: Vec::new(),
        signature: Base64(signature),
        chosen: Base64(chosen.encode()),
        timestamp: None,
        log: None,
        journal: None,
    };
    let packet = |signature| detached::openpgp_packet(&signed(signature), &item).unwrap();
    let [dummy] = packets(&packet(DUMMY.to_vec()));
    let signature = sign("openpgp.bin", &[file, &trailer(&dummy)].concat());
    (certificate, envelope::openpgp::armored(&packet(signature)))
}

/// The bodies of packets shorter than 192 bytes.
fn packets<const N: usize>(bytes: &[u8]) -> [Vec<u8>; N] {
    let (mut rest, mut bodies) = (bytes, Vec::new());
    while let [_, length, after @ ..] = rest {
        let (body, after) = after.split_at(usize::from(*length));
        bodies.push(body.to_vec());
        rest = after;
    }
    bodies.try_into().unwrap()
}

/// What a signature hashes after its content, from its packet's body.
fn trailer(body: &[u8]) -> Vec<u8> {
    let head = &body[..6 + usize::from(u16::from_be_bytes([body[4], body[5]]))];
    [head, &[4, 0xff], &u32::try_from(head.len()).unwrap().to_be_bytes()].concat()
}

/// What APT is told, so that it touches nothing of this machine.
fn apt_configuration(folder: &str) -> String {
    format!(
        "Dir \"{folder}/apt\";\nDir::State \"{folder}/apt/state\";\nDir::State::status \"{folder}/apt/status\";\n\
         Dir::Cache \"{folder}/apt/cache\";\nDir::Etc \"{folder}/apt/etc\";\nDir::Log \"{folder}/apt/log\";\n\
         Dir::Bin::methods \"/usr/lib/apt/methods\";\nAPT::Sandbox::User \"\";\nAcquire::Languages \"none\";\n\
         APT::Architecture \"amd64\";\nAPT::Architectures \"amd64\";\n"
    )
}

#[test]
fn interop_apt_takes_a_repository_whose_release_was_clearsigned_and_none_that_was_changed() {
    let Some(apt) = testkit::tool("apt-get") else { return };
    let shop = Shop::open(&["rsa3072"]);
    let folder = shop.site.folder.path().to_string_lossy().into_owned();
    for dir in [
        "repository",
        "apt/state/lists/partial",
        "apt/cache/archives/partial",
        "apt/etc/apt.conf.d",
        "apt/log",
    ] {
        fs::create_dir_all(shop.site.path(dir)).unwrap();
    }
    let packages = b"Package: thing\nVersion: 1\nArchitecture: all\nFilename: ./thing.deb\nSize: 1\n\n";
    shop.put("repository/Packages", packages);
    let digest = Digest::of(packages);
    let release = format!(
        "Origin: Example\nSuite: stable\nDate: Fri, 20 Nov 2026 09:06:42 UTC\nSHA256:\n {digest} {} Packages\n",
        packages.len()
    );
    shop.put("Release", release.as_bytes());
    let said = shop.sign("Release", "rsa3072", &["--clearsign", "--json"]);
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    // Whoever endorses holds the text against the file that they have.
    let request = said["request"].as_str().unwrap();
    let shown = shop.site.good(&["request", "show", request, "--file", "Release"]);
    assert!(shown.contains("it is the file `Release`") && shown.contains("of type text"), "{shown}");
    let (code, said) = shop.verify("Release", &[]);
    assert_eq!(code, 0, "{said}");
    let signed = shop.read("Release.asc");
    shop.put("repository/InRelease", &signed);
    shop.put("apt/status", b"");
    shop.put("apt.conf", apt_configuration(&folder).as_bytes());
    let source = format!("deb [signed-by={folder}/rsa3072.asc] file:{folder}/repository ./\n");
    shop.put("apt/etc/sources.list", source.as_bytes());
    let update = || {
        let mut command = apt.command();
        command.env("APT_CONFIG", shop.site.path("apt.conf")).args([
            "-q",
            "update",
            "-o",
            "APT::Update::Error-Mode=any",
        ]);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (output.status.success(), said)
    };
    let (good, said) = update();
    assert!(good, "{said}");
    let verify = |key: &str| shop.site.run(&["verify", "repository/InRelease", "--public-key", key]);
    let (code, said) = verify("rsa3072.asc");
    assert_eq!(code, 0, "{said}");
    let changed = String::from_utf8(signed).unwrap().replace("Suite: stable", "Suite: sta8le");
    shop.put("repository/InRelease", changed.as_bytes());
    let (good, said) = update();
    assert!(!good && said.contains("BADSIG"), "{said}");
    let (code, said) = verify("rsa3072.asc");
    assert_eq!(code, 1, "{said}");
    interop_row("openpgp clearsigned", &apt, Direction::Ours, 1, 1);
}
