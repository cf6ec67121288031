//! What certificates say of the holders of an issuer's tokens, as flags and in words.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use pki::token::{IssuerKind, Provider, Verification, Workflow};

use crate::failure::Failure;

/// A description of a workflow: a few templates.
const WORKFLOW_BYTES_MAX: usize = 64 * 1024;

/// What certificates say of the holders of an issuer's tokens.
#[derive(Debug, Args)]
pub(super) struct KindArgs {
    /// Whom its tokens name
    #[arg(long)]
    kind: Kind,
    /// Within what its names lie: a host name for `username` and `spiffe`, scheme and host for `uri`
    #[arg(long)]
    domain: Option<String>,
    /// Where the CI system is, unless it is the public one: `https://gitlab.example.com`
    #[arg(long, value_name = "URL")]
    home: Option<String>,
    /// What the jobs of a CI system are called, for `workflow`: JSON with `subject` and `extensions`, of templates
    #[arg(long, value_name = "FILE")]
    workflow: Option<PathBuf>,
    /// The issuer verifies every address without saying so in its tokens
    #[arg(long)]
    email_unsaid: bool,
}

/// Whom tokens name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// A person's address
    Email,
    /// A user name
    Username,
    /// A URI
    Uri,
    /// A SPIFFE id
    Spiffe,
    /// A Kubernetes service account
    Kubernetes,
    /// A job of GitHub Actions
    Github,
    /// A job of GitLab
    Gitlab,
    /// A job of Buildkite
    Buildkite,
    /// A job of `CircleCI`
    Circleci,
    /// A job of Codefresh
    Codefresh,
    /// A job of another CI system
    Workflow,
}

impl KindArgs {
    /// What the flags say, which must fit together.
    pub(super) fn kind(&self) -> Result<IssuerKind, Failure> {
        let provider = |provider: Provider| {
            let home = self.home.as_deref().unwrap_or_else(|| provider.home());
            IssuerKind::Workflow(provider.workflow(home))
        };
        let kind = match self.kind {
            Kind::Email if self.email_unsaid => IssuerKind::Email { verification: Verification::Skipped },
            Kind::Email => IssuerKind::Email { verification: Verification::Required },
            Kind::Username => IssuerKind::Username { domain: self.domain()? },
            Kind::Uri => IssuerKind::Uri { domain: self.domain()? },
            Kind::Spiffe => IssuerKind::Spiffe { trust_domain: self.domain()? },
            Kind::Kubernetes => IssuerKind::Kubernetes,
            Kind::Github => provider(Provider::Github),
            Kind::Gitlab => provider(Provider::Gitlab),
            Kind::Buildkite => provider(Provider::Buildkite),
            Kind::Circleci => provider(Provider::Circleci),
            Kind::Codefresh => provider(Provider::Codefresh),
            Kind::Workflow => IssuerKind::Workflow(self.workflow()?),
        };
        self.check(&kind)?;
        Ok(kind)
    }

    fn domain(&self) -> Result<String, Failure> {
        self.domain.clone().ok_or_else(|| Failure::Usage {
            what: "names of this kind mean something only within a domain".to_owned(),
            advice: "say which with `--domain`",
        })
    }

    fn workflow(&self) -> Result<Workflow, Failure> {
        let path = self.workflow.as_ref().ok_or_else(|| Failure::Usage {
            what: "nobody says what the jobs of this CI system are called".to_owned(),
            advice: "name a description with `--workflow FILE`; docs/guide/keyless.md shows one",
        })?;
        let json = crate::files::read_bounded(path, WORKFLOW_BYTES_MAX)?;
        serde_json::from_slice(&json)
            .map_err(Failure::input(path.display().to_string(), "a description of a workflow"))
    }

    /// A flag that says nothing here was meant for another kind.
    fn check(&self, kind: &IssuerKind) -> Result<(), Failure> {
        let has_domain =
            matches!(kind, IssuerKind::Username { .. } | IssuerKind::Uri { .. } | IssuerKind::Spiffe { .. });
        let of_provider = matches!(kind, IssuerKind::Workflow(_)) && self.kind != Kind::Workflow;
        let stray = [
            ("--domain", self.domain.is_some() && !has_domain),
            ("--home", self.home.is_some() && !of_provider),
            ("--workflow", self.workflow.is_some() && self.kind != Kind::Workflow),
            ("--email-unsaid", self.email_unsaid && self.kind != Kind::Email),
        ];
        match stray.iter().find(|(_, stray)| *stray) {
            None => Ok(()),
            Some((flag, _)) => Err(Failure::Usage {
                what: format!("`{flag}` says nothing of an issuer of this kind"),
                advice: "leave it out, or choose another `--kind`",
            }),
        }
    }
}

/// A kind in one word.
pub(super) const fn word(kind: &IssuerKind) -> &'static str {
    match kind {
        IssuerKind::Email { .. } => "email",
        IssuerKind::Username { .. } => "username",
        IssuerKind::Uri { .. } => "uri",
        IssuerKind::Spiffe { .. } => "spiffe",
        IssuerKind::Kubernetes => "kubernetes",
        IssuerKind::Workflow(_) => "workflow",
        _ => "unknown",
    }
}

/// A kind in some lines.
pub(super) fn describe(kind: &IssuerKind) -> Vec<String> {
    match kind {
        IssuerKind::Email { verification: Verification::Required } => {
            vec!["names people by addresses that it says it verified".to_owned()]
        }
        IssuerKind::Email { verification: Verification::Skipped } => {
            vec!["names people by addresses, all of which it is believed to verify".to_owned()]
        }
        IssuerKind::Username { domain } => vec![format!("names users of {domain}")],
        IssuerKind::Uri { domain } => vec![format!("names URIs of {domain}")],
        IssuerKind::Spiffe { trust_domain } => vec![format!("names workloads of {trust_domain}")],
        IssuerKind::Kubernetes => vec!["names service accounts".to_owned()],
        IssuerKind::Workflow(workflow) => {
            let named = |(extension, template)| {
                let word = serde_json::to_value(extension).unwrap_or_default();
                format!("  {} {template}", word.as_str().unwrap_or_default())
            };
            let subject = format!("names jobs as {}", workflow.subject);
            std::iter::once(subject).chain(workflow.extensions.iter().map(named)).collect()
        }
        _ => vec!["names whom this avouch does not know".to_owned()],
    }
}
