//! A histogram: how many observations lie below each of a few bounds.

use std::time::Duration;

use super::table::{Buckets, Kind, Metric};

/// Counts since the start.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    bounds: &'static [f64],
    /// One more than there are bounds: the last is for what lies above all.
    counts: Vec<u64>,
    sum: f64,
}

impl Histogram {
    /// An empty one.
    pub fn new(buckets: Buckets) -> Histogram {
        let bounds = buckets.bounds();
        Histogram {
            bounds,
            counts: vec![0; bounds.len() + 1],
            sum: 0.0,
        }
    }

    /// An empty one for a metric that is a histogram; one of tokens for any other, which nobody asks for.
    pub fn of(metric: &Metric) -> Histogram {
        Histogram::new(match metric.kind {
            Kind::Histogram(buckets) => buckets,
            Kind::Counter | Kind::Gauge => Buckets::Tokens,
        })
    }

    /// Takes one observation. A bound is the largest value of its bucket.
    pub fn add(&mut self, value: f64) {
        let place = self.bounds.partition_point(|bound| *bound < value);
        self.counts[place] += 1;
        self.sum += value;
    }

    /// Takes a number of milliseconds, as seconds.
    pub fn add_ms(&mut self, millis: u32) {
        self.add(Duration::from_millis(millis.into()).as_secs_f64());
    }

    /// The upper bounds, inclusive.
    pub fn bounds(&self) -> &'static [f64] {
        self.bounds
    }

    /// Observations per bucket; the last is above all bounds.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// All observations.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Their sum.
    pub fn sum(&self) -> f64 {
        self.sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_bucket_and_what_is_above_all_is_counted() {
        let mut histogram = Histogram::new(Buckets::Operation);
        histogram.add(0.01);
        histogram.add_ms(11);
        histogram.add(1000.0);
        assert_eq!(histogram.counts()[..2], [1, 1]);
        assert_eq!(histogram.counts().last(), Some(&1));
        assert_eq!(histogram.count(), 3);
        assert!((histogram.sum() - 1000.021).abs() < 1e-9);
    }
}
