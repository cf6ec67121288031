//! The one configuration file, `avouch.toml`: wiring only. What keys may do stands in the registry, what people may
//! do in the server's store.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use server::LogSubmissions;
use signerd::User;

use crate::failure::Failure;
use crate::stores::Store;

/// The name of the file in its folder.
pub(crate) const FILE: &str = "avouch.toml";

/// `avouch.toml`. Unknown keys are refused; paths are relative to the folder that the file is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Whether the server refuses to start where it could get at the keys: where neither Landlock nor a second user
    /// stands between it and the key process. Without this line it does.
    #[serde(default = "on", skip_serializing_if = "is_on")]
    pub(crate) require_isolation: bool,
    pub(crate) platform: Platform,
    pub(crate) signerd: Signerd,
    pub(crate) server: Server,
    /// Where the witnesses are that the registry names, by the names under which they cosign. `avouch witness feed` goes
    /// there; the server and the key process connect nowhere.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) witnesses: BTreeMap<String, String>,
}

/// `[platform]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Platform {
    /// The host name from which all other names derive. It was fixed when the platform began and never changes.
    pub(crate) host: String,
}

/// `[signerd]`: the key process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Signerd {
    /// The user that the key process runs as, by name or number; without it, whoever starts it. `serve` changes to it
    /// when root starts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<String>,
    /// Users who may administer the key process besides its own and root, by name or number. The server's is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) admin_users: Vec<String>,
    /// Its own folder: sealed keys and the journal. Nobody else needs to read it.
    pub(crate) folder: PathBuf,
    /// The file with the passphrase under which keys are sealed.
    pub(crate) passphrase_file: PathBuf,
    /// The socket on which the server sends orders.
    pub(crate) socket: PathBuf,
    /// The socket on which administrators make keys and append registry entries. Beside it lies what they must be able
    /// to read.
    pub(crate) admin_socket: PathBuf,
    /// Key stores besides the sealed files, by name: `[signerd.stores.NAME]`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) stores: BTreeMap<String, Store>,
}

/// `[server]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Server {
    /// The user that the server runs as, by name or number; without it, whoever starts it. The key process takes its
    /// orders from this user. `serve` changes to it when root starts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<String>,
    /// Its own folder: the database, the log's tiles, its TLS keys.
    pub(crate) folder: PathBuf,
    /// Where clients with a certificate or an API key connect (TLS). Port 0 takes any free port.
    pub(crate) listen: SocketAddr,
    /// Where anybody reads the log and the trust root and gets timestamps (TLS, no client certificate).
    pub(crate) public_listen: SocketAddr,
    /// Where metrics and health are read (plain HTTP; keep it on loopback).
    pub(crate) monitor_listen: SocketAddr,
    /// The socket on which profiles, principals and API keys are administered, in a folder of the server's own.
    pub(crate) admin_socket: PathBuf,
    /// The address of `public_listen` as clients know it; without it, the address that it listens at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) public_url: Option<String>,
    /// Who may bring entries of their own to the log: `anybody` who reaches `public_listen`, as clients of Sigstore need it;
    /// `callers` with an API key; or `nobody`. Without this line, anybody.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) log_submissions: LogSubmissions,
    /// How many of them the log takes from one address in a second; without this line, 64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) log_submissions_per_second: Option<NonZeroU32>,
    /// Whether there is an issuer of ID tokens for development, at `http://localhost:PORT/development-issuer` with the port
    /// of `monitor_listen`. It gives a token in anybody's name, and does not start where several people govern.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) development_issuer: bool,
    /// What the server tells on standard error: a filter such as `info` or `warn,server=debug`; without it, `warn`.
    /// `$AVOUCH_LOG` goes before it. It is read again, as the TLS files are, when the server gets SIGHUP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) log: Option<String>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

const fn on() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is the serialiser's")]
const fn is_on(value: &bool) -> bool {
    *value
}

/// A data folder with its configuration.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    path: PathBuf,
    pub(crate) config: Config,
}

impl Config {
    /// The configuration that `init` writes.
    pub(crate) fn new(host: &str, ports: Ports) -> Self {
        let (api, public, monitor) = match ports {
            Ports::From(first) => (first, first + 1, first + 2),
            Ports::Any => (0, 0, 0),
        };
        let everywhere = |port| match host {
            "localhost" => SocketAddr::from(([127, 0, 0, 1], port)),
            _ => SocketAddr::from((std::net::Ipv6Addr::UNSPECIFIED, port)),
        };
        Self {
            // A demonstration is shown everywhere; its keys are worth nothing.
            require_isolation: ports != Ports::Any,
            platform: Platform { host: host.to_owned() },
            signerd: Signerd {
                user: None,
                admin_users: Vec::new(),
                folder: "signerd".into(),
                passphrase_file: "signerd/passphrase".into(),
                socket: "run/signerd/orders.sock".into(),
                admin_socket: "run/signerd/admin.sock".into(),
                stores: BTreeMap::new(),
            },
            server: Server {
                user: None,
                folder: "server".into(),
                listen: everywhere(api),
                public_listen: everywhere(public),
                monitor_listen: SocketAddr::from(([127, 0, 0, 1], monitor)),
                admin_socket: "run/server/admin.sock".into(),
                public_url: (ports != Ports::Any).then(|| format!("https://{host}:{public}")),
                log_submissions: LogSubmissions::default(),
                log_submissions_per_second: None,
                development_issuer: false,
                log: None,
            },
            witnesses: BTreeMap::new(),
        }
    }

    /// The text of the file, with a word on each part.
    pub(crate) fn encode(&self) -> String {
        let body = toml::to_string(self).expect("a configuration of texts and paths always encodes");
        let body = body
            .replace(
                "[platform]",
                "# Fixed when the platform began: every other name derives from it.\n[platform]",
            )
            .replace("[signerd]", "# The key process. Paths are relative to this file's folder.\n[signerd]")
            .replace(
                "[server]",
                "# The server. `listen` asks for a credential, `public_listen` does not.\n[server]",
            );
        format!("# avouch: wiring. `avouch config check DIR` reads this file as the server does.\n\n{body}")
    }
}

/// The first of the three ports of a server, unless another was chosen.
pub(crate) const PORT: u16 = 7443;

/// Which ports a new configuration names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ports {
    /// This one and the two after it.
    From(u16),
    /// Any that are free.
    Any,
}

impl Folder {
    /// Opens a folder that `init` made.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let file = path.join(FILE);
        if !file.exists() {
            return Err(Failure::Folder {
                path: path.to_owned(),
                fault: "is not a data folder of avouch: it has no `avouch.toml`",
                advice: "make one with `avouch init DIR`, or with `avouch serve --init DIR`",
            });
        }
        let text = fs::read_to_string(&file).map_err(Failure::file("read", &file))?;
        let config: Config = toml::from_str(&text)
            .map_err(|source| Failure::Config { path: file.clone(), source: source.into() })?;
        let path = fs::canonicalize(path).map_err(Failure::file("open", path))?;
        let folder = Self { path, config };
        folder.check()?;
        Ok(folder)
    }

    /// A folder that is being made.
    pub(crate) fn new(path: &Path, config: Config) -> Self {
        Self { path: path.to_owned(), config }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A path of the configuration, from this folder.
    pub(crate) fn at(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.path.join(relative)
    }

    /// Where the server says which addresses it took.
    pub(crate) fn ready_file(&self) -> PathBuf {
        self.at(&self.config.server.admin_socket).with_file_name("ready.json")
    }

    /// The folders that the server writes to.
    pub(crate) fn of_server(&self) -> [PathBuf; 2] {
        let server = &self.config.server;
        [self.at(&server.folder), above(&self.at(&server.admin_socket))]
    }

    /// The folders of the key process, and its passphrase.
    pub(crate) fn of_key_process(&self) -> [PathBuf; 4] {
        let signerd = &self.config.signerd;
        let sockets = [&signerd.socket, &signerd.admin_socket].map(|socket| above(&self.at(socket)));
        let [orders, administration] = sockets;
        [self.at(&signerd.folder), self.at(&signerd.passphrase_file), orders, administration]
    }

    /// The user that the key process runs as, where one is named.
    pub(crate) fn key_process_user(&self) -> Result<Option<User>, Failure> {
        self.config.signerd.user.as_deref().map(|name| self.user("signerd.user", name)).transpose()
    }

    /// The user that the server runs as, where one is named.
    pub(crate) fn server_user(&self) -> Result<Option<User>, Failure> {
        self.config.server.user.as_deref().map(|name| self.user("server.user", name)).transpose()
    }

    /// The users who may administer the key process besides its own.
    pub(crate) fn admin_users(&self) -> Result<Vec<u32>, Failure> {
        let server = self.server_user()?;
        let one = |name: &String| {
            let user = self.user("signerd.admin_users", name)?;
            if Some(user) == server {
                return Err(self.wrong(
                    "signerd.admin_users",
                    &format!("`{name}` is the server's user, and the server never administers keys"),
                ));
            }
            Ok(user.user)
        };
        self.config.signerd.admin_users.iter().map(one).collect()
    }

    fn user(&self, key: &'static str, name: &str) -> Result<User, Failure> {
        signerd::user(name).ok_or_else(|| self.wrong(key, &format!("this system has no user `{name}`")))
    }

    /// The file of an administrator's public key.
    pub(crate) fn administrator(&self) -> PathBuf {
        self.at("admin/administrator.pub")
    }

    fn check(&self) -> Result<(), Failure> {
        let wrong = |key, fault: &str| self.wrong(key, fault);
        if self.config.server.monitor_listen.ip().is_unspecified() {
            return Err(wrong(
                "server.monitor_listen",
                "metrics are not for everybody; name one address, such as 127.0.0.1:7445",
            ));
        }
        let url = self.config.server.public_url.as_deref();
        if url.is_some_and(|url| !url.starts_with("https://") || url.len() > 512) {
            return Err(wrong("server.public_url", "it must read `https://HOST:PORT`"));
        }
        // A path of a Unix socket has room for 107 bytes.
        let sockets = [
            ("signerd.socket", &self.config.signerd.socket),
            ("signerd.admin_socket", &self.config.signerd.admin_socket),
            ("server.admin_socket", &self.config.server.admin_socket),
        ];
        for (key, socket) in sockets {
            if self.at(socket).as_os_str().len() > 107 {
                return Err(wrong(
                    key,
                    "the whole path is longer than the 107 bytes that a socket's name may have; use a folder with a shorter name",
                ));
            }
        }
        for (key, folder) in ["server.folder", "server.admin_socket"].into_iter().zip(self.of_server()) {
            if let Some(held) = self.of_key_process().iter().find(|path| path.starts_with(&folder)) {
                return Err(wrong(
                    key,
                    &format!(
                        "the server writes to `{}`, and what is the key process's is in there: `{}`",
                        folder.display(),
                        held.display()
                    ),
                ));
            }
        }
        crate::stores::stores(self).map(drop)
    }

    pub(crate) fn wrong(&self, key: &'static str, fault: &str) -> Failure {
        Failure::ConfigKey { path: self.at(FILE), key, fault: fault.to_owned() }
    }
}

/// The folder that a file is in.
pub(crate) fn above(path: &Path) -> PathBuf {
    path.parent().unwrap_or(path).to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn what_init_writes_is_what_serve_reads() {
        for ports in [Ports::From(PORT), Ports::Any] {
            let config = Config::new("sign.example.test", ports);
            assert_eq!(toml::from_str::<Config>(&config.encode()).unwrap(), config);
        }
    }

    #[test]
    fn isolation_is_required_unless_the_file_says_otherwise() {
        let read = |text: &str| toml::from_str::<Config>(text).unwrap().require_isolation;
        let text = Config::new("localhost", Ports::From(PORT)).encode();
        assert!(read(&text) && !text.contains("require_isolation"));
        assert!(!read(&format!("require_isolation = false\n{text}")));
        assert!(!read(&Config::new("localhost", Ports::Any).encode()));
    }

    #[test]
    fn a_server_that_would_write_where_the_key_process_is_at_home_is_refused() {
        let fault = |change: fn(&mut Config)| {
            let mut config = Config::new("localhost", Ports::From(PORT));
            change(&mut config);
            Folder::new(Path::new("/data"), config).check().unwrap_err().to_string()
        };
        assert!(fault(|config| config.server.folder = "".into()).contains("server.folder"));
        assert!(
            fault(|config| config.signerd.passphrase_file = "server/passphrase".into())
                .contains("server.folder")
        );
        let beside = fault(|config| config.server.admin_socket = "run/signerd/server.sock".into());
        assert!(beside.contains("server.admin_socket"), "{beside}");
    }

    #[test]
    fn the_servers_user_administers_no_keys() {
        let mut config = Config::new("localhost", Ports::From(PORT));
        config.server.user = Some("64001".to_owned());
        config.signerd.admin_users = vec!["64003".to_owned()];
        assert_eq!(Folder::new(Path::new("/data"), config.clone()).admin_users().unwrap(), [64_003]);
        config.signerd.admin_users.push("64001".to_owned());
        let told = Folder::new(Path::new("/data"), config.clone()).admin_users().unwrap_err().to_string();
        assert!(told.contains("signerd.admin_users"), "{told}");
        config.server.user = Some("nobody here has this name".to_owned());
        assert!(Folder::new(Path::new("/data"), config).server_user().is_err());
    }

    /// CVE-2025-6000, CVE-2025-54997: the configuration of an audit device made a file that was executed.
    #[test]
    fn an_unknown_key_is_refused_by_name() {
        let text = Config::new("localhost", Ports::From(PORT))
            .encode()
            .replace("[server]", "[server]\nlissten = \"x\"");
        assert!(toml::from_str::<Config>(&text).unwrap_err().to_string().contains("lissten"));
    }
}
