//! Signatures beside which nothing stands: no timestamp token, no log entry, no request.

use model::{Form, PublicKey};

use crate::{
    Artifact, BelievedTime, Expectations, NotChecked, Present, Proven, Refused, TrustRoot, Verified,
    VerifiedItem, Whose, key,
};

/// A signature of this file that verifies, by a key of which nothing is known yet.
pub(crate) struct Bare {
    /// What it is, in a word.
    pub(crate) what: &'static str,
    /// Which form a key of a platform has that makes such.
    pub(crate) form: Form,
    pub(crate) key: PublicKey,
    /// What it says besides, which the signature covers.
    pub(crate) says: Vec<Proven>,
    /// What it says besides, and nobody compared.
    pub(crate) open: Vec<NotChecked>,
}

/// Whose key it may be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Keeper<'a> {
    /// This platform's.
    Platform(&'a TrustRoot),
    /// Whoever's the verifier named.
    Given,
}

impl Bare {
    /// Holds the key to its platform, if it has one. Nothing says when it was signed: it is as good as its key is now.
    pub(crate) fn judge(
        self,
        artifact: &Artifact,
        keeper: Keeper<'_>,
        expectations: &Expectations,
        present: Present,
    ) -> Result<Verified, Refused> {
        let Self { what, form, key, says, open: mut not_checked } = self;
        let file = artifact.digests.sha256();
        let mut proven =
            vec![Proven::File { sha256: file }, Proven::Signature { algorithm: key.algorithm() }];
        match keeper {
            Keeper::Platform(root) => {
                let managed = key::managed(root, &key, form, present.at, expectations, present)?;
                proven.push(managed.proven);
                not_checked.extend(managed.open);
            }
            Keeper::Given => {
                not_checked.extend(expectations.check_key(key.id(), None).map_err(Refused::expectation)?);
                not_checked.push(NotChecked::KeyGiven);
            }
        }
        expectations.need_receipt()?;
        proven.extend(says);
        not_checked.extend([NotChecked::Bare { what }, NotChecked::NoRequest]);
        let time = BelievedTime { at: present.at, whose: Whose::Verifier(present.source) };
        let item = VerifiedItem { item: None, key: key.id(), time, proven };
        Ok(Verified { file, platform: None, request: None, items: vec![item], not_checked })
    }
}
