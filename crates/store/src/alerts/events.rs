//! Events: what went wrong, since when, who took it up, and how it ended.

use waybill_model::{
    alert::{AlertEvent, AlertRule, AlertRuleBody, EventStatus, RuleStand, Silence, Stand},
    id::ChannelId,
    notify::{Notice, NoticeKind},
    time::UnixMillis,
    view::{List, Page},
};

use super::round::{Judged, keep};
use crate::{
    Kind, Store, StoreError,
    entities::json,
    notify,
    sql::{Cells, Db, Result, int, values},
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
        let (number, size) = (page.page.max(1), page.page_size.max(1));
        self.readers
            .run(move |db| {
                let which = "(CAST(?1 AS TEXT) IS NULL OR status = ?1) AND (CAST(?2 AS BIGINT) IS NULL OR rule_id = ?2)";
                let status = status.map(EventStatus::as_str);
                let sql = format!("SELECT count(*) FROM alert_events WHERE {which}");
                let total = db.count(&sql, values![status, rule])?;
                let sql = format!(
                    "SELECT {COLUMNS} FROM alert_events WHERE {which} ORDER BY id DESC LIMIT ?3 OFFSET ?4"
                );
                let before = u64::from(number - 1) * u64::from(size);
                let items = db.rows(&sql, values![status, rule, size, int(before)], read)?;
                Ok(List {
                    items,
                    total,
                    page: number,
                    page_size: size,
                    next_cursor: None,
                    total_is_estimate: false,
                })
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
        end(db, rule, subject, EventStatus::ManualResolved, by, now)?;
    }
    let sql = "DELETE FROM alert_stands WHERE rule_id = ?1";
    db.execute(sql, values![rule]).map(drop)
}

fn dismiss(db: &dyn Db, rule: i64, subject: &str, by: Option<&str>, now: UnixMillis) -> Result<()> {
    end(db, rule, subject, EventStatus::ManualResolved, by, now)?;
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
        Some(event) if told => tell(db, &event, at),
        _ => Ok(0),
    }
}

/// Ends the event of a subject that goes on, if one does. Answers how many channels are told.
pub(super) fn end(
    db: &dyn Db,
    rule: i64,
    subject: &str,
    status: EventStatus,
    by: Option<&str>,
    at: UnixMillis,
) -> Result<u64> {
    let sql = format!(
        "UPDATE alert_events SET status = ?3, resolved_at = ?4, resolved_by = ?5
         WHERE rule_id = ?1 AND subject = ?2 AND status = 'firing' RETURNING {COLUMNS}"
    );
    let ended = db.first(&sql, values![rule, subject, status.as_str(), at, by], read)?;
    match ended {
        // Who was not told that it began is not told that it is over.
        Some(event) if event.told => tell(db, &event, at),
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
            told += tell(db, &event, at)?;
        }
    }
    Ok(told)
}

/// Puts into the outbox that an event began, or that it is over.
fn tell(db: &dyn Db, event: &AlertEvent, at: UnixMillis) -> Result<u64> {
    let only = channels_of(db, event.rule_id)?;
    notify::put(db, &notice(event), &only, at)
}

/// The channels that a rule names; none: all of them. Those of a rule that is gone are known no longer.
fn channels_of(db: &dyn Db, rule: i64) -> Result<Vec<ChannelId>> {
    let sql = "SELECT body FROM alert_rules WHERE id = ?1";
    let body: Option<AlertRuleBody> = db.first(sql, values![rule], |cells| cells.json("body"))?;
    let channels = body.map(|body| body.channels).unwrap_or_default();
    Ok(channels.into_iter().map(ChannelId).collect())
}

fn notice(event: &AlertEvent) -> Notice {
    let evidence = &event.evidence;
    Notice {
        kind: match event.status {
            EventStatus::Firing => NoticeKind::AlertFired,
            EventStatus::Resolved | EventStatus::ManualResolved => NoticeKind::AlertResolved,
        },
        topic: Notice::topic_of_event(event.id),
        event_id: Some(event.id),
        severity: event.severity,
        title: evidence.rule_name.clone(),
        sentence: evidence.sentence.clone(),
        text: evidence.note.clone(),
        rule: Some(evidence.rule_name.clone()),
        subject: evidence.about.clone(),
        metric: Some(evidence.metric),
        value: evidence.value,
        threshold: Some(evidence.threshold),
        unit: Some(evidence.unit),
        started_at: event.fired_at,
        ended_at: event.resolved_at,
        path: Some(format!("/alerts/{}", event.id)),
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
