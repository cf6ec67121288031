//! The files that stand beside a signed file: projections of its receipt, for tools that know nothing of receipts.

use model::receipt::SignedItem;
use model::{Digest, Form, Item, ItemError};
use pki::{Certificate, CertificateError};

use crate::bundle::{Bundle, BundleError, Content, Entry, Signer, key_hint};
use crate::cms::{self, CmsError};
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
