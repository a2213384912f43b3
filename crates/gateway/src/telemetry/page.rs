//! Families in the Prometheus text format (0.0.4).
//!
//! Promises: a name with quotes or line ends in it cannot break the page. Must not know: what is measured.

use std::fmt::{Display, Write as _};

use super::{
    family::{Family, Labels, Value},
    histogram::Histogram,
    table::Metric,
};

/// The content type of a page.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The page.
pub fn page(families: &[Family]) -> String {
    let mut page = Page::default();
    for family in families {
        page.family(family);
    }
    page.0
}

/// Writing to a `String` cannot fail.
#[derive(Default)]
struct Page(String);

impl Page {
    fn family(&mut self, family: &Family) {
        let Metric {
            name, kind, help, ..
        } = family.metric;
        let kind = kind.as_str();
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        for point in &family.points {
            let labels = labels(family.metric.labels, &point.labels);
            match &point.value {
                Value::Whole(number) => self.sample(name, "", &labels, number),
                Value::Broken(number) => self.sample(name, "", &labels, number),
                Value::Spread(histogram) => self.histogram(name, &labels, histogram),
            }
        }
    }

    fn histogram(&mut self, name: &str, labels: &[String], histogram: &Histogram) {
        let mut below = 0;
        let bounds = histogram.bounds().iter().map(f64::to_string);
        let bounds = bounds.chain(std::iter::once("+Inf".to_owned()));
        for (bound, count) in bounds.zip(histogram.counts()) {
            below += count;
            let mut labels = labels.to_vec();
            labels.push(format!("le=\"{bound}\""));
            self.sample(name, "_bucket", &labels, below);
        }
        self.sample(name, "_sum", labels, histogram.sum());
        self.sample(name, "_count", labels, histogram.count());
    }

    fn sample(&mut self, name: &str, suffix: &str, labels: &[String], value: impl Display) {
        let _ = match labels {
            [] => writeln!(self.0, "{name}{suffix} {value}"),
            labels => writeln!(self.0, "{name}{suffix}{{{}}} {value}", labels.join(",")),
        };
    }
}

fn labels(names: &[&str], texts: &Labels) -> Vec<String> {
    let given = names.iter().zip(texts).filter(|(_, text)| !text.is_empty());
    given
        .map(|(name, text)| format!("{name}=\"{}\"", escaped(text)))
        .collect()
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::{
        family::{Families, name, word},
        table,
    };

    #[test]
    fn a_name_with_quotes_cannot_break_the_page() {
        let mut families = Families::default();
        families.many(&table::ACCOUNT_IN_FLIGHT, [(vec![name("a\"}\n\\")], 1_u64)]);
        let page = page(&families.sorted());
        let sample = page.lines().last();
        assert_eq!(
            sample,
            Some("waybill_account_in_flight{account=\"a\\\"}\\n\\\\\"} 1")
        );
    }

    #[test]
    fn a_histogram_is_cumulative_and_a_label_that_is_empty_is_not_there() {
        let mut histogram = Histogram::of(&table::SERVER_DURATION);
        histogram.add(0.015);
        histogram.add(100.0);
        let labels = vec![word("chat"), word("openai"), word("other"), word("")];
        let mut families = Families::default();
        families.many(&table::SERVER_DURATION, [(labels, histogram)]);
        let page = page(&families.sorted());
        let given = "gen_ai_operation_name=\"chat\",gen_ai_provider_name=\"openai\",gen_ai_request_model=\"other\"";
        for line in [
            format!("gen_ai_server_request_duration_seconds_bucket{{{given},le=\"0.01\"}} 0"),
            format!("gen_ai_server_request_duration_seconds_bucket{{{given},le=\"0.02\"}} 1"),
            format!("gen_ai_server_request_duration_seconds_bucket{{{given},le=\"+Inf\"}} 2"),
            format!("gen_ai_server_request_duration_seconds_sum{{{given}}} 100.015"),
            format!("gen_ai_server_request_duration_seconds_count{{{given}}} 2"),
        ] {
            assert!(page.lines().any(|found| found == line), "{line}\n{page}");
        }
    }
}
