//! What the tables of a page say, but for versions and counts: tools are renewed without anybody here doing anything, and what
//! they accept and refuse must stay what the page says.

/// The lines of all tables, and the headings above them, in an order of their own.
pub(crate) fn of(page: &str) -> Vec<String> {
    let is_told = |line: &&str| line.starts_with('|') || line.starts_with("### ");
    let mut lines: Vec<String> = page.lines().filter(is_told).map(reduced).collect();
    lines.sort();
    lines
}

/// The words of a line that are neither a version, nor a count, nor the number of a footnote.
fn reduced(line: &str) -> String {
    let is_kept = |word: &&str| !word.starts_with(|c: char| c.is_ascii_digit() || c == '(');
    line.replace("<br>", " ").split_whitespace().filter(is_kept).collect::<Vec<_>>().join(" ")
}

/// What one of two pages says and the other does not.
pub(crate) fn differences(checked_in: &str, fresh: &str) -> Vec<String> {
    let (before, now) = (of(checked_in), of(fresh));
    let gone = before.iter().filter(|line| !now.contains(line)).map(|line| format!("- {line}"));
    let new = now.iter().filter(|line| !before.contains(line)).map(|line| format!("+ {line}"));
    gone.chain(new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# Title\n\nText 1.\n\n| cms | openssl | 3.0.19 | ours | 13 | 71 |\n\n### blob, keyless\n\n| signed by | a<br>1.0 |\n| b 2.1 | ✓ 1 |\n| c | ✗ (1) |\n";

    #[test]
    fn versions_and_counts_may_change_and_what_was_accepted_may_not() {
        let renewed = PAGE
            .replace("3.0.19", "3.5")
            .replace("13", "14")
            .replace("b 2.1", "b 3")
            .replace("a<br>1.0", "a<br>2");
        assert_eq!(differences(PAGE, &renewed), [""; 0]);
        let refused = PAGE.replace("✓ 1", "✗ (2)");
        assert_eq!(differences(PAGE, &refused), ["- | b | ✓ |", "+ | b | ✗ |"]);
        let more = format!("{PAGE}| cms | certtool | 1 | ours | 1 | 0 |\n");
        assert_eq!(differences(PAGE, &more), ["+ | cms | certtool | | ours | | |"]);
    }
}
