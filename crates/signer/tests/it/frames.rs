//! Every frame reads back as itself, and nothing else is a frame.

use envelope::tuf::Named;
use model::receipt::Sighting;
use model::{Algorithm, Digest, Instant, KeyId, TufRole};
use proptest::prelude::*;
use signer::{
    AdminAnswer, AdminMessage, Anchor, Answer, Answers, Certified, CheckpointOrder, Frame, FrameError, Head,
    HolderOrder, HolderStep, Imprint, JournalProof, Occasion, Offer, Order, Orders, PromiseOrder,
    RecallOrder, Refusal, RefusalCode, SignOrder, Signed, State, TimestampOrder, TufOrder, TufVersion,
    WitnessAnswer, WitnessMessage,
};

fn bytes(limit: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..limit)
}

fn digest() -> impl Strategy<Value = Digest> {
    any::<[u8; 32]>().prop_map(Digest::from_bytes)
}

fn head() -> impl Strategy<Value = Head> {
    (any::<u64>(), digest()).prop_map(|(size, root)| Head { size, root })
}

fn imprint() -> impl Strategy<Value = Imprint> {
    prop_oneof![
        any::<[u8; 32]>().prop_map(Imprint::Sha256),
        any::<[u8; 32]>().prop_map(|half| Imprint::Sha384([half, half].concat()[..48].try_into().unwrap())),
        any::<[u8; 32]>().prop_map(|half| Imprint::Sha512([half, half].concat().try_into().unwrap())),
    ]
}

fn order() -> impl Strategy<Value = Order> {
    let lists = || prop::collection::vec(digest(), 0..5);
    let endorsements = prop::collection::vec(bytes(20), 0..4);
    let sign =
        (bytes(60), bytes(60), lists(), endorsements).prop_map(|(request, item, path, endorsements)| {
            Order::Sign(SignOrder { request, item, path, endorsements })
        });
    let timestamp = (digest(), imprint(), prop::option::of(bytes(32))).prop_map(|(key, imprint, nonce)| {
        Order::Timestamp(TimestampOrder { key: KeyId::new(key), imprint, nonce })
    });
    let checkpoint = (digest(), head(), head(), lists()).prop_map(|(key, old, new, proof)| {
        Order::Checkpoint(CheckpointOrder { key: KeyId::new(key), old, new, proof })
    });
    let step =
        (0..3_u8, digest(), any::<u64>()).prop_map(|(step, log, leaf)| match (step, KeyId::new(log)) {
            (0, _) => HolderStep::Precertificate,
            (1, log) => HolderStep::Timestamp { log, leaf },
            (_, log) => HolderStep::Certificate { log, leaf },
        });
    let holder = (digest(), bytes(60), bytes(60), step).prop_map(|(authority, token, public_key, step)| {
        Order::Holder(HolderOrder { authority: KeyId::new(authority), token, public_key, step })
    });
    let recall =
        (digest(), any::<u32>()).prop_map(|(request, item)| Order::Recall(RecallOrder { request, item }));
    let promise =
        (digest(), bytes(60), any::<u64>(), head(), lists()).prop_map(|(key, body, index, head, path)| {
            Order::Promise(PromiseOrder { key: KeyId::new(key), body, index, head, path })
        });
    let tuf = (digest(), any::<u64>())
        .prop_map(|(key, version)| Order::Tuf(TufOrder { key: KeyId::new(key), version }));
    prop_oneof![sign, timestamp, checkpoint, promise, holder, recall, tuf]
}

fn refusal() -> impl Strategy<Value = Refusal> {
    (0..RefusalCode::ALL.len(), ".{0,40}").prop_map(|(at, text)| Refusal { code: RefusalCode::ALL[at], text })
}

fn answer() -> impl Strategy<Value = Answer> {
    let sighting = (".{0,40}", prop::collection::vec(digest(), 0..5))
        .prop_map(|(checkpoint, path)| Sighting { checkpoint, path });
    let witnessed = prop::collection::vec(sighting, 0..3);
    let proof = (prop::collection::vec(digest(), 0..5), ".{0,40}", witnessed)
        .prop_map(|(path, checkpoint, witnessed)| JournalProof { path, checkpoint, witnessed });
    let signed = (bytes(80), bytes(20), any::<u64>(), bytes(300), prop::option::of(proof)).prop_map(
        |(signature, chosen, index, leaf, journal)| {
            Answer::Signed(Signed { signature, chosen, index, leaf, journal })
        },
    );
    prop_oneof![signed, refusal().prop_map(Answer::Refused)]
}

fn state() -> impl Strategy<Value = State> {
    let certified = (digest(), digest(), bytes(40)).prop_map(|(key, issuer, certificate)| Certified {
        key: KeyId::new(key),
        issuer: KeyId::new(issuer),
        certificate,
    });
    (
        prop::collection::vec(bytes(40), 0..4),
        prop::collection::vec(certified, 0..3),
        head(),
        bytes(44),
        ".{0,40}",
        head(),
        prop::collection::vec(("[a-z.]{1,20}", head()), 0..3),
        prop::collection::vec("[a-z]{1,9}".prop_map(|store| store.parse().unwrap()), 0..3),
    )
        .prop_map(
            |(registry, certificates, journal, journal_key, checkpoint, ledger, checkpoints, stores)| State {
                registry,
                certificates,
                journal,
                journal_key,
                journal_checkpoint: checkpoint,
                anchor: Anchor::Unanchored,
                ledger,
                checkpoints,
                stores,
                tuf: Vec::new(),
            },
        )
}

fn tuf_version() -> impl Strategy<Value = TufVersion> {
    let named = (any::<u64>(), any::<u64>(), digest()).prop_map(|(version, length, digest)| Named {
        version,
        length,
        digest,
    });
    let signature = (digest(), bytes(72)).prop_map(|(key, signature)| (KeyId::new(key), signature));
    let parts = (0..TufRole::ALL.len(), any::<u64>(), any::<u64>());
    (parts, prop::option::of(named), prop::collection::vec(signature, 0..3)).prop_map(
        |((role, version, expires), names, signatures)| TufVersion {
            role: TufRole::ALL[role],
            version,
            expires: Instant::from_nanoseconds(expires),
            names,
            signatures,
        },
    )
}

fn anchor() -> impl Strategy<Value = Anchor> {
    prop_oneof![
        Just(Anchor::Unanchored),
        prop::collection::vec("[a-z.]{1,20}", 0..4).prop_map(|by| Anchor::Held { by }),
        ".{0,40}".prop_map(|why| Anchor::Loose { why }),
    ]
}

fn witnessing() -> impl Strategy<Value = WitnessMessage> {
    prop_oneof![
        Just(WitnessMessage::Offer(Occasion::Turn)),
        Just(WitnessMessage::Offer(Occasion::Intent)),
        prop::collection::vec(".{0,40}", 0..4).prop_map(|notes| WitnessMessage::Tell { notes }),
    ]
}

fn witnessed() -> impl Strategy<Value = WitnessAnswer> {
    let offer = ("[a-z+]{1,20}", ".{0,40}", any::<u64>(), prop::collection::vec(digest(), 0..5))
        .prop_map(|(witness, checkpoint, old_size, proof)| Offer { witness, checkpoint, old_size, proof });
    prop_oneof![
        prop::collection::vec(offer, 0..4).prop_map(WitnessAnswer::Offers),
        anchor().prop_map(WitnessAnswer::Anchored),
        refusal().prop_map(WitnessAnswer::Refused),
    ]
}

fn frame() -> impl Strategy<Value = Frame> {
    let algorithm = (0..Algorithm::ALL.len()).prop_map(|at| Algorithm::ALL[at]);
    let message = prop_oneof![
        bytes(60).prop_map(|entry| AdminMessage::Begin { entry }),
        ("[a-z]{1,9}", algorithm).prop_map(|(store, algorithm)| AdminMessage::Generate { store, algorithm }),
        bytes(60).prop_map(|entry| AdminMessage::Append { entry }),
    ];
    let told = prop_oneof![
        bytes(90).prop_map(|spki| AdminAnswer::Generated { spki }),
        digest().prop_map(|head| AdminAnswer::Appended { head }),
        refusal().prop_map(AdminAnswer::Refused),
    ];
    prop_oneof![
        (head(), prop::collection::vec(order(), 0..5))
            .prop_map(|(ledger, orders)| Frame::Orders(Orders { ledger, orders })),
        (head(), prop::collection::vec(answer(), 0..5))
            .prop_map(|(journal, answers)| Frame::Answers(Answers { journal, answers })),
        Just(Frame::Ask),
        (state(), prop::collection::vec(tuf_version(), 0..4), anchor())
            .prop_map(|(state, tuf, anchor)| Frame::State(State { tuf, anchor, ..state })),
        witnessing().prop_map(Frame::Witness),
        witnessed().prop_map(Frame::WitnessAnswer),
        message.prop_map(Frame::Admin),
        told.prop_map(Frame::AdminAnswer),
        refusal().prop_map(Frame::Refused),
    ]
}

proptest! {
    #[test]
    fn every_frame_reads_back_as_itself(frame in frame()) {
        let bytes = frame.encode();
        prop_assert_eq!(&Frame::decode(&bytes).unwrap(), &frame);
        let mut stream = Vec::new();
        frame.write(&mut stream).unwrap();
        prop_assert_eq!(Frame::read(&mut stream.as_slice()).unwrap(), frame);
    }

    #[test]
    fn a_frame_that_is_cut_or_lengthened_is_refused(frame in frame(), cut in any::<prop::sample::Index>()) {
        let bytes = frame.encode();
        prop_assert!(Frame::decode(&bytes[..cut.index(bytes.len())]).is_err());
        prop_assert!(Frame::decode(&[&bytes[..], &[0]].concat()).is_err());
    }

    #[test]
    fn a_frame_with_a_changed_byte_is_another_frame_or_none(
        frame in frame(), at in any::<prop::sample::Index>(), flip in 1_u8..
    ) {
        let mut bytes = frame.encode();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        if let Ok(other) = Frame::decode(&bytes) {
            prop_assert_ne!(&other, &frame);
            prop_assert_eq!(other.encode(), bytes);
        }
    }

    #[test]
    fn any_bytes_at_all_are_read_without_a_panic(bytes in bytes(400), kind in 0_u8..9) {
        let _ = Frame::decode(&bytes);
        let _ = Frame::decode(&[&[1, kind], &bytes[..]].concat());
        let _ = Frame::read(&mut bytes.as_slice());
    }
}

/// CVE-2024-29903: memory was taken for as many as somebody said would come.
#[test]
fn counts_and_lengths_beyond_their_limits_are_refused_before_memory_is_taken() {
    let batch = |count: u32| [&[1, 1][..], &[0; 40], &count.to_be_bytes()].concat();
    let error = Frame::decode(&batch(257)).unwrap_err();
    assert!(
        matches!(error, FrameError::Layout(model::layout::LayoutError::TooLong { limit: 256, .. })),
        "{error}"
    );
    assert!(matches!(Frame::decode(&batch(256)), Err(FrameError::Layout(_))));
    let mut stream: &[u8] = &[0xff, 0xff, 0xff, 0xff, 1];
    assert!(matches!(Frame::read(&mut stream), Err(FrameError::TooLong { .. })));
}

#[test]
fn a_frame_of_another_version_or_kind_is_named() {
    let error = Frame::decode(&[2, 3]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a frame of version 2 and kind 3; the two sides are not of one release of avouch"
    );
    assert!(matches!(Frame::decode(&[1, 10]), Err(FrameError::Unknown { kind: 10, .. })));
}

#[test]
fn the_end_of_a_stream_between_frames_is_no_accident_and_within_one_it_is() {
    assert!(matches!(Frame::read(&mut [].as_slice()), Err(FrameError::Closed)));
    let mut whole = Vec::new();
    Frame::Ask.write(&mut whole).unwrap();
    for cut in 1..whole.len() {
        assert!(matches!(Frame::read(&mut &whole[..cut]), Err(FrameError::Stream(_))));
    }
}

#[test]
fn a_refusal_of_any_length_travels_cut_at_a_whole_character() {
    let refusal = Refusal { code: RefusalCode::Quorum, text: "é".repeat(5_000) };
    let Frame::Refused(read) = Frame::decode(&Frame::Refused(refusal).encode()).unwrap() else { panic!() };
    assert_eq!(read.text, "é".repeat(2_048));
}

#[test]
fn codes_keep_their_numbers() {
    let numbers: Vec<u8> = RefusalCode::ALL.iter().map(|code| code.byte()).collect();
    assert_eq!(numbers, (1..=15).collect::<Vec<u8>>());
    for code in RefusalCode::ALL {
        assert_eq!(RefusalCode::from_byte(code.byte()), Some(code));
    }
    assert_eq!(RefusalCode::from_byte(0), None);
}
