//! Statements: composed with the claim as it came, and read strictly.

use std::collections::BTreeMap;

use model::{Digests, Hash};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::json::{self, JsonError, shown};
use super::predicate::PredicateType;

/// What a statement of version 1 says it is.
pub const STATEMENT_V1: &str = "https://in-toto.io/Statement/v1";

/// The same, before version 1.
const STATEMENT_V01: &str = "https://in-toto.io/Statement/v0.1";

/// Subjects of one statement: a release of thousands of files fits.
pub const SUBJECTS_MAX: usize = 65_536;

/// A name that says nothing, and may be that of many.
const NAMELESS: [&str; 2] = ["", "_"];

/// Digests of what is fit to name an artifact; what is named by others alone could be anything.
const STRONG: [(&str, usize); 8] = [
    ("sha256", 64),
    ("sha384", 96),
    ("sha512", 128),
    ("sha512_256", 64),
    ("sha3_256", 64),
    ("sha3_384", 96),
    ("sha3_512", 128),
    ("blake2b", 128),
];

/// The hashes by which artifacts are compared with subjects.
const COMPARED: [Hash; 3] = [Hash::Sha256, Hash::Sha384, Hash::Sha512];

/// A claim about artifacts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    /// What it is about.
    pub subject: Vec<Subject>,
    /// What kind of claim it is.
    pub predicate_type: PredicateType,
    /// The claim itself.
    #[serde(default)]
    pub predicate: Value,
}

/// An artifact, by its digests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// What it is called; covered by nothing but the statement.
    #[serde(default)]
    pub name: String,
    /// Its digests in hexadecimal, by the names of their algorithms.
    pub digest: BTreeMap<String, String>,
}

/// Why bytes are not a statement.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StatementError {
    /// Not JSON that can be relied on.
    #[error("it cannot be read")]
    Json(#[from] JsonError),
    /// Not the JSON of a statement.
    #[error("it is not an in-toto statement")]
    Shape(#[source] serde_json::Error),
    /// Another type, or another version.
    #[error("a statement of type `{kind}`; `{STATEMENT_V1}` and version 0.1 are read")]
    Kind {
        /// What it says it is.
        kind: String,
    },
    /// About nothing, or about more than anybody ships.
    #[error("`/subject` has {count} elements, where 1 to {SUBJECTS_MAX} belong")]
    SubjectCount {
        /// How many there are.
        count: usize,
    },
    /// Two artifacts of one name: which is meant would be anybody's guess.
    #[error("`/subject/{place}` has the name `{name}` of an earlier one, and another digest")]
    SameName {
        /// The later one.
        place: usize,
        /// The name.
        name: String,
    },
    /// An artifact without digest.
    #[error("`/subject/{place}/digest` is empty: nothing says which artifact is meant")]
    NoDigest {
        /// Which.
        place: usize,
    },
    /// An artifact named by digests for which another can be made.
    #[error(
        "`/subject/{place}/digest` has only {found}, and none that is fit to name an artifact, as sha256 is"
    )]
    WeakDigest {
        /// Which.
        place: usize,
        /// What it has.
        found: String,
    },
    /// A digest that is none.
    #[error("`/subject/{place}/digest/{algorithm}` is `{found}`, which is no such digest in hexadecimal")]
    Digest {
        /// Which artifact.
        place: usize,
        /// Which digest.
        algorithm: String,
        /// What it is.
        found: String,
    },
}

impl Statement {
    /// The JSON of a statement of version 1 about these subjects. The claim is taken byte for byte: whoever reads it
    /// finds the numbers and the order that its maker wrote. Whoever calls has read it before.
    pub fn compose(subject: &[Subject], predicate_type: &PredicateType, predicate: &[u8]) -> Vec<u8> {
        const ENCODES: &str = "texts and lists always encode as JSON";
        let subject = serde_json::to_string(subject).expect(ENCODES);
        let predicate_type = serde_json::to_string(predicate_type).expect(ENCODES);
        let head = format!(
            r#"{{"_type":"{STATEMENT_V1}","subject":{subject},"predicateType":{predicate_type},"predicate":"#
        );
        [head.as_bytes(), predicate.trim_ascii(), b"}"].concat()
    }

    /// Reads the payload of an envelope.
    pub fn parse(bytes: &[u8]) -> Result<Self, StatementError> {
        let statement: Self = serde_json::from_value(json::read(bytes)?).map_err(StatementError::Shape)?;
        if ![STATEMENT_V1, STATEMENT_V01].contains(&statement.kind.as_str()) {
            return Err(StatementError::Kind { kind: shown(&statement.kind) });
        }
        check(&statement.subject)?;
        Ok(statement)
    }

    /// The subject that is this artifact, if there is one: a digest is the same, and none is another.
    pub fn names(&self, digests: &Digests) -> Option<&Subject> {
        self.subject.iter().find(|subject| subject.is(digests))
    }

    /// A hash that would have to be computed of an artifact to tell whether it is among the subjects.
    pub fn hash_needed(&self, digests: &Digests) -> Option<Hash> {
        let is_known = |hash: &Hash| digests.digest(*hash).is_some();
        let undecided = |subject: &&Subject| !subject.hashes().any(|hash| is_known(&hash));
        self.subject.iter().filter(undecided).flat_map(Subject::hashes).next()
    }
}

impl Subject {
    /// An artifact with this name and these digests.
    pub fn new(name: &str, digests: &Digests) -> Self {
        let known = |hash: Hash| Some((hash.word().to_owned(), hexadecimal(digests.digest(hash)?)));
        Self { name: name.to_owned(), digest: COMPARED.into_iter().filter_map(known).collect() }
    }

    /// The digests that it has and that are computed here.
    fn hashes(&self) -> impl Iterator<Item = Hash> {
        COMPARED.into_iter().filter(|hash| self.digest.contains_key(hash.word()))
    }

    fn is(&self, digests: &Digests) -> bool {
        let pairs =
            self.hashes().filter_map(|hash| Some((self.digest.get(hash.word())?, digests.digest(hash)?)));
        let mut same = pairs.map(|(named, found)| named.eq_ignore_ascii_case(&hexadecimal(found))).peekable();
        same.peek().is_some() && same.all(|same| same)
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

fn check(subjects: &[Subject]) -> Result<(), StatementError> {
    if subjects.is_empty() || subjects.len() > SUBJECTS_MAX {
        return Err(StatementError::SubjectCount { count: subjects.len() });
    }
    let mut names: BTreeMap<&str, &Subject> = BTreeMap::new();
    for (place, subject) in subjects.iter().enumerate() {
        check_digests(place, subject)?;
        if NAMELESS.contains(&subject.name.as_str()) {
            continue;
        }
        if names.insert(&subject.name, subject).is_some_and(|earlier| earlier.digest != subject.digest) {
            return Err(StatementError::SameName { place, name: shown(&subject.name) });
        }
    }
    Ok(())
}

fn check_digests(place: usize, subject: &Subject) -> Result<(), StatementError> {
    if subject.digest.is_empty() {
        return Err(StatementError::NoDigest { place });
    }
    for (algorithm, found) in &subject.digest {
        let length = STRONG.iter().find(|(known, _)| known == algorithm).map(|(_, length)| *length);
        let is_hexadecimal = !found.is_empty() && found.bytes().all(|byte| byte.is_ascii_hexdigit());
        if length.is_some_and(|length| found.len() != length || !is_hexadecimal) {
            let (algorithm, found) = (json::escaped(algorithm), shown(found));
            return Err(StatementError::Digest { place, algorithm, found });
        }
    }
    if subject.digest.keys().any(|algorithm| STRONG.iter().any(|(strong, _)| strong == algorithm)) {
        return Ok(());
    }
    let found: Vec<String> = subject.digest.keys().take(4).map(|algorithm| shown(algorithm)).collect();
    Err(StatementError::WeakDigest { place, found: found.join(", ") })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    fn digests() -> Digests {
        Digests::of(b"an artifact", &[Hash::Sha512])
    }

    fn parse(subject: &str) -> Result<Statement, StatementError> {
        let uri = "https://example.com/claim";
        let text = format!(r#"{{"_type":"{STATEMENT_V1}","subject":{subject},"predicateType":"{uri}"}}"#);
        Statement::parse(text.as_bytes())
    }

    #[test]
    fn what_was_composed_is_read_again_with_the_claim_as_it_was_written() {
        let claim = br#" {"z":1.0,"a":1e2} "#;
        let (subject, kind) = (Subject::new("app", &digests()), "https://example.com/claim".parse().unwrap());
        let bytes = Statement::compose(std::slice::from_ref(&subject), &kind, claim);
        assert!(bytes.ends_with(br#""predicate":{"z":1.0,"a":1e2}}"#), "{}", String::from_utf8_lossy(&bytes));
        let statement = Statement::parse(&bytes).unwrap();
        assert_eq!(statement.names(&digests()), Some(&subject));
        assert_eq!(subject.digest.keys().collect::<Vec<_>>(), ["sha256", "sha512"]);
    }

    #[test]
    fn an_artifact_is_named_where_one_digest_is_the_same_and_none_another() {
        let (one, other) = (digests(), Digests::of(b"another", &[Hash::Sha512]));
        let hex = |digests: &Digests, hash| hexadecimal(digests.digest(hash).unwrap());
        let (sha256, sha512) = (hex(&one, Hash::Sha256), hex(&one, Hash::Sha512));
        let only = |digests: &str| parse(&format!(r#"[{{"name":"a","digest":{{{digests}}}}}]"#)).unwrap();
        let mixed = only(&format!(r#""sha256":"{sha256}","sha512":"{}""#, hex(&other, Hash::Sha512)));
        assert!(mixed.names(&one).is_none() && mixed.hash_needed(&one).is_none());
        let upper = only(&format!(r#""sha256":"{}""#, sha256.to_uppercase()));
        assert!(upper.names(&one).is_some() && upper.names(&other).is_none());
        // Of the artifact only the SHA-256 is known so far.
        let only_512 = only(&format!(r#""sha512":"{sha512}""#));
        let known: Digests = one.sha256().into();
        assert!(only_512.names(&known).is_none() && only_512.names(&one).is_some());
        assert_eq!(only_512.hash_needed(&known), Some(Hash::Sha512));
    }

    #[test]
    fn a_statement_about_nothing_about_anything_or_about_two_of_one_name_is_refused() {
        let digest = |byte: &str| format!(r#"{{"sha256":"{}"}}"#, byte.repeat(32));
        let named = |name: &str, byte: &str| format!(r#"{{"name":"{name}","digest":{}}}"#, digest(byte));
        let cases = [
            ("[]".to_owned(), "`/subject` has 0 elements"),
            (r#"[{"name":"a","digest":{}}]"#.to_owned(), "`/subject/0/digest` is empty"),
            (r#"[{"name":"a","digest":{"sha1":"aa","md5":"bb"}}]"#.to_owned(), "has only md5, sha1"),
            (r#"[{"name":"a","digest":{"sha256":"aa"}}]"#.to_owned(), "`/subject/0/digest/sha256` is `aa`"),
            (r#"[{"name":"a","digest":{"sha512":""}}]"#.to_owned(), "`/subject/0/digest/sha512` is ``"),
            (format!("[{},{}]", named("a", "aa"), named("a", "bb")), "`/subject/1` has the name `a`"),
            (r#"[{"name":"a"}]"#.to_owned(), "not an in-toto statement"),
        ];
        for (subject, fault) in cases {
            let error = parse(&subject).unwrap_err().to_string();
            assert!(error.contains(fault), "{error}");
        }
        // Those without a name are told apart by their digests, and one that is there twice is one.
        for (one, two) in [(named("_", "aa"), named("_", "bb")), (named("a", "aa"), named("a", "aa"))] {
            assert_eq!(parse(&format!("[{one},{two}]")).unwrap().subject.len(), 2);
        }
    }
}
