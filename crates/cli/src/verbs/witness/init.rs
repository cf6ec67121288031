//! `avouch witness init`: a folder with a key of its own.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::stand::{Config, FILE, Log, Stand};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::files;
use crate::random;
use crate::terminal::Terminal;

/// The flags of `avouch witness init`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  avouch witness init /var/lib/avouch-witness --name witness.example.com/1 \\
    --log sum.golang.org+033de0ae+Ac4zctda0e5eza…

Prints the verifier key by which others know this witness. What it must know of a platform of avouch, that says of this very
key: `avouch witness show KEY`. It belongs on a machine that whoever runs the logs does
not administer, and never on one of theirs.")]
pub(super) struct InitArgs {
    /// The folder to make
    dir: PathBuf,
    /// The name under which it cosigns, such as a host name and a number
    #[arg(long, value_name = "NAME")]
    name: String,
    /// Where checkpoints are brought
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7380")]
    listen: SocketAddr,
    /// The verifier key of a log that it cosigns; repeat it for each, or add them to `witness.toml` later
    #[arg(long = "log", value_name = "KEY")]
    logs: Vec<String>,
}

pub(super) fn run(args: &InitArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let stand = Stand { path: args.dir.clone() };
    if args.dir.join(FILE).exists() {
        return Err(Failure::Folder {
            path: args.dir.clone(),
            fault: "is a witness's folder already",
            advice: "name another folder, or run it with `avouch witness serve DIR`",
        });
    }
    let logs = args.logs.iter().map(|key| Log { key: key.clone(), origin: None }).collect();
    let config = Config { listen: args.listen, logs };
    config.known()?;
    for folder in [&args.dir, &stand.keys_folder(), &stand.memory_folder()] {
        files::private_folder(folder)?;
    }
    files::write_private(&stand.passphrase_file(), random::passphrase().as_bytes())?;
    let key = ::witness::begin(&args.name, &*stand.memory(), stand.keys()?)
        .map_err(Failure::inside("begin the witness"))?;
    let body = toml::to_string(&config).expect("addresses and texts always encode");
    // CRASH: without this file the folder is none; with it, everything is there.
    files::write(&args.dir.join(FILE), body.as_bytes())?;
    terminal.line(key.encode());
    terminal
        .note("give this key to those whose logs it is to cosign; they name it with `avouch witness name`");
    Ok(Exit::Done)
}
