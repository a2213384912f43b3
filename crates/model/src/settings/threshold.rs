//! What is well and what is not: numbers held against thresholds, one pure function, so that whoever shows them need
//! not know how.

use serde::{Deserialize, Serialize};

use crate::{
    rollup::{Counts, Share},
    words,
};

words! {
    /// How a number stands to its threshold.
    pub enum ThresholdState {
        /// It is within it.
        Ok = "ok",
        /// It is beyond it.
        Breached = "breached",
        /// There is nothing to judge.
        NoData = "no_data",
        /// There is no threshold.
        Off = "off",
    }
}

/// The thresholds in force; `None`: there is none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// Least service level, in per cent.
    pub sla_percent_min: Option<f64>,
    /// Most for the 99th percentile of the time to first content, in milliseconds.
    pub ttft_p99_ms_max: Option<f64>,
    /// Most for the share of requests that fail and count, in per cent.
    pub request_error_rate_percent_max: Option<f64>,
    /// Most for the share of attempts that fail otherwise than by 429, 529 or the client's doing, in per cent.
    pub upstream_error_rate_percent_max: Option<f64>,
}

impl Default for Thresholds {
    fn default() -> Self {
        Thresholds {
            sla_percent_min: Some(99.5),
            ttft_p99_ms_max: Some(10_000.0),
            request_error_rate_percent_max: Some(5.0),
            upstream_error_rate_percent_max: Some(10.0),
        }
    }
}

/// A number, held against its threshold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Judged {
    /// What was read; `null`: there is nothing to make a value of.
    pub value: Option<f64>,
    /// The threshold in force; `null`: there is none.
    pub threshold: Option<f64>,
    /// How the one stands to the other.
    pub state: ThresholdState,
}

/// Every number that has a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Judgements {
    /// The service level that clients saw, in per cent; the threshold is its least.
    pub sla_percent_min: Judged,
    /// The 99th percentile of the time to first content, in milliseconds; the threshold is its most.
    pub ttft_p99_ms_max: Judged,
    /// The share of requests that failed and count, in per cent; the threshold is its most.
    pub request_error_rate_percent_max: Judged,
    /// The share of attempts that failed otherwise than by 429, 529 or the client's doing, in per cent; the threshold
    /// is its most.
    pub upstream_error_rate_percent_max: Judged,
}

/// On which side of its threshold a number is well.
#[derive(Debug, Clone, Copy)]
enum Well {
    /// From it on.
    From,
    /// Up to it.
    UpTo,
}

impl Thresholds {
    /// Holds what was read against the thresholds.
    pub fn judge(&self, counts: &Counts, ttft_p99_ms: Option<u64>) -> Judgements {
        Judgements {
            sla_percent_min: judge(
                percent(counts.service_level()),
                self.sla_percent_min,
                Well::From,
            ),
            ttft_p99_ms_max: judge(
                ttft_p99_ms.map(|ms| ms as f64),
                self.ttft_p99_ms_max,
                Well::UpTo,
            ),
            request_error_rate_percent_max: judge(
                percent(counts.error_rate()),
                self.request_error_rate_percent_max,
                Well::UpTo,
            ),
            upstream_error_rate_percent_max: judge(
                percent(counts.upstream_error_rate()),
                self.upstream_error_rate_percent_max,
                Well::UpTo,
            ),
        }
    }
}

/// As it is shown: what is judged is what somebody sees.
fn percent(share: Share) -> Option<f64> {
    share.percent().map(|percent| (percent * 1e6).round() / 1e6)
}

fn judge(value: Option<f64>, threshold: Option<f64>, well: Well) -> Judged {
    let state = match (threshold, value) {
        (None, _) => ThresholdState::Off,
        (Some(_), None) => ThresholdState::NoData,
        (Some(threshold), Some(value)) => {
            let is_well = match well {
                Well::From => value >= threshold,
                Well::UpTo => value <= threshold,
            };
            match is_well {
                true => ThresholdState::Ok,
                false => ThresholdState::Breached,
            }
        }
    };
    Judged {
        value,
        threshold,
        state,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_at_its_threshold_is_well_and_one_beyond_is_not() {
        use {ThresholdState as S, Well as W};
        for (value, threshold, well, state) in [
            (Some(99.5), Some(99.5), W::From, S::Ok),
            (Some(100.0), Some(99.5), W::From, S::Ok),
            (Some(99.499), Some(99.5), W::From, S::Breached),
            (Some(0.0), Some(0.0), W::From, S::Ok),
            (Some(5.0), Some(5.0), W::UpTo, S::Ok),
            (Some(5.001), Some(5.0), W::UpTo, S::Breached),
            (Some(0.0), Some(0.0), W::UpTo, S::Ok),
            (None, Some(5.0), W::UpTo, S::NoData),
            (None, None, W::UpTo, S::Off),
            (Some(100.0), None, W::UpTo, S::Off),
        ] {
            let judged = judge(value, threshold, well);
            assert_eq!(judged.state, state, "{value:?} {threshold:?} {well:?}");
            assert_eq!((judged.value, judged.threshold), (value, threshold));
        }
    }

    #[test]
    fn each_threshold_is_held_against_its_own_number() {
        let counts = Counts {
            requests: 210,
            successes: 180,
            failures: 20,
            client_errors: 10,
            attempts: 250,
            attempts_failed: 60,
            attempts_client: 10,
            attempts_429: 20,
            attempts_529: 5,
            ..Counts::default()
        };
        let judged = Thresholds::default().judge(&counts, Some(10_001));
        let all = [
            judged.sla_percent_min,
            judged.request_error_rate_percent_max,
            judged.upstream_error_rate_percent_max,
            judged.ttft_p99_ms_max,
        ];
        assert_eq!(
            all.map(|judged| judged.value),
            [Some(90.0), Some(10.0), Some(10.0), Some(10_001.0)]
        );
        assert_eq!(
            all.map(|judged| judged.state),
            [
                ThresholdState::Breached,
                ThresholdState::Breached,
                ThresholdState::Ok,
                ThresholdState::Breached
            ]
        );
        let nothing = Thresholds::default().judge(&Counts::default(), None);
        assert_eq!(nothing.sla_percent_min.state, ThresholdState::NoData);
        assert_eq!(nothing.ttft_p99_ms_max.state, ThresholdState::NoData);
    }
}
