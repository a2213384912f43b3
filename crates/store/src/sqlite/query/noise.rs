//! Refused, unauthenticated requests, counted per minute, source and cause.

use waybill_model::{
    time::UnixMillis,
    view::{List, NoiseCount, Page},
};

use super::super::{Result, Store, row};
use super::{
    condition::{Conditions, Window},
    page::{self, Listing, Place, Source},
};

const SOURCE: Source<'static> = Source {
    listing: Listing::Noise,
    columns: "n.id, n.minute, n.client_ip, n.cause, n.count, n.samples",
    from: "noise n INDEXED BY noise_by_minute",
    count_from: "noise n INDEXED BY noise_by_minute",
    alias: "n",
    time: "minute",
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
                let slice = page::slice(
                    db,
                    &SOURCE,
                    Window::between(start, end),
                    &Conditions::default(),
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

fn read(cells: &mut row::Cells<'_, '_>) -> Result<(i64, NoiseCount)> {
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
