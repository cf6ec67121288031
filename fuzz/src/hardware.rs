//! The room `keystore`: URIs of hardware tokens, and what the process around somebody else's module says.

use keystore::{LaneReply, Pkcs11Uri};

use crate::Reading::{self, Refused, Taken};

/// A `pkcs11:` URI: it is told as it was read, and names files by their whole paths.
pub fn pkcs11_uri(bytes: &[u8]) -> Reading {
    let Ok(text) = std::str::from_utf8(bytes) else { return Refused };
    let Ok(uri) = text.parse::<Pkcs11Uri>() else { return Refused };
    assert_eq!(uri.to_string(), text, "a configuration is shown as it was written");
    for path in [uri.module(), uri.pin_file()] {
        assert!(path.is_absolute(), "a relative path means another file in every folder");
        assert!(!path.as_os_str().as_encoded_bytes().contains(&0), "no path holds a zero");
    }
    Taken
}

/// A reply of a lane process: a fixed layout has one encoding.
pub fn lane_reply(bytes: &[u8]) -> Reading {
    let Ok(reply) = LaneReply::decode(bytes) else { return Refused };
    assert_eq!(reply.encode(), bytes, "a reply is read from its one layout alone");
    Taken
}
