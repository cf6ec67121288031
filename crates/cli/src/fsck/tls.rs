//! The server's own TLS: do its certificates and keys belong together?

use std::fs;
use std::path::Path;

use pki::Certificate;
use server::{TlsAuthority, validity};

use super::{Finding, Report, told};

pub(super) fn check(server: &Path, report: &mut Report) {
    let folder = server.join("tls");
    // A server whose certificates come from elsewhere has no authority of its own.
    let own = folder.join("ca.key").exists().then(|| check_authority(&folder));
    let faults = [own.unwrap_or(Ok(())), ::server::check_tls(server).map_err(|cause| told(&cause))];
    report.findings.extend(faults.into_iter().filter_map(Result::err).map(|fault| Finding::Tls { fault }));
}

fn check_authority(folder: &Path) -> Result<(), String> {
    let read =
        |name: &str| fs::read_to_string(folder.join(name)).map_err(|cause| format!("`{name}`: {cause}"));
    let (ca_pem, ca_key, server_pem) = (read("ca.pem")?, read("ca.key")?, read("server.pem")?);
    let ca = Certificate::from_pem(&ca_pem).map_err(|cause| format!("`ca.pem`: {}", told(&cause)))?;
    ca.verify_signature_by(&ca).map_err(|_| "`ca.pem` is not signed by itself".to_owned())?;
    // What a key signs, and the certificate verifies, shows that the two belong together.
    let authority = TlsAuthority::open("localhost", &ca_pem, &ca_key).map_err(|cause| told(&cause))?;
    let now = crate::clock::now();
    let period = validity(now, std::time::Duration::from_secs(60)).map_err(|cause| told(&cause))?;
    let issued = authority.issue_client("a check", period).map_err(|cause| told(&cause))?;
    issued
        .certificate
        .verify_signature_by(&ca)
        .map_err(|_| "`ca.key` and `ca.pem` do not go together".to_owned())?;
    let begin = "-----BEGIN CERTIFICATE-----";
    let blocks: Vec<&str> = server_pem.split_inclusive("-----END CERTIFICATE-----").collect();
    for block in blocks.iter().filter(|block| !block.trim().is_empty()) {
        let at = block.find(begin).ok_or("`server.pem` holds something that is no certificate")?;
        let pem = format!("{}\n", block.get(at..).unwrap_or_default());
        let certificate =
            Certificate::from_pem(&pem).map_err(|cause| format!("`server.pem`: {}", told(&cause)))?;
        certificate
            .verify_signature_by(&ca)
            .map_err(|_| "`server.pem` is not signed by `ca.pem`".to_owned())?;
    }
    Ok(())
}
