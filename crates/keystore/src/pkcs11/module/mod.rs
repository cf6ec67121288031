//! The lane process: it alone loads the module, and does for the key process what that asks.
//!
//! One thread a session, one connection a thread. Whatever happens to the module happens to this process; the key
//! process reads its end and starts another.

mod encode;
mod keys;
mod open;
mod refused;
mod template;

use std::io::{self, Read};
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;

use cryptoki::session::Session;

use self::keys::Keys;
use super::fault::LaneFault;
use super::system;
use super::uri::{Pkcs11Uri, Pkcs11UriError};
use super::wire::{Call, Login, Reply};

/// A lane process that was told what it is for, and has not loaded anything yet.
pub struct Called {
    control: UnixStream,
    connections: Vec<UnixStream>,
    uri: Pkcs11Uri,
    login: Login,
}

/// Why a process is no lane process.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CalledError {
    /// The system refused.
    #[error("cannot {action}")]
    System {
        /// What was tried.
        action: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// No key process is at the other end of standard input.
    #[error("this is started by the key process, which speaks with it on standard input")]
    NotCalled,
    /// The URI was checked where it was read; this is another one.
    #[error("the key process names no hardware token")]
    Uri(#[from] Pkcs11UriError),
}

impl Called {
    /// Hears on `stdin` what is to be done, and sees to it that this process does not outlive its parent.
    pub fn accept(stdin: BorrowedFd<'_>) -> Result<Self, CalledError> {
        let refused = |action| move |source: io::Error| CalledError::System { action, source };
        system::die_with_parent().map_err(refused("die with the key process"))?;
        let control = stdin.try_clone_to_owned().map_err(refused("take standard input"))?;
        let mut control = UnixStream::from(control);
        let Ok(Call::Open { parent, uri, sessions, login }) = Call::read(&mut control) else {
            return Err(CalledError::NotCalled);
        };
        if !system::is_parent(parent) {
            return Err(CalledError::NotCalled);
        }
        let connections = system::receive(&control, sessions).map_err(refused("take connections"))?;
        Ok(Self { control, connections, uri: uri.parse()?, login })
    }

    /// The module that will be loaded, and with it whatever it needs.
    pub fn module(&self) -> &Path {
        self.uri.module()
    }

    /// The file with the PIN that will be read.
    pub fn pin_file(&self) -> &Path {
        self.uri.pin_file()
    }

    /// Tells the key process that nothing is loaded here, and why.
    pub fn refuse(mut self, why: &str) -> Result<(), CalledError> {
        let reply = Reply::Fault(refused::because("be loaded", why));
        reply.write(&mut self.control).map_err(not_told)
    }

    /// Loads the module and serves it until the key process is gone.
    pub fn serve(self) -> Result<(), CalledError> {
        let Self { mut control, mut connections, uri, login } = self;
        let reply = match open::open(&uri, login, connections.len()) {
            Err(fault) => Reply::Fault(fault),
            Ok(opened) => {
                let sessions = opened.sessions.len();
                connections.truncate(sessions);
                for (session, connection) in opened.sessions.into_iter().zip(connections) {
                    let keys = opened.keys.clone();
                    let serve = move || serve(&keys, &session, connection);
                    let started = thread::Builder::new().name("session".to_owned()).spawn(serve);
                    started.map_err(|source| CalledError::System { action: "start a thread", source })?;
                }
                Reply::Open { token: opened.token, sessions }
            }
        };
        reply.write(&mut control).map_err(not_told)?;
        // Nothing more is said here: what is read is the end of the key process, or of its interest.
        let _ = control.read(&mut [0]);
        Ok(())
    }
}

const fn not_told(source: io::Error) -> CalledError {
    CalledError::System { action: "answer the key process", source }
}

/// Answers what comes on one connection, until it ends.
fn serve(keys: &Keys, session: &Session, mut connection: UnixStream) {
    while let Ok(call) = Call::read(&mut connection) {
        let answered = answer(keys, session, call);
        if answered.unwrap_or_else(Reply::Fault).write(&mut connection).is_err() {
            return;
        }
    }
}

fn answer(keys: &Keys, session: &Session, call: Call) -> Result<Reply, LaneFault> {
    match call {
        Call::Generate { algorithm } => keys.generate(algorithm).map(Reply::Public),
        Call::Find { key } => Ok(Reply::Public(keys.find(session, &key)?.spki)),
        Call::Sign { key, input } => keys.sign(session, &key, &input).map(Reply::Signature),
        Call::Open { .. } => Err(refused::because("open a second time", "CKR_CRYPTOKI_ALREADY_INITIALIZED")),
    }
}
