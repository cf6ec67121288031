//! Folders that follow a TUF repository: where it is, what it proves, and what is taken from it.

use std::path::{Path, PathBuf};

use client::{Believed, TufSite};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::files;
use crate::named_platform::{self, NamedPlatform};
use crate::tuf::TufClient;

/// Where the repository is, in the folder. What is kept of a role ends in `.json`, so none is ever in its place.
const REPOSITORY: &str = "repository";
/// The folder of the files that were fetched.
const TARGETS: &str = "targets";

/// The two files by which clients of Sigstore know a platform.
const TRUSTED_ROOT: &str = "trusted_root.json";
const SIGNING_CONFIG: &str = "signing_config.v0.2.json";

/// The longest file that says which platform a repository is of.
const PLATFORM_BYTES_MAX: usize = 64 * 1024;

/// A repository that is followed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Repository {
    url: String,
    /// In PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ca: Option<String>,
}

/// Has a folder follow a repository from now on, whose server's certificates come from `ca`, or else from this system's.
pub(crate) fn name(dir: &Path, url: String, ca: Option<String>) -> Result<(), Failure> {
    let json = serde_json::to_vec(&Repository { url, ca }).expect("two texts always encode as JSON");
    files::write(&dir.join(REPOSITORY), &json)
}

/// Brings a folder up to date, and says which platform its repository is of.
pub(crate) fn platform(dir: &Path) -> Result<NamedPlatform, Failure> {
    let repository = Repository::read(dir)?;
    let path = repository.update(dir, |client, targets| client.download(named_platform::FILE, targets))?;
    NamedPlatform::parse(&files::read_bounded(&path, PLATFORM_BYTES_MAX)?)
}

impl Repository {
    fn read(dir: &Path) -> Result<Self, Failure> {
        let path = dir.join(REPOSITORY);
        if !path.exists() {
            return Err(Failure::Folder {
                path: dir.to_owned(),
                fault: "follows no repository",
                advice: "begin with `avouch trust follow DIR --repository URL --root FILE`",
            });
        }
        let bytes = files::read_bounded(&path, 1024 * 1024)?;
        serde_json::from_slice(&bytes)
            .map_err(Failure::input(path.display().to_string(), "what `avouch trust follow` wrote"))
    }

    /// Takes what is new, and then what is wanted, into the folder of targets.
    fn update<T>(
        &self,
        dir: &Path,
        want: impl FnOnce(&mut TufClient<'_>, &Path) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let url = self.url.trim_end_matches('/');
        let site = TufSite::new(url, &format!("{url}/targets"), &self.believed())?;
        let mut client = TufClient::open(&site, dir, crate::clock::now())?;
        client.refresh()?;
        want(&mut client, &dir.join(TARGETS))
    }

    fn believed(&self) -> Believed {
        self.ca.clone().map_or(Believed::System, Believed::Only)
    }
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
        let repository = Repository::read(dir)?;
        let (trusted_root, signing_config) = repository.update(dir, |client, targets| {
            Ok((client.download(TRUSTED_ROOT, targets)?, client.download(SIGNING_CONFIG, targets)?))
        })?;
        Ok(Self { trusted_root, signing_config, believed: repository.believed() })
    }
}
