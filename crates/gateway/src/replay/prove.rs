//! What requests that were served when they were sent again say about their failures, and about issues.
//!
//! Promises: the failure is dealt with; its issue is resolved where this was the newest failure of it, so that
//! none is known that might not be served now. Newer failures count whether clients saw them or failover hid them:
//! an issue is reopened by either, so it is not resolved over either. Nor is it where failover hid anything on the
//! way of what was served: of several that were hidden the last one's kind is known, and an issue may be of several
//! kinds. Only what went the way of a client's request proves anything: one account alone is no proof for a pool. A
//! replay of many says of an issue at its end what all of its attempts say together, and why it did nothing. Must
//! not know: how it was sent.

use waybill_model::{
    id::{ErrorId, RetryId},
    issue::{IssueState, Why, hex},
    retry::{
        RetryMode,
        many::{IssueOutcome, IssueWhy, Replay, ReplayIssue},
    },
    time::UnixMillis,
    view::{Filter, Page, Sort},
};
use waybill_store::{IssueTurns, ResolvedBy, StoreError};

use super::passes;
use crate::{app::Shared, jobs::issue_settings};

/// How far back a newer failure may have arrived: none takes longer to be written.
const MONTH_MS: i64 = 30 * 24 * 3_600_000;

/// What a served attempt may say something of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proves {
    /// The failure alone.
    Itself,
    /// Its issue, too.
    Issue,
}

/// A failure was sent again, through routing, and served.
pub async fn served_again(shared: &Shared, source: ErrorId, attempt: RetryId, proves: Proves) {
    let said = async {
        shared.store.set_resolved(source, true).await?;
        match (proves, shared.store.issue_of_error(source).await?) {
            (Proves::Issue, Some(issue)) => resolve(shared, issue, source, attempt).await.map(drop),
            _ => Ok(()),
        }
    };
    if let Err(error) = said.await {
        // The attempt is on record; whoever looks can resolve by hand.
        tracing::warn!(%error, %attempt, "what a replay proved is not on record");
    }
}

/// Every failure of a replay of many had its turn, or as many as may have: what that does to their issues.
pub async fn replayed(shared: &Shared, replay: &Replay) -> Result<Vec<ReplayIssue>, StoreError> {
    let mut issues = Vec::new();
    for turns in shared.store.issues_of_replay(replay.id).await? {
        let source = match turns.said {
            Ok(proof) => proof.source,
            Err((_, source)) => source,
        };
        let why = match settle(shared, replay.mode, &turns).await {
            Ok(why) => why,
            Err(error) if passes(&error) => return Err(error),
            // It would be no other time: whoever looks can resolve by hand.
            Err(error) => {
                tracing::warn!(%error, id = %replay.id, "what a replay proved of an issue is not on record");
                Some((IssueWhy::NotLookedUp, source))
            }
        };
        issues.push(ReplayIssue {
            issue: hex::text(turns.issue),
            outcome: match why {
                None | Some((IssueWhy::WasResolved, _)) => IssueOutcome::Resolved,
                Some(_) => IssueOutcome::KeptOpen,
            },
            why: why.map(|(why, _)| why),
            error_id: why.map_or(source, |(_, source)| source),
        });
    }
    Ok(issues)
}

/// Why a replay does nothing to an issue, and the failure that says so; `None`: the replay resolved it.
async fn settle(
    shared: &Shared,
    mode: RetryMode,
    turns: &IssueTurns,
) -> Result<Option<(IssueWhy, ErrorId)>, StoreError> {
    let source = match turns.said {
        Ok(proof) => proof.source,
        Err((_, source)) => source,
    };
    if let Some(why) = stands(shared, turns).await? {
        return Ok(why.map(|why| (why, source)));
    }
    // One account alone is no proof for a pool.
    if mode == RetryMode::Upstream {
        return Ok(Some((IssueWhy::NotThroughRouting, source)));
    }
    match turns.said {
        Err(against) => Ok(Some(against)),
        Ok(proof) => match resolve(shared, turns.issue, proof.source, proof.attempt).await? {
            Resolving::Done => Ok(None),
            Resolving::Newer(why, newer) => Ok(Some((why, newer))),
            // Somebody else changed it at the same time.
            Resolving::Left => {
                let why = stands(shared, turns).await?.flatten();
                Ok(Some((why.unwrap_or(IssueWhy::WasResolved), source)))
            }
        },
    }
}

/// Whether an issue stands so that no replay changes it, and why; that of one that this replay itself resolved,
/// before the gateway ended, is nothing.
async fn stands(
    shared: &Shared,
    turns: &IssueTurns,
) -> Result<Option<Option<IssueWhy>>, StoreError> {
    let standing = shared.store.standing_of_issue(turns.issue).await?;
    let Some((state, why, by)) = standing else {
        return Ok(Some(Some(IssueWhy::NotCounted)));
    };
    let attempt = turns.said.ok().map(|proof| proof.attempt.to_string());
    Ok(match state {
        IssueState::Resolved if why == Why::Replay && by == attempt => Some(None),
        IssueState::Resolved => Some(Some(IssueWhy::WasResolved)),
        IssueState::Ignored => Some(Some(IssueWhy::Ignored)),
        IssueState::New | IssueState::Ongoing | IssueState::Escalating | IssueState::Regressed => {
            None
        }
    })
}

/// What came of the wish to resolve an issue.
enum Resolving {
    /// It is resolved.
    Done,
    /// It was resolved before, or is ignored.
    Left,
    /// A failure of it is known that is newer than the one that was served.
    Newer(IssueWhy, ErrorId),
}

/// Resolves an issue, unless a failure of it is known that is newer than the one that was served.
async fn resolve(
    shared: &Shared,
    issue: [u8; 16],
    source: ErrorId,
    attempt: RetryId,
) -> Result<Resolving, StoreError> {
    let now = shared.clock.now();
    for (recovered, why) in [
        (false, IssueWhy::NewerFailure),
        (true, IssueWhy::NewerHidden),
    ] {
        if let Some(newer) = newer(shared, &issue, source, recovered, now).await? {
            return Ok(Resolving::Newer(why, newer));
        }
    }
    let by = ResolvedBy::Replay { attempt: attempt.0 };
    let settings = issue_settings(shared);
    let is_new = shared.store.resolve_issue(issue, by, settings, now).await?;
    Ok(match is_new {
        true => Resolving::Done,
        false => Resolving::Left,
    })
}

/// The newest of a client's requests that failed for the same reason since; one that is not yet counted is seen, too.
async fn newer(
    shared: &Shared,
    key: &[u8; 16],
    source: ErrorId,
    recovered: bool,
    now: UnixMillis,
) -> Result<Option<ErrorId>, StoreError> {
    let filter = Filter {
        issue: Some(hex::text(*key)),
        after_id: Some(source.0),
        replay: Some(false),
        recovered: Some(recovered),
        ..Filter::between(now.plus_ms(-MONTH_MS), now.plus_ms(1))
    };
    let page = Page {
        sort: Sort::Newest,
        page: 1,
        page_size: 1,
        cursor: None,
    };
    let newest = shared.store.errors(&filter, &page).await?;
    Ok(newest.errors.first().map(|log| log.id))
}
