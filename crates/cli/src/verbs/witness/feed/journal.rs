//! The journal's checkpoints: what the key process has to show, and what witnesses say to it.

use ::witness::{Carried, Reply, carry};
use signer::{Anchor, Occasion, Offer, WitnessAnswer, WitnessClient, WitnessMessage};
use tlog::VerifierKey;

use super::Way;
use crate::config::Folder;
use crate::failure::Failure;

/// The key process, as whoever goes between it and witnesses meets it.
pub(super) struct Journal {
    key_process: WitnessClient,
}

impl Journal {
    pub(super) fn new(folder: &Folder) -> Self {
        let socket = signerd::witness_socket(&folder.at(&folder.config.signerd.socket));
        Self { key_process: WitnessClient::new(&socket) }
    }

    /// What each witness is to be shown.
    pub(super) fn offers(&self, occasion: Occasion) -> Result<Vec<Offer>, Failure> {
        match self.say(WitnessMessage::Offer(occasion))? {
            WitnessAnswer::Offers(offers) => Ok(offers),
            WitnessAnswer::Refused(refusal) => Err(refused(refusal.text)),
            WitnessAnswer::Anchored(_) => Err(unexpected()),
        }
    }

    /// Tells what witnesses cosigned; without any, asks how the journal is anchored.
    pub(super) fn tell(&self, notes: Vec<String>) -> Result<Anchor, Failure> {
        match self.say(WitnessMessage::Tell { notes })? {
            WitnessAnswer::Anchored(anchor) => Ok(anchor),
            WitnessAnswer::Refused(refusal) => Ok(Anchor::Loose { why: refusal.text }),
            WitnessAnswer::Offers(_) => Err(unexpected()),
        }
    }

    fn say(&self, message: WitnessMessage) -> Result<WitnessAnswer, Failure> {
        self.key_process.send(&message).map_err(|source| Failure::KeyProcess {
            action: "be held by its witnesses",
            source: source.into(),
        })
    }
}

/// The name of the witness that an offer is for.
pub(super) fn witness(offer: &Offer) -> Result<String, Failure> {
    let expected = "the verifier key of a witness";
    let key = VerifierKey::parse(&offer.witness).map_err(Failure::input(offer.witness.clone(), expected))?;
    Ok(key.name().to_owned())
}

/// What a witness has to say to an offer, as a checkpoint that it cosigned: this one, or another that it knows.
pub(super) fn bring(offer: &Offer, way: &Way) -> Result<String, Failure> {
    let size: u64 =
        offer.checkpoint.split('\n').nth(1).and_then(|size| size.parse().ok()).unwrap_or_default();
    let proof_from = |old: u64| {
        let own = (old == offer.old_size).then(|| offer.proof.clone());
        // The witness cosigned it, and the answer was lost.
        Ok(own.or_else(|| (old == size).then(Vec::new)))
    };
    match carry(&offer.checkpoint, offer.old_size, proof_from, way)? {
        Carried::Cosigned(note) => Ok(note),
        Carried::Refused { newest: Some(note), .. } => Ok(note),
        Carried::Refused { reply, newest: None } => Err(Failure::Process {
            process: "the witness",
            fault: format!("`{}` does not cosign the journal: {}", witness(offer)?, said(&reply)),
        }),
    }
}

fn said(reply: &Reply) -> String {
    match reply {
        Reply::Cosigned(_) => "it did".to_owned(),
        Reply::Conflict { size } => format!("it stands at {size} entries"),
        Reply::Rejected { status: 404 } => {
            "it does not know it; give it the key that `avouch witness show` prints for it".to_owned()
        }
        Reply::Rejected { status } => format!("it answered {status}"),
    }
}

fn refused(reason: String) -> Failure {
    Failure::KeyProcessRefused { action: "be held by its witnesses", reason }
}

fn unexpected() -> Failure {
    refused("it answered something else than was asked".to_owned())
}
