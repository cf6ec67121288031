//! The process: its folder, its sockets, its executable.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use keystore::{Cost, Passphrase};
use model::{Algorithm, Clock};
use signer::{AdminAnswer, AdminClient, AdminMessage, Client, RefusalCode, Signer, SignerError};
use signerd::{Config, KeyProcessError, SystemClock};

use crate::world::{World, journal_key};

fn config(folder: &Path) -> Config {
    Config {
        folder: folder.join("signerd"),
        passphrase: Passphrase::from_file_content(b"correct horse".to_vec().into()).unwrap(),
        cost: Cost::LEAST,
        socket: folder.join("orders.sock"),
        admin_socket: folder.join("admin.sock"),
        order_users: Vec::new(),
        admin_users: Vec::new(),
        stores: std::collections::BTreeMap::new(),
    }
}

fn start(config: &Config) -> Result<signerd::Running, KeyProcessError> {
    signerd::start(config, Arc::new(SystemClock))
}

#[test]
fn a_platform_begins_over_the_sockets_and_is_there_after_a_stop() {
    let folder = testkit::temp_folder();
    let config = config(folder.path());
    let running = start(&config).unwrap();
    let (orders, admin) = (Client::new(&config.socket), AdminClient::new(&config.admin_socket));
    assert!(orders.state().unwrap().registry.is_empty());
    let entry = World::new().genesis_entry(&journal_key(&orders));
    let begun = admin.send(&AdminMessage::Begin { entry }).unwrap();
    assert!(matches!(begun, AdminAnswer::Appended { .. }), "{begun:?}");
    let state = orders.state().unwrap();
    assert_eq!(state.registry.len(), 1);
    running.stop().unwrap();
    assert!(matches!(Client::new(&config.socket).state(), Err(SignerError::Unreachable { .. })));
    let running = start(&config).unwrap();
    // The same client, over the connection that the stop closed or left behind.
    assert_eq!(Client::new(&config.socket).state().unwrap().registry, state.registry);
    running.stop().unwrap();
}

#[test]
fn administration_is_not_taken_at_the_order_socket_nor_orders_at_the_other() {
    let folder = testkit::temp_folder();
    let config = config(folder.path());
    let running = start(&config).unwrap();
    let message = AdminMessage::Generate { store: "software".to_owned(), algorithm: Algorithm::Ed25519 };
    let refused = AdminClient::new(&config.socket).send(&message).unwrap_err();
    assert!(matches!(refused, SignerError::Refused(refusal) if refusal.code == RefusalCode::Malformed));
    let ledger = signer::Head { size: 0, root: model::Digest::ZERO };
    let orders = signer::Orders { ledger, orders: Vec::new() };
    assert!(matches!(Client::new(&config.admin_socket).order(&orders), Err(SignerError::Refused(_))));
    running.stop().unwrap();
}

#[test]
fn who_cannot_read_the_file_beside_the_socket_does_not_administer() {
    let folder = testkit::temp_folder();
    let config = config(folder.path());
    let running = start(&config).unwrap();
    let credential = fs::read(signer::credential_file(&config.admin_socket)).unwrap();
    let begun_with = |shown: &[u8]| {
        let mut stream = std::os::unix::net::UnixStream::connect(&config.admin_socket).unwrap();
        // In one piece: whoever shows something else is not listened to any further.
        let mut said = shown.to_vec();
        signer::Frame::Ask.write(&mut said).unwrap();
        stream.write_all(&said).unwrap();
        signer::Frame::read(&mut stream).unwrap()
    };
    let mut other = credential.clone();
    other[31] ^= 1;
    for shown in [[0; 32].as_slice(), &other] {
        assert!(matches!(begun_with(shown), signer::Frame::Refused(_)));
    }
    assert!(matches!(begun_with(&credential), signer::Frame::State(_)));
    running.stop().unwrap();
    // The next start has another.
    let running = start(&config).unwrap();
    assert_ne!(fs::read(signer::credential_file(&config.admin_socket)).unwrap(), credential);
    running.stop().unwrap();
}

#[test]
fn who_shows_nothing_keeps_no_administrator_from_the_socket() {
    use std::io::Read as _;
    use std::os::unix::net::UnixStream;
    use std::sync::atomic::{AtomicBool, Ordering};
    let folder = testkit::temp_folder();
    let config = config(folder.path());
    let running = start(&config).unwrap();
    let message = AdminMessage::Generate { store: "software".to_owned(), algorithm: Algorithm::Ed25519 };
    let administer = || {
        let answer = AdminClient::new(&config.admin_socket).send(&message);
        assert!(matches!(answer, Ok(AdminAnswer::Generated { .. })), "{answer:?}");
    };
    // More than there are seats, all at once, and they stay; each but the last few is sent away in its turn.
    let mut silent: Vec<_> = (0..100).map(|_| UnixStream::connect(&config.admin_socket).unwrap()).collect();
    administer();
    assert_eq!(silent[0].read(&mut [0]).unwrap(), 0);
    // And as fast as they can, a byte in each.
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::SeqCst) {
                silent.truncate(200);
                let Ok(mut stream) = UnixStream::connect(&config.admin_socket) else { continue };
                let _ = stream.write_all(&[0]);
                silent.insert(0, stream);
            }
        });
        (0..3).for_each(|_| administer());
        stop.store(true, Ordering::SeqCst);
    });
    running.stop().unwrap();
}

#[test]
fn who_keeps_every_place_for_orders_keeps_no_administrator_from_the_state_nor_from_a_change() {
    use std::os::unix::net::UnixStream;
    let folder = testkit::temp_folder();
    let config = config(folder.path());
    let running = start(&config).unwrap();
    let admin = AdminClient::new(&config.admin_socket);
    let entry = World::new().genesis_entry(&journal_key(&Client::new(&config.socket)));
    // Each is told the state and does not go, until one is sent away.
    let mut held = Vec::new();
    loop {
        let mut stream = UnixStream::connect(&config.socket).unwrap();
        // Who is sent away is told so, and may find the door closed before they have said what they want.
        let _ = signer::Frame::Ask.write(&mut stream);
        match signer::Frame::read(&mut stream).unwrap() {
            signer::Frame::State(_) => held.push(stream),
            signer::Frame::Refused(_) => break,
            other => panic!("{other:?}"),
        }
    }
    // Who is inside asks again, and does not listen.
    held.iter_mut().for_each(|stream| signer::Frame::Ask.write(stream).unwrap());
    assert!(matches!(Client::new(&config.socket).state(), Err(SignerError::Refused(_))));
    assert!(admin.state().unwrap().registry.is_empty());
    let begun = admin.send(&AdminMessage::Begin { entry }).unwrap();
    assert!(matches!(begun, AdminAnswer::Appended { .. }), "{begun:?}");
    assert_eq!(admin.state().unwrap().registry.len(), 1);
    drop(held);
    running.stop().unwrap();
}

#[test]
fn a_connection_that_outlives_a_stop_gets_nothing_signed() {
    let folder = testkit::temp_folder();
    let config = config(folder.path());
    let running = start(&config).unwrap();
    let admin = AdminClient::new(&config.admin_socket);
    let mut stream = std::os::unix::net::UnixStream::connect(&config.admin_socket).unwrap();
    stream.write_all(&fs::read(signer::credential_file(&config.admin_socket)).unwrap()).unwrap();
    let mut send = |message: AdminMessage| {
        signer::Frame::Admin(message).write(&mut stream).unwrap();
        signer::Frame::read(&mut stream).unwrap()
    };
    send(AdminMessage::Generate { store: "software".to_owned(), algorithm: Algorithm::Ed25519 });
    let entry = World::new().genesis_entry(&journal_key(&Client::new(&config.socket)));
    running.stop().unwrap();
    let refused = send(AdminMessage::Begin { entry: entry.clone() });
    let signer::Frame::AdminAnswer(AdminAnswer::Refused(refusal)) = refused else { panic!("{refused:?}") };
    assert_eq!(refusal.code, RefusalCode::Journal);
    let running = start(&config).unwrap();
    let begun = admin.send(&AdminMessage::Begin { entry }).unwrap();
    assert!(matches!(begun, AdminAnswer::Appended { .. }), "{begun:?}");
    running.stop().unwrap();
}

#[test]
fn a_second_process_on_one_folder_is_refused() {
    let folder = testkit::temp_folder();
    let config = config(folder.path());
    let running = start(&config).unwrap();
    assert!(matches!(start(&config), Err(KeyProcessError::Locked { .. })));
    running.stop().unwrap();
    start(&config).unwrap().stop().unwrap();
}

#[test]
fn folders_and_sockets_are_for_their_owner_alone() {
    let folder = testkit::temp_folder();
    let config = config(folder.path());
    let running = start(&config).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&config.folder), 0o700);
    assert_eq!((mode(&config.socket), mode(&config.admin_socket)), (0o600, 0o600));
    running.stop().unwrap();
    fs::set_permissions(&config.folder, fs::Permissions::from_mode(0o750)).unwrap();
    assert!(matches!(start(&config), Err(KeyProcessError::Open { mode: 0o750, .. })));
}

#[test]
fn another_passphrase_does_not_start() {
    let folder = testkit::temp_folder();
    let config = config(folder.path());
    start(&config).unwrap().stop().unwrap();
    let other = Config {
        passphrase: Passphrase::from_file_content(b"wrong horse".to_vec().into()).unwrap(),
        ..config
    };
    let error = start(&other).err().unwrap();
    assert!(
        matches!(error, KeyProcessError::KeyStore(keystore::KeyStoreError::WrongPassphrase { .. })),
        "{error}"
    );
}

#[test]
fn bytes_that_are_no_frame_are_answered_and_the_next_connection_is_served() {
    use std::io::{Read, Write};
    let folder = testkit::temp_folder();
    let config = config(folder.path());
    let running = start(&config).unwrap();
    for bytes in [&[0, 0, 0, 2, 9, 9][..], &[0xff; 4], &[0, 0, 0, 1, 1]] {
        let mut stream = std::os::unix::net::UnixStream::connect(&config.socket).unwrap();
        stream.write_all(bytes).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert!(matches!(signer::Frame::read(&mut answer.as_slice()), Ok(signer::Frame::Refused(_))));
    }
    Client::new(&config.socket).state().unwrap();
    running.stop().unwrap();
}

#[test]
fn the_executable_serves_stops_when_asked_and_cannot_be_looked_into() {
    let folder = testkit::temp_folder();
    let passphrase = folder.path().join("passphrase");
    fs::write(&passphrase, "correct horse\n").unwrap();
    let config = config(folder.path());
    let mut child = Command::new(env!("CARGO_BIN_EXE_avouch-signerd"))
        .args([&config.folder, &passphrase, &config.socket, &config.admin_socket])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let clock = SystemClock;
    let begin = Instant::now();
    let client = Client::new(&config.socket);
    while client.state().is_err() {
        assert!(begin.elapsed() < Duration::from_secs(30) && child.try_wait().unwrap().is_none());
        std::thread::yield_now();
    }
    assert!(clock.boot() > Duration::ZERO && clock.now() > model::Instant::EPOCH);
    let pid = rustix::process::Pid::from_child(&child);
    let limits = fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
    assert!(limits.lines().any(|line| line.starts_with("Max core file size        0")), "{limits}");
    let told = fs::read(signerd::guarantees_file(&config.socket)).unwrap();
    let told = model::Guarantee::parse(&told).unwrap();
    assert_eq!(told.len(), 6, "{told:?}");
    let held = told.iter().filter(|one| one.force == model::Force::InForce).map(|one| one.what.as_str());
    let held: Vec<&str> = held.collect();
    assert!(held.iter().any(|what| what.contains("core dump")), "{told:?}");
    // The kernel's own word for it.
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let is_filtered = status.lines().any(|line| line == "Seccomp:\t2");
    assert_eq!(held.iter().any(|what| what.contains("network socket")), is_filtered, "{told:?}");
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(!config.socket.exists() && !signer::credential_file(&config.admin_socket).exists());
}

#[test]
fn a_deadline_that_is_longer_than_anybody_waits_is_refused_by_name() {
    let folder = testkit::temp_folder();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("passphrase"), "correct horse").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_avouch-signerd"));
    command.args(["signerd", "passphrase", "orders.sock", "admin.sock"].map(at));
    command.args(["store=hsm=pkcs11:token=a?module-path=/m.so&pin-source=file:/pin", "deadline-ms=30000"]);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let expected =
        "a signature may take from 100 to 10000 ms, and not 30000: whoever orders one waits for 30 s in all";
    assert!(output.status.code() == Some(3) && said.contains(expected), "{said}");
}
