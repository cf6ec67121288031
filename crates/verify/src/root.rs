//! The trust root: what a verifier starts from, in one file.

use std::borrow::Cow;

use data_encoding::HEXLOWER;
use envelope::openpgp::{self, OpenPgpError, read_certificates};
use envelope::trusted_root::{Authority, Log, TrustedRoot, Window};
use model::{
    Base64, CanonicalError, Digest, Form, Instant, KeyId, PlatformId, PublicKey, from_canonical, limits,
    to_canonical,
};
use pki::{Certificate, CertificateError, PemError};
use quorum::{Endorsement, Entry, KeyRecord, KeyState, Registry, RegistryError};
use serde::{Deserialize, Serialize};
use tlog::VerifierKey;
use tlog::note::NoteError;

use crate::anchors::Anchors;

/// A trust root file: thousands of registry entries fit.
pub const TRUST_ROOT_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Whom a verifier believes: a platform by its genesis, with the endorsed chain of its registry, its logs, its
/// authorities, its journal.
///
/// INVARIANT: every key in it stands in the registry that the chain replays to. What is trusted is the genesis; the rest follows from it or is refused.
#[derive(Debug, Clone)]
pub struct TrustRoot {
    wire: Wire,
    registry: Registry,
    roots: Vec<Certificate>,
    // INVARIANT: one for each origin that the journal has had, the present one last.
    journals: Vec<VerifierKey>,
    anchors: Anchors,
    /// What keys of form `openpgp` say of themselves, as OpenPGP has it.
    openpgp: Vec<(KeyId, Vec<u8>)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    version: u32,
    platform: PlatformId,
    expires: Instant,
    /// A Sigstore `trusted_root.json`, verbatim.
    sigstore: TrustedRoot,
    /// The canonical JSON of each entry, as strings, because their bytes are hashed.
    registry: Vec<String>,
    /// The roots of the platform's certificates, in PEM.
    roots: Vec<String>,
    /// What keys of form `openpgp` say of themselves, for tools that know no other file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    openpgp: Vec<Base64>,
    /// Room for those who vouch for this version of the file.
    signatures: Vec<Endorsement>,
}

/// What a trust root is composed of. All of it comes from the key process but the address and the expiry.
#[derive(Debug, Clone)]
pub struct RootParts<'a> {
    /// The registry's entries from the genesis on.
    pub registry: &'a [Vec<u8>],
    /// The certificates of the platform's keys, in DER, and those of OpenPGP in packets.
    pub certificates: &'a [(KeyId, Vec<u8>)],
    /// Where timestamps and the log are served.
    pub public_url: &'a str,
    /// Until when verifiers may go by it.
    pub expires: Instant,
}

/// Why bytes or parts are not a trust root.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RootError {
    /// Not the canonical JSON of a trust root.
    #[error("not a trust root; export one with `avouch trust export`")]
    NotCanonical(#[source] CanonicalError),
    /// A version that this avouch does not know.
    #[error("a trust root of version {version}; this avouch knows version 1, a newer one is needed")]
    Version {
        /// The version it names.
        version: u32,
    },
    /// A registry that does not replay.
    #[error("the trust root's registry does not hold together")]
    Registry(#[source] RegistryError),
    /// Another platform than its own genesis gives.
    #[error("the trust root names {named}, and its genesis is that of {genesis}")]
    OtherPlatform {
        /// The platform it names.
        named: PlatformId,
        /// The platform of its genesis.
        genesis: PlatformId,
    },
    /// A root that is not PEM of one certificate.
    #[error("root certificate {place} of the trust root cannot be read")]
    Root {
        /// Which, from 1.
        place: usize,
        /// Why.
        #[source]
        source: PemError,
    },
    /// A certificate of the platform that cannot be read.
    #[error("the certificate of key {key} cannot be read")]
    Certificate {
        /// Whose.
        key: KeyId,
        /// Why.
        #[source]
        source: CertificateError,
    },
    /// An OpenPGP certificate that cannot be read.
    #[error("an OpenPGP certificate of the trust root cannot be read")]
    OpenPgp(#[source] OpenPgpError),
    /// A key that the registry does not vouch for.
    #[error("the trust root holds a {what} whose key or time the registry does not know as such")]
    NotRegistered {
        /// What it is.
        what: &'static str,
    },
    /// An origin that cannot name a log.
    #[error("the log origin `{origin}` cannot be the name of a key")]
    Origin {
        /// The origin.
        origin: String,
        /// Why.
        #[source]
        source: NoteError,
    },
    /// More than can ever be needed.
    #[error("the trust root has {count} {what}, where at most {most} are read")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        count: usize,
        /// How many are read.
        most: usize,
    },
}

/// Roots of the platform's certificates in one file.
const ROOTS_MAX: usize = 64;

/// OpenPGP certificates in one file: one for each generation of each such key.
const OPENPGP_MAX: usize = 1_024;

impl TrustRoot {
    /// Reads a trust root file and holds it to its own registry.
    pub fn parse(bytes: &[u8]) -> Result<Self, RootError> {
        let wire: Wire = from_canonical(bytes, TRUST_ROOT_BYTES_MAX).map_err(RootError::NotCanonical)?;
        if wire.version != 1 {
            return Err(RootError::Version { version: wire.version });
        }
        at_most("signatures", wire.signatures.len(), limits::ENDORSEMENTS_MAX)?;
        at_most("root certificates", wire.roots.len(), ROOTS_MAX)?;
        let registry =
            Registry::replay(wire.registry.iter().map(String::as_bytes)).map_err(RootError::Registry)?;
        if registry.platform() != wire.platform {
            return Err(RootError::OtherPlatform { named: wire.platform, genesis: registry.platform() });
        }
        let mut roots = Vec::with_capacity(wire.roots.len());
        for (place, pem) in (1..).zip(&wire.roots) {
            roots.push(Certificate::from_pem(pem).map_err(|source| RootError::Root { place, source })?);
        }
        let journals = journals(&registry)?;
        let openpgp = openpgp(&registry, &wire.openpgp)?;
        let root = Self { anchors: Anchors::of(&wire.sigstore), wire, registry, roots, journals, openpgp };
        root.check_registered()?;
        Ok(root)
    }

    /// Composes the trust root of a platform.
    pub fn compose(parts: &RootParts<'_>) -> Result<Self, RootError> {
        let registry =
            Registry::replay(parts.registry.iter().map(Vec::as_slice)).map_err(RootError::Registry)?;
        let mut certificates = Vec::with_capacity(parts.certificates.len());
        let mut openpgp = Vec::new();
        for (key, der) in parts.certificates {
            if registry.key(key).is_some_and(|known| known.record.form == Form::OpenPgp) {
                openpgp.push(Base64(der.clone()));
                continue;
            }
            let read =
                Certificate::from_der(der).map_err(|source| RootError::Certificate { key: *key, source })?;
            certificates.push((*key, read));
        }
        let composing = Composing { registry: &registry, certificates, public_url: parts.public_url };
        let entries = parts.registry.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let wire = Wire {
            version: 1,
            platform: registry.platform(),
            expires: parts.expires,
            sigstore: TrustedRoot::new(
                composing.logs()?,
                composing.authorities(Form::Certificate, ""),
                composing.certificate_logs(),
                composing.authorities(Form::Timestamp, "/api/v1/timestamp"),
            ),
            registry: entries.collect(),
            roots: composing.roots().map(|(_, root)| root.to_pem()).collect(),
            openpgp,
            signatures: Vec::new(),
        };
        Self::parse(&to_canonical(&wire))
    }

    /// The canonical JSON of the file.
    pub fn encode(&self) -> Vec<u8> {
        to_canonical(&self.wire)
    }

    /// The Sigstore `trusted_root.json` in it, for the clients of Sigstore.
    pub const fn sigstore(&self) -> &TrustedRoot {
        &self.wire.sigstore
    }

    /// The platform.
    pub const fn platform(&self) -> PlatformId {
        self.wire.platform
    }

    /// Until when verifiers may go by it.
    pub const fn expires(&self) -> Instant {
        self.wire.expires
    }

    /// The registry, as its last known entry left it.
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The roots of the platform's certificates.
    pub fn roots(&self) -> &[Certificate] {
        &self.roots
    }

    /// The OpenPGP certificate of a key of form `openpgp`, in packets.
    pub fn openpgp(&self, key: &KeyId) -> Option<&[u8]> {
        let found = self.openpgp.iter().find(|(of, _)| of == key);
        found.map(|(_, packets)| packets.as_slice())
    }

    /// The key of the journal's checkpoints under each origin that it has had, the present one last.
    pub fn journals(&self) -> &[VerifierKey] {
        &self.journals
    }

    /// The keys of the platform's logs, whose names are the logs' origins.
    pub fn logs(&self) -> impl Iterator<Item = &VerifierKey> {
        self.anchors.logs.iter().map(|log| &log.key)
    }

    pub(crate) const fn anchors(&self) -> &Anchors {
        &self.anchors
    }

    /// The registry as it was under this head; `None` if the chain does not know the head.
    pub(crate) fn registry_at(&self, head: &Digest) -> Option<Cow<'_, Registry>> {
        if *head == self.registry.head() {
            return Some(Cow::Borrowed(&self.registry));
        }
        let heads = self.wire.registry.iter().map(|entry| Entry::head(entry.as_bytes()));
        let entries = heads.zip(1..).find_map(|(known, entries)| (known == *head).then_some(entries))?;
        let prefix = self.wire.registry.iter().take(entries).map(String::as_bytes);
        let replayed = Registry::replay(prefix).expect("the beginning of a chain that replays replays too");
        Some(Cow::Owned(replayed))
    }

    fn check_registered(&self) -> Result<(), RootError> {
        let stands = |key: &PublicKey, form: Form| {
            self.registry.key(&key.id()).is_some_and(|known| known.record.form == form)
        };
        let known = |certificate: &Certificate, form: Form| {
            let key = self.registry.key(&certificate.public_key().ok()?.id());
            key.filter(|key| key.record.form == form)
        };
        if !self.roots.iter().all(|root| known(root, Form::Ca).is_some()) {
            return Err(RootError::NotRegistered { what: "root certificate" });
        }
        let log = |log: &Log| {
            let is_log = |key: &PublicKey| stands(key, Form::Checkpoint) || stands(key, Form::Set);
            let key = log.key().ok().filter(is_log);
            let record = key.and_then(|key| self.registry.key(&key.id()));
            record.is_some_and(|known| {
                let key = log_key(&known.record).and_then(Result::ok);
                let is_named = key.is_some_and(|key| Some(key.name()) == log.origin());
                is_named && log.public_key.valid_for == window(known)
            })
        };
        if !self.wire.sigstore.tlogs.iter().all(log)
            || self.anchors.logs.len() != self.wire.sigstore.tlogs.len()
        {
            return Err(RootError::NotRegistered { what: "log" });
        }
        let authority = |authority: &crate::anchors::TrustedAuthority| {
            let leaf = authority.chain.first().and_then(|leaf| known(leaf, Form::Timestamp));
            let root = known(&authority.root, Form::Ca);
            let window = leaf.zip(root).map(|(leaf, root)| within(window(leaf), window(root)));
            window == Some(authority.window)
        };
        let all_read = self.anchors.authorities.len() == self.wire.sigstore.timestamp_authorities.len();
        if !all_read || !self.anchors.authorities.iter().all(authority) {
            return Err(RootError::NotRegistered { what: "timestamp authority" });
        }
        self.check_keyless()
    }

    /// The authorities for holders of ID tokens, and the logs of their certificates.
    fn check_keyless(&self) -> Result<(), RootError> {
        let known = |key: &PublicKey, form: Form| {
            self.registry.key(&key.id()).filter(|known| known.record.form == form)
        };
        let authority = |authority: &Authority| {
            let mut chain = authority.certificates().map(Certificate::from_der);
            let own = chain.next().and_then(|own| known(&own.ok()?.public_key().ok()?, Form::Certificate));
            own.is_some_and(|own| authority.valid_for == window(own)) && chain.next().is_none()
        };
        if !self.wire.sigstore.certificate_authorities.iter().all(authority) {
            return Err(RootError::NotRegistered { what: "certificate authority" });
        }
        let log = |log: &Log| {
            let Ok(key) = log.key() else { return false };
            let named = log.log_id.key_id.0 == key.id().digest().as_bytes();
            named && known(&key, Form::Sct).is_some_and(|known| log.public_key.valid_for == window(known))
        };
        if !self.wire.sigstore.ctlogs.iter().all(log) {
            return Err(RootError::NotRegistered { what: "log of certificates" });
        }
        Ok(())
    }
}

/// A trust root in the making.
struct Composing<'a> {
    registry: &'a Registry,
    certificates: Vec<(KeyId, Certificate)>,
    public_url: &'a str,
}

impl Composing<'_> {
    fn keys(&self, form: Form) -> impl Iterator<Item = &quorum::Key> {
        self.registry.keys().filter(move |key| key.record.form == form)
    }

    fn certified(&self, form: Form) -> impl Iterator<Item = (&quorum::Key, &Certificate)> {
        self.keys(form).flat_map(|key| {
            let of_key = self.certificates.iter().filter(|(of, _)| *of == key.record.id());
            of_key.map(move |(_, certificate)| (key, certificate))
        })
    }

    fn roots(&self) -> impl Iterator<Item = (&quorum::Key, &Certificate)> {
        self.certified(Form::Ca)
    }

    fn logs(&self) -> Result<Vec<Log>, RootError> {
        let mut logs = Vec::new();
        for key in self.keys(Form::Checkpoint).chain(self.keys(Form::Set)) {
            let Some(verifier) = log_key(&key.record) else { continue };
            let verifier = verifier.map_err(|source| {
                let origin = key.record.origin.clone().unwrap_or_default();
                RootError::Origin { origin, source }
            })?;
            let base_url = format!("https://{}", verifier.name());
            logs.push(Log::new(&base_url, &key.record.public_key, &verifier.log_id(), window(key)));
        }
        Ok(logs)
    }

    /// The logs of certificates. Where one is read ends like its origin.
    fn certificate_logs(&self) -> Vec<Log> {
        let log = |key: &quorum::Key| {
            let shard = key.record.origin.as_deref()?.rsplit('/').next()?;
            let base_url = format!("{}/ctlog/{shard}", self.public_url.trim_end_matches('/'));
            let public_key = &key.record.public_key;
            Some(Log::new(&base_url, public_key, public_key.id().digest(), window(key)))
        };
        self.keys(Form::Sct).filter_map(log).collect()
    }

    /// The authorities of a form, served below this path: one for each of their certificates.
    fn authorities(&self, form: Form, path: &str) -> Vec<Authority> {
        let uri = format!("{}{path}", self.public_url.trim_end_matches('/'));
        let authority = |(key, leaf): (&quorum::Key, &Certificate)| {
            let root = self.roots().find(|(_, root)| leaf.verify_signature_by(root).is_ok());
            let window = match root {
                Some((root, _)) => within(window(key), window(root)),
                // An authority for holders of ID tokens is its own root, and no other stands above it.
                None if leaf.is_self_issued() => window(key),
                None => return None,
            };
            let root = root.map(|(_, root)| root);
            let subject = key.record.subject.as_ref();
            let organization = subject.map_or("", |subject| subject.organization.as_str());
            let common_name = root.unwrap_or(leaf).subject_common_name().unwrap_or_default();
            let chain: Vec<&[u8]> = [Some(leaf), root].into_iter().flatten().map(Certificate::der).collect();
            Some(Authority::new(organization, &common_name, &uri, &chain, window))
        };
        self.certified(form).filter_map(authority).collect()
    }
}

/// How the checkpoints of a key are checked; `None` where it signs none.
fn log_key(record: &KeyRecord) -> Option<Result<VerifierKey, NoteError>> {
    let (origin, key) = (record.origin.as_deref()?, &record.public_key);
    Some(match record.form {
        Form::Set => VerifierKey::of_rekor_v1(origin, key),
        _ => VerifierKey::of_log(origin, key),
    })
}

/// From when a key may have signed, and until when it did, where it does no more.
///
/// INVARIANT: the chain says it, not the file: whoever serves the file does not give a key that was revoked its time
/// back.
fn window(key: &quorum::Key) -> Window {
    let ended = !matches!(key.state, KeyState::Active | KeyState::Suspended);
    Window { start: key.record.not_before.whole_second(), end: ended.then(|| key.since.whole_second()) }
}

/// When both count: a key, and the root that certified it.
fn within(key: Window, root: Window) -> Window {
    let ends = [key.end, root.end];
    Window { start: key.start.max(root.start), end: ends.into_iter().flatten().min() }
}

/// The genesis names the key, and each adoption another origin under which it goes on.
fn journals(registry: &Registry) -> Result<Vec<VerifierKey>, RootError> {
    let key = |origin: String| {
        VerifierKey::of_log(&origin, registry.journal_key())
            .map_err(|source| RootError::Origin { origin, source })
    };
    registry.journal_origins().map(key).collect()
}

/// INVARIANT: the key in each stands in the registry, since the time that its record says, and so under the fingerprint that
/// signatures name.
fn openpgp(registry: &Registry, certificates: &[Base64]) -> Result<Vec<(KeyId, Vec<u8>)>, RootError> {
    at_most("OpenPGP certificates", certificates.len(), OPENPGP_MAX)?;
    let mut held = Vec::with_capacity(certificates.len());
    for Base64(packets) in certificates {
        let read = read_certificates(packets).map_err(RootError::OpenPgp)?;
        let stands = |key: &openpgp::Key| {
            let known = registry.key(&key.public().id()).map(|known| &known.record);
            let ours = known.filter(|record| record.form == Form::OpenPgp);
            ours.is_some_and(|record| openpgp::Key::new(&record.public_key, record.not_before) == *key)
        };
        let [certificate] = read.as_slice() else {
            return Err(RootError::NotRegistered { what: "second certificate in one of OpenPGP" });
        };
        if !certificate.signers().iter().all(|signer| stands(signer.key())) {
            return Err(RootError::NotRegistered { what: "certificate of OpenPGP" });
        }
        held.push((certificate.primary().public().id(), packets.clone()));
    }
    Ok(held)
}

fn at_most(what: &'static str, count: usize, most: usize) -> Result<(), RootError> {
    if count > most { Err(RootError::TooMany { what, count, most }) } else { Ok(()) }
}

impl TrustRoot {
    /// The platform id as people compare it: four hexadecimal digits at a time.
    pub fn fingerprint(&self) -> String {
        let digits = HEXLOWER.encode(self.platform().digest().as_bytes());
        digits.as_bytes().chunks(4).map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ")
    }
}
