//! Logging in on another device (RFC 8628): a code is shown here and typed there, while the issuer is asked now and then.

use std::time::{Duration, Instant};

use serde::Deserialize;

use super::flow::{Answer, Login, Nonce, Secrets, refused};
use crate::failure::Failure;
use crate::terminal::Terminal;

/// How often the issuer is asked, unless it says otherwise (§3.2), and at most.
const INTERVAL_S: u64 = 5;
const INTERVAL_S_MAX: u64 = 60;
/// How long a code is waited for, whatever the issuer says.
const PATIENCE_S_MAX: u64 = 900;

#[derive(Deserialize)]
struct Started {
    device_code: String,
    user_code: String,
    verification_uri: String,
    #[serde(default)]
    verification_uri_complete: Option<String>,
    expires_in: u64,
    #[serde(default)]
    interval: Option<u64>,
}

pub(super) fn log_in(login: &Login<'_>) -> Result<String, Failure> {
    let issuer = login.discover()?;
    let (device, token) = (issuer.device()?, issuer.token()?);
    let secrets = Secrets::new();
    let challenge = secrets.challenge();
    let form = [
        ("client_id", login.client),
        ("scope", "openid email"),
        ("nonce", secrets.nonce.as_str()),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    let (_status, body) = crate::online::call(login.fetcher.post(device, &form))?;
    let started: Started = serde_json::from_slice(&body)
        .map_err(Failure::input("the issuer's answer", "a code for a device"))?;
    tell(&started);
    let until = Instant::now() + Duration::from_secs(started.expires_in.min(PATIENCE_S_MAX));
    let mut interval = started.interval.unwrap_or(INTERVAL_S).min(INTERVAL_S_MAX);
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("device_code", started.device_code.as_str()),
        ("client_id", login.client),
        ("code_verifier", &secrets.verifier),
    ];
    while Instant::now() < until {
        match login.ask(token, &form)? {
            Answer::Token { id_token } => return login.check(id_token, Nonce::Offered(&secrets.nonce)),
            Answer::Error { error, error_description } => match error.as_str() {
                "authorization_pending" => {}
                "slow_down" => interval = (interval + 5).min(INTERVAL_S_MAX),
                _ => return Err(refused(&error, &error_description)),
            },
        }
        std::thread::sleep(Duration::from_secs(interval));
    }
    Err(refused("the code expired before anybody typed it", ""))
}

fn tell(started: &Started) {
    let shown = |text: &str| text.chars().filter(|c| !c.is_control()).take(256).collect::<String>();
    let terminal = Terminal::new();
    let (code, page) = (shown(&started.user_code), shown(&started.verification_uri));
    match &started.verification_uri_complete {
        Some(whole) => {
            terminal.note(format_args!("log in at {}, and see that it shows the code {code}", shown(whole)))
        }
        None => terminal.note(format_args!("log in at {page} with the code {code}")),
    }
}
