//! What goes along with records.

use rusqlite::Connection;
use waybill_model::{
    id::{AccountEventId, AccountId, ApiKeyId},
    limits::{Consumer, UsageCount, Used, Window},
    money::MicroUsd,
    record::AccountEventRow,
    redact::Shown,
    state::AccountEventKind,
    time::UnixMillis,
};
use waybill_store::AccountEventFilter;

use super::{DAY, Fixture, request_id};

/// Whose events these are.
pub const ACCOUNT: AccountId = AccountId(3);
/// Whose usage.
pub const KEY: Consumer = Consumer::Key(ApiKeyId(2));

pub fn event(id: i64) -> AccountEventRow {
    AccountEventRow {
        id: AccountEventId(id),
        at: DAY.plus_ms(id),
        account_id: ACCOUNT,
        kind: AccountEventKind::Overloaded,
        scope: Shown::own("account"),
        since: None,
        until: Some(DAY),
        source: None,
        strikes: 1,
        cause: None,
        status_code: None,
        reason: Shown::own("busy"),
        request_id: Some(request_id(1)),
        attempt: None,
        actor: None,
        undoes: None,
    }
}

pub fn count(consumer: Consumer, window: Window, at: UnixMillis, requests: u64) -> UsageCount {
    UsageCount {
        consumer,
        window,
        started_at: window.start(at),
        used: Used {
            requests,
            tokens: 10 * requests,
            usd: MicroUsd(100),
        },
    }
}

/// The file that the journal writes to, from outside.
pub fn open(f: &Fixture) -> Connection {
    Connection::open(f.file()).unwrap()
}

/// The account's events that can be found, by id.
pub async fn stored_ids(f: &Fixture) -> Vec<i64> {
    let all = AccountEventFilter::default();
    let events = f.store.account_events(ACCOUNT, all).await.unwrap();
    events.iter().rev().map(|event| event.id.0).collect()
}
