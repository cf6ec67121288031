//! `avouch trust follow`: a folder that holds what a TUF repository proves, and is brought up to date by the same command.

use std::path::PathBuf;

use clap::Args;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::followed::{self, Followed};
use crate::terminal::Terminal;
use crate::tuf;

/// The flags of `avouch trust follow`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  avouch trust follow trust/ --repository https://sign.example.com:7444/tuf --root root.json --ca ca.pem
  avouch trust follow trust/            brings it up to date
  avouch verify --tuf trust/ --identity ada@example.com --issuer https://login.example.com app.tar

The root is what is trusted from the beginning: get it from an administrator (`avouch trust export --tuf`), and not
from the repository. trusted_root.json and signing_config.v0.2.json come to lie in the folder's `targets`.")]
pub(crate) struct FollowArgs {
    /// The folder
    dir: PathBuf,
    /// The address of the repository, or of a mirror; the first time, and whenever it is another
    #[arg(long, value_name = "URL")]
    repository: Option<String>,
    /// The root to begin with
    #[arg(long, value_name = "FILE", requires = "repository")]
    root: Option<PathBuf>,
    /// Certificates, in PEM, that the server's own come from; otherwise those of this system
    #[arg(long, value_name = "FILE", requires = "repository")]
    ca: Option<PathBuf>,
}

pub(super) fn run(args: &FollowArgs, terminal: Terminal) -> Result<Exit, Failure> {
    if let Some(root) = &args.root {
        tuf::begin(&args.dir, root)?;
    }
    if let Some(url) = &args.repository {
        let read = |path: &PathBuf| std::fs::read_to_string(path).map_err(Failure::file("read", path));
        followed::name(&args.dir, url.clone(), args.ca.as_ref().map(read).transpose()?)?;
    }
    let followed = Followed::refresh(&args.dir)?;
    terminal.line(followed.trusted_root.display());
    terminal.line(followed.signing_config.display());
    Ok(Exit::Done)
}
