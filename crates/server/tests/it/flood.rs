//! A flood of good timestamp requests from the public: it is bounded, and no signature waits behind it.

use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use api::RequestState;
use client::Wait;
use model::Hash;
use reqwest::header::RETRY_AFTER;
use server::Limits;

use crate::asking::compose;
use crate::founder::space;
use crate::site::{Identity, Plan, Site};

/// Between the server and its key process. A connection that carries the flood's imprint stands still until the
/// gate opens, as if the key process were that slow with it.
#[derive(Clone)]
pub(crate) struct Gate {
    imprint: Arc<Vec<u8>>,
    /// How many connections stand still, and whether the gate is open.
    held: Arc<(Mutex<(usize, bool)>, Condvar)>,
}

impl Gate {
    pub(crate) fn before(key_process: &Path, socket: &Path, imprint: Vec<u8>) -> Self {
        let gate = Self { imprint: Arc::new(imprint), held: Arc::default() };
        let (listener, own, key_process) =
            (UnixListener::bind(socket).unwrap(), gate.clone(), key_process.to_owned());
        thread::spawn(move || {
            for server in listener.incoming().map_while(Result::ok) {
                own.clone().join(server, &key_process);
            }
        });
        gate
    }

    fn join(self, server: UnixStream, key_process: &Path) {
        let key_process = UnixStream::connect(key_process).unwrap();
        let (mut back_from, mut back_to) = (key_process.try_clone().unwrap(), server.try_clone().unwrap());
        thread::spawn(move || std::io::copy(&mut back_from, &mut back_to));
        thread::spawn(move || self.carry(server, key_process));
    }

    fn carry(self, mut from: UnixStream, mut to: UnixStream) {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let chunk = &buffer[..length];
            if chunk.windows(self.imprint.len()).any(|window| window == self.imprint.as_slice()) {
                self.wait();
            }
            if to.write_all(chunk).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    }

    fn wait(&self) {
        let (held, changed) = &*self.held;
        held.lock().unwrap().0 += 1;
        changed.notify_all();
        drop(changed.wait_while(held.lock().unwrap(), |(_, open)| !*open).unwrap());
    }

    pub(crate) fn until_held(&self) {
        let (held, changed) = &*self.held;
        let patience = Duration::from_secs(30);
        let waited = changed.wait_timeout_while(held.lock().unwrap(), patience, |(count, _)| *count == 0);
        assert!(!waited.unwrap().1.timed_out(), "no timestamp of the flood is ordered");
    }

    pub(crate) fn open(&self) {
        self.held.0.lock().unwrap().1 = true;
        self.held.1.notify_all();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_timestamp_requests_is_bounded_and_no_signature_waits_behind_it() {
    let limits = Limits { timestamps_max: 8, ..Limits::default() };
    let mut site = Site::open(Plan { limits, ..Plan::default() });
    site.stop_server();
    let imprint = Hash::Sha256.digest(b"flood");
    let key_process = site.config.signer_socket.clone();
    let socket: PathBuf = key_process.with_file_name("gate.sock");
    let gate = Gate::before(&key_process, &socket, imprint.clone());
    site.config.signer_socket = socket;
    site.start_server();

    let (http, url) = (site.http(Identity::Nobody), site.public_url("/api/v1/timestamp"));
    let hash = data_encoding::BASE64.encode(&imprint);
    let body = serde_json::json!({ "artifactHash": hash, "hashAlgorithm": "sha256" });
    let ask = || http.post(&url).json(&body).send();
    let first = tokio::spawn(ask());
    tokio::task::block_in_place(|| gate.until_held());
    // One stands at the key process; of these two, one waits, and the other is one too many from one address.
    let (second, third) = (tokio::spawn(ask()), tokio::spawn(ask()));
    let client = site.first_client();
    let view = client.profile(&space("default")).await.unwrap();
    let patience = Wait::Final(Duration::from_secs(15));
    let done = client.submit(&compose(&view, 1, b"an artifact"), None, patience).await.unwrap();
    assert_eq!(done.state, RequestState::Done, "{:?}", done.reasons);

    assert!(!first.is_finished(), "the flood stood there all the while");
    gate.open();
    assert_eq!(first.await.unwrap().unwrap().status(), 200);
    let answers = [second.await.unwrap().unwrap(), third.await.unwrap().unwrap()];
    let mut statuses = answers.each_ref().map(|answer| answer.status().as_u16());
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 503]);
    let turned_away = answers.iter().find(|answer| answer.status() == 503).unwrap();
    assert!(turned_away.headers().contains_key(RETRY_AFTER));
}
