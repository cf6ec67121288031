//! Secrets: no byte of a known key, seed or passphrase is anywhere but in the key process.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use argon2::Argon2;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use model::layout::Reader;

use testkit::SoftHsm;

use super::place::{Founded, Place, Wall};
use crate::command_line::{avouch, text};
use crate::token::TokenStore;

/// Something that nobody else may have.
struct Needle {
    what: String,
    bytes: Vec<u8>,
}

#[test]
fn no_byte_of_a_known_key_or_passphrase_is_outside_the_key_process() {
    let place = Founded::new(Wall::Landlock).serve();
    let needles = needles(&place.dir);
    // A key of each purpose, forwards and backwards, and the passphrase.
    assert!(needles.len() > 10, "{}", needles.len());
    for (what, process) in [("launcher", place.launcher()), ("server", place.process("server"))] {
        each_page(process, |bytes| absent(&needles, bytes, what));
    }
    let key_process = place.process("signerd");
    for process in [place.launcher(), key_process, place.process("server")] {
        for entry in ["cmdline", "environ"] {
            let bytes = fs::read(format!("/proc/{process}/{entry}"));
            let Ok(bytes) = bytes else {
                testkit::skip("ptrace", "an undumpable process shows its environment to root alone");
                continue;
            };
            absent(&needles, &bytes, entry);
        }
    }
    // In the key process itself the passphrase is where not even root reads it.
    let hidden =
        needles.iter().take(1).map(|one| Needle { what: one.what.clone(), bytes: one.bytes.clone() });
    let hidden: Vec<Needle> = hidden.collect();
    if place.doctor().iter().any(|row| row["evidence"].to_string().contains("in `memfd_secret`")) {
        each_page(key_process, |bytes| absent(&hidden, bytes, "key process"));
    } else {
        testkit::skip("memfd_secret", "this kernel has no memfd_secret");
    }
    no_core(&place, key_process);
    files(&place.dir, &needles);
}

#[test]
fn no_byte_of_a_pin_is_outside_its_file_and_the_lane_process() {
    let Some(hsm) = SoftHsm::new() else { return };
    let tokens = hsm.tokens();
    let (store, founded) = (TokenStore::of(&hsm, &tokens), Founded::new(Wall::Landlock));
    store.configure(founded.dir());
    founded.give_to_key_process(hsm.folder());
    let place = founded.serve();
    let mut create = avouch();
    create.args(["key", "create", "default/hsm", "--form", "blob", "--store", "hsm", "--dir"]);
    create.arg(&place.dir).arg("--admin-passphrase-file").arg(place.dir.with_file_name("passphrase"));
    let created = create.output().unwrap();
    assert!(created.status.success(), "{}", text(&created));

    let pin = [Needle { what: "the PIN".to_owned(), bytes: SoftHsm::PIN.as_bytes().to_vec() }];
    let lanes = store.lanes();
    let [lane] = lanes.as_slice() else { panic!("{lanes:?}") };
    let lane: i32 = lane.parse().unwrap();
    let others = [place.launcher(), place.process("server"), place.process("signerd")];
    for process in others {
        each_page(process, |bytes| absent(&pin, bytes, "another process"));
    }
    for process in others.into_iter().chain([lane]) {
        for entry in ["cmdline", "environ"] {
            match fs::read(format!("/proc/{process}/{entry}")) {
                Ok(bytes) => absent(&pin, &bytes, entry),
                Err(_) => {
                    testkit::skip("ptrace", "an undumpable process shows its environment to root alone")
                }
            }
        }
    }
    let folder = abort(lane);
    while store.lanes() == lanes {
        std::thread::yield_now();
    }
    no_core_in(folder, lane);
    files(&place.dir, &pin);
    files(&tokens, &pin);
}

/// Ends the key process as a crash does: no core of it is left, and none in any file.
fn no_core(place: &Place, key_process: i32) {
    let folder = abort(key_process);
    place.await_said("started again");
    assert!(place.said().contains("SIGABRT") && !place.said().contains("core dumped"), "{}", place.said());
    no_core_in(folder, key_process);
}

/// Ends a process as a crash does; where a core of it would be, if that can be seen.
fn abort(process: i32) -> Option<PathBuf> {
    let folder = fs::read_link(format!("/proc/{process}/cwd")).ok();
    let aborted = std::process::Command::new("kill").args(["-ABRT", &process.to_string()]).status();
    assert!(aborted.unwrap().success());
    folder
}

fn no_core_in(folder: Option<PathBuf>, process: i32) {
    for name in ["core".to_owned(), format!("core.{process}")] {
        assert!(folder.iter().all(|folder| !folder.join(&name).exists()), "{name}");
    }
}

/// The passphrase, and each private key in the key folder, as the format of its file says.
fn needles(dir: &Path) -> Vec<Needle> {
    let passphrase = fs::read(dir.join("signerd/passphrase")).unwrap();
    let passphrase = passphrase.strip_suffix(b"\n").unwrap_or(&passphrase).to_vec();
    let mut needles = vec![Needle { what: "the passphrase".to_owned(), bytes: passphrase.clone() }];
    for entry in fs::read_dir(dir.join("signerd/keys")).unwrap().map(Result::unwrap) {
        let file = fs::read(entry.path()).unwrap();
        let secret = secret(&open(&file, &passphrase));
        let what = entry.file_name().to_string_lossy().into_owned();
        let backwards: Vec<u8> = secret.iter().rev().copied().collect();
        needles.push(Needle { what: what.clone(), bytes: secret });
        needles.push(Needle { what, bytes: backwards });
    }
    needles
}

/// Opens a sealed key file.
fn open(file: &[u8], passphrase: &[u8]) -> Vec<u8> {
    let mut reader = Reader::new(file.strip_prefix(b"avouch-key\0").unwrap());
    assert_eq!(reader.byte("version").unwrap(), 1);
    reader.text("algorithm", 64).unwrap();
    reader.digest("key id").unwrap();
    let [memory, passes, lanes] = [(); 3].map(|()| reader.word("cost").unwrap());
    let salt: [u8; 16] = reader.array("salt").unwrap();
    reader.fixed("check", 16).unwrap();
    let header = header(file);
    let nonce: [u8; 12] = reader.array("nonce").unwrap();
    let mut sealed = reader.bytes("sealed key", 64 * 1024).unwrap().to_vec();
    let params = argon2::Params::new(memory, passes, lanes, Some(48)).unwrap();
    let mut derived = [0; 48];
    let argon2 = Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    argon2.hash_password_into(passphrase, &salt, &mut derived).unwrap();
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &derived[..32]).unwrap());
    let nonce = Nonce::assume_unique_for_key(nonce);
    key.open_in_place(nonce, Aad::from(header), &mut sealed).unwrap().to_vec()
}

/// Everything before the nonce.
fn header(file: &[u8]) -> &[u8] {
    let word = u32::from_be_bytes(file[12..16].try_into().unwrap()) as usize;
    &file[..11 + 1 + 4 + word + 32 + 12 + 16 + 16]
}

/// The 32 secret bytes of a private key on a curve of that size: an octet string of that length.
fn secret(pkcs8: &[u8]) -> Vec<u8> {
    let at = pkcs8.windows(2).position(|two| two == [0x04, 0x20]).unwrap() + 2;
    pkcs8[at..at + 32].to_vec()
}

fn absent(needles: &[Needle], bytes: &[u8], place: &str) {
    for needle in needles {
        // A part of it is too much as well.
        let part = &needle.bytes[..16.min(needle.bytes.len())];
        let found = memchr(bytes, part);
        assert!(found.is_none(), "`{}` is in {place}, at {found:?}", needle.what);
    }
}

fn memchr(bytes: &[u8], part: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|byte| *byte == part[0]) {
        if bytes[from + at..].starts_with(part) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

/// Shows all that can be read of a process's memory.
fn each_page(process: i32, look: impl Fn(&[u8])) {
    let maps = fs::read_to_string(format!("/proc/{process}/maps"));
    let memory = File::open(format!("/proc/{process}/mem"));
    let (Ok(maps), Ok(memory)) = (maps, memory) else {
        return testkit::skip("ptrace", "the memory of another process is shown to root alone");
    };
    let mut seen = 0;
    for line in maps.lines().filter(|line| line.split(' ').nth(1).is_some_and(|mode| mode.starts_with("rw")))
    {
        let (begin, end) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
        let [begin, end] = [begin, end].map(|number| u64::from_str_radix(number, 16).unwrap());
        let mut bytes = vec![0; usize::try_from(end - begin).unwrap()];
        match memory.read_exact_at(&mut bytes, begin) {
            Ok(()) => look(&bytes),
            Err(cause) => assert_ne!(cause.kind(), ErrorKind::PermissionDenied, "{line}"),
        }
        seen += bytes.len();
    }
    assert!(seen > 100 * 1024, "hardly anything was seen of it");
}

/// Looks into every file of the data folder but the passphrase's own.
fn files(folder: &Path, needles: &[Needle]) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() {
            files(&path, needles);
        } else if kind.is_file() && !path.ends_with("signerd/passphrase") {
            absent(needles, &fs::read(&path).unwrap(), &path.to_string_lossy());
        }
    }
}
