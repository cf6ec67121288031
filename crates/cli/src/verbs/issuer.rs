//! `avouch issuer`: whose ID tokens count, and what certificates say of those who hold one. What adds or changes an issuer
//! is endorsed by an administrator.

mod feed;
mod kind;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use identity::oidc::{Fetcher, Limits};
use pki::token::{IssuerKey, TokenIssuer, parse_jwks};
use quorum::{Change, Issuer, IssuerState, Registry};
use serde::Serialize;

use super::key::EndorserArgs;
use crate::administration::{Granted, Then};
use crate::context::FolderArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::id_token::AUDIENCE;
use crate::terminal::Terminal;
use crate::verbs::init;
use kind::KindArgs;

/// A set of keys, as an issuer publishes it.
const JWKS_BYTES_MAX: usize = 256 * 1024;

/// The flags of `avouch issuer`.
#[derive(Debug, Args)]
pub(crate) struct IssuerArgs {
    #[command(subcommand)]
    verb: IssuerVerb,
}

#[derive(Debug, Subcommand)]
enum IssuerVerb {
    /// Let the ID tokens of an issuer count
    #[command(after_help = "\
Examples:
  avouch issuer add https://login.example.com --kind email
  avouch issuer add https://token.actions.githubusercontent.com --kind github
  avouch issuer add https://gitlab.example.com --kind gitlab --home https://gitlab.example.com
  avouch issuer add 'https://oidc.eks.*.amazonaws.com/id/*' --kind kubernetes --asserted

The keys that the issuer publishes now go into the registry, and the key process believes tokens by these. When the
issuer changes its keys, `avouch issuer refresh` has the new ones endorsed. With --asserted no keys stand there:
`avouch issuer feed` asks the issuer for them, and the server's word is taken for whose a token is; only a CA key of which
the registry says so (`avouch key create … --form certificate --asserted`) signs for such an issuer.")]
    Add(Add),
    /// List all issuers
    #[command(after_help = "Example:\n  avouch issuer list")]
    List {
        #[command(flatten)]
        folder: FolderArgs,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show the record of an issuer, with its keys
    #[command(after_help = "Example:\n  avouch issuer show https://login.example.com")]
    Show {
        /// Its address
        url: String,
        #[command(flatten)]
        folder: FolderArgs,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Let an issuer's tokens count no more; only an endorsed change restores it
    #[command(
        after_help = "Example:\n  avouch issuer suspend https://login.example.com --reason 'its keys were stolen'"
    )]
    Suspend(Turn),
    /// Let the tokens of a suspended issuer count again
    #[command(
        after_help = "Example:\n  avouch issuer restore https://login.example.com --reason 'it has new keys'"
    )]
    Restore(Turn),
    /// Ask issuers that were added with --asserted for their keys, for the server
    Feed(feed::FeedArgs),
    /// Take the keys that an issuer publishes now
    #[command(after_help = "Example:\n  avouch issuer refresh https://login.example.com")]
    Refresh {
        /// Its address
        url: String,
        #[command(flatten)]
        source: KeySource,
        #[command(flatten)]
        endorser: EndorserArgs,
    },
}

#[derive(Debug, Args)]
struct Add {
    /// Its address, exactly as its tokens have it (`iss`); a `*` stands for one part, with --asserted
    url: String,
    #[command(flatten)]
    kind: KindArgs,
    /// For whom its tokens must be (`aud`)
    #[arg(long, default_value = AUDIENCE)]
    audience: String,
    /// Where a token names the issuer behind this one; certificates name that
    #[arg(long, value_name = "$.NAME.NAME")]
    issuer_claim: Option<String>,
    /// Put no keys into the registry: the server's word is taken for who holds a token
    #[arg(long, conflicts_with = "keys")]
    asserted: bool,
    #[command(flatten)]
    source: KeySource,
    #[command(flatten)]
    endorser: EndorserArgs,
}

/// Where an issuer's keys come from.
#[derive(Debug, Args)]
struct KeySource {
    /// Its keys (JWKS); otherwise what it publishes
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// Certificates, in PEM, that its own may come from beside the system's
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Turn {
    /// Its address
    url: String,
    /// Why
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    endorser: EndorserArgs,
}

/// An issuer, for programs.
#[derive(Debug, Serialize)]
struct IssuerReport<'a> {
    record: &'a TokenIssuer,
    state: IssuerState,
}

pub(super) fn run(args: &IssuerArgs, terminal: Terminal) -> Result<Exit, Failure> {
    match &args.verb {
        IssuerVerb::Add(add) => add.run(terminal),
        IssuerVerb::List { folder, json } => {
            let registry = init::registry(&folder.open()?)?;
            if *json {
                terminal.line(super::json(&registry.issuers().iter().map(report).collect::<Vec<_>>()));
            } else {
                registry.issuers().iter().for_each(|issuer| line(issuer, terminal));
            }
            Ok(Exit::Done)
        }
        IssuerVerb::Show { url, folder, json } => {
            let registry = init::registry(&folder.open()?)?;
            let issuer = find(&registry, url)?;
            if *json {
                terminal.line(super::json(&report(issuer)))
            } else {
                show(issuer, terminal)
            }
            Ok(Exit::Done)
        }
        IssuerVerb::Suspend(turn) => turn.run(IssuerState::Suspended, terminal),
        IssuerVerb::Restore(turn) => turn.run(IssuerState::Active, terminal),
        IssuerVerb::Feed(args) => feed::run(args, terminal),
        IssuerVerb::Refresh { url, source, endorser } => refresh(url, source, endorser, terminal),
    }
}

impl Add {
    fn run(&self, terminal: Terminal) -> Result<Exit, Failure> {
        let mut record = TokenIssuer {
            version: 1,
            url: self.url.clone(),
            audience: self.audience.clone(),
            kind: self.kind.kind()?,
            issuer_claim: self.issuer_claim.clone(),
            keys: Vec::new(),
        };
        // Mistakes in the flags come before anybody is asked.
        record.check().map_err(Failure::input(&self.url, "an issuer that can be added"))?;
        if record.is_pattern() && !self.asserted {
            return Err(Failure::Usage {
                what: format!("`{}` stands for many issuers, each with keys of its own", self.url),
                advice: "say `--asserted`: the server fetches their keys, and its word is taken",
            });
        }
        if !self.asserted {
            record.keys = self.source.read(&self.url)?;
        }
        enter(record, &self.endorser, terminal)
    }
}

impl KeySource {
    fn read(&self, url: &str) -> Result<Vec<IssuerKey>, Failure> {
        if let Some(path) = &self.keys {
            let json = crate::files::read_bounded(path, JWKS_BYTES_MAX)?;
            return parse_jwks(&json)
                .map_err(Failure::input(path.display().to_string(), "a set of keys (JWKS)"));
        }
        let ca =
            self.ca.as_ref().map(|path| std::fs::read_to_string(path).map_err(Failure::file("read", path)));
        let ca = ca.transpose()?;
        let fetcher = Fetcher::new(ca.as_deref(), Limits::default())?;
        crate::online::call(fetcher.keys(url))
    }
}

/// Has a record put in force.
fn enter(record: TokenIssuer, endorser: &EndorserArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let (folder, mut registry) = endorser.open()?;
    let url = record.url.clone();
    show_keys(&record, terminal);
    let reason = format!("issuer {url}");
    let changes = vec![Change::Issuer(record)];
    match endorser.change(&folder, &mut registry, |_| Ok(changes), &reason)? {
        Granted::Waits(waiting) => Ok(waiting.tell(Then::Submit, terminal)),
        Granted::Now => {
            line(find(&registry, &url)?, terminal);
            Ok(Exit::Done)
        }
    }
}

fn refresh(
    url: &str,
    source: &KeySource,
    endorser: &EndorserArgs,
    terminal: Terminal,
) -> Result<Exit, Failure> {
    let (_folder, registry) = endorser.open()?;
    let known = &find(&registry, url)?.record;
    if known.keys.is_empty() {
        return Err(Failure::Usage {
            what: format!("no keys of `{url}` stand in the registry: the server fetches them itself"),
            advice: "to have them there, add the issuer once more without `--asserted`",
        });
    }
    let keys = source.read(url)?;
    if keys == known.keys {
        terminal.line(format_args!("{url} has the keys that the registry knows"));
        return Ok(Exit::Done);
    }
    for gone in known.keys.iter().filter(|key| !keys.contains(key)) {
        terminal.line(format_args!("  gone  {}", fingerprint(gone)));
    }
    enter(TokenIssuer { keys, ..known.clone() }, endorser, terminal)
}

impl Turn {
    fn run(&self, state: IssuerState, terminal: Terminal) -> Result<Exit, Failure> {
        let (folder, mut registry) = self.endorser.open()?;
        find(&registry, &self.url)?;
        let change = Change::IssuerState { url: self.url.clone(), state, reason: self.reason.clone() };
        match self.endorser.change(&folder, &mut registry, |_| Ok(vec![change]), &self.reason)? {
            Granted::Waits(waiting) => Ok(waiting.tell(Then::Submit, terminal)),
            Granted::Now => {
                line(find(&registry, &self.url)?, terminal);
                Ok(Exit::Done)
            }
        }
    }
}

fn find<'a>(registry: &'a Registry, url: &str) -> Result<&'a Issuer, Failure> {
    registry.issuers().iter().find(|issuer| issuer.record.url == url).ok_or_else(|| Failure::Usage {
        what: format!("the registry knows no issuer `{url}`"),
        advice: "`avouch issuer list` shows all of them",
    })
}

const fn report(issuer: &Issuer) -> IssuerReport<'_> {
    IssuerReport { record: &issuer.record, state: issuer.state }
}

fn line(issuer: &Issuer, terminal: Terminal) {
    let record = &issuer.record;
    let state = match issuer.state {
        IssuerState::Active => terminal.good("active"),
        IssuerState::Suspended => terminal.bad("suspended"),
    };
    let keys = match record.keys.len() {
        0 => "asserted".to_owned(),
        1 => "1 key".to_owned(),
        count => format!("{count} keys"),
    };
    terminal.line(format_args!("{:<48} {:<10} {state} {keys}", record.url, kind::word(&record.kind)));
}

fn show(issuer: &Issuer, terminal: Terminal) {
    line(issuer, terminal);
    let record = &issuer.record;
    terminal.line(format_args!("  for the audience {:?}", record.audience));
    if let Some(path) = &record.issuer_claim {
        terminal.line(format_args!("  certificates name the issuer that stands at {path}"));
    }
    kind::describe(&record.kind).iter().for_each(|text| terminal.line(format_args!("  {text}")));
    show_keys(record, terminal);
    if record.keys.is_empty() {
        terminal.line("  its keys are fetched by the server, whose word is taken for who holds a token");
    }
}

fn show_keys(record: &TokenIssuer, terminal: Terminal) {
    record.keys.iter().for_each(|key| terminal.line(format_args!("  key   {}", fingerprint(key))));
}

fn fingerprint(key: &IssuerKey) -> String {
    let named = key.key.as_ref().map_or_else(String::new, |id| format!(" {id:?}"));
    format!("{} {}{named}", key.public_key.id(), key.public_key.algorithm().word())
}
