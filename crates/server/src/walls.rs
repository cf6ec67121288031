//! The walls around the processes, as readiness tells of them.

use std::fs;
use std::path::PathBuf;

use model::Guarantee;

/// What is known of the walls around this server and its key process.
#[derive(Debug, Clone, Default)]
pub struct Walls {
    /// What was tried in this process before it served.
    pub own: Vec<Guarantee>,
    /// The file in which the key process leaves what it tried; none where nobody asked it to.
    pub key_process: Option<PathBuf>,
}

impl Walls {
    /// Each guarantee, in force or not. The key process may have started anew since the last time.
    pub(crate) fn guarantees(&self) -> Vec<Guarantee> {
        let theirs = self.key_process.iter().flat_map(|path| {
            let told = fs::read(path).map_err(|cause| cause.to_string());
            let told = told.and_then(|bytes| Guarantee::parse(&bytes).map_err(|cause| cause.to_string()));
            told.unwrap_or_else(|cause| {
                vec![Guarantee::not_here("the key process's own walls", format!("it does not tell: {cause}"))]
            })
        });
        self.own.iter().cloned().chain(theirs).collect()
    }
}
