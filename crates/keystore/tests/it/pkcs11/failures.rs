//! A module that crashes, hangs or loses its token takes down nothing but its lane.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use super::{disk, shimmed, signs, start, until_up, wiring, with_key};
use keystore::{KeyStore, KeyStoreError, LaneFault, Pkcs11Wiring, Retry, Signable};
use testkit::Shim;

fn kill(process: &str) {
    assert!(Command::new("kill").args(["-9", process]).status().unwrap().success());
}

#[test]
fn a_module_that_crashes_in_mid_sign_fails_that_call_and_the_next_finds_a_new_lane() {
    let Some(shim) = Shim::new() else { return };
    let (_, key) = with_key(&shimmed(&shim));
    shim.ask("crash-on-sign");
    let error = key.sign(Signable::Message(b"bytes")).unwrap_err();
    assert!(matches!(error, KeyStoreError::LaneEnded), "{error}");
    assert_eq!(error.retry(), Retry::MayHelp);
    shim.relent("crash-on-sign");
    // The key is the same value: whoever holds it does not see that the process behind it is another.
    until_up(|| key.sign(Signable::Message(b"bytes")));
    signs(&*key);
    assert_eq!(shim.count("loads"), 2);
}

#[test]
fn a_module_killed_in_mid_sign_fails_all_calls_at_once_and_the_lane_comes_back() {
    let Some(shim) = Shim::new() else { return };
    let (_, key) = with_key(&shimmed(&shim));
    let hanging = shim.hang();
    thread::scope(|scope| {
        let calls: Vec<_> = (0..8).map(|_| scope.spawn(|| key.sign(Signable::Message(b"bytes")))).collect();
        let process = hanging();
        shim.relent("hang");
        kill(&process);
        for call in calls {
            // Those that waited for a session are told, or had it in the next process.
            match call.join().unwrap() {
                Ok(signature) => key.public().verify(b"bytes", &signature).unwrap(),
                Err(error) => assert_eq!(error.retry(), Retry::MayHelp, "{error}"),
            }
        }
    });
    until_up(|| key.sign(Signable::Message(b"bytes")));
}

#[test]
fn a_module_that_hangs_is_killed_after_its_deadline_while_another_store_signs() {
    let (Some(shim), Some(other)) = (Shim::new(), testkit::SoftHsm::new()) else { return };
    let (_, other) = with_key(&wiring(&other));
    let public = with_key(&shimmed(&shim)).1.public().clone();
    let wiring = Pkcs11Wiring { deadline: Duration::from_secs(3), ..shimmed(&shim) };
    let store = start(wiring, &disk());
    let key = until_up(|| store.key(&public.id()));
    let hanging = shim.hang();
    thread::scope(|scope| {
        let signing = scope.spawn(|| key.sign(Signable::Message(b"bytes")));
        let process = hanging();
        signs(&*other);
        assert!(!signing.is_finished(), "the other one was not held up");
        let error = signing.join().unwrap().unwrap_err();
        assert!(matches!(error, KeyStoreError::LaneSilent { deadline_ms: 3_000 }), "{error}");
        assert_eq!(error.retry(), Retry::MayHelp);
        shim.relent("hang");
        until_up(|| key.sign(Signable::Message(b"bytes")));
        // Reaped, too: not even a zombie is left.
        assert!(fs::metadata(format!("/proc/{process}")).is_err());
    });
}

#[test]
fn a_session_that_hangs_neither_stops_the_others_nor_has_its_answer_taken_for_theirs() {
    let Some(shim) = Shim::new() else { return };
    let wiring = Pkcs11Wiring { deadline: Duration::from_secs(3), ..shimmed(&shim) };
    let (store, key) = with_key(&wiring);
    let sign = |number: u32| {
        let message = format!("message {number}");
        let signature = key.sign(Signable::Message(message.as_bytes()));
        signature.map(|signature| key.public().verify(message.as_bytes(), &signature).unwrap())
    };
    let hanging = shim.hang();
    thread::scope(|scope| {
        let stuck = scope.spawn(|| sign(0));
        let process = hanging();
        shim.relent("hang");
        if store.at_once().get() > 1 {
            (1..50).for_each(|number| sign(number).unwrap());
            assert!(!stuck.is_finished() && shim.process() == process, "beside the one that hangs");
        }
        let error = stuck.join().unwrap().unwrap_err();
        assert!(matches!(error, KeyStoreError::LaneSilent { .. }), "{error}");
    });
    (50..100).for_each(|number| until_up(|| sign(number)));
    assert_eq!(shim.count("loads"), 2, "the process went with its session, and came back once");
}

#[test]
fn a_token_that_is_removed_is_missed_and_found_again() {
    let Some(shim) = Shim::new() else { return };
    let (_, key) = with_key(&shimmed(&shim));
    shim.ask("removed");
    let error = key.sign(Signable::Message(b"bytes")).unwrap_err();
    assert!(
        matches!(&error, KeyStoreError::Lane(LaneFault::Gone { code, .. }) if code == "CKR_DEVICE_REMOVED"),
        "{error}"
    );
    assert_eq!(error.retry(), Retry::MayHelp);
    let told = loop {
        let error = key.sign(Signable::Message(b"bytes")).unwrap_err();
        assert_eq!(error.retry(), Retry::MayHelp, "{error}");
        if matches!(error, KeyStoreError::LaneDown { .. }) {
            break model::told(&error);
        }
    };
    assert!(told.contains("the module has no hardware token with `token=avouch test`"), "{told}");
    shim.relent("removed");
    until_up(|| key.sign(Signable::Message(b"bytes")));
}

#[test]
fn a_module_that_crashes_as_it_loads_is_started_again_with_pauses_between() {
    let Some(shim) = Shim::new() else { return };
    let public = with_key(&shimmed(&shim)).1.public().clone();
    let before = shim.count("loads");
    shim.ask("crash-on-load");
    let store = start(shimmed(&shim), &disk());
    let mut downs = 0;
    while downs < 1_000 {
        let error = store.key(&public.id()).err().unwrap();
        assert_eq!(error.retry(), Retry::MayHelp, "{error}");
        downs += usize::from(matches!(error, KeyStoreError::LaneDown { .. }));
    }
    // The pauses are 0, 100, 200, 400 ms …; a thousand calls do not make the lane start a thousand times.
    let loads = shim.count("loads") - before;
    assert!((2..20).contains(&loads), "{loads} loads");
    shim.relent("crash-on-load");
    until_up(|| store.key(&public.id()));
}

#[test]
fn a_lane_outlives_its_store_and_ends_with_its_last_key() {
    let Some(shim) = Shim::new() else { return };
    let (store, key) = with_key(&shimmed(&shim));
    let process = shim.process();
    drop(store);
    signs(&*key);
    assert_eq!(shim.process(), process, "it is the same process still");
    drop(key);
    while fs::metadata(format!("/proc/{process}")).is_ok() {
        thread::yield_now();
    }
}
