//! What was promised and what was reached: day by day, and what does not count, with why.
//!
//! A statement is read by people who would rather not believe it: each number can be opened down to the requests
//! behind it, by the list's filters that stand beside it.

use std::{collections::BTreeMap, fmt::Write as _};

use serde::Serialize;
use waybill_model::{
    alert::Objective,
    cause::{Cause, Owner},
    classify::RULES_VERSION,
    objective::{Budget, Counted, Goal},
    rollup::{CauseCount, Class, Side, Span},
    time::UnixMillis,
    view::{ErrorLog, Filter, Page, Sort, View},
};
use waybill_store::{RollupOf, RollupQuery, StoreError};

use super::level::{of_bucket, scope};
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
    /// What failed and does not count, by kind, the most frequent first. Of the client's side alone.
    pub exclusions: Vec<Exclusion>,
    /// The version of the rules that say what counts.
    pub rules_version: u32,
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
        step: Some(Span::Day),
        sketches: body.goal != Goal::Availability,
        ignore: shared.chosen().ignore(),
        ..RollupQuery::whole(start, end, RollupOf::One(scope(body)))
    };
    let answer = shared.store.rollups(query).await?;
    let days = answer
        .buckets
        .iter()
        .map(|bucket| {
            let counted = of_bucket(body, bucket);
            StatedDay {
                start_time: bucket.start,
                counted,
                achieved_percent: counted.good_percent(),
            }
        })
        .collect();
    let total = answer.total();
    let counted = of_bucket(body, &total);
    let exclusions = exclusions(&total.causes, &answer.left_out.causes);
    Ok(Statement {
        start_time: answer.start,
        end_time: answer.end,
        counted,
        budget: body.budget(counted),
        days,
        exclusions,
        rules_version: RULES_VERSION,
        is_complete: answer.is_complete,
        objective,
    })
}

/// What does not count, by kind: by its class, or because the settings leave it out.
fn exclusions(causes: &[CauseCount], left_out: &[CauseCount]) -> Vec<Exclusion> {
    let of_class = causes
        .iter()
        .filter_map(|found| Some((found, rule_of(class(found))?)));
    let of_settings = left_out
        .iter()
        .map(|found| (found, rule_of(class(found)).unwrap_or(LEFT_OUT)));
    let mut kinds: BTreeMap<(Cause, Owner, &'static str), u64> = BTreeMap::new();
    for (found, rule) in of_class.chain(of_settings) {
        if found.why.side == Side::Failed {
            *kinds
                .entry((found.why.cause, found.why.owner, rule))
                .or_default() += found.count;
        }
    }
    let mut exclusions: Vec<Exclusion> = kinds
        .into_iter()
        .map(|((cause, owner, rule), count)| Exclusion {
            cause,
            owner,
            count,
            rule,
        })
        .collect();
    exclusions.sort_by_key(|exclusion| std::cmp::Reverse(exclusion.count));
    exclusions
}

fn class(found: &CauseCount) -> Class {
    Class::of(
        found.why.cause,
        found.why.owner,
        found.why.is_business_limited,
    )
}

/// Why a failure does not count that would.
const LEFT_OUT: &str = "ignored: requests that count tokens, which the settings leave out";

/// Why a class does not count; `None`: it does.
fn rule_of(class: Class) -> Option<&'static str> {
    match class {
        Class::Success | Class::Failure => None,
        Class::ClientError => Some("client_error: the request was at fault, not who served it"),
        Class::BusinessLimited => Some("business_limited: a limit that was agreed with the client"),
        Class::ClientGone => Some("client_gone: nobody was there any longer to be served"),
    }
}

/// The days, as a table.
pub fn csv(statement: &Statement) -> String {
    let mut text = String::from("day,counted,bad,achieved_percent\n");
    for day in &statement.days {
        let achieved = day.achieved_percent;
        let achieved = achieved.map(|percent| format!("{percent:.4}"));
        let line = writeln!(
            text,
            "{},{},{},{}",
            day.start_time,
            day.counted.total,
            day.counted.bad,
            achieved.unwrap_or_default()
        );
        debug_assert!(line.is_ok());
    }
    text
}

/// Each failure that does not count, as a table, oldest first.
pub async fn ledger(shared: &Shared, statement: &Statement) -> Result<String, StoreError> {
    let body = &statement.objective.body;
    let filter = Filter {
        view: View::Excluded,
        platform: body.platform,
        group_id: body.group_id,
        model: body.model.clone(),
        ..Filter::between(statement.start_time, statement.end_time)
    };
    let mut page = Page {
        sort: Sort::Oldest,
        page: 1,
        page_size: 500,
        cursor: None,
    };
    let left_out = statement.exclusions.iter();
    let left_out = left_out.filter(|exclusion| exclusion.rule == LEFT_OUT);
    let left_out: u64 = left_out.map(|exclusion| exclusion.count).sum();
    let mut text = String::from(
        "error_id,created_at,request_id,status_code,cause,error_owner,is_business_limited,api_key_id,rule\n",
    );
    let mut lines = 0;
    loop {
        let found = shared.store.errors(&filter, &page).await?;
        for error in &found.errors {
            line(&mut text, error);
        }
        lines += found.errors.len();
        page.cursor = found.next_cursor;
        if page.cursor.is_none() {
            if left_out > 0 {
                let written = writeln!(text, "# {left_out} more are {LEFT_OUT}");
                debug_assert!(written.is_ok());
            }
            return Ok(text);
        }
        if lines >= MOST_LINES {
            text.push_str("# there are more; ask for a shorter window\n");
            return Ok(text);
        }
    }
}

fn line(text: &mut String, error: &ErrorLog) {
    let class = Class::of(error.cause, error.error_owner, error.is_business_limited);
    let written = writeln!(
        text,
        "{},{},{},{},{},{},{},{},\"{}\"",
        error.id,
        error.created_at,
        error.request_id,
        error.status_code,
        error.cause,
        error.error_owner,
        error.is_business_limited,
        error
            .api_key_id
            .map(|id| id.to_string())
            .unwrap_or_default(),
        rule_of(class).unwrap_or_default()
    );
    debug_assert!(written.is_ok());
}
