//! Principals: who may ask.

use api::{NewPrincipal, Page, PrincipalView};
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use identity::PrincipalRecord;
use model::{PersonId, PrincipalId, limits};

use super::{BODY_LIMIT, Desk, after, bad, not_found, page, random};
use crate::blocking::blocking;
use crate::body;
use crate::problem::Refusal;

pub(super) async fn list(State(desk): State<Desk>, uri: Uri) -> Result<Json<Page<PrincipalView>>, Refusal> {
    let records = blocking(move || desk.store.principals()).await?;
    Ok(Json(page(records.into_iter().map(view).collect(), after(&uri), |view| view.id.to_string())))
}

pub(super) async fn add(
    State(desk): State<Desk>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<PrincipalView>, Refusal> {
    let new: NewPrincipal = body::json(&headers, body, body::SMALL_BYTES_MAX, BODY_LIMIT).await?;
    let length = new.name.len();
    if length == 0 || length > limits::NAME_BYTES_MAX || new.name.contains(char::is_control) {
        let most = limits::NAME_BYTES_MAX;
        return Err(bad(format!(
            "a principal's name has 1 to {most} bytes and no control characters, not {length}"
        )));
    }
    let record = PrincipalRecord {
        id: PrincipalId::new(random()?),
        person: match new.person {
            Some(person) => person,
            None => PersonId::new(random()?),
        },
        name: new.name,
        spaces: new.spaces,
        disabled: None,
    };
    let kept = record.clone();
    blocking(move || desk.store.add_principal(&kept)).await?;
    Ok(Json(view(record)))
}

pub(super) async fn disable(
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Json<PrincipalView>, Refusal> {
    let id: PrincipalId = id.parse().map_err(|_| not_found("principal", id))?;
    let found = blocking(move || {
        desk.store.disable_principal(&id)?;
        desk.store.principal(&id).map_err(Refusal::from)
    })
    .await?;
    found.map(|record| Json(view(record))).ok_or_else(|| not_found("principal", id))
}

fn view(record: PrincipalRecord) -> PrincipalView {
    let PrincipalRecord { id, person, name, spaces, disabled } = record;
    PrincipalView { id, person, name, spaces, disabled }
}
