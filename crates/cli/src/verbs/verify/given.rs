//! Public keys that a verifier names, in the files in which their tools keep them.

use std::path::Path;

use envelope::minisign::MinisignKey;
use envelope::openpgp::{CERTIFICATES_BYTES_MAX, Certificate, read_certificates};
use envelope::sshsig::SshKey;
use model::PublicKey;

use crate::failure::Failure;

/// What such a file holds.
#[derive(Debug, Clone)]
pub(crate) enum GivenKey {
    /// A key in PEM.
    Pem(PublicKey),
    /// A key of minisign.
    Minisign(MinisignKey),
    /// Keys of SSH, one a line.
    Ssh(Vec<SshKey>),
    /// Certificates of OpenPGP, armored or not.
    OpenPgp(Vec<Certificate>),
}

const EXPECTED: &str = "a public key in PEM, of minisign, of SSH or of OpenPGP";

impl GivenKey {
    /// Reads a file, whichever it is.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let bytes = crate::files::read_bounded(path, CERTIFICATES_BYTES_MAX)?;
        let text = String::from_utf8_lossy(&bytes);
        let name = path.display().to_string();
        // A packet begins with its top bit set, which no text has.
        if text.starts_with("-----BEGIN PGP ") || bytes.first().is_some_and(|first| *first >= 0x80) {
            return read_certificates(&bytes).map(Self::OpenPgp).map_err(Failure::input(&name, EXPECTED));
        }
        if ["ssh-", "ecdsa-", "sk-"].iter().any(|kind| text.starts_with(kind)) {
            let lines = text.lines().filter(|line| !line.trim().is_empty());
            let keys: Result<_, _> = lines.map(SshKey::from_line).collect();
            return keys.map(Self::Ssh).map_err(Failure::input(&name, EXPECTED));
        }
        if let Ok(key) = MinisignKey::parse(&text) {
            return Ok(Self::Minisign(key));
        }
        // PEM (RFC 7468 §13).
        let body: String = text.lines().filter(|line| !line.starts_with("-----")).map(str::trim).collect();
        let der = data_encoding::BASE64.decode(body.as_bytes()).map_err(Failure::input(&name, EXPECTED))?;
        PublicKey::from_spki(&der).map(Self::Pem).map_err(Failure::input(&name, EXPECTED))
    }
}
