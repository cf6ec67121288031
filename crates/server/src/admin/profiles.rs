//! Signing profiles: a version is put into force, and the one before stays where old receipts find it.

use api::{Page, ProfileVersion};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use engine::Directory as _;
use model::{Profile, ProfileKey};
use quorum::{KeyState, Registry};

use super::{BODY_LIMIT, Desk, after, bad, page};
use crate::blocking::blocking;
use crate::body;
use crate::problem::Refusal;

pub(super) async fn list(State(desk): State<Desk>, uri: Uri) -> Result<Json<Page<ProfileVersion>>, Refusal> {
    let profiles = blocking(move || desk.store.profiles()).await?;
    let versions = profiles.into_iter().map(version).collect();
    Ok(Json(page(versions, after(&uri), |view: &ProfileVersion| view.profile.name.to_string())))
}

pub(super) async fn put(
    State(desk): State<Desk>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<ProfileVersion>, Refusal> {
    let profile: Profile = body::json(&headers, body, body::SMALL_BYTES_MAX, BODY_LIMIT).await?;
    check(&profile)?;
    let kept = profile.clone();
    let version = blocking(move || {
        check_keys(&kept, &super::registry::present(&*desk.signer)?)?;
        desk.store.set_profile(&kept).map_err(Refusal::from)
    })
    .await?;
    Ok(Json(ProfileVersion { profile, version }))
}

/// What can be seen to be wrong without the registry.
fn check(profile: &Profile) -> Result<(), Refusal> {
    let name = &profile.name;
    if profile.keys.is_empty() {
        return Err(bad(format!("profile `{name}` has no key: give it one for each form that it writes")));
    }
    let mut forms: Vec<_> = profile.keys.iter().map(|key| key.form).collect();
    forms.sort();
    if let Some(twice) = forms.windows(2).find_map(|pair| (pair[0] == pair[1]).then_some(pair[0])) {
        return Err(bad(format!(
            "profile `{name}` has two keys for the form `{twice}`: a profile has one for each"
        )));
    }
    Ok(())
}

/// A name that no key has is a mistake of whoever wrote it, and is told at once, with the names that there are.
fn check_keys(profile: &Profile, registry: &Registry) -> Result<(), Refusal> {
    for ProfileKey { form, key } in &profile.keys {
        if registry.active_key(key).is_some_and(|known| known.record.form == *form) {
            continue;
        }
        let known: Vec<String> = registry
            .keys()
            .filter(|known| known.record.form == *form && known.state == KeyState::Active)
            .map(|known| format!("`{}`", known.record.name))
            .collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        return Err(bad(format!(
            "profile `{}` names the key `{key}` for the form `{form}`, and the registry has no such active key; of that form it has {known}",
            profile.name
        )));
    }
    Ok(())
}

fn version(profile: Profile) -> ProfileVersion {
    ProfileVersion { version: profile.digest(), profile }
}
