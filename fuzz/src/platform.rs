//! A platform with one founder, whose key is made from a number: every run has the same bytes.

use std::sync::LazyLock;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use data_encoding::BASE64;
use envelope::countersigned;
use envelope::minisign::{Minisig, MinisignKey};
use envelope::sshsig::{self, Holder, SshKey};
use model::{
    Base64, Class, Digest, Form, Hash, Hex32, Instant, PersonId, PrincipalId, PublicKey, Purpose, RequestId,
    Space, Tag,
};
use quorum::{
    Asked, Asking, Change, Credential, Decision, Endorsement, Entry, Genesis, Governance, Group, KeyRecord,
    Principal, Proof, Registry, RequesterProof, Requirement, Rule, SSH_NAMESPACE, Touch, message,
};

use crate::known::THEN;

/// What the founder signed besides.
pub const MESSAGE: &[u8] = b"a line that the founder signed\n";

/// Where the founder signed it.
pub const NAMESPACE: &str = "fuzz.avouch.v1";

/// Within the time of every request.
pub const NOW: Instant = Instant::from_seconds(THEN.seconds() + 60);

const PRINCIPAL: PrincipalId = PrincipalId::new([1; 16]);
const PERSON: PersonId = PersonId::new([2; 16]);

static FOUNDER: LazyLock<Ed25519KeyPair> =
    LazyLock::new(|| Ed25519KeyPair::from_seed_unchecked(&[1; 32]).expect("32 bytes are a seed"));

/// The genesis, signed by its founder.
pub static GENESIS: LazyLock<Vec<u8>> =
    LazyLock::new(|| Entry::first(genesis()).endorsed([endorse]).encode());

/// What the genesis begins.
pub static REGISTRY: LazyLock<Registry> =
    LazyLock::new(|| Registry::begin(&GENESIS).expect("a good genesis"));

/// Entries on top of the genesis that the founder endorsed.
pub static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let policy = Change::Policy { digest: Digest::of(b"policy") };
    vec![
        next(vec![Change::Key(record())]),
        next(vec![policy.clone()]),
        next(vec![Change::Key(record()), policy]),
    ]
});

/// The founder's key.
pub fn founder_key() -> SshKey {
    let raw: [u8; 32] = FOUNDER.public_key().as_ref().try_into().expect("an Ed25519 key has 32 bytes");
    SshKey::new(PublicKey::from_ed25519(&raw), Holder::Software).expect("a kind of key that SSH has")
}

/// The founder's signature, in armor.
pub fn founder_signs(namespace: &str, message: &[u8]) -> String {
    let signed = sshsig::signed_data(namespace, Hash::Sha512, message);
    sshsig::seal(&founder_key(), namespace, Hash::Sha512, FOUNDER.sign(&signed).as_ref())
        .expect("a signature by this key")
}

/// The founder's bare signature.
pub fn founder_signs_raw(message: &[u8]) -> Vec<u8> {
    FOUNDER.sign(message).as_ref().to_vec()
}

/// The same key as minisign has it.
pub fn founder_minisign_key() -> MinisignKey {
    MinisignKey::of(founder_key().key()).expect("an Ed25519 key")
}

/// What the founder says in a minisign signature.
pub const COMMENT: &str = "timestamp:1795165602\tfile:message\thashed";

/// The founder's minisign signature of the message.
pub fn founder_minisig() -> Minisig {
    let first = FOUNDER.sign(&Hash::Blake2b512.digest(MESSAGE));
    let second = FOUNDER.sign(&countersigned(first.as_ref(), COMMENT));
    let both = [first.as_ref(), second.as_ref()].concat();
    Minisig::seal(&founder_minisign_key(), &both, COMMENT, "a seed").expect("two signatures by this key")
}

/// An armored signature without its armor.
pub fn blob(armor: &str) -> Vec<u8> {
    let base64: String = armor.lines().filter(|line| !line.starts_with('-')).collect();
    BASE64.decode(base64.as_bytes()).expect("armor is base64")
}

fn genesis() -> Genesis {
    let space = |text: &str| -> Space { text.parse().expect("a good name") };
    let administrators = space("administrators");
    let public_key = Base64(founder_key().to_wire());
    Genesis {
        version: 1,
        host: "sign.example.test".to_owned(),
        instance: space("one"),
        journal: PublicKey::from_ed25519(&[9; 32]),
        created: THEN,
        nonce: Hex32([7; 32]),
        governance: Governance::Solo,
        administration: Rule {
            requirements: vec![Requirement { group: administrators.clone(), threshold: 1 }],
            independent: 0,
            period_s_max: 24 * 3_600,
            requester: RequesterProof::Proven,
        },
        principals: vec![Principal {
            principal: PRINCIPAL,
            person: PERSON,
            name: Tag::Name.digest(&[b"salt", b"name"]),
            credentials: vec![Credential::Ssh { public_key, touch: Touch::NotRequired }],
        }],
        groups: vec![Group { name: administrators, persons: vec![PERSON] }],
    }
}

fn record() -> KeyRecord {
    KeyRecord {
        version: 1,
        name: "payments/release".parse().expect("a good name"),
        generation: 1,
        public_key: PublicKey::from_ed25519(&[3; 32]),
        store: "software".parse().expect("a good name"),
        purpose: Purpose::Code,
        form: Form::Dsse,
        classes: vec![Class::Release],
        not_before: THEN,
        not_after: Instant::from_seconds(THEN.seconds() + 1_000_000),
        takes_over: None,
        rule: None,
        rate: None,
        origin: None,
        subject: None,
        identity: None,
        role: None,
        namespaces: Vec::new(),
    }
}

fn next(changes: Vec<Change>) -> Entry {
    let asking = Asking {
        id: RequestId::new([9; 16]),
        nonce: Hex32([3; 32]),
        principal: PRINCIPAL,
        person: PERSON,
        created: THEN,
        deadline: Instant::from_seconds(THEN.seconds() + 3_600),
        reason: String::new(),
    };
    Entry::next(&REGISTRY, asking, changes).endorsed([endorse])
}

fn endorse(asked: &Asked) -> Endorsement {
    let text = message(&asked.platform, &asked.digest, Decision::Endorse, &PRINCIPAL, None, THEN);
    let signature = Base64(blob(&founder_signs(SSH_NAMESPACE, text.as_bytes())));
    Endorsement {
        principal: PRINCIPAL,
        decision: Decision::Endorse,
        facet: None,
        time: THEN,
        proof: Proof::Ssh { signature },
    }
}
