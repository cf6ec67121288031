//! Which authority of a trust root issued a certificate: for whoever watches what is issued in its name.

use pki::{Certificate, Usage, verify_path};

use crate::TrustRoot;

impl TrustRoot {
    /// The root of the authority that issued this certificate for signing code, if the trust root names it. Whether
    /// anything was signed with it in time, or shown to a log of certificates, is not asked.
    pub fn issuer_of(&self, certificate: &Certificate) -> Option<&Certificate> {
        let at = certificate.not_before();
        let authorities = &self.anchors().certificate_authorities;
        let issued = authorities.iter().filter(|authority| authority.window.contains(at)).find(|authority| {
            let roots = std::slice::from_ref(&authority.root);
            verify_path(certificate, &authority.chain, roots, at, Usage::CodeSigning).is_ok()
        });
        issued.map(|authority| &authority.root)
    }
}
