//! The server's own trace: one line an event, for people or for machines.

use std::io::IsTerminal as _;
use std::sync::OnceLock;

use tracing_subscriber::{EnvFilter, reload};

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people where somebody looks at a terminal, else for machines.
    #[default]
    Fitting,
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// Why the trace cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// A filter that cannot be read.
    #[error("`{filter}` is not a log filter, such as `info` or `warn,server=debug`")]
    Filter {
        /// What was given.
        filter: String,
        /// What is wrong with it.
        #[source]
        source: tracing_subscriber::filter::ParseError,
    },
}

/// Changes the filter of the trace that is written.
type Change = Box<dyn Fn(EnvFilter) -> Result<(), reload::Error> + Send + Sync>;

/// The one trace of this process.
static CHANGE: OnceLock<Change> = OnceLock::new();

/// Starts writing the trace to standard error. A second call in one process changes nothing.
pub fn start(format: LogFormat, filter: &str) -> Result<(), LogError> {
    let builder = tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(parse(filter)?);
    let human = match format {
        LogFormat::Fitting => std::io::stderr().is_terminal(),
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    // An error of `try_init` says that a trace is written already.
    if human {
        let builder = builder.with_filter_reloading();
        let handle = builder.reload_handle();
        if builder.try_init().is_ok() {
            keep(move |filter| handle.reload(filter));
        }
    } else {
        let builder = builder.json().flatten_event(true).with_filter_reloading();
        let handle = builder.reload_handle();
        if builder.try_init().is_ok() {
            keep(move |filter| handle.reload(filter));
        }
    }
    Ok(())
}

/// Changes what the trace tells from now on. Where none is written, nothing happens.
pub fn set_filter(filter: &str) -> Result<(), LogError> {
    let filter = parse(filter)?;
    if let Some(change) = CHANGE.get() {
        // An error says that the trace has ended.
        let _ = change(filter);
    }
    Ok(())
}

fn keep(change: impl Fn(EnvFilter) -> Result<(), reload::Error> + Send + Sync + 'static) {
    let _ = CHANGE.set(Box::new(change));
}

/// What strangers can make the libraries at the door say is told only to who asks for it by their names: a warning for
/// each hostile connection would be a way to fill the disk that the trace is on. We count them instead.
const QUIET: &str = "h2=error,hyper=error,rustls=error";

fn parse(filter: &str) -> Result<EnvFilter, LogError> {
    let wrong = |source| LogError::Filter { filter: filter.to_owned(), source };
    EnvFilter::builder().parse(format!("{QUIET},{filter}")).map_err(wrong)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it stands")]

    use tracing::{Level, enabled};

    use super::*;

    #[test]
    fn what_is_told_changes_while_the_process_runs_and_a_bad_filter_changes_nothing() {
        start(LogFormat::Json, "warn").unwrap();
        assert!(enabled!(Level::WARN) && !enabled!(Level::INFO));
        assert!(!enabled!(target: "h2::proto", Level::WARN), "a stranger fills no disk with it");
        set_filter("warn,h2=debug").unwrap();
        assert!(enabled!(target: "h2::proto", Level::DEBUG), "who asks for it gets it");
        set_filter("info").unwrap();
        assert!(enabled!(Level::INFO) && !enabled!(Level::DEBUG));
        let error = set_filter("warn,server=loud").unwrap_err();
        assert_eq!(
            error.to_string(),
            "`warn,server=loud` is not a log filter, such as `info` or `warn,server=debug`"
        );
        assert!(enabled!(Level::INFO));
    }
}
