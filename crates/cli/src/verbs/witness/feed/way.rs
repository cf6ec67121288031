//! The way to one witness.

use ::witness::{Reach, Reply};
use client::{Believed, WitnessClient};
use model::Digest;

use crate::failure::Failure;
use crate::online;

/// A witness at its address.
pub(crate) struct Way(WitnessClient);

impl Way {
    pub(crate) fn new(address: &str) -> Result<Self, Failure> {
        Ok(Self(WitnessClient::new(address, &Believed::System)?))
    }
}

impl Reach for Way {
    type Error = Failure;

    fn add_checkpoint(&self, body: &str) -> Result<Reply, Failure> {
        let reply = online::call(self.0.add_checkpoint(body.to_owned()))?;
        Ok(match (reply.status, reply.body.trim_end().parse()) {
            (200, _) => Reply::Cosigned(reply.body),
            (409, Ok(size)) => Reply::Conflict { size },
            (status, _) => Reply::Rejected { status },
        })
    }

    fn newest(&self, origin: &str) -> Result<Option<String>, Failure> {
        let origin = Digest::of(origin.as_bytes()).to_string();
        let reply = online::call(self.0.checkpoint(&origin))?;
        Ok((reply.status == 200).then_some(reply.body))
    }
}
