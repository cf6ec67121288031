//! A token of the issuer for development, which believes everybody who says who they are.

use identity::oidc::{Fetcher, Limits};

use super::AUDIENCE;
use super::flow::{Answer, refused};
use crate::failure::Failure;

/// A token in somebody's name.
pub(crate) fn token(issuer: &str, email: &str) -> Result<String, Failure> {
    let fetcher = Fetcher::new(None, Limits::default())?;
    let discovered = crate::online::call(fetcher.discover(issuer))?;
    let form = [("grant_type", "urn:avouch:development"), ("client_id", AUDIENCE), ("email", email)];
    let (_status, body) = crate::online::call(fetcher.post(discovered.token()?, &form))?;
    match serde_json::from_slice(&body).map_err(Failure::input("the issuer's answer", "an ID token"))? {
        Answer::Token { id_token } => Ok(id_token),
        Answer::Error { error, error_description } => Err(refused(&error, &error_description)),
    }
}
