//! Armor: base64 in lines between two markers.

use data_encoding::BASE64;

use super::{SSHSIG_BYTES_MAX, SshSigError};

const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";

/// The line length of ssh-keygen; others are read as well.
const LINE: usize = 70;

pub(super) fn decode(text: &str) -> Result<Vec<u8>, SshSigError> {
    if text.len() > SSHSIG_BYTES_MAX {
        return Err(SshSigError::TooLong { length: text.len() });
    }
    let body = text.strip_prefix(BEGIN).ok_or(SshSigError::Armor)?;
    let body = body.trim_end_matches(['\r', '\n']).strip_suffix(END).ok_or(SshSigError::Armor)?;
    if !body.starts_with(['\r', '\n']) || !body.ends_with('\n') {
        return Err(SshSigError::Armor);
    }
    let base64: String = body.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    BASE64.decode(base64.as_bytes()).map_err(|_| SshSigError::Armor)
}

pub(super) fn encode(blob: &[u8]) -> String {
    let base64 = BASE64.encode(blob);
    let mut text = format!("{BEGIN}\n");
    for (at, c) in base64.chars().enumerate() {
        if at > 0 && at % LINE == 0 {
            text.push('\n');
        }
        text.push(c);
    }
    text + "\n" + END + "\n"
}
