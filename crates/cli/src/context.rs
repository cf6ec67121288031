//! A client's context: which server, how it is recognised, how the client proves itself, and from which trust root
//! receipts are verified. `avouch login` and `avouch init` write it.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use client::{AdminClient, Client, Credential};
use serde::{Deserialize, Serialize};
use verify::TrustRoot;

use crate::config::Folder;
use crate::failure::Failure;
use crate::followed;

/// `context.toml`. Paths are absolute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Context {
    /// The address of the listener that asks for a credential.
    pub(crate) url: String,
    /// The address of the listener that anybody reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) public_url: Option<String>,
    /// The certificates, in PEM, that the server's own may come from.
    pub(crate) ca: PathBuf,
    /// The client certificate, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cert: Option<PathBuf>,
    /// Its private key, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<PathBuf>,
    /// The file with the API key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) api_key_file: Option<PathBuf>,
    /// The trust root.
    pub(crate) trust_root: PathBuf,
    /// The folder in which the platform's TUF repository is followed: then no trust root is taken but of the platform that
    /// the repository names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tuf: Option<PathBuf>,
    /// The data folder, on the machine where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) folder: Option<PathBuf>,
}

/// Which server.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ContextArgs {
    /// The context to use; otherwise `$AVOUCH_CONTEXT`, or the one that `avouch login` stored
    #[arg(long, value_name = "FILE")]
    pub(crate) context: Option<PathBuf>,
}

/// Which data folder, for verbs that administer it on its own machine.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct FolderArgs {
    /// The data folder; otherwise `$AVOUCH_DIR`, or the one in the stored context
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}

impl ContextArgs {
    /// Where the context is, or would be.
    pub(crate) fn path(&self) -> Result<PathBuf, Failure> {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let configured = || {
            let base = variable("XDG_CONFIG_HOME").or_else(|| Some(variable("HOME")?.join(".config")))?;
            Some(base.join("avouch/context.toml"))
        };
        self.context.clone().or_else(|| variable("AVOUCH_CONTEXT")).or_else(configured).ok_or_else(|| {
            Failure::Usage {
                what: "this user has no home folder to keep a context in".to_owned(),
                advice: "name one with `--context FILE`",
            }
        })
    }

    pub(crate) fn load(&self) -> Result<Context, Failure> {
        let path = self.path()?;
        if !path.exists() {
            return Err(Failure::Usage {
                what: format!("there is no context at `{}`", path.display()),
                advice: "store one with `avouch login`, or name one with `--context FILE`",
            });
        }
        let text = fs::read_to_string(&path).map_err(Failure::file("read", &path))?;
        toml::from_str(&text).map_err(Failure::input(path.display().to_string(), "a context of avouch"))
    }
}

impl FolderArgs {
    pub(crate) fn open(&self) -> Result<Folder, Failure> {
        let variable = || std::env::var_os("AVOUCH_DIR").filter(|value| !value.is_empty()).map(PathBuf::from);
        let stored = || ContextArgs::default().load().ok()?.folder;
        let path = self.dir.clone().or_else(variable).or_else(stored).ok_or_else(|| Failure::Usage {
            what: "no data folder is named".to_owned(),
            advice: "name it with `--dir DIR` or in `$AVOUCH_DIR`",
        })?;
        Folder::open(&path)
    }

    /// A client of the server's administrative socket.
    pub(crate) fn admin(&self) -> Result<AdminClient, Failure> {
        let folder = self.open()?;
        Ok(AdminClient::new(&folder.at(&folder.config.server.admin_socket))?)
    }
}

impl Context {
    pub(crate) fn save(&self, path: &Path) -> Result<(), Failure> {
        if let Some(folder) = path.parent() {
            crate::files::private_folder(folder)?;
        }
        let text = toml::to_string(self).expect("a context of texts and paths always encodes");
        crate::files::write(path, text.as_bytes())
    }

    fn connect(&self, url: &str, credential: Credential) -> Result<Client, Failure> {
        let ca_pem = fs::read_to_string(&self.ca).map_err(Failure::file("read", &self.ca))?;
        Ok(Client::new(&client::Context { url: url.to_owned(), ca_pem, credential })?)
    }

    /// A client that proves itself.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        let read = |path: &PathBuf| fs::read_to_string(path).map_err(Failure::file("read", path));
        let credential = match (&self.cert, &self.key, &self.api_key_file) {
            (Some(cert), Some(key), None) => {
                Credential::ClientCertificate { certificate_pem: read(cert)?, key_pem: read(key)? }
            }
            (None, None, Some(file)) => Credential::ApiKey(api_key(file, &read(file)?)?),
            _ => {
                return Err(Failure::Usage {
                    what: "the context must name either `cert` and `key`, or `api_key_file`".to_owned(),
                    advice: "store it once more with `avouch login`",
                });
            }
        };
        self.connect(&self.url, credential)
    }

    /// A client of the listener that anybody reads.
    pub(crate) fn public(&self) -> Result<Client, Failure> {
        let url = self.public_url.as_ref().ok_or_else(|| Failure::Usage {
            what: "the context does not name the server's public address".to_owned(),
            advice: "store it once more with `avouch login URL --public-url URL`",
        })?;
        self.connect(url, Credential::None)
    }

    /// The trust root as it lies here.
    pub(crate) fn trust_root(&self) -> Result<TrustRoot, Failure> {
        crate::reading::trust_root(&self.trust_root)
    }

    /// Fetches the present trust root, and keeps it.
    pub(crate) fn renew_trust_root(&self) -> Result<TrustRoot, Failure> {
        let fresh = self.fetch_trust_root()?;
        self.keep_trust_root(&fresh)?;
        Ok(fresh)
    }

    /// Fetches the present trust root, and leaves the one that lies here. It must continue that one, and be of the platform
    /// that the TUF repository names where one is followed.
    pub(crate) fn fetch_trust_root(&self) -> Result<TrustRoot, Failure> {
        // Asked first: what is fetched after it is no older.
        let named = self.tuf.as_deref().map(followed::platform).transpose()?;
        let client = self.public()?;
        let bytes = crate::online::call(client.trust_root())?;
        let fresh =
            TrustRoot::parse(&bytes).map_err(Failure::input("the server's answer", "a trust root"))?;
        named.map_or(Ok(()), |named| named.check(&fresh))?;
        if self.trust_root.exists() {
            let known = self.trust_root()?;
            let extends = fresh.registry().knows_head(&known.registry().head());
            if known.platform() != fresh.platform() || !extends {
                return Err(Failure::Usage {
                    what: "the server's trust root does not continue the one that is trusted here".to_owned(),
                    advice: "compare the platform's fingerprint with its administrators before you trust another",
                });
            }
        }
        Ok(fresh)
    }

    /// From now on, receipts are verified from this trust root.
    pub(crate) fn keep_trust_root(&self, root: &TrustRoot) -> Result<(), Failure> {
        crate::files::write(&self.trust_root, &root.encode())
    }
}

/// The API key in a file: anything else is not sent to a server.
fn api_key(file: &Path, text: &str) -> Result<String, Failure> {
    let key = text.trim();
    if key.starts_with("avk_") && !key.contains(char::is_whitespace) {
        return Ok(key.to_owned());
    }
    Err(Failure::Usage {
        what: format!("`{}` holds no API key", file.display()),
        advice: "name the file that `avouch api-key create --out FILE` wrote",
    })
}
