//! A store in a temporary folder, with a clock in the test's hand.

use std::path::Path;
use std::sync::Arc;

use engine::{Leaf, LeafKind, Row, Standing, State, Write};
use identity::Caller;
use model::{Clock, Digest, Instant, PersonId, PrincipalId, Proven, RequestId, Space};
use store::{OpenError, Store};
use testkit::{HandClock, TempFolder, temp_folder};

pub(crate) struct World {
    pub(crate) clock: Arc<HandClock>,
    folder: TempFolder,
}

pub(crate) fn space(text: &str) -> Space {
    text.parse().unwrap()
}

impl World {
    pub(crate) fn new() -> (Self, Store) {
        let world = Self { clock: Arc::new(HandClock::default()), folder: temp_folder() };
        let store = Store::create(world.folder(), "first", world.clock()).unwrap();
        (world, store)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::<HandClock>::clone(&self.clock)
    }

    pub(crate) fn open(&self, holder: &str) -> Result<Store, OpenError> {
        Store::open(self.folder(), holder, self.clock())
    }

    /// A second connection to the database, for what no server does.
    pub(crate) fn meddle(&self, sql: &str) {
        rusqlite::Connection::open(self.folder().join(store::DATABASE)).unwrap().execute_batch(sql).unwrap();
    }
}

pub(crate) fn id(number: u8) -> RequestId {
    RequestId::new([number; 16])
}

pub(crate) fn caller(number: u8) -> Caller {
    Caller {
        principal: PrincipalId::new([number; 16]),
        person: PersonId::new([number; 16]),
        name: "build".to_owned(),
        proven: Proven::ApiKey,
        spaces: vec![space("default"), space("payments/api")],
        profiles: Some(vec![space("default")]),
    }
}

pub(crate) fn row(number: u8, state: State) -> Row {
    let now = Instant::from_seconds(1_795_165_602);
    Row {
        id: id(number),
        space: space("default"),
        profile: space("default"),
        caller: caller(9),
        request: b"{\"a\":1}".to_vec(),
        items: vec![b"one".to_vec(), Vec::new(), b"three".to_vec()],
        endorsements: Vec::new(),
        idempotency_key: None,
        repeat: Digest::of(&[number]),
        submitted: now,
        deadline: now.after(std::time::Duration::from_secs(600)),
        standing: standing(state),
        log_size: 7,
        crashes: 0,
    }
}

pub(crate) fn standing(state: State) -> Standing {
    let reasons = vec!["because".to_owned(), "Grüße".to_owned()];
    Standing { state, since: Instant::from_nanoseconds(1_795_165_602_000_000_001), reasons }
}

pub(crate) fn leaf(number: u8) -> Leaf {
    Leaf {
        kind: LeafKind::Submission,
        request: Some(id(number)),
        space: space("default"),
        time: Instant::from_nanoseconds(5),
        salt: [number; 16],
        record: format!("{{\"number\":{number}}}").into_bytes(),
    }
}

pub(crate) fn insert(row: Row) -> Write {
    let leaves = vec![leaf(row.id.as_bytes()[0])];
    Write::Insert { row: Box::new(row), leaves }
}
