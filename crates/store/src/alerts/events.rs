//! Events: what went wrong, since when, who took it up, and how it ended.

use waybill_model::{
    alert::{
        AlertEvent, AlertRule, AlertRuleBody, EventStatus, Evidence, MetricKind, RuleStand,
        Silence, Stand,
    },
    id::ChannelId,
    issue::IssueState,
    notify::{Notice, NoticeKind},
    time::UnixMillis,
    view::{List, Page},
};

use super::{
    issue,
    round::{Judged, keep},
};
use crate::{
    Kind, Store, StoreError,
    entities::json,
    notify,
    query::numbered::Numbered,
    sql::{Cells, Db, Result, values},
};

/// In the order in which `read` reads them.
const COLUMNS: &str = "id, rule_id, subject, severity, status, fired_at, resolved_at, resolved_by, acknowledged_at, \
    acknowledged_by, told, evidence, scope";

/// What somebody does about an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventChange {
    /// Takes it up.
    Acknowledge,
    /// Says that it is over. The rule does not fire for it again before it was well in between.
    Resolve,
}

impl Store {
    /// Events, newest first: all, or those of one status, or of one rule.
    pub async fn alert_events(
        &self,
        status: Option<EventStatus>,
        rule: Option<i64>,
        page: &Page,
    ) -> Result<List<AlertEvent>> {
        let page = page.clone();
        self.readers
            .run(move |db| {
                let all = Numbered {
                    columns: COLUMNS,
                    from: "alert_events",
                    table: "alert_events",
                    which: "(CAST(?1 AS TEXT) IS NULL OR status = ?1) AND (CAST(?2 AS BIGINT) IS NULL OR rule_id = ?2)",
                    values: values![status.map(EventStatus::as_str), rule],
                    order: "id DESC",
                };
                all.page(db, &page, read)
            })
            .await
    }

    /// One event.
    pub async fn alert_event(&self, id: i64) -> Result<Option<AlertEvent>> {
        self.readers.run(move |db| one(db, id)).await
    }

    /// Changes an event. Who comes second changes nothing.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn change_alert_event(
        &self,
        id: i64,
        change: EventChange,
        by: Option<String>,
        now: UnixMillis,
    ) -> Result<AlertEvent> {
        let missing = move || StoreError::NotFound {
            kind: Kind::AlertEvent,
            id,
        };
        self.desk
            .change(move |db| {
                let event = one(db, id)?.ok_or_else(missing)?;
                match change {
                    EventChange::Acknowledge => {
                        db.execute(
                            "UPDATE alert_events SET acknowledged_at = ?2, acknowledged_by = ?3
                             WHERE id = ?1 AND acknowledged_at IS NULL",
                            values![id, now, by.as_deref()],
                        )?;
                    }
                    EventChange::Resolve if event.status == EventStatus::Firing => {
                        dismiss(db, event.rule_id, &event.subject, by.as_deref(), now)?;
                    }
                    EventChange::Resolve => {}
                }
                one(db, id)?.ok_or_else(missing)
            })
            .await
    }

    /// Where rules stand, for what is not well.
    pub async fn alert_stands(&self) -> Result<Vec<RuleStand>> {
        self.readers
            .run(|db| {
                let sql = "SELECT rule_id, subject, phase, since FROM alert_stands ORDER BY rule_id, subject";
                db.rows(sql, &[], |cells| {
                    Ok(RuleStand {
                        rule_id: cells.next()?,
                        subject: cells.next()?,
                        phase: cells.word("phase")?,
                        since: cells.time()?,
                    })
                })
            })
            .await
    }
}

/// Ends by hand every event of a rule that goes on, and forgets where the rule stood.
pub(super) fn end_all(db: &dyn Db, rule: i64, by: Option<&str>, now: UnixMillis) -> Result<()> {
    let sql = "SELECT subject FROM alert_events WHERE rule_id = ?1 AND status = ?2";
    let firing = values![rule, EventStatus::Firing.as_str()];
    let subjects: Vec<String> = db.rows(sql, firing, |cells| cells.next())?;
    for subject in &subjects {
        end(db, rule, subject, &Ending::ByHand(by), now)?;
    }
    let sql = "DELETE FROM alert_stands WHERE rule_id = ?1";
    db.execute(sql, values![rule]).map(drop)
}

fn dismiss(db: &dyn Db, rule: i64, subject: &str, by: Option<&str>, now: UnixMillis) -> Result<()> {
    end(db, rule, subject, &Ending::ByHand(by), now)?;
    keep(db, rule, subject, None, Stand::dismissed(now))
}

/// Begins an event. Of a subject whose event goes on nothing begins. Answers how many channels are told.
pub(super) fn begin(
    db: &dyn Db,
    rule: &AlertRule,
    judged: &Judged,
    silences: &[Silence],
    at: UnixMillis,
) -> Result<u64> {
    let told = !silences
        .iter()
        .any(|silence| silence.body.covers(rule.id, &judged.scope, at));
    let event = db.first(
        &format!(
            "INSERT INTO alert_events (rule_id, subject, severity, status, fired_at, told, evidence, scope)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING RETURNING {COLUMNS}"
        ),
        values![
            rule.id,
            &judged.subject,
            rule.body.severity.as_str(),
            EventStatus::Firing.as_str(),
            at,
            told,
            json(&judged.evidence)?,
            json(&judged.scope)?
        ],
        read,
    )?;
    match event {
        Some(event) if told => tell(db, &event, None, at),
        _ => Ok(0),
    }
}

/// By what an event ends.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ending<'a> {
    /// By what was read.
    Read(&'a Evidence),
    /// What it is about is not among what the rule found.
    Gone,
    /// The issue is in this state now; `None`: it is gone.
    OfIssue(Option<IssueState>),
    /// Somebody said so, or changed the rule; `None`: the gateway itself.
    ByHand(Option<&'a str>),
}

impl Ending<'_> {
    const fn status(&self) -> EventStatus {
        match self {
            Ending::Read(_) | Ending::Gone | Ending::OfIssue(_) => EventStatus::Resolved,
            Ending::ByHand(_) => EventStatus::ManualResolved,
        }
    }

    /// The value and the sentence that it is told with.
    fn said(&self, begun: &Evidence) -> (Option<f64>, String) {
        match self {
            Ending::Read(last) => (last.value, last.sentence.clone()),
            Ending::Gone => (None, gone(begun)),
            Ending::OfIssue(state) => {
                let about = begun.about.as_deref().unwrap_or("The issue");
                (None, issue::sentence(about, *state))
            }
            Ending::ByHand(by) => (
                None,
                format!(
                    "{} says that it is over. It began with: {}",
                    by.unwrap_or("The gateway"),
                    begun.sentence
                ),
            ),
        }
    }
}

/// What is said of the end of something that a rule does not find any longer.
fn gone(begun: &Evidence) -> String {
    let about = begun.about.as_deref().unwrap_or("What it is about");
    match begun.metric.info().kind {
        MetricKind::Account => {
            format!("{about} is not down any longer: it serves again, or is not to.")
        }
        MetricKind::Issue
        | MetricKind::Window
        | MetricKind::Pool
        | MetricKind::Objective
        | MetricKind::Books => {
            format!("{about} is not there any longer.")
        }
    }
}

/// Ends the event of a subject that goes on, if one does. Answers how many channels are told.
pub(super) fn end(
    db: &dyn Db,
    rule: i64,
    subject: &str,
    ending: &Ending<'_>,
    at: UnixMillis,
) -> Result<u64> {
    let (status, by) = match ending {
        Ending::ByHand(by) => (ending.status(), *by),
        Ending::Read(_) | Ending::Gone | Ending::OfIssue(_) => (ending.status(), None),
    };
    let sql = format!(
        "UPDATE alert_events SET status = ?3, resolved_at = ?4, resolved_by = ?5
         WHERE rule_id = ?1 AND subject = ?2 AND status = 'firing' RETURNING {COLUMNS}"
    );
    let ended = db.first(&sql, values![rule, subject, status.as_str(), at, by], read)?;
    match ended {
        // Who was not told that it began is not told that it is over.
        Some(event) if event.told => tell(db, &event, Some(ending), at),
        _ => Ok(0),
    }
}

/// Tells of events that go on, and that no silence covers any longer. Answers how many channels are told.
pub(super) fn tell_of_unsilenced(db: &dyn Db, silences: &[Silence], at: UnixMillis) -> Result<u64> {
    let mut told = 0;
    let sql = format!("SELECT {COLUMNS} FROM alert_events WHERE status = 'firing' AND told <> ?1");
    for mut event in db.rows(&sql, values![true], read)? {
        let is_covered = silences
            .iter()
            .any(|silence| silence.body.covers(event.rule_id, &event.scope, at));
        if !is_covered {
            let sql = "UPDATE alert_events SET told = ?2 WHERE id = ?1";
            db.execute(sql, values![event.id, true])?;
            event.told = true;
            told += tell(db, &event, None, at)?;
        }
    }
    Ok(told)
}

/// Puts into the outbox that an event began, or by what it ended.
fn tell(
    db: &dyn Db,
    event: &AlertEvent,
    ending: Option<&Ending<'_>>,
    at: UnixMillis,
) -> Result<u64> {
    let only = channels_of(db, event.rule_id)?;
    notify::put(db, &notice(event, ending), &only, at)
}

/// The channels that a rule names; none: all of them. Those of a rule that is gone are known no longer.
fn channels_of(db: &dyn Db, rule: i64) -> Result<Vec<ChannelId>> {
    let sql = "SELECT body FROM alert_rules WHERE id = ?1";
    let body: Option<AlertRuleBody> = db.first(sql, values![rule], |cells| cells.json("body"))?;
    let channels = body.map(|body| body.channels).unwrap_or_default();
    Ok(channels.into_iter().map(ChannelId).collect())
}

fn notice(event: &AlertEvent, ending: Option<&Ending<'_>>) -> Notice {
    let evidence = &event.evidence;
    let (kind, (value, sentence)) = match ending {
        None => (
            NoticeKind::AlertFired,
            (evidence.value, evidence.sentence.clone()),
        ),
        Some(ending) => (NoticeKind::AlertResolved, ending.said(evidence)),
    };
    Notice {
        kind,
        topic: Notice::topic_of_event(event.id),
        event_id: Some(event.id),
        severity: event.severity,
        title: evidence.rule_name.clone(),
        sentence,
        text: evidence.note.clone(),
        rule: Some(evidence.rule_name.clone()),
        subject: evidence.about.clone(),
        metric: Some(evidence.metric),
        value,
        threshold: Some(evidence.threshold),
        unit: Some(evidence.unit),
        started_at: event.fired_at,
        ended_at: event.resolved_at,
        path: Some(format!("/console/alerts?event={}", event.id)),
        report: None,
    }
}

fn one(db: &dyn Db, id: i64) -> Result<Option<AlertEvent>> {
    let sql = format!("SELECT {COLUMNS} FROM alert_events WHERE id = ?1");
    db.first(&sql, values![id], read)
}

fn read(cells: &mut Cells<'_>) -> Result<AlertEvent> {
    Ok(AlertEvent {
        id: cells.next()?,
        rule_id: cells.next()?,
        subject: cells.next()?,
        severity: cells.word("severity")?,
        status: cells.word("status")?,
        fired_at: cells.time()?,
        resolved_at: cells.next()?,
        resolved_by: cells.next()?,
        acknowledged_at: cells.next()?,
        acknowledged_by: cells.next()?,
        told: cells.next()?,
        evidence: cells.json("evidence")?,
        scope: cells.json("scope")?,
    })
}
