//! What is found, in words: what is wrong, where, and what to do.

use engine::State;
use model::{KeyId, RequestId};
use tlog::TilePath;

/// Something that contradicts another book, or cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Finding {
    #[error("the journal cannot be read: {fault}")]
    Journal { fault: String },
    #[error("{fault}")]
    JournalBlemish { fault: String },
    #[error("there is no journal in the key process's folder")]
    NoJournal,
    #[error("the sealed key {key} does not open: {fault}")]
    Key { key: KeyId, fault: String },
    #[error("the passphrase cannot be used: {fault}")]
    Passphrase { fault: String },
    #[error(
        "the journal holds two intents for item {item} of request digest {request}: leaves {first} and {second}"
    )]
    TwoIntents { request: String, item: u32, first: u64, second: u64 },
    #[error(
        "the journal's leaf {leaf} is the intent to sign item {item} of request digest {request}, which no row knows"
    )]
    UnknownRequest { request: String, item: u32, leaf: u64 },
    #[error("the database: {fault}")]
    Store { fault: String },
    #[error("the database was changed since the last server ended in order")]
    ChangedSince,
    #[error("the stored profile `{name}` is not what its digest says")]
    Profile { name: String },
    #[error("a request row cannot be read: {fault}")]
    Row { fault: String },
    #[error("{id}: the row's {part} is not what its request says")]
    RowPart { id: RequestId, part: &'static str },
    #[error("{id}: {fault}")]
    RowReceipt { id: RequestId, fault: &'static str },
    #[error("a ledger leaf cannot be read: {fault}")]
    Leaf { fault: String },
    #[error("the ledger's leaf {place} is missing, or is there twice")]
    LeafPlace { place: u64 },
    #[error("the ledger's leaves do not give its stored head: {found} leaves, where the head says {stored}")]
    LedgerHead { found: u64, stored: u64 },
    #[error("the ledger's first {size} leaves do not give the head that is stored for them")]
    LedgerMilestone { size: u64 },
    #[error(
        "the journal saw a ledger of {recorded} leaves, and there are {stored}: the store is not the newest one"
    )]
    LedgerBehind { recorded: u64, stored: u64 },
    #[error("the ledger's first {size} leaves are not those that the journal saw")]
    LedgerOtherRoot { size: u64 },
    #[error("the ledger's leaf {place} is about {id}, which has no row")]
    LeafWithoutRow { place: u64, id: RequestId },
    #[error("{id} has {count} {kind} leaves in the ledger, where {expected} is due")]
    LeafCount { id: RequestId, kind: &'static str, count: u32, expected: u32 },
    #[error("{id}: the ledger's {kind} leaf records another {part} than the row")]
    LeafPart { id: RequestId, kind: &'static str, part: &'static str },
    #[error("the row of {id} is {state}, and the ledger's outcome says `{recorded}`")]
    LeafState { id: RequestId, state: &'static str, recorded: String },
    #[error("the store holds no log")]
    NoLog,
    #[error("log `{origin}`: {fault}")]
    Log { origin: String, fault: String },
    #[error("log `{origin}`: `{path}` {fault}")]
    Tile { origin: String, path: TilePath, fault: &'static str },
    #[error("log `{origin}`: its entries do not give the root of its newest checkpoint")]
    LogRoot { origin: String },
    #[error("the log's index {fault}")]
    Index { fault: String },
    #[error("log `{origin}`: entry {index} {fault}")]
    CertificateEntry { origin: String, index: u64, fault: &'static str },
    #[error(
        "log `{origin}`: the journal's leaf {leaf} is the intent to timestamp a certificate that the log does not hold"
    )]
    TimestampWithoutEntry { origin: String, leaf: u64 },
    #[error("log `{origin}`: entries {first} and {second} are the same")]
    EntryTwice { origin: String, first: u64, second: u64 },
    #[error(
        "log `{origin}`: the key process signed a checkpoint for {signed} entries, and the store knows {stored}: the store is not the newest one"
    )]
    StoreBehind { origin: String, signed: u64, stored: u64 },
    #[error(
        "log `{origin}`: the store knows {stored} entries, and the key process signed no checkpoint after {signed}: its folder is not the newest one"
    )]
    KeyProcessBehind { origin: String, signed: u64, stored: u64 },
    #[error("log `{origin}`: store and key process know different roots for {size} entries")]
    OtherRoot { origin: String, size: u64 },
    #[error("{id}, `{name}`: the receipt names entry {index} of log `{origin}`, {fault}")]
    ReceiptEntry { id: RequestId, name: String, index: u64, origin: String, fault: &'static str },
    #[error("the server's TLS: {fault}")]
    Tls { fault: String },
    #[error("the receipt `{name}` {fault}")]
    Held { name: String, fault: &'static str },
    #[error("log `{origin}`: the promise of entry {index} {fault}")]
    Promise { origin: String, index: u64, fault: &'static str },
    #[error("{id}: its outcome names entry {index} of the log for the signature of item {item}, {fault}")]
    RecalledEntry { id: RequestId, item: u32, index: u64, fault: &'static str },
    #[error("{id}: its outcome names the journal's leaf {leaf} for the signature of item {item}, {fault}")]
    RecalledIntent { id: RequestId, item: u32, leaf: u64, fault: &'static str },
    #[error("{id}, `{name}`: the receipt names the journal's leaf {index}, {fault}")]
    ReceiptIntent { id: RequestId, name: String, index: u64, fault: &'static str },
}

/// Something that is worth knowing and no fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Remark {
    #[error("{count} requests are in flight: the next start finishes them")]
    InFlight { count: usize },
    #[error("the newest checkpoint waits for its signature: the next start has it signed")]
    Pending,
    #[error("no signed checkpoint is shown: the next start has it signed again")]
    NotShown,
    #[error("{fault}")]
    Torn { fault: String },
    #[error(
        "{count} signatures are older than what the journal's files hold (from leaf {from} on): their intents were not looked up"
    )]
    OlderThanJournal { count: usize, from: u64 },
    #[error("the intents of {count} signatures are lost with the state that an adoption left behind")]
    IntentsLost { count: usize },
    #[error("{count} signatures have no outcome in the journal: the power went before it was written")]
    WithoutOutcome { count: usize },
    #[error(
        "{count} entries of log `{origin}` stand in no receipt: others asked for them, or their requests ended otherwise, or are in flight"
    )]
    EntriesWithoutReceipt { origin: String, count: usize },
    #[error("the passphrase is not here: the sealed keys were not opened")]
    NoPassphrase,
    #[error(
        "the key process's folder comes from a backup and was not adopted: it signs nothing stateful; `avouch signerd adopt` is the way forward"
    )]
    NotAdopted,
    #[error("adoption {number}: after the journal's leaf {size} state was lost; `{instance}` goes on")]
    Gap { number: usize, size: u64, instance: String },
    #[error(
        "log `{origin}` ended with {stored} entries here; the key process had signed for {signed}: an adoption left it behind"
    )]
    LeftBehind { origin: String, stored: u64, signed: u64 },
    #[error(
        "item {item} of request digest {request} was signed (leaf {leaf}), and its row is not here: before an adoption, or after the store was copied"
    )]
    LostRow { request: String, item: u32, leaf: u64 },
    #[error(
        "log `{origin}`: `{path}` is not what the database holds of it: the next start writes it once more"
    )]
    Unwritten { origin: String, path: TilePath },
    #[error(
        "log `{origin}`: the store knows {stored} entries, and the journal, which was copied later, a checkpoint for {signed}"
    )]
    CopiedLater { origin: String, stored: u64, signed: u64 },
    #[error("the ledger has {stored} leaves, and the journal, which was copied later, saw {recorded}")]
    LedgerCopiedLater { recorded: u64, stored: u64 },
    #[error("the log's index is not here, or of another release: the next start makes it anew from the log")]
    NoIndex,
    #[error(
        "the log's index reaches to {reach} of the {size} entries of log `{origin}`: the next start reads on"
    )]
    IndexShort { origin: String, reach: u64, size: u64 },
    #[error(
        "log `{origin}`: {count} certificates are older than what the journal's files hold: their intents were not looked up"
    )]
    CertificatesOlderThanJournal { origin: String, count: usize },
    #[error(
        "log `{origin}`: the intents of {count} certificates are lost with the state that an adoption left behind"
    )]
    CertificateIntentsLost { origin: String, count: usize },
    #[error("log `{origin}`: {count} entries have no timestamp: whoever asked for the certificate got none")]
    EntriesWithoutTimestamp { origin: String, count: usize },
    #[error(
        "log `{origin}`: the journal, which was copied later, has {count} timestamps for certificates that the log does not hold yet"
    )]
    TimestampsCopiedLater { origin: String, count: usize },
    #[error("log `{origin}` is frozen: {size} entries, as it was shown")]
    Frozen { origin: String, size: u64 },
    #[error("the registry's log is `{origin}`, which the next start begins")]
    NextLog { origin: String },
}

impl Finding {
    /// What to do about it.
    pub(crate) const fn advice(&self) -> &'static str {
        match self {
            Self::Journal { .. } | Self::NoJournal | Self::JournalBlemish { .. } => {
                "restore the key process's folder from a backup and adopt it: docs/operate/recovery.md"
            }
            Self::Key { .. } => "bring the key's file back from a backup; what it signed stands",
            Self::Passphrase { .. } => "bring the passphrase file back",
            Self::TwoIntents { .. } => {
                "tell the administrators: one of the two was not ordered by this server"
            }
            Self::UnknownRequest { .. } => {
                "bring the newest store back; where it is lost, adopt, and tell whom the signature belongs to"
            }
            Self::StoreBehind { .. } | Self::LedgerBehind { .. } => {
                "bring the newest server folder back; where it is lost, `avouch signerd adopt` begins a new log"
            }
            Self::KeyProcessBehind { .. } => {
                "bring the newest key process folder back; where it is lost, `avouch signerd adopt` takes this one up"
            }
            Self::ReceiptIntent { .. } | Self::RecalledIntent { .. } => {
                "bring the newest key process folder back; where it is lost, `avouch signerd adopt` takes this one up"
            }
            Self::LedgerOtherRoot { .. } => {
                "two histories of one ledger: keep both folders and tell the administrators"
            }
            Self::OtherRoot { .. } => {
                "two histories of one log: keep both folders and tell the administrators"
            }
            Self::Tile { .. } | Self::Log { .. } | Self::LogRoot { .. } | Self::NoLog => {
                "bring the file back from a backup: tiles never change, so any backup that holds it will do"
            }
            Self::Index { .. } => {
                "take `index.sqlite` out of the server's folder: the next `avouch serve` makes it anew from the log, in which all stands that it tells"
            }
            Self::CertificateEntry { .. } => {
                "bring the log's tiles back from a backup; where they are what was served, somebody else than this platform made the entry: tell the administrators"
            }
            Self::TimestampWithoutEntry { .. } => {
                "bring the newest server folder back: a timestamp promises an entry to everybody"
            }
            Self::Tls { .. } => "bring the folder `tls` back from a backup",
            Self::Held { .. } => {
                "what it shows stands, if `avouch verify` says so; this platform does not know of it, or not any more"
            }
            Self::EntryTwice { .. } => "nothing is lost; tell the authors of avouch how it came about",
            Self::ChangedSince => {
                "bring the database back from a backup, unless you changed it yourself; what was changed is not known"
            }
            _ => "bring the server's folder back from a backup: docs/operate/recovery.md",
        }
    }
}

/// How many outcome leaves a row of this state has.
pub(super) const fn outcomes_due(state: State) -> u32 {
    match state {
        State::Waiting | State::Intended | State::Signed | State::Logged => 0,
        _ => 1,
    }
}
