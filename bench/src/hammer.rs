//! A load that checks everything that comes back: every receipt from beginning to end, no entry named twice, no two
//! checkpoints of one size, and all four books in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use api::RequestView;
use model::Digests;
use model::receipt::Receipt;
use verify::{Artifact, Expectations, TrustRoot, verify_receipt};

use crate::failure::Failure;
use crate::load::Clients;
use crate::platform::{Plan, Platform};
use crate::rows::verifying::present;
use crate::submission::{Submitter, view};
use crate::wire::Connection;

/// How many receipts of the last seconds are held against the books in the end.
const HELD_MAX: usize = 2_000;

/// What was seen so far, by all clients.
#[derive(Default)]
struct Seen {
    entries: BTreeSet<u64>,
    checkpoints: BTreeMap<u64, String>,
    receipts: Vec<Receipt>,
    count: u64,
}

/// Hammers a platform of its own.
pub(crate) fn run(avouch: &Path, seconds: u64, clients: usize) -> Result<(), Failure> {
    let mut platform = Platform::new(avouch, &Plan::default())?;
    let root = fs::read(platform.trust_root()).map_err(Failure::file("read", &platform.trust_root()))?;
    let root = TrustRoot::parse(root.trim_ascii_end())
        .map_err(|why| Failure::bad("the platform's trust root")(&why))?;
    let view = view(&mut Connection::open(&platform.listen)?, "default")?;
    let seen = Mutex::new(Seen::default());
    let count = u32::try_from(clients).unwrap_or(u32::MAX);
    let mut hammering = Clients::new(&platform.listen, count, |number| {
        // Some ask for one file, some for several.
        let mut submitter = Submitter::new(&view, number, number % 4 + 1);
        let (root, seen) = (&root, &seen);
        move |connection: &mut Connection| check(&submitter.ask(connection)?, root, seen)
    })?;
    for second in 1..=seconds {
        hammering.work(Duration::from_secs(1))?;
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        eprint!("\r{second} s, {} receipts verified, {} entries", seen.count, seen.entries.len());
    }
    eprintln!();
    drop(hammering);
    let seen = seen.into_inner().unwrap_or_else(PoisonError::into_inner);
    books(&mut platform, &seen)?;
    println!(
        "{clients} clients, {seconds} s: {} receipts verified, {} entries, none twice, {} checkpoints, no size with two \
         of them; fsck found all of the {} that were held against it",
        seen.count,
        seen.entries.len(),
        seen.checkpoints.len(),
        seen.receipts.len()
    );
    Ok(())
}

fn check(view: &RequestView, root: &TrustRoot, seen: &Mutex<Seen>) -> Result<(), Failure> {
    let bad = Failure::bad("a receipt that the server gave out");
    for receipt in &view.receipts {
        let artifact = Artifact { digests: Digests::from(file(receipt)?), name: None };
        verify_receipt(&artifact, receipt, root, &Expectations::default(), present())
            .map_err(|why| Failure::bad("a receipt that the server gave out")(&why))?;
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.count += 1;
        for item in &receipt.items {
            let Some(log) = &item.log else { return Err(bad(&"it has no log entry")) };
            if !seen.entries.insert(log.index) {
                return Err(bad(&format!("entry {} is another's, too", log.index)));
            }
            let (size, note) =
                size_and_root(&log.checkpoint).ok_or_else(|| Failure::bad("a checkpoint")(&"unreadable"))?;
            let first = seen.checkpoints.entry(size).or_insert_with(|| note.clone());
            if *first != note {
                return Err(Failure::bad("two checkpoints of one size")(&size));
            }
        }
        if seen.receipts.len() < HELD_MAX {
            seen.receipts.push(receipt.clone());
        }
    }
    Ok(())
}

/// The digest of the file that a receipt is of.
fn file(receipt: &Receipt) -> Result<model::Digest, Failure> {
    let item = receipt.items.first().map(|item| model::Item::parse(item.item.as_bytes()));
    match item {
        Some(Ok(item)) => Ok(item.file.sha256),
        _ => Err(Failure::bad("a receipt that the server gave out")(&"its first item cannot be read")),
    }
}

/// The second and third line of a checkpoint.
fn size_and_root(note: &str) -> Option<(u64, String)> {
    let mut lines = note.lines().skip(1);
    Some((lines.next()?.parse().ok()?, lines.next()?.to_owned()))
}

/// Ends the platform and holds its books against each other, and against what clients hold.
fn books(platform: &mut Platform, seen: &Seen) -> Result<(), Failure> {
    let held = platform.folder().join("held");
    fs::create_dir_all(&held).map_err(Failure::file("make", &held))?;
    for (number, receipt) in seen.receipts.iter().enumerate() {
        let path = held.join(format!("{number}.receipt.json"));
        fs::write(&path, receipt.encode()).map_err(Failure::file("write", &path))?;
    }
    platform.stop();
    let (data, held) = (platform.data(), held.to_string_lossy().into_owned());
    platform.run(&["fsck", &data.to_string_lossy(), "--receipt", &held])?;
    Ok(())
}
