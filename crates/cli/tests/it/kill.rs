//! The kill loop: launcher, server and key process under load, killed at random with `kill -9`.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use model::receipt::Receipt;
use testkit::Seeded;

use crate::site::{Role, Site, alone};

/// So many kills, unless `AVOUCH_KILLS` says otherwise.
const KILLS: usize = 20;

/// Clients that sign all the time.
const CLIENTS: usize = 3;

fn kills() -> usize {
    std::env::var("AVOUCH_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(KILLS)
}

fn below(seeded: &mut Seeded, limit: u64) -> u64 {
    let mut bytes = [0; 8];
    seeded.fill(&mut bytes);
    u64::from_be_bytes(bytes) % limit
}

/// Signs one file after the other; what fails is asked for again, as people do.
fn client(number: usize, site: &Site, stop: &AtomicBool, signed: &AtomicUsize) {
    let mut file = 0;
    while !stop.load(Ordering::SeqCst) {
        let name = format!("client-{number}-{file}.bin");
        let mut tries = 0;
        while site.sign(&name).0 != 0 {
            tries += 1;
            assert!(tries < 500, "{name} is never signed: {}", site.sign(&name).1);
            if stop.load(Ordering::SeqCst) {
                return;
            }
        }
        signed.fetch_add(1, Ordering::SeqCst);
        file += 1;
    }
}

#[test]
fn every_receipt_that_a_client_holds_is_in_log_and_ledger_after_any_kill() {
    let _alone = alone();
    let mut site = Site::new();
    let (stop, signed) = (AtomicBool::new(false), AtomicUsize::new(0));
    // Clients see the folder alone: the processes are the loop's to kill.
    let clients: Vec<Site> = (0..CLIENTS).map(|_| site.at(&site.dir)).collect();
    let mut seeded = Seeded::new(20);
    std::thread::scope(|scope| {
        for (number, own) in clients.iter().enumerate() {
            let (stop, signed) = (&stop, &signed);
            scope.spawn(move || client(number, own, stop, signed));
        }
        let mut before = 0;
        for kill in 0..kills() {
            let since = Instant::now();
            while signed.load(Ordering::SeqCst) <= before && since.elapsed() < Duration::from_secs(60) {
                std::thread::sleep(Duration::from_millis(5));
            }
            before = signed.load(Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(below(&mut seeded, 200)));
            let role = [Role::Launcher, Role::Server, Role::KeyProcess][below(&mut seeded, 3) as usize];
            eprintln!("kill {kill}: {role:?}, after {before} files");
            site.kill(role);
        }
        stop.store(true, Ordering::SeqCst);
    });
    // A last one, so that the servers that came up last have recovered what was in flight.
    assert_eq!(site.sign("last.bin").0, 0);
    site.stop();
    let mut seen = BTreeSet::new();
    let mut arguments = vec!["fsck".to_owned(), site.data(), "--json".to_owned()];
    for own in clients.iter().chain([&site]) {
        let held = own.receipts();
        arguments.extend(["--receipt".to_owned(), held.clone()]);
        count(Path::new(&held), &mut seen);
    }
    let (code, said) = site.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(code, 0, "{said}");
    assert!(signed.load(Ordering::SeqCst) >= kills() / 2, "hardly anything was signed");
    eprintln!("{} kills, {} files, {} entries; {said}", kills(), signed.load(Ordering::SeqCst), seen.len());
}

/// No two receipts name one entry.
fn count(held: &Path, seen: &mut BTreeSet<u64>) {
    for entry in std::fs::read_dir(held).unwrap().map(Result::unwrap) {
        let receipt = Receipt::parse(&std::fs::read(entry.path()).unwrap()).unwrap();
        for item in &receipt.items {
            let index = item.log.as_ref().unwrap().index;
            assert!(seen.insert(index), "two receipts name entry {index}");
        }
    }
}
