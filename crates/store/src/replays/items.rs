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
    query::numbered::Numbered,
    sql::{Cells, Result, values},
};

/// In the order [`read`] reads them.
const COLUMNS: &str = "i.source_error_id, i.created_at, i.attempt_id, i.verdict, i.reason, \
    e.status_code, e.cause, e.message, e.account_name, e.recovered, \
    t.id, t.status, t.http_status_code, t.result_cause, \
    (SELECT n.id FROM errors n WHERE n.request_id = t.result_request_id AND NOT n.recovered), \
    t.error_message, t.used_account_id, a.name, t.response_preview, t.response_truncated, \
    t.duration_ms, t.cost_micro_usd, t.upstream_request_id";

impl Store {
    /// The failures of a replay that had their turn, in the order in which they had it, by page number.
    pub async fn replay_items(
        &self,
        id: ReplayId,
        verdict: Option<Verdict>,
        page: &Page,
    ) -> Result<List<ReplayItem>> {
        let page = page.clone();
        self.readers
            .run(move |db| {
                let narrowed = match verdict {
                    Some(verdict) => format!(" AND i.verdict = '{}'", verdict.as_str()),
                    None => String::new(),
                };
                let from = format!(
                    "replay_items i LEFT JOIN errors e ON e.id = i.source_error_id{}
                     LEFT JOIN retry_attempts t ON t.id = i.attempt_id
                     LEFT JOIN accounts a ON a.id = t.used_account_id",
                    db.dialect().and_same("e.created_at", "i.source_error_at")
                );
                let all = Numbered {
                    columns: COLUMNS,
                    from: &from,
                    table: "replay_items i",
                    which: &format!("i.replay_id = ?1{narrowed}"),
                    values: values![id],
                    order: "i.id",
                };
                all.page(db, &page, read)
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
