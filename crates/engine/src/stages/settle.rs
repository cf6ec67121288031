//! Settle: receipts, outcomes and their ledger leaves in one transaction, and only then the replies.

use std::sync::Arc;

use model::receipt::{JournalEntry, LogEntry, Receipt, SignedItem};
use model::{Base64, Digest, FileClaim, Instant, Space};

use super::records::Recalled;
use super::sign::Signature;
use super::{Intended, Logged, Passed, Stopped, Trouble, World, records};
use crate::platform::PlatformKey;
use crate::{Conflict, Standing, State, View, Write};

/// So many items are named in a reason.
const NAMED_MAX: usize = 8;

/// What reaches Settle.
#[derive(Debug)]
pub enum Ended {
    /// A request that has all it needs.
    Logged(Logged),
    /// A request that ends without receipts.
    Stopped(Stopped),
}

/// A request whose outcome is durable: the one thing that is told to a client.
#[derive(Debug)]
pub struct Settled {
    view: View,
}

impl Settled {
    /// How it stands.
    pub const fn view(&self) -> &View {
        &self.view
    }
}

/// The fifth stage.
pub struct Settle {
    world: Arc<World>,
}

/// One request on its way into the store, with what is told of it.
struct Ending {
    profile: Space,
    submitted: Instant,
    view: View,
}

impl Settle {
    /// The stage over a world.
    pub const fn new(world: Arc<World>) -> Self {
        Self { world }
    }

    /// Records how each member of the batch ended, and tells whoever waits for it.
    pub fn run(&self, batch: Vec<Ended>) -> Passed<Settled, Ended> {
        let mut passed = Passed::default();
        let (endings, writes): (Vec<Ending>, Vec<Write>) =
            batch.iter().map(|ended| self.ending(ended)).unzip();
        // CRASH: before this the entries are public and the rows open; recovery finds the entries in the log.
        let written = if writes.is_empty() { Ok(Vec::new()) } else { self.world.requests.write(&writes) };
        match written {
            Ok(results) => {
                for (ending, result) in endings.into_iter().zip(results) {
                    self.tell(ending, result, &mut passed);
                }
            }
            Err(error) => {
                passed.trouble = Some(Trouble::new("the store", error));
                passed.again = batch;
            }
        }
        passed
    }

    fn tell(&self, ending: Ending, result: Result<(), Conflict>, passed: &mut Passed<Settled, Ended>) {
        let Ending { profile, submitted, view } = ending;
        match result {
            // CRASH: the receipts are stored; a client that heard nothing asks again and gets them.
            Ok(()) => {
                self.world.counters.ended(&profile, view.state, view.since.since(submitted));
                self.world.board.tell(&view);
                passed.next.push(Settled { view });
            }
            // The row was settled before: what is stored stands, and is what everybody is told.
            Err(conflict) => {
                passed.trouble = Some(Trouble::new("the store", conflict));
                self.world.watch(view.id, Box::new(|_| ()));
            }
        }
    }

    fn ending(&self, ended: &Ended) -> (Ending, Write) {
        let now = self.world.clock.now();
        match ended {
            Ended::Logged(logged) => match logged.intended().fate() {
                None => {
                    let to = Standing { state: State::Done, since: now, reasons: Vec::new() };
                    self.compose(logged.intended(), to, receipts(logged), &[])
                }
                // INVARIANT: what is signed of a request that gets no receipts is in the log, and here; nobody is given it.
                Some(fate) => {
                    let recalled = recalled(logged);
                    let to = fate.clone().and([reason(&recalled)]).standing(now);
                    self.compose(logged.intended(), to, Vec::new(), &recalled)
                }
            },
            Ended::Stopped(stopped) => {
                let to = stopped.fate().clone().standing(now);
                self.compose(stopped.intended(), to, Vec::new(), &[])
            }
        }
    }

    fn compose(
        &self,
        intended: &Intended,
        to: Standing,
        receipts: Vec<(String, Receipt)>,
        recalled: &[Recalled],
    ) -> (Ending, Write) {
        let (received, id) = (intended.received(), intended.id());
        let stored: Vec<(String, Vec<u8>)> =
            receipts.iter().map(|(name, receipt)| (name.clone(), receipt.encode())).collect();
        let digests: Vec<Digest> = stored.iter().map(|(_, bytes)| Digest::of(bytes)).collect();
        let place = self.world.place(id, &received.request.space);
        let leaf = records::outcome(place, received.digest, &to, &digests, recalled);
        let view = View { receipts, ..View::of(id, received.digest, to.clone()) };
        let write = Write::Move {
            id,
            from: State::Intended,
            to,
            endorsements: intended.endorsements().to_vec(),
            log_size: 0,
            receipts: stored,
            leaves: vec![leaf],
        };
        let (profile, submitted) = (received.signing.profile.clone(), received.submitted);
        (Ending { profile, submitted, view }, write)
    }
}

/// What is signed of a request that gets no receipts.
fn recalled(logged: &Logged) -> Vec<Recalled> {
    let parts = logged.stamped.signed.signatures().iter().zip(logged.entries());
    let recalled = |(signature, entry): (&Signature, &Option<LogEntry>)| Recalled {
        item: u32::try_from(signature.item).unwrap_or(u32::MAX),
        intent: signature.intent,
        signature: Digest::of(&signature.signature),
        entry: entry.as_ref().map(|entry| entry.index),
    };
    parts.map(recalled).collect()
}

/// In one reason, whatever their number: the outcome names each.
fn reason(recalled: &[Recalled]) -> String {
    let logged = recalled.iter().filter(|one| one.entry.is_some()).count();
    let items: Vec<String> = recalled.iter().take(NAMED_MAX).map(|one| one.item.to_string()).collect();
    let more = if recalled.len() > items.len() { ", …" } else { "" };
    format!(
        "{} of its items were signed before that (items {}{more}): {logged} of them stand in the log, and nobody is given one",
        recalled.len(),
        items.join(", ")
    )
}

/// One receipt a file, in the order of the files' first items.
fn receipts(logged: &Logged) -> Vec<(String, Receipt)> {
    let intended = logged.intended();
    let received = intended.received();
    let mut receipts: Vec<(&FileClaim, String, Receipt)> = Vec::new();
    let parts = logged.stamped.signed.signatures().iter().zip(&intended.fitting().keys);
    let parts = parts.zip(logged.stamped.tokens()).zip(logged.entries());
    for ((bytes, item), (((signature, key), token), entry)) in received.items.iter().zip(parts) {
        let path = received.items.path(item.index).expect("an item of the tree has a path in it");
        let signed = signed_item(bytes, path, signature, key, token.as_ref(), entry.as_ref());
        match receipts.iter_mut().find(|(file, name, _)| **file == item.file && *name == item.name) {
            Some((_, _, receipt)) => receipt.items.push(signed),
            None => receipts.push((
                &item.file,
                item.name.clone(),
                Receipt {
                    version: 1,
                    request: text(&received.bytes),
                    registry: signature.registry,
                    endorsements: intended.endorsements().iter().map(|bytes| text(bytes)).collect(),
                    items: vec![signed],
                },
            )),
        }
    }
    receipts.into_iter().map(|(_, name, receipt)| (name, receipt)).collect()
}

fn signed_item(
    item: &[u8],
    path: Vec<Digest>,
    signature: &Signature,
    key: &PlatformKey,
    token: Option<&Vec<u8>>,
    log: Option<&LogEntry>,
) -> SignedItem {
    SignedItem {
        item: text(item),
        path,
        public_key: key.record().public_key.clone(),
        chain: signature.chain.iter().map(|certificate| Base64(certificate.der().to_vec())).collect(),
        signature: Base64(signature.signature.clone()),
        chosen: Base64(signature.chosen.clone()),
        timestamp: token.cloned().map(Base64),
        log: log.cloned(),
        journal: Some(JournalEntry {
            index: signature.intent,
            leaf: Base64(signature.leaf.clone()),
            path: signature.journal.iter().flat_map(|proof| proof.path.clone()).collect(),
            checkpoint: signature.journal.as_ref().map(|proof| proof.checkpoint.clone()),
            witnessed: signature.journal.iter().flat_map(|proof| proof.witnessed.clone()).collect(),
        }),
    }
}

fn text(canonical: &[u8]) -> String {
    String::from_utf8(canonical.to_vec()).expect("what was read as canonical JSON is UTF-8")
}
