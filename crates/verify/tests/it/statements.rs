//! Claims about files: receipts and bundles of a managed key of form `dsse`, and what is expected of what they say.

use envelope::bundle::{self, Bundle};
use envelope::detached::{self, Kind};
use envelope::dsse::{IN_TOTO, pre_authentication_encoding};
use envelope::in_toto::{self, Statement, Subject};
use model::receipt::Receipt;
use model::{Base64, Content, Digest, Digests, Hash, Hashed, Item, Items, Parameters};
use verify::{
    Artifact, BundleTrust, Expectations, NotChecked, Part, Pattern, Present, Refused, StatementExpectations,
    TimeSource, Verified, Wanted, verify_bundle, verify_receipt,
};

use crate::platform::{FILE, Platform, at, name};

const PROVENANCE: &str = include_str!("../../../envelope/tests/vectors/predicates/slsaprovenance1.json");
const BUILDER: &str = "https://ci.example.com/runner";
const SOURCE: &str = "https://git.example.com/team/app";

fn artifact(bytes: &[u8]) -> Artifact {
    Artifact { digests: Digest::of(bytes).into(), name: Some("firmware.bin".to_owned()) }
}

fn statement(subjects: &[Subject], kind: &str, predicate: &str) -> Vec<u8> {
    Statement::compose(subjects, &kind.parse().unwrap(), predicate.as_bytes())
}

fn about_the_file() -> Subject {
    Subject::new("firmware.bin", &Digest::of(FILE).into())
}

/// A platform, and its receipt of a claim.
struct Claimed {
    platform: Platform,
    receipt: Receipt,
}

impl Claimed {
    fn new(statement: &[u8]) -> Self {
        Self::of_item(|item| item.content = Content::Inline { bytes: Base64(statement.to_vec()) })
    }

    fn of_item(change: impl FnOnce(&mut Item)) -> Self {
        let platform = Platform::new();
        let mut item = Item {
            format: name(in_toto::FORMAT),
            parameters: Parameters { payload_type: Some(IN_TOTO.to_owned()), ..Parameters::default() },
            ..platform.item("default/attest", 0)
        };
        change(&mut item);
        let items = Items::parse(vec![item.encode()]).unwrap();
        let receipt = platform.sign_items(&items, at(10));
        Self { platform, receipt }
    }

    fn bundle(&self) -> Vec<u8> {
        let root = self.platform.trust_root();
        let log_id = root.logs().next().unwrap().log_id();
        let files = detached::of_item(&self.receipt.items[0], Some(&log_id)).unwrap();
        files.into_iter().find(|file| file.kind == Kind::Bundle).unwrap().bytes
    }

    /// Receipt and bundle, which say the same.
    fn judge(&self, artifact: &Artifact) -> [Result<Verified, Refused>; 2] {
        let (root, expected) = (self.platform.trust_root(), Expectations::default());
        let present = Present { at: at(100), source: TimeSource::Named };
        [
            verify_receipt(artifact, &self.receipt, &root, &expected, present),
            verify_bundle(artifact, &self.bundle(), BundleTrust::Platform(&root), &expected, present),
        ]
    }
}

fn fault(refused: &Refused) -> String {
    model::told(refused)
}

#[test]
fn a_claim_is_good_for_each_file_that_it_is_about_and_for_no_other() {
    let second = b"another file of the release";
    let digests = Digests::of(second, &[Hash::Sha512]);
    let sha512 = data_encoding::HEXLOWER.encode(digests.digest(Hash::Sha512).unwrap());
    let by_sha512 = Subject { name: "second".to_owned(), digest: [("sha512".to_owned(), sha512)].into() };
    let claimed = Claimed::new(&statement(&[about_the_file(), by_sha512], "slsaprovenance1", PROVENANCE));
    for judged in claimed.judge(&artifact(FILE)) {
        let verified = judged.unwrap();
        let said = verified.items()[0].statement().unwrap();
        assert_eq!(said.predicate_type.word(), "slsaprovenance1");
        assert_eq!(said.predicate["runDetails"]["builder"]["id"], BUILDER);
        assert!(!verified.not_checked().iter().any(|open| matches!(open, NotChecked::FileName { .. })));
    }
    for judged in claimed.judge(&Artifact { digests, name: Some("second".to_owned()) }) {
        judged.unwrap();
    }
    // Of the second, the SHA-256 alone says nothing yet.
    for judged in claimed.judge(&artifact(second)) {
        assert_eq!(judged.unwrap_err().hash_needed(), Some(Hash::Sha512));
    }
    let claimed = Claimed::new(&statement(&[about_the_file()], "slsaprovenance1", PROVENANCE));
    for judged in claimed.judge(&artifact(b"a third")) {
        let refused = judged.unwrap_err();
        assert!(
            refused.part() == Part::File && fault(&refused).contains("about `firmware.bin`"),
            "{refused}"
        );
    }
    // A file that goes by another name is the same file, and the verdict says so.
    let renamed = Artifact { name: Some("other.bin".to_owned()), ..artifact(FILE) };
    for judged in claimed.judge(&renamed) {
        let open = NotChecked::FileName { signed_as: "firmware.bin".to_owned() };
        assert!(judged.unwrap().not_checked().contains(&open));
    }
}

#[test]
fn what_is_expected_of_a_claim_is_compared_and_what_it_does_not_say_cannot_be() {
    let claimed = Claimed::new(&statement(&[about_the_file()], "slsaprovenance1", PROVENANCE));
    let judge = |expected: &StatementExpectations| {
        let [receipt, bundle] = claimed.judge(&artifact(FILE)).map(|judged| judged.unwrap().expect(expected));
        assert_eq!(receipt.is_ok(), bundle.is_ok());
        receipt
    };
    let pattern = |text: &str| Some(text.parse::<Pattern>().unwrap());
    let kind = |text: &str| Some(text.parse().unwrap());
    let open = StatementExpectations::default();
    let good = StatementExpectations {
        wanted: Wanted::Statement,
        predicate: kind("slsaprovenance1"),
        builder: pattern(BUILDER),
        source: pattern("https://git.example.com/team/*"),
    };
    let said = |verified: &Verified| -> Vec<&'static str> {
        let what = |open: &NotChecked| match open {
            NotChecked::Expectation { what, .. } => Some(*what),
            _ => None,
        };
        verified.not_checked().iter().filter_map(what).collect()
    };
    let compared = |what: &&'static str| ["predicate type", "builder", "source repository"].contains(what);
    assert_eq!(said(&judge(&good).unwrap()).into_iter().find(compared), None);
    assert_eq!(said(&judge(&open).unwrap()).into_iter().filter(compared).count(), 3);
    for other in [
        StatementExpectations { predicate: kind("cyclonedx"), ..good.clone() },
        StatementExpectations { builder: pattern("https://ci.example.com/other"), ..good.clone() },
        StatementExpectations { source: pattern("https://git.example.com/other/*"), ..good.clone() },
    ] {
        let refused = judge(&other).unwrap_err();
        assert!(matches!(refused, Refused::Bad { part: Part::Expectation, .. }), "{refused}");
    }
    let silent = PROVENANCE.replace("\"repository\"", "\"elsewhere\"");
    let silent = Claimed::new(&statement(&[about_the_file()], "slsaprovenance1", &silent));
    for judged in silent.judge(&artifact(FILE)) {
        let refused = judged.unwrap().expect(&good).unwrap_err();
        assert!(matches!(refused, Refused::CannotCheck { part: Part::Expectation, .. }), "{refused}");
    }
    // The dependency that it names is the right one, and is not asked.
    assert!(PROVENANCE.contains(&format!("git+{SOURCE}@")));
}

#[test]
fn a_predicate_that_is_not_what_its_type_says_is_named_and_refused_where_the_type_is_asked_for() {
    let claimed = Claimed::new(&statement(&[about_the_file()], "cyclonedx", r#"{"bomFormat":"CycloneDX"}"#));
    let asked = StatementExpectations {
        predicate: Some("cyclonedx".parse().unwrap()),
        ..StatementExpectations::default()
    };
    for judged in claimed.judge(&artifact(FILE)) {
        let verified = judged.unwrap();
        let is_named = |open: &NotChecked| matches!(open, NotChecked::Misshapen { fault } if fault.contains("`/specVersion` is missing"));
        assert!(verified.not_checked().iter().any(is_named));
        let refused = verified.expect(&asked).unwrap_err();
        assert!(matches!(refused, Refused::Bad { part: Part::Statement, .. }), "{refused}");
        assert!(fault(&refused).contains("`/specVersion` is missing"));
    }
}

#[test]
fn a_signature_of_the_file_is_no_claim_and_a_claim_is_no_signature_of_the_file() {
    let platform = Platform::new();
    let receipt = platform.sign(&["default/blob"], at(10));
    let present = Present { at: at(100), source: TimeSource::Named };
    let (root, expected) = (platform.trust_root(), Expectations::default());
    let verified = verify_receipt(&artifact(FILE), &receipt, &root, &expected, present).unwrap();
    let wanted = StatementExpectations { wanted: Wanted::Statement, ..StatementExpectations::default() };
    let refused = verified.expect(&wanted).unwrap_err();
    assert!(fault(&refused).contains("an attestation was expected"), "{refused}");

    // A blob that is a statement about itself cannot be; one about another file is a file like any.
    let claim = statement(&[about_the_file()], "slsaprovenance1", PROVENANCE);
    for (format, payload_type) in [("blob", IN_TOTO), (in_toto::FORMAT, "text/plain")] {
        let claimed = Claimed::of_item(|item| {
            item.format = name(format);
            item.parameters.payload_type = Some(payload_type.to_owned());
            item.content = Content::Inline { bytes: Base64(claim.clone()) };
        });
        let [receipt, _] = claimed.judge(&artifact(FILE));
        receipt.unwrap_err();
    }
    // The request names another file than the claim is about.
    let claimed = Claimed::of_item(|item| {
        item.file.sha256 = Digest::of(b"another");
        item.content = Content::Inline { bytes: Base64(claim.clone()) };
    });
    let [receipt, _] = claimed.judge(&artifact(FILE));
    assert_eq!(receipt.unwrap_err().part(), Part::Item);
}

/// What a key for claims signs is the encoding of a statement: as a file, those bytes were signed by no key for files.
#[test]
fn the_bytes_that_a_key_for_claims_signed_are_no_file_that_it_signed() {
    let claim = statement(&[about_the_file()], "slsaprovenance1", PROVENANCE);
    let claimed = Claimed::new(&claim);
    let encoding = pre_authentication_encoding(IN_TOTO, &claim);
    let mut bundle = Bundle::from_json(&claimed.bundle()).unwrap();
    bundle.content = bundle::Content::message(&Hashed::Sha256(Digest::of(&encoding)), bundle.signature());
    let (root, present) = (claimed.platform.trust_root(), Present { at: at(100), source: TimeSource::Named });
    let trust = BundleTrust::Platform(&root);
    let judged =
        verify_bundle(&artifact(&encoding), &bundle.to_json(), trust, &Expectations::default(), present);
    let refused = judged.unwrap_err();
    assert!(fault(&refused).contains("its form is not what the record"), "{refused}");
}
