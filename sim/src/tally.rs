//! What was hit, how often: step by fault; and how the requests ended.

use std::collections::BTreeMap;

use crate::cells::{self, Cell, Fault, Kind, Step};

/// How often each fault befell each step, and what became of the requests.
#[derive(Debug, Default, Clone)]
pub struct Tally {
    cells: BTreeMap<Cell, u64>,
    endings: BTreeMap<(&'static str, &'static str), u64>,
    events: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// Counts a fault.
    pub fn count(&mut self, step: Step, fault: Fault) {
        *self.cells.entry((step, fault)).or_default() += 1;
    }

    /// Counts a request of a profile that ended, or was left, in a state.
    pub fn end(&mut self, profile: &'static str, state: &'static str) {
        *self.endings.entry((profile, state)).or_default() += 1;
    }

    /// Counts something else that happened.
    pub fn note(&mut self, event: &'static str, count: u64) {
        *self.events.entry(event).or_default() += count;
    }

    /// Adds another run's.
    pub fn add(&mut self, other: &Self) {
        add(&mut self.cells, &other.cells);
        add(&mut self.endings, &other.endings);
        add(&mut self.events, &other.events);
    }

    /// All faults together.
    pub fn faults(&self) -> u64 {
        self.cells.values().sum()
    }

    /// The cell that was hit least, of all that there are.
    pub fn least(&self) -> u64 {
        cells::all().iter().map(|cell| self.hits(*cell)).min().unwrap_or(0)
    }

    fn hits(&self, cell: Cell) -> u64 {
        self.cells.get(&cell).copied().unwrap_or(0)
    }

    /// The table: a block a kind of fault, a row a step, and why the blocks do not overlap.
    pub fn table(&self) -> String {
        let mut out = String::new();
        for kind in Kind::ALL {
            let faults = kind.faults();
            let head: String = faults.iter().map(|fault| format!("{:>15}", fault.words())).collect();
            out.push_str(&format!("{:<22}{head}\n", "step"));
            for step in Step::ALL.into_iter().filter(|step| step.kind() == kind) {
                let row: String =
                    faults.iter().map(|fault| format!("{:>15}", self.hits((step, *fault)))).collect();
                out.push_str(&format!("{:<22}{row}\n", step.words()));
            }
            out.push_str(&format!("  (these {})\n\n", kind.why_nowhere_else()));
        }
        out
    }

    /// How requests ended and what else happened, a line a profile.
    pub fn endings(&self) -> String {
        let mut profiles: Vec<&str> = self.endings.keys().map(|(profile, _)| *profile).collect();
        profiles.dedup();
        let mut out = String::new();
        for profile in profiles {
            let of = self.endings.iter().filter(|((of, _), _)| *of == profile);
            let states: Vec<String> = of.map(|((_, state), count)| format!("{count} {state}")).collect();
            out.push_str(&format!("{profile}: {}\n", states.join(", ")));
        }
        let events: Vec<String> =
            self.events.iter().map(|(event, count)| format!("{count} {event}")).collect();
        out + &format!("besides: {}\n", events.join(", "))
    }
}

fn add<K: Ord + Copy>(sum: &mut BTreeMap<K, u64>, other: &BTreeMap<K, u64>) {
    for (key, count) in other {
        *sum.entry(*key).or_default() += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_that_was_never_hit_counts_as_zero() {
        let mut tally = Tally::default();
        cells::all().into_iter().skip(1).for_each(|(step, fault)| tally.count(step, fault));
        assert_eq!(tally.least(), 0);
        tally.count(Step::Intent, Fault::Error);
        assert_eq!(tally.least(), 1);
    }
}
