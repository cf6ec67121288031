//! Searching the index: which entries of a log tell what somebody looks for.

use engine::StoreError;
use model::{Instant, KeyId};
use rusqlite::{Connection, OptionalExtension, params};

use crate::Store;
use crate::error::Fault;
use crate::index::Kind;
use crate::row::{nanoseconds, number, signed};

/// How many entries one search looks at; who wants more goes on where it stopped.
const LOOKED_AT_MAX: u32 = 4_096;

/// What is looked for: entries that tell all that is named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// The name of the signer, to the letter.
    pub identity: Option<String>,
    /// Who vouches for that name.
    pub issuer: Option<String>,
    /// The digest that was signed.
    pub digest: Option<Vec<u8>>,
    /// The key that verifies the signature.
    pub key: Option<KeyId>,
    /// Entries by a certificate that was valid at this time or later; an entry by a key without a certificate tells no time.
    pub since: Option<Instant>,
    /// The same, at this time or earlier.
    pub until: Option<Instant>,
    /// From which index on.
    pub from: u64,
    /// At most so many.
    pub count: usize,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogFinds {
    /// How many entries of the log are in the index: none of them that fits is left out.
    pub reach: u64,
    /// The indices of entries that fit, in their order.
    pub indices: Vec<u64>,
    /// Where to go on; `None`, where everything was looked at.
    pub next: Option<u64>,
}

impl LogQuery {
    /// The terms, those first that few entries have.
    fn terms(&self) -> Vec<(Kind, Vec<u8>)> {
        let text = |text: &String| text.clone().into_bytes();
        let key = |key: &KeyId| key.digest().as_bytes().to_vec();
        let terms = [
            (Kind::Digest, self.digest.clone()),
            (Kind::Key, self.key.as_ref().map(key)),
            (Kind::Identity, self.identity.as_ref().map(text)),
            (Kind::Issuer, self.issuer.as_ref().map(text)),
        ];
        terms.into_iter().filter_map(|(kind, value)| Some((kind, value?))).collect()
    }
}

impl Store {
    /// Looks into the index of the log of this origin, among its first `size` entries.
    pub fn search_log(&self, origin: &str, size: u64, query: &LogQuery) -> Result<LogFinds, StoreError> {
        self.index.search("search the log's index", |connection| {
            let mut statement = connection.prepare_cached(include_str!("../sql/index_log.sql"))?;
            let log: Option<(i64, i64)> =
                statement.query_row([origin], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
            let Some((log, reach)) = log else { return Ok(LogFinds::default()) };
            let reach = number(reach)?.min(size);
            search(connection, log, reach, query)
        })
    }
}

fn search(connection: &Connection, log: i64, reach: u64, query: &LogQuery) -> Result<LogFinds, Fault> {
    let terms = query.terms();
    let candidates = candidates(connection, log, reach, query, terms.first())?;
    let looked_at_all = candidates.len() < usize::try_from(LOOKED_AT_MAX).expect("a few thousand");
    let mut finds = LogFinds { reach, ..LogFinds::default() };
    for candidate in &candidates {
        if finds.indices.len() == query.count {
            finds.next = Some(*candidate);
            return Ok(finds);
        }
        if fits(connection, log, *candidate, terms.get(1..).unwrap_or_default(), query)? {
            finds.indices.push(*candidate);
        }
    }
    finds.next = candidates.last().filter(|_| !looked_at_all).map(|last| last + 1);
    Ok(finds)
}

/// The entries with the first of the terms; where none is looked for, those that tell a time.
fn candidates(
    connection: &Connection,
    log: i64,
    reach: u64,
    query: &LogQuery,
    first: Option<&(Kind, Vec<u8>)>,
) -> Result<Vec<u64>, Fault> {
    let (from, reach) = (signed(query.from.min(reach))?, signed(reach)?);
    let position = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
    let found: Vec<i64> = match first {
        Some((kind, value)) => connection
            .prepare_cached(include_str!("../sql/index_with_term.sql"))?
            .query_map(params![log, kind.number(), value, from, reach, LOOKED_AT_MAX], position)?
            .collect::<Result<_, _>>()?,
        None => connection
            .prepare_cached(include_str!("../sql/index_with_validity.sql"))?
            .query_map(params![log, from, reach, LOOKED_AT_MAX], position)?
            .collect::<Result<_, _>>()?,
    };
    found.into_iter().map(number).collect()
}

fn fits(
    connection: &Connection,
    log: i64,
    position: u64,
    terms: &[(Kind, Vec<u8>)],
    query: &LogQuery,
) -> Result<bool, Fault> {
    let position = signed(position)?;
    for (kind, value) in terms {
        let mut statement = connection.prepare_cached(include_str!("../sql/index_has_term.sql"))?;
        if !statement.exists(params![log, kind.number(), value, position])? {
            return Ok(false);
        }
    }
    let LogQuery { since, until, .. } = query;
    if since.is_none() && until.is_none() {
        return Ok(true);
    }
    let since = since.map_or(Ok(0), nanoseconds)?;
    let until = until.map_or(Ok(i64::MAX), nanoseconds)?;
    let mut statement = connection.prepare_cached(include_str!("../sql/index_has_validity.sql"))?;
    Ok(statement.exists(params![log, position, since, until])?)
}
