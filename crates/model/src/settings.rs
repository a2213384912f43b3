//! Settings: what operators choose while the gateway runs, as one document. What nobody chose is as it always is.
//!
//! Promises: pure; what was chosen is within bounds; a choice that is taken back leaves nothing behind.
//! Must not know: where the document rests, and what the configuration file says.

mod threshold;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::openapi::{
    RefOr, Schema,
    schema::{ObjectBuilder, OneOfBuilder, Type},
};

use crate::{alert::Invalid, rollup::Ignore, time::UnixMillis};

pub use threshold::{Judged, Judgements, ThresholdState, Thresholds};

/// Longest time that anything is kept, in days: a hundred years.
pub const MAX_DAYS: f64 = 36_500.0;

/// Longest time that a threshold of a time can be, in milliseconds: an hour.
const MAX_MS: f64 = 3_600_000.0;

/// Tells a field that is `null` from one that is not there.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

macro_rules! chosen {
    ($(#[$doc:meta])* $name:ident, $(#[$change_doc:meta])* $change:ident {
        $($(#[$field_doc:meta])* $field:ident: $kind:ty),* $(,)?
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct $name {
            $($(#[$field_doc])* #[serde(skip_serializing_if = "Option::is_none")] pub $field: Option<$kind>,)*
        }

        $(#[$change_doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize, utoipa::ToSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $change {
            $(
                $(#[$field_doc])*
                #[serde(default, deserialize_with = "present")]
                #[schema(value_type = Option<$kind>)]
                pub $field: Option<Option<$kind>>,
            )*
        }

        impl $name {
            fn apply(&mut self, change: &$change) {
                $(if let Some(chosen) = change.$field { self.$field = chosen; })*
            }
        }

        impl $change {
            fn given(&self) -> Vec<&'static str> {
                let given = [$((stringify!($field), self.$field.is_some())),*];
                given.into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name).collect()
            }
        }
    };
}

chosen! {
    /// What was chosen of monitoring.
    ChosenMonitoring,
    /// What to change about monitoring.
    MonitoringChange {
        /// Whether alert rules and objectives are judged, and scheduled reports written.
        enabled: bool,
    }
}

chosen! {
    /// What was chosen of thresholds.
    ChosenThresholds,
    /// What to change about thresholds: a number, `"off"`, or `null` for the default.
    ThresholdsChange {
        /// Least service level, in per cent.
        sla_percent_min: Bound,
        /// Most for the 99th percentile of the time to first content, in milliseconds.
        ttft_p99_ms_max: Bound,
        /// Most for the share of requests that fail and count, in per cent.
        request_error_rate_percent_max: Bound,
        /// Most for the share of attempts that fail otherwise than by 429, 529 or the client's doing, in per cent.
        upstream_error_rate_percent_max: Bound,
    }
}

chosen! {
    /// What was chosen to be left out of numbers.
    ChosenIgnore,
    /// What to change about what is left out of numbers.
    IgnoreChange {
        /// Requests that count tokens and failed, with their attempts.
        count_tokens_errors: bool,
        /// Requests whose client went away.
        client_cancellations: bool,
        /// Requests without a known API key.
        invalid_api_keys: bool,
    }
}

chosen! {
    /// For how many days things were chosen to be kept.
    ChosenRetention,
    /// What to change about how long things are kept, in days; `null`: as the configuration says.
    RetentionChange {
        /// Errors and upstream events.
        errors_days: f64,
        /// Request rows.
        requests_days: f64,
        /// Replay copies.
        replay_days: f64,
        /// Issues without a failure.
        issues_days: f64,
        /// Roll-ups of minutes.
        rollup_minutes_days: f64,
        /// Roll-ups of hours.
        rollup_hours_days: f64,
        /// Roll-ups of days.
        rollup_days_days: f64,
        /// The audit log.
        audit_days: f64,
        /// The log of notifications.
        notifications_days: f64,
        /// Events of alerts that are over.
        alert_events_days: f64,
    }
}

/// Everything that was chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Chosen {
    /// Of monitoring.
    pub monitoring: ChosenMonitoring,
    /// Since when it is on or off, where that was ever changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monitoring_since: Option<UnixMillis>,
    /// Of thresholds.
    pub thresholds: ChosenThresholds,
    /// Of what is left out.
    pub ignore: ChosenIgnore,
    /// Of how long things are kept.
    pub retention: ChosenRetention,
}

/// What to change. What is absent stays as it is; `null` takes a choice back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingsChange {
    /// The version that was read. Where another one is in force, nothing is changed.
    pub version: Option<i64>,
    /// Monitoring.
    #[serde(default)]
    #[schema(value_type = Option<MonitoringChange>)]
    pub monitoring: MonitoringChange,
    /// Thresholds.
    #[serde(default)]
    #[schema(value_type = Option<ThresholdsChange>)]
    pub thresholds: ThresholdsChange,
    /// What is left out of numbers.
    #[serde(default)]
    #[schema(value_type = Option<IgnoreChange>)]
    pub ignore: IgnoreChange,
    /// For how long things are kept.
    #[serde(default)]
    #[schema(value_type = Option<RetentionChange>)]
    pub retention: RetentionChange,
}

/// A threshold as it was chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// At this value.
    At(f64),
    /// There is none.
    Off,
}

/// How [`Bound::Off`] is spelled.
const OFF: &str = "off";

/// Largest whole number that is surely one.
const WHOLE: f64 = 9_007_199_254_740_992.0;

impl Serialize for Bound {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Bound::Off => serializer.serialize_str(OFF),
            Bound::At(value) if value.fract() == 0.0 && value.abs() < WHOLE => {
                serializer.serialize_i64(value as i64)
            }
            Bound::At(value) => serializer.serialize_f64(value),
        }
    }
}

impl<'de> Deserialize<'de> for Bound {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Bound;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number or \"off\"")
            }
            fn visit_f64<E>(self, value: f64) -> Result<Bound, E> {
                Ok(Bound::At(value))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Bound, E> {
                Ok(Bound::At(value as f64))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Bound, E> {
                Ok(Bound::At(value as f64))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Bound, E> {
                match text {
                    OFF => Ok(Bound::Off),
                    other => Err(E::invalid_value(de::Unexpected::Str(other), &self)),
                }
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl utoipa::PartialSchema for Bound {
    fn schema() -> RefOr<Schema> {
        OneOfBuilder::new()
            .item(ObjectBuilder::new().schema_type(Type::Number))
            .item(
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .enum_values(Some([OFF])),
            )
            .into()
    }
}

impl utoipa::ToSchema for Bound {}

impl Bound {
    fn value(self) -> Option<f64> {
        match self {
            Bound::At(value) => Some(value),
            Bound::Off => None,
        }
    }
}

impl Chosen {
    /// What a change makes of it.
    pub fn changed(self, change: &SettingsChange, now: UnixMillis) -> Chosen {
        let mut next = self;
        next.monitoring.apply(&change.monitoring);
        next.thresholds.apply(&change.thresholds);
        next.ignore.apply(&change.ignore);
        next.retention.apply(&change.retention);
        if next.is_monitored() != self.is_monitored() {
            next.monitoring_since = Some(now);
        }
        next
    }

    /// The same, where monitoring was switched by a clock that was ahead and is right again: it was by now.
    pub fn switched_by(self, now: UnixMillis) -> Chosen {
        Chosen {
            monitoring_since: self.monitoring_since.map(|since| since.min(now)),
            ..self
        }
    }

    /// Whether alert rules and objectives are judged, and scheduled reports written.
    pub fn is_monitored(&self) -> bool {
        self.monitoring.enabled.unwrap_or(true)
    }

    /// Since when that goes on again, where it was ever off: what was before is nobody's alarm.
    pub fn monitored_since(&self) -> Option<UnixMillis> {
        self.monitoring_since.filter(|_| self.is_monitored())
    }

    /// What is left out of numbers.
    pub fn ignore(&self) -> Ignore {
        let default = Ignore::default();
        let chosen = &self.ignore;
        Ignore {
            count_tokens_errors: chosen
                .count_tokens_errors
                .unwrap_or(default.count_tokens_errors),
            client_cancellations: chosen
                .client_cancellations
                .unwrap_or(default.client_cancellations),
            invalid_api_keys: chosen.invalid_api_keys.unwrap_or(default.invalid_api_keys),
        }
    }

    /// The thresholds that what is read is held against.
    pub fn thresholds(&self) -> Thresholds {
        let default = Thresholds::default();
        let in_force = |chosen: Option<Bound>, default| chosen.map_or(default, Bound::value);
        let chosen = &self.thresholds;
        Thresholds {
            sla_percent_min: in_force(chosen.sla_percent_min, default.sla_percent_min),
            ttft_p99_ms_max: in_force(chosen.ttft_p99_ms_max, default.ttft_p99_ms_max),
            request_error_rate_percent_max: in_force(
                chosen.request_error_rate_percent_max,
                default.request_error_rate_percent_max,
            ),
            upstream_error_rate_percent_max: in_force(
                chosen.upstream_error_rate_percent_max,
                default.upstream_error_rate_percent_max,
            ),
        }
    }
}

impl SettingsChange {
    /// The names of what is to be changed.
    pub fn given(&self) -> Vec<String> {
        let parts = [
            ("monitoring", self.monitoring.given()),
            ("thresholds", self.thresholds.given()),
            ("ignore", self.ignore.given()),
            ("retention", self.retention.given()),
        ];
        let names = parts
            .into_iter()
            .flat_map(|(part, names)| names.into_iter().map(move |name| format!("{part}.{name}")));
        names.collect()
    }

    /// Whether everything in it can be accepted; the first thing that cannot, by its field.
    pub fn check(&self) -> Result<(), Invalid> {
        let thresholds = &self.thresholds;
        let percent = |value: f64| (0.0..=100.0).contains(&value);
        let ms = |value: f64| value > 0.0 && value <= MAX_MS && value.fract() == 0.0;
        for (field, given, is_within, needed) in [
            (
                "thresholds.sla_percent_min",
                thresholds.sla_percent_min,
                percent as fn(f64) -> bool,
                "a share from 0 to 100 per cent, or \"off\", is needed",
            ),
            (
                "thresholds.ttft_p99_ms_max",
                thresholds.ttft_p99_ms_max,
                ms,
                "whole milliseconds from 1 to 3,600,000, or \"off\", are needed",
            ),
            (
                "thresholds.request_error_rate_percent_max",
                thresholds.request_error_rate_percent_max,
                percent,
                "a share from 0 to 100 per cent, or \"off\", is needed",
            ),
            (
                "thresholds.upstream_error_rate_percent_max",
                thresholds.upstream_error_rate_percent_max,
                percent,
                "a share from 0 to 100 per cent, or \"off\", is needed",
            ),
        ] {
            let value = given.flatten().and_then(Bound::value);
            if value.is_some_and(|value| !is_within(value)) {
                return Err(invalid(field, needed));
            }
        }
        let kept = &self.retention;
        for (field, days) in [
            ("retention.errors_days", kept.errors_days),
            ("retention.requests_days", kept.requests_days),
            ("retention.replay_days", kept.replay_days),
            ("retention.issues_days", kept.issues_days),
            ("retention.rollup_minutes_days", kept.rollup_minutes_days),
            ("retention.rollup_hours_days", kept.rollup_hours_days),
            ("retention.rollup_days_days", kept.rollup_days_days),
            ("retention.audit_days", kept.audit_days),
            ("retention.notifications_days", kept.notifications_days),
            ("retention.alert_events_days", kept.alert_events_days),
        ] {
            if days
                .flatten()
                .is_some_and(|days| !(days > 0.0 && days < MAX_DAYS))
            {
                let needed = format!("a number of days above 0 and below {MAX_DAYS} is needed");
                return Err(invalid(field, &needed));
            }
        }
        Ok(())
    }
}

fn invalid(field: &'static str, problem: &str) -> Invalid {
    Invalid {
        field,
        problem: problem.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

    fn change(text: &str) -> SettingsChange {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn what_is_absent_stays_and_null_takes_a_choice_back() {
        let chosen = Chosen::default().changed(
            &change(
                r#"{"thresholds":{"sla_percent_min":99.9,"ttft_p99_ms_max":"off"},"retention":{"errors_days":14}}"#,
            ),
            NOW,
        );
        assert_eq!(chosen.thresholds().sla_percent_min, Some(99.9));
        assert_eq!(chosen.thresholds().ttft_p99_ms_max, None);
        let next = chosen.changed(
            &change(
                r#"{"thresholds":{"sla_percent_min":null},"ignore":{"invalid_api_keys":false}}"#,
            ),
            NOW,
        );
        assert_eq!(next.thresholds().sla_percent_min, Some(99.5));
        assert_eq!(next.thresholds().ttft_p99_ms_max, None);
        assert_eq!(next.retention.errors_days, Some(14.0));
        assert!(!next.ignore().invalid_api_keys);
        let text = serde_json::to_string(&next).unwrap();
        assert_eq!(serde_json::from_str::<Chosen>(&text).unwrap(), next);
        assert!(
            text.contains(r#""ttft_p99_ms_max":"off""#) && !text.contains("sla"),
            "{text}"
        );
        // A newer program's document is read as far as it is understood.
        assert_eq!(
            serde_json::from_str::<Chosen>(r#"{"moods":{"x":1}}"#).unwrap(),
            Chosen::default()
        );
    }

    #[test]
    fn since_when_monitoring_goes_on_is_known_where_it_was_ever_off() {
        let chosen = Chosen::default();
        assert_eq!(
            (chosen.is_monitored(), chosen.monitored_since()),
            (true, None)
        );
        // What is chosen as it is anyway changes nothing.
        let same = chosen.changed(&change(r#"{"monitoring":{"enabled":true}}"#), NOW);
        assert_eq!(same.monitored_since(), None);
        let off = same.changed(&change(r#"{"monitoring":{"enabled":false}}"#), NOW);
        assert_eq!((off.is_monitored(), off.monitored_since()), (false, None));
        let on = off.changed(
            &change(r#"{"monitoring":{"enabled":null}}"#),
            NOW.plus_ms(5),
        );
        assert_eq!(
            (on.is_monitored(), on.monitored_since()),
            (true, Some(NOW.plus_ms(5)))
        );
    }

    #[test]
    fn what_is_out_of_bounds_is_named() {
        for (text, field) in [
            (
                r#"{"thresholds":{"sla_percent_min":100.1}}"#,
                "thresholds.sla_percent_min",
            ),
            (
                r#"{"thresholds":{"ttft_p99_ms_max":0}}"#,
                "thresholds.ttft_p99_ms_max",
            ),
            (
                r#"{"thresholds":{"ttft_p99_ms_max":1.5}}"#,
                "thresholds.ttft_p99_ms_max",
            ),
            (
                r#"{"thresholds":{"request_error_rate_percent_max":-1}}"#,
                "thresholds.request_error_rate_percent_max",
            ),
            (
                r#"{"thresholds":{"upstream_error_rate_percent_max":1e300}}"#,
                "thresholds.upstream_error_rate_percent_max",
            ),
            (
                r#"{"retention":{"errors_days":0}}"#,
                "retention.errors_days",
            ),
            (
                r#"{"retention":{"alert_events_days":36500}}"#,
                "retention.alert_events_days",
            ),
        ] {
            assert_eq!(change(text).check().unwrap_err().field, field, "{text}");
        }
        for text in [
            "{}",
            r#"{"thresholds":{"sla_percent_min":0,"ttft_p99_ms_max":"off"}}"#,
            r#"{"retention":{"audit_days":0.5,"issues_days":null}}"#,
        ] {
            change(text).check().unwrap();
        }
        for text in [
            r#"{"thresholds":{"mood":1}}"#,
            r#"{"thresholds":{"sla_percent_min":"on"}}"#,
            r#"{"thresholds":{"sla_percent_min":true}}"#,
            r#"{"mood":1}"#,
        ] {
            assert!(
                serde_json::from_str::<SettingsChange>(text).is_err(),
                "{text}"
            );
        }
    }
}
