//! Profiles, principals, grants and credentials.

use std::time::Duration;

use engine::Directory;
use identity::{ApiKey, ApiKeyRecord, CertificateRecord, KeySet, PrincipalRecord};
use model::{Class, Clock, Digest, Form, KeyId, Logging, Profile, ProfileKey, Timestamping};
use store::{ChangeError, Store};

use crate::world::{World, caller, space};

fn profile(name: &str, class: Class) -> Profile {
    Profile {
        name: space(name),
        class,
        keys: vec![ProfileKey { form: Form::Blob, key: space("default/blob") }],
        timestamp: Timestamping::Rfc3161,
        log: Logging::Transparency,
    }
}

fn add_principal(store: &Store) -> PrincipalRecord {
    let caller = caller(9);
    let mut spaces = caller.spaces;
    spaces.sort();
    let principal = PrincipalRecord {
        id: caller.principal,
        person: caller.person,
        name: caller.name,
        spaces,
        disabled: None,
    };
    store.add_principal(&principal).unwrap();
    principal
}

#[test]
fn versions_of_a_profile_stay_and_the_last_one_set_is_in_force() {
    let (world, store) = World::new();
    let (old, new) = (profile("default", Class::Release), profile("default", Class::Update));
    let digests = [store.set_profile(&old).unwrap(), store.set_profile(&new).unwrap()];
    store.set_profile(&profile("another", Class::Release)).unwrap();
    assert_eq!(digests, [old.digest(), new.digest()]);
    assert_eq!(store.profile(&space("default")).unwrap().as_ref(), Some(&new));
    assert_eq!(store.version(&old.digest()).unwrap().as_ref(), Some(&old));
    assert_eq!(Directory::profiles(&store).unwrap(), [profile("another", Class::Release), new]);
    store.set_profile(&old).unwrap();
    assert_eq!(
        store.profile(&space("default")).unwrap().as_ref(),
        Some(&old),
        "an old version can come back"
    );
    world.meddle(
        "UPDATE profile_versions SET body = CAST(replace(CAST(body AS TEXT), 'release', 'recovery') AS BLOB)",
    );
    assert!(store.version(&old.digest()).is_err(), "a version is what its digest says");
}

#[test]
fn grants_narrow_a_caller_and_a_disabled_principal_is_nobody() {
    let (_world, store) = World::new();
    let principal = add_principal(&store);
    let then = caller(9);
    assert_eq!(store.current(&then).unwrap().unwrap().spaces, principal.spaces);
    store.revoke_grant(&principal.id, &space("payments/api")).unwrap();
    store.grant(&principal.id, &space("more")).unwrap();
    assert_eq!(store.current(&then).unwrap().unwrap().spaces, [space("default")], "never more than then");
    assert!(matches!(store.grant(&principal.id, &space("more")), Err(ChangeError::Taken { .. })));
    let error = store.revoke_grant(&principal.id, &space("none")).unwrap_err();
    assert_eq!(error.to_string(), format!("there is no grant `{} none` that could be changed", principal.id));
    store.disable_principal(&principal.id).unwrap();
    assert_eq!(store.current(&then).unwrap(), None);
    assert!(matches!(store.disable_principal(&principal.id), Err(ChangeError::Unknown { .. })));
    assert!(store.principals().unwrap()[0].disabled.is_some());
    assert_eq!(store.current(&caller(3)).unwrap(), None);
}

#[test]
fn credentials_are_found_with_their_holder_and_a_revocation_is_seen_at_once() {
    let (world, store) = World::new();
    let principal = add_principal(&store);
    let now = world.clock.now();
    let key = ApiKey::from_random(&[7; 42]);
    let record = ApiKeyRecord {
        id: key.id(),
        digest: key.digest(),
        principal: principal.id,
        spaces: vec![space("payments")],
        profiles: Some(vec![]),
        created: now,
        expires: now.after(Duration::from_secs(60)),
        revoked: None,
    };
    store.add_api_key(&record).unwrap();
    assert!(matches!(store.add_api_key(&record), Err(ChangeError::Taken { .. })));
    assert_eq!(KeySet::api_key(&store, &key.id()).unwrap(), Some((record.clone(), principal.clone())));
    assert_eq!(KeySet::api_key(&store, &ApiKey::from_random(&[8; 42]).id()).unwrap(), None);
    store.revoke_api_key(&key.id()).unwrap();
    assert_eq!(KeySet::api_key(&store, &key.id()).unwrap().unwrap().0.revoked, Some(now));
    assert_eq!(store.api_keys().unwrap().len(), 1);
    let certificate = CertificateRecord {
        key: KeyId::new(Digest::of(b"spki")),
        principal: principal.id,
        created: now,
        revoked: None,
    };
    store.add_certificate(&certificate).unwrap();
    assert_eq!(store.certificate(&certificate.key).unwrap(), Some((certificate.clone(), principal)));
    store.revoke_certificate(&certificate.key).unwrap();
    assert_eq!(store.certificate(&certificate.key).unwrap().unwrap().0.revoked, Some(now));
}

#[test]
fn a_credential_of_nobody_is_not_added() {
    let (world, store) = World::new();
    let certificate = CertificateRecord {
        key: KeyId::new(Digest::of(b"spki")),
        principal: caller(9).principal,
        created: world.clock.now(),
        revoked: None,
    };
    assert!(matches!(store.add_certificate(&certificate), Err(ChangeError::Store(_))));
}
