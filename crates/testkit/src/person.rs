//! People with SSH keys, and what they say of requests.

use std::time::Duration;

use aws_lc_rs::digest as sha;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use model::{Base64, Digest, Hex32, Instant, PersonId, PlatformId, PrincipalId, RequestId, Tag};
use quorum::{
    Asked, Asking, Credential, Decision, Endorsement, Principal, Proof, SSH_NAMESPACE, Touch, message,
};

/// Somebody with one Ed25519 SSH key, made from a seed.
pub struct Person {
    /// The principal.
    pub principal: PrincipalId,
    /// The person behind it.
    pub person: PersonId,
    key: Ed25519KeyPair,
}

impl Person {
    /// The person of this seed. Different seeds give different people.
    pub fn new(seed: u8) -> Self {
        let Ok(key) = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]) else {
            panic!("thirty-two bytes are a seed of Ed25519")
        };
        Self { principal: PrincipalId::new([seed; 16]), person: PersonId::new([seed; 16]), key }
    }

    /// The person as a registry knows them, with a key that need not be touched.
    pub fn registered(&self) -> Principal {
        self.registered_with(Touch::NotRequired)
    }

    /// The person as a registry knows them.
    pub fn registered_with(&self, touch: Touch) -> Principal {
        Principal {
            principal: self.principal,
            person: self.person,
            name: Tag::Name.digest(&[self.principal.as_bytes()]),
            credentials: vec![Credential::Ssh { public_key: Base64(self.wire()), touch }],
        }
    }

    /// Their endorsement of a request digest.
    pub fn endorse(&self, platform: &PlatformId, request: &Digest, time: Instant) -> Endorsement {
        self.say(Decision::Endorse, platform, request, time)
    }

    /// How they endorse an entry at this time.
    pub fn endorsing(&self, time: Instant) -> impl FnOnce(&Asked) -> Endorsement {
        move |asked| self.endorse(&asked.platform, &asked.digest, time)
    }

    /// How they ask for changes of a registry from now on, for so long.
    pub fn asking(&self, now: Instant, period: Duration) -> Asking {
        Asking {
            id: RequestId::new([9; 16]),
            nonce: Hex32([2; 32]),
            principal: self.principal,
            person: self.person,
            created: now,
            deadline: now.after(period),
            reason: String::new(),
        }
    }

    /// What they say of a request digest, signed.
    pub fn say(
        &self,
        decision: Decision,
        platform: &PlatformId,
        request: &Digest,
        time: Instant,
    ) -> Endorsement {
        let text = message(platform, request, decision, &self.principal, None, time);
        let signature = Base64(self.sshsig(SSH_NAMESPACE, text.as_bytes()));
        Endorsement {
            principal: self.principal,
            decision,
            facet: None,
            time,
            proof: Proof::Ssh { signature },
        }
    }

    /// The public key in SSH wire format.
    pub fn wire(&self) -> Vec<u8> {
        [string(b"ssh-ed25519"), string(self.key.public_key().as_ref())].concat()
    }

    /// An SSHSIG blob over a text, in a namespace (OpenSSH's PROTOCOL.sshsig).
    pub fn sshsig(&self, namespace: &str, text: &[u8]) -> Vec<u8> {
        let hash = sha::digest(&sha::SHA512, text);
        let covered = [string(namespace.as_bytes()), string(b""), string(b"sha512")].concat();
        let signed = [b"SSHSIG".as_slice(), &covered, &string(hash.as_ref())].concat();
        let signature = [string(b"ssh-ed25519"), string(self.key.sign(&signed).as_ref())].concat();
        let version = 1_u32.to_be_bytes();
        [b"SSHSIG".as_slice(), &version, &string(&self.wire()), &covered, &string(&signature)].concat()
    }
}

fn string(bytes: &[u8]) -> Vec<u8> {
    let Ok(length) = u32::try_from(bytes.len()) else { panic!("nothing here is 4 GiB long") };
    [&length.to_be_bytes(), bytes].concat()
}
