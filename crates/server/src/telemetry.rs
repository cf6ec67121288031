//! What the server counts of its own calls, and the text in which Prometheus reads it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The upper bounds of the buckets, in seconds; one more takes the rest.
const BOUNDS_S: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];

/// What the server counts of its own calls.
#[derive(Debug, Default)]
pub(crate) struct Telemetry {
    // Routes and codes are the router's and the API's own, so that clients cannot make this grow.
    calls: Mutex<BTreeMap<(String, &'static str), Times>>,
}

#[derive(Debug, Clone, Default)]
struct Times {
    buckets: [u64; BOUNDS_S.len() + 1],
    sum: Duration,
}

impl Telemetry {
    /// Counts a call that was answered.
    pub(crate) fn call(&self, route: String, code: &'static str, took: Duration) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let times = calls.entry((route, code)).or_default();
        let seconds = took.as_secs_f64();
        let place = BOUNDS_S.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS_S.len());
        times.buckets[place] += 1;
        times.sum += took;
    }

    /// Writes what was counted.
    pub(crate) fn write(&self, text: &mut Exposition) {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone();
        text.family("avouch_http_call_seconds", "histogram", "How long calls took, by route and outcome.");
        for ((route, code), times) in &calls {
            let labels = [("route", route.as_str()), ("code", *code)];
            text.histogram("avouch_http_call_seconds", &labels, &BOUNDS_S, &times.buckets, times.sum);
        }
    }
}

/// Text in the exposition format of Prometheus (version 0.0.4).
#[derive(Debug, Default)]
pub(crate) struct Exposition(String);

impl Exposition {
    pub(crate) const CONTENT_TYPE: &'static str = "text/plain; version=0.0.4; charset=utf-8";

    /// Begins a family; its samples follow.
    pub(crate) fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string does not fail.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    /// One sample.
    pub(crate) fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        self.0.push_str(name);
        for (place, (label, text)) in labels.iter().enumerate() {
            let open = if place == 0 { '{' } else { ',' };
            let _ = write!(self.0, "{open}{label}=\"{}\"", escaped(text));
        }
        let close = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.0, "{close} {value}");
    }

    /// A histogram: each of `buckets` counts what is above the bound before and not above its own; the last one has
    /// no bound.
    pub(crate) fn histogram(
        &mut self,
        name: &str,
        labels: &[(&str, &str)],
        bounds_s: &[f64],
        buckets: &[u64],
        sum: Duration,
    ) {
        let bucket_name = format!("{name}_bucket");
        let bounds = bounds_s.iter().map(f64::to_string).chain(["+Inf".to_owned()]);
        let mut count = 0;
        for (bound, bucket) in bounds.zip(buckets) {
            count += bucket;
            self.sample(&bucket_name, &[labels, &[("le", bound.as_str())]].concat(), count);
        }
        self.sample(&format!("{name}_sum"), labels, sum.as_secs_f64());
        self.sample(&format!("{name}_count"), labels, count);
    }

    pub(crate) fn into_text(self) -> String {
        self.0
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_exposed_as_cumulative_buckets_with_escaped_labels() {
        let telemetry = Telemetry::default();
        telemetry.call("/v1/\"whoami\"".to_owned(), "ok", Duration::from_millis(4));
        telemetry.call("/v1/\"whoami\"".to_owned(), "ok", Duration::from_secs(60));
        let mut text = Exposition::default();
        telemetry.write(&mut text);
        let text = text.into_text();
        for line in [
            "# TYPE avouch_http_call_seconds histogram",
            r#"avouch_http_call_seconds_bucket{route="/v1/\"whoami\"",code="ok",le="0.0025"} 0"#,
            r#"avouch_http_call_seconds_bucket{route="/v1/\"whoami\"",code="ok",le="0.005"} 1"#,
            r#"avouch_http_call_seconds_bucket{route="/v1/\"whoami\"",code="ok",le="30"} 1"#,
            r#"avouch_http_call_seconds_bucket{route="/v1/\"whoami\"",code="ok",le="+Inf"} 2"#,
            r#"avouch_http_call_seconds_sum{route="/v1/\"whoami\"",code="ok"} 60.004"#,
            r#"avouch_http_call_seconds_count{route="/v1/\"whoami\"",code="ok"} 2"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\nis not in\n{text}");
        }
    }
}
