//! OpenPGP signatures, beside a file or around a text. The file is read once, by the hashes that the signatures name.

use std::path::Path;

use ::verify::{
    Artifact, Expectations, OpenPgpTrust, Present, Refused, TrustRoot, Verified, verify_clearsigned,
    verify_openpgp,
};
use envelope::openpgp::{
    CLEARTEXT_BYTES_MAX, Cleartext, SIGNATURES_BYTES_MAX, Signature, is_clearsigned, read_signatures,
};
use model::{Digests, Hash};

use super::VerifyArgs;
use super::foreign::Foreign;
use crate::failure::Failure;
use crate::reading::is_stdin;

/// What OpenPGP signatures are held to.
pub(super) struct OpenPgpHeld<'a> {
    pub(super) args: &'a VerifyArgs,
    pub(super) foreign: Option<&'a Foreign>,
    pub(super) expectations: &'a Expectations,
    pub(super) present: Present,
}

/// Is the file a clearsigned text, which needs no other file to be verified? Whoever names a signature means that one.
pub(super) fn stands_alone(args: &VerifyArgs) -> bool {
    if args.signature.is_some() || is_stdin(&args.file) {
        return false;
    }
    crate::files::read_head(&args.file, 64).is_ok_and(|head| is_clearsigned(&head))
}

impl OpenPgpHeld<'_> {
    /// Judges the signatures beside the file.
    pub(super) fn beside(&self, signature: &Path) -> Result<Result<Verified, Refused>, Failure> {
        let file = &self.args.file;
        if is_stdin(file) || !file.exists() {
            return Err(Failure::Usage {
                what: "an OpenPGP signature is over the file itself, and not over a digest of it".to_owned(),
                advice: "name the file; standard input will not do either",
            });
        }
        let bytes = crate::files::read_bounded(signature, SIGNATURES_BYTES_MAX)?;
        // What cannot be read is refused below, in the same words.
        let hashes = read_signatures(&bytes).map(|read| read.iter().map(Signature::hash).collect());
        let hashes: Vec<Hash> = hashes.unwrap_or_default();
        let (hashing, name) = crate::reading::hashing(file, &hashes)?;
        let artifact = Artifact { digests: hashing.clone().finish(), name: Some(name) };
        let digest = |hash: Hash, trailer: &[u8]| hashing.finish_with(hash, trailer);
        self.held(|trust| verify_openpgp(&artifact, &digest, &bytes, trust, self.expectations, self.present))
    }

    /// Judges a text that is clearsigned.
    pub(super) fn alone(&self) -> Result<Result<Verified, Refused>, Failure> {
        let file = &self.args.file;
        let bytes = crate::files::read_bounded(file, CLEARTEXT_BYTES_MAX)?;
        let cleartext = Cleartext::parse(&bytes)
            .map_err(Failure::input(file.display().to_string(), "a clearsigned text that can be read"))?;
        let artifact = Artifact { digests: Digests::of(&bytes, &[]), name: None };
        self.held(|trust| verify_clearsigned(&artifact, &cleartext, trust, self.expectations, self.present))
    }

    fn held(
        &self,
        verify: impl Fn(OpenPgpTrust<'_>) -> Result<Verified, Refused>,
    ) -> Result<Result<Verified, Refused>, Failure> {
        match self.foreign {
            Some(Foreign::OpenPgp(certificates)) => Ok(verify(OpenPgpTrust::Given(certificates))),
            Some(_) => Err(self.args.other_kind(&self.args.file)),
            None => {
                let root: TrustRoot = self.args.trust_root()?;
                Ok(verify(OpenPgpTrust::Platform(&root)))
            }
        }
    }
}
