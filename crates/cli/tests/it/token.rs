//! A platform with keys in a hardware token.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use testkit::{Shim, SoftHsm};

use crate::site::Site;

/// The store `hsm` of a configuration.
pub(crate) struct TokenStore<'a> {
    pub(crate) uri: String,
    pub(crate) environment: BTreeMap<String, String>,
    /// What the module may write to, which also tells its lane process from others.
    pub(crate) write: &'a Path,
    pub(crate) deadline_ms: u32,
}

impl<'a> TokenStore<'a> {
    pub(crate) fn of(hsm: &SoftHsm, tokens: &'a Path) -> Self {
        let (uri, environment) = (hsm.uri(hsm.module()), hsm.environment());
        Self { uri, environment, write: tokens, deadline_ms: 10_000 }
    }

    /// One that misbehaves on demand.
    pub(crate) fn of_shim(shim: &'a Shim) -> Self {
        let (uri, environment) = (shim.uri(), shim.environment());
        Self { uri, environment, write: shim.hsm.folder(), deadline_ms: 2_000 }
    }

    /// Puts the store into the configuration of a folder, in the place of one that is there.
    pub(crate) fn configure(&self, dir: &Path) {
        let config = dir.join("avouch.toml");
        let text = fs::read_to_string(&config).unwrap();
        let text = text.split("[signerd.stores.hsm]").next().unwrap().to_owned();
        let variables = self.environment.iter().map(|(name, value)| format!("{name} = \"{value}\""));
        let variables = variables.collect::<Vec<_>>().join(", ");
        let store = format!(
            "[signerd.stores.hsm]\nkind = \"pkcs11\"\nuri = \"{}\"\nenvironment = {{ {variables} }}\n\
             read = [\"{}\"]\nwrite = [\"{}\"]\ndeadline_ms = {}\n",
            self.uri,
            self.environment["SOFTHSM2_CONF"],
            self.write.display(),
            self.deadline_ms,
        );
        fs::write(config, text + "\n" + &store).unwrap();
    }

    /// The lane processes that may write there.
    pub(crate) fn lanes(&self) -> Vec<String> {
        let mark = format!("write={}", self.write.display());
        let is_lane = |process: &String| {
            let arguments = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
            arguments.split(|byte| *byte == 0).any(|one| one == mark.as_bytes())
        };
        let all =
            fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        all.filter(is_lane).collect()
    }
}

/// A platform with such a store, founded and not served yet.
pub(crate) fn founded(store: &TokenStore<'_>) -> Site {
    let site = Site::founded();
    store.configure(&site.dir);
    site
}

/// Makes a key.
pub(crate) fn create(site: &Site, name: &str, flags: &[&str]) -> (i32, String) {
    let (dir, passphrase) = (site.data(), site.path("passphrase"));
    let endorser = ["--dir", &dir, "--admin-passphrase-file", &passphrase];
    site.run(&[&["key", "create", name][..], flags, &endorser].concat())
}

/// Makes a key in the token, and a profile `default/hsm` that uses it.
pub(crate) fn with_profile(site: &Site) {
    let (code, said) = create(site, "default/hsm", &["--form", "blob", "--store", "hsm"]);
    assert_eq!(code, 0, "{said}");
    site.good(&["profile", "create", "default/hsm", "--key=blob=default/hsm", "--dir", &site.data()]);
}
