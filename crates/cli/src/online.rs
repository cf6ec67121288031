//! Calls over the network, one after the other, on this thread.

use std::future::Future;

use crate::failure::Failure;

/// Runs a call to its end.
pub(crate) fn call<T, E: Into<Failure>>(future: impl Future<Output = Result<T, E>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::inside("start the network's runtime"))?;
    runtime.block_on(future).map_err(Into::into)
}
