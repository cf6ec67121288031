//! The files that stand beside a signed file: projections of its receipt, for tools that know nothing of receipts.

use model::receipt::SignedItem;
use model::{Digest, Form, Item, ItemError, SignatureOf};
use pki::{Certificate, CertificateError};

use crate::bundle::{Bundle, BundleError, Content, Entry, Signer, key_hint};
use crate::cms::{self, CmsError};
use crate::dsse::Envelope;
use crate::minisign::{Minisig, MinisignError, MinisignKey};
use crate::openpgp::{self, OpenPgpError};
use crate::sshsig::{self, Holder, SshKey, SshSigError};
use crate::timestamp::{self, TimestampError};
use crate::{Chosen, ChosenError, ComposeError, ToBeSigned, compose};

/// A file beside a signed one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// The receipt, which says all.
    Receipt,
    /// A Sigstore bundle.
    Bundle,
    /// A detached CMS signature with its timestamp token.
    Cms,
    /// A minisign signature.
    Minisign,
    /// An SSH signature.
    SshSig,
    /// An OpenPGP signature, armored.
    OpenPgp,
    /// The signature's bytes alone.
    Signature,
    /// The RFC 3161 response over the signature's bytes.
    Timestamp,
}

impl Kind {
    /// What is added to the name of the signed file.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Receipt => ".receipt.json",
            Self::Bundle => ".sigstore.json",
            Self::Cms => ".p7s",
            Self::Minisign => ".minisig",
            Self::SshSig => ".sshsig",
            Self::OpenPgp => ".asc",
            Self::Signature => ".sig",
            Self::Timestamp => ".tsr",
        }
    }
}

/// A file that stands beside a signed one, ready to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detached {
    /// What it is.
    pub kind: Kind,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Why a signature cannot be shown in another form.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DetachedError {
    /// The item cannot be read.
    #[error("the signed item cannot be read")]
    Item(#[source] ItemError),
    /// A certificate cannot be read.
    #[error("a certificate of the signer cannot be read")]
    Certificate(#[source] CertificateError),
    /// What the key process chose cannot be read.
    #[error("what was chosen for the signature cannot be read")]
    Chosen(#[source] ChosenError),
    /// The signed bytes cannot be composed.
    #[error("what was signed cannot be composed")]
    Compose(#[source] ComposeError),
    /// No bundle can be made of it.
    #[error("no Sigstore bundle can be made of it")]
    Bundle(#[source] BundleError),
    /// No CMS can be made of it.
    #[error("no CMS signature can be made of it")]
    Cms(#[source] CmsError),
    /// No minisign signature can be made of it.
    #[error("no minisign signature can be made of it")]
    Minisign(#[source] MinisignError),
    /// No SSH signature can be made of it.
    #[error("no SSH signature can be made of it")]
    SshSig(#[source] SshSigError),
    /// No OpenPGP signature can be made of it.
    #[error("no OpenPGP signature can be made of it")]
    OpenPgp(#[source] OpenPgpError),
    /// The timestamp response holds no token.
    #[error("the timestamp token cannot be taken out of its response")]
    Timestamp(#[source] TimestampError),
}

/// All that can stand beside a file for one signature of its receipt. Nothing is verified: verify the receipt first.
///
/// `log_id` is the id of the log that the entry stands in; it is the one thing a bundle says that a receipt does not.
pub fn of_item(signed: &SignedItem, log_id: Option<&Digest>) -> Result<Vec<Detached>, DetachedError> {
    let item = Item::parse(signed.item.as_bytes()).map_err(DetachedError::Item)?;
    match item.form {
        Form::Blob => of_blob(signed, &item, log_id),
        Form::Cms => of_cms(signed, &item),
        Form::Dsse => of_dsse(signed, &item, log_id),
        Form::Minisign => of_minisign(signed, &item),
        Form::SshSig => of_sshsig(signed, &item),
        Form::OpenPgp => of_openpgp(signed, &item),
        _ => Ok(Vec::new()),
    }
}

fn of_blob(
    signed: &SignedItem,
    item: &Item,
    log_id: Option<&Digest>,
) -> Result<Vec<Detached>, DetachedError> {
    let mut files = vec![Detached { kind: Kind::Signature, bytes: signed.signature.0.clone() }];
    let token = signed.timestamp.as_ref().map(|response| response.0.as_slice());
    files.extend(token.map(|bytes| Detached { kind: Kind::Timestamp, bytes: bytes.to_vec() }));
    // Without log entry no client of Sigstore takes a bundle.
    if let (Some(entry), Some(log_id)) = (&signed.log, log_id) {
        let entry = Entry::of_receipt(log_id, entry).map_err(DetachedError::Bundle)?;
        let signer = Signer::Key { hint: key_hint(&signed.public_key) };
        let hashed =
            item.content.hashed().ok_or(DetachedError::Compose(ComposeError::Inline { form: item.form }))?;
        let content = Content::message(&hashed, &signed.signature.0);
        let bundle = Bundle::seal(signer, content, Some(entry), token);
        files.push(Detached { kind: Kind::Bundle, bytes: bundle.to_json() });
    }
    Ok(files)
}

/// A bundle with the envelope in it, where a log has the entry and its readers know the key's algorithm.
fn of_dsse(
    signed: &SignedItem,
    item: &Item,
    log_id: Option<&Digest>,
) -> Result<Vec<Detached>, DetachedError> {
    let refuse = |cause| DetachedError::Compose(cause);
    let missing = ComposeError::NoParameter { form: item.form, parameter: "payloadType" };
    let payload_type = item.parameters.payload_type.as_deref().ok_or(refuse(missing))?;
    let model::Content::Inline { bytes } = &item.content else {
        return Err(refuse(ComposeError::NotInline { form: item.form }));
    };
    // A pure algorithm has an entry that no client of Sigstore reads.
    let (Some(entry), Some(log_id), Some(_)) = (&signed.log, log_id, signed.public_key.algorithm().hash())
    else {
        return Ok(Vec::new());
    };
    let entry = Entry::of_receipt(log_id, entry).map_err(DetachedError::Bundle)?;
    let signer = Signer::Key { hint: key_hint(&signed.public_key) };
    let content = Content::Dsse(Envelope::seal(payload_type, &bytes.0, &signed.signature.0));
    let token = signed.timestamp.as_ref().map(|response| response.0.as_slice());
    let bundle = Bundle::seal(signer, content, Some(entry), token);
    Ok(vec![Detached { kind: Kind::Bundle, bytes: bundle.to_json() }])
}

fn of_cms(signed: &SignedItem, item: &Item) -> Result<Vec<Detached>, DetachedError> {
    let chain = signed.chain.iter().map(|der| Certificate::from_der(&der.0));
    let chain: Vec<Certificate> = chain.collect::<Result<_, _>>().map_err(DetachedError::Certificate)?;
    let chosen = Chosen::decode(&signed.chosen.0).map_err(DetachedError::Chosen)?;
    let composed = compose(item, &chosen, chain.first()).map_err(DetachedError::Compose)?;
    let ToBeSigned::Message(attributes) = composed else { return Ok(Vec::new()) };
    let token = signed.timestamp.as_ref().map(|response| timestamp::token_of(&response.0));
    let token = token.transpose().map_err(DetachedError::Timestamp)?;
    let p7s =
        cms::seal(&attributes, &chain, &signed.signature.0, token.as_deref()).map_err(DetachedError::Cms)?;
    Ok(vec![Detached { kind: Kind::Cms, bytes: p7s }])
}

fn of_minisign(signed: &SignedItem, item: &Item) -> Result<Vec<Detached>, DetachedError> {
    let key = MinisignKey::of(&signed.public_key);
    let key = key.ok_or(DetachedError::Minisign(MinisignError::Unsealable))?;
    let missing = ComposeError::NoParameter { form: item.form, parameter: "trustedComment" };
    let comment = item.parameters.trusted_comment.as_ref().ok_or(DetachedError::Compose(missing))?;
    let untrusted = format!("signed by avouch with key {} generation {}", item.key.name, item.key.generation);
    let sealed = Minisig::seal(&key, &signed.signature.0, comment, &untrusted);
    let file = sealed.map_err(DetachedError::Minisign)?.to_file();
    Ok(vec![Detached { kind: Kind::Minisign, bytes: file.into_bytes() }])
}

fn of_sshsig(signed: &SignedItem, item: &Item) -> Result<Vec<Detached>, DetachedError> {
    let missing =
        |parameter| DetachedError::Compose(ComposeError::NoParameter { form: item.form, parameter });
    let namespace = item.parameters.namespace.as_ref().ok_or_else(|| missing("namespace"))?;
    let hashed = item.content.hashed();
    let hashed = hashed.ok_or(DetachedError::Compose(ComposeError::Inline { form: item.form }))?;
    let key = SshKey::new(signed.public_key.clone(), Holder::Software).map_err(DetachedError::SshSig)?;
    let armored = sshsig::seal(&key, namespace, hashed.hash(), &signed.signature.0);
    let armored = armored.map_err(DetachedError::SshSig)?;
    Ok(vec![Detached { kind: Kind::SshSig, bytes: armored.into_bytes() }])
}

/// A text that is signed as such goes into one file with its signature ([`openpgp_packet`]), which needs the text.
fn of_openpgp(signed: &SignedItem, item: &Item) -> Result<Vec<Detached>, DetachedError> {
    if item.parameters.signature_of == Some(SignatureOf::Text) {
        return Ok(Vec::new());
    }
    let packet = openpgp_packet(signed, item)?;
    Ok(vec![Detached { kind: Kind::OpenPgp, bytes: openpgp::armored(&packet).into_bytes() }])
}

/// The packet of the OpenPGP signature of an item.
pub fn openpgp_packet(signed: &SignedItem, item: &Item) -> Result<Vec<u8>, DetachedError> {
    let chosen = Chosen::decode(&signed.chosen.0).map_err(DetachedError::Chosen)?;
    let composed = compose(item, &chosen, None).map_err(DetachedError::Compose)?;
    let Chosen::OpenPgp { time, issuer } = chosen else {
        return Err(DetachedError::Compose(ComposeError::OtherChoice { form: item.form }));
    };
    openpgp::seal(item, &issuer, time, &composed, &signed.signature.0).map_err(DetachedError::OpenPgp)
}
