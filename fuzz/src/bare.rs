//! Files of minisign (the room `envelope`), and lists of checksums (the room `formats`).

use envelope::minisign::{Minisig, MinisignKey};
use formats::checksums::ChecksumList;
use model::{Digests, Hash};

use crate::Reading::{self, Refused, Taken};
use crate::known::UNSIGNED;
use crate::platform;

/// A signature or a public key of minisign: written again it is the same, and the founder's key has signed one file.
pub fn minisign(bytes: &[u8]) -> Reading {
    let Ok(text) = std::str::from_utf8(bytes) else { return Refused };
    let mut reading = Refused;
    if let Ok(key) = MinisignKey::parse(text) {
        assert_eq!(MinisignKey::parse(&key.to_file()).expect("our own file"), key);
        assert_eq!(MinisignKey::parse(&key.to_line()).expect("our own line"), key);
        reading = Taken;
    }
    if let Ok(signature) = Minisig::parse(text) {
        assert_eq!(Minisig::parse(&signature.to_file()).expect("our own file"), signature);
        let key = platform::founder_minisign_key();
        let unsigned = Digests::of(UNSIGNED, &[Hash::Blake2b512]);
        assert!(signature.verify(&key, &unsigned).is_err(), "nobody signed that");
        assert!(signature.verify_legacy(&key, UNSIGNED).is_err(), "nobody signed that");
        let signed = Digests::of(platform::MESSAGE, &[Hash::Blake2b512]);
        if signature.verify(&key, &signed).is_ok() {
            assert_eq!(signature.trusted_comment(), platform::COMMENT, "the founder said nothing else");
        }
        reading = Taken;
    }
    reading
}

/// A list of checksums: written again it says the same, and none of its names leads out of its folder.
pub fn checksums(bytes: &[u8]) -> Reading {
    let Ok(list) = ChecksumList::parse(bytes) else { return Refused };
    assert_eq!(ChecksumList::parse(list.encode().as_bytes()).expect("our own list"), list);
    for file in list.files() {
        let path = std::path::Path::new("folder").join(&file.name);
        assert!(path.starts_with("folder"), "an absolute name");
        let up = path.components().any(|part| part == std::path::Component::ParentDir);
        assert!(!up, "a name that leads out of the folder");
        assert!(file.digest.as_bytes().len() >= 32, "a weak digest");
    }
    Taken
}
