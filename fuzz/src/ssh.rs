//! The room `envelope`: keys and signatures of SSH.

use std::sync::LazyLock;

use envelope::sshsig::{Holder, SshKey, SshSig};

use crate::Reading::{self, Refused, Taken};
use crate::known::{KEYS, UNSIGNED};
use crate::platform;

/// A key in its wire format and as a line: one key has one wire format, and a line leads back to its key.
pub fn key(bytes: &[u8]) -> Reading {
    let mut reading = Refused;
    if let Ok(key) = SshKey::from_wire(bytes) {
        assert_eq!(key.to_wire(), bytes, "a key is read from its one encoding alone");
        reads_back(&key);
        reading = Taken;
    }
    if let Some(key) = std::str::from_utf8(bytes).ok().and_then(|line| SshKey::from_line(line).ok()) {
        assert_eq!(SshKey::from_wire(&key.to_wire()).expect("our own wire format"), key);
        reads_back(&key);
        reading = Taken;
    }
    reading
}

fn reads_back(key: &SshKey) {
    assert_eq!(SshKey::from_line(&key.to_line()).expect("our own line"), *key);
}

/// A signature, bare or in armor: by keys that are not the fuzzer's it verifies nothing that they did not sign.
pub fn signature(bytes: &[u8]) -> Reading {
    let armored = std::str::from_utf8(bytes).ok().and_then(|text| SshSig::from_armor(text).ok());
    let mut reading = Refused;
    for signature in armored.into_iter().chain(SshSig::from_blob(bytes)) {
        let namespace = signature.namespace();
        for key in SSH_KEYS.iter().chain([signature.key()]) {
            assert!(signature.verify(namespace, UNSIGNED, key).is_err(), "nobody signed that");
            assert!(
                signature.verify("elsewhere", platform::MESSAGE, key).is_err(),
                "nobody signed that there"
            );
        }
        let ours = signature.verify(platform::NAMESPACE, platform::MESSAGE, signature.key());
        assert!(ours.is_err() || *signature.key() == platform::founder_key(), "only the founder signed that");
        reading = Taken;
    }
    reading
}

static SSH_KEYS: LazyLock<Vec<SshKey>> = LazyLock::new(|| {
    let known = KEYS.iter().filter_map(|key| SshKey::new(key.clone(), Holder::Software).ok());
    known.chain([platform::founder_key()]).collect()
});
