//! JSON lines, appended to a file that every test process shares.

use std::env;
use std::fs::OpenOptions;
use std::io::Write;

use serde::Serialize;

/// Appends a value to the file that an environment variable names, if it is set.
pub(crate) fn append(variable: &str, value: &impl Serialize) {
    let Some(path) = env::var_os(variable) else { return };
    // One write of one line: appends of this size do not mix.
    let written = serde_json::to_string(value).map_err(Into::into).and_then(|line| {
        OpenOptions::new().append(true).create(true).open(&path)?.write_all(format!("{line}\n").as_bytes())
    });
    if let Err(error) = written {
        panic!("cannot append to the file that {variable} names, `{}`: {error}", path.display());
    }
}
