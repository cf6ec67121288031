//! From what a client presents to who it is.

use model::{Instant, KeyId, Proven, Space};

use crate::{ApiKey, ApiKeyId, Caller, KeySet, KeySetError, PrincipalRecord};

/// What a client presented at the door.
#[derive(Debug, Clone, Copy, Default)]
pub struct Presented<'a> {
    /// The value of its `Authorization` header.
    pub authorization: Option<&'a [u8]>,
    /// Its client certificate.
    pub certificate: Option<ClientCertificate>,
}

/// A client certificate whose private key the TLS layer has seen at work.
///
/// It was valid when the session began. Connections are kept and sessions are resumed, so that its end is looked at
/// with every call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientCertificate {
    /// Its key.
    pub key: KeyId,
    /// The last second in which it is valid.
    pub not_after: Instant,
}

/// Why nobody is let in. All but [`AuthenticationError::Unavailable`] say that the credential is not good.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthenticationError {
    /// Nothing was presented.
    #[error(
        "no credential was presented: send an API key as `Authorization: Bearer avk_…`, or connect with a client certificate"
    )]
    Missing,
    /// A header that holds no API key.
    #[error("the `Authorization` header holds no API key: it must read `Bearer avk_<id>_<secret>`")]
    NotAnApiKey,
    /// No such key, or another secret. Which of the two is not said.
    #[error("API key `{id}` is unknown, or its secret is wrong: ask an administrator for a new one")]
    UnknownApiKey {
        /// The key's id.
        id: ApiKeyId,
    },
    /// A key past its end.
    #[error("API key `{id}` expired at {expires}: ask an administrator for a new one")]
    ExpiredApiKey {
        /// The key's id.
        id: ApiKeyId,
        /// Its end.
        expires: Instant,
    },
    /// A key that was taken back.
    #[error("API key `{id}` was revoked at {revoked}: ask an administrator for a new one")]
    RevokedApiKey {
        /// The key's id.
        id: ApiKeyId,
        /// Since when.
        revoked: Instant,
    },
    /// A certificate that nobody registered.
    #[error(
        "the client certificate's key `{key}` belongs to no principal: ask an administrator to register it"
    )]
    UnknownCertificate {
        /// The certificate's key.
        key: KeyId,
    },
    /// A certificate past its end, on a connection or a session that began before.
    #[error(
        "the client certificate of key `{key}` expired at {not_after}: ask an administrator to register another"
    )]
    ExpiredCertificate {
        /// The certificate's key.
        key: KeyId,
        /// Its last second.
        not_after: Instant,
    },
    /// A certificate that was taken back.
    #[error(
        "the client certificate's key `{key}` was revoked at {revoked}: ask an administrator to register another"
    )]
    RevokedCertificate {
        /// The certificate's key.
        key: KeyId,
        /// Since when.
        revoked: Instant,
    },
    /// A good credential of somebody who may do nothing any more.
    #[error("principal `{name}` was disabled at {disabled}: ask an administrator to enable it")]
    Disabled {
        /// What the principal is called.
        name: String,
        /// Since when.
        disabled: Instant,
    },
    /// It cannot be said whether the credential is good.
    #[error("the credential cannot be checked now: try again")]
    Unavailable(#[source] KeySetError),
}

impl AuthenticationError {
    /// The word under which such a refusal is counted; `None` where nobody was refused yet.
    pub const fn word(&self) -> Option<&'static str> {
        Some(match self {
            Self::Missing => "no-credential",
            Self::NotAnApiKey => "no-api-key",
            Self::UnknownApiKey { .. } => "unknown-api-key",
            Self::ExpiredApiKey { .. } => "expired-api-key",
            Self::RevokedApiKey { .. } => "revoked-api-key",
            Self::UnknownCertificate { .. } => "unknown-certificate",
            Self::ExpiredCertificate { .. } => "expired-certificate",
            Self::RevokedCertificate { .. } => "revoked-certificate",
            Self::Disabled { .. } => "disabled-principal",
            Self::Unavailable(_) => return None,
        })
    }
}

/// Says who presents this. An `Authorization` header is the credential wherever there is one: a bad API key is
/// never made good by a certificate beside it.
pub fn authenticate(
    keys: &dyn KeySet,
    presented: Presented<'_>,
    now: Instant,
) -> Result<Caller, AuthenticationError> {
    match (presented.authorization, presented.certificate) {
        (Some(header), _) => by_api_key(keys, header, now),
        (None, Some(certificate)) => by_certificate(keys, certificate, now),
        (None, None) => Err(AuthenticationError::Missing),
    }
}

fn by_api_key(keys: &dyn KeySet, header: &[u8], now: Instant) -> Result<Caller, AuthenticationError> {
    let key = bearer(header).ok_or(AuthenticationError::NotAnApiKey)?;
    let id = key.id();
    let found = keys.api_key(&id).map_err(AuthenticationError::Unavailable)?;
    let (record, principal) = found.ok_or(AuthenticationError::UnknownApiKey { id })?;
    // The secret comes first: who does not hold it learns nothing about the key's fate.
    key.verify(&record.digest).map_err(|_| AuthenticationError::UnknownApiKey { id })?;
    if let Some(revoked) = record.revoked {
        return Err(AuthenticationError::RevokedApiKey { id, revoked });
    }
    if now >= record.expires {
        return Err(AuthenticationError::ExpiredApiKey { id, expires: record.expires });
    }
    let spaces = narrower(&principal.spaces, &record.spaces);
    caller(principal, Proven::ApiKey, spaces, record.profiles)
}

fn by_certificate(
    keys: &dyn KeySet,
    certificate: ClientCertificate,
    now: Instant,
) -> Result<Caller, AuthenticationError> {
    let ClientCertificate { key, not_after } = certificate;
    let found = keys.certificate(&key).map_err(AuthenticationError::Unavailable)?;
    let (record, principal) = found.ok_or(AuthenticationError::UnknownCertificate { key })?;
    if let Some(revoked) = record.revoked {
        return Err(AuthenticationError::RevokedCertificate { key, revoked });
    }
    if now.seconds() > not_after.seconds() {
        return Err(AuthenticationError::ExpiredCertificate { key, not_after });
    }
    let spaces = principal.spaces.clone();
    caller(principal, Proven::ClientCertificate, spaces, None)
}

fn caller(
    principal: PrincipalRecord,
    proven: Proven,
    spaces: Vec<Space>,
    profiles: Option<Vec<Space>>,
) -> Result<Caller, AuthenticationError> {
    if let Some(disabled) = principal.disabled {
        return Err(AuthenticationError::Disabled { name: principal.name, disabled });
    }
    Ok(Caller {
        principal: principal.id,
        person: principal.person,
        name: principal.name,
        proven,
        spaces,
        profiles,
    })
}

fn bearer(header: &[u8]) -> Option<ApiKey> {
    let (scheme, key) = std::str::from_utf8(header).ok()?.split_once(' ')?;
    // RFC 9110 §11.1: the scheme's name is the same in any case of letters.
    scheme.eq_ignore_ascii_case("bearer").then(|| key.parse().ok())?
}

/// The prefixes that lie within both: of each pair that meets, the longer one.
pub(crate) fn narrower(granted: &[Space], asked: &[Space]) -> Vec<Space> {
    let mut both: Vec<Space> = granted
        .iter()
        .flat_map(|a| asked.iter().map(move |b| (a, b)))
        .filter_map(|(a, b)| match (a.is_within(b), b.is_within(a)) {
            (true, _) => Some(a.clone()),
            (false, true) => Some(b.clone()),
            (false, false) => None,
        })
        .collect();
    both.sort();
    both.dedup();
    both
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it stands")]

    use std::io;

    use model::{Digest, PersonId, PrincipalId};

    use super::*;
    use crate::{ApiKeyRecord, CertificateRecord};

    /// One principal with one API key and one certificate; `None` where the shelf has fallen down.
    struct Shelf(Option<(ApiKeyRecord, CertificateRecord, PrincipalRecord)>);

    impl Shelf {
        fn open(&self) -> Result<&(ApiKeyRecord, CertificateRecord, PrincipalRecord), KeySetError> {
            self.0.as_ref().ok_or_else(|| KeySetError(Box::new(io::Error::other("the disk is gone"))))
        }
    }

    impl KeySet for Shelf {
        fn api_key(&self, id: &ApiKeyId) -> Result<Option<(ApiKeyRecord, PrincipalRecord)>, KeySetError> {
            let (key, _, principal) = self.open()?;
            Ok((key.id == *id).then(|| (key.clone(), principal.clone())))
        }

        fn certificate(
            &self,
            id: &KeyId,
        ) -> Result<Option<(CertificateRecord, PrincipalRecord)>, KeySetError> {
            let (_, certificate, principal) = self.open()?;
            Ok((certificate.key == *id).then(|| (certificate.clone(), principal.clone())))
        }
    }

    fn space(text: &str) -> Space {
        text.parse().unwrap()
    }

    fn key() -> ApiKey {
        ApiKey::from_random(&[7; 42])
    }

    fn certificate_key() -> KeyId {
        KeyId::new(Digest::of(b"a key"))
    }

    fn shelf(change: impl FnOnce(&mut ApiKeyRecord, &mut CertificateRecord, &mut PrincipalRecord)) -> Shelf {
        let mut principal = PrincipalRecord {
            id: PrincipalId::new([1; 16]),
            person: PersonId::new([2; 16]),
            name: "build".to_owned(),
            spaces: vec![space("payments"), space("default")],
            disabled: None,
        };
        let mut api_key = ApiKeyRecord {
            id: key().id(),
            digest: key().digest(),
            principal: principal.id,
            spaces: vec![space("payments/api"), space("other")],
            profiles: Some(vec![space("payments/api/release")]),
            created: Instant::from_seconds(10),
            expires: Instant::from_seconds(100),
            revoked: None,
        };
        let mut certificate = CertificateRecord {
            key: certificate_key(),
            principal: principal.id,
            created: Instant::from_seconds(10),
            revoked: None,
        };
        change(&mut api_key, &mut certificate, &mut principal);
        Shelf(Some((api_key, certificate, principal)))
    }

    fn ask(shelf: &Shelf, header: Option<&str>, certificate: Option<KeyId>) -> Result<Caller, String> {
        ask_until(shelf, header, certificate, Instant::from_seconds(50))
    }

    /// The same with a certificate that ends then.
    fn ask_until(
        shelf: &Shelf,
        header: Option<&str>,
        certificate: Option<KeyId>,
        not_after: Instant,
    ) -> Result<Caller, String> {
        let certificate = certificate.map(|key| ClientCertificate { key, not_after });
        let presented = Presented { authorization: header.map(str::as_bytes), certificate };
        authenticate(shelf, presented, Instant::from_seconds(50)).map_err(|error| error.to_string())
    }

    fn bearer_header() -> String {
        format!("Bearer {}", key().expose())
    }

    #[test]
    fn an_api_key_reaches_what_both_it_and_its_principal_reach() {
        let caller = ask(&shelf(|_, _, _| ()), Some(&bearer_header()), None).unwrap();
        assert_eq!(caller.spaces, [space("payments/api")]);
        assert_eq!(caller.profiles, Some(vec![space("payments/api/release")]));
        assert_eq!(caller.proven, Proven::ApiKey);
        assert_eq!(caller.name, "build");
    }

    #[test]
    fn a_client_certificate_reaches_what_its_principal_reaches() {
        let caller = ask(&shelf(|_, _, _| ()), None, Some(certificate_key())).unwrap();
        assert_eq!(caller.spaces, [space("payments"), space("default")]);
        assert_eq!(caller.profiles, None);
        assert_eq!(caller.proven, Proven::ClientCertificate);
    }

    #[test]
    fn each_bad_api_key_is_refused_in_its_own_words() {
        let good = bearer_header();
        let at = Some(Instant::from_seconds(42));
        let table: Vec<(Shelf, String, &str)> = vec![
            (
                shelf(|key, _, _| key.expires = Instant::from_seconds(50)),
                good.clone(),
                "API key `avk_a4dqobyha4dqobyh` expired at 1970-01-01T00:00:50Z: ask an administrator for a new one",
            ),
            (
                shelf(|key, _, _| key.revoked = at),
                good.clone(),
                "API key `avk_a4dqobyha4dqobyh` was revoked at 1970-01-01T00:00:42Z: ask an administrator for a new one",
            ),
            (
                shelf(|_, _, principal| principal.disabled = at),
                good.clone(),
                "principal `build` was disabled at 1970-01-01T00:00:42Z: ask an administrator to enable it",
            ),
            (
                shelf(|key, _, _| key.digest = Digest::of(b"other")),
                good.clone(),
                "API key `avk_a4dqobyha4dqobyh` is unknown, or its secret is wrong: ask an administrator for a new one",
            ),
            (
                shelf(|key, _, _| key.id = ApiKeyId::new([9; 10])),
                good.clone(),
                "API key `avk_a4dqobyha4dqobyh` is unknown, or its secret is wrong: ask an administrator for a new one",
            ),
            (
                shelf(|_, _, _| ()),
                good.replace("Bearer", "Basic"),
                "the `Authorization` header holds no API key: it must read `Bearer avk_<id>_<secret>`",
            ),
            (Shelf(None), good, "the credential cannot be checked now: try again"),
        ];
        for (shelf, header, text) in table {
            assert_eq!(ask(&shelf, Some(&header), Some(certificate_key())).unwrap_err(), text);
        }
    }

    #[test]
    fn each_bad_certificate_is_refused_in_its_own_words() {
        let at = Some(Instant::from_seconds(42));
        let key = certificate_key();
        let other = KeyId::new(Digest::of(b"another key"));
        let table = [
            (
                shelf(|_, _, _| ()),
                Some(other),
                format!(
                    "the client certificate's key `{other}` belongs to no principal: ask an administrator to register it"
                ),
            ),
            (
                shelf(|_, certificate, _| certificate.revoked = at),
                Some(key),
                format!(
                    "the client certificate's key `{key}` was revoked at 1970-01-01T00:00:42Z: ask an administrator to register another"
                ),
            ),
            (
                shelf(|_, _, principal| principal.disabled = at),
                Some(key),
                "principal `build` was disabled at 1970-01-01T00:00:42Z: ask an administrator to enable it".to_owned(),
            ),
            (
                shelf(|_, _, _| ()),
                None,
                "no credential was presented: send an API key as `Authorization: Bearer avk_…`, or connect with a client certificate"
                    .to_owned(),
            ),
        ];
        for (shelf, certificate, text) in table {
            assert_eq!(ask(&shelf, None, certificate).unwrap_err(), text);
        }
    }

    #[test]
    fn a_certificate_ends_with_its_last_second_on_whatever_connection_it_was_shown() {
        let (shelf, key) = (shelf(|_, _, _| ()), certificate_key());
        assert!(ask_until(&shelf, None, Some(key), Instant::from_seconds(50)).is_ok());
        assert_eq!(
            ask_until(&shelf, None, Some(key), Instant::from_seconds(49)).unwrap_err(),
            format!(
                "the client certificate of key `{key}` expired at 1970-01-01T00:00:49Z: ask an administrator to register another"
            )
        );
    }

    #[test]
    fn an_api_key_whose_fate_is_bad_says_so_only_to_who_holds_its_secret() {
        let shelf = shelf(|key, _, _| {
            key.digest = Digest::of(b"other");
            key.revoked = Some(Instant::from_seconds(42));
            key.expires = Instant::from_seconds(20);
        });
        let text = ask(&shelf, Some(&bearer_header()), None).unwrap_err();
        assert!(text.contains("is unknown, or its secret is wrong"), "{text}");
    }

    #[test]
    fn a_key_scoped_to_spaces_that_its_principal_lost_reaches_nothing() {
        let shelf = shelf(|_, _, principal| principal.spaces = vec![space("default")]);
        assert_eq!(ask(&shelf, Some(&bearer_header()), None).unwrap().spaces, []);
    }
}
