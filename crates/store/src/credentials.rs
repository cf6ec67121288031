//! What proves a principal at the door: client certificates by their key, API keys by what is kept of their secret.

use engine::StoreError;
use identity::{ApiKeyId, ApiKeyRecord, CertificateRecord, KeySet, KeySetError, PrincipalRecord};
use model::KeyId;
use rusqlite::{Connection, Row, params};

use crate::error::{Fault, key_set};
use crate::principals::{principal, taken, unknown};
use crate::row::{bytes, digest, key_id, nanoseconds, principal_id, spaces, time, time_or_none, words};
use crate::{ChangeError, Store};

impl Store {
    /// Registers a client certificate's key.
    pub fn add_certificate(&self, certificate: &CertificateRecord) -> Result<(), ChangeError> {
        let added = self.change("write the certificate", |transaction| {
            let created = nanoseconds(certificate.created)?;
            let row = params![certificate.key.digest().as_bytes(), certificate.principal.as_bytes(), created];
            Ok(transaction.execute(include_str!("../sql/certificate_insert.sql"), row)?)
        })?;
        taken(added, "certificate key", certificate.key)
    }

    /// Takes a client certificate's key back, from now on.
    pub fn revoke_certificate(&self, key: &KeyId) -> Result<(), ChangeError> {
        let changed = self.change("write the certificate", |transaction| {
            let row = params![key.digest().as_bytes(), nanoseconds(self.now())?];
            Ok(transaction.execute(include_str!("../sql/certificate_revoke.sql"), row)?)
        })?;
        unknown(changed, "certificate key", key)
    }

    /// Adds an API key.
    pub fn add_api_key(&self, key: &ApiKeyRecord) -> Result<(), ChangeError> {
        let added = self.change("write the API key", |transaction| {
            let row = params![
                key.id.as_bytes(),
                key.digest.as_bytes(),
                key.principal.as_bytes(),
                words(&key.spaces),
                key.profiles.as_deref().map(words),
                nanoseconds(key.created)?,
                nanoseconds(key.expires)?,
            ];
            Ok(transaction.execute(include_str!("../sql/api_key_insert.sql"), row)?)
        })?;
        taken(added, "API key", key.id)
    }

    /// Takes an API key back, from now on.
    pub fn revoke_api_key(&self, id: &ApiKeyId) -> Result<(), ChangeError> {
        let changed = self.change("write the API key", |transaction| {
            let row = params![id.as_bytes(), nanoseconds(self.now())?];
            Ok(transaction.execute(include_str!("../sql/api_key_revoke.sql"), row)?)
        })?;
        unknown(changed, "API key", id)
    }

    /// All API keys, the oldest first; none holds its secret.
    pub fn api_keys(&self) -> Result<Vec<ApiKeyRecord>, StoreError> {
        self.query("read the API keys", |connection| {
            let mut statement = connection.prepare_cached(include_str!("../sql/api_key_list.sql"))?;
            let mut found = statement.query([])?;
            let mut keys = Vec::new();
            while let Some(row) = found.next()? {
                keys.push(api_key(row)?);
            }
            Ok(keys)
        })
    }
}

impl KeySet for Store {
    fn api_key(&self, id: &ApiKeyId) -> Result<Option<(ApiKeyRecord, PrincipalRecord)>, KeySetError> {
        let found = self.query("look the API key up", |connection| {
            let mut statement = connection.prepare_cached(include_str!("../sql/api_key_read.sql"))?;
            let mut found = statement.query(params![id.as_bytes()])?;
            let Some(key) = found.next()?.map(api_key).transpose()? else { return Ok(None) };
            let holder = holder(connection, &key.principal)?;
            Ok(Some((key, holder)))
        });
        found.map_err(key_set)
    }

    fn certificate(&self, key: &KeyId) -> Result<Option<(CertificateRecord, PrincipalRecord)>, KeySetError> {
        let found = self.query("look the certificate up", |connection| {
            let mut statement = connection.prepare_cached(include_str!("../sql/certificate_read.sql"))?;
            let mut found = statement.query(params![key.digest().as_bytes()])?;
            let Some(record) = found.next()?.map(certificate).transpose()? else { return Ok(None) };
            let holder = holder(connection, &record.principal)?;
            Ok(Some((record, holder)))
        });
        found.map_err(key_set)
    }
}

fn holder(connection: &Connection, id: &model::PrincipalId) -> Result<PrincipalRecord, Fault> {
    principal(connection, id)?.ok_or(Fault::Corrupt { what: "holder of a credential", source: None })
}

fn api_key(row: &Row<'_>) -> Result<ApiKeyRecord, Fault> {
    let profiles: Option<String> = row.get("profiles")?;
    Ok(ApiKeyRecord {
        id: ApiKeyId::new(bytes(row, "id")?),
        digest: digest(row, "digest")?,
        principal: principal_id(row, "principal")?,
        spaces: spaces(&row.get::<_, String>("spaces")?)?,
        profiles: profiles.as_deref().map(spaces).transpose()?,
        created: time(row, "created")?,
        expires: time(row, "expires")?,
        revoked: time_or_none(row, "revoked")?,
    })
}

fn certificate(row: &Row<'_>) -> Result<CertificateRecord, Fault> {
    Ok(CertificateRecord {
        key: key_id(row, "key")?,
        principal: principal_id(row, "principal")?,
        created: time(row, "created")?,
        revoked: time_or_none(row, "revoked")?,
    })
}
