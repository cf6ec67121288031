//! Administration on the local socket.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use api::{Code, NewApiKey, NewCertificate, NewPrincipal};
use client::{ClientError, Credential};
use model::{Clock as _, Instant, PrincipalId};
use signerd::SystemClock;

use crate::founder::space;
use crate::site::{Site, profile};

fn detail(error: ClientError) -> String {
    error.problem().unwrap_or_else(|| panic!("no problem: {error:?}")).detail.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_principal_gets_an_api_key_and_loses_it() {
    let site = Site::start();
    let admin = site.admin();
    let spaces = vec![space("default")];
    let new = NewPrincipal { name: "ci".to_owned(), person: None, spaces: spaces.clone() };
    let principal = admin.add_principal(&new).await.unwrap();
    let expires = SystemClock.now().after(Duration::from_secs(600)).whole_second();
    let new = NewApiKey { principal: principal.id, spaces, profiles: None, expires };
    let issued = admin.issue_api_key(&new).await.unwrap();
    let client = site.client(Credential::ApiKey(issued.key.clone()));
    assert_eq!(client.whoami().await.unwrap().name, "ci");
    assert_eq!(admin.api_keys(None).await.unwrap().items, std::slice::from_ref(&issued.view));

    let revoked = admin.revoke_api_key(&issued.view.id).await.unwrap();
    let (id, at) = (issued.view.id, revoked.revoked.unwrap());
    let text = detail(client.whoami().await.unwrap_err());
    assert_eq!(text, format!("API key `{id}` was revoked at {at}: ask an administrator for a new one"));
    let again = detail(admin.revoke_api_key(&id).await.unwrap_err());
    assert_eq!(again, format!("there is no API key `{id}` that could be changed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_principal_may_do_nothing_whatever_proves_it() {
    let site = Site::start();
    let client = site.first_client();
    let me = client.whoami().await.unwrap().requester.principal;
    let disabled = site.admin().disable_principal(&me).await.unwrap().disabled.unwrap();
    let text = detail(client.whoami().await.unwrap_err());
    assert_eq!(
        text,
        format!("principal `build` was disabled at {disabled}: ask an administrator to enable it")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_stand_is_refused_with_the_reason() {
    let site = Site::start();
    let admin = site.admin();
    let nobody = PrincipalId::new([7; 16]);
    let past = Instant::from_seconds(1);
    let key = |principal, expires| NewApiKey { principal, spaces: Vec::new(), profiles: None, expires };
    let future = SystemClock.now().after(Duration::from_secs(600));
    let text = detail(admin.issue_api_key(&key(nobody, future)).await.unwrap_err());
    assert_eq!(text, format!("there is no principal `{nobody}`"));
    let text = detail(admin.issue_api_key(&key(nobody, past)).await.unwrap_err());
    assert!(text.starts_with("the key would expire at 1970-01-01T00:00:01Z, and it is "), "{text}");
    let certificate = NewCertificate { certificate: "nothing".to_owned() };
    let error = admin.add_certificate(&nobody, &certificate).await.unwrap_err();
    assert_eq!(error.problem().unwrap().code, Code::BadRequest);
    let doubled =
        model::Profile { keys: [profile("new").keys, profile("new").keys].concat(), ..profile("new") };
    let text = detail(admin.put_profile(&doubled).await.unwrap_err());
    assert_eq!(text, "profile `new` has two keys for the form `blob`: a profile has one for each");
}

#[tokio::test(flavor = "multi_thread")]
async fn profiles_are_put_into_force_and_the_socket_is_its_owners_alone() {
    let site = Site::start();
    let admin = site.admin();
    let put = admin.put_profile(&profile("default/new")).await.unwrap();
    assert_eq!(put.version, profile("default/new").digest());
    assert_eq!(site.first_client().profile(&space("default/new")).await.unwrap().version, put.version);
    assert_eq!(admin.profiles(None).await.unwrap().items.len(), 3);
    assert_eq!(admin.refresh_registry().await.unwrap().entries, 2);
    let mode = std::fs::metadata(&site.config.admin_socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_somebody_has_is_not_given_again_until_they_are_gone() {
    let site = Site::start();
    let admin = site.admin();
    let new = NewPrincipal { name: "ci".to_owned(), person: None, spaces: vec![space("default")] };
    let first = admin.add_principal(&new).await.unwrap();
    let refused = admin.add_principal(&new).await.unwrap_err();
    assert_eq!(refused.problem().unwrap().code, Code::Conflict);
    assert_eq!(detail(refused), "principal `ci` is there already");
    admin.disable_principal(&first.id).await.unwrap();
    admin.add_principal(&new).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_of_a_key_that_is_not_there_is_refused_with_those_that_are() {
    let site = Site::start();
    let mut wrong = profile("default/wrong");
    wrong.keys[1].key = space("default/blobb");
    let refused = detail(site.admin().put_profile(&wrong).await.unwrap_err());
    assert_eq!(
        refused,
        "profile `default/wrong` names the key `default/blobb` for the form `blob`, and the registry has no such active key; of that form it has `default/blob`"
    );
    // A key of another form is none of this form.
    wrong.keys[1].key = space("default/cms");
    let refused = detail(site.admin().put_profile(&wrong).await.unwrap_err());
    assert!(refused.contains("names the key `default/cms` for the form `blob`"), "{refused}");
}
