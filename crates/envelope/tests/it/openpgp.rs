//! OpenPGP: GnuPG and Sequoia as judges, GnuPG as writer, and every changed bit.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use envelope::openpgp::{
    self, Certificate, Cleartext, Issuer, Key as OpenPgpKey, NewCertificate, OpenPgpError, Signature,
    canonical_text, clearsigned, read_certificates, read_signatures,
};
use envelope::{Chosen, ComposeError, ToBeSigned, compose, detached};
use model::receipt::SignedItem;
use model::{
    Algorithm, Base64, Content, Form, Hash, HashState, Instant, Item, Parameters, SignatureOf, to_canonical,
};
use testkit::{Direction, Tool};

use crate::support::{Key, carried_item, then};
use crate::tampered::unnoticed;

const FILE: &[u8] = b"what an organisation ships\n";
/// Few RSA keys: each takes a second, or several.
const ALGORITHMS: [Algorithm; 4] =
    [Algorithm::EcdsaP256, Algorithm::EcdsaP384, Algorithm::Ed25519, Algorithm::Rsa3072];

fn since() -> Instant {
    "2026-01-02T03:04:05Z".parse().unwrap()
}

/// A key with its certificate.
struct Owner {
    key: Key,
    certificate: Vec<u8>,
}

impl Owner {
    fn new(algorithm: Algorithm) -> Self {
        Self::of(Key::generate(algorithm), since(), "2045-01-01T00:00:00Z".parse().unwrap())
    }

    fn of(key: Key, since: Instant, until: Instant) -> Self {
        let new = NewCertificate::new(&key.public(), since, until, "Releases (Example)").unwrap();
        let signature = sign(&key, &new.to_be_signed());
        let certificate = new.seal(&signature).unwrap();
        Self { key, certificate }
    }

    fn armored(&self) -> String {
        openpgp::armored_certificates([self.certificate.as_slice()])
    }

    fn read(&self) -> Certificate {
        read_certificates(&self.certificate).unwrap().remove(0)
    }

    fn chosen(&self) -> Chosen {
        Chosen::OpenPgp { time: then(), issuer: Issuer::of(&self.key.public(), since()) }
    }

    /// The item over a content, and the packet of its signature.
    fn sign(&self, content: &[u8], of: SignatureOf) -> Vec<u8> {
        let item = item(self.key.public().algorithm(), content, of);
        let signature = sign(&self.key, &compose(&item, &self.chosen(), None).unwrap());
        let signed = SignedItem {
            item: String::from_utf8(to_canonical(&item)).unwrap(),
            path: Vec::new(),
            public_key: self.key.public(),
            chain: Vec::new(),
            signature: Base64(signature),
            chosen: Base64(self.chosen().encode()),
            timestamp: None,
            log: None,
            journal: None,
        };
        detached::openpgp_packet(&signed, &item).unwrap()
    }

    fn detached(&self) -> String {
        openpgp::armored(&self.sign(FILE, SignatureOf::Binary))
    }

    fn clearsigned(&self, text: &[u8]) -> Vec<u8> {
        let canonical = canonical_text(text).unwrap();
        let packet = self.sign(&canonical, SignatureOf::Text);
        let hash = self.key.public().algorithm().hash().unwrap_or(Hash::Sha256);
        clearsigned(&canonical, hash, &packet)
    }
}

fn item(algorithm: Algorithm, content: &[u8], of: SignatureOf) -> Item {
    let parameters = Parameters { signature_of: Some(of), ..Parameters::default() };
    Item { parameters, ..carried_item(Form::OpenPgp, algorithm, content) }
}

/// What a key store answers.
fn sign(key: &Key, to_be_signed: &ToBeSigned) -> Vec<u8> {
    let signature = match to_be_signed {
        ToBeSigned::Message(message) => key.sign(message),
        ToBeSigned::Hashed(hashed) => key.sign_hashed(hashed),
        ToBeSigned::Twice { .. } => panic!("OpenPGP signs once"),
    };
    to_be_signed.verify(&key.public(), &signature).unwrap();
    signature
}

fn over(content: &[u8]) -> impl Fn(Hash, &[u8]) -> Option<Vec<u8>> {
    move |hash, trailer| Some(hash.digest(&[content, trailer].concat()))
}

fn verify(signature: &Signature, key: &OpenPgpKey, content: &[u8]) -> Result<(), OpenPgpError> {
    signature.verify(key, &over(content))
}

#[test]
fn our_signatures_and_certificates_are_read_by_ourselves_for_their_file_and_key_alone() {
    for algorithm in ALGORITHMS {
        let owner = Owner::new(algorithm);
        let certificate = owner.read();
        assert_eq!(certificate.user_ids(), ["Releases (Example)"]);
        let [signer] = certificate.signers() else { panic!("{algorithm}: one key") };
        assert_eq!((signer.key().public(), signer.key().created()), (&owner.key.public(), since()));
        signer.check(then()).unwrap();
        for at in [since().before(std::time::Duration::from_secs(1)), "2045-01-01T00:00:00Z".parse().unwrap()]
        {
            assert!(matches!(signer.check(at), Err(OpenPgpError::OutsideValidity { .. })));
        }
        let signatures = read_signatures(owner.detached().as_bytes()).unwrap();
        let [signature] = signatures.as_slice() else { panic!("{algorithm}: one signature") };
        assert_eq!(signature.created(), Some(then().whole_second()));
        verify(signature, signer.key(), FILE).unwrap();
        assert!(matches!(verify(signature, signer.key(), b"other"), Err(OpenPgpError::OtherDigest)));
        let other = Owner::new(Algorithm::EcdsaP256).read();
        let other = verify(signature, other.primary(), FILE);
        assert!(matches!(other, Err(OpenPgpError::OtherKey { .. })));
        // The same key, known since another time, is another key to OpenPGP.
        let other = OpenPgpKey::new(&owner.key.public(), then());
        assert!(!signature.names(&other));
    }
}

#[test]
fn a_hash_state_alone_gives_the_digest_of_the_content_and_with_the_trailer_what_is_signed() {
    let owner = Owner::new(Algorithm::EcdsaP256);
    let item = item(Algorithm::EcdsaP256, FILE, SignatureOf::Binary);
    assert_eq!(item.content.known_by().as_bytes(), Hash::Sha256.digest(FILE));
    let composed = compose(&item, &owner.chosen(), None).unwrap();
    let ToBeSigned::Hashed(hashed) = composed else { panic!("{composed:?}") };
    // The trailer, by RFC 9580 §5.2.4, written a second time.
    let Chosen::OpenPgp { time, issuer } = owner.chosen() else { panic!() };
    let fingerprint = issuer.fingerprint().as_bytes();
    let seconds = u32::try_from(time.seconds()).unwrap().to_be_bytes();
    let subpackets =
        [&[22, 33, 4][..], fingerprint, &[5, 2], &seconds, &[9, 16], &fingerprint[12..]].concat();
    let head = [&[4, 0, 19, 8, 0, u8::try_from(subpackets.len()).unwrap()][..], &subpackets].concat();
    let end = [&[4, 0xff, 0, 0, 0][..], &[u8::try_from(head.len()).unwrap()]].concat();
    assert_eq!(hashed.as_bytes(), Hash::Sha256.digest(&[FILE, &head, &end].concat()));
}

#[test]
fn what_is_not_to_be_signed_as_openpgp_is_not_composed() {
    let owner = Owner::new(Algorithm::Ed25519);
    let good = item(Algorithm::Ed25519, FILE, SignatureOf::Binary);
    compose(&good, &owner.chosen(), None).unwrap();
    let refused = |item: &Item, chosen: &Chosen| compose(item, chosen, None).unwrap_err();
    let mut long = HashState::sha384();
    long.update(FILE);
    let other = Item { content: Content::State(long), ..good.clone() };
    assert!(matches!(refused(&other, &owner.chosen()), ComposeError::NoHashState { .. }));
    let inline = Item { content: Content::Inline { bytes: Base64(FILE.to_vec()) }, ..good.clone() };
    assert!(matches!(refused(&inline, &owner.chosen()), ComposeError::NoHashState { .. }));
    let unsaid = Item { parameters: Parameters::default(), ..good.clone() };
    assert!(matches!(refused(&unsaid, &owner.chosen()), ComposeError::NoParameter { .. }));
    assert!(matches!(refused(&good, &Chosen::Nothing), ComposeError::OtherChoice { .. }));
    for form in [Form::Blob, Form::Minisign, Form::SshSig] {
        let other = Item { form, ..good.clone() };
        assert!(compose(&other, &Chosen::Nothing, None).is_err(), "{form}");
    }
}

#[test]
fn every_bit_of_a_signature_a_certificate_and_a_clearsigned_text_is_covered() {
    for algorithm in [Algorithm::EcdsaP256, Algorithm::Ed25519, Algorithm::Rsa3072] {
        let owner = Owner::new(algorithm);
        let key = owner.read().primary().clone();
        let accepts = |bytes: &[u8]| {
            let read = read_signatures(bytes);
            read.is_ok_and(|all| all.iter().all(|one| verify(one, &key, FILE).is_ok()))
        };
        let packet = owner.sign(FILE, SignatureOf::Binary);
        assert_eq!(unnoticed(&packet, accepts), [], "{algorithm}");
    }
    let owner = Owner::new(Algorithm::EcdsaP256);
    let same = |bytes: &[u8]| {
        let read = read_certificates(bytes);
        read.is_ok_and(|all| all.iter().any(|one| one.primary().public() == &owner.key.public()))
    };
    assert_eq!(unnoticed(&owner.certificate, same), []);
    // The line break at the end may be missing.
    let mut text = owner.clearsigned(b"Origin: Example\n- dashed\n\nEnd\n");
    text.pop();
    let key = owner.read().primary().clone();
    let accepts = |bytes: &[u8]| {
        Cleartext::parse(bytes)
            .is_ok_and(|read| read.signatures().iter().all(|one| verify(one, &key, read.text()).is_ok()))
    };
    for (at, bit) in unnoticed(&text, accepts) {
        // A line may end in white space, with which it is the same text; so may those of the armor.
        let mut changed = text.clone();
        changed[at] ^= 1 << bit;
        let (was, is) = (text[at], changed[at]);
        assert!(
            matches!((was, is), (b'\n', b'\x0b' | b'\x0c' | b'\r') | (_, b' ' | b'\t' | b'\r')),
            "{at} {bit}"
        );
    }
}

/// CVE-2024-53856, CVE-2024-53857: malformed packets brought a reader down, or took memory without an end. CVE-2025-47934:
/// packets beside those that were signed were shown as signed.
#[test]
fn an_armored_signature_with_other_things_around_it_or_in_it_is_refused() {
    let owner = Owner::new(Algorithm::Ed25519);
    let packet = owner.sign(FILE, SignatureOf::Binary);
    let twice = [packet.clone(), packet.clone()].concat();
    assert_eq!(read_signatures(&twice).unwrap().len(), 2);
    for (other, tag) in [
        (vec![0xca, 3, b'P', b'G', b'P'], 10),
        (vec![0xc8, 2, 1, 0], 8),
        (vec![0xcb, 2, b'b', 0], 11),
        (vec![0xd2, 1, 1], 18),
        (owner.certificate.clone(), 6),
    ] {
        for junk in [[packet.clone(), other.clone()].concat(), [other, packet.clone()].concat()] {
            let refused = read_signatures(&junk).unwrap_err();
            assert!(
                matches!(refused, OpenPgpError::OtherPacket { tag: found, .. } if found == tag),
                "{refused}"
            );
        }
    }
    let mut partial = packet.clone();
    partial[1] = 0xe1;
    assert!(matches!(read_signatures(&partial), Err(OpenPgpError::PartialLength)));
    assert!(matches!(read_signatures(&packet.repeat(65)), Err(OpenPgpError::TooMany { .. })));
    assert!(matches!(read_signatures(&vec![0xc2; 300_000]), Err(OpenPgpError::TooLong { .. })));
    for (version, rest) in [(3, 5), (5, 5), (6, 5)] {
        let mut other = packet.clone();
        other[2] = version;
        let refused = read_signatures(&other).unwrap_err();
        assert!(
            matches!(refused, OpenPgpError::Version { version: found, .. } if found == version),
            "{rest}"
        );
    }
}

/// CVE-2023-41037: what stood before the text of a clearsigned message was shown with it, and nobody had signed it.
#[test]
fn a_clearsigned_text_with_anything_around_it_or_before_it_is_refused() {
    let owner = Owner::new(Algorithm::Ed25519);
    let file = String::from_utf8(owner.clearsigned(b"Origin: Example\nSuite: stable\n")).unwrap();
    let read = Cleartext::parse(file.as_bytes()).unwrap();
    verify(&read.signatures()[0], owner.read().primary(), read.text()).unwrap();
    let begin = "-----BEGIN PGP SIGNED MESSAGE-----";
    for changed in [
        format!("said before\n{file}"),
        format!("{file}said after\n"),
        file.replacen("Hash: SHA256\n", "Hash: SHA256\nComment: said before\n", 1),
        file.replacen("Hash: SHA256\n", "said before\nHash: SHA256\n", 1),
        file.replacen("\nOrigin", "\n-Origin", 1),
        file.replacen(begin, &format!("{begin} "), 1),
        file.replacen(
            "-----BEGIN PGP SIGNATURE-----",
            &format!("-----BEGIN PGP SIGNATURE-----\n\n{file}"),
            1,
        ),
        file.replacen("\nSuite", "\rSuite", 1),
        format!("{file}{file}"),
    ] {
        assert!(Cleartext::parse(changed.as_bytes()).is_err(), "{changed}");
    }
    for (named, refused) in [("Hash: SHA512", true), ("Hash: SHA512,SHA256", false), ("Hash: MD5", true)] {
        let changed = file.replacen("Hash: SHA256", named, 1);
        let read = Cleartext::parse(changed.as_bytes());
        assert_eq!(matches!(read, Err(OpenPgpError::OtherHashNamed { .. })), refused, "{named}");
    }
}

/// CVE-2019-14855: certifications with SHA-1 were believed.
#[test]
fn weak_hashes_and_what_must_be_understood_are_refused_by_their_names() {
    let owner = Owner::new(Algorithm::Ed25519);
    let packet = owner.sign(FILE, SignatureOf::Binary);
    // 0xc2, length, version, type, algorithm, hash, length of the hashed part in two bytes, subpackets.
    let with_hash = |id: u8| {
        let mut other = packet.clone();
        other[5] = id;
        read_signatures(&other).unwrap_err().to_string()
    };
    for (id, name) in [(1, "MD5"), (2, "SHA-1"), (3, "RIPEMD-160"), (11, "SHA-224")] {
        assert_eq!(with_hash(id), format!("it is made with {name}, which is too weak to be believed"));
    }
    assert!(with_hash(12).contains("hash 12"));
    let with_subpacket = |subpacket: &[u8]| {
        let mut body = packet[2..].to_vec();
        let length = u16::from_be_bytes([body[4], body[5]]) + u16::try_from(subpacket.len()).unwrap();
        body[4..6].copy_from_slice(&length.to_be_bytes());
        body.splice(6..6, subpacket.iter().copied());
        let packet = [&[0xc2, u8::try_from(body.len()).unwrap()][..], &body].concat();
        read_signatures(&packet)
    };
    // One that is not critical changes what is signed, and is read.
    let changed = with_subpacket(&[2, 100, 0]).unwrap();
    assert!(verify(&changed[0], owner.read().primary(), FILE).is_err());
    let refused = with_subpacket(&[2, 0x80 | 100, 0]).unwrap_err();
    assert!(matches!(refused, OpenPgpError::UnknownCritical { kind: 100 }));
    let notation = [&[14, 0x80 | 20, 0x80, 0, 0, 0, 0, 4, 0, 1][..], b"a@b.", b"1"].concat();
    let refused = with_subpacket(&notation).unwrap_err();
    assert!(matches!(refused, OpenPgpError::CriticalNotation { name } if name == "a@b."));
    let refused = with_subpacket(&[5, 2, 0, 0, 0, 1]).unwrap_err();
    assert!(matches!(refused, OpenPgpError::Twice { .. }));
}

/// A folder in which GnuPG lives for a test, and ends with it.
struct Gnupg {
    tool: Tool,
    home: testkit::TempFolder,
}

impl Gnupg {
    fn new() -> Option<Self> {
        let tool = testkit::tool("gpg")?;
        let home = testkit::temp_folder();
        Some(Self { tool, home })
    }

    fn command(&self) -> Command {
        let mut command = self.tool.command();
        command.arg("--homedir").arg(self.home.path()).args(["--batch", "--no-tty", "--status-fd", "1"]);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).current_dir(self.home.path()).output().unwrap()
    }

    fn done(&self, arguments: &[&str]) -> Vec<u8> {
        let output = self.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        output.stdout
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.home.path().join(name), bytes).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.home.path().join(name)).unwrap()
    }
}

impl Drop for Gnupg {
    fn drop(&mut self) {
        let _gone =
            Command::new("gpgconf").arg("--homedir").arg(self.home.path()).args(["--kill", "all"]).output();
    }
}

/// What a judge says of a signature beside a file, given the signer's certificate.
type Judge = fn(&Tool, &Path) -> bool;

fn judges() -> Vec<(Tool, Judge)> {
    let gpgv: Judge = |tool, dir| {
        let mut command = tool.command();
        let keyring = dir.join("key.gpg");
        command.arg("--keyring").arg(keyring).args(["file.asc", "file"]).current_dir(dir);
        command.output().unwrap().status.success()
    };
    let sqv: Judge = |tool, dir| {
        let mut command = tool.command();
        command.args(["--keyring", "key.asc", "file.asc", "file"]).current_dir(dir);
        command.output().unwrap().status.success()
    };
    let both = [("gpgv", gpgv), ("sqv", sqv)];
    both.into_iter().filter_map(|(name, judge)| Some((testkit::tool(name)?, judge))).collect()
}

#[test]
fn interop_gnupg_and_sequoia_accept_our_signatures_and_no_changed_ones() {
    let dir = testkit::temp_folder();
    let put = |name: &str, bytes: &[u8]| fs::write(dir.path().join(name), bytes).unwrap();
    let stranger = Owner::new(Algorithm::EcdsaP256).detached();
    let owners = ALGORITHMS.map(|algorithm| (algorithm, Owner::new(algorithm)));
    for (tool, judge) in judges() {
        let (mut accepted, mut refused) = (0, 0);
        for (algorithm, owner) in &owners {
            put("key.asc", owner.armored().as_bytes());
            put("key.gpg", &owner.certificate);
            put("file", FILE);
            put("file.asc", owner.detached().as_bytes());
            assert!(judge(&tool, dir.path()), "{} refuses {algorithm}", tool.name());
            accepted += 1;
            put("file", b"what an organisation shipt\n");
            assert!(!judge(&tool, dir.path()), "{} accepts another file", tool.name());
            put("file", FILE);
            let packet = owner.sign(FILE, SignatureOf::Binary);
            // The type, the time, the fingerprint, the signature.
            for at in [3, 34, 12, packet.len() - 3] {
                let mut changed = packet.clone();
                changed[at] ^= 1;
                put("file.asc", openpgp::armored(&changed).as_bytes());
                assert!(
                    !judge(&tool, dir.path()),
                    "{} accepts {algorithm} with byte {at} changed",
                    tool.name()
                );
                refused += 1;
            }
            put("file.asc", stranger.as_bytes());
            assert!(!judge(&tool, dir.path()), "{} accepts another key", tool.name());
            refused += 2;
        }
        testkit::interop_row("openpgp", &tool, Direction::Ours, accepted, refused);
    }
}

#[test]
fn interop_gnupg_imports_our_certificates_and_accepts_our_clearsigned_texts() {
    let Some(gnupg) = Gnupg::new() else { return };
    let (mut accepted, mut refused) = (0, 0);
    for algorithm in ALGORITHMS.into_iter().chain([Algorithm::Rsa4096]) {
        let owner = Owner::new(algorithm);
        gnupg.write("key.asc", owner.armored().as_bytes());
        let said = String::from_utf8(gnupg.done(&["--import", "key.asc"])).unwrap();
        let fingerprint = owner.read().primary().fingerprint().to_string();
        assert!(said.contains(&format!("IMPORT_OK 1 {fingerprint}")), "{said}");
        for text in
            [&b"Origin: Example\nSuite: stable\n"[..], b"- a dash\n-----\n\nFrom here \t\nend", b"one line"]
        {
            let file = owner.clearsigned(text);
            gnupg.write("text.asc", &file);
            let said = String::from_utf8_lossy(&gnupg.done(&["--verify", "text.asc"])).into_owned();
            assert!(said.contains(&format!("VALIDSIG {fingerprint}")), "{said}");
            accepted += 1;
            let at = file.windows(2).position(|two| two == b"\n\n").unwrap() + 4;
            let mut changed = file.clone();
            changed[at] ^= 1;
            gnupg.write("text.asc", &changed);
            assert!(!gnupg.run(&["--verify", "text.asc"]).status.success());
            refused += 1;
        }
    }
    testkit::interop_row("openpgp clearsigned", &gnupg.tool, Direction::Ours, accepted, refused);
}

#[test]
fn interop_we_accept_what_gnupg_signs_and_no_changed_file() {
    let Some(gnupg) = Gnupg::new() else { return };
    let (mut accepted, mut refused, mut clear) = (0, 0, 0);
    gnupg.write("file", FILE);
    gnupg.write("text", b"Origin: Example\n- dash\n\nend\n");
    for algorithm in ["rsa2048", "rsa3072", "nistp256", "nistp384", "ed25519"] {
        let user = format!("{algorithm} <{algorithm}@example.com>");
        let quick = ["--pinentry-mode", "loopback", "--passphrase", "", "--quick-gen-key"];
        gnupg.done(&[&quick[..], &[&user, algorithm, "sign", "never"]].concat());
        let certificate = gnupg.done(&["--status-fd", "2", "--export", "--armor", &user]);
        let certificate = read_certificates(&certificate).unwrap().remove(0);
        assert_eq!(certificate.user_ids(), std::slice::from_ref(&user));
        let [signer] = certificate.signers() else { panic!("{algorithm}: one key") };
        for digest in ["SHA256", "SHA384", "SHA512"] {
            // A curve of 384 bits is not signed with with less.
            if algorithm == "nistp384" && digest == "SHA256" {
                continue;
            }
            let sign = ["--yes", "--digest-algo", digest, "--local-user", &user, "--armor", "--output"];
            gnupg.done(&[&sign[..], &["file.asc", "--detach-sign", "file"]].concat());
            let signature = read_signatures(&gnupg.read("file.asc")).unwrap().remove(0);
            signer.check(signature.created().unwrap()).unwrap();
            verify(&signature, signer.key(), FILE).unwrap();
            assert!(verify(&signature, signer.key(), b"another file").is_err());
            gnupg.done(&[&sign[..], &["text.asc", "--clear-sign", "text"]].concat());
            let text = Cleartext::parse(&gnupg.read("text.asc")).unwrap();
            assert_eq!(text.text(), canonical_text(&gnupg.read("text")).unwrap());
            verify(&text.signatures()[0], signer.key(), text.text()).unwrap();
            let changed = String::from_utf8(gnupg.read("text.asc")).unwrap().replace("Example", "Exemple");
            let changed = Cleartext::parse(changed.as_bytes()).unwrap();
            assert!(verify(&changed.signatures()[0], signer.key(), changed.text()).is_err());
            accepted += 1;
            clear += 1;
            refused += 1;
        }
    }
    // Weak hashes, by their names.
    let sign = ["--yes", "--allow-weak-digest-algos", "--digest-algo", "SHA1", "--local-user"];
    gnupg.done(
        &[&sign[..], &["rsa3072 <rsa3072@example.com>", "--output", "file.sig", "--detach-sign", "file"]]
            .concat(),
    );
    let weak = read_signatures(&gnupg.read("file.sig")).unwrap_err();
    assert!(matches!(weak, OpenPgpError::WeakHash { name: "SHA-1" }));
    testkit::interop_row("openpgp", &gnupg.tool, Direction::Theirs, accepted, refused + 1);
    testkit::interop_row("openpgp clearsigned", &gnupg.tool, Direction::Theirs, clear, clear);
}

#[test]
fn interop_a_subkey_of_gnupg_signs_for_its_owner_until_either_is_revoked() {
    let Some(gnupg) = Gnupg::new() else { return };
    gnupg.write("file", FILE);
    let quick = ["--pinentry-mode", "loopback", "--passphrase", ""];
    let run = |arguments: &[&str]| gnupg.done(&[&quick[..], arguments].concat());
    run(&["--quick-gen-key", "Owner <owner@example.com>", "ed25519", "cert", "never"]);
    let export = || {
        let bytes = gnupg.done(&["--status-fd", "2", "--export", "owner@example.com"]);
        read_certificates(&bytes).unwrap().remove(0)
    };
    let fingerprint = export().primary().fingerprint().to_string();
    run(&["--quick-add-key", &fingerprint, "ed25519", "sign", "never"]);
    run(&["--quick-add-key", &fingerprint, "cv25519", "encr", "never"]);
    run(&["--output", "file.sig", "--detach-sign", "file"]);
    let certificate = export();
    let [owner, subkey] = certificate.signers() else { panic!("an owner and what signs for it") };
    assert!(matches!(owner.check(then()), Err(OpenPgpError::OtherUse { .. })));
    let signature = read_signatures(&gnupg.read("file.sig")).unwrap().remove(0);
    assert!(!signature.names(owner.key()) && signature.names(subkey.key()));
    subkey.check(signature.created().unwrap()).unwrap();
    verify(&signature, subkey.key(), FILE).unwrap();
    // What ends for the owner ends for whoever signs in their place.
    assert_eq!((owner.ends(), subkey.ends()), (None, None));
    run(&["--quick-set-expire", &fingerprint, "1d"]);
    let brief = export();
    let [owner, subkey] = brief.signers() else { panic!("an owner and what signs for it") };
    let end = owner.ends().unwrap();
    assert_eq!(subkey.ends(), Some(end));
    assert!(matches!(subkey.check(end), Err(OpenPgpError::OutsideValidity { .. })));
    let subkey = &certificate.signers()[1];
    // Without the binding nobody speaks for the subkey.
    let bytes = gnupg.done(&["--status-fd", "2", "--export", "owner@example.com"]);
    let found = unnoticed_subkeys(&bytes, subkey.key());
    assert_eq!(found, 0, "a subkey counts although its binding was changed");
    let revocation = fs::read(gnupg.home.path().join(format!("openpgp-revocs.d/{fingerprint}.rev"))).unwrap();
    let revocation = String::from_utf8(revocation).unwrap().replace(":-----BEGIN", "-----BEGIN");
    gnupg.write("revocation", revocation.as_bytes());
    run(&["--import", "revocation"]);
    for signer in export().signers() {
        assert!(matches!(signer.check(then()), Err(OpenPgpError::Revoked { .. })));
    }
}

/// In how many copies, each with one byte of the last half changed, a subkey still counts as it did.
fn unnoticed_subkeys(bytes: &[u8], subkey: &OpenPgpKey) -> usize {
    let body = subkey.public().raw();
    let at = bytes.windows(body.len()).position(|part| part == body).unwrap();
    // The hashed part of the binding begins a few bytes after the key's body.
    let changed = (at + body.len() + 3..at + body.len() + 40).filter(|place| {
        let mut copy = bytes.to_vec();
        copy[*place] ^= 1;
        let read = read_certificates(&copy);
        read.is_ok_and(|all| all.iter().any(|one| one.signers().iter().any(|signer| signer.key() == subkey)))
    });
    changed.count()
}
