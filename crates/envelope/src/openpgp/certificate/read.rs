//! Reading certificates: which keys sign, by the word of the primary key, and until when.
//!
//! Signatures by others are passed over. One's own that does not verify says nothing; but whatever says that a key is
//! revoked, and cannot be read, is believed: to take away needs less than to give.

use model::Instant;

use super::compose::certified;
use super::{Certificate, Signer, Standing, Use};
use crate::openpgp::head::Kind;
use crate::openpgp::packet::{self, Packet, Packets};
use crate::openpgp::signature::{Signature, end};
use crate::openpgp::{Key, OpenPgpError};

/// In one file: a distribution's keyring has some hundreds.
const CERTIFICATES_MAX: usize = 4_096;

/// In one certificate, signatures of others included.
const PACKETS_MAX: usize = 16_384;

/// Signatures that are verified for one certificate: each costs a public-key operation.
const VERIFIED_MAX: usize = 256;

const SIGNS_FILES: u8 = 0x02;

/// A packet and the signatures that follow it.
struct Component<'a> {
    packet: Packet<'a>,
    signatures: Vec<Signature>,
    /// A revocation that cannot be read.
    dark: Standing,
}

pub(super) fn certificates(bytes: &[u8]) -> Result<Vec<Certificate>, OpenPgpError> {
    let mut groups: Vec<Vec<Component<'_>>> = Vec::new();
    let mut count = 0;
    for packet in Packets::new(bytes) {
        let packet = packet?;
        count += 1;
        if count > PACKETS_MAX || groups.len() > CERTIFICATES_MAX {
            return Err(OpenPgpError::TooMany { what: "packets", limit: PACKETS_MAX });
        }
        let component = Component { packet, signatures: Vec::new(), dark: Standing::InForce };
        match (packet.tag, groups.last_mut()) {
            (packet::PUBLIC_KEY, _) => groups.push(vec![component]),
            (packet::TRUST, Some(_)) => {}
            (packet::USER_ID | packet::USER_ATTRIBUTE | packet::PUBLIC_SUBKEY, Some(group)) => {
                group.push(component);
            }
            (packet::SIGNATURE, Some(group)) => {
                if let Some(last) = group.last_mut() {
                    last.add(packet.body);
                }
            }
            _ => return Err(packet::misplaced(&packet, "certificate")),
        }
    }
    let mut refused = None;
    let mut read = Vec::new();
    for group in &groups {
        match certificate(group) {
            Ok(certificate) => read.push(certificate),
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    match refused {
        _ if !read.is_empty() => Ok(read),
        Some(error) => Err(error),
        None => Err(OpenPgpError::Malformed { what: "OpenPGP certificate" }),
    }
}

impl Component<'_> {
    fn add(&mut self, body: &[u8]) {
        const REVOCATIONS: [u8; 2] = [0x20, 0x28];
        match (Signature::parse(body), body) {
            (Ok(signature), _) => self.signatures.push(signature),
            // Of versions 4 and later the second byte says of what it is, and of version 3 the third.
            (Err(_), [3, _, kind, ..] | [_, kind, ..]) if REVOCATIONS.contains(kind) => {
                self.dark = Standing::Revoked;
            }
            (Err(_), _) => {}
        }
    }

    /// Those of its signatures of these kinds that `key` made over `content`, the newest first.
    fn by(&self, key: &Key, content: &[u8], wanted: impl Fn(Kind) -> bool) -> Vec<&Signature> {
        let of_key =
            self.signatures.iter().filter(|signature| wanted(signature.kind()) && signature.names(key));
        let mut good: Vec<&Signature> =
            of_key.take(VERIFIED_MAX).filter(|signature| is_over(signature, key, content)).collect();
        good.sort_by_key(|signature| std::cmp::Reverse(signature.created()));
        good
    }
}

fn is_over(signature: &Signature, key: &Key, content: &[u8]) -> bool {
    signature.verify(key, &|hash, trailer| Some(hash.digest(&[content, trailer].concat()))).is_ok()
}

fn certificate(group: &[Component<'_>]) -> Result<Certificate, OpenPgpError> {
    let (first, rest) = group.split_first().ok_or(OpenPgpError::Malformed { what: "OpenPGP certificate" })?;
    let primary = Key::parse(first.packet.body)?;
    let framed = primary.framed();
    let direct = first.by(&primary, &framed, |kind| kind == Kind::DirectKey);
    let mut said: Vec<&Signature> = direct;
    let mut user_ids = Vec::new();
    for user in rest.iter().filter(|component| component.packet.tag == packet::USER_ID) {
        let content = certified(&primary, user.packet.body);
        let taken_back = user.by(&primary, &content, |kind| kind == Kind::CertificationRevocation);
        let taken_back = taken_back.first().and_then(|signature| signature.created());
        let own = user.by(&primary, &content, |kind| matches!(kind, Kind::Certification(_)));
        if let Some(newest) =
            own.first().copied().filter(|own| taken_back.is_none_or(|at| own.created() > Some(at)))
        {
            said.push(newest);
            user_ids.push(shown(user.packet.body));
        }
    }
    let newest = said.into_iter().max_by_key(|signature| signature.created());
    let newest =
        newest.ok_or_else(|| OpenPgpError::NoSelfSignature { fingerprint: primary.fingerprint() })?;
    let revoked = !first.by(&primary, &framed, |kind| kind == Kind::KeyRevocation).is_empty();
    let standing = if revoked { Standing::Revoked } else { first.dark };
    // Of old keys nothing says what they are for, and then they are for all.
    let use_of = use_of(newest, Use::Files);
    let owner = Signer { ends: ends(&primary, newest), key: primary, use_of, standing };
    let subkeys = rest.iter().filter(|component| component.packet.tag == packet::PUBLIC_SUBKEY);
    let subkeys: Vec<Signer> = subkeys.filter_map(|subkey| signing_subkey(&owner, subkey)).collect();
    let signers = std::iter::once(owner).chain(subkeys).collect();
    Ok(Certificate { user_ids, signers })
}

/// A subkey that may sign: its owner says so, and it says itself that this is its owner. It counts no longer than its
/// owner does.
fn signing_subkey(owner: &Signer, subkey: &Component<'_>) -> Option<Signer> {
    let primary = &owner.key;
    // What encrypts is of kinds that are not read, and signs nothing.
    let key = Key::parse(subkey.packet.body).ok()?;
    let both = [primary.framed(), key.framed()].concat();
    let binding = *subkey.by(primary, &both, |kind| kind == Kind::SubkeyBinding).first()?;
    let back = Signature::parse(binding.embedded()?).ok()?;
    if back.kind() != Kind::PrimaryBinding || !is_over(&back, &key, &both) {
        return None;
    }
    let revoked = !subkey.by(primary, &both, |kind| kind == Kind::SubkeyRevocation).is_empty();
    let standing = if revoked { Standing::Revoked } else { subkey.dark };
    let standing = if owner.standing == Standing::Revoked { Standing::Revoked } else { standing };
    let ends = ends(&key, binding).into_iter().chain(owner.ends).min();
    Some(Signer { ends, use_of: use_of(binding, Use::Else), key, standing })
}

fn use_of(said: &Signature, otherwise: Use) -> Use {
    match said.head.said.key_flags {
        None => otherwise,
        Some(flags) if flags & SIGNS_FILES != 0 => Use::Files,
        Some(_) => Use::Else,
    }
}

fn ends(key: &Key, said: &Signature) -> Option<Instant> {
    let from = u32::try_from(key.created().seconds()).unwrap_or(u32::MAX);
    end(from, said.head.said.key_expires)
}

/// A user id as it can be shown.
fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().filter(|c| !c.is_control()).take(256).collect()
}
