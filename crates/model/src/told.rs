//! Errors in one line, where a text has to carry them: in reasons, refusals and findings.

/// An error with all its causes.
pub fn told(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
