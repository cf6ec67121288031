//! Signing profiles: versions that never change, and which of them is in force under a name.

use engine::StoreError;
use model::{Digest, Profile, Space, from_canonical, to_canonical};
use rusqlite::{Connection, OptionalExtension, Params, params};

use crate::Store;
use crate::error::Fault;
use crate::row::nanoseconds;

/// A profile: a few names.
const PROFILE_BYTES_MAX: usize = 1024 * 1024;

impl Store {
    /// Puts a version of a profile in force under its name, and gives its digest. Older versions stay readable.
    pub fn set_profile(&self, profile: &Profile) -> Result<Digest, StoreError> {
        let digest = profile.digest();
        let written = self.transact(|transaction| {
            let created = nanoseconds(self.now())?;
            let version = params![digest.as_bytes(), profile.name.as_str(), to_canonical(profile), created];
            transaction.execute(include_str!("../sql/profile_version_insert.sql"), version)?;
            let head = params![profile.name.as_str(), digest.as_bytes()];
            transaction.execute(include_str!("../sql/profile_set.sql"), head)?;
            Ok(digest)
        });
        written.map_err(|failed| failed.into_store("write the profile"))
    }

    pub(crate) fn profile_in_force(&self, name: &Space) -> Result<Option<Profile>, StoreError> {
        self.query("read the profile", |connection| {
            one(connection, include_str!("../sql/profile_read.sql"), params![name.as_str()])
        })
    }

    pub(crate) fn profile_version(&self, digest: &Digest) -> Result<Option<Profile>, StoreError> {
        self.query("read the profile", |connection| {
            let found: Option<Profile> =
                one(connection, include_str!("../sql/profile_version_read.sql"), params![digest.as_bytes()])?;
            match found {
                Some(profile) if profile.digest() != *digest => {
                    Err(Fault::Corrupt { what: "profile version", source: None })
                }
                found => Ok(found),
            }
        })
    }

    pub(crate) fn profiles_in_force(&self) -> Result<Vec<Profile>, StoreError> {
        self.query("read the profiles", |connection| {
            let mut statement = connection.prepare_cached(include_str!("../sql/profile_list.sql"))?;
            let mut found = statement.query([])?;
            let mut profiles = Vec::new();
            while let Some(row) = found.next()? {
                profiles.push(parse(&row.get::<_, Vec<u8>>(0)?)?);
            }
            Ok(profiles)
        })
    }
}

fn one(connection: &Connection, sql: &str, params: impl Params) -> Result<Option<Profile>, Fault> {
    let body: Option<Vec<u8>> =
        connection.prepare_cached(sql)?.query_row(params, |row| row.get(0)).optional()?;
    body.map(|body| parse(&body)).transpose()
}

pub(crate) fn parse(body: &[u8]) -> Result<Profile, Fault> {
    from_canonical(body, PROFILE_BYTES_MAX).map_err(|source| Fault::corrupt("profile", source))
}
