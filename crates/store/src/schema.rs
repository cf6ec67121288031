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

/// Brings the schema up to date, each migration in a transaction of its own. A schema of a later avouch is refused.
pub(crate) fn migrate(connection: &mut Connection) -> Result<(), OpenError> {
    let failed = |source| OpenError::Database { action: "migrate", source };
    connection.execute_batch(include_str!("../sql/migrations.sql")).map_err(failed)?;
    let newest: Option<(u32, String)> = connection
        .query_row(include_str!("../sql/migration_newest.sql"), [], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
        .map_err(failed)?;
    let known = MIGRATIONS.last().map_or(0, |migration| migration.number);
    let applied = match newest {
        Some((number, name)) if number > known => return Err(OpenError::Newer { name, number, known }),
        Some((number, name)) => {
            check_name(number, name)?;
            number
        }
        None => 0,
    };
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

fn check_name(number: u32, applied: String) -> Result<(), OpenError> {
    match MIGRATIONS.iter().find(|migration| migration.number == number) {
        Some(migration) if migration.name != applied => {
            Err(OpenError::OtherMigration { number, applied, known: migration.name })
        }
        _ => Ok(()),
    }
}
