//! Signatures and certificates of OpenPGP.

use data_encoding::HEXUPPER;
use envelope::openpgp::{Certificate, Cleartext, Signature, read_certificates, read_signatures};

use super::bare::Read;
use crate::terminal::Terminal;

/// Shows signatures, a clearsigned text, or certificates.
pub(super) fn show(bytes: &[u8], terminal: Terminal) -> Read {
    if let Ok(signatures) = read_signatures(bytes) {
        signatures.iter().for_each(|signature| show_signature(signature, terminal));
        terminal.line("  not covered: the file's name, and headers of the armor");
    } else if let Ok(cleartext) = Cleartext::parse(bytes) {
        terminal.line(terminal.bold("a clearsigned text"));
        terminal.line(format_args!("  {} bytes of text", cleartext.text().len()));
        cleartext.signatures().iter().for_each(|signature| show_signature(signature, terminal));
        terminal.line(
            "  not covered: the file's name, white space at the ends of lines, and headers of the armor",
        );
    } else if let Ok(certificates) = read_certificates(bytes) {
        certificates.iter().for_each(|certificate| show_certificate(certificate, terminal));
    } else {
        return Read::Nothing;
    }
    Read::Something
}

fn show_signature(signature: &Signature, terminal: Terminal) {
    terminal.line(terminal.bold("an OpenPGP signature"));
    let short = || signature.short_id().map(|id| HEXUPPER.encode(&id));
    let named = signature.fingerprint().map(|fingerprint| fingerprint.to_string()).or_else(short);
    terminal.line(format_args!("  by the key {}", named.as_deref().unwrap_or("that it does not name")));
    terminal.line(format_args!("  of {}, with {}", signature.kind(), signature.hash()));
    if let Some(created) = signature.created() {
        terminal.line(format_args!("  made at {created}, by the word of whoever signed"));
    }
    if let Some(expires) = signature.expires() {
        terminal.line(format_args!("  to count until {expires}"));
    }
}

fn show_certificate(certificate: &Certificate, terminal: Terminal) {
    terminal.line(terminal.bold("an OpenPGP certificate"));
    for user_id in certificate.user_ids() {
        terminal.line(format_args!("  of {user_id:?}, by its own word"));
    }
    for signer in certificate.signers() {
        let key = signer.key();
        let ends = signer.ends().map_or_else(String::new, |ends| format!(" until {ends}"));
        terminal.line(format_args!("  key {}", key.fingerprint()));
        terminal.line(format_args!("    {:?}", key.public()));
        terminal.line(format_args!("    from {}{ends}", key.created()));
    }
}
