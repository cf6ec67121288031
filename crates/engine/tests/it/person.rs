//! Somebody with an SSH key: signs endorsements as `ssh-keygen -Y sign` does, byte for byte.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use model::layout::Writer;
use model::{Base64, Digest, Hash, Instant, PersonId, PlatformId, PrincipalId, Tag, to_canonical};
use quorum::{Credential, Decision, Endorsement, Principal, Proof, SSH_NAMESPACE, Touch};

pub(crate) struct Person {
    pub(crate) principal: PrincipalId,
    pub(crate) person: PersonId,
    key: Ed25519KeyPair,
}

impl Person {
    /// A person by number, always the same.
    pub(crate) fn new(number: u8) -> Self {
        let key = Ed25519KeyPair::from_seed_unchecked(&[number; 32]).unwrap();
        Self { principal: PrincipalId::new([number; 16]), person: PersonId::new([number; 16]), key }
    }

    /// The person as the registry knows them.
    pub(crate) fn registered(&self) -> Principal {
        let credential = Credential::Ssh { public_key: Base64(self.public_key()), touch: Touch::NotRequired };
        Principal {
            principal: self.principal,
            person: self.person,
            name: Tag::Name.digest(&[self.principal.as_bytes()]),
            credentials: vec![credential],
        }
    }

    /// An endorsement of a request digest.
    pub(crate) fn endorse(&self, platform: &PlatformId, request: &Digest, time: Instant) -> Endorsement {
        self.decide(platform, request, Decision::Endorse, time)
    }

    pub(crate) fn decide(
        &self,
        platform: &PlatformId,
        request: &Digest,
        decision: Decision,
        time: Instant,
    ) -> Endorsement {
        let message = quorum::message(platform, request, decision, &self.principal, None, time);
        let signature = Base64(self.sshsig(SSH_NAMESPACE, message.as_bytes()));
        Endorsement {
            principal: self.principal,
            decision,
            facet: None,
            time,
            proof: Proof::Ssh { signature },
        }
    }

    /// The same as bytes of an order.
    pub(crate) fn endorse_bytes(&self, platform: &PlatformId, request: &Digest, time: Instant) -> Vec<u8> {
        to_canonical(&self.endorse(platform, request, time))
    }

    fn public_key(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.bytes(b"ssh-ed25519").bytes(self.key.public_key().as_ref());
        writer.finish()
    }

    /// PROTOCOL.sshsig of OpenSSH.
    fn sshsig(&self, namespace: &str, message: &[u8]) -> Vec<u8> {
        let mut covered = Writer::new();
        covered.fixed(b"SSHSIG").bytes(namespace.as_bytes()).bytes(b"").bytes(b"sha512");
        covered.bytes(&Hash::Sha512.digest(message));
        let raw = self.key.sign(&covered.finish());
        let mut signature = Writer::new();
        signature.bytes(b"ssh-ed25519").bytes(raw.as_ref());
        let mut blob = Writer::new();
        blob.fixed(b"SSHSIG").word(1).bytes(&self.public_key()).bytes(namespace.as_bytes());
        blob.bytes(b"").bytes(b"sha512").bytes(&signature.finish());
        blob.finish()
    }
}
