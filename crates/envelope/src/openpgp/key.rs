//! Public keys as OpenPGP has them, in packets of version 4.

use model::{Algorithm, Fingerprint, Instant, PublicKey};

use super::{OpenPgpError, mpi};

/// How OpenPGP signs with a key, by the numbers that it gives them (RFC 9580 §9.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyAlgorithm {
    /// RSA, PKCS #1 v1.5.
    Rsa,
    /// ECDSA.
    Ecdsa,
    /// Ed25519 as OpenPGP had it before RFC 9580: what GnuPG 2.2 and all of today's readers know.
    EdDsa,
}

/// A public key with the time from which on it is known: both go into its fingerprint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    public: PublicKey,
    created: u32,
}

/// A curve by its object identifier, without tag and length.
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const ED25519: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01];

/// What stands before an Ed25519 point, to tell it from others.
const NATIVE: u8 = 0x40;

impl KeyAlgorithm {
    /// How keys of this algorithm sign.
    pub const fn of(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::EcdsaP256 | Algorithm::EcdsaP384 => Self::Ecdsa,
            Algorithm::Ed25519 => Self::EdDsa,
            _ => Self::Rsa,
        }
    }

    /// Its number.
    pub const fn id(self) -> u8 {
        match self {
            Self::Rsa => 1,
            Self::Ecdsa => 19,
            Self::EdDsa => 22,
        }
    }

    /// The one with this number.
    pub(crate) const fn from_id(id: u8) -> Result<Self, OpenPgpError> {
        let name = match id {
            1 => return Ok(Self::Rsa),
            19 => return Ok(Self::Ecdsa),
            22 => return Ok(Self::EdDsa),
            2 | 3 => "RSA for one use, which was given up long ago",
            16 | 20 => "Elgamal",
            17 => "DSA",
            18 => "ECDH",
            25 => "X25519",
            26 => "X448",
            27 => "Ed25519 of RFC 9580",
            28 => "Ed448",
            _ => "unknown",
        };
        Err(OpenPgpError::UnknownAlgorithm { id, name })
    }
}

/// A time as OpenPGP has it: it counts until 2106, and stops there.
pub(super) fn seconds(time: Instant) -> u32 {
    u32::try_from(time.seconds()).unwrap_or(u32::MAX)
}

impl Key {
    /// A key that is known since `created`; what is below a second is not used.
    pub fn new(public: &PublicKey, created: Instant) -> Self {
        Self { public: public.clone(), created: seconds(created) }
    }

    /// The public key.
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Since when it is known.
    pub fn created(&self) -> Instant {
        Instant::from_seconds(u64::from(self.created))
    }

    /// How it signs.
    pub const fn algorithm(&self) -> KeyAlgorithm {
        KeyAlgorithm::of(self.public.algorithm())
    }

    /// Its fingerprint.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.framed())
    }

    /// The body of its packet (RFC 9580 §5.5.2).
    pub(super) fn body(&self) -> Vec<u8> {
        let mut body = vec![4];
        body.extend_from_slice(&self.created.to_be_bytes());
        body.push(self.algorithm().id());
        let raw = self.public.raw();
        let curve = |body: &mut Vec<u8>, oid: &[u8], point: &[u8]| {
            body.push(u8::try_from(oid.len()).expect("object identifiers of curves are short"));
            body.extend_from_slice(oid);
            mpi::put(body, point);
        };
        match self.public.algorithm() {
            Algorithm::EcdsaP256 => curve(&mut body, P256, raw),
            Algorithm::EcdsaP384 => curve(&mut body, P384, raw),
            Algorithm::Ed25519 => curve(&mut body, ED25519, &[&[NATIVE], raw].concat()),
            _ => {
                let (modulus, exponent) = self.public.rsa_numbers().expect("what is no curve is RSA");
                mpi::put(&mut body, modulus);
                mpi::put(&mut body, exponent);
            }
        }
        body
    }

    /// The key as it is hashed, for its fingerprint and in signatures over keys.
    pub(super) fn framed(&self) -> Vec<u8> {
        let body = self.body();
        let length = u16::try_from(body.len()).expect("public keys are far below 64 KiB");
        [&[0x99][..], &length.to_be_bytes(), &body].concat()
    }

    /// Reads the body of a packet.
    pub(super) fn parse(body: &[u8]) -> Result<Self, OpenPgpError> {
        const MALFORMED: OpenPgpError = OpenPgpError::Malformed { what: "OpenPGP key" };
        let (created, id, mut rest) = match *body {
            [4, a, b, c, d, id, ref rest @ ..] => (u32::from_be_bytes([a, b, c, d]), id, rest),
            [version, ..] if version != 4 => return Err(OpenPgpError::Version { what: "key", version }),
            _ => return Err(MALFORMED),
        };
        let public = match KeyAlgorithm::from_id(id)? {
            KeyAlgorithm::Rsa => {
                let modulus = mpi::take(&mut rest)?;
                PublicKey::from_rsa(modulus, mpi::take(&mut rest)?)
            }
            curve => {
                let (length, after) = rest.split_first().ok_or(MALFORMED)?;
                let (oid, after) = after.split_at_checked(usize::from(*length)).ok_or(MALFORMED)?;
                rest = after;
                let point = mpi::take(&mut rest)?;
                match (curve, oid) {
                    (KeyAlgorithm::Ecdsa, P256) => PublicKey::from_point(Algorithm::EcdsaP256, point),
                    (KeyAlgorithm::Ecdsa, P384) => PublicKey::from_point(Algorithm::EcdsaP384, point),
                    (KeyAlgorithm::EdDsa, ED25519) => match point {
                        [NATIVE, raw @ ..] => {
                            Ok(PublicKey::from_ed25519(raw.try_into().map_err(|_| MALFORMED)?))
                        }
                        _ => return Err(MALFORMED),
                    },
                    _ => {
                        let name = "on a curve that is not known here";
                        return Err(OpenPgpError::UnknownAlgorithm { id, name });
                    }
                }
            }
        };
        let key = Self { public: public.map_err(OpenPgpError::Key)?, created };
        // One key has one spelling, and so one fingerprint.
        if rest.is_empty() && key.body() == body { Ok(key) } else { Err(MALFORMED) }
    }
}
