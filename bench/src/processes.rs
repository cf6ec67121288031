//! What processes cost: processor time and memory, of one and of all that it started.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

/// How often the system's clock of processor time ticks: what Linux tells user programs, on every machine.
const TICKS_PER_SECOND: u64 = 100;

/// The processor time of a process and all that it started, those that have ended among them: by what each of them is,
/// as the first word of its command line says.
pub(crate) fn by_kind(root: u32) -> BTreeMap<String, Duration> {
    let mut kinds = BTreeMap::new();
    for process in tree(root) {
        *kinds.entry(kind(process.id)).or_default() +=
            Duration::from_millis(process.ticks * 1_000 / TICKS_PER_SECOND);
    }
    kinds
}

/// `server`, `signerd`, `lane`; of an executable without such a word, its name.
fn kind(id: u32) -> String {
    let line = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
    let words: Vec<String> =
        line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    match words.as_slice() {
        [_, signerd, lane, ..] if signerd == "signerd" && lane == "lane" => "lane".to_owned(),
        [_, verb, ..] if !verb.is_empty() => verb.clone(),
        [name, ..] => name.rsplit('/').next().unwrap_or_default().to_owned(),
        [] => String::new(),
    }
}

/// Memory of a process and all that it started, each shared page in parts (`Pss`), in bytes.
pub(crate) fn memory(root: u32) -> u64 {
    tree(root).iter().map(|process| proportional(process.id)).sum()
}

/// How many processes they are.
pub(crate) fn count(root: u32) -> usize {
    tree(root).len()
}

#[derive(Debug, Clone, Copy)]
struct Process {
    id: u32,
    parent: u32,
    ticks: u64,
}

fn tree(root: u32) -> Vec<Process> {
    let folders = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = folders.filter_map(|entry| entry.file_name().to_string_lossy().parse().ok());
    let all: Vec<Process> = ids.filter_map(look).collect();
    let mut found: Vec<Process> = all.iter().filter(|process| process.id == root).copied().collect();
    let mut next = 0;
    while let Some(parent) = found.get(next).map(|process| process.id) {
        found.extend(all.iter().filter(|process| process.parent == parent));
        next += 1;
    }
    found
}

/// One line of `/proc/PID/stat`. What it is called comes in brackets, and may hold anything.
fn look(id: u32) -> Option<Process> {
    let line = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let fields: Vec<&str> = line.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |place: usize| fields.get(place).and_then(|field| field.parse::<u64>().ok());
    // From the state on, which is field 3: parent 4, user and system time 14 and 15, those of ended children 16 and 17.
    let ticks = number(11)? + number(12)? + number(13)? + number(14)?;
    Some(Process { id, parent: number(1)?.try_into().ok()?, ticks })
}

fn proportional(id: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse::<u64>().ok());
    kib.unwrap_or(0) * 1_024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_found_and_takes_memory_and_time() {
        let own = std::process::id();
        assert!(count(own) >= 1 && memory(own) > 0);
        let time = || by_kind(own).into_values().sum::<Duration>();
        let before = time();
        let mut number = 1_u64;
        while time() == before {
            number = std::hint::black_box(number.wrapping_mul(3));
        }
    }
}
