//! `avouch log search`: entries by what they tell, each held against the log's checkpoint.

use api::{FoundEntry, LogSearch};
use clap::Args;
use data_encoding::HEXLOWER;
use envelope::rekor::{Body, Terms};
use model::Instant;
use model::merkle::leaf_hash;
use serde::Serialize;
use tlog::proof::verify_inclusion;
use tlog::{RightEdge, SignedCheckpoint};

use super::reader::{Reader, bad_log, grow, open_checkpoint};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// What is looked for: entries that tell all of it.
#[derive(Debug, Args)]
#[group(id = "wanted", required = true, multiple = true)]
pub(super) struct Wanted {
    /// Whom the signer's certificate names, to the letter
    #[arg(long, value_name = "NAME", group = "wanted")]
    identity: Option<String>,
    /// Who vouched for that name
    #[arg(long, value_name = "URL", group = "wanted")]
    issuer: Option<String>,
    /// The digest that was signed, in hexadecimal
    #[arg(long, value_name = "HEX", group = "wanted")]
    digest: Option<String>,
    /// The SHA-256 of the key's SubjectPublicKeyInfo, in hexadecimal or base64
    #[arg(long, value_name = "SHA256", group = "wanted")]
    key: Option<String>,
    /// Entries whose certificate was valid then or later
    #[arg(long, value_name = "TIME", group = "wanted")]
    since: Option<Instant>,
    /// Entries whose certificate was valid then or earlier
    #[arg(long, value_name = "TIME", group = "wanted")]
    until: Option<Instant>,
}

/// Is the server taken at its word that it left nothing out?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Completeness {
    Told,
    /// Every entry is read, and those that fit are counted.
    Recounted,
}

/// What is printed at the end.
#[derive(Serialize)]
struct Complete {
    complete_to: u64,
    found: usize,
    recounted: bool,
}

/// What is printed of an entry.
#[derive(Serialize)]
pub(super) struct Shown {
    pub(super) index: u64,
    pub(super) digest: String,
    pub(super) key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) identity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) issuer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) valid_from: Option<Instant>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) valid_until: Option<Instant>,
}

impl Shown {
    pub(super) fn of(index: u64, terms: Terms) -> Self {
        let Terms { identity, issuer, digest, key, validity } = terms;
        let (valid_from, valid_until) = validity.unzip();
        let (digest, key) = (HEXLOWER.encode(&digest), key.digest().to_string());
        Self { index, digest, key, identity, issuer, valid_from, valid_until }
    }

    fn print(&self, terminal: Terminal) {
        let Self { index, digest, key, identity, issuer, valid_from, .. } = self;
        terminal.line(format_args!("entry {index}: digest {digest}"));
        terminal.line(format_args!("  key {key}"));
        if let Some(identity) = identity {
            let issuer = issuer.as_deref().map(|issuer| format!(", says {issuer}")).unwrap_or_default();
            terminal.line(format_args!("  signer {identity}{issuer}"));
        }
        if let Some(from) = valid_from {
            terminal.line(format_args!("  certificate valid from {from}"));
        }
    }
}

pub(super) fn run(
    wanted: &Wanted,
    completeness: Completeness,
    json: bool,
    reader: &mut Reader,
    terminal: Terminal,
) -> Result<Exit, Failure> {
    let mut found: Vec<u64> = Vec::new();
    let mut words = wanted.words();
    words.push(("from", "0".to_owned()));
    let complete_to = loop {
        let page: LogSearch = crate::online::call(reader.client.search_log(&words))?;
        let checkpoint = open_checkpoint(&reader.root, &page.checkpoint)?;
        for entry in &page.entries {
            let shown = check(entry, &checkpoint, wanted)?;
            match json {
                true => terminal.line(serde_json::to_string(&shown).expect("texts and numbers")),
                false => shown.print(terminal),
            }
            found.push(entry.index);
        }
        match page.next {
            Some(next) => {
                words.pop();
                words.push(("from", next.to_string()));
            }
            None => break page.complete_to,
        }
    };
    if completeness == Completeness::Recounted {
        reader.refresh()?;
        recount(reader, wanted, &found, complete_to)?;
    }
    if json {
        let complete =
            Complete { complete_to, found: found.len(), recounted: completeness == Completeness::Recounted };
        terminal.line(serde_json::to_string(&complete).expect("numbers"));
    } else {
        let who = match completeness {
            Completeness::Told => "the server says that there is no other",
            Completeness::Recounted => "there is no other; all of them were read",
        };
        let count = found.len();
        terminal.line(format_args!("{count} found among the first {complete_to} entries; {who}"));
    }
    Ok(Exit::Done)
}

/// INVARIANT: what is printed is in the log, and tells what was looked for.
fn check(entry: &FoundEntry, checkpoint: &SignedCheckpoint, wanted: &Wanted) -> Result<Shown, Failure> {
    let FoundEntry { index, body, path } = entry;
    verify_inclusion(&leaf_hash(&body.0), *index, checkpoint.size(), checkpoint.root(), path)
        .map_err(bad_log())?;
    let terms = Body::parse(&body.0).map_err(bad_log())?.terms();
    if !wanted.fits(&terms) {
        return Err(Failure::Process {
            process: "the server",
            fault: format!("found entry {index}, which does not tell what was looked for"),
        });
    }
    Ok(Shown::of(*index, terms))
}

/// Reads every entry up to there, and holds what fits against what was found.
fn recount(reader: &Reader, wanted: &Wanted, found: &[u64], complete_to: u64) -> Result<(), Failure> {
    let mut edge = RightEdge::new();
    let size = reader.checkpoint.size();
    let mut fitting = Vec::new();
    for bundle in 0..size.div_ceil(256) {
        let entries = reader.bundle(bundle)?;
        for (index, entry) in (bundle * 256..).zip(&entries) {
            let fits = Body::parse(entry).is_ok_and(|body| wanted.fits(&body.terms()));
            if fits && index < complete_to {
                fitting.push(index);
            }
        }
        grow(&mut edge, &entries);
    }
    if edge.size() != size || edge.root() != *reader.checkpoint.root() {
        return Err(super::reader::forked());
    }
    match fitting.iter().find(|index| !found.contains(index)) {
        Some(index) => Err(Failure::BadLog {
            fault: "is not searched as it says",
            source: format!("entry {index} fits, and was left out").into(),
        }),
        None => Ok(()),
    }
}

impl Wanted {
    fn words(&self) -> Vec<(&'static str, String)> {
        let Self { identity, issuer, digest, key, since, until } = self;
        let time = |time: &Option<Instant>| time.map(|time| time.to_string());
        let words = [
            ("identity", identity.clone()),
            ("issuer", issuer.clone()),
            ("digest", digest.clone()),
            ("key", key.clone()),
            ("since", time(since)),
            ("until", time(until)),
        ];
        words.into_iter().filter_map(|(word, value)| Some((word, value?))).collect()
    }

    /// Does an entry tell all of it?
    fn fits(&self, terms: &Terms) -> bool {
        let Self { identity, issuer, digest, key, since, until } = self;
        let same = |wanted: &Option<String>, told: &Option<String>| wanted.is_none() || wanted == told;
        let hex = |text: &str| text.rsplit(':').next().unwrap_or_default().to_ascii_lowercase();
        same(identity, &terms.identity)
            && same(issuer, &terms.issuer)
            && digest.as_deref().is_none_or(|digest| hex(digest) == HEXLOWER.encode(&terms.digest))
            && key.as_deref().is_none_or(|key| is_key(key, &terms.key))
            && since.is_none_or(|since| terms.validity.is_some_and(|(_, end)| end >= since))
            && until.is_none_or(|until| terms.validity.is_some_and(|(begin, _)| begin <= until))
    }
}

/// Is this the key, in hexadecimal, as an id, or as bundles hint at it?
pub(super) fn is_key(text: &str, key: &model::KeyId) -> bool {
    let bytes = key.digest().as_bytes();
    let digits = text.strip_prefix("key_").unwrap_or(text).to_ascii_lowercase();
    digits == HEXLOWER.encode(bytes) || text == data_encoding::BASE64.encode(bytes)
}
