//! Whose logs and authorities are believed.

use std::borrow::Cow;

use envelope::trusted_root::TrustedRoot;

use crate::TrustRoot;
use crate::anchors::Anchors;

/// Whose logs and authorities are believed.
#[derive(Debug, Clone, Copy)]
pub enum SigstoreRoot<'a> {
    /// Anybody's, as Sigstore has it: what a log of Rekor v1 promised is a time, too.
    Foreign(&'a TrustedRoot),
    /// A platform's of avouch, with its registry. What its own log of Rekor v1 promised is no time, and its registry says
    /// by whose word holders of ID tokens are known.
    Platform(&'a TrustRoot),
}

impl<'a> From<&'a TrustedRoot> for SigstoreRoot<'a> {
    fn from(root: &'a TrustedRoot) -> Self {
        Self::Foreign(root)
    }
}

impl<'a> From<&'a TrustRoot> for SigstoreRoot<'a> {
    fn from(root: &'a TrustRoot) -> Self {
        Self::Platform(root)
    }
}

impl<'a> SigstoreRoot<'a> {
    /// As the clients of Sigstore have it.
    pub const fn sigstore(self) -> &'a TrustedRoot {
        match self {
            Self::Foreign(root) => root,
            Self::Platform(root) => root.sigstore(),
        }
    }

    pub(super) fn anchors(self) -> Cow<'a, Anchors> {
        match self {
            Self::Foreign(root) => Cow::Owned(Anchors::of(root)),
            Self::Platform(root) => Cow::Borrowed(root.anchors()),
        }
    }
}
