//! Foreign tools: where they are, and which.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::skip;

/// A foreign program that is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    name: &'static str,
    path: PathBuf,
    /// Where Node.js finds its packages, if it is one of those.
    modules: Option<PathBuf>,
}

/// Finds `openssl`, `ssh-keygen`, `python3`, `node`, `cosign` or another program, or skips loudly.
///
/// Our own copies, which `cargo xtask test` fetches, go before those on the path: their versions are known.
pub fn tool(name: &'static str) -> Option<Tool> {
    let own = tools_folder().map(|folder| folder.join("bin"));
    let path = env::var_os("PATH").unwrap_or_default();
    let found =
        own.into_iter().chain(env::split_paths(&path)).map(|folder| folder.join(name)).find(|p| p.is_file());
    if found.is_none() {
        skip(name, "the program is not here; `cargo xtask test` fetches it or says how to");
    }
    found.map(|path| Tool { name, path, modules: None })
}

/// `@sigstore/verify` as Node.js 20 is said to run it, or a loud skip: Node.js with the package, `@sigstore/bundle` and
/// `@sigstore/protobuf-specs` within the reach of whatever script its command is given.
pub fn sigstore_js() -> Option<Tool> {
    node_package("sigstore-js", "@sigstore/verify")
}

/// `@sigstore/sign` or `@sigstore/verify` of today, or a loud skip: each within the reach of whatever script its command
/// is given, with `@sigstore/bundle` and `@sigstore/protobuf-specs`.
pub fn sigstore_js_client(package: &'static str) -> Option<Tool> {
    node_package("sigstore-js-client", package)
}

/// `oidc-provider` and `playwright-core` with a browser for it, or a loud skip: each within the reach of whatever script its
/// command is given.
pub fn oidc_browser() -> Option<Tool> {
    tool("chromium")?;
    node_package("oidc-browser", "oidc-provider")
}

/// Python with python-tuf, which the client of Sigstore in Python follows repositories with, or a loud skip.
pub fn tuf_python() -> Option<Tool> {
    let python = tools_folder().map(|folder| folder.join("sigstore-python/bin/python3"));
    let path = python.filter(|python| python.is_file());
    if path.is_none() {
        skip("python-tuf", "the client of TUF in Python is not here; `cargo xtask test` fetches it");
    }
    path.map(|path| Tool { name: "python-tuf", path, modules: None })
}

fn node_package(folder: &str, package: &'static str) -> Option<Tool> {
    let modules = tools_folder().map(|tools| tools.join(folder).join("node_modules"));
    let modules = modules.filter(|modules| modules.join(package).is_dir());
    if modules.is_none() {
        skip(folder, &format!("{package} is not here; `cargo xtask test` fetches it"));
    }
    Some(Tool { name: package, modules: Some(modules?), ..tool("node")? })
}

pub(crate) fn tools_folder() -> Option<PathBuf> {
    let named = env::var_os("AVOUCH_TOOLS").map(PathBuf::from);
    named.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cache/avouch-tools")))
}

impl Tool {
    /// Its name.
    pub fn name(&self) -> &str {
        self.name
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where Node.js finds its packages, if it is one of those.
    pub fn modules(&self) -> Option<&Path> {
        self.modules.as_deref()
    }

    /// A command that runs it, in the C locale and without anything on its standard input.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.env("LC_ALL", "C").stdin(std::process::Stdio::null());
        if let Some(modules) = &self.modules {
            command.env("NODE_PATH", modules);
        }
        command
    }

    /// Its version, as it says itself; `unknown` where it says nothing that looks like one.
    ///
    /// A copy of ours may not know its own: then it stands beside it, in `NAME.version`.
    pub fn version(&self) -> String {
        if let Some(modules) = &self.modules {
            return package_version(&modules.join(self.name)).unwrap_or_else(|| "unknown".to_owned());
        }
        let beside = self.path.with_file_name(format!("{}.version", self.name));
        if let Ok(version) = std::fs::read_to_string(beside) {
            return version.trim().to_owned();
        }
        let (program, argument) = match self.name {
            "ssh-keygen" => (self.path.with_file_name("ssh"), "-V"),
            "openssl" => (self.path.clone(), "version"),
            "minisign" => (self.path.clone(), "-v"),
            _ => (self.path.clone(), "--version"),
        };
        let said = Command::new(program).arg(argument).output();
        let said = said.map(|output| [output.stdout, output.stderr].concat()).unwrap_or_default();
        version_in(&String::from_utf8_lossy(&said)).unwrap_or_else(|| "unknown".to_owned())
    }
}

/// The version that a package of Node.js states.
fn package_version(folder: &Path) -> Option<String> {
    let stated = std::fs::read(folder.join("package.json")).ok()?;
    let stated: serde_json::Value = serde_json::from_slice(&stated).ok()?;
    Some(stated.get("version")?.as_str()?.to_owned())
}

/// The first word with a digit and a dot: `OpenSSL 3.0.22 7 Oct 2026`, `v20.20.2`, `OpenSSH_9.2p1 Debian-2, …`.
fn version_in(said: &str) -> Option<String> {
    let word = said
        .split_whitespace()
        .find(|word| word.contains('.') && word.contains(|c: char| c.is_ascii_digit()))?;
    let version = word.trim_start_matches(|c: char| !c.is_ascii_digit());
    Some(version.trim_end_matches(',').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_found_in_what_tools_say() {
        for (said, version) in [
            ("OpenSSL 3.0.22 7 Oct 2026 (Library: OpenSSL 3.0.22)", "3.0.22"),
            ("v20.20.2\n", "20.20.2"),
            ("Python 3.11.2\n", "3.11.2"),
            ("OpenSSH_9.2p1 Debian-2+deb12u7, OpenSSL 3.0.22", "9.2p1"),
        ] {
            assert_eq!(version_in(said).as_deref(), Some(version));
        }
        assert_eq!(version_in("usage: tool [-v]"), None);
    }
}
