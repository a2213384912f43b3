//! Traces and metrics that are sent. Where the file says nothing, the variables that every OpenTelemetry SDK reads
//! say it.

use std::time::Duration;

use http::{HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;
use waybill_model::{entity::HttpVersion, secret::Secret};

use super::{super::raw::RawTelemetry, Check};
use crate::{
    egress::EgressPolicy,
    routing::Upstream,
    telemetry::{Otlp, Propagation, Settings},
};

/// Metrics are not sent more often: each time all of them are.
const MIN_METRICS_MS: u64 = 100;

/// How often they are sent where nothing is said: what OpenTelemetry's SDKs do.
const METRICS_MS: u64 = 60_000;

impl Check<'_> {
    pub(super) fn telemetry(&mut self, raw: &RawTelemetry) -> Settings {
        let otlp = self.otlp(raw);
        let wished = raw.propagate.as_deref().map(|word| {
            let read = match word {
                "client" => Some(Propagation::Client),
                "always" => Some(Propagation::Always),
                "never" => Some(Propagation::Never),
                _ => None,
            };
            if read.is_none() {
                let why = format!("`{word}` is none of client, always, never");
                self.problem("telemetry.propagate", why);
            }
            read.unwrap_or(Propagation::Never)
        });
        let propagation = match (&otlp, wished) {
            (_, Some(Propagation::Never)) => Propagation::Never,
            // Nobody collects spans of ours, so none may be anybody's parent.
            (None, _) => Propagation::AsItCame,
            (Some(_), wished) => wished.unwrap_or(Propagation::Client),
        };
        Settings { otlp, propagation }
    }

    fn otlp(&mut self, raw: &RawTelemetry) -> Option<Otlp> {
        let ratio = raw.sample_ratio.unwrap_or(1.0);
        if !(0.0..=1.0).contains(&ratio) {
            self.problem("telemetry.sample_ratio", "a number from 0 to 1 is needed");
        }
        let metrics_every = match raw.metrics_every_ms.unwrap_or(METRICS_MS) {
            0 => None,
            ms => Some(self.at_least("telemetry.metrics_every_ms", MIN_METRICS_MS, ms)),
        };
        let headers = self.otlp_headers(raw.otlp_headers.as_ref());
        let receiver = self.receiver(raw.otlp_endpoint.as_deref())?;
        let service_name = raw.service_name.clone();
        Some(Otlp {
            receiver,
            headers,
            egress: EgressPolicy::of_operator(),
            service_name: service_name
                .or_else(|| self.standard("OTEL_SERVICE_NAME"))
                .unwrap_or_else(|| "waybill".to_owned()),
            sample_ratio: ratio,
            sample_failures: raw.sample_failures.unwrap_or(true),
            metrics_every: metrics_every.map(Duration::from_millis),
        })
    }

    /// Where the receiver is: as the file says, or else as the environment says for every program.
    fn receiver(&mut self, written: Option<&str>) -> Option<Upstream> {
        let standard = || -> Option<String> {
            let is_off = self.standard("OTEL_SDK_DISABLED");
            if is_off.is_some_and(|word| word.eq_ignore_ascii_case("true")) {
                return None;
            }
            self.standard("OTEL_EXPORTER_OTLP_ENDPOINT")
        };
        let url = match written {
            Some("") => return None,
            Some(url) => url.to_owned(),
            None => {
                let url = standard()?;
                let protocol = self.standard("OTEL_EXPORTER_OTLP_PROTOCOL");
                if let Some(other) = protocol.filter(|word| word != "http/protobuf") {
                    let why = format!(
                        "OTEL_EXPORTER_OTLP_PROTOCOL is `{other}`, and this gateway speaks http/protobuf alone: give it an address of its own, or an empty one"
                    );
                    self.problem("telemetry.otlp_endpoint", why);
                }
                url
            }
        };
        let policy = EgressPolicy::of_operator();
        let read = Upstream::parse(&url, HttpVersion::Http1)
            .map_err(|_| "an http or https address with a host is needed, such as http://localhost:4318; `/v1/traces` and `/v1/metrics` are appended".to_owned());
        let read = read.and_then(|read| policy.check_url(&url).map(|()| read));
        read.map_err(|why| self.problem("telemetry.otlp_endpoint", why))
            .ok()
    }

    fn otlp_headers(&mut self, written: Option<&Secret>) -> Vec<(HeaderName, HeaderValue)> {
        let given = match written {
            Some(written) => self.secret("telemetry.otlp_headers", written),
            None => self.standard("OTEL_EXPORTER_OTLP_HEADERS").map(Secret::new),
        };
        let Some(given) = given else {
            return Vec::new();
        };
        headers(given.expose()).unwrap_or_else(|why| {
            self.problem("telemetry.otlp_headers", why);
            Vec::new()
        })
    }

    /// A variable that is not this gateway's own.
    fn standard(&self, name: &str) -> Option<String> {
        (self.var)(name).filter(|text| !text.trim().is_empty())
    }
}

/// `name=value,name=value`, with values in URL encoding, as OpenTelemetry's SDKs read it. No message quotes a value.
fn headers(text: &str) -> Result<Vec<(HeaderName, HeaderValue)>, String> {
    let pairs = text
        .split(',')
        .map(str::trim)
        .filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let shape = || "`name=value`, and commas between, are needed".to_owned();
            let (name, value) = pair.split_once('=').ok_or_else(shape)?;
            let name: HeaderName = name.trim().parse().map_err(|_| shape())?;
            let unusable = |_| format!("the value of `{name}` cannot be sent in a header");
            let value = percent_decode_str(value.trim())
                .decode_utf8()
                .map_err(|_| shape())?;
            let mut value = HeaderValue::from_str(&value).map_err(unusable)?;
            value.set_sensitive(true);
            Ok((name, value))
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::headers;

    #[test]
    fn headers_are_read_as_every_sdk_reads_them() {
        let read = headers("authorization=Basic%20abc%3D, x-scope = one ,").unwrap();
        let read: Vec<_> = read
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()))
            .collect();
        let expected: [(&str, &[u8]); 2] = [("authorization", b"Basic abc="), ("x-scope", b"one")];
        assert_eq!(read, expected);
    }

    #[test]
    fn what_cannot_be_a_header_is_refused_without_its_value() {
        for bad in ["secret-token", "na me=secret", "a=secret%0a", "=secret"] {
            let why = headers(bad).unwrap_err();
            assert!(!why.contains("secret"), "{why}");
        }
    }
}
