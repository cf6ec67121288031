//! `avouch trust follow`: a folder that holds what a TUF repository proves, and is brought up to date by the same command.

use std::path::{Path, PathBuf};

use clap::Args;
use client::{Believed, TufSite};
use serde::{Deserialize, Serialize};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::files;
use crate::terminal::Terminal;
use crate::tuf::{self, TufClient};

/// Where the repository is, in the folder. What is kept of a role ends in `.json`, so none is ever in its place.
const REPOSITORY: &str = "repository";
/// The folder of the files that were fetched.
const TARGETS: &str = "targets";

/// The two files by which clients of Sigstore know a platform.
const TRUSTED_ROOT: &str = "trusted_root.json";
const SIGNING_CONFIG: &str = "signing_config.v0.2.json";

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

/// A repository that is followed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Repository {
    url: String,
    /// In PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ca: Option<String>,
}

pub(super) fn run(args: &FollowArgs, terminal: Terminal) -> Result<Exit, Failure> {
    if let Some(root) = &args.root {
        tuf::begin(&args.dir, root)?;
    }
    if let Some(url) = &args.repository {
        let read = |path: &PathBuf| std::fs::read_to_string(path).map_err(Failure::file("read", path));
        let repository = Repository { url: url.clone(), ca: args.ca.as_ref().map(read).transpose()? };
        files::write(&args.dir.join(REPOSITORY), crate::verbs::json(&repository).as_bytes())?;
    }
    let followed = Followed::refresh(&args.dir)?;
    terminal.line(followed.trusted_root.display());
    terminal.line(followed.signing_config.display());
    Ok(Exit::Done)
}

/// A folder that was just brought up to date.
#[derive(Debug)]
pub(crate) struct Followed {
    /// Whom clients of Sigstore believe.
    pub(crate) trusted_root: PathBuf,
    /// Where they sign.
    pub(crate) signing_config: PathBuf,
    /// Whose certificates the server's own come from.
    pub(crate) believed: Believed,
}

impl Followed {
    /// Brings a folder up to date.
    pub(crate) fn refresh(dir: &Path) -> Result<Self, Failure> {
        let path = dir.join(REPOSITORY);
        if !path.exists() {
            return Err(Failure::Folder {
                path: dir.to_owned(),
                fault: "follows no repository",
                advice: "begin with `avouch trust follow DIR --repository URL --root FILE`",
            });
        }
        let bytes = files::read_bounded(&path, 1024 * 1024)?;
        let repository: Repository = serde_json::from_slice(&bytes)
            .map_err(Failure::input(path.display().to_string(), "what `avouch trust follow` wrote"))?;
        let believed = repository.ca.map_or(Believed::System, Believed::Only);
        let url = repository.url.trim_end_matches('/');
        let site = TufSite::new(url, &format!("{url}/targets"), &believed)?;
        let mut client = TufClient::open(&site, dir, crate::clock::now())?;
        client.refresh()?;
        let targets = dir.join(TARGETS);
        let (trusted_root, signing_config) =
            (client.download(TRUSTED_ROOT, &targets)?, client.download(SIGNING_CONFIG, &targets)?);
        Ok(Self { trusted_root, signing_config, believed })
    }
}
