//! Whom a certificate is for, as it says itself.

use pki::Certificate;
use pki::token::{CertificateNames, SubjectName};

use crate::terminal::Terminal;

/// Shows a certificate: whose it is, from when until when, and all that it says of the holder of an ID token.
pub(super) fn show(certificate: &Certificate, terminal: Terminal) {
    terminal.line(terminal.bold("a certificate"));
    match CertificateNames::of(certificate) {
        Ok(names) => show_names(&names, terminal),
        Err(_) => terminal.line(format_args!("  of {}", certificate.subject_text())),
    }
    terminal.line(format_args!("  issued by {}", certificate.issuer_text()));
    terminal.line(format_args!("  from {} until {}", certificate.not_before(), certificate.not_after()));
    match certificate.signed_timestamps() {
        Ok(timestamps) => {
            for timestamp in timestamps {
                let log = data_encoding::BASE64.encode(timestamp.log.as_bytes());
                terminal.line(format_args!("  seen at {} by the certificate log {log}", timestamp.time()));
            }
        }
        Err(cause) => terminal.line(format_args!("  certificate-transparency timestamps: {cause}")),
    }
}

fn show_names(names: &CertificateNames, terminal: Terminal) {
    let kind = match &names.subject {
        SubjectName::Email(_) => "address",
        SubjectName::Uri(_) => "URI",
        SubjectName::Username(_) => "user name",
    };
    terminal.line(format_args!("  for the {kind} {:?}", names.subject.text()));
    terminal.line(format_args!("  vouched for by {:?}", names.issuer));
    for (extension, text) in &names.workflow {
        let word = serde_json::to_value(extension).unwrap_or_default();
        let word = word.as_str().unwrap_or_default();
        terminal.line(format_args!("    {:>2} {word:<42} {text:?}", extension.number()));
    }
}
