//! Logging in with a browser on this machine: the authorization code comes back to a port of loopback that is open for
//! as long as the login takes (RFC 8252 §7.3), bound to it by state, proof key and nonce.

use std::env;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::flow::{Answer, Login, Nonce, Secrets, pairs, refused};
use super::page::Page;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// How long somebody may take to log in.
const PATIENCE: Duration = Duration::from_secs(300);
/// How long a browser may take to send its few lines.
const READ_LIMIT: Duration = Duration::from_secs(5);
/// The longest line that is read of it.
const LINE_BYTES_MAX: u64 = 16 * 1024;
/// The path to which the issuer sends the browser back; issuers for Sigstore's clients know it.
const PATH: &str = "/auth/callback";

/// Who opens the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opening {
    /// The browser of this desktop.
    Browser,
    /// Whoever reads it.
    ByHand,
}

pub(super) fn log_in(login: &Login<'_>, opening: Opening) -> Result<String, Failure> {
    let issuer = login.discover()?;
    let (authorization, token) = (issuer.authorization()?, issuer.token()?);
    let secrets = Secrets::new();
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(Failure::inside("open a port of loopback"))?;
    let port = listener.local_addr().map_err(Failure::inside("open a port of loopback"))?.port();
    let redirect = format!("http://localhost:{port}{PATH}");
    let mut address = authorization.url().clone();
    let challenge = secrets.challenge();
    address.query_pairs_mut().extend_pairs([
        ("response_type", "code"),
        ("client_id", login.client),
        ("redirect_uri", &redirect),
        ("scope", "openid email"),
        ("state", &secrets.state),
        ("nonce", &secrets.nonce),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    Terminal::new().note(format_args!("log in at {address}"));
    if opening == Opening::Browser {
        open(address.as_str());
    }
    let code = wait(&listener, &secrets.state, login.issuer)?;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", &redirect),
        ("client_id", login.client),
        ("code_verifier", &secrets.verifier),
    ];
    match login.ask(token, &form)? {
        Answer::Token { id_token } => login.check(id_token, Nonce::Due(&secrets.nonce)),
        Answer::Error { error, error_description } => Err(refused(&error, &error_description)),
    }
}

/// Opens an address; that nobody does is no failure, because it was printed as well.
fn open(address: &str) {
    let own = env::var("BROWSER").ok().filter(|program| !program.is_empty());
    let program =
        own.unwrap_or_else(|| if cfg!(target_os = "macos") { "open" } else { "xdg-open" }.to_owned());
    let quiet = Command::new(program)
        .arg(address)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    drop(quiet);
}

/// The code that comes back with this state. Whatever else calls the port is sent away.
fn wait(listener: &TcpListener, state: &str, issuer: &str) -> Result<String, Failure> {
    let inside = || Failure::inside("listen on loopback");
    listener.set_nonblocking(true).map_err(inside())?;
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        match listener.accept() {
            Ok((stream, _)) => match hear(stream, state, issuer) {
                Heard::Code(code) => return Ok(code),
                Heard::Refusal(failure) => return Err(failure),
                Heard::Nothing => {}
            },
            Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(cause) => return Err(inside()(cause)),
        }
    }
    Err(Failure::Process { process: "the issuer", fault: "sent nobody back within five minutes".to_owned() })
}

/// What somebody said who called the port.
enum Heard {
    Code(String),
    Refusal(Failure),
    Nothing,
}

fn hear(mut stream: TcpStream, state: &str, issuer: &str) -> Heard {
    let heard = read_target(&stream).map_or(Heard::Nothing, |target| judge(&target, state, issuer));
    let page = match &heard {
        Heard::Code(_) => Page::LoggedIn,
        Heard::Refusal(_) => Page::Refused,
        Heard::Nothing => Page::Nothing,
    };
    let _gone = stream.write_all(page.answer().as_bytes());
    heard
}

/// Path and query of the first line.
fn read_target(stream: &TcpStream) -> Option<String> {
    stream.set_nonblocking(false).ok()?;
    stream.set_read_timeout(Some(READ_LIMIT)).ok()?;
    let mut line = String::new();
    BufReader::new(stream.take(LINE_BYTES_MAX)).read_line(&mut line).ok()?;
    let target = line.strip_prefix("GET ")?.split(' ').next()?;
    Some(target.to_owned())
}

fn judge(target: &str, state: &str, issuer: &str) -> Heard {
    let Some((PATH, query)) = target.split_once('?') else { return Heard::Nothing };
    let pairs = pairs(query);
    let one = |name: &str| {
        let mut values = pairs.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        values.next().filter(|_| values.next().is_none())
    };
    // INVARIANT: a page of somebody else's sends no code of its own here: it does not know the state.
    if one("state") != Some(state) {
        return Heard::Nothing;
    }
    // RFC 9207: an issuer that names itself must be the one that was asked.
    if one("iss").is_some_and(|iss| iss != issuer) {
        return Heard::Refusal(refused("another issuer answered", one("iss").unwrap_or_default()));
    }
    match (one("code"), one("error")) {
        (Some(code), None) => Heard::Code(code.to_owned()),
        (_, error) => {
            let description = one("error_description").unwrap_or_default();
            Heard::Refusal(refused(error.unwrap_or("it sent no code"), description))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::flow::query;
    use super::*;

    #[test]
    fn only_the_answer_to_this_very_login_is_heard() {
        let judged =
            |pairs: &[(&str, &str)]| judge(&format!("{PATH}?{}", query(pairs)), "s1", "https://a.example");
        assert!(matches!(judged(&[("state", "s1"), ("code", "c")]), Heard::Code(code) if code == "c"));
        for nothing in [
            &[("state", "s2"), ("code", "c")][..],
            &[("code", "c")],
            &[("state", "s1"), ("state", "s1"), ("code", "c")],
        ] {
            assert!(matches!(judged(nothing), Heard::Nothing));
        }
        for refusal in [
            &[("state", "s1"), ("error", "access_denied")][..],
            &[("state", "s1"), ("code", "c"), ("iss", "https://b.example")],
            &[("state", "s1")],
        ] {
            assert!(matches!(judged(refusal), Heard::Refusal(_)));
        }
        assert!(matches!(judge("/favicon.ico", "s1", ""), Heard::Nothing));
    }
}
