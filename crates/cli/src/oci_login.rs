//! Who asks a registry of images: what docker and podman keep of logins, and the programs that keep it for them.
//!
//! Formats: docker's `config.json` and podman's
//! [`auth.json`](https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md);
//! [credential helpers](https://github.com/docker/docker-credential-helpers).

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use client::oci::Login;
use formats::oci::Repository;
use serde::Deserialize;

use crate::failure::Failure;

/// A file of logins.
const FILE_BYTES_MAX: usize = 1024 * 1024;
/// What a program says of one login: tokens are some thousand bytes.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;
/// How docker calls its own registry there.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";
/// The name that says that the password is a token.
const TOKEN_USER: &str = "<token>";

/// A file of logins.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Logins {
    #[serde(default)]
    auths: BTreeMap<String, Kept>,
    #[serde(default)]
    cred_helpers: BTreeMap<String, String>,
    #[serde(default)]
    creds_store: Option<String>,
}

/// A login in a file.
#[derive(Debug, Default, Deserialize)]
struct Kept {
    #[serde(default)]
    auth: Option<String>,
    #[serde(default, rename = "identitytoken")]
    identity_token: Option<String>,
    #[serde(default, rename = "registrytoken")]
    registry_token: Option<String>,
}

/// How a program, by its name, is asked for the login at a server.
type Asking<'a> = &'a dyn Fn(&str, &str) -> Result<Option<Login>, Failure>;

/// What a program says of a login.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Told {
    username: String,
    secret: String,
}

/// The login for a repository: from the file that is named, or from the first of the usual ones that knows any.
pub(crate) fn find(repository: &Repository, named: Option<&Path>) -> Result<Login, Failure> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let named = named.map(Path::to_owned).or_else(|| variable("REGISTRY_AUTH_FILE"));
    let files = match named {
        Some(path) => vec![path],
        None => usual(&variable).into_iter().filter(|path| path.exists()).collect(),
    };
    for path in files {
        let bytes = crate::files::read_bounded(&path, FILE_BYTES_MAX)?;
        let logins: Logins = serde_json::from_slice(&bytes).map_err(Failure::input(
            path.display().to_string(),
            "a file of logins, as docker or podman keep it",
        ))?;
        if let Some(login) = logins.find(repository, &ask)? {
            return Ok(login);
        }
    }
    Ok(Login::Anonymous)
}

/// Where podman and docker look, in their order.
fn usual(variable: &dyn Fn(&str) -> Option<PathBuf>) -> Vec<PathBuf> {
    let home = variable("HOME");
    let config = variable("XDG_CONFIG_HOME").or_else(|| Some(home.clone()?.join(".config")));
    let docker = variable("DOCKER_CONFIG").or_else(|| Some(home?.join(".docker")));
    let podman = [variable("XDG_RUNTIME_DIR"), config].into_iter().flatten();
    let podman = podman.map(|folder| folder.join("containers/auth.json"));
    podman.chain(docker.map(|folder| folder.join("config.json"))).collect()
}

impl Logins {
    /// The most particular login: of the repository, of what is above it, of the host.
    fn find(&self, repository: &Repository, ask: Asking<'_>) -> Result<Option<Login>, Failure> {
        let host = repository.host();
        let server = if host == "docker.io" { DOCKER_HUB } else { host };
        if let Some(helper) = self.cred_helpers.get(host).or_else(|| self.cred_helpers.get(server)) {
            return ask(helper, server);
        }
        let whole = repository.to_string();
        let mut scope = Some(whole.as_str());
        while let Some(name) = scope {
            let kept = self.auths.iter().find(|(key, _)| is_same(key, name)).map(|(_, kept)| kept);
            if let Some(login) = kept.and_then(Kept::login) {
                return Ok(Some(login));
            }
            scope = name.rsplit_once('/').map(|(above, _)| above);
        }
        self.creds_store.as_deref().map_or(Ok(None), |helper| ask(helper, server))
    }
}

/// Does a key of a file name this host or path? Docker writes hosts as addresses, too, with a version of the protocol.
fn is_same(key: &str, name: &str) -> bool {
    let bare = key.trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('/');
    let bare = bare.trim_end_matches("/v1").trim_end_matches("/v2");
    let bare = if bare == "index.docker.io" { "docker.io" } else { bare };
    bare == name
}

impl Kept {
    fn login(&self) -> Option<Login> {
        let filled = |token: &Option<String>| token.clone().filter(|token| !token.is_empty());
        if let Some(token) = filled(&self.identity_token) {
            return Some(Login::IdentityToken(token));
        }
        if let Some(token) = filled(&self.registry_token) {
            return Some(Login::RegistryToken(token));
        }
        let pair = data_encoding::BASE64.decode(filled(&self.auth)?.as_bytes()).ok()?;
        let pair = String::from_utf8(pair).ok()?;
        let (user, password) = pair.split_once(':')?;
        // Some writers end it with a zero byte.
        let password = password.trim_end_matches('\0').to_owned();
        Some(Login::Password { user: user.to_owned(), password })
    }
}

/// Asks a program that keeps logins: `docker-credential-NAME get`.
fn ask(helper: &str, server: &str) -> Result<Option<Login>, Failure> {
    let is_name =
        !helper.is_empty() && helper.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    let fault = |fault: String| Failure::Process { process: "the program that keeps logins", fault };
    if !is_name {
        return Err(fault(format!("has a name that none has: {helper:?}")));
    }
    let program = format!("docker-credential-{helper}");
    let cannot = |cause: std::io::Error| fault(format!("`{program}` cannot be run: {cause}"));
    let mut command = Command::new(&program);
    command.arg("get").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(cannot)?;
    let mut asked = child.stdin.take().expect("its standard input is a pipe");
    // One that does not read has not found anything, and says so by its exit code.
    let _unread = asked.write_all(server.as_bytes());
    drop(asked);
    let mut said = Vec::new();
    let answer = child.stdout.take().expect("its standard output is a pipe");
    answer.take(ANSWER_BYTES_MAX).read_to_end(&mut said).map_err(cannot)?;
    let status = child.wait().map_err(cannot)?;
    match serde_json::from_slice::<Told>(&said) {
        Ok(told) if status.success() => Ok(Some(told.login())),
        _ if String::from_utf8_lossy(&said).contains("not found") => Ok(None),
        _ => Err(fault(format!("`{program}` gives no login for `{server}`"))),
    }
}

impl Told {
    fn login(self) -> Login {
        if self.username == TOKEN_USER {
            return Login::IdentityToken(self.secret);
        }
        Login::Password { user: self.username, password: self.secret }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    fn of(file: &str, repository: &str) -> String {
        let logins: Logins = serde_json::from_str(file).unwrap();
        let ask = |helper: &str, server: &str| {
            Ok(Some(Login::Password { user: helper.to_owned(), password: server.to_owned() }))
        };
        match logins.find(&repository.parse().unwrap(), &ask).unwrap() {
            Some(Login::Password { user, password }) => format!("{user} {password}"),
            Some(Login::IdentityToken(token)) => format!("identity {token}"),
            Some(Login::RegistryToken(token)) => format!("registry {token}"),
            _ => "nobody".to_owned(),
        }
    }

    #[test]
    fn a_login_is_found_where_docker_and_podman_keep_it_and_the_most_particular_counts() {
        let kept = |text: &str| data_encoding::BASE64.encode(text.as_bytes());
        let file = format!(
            r#"{{"auths":{{"registry.example.com":{{"auth":"{}"}},"registry.example.com/team":{{"auth":"{}"}},"https://index.docker.io/v1/":{{"auth":"{}"}},"other.example.com":{{"identitytoken":"t","auth":"eDp5"}},"third.example.com":{{}}}},"HttpHeaders":{{}}}}"#,
            kept("ada:pass:word"),
            kept("team:secret"),
            kept("hub:h\0"),
        );
        assert_eq!(of(&file, "registry.example.com/else/app"), "ada pass:word");
        assert_eq!(of(&file, "registry.example.com/team/app"), "team secret");
        assert_eq!(of(&file, "registry.example.com/teams/app"), "ada pass:word");
        assert_eq!(of(&file, "alpine"), "hub h");
        assert_eq!(of(&file, "other.example.com/app"), "identity t");
        assert_eq!(of(&file, "third.example.com/app"), "nobody");
        assert_eq!(of(&file, "evilregistry.example.com/team/app"), "nobody");
    }

    #[test]
    fn a_program_is_asked_for_the_host_that_it_keeps_and_for_what_no_file_knows() {
        let file = r#"{"auths":{"a.example.com":{}},"credHelpers":{"b.example.com":"ecr-login"},"credsStore":"pass"}"#;
        assert_eq!(of(file, "b.example.com/app"), "ecr-login b.example.com");
        assert_eq!(of(file, "a.example.com/app"), "pass a.example.com");
        assert_eq!(of(file, "alpine"), "pass https://index.docker.io/v1/");
        assert!(ask("../../bin/sh", "x").is_err());
    }
}
