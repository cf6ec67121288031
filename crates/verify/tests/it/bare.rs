//! Signatures of minisign and of SSH: in receipts, alone, and shown as what they are not.

use envelope::detached::{self, Kind};
use envelope::minisign::{Minisig, MinisignKey};
use envelope::sshsig::{self, Holder, SshKey};
use envelope::{Chosen, compose, dsse};
use model::receipt::Receipt;
use model::{Base64, Content, Digest, DigestBlake2b, Digests, Form, Hash, Item, Parameters};
use quorum::{Change, KeyRecord, KeyState};
use testkit::founding::rule;
use verify::{
    Artifact, Expectations, Fault, Gap, MinisignTrust, NotChecked, Part, Present, Proven, Refused, SshTrust,
    TimeSource, Verified, verify_minisig, verify_receipt, verify_sshsig,
};

use crate::platform::{COMMENT, FILE, Pair, Platform, at};

const KEYS: [&str; 2] = ["default/minisign", "default/sshsig"];

fn file() -> Artifact {
    Artifact { digests: Digests::of(FILE, &Hash::ALL), name: Some("firmware.bin".to_owned()) }
}

fn later() -> Present {
    Present { at: at(3_600), source: TimeSource::Named }
}

/// The file that stands beside the signed one.
fn beside(receipt: &Receipt, kind: Kind) -> Vec<u8> {
    let all = receipt.items.iter().flat_map(|signed| detached::of_item(signed, None).unwrap());
    all.into_iter().find(|one| one.kind == kind).unwrap().bytes
}

fn minisig(bytes: &[u8], trust: MinisignTrust<'_>) -> Result<Verified, Refused> {
    verify_minisig(&file(), None, bytes, trust, &Expectations::default(), later())
}

fn ssh(bytes: &[u8], namespace: Option<&str>, trust: SshTrust<'_>) -> Result<Verified, Refused> {
    verify_sshsig(&file(), bytes, namespace, trust, &Expectations::default(), later())
}

#[test]
fn a_receipt_holds_both_signatures_of_minisign_and_says_what_they_say() {
    let platform = Platform::new();
    let root = platform.trust_root();
    let receipt = platform.sign(&KEYS, at(100));
    let judge = |receipt: &Receipt, artifact: &Artifact| {
        verify_receipt(artifact, receipt, &root, &Expectations::default(), later())
    };
    let verified = judge(&receipt, &file()).unwrap();
    let [mini, ssh] = verified.items() else { panic!("two signatures") };
    assert!(mini.proven().contains(&Proven::Comment { text: COMMENT.to_owned() }));
    assert!(ssh.proven().contains(&Proven::Namespace { name: "file".to_owned() }));
    // By which digests it was signed is asked for one after the other.
    let mut known = Vec::new();
    loop {
        let artifact = Artifact { digests: Digests::of(FILE, &known), name: None };
        match judge(&receipt, &artifact) {
            Ok(_) => break,
            Err(refused) => known.push(refused.hash_needed().unwrap()),
        }
    }
    assert_eq!(known, [Hash::Blake2b512, Hash::Sha512]);
    // Log entry and journal name the first signature alone, and each of the two is held to its own bytes.
    for place in 0..128 {
        let mut changed = receipt.clone();
        changed.items[0].signature.0[place] ^= 1;
        let refused = judge(&changed, &file()).unwrap_err();
        assert!(matches!(refused, Refused::Bad { part: Part::Signature, .. }), "byte {place}: {refused:?}");
    }
    let mut cut = receipt.clone();
    cut.items[0].signature.0.truncate(64);
    assert!(matches!(judge(&cut, &file()), Err(Refused::Bad { part: Part::Signature, .. })));
    // Another comment stands in no request that was signed.
    let mut said = receipt;
    said.items[0].item = said.items[0].item.replace("firmware.bin\\thashed", "firmware.bim\\thashed");
    assert!(matches!(judge(&said, &file()), Err(Refused::Bad { part: Part::Item, .. })));
}

#[test]
fn a_signature_alone_is_held_to_the_platform_and_says_what_it_leaves_open() {
    let mut platform = Platform::new();
    let receipt = platform.sign(&KEYS, at(100));
    let (mini, armored) = (beside(&receipt, Kind::Minisign), beside(&receipt, Kind::SshSig));
    let judge = |platform: &Platform| {
        let root = platform.trust_root();
        let of_mini = minisig(&mini, MinisignTrust::Platform(&root));
        (of_mini, ssh(&armored, Some("file"), SshTrust::Platform(&root)))
    };
    let (of_mini, of_ssh) = judge(&platform);
    for (verified, what) in [(of_mini.unwrap(), "minisign signature"), (of_ssh.unwrap(), "SSH signature")] {
        let open = verified.not_checked();
        assert!(
            open.contains(&NotChecked::Bare { what }) && open.contains(&NotChecked::NoRequest),
            "{open:?}"
        );
        assert_eq!(verified.items()[0].time().at, at(3_600));
    }
    let root = platform.trust_root();
    let unnamed = ssh(&armored, None, SshTrust::Platform(&root)).unwrap();
    let found = "file".to_owned();
    assert!(unnamed.not_checked().contains(&NotChecked::Expectation { what: "namespace", found }));
    let git = ssh(&armored, Some("git"), SshTrust::Platform(&root)).unwrap_err();
    assert!(matches!(git, Refused::Bad { part: Part::Signature, .. }), "{git:?}");

    // Nothing says when it was signed, so that it is as good as its key is now.
    let (stranger, revoked) = (Platform::new(), at(3_000));
    let (of_mini, of_ssh) = judge(&stranger);
    for refused in [of_mini.unwrap_err(), of_ssh.unwrap_err()] {
        assert!(matches!(refused, Refused::CannotCheck { part: Part::Key, .. }), "{refused:?}");
    }
    for key in ["minisign", "sshsig"] {
        let id =
            platform.registry.key_named(&format!("default/{key}").parse().unwrap(), 1).unwrap().record.id();
        let (state, reason) = (KeyState::Revoked, "stolen".to_owned());
        platform.change(vec![Change::KeyState { key: id, state, since: revoked, reason }], revoked);
    }
    let (of_mini, of_ssh) = judge(&platform);
    for refused in [of_mini.unwrap_err(), of_ssh.unwrap_err()] {
        assert!(matches!(refused, Refused::Bad { fault: Fault::NotActive { .. }, .. }), "{refused:?}");
    }
}

#[test]
fn of_a_governed_key_a_signature_alone_proves_nothing() {
    let mut platform = Platform::new();
    for (key, form) in [("minisign", Form::Minisign), ("sshsig", Form::SshSig)] {
        let name = format!("default/{key}").parse().unwrap();
        let old = platform.registry.key_named(&name, 1).unwrap().record.clone();
        let pair = Pair::ed25519();
        let (generation, public_key) = (2, pair.public());
        let rule = Some(rule("endorsers", 1));
        platform.change(vec![Change::Key(KeyRecord { generation, public_key, rule, ..old })], at(50));
        if form == Form::Minisign { platform.minisign = pair } else { platform.sshsig = pair }
    }
    let receipt = platform.sign(&KEYS, at(100));
    let root = platform.trust_root();
    let of_mini = minisig(&beside(&receipt, Kind::Minisign), MinisignTrust::Platform(&root));
    let of_ssh = ssh(&beside(&receipt, Kind::SshSig), None, SshTrust::Platform(&root));
    for refused in [of_mini.unwrap_err(), of_ssh.unwrap_err()] {
        let Refused::CannotCheck { gap: Gap::NeedsReceipt { what: "quorum" }, .. } = refused else {
            panic!("{refused:?}")
        };
    }
}

#[test]
fn a_key_that_the_verifier_names_is_asked_of_nobody_and_no_other_will_do() {
    let platform = Platform::new();
    let receipt = platform.sign(&KEYS, at(100));
    let (mini, armored) = (beside(&receipt, Kind::Minisign), beside(&receipt, Kind::SshSig));
    let key = |pair: &Pair| MinisignKey::of(&pair.public()).unwrap();
    let good = minisig(&mini, MinisignTrust::Given(&key(&platform.minisign))).unwrap();
    assert!(good.not_checked().contains(&NotChecked::KeyGiven));
    let other = minisig(&mini, MinisignTrust::Given(&key(&platform.sshsig))).unwrap_err();
    assert!(matches!(other, Refused::Bad { part: Part::Signature, .. }), "{other:?}");
    let key = |pair: &Pair| SshKey::new(pair.public(), Holder::Software).unwrap();
    let good =
        ssh(&armored, Some("file"), SshTrust::Given(&[key(&platform.minisign), key(&platform.sshsig)]));
    assert!(good.unwrap().not_checked().contains(&NotChecked::KeyGiven));
    let other = ssh(&armored, Some("file"), SshTrust::Given(&[key(&platform.minisign)])).unwrap_err();
    assert!(matches!(other, Refused::Bad { part: Part::Signature, .. }), "{other:?}");

    // An old signature needs the file itself, and one of 64 bytes may be of something else.
    let key = MinisignKey::of(&platform.minisign.public()).unwrap();
    let old = |file: &[u8]| {
        let first = platform.minisign.sign(file);
        let second = platform.minisign.sign(&[&first[..], b"x"].concat());
        let sealed = Minisig::seal(&key, &[first, second].concat(), "x", "").unwrap().to_file();
        sealed.replacen("\nRU", "\nRW", 1)
    };
    let judge = |file: &[u8], whole: Option<&[u8]>| {
        let artifact = Artifact { digests: Digests::of(file, &Hash::ALL), name: None };
        let trust = MinisignTrust::Given(&key);
        verify_minisig(&artifact, whole, old(file).as_bytes(), trust, &Expectations::default(), later())
    };
    let needed = judge(FILE, None).unwrap_err();
    assert!(needed.is_file_needed(), "{needed:?}");
    judge(FILE, Some(FILE)).unwrap();
    let other = judge(FILE, Some(b"other")).unwrap_err();
    assert!(matches!(other, Refused::Bad { part: Part::File, .. }), "{other:?}");
    let ambiguous = judge(&[7; 64], Some(&[7; 64])).unwrap_err();
    assert!(matches!(ambiguous, Refused::CannotCheck { gap: Gap::Ambiguous(_), .. }), "{ambiguous:?}");
}

/// Whoever may use a minisign key chooses the 64 bytes that are said to be a digest. By the platform's registry they are
/// nothing else: not what an SSH key signs, which can have just that length, and no claim.
#[test]
fn the_64_bytes_that_a_minisign_key_signs_are_nothing_else_to_the_platform() {
    let platform = Platform::new();
    let root = platform.trust_root();
    let data = sshsig::signed_data("file", Hash::Sha256, FILE);
    assert_eq!(data.len(), 64);
    let pae = dsse::pre_authentication_encoding("application/json", &[b' '; 34]);
    assert_eq!(pae.len(), 64);
    for chosen in [data, pae] {
        let digest = DigestBlake2b::from_slice(&chosen).unwrap();
        let item = platform.item("default/minisign", 0);
        let item = Item { content: Content::Blake2b512 { digest, length: 28 }, ..item };
        let signature = platform.minisign.sign(&chosen);
        let composed = compose(&item, &Chosen::Nothing, None).unwrap();
        assert_eq!(composed.logged(&signature), signature);
        platform.minisign.public().verify(&chosen, &signature).unwrap();
        // As an SSH signature of the file: the key is one of minisign's, and signs in no namespace.
        let key = SshKey::new(platform.minisign.public(), Holder::Software).unwrap();
        let armored = sshsig::seal(&key, "file", Hash::Sha256, &signature).unwrap();
        let refused = ssh(armored.as_bytes(), Some("file"), SshTrust::Platform(&root)).unwrap_err();
        assert!(matches!(refused, Refused::Bad { .. }), "{refused:?}");
        // As an SSH signature of the platform's own SSH key.
        let ours = SshKey::new(platform.sshsig.public(), Holder::Software).unwrap();
        let armored = sshsig::seal(&ours, "file", Hash::Sha256, &signature).unwrap();
        let refused = ssh(armored.as_bytes(), Some("file"), SshTrust::Platform(&root)).unwrap_err();
        assert!(matches!(refused, Refused::Bad { part: Part::Signature, .. }), "{refused:?}");
        // As that of another form's item: the record says which form the key has.
        let mut receipt = platform.sign(&["default/minisign"], at(100));
        let bent = Item {
            form: Form::SshSig,
            parameters: Parameters { namespace: Some("file".to_owned()), ..Parameters::default() },
            content: Content::Sha256 { digest: Digest::of(FILE), length: 28 },
            ..platform.item("default/minisign", 0)
        };
        let items = model::Items::parse(vec![bent.encode()]).unwrap();
        let bent = platform.sign_items(&items, at(100));
        receipt.items[0].signature = Base64(signature);
        for forged in [bent, receipt] {
            let refused =
                verify_receipt(&file(), &forged, &root, &Expectations::default(), later()).unwrap_err();
            assert!(matches!(refused, Refused::Bad { .. }), "{refused:?}");
        }
    }
}
