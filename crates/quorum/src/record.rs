//! Key records: what a key is for and what it asks before it signs.

use envelope::sshsig;
use model::{
    Algorithm, Class, Digest, Form, Instant, KeyId, PublicKey, Purpose, Space, Tag, TufRole, limits,
    to_canonical,
};
use serde::{Deserialize, Serialize};

/// Namespaces of one key: more than anybody has uses for SSH signatures.
const NAMESPACES_MAX: usize = 16;

/// What the registry says of one generation of a key. Records are immutable; only the state beside them changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyRecord {
    /// The version of this layout: 1.
    pub version: u32,
    /// The key's name, with the space it lives in.
    pub name: Space,
    /// Which of the keys under that name, from 1.
    pub generation: u32,
    /// The public key.
    pub public_key: PublicKey,
    /// The key store that holds the private key.
    pub store: Space,
    /// What the key is for.
    pub purpose: Purpose,
    /// Which bytes it signs.
    pub form: Form,
    /// The decisions that its signatures may support; empty for the platform's own keys.
    pub classes: Vec<Class>,
    /// From when it may sign.
    pub not_before: Instant,
    /// Until when it may sign.
    pub not_after: Instant,
    /// From when on it signs in the place of the one before it, of a key of the platform itself: verifiers know it before
    /// they meet what it signs. Without it, it signs as soon as it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub takes_over: Option<Instant>,
    /// What it asks before it signs; with a rule, the key is governed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<Rule>,
    /// How often it signs at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// The origin of the log whose checkpoints it signs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// Whom the key's certificate names, that of X.509 or that of OpenPGP; absent for forms without certificates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<CertificateSubject>,
    /// By what a key that issues certificates to holders of ID tokens knows a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<IdentityProof>,
    /// The role of TUF metadata that it signs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<TufRole>,
    /// The namespaces in which it makes SSH signatures: one in another says something else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
}

/// Whom a certificate names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CertificateSubject {
    /// The organisation.
    pub organization: String,
    /// The common name.
    pub common_name: String,
}

/// How many endorsements a key or an administrative change asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// What each group must bring; all of them must be met.
    pub requirements: Vec<Requirement>,
    /// How many of the endorsements must be independent ones.
    pub independent: u32,
    /// The longest time, in seconds, between a request's creation and its deadline.
    pub period_s_max: u64,
    /// By what it must be known who asks.
    pub requester: RequesterProof,
}

/// By what it must be known who asks, so that nobody asks in a name that is not theirs and then counts as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum RequesterProof {
    /// By the requester's own endorsement, with a registered credential; it does not count.
    Proven,
    /// By the server's word, which an owned server gives for anybody: the quorum is then of one person less.
    Asserted,
}

/// By what it is known whose an ID token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum IdentityProof {
    /// By its signature, with a key of its issuer that stands in the registry.
    Proven,
    /// By the server's word, which an owned server gives for any identity. The trust root says so.
    Asserted,
}

/// What one group must bring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// The group.
    pub group: Space,
    /// How many distinct persons of it.
    pub threshold: u32,
}

/// How often a key signs at most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rate {
    /// This many signatures …
    pub signatures_max: u64,
    /// … in any window of so many seconds.
    pub period_s: u64,
}

/// What may be done with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum KeyState {
    /// It signs.
    Active,
    /// It does not sign until a quorum restores it. What it signed stands.
    Suspended,
    /// It does not sign any more, from a time on that may be yet to come. What it signed before stands.
    Retired,
    /// It does not sign any more, and what it signed after the revocation's time is not to be believed.
    Revoked,
}

impl KeyState {
    /// How much it takes away: the more, the stricter.
    pub(crate) const fn strictness(self) -> u8 {
        match self {
            Self::Active => 0,
            Self::Suspended => 1,
            Self::Retired => 2,
            Self::Revoked => 3,
        }
    }
}

/// Why a key record cannot stand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// A version that this avouch does not know.
    #[error("a key record of version {version}; this avouch knows version 1")]
    Version {
        /// The version it names.
        version: u32,
    },
    /// A purpose that does not go with the form.
    #[error("a key of form {form} is for {expected}, not for {purpose}")]
    Purpose {
        /// The form.
        form: Form,
        /// The purpose in the record.
        purpose: Purpose,
        /// The purpose of that form.
        expected: Purpose,
    },
    /// An algorithm that does not go with the form.
    #[error("a key of form {form} cannot be {algorithm}")]
    Algorithm {
        /// The form.
        form: Form,
        /// The algorithm of the public key in the record.
        algorithm: Algorithm,
    },
    /// A rule that nobody has to meet, or that nobody can.
    #[error("a rule must ask for at least one person of at least one group, and each group once")]
    EmptyRule,
    /// A period that is zero or too long.
    #[error("a rule's period is {seconds} s, where 1 to {} are allowed", limits::ENDORSED_PERIOD_S_MAX)]
    Period {
        /// The period in the record.
        seconds: u64,
    },
    /// A field that this form needs, or must not have.
    #[error("a key of form {form} {} `{field}`", if *.needed { "needs" } else { "must not have" })]
    Field {
        /// The form.
        form: Form,
        /// Which field.
        field: &'static str,
        /// Is it needed, or forbidden?
        needed: bool,
    },
    /// No time in which it may sign.
    #[error("the key's validity ends at {not_after}, which is not after its beginning {not_before}")]
    Validity {
        /// From when.
        not_before: Instant,
        /// Until when.
        not_after: Instant,
    },
    /// A key that takes over when it may not sign.
    #[error("the key is to take over at {at}, and may sign from {not_before} until {not_after}")]
    TakesOver {
        /// When.
        at: Instant,
        /// From when it may sign.
        not_before: Instant,
        /// Until when.
        not_after: Instant,
    },
    /// A namespace that could be read as several, or as a pattern.
    #[error("`{namespace}` is no namespace: letters, digits, and signs other than `,*?!\"\\` stand in one")]
    Namespace {
        /// Which.
        namespace: String,
    },
    /// A namespace in which people endorse.
    #[error("`{namespace}` is a namespace of avouch's own, in which no key for code signs")]
    Reserved {
        /// Which.
        namespace: String,
    },
    /// A text that is empty or too long, or a number that must not be zero.
    #[error("the key record's `{field}` is empty, zero or too long")]
    OutOfBounds {
        /// Which.
        field: &'static str,
    },
}

impl KeyRecord {
    /// The digest that requests name.
    pub fn digest(&self) -> Digest {
        Tag::KeyRecord.digest(&[&to_canonical(self)])
    }

    /// The key id.
    pub fn id(&self) -> KeyId {
        self.public_key.id()
    }

    /// From when on it is the one that signs, among its kind.
    pub fn in_use_from(&self) -> Instant {
        self.takes_over.unwrap_or(Instant::EPOCH)
    }

    /// May it sign at `at`, as far as its validity goes?
    pub fn is_valid_at(&self, at: Instant) -> bool {
        self.not_before <= at && at < self.not_after
    }

    /// Does it sign in this namespace? Only SSH signatures are made in one; that other items name none is for their forms
    /// to see to.
    pub fn signs_in(&self, namespace: Option<&str>) -> bool {
        self.form != Form::SshSig || self.namespaces.iter().any(|known| Some(known.as_str()) == namespace)
    }

    /// Holds the record to what its form asks for.
    pub fn check(&self) -> Result<(), RecordError> {
        let form = self.form;
        if self.version != 1 {
            return Err(RecordError::Version { version: self.version });
        }
        if self.purpose != form.purpose() {
            return Err(RecordError::Purpose { form, purpose: self.purpose, expected: form.purpose() });
        }
        let algorithm = self.public_key.algorithm();
        if !form.takes(algorithm) {
            return Err(RecordError::Algorithm { form, algorithm });
        }
        if self.not_after <= self.not_before {
            return Err(RecordError::Validity { not_before: self.not_before, not_after: self.not_after });
        }
        self.check_takes_over()?;
        let is_log = matches!(form, Form::Checkpoint | Form::Sct | Form::Set);
        let code = self.purpose == Purpose::Code;
        // What a form needs is there, and nothing else: what means nothing would be endorsed for nothing.
        for (field, is_there, needed) in [
            ("subject", self.subject.is_some(), form.names_subject()),
            ("origin", self.origin.is_some(), is_log),
            ("role", self.role.is_some(), form == Form::Tuf),
            ("identity", self.identity.is_some(), form == Form::Certificate),
            ("namespaces", !self.namespaces.is_empty(), form == Form::SshSig),
            ("classes", !self.classes.is_empty(), code),
            // INVARIANT: what a rule asks for is counted for requests alone; a key that signs without one has no rule, or it
            // would sign ungoverned what its record calls governed.
            ("rule", self.rule.is_some() && !code, false),
        ] {
            if is_there != needed {
                return Err(RecordError::Field { form, field, needed });
            }
        }
        self.check_namespaces()?;
        if self.generation == 0 {
            return Err(RecordError::OutOfBounds { field: "generation" });
        }
        if let Some(subject) = &self.subject {
            bounded("subject.organization", &subject.organization)?;
            bounded("subject.commonName", &subject.common_name)?;
        }
        if let Some(origin) = &self.origin {
            bounded("origin", origin)?;
        }
        if self.rate.as_ref().is_some_and(|rate| rate.signatures_max == 0 || rate.period_s == 0) {
            return Err(RecordError::OutOfBounds { field: "rate" });
        }
        self.rule.as_ref().map_or(Ok(()), Rule::check)
    }

    /// INVARIANT: no key for code signs in a namespace of avouch's own, in which people endorse.
    fn check_namespaces(&self) -> Result<(), RecordError> {
        if self.namespaces.len() > NAMESPACES_MAX {
            return Err(RecordError::OutOfBounds { field: "namespaces" });
        }
        for namespace in &self.namespaces {
            bounded("namespaces", namespace)?;
            // In a line of `allowed_signers` the others have a meaning of their own.
            if namespace.contains(|c: char| !c.is_ascii_graphic() || r#",*?!"\"#.contains(c)) {
                return Err(RecordError::Namespace { namespace: namespace.clone() });
            }
            if sshsig::is_reserved(namespace) {
                return Err(RecordError::Reserved { namespace: namespace.clone() });
            }
        }
        Ok(())
    }

    /// Only what the platform itself signs with is taken over: who names a key of theirs in a request names which.
    fn check_takes_over(&self) -> Result<(), RecordError> {
        let Some(at) = self.takes_over else { return Ok(()) };
        if !self.form.is_taken_over() {
            return Err(RecordError::Field { form: self.form, field: "takesOver", needed: false });
        }
        if self.is_valid_at(at) {
            return Ok(());
        }
        Err(RecordError::TakesOver { at, not_before: self.not_before, not_after: self.not_after })
    }
}

impl Rule {
    /// Can anybody meet the rule, and must somebody?
    pub(crate) fn check(&self) -> Result<(), RecordError> {
        // INVARIANT: a threshold of zero is met by nobody's endorsement; no rule may hold one.
        let mut groups: Vec<_> = self.requirements.iter().map(|requirement| &requirement.group).collect();
        groups.sort();
        groups.dedup();
        if self.requirements.is_empty()
            || groups.len() != self.requirements.len()
            || self.requirements.iter().any(|requirement| requirement.threshold == 0)
        {
            return Err(RecordError::EmptyRule);
        }
        if !(1..=limits::ENDORSED_PERIOD_S_MAX).contains(&self.period_s_max) {
            return Err(RecordError::Period { seconds: self.period_s_max });
        }
        Ok(())
    }
}

fn bounded(field: &'static str, text: &str) -> Result<(), RecordError> {
    if text.is_empty() || text.len() > 64 || text.contains(char::is_control) {
        return Err(RecordError::OutOfBounds { field });
    }
    Ok(())
}
