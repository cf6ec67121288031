//! Which bytes a key signs for an item of a request.

use model::{Algorithm, Content, Form, Hash, Hashed, Instant, Item, KeyError, Parameters};
use pki::Certificate;

use crate::cms::attributes::{CertificateName, NewAttributes};
use crate::{Chosen, ToBeSigned, dsse, oids, openpgp, sshsig};

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
    /// A form that covers the digest of one hash, and an item that holds something else.
    #[error("form `{form}` does not sign what the item holds of its content; it signs the {hashes} of it")]
    OtherHash {
        /// Which form.
        form: Form,
        /// Which hashes it takes.
        hashes: &'static str,
    },
    /// A form that goes on with the hash of the content, and an item that holds none that can go on.
    #[error(
        "form `{form}` goes on with a hash of the content, and the item holds none that goes with the key"
    )]
    NoHashState {
        /// Which form.
        form: Form,
    },
    /// A namespace in which people speak to avouch itself: what a key for code signs there would be their word.
    #[error("nothing is signed in the namespace `{namespace}`, in which endorsements are made")]
    ReservedNamespace {
        /// Which.
        namespace: String,
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
        Form::Minisign => minisign(item, chosen, certificate),
        Form::SshSig => sshsig(item, chosen, certificate),
        Form::OpenPgp => openpgp(item, chosen, certificate),
        form => Err(ComposeError::NotComposed { form }),
    }
}

/// The digest of content that is elsewhere.
fn blob(item: &Item, chosen: &Chosen, certificate: Option<&Certificate>) -> Result<ToBeSigned, ComposeError> {
    no_certificate(item, certificate)?;
    only_parameters(item, &[])?;
    nothing_chosen(item, chosen)?;
    // INVARIANT: a blob key signs digests and nothing else, so that it never sees bytes of somebody's choice.
    match item.content.hashed() {
        Some(hashed @ (Hashed::Sha256(_) | Hashed::Sha384(_))) => Ok(ToBeSigned::Hashed(hashed)),
        Some(_) => Err(ComposeError::OtherHash { form: item.form, hashes: "SHA-256 or SHA-384" }),
        None => Err(ComposeError::Inline { form: item.form }),
    }
}

/// The BLAKE2b of the file, and then its signature with the trusted comment behind it.
fn minisign(
    item: &Item,
    chosen: &Chosen,
    certificate: Option<&Certificate>,
) -> Result<ToBeSigned, ComposeError> {
    no_certificate(item, certificate)?;
    only_parameters(item, &["trustedComment"])?;
    nothing_chosen(item, chosen)?;
    let comment = needed(item, "trustedComment", item.parameters.trusted_comment.as_deref())?.to_owned();
    // INVARIANT: the two messages differ in length, because no comment is empty: neither signature is the other.
    match item.content.hashed() {
        Some(Hashed::Blake2b512(digest)) => {
            Ok(ToBeSigned::Twice { message: digest.as_bytes().to_vec(), comment })
        }
        _ => Err(ComposeError::OtherHash { form: item.form, hashes: "BLAKE2b-512" }),
    }
}

/// The signed data of an SSHSIG in the item's namespace.
fn sshsig(
    item: &Item,
    chosen: &Chosen,
    certificate: Option<&Certificate>,
) -> Result<ToBeSigned, ComposeError> {
    no_certificate(item, certificate)?;
    only_parameters(item, &["namespace"])?;
    nothing_chosen(item, chosen)?;
    let namespace = needed(item, "namespace", item.parameters.namespace.as_deref())?;
    // INVARIANT: no key for code makes what counts as somebody's endorsement, whatever its record says.
    if sshsig::is_reserved(namespace) {
        return Err(ComposeError::ReservedNamespace { namespace: namespace.to_owned() });
    }
    match item.content.hashed() {
        Some(hashed @ (Hashed::Sha256(_) | Hashed::Sha512(_))) => {
            Ok(ToBeSigned::Message(sshsig::signed_digest(namespace, &hashed)))
        }
        _ => Err(ComposeError::OtherHash { form: item.form, hashes: "SHA-512 or SHA-256" }),
    }
}

/// The digest of the content with the trailer of an OpenPGP signature behind it.
fn openpgp(
    item: &Item,
    chosen: &Chosen,
    certificate: Option<&Certificate>,
) -> Result<ToBeSigned, ComposeError> {
    no_certificate(item, certificate)?;
    only_parameters(item, &["signatureOf"])?;
    match chosen {
        Chosen::OpenPgp { time, issuer } => openpgp::compose(item, issuer, *time),
        _ => Err(ComposeError::OtherChoice { form: item.form }),
    }
}

/// The signed attributes of a detached signature over the content.
fn cms(item: &Item, chosen: &Chosen, certificate: Option<&Certificate>) -> Result<ToBeSigned, ComposeError> {
    let certificate = certificate.ok_or(ComposeError::NoCertificate { form: item.form })?;
    only_parameters(item, &[])?;
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
    only_parameters(item, &["payloadType"])?;
    let payload_type = needed(item, "payloadType", item.parameters.payload_type.as_deref())?;
    match &item.content {
        Content::Inline { bytes } => {
            Ok(ToBeSigned::Message(dsse::pre_authentication_encoding(payload_type, &bytes.0)))
        }
        _ => Err(ComposeError::NotInline { form: item.form }),
    }
}

fn no_certificate(item: &Item, certificate: Option<&Certificate>) -> Result<(), ComposeError> {
    match certificate {
        None => Ok(()),
        Some(_) => Err(ComposeError::UnwantedCertificate { form: item.form }),
    }
}

/// A parameter that a form does not have would be endorsed and mean nothing.
fn only_parameters(item: &Item, known: &[&str]) -> Result<(), ComposeError> {
    let Parameters { namespace, payload_type, trusted_comment, signature_of } = &item.parameters;
    let all = [
        ("namespace", namespace.is_some()),
        ("payloadType", payload_type.is_some()),
        ("trustedComment", trusted_comment.is_some()),
        ("signatureOf", signature_of.is_some()),
    ];
    match all.into_iter().find(|(parameter, said)| *said && !known.contains(parameter)) {
        None => Ok(()),
        Some((parameter, _)) => Err(ComposeError::UnwantedParameter { form: item.form, parameter }),
    }
}

fn needed<'a>(item: &Item, parameter: &'static str, said: Option<&'a str>) -> Result<&'a str, ComposeError> {
    said.ok_or(ComposeError::NoParameter { form: item.form, parameter })
}

fn nothing_chosen(item: &Item, chosen: &Chosen) -> Result<(), ComposeError> {
    match chosen {
        Chosen::Nothing => Ok(()),
        _ => Err(ComposeError::OtherChoice { form: item.form }),
    }
}
