//! HTTP/2 as it is used against servers: each flood ends with the connection, long before it costs anything.

use std::time::Duration;

use server::Limits;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, split};
use tokio::time::timeout;

use crate::raw::{PATIENCE, Speech, Way, besieged, rest};
use crate::site::{Identity, Plan, Site};
use crate::strangers::resident_bytes;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// `ENHANCE_YOUR_CALM`.
const CALM: u32 = 11;

/// How much all of a flood may have the process grow by, the flood itself included.
const GROWTH_BYTES_MAX: u64 = 48 * 1024 * 1024;
/// One after the other.
const FLOODS: usize = 2;
/// What a flood may send before it must have ended: a hundred times what a server could have to read of it.
const FLOOD_BYTES_MAX: usize = 256 * 1024 * 1024;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// `GET https://localhost/healthz`, in HPACK without a table.
fn head() -> Vec<u8> {
    [b"\x82\x87\x04\x08/healthz\x41\x09localhost".as_slice()].concat()
}

/// A field of HPACK that goes into no table.
fn field(name: &str, value: &[u8]) -> Vec<u8> {
    let mut field = vec![0x10, u8::try_from(name.len()).unwrap()];
    field.extend_from_slice(name.as_bytes());
    // RFC 7541 §5.1, with a prefix of seven bits.
    let mut length = value.len();
    if length < 127 {
        field.push(u8::try_from(length).unwrap());
    } else {
        field.push(127);
        length -= 127;
        while length >= 128 {
            field.push(u8::try_from(length % 128).unwrap() | 128);
            length /= 128;
        }
        field.push(u8::try_from(length).unwrap());
    }
    field.extend_from_slice(value);
    field
}

/// The frames in what a server sent: kind, stream and payload.
fn frames(mut bytes: &[u8]) -> Vec<(u8, u32, Vec<u8>)> {
    let mut frames = Vec::new();
    while let [a, b, c, kind, _, s1, s2, s3, s4, rest @ ..] = bytes {
        let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        let Some((payload, rest)) = rest.split_at_checked(length) else { break };
        frames.push((*kind, u32::from_be_bytes([*s1, *s2, *s3, *s4]), payload.to_vec()));
        bytes = rest;
    }
    frames
}

/// With which error the server said goodbye.
fn farewell(bytes: &[u8]) -> Option<u32> {
    let frames = frames(bytes);
    let (_, _, payload) = frames.iter().rfind(|(kind, _, _)| *kind == GOAWAY)?;
    Some(u32::from_be_bytes(payload.get(4..8)?.try_into().ok()?))
}

/// Is what the other end sends taken?
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    Yes,
    No,
}

/// Sends the flood until the server has had enough, which it must have; returns what it said, and how much was sent.
pub(crate) async fn flood(
    stream: impl AsyncRead + AsyncWrite,
    reading: Reading,
    mut next: impl FnMut() -> Vec<u8>,
) -> (Vec<u8>, usize) {
    let (mut from, mut to) = split(stream);
    let mut sent = 0;
    let send = async {
        to.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await.unwrap();
        while sent < FLOOD_BYTES_MAX {
            let part = next();
            if to.write_all(&part).await.is_err() {
                break;
            }
            sent += part.len();
        }
    };
    let send = async { timeout(PATIENCE, send).await.expect("the server must end a flood") };
    let said = match reading {
        Reading::Yes => tokio::join!(send, rest(&mut from)).1,
        Reading::No => {
            send.await;
            rest(&mut from).await
        }
    };
    assert!(sent < FLOOD_BYTES_MAX, "the server takes all of it");
    (said, sent)
}

/// A server, and a stranger's way to it, with the memory that it takes before anything happens.
fn scene(limits: Limits) -> (Site, Way) {
    let site = Site::open(Plan { limits, ..Plan::default() });
    let way = Way::to(&site, Identity::Nobody, Speech::Http2);
    (site, way)
}

/// Lets strangers flood a server side by side while an honest client asks; what was said to the last of them.
async fn attack(limits: Limits, reading: Reading, next: impl Fn() -> Box<dyn FnMut() -> Vec<u8>>) -> Vec<u8> {
    let (site, way) = scene(limits);
    let (_, _) = besieged(&site, async {}).await;
    let before = resident_bytes();
    let floods = async {
        let mut last = Vec::new();
        for _ in 0..FLOODS {
            last = flood(way.connect().await, reading, next()).await.0;
        }
        last
    };
    let (last, _) = besieged(&site, floods).await;
    let growth = resident_bytes().saturating_sub(before);
    assert!(growth < GROWTH_BYTES_MAX, "grew by {growth} bytes");
    last
}

/// Streams that are opened and reset at once, a hundred at a time.
pub(crate) fn resets() -> impl FnMut() -> Vec<u8> {
    let mut stream = 1;
    move || {
        let mut pairs = Vec::new();
        for _ in 0..100 {
            pairs.extend(frame(HEADERS, END_STREAM | END_HEADERS, stream, &head()));
            pairs.extend(frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
            stream += 2;
        }
        pairs
    }
}

/// CVE-2023-44487.
#[tokio::test(flavor = "multi_thread")]
async fn streams_that_are_opened_and_reset_at_once_end_with_the_connection() {
    let next = || Box::new(resets()) as Box<dyn FnMut() -> Vec<u8>>;
    assert_eq!(farewell(&attack(Limits::default(), Reading::Yes, next).await), Some(CALM));
}

/// CVE-2024-27316 and its kin.
#[tokio::test(flavor = "multi_thread")]
async fn a_header_that_goes_on_and_on_ends_with_the_connection() {
    for part in [field("x", &[b'y'; 8_000]), Vec::new()] {
        let next = || {
            let (mut begun, part) = (false, part.clone());
            let frames = move || {
                let kind = if begun { CONTINUATION } else { HEADERS };
                begun = true;
                let payload = if kind == HEADERS { [head(), part.clone()].concat() } else { part.clone() };
                frame(kind, if kind == HEADERS { END_STREAM } else { 0 }, 1, &payload)
            };
            Box::new(frames) as Box<dyn FnMut() -> Vec<u8>>
        };
        assert_eq!(farewell(&attack(Limits::default(), Reading::Yes, next).await), Some(CALM));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_must_be_answered_and_whose_answer_nobody_reads_holds_nothing() {
    let limits = || Limits { stall: Duration::from_millis(200), ..Limits::default() };
    for what in [frame(SETTINGS, 0, 0, b"\0\x03\0\0\0\x64"), frame(PING, 0, 0, b"8 octets")] {
        let next = || {
            let many = what.repeat(1_000);
            Box::new(move || many.clone()) as Box<dyn FnMut() -> Vec<u8>>
        };
        attack(limits(), Reading::No, next).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_larger_than_is_read_is_answered_as_that_and_one_that_lies_about_its_length_is_not_believed()
{
    let (site, way) = scene(Limits::default());
    let connection_field = [head(), field("transfer-encoding", b"chunked")].concat();
    let mut large = frame(HEADERS, END_STREAM, 1, &[head(), field("x", &[b'y'; 15_000])].concat());
    large.extend(frame(CONTINUATION, END_HEADERS, 1, &field("z", &[b'y'; 15_000])));
    // A body that is longer than its length says.
    let lying =
        [b"\x83\x87\x04\x0d/v1/profiles/a\x41\x09localhost".as_slice(), &field("content-length", b"1")]
            .concat();
    let lying = [frame(HEADERS, END_HEADERS, 1, &lying), frame(0, END_STREAM, 1, b"more than one")].concat();
    let attack = async {
        for sent in [large, frame(HEADERS, END_STREAM | END_HEADERS, 1, &connection_field), lying] {
            let (mut from, mut to) = split(way.connect().await);
            let goodbye = frame(GOAWAY, 0, 0, &[0; 8]);
            to.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &[]), &sent, &goodbye].concat()).await.unwrap();
            let said = rest(&mut from).await;
            // `:status: 200` is one byte of HPACK.
            let is_good = frames(&said)
                .iter()
                .any(|(kind, _, payload)| *kind == HEADERS && payload.starts_with(b"\x88"));
            assert!(!is_good && !said.is_empty(), "{said:?}");
        }
    };
    besieged(&site, attack).await;
}
