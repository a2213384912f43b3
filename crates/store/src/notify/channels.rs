//! Channels.

use waybill_model::{
    entity::Sealed,
    id::ChannelId,
    notify::{Channel, ChannelBody},
    time::UnixMillis,
};

use crate::{
    Kind, Store,
    entities::{check_name, delete, json, one, put},
    sql::{Cells, Db, Result, values},
};

/// A channel to be made, or what one is to become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewChannel {
    /// Its settings.
    pub body: ChannelBody,
    /// Its secrets, sealed.
    pub secrets: Sealed,
}

/// In the order `read` reads them.
const COLUMNS: &str = "c.id, c.body, c.secrets, c.created_at, c.updated_at";

impl Store {
    /// Every channel, by id.
    pub async fn channels(&self) -> Result<Vec<Channel>> {
        self.quick.run(|db| all(db, None)).await
    }

    /// One channel.
    pub async fn channel(&self, id: ChannelId) -> Result<Option<Channel>> {
        self.quick.run(move |db| Ok(all(db, Some(id))?.pop())).await
    }

    /// Makes a channel.
    ///
    /// # Errors
    /// [`StoreError::NameTaken`](crate::StoreError::NameTaken).
    pub async fn create_channel(&self, new: NewChannel, now: UnixMillis) -> Result<Channel> {
        self.quick_desk()
            .change(move |db| save(db, None, &new, now))
            .await
    }

    /// Makes something else of a channel. What waits for one that is switched off by it is dropped; what waits for
    /// its group or for the hour is looked at anew.
    ///
    /// # Errors
    /// [`StoreError::NotFound`](crate::StoreError::NotFound),
    /// [`StoreError::NameTaken`](crate::StoreError::NameTaken).
    pub async fn update_channel(
        &self,
        id: ChannelId,
        new: NewChannel,
        now: UnixMillis,
    ) -> Result<Channel> {
        self.quick_desk()
            .change(move |db| {
                let saved = save(db, Some(id), &new, now)?;
                match saved.body.enabled {
                    true => look_again(db, id)?,
                    false => drop_waiting(db, id, "the channel was switched off")?,
                }
                Ok(saved)
            })
            .await
    }

    /// Deletes a channel. What waits for it is dropped; what it was told stays in the log.
    ///
    /// # Errors
    /// [`StoreError::NotFound`](crate::StoreError::NotFound).
    pub async fn delete_channel(&self, id: ChannelId) -> Result<()> {
        self.quick_desk()
            .change(move |db| {
                delete(db, Kind::Channel, id.0)?;
                drop_waiting(db, id, "the channel was deleted")
            })
            .await
    }
}

/// Lets what waits by the settings of before be judged by those of now.
fn look_again(db: &dyn Db, id: ChannelId) -> Result<()> {
    let sql = "UPDATE notifications SET next_at = queued_at, reason = NULL
         WHERE channel_id = ?1 AND state = 'pending' AND message_id IS NULL";
    db.execute(sql, values![id]).map(drop)
}

fn drop_waiting(db: &dyn Db, id: ChannelId, why: &str) -> Result<()> {
    let sql = "UPDATE notifications SET state = 'dropped', reason = ?2
         WHERE channel_id = ?1 AND state = 'pending'";
    db.execute(sql, values![id, why]).map(drop)
}

/// Every channel, or the one with the id.
pub(super) fn all(db: &dyn Db, id: Option<ChannelId>) -> Result<Vec<Channel>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM notification_channels c
         WHERE CAST(?1 AS BIGINT) IS NULL OR c.id = ?1 ORDER BY c.id"
    );
    db.rows(&sql, values![id], read)
}

pub(super) fn read(cells: &mut Cells<'_>) -> Result<Channel> {
    Ok(Channel {
        id: cells.next()?,
        body: cells.json("body")?,
        secrets: Sealed(cells.next()?),
        created_at: cells.time()?,
        updated_at: cells.time()?,
    })
}

fn save(db: &dyn Db, id: Option<ChannelId>, new: &NewChannel, now: UnixMillis) -> Result<Channel> {
    let id = id.map(|id| id.0);
    check_name(db, Kind::Channel, &new.body.name, id)?;
    let columns = [
        ("name", new.body.name.as_str().into()),
        ("body", json(&new.body)?),
        ("secrets", new.secrets.0.clone().into()),
    ];
    let id = put(db, Kind::Channel, id, &columns, now).map(ChannelId)?;
    one(Kind::Channel, id.0, all(db, Some(id))?)
}
