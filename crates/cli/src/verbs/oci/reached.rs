//! Images where they are: how their registry is reached, and which image a name means.

use std::path::PathBuf;

use clap::Args;
use client::oci::{Found, Reach, RepositoryClient, Transport};
use formats::oci::{Index, Manifest, Reference, Repository};

use crate::failure::Failure;
use crate::oci_login;

/// How a registry is reached.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "The registry")]
pub(crate) struct RegistryArgs {
    /// Who asks, in a file as docker and podman keep it; otherwise `$REGISTRY_AUTH_FILE`, podman's `auth.json`, docker's
    /// `config.json`, and the programs that keep logins for them
    #[arg(long, value_name = "FILE")]
    pub(crate) registry_auth: Option<PathBuf>,
    /// Certificates, in PEM, that the registry's own may come from, beside the system's
    #[arg(long, value_name = "FILE")]
    pub(crate) registry_ca: Option<PathBuf>,
    /// Who gives tokens for the registry, by the whole address, where that is somebody of another domain
    #[arg(long, value_name = "URL")]
    pub(crate) registry_realm: Option<String>,
    /// Reach the registry over HTTP without TLS: whoever is on the way may change what comes, and no password is sent
    #[arg(long)]
    pub(crate) plain_http: bool,
}

impl RegistryArgs {
    /// A client of a repository.
    pub(crate) fn client(&self, repository: &Repository) -> Result<RepositoryClient, Failure> {
        let read = |path: &PathBuf| std::fs::read_to_string(path).map_err(Failure::file("read", path));
        let reach = Reach {
            transport: if self.plain_http { Transport::Plain } else { Transport::Tls },
            ca_pem: self.registry_ca.as_ref().map(read).transpose()?,
            login: oci_login::find(repository, self.registry_auth.as_deref())?,
            realm: self.registry_realm.clone(),
        };
        Ok(RepositoryClient::new(repository.clone(), &reach)?)
    }
}

/// Which image a name means: its digest's, or the one that the tag names now.
pub(super) fn image(client: &RepositoryClient, named: &Reference) -> Result<Found, Failure> {
    let found = crate::online::go_on(async {
        match (&named.digest, named.tag.as_deref()) {
            (Some(digest), _) => client.manifest(digest).await,
            (None, tag) => client.tagged(tag.unwrap_or("latest")).await,
        }
    })?;
    found.ok_or_else(|| Failure::Usage {
        what: format!("there is no image `{named}`"),
        advice: "look at the name again; a registry may say so of what you may not see, too",
    })
}

/// Every image in an index, in those that it lists, and so on, each once; the first is the one that was asked for.
pub(super) fn with_listed(client: &RepositoryClient, image: Found) -> Result<Vec<Found>, Failure> {
    /// Indexes of indexes; nobody makes larger ones.
    const IMAGES_MAX: usize = 512;
    let mut found = vec![image];
    let mut next = 0;
    while let Some(one) = found.get(next) {
        next += 1;
        let Manifest::Index(index) = &one.manifest else { continue };
        for digest in listed(index) {
            if found.iter().any(|known| known.digest == digest) {
                continue;
            }
            if found.len() == IMAGES_MAX {
                return Err(Failure::Usage {
                    what: format!("the index lists more than {IMAGES_MAX} images"),
                    advice: "sign the index alone, which covers them all by their digests",
                });
            }
            let one = crate::online::go_on(client.manifest(&digest))?.ok_or_else(|| Failure::Usage {
                what: format!("the index lists `sha256:{digest}`, which the repository does not have"),
                advice: "push the whole of it, or sign the index alone",
            })?;
            found.push(one);
        }
    }
    Ok(found)
}

/// The digests that an index lists, as far as they are SHA-256.
pub(super) fn listed(index: &Index) -> Vec<model::Digest> {
    index.manifests.iter().filter_map(|one| one.digest.sha256().copied()).collect()
}
