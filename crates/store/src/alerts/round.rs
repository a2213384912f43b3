//! A round: what every rule reads now, and what follows from it, all at once.

use std::collections::HashMap;

use waybill_model::{
    alert::{AlertRule, Evidence, MetricKind, News, Phase, Said, Silence, Stand, Subject, turn},
    rollup::Span,
    time::UnixMillis,
};

use super::{
    events::{self, Ending},
    issue, losses,
    marks::{self, AlertMarks},
    written,
};
use crate::{
    Store, settings,
    sql::{Db, Result, values},
};

/// What a rule says of one of its subjects.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// As a key: `all`, `account:3`.
    pub subject: String,
    /// What of.
    pub scope: Subject,
    /// What it says.
    pub said: Said,
    /// What was read.
    pub evidence: Evidence,
}

/// A rule, and what it says. Subjects that it was firing for, and that are not among these, are well; issues only when
/// they are resolved or ignored, or escalate no longer.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleRound {
    /// The rule, as it was read.
    pub rule: AlertRule,
    /// What it says.
    pub judged: Vec<Judged>,
    /// Whether that is of all its subjects: one that is not among them is well. Otherwise nothing is said of it.
    pub is_whole: bool,
}

/// All rules that could be read of a minute.
#[derive(Debug, Clone, PartialEq)]
pub struct Round {
    /// The moment that it is of.
    pub at: UnixMillis,
    /// What each says.
    pub rules: Vec<RuleRound>,
    /// Rules that wait for what they look at: their turn of this minute is still to come.
    pub waiting: Vec<i64>,
    /// How many records were lost until then, in all; `None`: nobody looked.
    pub losses: Option<u64>,
}

/// What a round did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RoundReport {
    /// Events that began.
    pub fired: u64,
    /// Events that are over.
    pub resolved: u64,
    /// Notices that were put into the outbox.
    pub told: u64,
}

impl Store {
    /// Takes a round in: turns every stand, begins and ends events. Of a rule that is evaluated up to then already
    /// nothing is taken in: whoever else evaluates was quicker, or the clock went back. Nor is anything while
    /// monitoring is off, whoever read it before that.
    pub async fn alert_round(&self, round: Round) -> Result<RoundReport> {
        self.desk.change(move |db| take_in(db, &round)).await
    }

    /// Lets evaluation go on from an instant that lies before what is evaluated: the clock was ahead, and is right
    /// again. What was noted in a time that has not come yet is as of now.
    pub async fn alerts_begin_anew(&self, at: UnixMillis) -> Result<()> {
        self.desk
            .change(move |db| {
                let sql = "UPDATE alert_progress SET evaluated_to = ?1 WHERE id = 1 AND evaluated_to > ?1";
                if db.execute(sql, values![at])? == 0 {
                    return Ok(());
                }
                let sql = "DELETE FROM alert_waits WHERE evaluated_to >= ?1";
                db.execute(sql, values![at])?;
                for column in ["since", "ended_at", "seen_at"] {
                    let sql = format!("UPDATE alert_stands SET {column} = ?1 WHERE {column} > ?1");
                    db.execute(&sql, values![at])?;
                }
                if let Some(total) = losses::last(db)? {
                    losses::forget_after(db, at)?;
                    losses::note(db, at, total)?;
                }
                Ok(())
            })
            .await
    }
}

fn take_in(db: &dyn Db, round: &Round) -> Result<RoundReport> {
    let mut report = RoundReport::default();
    if !settings::chosen(db)?.is_monitored() {
        return Ok(report);
    }
    begin_progress(db)?;
    // Locks the row: of two rounds one sees what the other has noted.
    let sql = "UPDATE alert_progress SET evaluated_to = evaluated_to WHERE id = 1";
    db.execute(sql, &[])?;
    let marks = AlertMarks::load(db)?;
    let is_new = round.at > marks.evaluated_to;
    if is_new {
        let sql = "UPDATE alert_progress SET evaluated_to = ?1 WHERE id = 1";
        db.execute(sql, values![round.at])?;
        if let Some(total) = round.losses {
            losses::note(db, round.at, total)?;
        }
    }
    let silences: Vec<Silence> = written::all(db)?;
    let rules: HashMap<i64, AlertRule> = written::all(db)?
        .into_iter()
        .map(|rule: AlertRule| (rule.id, rule))
        .collect();
    for of_rule in &round.rules {
        // What was judged by another wording is not taken in: the next round reads the new one.
        let id = of_rule.rule.id;
        let is_current = rules
            .get(&id)
            .is_some_and(|now| now.body == of_rule.rule.body && now.body.enabled);
        if is_current && round.at > marks.of(id) {
            turn_rule(db, of_rule, &silences, round.at, &mut report)?;
            match round.at >= marks.evaluated_to {
                true => marks::caught_up(db, id)?,
                false => marks::wait(db, id, round.at)?,
            }
        }
    }
    // Before the first round nothing was missed but this minute.
    let before = match marks.evaluated_to.0 {
        0 => round.at.plus_ms(-Span::Minute.millis()),
        _ => marks.evaluated_to,
    };
    for id in &round.waiting {
        let waits = rules.get(id).is_some_and(|rule| rule.body.enabled);
        if is_new && waits && !marks.waiting.contains_key(id) {
            marks::wait(db, *id, before)?;
        }
    }
    report.told += events::tell_of_unsilenced(db, &silences, round.at)?;
    Ok(report)
}

fn turn_rule(
    db: &dyn Db,
    of_rule: &RuleRound,
    silences: &[Silence],
    at: UnixMillis,
    report: &mut RoundReport,
) -> Result<()> {
    let rule = &of_rule.rule;
    let mut stands = stands(db, rule.id)?;
    let (timing, metric) = (rule.body.timing(), rule.body.metric);
    for judged in &of_rule.judged {
        let stand = stands.remove(&judged.subject);
        let (next, news) = turn(stand.unwrap_or(Stand::well(at)), judged.said, timing, at);
        keep(db, rule.id, &judged.subject, stand, next)?;
        match news {
            Some(News::Fired) => {
                report.told += events::begin(db, rule, judged, silences, at)?;
                report.fired += 1;
            }
            Some(News::Resolved) => {
                let ending = Ending::Read(&judged.evidence);
                report.told += events::end(db, rule.id, &judged.subject, &ending, at)?;
                report.resolved += 1;
            }
            None => {}
        }
    }
    let said = match of_rule.is_whole {
        true => Said::Well,
        false => Said::Nothing,
    };
    for (subject, stand) in stands {
        let mut ending = Ending::Gone;
        if metric.info().kind == MetricKind::Issue && stand.is_firing() {
            let state = issue::state_of(db, &subject)?;
            if state.is_some_and(|state| issue::goes_on(metric, state)) {
                continue;
            }
            ending = Ending::OfIssue(state);
        }
        let (next, news) = turn(stand, said, timing, at);
        keep(db, rule.id, &subject, Some(stand), next)?;
        if news == Some(News::Resolved) {
            report.told += events::end(db, rule.id, &subject, &ending, at)?;
            report.resolved += 1;
        }
    }
    Ok(())
}

fn stands(db: &dyn Db, rule: i64) -> Result<HashMap<String, Stand>> {
    let sql =
        "SELECT subject, phase, since, ended_at, seen_at FROM alert_stands WHERE rule_id = ?1";
    let rows = db.rows(sql, values![rule], |cells| {
        Ok((
            cells.next()?,
            Stand {
                phase: cells.word("phase")?,
                since: cells.time()?,
                ended_at: cells.next()?,
                seen_at: cells.time()?,
            },
        ))
    })?;
    Ok(rows.into_iter().collect())
}

/// Forgets what is broken and was not told yet: between two times of monitoring nothing is broken for long. What goes
/// on goes on, and nothing waits to be judged.
pub(crate) fn begin_anew(db: &dyn Db) -> Result<()> {
    marks::all_caught_up(db)?;
    let (pending, cooling) = (Phase::Pending.as_str(), Phase::Cooling.as_str());
    // Of what rests after an event, that it does stays known.
    let sql = "UPDATE alert_stands SET phase = ?2 WHERE phase = ?1 AND ended_at IS NOT NULL";
    db.execute(sql, values![pending, cooling])?;
    let sql = "DELETE FROM alert_stands WHERE phase = ?1";
    db.execute(sql, values![pending]).map(drop)
}

/// What is known of progress, from nothing on.
pub(super) fn begin_progress(db: &dyn Db) -> Result<()> {
    let sql = "INSERT INTO alert_progress (id, seeded, evaluated_to) VALUES (1, ?1, 0) ON CONFLICT (id) DO NOTHING";
    db.execute(sql, values![false]).map(drop)
}

/// Nothing is kept of what is well: that is how everything begins.
pub(super) fn keep(
    db: &dyn Db,
    rule: i64,
    subject: &str,
    before: Option<Stand>,
    next: Stand,
) -> Result<()> {
    if before == Some(next) {
        return Ok(());
    }
    if next.phase == Phase::Well && next.ended_at.is_none() {
        return match before {
            None => Ok(()),
            Some(_) => db
                .execute(
                    "DELETE FROM alert_stands WHERE rule_id = ?1 AND subject = ?2",
                    values![rule, subject],
                )
                .map(drop),
        };
    }
    db.execute(
        "INSERT INTO alert_stands (rule_id, subject, phase, since, ended_at, seen_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (rule_id, subject) DO UPDATE SET phase = excluded.phase, since = excluded.since,
         ended_at = excluded.ended_at, seen_at = excluded.seen_at",
        values![
            rule,
            subject,
            next.phase.as_str(),
            next.since,
            next.ended_at,
            next.seen_at
        ],
    )
    .map(drop)
}
