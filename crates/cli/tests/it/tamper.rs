//! Every part of what a verifier is given, changed: decoded, changed in one place, and put together again.

use data_encoding::BASE64;
use model::receipt::{LogEntry, SignedItem};
use model::{Base64, Digest};
use serde_json::{Value, json};

use crate::der::{Der, changed};
use crate::stage::{CERTIFICATES, Given, RESPONSE};

/// One change.
pub(crate) struct Change {
    /// The part that is changed.
    pub(crate) part: &'static str,
    /// How.
    pub(crate) what: &'static str,
    pub(crate) make: fn(&mut Given, &Others),
}

/// Where something else that is well signed comes from.
pub(crate) struct Others {
    /// Another file of the same platform.
    pub(crate) file: Given,
    /// Another platform.
    pub(crate) platform: Given,
}

/// All changes, in the order of the matrix.
pub(crate) fn changes() -> Vec<Change> {
    let tables: [(&'static str, Vec<Row>); 12] = [
        ("file", vec![("a byte", |given, _| given.file[0] ^= 1)]),
        ("signature", signature()),
        ("public key", public_key()),
        ("certificate", certificate()),
        ("signed attributes", attributes()),
        ("timestamp token", token()),
        ("inclusion proof", proof()),
        ("checkpoint", checkpoint()),
        ("log entry", entry()),
        ("trust root", trust()),
        ("request", request()),
        ("journal", journal()),
    ];
    let rows = tables
        .into_iter()
        .flat_map(|(part, changes)| changes.into_iter().map(move |(what, make)| Change { part, what, make }));
    rows.collect()
}

type Row = (&'static str, fn(&mut Given, &Others));

const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 4];
const SIGNING_TIME: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 5];
const SIGNING_CERTIFICATE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 2, 47];

fn signature() -> Vec<Row> {
    vec![
        ("a byte", |given, _| {
            flip(&mut given.signature);
            given.bundle["messageSignature"]["signature"] = BASE64.encode(&given.signature).into();
            given.cms(|der| der.signature().flip_last());
            given.items(|item| flip(&mut item.signature.0));
        }),
        ("the digest beside it in the bundle", |given, _| {
            edit_base64(&mut given.bundle["messageSignature"]["messageDigest"]["digest"], flip)
        }),
        ("of another file", |given, others| {
            given.signature = others.file.signature.clone();
            given.bundle["messageSignature"] = others.file.bundle["messageSignature"].clone();
            let value = Der::parse(&others.file.p7s).signature().clone();
            given.cms(|der| *der.signature() = value);
            let others = others.file.receipts[0].items.clone();
            given.each_item(|place, item| item.signature = others[place].signature.clone());
        }),
    ]
}

fn public_key() -> Vec<Row> {
    vec![
        ("of another platform", |given, others| {
            given.key = others.platform.key.clone();
            let key = given.key.clone();
            given.items(|item| item.public_key = key.clone());
        }),
        ("the bundle's hint at it", |given, _| {
            edit_base64(&mut given.bundle["verificationMaterial"]["publicKey"]["hint"], flip);
        }),
    ]
}

fn certificate() -> Vec<Row> {
    /// The last byte of the common name.
    fn name(certificate: &mut Der) {
        certificate.at(&[0, 5]).children().last_mut().unwrap().at(&[0, 1]).flip_last();
    }
    vec![
        ("a byte of its common name", |given, _| given.certificates(name)),
        ("a byte of the root's signature on it", |given, _| {
            given.certificates(|certificate| certificate.at(&[2]).flip_last())
        }),
        ("of another platform", |given, others| {
            let other = Der::parse(&others.platform.p7s).at(&CERTIFICATES).clone();
            given.cms(|der| *der.at(&CERTIFICATES) = other);
            let others = others.platform.receipts[0].items.clone();
            given.each_item(|place, item| item.chain = others[place].chain.clone());
        }),
        ("removed", |given, _| {
            given.cms(|der| drop(der.at(&[1, 0]).children().remove(CERTIFICATES[2])));
            given.items(|item| item.chain.clear());
        }),
    ]
}

fn attributes() -> Vec<Row> {
    vec![
        ("messageDigest", |given, _| {
            given.cms(|der| der.attributes().named(MESSAGE_DIGEST).at(&[1, 0]).flip_last())
        }),
        ("signingTime", |given, _| {
            // The last digit of the seconds.
            given.cms(|der| der.attributes().named(SIGNING_TIME).at(&[1, 0]).bytes()[11] ^= 1);
            given.items(|item| {
                if !item.chain.is_empty() {
                    flip(&mut item.chosen.0)
                }
            });
        }),
        ("ESSCertIDv2", |given, _| {
            given.cms(|der| der.attributes().named(SIGNING_CERTIFICATE).at(&[1, 0, 0, 0, 0]).flip_last())
        }),
        ("the content type beside them", |given, _| given.cms(|der| der.at(&[1, 0, 2, 0]).flip_last())),
        ("the digest algorithm beside them", |given, _| given.cms(|der| der.digest_algorithm().flip_last())),
    ]
}

/// Where the TSTInfo stands in a token, and its fields in it.
const TST_INFO: [usize; 5] = [1, 0, 2, 1, 0];
const POLICY: [usize; 1] = [1];
const IMPRINT: [usize; 2] = [2, 1];
const SERIAL: [usize; 1] = [3];
const GEN_TIME: [usize; 1] = [4];
/// The PKIStatus of a response without a token.
const REJECTION: u8 = 2;

fn token() -> Vec<Row> {
    vec![
        ("imprint", |given, _| given.tst_infos(|info| info.at(&IMPRINT).flip_last())),
        ("genTime", |given, _| given.tst_infos(|info| info.at(&GEN_TIME).bytes()[13] ^= 1)),
        ("policy", |given, _| given.tst_infos(|info| info.at(&POLICY).flip_last())),
        ("serial number", |given, _| given.tst_infos(|info| info.at(&SERIAL).flip_last())),
        ("a byte of the authority's signature", |given, _| {
            given.tokens(|token| token.signature().flip_last())
        }),
        ("a byte of the authority's certificate", |given, _| {
            given.tokens(|token| token.at(&CERTIFICATES).at(&[0, 2]).flip_last())
        }),
        ("the status around it", |given, _| given.responses(|der| der.at(&[0, 0]).bytes()[0] = REJECTION)),
        ("of another signature", |given, others| given.tokens_of(&others.file)),
        ("of another platform", |given, others| given.tokens_of(&others.platform)),
        ("removed", |given, _| {
            *given.bundle.pointer_mut(RESPONSE.trim_end_matches("/0/signedTimestamp")).unwrap() = json!([]);
            given.cms(Der::without_token);
            given.items(|item| item.timestamp = None);
        }),
    ]
}

fn proof() -> Vec<Row> {
    const HASHES: &str = "/inclusionProof/hashes";
    vec![
        ("a hash", |given, _| {
            edit_base64(given.entry(&format!("{HASHES}/0")), flip);
            given.logged(|log| log.path[0] = flipped(&log.path[0]));
        }),
        ("a hash dropped", |given, _| {
            given.entry(HASHES).as_array_mut().unwrap().pop();
            given.logged(|log| log.path.truncate(log.path.len() - 1));
        }),
        ("index", |given, _| {
            flip_number(given.entry("/inclusionProof/logIndex"));
            given.logged(|log| log.index ^= 1);
        }),
        ("index, in both places", |given, _| {
            flip_number(given.entry("/inclusionProof/logIndex"));
            flip_number(given.entry("/logIndex"));
        }),
        ("tree size, beside the checkpoint", |given, _| flip_number(given.entry("/inclusionProof/treeSize"))),
        ("root, beside the checkpoint", |given, _| {
            edit_base64(given.entry("/inclusionProof/rootHash"), flip)
        }),
        ("of another entry", |given, others| {
            let proof = others.file.clone().entry("/inclusionProof").clone();
            *given.entry("/inclusionProof") = proof;
            let others = others.file.receipts[0].items.clone();
            given.each_item(|place, item| {
                let other = others[place].log.clone().unwrap();
                item.log = Some(LogEntry { body: item.log.as_ref().unwrap().body.clone(), ..other });
            });
        }),
        ("removed", |given, _| {
            given.entry("").as_object_mut().unwrap().remove("inclusionProof");
            given.logged(|log| log.path.clear());
        }),
    ]
}

fn checkpoint() -> Vec<Row> {
    /// The bytes that stand behind a signer's name: the hint at the key, and the signature.
    fn signed(note: &str, change: fn(&mut Vec<u8>)) -> String {
        edit_line(note, 4, |line| {
            let (name, base64) = line.rsplit_once(' ').unwrap();
            format!("{name} {}", change_base64(base64, change))
        })
    }
    vec![
        ("a byte of its signature", |given, _| given.note(|note| signed(note, flip))),
        ("hint at the key", |given, _| given.note(|note| signed(note, |bytes| bytes[0] ^= 1))),
        ("signer's name", |given, _| {
            given.note(|note| edit_line(note, 4, |line| line.replace(".log.", ".lag.")))
        }),
        ("origin", |given, _| given.note(|note| edit_line(note, 0, |line| line.replace(".log.", ".lag.")))),
        ("size", |given, _| given.note(|note| edit_line(note, 1, |line| format!("{line}0")))),
        ("root", |given, _| given.note(|note| edit_line(note, 2, |line| change_base64(line, flip)))),
        ("of another size", |given, others| {
            let other = others.file.receipts[0].items[0].log.clone().unwrap().checkpoint;
            given.note(|_| other.clone());
        }),
        ("of another platform", |given, others| {
            let other = others.platform.receipts[0].items[0].log.clone().unwrap().checkpoint;
            given.note(|_| other.clone());
        }),
        ("removed", |given, _| {
            given.entry("/inclusionProof").as_object_mut().unwrap().remove("checkpoint");
            given.logged(|log| log.checkpoint.clear());
        }),
    ]
}

fn entry() -> Vec<Row> {
    const RECORD: &str = "/spec/hashedRekordV002";
    vec![
        ("digest in its body", |given, _| {
            given
                .bodies(|body| edit_base64(body.pointer_mut(&format!("{RECORD}/data/digest")).unwrap(), flip))
        }),
        ("signature in its body", |given, _| {
            given.bodies(|body| {
                edit_base64(body.pointer_mut(&format!("{RECORD}/signature/content")).unwrap(), flip)
            })
        }),
        ("signer in its body", |given, _| {
            given.bodies(|body| {
                let verifier = body.pointer_mut(&format!("{RECORD}/signature/verifier")).unwrap();
                let signer = verifier.as_object_mut().unwrap().values_mut().find(|it| it.is_object());
                edit_base64(&mut signer.unwrap()["rawBytes"], flip);
            })
        }),
        ("key details in its body", |given, _| {
            given.bodies(|body| {
                *body.pointer_mut(&format!("{RECORD}/signature/verifier/keyDetails")).unwrap() =
                    "PKIX_ECDSA_P384_SHA_384".into()
            })
        }),
        ("a space in its body", |given, _| given.raw_bodies(|body| [b"{ ", &body[1..]].concat())),
        ("its body removed", |given, _| given.raw_bodies(|_| Vec::new())),
        ("index, beside the proof", |given, _| flip_number(given.entry("/logIndex"))),
        ("log id", |given, _| edit_base64(given.entry("/logId/keyId"), flip)),
        ("kind", |given, _| *given.entry("/kindVersion/kind") = "dsse".into()),
        ("version", |given, _| *given.entry("/kindVersion/version") = "0.0.1".into()),
        ("an integrated time, which nothing signs", |given, _| {
            given.entry("")["integratedTime"] = "1795165602".into()
        }),
        ("of another signature", |given, others| {
            *given.entry("") = others.file.clone().entry("").clone();
            let others = others.file.receipts[0].items.clone();
            given.each_item(|place, item| item.log = others[place].log.clone());
        }),
        ("removed", |given, _| {
            given.bundle["verificationMaterial"]["tlogEntries"] = json!([]);
            given.items(|item| item.log = None);
        }),
    ]
}

fn trust() -> Vec<Row> {
    const LOG: &str = "/tlogs/0";
    const AUTHORITY: &str = "/timestampAuthorities/0";
    fn certificate(root: &mut Value, place: usize) {
        let der = root.pointer_mut(&format!("{AUTHORITY}/certChain/certificates/{place}/rawBytes")).unwrap();
        edit_base64(der, |der| *der = changed(der, |certificate| certificate.at(&[2]).flip_last()));
    }
    vec![
        ("the log's key", |given, _| {
            given.roots(|root| edit_base64(&mut root["tlogs"][0]["publicKey"]["rawBytes"], flip))
        }),
        ("the log's id", |given, _| {
            given.roots(|root| edit_base64(&mut root["tlogs"][0]["logId"]["keyId"], flip))
        }),
        ("the log's origin", |given, _| {
            given.roots(|root| root["tlogs"][0]["baseUrl"] = "https://2026.lag.localhost".into())
        }),
        ("the log begins later", |given, _| {
            given.roots(|root| later(root.pointer_mut(&format!("{LOG}/publicKey/validFor")).unwrap()))
        }),
        ("no log", |given, _| given.roots(|root| root["tlogs"] = json!([]))),
        ("the authority's certificate", |given, _| given.roots(|root| certificate(root, 0))),
        ("the authority's root", |given, _| given.roots(|root| certificate(root, 1))),
        ("the authority begins later", |given, _| {
            given.roots(|root| later(root.pointer_mut(&format!("{AUTHORITY}/validFor")).unwrap()))
        }),
        ("the authority of another platform", |given, others| {
            let other = others.platform.trusted_root["timestampAuthorities"].clone();
            given.roots(|root| root["timestampAuthorities"] = other.clone());
        }),
        ("no authority", |given, _| given.roots(|root| root["timestampAuthorities"] = json!([]))),
        ("the signing root of another platform", |given, others| {
            given.root = others.platform.root.clone();
            given.trust_root["roots"] = others.platform.trust_root["roots"].clone();
        }),
        ("all of another platform", |given, others| {
            given.root = others.platform.root.clone();
            given.trusted_root = others.platform.trusted_root.clone();
            given.trust_root = others.platform.trust_root.clone();
        }),
    ]
}

fn request() -> Vec<Row> {
    fn edit(text: &mut String, from: &str, to: &str) {
        let edited = text.replacen(from, to, 1);
        assert_ne!(*text, edited, "there is no `{from}` to change");
        *text = edited;
    }
    vec![
        ("its product", |given, _| edit(&mut given.receipts[0].request, "\"thing\"", "\"thong\"")),
        ("its class", |given, _| edit(&mut given.receipts[0].request, "\"release\"", "\"development\"")),
        ("an item's file name", |given, _| {
            given.items(|item| edit(&mut item.item, ".bin\"", ".ban\""));
        }),
        ("an item's path in the tree", |given, _| {
            given.items(|item| item.path[0] = flipped(&item.path[0]));
        }),
        ("of another file", |given, others| {
            given.receipts[0].request = others.file.receipts[0].request.clone();
        }),
        ("the registry's head", |given, _| {
            given.receipts[0].registry = flipped(&given.receipts[0].registry);
        }),
    ]
}

fn journal() -> Vec<Row> {
    vec![
        ("index", |given, _| given.items(|item| item.journal.as_mut().unwrap().index ^= 1)),
        ("the choices in its leaf", |given, _| {
            given.items(|item| flip(&mut item.journal.as_mut().unwrap().leaf.0));
        }),
        ("of another file", |given, others| {
            let others = others.file.receipts[0].items.clone();
            given.each_item(|place, item| item.journal = others[place].journal.clone());
        }),
    ]
}

/// How the parts are reached, wherever they stand.
impl Given {
    fn cms(&mut self, change: impl FnOnce(&mut Der)) {
        self.p7s = changed(&self.p7s, change);
    }

    fn certificates(&mut self, change: fn(&mut Der)) {
        self.cms(|der| change(der.at(&CERTIFICATES).at(&[0])));
        self.items(|item| item.chain.iter_mut().for_each(|der| der.0 = changed(&der.0, change)));
    }

    fn tokens(&mut self, change: impl Fn(&mut Der)) {
        self.cms(|der| change(der.token()));
        self.responses(|response| change(response.at(&[1])));
    }

    fn responses(&mut self, change: impl Fn(&mut Der)) {
        let response = |der: &[u8]| changed(der, &change);
        edit_base64(self.bundle.pointer_mut(RESPONSE).unwrap(), |der| *der = response(der));
        self.items(|item| item.timestamp = item.timestamp.as_ref().map(|der| Base64(response(&der.0))));
    }

    fn tst_infos(&mut self, change: fn(&mut Der)) {
        self.tokens(|token| token.at(&TST_INFO).inside(change));
    }

    fn tokens_of(&mut self, other: &Self) {
        let token = Der::parse(&other.p7s).token().clone();
        self.cms(|der| *der.token() = token);
        *self.bundle.pointer_mut(RESPONSE).unwrap() = other.bundle.pointer(RESPONSE).unwrap().clone();
        let others = other.receipts[0].items.clone();
        self.each_item(|place, item| item.timestamp = others[place].timestamp.clone());
    }

    /// A field of the log entry in the bundle.
    fn entry(&mut self, field: &str) -> &mut Value {
        self.bundle.pointer_mut(&format!("/verificationMaterial/tlogEntries/0{field}")).unwrap()
    }

    /// The log entries of the receipt.
    fn logged(&mut self, change: impl Fn(&mut LogEntry)) {
        self.items(|item| change(item.log.as_mut().unwrap()));
    }

    fn note(&mut self, change: impl Fn(&str) -> String) {
        let note = self.entry("/inclusionProof/checkpoint/envelope");
        *note = change(note.as_str().unwrap()).into();
        self.logged(|log| log.checkpoint = change(&log.checkpoint));
    }

    fn raw_bodies(&mut self, change: impl Fn(&[u8]) -> Vec<u8>) {
        edit_base64(self.entry("/canonicalizedBody"), |body| *body = change(body));
        self.logged(|log| log.body.0 = change(&log.body.0));
    }

    fn bodies(&mut self, change: impl Fn(&mut Value)) {
        self.raw_bodies(|body| {
            let mut body = serde_json::from_slice(body).unwrap();
            change(&mut body);
            model::to_canonical(&body)
        });
    }

    /// Sigstore's trusted root, by itself and in the platform's trust root.
    fn roots(&mut self, change: impl Fn(&mut Value)) {
        change(&mut self.trusted_root);
        change(&mut self.trust_root["sigstore"]);
    }

    fn items(&mut self, change: impl Fn(&mut SignedItem)) {
        self.each_item(|_, item| change(item));
    }

    /// Changes each item of the receipt, in a receipt of its own: what is wrong with one must not hide the others.
    fn each_item(&mut self, change: impl Fn(usize, &mut SignedItem)) {
        let [receipt] = self.receipts.as_slice() else { panic!("changed already") };
        let places = 0..receipt.items.len();
        let spoilt = places.map(|place| {
            let mut receipt = receipt.clone();
            change(place, &mut receipt.items[place]);
            receipt
        });
        self.receipts = spoilt.filter(|spoilt| spoilt != receipt).collect();
    }
}

#[expect(clippy::ptr_arg, reason = "it is handed on as a change of bytes that may grow")]
fn flip(bytes: &mut Vec<u8>) {
    *bytes.last_mut().unwrap() ^= 1;
}

fn flipped(digest: &Digest) -> Digest {
    let mut bytes = digest.as_bytes().to_vec();
    flip(&mut bytes);
    Digest::from_slice(&bytes).unwrap()
}

/// A number that JSON holds as a string.
fn flip_number(value: &mut Value) {
    let number: u64 = value.as_str().unwrap().parse().unwrap();
    *value = (number ^ 1).to_string().into();
}

fn edit_base64(value: &mut Value, change: impl Fn(&mut Vec<u8>)) {
    *value = change_base64(value.as_str().unwrap(), change).into();
}

fn change_base64(text: &str, change: impl Fn(&mut Vec<u8>)) -> String {
    let mut bytes = BASE64.decode(text.as_bytes()).unwrap();
    change(&mut bytes);
    BASE64.encode(&bytes)
}

fn edit_line(note: &str, line: usize, change: impl Fn(&str) -> String) -> String {
    let edited =
        note.lines().enumerate().map(|(n, text)| if n == line { change(text) } else { text.to_owned() });
    edited.map(|line| line + "\n").collect()
}

/// A window that begins when all of this is long over.
fn later(window: &mut Value) {
    window["start"] = "2040-01-01T00:00:00Z".into();
}
