//! The price table: what a model's tokens cost.

use waybill_model::limits::Price;

use crate::{
    Store,
    sql::{Db, Result, values},
};

impl Store {
    /// The price table, by model.
    pub async fn prices(&self) -> Result<Vec<Price>> {
        self.readers.run(|db| read(db)).await
    }

    /// Puts another price table in place of the one that is there.
    pub async fn set_prices(&self, prices: Vec<Price>) -> Result<()> {
        self.desk
            .change(move |db| {
                db.execute("DELETE FROM prices", &[])?;
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
pub(super) fn read(db: &dyn Db) -> Result<Vec<Price>> {
    db.rows(
        "SELECT model, input, output, cache_read, cache_write FROM prices ORDER BY model",
        &[],
        |cells| {
            Ok(Price {
                model: cells.next()?,
                input: cells.next()?,
                output: cells.next()?,
                cache_read: cells.next()?,
                cache_write: cells.next()?,
            })
        },
    )
}

fn save(db: &dyn Db, price: &Price) -> Result<()> {
    db.execute(
        "INSERT INTO prices (model, input, output, cache_read, cache_write) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (model) DO UPDATE SET input = excluded.input, output = excluded.output,
         cache_read = excluded.cache_read, cache_write = excluded.cache_write",
        values![
            &price.model,
            price.input,
            price.output,
            price.cache_read,
            price.cache_write
        ],
    )?;
    Ok(())
}
