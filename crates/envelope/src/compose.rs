//! Which bytes a key signs for an item of a request.

use model::{Algorithm, Content, Form, Hash, Instant, Item, KeyError, Parameters};
use pki::Certificate;

use crate::cms::attributes::{CertificateName, NewAttributes};
use crate::{Chosen, ToBeSigned, dsse, oids};

/// Why no bytes can be composed for an item.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ComposeError {
    /// A form that is not composed from an item, or not by this version of avouch.
    #[error("form `{form}` is not composed yet")]
    NotComposed {
        /// Which.
        form: Form,
    },
    /// A certificate beside a form that has none: with one, the digest of somebody's attributes would verify under
    /// our root.
    #[error("a key of form `{form}` signs without a certificate, and has one")]
    UnwantedCertificate {
        /// Which.
        form: Form,
    },
    /// No certificate beside a form that names it in what is signed.
    #[error("a key of form `{form}` signs with its certificate, and has none; issue one for this generation")]
    NoCertificate {
        /// Which.
        form: Form,
    },
    /// What the key process chose does not go with the form.
    #[error("what was chosen for the signature is not what form `{form}` leaves to choose")]
    OtherChoice {
        /// Which.
        form: Form,
    },
    /// A form that covers the bytes themselves, and an item that holds only their digest.
    #[error("form `{form}` signs inline content; the item holds only its digest")]
    NotInline {
        /// Which.
        form: Form,
    },
    /// A form that covers a digest, and an item that holds the bytes.
    #[error("form `{form}` signs the digest of content that is elsewhere; the item holds the content inline")]
    Inline {
        /// Which.
        form: Form,
    },
    /// A key that hashes content otherwise than the item does.
    #[error("a key with {algorithm} needs the content, or its {hash}; the item holds another digest")]
    OtherDigest {
        /// What the key signs with.
        algorithm: Algorithm,
        /// The hash that goes with it.
        hash: Hash,
    },
    /// A parameter that the form needs.
    #[error("form `{form}` needs the item's `{parameter}`")]
    NoParameter {
        /// Which form.
        form: Form,
        /// Which parameter.
        parameter: &'static str,
    },
    /// A parameter that the form does not have: it would be endorsed and mean nothing.
    #[error("form `{form}` has no `{parameter}`, and the item has one")]
    UnwantedParameter {
        /// Which form.
        form: Form,
        /// Which parameter.
        parameter: &'static str,
    },
    /// The key in the certificate is not one that signs here.
    #[error("the key in the certificate cannot be used")]
    Key(#[source] KeyError),
}

/// Composes the bytes that a key signs for `item`: a pure function, run by the key process, by the engine, which
/// compares, and by every verifier.
pub fn compose(
    item: &Item,
    chosen: &Chosen,
    certificate: Option<&Certificate>,
) -> Result<ToBeSigned, ComposeError> {
    match item.form {
        Form::Blob => blob(item, chosen, certificate),
        Form::Cms => cms(item, chosen, certificate),
        Form::Dsse => dsse(item, chosen),
        form => Err(ComposeError::NotComposed { form }),
    }
}

/// The digest of content that is elsewhere.
fn blob(item: &Item, chosen: &Chosen, certificate: Option<&Certificate>) -> Result<ToBeSigned, ComposeError> {
    if certificate.is_some() {
        return Err(ComposeError::UnwantedCertificate { form: item.form });
    }
    no_parameters(item)?;
    nothing_chosen(item, chosen)?;
    // INVARIANT: a blob key signs digests and nothing else, so that it never sees bytes of somebody's choice.
    item.content.hashed().map(ToBeSigned::Hashed).ok_or(ComposeError::Inline { form: item.form })
}

/// The signed attributes of a detached signature over the content.
fn cms(item: &Item, chosen: &Chosen, certificate: Option<&Certificate>) -> Result<ToBeSigned, ComposeError> {
    let certificate = certificate.ok_or(ComposeError::NoCertificate { form: item.form })?;
    no_parameters(item)?;
    let Chosen::SigningTime(signing_time) = *chosen else {
        return Err(ComposeError::OtherChoice { form: item.form });
    };
    let algorithm = certificate.public_key().map_err(ComposeError::Key)?.algorithm();
    let hash = algorithm.content_hash();
    let message_digest = item.content.digest(hash).ok_or(ComposeError::OtherDigest { algorithm, hash })?;
    Ok(attributes(&message_digest, signing_time, certificate))
}

fn attributes(message_digest: &[u8], signing_time: Instant, certificate: &Certificate) -> ToBeSigned {
    let attributes = NewAttributes {
        content_type: oids::DATA,
        message_digest,
        signing_time,
        certificate,
        certificate_name: CertificateName::HashAndIssuer,
    };
    ToBeSigned::Message(attributes.encode())
}

/// The pre-authentication encoding of the content. With a certificate or without, the bytes are the same.
fn dsse(item: &Item, chosen: &Chosen) -> Result<ToBeSigned, ComposeError> {
    nothing_chosen(item, chosen)?;
    let Parameters { namespace, payload_type } = &item.parameters;
    if namespace.is_some() {
        return Err(ComposeError::UnwantedParameter { form: item.form, parameter: "namespace" });
    }
    let payload_type = payload_type.as_deref();
    let payload_type =
        payload_type.ok_or(ComposeError::NoParameter { form: item.form, parameter: "payloadType" })?;
    match &item.content {
        Content::Inline { bytes } => {
            Ok(ToBeSigned::Message(dsse::pre_authentication_encoding(payload_type, &bytes.0)))
        }
        _ => Err(ComposeError::NotInline { form: item.form }),
    }
}

fn no_parameters(item: &Item) -> Result<(), ComposeError> {
    let Parameters { namespace, payload_type } = &item.parameters;
    let unwanted = |parameter| Err(ComposeError::UnwantedParameter { form: item.form, parameter });
    match (namespace, payload_type) {
        (None, None) => Ok(()),
        (Some(_), _) => unwanted("namespace"),
        (None, Some(_)) => unwanted("payloadType"),
    }
}

fn nothing_chosen(item: &Item, chosen: &Chosen) -> Result<(), ComposeError> {
    match chosen {
        Chosen::Nothing => Ok(()),
        _ => Err(ComposeError::OtherChoice { form: item.form }),
    }
}
