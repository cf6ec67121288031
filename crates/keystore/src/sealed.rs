//! One sealed key file, byte for byte.
//!
//! | part | bytes |
//! |---|---|
//! | magic | `avouch-key\0` |
//! | version | 1 |
//! | algorithm | its word behind its length in 4 bytes |
//! | key id | 32 |
//! | cost of Argon2id: memory in KiB, passes, lanes | 4 each |
//! | salt | 16 |
//! | check of the passphrase | 16 |
//! | nonce | 12 |
//! | sealed PKCS #8: AES-256-GCM, tag included | behind its length in 4 bytes |
//! | SHA-256 of all before | 32 |
//!
//! Argon2id of passphrase and salt gives 48 bytes: the sealing key, and the 16 bytes of the check, which tell a
//! wrong passphrase from a damaged file. The digest at the end is against accidents; against intent stands the tag,
//! which covers everything before the nonce as well.

use argon2::Argon2;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use model::layout::{LayoutError, Reader, Writer};
use model::{Algorithm, Digest, KeyId};
use zeroize::Zeroizing;

use crate::passphrase::Kept;
use crate::{KeyStoreError, Passphrase};

const MAGIC: &[u8] = b"avouch-key\0";
const VERSION: u8 = 1;

/// The longest sealed PKCS #8: RSA of 4,096 bits has less than 2,400 bytes.
const PKCS8_BYTES_MAX: usize = 16 * 1024;

/// What guessing a passphrase costs (RFC 9106 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Cost {
    /// The second recommendation of RFC 9106: 64 MiB, three passes, four lanes.
    pub const RECOMMENDED: Self = Self { memory_kib: 64 * 1024, passes: 3, lanes: 4 };

    /// As little as is ever read: for passphrases that are random bytes, which nobody guesses, and for tests.
    pub const LEAST: Self = Self { memory_kib: 256, passes: 1, lanes: 1 };

    /// Bounds, so that a file cannot ask for all memory, nor for none.
    fn is_allowed(self) -> bool {
        (Self::LEAST.memory_kib..=1024 * 1024).contains(&self.memory_kib)
            && (1..=16).contains(&self.passes)
            && (1..=16).contains(&self.lanes)
    }
}

/// Everything in a key file before the nonce: what is known of the key without the passphrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) algorithm: Algorithm,
    pub(crate) key: KeyId,
    pub(crate) hashing: Hashing,
    pub(crate) check: [u8; 16],
}

/// How the sealing key follows from the passphrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hashing {
    pub(crate) cost: Cost,
    pub(crate) salt: [u8; 16],
}

/// The sealing key that one passphrase gives under one salt.
#[derive(Clone)]
pub(crate) struct Sealing {
    pub(crate) hashing: Hashing,
    pub(crate) check: [u8; 16],
    key: Kept,
}

/// A key file that is well formed and not opened yet.
pub(crate) struct SealedKey {
    pub(crate) header: Header,
    nonce: [u8; 12],
    sealed: Vec<u8>,
}

impl Sealing {
    /// Derives the sealing key. Slow, on purpose.
    pub(crate) fn derive(passphrase: &Passphrase, hashing: Hashing) -> Result<Self, KeyStoreError> {
        let refuse = |_| KeyStoreError::Library { action: "hash the passphrase" };
        let Hashing { cost, salt } = hashing;
        let params =
            argon2::Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(48)).map_err(refuse)?;
        let mut output = Zeroizing::new([0; 48]);
        Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params)
            .hash_password_into(passphrase.bytes(), &salt, output.as_mut())
            .map_err(refuse)?;
        let (key, check) = output.split_at(32);
        let check = check.try_into().expect("48 bytes less 32 are 16");
        Ok(Self { hashing, check, key: passphrase.keep(Zeroizing::new(key.to_vec())) })
    }

    /// The key as the library takes it, which wipes its copy when it is dropped.
    fn key(&self) -> Result<LessSafeKey, KeyStoreError> {
        let key = UnboundKey::new(&AES_256_GCM, (*self.key).as_ref());
        key.map(LessSafeKey::new).map_err(|_| KeyStoreError::Library { action: "take a key" })
    }

    /// Seals a private key under a nonce that is used once.
    pub(crate) fn seal(
        &self,
        algorithm: Algorithm,
        key: KeyId,
        pkcs8: &[u8],
        nonce: [u8; 12],
    ) -> Result<Vec<u8>, KeyStoreError> {
        let header = Header { algorithm, key, hashing: self.hashing, check: self.check }.encode();
        let mut sealed = Zeroizing::new(pkcs8.to_vec());
        self.key()?
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(&header), &mut *sealed)
            .map_err(|_| KeyStoreError::Library { action: "seal a key" })?;
        let mut writer = Writer::new();
        writer.fixed(&header).fixed(&nonce).bytes(&sealed);
        let body = writer.finish();
        Ok([body.as_slice(), Digest::of(&body).as_bytes()].concat())
    }

    /// Opens a private key's PKCS #8.
    pub(crate) fn open(&self, name: &str, file: SealedKey) -> Result<Zeroizing<Vec<u8>>, KeyStoreError> {
        if file.header.check != self.check {
            return Err(KeyStoreError::WrongPassphrase { name: name.to_owned() });
        }
        let header = file.header.encode();
        let mut opened = Zeroizing::new(file.sealed);
        let length = self
            .key()?
            .open_in_place(Nonce::assume_unique_for_key(file.nonce), Aad::from(&header), &mut opened)
            .map_err(|_| KeyStoreError::Damaged { name: name.to_owned(), reason: "its seal does not hold" })?
            .len();
        opened.truncate(length);
        Ok(opened)
    }
}

impl Header {
    fn encode(&self) -> Vec<u8> {
        let Hashing { cost, salt } = &self.hashing;
        let mut writer = Writer::new();
        writer.fixed(MAGIC).byte(VERSION).bytes(self.algorithm.word().as_bytes()).digest(self.key.digest());
        writer.word(cost.memory_kib).word(cost.passes).word(cost.lanes).fixed(salt).fixed(&self.check);
        writer.finish()
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, LayoutError> {
        let algorithm = reader.text("algorithm", 64)?.parse();
        Ok(Self {
            algorithm: algorithm.map_err(|_| LayoutError::Value { field: "algorithm" })?,
            key: KeyId::new(reader.digest("key id")?),
            hashing: Hashing {
                cost: Cost {
                    memory_kib: reader.word("memory")?,
                    passes: reader.word("passes")?,
                    lanes: reader.word("lanes")?,
                },
                salt: reader.array("salt")?,
            },
            check: reader.array("check")?,
        })
    }
}

impl SealedKey {
    /// Reads a key file. Nothing in it is believed before its seal was opened.
    pub(crate) fn parse(name: &str, bytes: &[u8]) -> Result<Self, KeyStoreError> {
        let damaged = |reason| KeyStoreError::Damaged { name: name.to_owned(), reason };
        let (body, digest) = bytes.split_last_chunk::<32>().ok_or_else(|| damaged("it is too short"))?;
        let mut reader =
            Reader::new(body.strip_prefix(MAGIC).ok_or_else(|| damaged("it does not begin as one"))?);
        if Digest::of(body) != Digest::from_bytes(*digest) {
            return Err(damaged("its digest does not hold"));
        }
        match reader.byte("version") {
            Ok(VERSION) => {}
            Ok(version) => return Err(KeyStoreError::Version { name: name.to_owned(), version }),
            Err(_) => return Err(damaged("it is too short")),
        }
        let file = Self::take(reader).map_err(|_| damaged("its layout is not that of a key file"))?;
        let Cost { memory_kib, passes, lanes } = file.header.hashing.cost;
        if !file.header.hashing.cost.is_allowed() {
            return Err(KeyStoreError::Cost { name: name.to_owned(), memory_kib, passes, lanes });
        }
        Ok(file)
    }

    fn take(mut reader: Reader<'_>) -> Result<Self, LayoutError> {
        let header = Header::take(&mut reader)?;
        let nonce = reader.array("nonce")?;
        let sealed = reader.bytes("sealed key", PKCS8_BYTES_MAX)?.to_vec();
        reader.finish()?;
        Ok(Self { header, nonce, sealed })
    }
}
