//! CycloneDX [1.4 to 1.6](https://cyclonedx.org/specification/overview/): bills of materials, and VEX in them.

use super::field::{Checked, Field, Once};

/// Kinds of components, of all the versions.
const COMPONENTS: [&str; 13] = [
    "application",
    "framework",
    "library",
    "container",
    "platform",
    "operating-system",
    "device",
    "device-driver",
    "firmware",
    "file",
    "machine-learning-model",
    "data",
    "cryptographic-asset",
];

/// The algorithms of hashes, and how many digits of hexadecimal their digests have.
const HASHES: [(&str, usize); 12] = [
    ("MD5", 32),
    ("SHA-1", 40),
    ("SHA-256", 64),
    ("SHA-384", 96),
    ("SHA-512", 128),
    ("SHA3-256", 64),
    ("SHA3-384", 96),
    ("SHA3-512", 128),
    ("BLAKE2b-256", 64),
    ("BLAKE2b-384", 96),
    ("BLAKE2b-512", 128),
    ("BLAKE3", 64),
];

/// What may be said of a vulnerability's effect.
const STATES: [&str; 6] =
    ["resolved", "resolved_with_pedigree", "exploitable", "in_triage", "false_positive", "not_affected"];

/// Why something is not affected.
const JUSTIFICATIONS: [&str; 9] = [
    "code_not_present",
    "code_not_reachable",
    "requires_configuration",
    "requires_dependency",
    "requires_environment",
    "protected_by_compiler",
    "protected_at_runtime",
    "protected_at_perimeter",
    "protected_by_mitigating_control",
];

pub(super) fn cyclonedx(predicate: &Field<'_>) -> Checked {
    predicate.required("bomFormat")?.word(&["CycloneDX"])?;
    predicate.required("specVersion")?.word(&["1.4", "1.5", "1.6"])?;
    predicate.if_there("serialNumber", |number| {
        let is_one = number.text()?.starts_with("urn:uuid:");
        if is_one { Ok(()) } else { Err(number.other("`urn:uuid:` with a UUID")) }
    })?;
    predicate.if_there("version", |version| version.number_from(1))?;
    let mut references = Once::default();
    predicate.if_there("metadata", |metadata| {
        metadata.if_there("timestamp", Field::time)?;
        metadata.if_there("component", |one| component(one, &mut Once::default()))
    })?;
    for one in predicate.elements("components")? {
        component(&one, &mut references)?;
    }
    for service in predicate.elements("services")? {
        service.required("name")?.named()?;
    }
    for dependency in predicate.elements("dependencies")? {
        dependency.required("ref")?.named()?;
        dependency.if_there("dependsOn", Field::texts)?;
    }
    predicate.elements("vulnerabilities")?.iter().try_for_each(vulnerability)
}

/// A component, and those within it. How deep they stand was bounded when they were read.
fn component<'a>(one: &Field<'a>, references: &mut Once<'a>) -> Checked {
    one.required("type")?.word(&COMPONENTS)?;
    one.required("name")?.named()?;
    if let Some(reference) = one.optional("bom-ref")? {
        references.take(&reference)?;
    }
    let words: Vec<&str> = HASHES.iter().map(|(word, _)| *word).collect();
    for hash in one.elements("hashes")? {
        let algorithm = hash.required("alg")?.word(&words)?;
        let digits = HASHES.iter().find(|(word, _)| *word == algorithm).map(|(_, digits)| *digits);
        hash.required("content")?.hexadecimal(digits)?;
    }
    one.elements("components")?.iter().try_for_each(|inner| component(inner, references))
}

fn vulnerability(one: &Field<'_>) -> Checked {
    one.if_there("id", |id| id.named().map(drop))?;
    for affected in one.elements("affects")? {
        affected.required("ref")?.named()?;
    }
    one.if_there("analysis", |analysis| {
        analysis.if_there("state", |state| state.word(&STATES).map(drop))?;
        analysis.if_there("justification", |why| why.word(&JUSTIFICATIONS).map(drop))
    })
}
