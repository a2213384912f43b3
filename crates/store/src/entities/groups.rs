//! Groups: sets of accounts of one platform.

use waybill_model::{entity::Group, id::GroupId, protocol::Platform, time::UnixMillis};

use super::{check_name, check_unused, delete, id_of, json, one, put};
use crate::{GroupChange, Kind, NewGroup};
use crate::{
    Store,
    sql::{Db, Result, values},
};

impl Store {
    /// All groups, by id.
    pub async fn groups(&self) -> Result<Vec<Group>> {
        self.readers.run(|db| read(db, None)).await
    }

    /// One group.
    pub async fn group(&self, id: GroupId) -> Result<Option<Group>> {
        self.readers
            .run(move |db| Ok(read(db, Some(id))?.pop()))
            .await
    }

    /// Makes a group.
    ///
    /// # Errors
    /// [`StoreError::NameTaken`](crate::StoreError::NameTaken).
    pub async fn create_group(&self, new: NewGroup, now: UnixMillis) -> Result<Group> {
        self.desk.change(move |db| save(db, None, &new, now)).await
    }

    /// Makes a group, or changes the one of that name into it.
    pub async fn upsert_group(&self, new: NewGroup, now: UnixMillis) -> Result<Group> {
        self.desk
            .change(move |db| {
                let id = id_of(db, Kind::Group, &new.name)?.map(GroupId);
                save(db, id, &new, now)
            })
            .await
    }

    /// Changes a group.
    ///
    /// # Errors
    /// [`StoreError::NotFound`](crate::StoreError::NotFound),
    /// [`StoreError::NameTaken`](crate::StoreError::NameTaken).
    pub async fn update_group(
        &self,
        id: GroupId,
        change: GroupChange,
        now: UnixMillis,
    ) -> Result<Group> {
        self.desk
            .change(move |db| {
                let now_is = one(Kind::Group, id.0, read(db, Some(id))?)?;
                let changed = NewGroup {
                    name: change.name.unwrap_or(now_is.name),
                    platform: now_is.platform,
                    protocols: change.protocols.unwrap_or(now_is.protocols),
                    model_mapping: change.model_mapping.unwrap_or(now_is.model_mapping),
                    sticky: change.sticky.unwrap_or(now_is.sticky),
                    state_rules: change.state_rules.unwrap_or(now_is.state_rules),
                    status: change.status.unwrap_or(now_is.status),
                };
                save(db, Some(id), &changed, now)
            })
            .await
    }

    /// Deletes a group that no account and no key refers to.
    ///
    /// # Errors
    /// [`StoreError::NotFound`](crate::StoreError::NotFound),
    /// [`StoreError::InUse`](crate::StoreError::InUse).
    pub async fn delete_group(&self, id: GroupId) -> Result<()> {
        self.desk
            .change(move |db| {
                let group = (Kind::Group, id.0);
                check_unused(db, group, Kind::Account, "account_groups", "group_id")?;
                check_unused(db, group, Kind::ApiKey, "api_key_groups", "group_id")?;
                delete(db, Kind::Group, id.0)
            })
            .await
    }
}

/// All groups, or the one with the id, by id.
pub(super) fn read(db: &dyn Db, id: Option<GroupId>) -> Result<Vec<Group>> {
    db.rows(
        "SELECT id, name, platform, protocols, model_mapping, sticky, state_rules, status, created_at, updated_at FROM groups
         WHERE CAST(?1 AS BIGINT) IS NULL OR id = ?1 ORDER BY id",
        values![id],
        |cells| {
            let (id, name) = (cells.next()?, cells.next()?);
            let platform: Platform = cells.word("platform")?;
            let protocols = cells.optional_json("protocols")?;
            Ok(Group {
            id,
            name,
            platform,
            // Written by a program that knew none.
            protocols: protocols.unwrap_or_else(|| platform.default_protocols().to_vec()),
            model_mapping: cells.json("model_mapping")?,
            sticky: cells.word("sticky")?,
            state_rules: cells.json("state_rules")?,
            status: cells.word("status")?,
            created_at: cells.time()?,
            updated_at: cells.time()?,
        })
        },
    )
}

fn save(db: &dyn Db, id: Option<GroupId>, group: &NewGroup, now: UnixMillis) -> Result<Group> {
    check_name(db, Kind::Group, &group.name, id.map(|id| id.0))?;
    let columns = [
        ("name", group.name.as_str().into()),
        ("platform", group.platform.as_str().into()),
        ("protocols", json(&group.protocols)?),
        ("model_mapping", json(&group.model_mapping)?),
        ("sticky", group.sticky.as_str().into()),
        ("state_rules", json(&group.state_rules)?),
        ("status", group.status.as_str().into()),
    ];
    let id = put(db, Kind::Group, id.map(|id| id.0), &columns, now).map(GroupId)?;
    one(Kind::Group, id.0, read(db, Some(id))?)
}
