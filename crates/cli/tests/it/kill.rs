//! The kill loop: launcher, server, key process and the lane process of a hardware token under load, killed at random
//! with `kill -9`; and the token fails in every way that it can.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use model::receipt::Receipt;
use testkit::{Seeded, Shim, SoftHsm};

use crate::site::{Role, Site, alone};
use crate::token::{TokenStore, founded, with_profile};

/// So many misfortunes, unless `AVOUCH_KILLS` says otherwise.
const KILLS: usize = 21;

/// Under which profile each client signs all the time: one with keys in files, two with the key in the token.
const CLIENTS: [&str; 3] = ["default", "default/hsm", "default/hsm"];

/// How long anything may take that follows by itself.
const PATIENCE: Duration = Duration::from_secs(120);

/// What befalls the platform.
#[derive(Debug, Clone, Copy)]
enum Misfortune {
    /// One of the three processes is killed.
    Kill(Role),
    /// The lane process is killed while it signs.
    KillInMidSign,
    /// The module hangs while it signs, until its process is killed for that.
    Hang,
    /// The token is pulled out, and put back.
    TokenGone,
    /// The PIN is wrong when the module next logs in, and is put right.
    WrongPin,
}

const PROCESSES: [Misfortune; 3] =
    [Misfortune::Kill(Role::Launcher), Misfortune::Kill(Role::Server), Misfortune::Kill(Role::KeyProcess)];
const TOKEN: [Misfortune; 4] =
    [Misfortune::KillInMidSign, Misfortune::Hang, Misfortune::TokenGone, Misfortune::WrongPin];

fn kills() -> usize {
    std::env::var("AVOUCH_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(KILLS)
}

fn kill(process: &str) {
    // It may have been started again by now.
    let _gone = Command::new("kill").args(["-9", process]).status();
}

fn await_that(what: &str, is_so: impl Fn() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Signs one file after the other; what fails is asked for again, as people do.
fn client(number: usize, profile: &str, site: &Site, stop: &AtomicBool, signed: &AtomicUsize) {
    let mut file = 0;
    while !stop.load(Ordering::SeqCst) {
        let name = format!("client-{number}-{file}.bin");
        let mut tries = 0;
        while site.sign_under(profile, &name).0 != 0 {
            tries += 1;
            assert!(tries < 500, "{name} is never signed: {}", site.sign_under(profile, &name).1);
            if stop.load(Ordering::SeqCst) {
                return;
            }
        }
        signed.fetch_add(1, Ordering::SeqCst);
        file += 1;
    }
}

/// The token does what it does while somebody signs with it.
fn fail(shim: &Shim, misfortune: Misfortune) {
    match misfortune {
        Misfortune::KillInMidSign | Misfortune::Hang => {
            let hanging = shim.hang();
            let process = hanging();
            shim.relent("hang");
            if matches!(misfortune, Misfortune::KillInMidSign) {
                kill(&process);
            }
        }
        Misfortune::TokenGone => {
            let before = shim.count("loads");
            shim.ask("removed");
            await_that("whoever signs misses the token", || shim.count("loads") > before);
            shim.relent("removed");
        }
        Misfortune::WrongPin => {
            let before = shim.count("logins");
            shim.hsm.write_pin("wrong");
            kill(&shim.process());
            await_that("the wrong PIN is tried", || shim.count("logins") > before);
            shim.hsm.write_pin(SoftHsm::PIN);
        }
        Misfortune::Kill(_) => {}
    }
}

/// Where SoftHSM2 keeps what it knows of the token itself.
fn token_object(shim: &Shim) -> PathBuf {
    let folders = std::fs::read_dir(shim.hsm.tokens()).unwrap().map(|entry| entry.unwrap().path());
    folders.map(|folder| folder.join("token.object")).find(|path| path.is_file()).unwrap()
}

/// SoftHSM2 writes that anew at a login, and not in one step: killed in between, it has no token any more. Hardware
/// does not forget what it is, so the test puts it back.
fn mend(shim: &Shim, kept: &[u8]) {
    let path = token_object(shim);
    let is_empty = || std::fs::metadata(&path).unwrap().len() == 0;
    // Whoever is writing it now has more than a moment.
    let stays_empty = is_empty() && {
        std::thread::sleep(Duration::from_millis(100));
        is_empty()
    };
    if stays_empty {
        eprintln!("SoftHSM2 was killed while it wrote what it knows of its token; that is put back");
        std::fs::write(path, kept).unwrap();
    }
}

/// All that can happen, in turn at first, and then as the dice fall.
fn choose(at: usize, shim: Option<&Shim>, seeded: &mut Seeded) -> Misfortune {
    let all = [&PROCESSES[..], if shim.is_some() { &TOKEN } else { &[] }].concat();
    let dice = usize::try_from(seeded.below(all.len() as u64)).unwrap();
    all[if at < all.len() { at } else { dice }]
}

#[test]
fn every_receipt_that_a_client_holds_is_in_log_and_ledger_after_any_kill() {
    let _alone = alone();
    let shim = Shim::new();
    let mut site = match &shim {
        Some(shim) => founded(&TokenStore::of_shim(shim)),
        None => Site::founded(),
    };
    site.serve();
    shim.iter().for_each(|_| with_profile(&site));
    let kept = shim.as_ref().map(|shim| std::fs::read(token_object(shim)).unwrap());
    let (stop, signed) = (AtomicBool::new(false), AtomicUsize::new(0));
    // Clients see the folder alone: the processes are the loop's to kill.
    let profile = |wanted: &'static str| if shim.is_some() { wanted } else { "default" };
    let clients: Vec<(Site, &str)> = CLIENTS.map(|wanted| (site.at(&site.dir), profile(wanted))).into();
    let mut seeded = Seeded::new(20);
    std::thread::scope(|scope| {
        for (number, (own, profile)) in clients.iter().enumerate() {
            let (stop, signed) = (&stop, &signed);
            scope.spawn(move || client(number, profile, own, stop, signed));
        }
        let mut before = 0;
        for number in 0..kills() {
            let since = Instant::now();
            while signed.load(Ordering::SeqCst) <= before && since.elapsed() < Duration::from_secs(60) {
                std::thread::sleep(Duration::from_millis(5));
            }
            before = signed.load(Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(seeded.below(200)));
            let misfortune = choose(number, shim.as_ref(), &mut seeded);
            eprintln!("{number}: {misfortune:?}, after {before} files");
            shim.iter().zip(&kept).for_each(|(shim, kept)| mend(shim, kept));
            match (misfortune, &shim) {
                (Misfortune::Kill(role), _) => site.kill(role),
                (_, Some(shim)) => fail(shim, misfortune),
                (_, None) => {}
            }
        }
        shim.iter().zip(&kept).for_each(|(shim, kept)| mend(shim, kept));
        stop.store(true, Ordering::SeqCst);
    });
    // A last one under each profile, so that the processes that came up last have recovered what was in flight.
    for (number, wanted) in CLIENTS.into_iter().enumerate() {
        let name = format!("last-{number}.bin");
        await_that("the last file is signed", || site.sign_under(profile(wanted), &name).0 == 0);
    }
    site.stop();
    let mut seen = BTreeSet::new();
    let mut arguments = vec!["fsck".to_owned(), site.data(), "--json".to_owned()];
    for own in clients.iter().map(|(own, _)| own).chain([&site]) {
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
