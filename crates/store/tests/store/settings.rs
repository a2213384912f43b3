//! The contract of the store about settings, written against the interface alone.

use crate::common::{Fixture, Subject};
use waybill_model::{
    alert::{AlertRuleBody, Evidence, Phase, Said, Subject as Scope, default_rules},
    settings::{Bound, Chosen, SettingsChange},
    time::UnixMillis,
};
use waybill_store::{Judged, Round, RoundReport, RuleRound, Store, StoreError, StoredSettings};

on_both! {
    nobody_chose_anything_until_somebody_does,
    nobody_writes_over_what_they_have_not_seen,
    of_many_who_change_something_each_change_stays,
    what_was_chosen_is_part_of_the_configuration,
    while_monitoring_is_off_no_round_is_taken_in_and_what_is_pending_begins_anew,
}

const THEN: UnixMillis = UnixMillis(1_800_000_000_000);

fn minute(number: i64) -> UnixMillis {
    THEN.plus_ms(number * 60_000)
}

fn change(text: &str) -> SettingsChange {
    serde_json::from_str(text).unwrap()
}

async fn set(store: &Store, text: &str, now: UnixMillis) -> StoredSettings {
    let by = Some("ada".to_owned());
    store.change_settings(change(text), by, now).await.unwrap()
}

async fn nobody_chose_anything_until_somebody_does(subject: Subject) {
    let f = Fixture::on(subject).await;
    assert_eq!(f.store.settings().await.unwrap(), StoredSettings::default());
    let text = r#"{"thresholds":{"sla_percent_min":"off"},"retention":{"errors_days":1.5}}"#;
    let changed = set(&f.store, text, THEN).await;
    assert_eq!((changed.version, changed.updated_at), (1, Some(THEN)));
    assert_eq!(changed.updated_by.as_deref(), Some("ada"));
    assert_eq!(changed.chosen.thresholds.sla_percent_min, Some(Bound::Off));
    assert_eq!(changed.chosen.retention.errors_days, Some(1.5));
    assert_eq!(f.store.settings().await.unwrap(), changed);
    // The same once more is no change.
    assert_eq!(set(&f.store, text, minute(1)).await, changed);
    let text = r#"{"thresholds":{"sla_percent_min":null},"retention":{"errors_days":null}}"#;
    let back = set(&f.store, text, minute(2)).await;
    assert_eq!((back.version, back.chosen), (2, Chosen::default()));
}

async fn nobody_writes_over_what_they_have_not_seen(subject: Subject) {
    let f = Fixture::on(subject).await;
    set(
        &f.store,
        r#"{"version":0,"ignore":{"invalid_api_keys":false}}"#,
        THEN,
    )
    .await;
    let late = change(r#"{"version":0,"ignore":{"invalid_api_keys":true}}"#);
    let refused = f.store.change_settings(late, None, minute(1)).await;
    assert!(
        matches!(refused, Err(StoreError::Outdated { found: 1 })),
        "{refused:?}"
    );
    let settings = f.store.settings().await.unwrap();
    assert!(!settings.chosen.ignore().invalid_api_keys);
}

async fn of_many_who_change_something_each_change_stays(subject: Subject) {
    let f = Fixture::on(subject).await;
    let kinds = ["errors", "requests", "replay", "issues", "audit"];
    let changes = kinds.map(|kind| {
        let (store, text) = (
            f.store.clone(),
            format!(r#"{{"retention":{{"{kind}_days":3}}}}"#),
        );
        tokio::spawn(async move { set(&store, &text, THEN).await })
    });
    for change in changes {
        change.await.unwrap();
    }
    let StoredSettings {
        version, chosen, ..
    } = f.store.settings().await.unwrap();
    let kept = chosen.retention;
    assert_eq!(version, 5);
    assert_eq!(
        [
            kept.errors_days,
            kept.requests_days,
            kept.replay_days,
            kept.issues_days,
            kept.audit_days
        ],
        [Some(3.0); 5]
    );
}

async fn what_was_chosen_is_part_of_the_configuration(subject: Subject) {
    let f = Fixture::on(subject).await;
    let version = |f: &Fixture| {
        let sql = "SELECT config_version FROM deployment";
        f.url.as_ref().map(|_| f.sql(sql))
    };
    let before = version(&f);
    let changed = set(
        &f.store,
        r#"{"ignore":{"client_cancellations":true}}"#,
        THEN,
    )
    .await;
    assert_eq!(
        f.store.load_config().await.unwrap().settings,
        changed.chosen
    );
    // Other replicas are told.
    if before.is_some() {
        assert_ne!(version(&f), before);
    }
}

async fn round(store: &Store, at: UnixMillis, said: Said) -> RoundReport {
    let rule = store.alert_rules().await.unwrap().remove(0);
    let body = &rule.body;
    let evidence = Evidence {
        rule_name: body.name.clone(),
        about: None,
        metric: body.metric,
        unit: body.metric.info().unit,
        operator: body.operator,
        threshold: body.threshold,
        value: Some(7.25),
        samples: 40,
        window_minutes: body.window_minutes,
        sentence: "7.25 % of 40 requests failed".to_owned(),
        note: String::new(),
    };
    let judged = vec![Judged {
        subject: "all".to_owned(),
        scope: Scope::default(),
        said,
        evidence,
    }];
    let rules = vec![RuleRound {
        rule,
        judged,
        is_whole: true,
    }];
    let losses = None;
    let round = Round {
        at,
        rules,
        waiting: Vec::new(),
        losses,
    };
    store.alert_round(round).await.unwrap()
}

async fn while_monitoring_is_off_no_round_is_taken_in_and_what_is_pending_begins_anew(
    subject: Subject,
) {
    let f = Fixture::on(subject).await;
    let body = AlertRuleBody {
        sustained_minutes: 2,
        cooldown_minutes: 0,
        ..default_rules().remove(0)
    };
    f.store
        .save_alert_rule(None, body, None, THEN)
        .await
        .unwrap();
    round(&f.store, minute(1), Said::Breach).await;
    let stands = f.store.alert_stands().await.unwrap();
    assert_eq!(stands[0].phase, Phase::Pending);
    set(&f.store, r#"{"monitoring":{"enabled":false}}"#, minute(2)).await;
    assert_eq!(f.store.alert_stands().await.unwrap(), []);
    let ignored = round(&f.store, minute(5), Said::Breach).await;
    assert_eq!(ignored, RoundReport::default());
    assert_eq!(f.store.alert_marks().await.unwrap().evaluated_to, minute(1));
    let on = set(&f.store, r#"{"monitoring":{"enabled":null}}"#, minute(6)).await;
    assert_eq!(on.chosen.monitored_since(), Some(minute(6)));
    // It was broken before and is now, which is not four minutes.
    let fired = async |number, said| round(&f.store, minute(number), said).await.fired;
    assert_eq!(fired(7, Said::Breach).await, 0);
    assert_eq!(fired(8, Said::Breach).await, 0);
    assert_eq!(fired(9, Said::Breach).await, 1);
    // What goes on goes on, whatever is switched.
    set(&f.store, r#"{"monitoring":{"enabled":false}}"#, minute(10)).await;
    set(&f.store, r#"{"monitoring":{"enabled":true}}"#, minute(20)).await;
    assert_eq!(
        f.store.alert_stands().await.unwrap()[0].phase,
        Phase::Firing
    );
    assert_eq!(fired(21, Said::Breach).await, 0);
    // By a clock that was ahead.
    let switched = async |by| {
        f.store.monitoring_switched_by(minute(by)).await.unwrap();
        let stored = f.store.settings().await.unwrap();
        (stored.version, stored.chosen.monitored_since())
    };
    let (version, since) = switched(30).await;
    assert_eq!(since, Some(minute(20)));
    assert_eq!(switched(15).await, (version, Some(minute(15))));
}
