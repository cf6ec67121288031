//! `avouch witness feed`: goes between a platform and its witnesses. It holds no key and orders nothing: the key process
//! hears it at a socket of its own, and believes cosignatures alone.

mod journal;
mod way;

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use signer::Anchor;

use crate::context::{ContextArgs, FolderArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;
use crate::verbs::init;
use crate::verbs::log::{Cosigned, LogFeed};
use journal::Journal;
pub(crate) use way::Way;

/// The flags of `avouch witness feed`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  avouch witness feed --dir /var/lib/avouch    under the server's user, by the init system

Where each witness is stands in `[witnesses]` of avouch.toml, by the name under which it cosigns:

  [witnesses]
  \"w1.example.com\" = \"https://w1.example.com\"")]
pub(super) struct FeedArgs {
    #[command(flatten)]
    folder: FolderArgs,
    #[command(flatten)]
    context: ContextArgs,
    /// Go once, and end
    #[arg(long)]
    once: bool,
    /// How often to go, in seconds; what is older than five minutes holds nothing
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=240))]
    every: u64,
}

pub(super) fn run(args: &FeedArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let folder = args.folder.open()?;
    let wiring = &folder.config.witnesses;
    if wiring.is_empty() {
        return Err(folder.wrong("witnesses", "it says of no witness where that is"));
    }
    let mut ways = BTreeMap::new();
    for (name, address) in wiring {
        ways.insert(name.clone(), Way::new(address)?);
    }
    // Where there is no context, nothing is known of how the log is read.
    let log = args.context.load().ok().map(LogFeed::new);
    let journal = Journal::new(&folder);
    let (mut last, mut last_log) = (None, None);
    loop {
        let anchored = journal.go(&ways, terminal);
        let cosigned =
            log.as_ref().map_or(Ok(None), |log| log.go(&init::registry(&folder)?, &ways, terminal));
        match cosigned {
            Ok(cosigned) => {
                cosigned
                    .iter()
                    .filter(|one| last_log.as_ref() != Some(*one))
                    .for_each(|one| tell_log(one, terminal));
                last_log = cosigned;
            }
            Err(failure) => terminal.failure(&failure),
        }
        match &anchored {
            Ok(anchor) if last.as_ref() != Some(anchor) => tell(anchor, terminal),
            Ok(_) => {}
            // A key process that starts anew is asked again.
            Err(failure) if !args.once => terminal.failure(failure),
            Err(_) => {}
        }
        if args.once {
            let held = anchored.map(|anchor| !matches!(anchor, Anchor::Loose { .. }))?;
            let held = held && last_log.is_none_or(|log| log.by.len() >= log.needed);
            return Ok(if held { Exit::Done } else { Exit::CannotCheck });
        }
        let pause = if matches!(anchored, Ok(Anchor::Loose { .. }) | Err(_)) {
            args.every.min(5)
        } else {
            args.every
        };
        last = anchored.ok();
        std::thread::sleep(Duration::from_secs(pause));
    }
}

fn tell_log(cosigned: &Cosigned, terminal: Terminal) {
    let Cosigned { size, by, needed } = cosigned;
    let by = if by.is_empty() { "nobody".to_owned() } else { by.join(", ") };
    terminal.note(format_args!("the log of {size} entries is cosigned by {by}; it takes {needed}"));
}

fn tell(anchor: &Anchor, terminal: Terminal) {
    match anchor {
        Anchor::Unanchored => terminal.note("the registry names no witness of the journal: unanchored"),
        Anchor::Held { by } => terminal.note(format_args!("the journal is held by {}", by.join(", "))),
        Anchor::Loose { why } => terminal.note(format_args!("{} {why}", terminal.bad("not anchored:"))),
    }
}
