//! The PKCS #11 store over SoftHSM2: what it holds to, what cannot be got out of it, and what its lane survives.

mod failures;
mod pin;
mod thief;

use std::io;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::Duration;

use keystore::{
    Called, CalledError, Key, KeyStore, KeyStoreError, LaneFault, LaneProgram, Pkcs11Store, Pkcs11Wiring,
    Retry, Signable, look,
};
use model::{Algorithm, Disk, PublicKey};
use testkit::{MemoryDisk, Shim, SoftHsm};

/// Everything that SoftHSM2 makes keys for.
const OFFERED: [Algorithm; 5] =
    [Algorithm::EcdsaP256, Algorithm::EcdsaP384, Algorithm::Rsa3072, Algorithm::Rsa4096, Algorithm::Ed25519];

#[test]
#[ignore = "it is the lane process of the other tests, which start it themselves"]
fn lane_process() {
    match Called::accept(io::stdin().as_fd()) {
        Ok(called) => called.serve().unwrap(),
        // Somebody who runs every ignored test, too.
        Err(error) => assert!(matches!(error, CalledError::NotCalled), "{error}"),
    }
}

/// This very executable, as a process that runs one of its ignored tests.
fn program(test: &str) -> LaneProgram {
    let arguments = ["--ignored", "--exact", "--nocapture", "--quiet", test];
    LaneProgram {
        executable: std::env::current_exe().unwrap(),
        arguments: arguments.iter().map(Into::into).collect(),
    }
}

fn wiring(hsm: &SoftHsm) -> Pkcs11Wiring {
    Pkcs11Wiring {
        uri: hsm.uri(hsm.module()).parse().unwrap(),
        environment: hsm.environment(),
        deadline: Duration::from_secs(60),
        program: program("pkcs11::lane_process"),
    }
}

fn shimmed(shim: &Shim) -> Pkcs11Wiring {
    Pkcs11Wiring { uri: shim.uri().parse().unwrap(), environment: shim.environment(), ..wiring(&shim.hsm) }
}

fn disk() -> Arc<MemoryDisk> {
    Arc::new(MemoryDisk::new())
}

fn start(wiring: Pkcs11Wiring, disk: &Arc<MemoryDisk>) -> Pkcs11Store {
    let disk: Arc<dyn Disk> = Arc::<MemoryDisk>::clone(disk);
    Pkcs11Store::start(wiring, disk).unwrap()
}

/// A store with one key, which signs.
fn with_key(wiring: &Pkcs11Wiring) -> (Pkcs11Store, Arc<dyn Key>) {
    let store = start(wiring.clone(), &disk());
    let public = store.generate(Algorithm::EcdsaP256).unwrap();
    let key = store.key(&public.id()).unwrap();
    signs(&*key);
    (store, key)
}

fn signs(key: &dyn Key) {
    let signature = key.sign(Signable::Message(b"bytes")).unwrap();
    key.public().verify(b"bytes", &signature).unwrap();
}

/// Asks until the lane is up again. What does not help fails the test.
fn until_up<T>(mut ask: impl FnMut() -> Result<T, KeyStoreError>) -> T {
    loop {
        match ask() {
            Ok(value) => return value,
            Err(error) => assert_eq!(error.retry(), Retry::MayHelp, "{error}"),
        }
        std::thread::yield_now();
    }
}

fn open(store: &Pkcs11Store, public: &PublicKey) -> Result<(), KeyStoreError> {
    store.key(&public.id()).map(|_| ())
}

#[test]
fn the_store_conforms() {
    let Some(hsm) = SoftHsm::new() else { return };
    let disk = disk();
    let open = || -> Arc<dyn KeyStore> { Arc::new(start(wiring(&hsm), &disk)) };
    testkit::keystore::conforms(&open, &OFFERED);
}

#[test]
fn a_look_at_the_token_names_it_and_uses_no_pin() {
    let Some(hsm) = SoftHsm::new() else { return };
    hsm.write_pin("wrong");
    let token = look(&wiring(&hsm), &*disk()).unwrap();
    assert_eq!(token.label, SoftHsm::LABEL);
    assert_eq!(token.manufacturer, "SoftHSM project");
    assert_eq!(token.algorithms.iter().filter(|one| OFFERED.contains(one)).count(), OFFERED.len());
    assert!(!token.algorithms.contains(&Algorithm::Rsa2048), "verified, never made");
    hsm.write_pin(SoftHsm::PIN);
    with_key(&wiring(&hsm));
}

#[test]
fn a_module_or_a_token_that_is_not_there_is_named() {
    let Some(hsm) = SoftHsm::new() else { return };
    let at = |uri: String| Pkcs11Wiring { uri: uri.parse().unwrap(), ..wiring(&hsm) };
    let fault = |wiring: &Pkcs11Wiring| match look(wiring, &*disk()) {
        Err(KeyStoreError::Lane(fault)) => fault,
        other => panic!("{other:?}"),
    };
    let missing = fault(&at(hsm.uri(&hsm.folder().join("nothing.so"))));
    assert!(missing.to_string().contains("nothing.so` cannot be loaded"), "{missing}");
    // A shared library, and no module.
    std::fs::write(hsm.folder().join("text.so"), "text").unwrap();
    assert!(matches!(fault(&at(hsm.uri(&hsm.folder().join("text.so")))), LaneFault::Module { .. }));
    let other = fault(&at(hsm.uri(hsm.module()).replace("avouch%20test", "other")));
    assert_eq!(
        other.to_string(),
        "the module has no hardware token with `token=other`; is it plugged in, and initialised?"
    );
    assert_eq!(other.retry(), Retry::MayHelp);
    let nobody = Pkcs11Wiring {
        program: LaneProgram { executable: "/nowhere/avouch".into(), arguments: Vec::new() },
        ..wiring(&hsm)
    };
    assert!(matches!(look(&nobody, &*disk()), Err(KeyStoreError::LaneProcess { .. })));
}

#[test]
fn whoever_starts_a_lane_process_by_hand_is_told_what_it_is() {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    drop(ours);
    let error = Called::accept(theirs.as_fd()).err().unwrap();
    assert!(error.to_string().contains("started by the key process"), "{error}");
}
