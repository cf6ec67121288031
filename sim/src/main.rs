//! `cargo xtask sim`: rehearses seeds and prints what was hit.
//!
//! Usage: `sim [--seeds N] [--from SEED] [--json]`

use std::process::ExitCode;
use std::time::Instant;

use sim::{Platform, Tally, rehearse};

struct Arguments {
    seeds: u64,
    from: u64,
    json: bool,
}

fn main() -> ExitCode {
    let Some(arguments) = arguments() else {
        eprintln!("usage: sim [--seeds N] [--from SEED] [--json]");
        return ExitCode::from(3);
    };
    let platform = Platform::found();
    let (mut tally, mut violations) = (Tally::default(), Vec::new());
    let began = Instant::now();
    for seed in arguments.from..arguments.from + arguments.seeds {
        match rehearse(&platform, seed) {
            Ok(run) => tally.add(&run),
            Err(violation) => {
                eprintln!("seed {seed}: invariant {}: {}", violation.invariant, violation.what);
                violations.push(violation);
            }
        }
        let done = seed - arguments.from + 1;
        if done % 500 == 0 {
            eprintln!("{done} of {} seeds, {} s", arguments.seeds, began.elapsed().as_secs());
        }
    }
    let least = tally.cells().values().min().copied().unwrap_or(0);
    if arguments.json {
        let (seeds, faults) = (arguments.seeds, tally.faults());
        println!(
            "{}",
            serde_json::json!({ "seeds": seeds, "faults": faults, "violations": violations.len(), "cells_min": least })
        );
    } else {
        print!("{}", tally.table());
        println!("requests: {}", tally.endings());
        println!(
            "{} seeds, {} faults, {} violations, every cell at least {least} times, {} s",
            arguments.seeds,
            tally.faults(),
            violations.len(),
            began.elapsed().as_secs()
        );
    }
    if violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn arguments() -> Option<Arguments> {
    let mut parsed = Arguments { seeds: 500, from: 0, json: false };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--seeds" => parsed.seeds = words.next()?.parse().ok()?,
            "--from" => parsed.from = words.next()?.parse().ok()?,
            "--json" => parsed.json = true,
            _ => return None,
        }
    }
    Some(parsed)
}
