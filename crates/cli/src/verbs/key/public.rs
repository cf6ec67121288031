//! A key's public half as those who verify with other tools keep it.

use envelope::minisign::MinisignKey;
use envelope::sshsig::{Holder, SshKey};
use model::Form;
use quorum::KeyRecord;

use crate::verbs::trust;

/// The file for whoever verifies: that of `minisign -p`, a line of `ssh-keygen`'s `allowed_signers`, or PEM.
pub(super) fn file(record: &KeyRecord) -> String {
    match (minisign(record), line(record)) {
        (Some(key), _) => key.to_file(),
        (None, Some(line)) => line + "\n",
        (None, None) => trust::public_key_pem(&record.public_key),
    }
}

/// The same in one line, where there is such.
pub(super) fn line(record: &KeyRecord) -> Option<String> {
    match record.form {
        Form::Minisign => minisign(record).map(|key| key.to_line()),
        Form::SshSig => {
            let key = SshKey::new(record.public_key.clone(), Holder::Software).ok()?;
            let namespaces = record.namespaces.join(",");
            Some(format!("{} namespaces=\"{namespaces}\" {}", record.name, key.to_line()))
        }
        _ => None,
    }
}

fn minisign(record: &KeyRecord) -> Option<MinisignKey> {
    MinisignKey::of(&record.public_key).filter(|_| record.form == Form::Minisign)
}
