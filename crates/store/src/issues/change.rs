//! What people, and replays, say of an issue.

use waybill_model::{
    issue::{By, Ignore, IssueNote, IssueState, Settings, Why},
    redact::Shown,
    time::UnixMillis,
};

use super::{
    row::{self, Row},
    tally::Key,
};
use crate::{
    Kind, Store, StoreError,
    sql::{Db, Result, values},
};

/// Who resolved an issue.
pub type ResolvedBy = By;

/// What an issue is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IssueChange {
    /// Dealt with.
    Resolve,
    /// Not to be looked at until something ends that. The count is of failures from now on.
    Ignore(Ignore),
    /// Known, and still there.
    Reopen,
}

impl Store {
    /// Changes an issue's state by hand; `detail` goes into the history. Nothing happens where it is so already.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such issue.
    pub async fn change_issue(
        &self,
        key: [u8; 16],
        change: IssueChange,
        actor: Option<String>,
        detail: Option<Shown>,
        settings: Settings,
        now: UnixMillis,
    ) -> Result<()> {
        self.quick_desk()
            .change(move |db| {
                let row = known(db, key)?;
                let detail = detail.as_ref().map(Shown::as_str);
                match change {
                    IssueChange::Resolve if row.standing.state == IssueState::Resolved => Ok(()),
                    IssueChange::Reopen if row.standing.state == IssueState::Ongoing => Ok(()),
                    IssueChange::Resolve => set(
                        db,
                        row,
                        IssueState::Resolved,
                        Why::Manual,
                        actor,
                        detail,
                        &settings,
                        now,
                    ),
                    IssueChange::Reopen => set(
                        db,
                        row,
                        IssueState::Ongoing,
                        Why::Manual,
                        actor,
                        detail,
                        &settings,
                        now,
                    ),
                    IssueChange::Ignore(ignore) => {
                        let mut row = row;
                        row.standing.ignore = Ignore {
                            until_count: ignore
                                .until_count
                                .map(|more| more.saturating_add(row.counted_from())),
                            ..ignore
                        };
                        set(
                            db,
                            row,
                            IssueState::Ignored,
                            Why::Manual,
                            actor,
                            detail,
                            &settings,
                            now,
                        )
                    }
                }
            })
            .await
    }

    /// Resolves an issue: somebody said so, or a failure of it was sent again and succeeded. `false`: it was
    /// resolved already. One that is ignored is left alone by a replay.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such issue.
    pub async fn resolve_issue(
        &self,
        key: [u8; 16],
        by: ResolvedBy,
        settings: Settings,
        now: UnixMillis,
    ) -> Result<bool> {
        self.quick_desk()
            .change(move |db| {
                let row = known(db, key)?;
                let (why, actor) = match &by {
                    By::Hand { actor } => (Why::Manual, actor.clone()),
                    By::Replay { attempt } => (Why::Replay, attempt.to_string()),
                };
                let is_left = why == Why::Replay && row.standing.state == IssueState::Ignored;
                if row.standing.state == IssueState::Resolved || is_left {
                    return Ok(false);
                }
                set(
                    db,
                    row,
                    IssueState::Resolved,
                    why,
                    Some(actor),
                    None,
                    &settings,
                    now,
                )?;
                Ok(true)
            })
            .await
    }

    /// Adds a note.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such issue.
    pub async fn add_issue_note(
        &self,
        key: [u8; 16],
        text: Shown,
        author: Option<String>,
        now: UnixMillis,
    ) -> Result<IssueNote> {
        self.quick_desk()
            .change(move |db| {
                known(db, key)?;
                let id: Option<i64> = db.cell(
                    "INSERT INTO issue_notes (issue, at, author, note) VALUES (?1, ?2, ?3, ?4) RETURNING id",
                    values![key.as_slice(), now, author.as_deref(), text.as_str()],
                )?;
                Ok(IssueNote {
                    id: id.unwrap_or_default(),
                    at: now,
                    author,
                    text: text.into_string(),
                })
            })
            .await
    }
}

fn known(db: &dyn Db, key: Key) -> Result<Row> {
    row::find(db, key)?.ok_or(StoreError::NotFound {
        kind: Kind::Issue,
        id: 0,
    })
}

#[allow(clippy::too_many_arguments, reason = "what a line of the history says")]
fn set(
    db: &dyn Db,
    mut row: Row,
    to: IssueState,
    why: Why,
    actor: Option<String>,
    detail: Option<&str>,
    settings: &Settings,
    now: UnixMillis,
) -> Result<()> {
    let from = row.standing.state;
    row::history(
        db,
        row.key,
        now,
        Some(from),
        to,
        why,
        actor.as_deref(),
        detail,
    )?;
    row.standing.state = to;
    row.standing.since = now;
    if to != IssueState::Ignored {
        row.standing.ignore = Ignore::default();
    }
    row.why = why;
    row.actor = actor;
    row.write(db, settings, now)
}
