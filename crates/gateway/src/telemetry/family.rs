//! Metrics with their numbers, as they are at one moment.
//!
//! Promises: a point has a text for each label of its metric, in that order; `""` says that it has none. Must not
//! know: in which format they leave.

use std::borrow::Cow;

use super::{
    histogram::Histogram,
    table::{METRICS, Metric},
};

/// One metric's numbers.
#[derive(Debug)]
pub struct Family {
    /// What they are.
    pub metric: &'static Metric,
    /// One per combination of labels.
    pub points: Vec<Point>,
}

/// One number.
#[derive(Debug)]
pub struct Point {
    /// In the order of the metric's labels.
    pub labels: Labels,
    /// The number.
    pub value: Value,
}

/// The texts of a point's labels.
pub type Labels = Vec<Cow<'static, str>>;

/// A number of its kind.
#[derive(Debug, Clone)]
pub enum Value {
    /// Whole.
    Whole(u64),
    /// Not whole.
    Broken(f64),
    /// Of a histogram.
    Spread(Histogram),
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Value::Whole(number)
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Value::Whole(number as u64)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Value::Whole(number.into())
    }
}

impl From<bool> for Value {
    fn from(yes: bool) -> Self {
        Value::Whole(yes.into())
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Value::Broken(number)
    }
}

impl From<Histogram> for Value {
    fn from(spread: Histogram) -> Self {
        Value::Spread(spread)
    }
}

/// Families as they are gathered.
#[derive(Debug, Default)]
pub struct Families(Vec<Family>);

impl Families {
    /// A metric without labels.
    pub fn one(&mut self, metric: &'static Metric, value: impl Into<Value>) {
        self.many(metric, [(Labels::new(), value)]);
    }

    /// A metric with labels.
    pub fn many<V: Into<Value>>(
        &mut self,
        metric: &'static Metric,
        points: impl IntoIterator<Item = (Labels, V)>,
    ) {
        let points = points.into_iter().map(|(labels, value)| {
            debug_assert_eq!(labels.len(), metric.labels.len(), "{}", metric.name);
            Point {
                labels,
                value: value.into(),
            }
        });
        let points = points.collect();
        self.0.push(Family { metric, points });
    }

    /// In the order of the table.
    pub fn sorted(mut self) -> Vec<Family> {
        let place = |family: &Family| {
            METRICS
                .iter()
                .position(|metric| std::ptr::eq(*metric, family.metric))
        };
        self.0.sort_by_key(place);
        self.0
    }
}

/// A label's text that is one of a closed set.
pub fn word(text: &'static str) -> Cow<'static, str> {
    Cow::Borrowed(text)
}

/// A label's text that is configured.
pub fn name(text: &str) -> Cow<'static, str> {
    Cow::Owned(text.to_owned())
}
