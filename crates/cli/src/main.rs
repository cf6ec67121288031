//! The `avouch` binary: one file a verb.
//!
//! **In scope**: reading command lines, configuration and contexts; starting and watching the two processes; composing
//! requests from files; showing what came back, to people and to programs.
//!
//! **Out of scope**: every decision. The server decides who may ask, the key process what is signed, `verify` what is
//! believed.

mod administration;
mod clock;
mod compose;
mod config;
mod context;
mod exit;
mod failure;
mod files;
mod followed;
mod fsck;
mod id_token;
mod launch;
mod manifest;
mod named_platform;
mod oci_login;
mod online;
mod owners;
mod parameters;
mod presented;
mod publication;
mod random;
mod read_ahead;
mod readiness;
mod reading;
mod source;
mod ssh;
mod stores;
mod terminal;
mod tuf;
mod verbs;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;
use crate::verbs::Verb;

/// Sign what you ship, with keys that never leave their process, and receipts that anyone can check offline.
#[derive(Debug, Parser)]
#[command(
    name = "avouch",
    version,
    arg_required_else_help = true,
    after_help = exit::TABLE,
    max_term_width = 100
)]
struct CommandLine {
    #[command(subcommand)]
    verb: Verb,
}

fn main() -> ExitCode {
    let terminal = Terminal::new();
    // The key process is closed to others before it does anything else, before it has read a word of its own.
    let is_key_process = std::env::args_os().nth(1).is_some_and(|verb| verb == verbs::signerd::VERB);
    if is_key_process && let Err(cause) = signerd::harden() {
        terminal.failure(&Failure::inside("close the key process to others")(cause));
        return Exit::CannotCheck.into();
    }
    let parsed = match CommandLine::try_parse_from(verbs::git_sign::spelled_out(std::env::args_os())) {
        Ok(parsed) => parsed,
        Err(cause) => return usage(&cause).into(),
    };
    match parsed.verb.run(terminal) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            terminal.failure(&failure);
            failure.exit().into()
        }
    }
}

/// Help and version are answers; everything else that clap says is a mistake in the command line.
fn usage(cause: &clap::Error) -> Exit {
    let _nobody_reads = cause.print();
    if cause.use_stderr() { Exit::Usage } else { Exit::Done }
}

/// The whole command line, for completions and manual pages.
fn command() -> clap::Command {
    CommandLine::command()
}
