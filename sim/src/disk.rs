//! The disk of the key process, on which a planned fault waits for the step that it is meant for.

use std::sync::{Arc, Mutex, MutexGuard};

use model::{Disk, DiskError};
use testkit::{CrashDisk, Fault as DiskFault};

use crate::cells::{Cell, Fault, Step};
use crate::plan::Plan;

/// A [`CrashDisk`] that knows what the journal does with it.
#[derive(Clone)]
pub(crate) struct JournalDisk {
    disk: CrashDisk,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    plan: Plan,
    met: Vec<Cell>,
    /// Is a segment being begun, whose sync is still to come?
    beginning: bool,
    /// The file of a segment in which nothing but its snapshot was written yet.
    fresh: Option<String>,
}

impl JournalDisk {
    pub(crate) fn new(disk: CrashDisk) -> Self {
        Self { disk, state: Arc::default() }
    }

    /// Plans a fault for a step, after it was done `after` times.
    pub(crate) fn plan(&self, step: Step, after: u64, fault: Fault) {
        self.state().plan.add(step, after, fault);
    }

    /// The faults that were met; they are forgotten.
    pub(crate) fn met(&self) -> Vec<Cell> {
        std::mem::take(&mut self.state().met)
    }

    /// Nothing fails any more.
    pub(crate) fn mend(&self) {
        self.state().plan = Plan::default();
        self.disk.switch_on();
    }

    pub(crate) fn is_dark(&self) -> bool {
        self.disk.is_dark()
    }

    /// Power is back.
    pub(crate) fn switch_on(&self) {
        self.disk.switch_on();
        self.state().beginning = false;
    }

    pub(crate) fn cut(&self, seed: u64) {
        self.disk.cut(seed);
    }

    pub(crate) fn is_durable(&self, bytes: &[u8]) -> bool {
        self.disk.is_durable(bytes)
    }

    /// Does all that the journal knows stand in the snapshot of its newest segment?
    pub(crate) fn is_fresh(&self) -> bool {
        self.state().fresh.is_some()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds the plan")
    }

    /// What is about to be done is this step: if a fault waits for it, it is met now.
    fn arrive(&self, step: Step) {
        if self.disk.is_dark() {
            return;
        }
        let mut state = self.state();
        let Some(fault) = state.plan.meet(step) else { return };
        let disk_fault: DiskFault = fault.of_a_disk().expect("only a disk's faults are planned here");
        self.disk.plan(0, disk_fault);
        state.met.push((step, fault));
    }
}

impl State {
    fn begin_or_go_on(&mut self, name: &str, offset: u64) {
        self.beginning = offset == 0;
        if self.fresh.as_deref() == Some(name) {
            self.fresh = None;
        }
    }
}

impl Disk for JournalDisk {
    fn list(&self) -> Result<Vec<String>, DiskError> {
        self.disk.list()
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, DiskError> {
        self.disk.read(name)
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), DiskError> {
        self.arrive(Step::JournalSegment);
        self.disk.replace(name, bytes)?;
        self.state().fresh = Some(name.to_owned());
        Ok(())
    }

    fn write_at(&self, name: &str, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        // Only the header of a segment stands at the beginning of its file.
        self.state().begin_or_go_on(name, offset);
        self.arrive(if offset == 0 { Step::JournalSegment } else { Step::JournalWrite });
        self.disk.write_at(name, offset, bytes)
    }

    fn sync(&self, name: &str) -> Result<(), DiskError> {
        let beginning = std::mem::take(&mut self.state().beginning);
        self.arrive(if beginning { Step::JournalSegment } else { Step::JournalSync });
        self.disk.sync(name)?;
        if beginning {
            self.state().fresh = Some(name.to_owned());
        }
        Ok(())
    }
}
