//! What every key store holds to: one suite, which each implementation of the two traits runs.

use std::sync::Arc;
use std::thread;

use keystore::{Key, KeyStore, KeyStoreError, Retry, Signable};
use model::{Algorithm, Digest, Digest384, Hashed, KeyId, PublicKey};

/// How many threads use a store at once.
const THREADS: usize = 4;

/// How often each of them signs.
const SIGNATURES: usize = 4;

/// Holds an implementation of [`KeyStore`] and [`Key`] to their contract; panics where it does not.
///
/// `open` opens the store over the same keys each time, as a process does that starts again. `offered` are the
/// algorithms that it makes keys for; it must refuse all others by name. Keys are made in it, and not taken away.
pub fn conforms(open: &dyn Fn() -> Arc<dyn KeyStore>, offered: &[Algorithm]) {
    refuses_other_algorithms(&*open(), offered);
    says_what_is_missing(&*open());
    for algorithm in offered {
        signs_and_stays(open, *algorithm);
    }
    if let Some(algorithm) = offered.first() {
        makes_another_key_each_time(&*open(), *algorithm);
        serves_several_at_once(&open(), *algorithm);
    }
}

fn refuses_other_algorithms(store: &dyn KeyStore, offered: &[Algorithm]) {
    for algorithm in Algorithm::ALL.iter().copied().filter(|algorithm| !offered.contains(algorithm)) {
        match store.generate(algorithm) {
            Err(error @ KeyStoreError::Algorithm { .. }) => {
                assert_eq!(error.retry(), Retry::DoesNotHelp, "{algorithm} is refused for good");
                assert!(error.to_string().contains(algorithm.word()), "{error} names {algorithm}");
            }
            Err(error) => panic!("{algorithm} is refused otherwise: {error}"),
            Ok(_) => panic!("{algorithm} is offered, and nobody said so"),
        }
    }
}

fn says_what_is_missing(store: &dyn KeyStore) {
    let nobody = KeyId::new(Digest::of(b"nobody's key"));
    match store.key(&nobody) {
        Err(error @ KeyStoreError::NoKey { .. }) => {
            assert_eq!(error.retry(), Retry::DoesNotHelp, "a key that is not there does not come");
            assert!(error.to_string().contains(&nobody.to_string()), "{error} names the key");
        }
        Err(error) => panic!("a key that is not there is refused otherwise: {error}"),
        Ok(_) => panic!("there is a key that nobody made"),
    }
}

fn signs_and_stays(open: &dyn Fn() -> Arc<dyn KeyStore>, algorithm: Algorithm) {
    let store = open();
    let public = generate(&*store, algorithm);
    assert_eq!(public.algorithm(), algorithm, "the key is what was asked for");
    let key = key(&*store, &public);
    // Whoever holds a key goes on signing, whoever else lets go of the store.
    drop(store);
    signs_messages(&*key, &public);
    signs_digests_of_its_own_hash(&*key, &public);
    // CRASH: a key that was told of is there afterwards, and is the same.
    let again = self::key(&*open(), &public);
    signs_messages(&*again, &public);
}

fn signs_messages(key: &dyn Key, public: &PublicKey) {
    let algorithm = public.algorithm();
    assert_eq!(key.public(), public, "the key that was asked for");
    for message in [b"".to_vec(), b"bytes".to_vec(), vec![0xa5; 100_000]] {
        let signature = sign(key, Signable::Message(&message));
        assert!(public.verify(&message, &signature).is_ok(), "{algorithm}: {} bytes", message.len());
        assert!(public.verify(b"other bytes", &signature).is_err(), "{algorithm}: of these bytes alone");
    }
}

fn signs_digests_of_its_own_hash(key: &dyn Key, public: &PublicKey) {
    let (algorithm, message) = (public.algorithm(), b"bytes that are elsewhere");
    for hashed in [Hashed::Sha256(Digest::of(message)), Hashed::Sha384(Digest384::of(message))] {
        let hash = hashed.hash();
        let signature = key.sign(Signable::Hashed(&hashed));
        match signature {
            Ok(signature) if algorithm.hash() == Some(hash) => {
                assert!(public.verify(message, &signature).is_ok(), "{algorithm} over {hash}");
            }
            Ok(_) => panic!("a key for {algorithm} signs {hash}"),
            Err(error) if algorithm.hash() == Some(hash) => panic!("{algorithm} over {hash}: {error}"),
            Err(error) => {
                assert!(matches!(error, KeyStoreError::SignsNoDigest { .. }), "{algorithm}: {error}");
                assert_eq!(error.retry(), Retry::DoesNotHelp, "{algorithm} does not come to sign {hash}");
            }
        }
    }
}

fn makes_another_key_each_time(store: &dyn KeyStore, algorithm: Algorithm) {
    assert_ne!(generate(store, algorithm).id(), generate(store, algorithm).id(), "two keys are two");
}

/// Several sign with one key while others make and look up more.
fn serves_several_at_once(store: &Arc<dyn KeyStore>, algorithm: Algorithm) {
    let public = generate(&**store, algorithm);
    thread::scope(|scope| {
        for number in 0..THREADS {
            let public = &public;
            scope.spawn(move || {
                let own = generate(&**store, algorithm);
                for round in 0..SIGNATURES {
                    let message = format!("{number} {round}");
                    for public in [public, &own] {
                        let signature = sign(&*key(&**store, public), Signable::Message(message.as_bytes()));
                        let verified = public.verify(message.as_bytes(), &signature);
                        assert!(verified.is_ok(), "one of several: {algorithm}");
                    }
                }
            });
        }
    });
}

fn generate(store: &dyn KeyStore, algorithm: Algorithm) -> PublicKey {
    match store.generate(algorithm) {
        Ok(public) => public,
        Err(error) => panic!("no key for {algorithm} is made: {error}"),
    }
}

fn key(store: &dyn KeyStore, public: &PublicKey) -> Arc<dyn Key> {
    match store.key(&public.id()) {
        Ok(key) => key,
        Err(error) => panic!("the key that was made is not found: {error}"),
    }
}

fn sign(key: &dyn Key, what: Signable<'_>) -> Vec<u8> {
    match key.sign(what) {
        Ok(signature) => signature,
        Err(error) => panic!("a key for {} does not sign: {error}", key.public().algorithm()),
    }
}
