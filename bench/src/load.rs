//! Many clients at once, each on its own connection, one call after the other.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::Effort;
use crate::cost;
use crate::failure::Failure;
use crate::platform::Platform;
use crate::processes;
use crate::raw::{Needs, Probes, Raw};
use crate::report::{Floor, Row};
use crate::wire::{Connection, Door};

/// One client: does one thing at a time.
pub(crate) trait Client: Send {
    /// Does it once more.
    fn once(&mut self, connection: &mut Connection) -> Result<(), Failure>;
}

impl<F: FnMut(&mut Connection) -> Result<(), Failure> + Send> Client for F {
    fn once(&mut self, connection: &mut Connection) -> Result<(), Failure> {
        self(connection)
    }
}

/// Clients with their connections.
pub(crate) struct Clients<C> {
    pairs: Vec<(Connection, C)>,
}

/// What was done in one phase.
#[derive(Debug, Clone, Default)]
pub(crate) struct Phase {
    pub(crate) latencies: Vec<Duration>,
    pub(crate) wall: Duration,
}

impl Phase {
    #[allow(
        clippy::as_conversions,
        clippy::cast_precision_loss,
        reason = "counts far below 2^52, to be divided"
    )]
    pub(crate) fn count(&self) -> f64 {
        self.latencies.len() as f64
    }
}

impl<C: Client> Clients<C> {
    /// As many as are made of numbers below `count`.
    pub(crate) fn new(door: &Door, count: u32, make: impl Fn(u32) -> C) -> Result<Self, Failure> {
        let pairs = (0..count).map(|number| Ok((Connection::open(door)?, make(number))));
        Ok(Self { pairs: pairs.collect::<Result<_, Failure>>()? })
    }

    /// All of them, for so long.
    pub(crate) fn work(&mut self, during: Duration) -> Result<Phase, Failure> {
        let (stop, began) = (AtomicBool::new(false), Instant::now());
        let done: Result<Vec<Vec<Duration>>, Failure> = thread::scope(|scope| {
            let stop = &stop;
            let start = |(connection, client): &'_ mut (Connection, C)| -> Result<Vec<Duration>, Failure> {
                let mut latencies = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let began = Instant::now();
                    client.once(connection)?;
                    latencies.push(began.elapsed());
                }
                Ok(latencies)
            };
            let working: Vec<_> =
                self.pairs.iter_mut().map(|pair| scope.spawn(move || start(pair))).collect();
            thread::sleep(during);
            stop.store(true, Ordering::Relaxed);
            working.into_iter().map(|one| one.join().expect("a client does not panic")).collect()
        });
        let latencies = done?.into_iter().flatten().collect();
        Ok(Phase { latencies, wall: began.elapsed() })
    }
}

/// The processor time of a platform, by its processes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spent(BTreeMap<String, Duration>);

impl Spent {
    /// Adds what came between two looks.
    pub(crate) fn add(&mut self, before: BTreeMap<String, Duration>, after: BTreeMap<String, Duration>) {
        for (kind, time) in after {
            let earlier = before.get(&kind).copied().unwrap_or_default();
            *self.0.entry(kind).or_default() += time.saturating_sub(earlier);
        }
    }

    pub(crate) fn all(&self) -> Duration {
        self.0.values().sum()
    }

    /// Of each process, microseconds for one of so many operations.
    fn words(&self, done: f64) -> String {
        let each = self.0.iter().map(|(kind, time)| (kind, cost::micros(*time) / done.max(1.0)));
        let each = each.filter(|(_, micros)| *micros >= 0.05);
        each.map(|(kind, micros)| format!("{kind} {micros:.1}")).collect::<Vec<_>>().join(", ")
    }
}

/// What a row of many operations is called, needs, and must reach.
pub(crate) struct Throughput {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) needs: Needs,
    pub(crate) floor: f64,
    /// Operations in one call.
    pub(crate) each: u32,
}

impl Throughput {
    /// Loads, with probes of the bare operations before, between and after.
    pub(crate) fn measure<C: Client>(
        &self,
        platform: &Platform,
        raw: &Raw,
        effort: Effort,
        clients: &mut Clients<C>,
    ) -> Result<Row, Failure> {
        let (rounds, during) = match effort {
            Effort::Full => (5, Duration::from_millis(2_000)),
            Effort::Quick => (1, Duration::from_millis(300)),
        };
        clients.work(during / 4)?;
        let mut probes = Probes::new(raw, self.needs);
        let (mut phases, mut spent) = (Phase::default(), Spent::default());
        probes.take()?;
        for _ in 0..rounds {
            let before = processes::by_kind(platform.process());
            let phase = clients.work(during)?;
            spent.add(before, processes::by_kind(platform.process()));
            phases.latencies.extend(phase.latencies);
            phases.wall += phase.wall;
            probes.take()?;
        }
        Ok(self.row(phases, &spent, &probes))
    }

    #[allow(
        clippy::as_conversions,
        clippy::cast_precision_loss,
        reason = "counts far below 2^52, to be divided"
    )]
    fn row(&self, mut phases: Phase, spent: &Spent, probes: &Probes<'_>) -> Row {
        phases.latencies.sort_unstable();
        let done = phases.count() * f64::from(self.each);
        let per_second = done / phases.wall.as_secs_f64();
        let (needed, took) = (cost::micros(probes.cost()), cost::micros(spent.all()) / done.max(1.0));
        let processors = thread::available_parallelism().map_or(1, usize::from) as f64;
        let at = |share| cost::percentile(&phases.latencies, share).as_secs_f64() * 1e3;
        Row {
            name: self.name,
            what: self.what,
            value: per_second,
            unit: "1/s",
            ratio: needed / took,
            floor: Floor::AtLeast(self.floor),
            drift: probes.drift(),
            beside: format!(
                "{took:.1} µs of the platform's processes ({}), {needed:.1} µs bare; wall {:.2}; p50 {:.2} ms, p99 {:.2} ms",
                spent.words(done),
                per_second * needed / 1e6 / processors,
                at(0.5),
                at(0.99)
            ),
        }
    }
}
