//! What was hit, how often: durable step by fault.

use std::collections::BTreeMap;

/// A durable step and a fault that befell it.
pub type Cell = (&'static str, &'static str);

/// How often each fault befell each durable step.
#[derive(Debug, Default, Clone)]
pub struct Tally {
    cells: BTreeMap<Cell, u64>,
    endings: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// Counts one.
    pub fn count(&mut self, step: &'static str, fault: &'static str) {
        *self.cells.entry((step, fault)).or_default() += 1;
    }

    /// Adds another run's.
    pub fn add(&mut self, other: &Self) {
        for (cell, count) in &other.cells {
            *self.cells.entry(*cell).or_default() += count;
        }
        for (state, count) in &other.endings {
            *self.endings.entry(*state).or_default() += count;
        }
    }

    /// Counts a request that ended, or was left, in a state.
    pub fn end(&mut self, state: &'static str) {
        *self.endings.entry(state).or_default() += 1;
    }

    /// How requests ended, in words.
    pub fn endings(&self) -> String {
        let endings: Vec<String> =
            self.endings.iter().map(|(state, count)| format!("{count} {state}")).collect();
        endings.join(", ")
    }

    /// Every cell that was hit.
    pub fn cells(&self) -> &BTreeMap<Cell, u64> {
        &self.cells
    }

    /// All faults together.
    pub fn faults(&self) -> u64 {
        self.cells.values().sum()
    }

    /// The table, a row a step.
    pub fn table(&self) -> String {
        let mut faults: Vec<&str> = self.cells.keys().map(|(_, fault)| *fault).collect();
        faults.sort_unstable();
        faults.dedup();
        let mut steps: Vec<&str> = self.cells.keys().map(|(step, _)| *step).collect();
        steps.dedup();
        let mut out = format!("{:<22}", "durable step");
        for fault in &faults {
            out.push_str(&format!("{fault:>14}"));
        }
        out.push('\n');
        for step in steps {
            out.push_str(&format!("{step:<22}"));
            for fault in &faults {
                let count =
                    self.cells.iter().find(|((s, f), _)| *s == step && f == fault).map_or(0, |(_, n)| *n);
                out.push_str(&format!("{count:>14}"));
            }
            out.push('\n');
        }
        out
    }
}
