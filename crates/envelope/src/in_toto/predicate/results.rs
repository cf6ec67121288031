//! What came of looking at something: [test results](https://github.com/in-toto/attestation/blob/main/spec/predicates/test-result.md),
//! scans for vulnerabilities as [in-toto](https://github.com/in-toto/attestation/blob/main/spec/predicates/vuln.md) and
//! [cosign](https://github.com/sigstore/cosign/blob/main/specs/COSIGN_VULN_ATTESTATION_SPEC.md) have them,
//! [SCAI](https://github.com/in-toto/attestation/blob/main/spec/predicates/scai.md) attributes,
//! [verification summaries](https://slsa.dev/spec/v1.0/verification_summary).

use super::field::{Checked, Field};
use super::provenance::{resource, resources};

pub(super) fn test_result(predicate: &Field<'_>) -> Checked {
    predicate.required("result")?.word(&["PASSED", "WARNED", "FAILED"])?;
    predicate.required("configuration")?.list()?.iter().try_for_each(resource)?;
    predicate.if_there("url", |url| url.text().map(drop))?;
    for name in ["passedTests", "warnedTests", "failedTests"] {
        predicate.if_there(name, Field::texts)?;
    }
    Ok(())
}

pub(super) fn cosign_vulnerabilities(predicate: &Field<'_>) -> Checked {
    predicate.if_there("invocation", Field::is_object)?;
    let scanner = predicate.required("scanner")?;
    for name in ["uri", "version"] {
        scanner.if_there(name, |text| text.text().map(drop))?;
    }
    scanner.if_there("db", Field::is_object)?;
    scanner.required("result")?;
    times_of_scan(predicate)
}

pub(super) fn vulnerabilities(predicate: &Field<'_>) -> Checked {
    let scanner = predicate.required("scanner")?;
    scanner.required("uri")?.uri()?;
    scanner.if_there("version", |version| version.text().map(drop))?;
    scanner.if_there("db", |database| {
        database.if_there("uri", |uri| uri.text().map(drop))?;
        database.if_there("lastUpdate", Field::time)
    })?;
    for found in scanner.required("result")?.list()? {
        found.required("id")?.named()?;
        for severity in found.elements("severity")? {
            severity.required("method")?.named()?;
            severity.required("score")?;
        }
    }
    times_of_scan(predicate)
}

fn times_of_scan(predicate: &Field<'_>) -> Checked {
    let metadata = predicate.required("metadata")?;
    metadata.required("scanStartedOn")?.time()?;
    metadata.required("scanFinishedOn")?.time()
}

pub(super) fn attributes(predicate: &Field<'_>) -> Checked {
    for attribute in predicate.some_elements("attributes")? {
        attribute.required("attribute")?.named()?;
        attribute.if_there("target", resource)?;
        attribute.if_there("conditions", Field::is_object)?;
        attribute.if_there("evidence", resource)?;
    }
    predicate.if_there("producer", resource)
}

pub(super) fn verification_summary(predicate: &Field<'_>) -> Checked {
    predicate.required("verifier")?.required("id")?.uri()?;
    predicate.if_there("timeVerified", Field::time)?;
    predicate.required("resourceUri")?.uri()?;
    resource(&predicate.required("policy")?)?;
    resources(predicate, "inputAttestations")?;
    predicate.required("verificationResult")?.word(&["PASSED", "FAILED"])?;
    predicate.required("verifiedLevels")?.texts()?;
    predicate.if_there("dependencyLevels", Field::is_object)
}
