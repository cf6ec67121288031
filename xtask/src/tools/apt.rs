//! Debian's package tool: installing what the distribution has, and fetching from its unstable branch what it has not.

use std::path::Path;
use std::process::{Command, Stdio};

use super::{create, write};
use crate::failure::Failure;
use crate::program;

/// Installs packages, if this is root's run on a Debian or Ubuntu machine.
pub(super) fn install(packages: &[&str]) -> Result<(), Failure> {
    let unavailable = |why: &str| Failure::Unavailable { what: packages.join(", "), why: why.to_owned() };
    if program::find("apt-get").is_none() {
        return Err(unavailable("there is no apt-get here to install it with"));
    }
    if program::output(Command::new("id").arg("-u"))?.trim() != "0" {
        return Err(unavailable("only root can install packages"));
    }
    println!("  installing with apt-get: {}", packages.join(" "));
    program::run(&mut quiet_apt(&["update"]))?;
    program::run(quiet_apt(&["install", "--yes", "--no-install-recommends"]).args(packages))
}

/// dpkg tells of every step even so, on standard output; what goes wrong is on standard error.
fn quiet_apt(arguments: &[&str]) -> Command {
    let mut apt = Command::new("apt-get");
    apt.env("DEBIAN_FRONTEND", "noninteractive").arg("-qq").args(arguments).stdout(Stdio::null());
    apt
}

/// Debian's unstable branch, seen through lists and caches of our own: nothing of it is installed here.
pub(super) struct Unstable<'a> {
    folder: &'a Path,
}

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

impl<'a> Unstable<'a> {
    /// Fetches its list of packages into `folder`, from the mirror that this machine is set up for.
    pub(super) fn open(folder: &'a Path) -> Result<Self, Failure> {
        for part in ["lists/partial", "cache/archives/partial"] {
            create(&folder.join(part))?;
        }
        write(
            &folder.join("sources.list"),
            &format!("deb [signed-by={KEYRING}] {} unstable main\n", mirror()?),
        )?;
        write(&folder.join("apt.conf"), &configuration(&folder.display().to_string()))?;
        let unstable = Self { folder };
        program::run(&mut unstable.apt(&["update"]))?;
        Ok(unstable)
    }

    /// Downloads a package into the folder and unpacks it there, into `tree`. Returns its version.
    pub(super) fn unpack(&self, package: &str) -> Result<String, Failure> {
        program::run(&mut self.apt(&["download", package]))?;
        let archive = self.archive(package)?;
        let mut unpack = Command::new("dpkg-deb");
        program::run(unpack.arg("--extract").arg(&archive).arg("tree").current_dir(self.folder))?;
        let mut field = Command::new("dpkg-deb");
        field.arg("--field").arg(&archive).arg("Version").current_dir(self.folder);
        Ok(program::output(&mut field)?.trim().to_owned())
    }

    fn archive(&self, package: &str) -> Result<String, Failure> {
        let names = self.folder.read_dir().map_err(|source| Failure::File {
            action: "list",
            path: self.folder.to_owned(),
            source,
        })?;
        names
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .find(|name| name.starts_with(&format!("{package}_")) && name.ends_with(".deb"))
            .ok_or_else(|| Failure::Unavailable {
                what: format!("the package `{package}`"),
                why: "apt-get said that it downloaded it, and left no file".to_owned(),
            })
    }

    fn apt(&self, arguments: &[&str]) -> Command {
        let mut apt = quiet_apt(&[]);
        apt.arg("--config-file").arg(self.folder.join("apt.conf")).args(arguments).current_dir(self.folder);
        apt
    }
}

/// Everything that apt writes goes to `folder`; hooks that the machine hangs on an update are not for this one.
fn configuration(folder: &str) -> String {
    format!(
        "#clear APT::Update::Post-Invoke;\n\
         #clear APT::Update::Post-Invoke-Success;\n\
         #clear Acquire::IndexTargets::deb::DEP-11;\n\
         Dir::Etc::sourcelist \"{folder}/sources.list\";\n\
         Dir::Etc::sourceparts \"/dev/null\";\n\
         Dir::State::lists \"{folder}/lists\";\n\
         Dir::Cache \"{folder}/cache\";\n\
         Acquire::Languages \"none\";\n\
         Acquire::Check-Valid-Until \"false\";\n\
         APT::Sandbox::User \"\";\n"
    )
}

/// The Debian mirror in this machine's own configuration.
fn mirror() -> Result<String, Failure> {
    let mut apt = Command::new("apt-get");
    apt.args(["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]);
    let targets = program::output(&mut apt)?;
    let mirror = targets.lines().find(|uri| uri.trim_end_matches('/').ends_with("/debian"));
    mirror.map(str::to_owned).ok_or_else(|| Failure::Unavailable {
        what: "Debian unstable".to_owned(),
        why: "apt is set up for no Debian mirror on this machine".to_owned(),
    })
}
