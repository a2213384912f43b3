//! What was promised and what was reached: day by day, and what does not count, with why.
//!
//! A statement is read by people who would rather not believe it: each number can be opened down to the requests
//! behind it, by the list's filters that stand beside it.

use std::collections::BTreeMap;

use serde::Serialize;
use waybill_model::{
    alert::Objective,
    cause::{Cause, Owner},
    classify::RULES_VERSION,
    objective::{Budget, Counted, ObjectiveBody, Side},
    rollup::{Bucket, CauseCount, Class, Side as Of, Span},
    time::UnixMillis,
    view::{ErrorLog, Filter, Page, Sort, View},
};
use waybill_store::{JudgedBy, RollupOf, RollupQuery, StoreError};

use super::level::{measures, of_bucket, scope};
use crate::app::Shared;

/// Failures of one ledger.
const MOST_LINES: usize = 100_000;

/// One day, in UTC, or the part of it that lies in the window.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct StatedDay {
    /// Where it begins.
    pub start_time: UnixMillis,
    /// What counted.
    pub counted: Counted,
    /// What was reached; `null` where nothing counted.
    pub achieved_percent: Option<f64>,
}

/// Failures of one kind that do not count.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = ExcludedFailures)]
pub struct Exclusion {
    /// What happened.
    pub cause: Cause,
    /// Whose fault.
    pub owner: Owner,
    /// How often.
    pub count: u64,
    /// The rule by which it does not count.
    pub rule: &'static str,
    /// The version of that rule.
    pub rules_version: u32,
}

/// A statement.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Statement {
    /// What is promised.
    pub objective: Objective,
    /// Where the window begins.
    pub start_time: UnixMillis,
    /// Where it ends.
    pub end_time: UnixMillis,
    /// What counted in it.
    pub counted: Counted,
    /// What was reached, and what is left.
    pub budget: Budget,
    /// The same, by day.
    pub days: Vec<StatedDay>,
    /// What failed and does not count, by kind, the most frequent first: requests, or, of the provider's side, attempts.
    pub exclusions: Vec<Exclusion>,
    /// The version of the rules that say what counts.
    pub rules_version: u32,
    /// The version of the operator's classification rules that is in force; 0: there are none. Which of them decided
    /// about a failure is in the ledger.
    pub classification_version: i64,
    /// Whether each request that does not count is still there to be listed in the ledger: failures are kept for a
    /// shorter time than their counts.
    pub ledger_complete: bool,
    /// Whether every request that is stored is counted.
    pub is_complete: bool,
}

/// The statement of a window.
pub async fn of(
    shared: &Shared,
    objective: Objective,
    start: UnixMillis,
    end: UnixMillis,
) -> Result<Statement, StoreError> {
    let body = &objective.body;
    let query = RollupQuery {
        // Of days the first would begin before the window, and count.
        step: Some(Span::Hour),
        sketches: measures(body.goal),
        ignore: shared.chosen().ignore(),
        ..RollupQuery::whole(start, end, RollupOf::One(scope(body)))
    };
    let answer = shared.store.rollups(query).await?;
    let days = days(body, &answer.buckets, answer.start);
    let total = answer.total();
    let counted = of_bucket(body, &total);
    let exclusions = exclusions(body.side, &total.causes, &answer.left_out.causes);
    // The last minute goes on: nothing is stated of what is to come of it.
    let end_time = answer.end.min(shared.clock.now().plus_ms(1));
    let window = (answer.start, end_time);
    let classification_version = shared.store.classification_rules().await?.version;
    Ok(Statement {
        start_time: answer.start,
        end_time,
        ledger_complete: match body.side {
            Side::Client => is_whole(shared, body, window, listed(&exclusions)).await?,
            Side::Provider => false,
        },
        classification_version,
        counted,
        budget: body.budget(counted),
        days,
        exclusions,
        rules_version: RULES_VERSION,
        is_complete: answer.is_complete,
        objective,
    })
}

/// Hours, put together to days: the first one begins with the window.
fn days(body: &ObjectiveBody, hours: &[Bucket], start: UnixMillis) -> Vec<StatedDay> {
    let mut days: BTreeMap<UnixMillis, Counted> = BTreeMap::new();
    for hour in hours {
        let counted = of_bucket(body, hour);
        let day = days
            .entry(Span::Day.begin(hour.start).max(start))
            .or_default();
        day.total += counted.total;
        day.bad += counted.bad;
    }
    let stated = days.into_iter().map(|(start_time, counted)| StatedDay {
        start_time,
        counted,
        achieved_percent: counted.good_percent(),
    });
    stated.collect()
}

/// What does not count, and what the settings leave out: a line per kind, the most frequent first. Causes are told
/// apart by more than kinds are: by phase and by status.
fn exclusions(side: Side, causes: &[CauseCount], left_out: &[CauseCount]) -> Vec<Exclusion> {
    let all = causes.iter().filter_map(|found| excluded(side, found));
    let left_out = left_out.iter().filter_map(|found| left_out_of(side, found));
    let mut kinds: Vec<Exclusion> = Vec::new();
    for one in all.chain(left_out) {
        let same = |kind: &&mut Exclusion| {
            (kind.cause, kind.owner, kind.rule) == (one.cause, one.owner, one.rule)
        };
        match kinds.iter_mut().find(same) {
            Some(kind) => kind.count += one.count,
            None => kinds.push(one),
        }
    }
    let name = |kind: &Exclusion| (kind.cause.as_str(), kind.owner.as_str(), kind.rule);
    kinds.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| name(a).cmp(&name(b))));
    kinds
}

/// What of a side's failures does not count. An attempt counts that failed by a limit: limits are what providers have.
fn excluded(side: Side, found: &CauseCount) -> Option<Exclusion> {
    let why = found.why;
    let (of_side, is_limited) = match side {
        Side::Client => (Of::Failed, why.is_business_limited),
        Side::Provider => (Of::Attempt, false),
    };
    if why.side != of_side {
        return None;
    }
    let class = Class::of(why.cause, why.owner, is_limited);
    rule_of(class).map(|rule| Exclusion {
        cause: why.cause,
        owner: why.owner,
        count: found.count,
        rule,
        rules_version: RULES_VERSION,
    })
}

/// Why a failure does not count that would.
const LEFT_OUT: &str = "ignored: requests that count tokens, which the settings leave out";

/// What the settings leave out of what clients saw.
fn left_out_of(side: Side, found: &CauseCount) -> Option<Exclusion> {
    let kept = Exclusion {
        cause: found.why.cause,
        owner: found.why.owner,
        count: found.count,
        rule: LEFT_OUT,
        rules_version: RULES_VERSION,
    };
    match side {
        Side::Client => Some(excluded(side, found).unwrap_or(kept)),
        Side::Provider => None,
    }
}

/// How many failures a ledger is to have. What the settings leave out is among those that count, and not in it.
fn listed(exclusions: &[Exclusion]) -> u64 {
    let listed = exclusions.iter().filter(|one| one.rule != LEFT_OUT);
    listed.map(|one| one.count).sum()
}

/// Whether as many failures are there as do not count.
async fn is_whole(
    shared: &Shared,
    body: &ObjectiveBody,
    (start, end): (UnixMillis, UnixMillis),
    wanted: u64,
) -> Result<bool, StoreError> {
    let (count, are_more) = shared.store.count_errors(&filter(body, start, end)).await?;
    // Beyond what is counted, age tells.
    let kept = i64::try_from(shared.retention().errors.as_millis()).unwrap_or(i64::MAX);
    let is_young = start.0 >= shared.clock.now().0.saturating_sub(kept);
    Ok(match are_more && count < wanted {
        true => is_young,
        false => count >= wanted,
    })
}

fn filter(body: &ObjectiveBody, start: UnixMillis, end: UnixMillis) -> Filter {
    Filter {
        view: View::Excluded,
        platform: body.platform,
        group_id: body.group_id,
        model: body.model.clone(),
        ..Filter::between(start, end)
    }
}

/// Why a class does not count; `None`: it does.
fn rule_of(class: Class) -> Option<&'static str> {
    match class {
        Class::Success | Class::Failure => None,
        Class::ClientError => Some("client_error: the request was at fault, not who served it"),
        Class::BusinessLimited => Some("business_limited: a limit that was agreed with the client"),
        Class::ClientGone => Some("client_gone: nobody was there any longer to be served"),
    }
}

/// The window, its days, and what does not count, as a table of lines of three kinds.
pub fn csv(statement: &Statement) -> String {
    let mut text = String::from(
        "line,start_time,end_time,counted,bad,achieved_percent,cause,error_owner,excluded,rule,rules_version\n",
    );
    let counted = |counted: Counted, achieved: Option<f64>| {
        let achieved = achieved.map(|percent| format!("{percent:.4}"));
        let achieved = achieved.unwrap_or_default();
        format!("{},{},{achieved}", counted.total, counted.bad)
    };
    let version = statement.rules_version;
    let mut lines = vec![format!(
        "window,{},{},{},,,,,{version}",
        statement.start_time,
        statement.end_time,
        counted(statement.counted, statement.budget.achieved_percent)
    )];
    for day in &statement.days {
        let end = Span::Day.end(day.start_time).min(statement.end_time);
        lines.push(format!(
            "day,{},{end},{},,,,,{version}",
            day.start_time,
            counted(day.counted, day.achieved_percent)
        ));
    }
    for one in &statement.exclusions {
        lines.push(format!(
            "exclusion,{},{},,,,{},{},{},{},{}",
            statement.start_time,
            statement.end_time,
            one.cause,
            one.owner,
            one.count,
            quoted(one.rule),
            one.rules_version
        ));
    }
    for line in lines {
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// Each failure that does not count, as a table, oldest first. With the rule by which it does not count; and, where an
/// operator's rule made it what it is, that one, and of which version.
pub async fn ledger(shared: &Shared, statement: &Statement) -> Result<String, StoreError> {
    let body = &statement.objective.body;
    let window = (statement.start_time, statement.end_time);
    let filter = filter(body, window.0, window.1);
    let mut page = Page {
        sort: Sort::Oldest,
        page: 1,
        page_size: 500,
        cursor: None,
    };
    let mut text = String::from(
        "error_id,created_at,request_id,status_code,cause,error_owner,is_business_limited,api_key_id,rule,\
         rules_version,operator_rule_id,operator_rule,classification_version\n",
    );
    let mut lines = 0;
    loop {
        let found = shared.store.errors(&filter, &page).await?;
        let ids = found.errors.iter().map(|error| error.id).collect();
        let judged = shared.store.judged_by(ids, window).await?;
        for error in &found.errors {
            text += &line(error, judged.get(&error.id));
        }
        lines += found.errors.len();
        page.cursor = found.next_cursor;
        if page.cursor.is_none() {
            break;
        }
        if lines >= MOST_LINES {
            text.push_str("# there are more; ask for a shorter window\n");
            break;
        }
    }
    text += &left_out_lines(&statement.exclusions);
    if !statement.ledger_complete {
        let wanted = listed(&statement.exclusions);
        let note = format!(
            "# not complete: {wanted} do not count, and older ones are not kept one by one\n"
        );
        text.push_str(&note);
    }
    Ok(text)
}

/// What the settings leave out, by kind: it is not among the failures that are listed one by one.
fn left_out_lines(exclusions: &[Exclusion]) -> String {
    let left_out = exclusions.iter().filter(|one| one.rule == LEFT_OUT);
    let lines = left_out.map(|one| {
        let Exclusion {
            count,
            cause,
            owner,
            ..
        } = one;
        format!("# {count} more, {cause} ({owner}), are {LEFT_OUT}\n")
    });
    lines.collect()
}

fn line(error: &ErrorLog, judged: Option<&JudgedBy>) -> String {
    let class = Class::of(error.cause, error.error_owner, error.is_business_limited);
    let by = judged.and_then(|judged| judged.rule.as_ref());
    let or_empty = |value: Option<String>| value.unwrap_or_default();
    format!(
        "{},{},{},{},{},{},{},{},{},{},{},{},{}\n",
        error.id,
        error.created_at,
        error.request_id,
        error.status_code,
        error.cause,
        error.error_owner,
        error.is_business_limited,
        or_empty(error.api_key_id.map(|id| id.to_string())),
        quoted(rule_of(class).unwrap_or_default()),
        or_empty(judged.map(|judged| judged.built_in_version.to_string())),
        or_empty(by.map(|by| by.id.to_string())),
        quoted(&or_empty(by.and_then(|by| by.name.clone()))),
        or_empty(by.map(|by| by.version.to_string())),
    )
}

/// A cell that a person wrote, or a sentence. What programs would take for a formula is text.
fn quoted(text: &str) -> String {
    let mark = match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => "'",
        false => "",
    };
    format!("\"{mark}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use waybill_model::{cause::Phase, rollup::Why};

    use super::*;

    fn failures(cause: Cause, owner: Owner, status: u16, count: u64) -> CauseCount {
        CauseCount {
            why: Why {
                side: Of::Failed,
                cause,
                phase: Phase::Request,
                owner,
                is_business_limited: false,
                status,
            },
            count,
        }
    }

    #[test]
    fn what_does_not_count_is_one_line_per_kind_the_most_frequent_first() {
        let causes = [
            failures(Cause::ClientClosed, Owner::Client, 499, 3),
            failures(Cause::InvalidRequest, Owner::Client, 400, 2),
            failures(Cause::InvalidRequest, Owner::Client, 422, 2),
            failures(Cause::StreamTruncated, Owner::Provider, 200, 50),
        ];
        let left_out = [
            failures(Cause::StreamTruncated, Owner::Provider, 200, 6),
            failures(Cause::StreamTruncated, Owner::Provider, 502, 1),
            failures(Cause::InvalidRequest, Owner::Client, 400, 1),
        ];
        let said = exclusions(Side::Client, &causes, &left_out);
        let lines: Vec<_> = said.iter().map(|one| (one.cause, one.count)).collect();
        let wanted = [
            (Cause::StreamTruncated, 7),
            (Cause::InvalidRequest, 5),
            (Cause::ClientClosed, 3),
        ];
        assert_eq!(lines, wanted);
        assert_eq!(
            left_out_lines(&said),
            format!("# 7 more, stream.truncated (provider), are {LEFT_OUT}\n")
        );
        assert_eq!(listed(&said), 8);
        assert_eq!(exclusions(Side::Provider, &causes, &left_out), []);
    }

    #[test]
    fn a_cell_is_text_whatever_it_says() {
        assert_eq!(quoted("a \"b\", c"), "\"a \"\"b\"\", c\"");
        assert_eq!(quoted("=1+1"), "\"'=1+1\"");
    }
}
