//! The chores of this repository, as `cargo xtask VERB`.
//!
//! **In scope**: running the tests with the foreign tools that they need, the checks that keep the house in order,
//! the table of what foreign tools accept, the rehearsal of crashes, fuzzing, files that are made rather than written, and
//! the packages that others install.
//!
//! **Out of scope**: anything that a user of avouch runs; nothing here ships, it only packs what does.
//!
//! One module a verb. The rules that `tidy` holds are those of ARCHITECTURE.md and CONTRIBUTING.md.

mod bench;
mod check;
mod clients;
mod dist;
mod failure;
mod fuzz;
mod generate;
mod interop;
mod metadata;
mod program;
mod runner;
mod shape;
mod sim;
mod skips;
mod tamper;
mod test;
mod tidy;
mod tools;

use std::process::ExitCode;

use failure::Failure;

const USAGE: &str = "\
cargo xtask VERB

  test [--strict] [ARGS…]   fetch what the tests need, run them all; ARGS go to the test runner
                            --strict: fail on a skip that xtask/skips.toml does not allow
  check                     formatting, lints, tidy, and cargo-deny where it is installed
  tidy [--bless]            floors, edges, homes, sizes, texts, licences, the key process's weight
                            --bless: write the golden files anew, to be reviewed in the diff
  interop [--json]          which foreign tools accept what we sign, and we what they sign
  sim [--seeds N] [--from SEED] [--json] | --planted [INVARIANT…]
                            rehearse 500 seeds of a world that fails; a violation prints its seed
                            --planted: plant one bug for each invariant, and see that it is found
  fuzz [--install] [--seconds N]
                            fuzz each target (15 s) where a nightly and cargo-fuzz are, else replay the corpora
                            --install: first install what of the two is missing
  bench [--json] [--quick] [--page FILE] [ROW…]
                            what the real processes do under load, beside what the bare cryptography would cost
                            --page: write the figures into a page as well, docs/measured/speed.md
  hammer [--seconds N] [--clients N]
                            load a platform, and check every receipt, proof and book while it is loaded
  siege                     how long honest clients wait while others attack, from a release build; three minutes
  gen                       write the files that are made from others: docs/reference/commands.md,
                            docs/formats/interop.md and tamper.md
  gen corpus                make the corpus of receipts of the version at hand anew: never that of a released one
  dist [--out DIR] [--profile NAME]
                            executables, a Debian package, a build file for an image, a list of what is linked in, and
                            checksums that avouch signs: by a throw-away platform, or under a profile of one that runs";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match obey(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

fn obey(arguments: &[&str]) -> Result<(), Failure> {
    match arguments {
        ["test", rest @ ..] => test::run(rest),
        ["check"] => check::run(),
        ["tidy", rest @ ..] => tidy::run(rest),
        ["interop", rest @ ..] => interop::run(rest),
        ["fuzz", rest @ ..] => fuzz::run(rest),
        ["sim", rest @ ..] => sim::run(rest),
        ["bench", rest @ ..] => bench::rows(rest),
        ["hammer", rest @ ..] => bench::hammer(rest),
        ["siege"] => bench::siege(),
        ["dist", rest @ ..] => dist::run(rest),
        ["gen"] => generate::run(),
        ["gen", "corpus"] => generate::corpus(),
        ["help" | "--help" | "-h"] | [] => {
            println!("{USAGE}");
            Ok(())
        }
        [verb, ..] => Err(Failure::Usage {
            said: format!("`{verb}` is no verb, or not with these arguments\n\n{USAGE}"),
        }),
    }
}
