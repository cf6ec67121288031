//! `avouch completions`: what a shell needs to complete verbs and flags.

use clap::Args;
use clap_complete::{Shell, generate};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// The flags of `avouch completions`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  avouch completions bash > /etc/bash_completion.d/avouch")]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

pub(super) fn run(args: &CompletionsArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let mut text = Vec::new();
    generate(args.shell, &mut crate::command(), "avouch", &mut text);
    terminal.bytes(&text);
    Ok(Exit::Done)
}
