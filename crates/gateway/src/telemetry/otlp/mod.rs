//! OTLP: messages as protocol buffers (opentelemetry-proto 1.x), and what a receiver answers.
//!
//! Written by hand, for they are few and only written: the official crate brings the whole SDK along. The tests
//! read what is written here with that crate.
//!
//! Promises: pure; what is written can be read by any receiver. Must not know: how it is sent.

mod answer;
mod metrics;
mod traces;
mod wire;

pub use answer::partial;
pub use metrics::metrics;
pub use traces::traces;

use super::convention::SCHEMA_URL;
use wire::Message;

/// Who speaks: a service, one instance of it.
#[derive(Debug, Clone)]
pub struct Resource {
    /// `service.name`.
    pub service_name: String,
    /// `service.instance.id`.
    pub instance_id: String,
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

impl Resource {
    /// The message of this resource, which holds scopes that hold everything else.
    fn message(&self, write: impl FnOnce(&mut Message)) -> Message {
        let mut message = Message::default();
        message.message(1, |resource| {
            for (key, value) in [
                ("service.name", self.service_name.as_str()),
                ("service.version", VERSION),
                ("service.instance.id", &self.instance_id),
                ("telemetry.sdk.name", "waybill"),
                ("telemetry.sdk.language", "rust"),
                ("telemetry.sdk.version", VERSION),
            ] {
                resource.message(1, |pair| text_pair(pair, key, value));
            }
        });
        message.message(2, |scoped| {
            scoped.message(1, |scope| {
                scope.text(1, "waybill");
                scope.text(2, VERSION);
            });
            write(scoped);
            scoped.text(3, SCHEMA_URL);
        });
        message.text(3, SCHEMA_URL);
        message
    }
}

/// A `KeyValue` of text.
fn text_pair(pair: &mut Message, key: &str, value: &str) {
    pair.text(1, key);
    pair.message(2, |any| any.text_even_empty(1, value));
}

/// Milliseconds since the epoch as nanoseconds.
fn nanos(millis: i64) -> u64 {
    u64::try_from(millis).unwrap_or(0).saturating_mul(1_000_000)
}
