//! What came of each failure of a replay, and what that says of issues.

use std::collections::HashMap;

use waybill_model::{
    id::{ErrorId, ReplayId, RetryId},
    retry::{
        Verdict,
        many::{NewAnswer, OldAnswer, ReplayItem, summary},
    },
    view::{List, Page},
};

use crate::{
    Store,
    issues::Belonging,
    sql::{Cells, Result, int, values},
};

/// An issue all of whose failures that a replay sent were served, without the failure's coming back on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    /// The issue.
    pub issue: [u8; 16],
    /// The newest failure of it that was served.
    pub source: ErrorId,
    /// The attempt.
    pub attempt: RetryId,
}

impl Store {
    /// The failures of a replay that had their turn, in the order in which they had it, by page number.
    pub async fn replay_items(
        &self,
        id: ReplayId,
        verdict: Option<Verdict>,
        page: &Page,
    ) -> Result<List<ReplayItem>> {
        let (number, size) = (page.page.max(1), page.page_size.max(1));
        self.readers
            .run(move |db| {
                let narrowed = match verdict {
                    Some(verdict) => format!(" AND i.verdict = '{}'", verdict.as_str()),
                    None => String::new(),
                };
                let total = db.count(
                    &format!("SELECT count(*) FROM replay_items i WHERE i.replay_id = ?1{narrowed}"),
                    values![id],
                )?;
                let sql = format!(
                    "SELECT i.source_error_id, i.created_at, i.attempt_id, i.verdict, i.reason,
                     e.status_code, e.cause, e.message, e.account_name, e.recovered,
                     t.id, t.status, t.http_status_code, t.result_cause,
                     (SELECT n.id FROM errors n WHERE n.request_id = t.result_request_id AND NOT n.recovered),
                     t.error_message, t.used_account_id, a.name, t.response_preview, t.response_truncated,
                     t.duration_ms, t.cost_micro_usd, t.upstream_request_id
                     FROM replay_items i LEFT JOIN errors e ON e.id = i.source_error_id{}
                     LEFT JOIN retry_attempts t ON t.id = i.attempt_id
                     LEFT JOIN accounts a ON a.id = t.used_account_id
                     WHERE i.replay_id = ?1{narrowed} ORDER BY i.id LIMIT ?2 OFFSET ?3",
                    db.dialect().and_same("e.created_at", "i.source_error_at")
                );
                let before = u64::from(number - 1) * u64::from(size);
                let items = db.rows(&sql, values![id, size, int(before)], read)?;
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

    /// Issues that a replay says are dealt with. What was not sent, and what was interrupted, says nothing.
    pub async fn proofs_of_replay(&self, id: ReplayId) -> Result<Vec<Proof>> {
        self.readers
            .run(move |db| {
                let sql = format!(
                    "SELECT {}, i.source_error_id, t.id, i.verdict, t.result_fingerprint FROM replay_items i
                     JOIN errors e ON e.id = i.source_error_id{} JOIN retry_attempts t ON t.id = i.attempt_id
                     WHERE i.replay_id = ?1 AND i.verdict IN ('would_succeed', 'fails_the_same', 'fails_differently')
                     ORDER BY i.source_error_id DESC",
                    Belonging::COLUMNS,
                    db.dialect().and_same("e.created_at", "i.source_error_at")
                );
                let rows = db.rows(&sql, values![id], |cells| {
                    let belonging = Belonging::read(cells)?;
                    let (source, attempt) = (cells.next()?, cells.next()?);
                    let verdict: Verdict = cells.word("verdict")?;
                    let came_back: Option<[u8; 16]> = cells.next()?;
                    let is_served = verdict == Verdict::WouldSucceed
                        && came_back != Some(belonging.fingerprint());
                    Ok((belonging, source, attempt, is_served))
                })?;
                let mut known: HashMap<Belonging, Option<[u8; 16]>> = HashMap::new();
                // The newest failure of each that was served, unless one was not.
                let mut proofs: HashMap<[u8; 16], Option<Proof>> = HashMap::new();
                for (belonging, source, attempt, is_served) in rows {
                    let issue = match known.get(&belonging) {
                        Some(issue) => *issue,
                        None => {
                            let issue = belonging.issue(db)?;
                            known.insert(belonging, issue);
                            issue
                        }
                    };
                    let Some(issue) = issue else { continue };
                    let proof = Proof {
                        issue,
                        source,
                        attempt,
                    };
                    let newest = proofs.entry(issue).or_insert(Some(proof));
                    if !is_served {
                        *newest = None;
                    }
                }
                Ok(proofs.into_values().flatten().collect())
            })
            .await
    }
}

fn read(cells: &mut Cells<'_>) -> Result<ReplayItem> {
    let (source_error_id, created_at) = (cells.next()?, cells.time()?);
    let attempt_id = cells.next()?;
    let verdict = cells.optional_word("verdict")?;
    let reason = cells.optional_word("reason")?;
    let old = old(cells)?;
    let new = new(cells)?;
    Ok(ReplayItem {
        source_error_id,
        created_at,
        attempt_id,
        verdict,
        reason,
        summary: summary(old.as_ref(), new.as_ref(), verdict, reason),
        old,
        new,
    })
}

/// Its cells are all there, or none of them is.
fn old(cells: &mut Cells<'_>) -> Result<Option<OldAnswer>> {
    let (status, cause) = (cells.next::<Option<u16>>()?, cells.optional_word("cause")?);
    let (message, account_name) = (cells.next::<Option<String>>()?, cells.next()?);
    let recovered: Option<bool> = cells.next()?;
    Ok(status.zip(cause).map(|(status_code, cause)| OldAnswer {
        status_code,
        cause,
        message: message.unwrap_or_default(),
        account_name,
        recovered: recovered.unwrap_or(false),
    }))
}

fn new(cells: &mut Cells<'_>) -> Result<Option<NewAnswer>> {
    let attempt: Option<RetryId> = cells.next()?;
    let status: Option<String> = cells.next()?;
    let new = NewAnswer {
        status_code: cells.next()?,
        cause: cells.optional_word("result_cause")?,
        error_id: cells.next()?,
        message: cells.next()?,
        account_id: cells.next()?,
        account_name: cells.next()?,
        preview: cells.next()?,
        truncated: cells.next::<Option<bool>>()?.unwrap_or(false),
        duration_ms: cells.next()?,
        cost_usd: cells.next()?,
        upstream_request_id: cells.next()?,
    };
    let is_over = status.is_some_and(|status| status != "running");
    Ok((attempt.is_some() && is_over).then_some(new))
}
