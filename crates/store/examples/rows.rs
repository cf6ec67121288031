//! How many durable rows a second the store writes, through the very trait that the engine calls.
//!
//! `cargo run --release -p store --example rows [FOLDER]`: each row is a submission with its intent (a request of
//! 1 KB with two items, two ledger leaves), in transactions of 1, 16 and 256. Beside it stands the same number of
//! bare rows of 364 bytes, which is what other figures of SQLite are about.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant as Watch};

use engine::{Leaf, LeafKind, RequestStore, Row, Standing, State, Write};
use identity::Caller;
use model::{Clock, Digest, Instant, PersonId, PrincipalId, Proven, RequestId};
use store::Store;

const PERIOD: Duration = Duration::from_secs(3);

struct Wall;

impl Clock for Wall {
    fn now(&self) -> Instant {
        Instant::from_seconds(1_795_165_602)
    }

    fn boot(&self) -> Duration {
        Duration::ZERO
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder =
        std::env::args_os().nth(1).map_or_else(std::env::temp_dir, PathBuf::from).join("avouch-rows");
    println!("| rows a transaction | submissions/s | p50 ms | p99 ms | bare rows/s |");
    println!("|---|---|---|---|---|");
    for batch in [1_usize, 16, 256] {
        std::fs::create_dir_all(&folder)?;
        let store = Store::create(&folder, "bench", Arc::new(Wall))?;
        let (rows, latencies) = submissions(&store, batch)?;
        drop(store);
        let bare = bare(&folder, batch)?;
        std::fs::remove_dir_all(&folder)?;
        let at = |share: usize| {
            latencies.get(latencies.len() * share / 100).map_or(0.0, Duration::as_secs_f64) * 1e3
        };
        println!("| {batch} | {rows:.0} | {:.3} | {:.3} | {bare:.0} |", at(50), at(99));
    }
    Ok(())
}

fn submissions(store: &Store, batch: usize) -> Result<(f64, Vec<Duration>), Box<dyn std::error::Error>> {
    let (mut number, mut latencies, began) = (0_u128, Vec::new(), Watch::now());
    while began.elapsed() < PERIOD {
        let writes: Vec<Write> = (0..batch).map(|_| insert(&mut number)).collect();
        let one = Watch::now();
        RequestStore::write(store, &writes)?;
        latencies.push(one.elapsed());
    }
    let rows = f64::from(u32::try_from(number)?) / began.elapsed().as_secs_f64();
    latencies.sort_unstable();
    Ok((rows, latencies))
}

fn insert(number: &mut u128) -> Write {
    *number += 1;
    let id = RequestId::new(number.to_be_bytes());
    let name = || "default".parse().expect("one lower-case word is a name");
    let leaf = |kind| Leaf {
        kind,
        request: Some(id),
        space: name(),
        time: Instant::from_seconds(1_795_165_602),
        salt: number.to_be_bytes(),
        record: vec![b'r'; 600],
    };
    let row = Row {
        id,
        space: name(),
        profile: name(),
        caller: Caller {
            principal: PrincipalId::new([9; 16]),
            person: PersonId::new([9; 16]),
            name: "build".to_owned(),
            proven: Proven::ApiKey,
            spaces: vec![name()],
            profiles: None,
        },
        request: vec![b'q'; 1_024],
        items: vec![vec![b'i'; 400]; 2],
        endorsements: Vec::new(),
        idempotency_key: None,
        repeat: Digest::of(&number.to_be_bytes()),
        submitted: Instant::from_seconds(1_795_165_602),
        deadline: Instant::from_seconds(1_795_166_502),
        standing: Standing {
            state: State::Intended,
            since: Instant::from_seconds(1_795_165_602),
            reasons: Vec::new(),
        },
        log_size: 0,
        crashes: 0,
    };
    Write::Insert { row: Box::new(row), leaves: vec![leaf(LeafKind::Submission), leaf(LeafKind::Intent)] }
}

/// SQLite alone: rows of 364 bytes in a table without indices.
fn bare(folder: &Path, batch: usize) -> Result<f64, rusqlite::Error> {
    let mut connection = rusqlite::Connection::open(folder.join("bare.sqlite"))?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE rows (number INTEGER PRIMARY KEY, body BLOB)",
    )?;
    let (mut rows, began) = (0_u32, Watch::now());
    while began.elapsed() < PERIOD {
        let transaction = connection.transaction()?;
        for _ in 0..batch {
            transaction.prepare_cached("INSERT INTO rows (body) VALUES (?1)")?.execute([&[0_u8; 356][..]])?;
            rows += 1;
        }
        transaction.commit()?;
    }
    Ok(f64::from(rows) / began.elapsed().as_secs_f64())
}
