//! The contract of the store about alerts, written against the interface alone.

use crate::common::{Fixture, Subject, failure, first_page};
use waybill_model::{
    alert::{
        AlertEvent, AlertRule, AlertRuleBody, EventStatus, Evidence, Metric, Operator, Phase, Said,
        SilenceBody, Subject as Scope, Unit, default_rules,
    },
    cause::Severity,
    entity::Sealed,
    id::AccountId,
    issue::{Ignore, IssueFilter, IssueSort, Settings},
    notify::{ChannelBody, ChannelKind, Notice, NoticeKind},
    objective::ObjectiveBody,
    time::UnixMillis,
};
use waybill_store::{
    DeliveryFilter, EventChange, IssueChange, Judged, NewChannel, Round, RoundReport, RuleRound,
    Store, StoreError,
};

on_both! {
    rules_of_a_new_installation_are_written_once,
    what_is_written_has_a_name_of_its_own_and_says_who_wrote_it,
    an_event_begins_once_and_ends_once,
    a_moment_is_evaluated_once_and_an_older_one_never,
    a_rule_that_waits_keeps_no_other_waiting_and_has_its_turn_of_each_minute,
    what_waits_is_forgotten_with_what_it_waited_for,
    what_a_silence_covers_happens_and_is_told_when_it_still_goes_on_afterwards,
    somebody_takes_an_event_up_and_says_that_it_is_over,
    a_rule_that_is_switched_off_or_removed_leaves_nothing_that_goes_on,
    a_subject_that_is_gone_is_well,
    an_issue_that_gets_older_is_not_over,
    of_a_round_that_is_not_of_all_nothing_is_said_of_the_others,
    after_a_clock_that_was_ahead_evaluation_begins_anew,
    what_was_lost_is_known_as_of_then,
    of_many_that_evaluate_at_once_one_is_taken_in,
    channels_are_told_of_a_begin_and_of_its_end_and_of_nothing_that_is_silenced,
    events_that_are_over_go_by_their_age_unless_the_outbox_speaks_of_them,
}

const THEN: UnixMillis = UnixMillis(1_800_000_000_000);

fn minute(number: i64) -> UnixMillis {
    THEN.plus_ms(number * 60_000)
}

fn body(name: &str) -> AlertRuleBody {
    AlertRuleBody {
        name: name.to_owned(),
        sustained_minutes: 0,
        cooldown_minutes: 0,
        ..default_rules().remove(0)
    }
}

fn judged(subject: &str, said: Said) -> Judged {
    let value = match said {
        Said::Breach => 7.25,
        Said::Well | Said::Nothing => 1.5,
    };
    Judged {
        subject: subject.to_owned(),
        scope: Scope {
            account_id: Some(AccountId(3)),
            ..Scope::default()
        },
        said,
        evidence: Evidence {
            rule_name: "r".to_owned(),
            about: None,
            metric: Metric::ErrorRate,
            unit: Unit::Percent,
            operator: Operator::AtLeast,
            threshold: 5.0,
            value: Some(value),
            samples: 40,
            window_minutes: 5,
            sentence: format!("{value} % of 40 requests failed"),
            note: String::new(),
        },
    }
}

async fn rule(store: &Store, name: &str) -> AlertRule {
    let saved = store.save_alert_rule(None, body(name), None, THEN).await;
    saved.unwrap()
}

async fn round(
    store: &Store,
    rule: &AlertRule,
    at: UnixMillis,
    says: &[(&str, Said)],
) -> RoundReport {
    let round = Round {
        at,
        rules: vec![RuleRound {
            rule: rule.clone(),
            judged: says
                .iter()
                .map(|(subject, said)| judged(subject, *said))
                .collect(),
            is_whole: true,
        }],
        waiting: Vec::new(),
        losses: None,
    };
    store.alert_round(round).await.unwrap()
}

async fn events(store: &Store, status: Option<EventStatus>) -> Vec<AlertEvent> {
    let list = store.alert_events(status, None, &first_page(100)).await;
    list.unwrap().items
}

async fn rules_of_a_new_installation_are_written_once(subject: Subject) {
    let f = Fixture::on(subject).await;
    f.store.seed_alert_rules(THEN).await.unwrap();
    let rules = f.store.alert_rules().await.unwrap();
    assert_eq!(rules.len(), default_rules().len());
    assert_eq!(rules[0].body, default_rules()[0]);
    let first = rules[0].id;
    f.store.remove_alert_rule(first, None, THEN).await.unwrap();
    f.store.seed_alert_rules(THEN).await.unwrap();
    let rules = f.store.alert_rules().await.unwrap();
    assert!(rules.iter().all(|rule| rule.id != first));
}

async fn what_is_written_has_a_name_of_its_own_and_says_who_wrote_it(subject: Subject) {
    let f = Fixture::on(subject).await;
    let one = rule(&f.store, "one").await;
    assert_eq!(one.updated_by, None);
    let taken = f.store.save_alert_rule(None, body("one"), None, THEN).await;
    assert!(
        matches!(taken, Err(StoreError::NameTaken { .. })),
        "{taken:?}"
    );
    let changed = f
        .store
        .save_alert_rule(Some(one.id), body("uno"), Some("ada".to_owned()), minute(1))
        .await
        .unwrap();
    assert_eq!((changed.created_at, changed.updated_at), (THEN, minute(1)));
    assert_eq!(changed.updated_by.as_deref(), Some("ada"));
    assert_eq!(f.store.alert_rules().await.unwrap(), [changed]);
    let missing = f
        .store
        .save_alert_rule(Some(99), body("x"), None, THEN)
        .await;
    assert!(
        matches!(missing, Err(StoreError::NotFound { id: 99, .. })),
        "{missing:?}"
    );

    let text = r#"{"name": "claude", "target_percent": 99.5}"#;
    let objective: ObjectiveBody = serde_json::from_str(text).unwrap();
    let saved = f
        .store
        .save_objective(None, objective.clone(), None, THEN)
        .await
        .unwrap();
    assert_eq!(saved.body, objective);
    let taken = f.store.save_objective(None, objective, None, THEN).await;
    assert!(matches!(taken, Err(StoreError::NameTaken { .. })));
    f.store.remove_objective(saved.id).await.unwrap();
    assert_eq!(f.store.objectives().await.unwrap(), []);
}

async fn an_event_begins_once_and_ends_once(subject: Subject) {
    let f = Fixture::on(subject).await;
    let rule = rule(&f.store, "r").await;
    for number in 1..4 {
        let report = round(&f.store, &rule, minute(number), &[("all", Said::Breach)]).await;
        assert_eq!((report.fired, report.resolved), (u64::from(number == 1), 0));
    }
    let firing = events(&f.store, Some(EventStatus::Firing)).await;
    assert_eq!(firing.len(), 1);
    assert_eq!(firing[0].evidence, judged("all", Said::Breach).evidence);
    assert_eq!((firing[0].fired_at, firing[0].told), (minute(1), true));
    let stands = f.store.alert_stands().await.unwrap();
    assert_eq!(stands[0].phase, Phase::Firing);
    for number in 4..6 {
        let report = round(&f.store, &rule, minute(number), &[("all", Said::Well)]).await;
        assert_eq!(report.resolved, u64::from(number == 4));
    }
    let all = events(&f.store, None).await;
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].status, EventStatus::Resolved);
    assert_eq!(
        (all[0].resolved_at, &all[0].resolved_by),
        (Some(minute(4)), &None)
    );
    assert_eq!(f.store.alert_stands().await.unwrap(), []);
}

async fn a_moment_is_evaluated_once_and_an_older_one_never(subject: Subject) {
    let f = Fixture::on(subject).await;
    let rule = rule(&f.store, "r").await;
    round(&f.store, &rule, minute(5), &[("all", Said::Breach)]).await;
    for older in [5, 4, 1] {
        let report = round(&f.store, &rule, minute(older), &[("all", Said::Well)]).await;
        assert_eq!(report, RoundReport::default());
    }
    assert_eq!(f.store.alert_marks().await.unwrap().evaluated_to, minute(5));
    assert_eq!(events(&f.store, Some(EventStatus::Firing)).await.len(), 1);
}

async fn a_rule_that_waits_keeps_no_other_waiting_and_has_its_turn_of_each_minute(
    subject: Subject,
) {
    let f = Fixture::on(subject).await;
    let slow = rule(&f.store, "slow").await;
    let quick = rule(&f.store, "quick").await;
    let says = |rule: &AlertRule, said| RuleRound {
        rule: rule.clone(),
        judged: vec![judged("all", said)],
        is_whole: true,
    };
    let take_in = async |number, rules, waiting| {
        let at = minute(number);
        let round = Round {
            at,
            rules,
            waiting,
            losses: None,
        };
        f.store.alert_round(round).await.unwrap()
    };
    let marks = async || {
        let marks = f.store.alert_marks().await.unwrap();
        (marks.of(quick.id), marks.of(slow.id))
    };
    // Before the first round, this minute alone was missed.
    take_in(5, vec![says(&quick, Said::Well)], vec![slow.id]).await;
    assert_eq!(marks().await, (minute(5), minute(4)));
    take_in(6, vec![says(&quick, Said::Breach)], vec![slow.id]).await;
    take_in(7, vec![says(&quick, Said::Breach)], vec![slow.id]).await;
    assert_eq!(marks().await, (minute(7), minute(4)));
    // Whoever was slower says of a minute again that the rule waits, or what another said of it.
    let report = take_in(5, vec![says(&slow, Said::Breach)], Vec::new()).await;
    assert_eq!(report.fired, 1);
    assert_eq!(marks().await, (minute(7), minute(5)));
    let report = take_in(5, vec![says(&slow, Said::Well)], vec![slow.id]).await;
    assert_eq!(report, RoundReport::default());
    let report = take_in(6, vec![says(&quick, Said::Well)], vec![slow.id]).await;
    assert_eq!(
        (report.resolved, marks().await),
        (0, (minute(7), minute(5)))
    );
    let report = take_in(7, vec![says(&slow, Said::Well)], Vec::new()).await;
    assert_eq!(report.resolved, 1);
    assert_eq!(marks().await, (minute(7), minute(7)));
    assert_eq!(f.store.alert_marks().await.unwrap().waiting.len(), 0);
}

async fn what_waits_is_forgotten_with_what_it_waited_for(subject: Subject) {
    let f = Fixture::on(subject).await;
    let slow = rule(&f.store, "slow").await;
    let waits = async |number| {
        let round = Round {
            at: minute(number),
            rules: Vec::new(),
            waiting: vec![slow.id],
            losses: None,
        };
        f.store.alert_round(round).await.unwrap();
        f.store.alert_marks().await.unwrap().waiting.len()
    };
    assert_eq!(waits(1).await, 1);
    // Of another wording nothing was missed.
    let saved = f
        .store
        .save_alert_rule(Some(slow.id), body("other"), None, THEN)
        .await;
    saved.unwrap();
    assert_eq!(f.store.alert_marks().await.unwrap().of(slow.id), minute(1));
    assert_eq!(waits(2).await, 1);
    f.store.alerts_begin_anew(minute(1)).await.unwrap();
    assert_eq!(f.store.alert_marks().await.unwrap().of(slow.id), minute(1));
    assert_eq!(waits(3).await, 1);
    f.store
        .remove_alert_rule(slow.id, None, THEN)
        .await
        .unwrap();
    assert_eq!(waits(4).await, 0);
}

async fn what_a_silence_covers_happens_and_is_told_when_it_still_goes_on_afterwards(
    subject: Subject,
) {
    let f = Fixture::on(subject).await;
    let rule = rule(&f.store, "r").await;
    let silence = SilenceBody {
        rule_id: Some(rule.id),
        platform: None,
        group_id: None,
        account_id: None,
        until: minute(3),
        note: "we know".to_owned(),
    };
    f.store
        .save_silence(None, silence, Some("ada".to_owned()), THEN)
        .await
        .unwrap();
    round(&f.store, &rule, minute(1), &[("all", Said::Breach)]).await;
    assert!(!events(&f.store, None).await[0].told);
    round(&f.store, &rule, minute(2), &[("all", Said::Breach)]).await;
    assert!(!events(&f.store, None).await[0].told);
    round(&f.store, &rule, minute(3), &[("all", Said::Breach)]).await;
    assert!(events(&f.store, None).await[0].told);
}

async fn somebody_takes_an_event_up_and_says_that_it_is_over(subject: Subject) {
    let f = Fixture::on(subject).await;
    let rule = rule(&f.store, "r").await;
    round(&f.store, &rule, minute(1), &[("all", Said::Breach)]).await;
    let id = events(&f.store, None).await[0].id;
    let change = |change, by: &str, at| {
        f.store
            .change_alert_event(id, change, Some(by.to_owned()), at)
    };
    change(EventChange::Acknowledge, "ada", minute(2))
        .await
        .unwrap();
    let event = change(EventChange::Acknowledge, "bob", minute(3))
        .await
        .unwrap();
    assert_eq!(event.acknowledged_by.as_deref(), Some("ada"));
    assert_eq!(event.status, EventStatus::Firing);
    let event = change(EventChange::Resolve, "ada", minute(4))
        .await
        .unwrap();
    assert_eq!(event.status, EventStatus::ManualResolved);
    assert_eq!(event.resolved_by.as_deref(), Some("ada"));
    // It is broken still: nobody wants to hear that again.
    let report = round(&f.store, &rule, minute(5), &[("all", Said::Breach)]).await;
    assert_eq!(report.fired, 0);
    round(&f.store, &rule, minute(6), &[("all", Said::Well)]).await;
    let report = round(&f.store, &rule, minute(7), &[("all", Said::Breach)]).await;
    assert_eq!(report.fired, 1);
}

async fn a_rule_that_is_switched_off_or_removed_leaves_nothing_that_goes_on(subject: Subject) {
    let f = Fixture::on(subject).await;
    let (off, gone) = (rule(&f.store, "off").await, rule(&f.store, "gone").await);
    round(&f.store, &off, minute(1), &[("all", Said::Breach)]).await;
    round(&f.store, &gone, minute(2), &[("all", Said::Breach)]).await;
    let disabled = AlertRuleBody {
        enabled: false,
        ..body("off")
    };
    f.store
        .save_alert_rule(Some(off.id), disabled, None, minute(3))
        .await
        .unwrap();
    f.store
        .remove_alert_rule(gone.id, Some("ada".to_owned()), minute(4))
        .await
        .unwrap();
    assert_eq!(events(&f.store, Some(EventStatus::Firing)).await, []);
    assert_eq!(f.store.alert_stands().await.unwrap(), []);
    // What was read by the old wording comes too late.
    let report = round(&f.store, &off, minute(5), &[("all", Said::Breach)]).await;
    assert_eq!(report, RoundReport::default());
}

async fn a_subject_that_is_gone_is_well(subject: Subject) {
    let f = Fixture::on(subject).await;
    let rule = rule(&f.store, "r").await;
    let both = [("account:1", Said::Breach), ("account:2", Said::Breach)];
    assert_eq!(round(&f.store, &rule, minute(1), &both).await.fired, 2);
    let report = round(&f.store, &rule, minute(2), &both[..1]).await;
    assert_eq!(report.resolved, 1);
    let firing = events(&f.store, Some(EventStatus::Firing)).await;
    assert_eq!(firing[0].subject, "account:1");
}

async fn an_issue_that_gets_older_is_not_over(subject: Subject) {
    let mut f = Fixture::on(subject).await;
    f.write(&[failure(1)]).await;
    let settings = Settings { quiet_ms: None };
    let now = waybill_model::issue::HOUR_MS;
    let now = failure(1).request.unwrap().subject.created_at.plus_ms(now);
    f.store.fold_issues(settings, now).await.unwrap();
    let all = IssueFilter::default();
    let page = first_page(1);
    let found = f.store.issues(&all, IssueSort::Impact, &page, now).await;
    let text = found.unwrap().items[0].fingerprint.clone();
    let subject = format!("issue:{text}");
    let change = async |change: IssueChange| {
        let key = waybill_model::issue::hex::key(&text).unwrap();
        let changed = f.store.change_issue(key, change, None, None, settings, now);
        changed.await.unwrap();
    };
    let body = AlertRuleBody {
        metric: Metric::NewIssue,
        ..body("r")
    };
    let saved = f.store.save_alert_rule(None, body, None, THEN).await;
    let rule = saved.unwrap();
    let found = [(subject.as_str(), Said::Breach)];
    assert_eq!(round(&f.store, &rule, minute(1), &found).await.fired, 1);
    // It is not new any longer, and the rule does not find it: nothing is over by that.
    change(IssueChange::Reopen).await;
    assert_eq!(round(&f.store, &rule, minute(2), &[]).await.resolved, 0);
    change(IssueChange::Ignore(Ignore::default())).await;
    assert_eq!(round(&f.store, &rule, minute(3), &[]).await.resolved, 1);
}

async fn of_many_that_evaluate_at_once_one_is_taken_in(subject: Subject) {
    let f = Fixture::on(subject).await;
    let rule = rule(&f.store, "r").await;
    let tries: Vec<_> = (0..8)
        .map(|_| {
            let (store, rule) = (f.store.clone(), rule.clone());
            tokio::spawn(
                async move { round(&store, &rule, minute(1), &[("all", Said::Breach)]).await },
            )
        })
        .collect();
    let mut fired = 0;
    for tried in tries {
        fired += tried.await.unwrap().fired;
    }
    assert_eq!(fired, 1);
    assert_eq!(events(&f.store, None).await.len(), 1);
}

async fn channels_are_told_of_a_begin_and_of_its_end_and_of_nothing_that_is_silenced(
    subject: Subject,
) {
    let f = Fixture::on(subject).await;
    let channel = NewChannel {
        body: ChannelBody {
            name: "on call".to_owned(),
            enabled: true,
            kind: ChannelKind::Webhook,
            min_severity: Severity::P1,
            group_seconds: 0,
            max_per_hour: None,
            send_resolved: true,
            email: None,
        },
        secrets: Sealed(vec![1]),
    };
    f.store.create_channel(channel, THEN).await.unwrap();
    let rule = rule(&f.store, "r").await;
    let silence = SilenceBody {
        rule_id: None,
        platform: None,
        group_id: None,
        account_id: None,
        until: minute(3),
        note: String::new(),
    };
    f.store
        .save_silence(None, silence, None, THEN)
        .await
        .unwrap();
    // Begins and ends in silence.
    round(&f.store, &rule, minute(1), &[("all", Said::Breach)]).await;
    round(&f.store, &rule, minute(2), &[("all", Said::Well)]).await;
    assert_eq!(waiting(&f.store).await, []);
    // Begins in silence, and outlasts it.
    for number in [5, 6, 7] {
        round(&f.store, &rule, minute(number), &[("all", Said::Breach)]).await;
    }
    round(&f.store, &rule, minute(9), &[("all", Said::Well)]).await;
    round(&f.store, &rule, minute(10), &[("all", Said::Well)]).await;
    let told = waiting(&f.store).await;
    let [begin, end] = told.as_slice() else {
        panic!("{told:?}");
    };
    assert_eq!(begin.kind, NoticeKind::AlertFired);
    assert_eq!(begin.value, Some(7.25));
    // An end says what was read then.
    assert_eq!(end.kind, NoticeKind::AlertResolved);
    assert_eq!(end.value, Some(1.5));
    assert_eq!(end.sentence, "1.5 % of 40 requests failed");
    assert_eq!(
        (begin.started_at, end.ended_at),
        (minute(5), Some(minute(9)))
    );
    // Or who said so.
    round(&f.store, &rule, minute(12), &[("all", Said::Breach)]).await;
    round(&f.store, &rule, minute(13), &[("all", Said::Breach)]).await;
    let firing = events(&f.store, Some(EventStatus::Firing)).await;
    let by = Some("ada".to_owned());
    f.store
        .change_alert_event(firing[0].id, EventChange::Resolve, by, minute(14))
        .await
        .unwrap();
    let end = waiting(&f.store).await.pop().unwrap();
    assert_eq!(end.value, None);
    assert!(
        end.sentence.starts_with("ada says that it is over."),
        "{}",
        end.sentence
    );
}

/// What waits in the outbox, in order.
async fn waiting(store: &Store) -> Vec<Notice> {
    let all = DeliveryFilter {
        start: THEN,
        end: minute(1_000),
        channel_id: None,
        state: None,
        kind: None,
        event_id: None,
    };
    let log = store.notifications(&all, &first_page(100)).await.unwrap();
    let all = log.items.into_iter().map(|delivery| delivery.notice);
    all.rev().collect()
}

async fn of_a_round_that_is_not_of_all_nothing_is_said_of_the_others(subject: Subject) {
    let f = Fixture::on(subject).await;
    let rule = rule(&f.store, "r").await;
    round(&f.store, &rule, minute(1), &[("issue:1", Said::Breach)]).await;
    let some = |at, is_whole| Round {
        at,
        rules: vec![RuleRound {
            rule: rule.clone(),
            judged: vec![judged("issue:2", Said::Breach)],
            is_whole,
        }],
        waiting: Vec::new(),
        losses: None,
    };
    let report = f.store.alert_round(some(minute(2), false)).await.unwrap();
    assert_eq!((report.fired, report.resolved), (1, 0));
    let report = f.store.alert_round(some(minute(3), true)).await.unwrap();
    assert_eq!((report.fired, report.resolved), (0, 1));
}

async fn after_a_clock_that_was_ahead_evaluation_begins_anew(subject: Subject) {
    let f = Fixture::on(subject).await;
    let rule = rule(&f.store, "r").await;
    let day = 24 * 60;
    round(&f.store, &rule, minute(day), &[("all", Said::Breach)]).await;
    // Not before it.
    f.store.alerts_begin_anew(minute(2 * day)).await.unwrap();
    assert_eq!(
        f.store.alert_marks().await.unwrap().evaluated_to,
        minute(day)
    );
    f.store.alerts_begin_anew(minute(5)).await.unwrap();
    assert_eq!(f.store.alert_marks().await.unwrap().evaluated_to, minute(5));
    assert_eq!(f.store.alert_stands().await.unwrap()[0].since, minute(5));
    let report = round(&f.store, &rule, minute(6), &[("all", Said::Well)]).await;
    assert_eq!(report.resolved, 1);
}

async fn what_was_lost_is_known_as_of_then(subject: Subject) {
    let f = Fixture::on(subject).await;
    let rounds = [(1, 0), (2, 0), (3, 7), (4, 7), (5, 9)];
    for (number, losses) in rounds {
        let round = Round {
            at: minute(number),
            rules: Vec::new(),
            waiting: Vec::new(),
            losses: Some(losses),
        };
        f.store.alert_round(round).await.unwrap();
    }
    assert_eq!(f.store.losses_until(minute(0)).await.unwrap(), None);
    for (number, losses) in rounds {
        let known = f.store.losses_until(minute(number)).await.unwrap();
        assert_eq!(known, Some(losses));
    }
    // A clock that was ahead: nothing counts twice.
    f.store.alerts_begin_anew(minute(4)).await.unwrap();
    assert_eq!(f.store.losses_until(minute(4)).await.unwrap(), Some(9));
}

async fn channel(store: &Store, name: &str) {
    let channel = NewChannel {
        body: ChannelBody {
            name: name.to_owned(),
            enabled: true,
            kind: ChannelKind::Webhook,
            min_severity: Severity::P3,
            group_seconds: 0,
            max_per_hour: None,
            send_resolved: true,
            email: None,
        },
        secrets: Sealed(vec![1]),
    };
    store.create_channel(channel, THEN).await.unwrap();
}

async fn events_that_are_over_go_by_their_age_unless_the_outbox_speaks_of_them(subject: Subject) {
    let f = Fixture::on(subject).await;
    let rule = rule(&f.store, "r").await;
    let says = |said: [Said; 3]| [("a", said[0]), ("b", said[1]), ("c", said[2])];
    use Said::{Breach, Well};
    // `a` ends at 2, `b` at 5, `c` goes on.
    let begun = round(&f.store, &rule, minute(1), &says([Breach, Breach, Breach])).await;
    assert_eq!((begun.fired, begun.told), (3, 0), "there is no channel");
    round(&f.store, &rule, minute(2), &says([Well, Breach, Breach])).await;
    round(&f.store, &rule, minute(5), &says([Well, Well, Breach])).await;
    let subjects = async || {
        let all = events(&f.store, None).await;
        let mut subjects: Vec<String> = all.into_iter().map(|event| event.subject).collect();
        subjects.sort();
        subjects
    };
    assert_eq!(f.store.forget_alert_events(minute(2)).await.unwrap(), 0);
    assert_eq!(f.store.forget_alert_events(minute(3)).await.unwrap(), 1);
    assert_eq!(subjects().await, ["b", "c"]);
    // Somebody is told of what begins now, and can open it for as long as the log says so.
    channel(&f.store, "ops").await;
    round(&f.store, &rule, minute(6), &says([Breach, Well, Breach])).await;
    let ended = round(&f.store, &rule, minute(7), &says([Well, Well, Breach])).await;
    assert_eq!((ended.resolved, ended.told), (1, 1));
    assert_eq!(f.store.forget_alert_events(minute(99)).await.unwrap(), 1);
    assert_eq!(subjects().await, ["a", "c"]);
}
