//! Those who bring entries of their own to the log, and bring them again.

use std::sync::{Arc, LazyLock, Mutex};

use engine::stages::Entrant;
use envelope::ToBeSigned;
use envelope::rekor::{Body, SubmittedBody, Verifier};
use model::receipt::LogEntry;
use model::{Algorithm, merkle};
use testkit::{Key, Seeded};
use tlog::{SignedCheckpoint, proof};

use crate::logs::Logs;
use crate::truth::{Found, must};

/// Entries that there are to be brought.
const BODIES: u64 = 8;

/// Signatures that were made elsewhere, once for all runs.
static FOREIGN: LazyLock<Vec<SubmittedBody>> = LazyLock::new(|| (0..BODIES).map(foreign).collect());

/// What they were answered.
#[derive(Clone, Default)]
pub(crate) struct Submitters {
    answered: Arc<Mutex<Vec<LogEntry>>>,
}

impl Submitters {
    /// One of them brings an entry, perhaps not for the first time.
    pub(crate) fn bring(&self, dice: &mut Seeded) -> Entrant {
        let at = usize::try_from(dice.below(BODIES)).expect("a small number");
        let (body, answered) = (FOREIGN[at].clone(), Arc::clone(&self.answered));
        let reply = move |entry| {
            if let Ok(entry) = entry {
                answered.lock().expect("nothing panics while it holds answers").push(entry);
            }
        };
        Entrant::Submitted { body, reply: Box::new(reply) }
    }

    /// Whatever was answered is in the log, at one place, under a checkpoint of the log.
    pub(crate) fn check(&self, logs: &Logs) -> Found {
        let answered = self.answered.lock().expect("nothing panics while it holds answers");
        for entry in answered.iter() {
            let wrong =
                |error: &dyn std::error::Error| (4, format!("submitted entry {}: {error}", entry.index));
            let log = logs.of(&entry.checkpoint)?;
            let checkpoint = SignedCheckpoint::open(&entry.checkpoint, log.key()).map_err(|e| wrong(&e))?;
            let leaf = merkle::leaf_hash(&entry.body.0);
            proof::verify_inclusion(&leaf, entry.index, checkpoint.size(), checkpoint.root(), &entry.path)
                .map_err(|error| wrong(&error))?;
            let found = log.entry(entry.index).map_err(|error| wrong(&error))?;
            must(found == entry.body.0, 4, || format!("entry {} is another one in the log", entry.index))?;
        }
        Ok(())
    }

    pub(crate) fn count(&self) -> u64 {
        let answered = self.answered.lock().expect("nothing panics while it holds answers");
        u64::try_from(answered.len()).expect("a few")
    }
}

fn foreign(number: u64) -> SubmittedBody {
    let (key, message) = (Key::generate(Algorithm::EcdsaP256), number.to_be_bytes());
    let to_be_signed = ToBeSigned::Message(message.to_vec());
    let verifier = Verifier::PublicKey(key.public());
    let body = Body::new(&to_be_signed, &key.sign(&message), verifier).expect("a body").encode();
    let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    let spec = &body["spec"]["hashedRekordV002"];
    let entry = serde_json::json!({ "digest": spec["data"]["digest"], "signature": spec["signature"] });
    let request = serde_json::json!({ "hashedRekordRequestV002": entry }).to_string();
    SubmittedBody::parse(request.as_bytes()).expect("its own signature verifies")
}
