//! SPDX documents: [2.2 and 2.3](https://spdx.github.io/spdx-spec/v2.3/) in JSON or as tags and values,
//! [3.0](https://spdx.github.io/spdx-spec/v3.0.1/) in JSON-LD.

use super::field::{Checked, Field, Once};

/// The algorithms of checksums, and how many digits of hexadecimal their digests have.
const CHECKSUMS: [(&str, Option<usize>); 17] = [
    ("SHA1", Some(40)),
    ("SHA224", Some(56)),
    ("SHA256", Some(64)),
    ("SHA384", Some(96)),
    ("SHA512", Some(128)),
    ("SHA3-256", Some(64)),
    ("SHA3-384", Some(96)),
    ("SHA3-512", Some(128)),
    ("BLAKE2b-256", Some(64)),
    ("BLAKE2b-384", Some(96)),
    ("BLAKE2b-512", Some(128)),
    ("BLAKE3", None),
    ("MD2", Some(32)),
    ("MD4", Some(32)),
    ("MD5", Some(32)),
    ("MD6", None),
    ("ADLER32", Some(8)),
];

/// Where the context of SPDX 3 is.
const CONTEXT_3: &str = "https://spdx.org/rdf/3.0";

pub(super) fn document(predicate: &Field<'_>) -> Checked {
    if predicate.as_text().is_some() {
        return tags_and_values(predicate);
    }
    if predicate.optional("@context")?.is_some() {
        return version_3(predicate);
    }
    predicate.required("spdxVersion")?.word(&["SPDX-2.2", "SPDX-2.3"])?;
    predicate.required("dataLicense")?.word(&["CC0-1.0"])?;
    predicate.required("SPDXID")?.word(&["SPDXRef-DOCUMENT"])?;
    predicate.required("name")?.named()?;
    let namespace = predicate.required("documentNamespace")?;
    if namespace.uri()?.contains('#') {
        return Err(namespace.other("a URI without `#`"));
    }
    let creation = predicate.required("creationInfo")?;
    creation.required("created")?.time()?;
    for creator in creation.some_elements("creators")? {
        if !["Tool: ", "Person: ", "Organization: "]
            .iter()
            .any(|kind| creator.as_text().is_some_and(|text| text.starts_with(kind)))
        {
            return Err(creator.other("text that begins with `Tool: `, `Person: ` or `Organization: `"));
        }
    }
    let mut known = Once::default();
    for package in predicate.elements("packages")? {
        let id = identifier(&package)?;
        known.take(&id)?;
        package.required("name")?.named()?;
        package.required("downloadLocation")?.named()?;
        checksums(&package)?;
    }
    for file in predicate.elements("files")? {
        let id = identifier(&file)?;
        known.take(&id)?;
        file.required("fileName")?.named()?;
        checksums(&file)?;
    }
    for relationship in predicate.elements("relationships")? {
        relationship.required("spdxElementId")?.named()?;
        relationship.required("relatedSpdxElement")?.named()?;
        relationship.required("relationshipType")?.named()?;
    }
    Ok(())
}

/// `SPDXRef-`, and letters, digits, dots and dashes.
fn identifier<'a>(of: &Field<'a>) -> Checked<Field<'a>> {
    let id = of.required("SPDXID")?;
    let is_one = |text: &str| {
        let rest = text.strip_prefix("SPDXRef-").unwrap_or_default();
        // Some write underscores, which nobody minds.
        !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_+".contains(&byte))
    };
    if is_one(id.text()?) { Ok(id) } else { Err(id.other("`SPDXRef-` with letters, digits, `.` and `-`")) }
}

fn checksums(of: &Field<'_>) -> Checked {
    let words: Vec<&str> = CHECKSUMS.iter().map(|(word, _)| *word).collect();
    for checksum in of.elements("checksums")? {
        let algorithm = checksum.required("algorithm")?.word(&words)?;
        let digits = CHECKSUMS.iter().find(|(word, _)| *word == algorithm).and_then(|(_, digits)| *digits);
        checksum.required("checksumValue")?.hexadecimal(digits)?;
    }
    Ok(())
}

/// A graph of elements, one of which is the document.
fn version_3(predicate: &Field<'_>) -> Checked {
    let context = predicate.required("@context")?;
    if !context.text()?.starts_with(CONTEXT_3) {
        return Err(context.other(format!("a context that begins with `{CONTEXT_3}`")));
    }
    let mut documents = 0;
    for element in predicate.some_elements("@graph")? {
        let kind = match element.optional("@type")? {
            Some(kind) => kind,
            None => element.required("type")?,
        };
        if kind.named()? != "SpdxDocument" {
            continue;
        }
        element.required("spdxId")?.uri()?;
        element.required("creationInfo")?;
        documents += 1;
    }
    if documents == 1 {
        return Ok(());
    }
    Err(predicate.required("@graph")?.other(format!("a graph with one `SpdxDocument`, and not {documents},")))
}

/// Tags and values, as cosign's `--type spdx` takes them: a text, of which no more than its version is read.
fn tags_and_values(predicate: &Field<'_>) -> Checked {
    let text = predicate.text()?;
    let version = text.lines().find_map(|line| line.trim().strip_prefix("SPDXVersion:"));
    match version.map(str::trim) {
        Some("SPDX-2.2" | "SPDX-2.3") => Ok(()),
        _ => {
            Err(predicate
                .other("an SPDX document, as an object or as text with a line `SPDXVersion: SPDX-2.3`"))
        }
    }
}
