//! CI systems whose claims are known: which of them a certificate names, and in which extension.
//!
//! The record in the registry holds the templates themselves, so that what a token means does not change with a
//! release of avouch.

use std::str::FromStr;

use super::{Template, Workflow, WorkflowExtension as X};

/// A CI system whose claims are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Provider {
    /// GitHub Actions.
    Github,
    /// GitLab pipelines.
    Gitlab,
    /// Buildkite jobs.
    Buildkite,
    /// CircleCI jobs.
    Circleci,
    /// Codefresh workflows.
    Codefresh,
}

const GITHUB: &[(X, &str)] = &[
    (X::GithubWorkflowTrigger, "{event_name}"),
    (X::GithubWorkflowSha, "{sha}"),
    (X::GithubWorkflowName, "{workflow}"),
    (X::GithubWorkflowRepository, "{repository}"),
    (X::GithubWorkflowRef, "{ref}"),
    (X::BuildSignerUri, "URL/{job_workflow_ref}"),
    (X::BuildSignerDigest, "{job_workflow_sha}"),
    (X::RunnerEnvironment, "{runner_environment}"),
    (X::SourceRepositoryUri, "URL/{repository}"),
    (X::SourceRepositoryDigest, "{sha}"),
    (X::SourceRepositoryRef, "{ref}"),
    (X::SourceRepositoryIdentifier, "{repository_id}"),
    (X::SourceRepositoryOwnerUri, "URL/{repository_owner}"),
    (X::SourceRepositoryOwnerIdentifier, "{repository_owner_id}"),
    (X::BuildConfigUri, "URL/{workflow_ref}"),
    (X::BuildConfigDigest, "{workflow_sha}"),
    (X::BuildTrigger, "{event_name}"),
    (X::RunInvocationUri, "URL/{repository}/actions/runs/{run_id}/attempts/{run_attempt}"),
    (X::SourceRepositoryVisibilityAtSigning, "{repository_visibility}"),
    (X::DeploymentEnvironment, "{environment=}"),
    (X::TokenSubject, "{sub}"),
];

const GITLAB: &[(X, &str)] = &[
    (X::BuildSignerUri, "https://{ci_config_ref_uri}"),
    (X::BuildSignerDigest, "{ci_config_sha}"),
    (X::RunnerEnvironment, "{runner_environment}"),
    (X::SourceRepositoryUri, "URL/{project_path}"),
    (X::SourceRepositoryDigest, "{sha}"),
    (X::SourceRepositoryRef, "refs/{ref_type|branch=heads|tag=tags}/{ref}"),
    (X::SourceRepositoryIdentifier, "{project_id}"),
    (X::SourceRepositoryOwnerUri, "URL/{namespace_path}"),
    (X::SourceRepositoryOwnerIdentifier, "{namespace_id}"),
    (X::BuildConfigUri, "https://{ci_config_ref_uri}"),
    (X::BuildConfigDigest, "{ci_config_sha}"),
    (X::BuildTrigger, "{pipeline_source}"),
    (X::RunInvocationUri, "URL/{project_path}/-/jobs/{job_id}"),
    (X::SourceRepositoryVisibilityAtSigning, "{project_visibility}"),
    (X::DeploymentEnvironment, "{environment=}"),
    (X::TokenSubject, "{sub}"),
];

const BUILDKITE: &[(X, &str)] = &[
    (X::RunnerEnvironment, "{runner_environment}"),
    (X::SourceRepositoryDigest, "{build_commit}"),
    (X::BuildTrigger, "{build_source}"),
    (X::RunInvocationUri, "URL/{organization_slug}/{pipeline_slug}/builds/{build_number}#{job_id}"),
    (X::TokenSubject, "{sub}"),
];

const CIRCLECI: &[(X, &str)] = &[
    (
        X::BuildSignerUri,
        "URL/projects/{oidc.circleci.com/project-id}/pipeline-definitions/{oidc.circleci.com/pipeline-definition-id}",
    ),
    (X::RunnerEnvironment, "{oidc.circleci.com/ssh-rerun|true=ssh-rerun|false=}"),
    (X::SourceRepositoryUri, "{oidc.circleci.com/vcs-origin}"),
    (X::SourceRepositoryRef, "{oidc.circleci.com/vcs-ref}"),
    (X::BuildConfigUri, "URL/pipeline/{oidc.circleci.com/pipeline-id}/config"),
    (
        X::RunInvocationUri,
        "https://app.circleci.com/workflow/{oidc.circleci.com/workflow-id}/job/{oidc.circleci.com/job-id}",
    ),
    (X::TokenSubject, "{sub}"),
];

const CODEFRESH: &[(X, &str)] = &[
    (X::BuildSignerUri, "{platform_url=URL}/build/{workflow_id}"),
    (X::RunnerEnvironment, "{runner_environment=}"),
    (X::SourceRepositoryUri, "{scm_repo_url=}"),
    (X::SourceRepositoryRef, "{scm_ref=}"),
    (X::BuildConfigUri, "{platform_url=URL}/api/pipelines/{pipeline_id}"),
    (X::RunInvocationUri, "{platform_url=URL}/build/{workflow_id}"),
    (X::TokenSubject, "{sub}"),
];

impl Provider {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Github, Self::Gitlab, Self::Buildkite, Self::Circleci, Self::Codefresh];

    /// Its name.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::Buildkite => "buildkite",
            Self::Circleci => "circleci",
            Self::Codefresh => "codefresh",
        }
    }

    /// Where it is, for those who do not run one of their own.
    pub const fn home(self) -> &'static str {
        match self {
            Self::Github => "https://github.com",
            Self::Gitlab => "https://gitlab.com",
            Self::Buildkite => "https://buildkite.com",
            Self::Circleci => "https://circleci.com/api/v2",
            Self::Codefresh => "https://g.codefresh.io",
        }
    }

    /// What a certificate says of its jobs, where it is at `home`.
    pub fn workflow(self, home: &str) -> Workflow {
        let template = |text: &str| -> Template {
            text.replace("URL", home.trim_end_matches('/'))
                .parse()
                .expect("the built-in templates are well formed")
        };
        let (subject, extensions) = match self {
            Self::Github => ("URL/{job_workflow_ref}", GITHUB),
            Self::Gitlab => ("https://{ci_config_ref_uri}", GITLAB),
            Self::Buildkite => ("URL/{organization_slug}/{pipeline_slug}", BUILDKITE),
            Self::Circleci => (CIRCLECI[0].1, CIRCLECI),
            Self::Codefresh => {
                ("{platform_url=URL}/{account_name}/{pipeline_name}:{account_id}/{pipeline_id}", CODEFRESH)
            }
        };
        let extensions = extensions.iter().map(|(extension, text)| (*extension, template(text))).collect();
        Workflow { subject: template(subject), extensions }
    }
}

impl FromStr for Provider {
    type Err = model::UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = || model::UnknownWord::new(text, &Self::ALL.map(Self::word));
        Self::ALL.into_iter().find(|provider| provider.word() == text).ok_or_else(known)
    }
}
