//! Reports that come by themselves: when each is due, and that each comes once.

use waybill_model::{
    id::ScheduleId,
    notify::Notice,
    report::{Schedule, ScheduleBody},
    time::UnixMillis,
};

use super::outbox;
use crate::{
    Kind, Store,
    entities::{check_name, delete, json, one, put},
    settings,
    sql::{Cells, Db, Result, values},
};

/// In the order `read` reads them.
const COLUMNS: &str = "s.id, s.body, s.next_at, s.last_at, s.created_at, s.updated_at";

impl Store {
    /// Every schedule, by id.
    pub async fn schedules(&self) -> Result<Vec<Schedule>> {
        self.quick.run(|db| all(db, None)).await
    }

    /// One schedule.
    pub async fn schedule(&self, id: ScheduleId) -> Result<Option<Schedule>> {
        self.quick.run(move |db| Ok(all(db, Some(id))?.pop())).await
    }

    /// Makes a schedule, or, with an id, makes something else of one. Its next report is due at `next_at`.
    ///
    /// # Errors
    /// [`StoreError::NotFound`](crate::StoreError::NotFound),
    /// [`StoreError::NameTaken`](crate::StoreError::NameTaken).
    pub async fn save_schedule(
        &self,
        id: Option<ScheduleId>,
        body: ScheduleBody,
        next_at: Option<UnixMillis>,
        now: UnixMillis,
    ) -> Result<Schedule> {
        self.quick_desk()
            .change(move |db| {
                let id = id.map(|id| id.0);
                check_name(db, Kind::Schedule, &body.name, id)?;
                let columns = [
                    ("name", body.name.as_str().into()),
                    ("body", json(&body)?),
                    ("next_at", next_at.into()),
                ];
                let id = put(db, Kind::Schedule, id, &columns, now).map(ScheduleId)?;
                one(Kind::Schedule, id.0, all(db, Some(id))?)
            })
            .await
    }

    /// Deletes a schedule.
    ///
    /// # Errors
    /// [`StoreError::NotFound`](crate::StoreError::NotFound).
    pub async fn delete_schedule(&self, id: ScheduleId) -> Result<()> {
        self.quick_desk()
            .change(move |db| delete(db, Kind::Schedule, id.0))
            .await
    }

    /// Schedules that are due, the longest first.
    pub async fn schedules_due(&self, now: UnixMillis) -> Result<Vec<Schedule>> {
        self.quick
            .run(move |db| {
                let sql = format!(
                    "SELECT {COLUMNS} FROM report_schedules s WHERE s.next_at <= ?1 ORDER BY s.next_at, s.id"
                );
                db.rows(&sql, values![now], read)
            })
            .await
    }

    /// Puts the report that was due into the outbox, and moves the schedule on: both or neither, and once, whoever
    /// else made the same one. `false`: somebody did, the schedule was changed meanwhile, or monitoring is off.
    pub async fn report_made(
        &self,
        schedule: Schedule,
        due_at: UnixMillis,
        next_at: Option<UnixMillis>,
        notice: Notice,
        now: UnixMillis,
    ) -> Result<bool> {
        self.quick_desk()
            .change(move |db| {
                if !settings::chosen(db)?.is_monitored() {
                    return Ok(false);
                }
                let sql = "UPDATE report_schedules SET next_at = ?3, last_at = ?4 WHERE id = ?1 AND next_at = ?2
                     AND updated_at = ?5";
                let was = schedule.next_at;
                let moved = values![schedule.id, was, next_at, due_at, schedule.updated_at];
                if db.execute(sql, moved)? == 0 {
                    return Ok(false);
                }
                outbox::put(db, &notice, &schedule.body.channels, now)?;
                Ok(true)
            })
            .await
    }

    /// Lets a schedule be due at another time, without a report: on past one that is not made, for nobody is told of
    /// anything then, or back to where it should be due. `false`: somebody did, or the schedule was changed meanwhile.
    pub async fn move_schedule(
        &self,
        schedule: Schedule,
        next_at: Option<UnixMillis>,
    ) -> Result<bool> {
        self.quick_desk()
            .change(move |db| {
                let sql = "UPDATE report_schedules SET next_at = ?3 WHERE id = ?1 AND next_at = ?2
                     AND updated_at = ?4";
                let moved = values![schedule.id, schedule.next_at, next_at, schedule.updated_at];
                Ok(db.execute(sql, moved)? > 0)
            })
            .await
    }
}

fn all(db: &dyn Db, id: Option<ScheduleId>) -> Result<Vec<Schedule>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM report_schedules s
         WHERE CAST(?1 AS BIGINT) IS NULL OR s.id = ?1 ORDER BY s.id"
    );
    db.rows(&sql, values![id], read)
}

fn read(cells: &mut Cells<'_>) -> Result<Schedule> {
    Ok(Schedule {
        id: cells.next()?,
        body: cells.json("body")?,
        next_at: cells.next()?,
        last_at: cells.next()?,
        created_at: cells.time()?,
        updated_at: cells.time()?,
    })
}
