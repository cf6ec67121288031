//! The server's own trace: one line an event, for people or for machines.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

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

/// Starts writing the trace to standard error. A second call in one process changes nothing.
pub fn start(format: LogFormat, filter: &str) -> Result<(), LogError> {
    let wrong = |source| LogError::Filter { filter: filter.to_owned(), source };
    let filter = EnvFilter::builder().parse(filter).map_err(wrong)?;
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let human = match format {
        LogFormat::Fitting => std::io::stderr().is_terminal(),
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    // An error says that a trace is written already.
    let _ = if human { subscriber.try_init() } else { subscriber.json().flatten_event(true).try_init() };
    Ok(())
}
