//! Signatures of minisign, of SSH and of OpenPGP.

use envelope::minisign::{Minisig, MinisignKey, Over};
use envelope::sshsig::SshSig;

use super::openpgp;
use crate::terminal::Terminal;

/// Was there anything to show?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    /// One of them.
    Something,
    /// None of them.
    Nothing,
}

/// Shows a signature, or a public key of minisign.
pub(super) fn show(bytes: &[u8], terminal: Terminal) -> Read {
    if openpgp::show(bytes, terminal) == Read::Something {
        return Read::Something;
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return Read::Nothing };
    if let Ok(signature) = Minisig::parse(text) {
        show_minisig(&signature, terminal);
    } else if let Ok(key) = MinisignKey::parse(text) {
        terminal.line(format_args!("{} {}", terminal.bold("a minisign public key"), key.number()));
        terminal.line(format_args!("  {:?}", key.key()));
    } else if let Ok(signature) = SshSig::from_armor(text) {
        terminal.line(terminal.bold("an SSH signature"));
        terminal.line(format_args!("  by {}", signature.key().to_line()));
        terminal.line(format_args!("  in the namespace {:?}", signature.namespace()));
        terminal.line(format_args!("  over the {} of a file", signature.hash()));
        terminal.line("  not covered: the file's name, and when it was signed");
    } else {
        return Read::Nothing;
    }
    Read::Something
}

fn show_minisig(signature: &Minisig, terminal: Terminal) {
    terminal.line(terminal.bold("a minisign signature"));
    terminal.line(format_args!("  by the key {}", signature.number()));
    terminal.line(match signature.over() {
        Over::Digest => "  over the BLAKE2b of a file",
        Over::File => "  over a file itself, in the old way",
    });
    terminal.line(format_args!("  trusted comment {:?}", signature.trusted_comment()));
    terminal.line(format_args!("  untrusted comment {:?}", signature.untrusted_comment()));
    terminal.line("  not covered: the untrusted comment, the key's number, and the file's name and time but for what the trusted comment says");
}
