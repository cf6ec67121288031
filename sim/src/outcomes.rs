//! Every signature of the journal is in a receipt, or it is in the log and named by the outcome of its request.

use std::sync::Arc;

use engine::{LeafKind, Ledger as _, RequestStore as _, Row, State};
use envelope::rekor::Body;
use model::journal::{Ending as Ended, Intent};
use model::{Digest, Disk, Logging};
use serde_json::Value;
use signer::{Answer, Order, Orders, RecallOrder, RefusalCode};
use signerd::OrderKind;
use tlog::Log;

use crate::check::Ending;
use crate::clients::Asked;
use crate::logs::Logs;
use crate::store::CrashStore;
use crate::truth::{Found, must};

/// A request in flight at so many crashes is signed no more, and at one more it is set aside as it is.
const CRASHES: u32 = 3;

impl Ending<'_> {
    /// INVARIANT 7: nothing is signed that no book but the journal tells of.
    pub(crate) fn check_signatures(&self, logs: &Logs) -> Found {
        let disk: Arc<dyn Disk> = Arc::new(self.disk.clone());
        let seen = signerd::inspect(&disk).map_err(|error| (7, error.to_string()))?;
        let intents = seen.into_iter().flat_map(|seen| seen.intents.into_values());
        for known in intents.filter(|known| known.order == OrderKind::Code) {
            let asked = self.asked.iter().find(|asked| asked.digest == known.intent.request);
            if let (Some(Ended::Signed(signature)), Some(asked)) = (known.ending, asked) {
                self.check_signature(asked, &known.intent, &signature, logs)?;
            }
        }
        Ok(())
    }

    fn check_signature(&self, asked: &Asked, intent: &Intent, signature: &Digest, logs: &Logs) -> Found {
        let (id, item) = (asked.id, intent.item);
        let row = self.store.row(&id).ok_or_else(|| (7, format!("{id} is signed and has no row")))?;
        let receipts = self.store.receipts(&id).map_err(|error| (7, error.to_string()))?;
        let mut given = receipts.iter().flat_map(|(_, receipt)| &receipt.items);
        match row.standing.state {
            State::Done => {
                let is_given = given.any(|given| Digest::of(&given.signature.0) == *signature);
                return must(is_given, 7, || {
                    format!("item {item} of {id} has a receipt for another signature")
                });
            }
            state => must(given.next().is_none(), 4, || format!("{id} is {state} and has receipts"))?,
        }
        if !row.standing.state.is_final() {
            return Ok(());
        }
        let Some(named) = named(self.store, &row, item) else {
            let is_excused = self.is_set_aside(&row) || self.is_forgotten(asked, item);
            return must(is_excused, 7, || {
                format!(
                    "item {item} of {id} is {} and signed, and only the journal says so",
                    row.standing.state
                )
            });
        };
        let same = named["signature"].as_str() == Some(&signature.to_string());
        must(same, 7, || format!("the outcome of {id} names another signature of item {item}"))?;
        let is_at = |entry: u64| {
            let signed = |log: &Log| Some(Digest::of(Body::parse(&log.entry(entry).ok()?).ok()?.signature()));
            logs.iter().any(|log| signed(log) == Some(*signature))
        };
        let logged = named["entry"].as_u64().map(is_at);
        let due = (asked.profile.log == Logging::Transparency).then_some(true);
        must(logged == due, 4, || format!("what was signed for item {item} of {id} is not in the log"))
    }

    fn is_set_aside(&self, row: &Row) -> bool {
        row.standing.state == State::Failed && row.crashes >= CRASHES
    }

    /// Past its deadline it may be forgotten; and then it is not there to be recalled.
    fn is_forgotten(&self, asked: &Asked, item: u32) -> bool {
        let order = Order::Recall(RecallOrder { request: asked.digest, item });
        let ledger = self.store.head().expect("nothing fails any more");
        let answers = self.signer.order(&Orders { ledger, orders: vec![order] });
        let answer = answers.ok().and_then(|answers| answers.answers.into_iter().next());
        let is_recalled =
            matches!(answer, Some(Answer::Refused(refusal)) if refusal.code == RefusalCode::Recalled);
        is_recalled && asked.deadline <= self.latest
    }
}

/// What the outcome of a request says of an item that was signed.
fn named(store: &CrashStore, row: &Row, item: u32) -> Option<Value> {
    recalled(store)
        .into_iter()
        .find(|(id, one)| *id == row.id && one["item"].as_u64() == Some(item.into()))
        .map(|(_, one)| one)
}

/// All that outcomes say of items that were signed and given to nobody.
pub(crate) fn recalled(store: &CrashStore) -> Vec<(model::RequestId, Value)> {
    let leaves = store.all_leaves();
    let outcomes = leaves.iter().filter(|leaf| leaf.kind == LeafKind::Outcome);
    let named = outcomes.filter_map(|leaf| {
        let record: Value = serde_json::from_slice(&leaf.record).ok()?;
        Some((leaf.request?, record.get("recalled")?.as_array()?.clone()))
    });
    named.flat_map(|(id, all)| all.into_iter().map(move |one| (id, one))).collect()
}
