//! The certificate of a key of one's own.

use model::{Hash, Instant, PublicKey};

use crate::ToBeSigned;
use crate::openpgp::head::{Head, Kind};
use crate::openpgp::key::seconds;
use crate::openpgp::seal::{digest_of, sealed};
use crate::openpgp::{Key, OpenPgpError, packet, subpacket};

/// Certifies a user id without saying how it was checked, which a key's own word needs not.
const POSITIVE: u8 = 0x13;

/// It certifies (itself), and signs files.
const CERTIFIES_AND_SIGNS: u8 = 0x03;

/// A user id that everybody shows in full.
const USER_ID_BYTES_MAX: usize = 256;

/// A certificate that its key has not signed yet. Everything in it follows from the key, its times and its user id, so
/// that the same one comes of them again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCertificate {
    key: Key,
    user_id: String,
    hash: Hash,
    head: Head,
}

impl NewCertificate {
    /// The certificate of a key that may sign from `since` until `until`.
    pub fn new(
        public: &PublicKey,
        since: Instant,
        until: Instant,
        user_id: &str,
    ) -> Result<Self, OpenPgpError> {
        let key = Key::new(public, since);
        let lasts = seconds(until).saturating_sub(seconds(since));
        if user_id.is_empty() || user_id.len() > USER_ID_BYTES_MAX || user_id.contains(char::is_control) {
            return Err(OpenPgpError::Malformed { what: "user id" });
        }
        if lasts == 0 {
            // That would mean for ever.
            return Err(OpenPgpError::Malformed { what: "end of the key" });
        }
        let hash = public.algorithm().hash().unwrap_or(Hash::Sha256);
        let more: [(u8, &[u8]); 2] =
            [(subpacket::KEY_EXPIRES, &lasts.to_be_bytes()), (subpacket::KEY_FLAGS, &[CERTIFIES_AND_SIGNS])];
        let (created, fingerprint) = (seconds(since), key.fingerprint());
        let kind = Kind::Certification(POSITIVE);
        let head = Head::new(kind, key.algorithm(), hash, (created, &fingerprint), &more);
        let head = head.ok_or(OpenPgpError::Unsealable)?;
        Ok(Self { key, user_id: user_id.to_owned(), hash, head })
    }

    fn digested(&self) -> (Vec<u8>, ToBeSigned) {
        let message = [certified(&self.key, self.user_id.as_bytes()), self.head.trailer()].concat();
        digest_of(self.key.algorithm(), self.hash, &message)
    }

    /// What the key signs.
    pub fn to_be_signed(&self) -> ToBeSigned {
        self.digested().1
    }

    /// The certificate with the key's signature in it.
    pub fn seal(&self, signature: &[u8]) -> Result<Vec<u8>, OpenPgpError> {
        let packets = [
            packet::write(packet::PUBLIC_KEY, &self.key.body()),
            packet::write(packet::USER_ID, self.user_id.as_bytes()),
            sealed(&self.head, &self.digested().0, signature)?,
        ];
        Ok(packets.concat())
    }
}

/// What a certification of a user id is over, before its trailer (RFC 9580 §5.2.4).
pub(super) fn certified(key: &Key, user_id: &[u8]) -> Vec<u8> {
    let length = u32::try_from(user_id.len()).expect("packets are read up to four megabytes");
    [&key.framed()[..], &[0xb4], &length.to_be_bytes(), user_id].concat()
}
