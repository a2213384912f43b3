//! Requests without a known key: counted per minute and source, apart from everything else, and added to an answer
//! where they are to count.

use waybill_model::{
    cause::Cause,
    rollup::{Counts, Side, Why},
    time::UnixMillis,
};

use super::{read::why, tally::Sum};
use crate::{
    Store,
    sql::{Db, Result, values},
};

/// Why they are refused, all of them.
const CAUSE: Cause = Cause::GatewayInvalidKey;

/// With what.
const STATUS: u16 = 401;

impl Store {
    /// How many requests without a known key there were in minutes of a window; `None`: they came from so many
    /// sources that counting them would take too long.
    pub async fn count_strangers(
        &self,
        start: UnixMillis,
        end: UnixMillis,
        most_lines: u64,
    ) -> Result<Option<u64>> {
        self.readers
            .run(move |db| {
                let sql = format!(
                    "SELECT count(*), CAST(coalesce(sum(count), 0) AS BIGINT) FROM (SELECT count FROM noise
                     WHERE cause = ?1 AND minute >= ?2 AND minute < ?3 LIMIT {}) AS counted",
                    most_lines + 1
                );
                let found = db.first(&sql, values![CAUSE.as_str(), start, end], |cells| {
                    Ok((cells.count()?, cells.count()?))
                })?;
                let (lines, count) = found.unwrap_or_default();
                Ok((lines <= most_lines).then_some(count))
            })
            .await
    }
}

/// What they add up to, by minute.
pub(super) fn by_minute(
    db: &dyn Db,
    start: UnixMillis,
    end: UnixMillis,
) -> Result<Vec<(UnixMillis, Sum)>> {
    let sql = "SELECT minute, CAST(sum(count) AS BIGINT) FROM noise
         WHERE cause = ?1 AND minute >= ?2 AND minute < ?3 GROUP BY minute ORDER BY minute";
    db.rows(sql, values![CAUSE.as_str(), start, end], |cells| {
        Ok((cells.time()?, sum(cells.count()?)))
    })
}

fn sum(count: u64) -> Sum {
    let why: Why = why(Side::Failed, CAUSE, STATUS);
    Sum {
        counts: Counts {
            requests: count,
            client_errors: count,
            ..Counts::default()
        },
        causes: [(why, count)].into(),
        ..Sum::default()
    }
}
