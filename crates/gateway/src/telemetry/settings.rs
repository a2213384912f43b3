//! What is collected, and where it is sent.

use std::time::Duration;

use http::{HeaderName, HeaderValue};
use waybill_model::{secret::Secret, words};

use crate::{egress::EgressPolicy, routing::Upstream};

words! {
    /// What becomes of the trace context (`traceparent`, `tracestate`) on the way to a provider.
    pub enum Propagation {
        /// It passes as it came.
        AsItCame = "as_it_came",
        /// A client's trace goes on, with the attempt's span as the parent; where the client began none, the
        /// provider is sent none.
        Client = "client",
        /// Every provider is told the trace.
        Always = "always",
        /// No provider is.
        Never = "never",
    }
}

/// Telemetry, as it is configured.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where traces and metrics are sent; `None`: nowhere.
    pub otlp: Option<Otlp>,
    /// What becomes of the trace context.
    pub propagation: Propagation,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            otlp: None,
            propagation: Propagation::AsItCame,
        }
    }
}

impl Settings {
    /// What must never be shown.
    pub fn secrets(&self) -> Vec<Secret> {
        let headers = self.otlp.iter().flat_map(|otlp| &otlp.headers);
        let values = headers.map(|(_, value)| String::from_utf8_lossy(value.as_bytes()));
        let values: Vec<_> = values.collect();
        // Of `Bearer token` the token, too.
        let parts = values
            .iter()
            .flat_map(|value| [Some(&**value), value.rsplit(' ').next()]);
        let parts = parts
            .flatten()
            .filter(|part| part.len() >= MIN_SECRET_BYTES);
        parts.map(Secret::new).collect()
    }
}

/// A shorter value is not looked for elsewhere: it would match ordinary words.
const MIN_SECRET_BYTES: usize = 12;

/// A receiver of OTLP over HTTP.
#[derive(Debug, Clone)]
pub struct Otlp {
    /// Where it is; `/v1/traces` and `/v1/metrics` are appended.
    pub receiver: Upstream,
    /// What it is sent along; secret.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Where it may be: an operator's own service may be in a private network.
    pub egress: EgressPolicy,
    /// `service.name`.
    pub service_name: String,
    /// The share of traces that begin here and are sent, 0 to 1.
    pub sample_ratio: f64,
    /// Whether what failed, or recovered, is sent in any case.
    pub sample_failures: bool,
    /// How often metrics are sent; `None`: never.
    pub metrics_every: Option<Duration>,
}
