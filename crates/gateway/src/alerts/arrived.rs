//! Up to when everything that ended is in the store, on whichever replica it was served.
//!
//! Promises: pure once it is read; a replica that is not heard of any more is not waited for. Must not know: rules.

use serde_json::Value;
use waybill_model::time::UnixMillis;
use waybill_store::Replica;

use crate::{app::Shared, replication::BEHIND};

/// A replica that was not heard of for so long is not waited for: others are not to be blind for its sake.
const GONE_AFTER_MS: i64 = 60_000;

/// For so long this replica must have been heard of itself, before it takes others to be gone: when the database is back
/// they come one after the other.
const OTHERS_COME_WITHIN_MS: i64 = 10_000;

/// One that was not heard of for so long does not come.
const LONG_GONE_MS: i64 = 86_400_000;

/// Up to when everything is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Arrived {
    up_to: UnixMillis,
    /// Whose records come last.
    pub(super) last: String,
}

impl Arrived {
    /// Whether everything that ended before a minute did is there, and some time for it to be put down.
    pub(super) fn has(&self, minute: UnixMillis, settles_after_ms: i64) -> bool {
        self.up_to >= minute.plus_ms(settles_after_ms)
    }
}

/// Asks this replica and the others.
pub(super) async fn arrived(shared: &Shared, now: UnixMillis) -> Arrived {
    let moved = shared.recorder.books_and_moved(now).await;
    let own = moved.map_or(UnixMillis(0), |(_, moved)| moved);
    let Some(home) = &shared.home else {
        return of(own, now, &[], "", true);
    };
    let is_settled = home.heard.for_ms() >= OTHERS_COME_WITHIN_MS;
    match home.replicas.list().await {
        Ok(replicas) => of(own, now, &replicas, &home.replica.id, is_settled),
        // Whatever is asked next will not be answered either.
        Err(_) => of(UnixMillis(0), now, &[], "", true),
    }
}

/// Puts together what each says. Of another replica it is what it said when it was last heard of, whatever its clock
/// shows: so long ago it was so far behind.
fn of(
    own: UnixMillis,
    now: UnixMillis,
    replicas: &[Replica],
    own_id: &str,
    is_settled: bool,
) -> Arrived {
    let others = replicas.iter().filter(|replica| replica.id != own_id);
    let of_other = |replica: &Replica| {
        let status: Value = serde_json::from_str(&replica.status).unwrap_or_default();
        let has_left = status["left"].as_bool().unwrap_or(false);
        let gone_after_ms = match is_settled {
            true => GONE_AFTER_MS,
            false => LONG_GONE_MS,
        };
        let is_there = !has_left && replica.seen_ms_ago < gone_after_ms;
        // A program that does not say it is not waited for.
        let behind_ms = status[BEHIND].as_i64().unwrap_or(0).max(0);
        let ago = replica.seen_ms_ago.max(0).saturating_add(behind_ms);
        is_there.then(|| Arrived {
            up_to: UnixMillis(now.0.saturating_sub(ago)),
            last: format!("replica {}", replica.name),
        })
    };
    let own = Arrived {
        up_to: own,
        last: "this replica".to_owned(),
    };
    let all = others.filter_map(of_other);
    all.fold(own, |last, other| match other.up_to < last.up_to {
        true => other,
        false => last,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_800_000_000_000);
    const MINUTE_MS: i64 = 60_000;

    fn replica(id: &str, seen_ms_ago: i64, status: &str) -> Replica {
        Replica {
            id: id.to_owned(),
            number: 1,
            name: id.to_owned(),
            version: String::new(),
            started_at: NOW,
            seen_at: NOW,
            seen_ms_ago,
            status: status.to_owned(),
        }
    }

    fn ago(ms: i64) -> UnixMillis {
        NOW.plus_ms(-ms)
    }

    #[test]
    fn everything_is_there_when_the_last_replica_has_moved_its_records() {
        let replicas = [
            replica("own", 900, r#"{"behind_ms": 9000000}"#),
            replica("b", 1_000, r#"{"behind_ms": 3500000}"#),
            replica("c", 2_000, r#"{"behind_ms": 0}"#),
            replica("older", 500, r#"{"books": {}}"#),
        ];
        let all = of(NOW, NOW, &replicas, "own", true);
        assert_eq!(
            (all.up_to, all.last.as_str()),
            (ago(3_501_000), "replica b")
        );
        assert!(!all.has(ago(30 * MINUTE_MS), 3_000));
        assert!(all.has(ago(59 * MINUTE_MS), 3_000));
        let own = of(ago(4_000_000), NOW, &replicas, "own", true);
        assert_eq!(
            (own.up_to, own.last.as_str()),
            (ago(4_000_000), "this replica")
        );
    }

    #[test]
    fn whoever_left_or_is_gone_is_not_waited_for() {
        let hour = 60 * MINUTE_MS;
        let replicas = [
            replica("own", 900, "{}"),
            replica("left", 1_000, r#"{"left": true}"#),
            replica("cut off", 2 * MINUTE_MS, r#"{"behind_ms": 50}"#),
            replica("of last week", 170 * hour, r#"{"behind_ms": 50}"#),
        ];
        assert_eq!(of(NOW, NOW, &replicas, "own", true).up_to, NOW);
        // The database was away for all of them: the others come in a moment.
        let coming = of(NOW, NOW, &replicas, "own", false);
        assert_eq!(coming.up_to, ago(2 * MINUTE_MS + 50));
        // One that says nothing yet is as far as when it was heard of.
        let silent = [replica("b", 30_000, "{}")];
        assert_eq!(of(NOW, NOW, &silent, "own", true).up_to, ago(30_000));
    }
}
