//! What an attacker puts together from signatures that a blob key gives over the digest of anything, and from
//! signatures of other keys that are shown as a blob's.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use data_encoding::BASE64;
use envelope::bundle::key_hint;
use envelope::sshsig::{self, Holder, SshKey};
use envelope::timestamp::{self, CertificateWish};
use envelope::{Chosen, ToBeSigned, cms, compose, dsse};
use model::{Digest, Hash, Instant, Item, PublicKey, merkle};
use pki::{Certificate, CertificateProfile, DistinguishedName, Issuer, NewCertificate, Serial, Validity};
use serde_json::json;
use tlog::Checkpoint;

use crate::der::{Der, changed};
use crate::stage::{Given, RESPONSE, Stage};

/// Somebody who may have blobs signed, and wants something else.
pub(crate) struct Forger<'a> {
    stage: &'a Stage,
    /// A file that was signed well, and its signatures.
    pub(crate) given: Given,
    /// A certificate authority of the blob key's own making.
    pub(crate) authority: Certificate,
    /// A key of the attacker's own.
    own: EcdsaKeyPair,
}

/// A day in 2026, long before there was a platform.
const LONG_AGO: &str = "2026-01-02T03:04:05Z";

impl<'a> Forger<'a> {
    pub(crate) fn new(stage: &'a Stage) -> Self {
        let given = stage.first();
        let own = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let mut forger = Self { stage, authority: given.root.clone(), own, given };
        let blob = forger.given.key.clone();
        forger.authority = forger.certificate("ca.tbs", &CertificateProfile::Root, &blob, Issuer::Itself);
        forger.authority.verify_signature_by(&forger.authority).unwrap();
        forger
    }

    /// The blob key's signature of these bytes, with token and log entry: they are a file like any other.
    fn blob(&self, name: &str, bytes: &[u8]) -> Given {
        let signed = self.stage.sign(name, bytes);
        self.given.key.verify(bytes, &signed.signature).unwrap();
        signed
    }

    fn certificate(
        &self,
        name: &str,
        profile: &CertificateProfile,
        public_key: &PublicKey,
        issuer: Issuer<'_>,
    ) -> Certificate {
        let from: Instant = LONG_AGO.parse().unwrap();
        let until: Instant = "2036-01-02T03:04:05Z".parse().unwrap();
        let subject = DistinguishedName::new("localhost", name).unwrap();
        let number = Digest::of(name.as_bytes()).as_bytes()[..16].try_into().unwrap();
        let (serial, validity) = (Serial::from_random(number), Validity::new(from, until).unwrap());
        let new = NewCertificate { profile, subject: &subject, public_key, serial, validity, issuer };
        let tbs = new.compose().unwrap();
        tbs.seal(&self.blob(name, tbs.der()).signature).unwrap()
    }

    /// A certificate of the blob key, from the authority of its own making.
    fn own_certificate(&self, name: &str, profile: &CertificateProfile) -> Certificate {
        self.certificate(name, profile, &self.given.key, Issuer::Certificate(&self.authority))
    }

    /// A DSSE envelope with a statement about the good file, in a bundle.
    pub(crate) fn envelope(&self) -> Given {
        let digest = Digest::of(&self.given.file).to_string();
        let statement = json!({
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{ "name": "first.bin", "digest": { "sha256": digest } }],
            "predicateType": "https://slsa.dev/provenance/v1",
            "predicate": { "buildDefinition": {
                "buildType": "https://evil.test", "externalParameters": {}
            }, "runDetails": { "builder": { "id": "https://evil.test" } } },
        });
        let payload = serde_json::to_vec(&statement).unwrap();
        let encoding = dsse::pre_authentication_encoding(dsse::IN_TOTO, &payload);
        let signed = self.blob("pae.bin", &encoding);
        let mut given = Given { file: self.given.file.clone(), ..signed };
        given.bundle.as_object_mut().unwrap().remove("messageSignature");
        given.bundle["dsseEnvelope"] = json!({
            "payload": BASE64.encode(&payload),
            "payloadType": dsse::IN_TOTO,
            "signatures": [{ "sig": BASE64.encode(&given.signature) }],
        });
        given
    }

    /// Certificates for the attacker's own key: one that names our root as its issuer, one of the blob key's authority.
    pub(crate) fn certificates(&self) -> [Certificate; 2] {
        let key = self.own_key();
        let issue = |name, issuer| {
            self.certificate(name, &CertificateProfile::CodeSigning, &key, Issuer::Certificate(issuer))
        };
        [issue("ours.tbs", &self.given.root), issue("theirs.tbs", &self.authority)]
    }

    fn own_key(&self) -> PublicKey {
        let mut spki = self.given.key.spki().to_vec();
        let point = self.own.public_key().as_ref();
        let length = spki.len() - point.len();
        spki.truncate(length);
        PublicKey::from_spki(&[spki.as_slice(), point].concat()).unwrap()
    }

    /// A CMS signature of the good file by the attacker's own key, with such a certificate.
    pub(crate) fn signed_with(&self, certificate: &Certificate) -> Given {
        let attributes = self.attributes(certificate);
        let signature = self.own.sign(&SystemRandom::new(), &attributes).unwrap();
        let chain = [certificate.clone(), self.authority.clone()];
        let p7s = cms::seal(&attributes, &chain, signature.as_ref(), None).unwrap();
        Given { p7s, ..self.given.clone() }
    }

    fn attributes(&self, certificate: &Certificate) -> Vec<u8> {
        let item = Item::parse(self.given.receipts[0].items[1].item.as_bytes()).unwrap();
        let time = Chosen::SigningTime("2026-11-20T10:00:00Z".parse().unwrap());
        let ToBeSigned::Message(attributes) = compose(&item, &time, Some(certificate)).unwrap() else {
            panic!("attributes are bytes")
        };
        attributes
    }

    /// CMS signatures whose attributes the blob key signed: under its own certificate, and under that of our cms key.
    pub(crate) fn attribute_sets(&self) -> [Given; 2] {
        let own = self.own_certificate("signer.tbs", &CertificateProfile::CodeSigning);
        let ours = Certificate::from_der(&self.given.receipts[0].items[1].chain[0].0).unwrap();
        let forge = |name, certificate: Certificate| {
            let attributes = self.attributes(&certificate);
            let signed = self.blob(name, &attributes);
            let token = timestamp::token_of(&signed.response().unwrap()).unwrap();
            let chain = [certificate, self.authority.clone()];
            let p7s = cms::seal(&attributes, &chain, &signed.signature, Some(&token)).unwrap();
            Given { p7s, ..self.given.clone() }
        };
        [forge("own.attributes", own), forge("our.attributes", ours)]
    }

    /// Tokens whose attributes the blob key signed: one from long ago under its own certificate, one under that of our
    /// authority.
    pub(crate) fn tokens(&self) -> [Given; 2] {
        let own = self.own_certificate("tsa.tbs", &CertificateProfile::Timestamping);
        let real = timestamp::open(&self.given.response().unwrap()).unwrap();
        let ours = real.certificates()[0].clone();
        let forge = |name, certificate: Certificate, time| {
            let mut said = real.tst_info().clone();
            said.time = time;
            let said = said.encode().unwrap();
            let ToBeSigned::Message(attributes) = timestamp::compose(&said, &certificate, time).unwrap()
            else {
                panic!("attributes are bytes")
            };
            let signature = self.blob(name, &attributes).signature;
            let chain = [certificate];
            let wish = CertificateWish::Embedded;
            let response = timestamp::seal(&said, &attributes, &signature, &chain, wish).unwrap();
            let mut given = self.given.clone();
            *given.bundle.pointer_mut(RESPONSE).unwrap() = BASE64.encode(&response).into();
            given
        };
        [forge("own.token", own, LONG_AGO.parse().unwrap()), forge("our.token", ours, real.tst_info().time)]
    }

    /// A file that is a TSTInfo, which our cms key signed, with that signature wrapped up as a token.
    pub(crate) fn signed_tst_info(&self) -> Given {
        let said = timestamp::open(&self.given.response().unwrap()).unwrap().tst_info().encode().unwrap();
        let signed = self.stage.sign("tst-info.der", &said);
        let mut token = Der::parse(&signed.p7s);
        token.without_token();
        *token.at(&ENCAPSULATED) = Der::of(
            SEQUENCE,
            vec![Der::primitive(OID, TST_INFO), Der::of(0xa0, vec![Der::primitive(OCTETS, &said)])],
        );
        *token.at(&VERSION).bytes() = vec![3];
        let granted = Der::of(SEQUENCE, vec![Der::primitive(INTEGER, &[0])]);
        let response = Der::of(SEQUENCE, vec![granted, token]).encode();
        let mut given = self.given.clone();
        *given.bundle.pointer_mut(RESPONSE).unwrap() = BASE64.encode(&response).into();
        given
    }

    /// A log of one entry, whose checkpoint the blob key signed under the hint of the log's own key.
    pub(crate) fn checkpoint(&self) -> Given {
        let entry = self.given.receipts[0].items[0].log.clone().unwrap();
        let origin = entry.checkpoint.lines().next().unwrap();
        let text = Checkpoint::new(origin, 1, merkle::leaf_hash(&entry.body.0)).unwrap().text();
        let signature = self.blob("checkpoint.txt", text.as_bytes()).signature;
        let mut given = self.given.clone();
        let log_id = given.trusted_root["tlogs"][0]["logId"]["keyId"].as_str().unwrap();
        let hint = &BASE64.decode(log_id.as_bytes()).unwrap()[..4];
        let line = BASE64.encode(&[hint, &signature].concat());
        let proof = &mut given.bundle["verificationMaterial"]["tlogEntries"][0]["inclusionProof"];
        *proof = json!({
            "logIndex": "0", "treeSize": "1", "hashes": [],
            "rootHash": BASE64.encode(merkle::leaf_hash(&entry.body.0).as_bytes()),
            "checkpoint": { "envelope": format!("{text}\n\u{2014} {origin} {line}\n") },
        });
        given
    }

    /// The same trusted root with the blob key as the log's.
    pub(crate) fn trusting_the_blob_key_as_log(&self) -> serde_json::Value {
        let mut root = self.given.trusted_root.clone();
        let key = &mut root["tlogs"][0]["publicKey"];
        key["rawBytes"] = BASE64.encode(self.given.key.spki()).into();
        key["keyDetails"] = "PKIX_ECDSA_P256_SHA_256".into();
        root
    }

    /// An SSH signature of a message, armored; the key as a line of `allowed_signers` has it.
    pub(crate) fn sshsig(&self, namespace: &str, message: &[u8]) -> (String, String) {
        let key = SshKey::new(self.given.key.clone(), Holder::Software).unwrap();
        let signature =
            self.blob("sshsig.bin", &sshsig::signed_data(namespace, Hash::Sha512, message)).signature;
        let armored = sshsig::seal(&key, namespace, Hash::Sha512, &signature).unwrap();
        (armored, key.to_line())
    }

    /// The blob key as a key of OpenPGP: a certificate of it, and a signature of the good file, armored.
    pub(crate) fn openpgp(&self) -> (Vec<u8>, String) {
        let sign = |name: &str, bytes: &[u8]| self.blob(name, bytes).signature;
        crate::openpgp::forged(&self.given.key, &self.given.file, sign)
    }
}

/// The tags of DER that are written here, where a SignedData has its version and its content, and what a token's is.
const INTEGER: u8 = 2;
const OCTETS: u8 = 4;
const OID: u8 = 6;
const SEQUENCE: u8 = 0x30;
const VERSION: [usize; 3] = [1, 0, 0];
const ENCAPSULATED: [usize; 3] = [1, 0, 2];
const TST_INFO: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 1, 4];

/// A token as a detached CMS signature of a file, which is the TSTInfo.
pub(crate) fn token_as_cms(given: &Given) -> Given {
    let token = timestamp::token_of(&given.response().unwrap()).unwrap();
    let file = timestamp::open(&token).unwrap().tst_info().encode().unwrap();
    let p7s = changed(&token, |token| token.at(&ENCAPSULATED).children().truncate(1));
    Given { file, p7s, ..given.clone() }
}

/// A signature of a key of another form, with the bytes that it is over.
pub(crate) struct Foreign {
    pub(crate) form: &'static str,
    pub(crate) key: PublicKey,
    pub(crate) bytes: Vec<u8>,
    pub(crate) signature: Vec<u8>,
    /// Which item's log entry and token go with it, if any do.
    item: Option<usize>,
}

/// A signature of each of the platform's keys that are no blob keys.
pub(crate) fn of_other_keys(given: &Given) -> [Foreign; 4] {
    let items = &given.receipts[0].items;
    let leaf = Certificate::from_der(&items[1].chain[0].0).unwrap();
    let attributes = cms::open(&given.p7s).unwrap();
    let token = timestamp::open(&given.response().unwrap()).unwrap();
    let note = items[0].log.as_ref().unwrap().checkpoint.clone();
    let (text, line) = note.split_once("\n\n").unwrap();
    let line = BASE64.decode(line.trim().rsplit(' ').next().unwrap().as_bytes()).unwrap();
    let log = given.trusted_root["tlogs"][0]["publicKey"]["rawBytes"].as_str().unwrap();
    [
        Foreign {
            form: "cms",
            key: leaf.public_key().unwrap(),
            bytes: attributes.to_be_signed().to_vec(),
            signature: attributes.signature().to_vec(),
            item: Some(1),
        },
        Foreign {
            form: "timestamp",
            key: token.certificates()[0].public_key().unwrap(),
            bytes: token.to_be_signed().to_vec(),
            signature: token.signature().to_vec(),
            item: None,
        },
        Foreign {
            form: "checkpoint",
            key: PublicKey::from_spki(&BASE64.decode(log.as_bytes()).unwrap()).unwrap(),
            bytes: format!("{text}\n").into_bytes(),
            signature: line[4..].to_vec(),
            item: None,
        },
        Foreign {
            form: "ca",
            key: given.root.public_key().unwrap(),
            bytes: leaf.tbs_der(),
            signature: leaf.signature().to_vec(),
            item: None,
        },
    ]
}

impl Foreign {
    /// The signature as a blob's, with no evidence beside it.
    pub(crate) fn as_bare_blob(&self, given: &Given) -> Given {
        let mut given = self.as_blob(given);
        let material = &mut given.bundle["verificationMaterial"];
        material["tlogEntries"] = json!([]);
        material["timestampVerificationData"] = json!({ "rfc3161Timestamps": [] });
        given
    }

    /// The signature as a blob's: in a bundle, with whatever token and log entry go with it.
    pub(crate) fn as_blob(&self, given: &Given) -> Given {
        self.key.verify(&self.bytes, &self.signature).unwrap();
        let mut given = Given {
            file: self.bytes.clone(),
            signature: self.signature.clone(),
            key: self.key.clone(),
            ..given.clone()
        };
        given.bundle["verificationMaterial"]["publicKey"]["hint"] = key_hint(&self.key).into();
        given.bundle["messageSignature"] = json!({
            "messageDigest": { "algorithm": "SHA2_256", "digest": BASE64.encode(Digest::of(&self.bytes).as_bytes()) },
            "signature": BASE64.encode(&self.signature),
        });
        let Some(item) = self.item.map(|place| given.receipts[0].items[place].clone()) else { return given };
        let log = item.log.unwrap();
        *given.bundle.pointer_mut(RESPONSE).unwrap() = BASE64.encode(&item.timestamp.unwrap().0).into();
        let entry = &mut given.bundle["verificationMaterial"]["tlogEntries"][0];
        entry["logIndex"] = log.index.to_string().into();
        entry["canonicalizedBody"] = BASE64.encode(&log.body.0).into();
        let path: Vec<String> = log.path.iter().map(|hash| BASE64.encode(hash.as_bytes())).collect();
        let proof = &mut entry["inclusionProof"];
        (proof["logIndex"], proof["hashes"]) = (log.index.to_string().into(), path.into());
        given
    }
}
