//! Principals and their grants: who may ask, and in which spaces.

use engine::StoreError;
use identity::PrincipalRecord;
use model::{PrincipalId, Space};
use rusqlite::{Connection, Row, params};

use crate::error::Fault;
use crate::row::{nanoseconds, person_id, principal_id, space, time_or_none};
use crate::{ChangeError, Store};

impl Store {
    /// Adds a principal with its grants. Nobody else who may do anything has its name: people go by names.
    pub fn add_principal(&self, principal: &PrincipalRecord) -> Result<(), ChangeError> {
        let mut id = principal.id.to_string();
        let added = self.change("write the principal", |transaction| {
            let disabled = principal.disabled.map(nanoseconds).transpose()?;
            let mut named = transaction.prepare_cached(include_str!("../sql/principal_named.sql"))?;
            if named.exists(params![principal.name])? {
                id.clone_from(&principal.name);
                return Ok(0);
            }
            let row = params![principal.id.as_bytes(), principal.person.as_bytes(), principal.name, disabled];
            let added = transaction.execute(include_str!("../sql/principal_insert.sql"), row)?;
            if added == 1 {
                for space in &principal.spaces {
                    let grant = params![principal.id.as_bytes(), space.as_str()];
                    transaction.execute(include_str!("../sql/grant_insert.sql"), grant)?;
                }
            }
            Ok(added)
        })?;
        taken(added, "principal", id)
    }

    /// Lets a principal do nothing any more, from now on.
    pub fn disable_principal(&self, id: &PrincipalId) -> Result<(), ChangeError> {
        let changed = self.change("write the principal", |transaction| {
            let row = params![id.as_bytes(), nanoseconds(self.now())?];
            Ok(transaction.execute(include_str!("../sql/principal_disable.sql"), row)?)
        })?;
        unknown(changed, "principal", id)
    }

    /// Grants a principal a space, and all below it.
    pub fn grant(&self, id: &PrincipalId, space: &Space) -> Result<(), ChangeError> {
        let added = self.change("write the grant", |transaction| {
            let grant = params![id.as_bytes(), space.as_str()];
            Ok(transaction.execute(include_str!("../sql/grant_insert.sql"), grant)?)
        })?;
        taken(added, "grant", format!("{id} {space}"))
    }

    /// Takes a grant back.
    pub fn revoke_grant(&self, id: &PrincipalId, space: &Space) -> Result<(), ChangeError> {
        let removed = self.change("write the grant", |transaction| {
            let grant = params![id.as_bytes(), space.as_str()];
            Ok(transaction.execute(include_str!("../sql/grant_delete.sql"), grant)?)
        })?;
        unknown(removed, "grant", format!("{id} {space}"))
    }

    /// One principal.
    pub fn principal(&self, id: &PrincipalId) -> Result<Option<PrincipalRecord>, StoreError> {
        self.query("read the principal", |connection| principal(connection, id))
    }

    /// All principals, by name.
    pub fn principals(&self) -> Result<Vec<PrincipalRecord>, StoreError> {
        self.query("read the principals", |connection| {
            let mut statement = connection.prepare_cached(include_str!("../sql/principal_list.sql"))?;
            let mut found = statement.query([])?;
            let mut principals = Vec::new();
            while let Some(row) = found.next()? {
                principals.push(load(connection, row)?);
            }
            Ok(principals)
        })
    }

    /// Writes in a transaction, and says how many rows it changed.
    pub(crate) fn change(
        &self,
        action: &'static str,
        change: impl FnOnce(&rusqlite::Transaction<'_>) -> Result<usize, Fault>,
    ) -> Result<usize, ChangeError> {
        self.transact(change).map_err(|failed| failed.into_store(action).into())
    }
}

pub(crate) fn principal(connection: &Connection, id: &PrincipalId) -> Result<Option<PrincipalRecord>, Fault> {
    let mut statement = connection.prepare_cached(include_str!("../sql/principal_read.sql"))?;
    let mut found = statement.query(params![id.as_bytes()])?;
    found.next()?.map(|row| load(connection, row)).transpose()
}

fn load(connection: &Connection, row: &Row<'_>) -> Result<PrincipalRecord, Fault> {
    let id = principal_id(row, "id")?;
    let mut statement = connection.prepare_cached(include_str!("../sql/grant_list.sql"))?;
    let mut found = statement.query(params![id.as_bytes()])?;
    let mut spaces = Vec::new();
    while let Some(row) = found.next()? {
        spaces.push(space(row, "space")?);
    }
    let (person, name) = (person_id(row, "person")?, row.get("name")?);
    Ok(PrincipalRecord { id, person, name, spaces, disabled: time_or_none(row, "disabled")? })
}

pub(crate) fn taken(changed: usize, what: &'static str, id: impl ToString) -> Result<(), ChangeError> {
    if changed == 1 { Ok(()) } else { Err(ChangeError::Taken { what, id: id.to_string() }) }
}

pub(crate) fn unknown(changed: usize, what: &'static str, id: impl ToString) -> Result<(), ChangeError> {
    if changed == 1 { Ok(()) } else { Err(ChangeError::Unknown { what, id: id.to_string() }) }
}
