//! The journal's checkpoints, to the witnesses and back.

use std::collections::BTreeMap;

use ::witness::{Carried, Reply, carry};
use signer::{Anchor, Offer, WitnessAnswer, WitnessClient, WitnessMessage};
use tlog::VerifierKey;

use super::Way;
use crate::config::Folder;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// Rounds at a time: what was shown to a witness before the key process started is heard of first, and then what is new.
const ROUNDS: usize = 2;

/// Goes between the key process and the witnesses.
pub(super) struct Journal {
    key_process: WitnessClient,
}

impl Journal {
    pub(super) fn new(folder: &Folder) -> Self {
        let socket = signerd::witness_socket(&folder.at(&folder.config.signerd.socket));
        Self { key_process: WitnessClient::new(&socket) }
    }

    /// Goes, and once more where that was not enough.
    pub(super) fn go(&self, ways: &BTreeMap<String, Way>, terminal: Terminal) -> Result<Anchor, Failure> {
        let mut anchor = self.round(ways, terminal)?;
        for _ in 1..ROUNDS {
            if matches!(anchor, Anchor::Loose { .. }) {
                anchor = self.round(ways, terminal)?;
            }
        }
        Ok(anchor)
    }

    fn round(&self, ways: &BTreeMap<String, Way>, terminal: Terminal) -> Result<Anchor, Failure> {
        let offers = match self.say(WitnessMessage::Offer)? {
            WitnessAnswer::Offers(offers) => offers,
            WitnessAnswer::Anchored(anchor) => return Ok(anchor),
            WitnessAnswer::Refused(refusal) => return Ok(Anchor::Loose { why: refusal.text }),
        };
        let mut notes = Vec::new();
        for offer in &offers {
            // A witness that is out of reach holds up no other.
            match bring(offer, ways) {
                Ok(note) => notes.extend(note),
                Err(failure) => terminal.failure(&failure),
            }
        }
        match self.say(WitnessMessage::Tell { notes })? {
            WitnessAnswer::Anchored(anchor) => Ok(anchor),
            WitnessAnswer::Refused(refusal) => Ok(Anchor::Loose { why: refusal.text }),
            WitnessAnswer::Offers(_) => Err(refused("it answered something else than was asked".to_owned())),
        }
    }

    fn say(&self, message: WitnessMessage) -> Result<WitnessAnswer, Failure> {
        self.key_process.send(&message).map_err(|source| Failure::KeyProcess {
            action: "be held by its witnesses",
            source: source.into(),
        })
    }
}

/// What a witness has to say to an offer, as a checkpoint that it cosigned: this one, or another that it knows.
fn bring(offer: &Offer, ways: &BTreeMap<String, Way>) -> Result<Option<String>, Failure> {
    let expected = "the verifier key of a witness";
    let key = VerifierKey::parse(&offer.witness).map_err(Failure::input(offer.witness.clone(), expected))?;
    let name = key.name();
    let Some(way) = ways.get(name) else {
        let what =
            format!("the registry names the witness `{name}`, and avouch.toml does not say where it is");
        return Err(Failure::Usage { what, advice: "add it to `[witnesses]`" });
    };
    let size: u64 =
        offer.checkpoint.split('\n').nth(1).and_then(|size| size.parse().ok()).unwrap_or_default();
    let proof_from = |old: u64| {
        let own = (old == offer.old_size).then(|| offer.proof.clone());
        // The witness cosigned it, and the answer was lost.
        Ok(own.or_else(|| (old == size).then(Vec::new)))
    };
    match carry(&offer.checkpoint, offer.old_size, proof_from, way)? {
        Carried::Cosigned(note) => Ok(Some(note)),
        Carried::Refused { newest: Some(note), .. } => Ok(Some(note)),
        Carried::Refused { reply, newest: None } => Err(Failure::Process {
            process: "the witness",
            fault: format!("`{name}` does not cosign the journal: {}", said(&reply)),
        }),
    }
}

fn said(reply: &Reply) -> String {
    match reply {
        Reply::Cosigned(_) => "it did".to_owned(),
        Reply::Conflict { size } => format!("it stands at {size} entries"),
        Reply::Rejected { status: 404 } => {
            "it does not know it; give it the key that `avouch witness show` prints".to_owned()
        }
        Reply::Rejected { status } => format!("it answered {status}"),
    }
}

fn refused(reason: String) -> Failure {
    Failure::KeyProcessRefused { action: "be held by its witnesses", reason }
}
