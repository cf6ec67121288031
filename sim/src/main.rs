//! `cargo xtask sim`: rehearses seeds and prints what was hit.
//!
//! Usage: `sim [--seeds N] [--from SEED] [--json | --find INVARIANT]`

use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::Instant;

use sim::{Platform, Tally, Violation, rehearse};

const USAGE: &str = "usage: sim [--seeds N] [--from SEED] [--json | --find INVARIANT]";

/// Seeds, unless the command says otherwise: enough to hit every cell.
const SEEDS: u64 = 500;

/// Violations are printed as they are found; after so many, only counted.
const PRINTED_MAX: usize = 20;

struct Arguments {
    seeds: u64,
    from: u64,
    said: Said,
}

/// What is printed in the end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    /// The table.
    Table,
    /// One object.
    Json,
    /// The first seed that breaks this invariant; then it is a success to find one.
    Finding(u8),
}

/// What was seen so far.
#[derive(Default)]
struct Seen {
    done: u64,
    tally: Tally,
    violations: Vec<Violation>,
}

fn main() -> ExitCode {
    let Some(arguments) = arguments() else {
        eprintln!("{USAGE}");
        return ExitCode::from(3);
    };
    let began = Instant::now();
    let mut seen = rehearse_all(&arguments, began);
    seen.violations.sort_by_key(|violation| violation.seed);
    match arguments.said {
        Said::Table => print_table(&arguments, &seen, began),
        Said::Json => print_json(&arguments, &seen),
        Said::Finding(invariant) => return print_finding(&seen, invariant),
    }
    if arguments.seeds >= SEEDS && seen.tally.least() == 0 {
        eprintln!("a cell of the table was never hit: whoever moved a step moves its faults too");
        return ExitCode::FAILURE;
    }
    if seen.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// As many seeds at once as there are processors. Each runs on one thread from its beginning to its end.
fn rehearse_all(arguments: &Arguments, began: Instant) -> Seen {
    let platform = Platform::found();
    let (next, seen) = (AtomicU64::new(0), Mutex::new(Seen::default()));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= arguments.seeds {
                return;
            }
            let run = rehearse(&platform, arguments.from + seed);
            let mut seen = lock(&seen);
            seen.add(run, arguments, began);
            if seen.is_found(arguments.said) {
                next.store(arguments.seeds, Ordering::Relaxed);
            }
        }
    };
    thread::scope(|scope| {
        let width = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        (0..width).for_each(|_| drop(scope.spawn(work)));
    });
    seen.into_inner().expect("nothing panics while it adds up")
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().expect("nothing panics while it adds up")
}

impl Seen {
    fn add(&mut self, run: Result<Tally, Violation>, arguments: &Arguments, began: Instant) {
        match run {
            Ok(tally) => self.tally.add(&tally),
            Err(violation) => {
                if self.violations.len() < PRINTED_MAX {
                    let Violation { seed, invariant, what } = &violation;
                    eprintln!("seed {seed}: invariant {invariant}: {what}");
                }
                self.violations.push(violation);
            }
        }
        self.done += 1;
        if self.done.is_multiple_of(500) {
            eprintln!("{} of {} seeds, {} s", self.done, arguments.seeds, began.elapsed().as_secs());
        }
    }

    fn is_found(&self, said: Said) -> bool {
        self.violations.iter().any(|violation| said == Said::Finding(violation.invariant))
    }
}

fn print_table(arguments: &Arguments, seen: &Seen, began: Instant) {
    print!("{}{}", seen.tally.table(), seen.tally.endings());
    println!(
        "{} seeds from {}, {} faults, {} violations, every cell at least {} times, {} s",
        arguments.seeds,
        arguments.from,
        seen.tally.faults(),
        seen.violations.len(),
        seen.tally.least(),
        began.elapsed().as_secs()
    );
}

fn print_json(arguments: &Arguments, seen: &Seen) {
    let (faults, least) = (seen.tally.faults(), seen.tally.least());
    let violations = seen.violations.len();
    println!(
        "{}",
        serde_json::json!({ "seeds": arguments.seeds, "faults": faults, "violations": violations, "cells_min": least })
    );
}

fn print_finding(seen: &Seen, invariant: u8) -> ExitCode {
    match seen.violations.iter().find(|violation| violation.invariant == invariant) {
        Some(violation) => {
            println!("{}: {}", violation.seed, violation.what);
            ExitCode::SUCCESS
        }
        None => ExitCode::FAILURE,
    }
}

fn arguments() -> Option<Arguments> {
    let mut parsed = Arguments { seeds: SEEDS, from: 0, said: Said::Table };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--seeds" => parsed.seeds = words.next()?.parse().ok()?,
            "--from" => parsed.from = words.next()?.parse().ok()?,
            "--json" => parsed.said = Said::Json,
            "--find" => parsed.said = Said::Finding(words.next()?.parse().ok()?),
            _ => return None,
        }
    }
    Some(parsed)
}
