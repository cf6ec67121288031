//! How something was built, as the environment of a job of GitHub Actions says: SLSA provenance 1.0 of the build type that
//! GitHub documents ([workflow v1](https://actions.github.io/buildtypes/workflow/v1)).
//!
//! It is the job's own word. What makes it worth more is who signs it: a keyless signature names the workflow as
//! GitHub's ID token does, and a verifier compares the two.

use serde_json::{Value, json};

use crate::failure::Failure;

/// The build type.
const BUILD_TYPE: &str = "https://actions.github.io/buildtypes/workflow/v1";

/// The predicate, as JSON.
pub(super) fn find() -> Result<Vec<u8>, Failure> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let predicate = of_github(&variable).ok_or_else(|| Failure::Usage {
        what: "this is no job of GitHub Actions, whose environment would say how the files were built"
            .to_owned(),
        advice: "bring the provenance that your builder makes with `--type slsaprovenance1 --predicate FILE`",
    })?;
    serde_json::to_vec(&predicate).map_err(Failure::inside("write a provenance"))
}

fn of_github(variable: &dyn Fn(&str) -> Option<String>) -> Option<Value> {
    variable("GITHUB_ACTIONS")?;
    let (server, name) = (variable("GITHUB_SERVER_URL")?, variable("GITHUB_REPOSITORY")?);
    let repository = format!("{server}/{name}");
    // `OWNER/NAME/PATH@REF`: which workflow runs, and of which commit's ref it is.
    let workflow = variable("GITHUB_WORKFLOW_REF")?;
    let (file, workflow_ref) = workflow.split_once('@')?;
    let path = file.strip_prefix(&format!("{name}/"))?;
    let (source_ref, commit) = (variable("GITHUB_REF")?, variable("GITHUB_SHA")?);
    let (run, attempt) = (variable("GITHUB_RUN_ID")?, variable("GITHUB_RUN_ATTEMPT")?);
    Some(json!({
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {
                "workflow": { "ref": workflow_ref, "repository": repository, "path": path },
            },
            "internalParameters": {
                "github": {
                    "event_name": variable("GITHUB_EVENT_NAME")?,
                    "repository_id": variable("GITHUB_REPOSITORY_ID")?,
                    "repository_owner_id": variable("GITHUB_REPOSITORY_OWNER_ID")?,
                    "runner_environment": variable("RUNNER_ENVIRONMENT")?,
                },
            },
            "resolvedDependencies": [{
                "uri": format!("git+{repository}@{source_ref}"),
                "digest": { "gitCommit": commit },
            }],
        },
        "runDetails": {
            "builder": { "id": format!("{server}/{workflow}") },
            "metadata": { "invocationId": format!("{repository}/actions/runs/{run}/attempts/{attempt}") },
        },
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use envelope::in_toto::PredicateType;

    use super::*;

    const JOB: [(&str, &str); 13] = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_SERVER_URL", "https://github.example.test"),
        ("GITHUB_REPOSITORY", "team/app"),
        ("GITHUB_WORKFLOW_REF", "team/app/.github/workflows/release.yml@refs/heads/main"),
        ("GITHUB_REF", "refs/tags/v1.4.0"),
        ("GITHUB_SHA", "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00"),
        ("GITHUB_RUN_ID", "7"),
        ("GITHUB_RUN_ATTEMPT", "2"),
        ("GITHUB_EVENT_NAME", "push"),
        ("GITHUB_REPOSITORY_ID", "1"),
        ("GITHUB_REPOSITORY_OWNER_ID", "2"),
        ("RUNNER_ENVIRONMENT", "github-hosted"),
        ("HOME", "/home/runner"),
    ];

    #[test]
    fn the_provenance_of_a_job_names_workflow_commit_and_run_and_is_shaped_as_its_type_says() {
        let find =
            |name: &str| JOB.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let predicate = of_github(&find).unwrap();
        let kind: PredicateType = "slsaprovenance1".parse().unwrap();
        kind.check(&predicate).unwrap();
        let builder = "https://github.example.test/team/app/.github/workflows/release.yml@refs/heads/main";
        assert_eq!(kind.builder(&predicate), Some(builder));
        assert_eq!(kind.sources(&predicate), ["https://github.example.test/team/app"]);
        let said = predicate.to_string();
        assert!(said.contains("runs/7/attempts/2") && said.contains("app@refs/tags/v1.4.0"), "{said}");
    }

    #[test]
    fn a_job_that_leaves_something_out_has_no_provenance() {
        for (left_out, _) in JOB.iter().filter(|(name, _)| *name != "HOME") {
            let known = |name: &str| JOB.iter().find(|(known, _)| *known == name && known != left_out);
            let find = |name: &str| known(name).map(|(_, value)| (*value).to_owned());
            assert_eq!(of_github(&find), None, "{left_out}");
        }
    }
}
