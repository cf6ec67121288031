//! `avouch issuer feed`: asks issuers for their keys, for a server that calls nobody outside. It holds no key and no secret,
//! and calls no issuer but those that the registry has without keys.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use identity::oidc::{Fetcher, Limits};
use server::{run_issuer_feed, told_to_end};
use signerd::SystemClock;

use crate::context::FolderArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::launch;
use crate::terminal::Terminal;

/// The flags of `avouch issuer feed`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  avouch issuer feed --dir /var/lib/avouch    under the server's user, by the init system

Only for issuers that were added with --asserted: of all others the keys stand in the registry. Keys are asked for when a
token needs them, at most once in 20 seconds an issuer, and believed for 15 minutes; of an issuer that answers no more, for
six hours. Only https is spoken, or http on loopback; no redirect is followed, and nothing on this host's link is called. A
pattern's issuer chooses its `jwks_uri`, so keep patterns to providers that you trust.")]
pub(super) struct FeedArgs {
    #[command(flatten)]
    folder: FolderArgs,
    /// Certificates, in PEM, that the issuers' own may come from beside the system's
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

pub(super) fn run(args: &FeedArgs, terminal: Terminal) -> Result<Exit, Failure> {
    server::start_logs(server::LogFormat::Fitting, "info").map_err(Failure::inside("write the trace"))?;
    let folder = args.folder.open()?;
    let ca = args.ca.as_ref().map(|path| std::fs::read_to_string(path).map_err(Failure::file("read", path)));
    let fetcher = Fetcher::new(ca.transpose()?.as_deref(), Limits::default())
        .map_err(Failure::inside("ask issuers"))?;
    let signer = Arc::new(signer::Client::new(&folder.at(&folder.config.signerd.socket)));
    // Its walls are up before it hears a word from anybody.
    let own = folder.at(&folder.config.server.folder).join(server::ISSUERS);
    terminal.note(launch::lock_feed_in(&folder, &own)?);
    let ready = || terminal.note("issuers are asked for their keys where a token needs them");
    let stop = async {
        if told_to_end().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    run_issuer_feed(&own, signer, fetcher, Arc::new(SystemClock), ready, stop)
        .map_err(Failure::inside("ask issuers for the server"))?;
    Ok(Exit::Done)
}
