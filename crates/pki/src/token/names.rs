//! What a certificate says of a token's holder: its subject alternative name and the extensions about its issuer and
//! its workflow.

use const_oid::ObjectIdentifier;
use der::asn1::{Any, Ia5String, OctetString};
use der::{Encode, Tag};
use serde::{Deserialize, Serialize};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::{GeneralName, OtherName};

use super::issuer::{IssuerKind, TokenIssuer, Verification};
use super::{Challenge, Claims, TemplateError, Verified};
use crate::extensions::{Criticality, extension};

/// The name of a user in a domain (`otherName`).
pub(super) const USERNAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.7");
/// The issuer, as raw bytes: what old verifiers look at.
pub(super) const ISSUER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.1");
/// The issuer, as a UTF8String.
pub(super) const ISSUER_V2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.8");

/// The longest address of a person (RFC 5321 §4.5.3.1.3).
const EMAIL_BYTES_MAX: usize = 254;
/// The longest URI that a certificate names.
const URI_BYTES_MAX: usize = 2_048;

/// All that a certificate says of a token's holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateNames {
    /// Who holds the token.
    pub subject: SubjectName,
    /// Who says so.
    pub issuer: String,
    /// What is known of the job, in the order of their numbers.
    pub workflow: Vec<(WorkflowExtension, String)>,
}

/// The one subject alternative name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubjectName {
    /// An address of mail.
    Email(String),
    /// A URI.
    Uri(String),
    /// `name!domain`.
    Username(String),
}

/// Why a token gives no names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NamesError {
    /// A claim that is not there, or is no text.
    #[error("the token has no claim `{claim}`")]
    Missing {
        /// Which.
        claim: &'static str,
    },
    /// An address that nobody has verified.
    #[error("the token does not say that the address `{email}` was verified (`email_verified`)")]
    Unverified {
        /// The address.
        email: String,
    },
    /// A name of the wrong shape or domain.
    #[error("the token's `{name}` cannot be named in a certificate: {fault}")]
    Subject {
        /// The name.
        name: String,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// What the record of its issuer asks for cannot be made of its claims.
    #[error(transparent)]
    Template(#[from] TemplateError),
}

macro_rules! extensions {
    ($($(#[$doc:meta])* $variant:ident = $number:literal,)*) => {
        /// What is known of a job of a CI system: the extensions under 1.3.6.1.4.1.57264.1.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        #[non_exhaustive]
        pub enum WorkflowExtension {
            $($(#[$doc])* $variant,)*
        }

        impl WorkflowExtension {
            /// All of them, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The last arc of the extension's identifier.
            pub const fn number(self) -> u32 {
                match self { $(Self::$variant => $number,)* }
            }
        }
    };
}

extensions! {
    /// What started the workflow (as raw bytes, for old verifiers).
    GithubWorkflowTrigger = 2,
    /// The commit (as raw bytes).
    GithubWorkflowSha = 3,
    /// The workflow's name (as raw bytes).
    GithubWorkflowName = 4,
    /// The repository (as raw bytes).
    GithubWorkflowRepository = 5,
    /// The branch or tag (as raw bytes).
    GithubWorkflowRef = 6,
    /// Which build instructions ran.
    BuildSignerUri = 9,
    /// Their commit.
    BuildSignerDigest = 10,
    /// Hosted by the CI system, or by its user.
    RunnerEnvironment = 11,
    /// The repository.
    SourceRepositoryUri = 12,
    /// The commit.
    SourceRepositoryDigest = 13,
    /// The branch or tag.
    SourceRepositoryRef = 14,
    /// The repository's number.
    SourceRepositoryIdentifier = 15,
    /// Who owns the repository.
    SourceRepositoryOwnerUri = 16,
    /// The owner's number.
    SourceRepositoryOwnerIdentifier = 17,
    /// The top-level build instructions.
    BuildConfigUri = 18,
    /// Their commit.
    BuildConfigDigest = 19,
    /// What started the build.
    BuildTrigger = 20,
    /// This very run.
    RunInvocationUri = 21,
    /// Was the repository public when it was signed?
    SourceRepositoryVisibilityAtSigning = 22,
    /// Where the job deploys to.
    DeploymentEnvironment = 23,
    /// The token's subject, as it stands there.
    TokenSubject = 24,
}

impl WorkflowExtension {
    pub(super) fn identifier(self) -> ObjectIdentifier {
        ISSUER.parent().and_then(|arc| arc.push_arc(self.number()).ok()).expect("a short identifier")
    }

    /// Up to number 6 the value is the text's bytes, later it is DER.
    pub(super) const fn is_raw(self) -> bool {
        self.number() <= 6
    }
}

impl Verified<'_> {
    /// What a certificate says of the token's holder.
    pub fn names(&self) -> Result<CertificateNames, NamesError> {
        let (issuer, claims) = (self.issuer(), self.claims());
        let subject = subject(issuer, claims)?;
        let mut workflow = Vec::new();
        if let IssuerKind::Workflow(kind) = &issuer.kind {
            for (extension, template) in &kind.extensions {
                let text = template.fill(claims)?;
                if !text.is_empty() {
                    workflow.push((*extension, text));
                }
            }
        }
        let named = match &issuer.issuer_claim {
            Some(path) => claims.at(path).ok_or(NamesError::Missing { claim: "behind issuerClaim" })?,
            None => claims.text("iss").ok_or(NamesError::Missing { claim: "iss" })?,
        };
        if named.is_empty() || named.len() > URI_BYTES_MAX || named.contains(char::is_control) {
            return Err(unfit(named, "the name of an issuer is a text of bounded length"));
        }
        Ok(CertificateNames { subject, issuer: named.to_owned(), workflow })
    }

    /// What may be signed to prove possession: clients take the address where a token has one, else its subject.
    pub fn challenge(&self) -> Challenge {
        let claims = ["email", "sub"].into_iter().filter_map(|name| self.claims().text(name));
        Challenge(claims.map(str::to_owned).collect())
    }
}

impl Challenge {
    /// The texts of which one is signed.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

fn subject(issuer: &TokenIssuer, claims: &Claims) -> Result<SubjectName, NamesError> {
    let sub = || claims.text("sub").ok_or(NamesError::Missing { claim: "sub" });
    match &issuer.kind {
        IssuerKind::Email { verification } => email(claims, *verification),
        IssuerKind::Username { domain } => username(sub()?, domain),
        IssuerKind::Uri { domain } => within(sub()?, domain),
        IssuerKind::Spiffe { trust_domain } => within(sub()?, &format!("spiffe://{trust_domain}")),
        IssuerKind::Kubernetes => service_account(claims),
        IssuerKind::Workflow(workflow) => escaped(&workflow.subject.fill(claims)?),
    }
}

fn email(claims: &Claims, verification: Verification) -> Result<SubjectName, NamesError> {
    let email = claims.text("email").ok_or(NamesError::Missing { claim: "email" })?;
    if verification == Verification::Required && !claims.is_true("email_verified") {
        return Err(NamesError::Unverified { email: email.chars().take(EMAIL_BYTES_MAX).collect() });
    }
    let plain = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic() && c != '@');
    match email.split_once('@') {
        Some((local, domain)) if email.len() <= EMAIL_BYTES_MAX && plain(local) && plain(domain) => {
            Ok(SubjectName::Email(email.to_owned()))
        }
        _ => Err(unfit(email, "an address is `name@domain` in ASCII")),
    }
}

fn username(sub: &str, domain: &str) -> Result<SubjectName, NamesError> {
    if sub.is_empty() || sub.len() > EMAIL_BYTES_MAX || sub.contains('!') || sub.contains(char::is_control) {
        return Err(unfit(sub, "a user name is a short text without `!`"));
    }
    Ok(SubjectName::Username(format!("{sub}!{domain}")))
}

/// A URI of this scheme and host.
fn within(sub: &str, origin: &str) -> Result<SubjectName, NamesError> {
    match sub.strip_prefix(origin) {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => uri(sub),
        _ => Err(unfit(sub, "it is not of the scheme and host that its issuer may name")),
    }
}

fn service_account(claims: &Claims) -> Result<SubjectName, NamesError> {
    let missing = NamesError::Missing { claim: "kubernetes.io" };
    let cluster = claims.object("kubernetes.io").ok_or(missing.clone())?;
    let namespace = cluster.text("namespace").ok_or(missing.clone())?;
    let account = cluster.object("serviceaccount").and_then(|account| account.text("name")).ok_or(missing)?;
    // A name with a slash in it would be another account.
    if [namespace, account].iter().any(|name| name.is_empty() || name.contains('/')) {
        return Err(unfit(account, "a service account and its namespace are names without `/`"));
    }
    escaped(&format!("https://kubernetes.io/namespaces/{namespace}/serviceaccounts/{account}"))
}

/// May not stand in a URI (RFC 3986 §2).
const fn is_foreign(byte: u8) -> bool {
    matches!(
        byte,
        b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' | 0..=b' ' | 0x7f..
    )
}

/// A URI of claims, in which what may not stand in one is escaped.
///
/// INVARIANT: two texts are never one URI. So is `%` itself, or a branch that is called `a%20b` would be the one called
/// `a b`.
fn escaped(text: &str) -> Result<SubjectName, NamesError> {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'%' => escaped.push_str("%25"),
            byte if is_foreign(byte) => escaped.push_str(&format!("%{byte:02X}")),
            plain => escaped.push(char::from(plain)),
        }
    }
    of_scheme(text, escaped)
}

/// What a token calls a URI must be one.
fn uri(text: &str) -> Result<SubjectName, NamesError> {
    let escape = |after: &str| {
        after.get(..2).is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    if text.bytes().any(is_foreign) || !text.split('%').skip(1).all(escape) {
        return Err(unfit(
            text,
            "it holds characters that may not stand in a URI: its issuer must escape them",
        ));
    }
    of_scheme(text, text.to_owned())
}

fn of_scheme(text: &str, uri: String) -> Result<SubjectName, NamesError> {
    let scheme = uri.split_once("://").map(|(scheme, _)| scheme);
    let has_scheme = scheme.is_some_and(|scheme| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    });
    if !has_scheme || uri.len() > URI_BYTES_MAX {
        return Err(unfit(text, "a URI has a scheme and is of bounded length"));
    }
    Ok(SubjectName::Uri(uri))
}

fn unfit(name: &str, fault: &'static str) -> NamesError {
    NamesError::Subject { name: name.chars().take(256).collect(), fault }
}

impl CertificateNames {
    /// The extensions that say so: the subject alternative name, which is critical because the subject is empty
    /// (RFC 5280 §4.2.1.6), the issuer in both spellings, and the job.
    pub(crate) fn extensions(&self) -> Vec<Extension> {
        let mut extensions =
            vec![extension(Criticality::Critical, &SubjectAltName(vec![self.subject.general_name()]))];
        extensions.push(value(ISSUER, self.issuer.as_bytes().to_vec()));
        extensions.push(value(ISSUER_V2, utf8(&self.issuer)));
        for (extension, text) in &self.workflow {
            let bytes = if extension.is_raw() { text.as_bytes().to_vec() } else { utf8(text) };
            extensions.push(value(extension.identifier(), bytes));
        }
        extensions
    }
}

impl SubjectName {
    fn general_name(&self) -> GeneralName {
        let ascii = |text: &str| Ia5String::new(text).expect("names were escaped to ASCII");
        match self {
            Self::Email(email) => GeneralName::Rfc822Name(ascii(email)),
            Self::Uri(uri) => GeneralName::UniformResourceIdentifier(ascii(uri)),
            Self::Username(name) => {
                let value = Any::new(Tag::Utf8String, name.as_bytes()).expect("a name of bounded length");
                GeneralName::OtherName(OtherName { type_id: USERNAME, value })
            }
        }
    }

    /// The name as text.
    pub fn text(&self) -> &str {
        match self {
            Self::Email(text) | Self::Uri(text) | Self::Username(text) => text,
        }
    }
}

fn value(identifier: ObjectIdentifier, bytes: Vec<u8>) -> Extension {
    let extn_value = OctetString::new(bytes).expect("a text of bounded length");
    Extension { extn_id: identifier, critical: false, extn_value }
}

fn utf8(text: &str) -> Vec<u8> {
    Any::new(Tag::Utf8String, text.as_bytes()).and_then(|any| any.to_der()).expect("a text of bounded length")
}
