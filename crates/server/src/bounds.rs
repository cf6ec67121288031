//! Bounds of the edge that nobody sets: what HTTP may take of a connection. Those of [`Limits`](crate::Limits) stand
//! beside them on the page that is made here.

use std::time::Duration;

/// A request's header, in memory and in all. hyper takes nothing below 8 KiB for it.
pub(crate) const HEADER_BYTES_MAX: u32 = 16 * 1024;
/// Requests at a time on one connection of HTTP/2.
pub(crate) const STREAMS_MAX: u32 = 32;
/// What one stream of HTTP/2 may have sent that nobody has read yet.
pub(crate) const STREAM_WINDOW_BYTES: u32 = 128 * 1024;
/// What one connection of HTTP/2 may have sent that nobody has read yet.
pub(crate) const CONNECTION_WINDOW_BYTES: u32 = 512 * 1024;
/// What may wait on one stream of HTTP/2 for its reader.
pub(crate) const SEND_BYTES_MAX: usize = 64 * 1024;
/// Streams that a client may open and reset before anything was done about them (CVE-2023-44487); past that the
/// connection ends.
pub(crate) const RESETS_MAX: usize = 20;
/// Streams that we may have to reset for a client's faults; past that the connection ends.
pub(crate) const FAULTS_MAX: usize = 64;

/// What a TLS handshake gets before it may have to make room. With all places taken by who says nothing, this is how
/// long as many others wait.
pub(crate) const HANDSHAKE_GRACE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use envelope::rekor::SUBMISSION_BYTES_MAX as SUBMISSION_ENTRY_BYTES_MAX;

    use crate::Limits;
    use crate::body::{SMALL_BYTES_MAX, SUBMISSION_BYTES_MAX};
    use crate::routes::fulcio::CLAIM_BYTES_MAX;

    const HEAD: &str = "\
# Limits of the edge

Made by `cargo xtask gen` from the server's constants. What a client may take of a server, and what happens past it. But for the
log's, none of it can be set, save by taking fewer connections: there are never more than leave 256 file descriptors for what signing needs.

| what | at most | past it |
|---|--:|---|
";

    fn bytes(count: impl TryInto<u64>) -> String {
        match count.try_into().unwrap_or(u64::MAX) {
            count if count >= 1024 * 1024 => format!("{} MiB", count / (1024 * 1024)),
            count => format!("{} KiB", count / 1024),
        }
    }

    /// What it is, at most how much, and what happens past it.
    type Row = (&'static str, String, &'static str);

    fn of_connections(limits: &Limits) -> Vec<Row> {
        let seconds = |time: Duration| format!("{} s", time.as_secs());
        vec![
            (
                "connections of a listener",
                limits.connections_max.to_string(),
                "the oldest without a good credential makes room; where all have one, the next waits",
            ),
            (
                "TLS handshakes of a listener at a time",
                limits.handshakes_max.to_string(),
                "the oldest makes room, once it is 100 ms old",
            ),
            ("a TLS handshake", seconds(limits.handshake), "the connection ends"),
            ("a session that can be resumed", "12 h".to_owned(), "a full handshake; so does a reload"),
            (
                "a request's header, and an idle connection of HTTP/1.1",
                seconds(limits.header),
                "the connection ends",
            ),
            ("between two signs of life of HTTP/2", seconds(2 * limits.header), "the connection ends"),
            ("a request's header", bytes(HEADER_BYTES_MAX), "`431`, and the connection ends"),
            ("a client that takes nothing of what it is sent", seconds(limits.stall), "the connection ends"),
            ("calls at a time on a connection of HTTP/2", STREAMS_MAX.to_string(), "the stream is refused"),
            (
                "unread bytes of a stream, and of a connection, of HTTP/2",
                format!("{}, {}", bytes(STREAM_WINDOW_BYTES), bytes(CONNECTION_WINDOW_BYTES)),
                "the client has to wait",
            ),
            (
                "answers that wait on a stream of HTTP/2",
                bytes(SEND_BYTES_MAX),
                "they are not composed any further",
            ),
            (
                "streams that are reset before anything was done about them",
                RESETS_MAX.to_string(),
                "the connection ends, with `ENHANCE_YOUR_CALM`",
            ),
            ("faults of a client on a connection of HTTP/2", FAULTS_MAX.to_string(), "the connection ends"),
            (
                "requests after one with `Transfer-Encoding`, or with a body that its method has none of",
                "0".to_owned(),
                "the connection ends with the answer",
            ),
        ]
    }

    fn of_calls(limits: &Limits) -> Vec<Row> {
        let seconds = |time: Duration| format!("{} s", time.as_secs());
        vec![
            ("a submission", bytes(SUBMISSION_BYTES_MAX), "`413 too-large`"),
            ("any other body of JSON", bytes(SMALL_BYTES_MAX), "`413 too-large`"),
            ("a request's body", seconds(limits.body), "`408 timed-out`"),
            (
                "submissions, endorsements and withdrawals on their way",
                limits.submissions_max.to_string(),
                "`503 busy`, before the credential is looked up and the body read",
            ),
            ("all their bodies together", bytes(limits.submissions_bytes_max), "`503 busy`"),
            (
                "credentials of strangers that are looked up at a time",
                limits.lookups_max.to_string(),
                "`503 busy`, before the look-up; whoever was proven on their connection before waits",
            ),
            ("`?wait=`", seconds(limits.wait), "it is cut to that"),
            (
                "calls of the public that only read (logs, certificates, trust root, TUF), at a time",
                limits.reads_max.to_string(),
                "`503 busy`, before anything is looked up",
            ),
            (
                "timestamp requests on their way",
                limits.timestamps_max.to_string(),
                "`503 busy`, before the body is read",
            ),
            (
                "claims of certificates on their way",
                limits.certificates_max.to_string(),
                "`503`, before the body is read",
            ),
            ("all their bodies together", bytes(limits.certificates_bytes_max), "`503`"),
            ("a claim of a certificate", bytes(CLAIM_BYTES_MAX), "`413`"),
            ("a request for a log entry", bytes(SUBMISSION_ENTRY_BYTES_MAX), "`413`"),
            (
                "entries that others bring to the log, on their way",
                limits.entries_max.to_string(),
                "`503`, before the body is read",
            ),
            ("all their bodies together", bytes(limits.entries_bytes_max), "`503`"),
            (
                "of the places of timestamp requests, claims and entries, held from one address (of IPv6, one /64)",
                "a quarter".to_owned(),
                "`503`, before the body is read",
            ),
            (
                "entries for the log from one address (of IPv6, one /64) in a second; eight seconds' worth at once",
                limits.entries_per_second.to_string(),
                "`429`; set by `log_submissions_per_second`",
            ),
            ("calls in flight when the server goes down", seconds(limits.shutdown), "they are cut off"),
        ]
    }

    fn page() -> String {
        let limits = Limits::default();
        let mut page = HEAD.to_owned();
        for (what, most, past) in of_connections(&limits).into_iter().chain(of_calls(&limits)) {
            // Writing to a string does not fail.
            let _ = writeln!(page, "| {what} | {most} | {past} |");
        }
        page
    }

    #[test]
    fn the_page_of_limits_is_what_the_constants_say() {
        let (path, page) = (concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/limits.md"), page());
        if std::env::var_os("AVOUCH_GEN").is_some() {
            std::fs::write(path, &page).expect("the page of limits can be written");
        }
        let checked_in = std::fs::read_to_string(path).unwrap_or_default();
        assert!(checked_in == page, "`cargo xtask gen` writes docs/reference/limits.md anew");
    }
}
