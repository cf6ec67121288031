//! The stages of a server that runs, on the thread of whoever rehearses them.

use std::sync::Arc;

use engine::stages::{
    Arrival, Ended, Entrant, Lanes, LogStage, Onward, PartlySigned, Settle, Sign, Signed, Stamp, Submit,
    World,
};
use engine::take_up;

use crate::stores::Store;

/// The stages, with what waits in front of each.
pub(crate) struct Server {
    submit: Submit,
    lanes: Vec<Lane>,
    stamp: Stamp,
    log: LogStage,
    settle: Settle,
    pub(crate) arrivals: Vec<Arrival>,
    signed: Vec<Signed>,
    pub(crate) entrants: Vec<Entrant>,
    ended: Vec<Ended>,
}

/// A lane of Sign.
struct Lane {
    store: Store,
    sign: Sign,
    boarding: Vec<PartlySigned>,
}

/// What runs at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Submit,
    Sign(Store),
    Stamp,
    Log,
    Settle,
}

impl Stage {
    /// All of them, in the order in which a request meets them.
    pub(crate) const ALL: [Self; 7] = [
        Self::Submit,
        Self::Sign(Store::Cloud),
        Self::Sign(Store::Software),
        Self::Sign(Store::Token),
        Self::Stamp,
        Self::Log,
        Self::Settle,
    ];
}

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
        let lanes = Lanes::open(world).ok()?;
        let arrivals = take_up(world).ok()?;
        let lane = |lane: &Arc<engine::stages::Lane>| {
            let store = Store::named(lane.store())?;
            Some(Lane { store, sign: Sign::new(Arc::clone(world), Arc::clone(lane)), boarding: Vec::new() })
        };
        Some(Self {
            submit: Submit::new(Arc::clone(world), lanes.clone()),
            lanes: lanes.iter().map(lane).collect::<Option<_>>()?,
            stamp: Stamp::new(Arc::clone(world)),
            settle: Settle::new(Arc::clone(world)),
            log,
            arrivals,
            signed: Vec::new(),
            entrants: Vec::new(),
            ended: Vec::new(),
        })
    }

    /// Runs one stage over a share of what waits in front of it.
    pub(crate) fn run(&mut self, stage: Stage, share: Share) {
        match stage {
            Stage::Submit => {
                let submitted = self.submit.run(take(&mut self.arrivals, share));
                self.board(submitted.intended.into_iter().map(PartlySigned::from));
                self.arrivals.extend(submitted.later);
            }
            Stage::Sign(store) => self.sign(store, share),
            Stage::Stamp => {
                let passed = self.stamp.run(take(&mut self.signed, share));
                self.signed.extend(passed.again);
                self.entrants.extend(passed.next.into_iter().map(Entrant::from));
                self.ended.extend(passed.stopped.into_iter().map(Ended::Stopped));
            }
            Stage::Log => {
                let passed = self.log.run(take(&mut self.entrants, share));
                self.entrants.extend(passed.again);
                self.ended.extend(passed.next.into_iter().map(Ended::Logged));
                self.ended.extend(passed.stopped.into_iter().map(Ended::Stopped));
            }
            Stage::Settle => {
                let passed = self.settle.run(take(&mut self.ended, share));
                self.ended.extend(passed.again);
            }
        }
    }

    fn sign(&mut self, store: Store, share: Share) {
        let Some(lane) = self.lanes.iter_mut().find(|lane| lane.store == store) else { return };
        let passed = lane.sign.run(take(&mut lane.boarding, share));
        lane.boarding.extend(passed.again);
        self.ended.extend(passed.stopped.into_iter().map(Ended::Stopped));
        for onward in passed.next {
            match onward {
                Onward::Lane(one) => self.board([one]),
                Onward::Stamp(signed) => self.signed.push(signed),
            }
        }
    }

    fn board(&mut self, many: impl IntoIterator<Item = PartlySigned>) {
        for one in many {
            let store = one.store().and_then(Store::named);
            let lane = self.lanes.iter_mut().find(|lane| Some(lane.store) == store);
            lane.expect("a passage was booked through every lane").boarding.push(one);
        }
    }

    /// Does anybody wait in front of this lane?
    pub(crate) fn is_wanted(&self, store: Store) -> bool {
        self.lanes.iter().any(|lane| lane.store == store && !lane.boarding.is_empty())
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
