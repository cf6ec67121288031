//! Wiring: which implementation stands behind which trait.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use authority::{
    CertificateAuthority, CertificateParts, PromisedLog, PromisedParts, Renewal, TimestampAuthority,
    TufRepository,
};
use axum::Router;
use data_encoding::HEXLOWER;
use engine::{Directory, Engine, EngineError, Ledger, LogIndex, Parts, RequestStore};
use identity::KeySet;
use model::Clock;
use policy::BuiltIn;
use signer::Signer;
use store::{CertificateLog, FrozenLogs, LogName, PromisedRows, Store};
use tlog::{CheckpointLock, TileStore};
use tokio::sync::watch;
use tracing::warn;

use crate::admin;
use crate::agreement::{self, AgreementError, Standing};
use crate::caller::Callers;
use crate::config::{Config, Limits};
use crate::cosigned::{COSIGNED, Cosigned};
use crate::door::{Access, Sentry, Visitors};
use crate::issuer_feed;
use crate::problem::words;
use crate::routes::ct::CertificateLogReader;
use crate::routes::fulcio::CertificateCounter;
use crate::routes::log::LogReader;
use crate::routes::log::entries::EntryCounter;
use crate::routes::monitor::Monitor;
use crate::routes::rekor_v1::RekorV1Counter;
use crate::routes::timestamp::TimestampCounter;
use crate::routes::trust_root::TrustRootShelf;
use crate::routes::{self, Keyless, Logs};
use crate::signing::Signing;
use crate::sources::Sources;
use crate::strangers::Strangers;
use crate::telemetry::Telemetry;
use crate::turnstile::{Reads, Turnstile};
use crate::walls::Walls;

/// Why the parts do not come together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WiringError {
    /// The store cannot be opened.
    #[error("the store cannot be opened")]
    Store(#[from] store::OpenError),
    /// Store and key process do not know the same log.
    #[error("the log cannot be gone on with")]
    Agreement(#[from] AgreementError),
    /// The engine does not start.
    #[error("the signing cycle cannot be started")]
    Engine(#[from] EngineError),
    /// Starting was cut off.
    #[error("the start was cut off")]
    Stopped,
}

/// All that is behind the listeners.
pub(crate) struct Wired {
    pub(crate) engine: Engine,
    pub(crate) routers: Routers,
}

/// What each listener serves.
pub(crate) struct Routers {
    pub(crate) api: Router,
    pub(crate) public: Router,
    pub(crate) monitor: Router,
    pub(crate) admin: Router,
}

/// The rooms below the engine, each behind the trait of whoever calls it.
pub(crate) struct Rooms {
    keys: Arc<dyn KeySet>,
    requests: Arc<dyn RequestStore>,
    ledger: Arc<dyn Ledger>,
    directory: Arc<dyn Directory>,
    tiles: Arc<dyn TileStore>,
    lock: Arc<dyn CheckpointLock>,
    index: Arc<dyn LogIndex>,
    /// The key process.
    signer: Arc<dyn Signer>,
}

/// How often requests are looked for whose deadline has passed.
const SWEEP_PERIOD: Duration = Duration::from_secs(30);

/// How often it is looked whether strangers are to be recorded; when that is due, their count knows.
const STRANGERS_PERIOD: Duration = Duration::from_secs(1);

/// How often it is looked whether TUF metadata is due.
const RENEWAL_PERIOD: Duration = Duration::from_secs(60);

/// Opens the store, recovers, and puts everything together. It blocks.
pub(crate) fn wire(
    config: &Config,
    clock: Arc<dyn Clock>,
    public_url: String,
    strangers: Arc<Strangers>,
    stop: watch::Receiver<bool>,
) -> Result<Wired, WiringError> {
    make_folders_of_feeds(&config.folder);
    let signer: Arc<dyn Signer> = Arc::new(signer::Client::new(&config.signer_socket));
    let (store, access) = match agreement::stand(&config.folder, &signer, &clock)? {
        Standing::Agreed(store) => (store, Access::Full),
        Standing::ReadOnly { store, why } => (store, Access::Reads(words(&why).into())),
    };
    let store = Arc::new(store);
    let frozen = |log| FrozenLogs::of(&config.folder, log);
    let frozen = Frozen { logs: frozen(LogName::Transparency), certificates: frozen(LogName::Certificates) };
    let rooms = Rooms::new(Arc::clone(&store), signer);
    // An authority that only the public waits at: however many ask, no signature queues behind them.
    let public_authority = rooms.authority(&clock);
    let parts = rooms.parts(Arc::clone(&clock));
    let engine = match &access {
        Access::Full => {
            let engine = Engine::start(parts)?;
            tokio::spawn(sweep(engine.clone(), stop.clone()));
            tokio::spawn(record_strangers(engine.clone(), Arc::clone(&strangers), stop.clone()));
            engine
        }
        Access::Reads(why) => {
            warn!(why = &**why, "this server only reads");
            Engine::read_only(parts)
        }
    };
    let signer = || Arc::clone(&rooms.signer);
    let repository = rooms.repository(&clock, &access);
    if matches!(access, Access::Full) {
        tokio::spawn(renew(Arc::clone(&repository), stop.clone()));
    }
    let shelf = Arc::new(TrustRootShelf::new(signer(), Arc::clone(&clock), public_url, repository));
    let admin = admin::router(Arc::clone(&store), signer(), Arc::clone(&clock), Arc::clone(&shelf));
    let (limits, walls) = (config.limits.clone(), config.walls.clone());
    let issuers: Arc<Path> = config.folder.join(issuer_feed::ISSUERS).join(issuer_feed::SOCKET).into();
    let cosigned: Arc<Path> = config.folder.join(COSIGNED).into();
    let edge =
        Edge { clock, shelf, limits, walls, strangers, store, frozen, issuers, cosigned, access, stop };
    Ok(Wired { routers: rooms.routers(&engine, public_authority, admin, edge), engine })
}

/// Makes the folders of the feeds: each keeps what it brings, or listens, in one of its own, and may make none in the
/// server's.
fn make_folders_of_feeds(folder: &Path) {
    for name in [COSIGNED, issuer_feed::ISSUERS] {
        if let Err(error) = DirBuilder::new().recursive(true).mode(0o700).create(folder.join(name)) {
            warn!(error = words(&error), name, "a folder of a feed cannot be made");
        }
    }
}

/// What the listeners need beside the rooms.
struct Edge {
    clock: Arc<dyn Clock>,
    shelf: Arc<TrustRootShelf>,
    limits: Limits,
    walls: Walls,
    strangers: Arc<Strangers>,
    store: Arc<Store>,
    frozen: Frozen,
    /// Where the process listens that asks issuers of ID tokens for their keys.
    issuers: Arc<Path>,
    /// Where the log's checkpoints are left that witnesses cosigned.
    cosigned: Arc<Path>,
    access: Access,
    stop: watch::Receiver<bool>,
}

/// The logs that others succeeded.
struct Frozen {
    logs: FrozenLogs,
    certificates: FrozenLogs,
}

impl Rooms {
    /// The store behind all its traits, and the key process.
    pub(crate) fn new(store: Arc<Store>, signer: Arc<dyn Signer>) -> Self {
        Self {
            keys: store.clone(),
            requests: store.clone(),
            ledger: store.clone(),
            directory: store.clone(),
            tiles: store.clone(),
            lock: store.clone(),
            index: store,
            signer,
        }
    }

    /// What the engine is put together from.
    pub(crate) fn parts(&self, clock: Arc<dyn Clock>) -> Parts {
        Parts {
            random: Box::new(random),
            signer: Arc::clone(&self.signer),
            policy: Arc::new(BuiltIn),
            timestamper: self.authority(&clock),
            clock,
            requests: Arc::clone(&self.requests),
            ledger: Arc::clone(&self.ledger),
            directory: Arc::clone(&self.directory),
            tiles: Arc::clone(&self.tiles),
            lock: Arc::clone(&self.lock),
            index: Arc::clone(&self.index),
        }
    }

    /// The certificate authority for holders of ID tokens, and the log of its certificates.
    fn keyless(
        &self,
        store: &Arc<Store>,
        frozen: FrozenLogs,
        issuers: Arc<Path>,
        clock: &Arc<dyn Clock>,
        limits: &Limits,
    ) -> Keyless {
        let log = Arc::new(CertificateLog::new(Arc::clone(store)));
        let authority = Arc::new(CertificateAuthority::new(CertificateParts {
            signer: Arc::clone(&self.signer),
            ledger: Arc::clone(&self.ledger),
            requests: Arc::clone(&self.requests),
            clock: Arc::clone(clock),
            random,
            tiles: log.clone(),
            lock: log.clone(),
        }));
        let sources = Arc::new(Sources::new(Arc::clone(clock), limits.entries_per_second));
        let certificates = CertificateCounter::open(Arc::clone(&authority), sources, issuers, limits.clone());
        Keyless { certificates, log: CertificateLogReader { tiles: log, frozen, authority } }
    }

    /// The log of Rekor v1.
    fn promised(&self, store: &Arc<Store>, clock: &Arc<dyn Clock>) -> Arc<PromisedLog> {
        let rows = Arc::new(PromisedRows::new(Arc::clone(store)));
        Arc::new(PromisedLog::new(PromisedParts {
            signer: Arc::clone(&self.signer),
            ledger: Arc::clone(&self.ledger),
            clock: Arc::clone(clock),
            tiles: rows.clone(),
            lock: rows.clone(),
            index: Arc::clone(&self.index),
            promises: rows,
        }))
    }

    /// The TUF repository.
    pub(crate) fn repository(&self, clock: &Arc<dyn Clock>, access: &Access) -> Arc<TufRepository> {
        let renewal = if matches!(access, Access::Full) { Renewal::WhenDue } else { Renewal::Never };
        let (signer, ledger) = (Arc::clone(&self.signer), Arc::clone(&self.ledger));
        Arc::new(TufRepository::new(signer, ledger, Arc::clone(clock), renewal))
    }

    /// A timestamp authority.
    fn authority(&self, clock: &Arc<dyn Clock>) -> Arc<TimestampAuthority> {
        let (signer, ledger) = (Arc::clone(&self.signer), Arc::clone(&self.ledger));
        Arc::new(TimestampAuthority::new(signer, ledger, Arc::clone(clock)))
    }

    fn routers(
        self,
        engine: &Engine,
        public_authority: Arc<TimestampAuthority>,
        admin: Router,
        edge: Edge,
    ) -> Routers {
        let Edge { clock, shelf, limits, walls, strangers, store, frozen, issuers, cosigned, access, stop } =
            edge;
        let keyless = self.keyless(&store, frozen.certificates, issuers, &clock, &limits);
        let promised = self.promised(&store, &clock);
        let telemetry = Arc::new(Telemetry::default());
        let turnstile = Arc::new(Turnstile::new(&limits));
        let callers = Callers { keys: self.keys, clock: Arc::clone(&clock), turnstile };
        let entries = EntryCounter {
            engine: engine.clone(),
            callers: callers.clone(),
            sources: Arc::new(Sources::new(Arc::clone(&clock), limits.entries_per_second)),
            turnstile: Arc::new(Turnstile::of_entries(&limits)),
            strangers: Arc::clone(&strangers),
            frozen: frozen.logs.clone(),
            limits: limits.clone(),
        };
        let rekor_v1 = RekorV1Counter { log: promised, store: Arc::clone(&store), entries };
        let cosigned = Cosigned { folder: cosigned, tiles: Arc::clone(&self.tiles), engine: engine.clone() };
        let signing =
            Signing { engine: engine.clone(), cosigned, callers, store, limits: limits.clone(), stop };
        let monitor = Monitor {
            engine: engine.clone(),
            holders: Arc::clone(&keyless.log.authority),
            telemetry: Arc::clone(&telemetry),
            signer: Arc::clone(&self.signer),
            ledger: self.ledger,
            policy: Arc::new(BuiltIn),
            tiles: Arc::clone(&self.tiles),
            repository: shelf.repository(),
            clock: Arc::clone(&clock),
            access: access.clone(),
            walls,
        };
        let logs = Logs { reader: LogReader { tiles: self.tiles, frozen: frozen.logs }, rekor_v1 };
        let reads = Reads::new(&limits);
        let counter = TimestampCounter::open(public_authority, limits);
        let sentry =
            |visitors| Sentry { telemetry: Arc::clone(&telemetry), visitors, access: access.clone() };
        Routers {
            api: routes::api(signing, sentry(Visitors::Callers(Arc::clone(&strangers)))),
            public: routes::public(logs, counter, keyless, shelf, reads, sentry(Visitors::Public(strangers))),
            monitor: routes::monitored(monitor),
            admin: routes::behind_door(admin, sentry(Visitors::Own)),
        }
    }
}

/// What this server calls itself in the lease: unlike every other, and of use to whoever looks for it.
pub(crate) fn holder() -> String {
    let mut tail = [0; 4];
    random(&mut tail);
    format!("process {} ({})", std::process::id(), HEXLOWER.encode(&tail))
}

fn random(buffer: &mut [u8]) {
    aws_lc_rs::rand::fill(buffer).expect("the system's randomness does not fail once the system is up");
}

/// Lets requests expire that waited for people past their deadline.
async fn sweep(engine: Engine, mut stop: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(SWEEP_PERIOD);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        let engine = engine.clone();
        let swept = tokio::task::spawn_blocking(move || engine.sweep()).await;
        if let Ok(Err(error)) = swept {
            warn!(error = words(&error), "requests past their deadline cannot be looked for now");
        }
    }
}

/// Has renewed what is due of the TUF metadata.
async fn renew(repository: Arc<TufRepository>, mut stop: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(RENEWAL_PERIOD);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        let repository = Arc::clone(&repository);
        let renewed = tokio::task::spawn_blocking(move || repository.renew()).await;
        if let Ok(Err(error)) = renewed {
            warn!(error = words(&error), "TUF metadata cannot be renewed now");
        }
    }
}

/// Records what strangers were refused, off the path of every signature.
async fn record_strangers(engine: Engine, strangers: Arc<Strangers>, mut stop: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(STRANGERS_PERIOD);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        let (engine, strangers) = (engine.clone(), Arc::clone(&strangers));
        let recorded = tokio::task::spawn_blocking(move || strangers.record_if_due(&engine)).await;
        if let Ok(Err(error)) = recorded {
            warn!(error = words(&error), "what strangers were refused cannot be recorded now");
        }
    }
}
