//! What came of each failure of a replay.

use waybill_model::{
    id::{ReplayId, RetryId},
    retry::{
        Verdict,
        many::{NewAnswer, OldAnswer, ReplayItem, summary},
    },
    view::{List, Page},
};

use crate::{
    Store,
    sql::{Cells, Result, int, values},
};

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

/// Its cells are all there, or none of them is; `None` also where its cause cannot be read.
fn old(cells: &mut Cells<'_>) -> Result<Option<OldAnswer>> {
    // A word of another version's must not keep anybody from the others.
    let (status, cause) = (
        cells.next::<Option<u16>>()?,
        cells.next::<Option<String>>()?,
    );
    let cause = cause.and_then(|cause| cause.parse().ok());
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
