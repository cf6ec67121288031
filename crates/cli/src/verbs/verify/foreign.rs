//! What no managed key of a platform signed: the holder of an ID token, or a key that the verifier names.

use std::path::{Path, PathBuf};

use ::verify::{
    Artifact, BundleTrust, Expectations, Gap, Identity, Part, Pattern, Present, Refused, SignedBy,
    SigstoreRoot, TrustRoot, Verified, verify_bundle, verify_sigstore,
};
use clap::Args;
use envelope::bundle::{Bundle, Signer, Version};
use envelope::detached::Kind;
use envelope::minisign::MinisignKey;
use envelope::openpgp::Certificate;
use envelope::sshsig::SshKey;
use envelope::trusted_root::{TRUSTED_ROOT_BYTES_MAX, TrustedRoot};
use model::PublicKey;

use super::GivenKey;
use crate::failure::Failure;
use crate::followed::Followed;

/// Who signed, where that is no managed key.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ForeignArgs {
    /// Who signed keylessly: an address, a URI or a user name. `*` stands for any part without `/`, `**` for any at all
    #[arg(long, value_name = "PATTERN", requires = "issuer", conflicts_with = "public_key")]
    identity: Option<Pattern>,
    /// Who vouched for them: the URL of the issuer of their ID token, or a pattern
    #[arg(long, value_name = "PATTERN", requires = "identity")]
    issuer: Option<Pattern>,
    /// A public key that signed: in PEM for a bundle, of minisign, of SSH or of OpenPGP. No platform's registry is asked for it
    #[arg(long, value_name = "FILE")]
    public_key: Option<PathBuf>,
    /// A Sigstore `trusted_root.json` for these; otherwise that of the trust root
    #[arg(long, value_name = "FILE", alias = "sigstore")]
    trusted_root: Option<PathBuf>,
    /// The same from a TUF repository, which is asked for what is new: the folder of `avouch trust follow`
    #[arg(long, value_name = "DIR", conflicts_with = "trusted_root")]
    tuf: Option<PathBuf>,
}

/// Who signed, read.
#[derive(Debug, Clone)]
pub(crate) enum Foreign {
    /// The holder of an ID token.
    Holder(Identity),
    /// Whoever has this key.
    Key(PublicKey),
    /// Whoever has this key of minisign.
    Minisign(MinisignKey),
    /// Whoever has one of these keys of SSH.
    Ssh(Vec<SshKey>),
    /// Whoever has a key of one of these certificates of OpenPGP.
    OpenPgp(Vec<Certificate>),
}

impl From<GivenKey> for Foreign {
    fn from(key: GivenKey) -> Self {
        match key {
            GivenKey::Pem(key) => Self::Key(key),
            GivenKey::Minisign(key) => Self::Minisign(key),
            GivenKey::Ssh(keys) => Self::Ssh(keys),
            GivenKey::OpenPgp(certificates) => Self::OpenPgp(certificates),
        }
    }
}

impl ForeignArgs {
    /// Whom the flags name, if they name anybody.
    pub(crate) fn named(&self) -> Result<Option<Foreign>, Failure> {
        match (&self.identity, &self.issuer, &self.public_key) {
            (Some(subject), Some(issuer), _) => {
                let (subject, issuer) = (subject.clone(), issuer.clone());
                Ok(Some(Foreign::Holder(Identity { subject, issuer })))
            }
            (_, _, Some(path)) => GivenKey::read(path).map(|key| Some(key.into())),
            _ if self.trusted_root.is_some() || self.tuf.is_some() => Err(Failure::Usage {
                what: "`--trusted-root` or `--tuf` says whose logs and authorities are believed, and not who signed"
                    .to_owned(),
                advice: "name them with `--identity` and `--issuer`, or their key with `--public-key`",
            }),
            _ => Ok(None),
        }
    }

    /// Whose logs and authorities are believed.
    pub(crate) fn trusted_root(
        &self,
        otherwise: impl FnOnce() -> Result<TrustRoot, Failure>,
    ) -> Result<Believed, Failure> {
        if let Some(dir) = &self.tuf {
            return trusted_root(&Followed::refresh(dir)?.trusted_root).map(Believed::Foreign);
        }
        match &self.trusted_root {
            Some(path) => trusted_root(path).map(Believed::Foreign),
            None => otherwise().map(Box::new).map(Believed::Platform),
        }
    }
}

/// Whose logs and authorities are believed.
pub(crate) enum Believed {
    Foreign(TrustedRoot),
    Platform(Box<TrustRoot>),
}

impl<'a> From<&'a Believed> for SigstoreRoot<'a> {
    fn from(believed: &'a Believed) -> Self {
        match believed {
            Believed::Foreign(root) => root.into(),
            Believed::Platform(root) => (&**root).into(),
        }
    }
}

impl Foreign {
    /// What they sign.
    pub(super) const fn kind(&self) -> Kind {
        match self {
            Self::Holder(_) | Self::Key(_) => Kind::Bundle,
            Self::Minisign(_) => Kind::Minisign,
            Self::Ssh(_) => Kind::SshSig,
            Self::OpenPgp(_) => Kind::OpenPgp,
        }
    }

    /// Verifies a bundle of theirs.
    pub(crate) fn verify(
        &self,
        artifact: &Artifact,
        json: &[u8],
        root: SigstoreRoot<'_>,
        expectations: &Expectations,
        present: Present,
    ) -> Result<Verified, Refused> {
        match self {
            Self::Holder(identity) => {
                verify_sigstore(artifact, json, SignedBy::Holder(identity), root, present)
            }
            // What a managed key signs may be without timestamp or log, where its profile is; nothing else may.
            Self::Key(key) if is_plain(json) => {
                let trust = BundleTrust::Given { key, sigstore: root.sigstore() };
                verify_bundle(artifact, json, trust, expectations, present)
            }
            Self::Key(key) => verify_sigstore(artifact, json, SignedBy::Key(key), root, present),
            Self::Minisign(_) | Self::Ssh(_) | Self::OpenPgp(_) => Err(Refused::CannotCheck {
                part: Part::Key,
                item: None,
                gap: Gap::Unsupported { what: "a key that signs no bundles" },
            }),
        }
    }
}

/// Is it a bundle such as avouch writes of a managed key?
fn is_plain(json: &[u8]) -> bool {
    Bundle::from_json(json).is_ok_and(|bundle| {
        bundle.version == Version::V03
            && matches!(bundle.signer, Signer::Key { .. })
            && bundle.entries.iter().all(|entry| entry.kind_version == envelope::rekor::VERSION)
    })
}

/// Reads a Sigstore trusted root.
pub(crate) fn trusted_root(path: &Path) -> Result<TrustedRoot, Failure> {
    let bytes = crate::files::read_bounded(path, TRUSTED_ROOT_BYTES_MAX)?;
    TrustedRoot::from_json(&bytes)
        .map_err(Failure::input(path.display().to_string(), "a Sigstore trusted root"))
}
