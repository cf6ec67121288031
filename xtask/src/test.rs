//! `cargo xtask test`: everything, with the foreign tools that it needs.

use std::fs;

use crate::failure::Failure;
use crate::interop::Reports;
use crate::runner::{self, Closing};
use crate::skips::{self, Skips, Strictness};
use crate::{fuzz, generate, metadata, program, tools};

pub(crate) fn run(arguments: &[&str]) -> Result<(), Failure> {
    let (strictness, filters) = match arguments {
        ["--strict", rest @ ..] => (Strictness::Strict, rest),
        rest => (Strictness::Lenient, rest),
    };
    let closing_path = metadata::scratch_folder()?.join("closing-lines");
    let skips = Skips::begin()?;
    tools::provide(&skips)?;

    let mut closing = Closing::default();
    let reports = Reports::begin()?;
    let verdicts = run_all(filters, &skips, &reports, &mut closing)?;
    // Only a run of everything, with everything there, reports all that the pages say.
    let judged = skips.judge(strictness).and_then(|()| match (strictness, filters) {
        (Strictness::Strict, []) if verdicts.iter().all(Result::is_ok) => generate::hold(&reports.read()?),
        _ => Ok(()),
    });

    // The runner's own words come last, and are kept for whoever runs more after us.
    let text = closing.text();
    fs::write(&closing_path, &text).map_err(|source| Failure::File {
        action: "write",
        path: closing_path.clone(),
        source,
    })?;
    print!("\n{text}");
    verdicts.into_iter().collect::<Result<(), _>>()?;
    judged
}

/// Runs on after a failure, so that one run tells all. A filter asks for certain tests: then only the workspace's.
fn run_all(
    filters: &[&str],
    skips: &Skips,
    reports: &Reports,
    closing: &mut Closing,
) -> Result<Vec<Result<(), Failure>>, Failure> {
    let mut doc_tests = program::cargo();
    doc_tests.args(["test", "--workspace", "--doc"]).current_dir(metadata::root());

    let mut commands = vec![runner::tests(filters)];
    if filters.is_empty() {
        commands.extend([doc_tests, fuzz::replay()]);
    }
    let mut verdicts = Vec::new();
    for command in &mut commands {
        command.env(tools::VARIABLE, tools::folder()?).env(skips::VARIABLE, skips.path());
        let run = runner::watch(reports.tell(command))?;
        closing.extend(run.closing);
        verdicts.push(run.verdict);
    }
    Ok(verdicts)
}
