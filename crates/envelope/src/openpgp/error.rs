//! What can be wrong with OpenPGP signatures and certificates.

use model::{BadSignature, Fingerprint, Instant, KeyError};

/// Why bytes are not an OpenPGP signature or certificate that is read here, or why one is bad.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenPgpError {
    /// More bytes than are read.
    #[error("{length} bytes of OpenPGP, where at most {limit} are read")]
    TooLong {
        /// How many there are.
        length: usize,
        /// How many are read.
        limit: usize,
    },
    /// More of something than is read.
    #[error("more than {limit} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many are read.
        limit: usize,
    },
    /// Not the armor that belongs there.
    #[error("not an armored OpenPGP {expected}, which begins with `-----BEGIN PGP {marker}-----`")]
    Armor {
        /// What was expected.
        expected: &'static str,
        /// What stands between the dashes.
        marker: &'static str,
    },
    /// Armor whose checksum is that of other bytes.
    #[error("the armor's checksum is not that of its bytes")]
    Checksum,
    /// A field is cut off, too long, or not what stands there.
    #[error("the {what} is malformed")]
    Malformed {
        /// Which.
        what: &'static str,
    },
    /// A packet whose length is told piece by piece, or not at all. Nothing that is signed needs one.
    #[error("a packet of partial or indeterminate length, which is not read here")]
    PartialLength,
    /// A packet that does not belong there.
    #[error("a packet of type {tag} ({name}), which has no place in a {place}")]
    OtherPacket {
        /// Its type.
        tag: u8,
        /// What that is.
        name: &'static str,
        /// Where it stands.
        place: &'static str,
    },
    /// A version of a key or a signature that is not read.
    #[error("a {what} of version {version}, where version 4 is read")]
    Version {
        /// Of what.
        what: &'static str,
        /// Its version.
        version: u8,
    },
    /// A public-key algorithm that is not verified.
    #[error("public-key algorithm {id} ({name}) is not verified here; known are RSA, ECDSA and EdDSA")]
    UnknownAlgorithm {
        /// Its number.
        id: u8,
        /// What that is.
        name: &'static str,
    },
    /// A hash that is no proof of anything any more.
    #[error("it is made with {name}, which is too weak to be believed")]
    WeakHash {
        /// Which.
        name: &'static str,
    },
    /// A hash that is not read.
    #[error("it is made with hash {id}, which is not known here; known are SHA-256, SHA-384 and SHA-512")]
    UnknownHash {
        /// Its number.
        id: u8,
    },
    /// A type of signature that says nothing of a file.
    #[error("a signature of type {kind:#04x}, where {expected} belongs")]
    OtherType {
        /// Its type.
        kind: u8,
        /// What belongs there.
        expected: &'static str,
    },
    /// A subpacket that must be understood, and is not.
    #[error("it holds a critical subpacket of type {kind}, which is not known here")]
    UnknownCritical {
        /// Its type.
        kind: u8,
    },
    /// A notation that must be understood, and is not.
    #[error("it holds the critical notation `{name}`, which is not known here")]
    CriticalNotation {
        /// Its name.
        name: String,
    },
    /// Something that stands twice, so that two readers may read two things.
    #[error("the {what} stands in it twice")]
    Twice {
        /// What.
        what: &'static str,
    },
    /// Something that every signature has, and this one has not.
    #[error("it has no {what} among what is signed")]
    Missing {
        /// What.
        what: &'static str,
    },
    /// A key of a known kind that is no key.
    #[error("the OpenPGP key cannot be used")]
    Key(#[source] KeyError),
    /// A certificate whose key did not sign for itself.
    #[error("key {fingerprint} has no self-signature that can be believed")]
    NoSelfSignature {
        /// Whose.
        fingerprint: Fingerprint,
    },
    /// A key that its owner gave up.
    #[error("key {fingerprint} is revoked")]
    Revoked {
        /// Which.
        fingerprint: Fingerprint,
    },
    /// A key that is not for signing files.
    #[error("key {fingerprint} is not for signing files, by its own certificate")]
    OtherUse {
        /// Which.
        fingerprint: Fingerprint,
    },
    /// A signature from before its key began or after it ended.
    #[error("key {fingerprint} counts from {from}{until}, and the signature says {at}")]
    OutsideValidity {
        /// Which.
        fingerprint: Fingerprint,
        /// From when.
        from: Instant,
        /// Until when, in words; empty if it does not end.
        until: String,
        /// When it was signed, by the signature's own word.
        at: Instant,
    },
    /// A clearsigned text that does not name the hash of its signature.
    #[error("the text does not name {hash}, with which its signature is made")]
    OtherHashNamed {
        /// Which.
        hash: model::Hash,
    },
    /// A key that does not go with what names it.
    #[error("the signature names another key than {fingerprint}")]
    OtherKey {
        /// The key at hand.
        fingerprint: Fingerprint,
    },
    /// The digest of the content was not computed with this hash.
    #[error("the file's {hash} was not computed")]
    HashUnknown {
        /// Which.
        hash: model::Hash,
    },
    /// The two bytes of the digest that stand in the clear are those of another.
    #[error("the signature is over other bytes: the beginning of the digest that it shows differs")]
    OtherDigest,
    /// The signature is bad.
    #[error("the OpenPGP signature is bad")]
    BadSignature(#[from] BadSignature),
    /// What is to be sealed is not a signature of this kind of key.
    #[error("a signature that does not go with the OpenPGP key it should be sealed with")]
    Unsealable,
    /// A text that would not survive being clearsigned.
    #[error("not a clearsigned text, which begins with `-----BEGIN PGP SIGNED MESSAGE-----`")]
    NotClearsigned,
}
