//! A window cut into steps: how long they are, and what each one adds up to.
//!
//! Promises: steps follow one another without a gap, also where nothing happened; together they are the whole answer.

use waybill_model::{
    rollup::{Bucket, Counts, Span},
    time::UnixMillis,
};
use waybill_store::RollupQuery;

use super::{Answer, ask, no_answer};
use crate::{admin::problem::Problem, app::Shared, ops::dashboard::Question};

const MINUTE: i64 = Span::Minute.millis();
const HOUR: i64 = Span::Hour.millis();
const DAY: i64 = Span::Day.millis();

/// How long steps are: up to a window of, a step of. Each is a part of an hour, or whole hours that make up a day.
type Lengths = [(i64, i64)];

/// For lines: some hundred steps at most.
pub(super) const LINES: &Lengths = &[
    (5 * HOUR, MINUTE),
    (25 * HOUR, 5 * MINUTE),
    (3 * DAY, 15 * MINUTE),
    (10 * DAY, HOUR),
    (i64::MAX, 6 * HOUR),
];

/// For what needs room, bars and maps: some sixty steps at most.
pub(super) const BARS: &Lengths = &[
    (HOUR, MINUTE),
    (2 * HOUR, 2 * MINUTE),
    (5 * HOUR, 5 * MINUTE),
    (10 * HOUR, 10 * MINUTE),
    (30 * HOUR, 30 * MINUTE),
    (60 * HOUR, HOUR),
    (180 * HOUR, 3 * HOUR),
    (15 * DAY, 6 * HOUR),
    (i64::MAX, 12 * HOUR),
];

/// An answer, step by step.
pub(super) struct Trend {
    pub(super) answer: Answer,
    /// How long a step is; the first and the last may be cut short.
    pub(super) step_ms: i64,
}

/// One step.
pub(super) struct Step<'a> {
    /// Where it begins.
    pub(super) start: UnixMillis,
    /// How long it is.
    pub(super) length_ms: i64,
    /// What lies in it.
    pub(super) buckets: &'a [Bucket],
}

impl Step<'_> {
    pub(super) fn counts(&self) -> Counts {
        let mut sum = Counts::default();
        self.buckets
            .iter()
            .for_each(|bucket| sum.add(&bucket.counts));
        sum
    }
}

impl Trend {
    pub(super) fn steps(&self) -> Vec<Step<'_>> {
        let mut steps = Vec::new();
        let (mut at, mut rest) = (self.answer.start, self.answer.buckets.as_slice());
        while at < self.answer.end {
            let next = UnixMillis((at.0.div_euclid(self.step_ms) + 1) * self.step_ms);
            let next = next.min(self.answer.end);
            let (buckets, later) =
                rest.split_at(rest.partition_point(|bucket| bucket.start < next));
            steps.push(Step {
                start: at,
                length_ms: next.0 - at.0,
                buckets,
            });
            (at, rest) = (next, later);
        }
        steps
    }
}

/// Answers a question step by step.
pub(super) async fn over_time(
    shared: &Shared,
    question: &Question,
    lengths: &Lengths,
    whole: RollupQuery,
) -> Result<Trend, Problem> {
    let step_ms = length_of(lengths, question.end.0.saturating_sub(question.start.0));
    let stepped = RollupQuery {
        step: Some(match step_ms < HOUR {
            true => Span::Minute,
            false => Span::Hour,
        }),
        ..whole
    };
    let answer = ask(shared, question, vec![stepped]).await?.pop();
    let answer = answer.ok_or_else(no_answer)?;
    Ok(Trend {
        // Of minutes that have gone there are hours or days.
        step_ms: answer
            .step
            .map_or(step_ms, |span| step_ms.max(span.millis())),
        answer,
    })
}

fn length_of(lengths: &Lengths, window_ms: i64) -> i64 {
    let found = lengths.iter().find(|(most, _)| window_ms <= *most);
    found.map_or(DAY, |(_, step)| *step)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use waybill_model::rollup::{By, CauseCount, LeftOut};
    use waybill_store::Rollups;

    use super::*;
    use crate::ops::time_range::TimeRange;

    impl Trend {
        /// One of minutes with a request each, and why requests failed.
        pub(in crate::admin::dashboard) fn of(
            start: i64,
            end: i64,
            step_ms: i64,
            minutes: &[(i64, Vec<CauseCount>)],
        ) -> Trend {
            let bucket = |(minute, causes): &(i64, Vec<CauseCount>)| Bucket {
                start: UnixMillis(minute * MINUTE),
                value: String::new(),
                counts: Counts {
                    requests: 1,
                    ..Counts::default()
                },
                causes: causes.clone(),
                sketches: Default::default(),
            };
            let rollups = Rollups {
                start: UnixMillis(start),
                end: UnixMillis(end),
                step: Some(Span::Minute),
                by: By::Arrival,
                buckets: minutes.iter().map(bucket).collect(),
                is_complete: true,
                is_behind: false,
                folded_to: None,
                is_raw: false,
                left_out: LeftOut::default(),
            };
            Trend {
                answer: Answer {
                    rollups,
                    strangers: None,
                },
                step_ms,
            }
        }
    }

    #[test]
    fn every_window_has_as_many_steps_as_can_be_shown() {
        let expected = [
            // (a line's, a bar's)
            (TimeRange::Minutes5, 5, 5),
            (TimeRange::Minutes30, 30, 30),
            (TimeRange::Hour, 60, 60),
            (TimeRange::Hours6, 72, 36),
            (TimeRange::Day, 288, 48),
            (TimeRange::Week, 168, 56),
            (TimeRange::Month, 120, 60),
        ];
        assert_eq!(expected.len(), TimeRange::ALL.len());
        for (range, line, bar) in expected {
            let steps = |lengths| range.millis() / length_of(lengths, range.millis());
            assert_eq!((steps(LINES), steps(BARS)), (line, bar), "{range:?}");
        }
    }

    #[test]
    fn whatever_the_window_bars_are_neither_few_nor_many() {
        let steps = |window: i64| window as f64 / length_of(BARS, window) as f64;
        for minutes in 1..=30 * 24 * 60 {
            let steps = steps(minutes * MINUTE);
            assert!(steps <= 60.0, "{minutes}: {steps}");
            assert!(steps >= 20.0 || minutes < 20, "{minutes}: {steps}");
        }
    }

    #[test]
    fn lengths_fit_the_roll_ups_that_make_them_up() {
        for (_, step) in LINES.iter().chain(BARS) {
            assert!(
                HOUR % step == 0 || (step % HOUR == 0 && DAY % step == 0),
                "{step}"
            );
        }
    }

    #[test]
    fn steps_hold_every_bucket_once_and_begin_where_the_clock_is_round() {
        let buckets = [3, 9, 10, 19, 30].map(|minute| (minute, Vec::new()));
        let trend = Trend::of(3 * MINUTE, 31 * MINUTE, 10 * MINUTE, &buckets);
        let seen: Vec<_> = trend
            .steps()
            .iter()
            .map(|step| {
                let requests = step.counts().requests;
                (step.start.0 / MINUTE, step.length_ms / MINUTE, requests)
            })
            .collect();
        assert_eq!(seen, [(3, 7, 2), (10, 10, 2), (20, 10, 0), (30, 1, 1)]);
    }
}
