//! Advisories of others: the table of them names the test that holds each lesson, and the test names the advisory.

use std::collections::BTreeSet;

use super::Finding;
use super::source::Source;

/// The table.
const TABLE: &str = "docs/reference/advisories.md";

/// What a row says where there is no test.
const WITHOUT: [&str; 2] = ["not yet:", "not here:"];

/// How the names of advisories begin.
const SERIES: [&str; 4] = ["CVE-", "GHSA-", "GO-", "RUSTSEC-"];

/// A row of the table.
struct Row<'a> {
    ids: BTreeSet<&'a str>,
    tests: Vec<&'a str>,
    is_explained: bool,
}

/// A test whose doc comment names advisories.
struct Lesson<'a> {
    name: &'a str,
    path: &'a str,
    ids: BTreeSet<&'a str>,
}

/// Holds the table and the tests against each other.
pub(super) fn judge(sources: &[Source]) -> Vec<Finding> {
    let Some(table) = sources.iter().find(|source| source.path == TABLE) else {
        return vec![Finding::broken(format!("{TABLE} is not there"))];
    };
    let rows: Vec<Row<'_>> = table.text.lines().filter_map(row).collect();
    let lessons: Vec<Lesson<'_>> =
        sources.iter().filter(|source| source.is_rust()).flat_map(lessons).collect();
    let mut findings: Vec<Finding> = rows.iter().flat_map(|row| judge_row(row, &lessons)).collect();
    for lesson in &lessons {
        let in_table =
            |id: &&&str| rows.iter().any(|row| row.ids.contains(**id) && row.tests.contains(&lesson.name));
        findings.extend(lesson.ids.iter().filter(|id| !in_table(id)).map(|id| {
            let Lesson { name, path, .. } = lesson;
            Finding::broken(format!("{path}: `{name}` is the lesson of {id}, and {TABLE} does not say so"))
        }));
    }
    findings
}

fn judge_row(row: &Row<'_>, lessons: &[Lesson<'_>]) -> Vec<Finding> {
    let ids = row.ids.iter().copied().collect::<Vec<_>>().join(", ");
    if row.tests.is_empty() && !row.is_explained {
        return vec![Finding::broken(format!("{TABLE}: {ids} has neither a test nor a reason for none"))];
    }
    let mut findings = Vec::new();
    for test in &row.tests {
        let named = lessons.iter().any(|lesson| lesson.name == *test && !lesson.ids.is_disjoint(&row.ids));
        if !named {
            findings.push(Finding::broken(format!(
                "{TABLE}: {ids}: there is no test `{test}` whose doc comment names it"
            )));
        }
    }
    findings
}

/// A row: names of advisories in its first cell, and in its last the tests, or why there are none.
fn row(line: &str) -> Option<Row<'_>> {
    let cells: Vec<&str> = line.trim().strip_prefix('|')?.strip_suffix('|')?.split('|').collect();
    let (first, last) = (cells.first()?, cells.last()?);
    let ids: BTreeSet<&str> = ids(first).collect();
    if ids.is_empty() {
        return None;
    }
    // Every other piece between backticks is inside of them.
    let tests = last.split('`').skip(1).step_by(2).filter(|name| name.contains('_')).collect();
    Some(Row { ids, tests, is_explained: WITHOUT.iter().any(|words| last.contains(words)) })
}

/// The functions of a file whose doc comments name advisories.
fn lessons(source: &Source) -> Vec<Lesson<'_>> {
    let lines: Vec<&str> = source.text.lines().map(str::trim).collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(name) = function(line) else { continue };
        let above = lines.get(..at).unwrap_or_default().iter().rev();
        let above = above.take_while(|line| line.starts_with("#[") || line.starts_with("///"));
        let named: BTreeSet<&str> =
            above.filter(|line| line.starts_with("///")).flat_map(|line| ids(line)).collect();
        if !named.is_empty() {
            found.push(Lesson { name, path: &source.path, ids: named });
        }
    }
    found
}

fn function(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ")?;
    rest.split_once('(').map(|(name, _)| name)
}

fn ids(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    words.filter(|word| SERIES.iter().any(|series| word.starts_with(series)))
}

#[cfg(test)]
mod tests {
    use super::super::source::tests::source;
    use super::*;

    // In two halves, or this file would be searched for lessons of its own.
    const LESSON: &str = concat!("//", "/ CVE-1-2, GO-3-4: a lesson.\n#[test]\nfn it_holds() {}\n");

    fn said(table: &str, code: &str) -> Vec<String> {
        let sources = [source(TABLE, table), source("crates/a/tests/it/b.rs", code)];
        judge(&sources).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn a_table_that_agrees_with_the_tests_is_let_be() {
        let table =
            "| id | test |\n|---|---|\n| CVE-1-2, GO-3-4 | a: `it_holds` |\n| GHSA-5 | not yet: nothing |";
        assert_eq!(said(table, LESSON), [""; 0]);
    }

    #[test]
    fn a_test_that_is_gone_or_means_something_else_is_named() {
        let findings = said("| CVE-1-2, GO-3-4 | `it_holds`, `it_is_gone` |", LESSON);
        assert!(findings[0].contains("no test `it_is_gone`"), "{findings:?}");
        let findings = said("| CVE-1-2 | `it_holds` |", "#[test]\nfn it_holds() {}\n");
        assert!(findings[0].contains("no test `it_holds`"), "{findings:?}");
    }

    #[test]
    fn a_lesson_that_the_table_does_not_know_is_named() {
        let findings = said("| CVE-1-2 | `it_holds` |", LESSON);
        assert!(findings[0].contains("`it_holds` is the lesson of GO-3-4"), "{findings:?}");
    }

    #[test]
    fn a_row_without_a_test_says_why() {
        let findings = said("| CVE-7-8 | binding | |", "");
        assert!(findings[0].contains("neither a test nor a reason"), "{findings:?}");
        assert!(judge(&[])[0].to_string().contains("is not there"));
    }
}
