//! Tokens: opened, and verified.

use model::{Digest, Hash, Instant};
use pki::{Certificate, Usage, VerifiedPath, verify_path};

use super::response::token_of;
use super::{Imprint, TimestampError, TstInfo};
use crate::cms::attributes::directory_name;
use crate::cms::{CmsError, SignedMessage, open_signed_data};
use crate::der_set::write;
use crate::oids;

/// A token, taken apart. Nothing in it is believed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedToken {
    tst_info: TstInfo,
    tst_info_der: Vec<u8>,
    certificates: Vec<Certificate>,
    message: SignedMessage,
}

/// What a verifier knows of an authority.
#[derive(Debug, Clone, Copy)]
pub struct Authority<'a> {
    /// Its certificate, where tokens may come without one, and those between it and the root.
    pub certificates: &'a [Certificate],
    /// The roots that are believed.
    pub roots: &'a [Certificate],
}

/// What a token should be over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stamped<'a> {
    /// These bytes.
    Bytes(&'a [u8]),
    /// Bytes with this SHA-256.
    Sha256(Digest),
}

/// A token over known bytes, by an authority that a known root vouches for at the time that the token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedTimestamp {
    tst_info: TstInfo,
    path: VerifiedPath,
}

/// Takes a response or a bare token apart.
pub fn open(der: &[u8]) -> Result<OpenedToken, TimestampError> {
    let opened = open_signed_data(&token_of(der)?, oids::TST_INFO)?;
    let tst_info_der = opened.content.ok_or(CmsError::Unsupported { what: "missing content" })?;
    Ok(OpenedToken {
        tst_info: TstInfo::parse(&tst_info_der)?,
        tst_info_der,
        certificates: opened.certificates,
        message: opened.message,
    })
}

impl OpenedToken {
    /// What it says.
    pub const fn tst_info(&self) -> &TstInfo {
        &self.tst_info
    }

    /// The certificates in it, in their order.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// What was signed: the DER SET OF the signed attributes.
    pub fn to_be_signed(&self) -> &[u8] {
        self.message.to_be_signed()
    }

    /// The authority's signature.
    pub fn signature(&self) -> &[u8] {
        self.message.signature()
    }

    /// The signing time among the signed attributes; [`TstInfo::time`] is the one that counts.
    pub const fn signing_time(&self) -> Option<Instant> {
        self.message.signing_time()
    }
}

/// Checks that a token is over these bytes, and that an authority of ours made it, as its certificates stood at the
/// time that the token says.
pub fn verify(
    token: &OpenedToken,
    stamped: Stamped<'_>,
    authority: Authority<'_>,
) -> Result<VerifiedTimestamp, TimestampError> {
    let at_hand: Vec<Certificate> =
        token.certificates.iter().chain(authority.certificates).cloned().collect();
    let signer = signer(token, stamped, &at_hand)?;
    let others: Vec<Certificate> = at_hand.into_iter().filter(|certificate| *certificate != signer).collect();
    let path = verify_path(&signer, &others, authority.roots, token.tst_info.time, Usage::Timestamping);
    Ok(VerifiedTimestamp { tst_info: token.tst_info.clone(), path: path.map_err(TimestampError::Path)? })
}

/// Does the same for a token by the authority of one that was verified before, whose path is looked at for its own time
/// alone. `None`: another made it, and nothing is known of its path.
pub fn verify_alike(
    token: &OpenedToken,
    stamped: Stamped<'_>,
    known: &VerifiedTimestamp,
) -> Result<Option<VerifiedTimestamp>, TimestampError> {
    let authority = known.path.leaf();
    if !token.certificates.contains(authority) {
        return Ok(None);
    }
    let signer = signer(token, stamped, &token.certificates)?;
    if signer != *authority {
        return Ok(None);
    }
    let path = known.path.at_time(token.tst_info.time).map_err(TimestampError::Path)?;
    Ok(Some(VerifiedTimestamp { tst_info: token.tst_info.clone(), path }))
}

/// The certificate, one of these, of whoever made a token over these bytes.
fn signer(
    token: &OpenedToken,
    stamped: Stamped<'_>,
    at_hand: &[Certificate],
) -> Result<Certificate, TimestampError> {
    let hash = token.tst_info.imprint.hash();
    let imprint = match stamped {
        Stamped::Bytes(bytes) => Imprint::of(hash, bytes),
        Stamped::Sha256(digest) if hash == Hash::Sha256 => Imprint::sha256(&digest),
        Stamped::Sha256(_) => return Err(TimestampError::ImprintUnknown),
    };
    if token.tst_info.imprint != imprint {
        return Err(TimestampError::OtherImprint);
    }
    let signer = token.message.check(at_hand, |hash| Some(hash.digest(&token.tst_info_der)))?;
    if token.tst_info.authority.as_ref().is_some_and(|name| !names(name, &signer)) {
        return Err(TimestampError::OtherAuthority);
    }
    Ok(signer)
}

/// Is this GeneralName the subject of this certificate? Names of other kinds say nothing that could be compared.
fn names(general_name: &[u8], certificate: &Certificate) -> bool {
    let subject = write(&directory_name(&certificate.subject_der()));
    general_name.first() != subject.first() || general_name == subject
}

impl VerifiedTimestamp {
    /// The time that the authority vouches for.
    pub const fn time(&self) -> Instant {
        self.tst_info.time
    }

    /// What the token says.
    pub const fn tst_info(&self) -> &TstInfo {
        &self.tst_info
    }

    /// The authority's certificate and what vouches for it.
    pub const fn path(&self) -> &VerifiedPath {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn a_token_that_names_its_authority_names_the_one_of_its_certificate() {
        let read = |pem| Certificate::from_pem(pem).unwrap();
        let leaf = read(include_str!("../../tests/vectors/worked-example/certs/tsa-leaf.pem"));
        let root = read(include_str!("../../tests/vectors/worked-example/certs/tsa-root.pem"));
        let name = write(&directory_name(&leaf.subject_der()));
        assert!(names(&name, &leaf));
        assert!(!names(&name, &root));
        // A dNSName says nothing about a directory name.
        assert!(names(&[0x82, 1, b'a'], &leaf));
    }
}
