//! Faults that wait for the step that they are meant for.

use crate::cells::{Fault, Step};

/// What is planned, in the order in which it was.
#[derive(Debug, Default)]
pub(crate) struct Plan(Vec<Waiting>);

#[derive(Debug)]
struct Waiting {
    step: Step,
    after: u64,
    fault: Fault,
}

impl Plan {
    /// Plans a fault for a step, after it was done `after` times.
    pub(crate) fn add(&mut self, step: Step, after: u64, fault: Fault) {
        self.0.push(Waiting { step, after, fault });
    }

    /// A step is about to be done: the fault that was waiting for it, if its time has come.
    pub(crate) fn meet(&mut self, step: Step) -> Option<Fault> {
        let due = self.0.iter().position(|waiting| waiting.step == step && waiting.after == 0);
        if let Some(due) = due {
            return Some(self.0.remove(due).fault);
        }
        let of_step = self.0.iter_mut().filter(|waiting| waiting.step == step);
        of_step.for_each(|waiting| waiting.after -= 1);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_waits_for_its_step_and_is_met_once() {
        let mut plan = Plan::default();
        plan.add(Step::Swap, 1, Fault::Error);
        assert_eq!(plan.meet(Step::Tiles), None);
        assert_eq!(plan.meet(Step::Swap), None);
        assert_eq!(plan.meet(Step::Swap), Some(Fault::Error));
        assert_eq!(plan.meet(Step::Swap), None);
    }
}
