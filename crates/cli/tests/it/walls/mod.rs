//! The walls: whoever takes the server over tries to get at the key process, one test each.
//!
//! What is tried is tried by the server's own process, while it serves. Behind which wall it is tried, and what the
//! system must say, stands in each test.

mod place;
mod secrets;
mod taken_over;

use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::Path;

use libc::{EACCES, EPERM, EXDEV};
use model::Algorithm;
use signer::{AdminAnswer, AdminClient, AdminMessage, CREDENTIAL_BYTES, Frame, RefusalCode};

use crate::site::has_landlock;

use place::{Founded, Place, Wall, is_root};
use taken_over::Argument::{Bytes, Number, Text};
use taken_over::{Argument, Outcome, TakenOver};

/// Every wall that is one.
const ALL: &[Wall] = &[Wall::Landlock, Wall::Users, Wall::UsersAlone];
/// Those with a filter of system calls.
const FILTERED: &[Wall] = &[Wall::Landlock, Wall::Users];

/// The server, taken over, and what it goes for.
struct Attack<'a> {
    server: TakenOver,
    place: &'a Place,
    key_process: u64,
}

/// Lets a server be attacked behind each of these walls, as far as they can be put up here.
fn attack(walls: &[Wall], attempt: impl Fn(&mut Attack<'_>)) {
    for wall in walls {
        let needs_users = matches!(wall, Wall::Users | Wall::UsersAlone);
        if needs_users && !is_root() {
            testkit::skip("two users", "only root can start the two processes as two users");
            continue;
        }
        if *wall == Wall::Landlock && !has_landlock() {
            testkit::skip("landlock", "this kernel has no Landlock");
            continue;
        }
        let place = Founded::new(*wall).serve();
        let server = match TakenOver::of(place.process("server")) {
            Ok(server) => server,
            Err(cause) => {
                testkit::skip("ptrace", &format!("the server cannot be taken over here: {cause}"));
                continue;
            }
        };
        let key_process = place.process("signerd");
        let key_process = u64::try_from(key_process).unwrap();
        let mut attack = Attack { server, place: &place, key_process };
        attempt(&mut attack);
        drop(attack);
        assert_eq!(u64::try_from(place.process("signerd")).unwrap(), key_process, "it is still the same");
    }
}

impl Attack<'_> {
    fn call(&mut self, number: libc::c_long, arguments: &[Argument<'_>]) -> Outcome {
        self.server.call(number, arguments)
    }

    /// A call that must fail with one of these.
    fn refused(&mut self, what: &str, errors: &[i32], number: libc::c_long, arguments: &[Argument<'_>]) {
        let outcome = self.call(number, arguments);
        let told = outcome.map_err(std::io::Error::from_raw_os_error);
        let is_refused = outcome.is_err_and(|error| errors.contains(&error));
        assert!(is_refused, "{:?}: {what}: {told:?}, where {errors:?} was due", self.place.wall);
    }

    fn path(&self, path: &str) -> String {
        self.place.dir.join(path).to_string_lossy().into_owned()
    }

    fn of_key_process(&self, entry: &str) -> String {
        format!("/proc/{}/{entry}", self.key_process)
    }

    fn socket(&mut self, family: i32, kind: i32) -> u64 {
        self.call(libc::SYS_socket, &[of(family), of(kind), of(0)]).unwrap()
    }
}

/// A number as the system takes it.
fn of(number: i32) -> Argument<'static> {
    Number(number as u64)
}

/// Something that is in the key folder: a sealed key, a file of the journal.
fn inside(folder: &Path) -> String {
    let first = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap();
    first.path().to_string_lossy().into_owned()
}

#[test]
fn the_key_folder_the_passphrase_and_the_credential_are_not_opened() {
    attack(ALL, |attack| {
        let keys = attack.place.dir.join("signerd/keys");
        let journal = attack.place.dir.join("signerd/journal");
        let files = [
            (attack.path("signerd"), libc::O_RDONLY | libc::O_DIRECTORY),
            (attack.path("signerd/passphrase"), libc::O_RDONLY),
            (attack.path("signerd/passphrase"), libc::O_WRONLY | libc::O_TRUNC),
            (attack.path("signerd/lock"), libc::O_RDWR),
            (attack.path("signerd/planted"), libc::O_WRONLY | libc::O_CREAT),
            (attack.path("run/signerd/admin.credential"), libc::O_RDONLY),
            (attack.path("run/signerd/planted"), libc::O_WRONLY | libc::O_CREAT),
            (inside(&keys), libc::O_RDONLY),
            (inside(&journal), libc::O_RDWR),
        ];
        for (path, flags) in &files {
            let arguments = [of(libc::AT_FDCWD), Text(path), of(*flags), of(0o600)];
            attack.refused(path, &[EACCES], libc::SYS_openat, &arguments);
        }
    });
}

#[test]
fn the_key_folder_the_passphrase_and_the_credential_are_not_linked() {
    attack(ALL, |attack| {
        let to = attack.path("server/taken");
        for from in ["signerd/passphrase", "signerd/lock", "run/signerd/admin.credential"] {
            let from = attack.path(from);
            attack.refused(&from, &[EACCES, EXDEV, EPERM], libc::SYS_link, &[Text(&from), Text(&to)]);
        }
        // A link by name opens nothing.
        let passphrase = attack.path("signerd/passphrase");
        let outcome = attack.call(libc::SYS_symlink, &[Text(&passphrase), Text(&to)]);
        if outcome.is_ok() {
            attack.refused("a link", &[EACCES], libc::SYS_open, &[Text(&to), of(libc::O_RDONLY)]);
        }
    });
}

#[test]
fn the_key_folder_the_passphrase_and_the_credential_are_not_renamed_nor_removed() {
    attack(ALL, |attack| {
        let to = attack.path("server/taken");
        for from in
            ["signerd", "signerd/passphrase", "signerd/journal", "run/signerd", "run/signerd/admin.sock"]
        {
            let from = attack.path(from);
            attack.refused(&from, &[EACCES, EXDEV], libc::SYS_rename, &[Text(&from), Text(&to)]);
        }
        for gone in ["signerd/passphrase", "run/signerd/orders.sock", "run/signerd/admin.credential"] {
            let gone = attack.path(gone);
            attack.refused(&gone, &[EACCES], libc::SYS_unlink, &[Text(&gone)]);
        }
    });
}

#[test]
fn the_key_folder_is_not_opened_to_others() {
    attack(ALL, |attack| {
        let folder = attack.path("signerd");
        attack.refused("mode", &[EPERM], libc::SYS_chmod, &[Text(&folder), of(0o777)]);
        let at = [of(libc::AT_FDCWD), Text(&folder), of(0o777)];
        attack.refused("mode at", &[EPERM], libc::SYS_fchmodat, &at);
        attack.refused("owner", &[EPERM], libc::SYS_chown, &[Text(&folder), of(1), of(1)]);
    });
}

#[test]
fn nothing_of_the_key_process_is_seen_in_proc() {
    attack(ALL, |attack| {
        for entry in ["mem", "maps", "environ", "fd", "fd/0", "auxv", "stack", "pagemap"] {
            let path = attack.of_key_process(entry);
            attack.refused(&path, &[EACCES, EPERM], libc::SYS_open, &[Text(&path), of(libc::O_RDONLY)]);
        }
        for entry in ["root", "cwd", "exe", "fd/0"] {
            let path = attack.of_key_process(entry);
            let arguments = [Text(&path), Bytes(&[0; 256]), Number(256)];
            attack.refused(&path, &[EACCES, EPERM], libc::SYS_readlink, &arguments);
        }
    });
}

#[test]
fn the_key_process_is_not_traced() {
    attack(ALL, |attack| {
        for request in [libc::PTRACE_SEIZE, libc::PTRACE_ATTACH] {
            let arguments = [Number(request.into()), Number(attack.key_process), of(0), of(0)];
            attack.refused("tracing", &[EPERM], libc::SYS_ptrace, &arguments);
        }
    });
}

#[test]
fn the_memory_of_the_key_process_is_not_read_nor_written() {
    attack(ALL, |attack| {
        let key_process = Number(attack.key_process);
        // Both the place from which and the one to which: an address, and a length.
        let vector = [attack.server.first_address().to_ne_bytes(), 8_u64.to_ne_bytes()].concat();
        let arguments = [key_process, Bytes(&vector), of(1), Bytes(&vector), of(1), of(0)];
        attack.refused("reading", &[EPERM], libc::SYS_process_vm_readv, &arguments);
        attack.refused("writing", &[EPERM], libc::SYS_process_vm_writev, &arguments);
    });
}

#[test]
fn no_descriptor_of_the_key_process_is_taken() {
    attack(ALL, |attack| {
        let process = Number(attack.key_process);
        let process = attack.call(libc::SYS_pidfd_open, &[process, of(0)]).unwrap();
        for descriptor in 0..8 {
            let arguments = [Number(process), of(descriptor), of(0)];
            attack.refused("taking one", &[EPERM], libc::SYS_pidfd_getfd, &arguments);
        }
    });
}

#[test]
fn the_key_process_is_not_killed_nor_stopped() {
    attack(ALL, |attack| {
        let key_process = attack.key_process;
        let process = attack.call(libc::SYS_pidfd_open, &[Number(key_process), of(0)]).unwrap();
        for signal in [libc::SIGKILL, libc::SIGSTOP, libc::SIGTERM, 0] {
            let one = [Number(key_process), of(signal)];
            attack.refused("kill", &[EPERM], libc::SYS_kill, &one);
            attack.refused("tkill", &[EPERM], libc::SYS_tkill, &one);
            let thread = [Number(key_process), Number(key_process), of(signal)];
            attack.refused("tgkill", &[EPERM], libc::SYS_tgkill, &thread);
            let by_descriptor = [Number(process), of(signal), of(0), of(0)];
            attack.refused("pidfd_send_signal", &[EPERM], libc::SYS_pidfd_send_signal, &by_descriptor);
        }
    });
}

#[test]
fn the_key_process_is_not_made_to_dump_its_core() {
    attack(ALL, |attack| {
        let key_process = attack.key_process;
        let limit = [u64::MAX.to_ne_bytes(); 2].concat();
        let arguments = [Number(key_process), of(libc::RLIMIT_CORE as i32), Bytes(&limit), of(0)];
        attack.refused("raising the limit", &[EPERM], libc::SYS_prlimit64, &arguments);
        attack.refused("aborting", &[EPERM], libc::SYS_kill, &[Number(key_process), of(libc::SIGABRT)]);
    });
    // Somebody else may: there is no core all the same, whatever limit the launcher had.
    let place = Founded::new(Wall::Landlock).serve();
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", place.process("signerd"))).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"]);
}

/// Trying the walls once left it to the system to end a process that writes to somebody who is gone.
#[test]
fn nobody_who_hangs_up_ends_the_server_or_the_key_process() {
    let place = Founded::new(Wall::Landlock).serve();
    for process in ["server", "signerd"] {
        let status = std::fs::read_to_string(format!("/proc/{}/status", place.process(process))).unwrap();
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
        let ignored = u64::from_str_radix(ignored.trim(), 16).unwrap();
        assert_ne!(ignored & (1 << (libc::SIGPIPE - 1)), 0, "{process} is ended by SIGPIPE");
    }
}

#[test]
fn no_second_key_process_is_started() {
    attack(FILTERED, |attack| {
        let program = attack.place.program.to_string_lossy().into_owned();
        let arguments = [Text(&program), of(0), of(0)];
        attack.refused("running it", &[EPERM], libc::SYS_execve, &arguments);
        let at = [of(libc::AT_FDCWD), Text(&program), of(0), of(0), of(0)];
        attack.refused("running it at", &[EPERM], libc::SYS_execveat, &at);
        attack.refused("fork", &[EPERM], libc::SYS_fork, &[]);
        attack.refused("vfork", &[EPERM], libc::SYS_vfork, &[]);
        attack.refused("clone", &[EPERM], libc::SYS_clone, &[of(libc::SIGCHLD), of(0), of(0), of(0), of(0)]);
        attack.refused("clone3", &[libc::ENOSYS], libc::SYS_clone3, &[Bytes(&[0; 88]), of(88)]);
    });
}

#[test]
fn the_server_does_not_administer_the_key_process() {
    attack(ALL, |attack| {
        let path = attack.path("run/signerd/admin.sock");
        let mut address = vec![1, 0];
        address.extend([path.as_bytes(), b"\0"].concat());
        let socket = attack.socket(libc::AF_UNIX, libc::SOCK_STREAM);
        let length = Number(address.len() as u64);
        let connected = attack.call(libc::SYS_connect, &[Number(socket), Bytes(&address), length]);
        if attack.place.wall != Wall::Landlock {
            return assert_eq!(connected, Err(EACCES), "{:?}", attack.place.wall);
        }
        // No path of a socket is closed to it; what it would have to show is.
        connected.unwrap();
        let mut said = vec![0; CREDENTIAL_BYTES];
        let message = AdminMessage::Generate { store: "software".to_owned(), algorithm: Algorithm::Ed25519 };
        Frame::Admin(message).write(&mut said).unwrap();
        let length = Number(said.len() as u64);
        attack.call(libc::SYS_write, &[Number(socket), Bytes(&said), length]).unwrap();
        let answer = vec![0; 4096];
        let length = Number(answer.len() as u64);
        let read = attack.call(libc::SYS_read, &[Number(socket), Bytes(&answer), length]).unwrap();
        let answer = attack.server.read_back(usize::try_from(read).unwrap());
        let Ok(Frame::Refused(refusal)) = Frame::read(&mut answer.as_slice()) else { panic!("{answer:?}") };
        assert_eq!(refusal.code, RefusalCode::Malformed);
        assert!(refusal.text.contains("beside the socket"), "{}", refusal.text);
        // More connections than there are places, all of them silent: an administrator has theirs all the same.
        for _ in 0..100 {
            let socket = attack.socket(libc::AF_UNIX, libc::SOCK_STREAM);
            let length = Number(address.len() as u64);
            attack.call(libc::SYS_connect, &[Number(socket), Bytes(&address), length]).unwrap();
        }
        let message = AdminMessage::Generate { store: "software".to_owned(), algorithm: Algorithm::Ed25519 };
        let answer = AdminClient::new(Path::new(&path)).send(&message).unwrap();
        assert!(matches!(answer, AdminAnswer::Generated { .. }), "{answer:?}");
    });
}

#[test]
fn no_datagram_and_no_raw_packet_goes_out() {
    attack(FILTERED, |attack| {
        for (family, kind) in [
            (libc::AF_INET, libc::SOCK_DGRAM),
            (libc::AF_INET6, libc::SOCK_DGRAM),
            (libc::AF_INET, libc::SOCK_RAW),
            (libc::AF_PACKET, libc::SOCK_RAW),
            (libc::AF_NETLINK, libc::SOCK_RAW),
            (libc::AF_VSOCK, libc::SOCK_STREAM),
        ] {
            let arguments = [of(family), of(kind), of(0)];
            attack.refused("a socket", &[EPERM], libc::SYS_socket, &arguments);
        }
        let mptcp = [of(libc::AF_INET), of(libc::SOCK_STREAM), of(262)];
        attack.refused("another protocol", &[EPERM], libc::SYS_socket, &mptcp);
    });
    // What would have been there to reach.
    assert!(UdpSocket::bind("127.0.0.1:0").is_ok());
}

#[test]
fn the_server_connects_nowhere_over_tcp() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let address = [&2_u16.to_ne_bytes()[..], &port.to_be_bytes(), &[127, 0, 0, 1], &[0; 8]].concat();
    attack(&[Wall::Landlock], |attack| {
        let socket = Number(attack.socket(libc::AF_INET, libc::SOCK_STREAM));
        let Number(socket) = socket else { unreachable!() };
        let arguments = [Number(socket), Bytes(&address), of(16)];
        attack.refused("connecting", &[EACCES], libc::SYS_connect, &arguments);
        let arguments = [Number(socket), Bytes(b"x"), of(1), of(0x2000_0000), Bytes(&address), of(16)];
        attack.refused("connecting with the first byte", &[EPERM], libc::SYS_sendto, &arguments);
        // A port of its own that nobody configured.
        let own = [&2_u16.to_ne_bytes()[..], &7_u16.to_be_bytes(), &[127, 0, 0, 1], &[0; 8]].concat();
        let arguments = [Number(socket), Bytes(&own), of(16)];
        attack.refused("binding", &[EACCES], libc::SYS_bind, &arguments);
    });
}

#[test]
fn no_socket_without_a_path_is_reached() {
    let name = format!("avouch-test-{}", std::process::id());
    let _listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    let address = [&1_u16.to_ne_bytes()[..], b"\0", name.as_bytes()].concat();
    attack(&[Wall::Landlock], |attack| {
        let socket = attack.socket(libc::AF_UNIX, libc::SOCK_STREAM);
        let arguments = [Number(socket), Bytes(&address), Number(address.len() as u64)];
        attack.refused("connecting", &[EPERM], libc::SYS_connect, &arguments);
    });
}

#[test]
fn what_no_server_needs_is_not_there_for_it() {
    attack(FILTERED, |attack| {
        for (what, call) in [
            ("kcmp", libc::SYS_kcmp),
            ("keyctl", libc::SYS_keyctl),
            ("add_key", libc::SYS_add_key),
            ("bpf", libc::SYS_bpf),
            ("perf_event_open", libc::SYS_perf_event_open),
            ("userfaultfd", libc::SYS_userfaultfd),
            ("io_uring_setup", libc::SYS_io_uring_setup),
            ("mount", libc::SYS_mount),
            ("unshare", libc::SYS_unshare),
            ("setns", libc::SYS_setns),
            ("setuid", libc::SYS_setuid),
            ("shmget", libc::SYS_shmget),
        ] {
            attack.refused(what, &[EPERM], call, &[of(0), of(0), of(0), of(0), of(0)]);
        }
        attack.refused("a call of tomorrow", &[libc::ENOSYS], 9_999, &[]);
        let typed = [of(0), Number(libc::TIOCSTI), Bytes(b"x")];
        attack.refused("typing into the terminal", &[EPERM], libc::SYS_ioctl, &typed);
    });
}

#[test]
fn doctor_tells_which_walls_hold_and_why_others_do_not() {
    let row = |rows: &[serde_json::Value], what: &str| {
        let found = rows.iter().find(|row| row["what"] == what);
        found.unwrap_or_else(|| panic!("no row `{what}` in {rows:?}")).clone()
    };
    const USERS: &str = "the key process runs under a user of its own";
    const FOLDER: &str = "the server cannot open the key folder";
    const TCP: &str = "the server connects nowhere over TCP";
    const CORE: &str = "the key process leaves no core dump";
    if has_landlock() {
        let rows = Founded::new(Wall::Landlock).serve().doctor();
        assert_eq!(
            [USERS, FOLDER, TCP, CORE].map(|what| row(&rows, what)["state"].clone()),
            ["not-here", "in-force", "in-force", "in-force"]
        );
        assert!(row(&rows, FOLDER)["evidence"].as_str().unwrap().contains("os error 13"), "{rows:?}");
    }
    if is_root() {
        let rows = Founded::new(Wall::Users).serve().doctor();
        assert_eq!(
            [USERS, FOLDER, TCP, CORE].map(|what| row(&rows, what)["state"].clone()),
            ["in-force", "in-force", "not-here", "in-force"]
        );
    }
}

#[test]
fn without_a_wall_nothing_is_served_unless_somebody_says_so() {
    let founded = Founded::new(Wall::Nothing);
    let (mut launcher, said) = founded.launch();
    assert_eq!(launcher.wait().unwrap().code(), Some(2));
    let said = std::fs::read_to_string(said).unwrap();
    assert!(said.contains("require_isolation") && said.contains("listing it succeeds"), "{said}");
    founded.configure("require_isolation = false");
    let place = founded.serve();
    place.await_said("no boundary: the server cannot open the key folder");
    // The same attacks as elsewhere: what refuses them there is the walls.
    let mut server = match TakenOver::of(place.process("server")) {
        Ok(server) => server,
        Err(cause) => {
            return testkit::skip("ptrace", &format!("the server cannot be taken over here: {cause}"));
        }
    };
    let passphrase = place.dir.join("signerd/passphrase").to_string_lossy().into_owned();
    server.call(libc::SYS_open, &[Text(&passphrase), of(libc::O_RDONLY)]).unwrap();
    server.call(libc::SYS_chmod, &[Text(&passphrase), of(0o400)]).unwrap();
    server.call(libc::SYS_kill, &[of(place.process("signerd")), of(0)]).unwrap();
    server.call(libc::SYS_socket, &[of(libc::AF_INET), of(libc::SOCK_DGRAM), of(0)]).unwrap();
    // This one holds by itself: the key process is not dumpable.
    let memory = format!("/proc/{}/mem", place.process("signerd"));
    assert_eq!(server.call(libc::SYS_open, &[Text(&memory), of(libc::O_RDONLY)]), Err(EACCES));
}
