//! `cargo xtask sim`: the rehearsal of the production stages, from seeds; and whether it finds what is planted.

mod planted;

use crate::failure::Failure;
use crate::{metadata, program};

const USAGE: &str = "usage: cargo xtask sim [--seeds N] [--from SEED] [--json] | --planted [INVARIANT…]";

pub(crate) fn run(arguments: &[&str]) -> Result<(), Failure> {
    match arguments {
        ["--planted", invariants @ ..] => planted::run(invariants),
        _ if are_known(arguments) => rehearse(arguments),
        _ => Err(Failure::Usage { said: USAGE.to_owned() }),
    }
}

/// A violation is a failure of the rehearsal, which has named the seed by then.
fn rehearse(arguments: &[&str]) -> Result<(), Failure> {
    let mut cargo = program::cargo();
    cargo.args(["run", "--quiet", "--release", "--package", "sim", "--"]).args(arguments);
    program::run(cargo.current_dir(metadata::root()))
}

fn are_known(mut arguments: &[&str]) -> bool {
    loop {
        arguments = match arguments {
            [] => return true,
            ["--seeds" | "--from", number, rest @ ..] if number.parse::<u64>().is_ok() => rest,
            ["--json", rest @ ..] => rest,
            _ => return false,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_rehearsal_knows_is_passed_on() {
        assert!(are_known(&[]) && are_known(&["--seeds", "10", "--from", "3", "--json"]));
        assert!(!are_known(&["--seeds"]) && !are_known(&["--seeds", "many"]) && !are_known(&["--find", "1"]));
    }
}
