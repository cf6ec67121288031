//! The beginning of a server's folder: TLS, store, log, the first profile and the first client.

use std::fs;
use std::io;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use authority::TufRepositoryError;
use engine::{LogStageError, World, found_log};
use identity::{CertificateRecord, PrincipalRecord};
use model::{Clock, PersonId, PrincipalId, Profile, Space};
use pki::{ComposeError, NameError, ServerName};
use signer::Signer;
use store::{ChangeError, OpenError, Store};

use crate::door::Access;
use crate::tls_authority::{TlsAuthority, TlsAuthorityError, validity};
use crate::wiring::{Rooms, holder};

/// How long the TLS certificates of a new folder are valid.
const TLS_PERIOD: Duration = Duration::from_secs(5 * 365 * 24 * 3_600);

/// What a server's folder begins with.
pub struct Founding<'a> {
    /// The folder: it is there, empty, and its owner's alone.
    pub folder: &'a Path,
    /// The platform's host name.
    pub host: &'a str,
    /// The key process, whose registry has all the platform's keys.
    pub signer: Arc<dyn Signer>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The first profiles.
    pub profiles: &'a [Profile],
    /// The first client.
    pub client: FirstClient<'a>,
}

/// The first who may ask.
pub struct FirstClient<'a> {
    /// Its id.
    pub principal: PrincipalId,
    /// The person it is.
    pub person: PersonId,
    /// What it is called.
    pub name: &'a str,
    /// The prefixes of spaces in which it may sign.
    pub spaces: Vec<Space>,
}

/// What the first client proves itself with, and recognises the server by. All in PEM.
pub struct FirstCredential {
    /// The client certificate.
    pub certificate_pem: String,
    /// Its private key.
    pub key_pem: String,
    /// The local TLS authority's certificate.
    pub ca_pem: String,
}

/// Why a folder cannot begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FoundingError {
    /// A file that cannot be written.
    #[error("cannot write `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A host that no certificate can name.
    #[error("the host `{host}` cannot stand in a TLS certificate")]
    Host {
        /// The host.
        host: String,
        /// Why.
        #[source]
        source: NameError,
    },
    /// A time that no certificate can have.
    #[error("the clock is off: no certificate can be valid now")]
    Clock(#[source] ComposeError),
    /// TLS cannot begin.
    #[error("the local TLS authority cannot be made")]
    Tls(#[from] TlsAuthorityError),
    /// A key that cannot be registered.
    #[error("the first client's key cannot be read")]
    Key(#[from] model::KeyError),
    /// The store cannot be made.
    #[error("the store cannot be made")]
    Store(#[from] OpenError),
    /// The store cannot be filled.
    #[error("the store cannot be filled")]
    Fill(#[from] ChangeError),
    /// The TUF metadata cannot begin.
    #[error("the TUF repository cannot begin")]
    Tuf(#[from] TufRepositoryError),
    /// The log cannot begin.
    #[error("the transparency log cannot begin")]
    Log(#[from] LogStageError),
}

/// Makes all that a server needs in its folder, and the first client's credential.
///
/// CRASH: the folder is half made, and is made anew; nothing in it was shown to anybody.
pub fn found(founding: &Founding<'_>) -> Result<FirstCredential, FoundingError> {
    let credential = found_tls(founding)?;
    let store = Arc::new(Store::create(founding.folder, &holder(), Arc::clone(&founding.clock))?);
    fill(founding, &store, &credential)?;
    let rooms = Rooms::new(store, Arc::clone(&founding.signer));
    found_log(&World::new(rooms.parts(Arc::clone(&founding.clock))))?;
    // The root that clients begin with is signed before anybody serves it.
    rooms.repository(&founding.clock, &Access::Full).renew()?;
    Ok(FirstCredential {
        certificate_pem: credential.certificate.to_pem(),
        key_pem: credential.key_pem,
        ca_pem: credential.ca_pem,
    })
}

/// The first client's certificate, before it is registered.
struct Issued {
    certificate: pki::Certificate,
    key_pem: String,
    ca_pem: String,
}

fn found_tls(founding: &Founding<'_>) -> Result<Issued, FoundingError> {
    let host = founding.host;
    let period = validity(founding.clock.now(), TLS_PERIOD).map_err(FoundingError::Clock)?;
    let (authority, ca) = TlsAuthority::found(host, period)?;
    let server = authority.issue_server(names(host)?, period)?;
    let client = authority.issue_client(founding.client.name, period)?;
    let folder = founding.folder.join("tls");
    fs::DirBuilder::new().mode(0o700).create(&folder).map_err(refuse(&folder))?;
    let ca_pem = ca.certificate.to_pem();
    for (name, text) in [
        ("ca.pem", &ca_pem),
        ("ca.key", &ca.key_pem),
        // The authority's own goes along, so that a new client finds the fingerprint that it was told.
        ("server.pem", &format!("{}{ca_pem}", server.certificate.to_pem())),
        ("server.key", &server.key_pem),
    ] {
        write_private(&folder.join(name), text)?;
    }
    Ok(Issued { certificate: client.certificate, key_pem: client.key_pem, ca_pem })
}

/// The host, and this machine's own names, so that a platform can be tried where it stands.
fn names(host: &str) -> Result<Vec<ServerName>, FoundingError> {
    let refuse = |source| FoundingError::Host { host: host.to_owned(), source };
    let mut names: Vec<ServerName> = vec![host.parse().map_err(refuse)?];
    for own in ["localhost", "127.0.0.1", "::1"] {
        let own: ServerName = own.parse().expect("this machine's own names are well formed");
        if !names.contains(&own) {
            names.push(own);
        }
    }
    Ok(names)
}

fn fill(founding: &Founding<'_>, store: &Store, credential: &Issued) -> Result<(), FoundingError> {
    let (client, created) = (&founding.client, founding.clock.now());
    store.add_principal(&PrincipalRecord {
        id: client.principal,
        person: client.person,
        name: client.name.to_owned(),
        spaces: client.spaces.clone(),
        disabled: None,
    })?;
    let key = credential.certificate.public_key()?.id();
    store.add_certificate(&CertificateRecord { key, principal: client.principal, created, revoked: None })?;
    for profile in founding.profiles {
        store.set_profile(profile).map_err(ChangeError::from)?;
    }
    Ok(())
}

fn write_private(path: &Path, text: &str) -> Result<(), FoundingError> {
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path).map_err(refuse(path))?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(refuse(path))
}

fn refuse(path: &Path) -> impl Fn(io::Error) -> FoundingError {
    move |source| FoundingError::File { path: path.to_owned(), source }
}
