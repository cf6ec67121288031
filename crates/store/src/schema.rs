//! Numbered forward migrations, run when a store is opened, under its lease.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use crate::OpenError;

/// One migration: its number, its name, and what it does.
struct Migration {
    number: u32,
    name: &'static str,
    sql: &'static str,
}

/// Every migration there is, in order. One that was released is never changed.
const MIGRATIONS: &[Migration] =
    &[Migration { number: 1, name: "0001_beginning", sql: include_str!("../sql/0001_beginning.sql") }];

/// The schema of a store, beside the newest that is known here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// The number of its newest migration; 0 before the first.
    pub number: u32,
    /// The name of that migration.
    pub name: String,
    /// The migrations that this avouch would apply, in order.
    pub missing: Vec<&'static str>,
}

/// Reads the schema, and changes nothing. A schema of a later avouch is refused.
pub(crate) fn read(connection: &Connection) -> Result<Schema, OpenError> {
    let (number, name) = applied(connection)?.unwrap_or_default();
    let missing = MIGRATIONS.iter().filter(|migration| migration.number > number);
    Ok(Schema { number, name, missing: missing.map(|migration| migration.name).collect() })
}

/// Brings the schema up to date, each migration in a transaction of its own. A schema of a later avouch is refused.
pub(crate) fn migrate(connection: &mut Connection) -> Result<(), OpenError> {
    let failed = |source| OpenError::Database { action: "migrate", source };
    connection.execute_batch(include_str!("../sql/migrations.sql")).map_err(failed)?;
    let applied = applied(connection)?.map_or(0, |(number, _)| number);
    for migration in MIGRATIONS.iter().filter(|migration| migration.number > applied) {
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        transaction.execute_batch(migration.sql).map_err(failed)?;
        let row = params![migration.number, migration.name];
        transaction.execute(include_str!("../sql/migration_insert.sql"), row).map_err(failed)?;
        // CRASH: the schema is that of the migration before, or this one's as a whole.
        transaction.commit().map_err(failed)?;
    }
    Ok(())
}

/// The newest migration that was applied.
fn applied(connection: &Connection) -> Result<Option<(u32, String)>, OpenError> {
    let newest: Option<(u32, String)> = connection
        .query_row(include_str!("../sql/migration_newest.sql"), [], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
        .map_err(|source| OpenError::Database { action: "read the schema of", source })?;
    let known = MIGRATIONS.last().map_or(0, |migration| migration.number);
    match newest {
        Some((number, name)) if number > known => Err(OpenError::Newer { name, number, known }),
        Some((number, name)) => check_name(number, name.clone()).map(|()| Some((number, name))),
        None => Ok(None),
    }
}

fn check_name(number: u32, applied: String) -> Result<(), OpenError> {
    match MIGRATIONS.iter().find(|migration| migration.number == number) {
        Some(migration) if migration.name != applied => {
            Err(OpenError::OtherMigration { number, applied, known: migration.name })
        }
        _ => Ok(()),
    }
}
