//! One round: every rule that is on, judged at one moment.

use std::sync::Arc;

use waybill_model::{
    alert::{AlertRule, AlertRuleBody, Evidence, Reading, Said, sentence},
    rollup::Span,
    time::UnixMillis,
};
use waybill_store::{Judged, Round, RuleRound, StoreError};

use super::read::{Found, Reader};
use crate::app::Shared;

/// A request that is over is counted so much later at most: what is younger is not looked at yet.
const SETTLES_AFTER_MS: i64 = 3_000;

/// Judges every rule, once for each minute that is over, while monitoring is on. Says what began and what is over.
pub async fn evaluate(shared: &Arc<Shared>) -> Result<String, String> {
    let say = |error: StoreError| error.to_string();
    let chosen = shared.chosen();
    if !chosen.is_monitored() {
        return Ok(String::new());
    }
    let at = Span::Minute.begin(shared.clock.now().plus_ms(-SETTLES_AFTER_MS));
    if at <= shared.store.alerts_evaluated_to().await.map_err(say)? {
        return Ok(String::new());
    }
    shared.store.seed_alert_rules(at).await.map_err(say)?;
    let rules = shared.store.alert_rules().await.map_err(say)?;
    let mut reader = Reader::new(shared, at, &chosen);
    let mut judged = Vec::new();
    for rule in rules.into_iter().filter(|rule| rule.body.enabled) {
        // What one rule cannot read is no reason to leave the others alone.
        match reader.read(&rule.body).await {
            Ok(found) => judged.push(of_rule(rule, found)),
            Err(error) => {
                tracing::warn!(rule = rule.body.name, %error, "an alert rule could not be evaluated")
            }
        }
    }
    let round = Round { at, rules: judged };
    let report = shared.store.alert_round(round).await.map_err(say)?;
    if report.told > 0 {
        shared.notifier.ring();
    }
    Ok(match (report.fired, report.resolved) {
        (0, 0) => String::new(),
        (fired, resolved) => format!("{fired} alerts fired, {resolved} are resolved"),
    })
}

fn of_rule(rule: AlertRule, found: Vec<Found>) -> RuleRound {
    let judged = found
        .into_iter()
        .map(|found| Judged {
            said: match found.is_watched {
                true => rule.body.judge(found.reading),
                false => Said::Nothing,
            },
            evidence: evidence(&rule.body, found.reading, found.about),
            subject: found.subject,
            scope: found.scope,
        })
        .collect();
    RuleRound { rule, judged }
}

/// What is kept of a reading.
pub(super) fn evidence(rule: &AlertRuleBody, reading: Reading, about: Option<String>) -> Evidence {
    Evidence {
        rule_name: rule.name.clone(),
        metric: rule.metric,
        unit: rule.metric.info().unit,
        operator: rule.operator,
        threshold: rule.threshold,
        value: reading.value,
        samples: reading.samples,
        window_minutes: rule.window_minutes,
        sentence: sentence(rule, reading, about.as_deref()),
        note: rule.note.clone(),
        about,
    }
}

/// The beginning of a window of so many minutes that ends at `at`.
pub(super) fn begin(at: UnixMillis, minutes: u32) -> UnixMillis {
    at.plus_ms(-i64::from(minutes) * Span::Minute.millis())
}
