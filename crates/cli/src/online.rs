//! Calls over the network, one after the other, on this thread.

use std::cell::OnceCell;
use std::future::Future;

use tokio::runtime::{Builder, Runtime};

use crate::failure::Failure;

/// Runs a call to its end.
pub(crate) fn call<T, E: Into<Failure>>(future: impl Future<Output = Result<T, E>>) -> Result<T, Failure> {
    runtime()?.block_on(future).map_err(Into::into)
}

/// The same on connections that stay open for the next such call, for verbs that make many, close after each other. Whoever is called
/// so is called in no other way: a connection lives where it was opened.
pub(crate) fn go_on<T, E: Into<Failure>>(future: impl Future<Output = Result<T, E>>) -> Result<T, Failure> {
    thread_local! {
        static KEPT: OnceCell<Runtime> = const { OnceCell::new() };
    }
    KEPT.with(|kept| {
        let runtime = match kept.get() {
            Some(runtime) => runtime,
            None => {
                let new = runtime()?;
                kept.get_or_init(|| new)
            }
        };
        runtime.block_on(future).map_err(Into::into)
    })
}

fn runtime() -> Result<Runtime, Failure> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.map_err(Failure::inside("start the network's runtime"))
}
