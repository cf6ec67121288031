//! What a verifier expects of a claim about a file.

use std::path::{Path, PathBuf};

use ::verify::{Pattern, StatementExpectations, Wanted};
use clap::Args;
use envelope::detached;
use envelope::in_toto::PredicateType;

/// What is expected of a claim.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Of a claim about the file (`avouch attest`)")]
pub(crate) struct ClaimArgs {
    /// The receipt or bundle of a claim about the file; a signature of the file itself is refused
    #[arg(long, value_name = "FILE", conflicts_with = "signature")]
    pub(crate) attestation: Option<PathBuf>,
    /// The kind of claim, by a word such as `cyclonedx` or a URI; otherwise NAME.WORD.att.receipt.json or
    /// NAME.WORD.att.sigstore.json beside the file is taken
    #[arg(long = "type", value_name = "WORD|URI")]
    pub(crate) predicate_type: Option<PredicateType>,
    /// Who must have built it, as a SLSA provenance says: a URI. `*` stands for any part without `/`, `**` for any at all
    #[arg(long, value_name = "PATTERN")]
    pub(crate) builder: Option<Pattern>,
    /// The repository from which it must have been built, as the parameters in a SLSA provenance say
    #[arg(long, value_name = "PATTERN")]
    pub(crate) source_repository: Option<Pattern>,
}

impl ClaimArgs {
    pub(super) fn expectations(&self) -> StatementExpectations {
        StatementExpectations {
            wanted: if self.attestation.is_some() { Wanted::Statement } else { Wanted::Whatever },
            predicate: self.predicate_type.clone(),
            builder: self.builder.clone(),
            source: self.source_repository.clone(),
        }
    }

    /// Beside what the files are that belong to a file: for a claim of a kind they have its word in their name.
    pub(super) fn beside(&self, file: &Path) -> PathBuf {
        let kind = self.predicate_type.as_ref();
        kind.map_or_else(|| file.to_owned(), |kind| crate::verbs::attest::beside(file, kind))
    }

    /// Of what kinds those can be.
    pub(super) fn kinds(&self) -> Option<&'static [detached::Kind]> {
        self.predicate_type.as_ref().map(|_| &[detached::Kind::Receipt, detached::Kind::Bundle][..])
    }
}
