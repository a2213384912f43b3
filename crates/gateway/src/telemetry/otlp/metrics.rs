//! `ExportMetricsServiceRequest`: everything cumulative, since the start of the process.

use super::{Resource, nanos, text_pair, wire::Message};
use crate::telemetry::{
    family::{Family, Point, Value},
    histogram::Histogram,
    table::{Kind, Metric, attribute},
};

/// `AGGREGATION_TEMPORALITY_CUMULATIVE`.
const CUMULATIVE: u64 = 2;

/// When the numbers began and when they were read, in milliseconds since the epoch.
#[derive(Debug, Clone, Copy)]
struct Moments {
    /// The start of the process.
    began_ms: i64,
    /// Now.
    at_ms: i64,
}

/// The message that carries these families.
pub fn metrics(resource: &Resource, began_ms: i64, at_ms: i64, families: &[Family]) -> Vec<u8> {
    let moments = Moments { began_ms, at_ms };
    let mut request = Message::default();
    let of_resource = resource.message(|scoped| {
        for family in families.iter().filter(|family| !family.points.is_empty()) {
            if let Some(otlp) = family.metric.otlp {
                scoped.message(2, |metric| write(metric, otlp, family, moments));
            }
        }
    });
    request.put(1, &of_resource);
    request.into_bytes()
}

fn write(message: &mut Message, name: &str, family: &Family, moments: Moments) {
    let metric = family.metric;
    message.text(1, name);
    message.text(2, metric.help);
    message.text(3, metric.unit.ucum());
    let data = match metric.kind {
        Kind::Gauge => 5,
        Kind::Counter => 7,
        Kind::Histogram(_) => 9,
    };
    message.message(data, |data| {
        for point in &family.points {
            data.message(1, |message| write_point(message, metric, point, moments));
        }
        match metric.kind {
            Kind::Gauge => {}
            Kind::Counter => {
                data.varint(2, CUMULATIVE);
                data.varint(3, 1);
            }
            Kind::Histogram(_) => data.varint(2, CUMULATIVE),
        }
    });
}

fn write_point(message: &mut Message, metric: &Metric, point: &Point, moments: Moments) {
    let attributes = match point.value {
        Value::Spread(_) => 9,
        Value::Whole(_) | Value::Broken(_) => 7,
    };
    let given = metric.labels.iter().zip(&point.labels);
    for (label, text) in given.filter(|(_, text)| !text.is_empty()) {
        message.message(attributes, |pair| text_pair(pair, &attribute(label), text));
    }
    if metric.kind != Kind::Gauge {
        message.fixed64(2, nanos(moments.began_ms));
    }
    message.fixed64(3, nanos(moments.at_ms));
    match &point.value {
        Value::Whole(number) => message.fixed64_even_zero(6, *number),
        Value::Broken(number) => message.double_even_zero(4, *number),
        Value::Spread(histogram) => write_histogram(message, histogram),
    }
}

fn write_histogram(message: &mut Message, histogram: &Histogram) {
    message.fixed64(4, histogram.count());
    message.double_even_zero(5, histogram.sum());
    let counts = histogram.counts().iter();
    message.packed64(6, counts.map(|count| count.to_le_bytes()));
    let bounds = histogram.bounds().iter();
    message.packed64(7, bounds.map(|bound| bound.to_le_bytes()));
}
