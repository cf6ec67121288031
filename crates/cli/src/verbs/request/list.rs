//! `avouch request list`: which requests there are, that this user may see.

use api::{RequestLine, RequestState};
use clap::Args;
use clap::builder::PossibleValuesParser;
use model::{RequestId, Space};

use crate::context::ContextArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// The flags of `avouch request list`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  avouch request list --state waiting
  avouch request list --profile payments/api --all --json")]
pub(crate) struct ListArgs {
    /// Only those in this state
    #[arg(long, value_parser = PossibleValuesParser::new(RequestState::ALL.map(RequestState::word)))]
    state: Option<String>,
    /// Only those under this profile
    #[arg(long)]
    profile: Option<Space>,
    /// Only those older than this one
    #[arg(long, value_name = "REQUEST")]
    after: Option<RequestId>,
    /// Every page, and not the newest alone
    #[arg(long)]
    all: bool,
    /// Print JSON: one object with `items`, and with `next` where there are more
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    context: ContextArgs,
}

pub(super) fn run(args: &ListArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let client = args.context.load()?.client()?;
    let state = RequestState::ALL.into_iter().find(|state| args.state.as_deref() == Some(state.word()));
    let mut after = args.after.map(|id| id.to_string());
    let mut items = Vec::new();
    loop {
        let page = crate::online::call(client.requests(state, args.profile.as_ref(), after.as_deref()))?;
        items.extend(page.items);
        after = page.next;
        if after.is_none() || !args.all {
            break;
        }
    }
    if args.json {
        terminal.line(super::super::json(&api::Page { items, next: after }));
        return Ok(Exit::Done);
    }
    items.iter().for_each(|line| show(line, terminal));
    if items.is_empty() {
        terminal.note("no request that you may see is one of these");
    }
    if let Some(after) = after {
        terminal.note(format_args!("there are older ones: `--after {after}`, or `--all`"));
    }
    Ok(Exit::Done)
}

fn show(line: &RequestLine, terminal: Terminal) {
    let RequestLine { id, profile, state, submitted, deadline, reasons, .. } = line;
    terminal.line(format_args!("{id} {:<9} {submitted} {profile}", state.word()));
    if !state.is_final() {
        terminal.line(format_args!("  until {deadline}"));
    }
    reasons.iter().for_each(|reason| terminal.line(format_args!("  {reason}")));
}
