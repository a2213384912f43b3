//! What the turns of a replay say together of the issues of its failures.
//!
//! Promises: one failure that failed again, or was served only after failover hid something, speaks against its whole
//! issue, whatever the others say. Must not know: what else is known of an issue.

use std::collections::HashMap;

use waybill_model::{
    id::{ErrorId, ReplayId, RetryId},
    issue::{IssueState, Why},
    retry::{
        Verdict,
        many::{IssueWhy, MOST_ISSUES},
    },
};

use crate::{
    Store,
    issues::Belonging,
    sql::{Result, values},
};

/// The newest failure of an issue that was served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    /// The failure.
    pub source: ErrorId,
    /// The attempt.
    pub attempt: RetryId,
}

/// What a replay says of an issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IssueTurns {
    /// The issue; of failures that are not counted yet their kind.
    pub issue: [u8; 16],
    /// That it is dealt with, as far as its turns say so; or why not, and which failure says that.
    pub said: Said,
}

type Said = std::result::Result<Proof, (IssueWhy, ErrorId)>;

/// What the turns of an issue's failures came to, newest first.
#[derive(Debug, Default)]
struct Turns {
    served: Option<Proof>,
    failed: Option<ErrorId>,
    hidden: Option<ErrorId>,
    /// Newer than every one that was sent to its end.
    unknown: Option<(IssueWhy, ErrorId)>,
}

impl Turns {
    fn take(&mut self, source: ErrorId, verdict: Verdict, attempt: Option<RetryId>, hid: bool) {
        match (verdict, attempt) {
            (Verdict::WouldSucceed, Some(_)) if hid => {
                self.hidden.get_or_insert(source);
            }
            (Verdict::WouldSucceed, Some(attempt)) => {
                self.served.get_or_insert(Proof { source, attempt });
            }
            (Verdict::FailsTheSame | Verdict::FailsDifferently, _) => {
                self.failed.get_or_insert(source);
            }
            (Verdict::NotReplayable | Verdict::NotRun, _) => {
                self.unknown(source, IssueWhy::NotSent)
            }
            (Verdict::Interrupted | Verdict::WouldSucceed, _) => {
                self.unknown(source, IssueWhy::Interrupted);
            }
        }
    }

    fn unknown(&mut self, source: ErrorId, why: IssueWhy) {
        if self.served.is_none() {
            self.unknown.get_or_insert((why, source));
        }
    }

    /// `None`: none had its turn.
    fn say(self) -> Option<Said> {
        let failed = self.failed.map(|source| (IssueWhy::FailedAgain, source));
        let hidden = self.hidden.map(|source| (IssueWhy::HiddenOnTheWay, source));
        match failed.or(hidden).or(self.unknown) {
            Some(against) => Some(Err(against)),
            None => self.served.map(Ok),
        }
    }
}

impl Store {
    /// What a replay says of the issues of its failures, those of the newest first.
    pub async fn issues_of_replay(&self, id: ReplayId) -> Result<Vec<IssueTurns>> {
        self.readers
            .run(move |db| {
                let sql = format!(
                    "SELECT {}, i.source_error_id, i.verdict, t.id, t.result_fingerprint FROM replay_items i
                     JOIN errors e ON e.id = i.source_error_id{} LEFT JOIN retry_attempts t ON t.id = i.attempt_id
                     WHERE i.replay_id = ?1 AND i.verdict IS NOT NULL ORDER BY i.source_error_id DESC",
                    Belonging::COLUMNS,
                    db.dialect().and_same("e.created_at", "i.source_error_at")
                );
                let rows = db.rows(&sql, values![id], |cells| {
                    let belonging = Belonging::read(cells)?;
                    let source: ErrorId = cells.next()?;
                    let verdict: Verdict = cells.word("verdict")?;
                    let attempt: Option<RetryId> = cells.next()?;
                    let hid: Option<[u8; 16]> = cells.next()?;
                    Ok((belonging, source, verdict, attempt, hid.is_some()))
                })?;
                let mut known: HashMap<Belonging, [u8; 16]> = HashMap::new();
                let mut order = Vec::new();
                let mut turns: HashMap<[u8; 16], Turns> = HashMap::new();
                for (belonging, source, verdict, attempt, hid) in rows {
                    let issue = match known.get(&belonging) {
                        Some(issue) => *issue,
                        None => {
                            let kind = belonging.fingerprint();
                            let issue = belonging.issue(db)?.unwrap_or(kind);
                            known.insert(belonging, issue);
                            issue
                        }
                    };
                    let of_issue = turns.entry(issue).or_insert_with(|| {
                        order.push(issue);
                        Turns::default()
                    });
                    of_issue.take(source, verdict, attempt, hid);
                }
                let said = order.into_iter().take(MOST_ISSUES).filter_map(|issue| {
                    let said = turns.remove(&issue)?.say()?;
                    Some(IssueTurns { issue, said })
                });
                Ok(said.collect())
            })
            .await
    }

    /// Where an issue stands, why, and by whom; `None`: nothing is counted of it.
    pub async fn standing_of_issue(
        &self,
        key: [u8; 16],
    ) -> Result<Option<(IssueState, Why, Option<String>)>> {
        self.readers
            .run(move |db| {
                db.first(
                    "SELECT state, why, actor FROM issues WHERE issue = ?1",
                    values![key.as_slice()],
                    |cells| Ok((cells.word("state")?, cells.word("why")?, cells.next()?)),
                )
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_speaks_against_an_issue_weighs_more_than_what_speaks_for_it() {
        use Verdict as V;
        let proof = |source| {
            Some(Ok(Proof {
                source: ErrorId(source),
                attempt: RetryId(source),
            }))
        };
        let no = |why, source| Some(Err((why, ErrorId(source))));
        // Newest first.
        type Row = (i64, Verdict, bool);
        let cases: [(&[Row], Option<Said>); 9] = [
            (&[], None),
            (
                &[(9, V::WouldSucceed, false), (8, V::WouldSucceed, false)],
                proof(9),
            ),
            (
                &[(9, V::WouldSucceed, false), (8, V::FailsTheSame, false)],
                no(IssueWhy::FailedAgain, 8),
            ),
            (
                &[(9, V::FailsDifferently, true), (8, V::WouldSucceed, false)],
                no(IssueWhy::FailedAgain, 9),
            ),
            (
                &[(9, V::WouldSucceed, false), (8, V::WouldSucceed, true)],
                no(IssueWhy::HiddenOnTheWay, 8),
            ),
            (
                &[(9, V::NotRun, false), (8, V::WouldSucceed, false)],
                no(IssueWhy::NotSent, 9),
            ),
            (
                &[(9, V::WouldSucceed, false), (8, V::NotReplayable, false)],
                proof(9),
            ),
            (&[(9, V::Interrupted, false)], no(IssueWhy::Interrupted, 9)),
            (
                &[
                    (9, V::NotRun, false),
                    (8, V::WouldSucceed, true),
                    (7, V::FailsTheSame, false),
                ],
                no(IssueWhy::FailedAgain, 7),
            ),
        ];
        for (rows, expected) in cases {
            let mut turns = Turns::default();
            for (source, verdict, hid) in rows {
                turns.take(ErrorId(*source), *verdict, Some(RetryId(*source)), *hid);
            }
            assert_eq!(turns.say(), expected, "{rows:?}");
        }
    }
}
