//! Entries of the log of Rekor v1 by their names, by what they are, and by what they tell.

use api::Code;
use authority::Promised;
use axum::Extension;
use axum::extract::{Request, State};
use axum::response::Response;
use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use envelope::rekor_v1::{Answer, EntryId, ProposedEntry};
use model::merkle::leaf_hash;
use model::{KeyId, PublicKey};
use pki::{Certificate, pem_block};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use store::LogQuery;

use super::{RekorV1Counter, answered, json};
use crate::accept::Peer;
use crate::blocking::blocking;
use crate::body;
use crate::problem::{Refusal, json_words};

/// Entries that are asked for at once, as upstream has it.
const ENTRIES_MAX: usize = 10;

/// Names that one search gives.
const FOUND_MAX: usize = 64;

/// The body of a question, in bytes: ten entries with certificates fit.
const QUESTION_BYTES_MAX: usize = 1024 * 1024;

/// Which entries.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    #[serde(default, rename = "entryUUIDs")]
    ids: Vec<String>,
    #[serde(default, rename = "logIndexes")]
    indices: Vec<u64>,
    #[serde(default)]
    entries: Vec<serde_json::Value>,
}

/// What entries tell.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Told {
    email: Option<String>,
    hash: Option<String>,
    public_key: Option<Content>,
}

#[derive(Deserialize)]
struct Content {
    content: Option<String>,
}

/// `POST /api/v1/log/entries/retrieve`.
pub(crate) async fn retrieve(
    State(counter): State<RekorV1Counter>,
    Extension(peer): Extension<Peer>,
    request: Request,
) -> Result<Response, Refusal> {
    let wanted: Wanted = asked(&counter, peer, request).await?;
    let count = wanted.ids.len() + wanted.indices.len() + wanted.entries.len();
    if !(1..=ENTRIES_MAX).contains(&count) {
        let text = format!("{count} entries are asked for, where 1 to {ENTRIES_MAX} can be at once");
        return Err(Refusal::new(Code::BadRequest, text));
    }
    Ok(json(&blocking(move || counter.read(&wanted)).await?))
}

/// `POST /api/v1/index/retrieve`.
pub(crate) async fn index(
    State(counter): State<RekorV1Counter>,
    Extension(peer): Extension<Peer>,
    request: Request,
) -> Result<Response, Refusal> {
    let told: Told = asked(&counter, peer, request).await?;
    let query = told.query()?;
    Ok(json(&blocking(move || counter.names(&query)).await?))
}

async fn asked<T: DeserializeOwned>(
    counter: &RekorV1Counter,
    peer: Peer,
    request: Request,
) -> Result<T, Refusal> {
    let (parts, body) = request.into_parts();
    let mut place = counter.entries.turnstile.admit_from(peer.source)?;
    let limit = counter.entries.limits.body;
    let bytes = body::within(&mut place, &parts.headers, body, QUESTION_BYTES_MAX, limit).await?;
    serde_json::from_slice(&bytes).map_err(|error| Refusal::new(Code::BadRequest, json_words(&error)))
}

impl RekorV1Counter {
    /// Those that there are, in the order in which they were asked for.
    fn read(&self, wanted: &Wanted) -> Result<Vec<Answer>, Refusal> {
        let mut found: Vec<Option<Promised>> = Vec::new();
        for text in &wanted.ids {
            let id: EntryId = text.parse().map_err(|_| no_id(text))?;
            found.push(self.log.find(&id)?);
        }
        for index in &wanted.indices {
            found.push(self.log.entry(*index)?);
        }
        for proposed in &wanted.entries {
            let entry = ProposedEntry::parse(proposed.to_string().as_bytes())?;
            found.push(self.log.find(&EntryId { tree: None, leaf: leaf_hash(entry.bytes()) })?);
        }
        found.iter().flatten().map(answered).collect()
    }

    /// The names of entries that tell this, the first of them.
    fn names(&self, query: &LogQuery) -> Result<Vec<String>, Refusal> {
        let head = self.log.head()?;
        let finds = self.store.search_log(head.checkpoint.origin(), head.checkpoint.size(), query)?;
        let mut names = Vec::with_capacity(finds.indices.len());
        for index in finds.indices {
            names.extend(self.log.entry(index)?.map(|found| found.id.to_string()));
        }
        Ok(names)
    }
}

impl Told {
    fn query(self) -> Result<LogQuery, Refusal> {
        let bad = |text: &str| Refusal::new(Code::BadRequest, text);
        let key = self.public_key.and_then(|key| key.content);
        if self.email.is_none() && self.hash.is_none() && key.is_none() {
            return Err(bad("name what is looked for: `email`, `hash` or `publicKey`"));
        }
        let digest = self.hash.map(|text| {
            let digits = text.rsplit(':').next().unwrap_or_default();
            let digest = HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).ok();
            digest.filter(|digest| [32, 48].contains(&digest.len()))
        });
        let digest =
            digest.map(|digest| digest.ok_or_else(|| bad("`hash` is a SHA-2 in hexadecimal"))).transpose()?;
        let key =
            key.map(|text| key_of(&text).ok_or_else(|| bad("`publicKey` is one key in PEM, in base64")));
        Ok(LogQuery {
            identity: self.email,
            issuer: None,
            digest,
            key: key.transpose()?,
            since: None,
            until: None,
            from: 0,
            count: FOUND_MAX,
        })
    }
}

/// The key in a PEM text that is in base64: of a certificate, too.
fn key_of(text: &str) -> Option<KeyId> {
    let pem = String::from_utf8(BASE64.decode(text.as_bytes()).ok()?).ok()?;
    let of_certificate = || Certificate::from_der(&pem_block(&pem, "CERTIFICATE")?).ok()?.public_key().ok();
    let key = pem_block(&pem, "PUBLIC KEY").and_then(|der| PublicKey::from_spki(&der).ok());
    Some(key.or_else(of_certificate)?.id())
}

fn no_id(text: &str) -> Refusal {
    let shown: String = text.chars().filter(|c| !c.is_control()).take(80).collect();
    Refusal::new(Code::BadRequest, format!("`{shown}` names no entry: {}", envelope::rekor_v1::NotAnEntryId))
}
