//! The page of figures that is checked in: the table between two marks is written anew, what people wrote around it stays.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use crate::failure::Failure;
use crate::report::Row;

const BEGIN: &str = "<!-- figures -->\n";
const END: &str = "<!-- end of figures -->\n";

/// Writes the rows into a page.
pub(crate) fn write(path: &Path, rows: &[Row]) -> Result<(), Failure> {
    let text = fs::read_to_string(path).map_err(Failure::file("read", path))?;
    let commit = commit();
    let table = format!("{}\n{}", circumstances(&commit), table(rows, &commit));
    let written =
        between(&text, &table).ok_or_else(|| Failure::bad("the page")(&"it has no marks for figures"))?;
    fs::write(path, written).map_err(Failure::file("write", path))
}

/// The page with this between its marks.
fn between(page: &str, table: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some([before, BEGIN, table, END, after].concat())
}

fn table(rows: &[Row], commit: &str) -> String {
    let mut table = String::from(
        "| row | value | ratio | floor | met | command | commit | beside |\n|---|--:|--:|--:|---|---|---|---|\n",
    );
    for row in rows {
        let _ = writeln!(
            table,
            "| {} | {} | {:.2} | {} | {} | `cargo xtask bench {}` | {commit} | {} |",
            row.what,
            row.figure(),
            row.ratio,
            row.floor.words(),
            row.judgement(),
            row.name,
            row.beside
        );
    }
    table
}

/// When, where and beside what else it was measured.
fn circumstances(commit: &str) -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let cpu = cpu.trim_start_matches(['\t', ' ', ':']);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').take(3).collect::<Vec<_>>().join(", ");
    format!(
        "{}, commit {commit}, {cores} cores of {cpu}, Linux {}, {}; load at the end {load} (1, 5, 15 minutes), this measurement among it.\n",
        today(),
        said("uname", &["-r"]),
        said("rustc", &["--version"]),
    )
}

/// The commit that was built; with a plus, where more than that was.
fn commit() -> String {
    let changed = !said(
        "git",
        &["status", "--porcelain", "--untracked-files=no", "--", "crates", "bench", "Cargo.lock"],
    )
    .is_empty();
    said("git", &["rev-parse", "--short=7", "HEAD"]) + if changed { "+" } else { "" }
}

fn today() -> String {
    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    model::Instant::from_seconds(seconds).to_string().chars().take(10).collect()
}

/// The first line of what a command says; nothing, where it cannot be asked.
fn said(command: &str, arguments: &[&str]) -> String {
    let output = Command::new(command).args(arguments).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_around_the_figures_stays() {
        let page = format!("# Speed\n{BEGIN}old\n{END}words\n");
        assert_eq!(between(&page, "new\n"), Some(format!("# Speed\n{BEGIN}new\n{END}words\n")));
        assert_eq!(between("# Speed\n", "new\n"), None);
    }
}
