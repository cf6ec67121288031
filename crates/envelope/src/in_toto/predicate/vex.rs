//! What vulnerabilities mean for a product: [OpenVEX](https://github.com/openvex/spec/blob/main/OPENVEX-SPEC.md) 0.2 and
//! before, [CSAF](https://docs.oasis-open.org/csaf/csaf/v2.0/csaf-v2.0.html) 2.0.

use super::field::{Checked, Field};

const JUSTIFICATIONS: [&str; 5] = [
    "component_not_present",
    "vulnerable_code_not_present",
    "vulnerable_code_not_in_execute_path",
    "vulnerable_code_cannot_be_controlled_by_adversary",
    "inline_mitigations_already_exist",
];

pub(super) fn openvex(predicate: &Field<'_>) -> Checked {
    let context = predicate.required("@context")?;
    if !context.text()?.starts_with("https://openvex.dev/ns") {
        return Err(context.other("`https://openvex.dev/ns/v0.2.0`, or an earlier version of it,"));
    }
    predicate.required("@id")?.named()?;
    predicate.required("author")?.named()?;
    predicate.required("timestamp")?.time()?;
    let version = predicate.required("version")?;
    if version.as_text().is_none_or(str::is_empty) {
        version.number_from(1)?;
    }
    predicate.some_elements("statements")?.iter().try_for_each(statement)
}

fn statement(one: &Field<'_>) -> Checked {
    let vulnerability = one.required("vulnerability")?;
    // Before version 0.2 it was its name alone.
    match vulnerability.as_text() {
        Some(_) => vulnerability.named()?,
        None => vulnerability.required("name")?.named()?,
    };
    for product in one.elements("products")? {
        if product.as_text().is_none() {
            product.if_there("@id", |id| id.named().map(drop))?;
            product.if_there("identifiers", Field::is_object)?;
            product.if_there("hashes", Field::is_object)?;
        }
    }
    one.if_there("timestamp", Field::time)?;
    one.if_there("justification", |why| why.word(&JUSTIFICATIONS).map(drop))?;
    let says = |name: &str| -> Checked<bool> { Ok(one.optional(name)?.is_some()) };
    let status = one.required("status")?;
    match status.word(&["not_affected", "affected", "fixed", "under_investigation"])? {
        "not_affected" if !says("justification")? && !says("impact_statement")? => {
            one.required("justification").map(drop)
        }
        "affected" => one.required("action_statement")?.named().map(drop),
        _ => Ok(()),
    }
}

pub(super) fn csaf(predicate: &Field<'_>) -> Checked {
    let document = predicate.required("document")?;
    let category = document.required("category")?.named()?;
    document.required("csaf_version")?.word(&["2.0"])?;
    document.required("title")?.named()?;
    let publisher = document.required("publisher")?;
    publisher.required("category")?.word(&[
        "coordinator",
        "discoverer",
        "other",
        "translator",
        "user",
        "vendor",
    ])?;
    publisher.required("name")?.named()?;
    publisher.required("namespace")?.uri()?;
    let tracking = document.required("tracking")?;
    tracking.required("id")?.named()?;
    tracking.required("status")?.word(&["draft", "final", "interim"])?;
    tracking.required("version")?.named()?;
    tracking.required("initial_release_date")?.time()?;
    tracking.required("current_release_date")?.time()?;
    for revision in tracking.some_elements("revision_history")? {
        revision.required("date")?.time()?;
        revision.required("number")?.named()?;
        revision.required("summary")?.named()?;
    }
    predicate.if_there("product_tree", Field::is_object)?;
    for vulnerability in predicate.elements("vulnerabilities")? {
        vulnerability.is_object()?;
        vulnerability.if_there("product_status", Field::is_object)?;
    }
    // The profile that judges products names both (§4.5).
    if category == "csaf_vex" {
        predicate.required("product_tree")?;
        for vulnerability in predicate.some_elements("vulnerabilities")? {
            vulnerability.required("product_status")?;
        }
    }
    Ok(())
}
