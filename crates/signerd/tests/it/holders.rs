//! Certificates for holders of ID tokens: issued from the token alone, once, and to nobody else.

mod attacks;
mod lost;

use std::time::Duration;

use envelope::Chosen;
use model::{Algorithm, Form};
use pki::sct::{self, SignedTimestamp};
use pki::token::{IdToken, IssuerKind, TokenIssuer, Trust, Verification, parse_jwks};
use pki::{Certificate, HolderCertificate, PathError, Usage, verify_path};
use quorum::{Change, IdentityProof, IssuerState, KeyRecord};
use serde_json::{Value, json};
use signer::{
    AdminAnswer, CheckpointOrder, Head, HolderOrder, HolderStep, Order, Refusal, RefusalCode, Signed,
    Signer as _,
};
use testkit::{IdentityProvider, Key};
use tlog::tree_head;

use crate::world::{MINUTE, Platform};

const ISSUER: &str = "https://issuer.example.com";

/// A platform that certifies holders of the tokens of one issuer.
struct World {
    platform: Platform,
    provider: IdentityProvider,
    issuer: TokenIssuer,
    holder: Key,
}

impl World {
    fn new() -> Self {
        Self::with(IdentityProof::Proven)
    }

    fn with(identity: IdentityProof) -> Self {
        Self::over(Platform::new(), identity)
    }

    fn over(platform: Platform, identity: IdentityProof) -> Self {
        let provider = IdentityProvider::new("k1");
        let issuer = TokenIssuer {
            version: 1,
            url: ISSUER.to_owned(),
            audience: "sigstore".to_owned(),
            kind: IssuerKind::Email { verification: Verification::Required },
            issuer_claim: None,
            keys: parse_jwks(provider.jwks().to_string().as_bytes()).unwrap(),
        };
        let authority = KeyRecord {
            identity: Some(identity),
            ..platform.record("platform/holders", Form::Certificate, Algorithm::EcdsaP256)
        };
        let log = platform.record("platform/ct", Form::Sct, Algorithm::EcdsaP256);
        let changes = vec![Change::Key(authority), Change::Key(log), Change::Issuer(issuer.clone())];
        let entered = platform.enter(changes);
        assert!(matches!(entered, AdminAnswer::Appended { .. }), "{entered:?}");
        Self { platform, provider, issuer, holder: Key::generate(Algorithm::EcdsaP256) }
    }

    fn claims(&self) -> Value {
        let now = self.platform.world.now().seconds();
        json!({"iss": ISSUER, "aud": "sigstore", "sub": "1", "iat": now, "exp": now + 300,
            "email": "ada@example.com", "email_verified": true})
    }

    fn order(&self, token: &str, step: HolderStep) -> HolderOrder {
        HolderOrder {
            authority: self.platform.key("platform/holders"),
            token: token.as_bytes().to_vec(),
            public_key: self.holder.public().spki().to_vec(),
            step,
        }
    }

    fn timestamp(&self, leaf: u64) -> HolderStep {
        HolderStep::Timestamp { log: self.platform.key("platform/ct"), leaf }
    }

    fn last(&self, leaf: u64) -> HolderStep {
        HolderStep::Certificate { log: self.platform.key("platform/ct"), leaf }
    }

    fn ask(&self, token: &str, step: HolderStep) -> Result<Signed, Refusal> {
        self.platform.order(Order::Holder(self.order(token, step)))
    }

    fn refused(&self, claims: &Value) -> Refusal {
        self.ask(&self.provider.token(claims), HolderStep::Precertificate).unwrap_err()
    }

    fn authority(&self) -> Certificate {
        let key = self.platform.key("platform/holders");
        let state = self.platform.process.state().unwrap();
        let found = state.certificates.into_iter().find(|certified| certified.key == key);
        Certificate::from_der(&found.unwrap().certificate).unwrap()
    }

    fn root(&self) -> Certificate {
        let key = self.platform.key("platform/ca");
        let state = self.platform.process.state().unwrap();
        let found = state.certificates.into_iter().find(|certified| certified.key == key);
        Certificate::from_der(&found.unwrap().certificate).unwrap()
    }

    /// All three steps, composed here too.
    fn issue(&self, token: &str, leaf: u64) -> Certificate {
        let parsed = IdToken::parse(token.as_bytes()).unwrap();
        let first = self.ask(token, HolderStep::Precertificate).unwrap();
        let Chosen::Holder { time, serial } = Chosen::decode(&first.chosen).unwrap() else {
            panic!("chosen")
        };
        let names = self.issuer.verify(&parsed, Trust::Word, time).unwrap().names().unwrap();
        let (authority, key) = (self.authority(), self.holder.public());
        let new = HolderCertificate::beginning(time, serial, &names, &key, &authority).unwrap();
        new.precertificate()
            .unwrap()
            .seal(&first.signature)
            .unwrap()
            .verify_signature_by(&authority)
            .unwrap();
        let stamped = self.ask(token, self.timestamp(leaf)).unwrap();
        let log = self.platform.public_key("platform/ct");
        let timestamp = SignedTimestamp::new(&log, time, sct::leaf_index(leaf).unwrap(), stamped.signature);
        let last = self.ask(token, self.last(leaf)).unwrap();
        new.certificate(&timestamp).unwrap().seal(&last.signature).unwrap()
    }
}

#[test]
fn a_token_gives_a_certificate_for_its_holder_with_the_logs_timestamp_in_it() {
    let world = World::new();
    let certificate = world.issue(&world.provider.token(&world.claims()), 5);
    let authority = world.authority();
    let at = world.platform.world.now();
    let others = std::slice::from_ref(&authority);
    verify_path(&certificate, &[], others, at, Usage::CodeSigning).unwrap();
    // Whoever trusts the root of what the platform signs does not come to trust holders of tokens.
    let refused = verify_path(&certificate, others, &[world.root()], at, Usage::CodeSigning).unwrap_err();
    assert!(matches!(refused, PathError::UntrustedIssuer { .. }), "{refused}");
    let timestamps = certificate.signed_timestamps().unwrap();
    let (log, logged) = (world.platform.public_key("platform/ct"), certificate.logged_tbs().unwrap());
    timestamps[0].verify(&log, &authority.public_key().unwrap(), &logged).unwrap();
    let names = pki::token::CertificateNames::of(&certificate).unwrap();
    assert_eq!((names.subject.text(), names.issuer.as_str()), ("ada@example.com", ISSUER));
    assert_eq!(certificate.not_after(), at.whole_second().after(Duration::from_secs(600)));
}

#[test]
fn the_same_token_and_key_give_the_same_signatures_also_after_a_restart() {
    let mut world = World::new();
    let token = world.provider.token(&world.claims());
    let first = world.ask(&token, HolderStep::Precertificate).unwrap();
    let stamped = world.ask(&token, world.timestamp(0)).unwrap();
    let last = world.ask(&token, world.last(0)).unwrap();
    world.platform.world.clock.advance(MINUTE);
    world.platform = world.platform.restart();
    assert_eq!(world.ask(&token, HolderStep::Precertificate).unwrap().signature, first.signature);
    assert_eq!(world.ask(&token, world.timestamp(0)).unwrap().signature, stamped.signature);
    assert_eq!(world.ask(&token, world.last(0)).unwrap().signature, last.signature);
}

/// An owned server gets no certificate for an identity whose token it never saw, and no CA certificate at all.
#[test]
fn an_owned_server_gets_no_certificate_for_a_token_it_never_saw_and_no_ca_certificate_at_all() {
    let world = World::new();
    let forged = IdentityProvider::new("k1").token(&world.claims());
    let refusal = world.ask(&forged, HolderStep::Precertificate).unwrap_err();
    assert_eq!(refusal.code, RefusalCode::Token);
    assert!(refusal.text.starts_with("the token's signature is not its issuer's"), "{}", refusal.text);
    for (name, value, text) in [
        ("iss", json!("https://evil.example.com"), "knows no issuer `https://evil.example.com`"),
        ("aud", json!("another"), "is for the audience `another`"),
        ("exp", json!(1), "expired at"),
        ("email_verified", json!(false), "does not say that the address"),
        ("email", Value::Null, "has no claim `email`"),
    ] {
        let mut claims = world.claims();
        claims[name] = value;
        let refusal = world.refused(&claims);
        assert!(
            refusal.code == RefusalCode::Token && refusal.text.contains(text),
            "{name}: {}",
            refusal.text
        );
    }
    // No order names what a certificate is for: the steps are three, and each composes a leaf.
    let certificate = world.issue(&world.provider.token(&world.claims()), 0);
    assert!(!certificate.is_authority());
    for key in ["platform/ca", "platform/timestamp", "platform/ct", "default/blob"] {
        let token = world.provider.token(&world.claims());
        let order = HolderOrder {
            authority: world.platform.key(key),
            ..world.order(&token, HolderStep::Precertificate)
        };
        let refusal = world.platform.order(Order::Holder(order)).unwrap_err();
        assert_eq!(refusal.code, RefusalCode::Key, "{key}");
    }
}

#[test]
fn one_token_is_good_for_one_key_and_one_leaf() {
    let mut world = World::new();
    let token = world.provider.token(&world.claims());
    world.ask(&token, HolderStep::Precertificate).unwrap();
    world.ask(&token, world.timestamp(3)).unwrap();
    let other_leaf = world.ask(&token, world.timestamp(4)).unwrap_err();
    assert!(other_leaf.text.contains("was used already"), "{}", other_leaf.text);
    let wrong_leaf = world.ask(&token, world.last(4)).unwrap_err();
    assert!(wrong_leaf.text.contains("was used already"), "{}", wrong_leaf.text);
    world.holder = Key::generate(Algorithm::EcdsaP256);
    for step in [HolderStep::Precertificate, world.timestamp(3), world.last(3)] {
        let refusal = world.ask(&token, step).unwrap_err();
        assert!(refusal.code == RefusalCode::Token && refusal.text.contains("was used already"));
    }
}

#[test]
fn no_step_is_taken_before_the_one_before_it() {
    let world = World::new();
    let token = world.provider.token(&world.claims());
    for step in [world.timestamp(0), world.last(0)] {
        assert_eq!(world.ask(&token, step).unwrap_err().code, RefusalCode::Token);
    }
    world.ask(&token, HolderStep::Precertificate).unwrap();
    assert_eq!(world.ask(&token, world.last(0)).unwrap_err().code, RefusalCode::Token);
}

#[test]
fn an_issuer_that_is_suspended_gives_nobody_a_certificate_and_one_administrator_suffices() {
    let world = World::new();
    let token = world.provider.token(&world.claims());
    let reason = "its key was stolen".to_owned();
    let suspended = Change::IssuerState { url: ISSUER.to_owned(), state: IssuerState::Suspended, reason };
    let entered = world.platform.enter(vec![suspended]);
    assert!(matches!(entered, AdminAnswer::Appended { .. }), "{entered:?}");
    let refusal = world.ask(&token, HolderStep::Precertificate).unwrap_err();
    assert!(refusal.text.contains("knows no issuer"), "{}", refusal.text);
}

#[test]
fn where_the_servers_word_is_taken_the_record_of_the_key_says_so_and_the_issuer_has_no_keys_here() {
    let mut world = World::with(IdentityProof::Asserted);
    let forged = IdentityProvider::new("k1").token(&world.claims());
    // Keys that administrators endorsed count, whatever the server says.
    let refusal = world.ask(&forged, HolderStep::Precertificate).unwrap_err();
    assert!(
        refusal.code == RefusalCode::Token
            && refusal.text.starts_with("the token's signature is not its issuer's"),
        "{}",
        refusal.text
    );
    world.ask(&world.provider.token(&world.claims()), HolderStep::Precertificate).unwrap();
    world.issuer.keys.clear();
    let entered = world.platform.enter(vec![Change::Issuer(world.issuer.clone())]);
    assert!(matches!(entered, AdminAnswer::Appended { .. }), "{entered:?}");
    let mut claims = world.claims();
    claims["jti"] = json!("2");
    let forged = IdentityProvider::new("other").token(&claims);
    world.ask(&forged, HolderStep::Precertificate).unwrap();
    // Audience and time are held to all the same.
    claims["aud"] = json!("another");
    assert_eq!(world.refused(&claims).code, RefusalCode::Token);
}

#[test]
fn a_certificate_log_signs_the_heads_that_extend_the_last_and_says_when() {
    let world = World::new();
    let key = world.platform.key("platform/ct");
    let old = Head { size: 0, root: model::merkle::root(&[]) };
    let new = Head { size: 1, root: model::merkle::leaf_hash(b"leaf") };
    let order = CheckpointOrder { key, old, new, proof: Vec::new() };
    let signed = world.platform.order(Order::Checkpoint(order)).unwrap();
    let Chosen::TreeHead(time) = Chosen::decode(&signed.chosen).unwrap() else { panic!("chosen") };
    let head = tree_head::to_be_signed(time, 1, &new.root);
    world.platform.public_key("platform/ct").verify(&head, &signed.signature).unwrap();
    let fork = Head { size: 1, root: model::merkle::leaf_hash(b"another") };
    let order = CheckpointOrder { key, old, new: fork, proof: Vec::new() };
    let refusal = world.platform.order(Order::Checkpoint(order)).unwrap_err();
    assert_eq!(refusal.code, RefusalCode::NotConsistent);
}

#[test]
fn an_authority_for_holders_stands_by_itself_and_makes_no_other() {
    let world = World::new();
    let authority = world.authority();
    authority.verify_signature_by(&authority).unwrap();
    assert!(authority.is_authority() && authority.is_self_issued());
    assert!(authority.not_after() > world.platform.world.now());
}
