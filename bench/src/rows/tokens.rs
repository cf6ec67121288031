//! Timestamp tokens over HTTP (RFC 3161 §3.4).

use model::Digest;

use crate::failure::Failure;
use crate::load::{Clients, Throughput};
use crate::platform::{Plan, Platform};
use crate::raw::{Needs, Operation};
use crate::report::Row;
use crate::rows::Bench;
use crate::wire::Connection;

const CLIENTS: u32 = 64;
const NEEDS: Needs = &[(Operation::SignP256, 1), (Operation::VerifyP256, 1)];

/// A `TimeStampReq` of version 1, up to the SHA-256 that ends it: nothing in it but the imprint.
pub(super) const QUERY: [u8; 24] = [
    0x30, 0x36, 0x02, 0x01, 0x01, 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03,
    0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20,
];

pub(super) fn many(bench: &Bench<'_>) -> Result<Row, Failure> {
    let platform = Platform::new(bench.avouch, &Plan::default())?;
    let mut clients = Clients::new(&platform.public, CLIENTS, |number| {
        let mut count = 0_u64;
        move |connection: &mut Connection| {
            count += 1;
            let imprint = Digest::of(&[&number.to_be_bytes()[..], &count.to_be_bytes()].concat());
            let query = [&QUERY[..], imprint.as_bytes()].concat();
            connection.post("/api/v1/timestamp", "application/timestamp-query", &query).map(drop)
        }
    })?;
    let what = "timestamp tokens over HTTP";
    let row = Throughput { name: "tokens", what, needs: NEEDS, floor: 0.45, each: 1 };
    row.measure(&platform, &bench.raw, bench.effort, &mut clients)
}
