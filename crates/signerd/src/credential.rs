//! What an administrator shows at the administrative socket: that they can read a file which the key process alone
//! may show to others.
//!
//! Where two processes run as one user, their user does not tell them apart at a socket, and no path of a socket is
//! closed to who is locked in. A file is.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use aws_lc_rs::{constant_time, rand};
use signer::{CREDENTIAL_BYTES, credential_file};

use crate::KeyProcessError;

/// The credential of one run of the key process.
#[derive(Clone)]
pub(crate) struct Credential([u8; CREDENTIAL_BYTES]);

impl Credential {
    /// Makes a new one, and leaves it beside the socket for who may read it: the user of the process.
    pub(crate) fn issue(socket: &Path) -> Result<Self, KeyProcessError> {
        let path = credential_file(socket);
        let mut bytes = [0; CREDENTIAL_BYTES];
        rand::fill(&mut bytes).expect("the system's source of randomness works from boot on");
        let written = remove(&path).and_then(|()| {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
            file.write_all(&bytes)
        });
        match written {
            Ok(()) => Ok(Self(bytes)),
            Err(source) => Err(KeyProcessError::System { action: "write", path, source }),
        }
    }

    /// Takes it away again.
    pub(crate) fn withdraw(socket: &Path) {
        // One that stays is of no use: the next start makes another.
        let _ = remove(&credential_file(socket));
    }

    /// Is this what the other side shows first of all?
    pub(crate) fn is_shown(&self, stream: &mut impl Read) -> io::Result<bool> {
        let mut shown = [0; CREDENTIAL_BYTES];
        stream.read_exact(&mut shown)?;
        Ok(constant_time::verify_slices_are_equal(&self.0, &shown).is_ok())
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(cause),
        _ => Ok(()),
    }
}
