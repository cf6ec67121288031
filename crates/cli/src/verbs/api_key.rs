//! `avouch api-key`: API keys, which are shown once.

use std::path::PathBuf;
use std::time::Duration;

use api::NewApiKey;
use clap::{Args, Subcommand};
use model::{PrincipalId, Space};

use crate::context::FolderArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::files::Reserved;
use crate::terminal::Terminal;

/// The flags of `avouch api-key`.
#[derive(Debug, Args)]
pub(crate) struct ApiKeyArgs {
    #[command(subcommand)]
    verb: ApiKeyVerb,
}

#[derive(Debug, Subcommand)]
enum ApiKeyVerb {
    /// Make an API key for a principal
    #[command(
        after_help = "Example:\n  avouch api-key create prn_ebfkrxqnd5ytqbvkeh7vhnqhim --space payments --days 30 --out ci.key"
    )]
    Create {
        /// Whom it proves
        principal: PrincipalId,
        /// A prefix of the spaces that it reaches; repeat it for several
        #[arg(long = "space", value_name = "SPACE", required = true)]
        spaces: Vec<Space>,
        /// A profile that it reaches; otherwise all in those spaces
        #[arg(long = "profile", value_name = "PROFILE")]
        profiles: Vec<Space>,
        /// After how many days it expires
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3650))]
        days: u32,
        /// Write it to this file, for its user alone, instead of printing it
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        folder: FolderArgs,
    },
    /// Take an API key back
    #[command(after_help = "Example:\n  avouch api-key revoke avk_a4dqobyha4dqobyh")]
    Revoke {
        /// Its id
        id: String,
        #[command(flatten)]
        folder: FolderArgs,
    },
}

pub(super) fn run(args: &ApiKeyArgs, terminal: Terminal) -> Result<Exit, Failure> {
    match &args.verb {
        ApiKeyVerb::Create { principal, spaces, profiles, days, out, folder } => {
            let new = NewApiKey {
                principal: *principal,
                spaces: spaces.clone(),
                profiles: (!profiles.is_empty()).then(|| profiles.clone()),
                expires: crate::clock::now()
                    .after(Duration::from_secs(u64::from(*days) * 86_400))
                    .whole_second(),
            };
            let admin = folder.admin()?;
            // A key that could not be written down would be good, and nobody's.
            let reserved = out.as_deref().map(Reserved::new).transpose()?;
            let issued = crate::online::call(admin.issue_api_key(&new))?;
            let (id, expires) = (issued.view.id, issued.view.expires);
            match reserved {
                Some(file) => file.fill(issued.key.as_bytes())?,
                None => terminal.line(&issued.key),
            }
            terminal.note(format_args!("{id} expires at {expires}; it is not shown again"));
        }
        ApiKeyVerb::Revoke { id, folder } => {
            let wrong = Failure::input(id.clone(), "the id of an API key (`avk_…`, without its secret)");
            let id = id.parse().map_err(wrong)?;
            let admin = folder.admin()?;
            let view = crate::online::call(admin.revoke_api_key(&id))?;
            terminal.line(format_args!("{} is revoked", view.id));
        }
    }
    Ok(Exit::Done)
}
