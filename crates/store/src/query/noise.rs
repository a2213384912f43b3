//! Refused, unauthenticated requests, counted per minute, source and cause.

use waybill_model::{
    time::UnixMillis,
    view::{List, NoiseCount, Page},
};

use super::{
    condition::{Asked, Conditions, Window},
    page::{self, Listing, Place, Source},
};
use crate::{
    Store,
    sql::{Cells, Result},
};

impl Store {
    /// Counts of the minutes that begin from `start` on and before `end`.
    ///
    /// # Errors
    /// [`StoreError::BadCursor`](crate::StoreError::BadCursor) for a cursor that this list, in this
    /// order, did not give out.
    pub async fn noise(
        &self,
        start: UnixMillis,
        end: UnixMillis,
        page: &Page,
    ) -> Result<List<NoiseCount>> {
        let page = page.clone();
        self.readers
            .run(move |db| {
                let from = db.dialect().by_index("noise", "n", "noise_by_minute");
                let source = Source {
                    listing: Listing::Noise,
                    columns: "n.id, n.minute, n.client_ip, n.cause, n.count, n.samples",
                    from: &from,
                    count_from: &from,
                    alias: "n",
                    time: "minute",
                };
                let slice = page::slice(
                    db,
                    &source,
                    Window::between(start, end),
                    Asked::of(Conditions::new(db.dialect())),
                    &page,
                    read,
                    |(id, noise)| Place {
                        created_at: noise.minute,
                        id: *id,
                    },
                )?;
                Ok(List {
                    items: slice.rows.into_iter().map(|(_, noise)| noise).collect(),
                    total: slice.total,
                    page: slice.page,
                    page_size: slice.page_size,
                    next_cursor: slice.next_cursor,
                    total_is_estimate: slice.total_is_estimate,
                })
            })
            .await
    }
}

fn read(cells: &mut Cells<'_>) -> Result<(i64, NoiseCount)> {
    let id = cells.next()?;
    let noise = NoiseCount {
        minute: cells.time()?,
        client_ip: cells.next()?,
        cause: cells.word("cause")?,
        count: cells.count()?,
        samples: cells.json("samples")?,
    };
    Ok((id, noise))
}
