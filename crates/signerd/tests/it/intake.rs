//! How much the key process reads at a time, whoever sends it.

use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use signer::{
    Answer, Client, FRAME_BYTES_MAX, Head, Order, Orders, RefusalCode, SignOrder, Signer, SignerError,
};
use signerd::{Config, Cost, Passphrase, SystemClock};

/// A frame of more than the 64 KiB that wait for nobody.
fn large() -> Orders {
    let order = SignOrder {
        request: vec![b' '; model::limits::REQUEST_BYTES_MAX],
        item: vec![b' '; model::limits::ITEM_BYTES_MAX],
        path: Vec::new(),
        endorsements: Vec::new(),
    };
    Orders { ledger: Head::empty(), orders: vec![Order::Sign(order)] }
}

#[test]
fn large_frames_share_a_bounded_room_in_turn_and_small_ones_wait_for_nobody() {
    let folder = testkit::temp_folder();
    let (socket, admin) = (folder.path().join("orders.sock"), folder.path().join("admin.sock"));
    let passphrase = Passphrase::from_file_content(b"correct horse".to_vec().into()).unwrap();
    let config = Config::new(&folder.path().join("signerd"), passphrase, &socket, &admin);
    let running = signerd::start(&Config { cost: Cost::LEAST, ..config }, Arc::new(SystemClock)).unwrap();

    // All the room is promised to a frame that does not come.
    let mut greedy = UnixStream::connect(&socket).unwrap();
    greedy.write_all(&u32::try_from(FRAME_BYTES_MAX).unwrap().to_be_bytes()).unwrap();
    let impatient = Client::with_period(&socket, Duration::from_millis(200));
    let mut tries = 0;
    let error = loop {
        match impatient.order(&large()) {
            Err(error) => break error,
            // The promise was not read yet.
            Ok(_) => tries += 1,
        }
        assert!(tries < 1_000, "what is promised bounds nothing");
    };
    assert!(matches!(error, SignerError::TimedOut { .. }), "{error}");
    Client::new(&socket).state().unwrap();

    drop(greedy);
    let answers = Client::new(&socket).order(&large()).unwrap().answers;
    assert!(matches!(&answers[0], Answer::Refused(refusal) if refusal.code == RefusalCode::OtherPlatform));
    running.stop().unwrap();
}
