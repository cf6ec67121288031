//! The numbers of the engine and of the books, for Prometheus.

use authority::{CertificateNumbers, TufStanding};
use engine::{LATENCY_BOUNDS_S, Metrics, StageMetrics};

use signer::{Head, State};

use crate::door::Access;
use crate::telemetry::Exposition;

/// Writes what the engine counted.
pub(crate) fn engine(metrics: &Metrics, text: &mut Exposition) {
    text.family("avouch_request_seconds", "histogram", "From submission to outcome, by profile and outcome.");
    for ended in &metrics.outcomes {
        let labels = [("profile", ended.profile.as_str()), ("outcome", ended.state.word())];
        let latency = &ended.latency;
        text.histogram("avouch_request_seconds", &labels, &LATENCY_BOUNDS_S, &latency.buckets, latency.sum);
    }
    text.family(
        "avouch_busy_total",
        "counter",
        "Submissions that were turned away because a queue or a lane was full.",
    );
    text.sample("avouch_busy_total", &[], metrics.busy);
    text.family("avouch_log_entries", "gauge", "Entries of the transparency log.");
    text.sample("avouch_log_entries", &[], metrics.log_size);
    stages(
        metrics,
        text,
        "avouch_stage_queued",
        "gauge",
        "Requests that wait in front of a stage; of Sign, in front of the lane of a key store.",
        |stage| stage.queued.to_string(),
    );
    let batch = "avouch_stage_batch_seconds";
    text.family(batch, "histogram", "How long a stage took for a batch, syncs and key stores included.");
    for numbers in &metrics.stages {
        let StageMetrics { batches, .. } = numbers;
        text.histogram(batch, &labels(numbers), &LATENCY_BOUNDS_S, &batches.buckets, batches.sum);
    }
    stages(metrics, text, "avouch_stage_members_total", "counter", "Requests in those batches.", |stage| {
        stage.members.to_string()
    });
    stages(
        metrics,
        text,
        "avouch_stage_troubles_total",
        "counter",
        "How often something that a stage calls could not do its part.",
        |stage| stage.troubles.to_string(),
    );
}

/// Writes what became of the claims of holders of ID tokens.
pub(crate) fn certificates(numbers: CertificateNumbers, text: &mut Exposition) {
    let name = "avouch_certificates_total";
    text.family(name, "counter", "Claims of certificates for holders of ID tokens, by outcome.");
    text.sample(name, &[("outcome", "issued")], numbers.issued);
    text.sample(name, &[("outcome", "refused")], numbers.refused);
    text.family("avouch_certificate_log_entries", "gauge", "Entries of the log of certificates.");
    text.sample("avouch_certificate_log_entries", &[], numbers.entries);
}

/// Writes until when the TUF metadata counts, and its versions.
pub(crate) fn tuf(standing: &TufStanding, text: &mut Exposition) {
    if standing.roles.is_empty() {
        return;
    }
    let name = "avouch_tuf_version";
    text.family(name, "gauge", "The newest version of TUF metadata, by role.");
    for one in &standing.roles {
        text.sample(name, &[("role", one.role.word())], one.version);
    }
    let name = "avouch_tuf_expires_seconds";
    text.family(name, "gauge", "Until when that counts, in seconds since 1970; it is renewed days before.");
    for one in &standing.roles {
        text.sample(name, &[("role", one.role.word())], one.expires.seconds());
    }
}

/// Writes whether anything is taken in.
pub(crate) fn access(access: &Access, text: &mut Exposition) {
    text.family("avouch_read_only", "gauge", "1 where the server only reads; `/readyz` says why.");
    text.sample("avouch_read_only", &[], u8::from(matches!(access, Access::Reads(_))));
}

/// Writes how far the books are: the key process's journal, how much of it no signed checkpoint covers yet, and the
/// audit ledger. What cannot be read now is left out, and `avouch_key_process_up` says so.
pub(crate) fn books(state: Option<&State>, ledger: Option<Head>, text: &mut Exposition) {
    text.family("avouch_key_process_up", "gauge", "1 where the key process answers.");
    text.sample("avouch_key_process_up", &[], u8::from(state.is_some()));
    if let Some(state) = state {
        text.family("avouch_journal_leaves", "gauge", "Leaves of the key process's journal.");
        text.sample("avouch_journal_leaves", &[], state.journal.size);
        // The second line of a signed note's checkpoint is its size.
        let covered = state.journal_checkpoint.lines().nth(1).and_then(|size| size.parse().ok()).unwrap_or(0);
        text.family(
            "avouch_journal_lag",
            "gauge",
            "Leaves that no signed checkpoint of the journal covers yet.",
        );
        text.sample("avouch_journal_lag", &[], state.journal.size.saturating_sub(covered));
    }
    if let Some(ledger) = ledger {
        text.family("avouch_ledger_leaves", "gauge", "Leaves of the audit ledger.");
        text.sample("avouch_ledger_leaves", &[], ledger.size);
    }
}

fn stages(
    metrics: &Metrics,
    text: &mut Exposition,
    name: &str,
    kind: &str,
    help: &str,
    value: impl Fn(&StageMetrics) -> String,
) {
    text.family(name, kind, help);
    for numbers in &metrics.stages {
        text.sample(name, &labels(numbers), value(numbers));
    }
}

/// A lane of Sign is named by its key store.
fn labels(numbers: &StageMetrics) -> Vec<(&'static str, &str)> {
    let store = numbers.stage.store().map(|store| ("store", store.as_str()));
    std::iter::once(("stage", numbers.stage.word())).chain(store).collect()
}
