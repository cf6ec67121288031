//! The stages of a server that runs, on the thread of whoever rehearses them.

use std::sync::Arc;

use engine::stages::{
    Arrival, Ended, Intended, LogStage, Settle, Sign, Signed, Stamp, Stamped, Submit, World,
};
use engine::take_up;

/// The stages, with what waits in front of each.
pub(crate) struct Server {
    submit: Submit,
    sign: Sign,
    stamp: Stamp,
    log: LogStage,
    settle: Settle,
    pub(crate) arrivals: Vec<Arrival>,
    intended: Vec<Intended>,
    signed: Vec<Signed>,
    stamped: Vec<Stamped>,
    ended: Vec<Ended>,
}

/// How many stages there are.
pub(crate) const STAGES: u64 = 5;

/// How much of what waits in front of a stage it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Share {
    One,
    Half,
    All,
}

impl Server {
    /// A server as it starts: it opens the log and takes up what was in flight. It may fail, and is started again.
    pub(crate) fn start(world: &Arc<World>) -> Option<Self> {
        let log = LogStage::open(Arc::clone(world)).ok()?;
        let arrivals = take_up(world).ok()?;
        Some(Self {
            submit: Submit::new(Arc::clone(world)),
            sign: Sign::new(Arc::clone(world)),
            stamp: Stamp::new(Arc::clone(world)),
            settle: Settle::new(Arc::clone(world)),
            log,
            arrivals,
            intended: Vec::new(),
            signed: Vec::new(),
            stamped: Vec::new(),
            ended: Vec::new(),
        })
    }

    /// Runs one stage over a share of what waits in front of it.
    pub(crate) fn run(&mut self, stage: u64, share: Share) {
        match stage {
            0 => {
                let submitted = self.submit.run(take(&mut self.arrivals, share));
                self.intended.extend(submitted.intended);
                self.arrivals.extend(submitted.later);
            }
            1 => {
                let passed = self.sign.run(take(&mut self.intended, share));
                self.intended.extend(passed.again);
                self.signed.extend(passed.next);
                self.ended.extend(passed.stopped.into_iter().map(Ended::Stopped));
            }
            2 => {
                let passed = self.stamp.run(take(&mut self.signed, share));
                self.signed.extend(passed.again);
                self.stamped.extend(passed.next);
                self.ended.extend(passed.stopped.into_iter().map(Ended::Stopped));
            }
            3 => {
                let passed = self.log.run(take(&mut self.stamped, share));
                self.stamped.extend(passed.again);
                self.ended.extend(passed.next.into_iter().map(Ended::Logged));
                self.ended.extend(passed.stopped.into_iter().map(Ended::Stopped));
            }
            _ => {
                let passed = self.settle.run(take(&mut self.ended, share));
                self.ended.extend(passed.again);
            }
        }
    }
}

fn take<T>(queue: &mut Vec<T>, share: Share) -> Vec<T> {
    let count = match share {
        Share::One => queue.len().min(1),
        Share::Half => queue.len().div_ceil(2),
        Share::All => queue.len(),
    };
    queue.drain(..count).collect()
}
