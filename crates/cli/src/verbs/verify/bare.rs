//! What is held to whom the verifier named, or else to the platform: bundles, and signatures of minisign and of SSH.

use std::path::Path;

use ::verify::{
    Artifact, BundleTrust, Expectations, MinisignTrust, Present, Refused, SshTrust, Verified, verify_bundle,
    verify_minisig, verify_sshsig,
};
use envelope::bundle::{BUNDLE_BYTES_MAX, Bundle, PUBLISHED_SUFFIX};
use envelope::minisign::{LEGACY_FILE_BYTES_MAX, MINISIG_BYTES_MAX};
use envelope::sshsig::SSHSIG_BYTES_MAX;

use super::VerifyArgs;
use super::foreign::Foreign;
use crate::failure::Failure;

/// What a signature is held to.
pub(super) struct Held<'a> {
    pub(super) args: &'a VerifyArgs,
    pub(super) artifact: &'a Artifact,
    pub(super) signature: &'a Path,
    pub(super) foreign: Option<&'a Foreign>,
    pub(super) expectations: &'a Expectations,
    pub(super) present: Present,
}

impl Held<'_> {
    /// Judges a Sigstore bundle.
    pub(super) fn bundle(&self) -> Result<Result<Verified, Refused>, Failure> {
        let Self { args, artifact, foreign, expectations, present, .. } = self;
        let json = self.json()?;
        match foreign {
            Some(foreign) => {
                let root = args.foreign.trusted_root(|| args.trust_root())?;
                Ok(foreign.verify(artifact, &json, (&root).into(), expectations, *present))
            }
            None => {
                let root = args.trust_root()?;
                Ok(verify_bundle(artifact, &json, BundleTrust::Platform(&root), expectations, *present))
            }
        }
    }

    /// A bundle, or what Python's package index publishes in its place.
    fn json(&self) -> Result<Vec<u8>, Failure> {
        let json = crate::files::read_bounded(self.signature, BUNDLE_BYTES_MAX)?;
        let name = self.signature.display().to_string();
        if !name.ends_with(PUBLISHED_SUFFIX) {
            return Ok(json);
        }
        let bundle =
            Bundle::from_published(&json).map_err(Failure::input(name, "a published attestation"))?;
        Ok(bundle.to_json())
    }

    /// Judges a `.minisig`. An old one needs the file itself.
    pub(super) fn minisig(&self) -> Result<Result<Verified, Refused>, Failure> {
        let bytes = crate::files::read_bounded(self.signature, MINISIG_BYTES_MAX)?;
        let root = match self.foreign {
            Some(_) => None,
            None => Some(self.args.trust_root()?),
        };
        let trust = match (self.foreign, &root) {
            (Some(Foreign::Minisign(key)), _) => MinisignTrust::Given(key),
            (_, Some(root)) => MinisignTrust::Platform(root),
            (_, None) => return Err(self.args.other_kind(self.signature)),
        };
        let judge = |whole: Option<&[u8]>| {
            verify_minisig(self.artifact, whole, &bytes, trust, self.expectations, self.present)
        };
        match judge(None) {
            Err(refused) if refused.is_file_needed() => match self.whole()? {
                Some(whole) => Ok(judge(Some(&whole))),
                None => Ok(Err(refused)),
            },
            judged => Ok(judged),
        }
    }

    /// The file itself, where it is one that can be held in memory.
    fn whole(&self) -> Result<Option<Vec<u8>>, Failure> {
        let file = &self.args.file;
        let size = std::fs::metadata(file).ok().filter(std::fs::Metadata::is_file).map(|file| file.len());
        match size.map(usize::try_from) {
            Some(Ok(size)) if size <= LEGACY_FILE_BYTES_MAX => {
                crate::files::read_bounded(file, LEGACY_FILE_BYTES_MAX).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Judges an SSH signature.
    pub(super) fn sshsig(&self) -> Result<Result<Verified, Refused>, Failure> {
        let bytes = crate::files::read_bounded(self.signature, SSHSIG_BYTES_MAX)?;
        let root = match self.foreign {
            Some(_) => None,
            None => Some(self.args.trust_root()?),
        };
        let trust = match (self.foreign, &root) {
            (Some(Foreign::Ssh(keys)), _) => SshTrust::Given(keys),
            (_, Some(root)) => SshTrust::Platform(root),
            (_, None) => return Err(self.args.other_kind(self.signature)),
        };
        let namespace = self.args.namespace.as_deref();
        Ok(verify_sshsig(self.artifact, &bytes, namespace, trust, self.expectations, self.present))
    }
}
