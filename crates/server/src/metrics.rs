//! The engine's numbers, for Prometheus.

use engine::{LATENCY_BOUNDS_S, Metrics, STAGES, StageMetrics};

use crate::telemetry::Exposition;

/// Writes the numbers of one moment.
pub(crate) fn write(metrics: &Metrics, text: &mut Exposition) {
    text.family("avouch_request_seconds", "histogram", "From submission to outcome, by profile and outcome.");
    for ended in &metrics.outcomes {
        let labels = [("profile", ended.profile.as_str()), ("outcome", ended.state.word())];
        let latency = &ended.latency;
        text.histogram("avouch_request_seconds", &labels, &LATENCY_BOUNDS_S, &latency.buckets, latency.sum);
    }
    text.family(
        "avouch_busy_total",
        "counter",
        "Submissions that were turned away because a queue was full.",
    );
    text.sample("avouch_busy_total", &[], metrics.busy);
    text.family("avouch_log_entries", "gauge", "Entries of the transparency log.");
    text.sample("avouch_log_entries", &[], metrics.log_size);
    stages(
        metrics,
        text,
        "avouch_stage_queued",
        "gauge",
        "Requests that wait in front of a stage.",
        |stage| stage.queued.to_string(),
    );
    stages(metrics, text, "avouch_stage_batches_total", "counter", "Batches that a stage took.", |stage| {
        stage.batches.to_string()
    });
    stages(metrics, text, "avouch_stage_members_total", "counter", "Requests in those batches.", |stage| {
        stage.members.to_string()
    });
    stages(
        metrics,
        text,
        "avouch_stage_busy_seconds_total",
        "counter",
        "How long a stage worked, syncs included.",
        |stage| stage.busy.as_secs_f64().to_string(),
    );
    stages(
        metrics,
        text,
        "avouch_stage_troubles_total",
        "counter",
        "How often something that a stage calls could not do its part.",
        |stage| stage.troubles.to_string(),
    );
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
    for (stage, numbers) in STAGES.iter().zip(&metrics.stages) {
        text.sample(name, &[("stage", stage)], value(numbers));
    }
}
