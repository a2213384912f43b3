//! The price table: what a model's tokens cost.

use rusqlite::{Connection, params};
use waybill_model::{limits::Price, money::MicroUsd};

use super::super::{Result, Store, row};

impl Store {
    /// The price table, by model.
    pub async fn prices(&self) -> Result<Vec<Price>> {
        self.readers.run(|db| read(db)).await
    }

    /// Puts another price table in place of the one that is there.
    pub async fn set_prices(&self, prices: Vec<Price>) -> Result<()> {
        self.desk
            .change(move |db| {
                db.execute("DELETE FROM prices", [])?;
                prices.iter().try_for_each(|price| save(db, price))
            })
            .await
    }

    /// Adds prices, or changes those of the same models.
    pub async fn upsert_prices(&self, prices: Vec<Price>) -> Result<()> {
        self.desk
            .change(move |db| prices.iter().try_for_each(|price| save(db, price)))
            .await
    }
}

/// All prices, by model.
pub(super) fn read(db: &Connection) -> Result<Vec<Price>> {
    let mut statement = db.prepare_cached(
        "SELECT model, input, output, cache_read, cache_write FROM prices ORDER BY model",
    )?;
    let mut rows = statement.query([])?;
    let mut prices = Vec::new();
    while let Some(r) = rows.next()? {
        let mut cells = row::Cells::of(r);
        prices.push(Price {
            model: cells.next()?,
            input: MicroUsd(cells.next()?),
            output: MicroUsd(cells.next()?),
            cache_read: cells.next::<Option<i64>>()?.map(MicroUsd),
            cache_write: cells.next::<Option<i64>>()?.map(MicroUsd),
        });
    }
    Ok(prices)
}

fn save(db: &Connection, price: &Price) -> Result<()> {
    db.execute(
        "INSERT INTO prices (model, input, output, cache_read, cache_write) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (model) DO UPDATE SET input = excluded.input, output = excluded.output,
         cache_read = excluded.cache_read, cache_write = excluded.cache_write",
        params![
            price.model,
            price.input.0,
            price.output.0,
            price.cache_read.map(|usd| usd.0),
            price.cache_write.map(|usd| usd.0)
        ],
    )?;
    Ok(())
}
