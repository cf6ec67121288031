//! `avouch whoami`: who the server thinks this is.

use clap::Args;

use crate::context::ContextArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// The flags of `avouch whoami`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  avouch whoami")]
pub(crate) struct WhoamiArgs {
    #[command(flatten)]
    context: ContextArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &WhoamiArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let client = args.context.load()?.client()?;
    let whoami = crate::online::call(client.whoami())?;
    if args.json {
        terminal.line(super::json(&whoami));
        return Ok(Exit::Done);
    }
    let requester = &whoami.requester;
    terminal.line(format_args!(
        "{} ({}, of {})",
        terminal.bold(&whoami.name),
        requester.principal,
        requester.person
    ));
    for profile in &whoami.profiles {
        match &profile.refused {
            None => terminal.line(format_args!("  {} {}", terminal.good("may use"), profile.profile)),
            Some(why) => {
                terminal.line(format_args!("  {} {}: {why}", terminal.bad("may not use"), profile.profile))
            }
        }
    }
    if whoami.profiles.is_empty() {
        terminal
            .line("  there are no profiles yet; an administrator makes them with `avouch profile create`");
    }
    Ok(Exit::Done)
}
