//! The client against a socket that answers, breaks, stays silent or is somebody else's.

use std::os::unix::net::UnixListener;
use std::thread;
use std::time::Duration;

use model::Digest;
use signer::{
    Answers, Client, Frame, Head, Order, Orders, Refusal, RefusalCode, SignOrder, Signer, SignerError,
};
use tempfile::TempDir;

const HEAD: Head = Head { size: 0, root: Digest::ZERO };

fn no_orders() -> Orders {
    Orders { ledger: HEAD, orders: Vec::new() }
}

/// Serves one connection for each script; a script is what is answered, frame by frame, before hanging up.
fn served(scripts: Vec<Vec<Frame>>) -> (TempDir, Client) {
    let folder = TempDir::new().unwrap();
    let socket = folder.path().join("socket");
    let listener = UnixListener::bind(&socket).unwrap();
    thread::spawn(move || {
        for script in scripts {
            let (mut stream, _) = listener.accept().unwrap();
            for answer in script {
                Frame::read(&mut stream).unwrap();
                answer.write(&mut stream).unwrap();
            }
        }
    });
    let client = Client::with_period(&socket, Duration::from_millis(300));
    (folder, client)
}

fn answers() -> Frame {
    Frame::Answers(Answers { journal: HEAD, answers: Vec::new() })
}

#[test]
fn a_connection_that_was_closed_meanwhile_is_made_anew_and_the_order_repeated() {
    let (_folder, client) = served(vec![vec![answers()], vec![answers(), answers()]]);
    for _ in 0..3 {
        client.order(&no_orders()).unwrap();
    }
}

#[test]
fn a_socket_where_nobody_listens_is_unreachable() {
    let folder = TempDir::new().unwrap();
    let client = Client::new(&folder.path().join("socket"));
    assert!(matches!(client.state(), Err(SignerError::Unreachable { .. })));
}

#[test]
fn a_connection_that_breaks_before_the_answer_is_told() {
    let (_folder, client) = served(vec![vec![]]);
    assert!(matches!(client.state(), Err(SignerError::Broken { .. })));
}

#[test]
fn whoever_is_refused_before_they_have_said_all_hears_why() {
    let folder = TempDir::new().unwrap();
    let socket = folder.path().join("socket");
    let listener = UnixListener::bind(&socket).unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        Frame::Refused(Refusal { code: RefusalCode::Malformed, text: "not here".to_owned() })
            .write(&mut stream)
            .unwrap();
    });
    // More than fits into the connection while nobody reads at its other end.
    let order =
        SignOrder { request: vec![0; 4 << 20], item: Vec::new(), path: Vec::new(), endorsements: Vec::new() };
    let orders = Orders { ledger: HEAD, orders: vec![Order::Sign(order)] };
    let refused = Client::new(&socket).order(&orders).unwrap_err();
    assert!(matches!(&refused, SignerError::Refused(refusal) if refusal.text == "not here"), "{refused:?}");
}

#[test]
fn silence_ends_in_a_timeout() {
    let folder = TempDir::new().unwrap();
    let socket = folder.path().join("socket");
    let _listener = UnixListener::bind(&socket).unwrap();
    let client = Client::with_period(&socket, Duration::from_millis(20));
    assert!(matches!(client.state(), Err(SignerError::TimedOut { .. })));
}

#[test]
fn an_answer_to_another_question_is_not_taken() {
    let refusal = Refusal { code: RefusalCode::Journal, text: "full".to_owned() };
    let (_folder, client) = served(vec![vec![answers(), Frame::Refused(refusal)]]);
    assert!(matches!(client.state(), Err(SignerError::Unexpected { .. })));
    assert!(
        matches!(client.state(), Err(SignerError::Refused(refusal)) if refusal.code == RefusalCode::Journal)
    );
}
