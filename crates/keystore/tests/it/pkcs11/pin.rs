//! A PIN is tried once, and never into a lock; and it is nowhere but in its file.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use keystore::{KeyStore, KeyStoreError, LaneFault, Retry, Signable, look};
use model::{Algorithm, Digest, KeyId};
use testkit::{Shim, SoftHsm};

use super::{disk, open, shimmed, start, until_up, with_key};

fn fault(result: Result<(), KeyStoreError>) -> LaneFault {
    match result {
        Err(KeyStoreError::Lane(fault)) => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_wrong_pin_is_tried_once_over_calls_and_restarts_until_its_file_is_another() {
    let Some(shim) = Shim::new() else { return };
    let (_, key) = with_key(&shimmed(&shim));
    let public = key.public().clone();
    drop(key);
    let before = shim.count("logins");
    shim.hsm.write_pin("wrong");
    let disk = disk();
    for _ in 0..2 {
        let store = start(shimmed(&shim), &disk);
        for _ in 0..20 {
            let fault = fault(open(&store, &public));
            assert_eq!(fault, LaneFault::PinRefused);
            assert_eq!(fault.retry(), Retry::DoesNotHelp);
        }
    }
    assert_eq!(shim.count("logins"), before + 1, "in two lives of the store");

    let looked = look(&shimmed(&shim), &*disk).map(|_| ());
    assert_eq!(fault(looked), LaneFault::PinRefused, "whoever only looks is told, too");

    let store = start(shimmed(&shim), &disk);
    assert_eq!(fault(open(&store, &public)), LaneFault::PinRefused);
    shim.hsm.write_pin("wrong again");
    assert_eq!(fault(open(&store, &public)), LaneFault::PinRefused);
    assert_eq!(shim.count("logins"), before + 2, "another file is one try more");
    shim.hsm.write_pin(SoftHsm::PIN);
    open(&store, &public).unwrap();
    // What was taken is not remembered as refused.
    drop(store);
    open(&start(shimmed(&shim), &disk), &public).unwrap();
}

#[test]
fn a_token_with_one_try_left_is_not_asked() {
    let Some(shim) = Shim::new() else { return };
    shim.ask("final-try");
    let store = start(shimmed(&shim), &disk());
    let error = store.generate(Algorithm::EcdsaP256).unwrap_err();
    assert!(matches!(error, KeyStoreError::Lane(LaneFault::PinFinalTry)), "{error}");
    assert_eq!(shim.count("logins"), 0);
    // Somebody logged in with another tool, which sets the token's count back, and wrote the file anew.
    shim.relent("final-try");
    assert!(store.generate(Algorithm::EcdsaP256).is_err());
    shim.hsm.write_pin(SoftHsm::PIN);
    store.generate(Algorithm::EcdsaP256).unwrap();
}

#[test]
fn a_pin_file_that_is_missing_empty_or_open_to_everybody_costs_no_try() {
    let Some(shim) = Shim::new() else { return };
    let store = start(shimmed(&shim), &disk());
    let nobody = KeyId::new(Digest::of(b"nobody"));
    let ask = || match store.key(&nobody) {
        Err(KeyStoreError::NoKey { .. }) => Ok(()),
        Err(error) => Err(error),
        Ok(_) => panic!("there is a key that nobody made"),
    };
    until_up(ask);
    for spoil in [
        |shim: &Shim| fs::remove_file(shim.hsm.pin_file()).unwrap(),
        |shim: &Shim| shim.hsm.write_pin(""),
        |shim: &Shim| {
            shim.hsm.write_pin(SoftHsm::PIN);
            fs::set_permissions(shim.hsm.pin_file(), fs::Permissions::from_mode(0o644)).unwrap();
        },
    ] {
        spoil(&shim);
        let before = shim.count("logins");
        let store = start(shimmed(&shim), &disk());
        let error = store.key(&nobody).err().unwrap();
        assert_eq!(error.retry(), Retry::MayHelp, "{error}");
        let told = model::told(&error);
        // The first failure costs no pause, so the call may meet the second.
        assert!(told.contains("PIN cannot be read") || told.contains("being started"), "{told}");
        assert_eq!(shim.count("logins"), before);
    }
}

#[test]
fn the_pin_stands_in_no_argument_and_no_environment_of_the_lane_process() {
    let Some(shim) = Shim::new() else { return };
    let (_, key) = with_key(&shimmed(&shim));
    let hanging = shim.hang();
    std::thread::scope(|scope| {
        let signing = scope.spawn(|| key.sign(Signable::Message(b"bytes")));
        let process = hanging();
        for part in ["cmdline", "environ"] {
            let bytes = fs::read(format!("/proc/{process}/{part}")).unwrap();
            let pin = SoftHsm::PIN.as_bytes();
            assert!(!bytes.windows(pin.len()).any(|window| window == pin), "{part}");
        }
        let environment = fs::read(format!("/proc/{process}/environ")).unwrap();
        let names = environment.split(|byte| *byte == 0).filter(|one| !one.is_empty()).count();
        assert_eq!(names, shimmed(&shim).environment.len(), "nothing but what is configured");
        assert!(std::process::Command::new("kill").args(["-9", &process]).status().unwrap().success());
        assert!(matches!(signing.join().unwrap(), Err(KeyStoreError::LaneEnded)));
    });
}
