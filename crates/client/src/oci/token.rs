//! Tokens for a registry, from whoever it sends those who ask.

use std::time::Duration;

use reqwest::Url;
use serde::Deserialize;

use super::reach::{is_of, is_private};
use super::{Login, OciError};

/// How long whoever gives tokens may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);
/// An answer with a token: those of today are some four thousand bytes.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// A token that is asked for.
pub(super) struct TokenAsked<'a> {
    /// Where, as the registry says.
    pub(super) realm: &'a str,
    /// What the registry calls itself there.
    pub(super) service: Option<String>,
    /// What the token is to allow.
    pub(super) scope: String,
    pub(super) login: &'a Login,
    pub(super) registry: &'a Url,
    /// Who else than somebody of the registry's domain may be told a password.
    pub(super) allowed: Option<&'a str>,
}

#[derive(Deserialize)]
struct Given {
    #[serde(default, alias = "access_token")]
    token: Option<String>,
}

impl TokenAsked<'_> {
    /// Where to ask, if that may be told what is to be said there.
    ///
    /// A registry of one's own is believed about itself, not about whom else a password is for: a foreign realm is asked only
    /// where somebody named it, or where nobody logs in.
    fn address(&self) -> Result<Url, OciError> {
        let foreign = || OciError::ForeignRealm {
            registry: self.registry.origin().ascii_serialization(),
            realm: self.realm.chars().filter(|c| !c.is_control()).take(256).collect(),
        };
        let url: Url = self.realm.parse().map_err(|_| foreign())?;
        let is_near = is_of(&url, self.registry) || self.allowed == Some(self.realm);
        let is_plain = url.username().is_empty() && url.password().is_none();
        let here = |url: &Url| url.scheme() == "http" && is_private(url);
        // Nobody elsewhere sends anybody to this machine, or out of TLS.
        let is_safe = url.scheme() == "https" || here(&url) && here(self.registry);
        match (is_plain && is_safe, is_near, self.login) {
            (false, ..) => Err(foreign()),
            (true, false, Login::Password { .. } | Login::IdentityToken(_)) => Err(foreign()),
            _ => Ok(url),
        }
    }
}

/// Asks for a token.
pub(super) async fn fetch(http: &reqwest::Client, asked: &TokenAsked<'_>) -> Result<String, OciError> {
    let mut url = asked.address()?;
    let shown = url.to_string();
    let service = asked.service.as_ref().map(|service| ("service", service.as_str()));
    let common = service.into_iter().chain([("scope", asked.scope.as_str())]);
    let request = match asked.login {
        Login::IdentityToken(token) => {
            let own = [("grant_type", "refresh_token"), ("client_id", "avouch"), ("refresh_token", token)];
            let mut form: Url = "form:".parse().expect("a constant address");
            form.query_pairs_mut().extend_pairs(common.chain(own));
            let body = form.query().unwrap_or_default().to_owned();
            http.post(url).header("content-type", "application/x-www-form-urlencoded").body(body)
        }
        login => {
            url.query_pairs_mut().extend_pairs(common);
            match login {
                Login::Password { user, password } => http.get(url).basic_auth(user, Some(password)),
                _ => http.get(url),
            }
        }
    };
    let unreachable =
        |source: reqwest::Error| OciError::Unreachable { url: shown.clone(), source: source.without_url() };
    let mut response = request.timeout(ANSWER_LIMIT).send().await.map_err(unreachable)?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(OciError::TooLong { url: shown, limit: ANSWER_BYTES_MAX });
        }
        body.extend_from_slice(&chunk);
    }
    if matches!(status.as_u16(), 401 | 403) {
        let message = format!("it gives no token for `{}`", asked.scope);
        let who = if matches!(asked.login, Login::Anonymous) {
            "whoever does not log in"
        } else {
            "whoever has this login"
        };
        return Err(OciError::Unauthorised { url: shown, who, message });
    }
    let given = serde_json::from_slice::<Given>(&body).ok().filter(|_| status.is_success());
    let token = given.and_then(|given| given.token).filter(|token| is_token(token));
    token.ok_or(OciError::Foreign { url: shown, status: status.as_u16() })
}

/// Can it stand in a header?
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}
