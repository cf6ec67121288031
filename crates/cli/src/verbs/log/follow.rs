//! `avouch log follow`: a monitor. It reads whatever the log got since the last time, holds every entry against the
//! checkpoint, and says who signed as somebody that is watched, and was not expected to.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ::verify::{Pattern, TrustRoot};
use clap::Args;
use envelope::rekor::{Body, Terms, Verifier};
use serde::Serialize;
use tlog::{RightEdge, SignedCheckpoint};

use super::reader::{Reader, forked, grow, open_checkpoint};
use super::search::{Shown, is_key};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// The flags of `avouch log follow`.
#[derive(Debug, Args)]
pub(super) struct FollowArgs {
    /// Look once and end; a timer calls again
    #[arg(long)]
    once: bool,
    /// How often to look, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    every: u64,
    /// Where the last checkpoint is remembered; otherwise beside the context
    #[arg(long, value_name = "FILE")]
    pub(super) state: Option<PathBuf>,
    /// Say who signed as this identity; `*` stands for a run of characters without `/`
    #[arg(long, value_name = "PATTERN")]
    watch_identity: Vec<Pattern>,
    /// Expect signers whom this issuer vouched for; what others vouched for is an alert
    #[arg(long, value_name = "URL", requires = "watch_identity")]
    expect_issuer: Vec<String>,
    /// Expect signers with this key, by the SHA-256 of its SubjectPublicKeyInfo; another key is an alert
    #[arg(long, value_name = "SHA256", requires = "watch_identity")]
    expect_key: Vec<String>,
    /// Print JSON, one line for each checkpoint and alert
    #[arg(long)]
    json: bool,
}

/// One thing that is told.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
enum Event {
    /// The log went on, and lost nothing.
    Grew { from: u64, to: u64 },
    /// The log that was followed has ended, and was read to its end; another follows it.
    NextLog { ended: String, begun: String },
    /// Somebody signed as a watched identity who was not expected to.
    UnexpectedSigner(Shown),
    /// An entry names a watched identity by a certificate of nobody whom the trust root names: no verifier believes it.
    UntrustedCertificate(Shown),
}

/// Whether anything was found that should not be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Round {
    Quiet,
    Alert,
}

pub(super) fn run(
    args: &FollowArgs,
    state: &Path,
    reader: &mut Reader,
    terminal: Terminal,
) -> Result<Exit, Failure> {
    reader.refresh()?;
    let round = args.look(state, reader, terminal)?;
    if args.once {
        return Ok(if round == Round::Alert { Exit::Bad } else { Exit::Done });
    }
    loop {
        std::thread::sleep(Duration::from_secs(args.every));
        // A server that cannot be reached for a while is asked again; a log that contradicts itself is the end.
        match reader.refresh().and_then(|()| args.look(state, reader, terminal)) {
            Err(failure) if failure.exit() == Exit::CannotCheck => terminal.failure(&failure),
            looked => looked.map(|_| ())?,
        }
    }
}

impl Round {
    fn and(self, other: Self) -> Self {
        if self == Self::Alert { self } else { other }
    }
}

impl FollowArgs {
    /// Reads what is new: of the log that was followed, and of the one that follows it by now.
    fn look(&self, state: &Path, reader: &Reader, terminal: Terminal) -> Result<Round, Failure> {
        if !state.exists() {
            return self.read_on(state, reader, None, terminal);
        }
        let note = fs::read_to_string(state).map_err(Failure::file("read", state))?;
        let old = open_checkpoint(&reader.root, &note)?;
        let (ended, begun) = (old.checkpoint().origin(), reader.checkpoint.checkpoint().origin());
        if ended == begun || !reader.follows(ended) {
            return self.read_on(state, reader, Some(remembered(&old, reader)?), terminal);
        }
        let before = reader.other(ended)?;
        let round = self.read_on(state, &before, Some(remembered(&old, &before)?), terminal)?;
        self.tell(&Event::NextLog { ended: ended.to_owned(), begun: begun.to_owned() }, terminal);
        Ok(round.and(self.read_on(state, reader, None, terminal)?))
    }

    /// Reads what is new in one log, from where it was. What is told was read under a checkpoint that held; where it
    /// stands is remembered last, so that nothing is skipped by whoever stops in between.
    fn read_on(
        &self,
        state: &Path,
        reader: &Reader,
        known: Option<RightEdge>,
        terminal: Terminal,
    ) -> Result<Round, Failure> {
        let first = known.is_none();
        let mut edge = known.unwrap_or_default();
        let (from, to) = (edge.size(), reader.checkpoint.size());
        let mut events = Vec::new();
        while edge.size() < to {
            let skipped = usize::try_from(edge.size() % 256).expect("less than 256");
            let mut entries = reader.bundle(edge.size() / 256)?;
            let new = entries.split_off(skipped.min(entries.len()));
            if new.is_empty() {
                return Err(forked());
            }
            events.extend(
                (edge.size()..)
                    .zip(&new)
                    .filter_map(|(index, entry)| self.watch(index, &Body::parse(entry).ok()?, &reader.root)),
            );
            grow(&mut edge, &new);
        }
        if edge.size() != to || edge.root() != *reader.checkpoint.root() {
            return Err(forked());
        }
        if self.once || first || from != to {
            self.tell(&Event::Grew { from, to }, terminal);
        }
        events.iter().for_each(|event| self.tell(event, terminal));
        crate::files::write(state, reader.checkpoint.note().as_bytes())?;
        let alert = events.iter().any(|event| matches!(event, Event::UnexpectedSigner(_)));
        Ok(if alert { Round::Alert } else { Round::Quiet })
    }

    /// What an entry gives occasion to say.
    fn watch(&self, index: u64, body: &Body, root: &TrustRoot) -> Option<Event> {
        let Verifier::Certificate(certificate) = body.verifier() else { return None };
        let terms = body.terms();
        let identity = terms.identity.as_deref()?;
        if !self.watch_identity.iter().any(|pattern| pattern.matches(identity)) {
            return None;
        }
        match root.issuer_of(certificate) {
            None => Some(Event::UntrustedCertificate(Shown::of(index, terms))),
            Some(_) if self.expects(&terms) => None,
            Some(_) => Some(Event::UnexpectedSigner(Shown::of(index, terms))),
        }
    }

    /// Is this signer one of those that are expected? Where none is named, none is.
    fn expects(&self, terms: &Terms) -> bool {
        let Self { expect_issuer, expect_key, .. } = self;
        let issuer = |wanted: &String| terms.issuer.as_ref() == Some(wanted);
        let by_issuer = expect_issuer.is_empty() || expect_issuer.iter().any(issuer);
        let by_key = expect_key.is_empty() || expect_key.iter().any(|key| is_key(key, &terms.key));
        let any = !(expect_issuer.is_empty() && expect_key.is_empty());
        any && by_issuer && by_key
    }

    fn tell(&self, event: &Event, terminal: Terminal) {
        if self.json {
            terminal.line(serde_json::to_string(event).expect("texts and numbers encode as JSON"));
            return;
        }
        match event {
            Event::Grew { from: 0, to } => {
                terminal.line(format_args!("the log has {to} entries; the next time is held against this"));
            }
            Event::Grew { from, to } => {
                terminal.line(format_args!("the log grew from {from} to {to} entries and lost none"));
            }
            Event::NextLog { ended, begun } => {
                terminal.line(format_args!("the log `{ended}` has ended, and `{begun}` follows it"));
            }
            Event::UnexpectedSigner(shown) => {
                let said = said(shown);
                terminal.line(format_args!("{} {said}", terminal.bad("ALERT: an unexpected signer:")));
            }
            Event::UntrustedCertificate(shown) => {
                let said = said(shown);
                terminal.line(format_args!("a certificate that no verifier believes: {said}"));
            }
        }
    }
}

/// The tree as it was when the log was last looked at. A log that is smaller now, or is another, is found here.
fn remembered(old: &SignedCheckpoint, reader: &Reader) -> Result<RightEdge, Failure> {
    let same_log = old.checkpoint().origin() == reader.checkpoint.checkpoint().origin();
    if !same_log || old.size() > reader.checkpoint.size() {
        return Err(forked());
    }
    reader.edge_at(old)
}

fn said(shown: &Shown) -> String {
    let Shown { index, identity, issuer, key, .. } = shown;
    let (identity, issuer) = (identity.as_deref().unwrap_or("?"), issuer.as_deref().unwrap_or("nobody"));
    format!("entry {index}: {identity}, for whom {issuer} vouched, with key {key}")
}

#[cfg(test)]
mod tests {
    use model::{Digest, KeyId};

    use super::*;

    #[test]
    fn a_signer_is_expected_by_issuer_and_key_and_by_neither_where_none_is_named() {
        let key = KeyId::new(Digest::of(b"key"));
        let other = Digest::of(b"other").to_string();
        let terms = Terms {
            identity: Some("release@example.com".to_owned()),
            issuer: Some("https://accounts.example.com".to_owned()),
            digest: Vec::new(),
            key,
            validity: None,
        };
        let right = ("https://accounts.example.com", key.digest().to_string());
        for (issuers, keys, expected) in [
            (vec![], vec![], false),
            (vec![right.0], vec![], true),
            (vec!["https://elsewhere.example", right.0], vec![], true),
            (vec!["https://elsewhere.example"], vec![], false),
            (vec![], vec![right.1.as_str()], true),
            (vec![right.0], vec![other.as_str()], false),
            (vec![right.0], vec![other.as_str(), right.1.as_str()], true),
        ] {
            let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
            let args = FollowArgs {
                once: true,
                every: 20,
                state: None,
                watch_identity: vec!["*@example.com".parse().expect("a pattern")],
                expect_issuer: owned(&issuers),
                expect_key: owned(&keys),
                json: false,
            };
            assert_eq!(args.expects(&terms), expected, "{issuers:?} {keys:?}");
        }
    }
}
