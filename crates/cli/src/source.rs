//! Where something was made from: what the command line, the CI's environment or git say. All of it is a claim.

use std::process::Command;

use model::SourceContext;

/// What is known of the source, from the strongest word to the weakest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) source: Option<SourceContext>,
    pub(crate) product: Option<String>,
    pub(crate) version: Option<String>,
}

/// Looks at the environment of this process and at the folder that it runs in.
pub(crate) fn find() -> Origin {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    from_environment(&variable).unwrap_or_else(|| from_git(&git))
}

/// `REPOSITORY[@COMMIT]`, as `--source` takes it; nothing at all, for an empty text.
pub(crate) fn parse(text: &str) -> Option<SourceContext> {
    if text.is_empty() {
        return None;
    }
    // An `@` before the host belongs to the address.
    let after_host = text.rfind('/').unwrap_or(0);
    let (repository, commit) = match text.rfind('@') {
        Some(at) if at > after_host => (&text[..at], Some(text[at + 1..].to_owned())),
        _ => (text, None),
    };
    Some(SourceContext {
        repository: Some(without_credentials(repository)),
        commit,
        reference: None,
        build: None,
    })
}

fn from_environment(variable: &dyn Fn(&str) -> Option<String>) -> Option<Origin> {
    let (repository, commit, reference, build, tag) = if variable("GITHUB_ACTIONS").is_some() {
        let server = variable("GITHUB_SERVER_URL")?;
        let repository = format!("{server}/{}", variable("GITHUB_REPOSITORY")?);
        let build = variable("GITHUB_RUN_ID").map(|run| format!("{repository}/actions/runs/{run}"));
        let is_tag = variable("GITHUB_REF_TYPE").as_deref() == Some("tag");
        let tag = variable("GITHUB_REF_NAME").filter(|_| is_tag);
        (repository, variable("GITHUB_SHA"), variable("GITHUB_REF"), build, tag)
    } else if variable("GITLAB_CI").is_some() {
        let tag = variable("CI_COMMIT_TAG");
        let reference = match &tag {
            Some(tag) => Some(format!("refs/tags/{tag}")),
            None => variable("CI_COMMIT_BRANCH").map(|branch| format!("refs/heads/{branch}")),
        };
        (variable("CI_PROJECT_URL")?, variable("CI_COMMIT_SHA"), reference, variable("CI_JOB_URL"), tag)
    } else {
        return None;
    };
    let repository = without_credentials(&repository);
    let product = last_name(&repository);
    let source = SourceContext { repository: Some(repository), commit, reference, build };
    Some(Origin { source: Some(source), product, version: tag })
}

fn from_git(ask: &dyn Fn(&[&str]) -> Option<String>) -> Origin {
    let Some(commit) = ask(&["rev-parse", "HEAD"]) else { return Origin::default() };
    let repository = ask(&["remote", "get-url", "origin"]).map(|url| without_credentials(&url));
    let top = ask(&["rev-parse", "--show-toplevel"]);
    let product = repository.as_deref().or(top.as_deref()).and_then(last_name);
    let version = ask(&["describe", "--tags", "--exact-match"]);
    let reference = ask(&["symbolic-ref", "-q", "HEAD"]);
    let source = SourceContext { repository, commit: Some(commit), reference, build: None };
    Origin { source: Some(source), product, version }
}

pub(crate) fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).stderr(std::process::Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}

/// A repository's address as it may stand in a receipt that everybody reads.
fn without_credentials(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
            let host = authority.rsplit('@').next().unwrap_or(authority);
            format!("{scheme}://{host}/{path}")
        }
        None => url.to_owned(),
    }
}

fn last_name(path: &str) -> Option<String> {
    let name = path.trim_end_matches('/').rsplit(['/', ':']).next()?.trim_end_matches(".git");
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn a_password_in_an_address_never_reaches_a_request() {
        let origin = from_git(&|arguments| match arguments {
            ["rev-parse", "HEAD"] => Some("c0ffee".to_owned()),
            ["remote", ..] => Some("https://ci:s3cret@git.example.test/firmware.git".to_owned()),
            _ => None,
        });
        let source = origin.source.unwrap();
        assert_eq!(source.repository.as_deref(), Some("https://git.example.test/firmware.git"));
        assert_eq!(origin.product.as_deref(), Some("firmware"));
        let source = parse("https://ci:s3cret@git.example.test/firmware@c0ffee").unwrap();
        assert_eq!(source.repository.as_deref(), Some("https://git.example.test/firmware"));
        assert_eq!(source.commit.as_deref(), Some("c0ffee"));
    }

    #[test]
    fn a_ci_is_believed_before_git_and_a_tag_is_the_version() {
        let variables = [
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_SERVER_URL", "https://github.example.test"),
            ("GITHUB_REPOSITORY", "team/firmware"),
            ("GITHUB_SHA", "c0ffee"),
            ("GITHUB_REF", "refs/tags/v1.2"),
            ("GITHUB_REF_TYPE", "tag"),
            ("GITHUB_REF_NAME", "v1.2"),
            ("GITHUB_RUN_ID", "7"),
        ];
        let find = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let origin = from_environment(&find).unwrap();
        assert_eq!(origin.version.as_deref(), Some("v1.2"));
        let source = origin.source.unwrap();
        assert_eq!(source.build.as_deref(), Some("https://github.example.test/team/firmware/actions/runs/7"));
        assert_eq!(from_environment(&|_| None), None);
    }
}
