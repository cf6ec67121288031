//! The Public Key Interoperability Test Suite of NIST (PKITS), of which every message brings its certificates and
//! revocation lists with it. What is signed in it is mail and not code: all is tried but for the usage of the signer.
//!
//! A valid path may be refused where `tests/vectors/pkits.exceptions` says so, with the unsupported feature that the
//! refusal names. A path that must be refused has no exception.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::BTreeMap;

use data_encoding::BASE64_MIME_PERMISSIVE;
use der::{AnyRef, Decode, Encode, Reader, SliceReader, Tag, Tagged};
use model::{Instant, told};

use super::{Above, find};
use crate::path::within_validity;
use crate::{Certificate, RevocationLists, Usage};

/// The suite is valid from 2010 to 2030.
const AT: Instant = Instant::from_seconds(1_795_165_602);

/// What must be refused although its name does not begin with `Invalid`: paths without a common policy where an authority
/// asks for one, and one without a revocation list.
const REFUSED: [&str; 7] = [
    "DifferentPoliciesTest12",
    "DifferentPoliciesTest4",
    "DifferentPoliciesTest5",
    "DifferentPoliciesTest7",
    "DifferentPoliciesTest8",
    "DifferentPoliciesTest9",
    "MissingCRLTest1",
];

/// A signed message: the signer's certificate, those that come with it, and revocation lists.
struct Message {
    signer: Vec<u8>,
    others: Vec<Vec<u8>>,
    lists: Vec<Vec<u8>>,
}

impl Message {
    fn read(text: &str) -> Self {
        let part = text.split("application/pkcs7-signature; name=").nth(1).unwrap();
        let body = part.split_once("\n\n").or_else(|| part.split_once("\r\n\r\n")).unwrap().1;
        let body = body.split("------").next().unwrap();
        let message = BASE64_MIME_PERMISSIVE.decode(body.trim().as_bytes()).unwrap();
        // ContentInfo, its content, SignedData (RFC 5652 §5.1).
        let info = children(children(&message)[0].value());
        let signed = children(children(info[1].value())[0].value());
        let of = |number| {
            let tag = Tag::ContextSpecific { constructed: true, number: der::TagNumber(number) };
            signed.iter().find(move |one| one.tag() == tag)
        };
        let certificates: Vec<Vec<u8>> = all(of(0));
        let signer_info = children(signed.last().unwrap().value());
        let named = children(children(signer_info[0].value())[1].value());
        let (signer, others) = certificates.into_iter().partition(|one| is_named(one, &named));
        let [signer] = <[Vec<u8>; 1]>::try_from(signer).unwrap();
        Self { signer, others, lists: all(of(1)) }
    }

    /// Is there a path for it? Where there is none, what is in the way.
    fn judge(&self, root: &Certificate) -> Result<(), String> {
        let signer = Certificate::from_der(&self.signer).map_err(|error| told(&error))?;
        let lists = self.lists.iter().map(Vec::as_slice);
        let lists = RevocationLists::read(lists).map_err(|error| told(&error))?;
        let read: Vec<_> = self.others.iter().map(|one| Certificate::from_der(one)).collect();
        // Who gives no certificate to the search is told in place of what it misses.
        let unread = read.iter().find_map(|one| one.as_ref().err().map(|error| told(error)));
        let intermediates: Vec<Certificate> = read.into_iter().flatten().collect();
        let roots = [root.clone()];
        let above = Above { intermediates: &intermediates, roots: &roots, lists: Some(&lists) };
        let found = within_validity(&signer, AT).and_then(|()| find(&signer, above, AT, Usage::CodeSigning));
        found.map(drop).map_err(|error| unread.unwrap_or_else(|| told(&error)))
    }
}

fn children(contents: &[u8]) -> Vec<AnyRef<'_>> {
    let mut reader = SliceReader::new(contents).unwrap();
    let mut found = Vec::new();
    while !reader.is_finished() {
        found.push(reader.decode().unwrap());
    }
    found
}

fn all(set: Option<&AnyRef<'_>>) -> Vec<Vec<u8>> {
    set.map(|set| children(set.value())).unwrap_or_default().iter().map(|one| one.to_der().unwrap()).collect()
}

/// Does this certificate have this issuer and this serial number?
fn is_named(certificate: &[u8], named: &[AnyRef<'_>]) -> bool {
    let whole = AnyRef::from_der(certificate).unwrap();
    let tbs = children(children(whole.value())[0].value());
    let from = tbs.iter().position(|one| one.tag() == Tag::Integer).unwrap();
    [tbs[from + 2], tbs[from]] == *named
}

/// The tests of valid paths that are refused, each with what its refusal must name: `[feature]`, then the tests.
fn exceptions() -> BTreeMap<&'static str, &'static str> {
    let (mut exceptions, mut feature) = (BTreeMap::new(), "");
    let lines = include_str!("../../tests/vectors/pkits.exceptions").lines();
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            Some(named) => feature = named,
            None => assert_eq!(exceptions.insert(line, feature), None, "{line} stands there twice"),
        }
    }
    exceptions
}

#[test]
fn every_path_of_pkits_is_judged_as_it_should_be_or_refused_for_a_feature_that_is_named() {
    let Some(suite) = testkit::pkits() else { return };
    let root = Certificate::from_der(&suite.root).unwrap();
    let mut exceptions = exceptions();
    let mut wrong = Vec::new();
    for (name, message) in &suite.messages {
        let must_be_refused = name.starts_with("Invalid") || REFUSED.contains(&name.as_str());
        match (must_be_refused, Message::read(message).judge(&root)) {
            (true, Ok(())) => wrong.push(format!("{name}: accepted, and must be refused")),
            (false, Err(why)) => match exceptions.remove(name.as_str()) {
                Some(feature) if why.contains(feature) => {}
                _ => wrong.push(format!("{name}: {why}")),
            },
            _ => {}
        }
    }
    wrong.extend(exceptions.into_keys().map(|name| format!("{name}: an exception that nothing needs")));
    wrong.sort_unstable();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(suite.messages.len(), 224);
}
