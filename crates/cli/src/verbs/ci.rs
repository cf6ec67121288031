//! `avouch ci`: the whole job of a CI system that signs in its own name, the rule that the server needs for it, and inside
//! a job, what its token says and what is missing.

use clap::{Args, Subcommand};
use data_encoding::BASE64URL_NOPAD;
use pki::token::{NamesError, TokenRefused, Trust};
use quorum::Registry;
use serde_json::Value;

use crate::context::ContextArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::id_token::{Held, TokenArgs};
use crate::terminal::Terminal;

/// The flags of `avouch ci`.
#[derive(Debug, Args)]
pub(crate) struct CiArgs {
    #[command(subcommand)]
    verb: CiVerb,
}

#[derive(Debug, Subcommand)]
enum CiVerb {
    /// Print a job of GitHub Actions, and the rule for it
    #[command(after_help = "Example:\n  avouch ci github > .github/workflows/sign.yml")]
    Github,
    /// Print a job of GitLab, and the rule for it
    #[command(after_help = "Example:\n  avouch ci gitlab")]
    Gitlab,
    /// Print a stage of Jenkins, and the rule for it
    #[command(after_help = "Example:\n  avouch ci jenkins")]
    Jenkins,
    /// Show what this job's token says, whom a certificate would name, and what is missing
    #[command(after_help = "Example:\n  avouch ci check")]
    Check {
        #[command(flatten)]
        token: TokenArgs,
        #[command(flatten)]
        context: ContextArgs,
    },
}

/// What the runner's steps are: the program by its digest, so that nobody else's is run, and the context from two secrets
/// that are none: an address and a fingerprint.
const GITHUB: &str = include_str!("ci/github.yml");
const GITLAB: &str = include_str!("ci/gitlab.yml");
const JENKINS: &str = include_str!("ci/jenkins.groovy");

pub(super) fn run(args: &CiArgs, terminal: Terminal) -> Result<Exit, Failure> {
    match &args.verb {
        CiVerb::Github => terminal.line(GITHUB.trim_end()),
        CiVerb::Gitlab => terminal.line(GITLAB.trim_end()),
        CiVerb::Jenkins => terminal.line(JENKINS.trim_end()),
        CiVerb::Check { token, context } => return check(token, context, terminal),
    }
    Ok(Exit::Done)
}

fn check(token: &TokenArgs, context: &ContextArgs, terminal: Terminal) -> Result<Exit, Failure> {
    // A job logs in nowhere.
    let held = token.get(None, || Ok(None))?;
    terminal.line(terminal.bold("the token says"));
    for (name, value) in claims(&held) {
        terminal.line(format_args!("  {name:<28} {value}"));
    }
    let registry = context.load()?.renew_trust_root()?.registry().clone();
    match judge(&held, &registry) {
        Ok(names) => {
            terminal.line(format_args!("{} a certificate would name", terminal.good("good:")));
            names.iter().for_each(|line| terminal.line(format_args!("  {line}")));
            Ok(Exit::Done)
        }
        Err(Missing { what, rule }) => {
            terminal.line(format_args!("{} {what}", terminal.bad("missing:")));
            rule.iter().for_each(|line| terminal.line(format_args!("  {line}")));
            Ok(Exit::Bad)
        }
    }
}

/// What keeps a token from a certificate, and what an administrator does about it.
struct Missing {
    what: String,
    rule: Option<String>,
}

impl From<TokenRefused> for Missing {
    fn from(cause: TokenRefused) -> Self {
        Self { what: cause.to_string(), rule: None }
    }
}

impl From<NamesError> for Missing {
    fn from(cause: NamesError) -> Self {
        Self { what: cause.to_string(), rule: None }
    }
}

fn judge(held: &Held, registry: &Registry) -> Result<Vec<String>, Missing> {
    let iss = held.token.issuer().ok_or(TokenRefused::Missing { claim: "iss" })?;
    let record = registry.issuers().named(iss).ok_or_else(|| Missing {
        what: format!("the registry knows no issuer {iss:?} whose tokens count"),
        rule: Some(format!("avouch issuer add {} --kind {}", shell(iss), kind(iss))),
    })?;
    let trust = if record.keys.is_empty() { Trust::Word } else { Trust::Keys(&record.keys) };
    let verified = record.verify(&held.token, trust, crate::clock::now()).map_err(|cause| {
        let refresh = matches!(cause, TokenRefused::UnknownKey { .. });
        let rule = refresh.then(|| format!("avouch issuer refresh {}", shell(&record.url)));
        Missing { what: cause.to_string(), rule }
    })?;
    let names = verified.names()?;
    let mut lines = vec![format!("{:?}", names.subject.text()), format!("vouched for by {:?}", names.issuer)];
    lines.extend(names.workflow.iter().map(|(extension, text)| format!("{} {text:?}", extension.number())));
    Ok(lines)
}

/// A token's claims, as they stand there. Nothing of it is believed.
fn claims(held: &Held) -> Vec<(String, String)> {
    let payload = held.text.split('.').nth(1).unwrap_or_default();
    let json = BASE64URL_NOPAD.decode(payload.as_bytes()).unwrap_or_default();
    let shown = |value: Value| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        text.chars().filter(|c| !c.is_control()).take(512).collect()
    };
    match serde_json::from_slice(&json) {
        Ok(Value::Object(claims)) => claims.into_iter().map(|(name, value)| (name, shown(value))).collect(),
        _ => Vec::new(),
    }
}

/// What kind of issuer that probably is.
fn kind(iss: &str) -> &'static str {
    const KNOWN: [(&str, &str); 5] = [
        ("token.actions.githubusercontent.com", "github"),
        ("gitlab", "gitlab"),
        ("buildkite", "buildkite"),
        ("circleci", "circleci"),
        ("codefresh", "codefresh"),
    ];
    KNOWN.iter().find(|(part, _)| iss.contains(part)).map_or("email", |(_, kind)| kind)
}

/// A word as a shell reads it, where it comes from a token.
fn shell(text: &str) -> String {
    let plain: String = text.chars().filter(|c| !c.is_control()).take(512).collect();
    format!("'{}'", plain.replace('\'', "'\\''"))
}
