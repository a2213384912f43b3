//! Metrics over OTLP: by the conventions, and the same numbers as on the page.

use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Metric, metric::Data, number_data_point::Value,
};
use waybill_gateway::telemetry::table::{METRICS, Unit};

use crate::{
    conventions::value,
    lint::{scrape, total},
    receiver::{Manner, Receiver},
    support::{chat, eventually, message},
    traces::world,
};

/// Bounds that the conventions recommend, from their text.
const OPERATION: &[f64] = &[
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];
const TOKENS: &[f64] = &[
    1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0, 16384.0, 65536.0, 262144.0, 1048576.0, 4194304.0,
    16777216.0, 67108864.0,
];
const FIRST_TOKEN: &[f64] = &[
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

fn find<'m>(metrics: &'m [Metric], name: &str) -> &'m Metric {
    let found = metrics.iter().find(|metric| metric.name == name);
    found.unwrap_or_else(|| panic!("no {name}"))
}

fn sum(metrics: &[Metric], name: &str) -> f64 {
    let Some(Data::Sum(sum)) = metrics
        .iter()
        .find(|metric| metric.name == name)
        .and_then(|metric| metric.data.as_ref())
    else {
        return 0.0;
    };
    let points = sum.data_points.iter().map(|point| match point.value {
        Some(Value::AsInt(number)) => number as f64,
        Some(Value::AsDouble(number)) => number,
        None => panic!("{name} has a point without a value"),
    });
    points.sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_follow_the_conventions_and_say_what_the_page_says() {
    let receiver = Receiver::start(Manner::Takes).await;
    let world = world(&receiver, "metrics_every_ms = 100\n").await;
    for _ in 0..5 {
        world.post("/v1/messages", message(true)).await;
        world.post("/v1/chat/completions", chat(false)).await;
    }
    let metrics = eventually("all requests are in what was sent", || async {
        let metrics = receiver.metrics()?;
        (sum(&metrics, "waybill.requests") == 10.0).then_some(metrics)
    })
    .await;
    for (name, unit, bounds, needs) in [
        (
            "gen_ai.server.request.duration",
            "s",
            OPERATION,
            "gen_ai.provider.name",
        ),
        (
            "gen_ai.client.operation.duration",
            "s",
            OPERATION,
            "gen_ai.provider.name",
        ),
        (
            "gen_ai.server.time_to_first_token",
            "s",
            FIRST_TOKEN,
            "gen_ai.provider.name",
        ),
        (
            "gen_ai.client.token.usage",
            "{token}",
            TOKENS,
            "gen_ai.token.type",
        ),
    ] {
        let metric = find(&metrics, name);
        assert_eq!(metric.unit, unit, "{name}");
        let Some(Data::Histogram(histogram)) = &metric.data else {
            panic!("{name} is no histogram");
        };
        assert_eq!(
            histogram.aggregation_temporality(),
            AggregationTemporality::Cumulative
        );
        assert!(!histogram.data_points.is_empty(), "{name}");
        for point in &histogram.data_points {
            assert_eq!(point.explicit_bounds, bounds, "{name}");
            assert_eq!(point.bucket_counts.len(), bounds.len() + 1);
            assert_eq!(point.bucket_counts.iter().sum::<u64>(), point.count);
            assert!(
                point.start_time_unix_nano > 0
                    && point.start_time_unix_nano <= point.time_unix_nano
            );
            for required in ["gen_ai.operation.name", "gen_ai.request.model", needs] {
                assert!(
                    value(&point.attributes, required).is_some(),
                    "{name} lacks {required}"
                );
            }
        }
    }
    for metric in &metrics {
        let known = METRICS
            .iter()
            .find(|known| known.otlp == Some(metric.name.as_str()));
        let known = known.unwrap_or_else(|| panic!("{} is not in the table", metric.name));
        assert_eq!(
            (metric.unit.as_str(), metric.description.as_str()),
            (known.unit.ucum(), known.help)
        );
        if let Some(Data::Sum(sum)) = &metric.data {
            assert!(
                sum.is_monotonic
                    && sum.aggregation_temporality() == AggregationTemporality::Cumulative
            );
        }
        assert!(known.unit != Unit::Seconds || metric.unit == "s");
    }
    let page = scrape(&world).await;
    for (over_otlp, on_page) in [
        ("waybill.requests", "waybill_requests_total"),
        ("waybill.attempts", "waybill_attempts_total"),
        ("waybill.tokens", "waybill_tokens_total"),
    ] {
        assert_eq!(
            sum(&metrics, over_otlp),
            total(&page, on_page),
            "{over_otlp}"
        );
    }
    world.stop().await;
}
