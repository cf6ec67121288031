//! How something was built: SLSA provenance [1.0](https://slsa.dev/spec/v1.0/provenance) and
//! [0.2](https://slsa.dev/spec/v0.2/provenance), and what resources are in in-toto's claims.

use serde_json::Value;

use super::field::{Checked, Field};

pub(super) fn v1(predicate: &Field<'_>) -> Checked {
    let definition = predicate.required("buildDefinition")?;
    definition.required("buildType")?.uri()?;
    definition.required("externalParameters")?.is_object()?;
    definition.if_there("internalParameters", Field::is_object)?;
    resources(&definition, "resolvedDependencies")?;
    let run = predicate.required("runDetails")?;
    let builder = run.required("builder")?;
    builder.required("id")?.uri()?;
    builder.if_there("version", Field::is_object)?;
    resources(&builder, "builderDependencies")?;
    run.if_there("metadata", |metadata| {
        metadata.if_there("invocationId", |id| id.text().map(drop))?;
        metadata.if_there("startedOn", Field::time)?;
        metadata.if_there("finishedOn", Field::time)
    })?;
    resources(&run, "byproducts")
}

pub(super) fn v02(predicate: &Field<'_>) -> Checked {
    predicate.required("builder")?.required("id")?.uri()?;
    predicate.required("buildType")?.uri()?;
    predicate.if_there("invocation", |invocation| {
        invocation.if_there("configSource", |source| {
            source.if_there("uri", |uri| uri.text().map(drop))?;
            source.if_there("digest", digests)
        })?;
        invocation.if_there("parameters", |_anything| Ok(()))
    })?;
    predicate.if_there("metadata", |metadata| {
        metadata.if_there("buildStartedOn", Field::time)?;
        metadata.if_there("buildFinishedOn", Field::time)
    })?;
    for material in predicate.elements("materials")? {
        material.if_there("uri", |uri| uri.text().map(drop))?;
        material.if_there("digest", digests)?;
    }
    Ok(())
}

/// A list, which may be absent, of resources.
pub(super) fn resources(of: &Field<'_>, name: &str) -> Checked {
    of.elements(name)?.iter().try_for_each(resource)
}

/// A [resource](https://github.com/in-toto/attestation/blob/main/spec/v1/resource_descriptor.md): named by a URI, a
/// digest, or what it holds.
pub(super) fn resource(resource: &Field<'_>) -> Checked {
    resource.if_there("digest", digests)?;
    resource.if_there("content", Field::base64)?;
    for name in ["uri", "name", "downloadLocation", "mediaType"] {
        resource.if_there(name, |text| text.text().map(drop))?;
    }
    resource.if_there("annotations", Field::is_object)?;
    for name in ["uri", "digest", "content"] {
        if resource.optional(name)?.is_some() {
            return Ok(());
        }
    }
    Err(resource.other("a resource with `uri`, `digest` or `content`"))
}

/// Digests by the names of their algorithms.
fn digests(set: &Field<'_>) -> Checked {
    set.fields()?.iter().try_for_each(|(_, digest)| digest.named().map(drop))
}

/// Who built it.
pub(super) fn builder<'a>(word: &str, predicate: &'a Value) -> Option<&'a str> {
    let pointer = match word {
        "slsaprovenance1" => "/runDetails/builder/id",
        "slsaprovenance02" => "/builder/id",
        _ => return None,
    };
    predicate.pointer(pointer)?.as_str()
}

/// Where the build's own parameters name a repository. Its dependencies are not asked: among them may be anybody's.
const SOURCES_V1: [&str; 5] = [
    "/buildDefinition/externalParameters/workflow/repository",
    "/buildDefinition/externalParameters/source/uri",
    "/buildDefinition/externalParameters/source",
    "/buildDefinition/externalParameters/configSource/uri",
    "/buildDefinition/externalParameters/repository",
];

/// From which repositories it was built.
pub(super) fn sources<'a>(word: &str, predicate: &'a Value) -> Vec<&'a str> {
    let pointers = match word {
        "slsaprovenance1" => &SOURCES_V1[..],
        "slsaprovenance02" => &["/invocation/configSource/uri"],
        _ => &[],
    };
    pointers.iter().filter_map(|pointer| predicate.pointer(pointer)?.as_str()).map(repository).collect()
}

/// The address of a repository without what [SPDX](https://spdx.github.io/spdx-spec/v2.3/package-information/) puts around it.
fn repository(uri: &str) -> &str {
    let bare = uri.strip_prefix("git+").unwrap_or(uri);
    let after_host = bare.find("://").map_or(0, |at| at + 3);
    let after_host = bare[after_host..].find('/').map_or(bare.len(), |at| after_host + at);
    let end = bare[after_host..].find(['@', '#']).map_or(bare.len(), |at| after_host + at);
    &bare[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_its_address_without_commit_and_scheme_of_a_program() {
        for (uri, bare) in [
            ("git+https://git.example/team/app@refs/tags/v1", "https://git.example/team/app"),
            ("https://git.example/team/app", "https://git.example/team/app"),
            ("git+https://ci@git.example/team/app.git#c0ffee", "https://ci@git.example/team/app.git"),
            ("https://git.example", "https://git.example"),
        ] {
            assert_eq!(repository(uri), bare);
        }
    }
}
