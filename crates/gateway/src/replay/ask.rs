//! May it be sent again, and as what? Then it is begun, and handed over.

use std::{sync::Arc, time::Duration};

use tokio::{sync::oneshot, time::timeout};
use waybill_model::{
    entity::Status,
    id::{AccountId, ReplayId, RetryId},
    issue::hex,
    retry::{Failed, RetryAttempt, RetryMode, Unreplayable},
    time::UnixMillis,
    view::ErrorLogDetail,
};
use waybill_store::{Begun, NewRetry, StoreError};

use super::{
    keep::{GRACE, bounds},
    queue::{Place, Task},
};
use crate::{
    app::Shared,
    config::Capture,
    ingress::Recalled,
    record::capture::{self, Kept, Unopened},
    routing::{KeyEntry, Plan, Unpinnable, Wanted},
};

/// What an operator wishes.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The failure.
    pub error: ErrorLogDetail,
    /// How it is sent.
    pub mode: RetryMode,
    /// The account to send it to; `None` with [`RetryMode::Upstream`]: the one that failed.
    pub pinned_account_id: Option<AccountId>,
    /// Who wishes it.
    pub requested_by_user_id: Option<i64>,
    /// The replay of many that it is a turn of.
    pub replay: Option<ReplayId>,
}

/// Why nothing was sent.
#[derive(Debug)]
pub enum Refused {
    /// It cannot be sent again; what exactly.
    Unreplayable(Unreplayable, String),
    /// No account was tried, so one has to be named.
    NoAccount,
    /// No group of the key that serves such requests has the account.
    NotInGroup(String),
    /// The account may not be used now.
    NotUsable(String),
    /// It is being sent again.
    InProgress(RetryId),
    /// It has just been sent again.
    TooSoon(UnixMillis),
    /// Too many are.
    TooMany,
    /// The replay of many that it would be a turn of has none for it.
    NoTurn,
    /// It has none before what is under way has ended.
    NoTurnYet,
    /// The store.
    Store(StoreError),
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Refused::Store(error)
    }
}

/// Why an error cannot be sent again, as far as it is known without opening what is kept. `is_kept`: something is.
pub fn unreplayable(
    shared: &Shared,
    error: &ErrorLogDetail,
    is_kept: bool,
) -> Option<Unreplayable> {
    // What repeats a failure is not repeated itself: the rules of one at a time are the failure's.
    if error.log.group_id.is_none() || error.log.replay_of.is_some() {
        return Some(Unreplayable::NotReplayable);
    }
    if !is_kept {
        return Some(not_kept(&shared.settings.capture, error.request_body_bytes).0);
    }
    key_of(shared, error).err().map(|(why, _)| why)
}

/// What is kept of a failed request, opened.
pub async fn recall(shared: &Shared, error: &ErrorLogDetail) -> Result<Kept, Refused> {
    let unreplayable = |why, said: &str| Refused::Unreplayable(why, said.to_owned());
    if error.log.group_id.is_none() {
        return Err(unreplayable(
            Unreplayable::NotReplayable,
            "it was refused before an account was looked for: there is nowhere to send it",
        ));
    }
    let Some(copy) = shared.store.replay_copy(error.log.id).await? else {
        let (why, said) = not_kept(&shared.settings.capture, error.request_body_bytes);
        return Err(Refused::Unreplayable(why, said));
    };
    let vault = shared.vault.clone();
    let opened = tokio::task::spawn_blocking(move || capture::open(&vault, &copy));
    let opened = opened.await.unwrap_or(Err(Unopened::Damaged));
    opened.map_err(|why| match why {
        Unopened::Key => unreplayable(
            Unreplayable::KeyUnavailable,
            "what was kept of it cannot be opened with this instance key",
        ),
        Unopened::Damaged => unreplayable(
            Unreplayable::BodyExpired,
            "its exact bytes are no longer whole",
        ),
    })
}

fn not_kept(capture: &Capture, body_bytes: u64) -> (Unreplayable, String) {
    let largest = capture.replay_body_bytes as u64;
    if body_bytes > largest {
        let said = format!(
            "its body has {body_bytes} bytes; those of up to {largest} are kept for sending again"
        );
        return (Unreplayable::BodyTooLarge, said);
    }
    let said = "its exact bytes are not kept, or no longer";
    (Unreplayable::BodyExpired, said.to_owned())
}

/// The API key that the request came with, if it may be used now.
fn key_of(
    shared: &Shared,
    error: &ErrorLogDetail,
) -> Result<Arc<KeyEntry>, (Unreplayable, String)> {
    let snapshot = shared.snapshot();
    let found = error.log.api_key_id.and_then(|id| snapshot.key_by_id(id));
    let no = |said: &str| Err((Unreplayable::KeyUnavailable, said.to_owned()));
    let Some(key) = found else {
        return no("the API key that it came with is no longer there");
    };
    if key.status == Status::Disabled {
        return no("the API key that it came with, or its user, is disabled");
    }
    let now = shared.clock.now();
    if key.expires_at.is_some_and(|expires_at| expires_at <= now) {
        return no("the API key that it came with has expired");
    }
    Ok(Arc::clone(key))
}

/// Sends a failed request again, and waits for its end. Whoever no longer waits does not stop it.
pub async fn replay(shared: &Arc<Shared>, wish: Wish) -> Result<RetryAttempt, Refused> {
    begin(shared, wish)
        .await?
        .ended()
        .await
        .map_err(Refused::Store)
}

/// Begins to send a failed request again; whoever no longer waits for it does not stop it.
pub async fn begin(shared: &Arc<Shared>, wish: Wish) -> Result<UnderWay, Refused> {
    // As a task, for a begun attempt has to be handed over whoever leaves in between.
    let task = tokio::spawn(hand_over(Arc::clone(shared), wish));
    let answered = task
        .await
        .map_err(|_| Refused::Store(StoreError::Closed))??;
    Ok(UnderWay {
        answered,
        longest: shared.settings.replay.timeout.saturating_add(GRACE),
    })
}

/// A request that is being sent again.
pub struct UnderWay {
    answered: Answered,
    longest: Duration,
}

impl UnderWay {
    /// Waits for its end.
    pub async fn ended(self) -> Result<RetryAttempt, StoreError> {
        match timeout(self.longest, self.answered).await {
            Ok(Ok(ended)) => ended,
            // The gateway is being stopped; what was begun is found to be interrupted.
            Ok(Err(_)) | Err(_) => Err(StoreError::Closed),
        }
    }
}

type Answered = oneshot::Receiver<Result<RetryAttempt, StoreError>>;

async fn hand_over(shared: Arc<Shared>, wish: Wish) -> Result<Answered, Refused> {
    let log = &wish.error.log;
    if let Some(source) = log.replay_of {
        let said = format!("it was sent again by an operator itself: send error {source} again");
        return Err(Refused::Unreplayable(Unreplayable::NotReplayable, said));
    }
    let pinned = match wish.mode {
        RetryMode::Client => None,
        RetryMode::Upstream => {
            let failed = wish.pinned_account_id.or(log.account_id);
            Some(failed.ok_or(Refused::NoAccount)?)
        }
    };
    // Before the copy is opened, which may be large.
    let place = shared.replays.place().ok_or(Refused::TooMany)?;
    let kept = recall(&shared, &wish.error).await?;
    let key =
        key_of(&shared, &wish.error).map_err(|(why, said)| Refused::Unreplayable(why, said))?;
    let recalled = understood(kept, &wish.error)?;
    if let Some(account) = pinned {
        may_be_asked(&shared, &recalled, &key, account)?;
    }
    let new = NewRetry {
        source_error_id: log.id,
        source_error_at: log.created_at,
        requested_by_user_id: wish.requested_by_user_id,
        mode: wish.mode,
        pinned_account_id: pinned,
        holder: shared.replica.clone(),
        replay_id: wish.replay,
    };
    let now = shared.clock.now();
    let begun = shared.store.begin_retry(new, bounds(&shared), now).await?;
    let attempt = match begun {
        Begun::Began(attempt) => attempt,
        Begun::InProgress(other) => return Err(Refused::InProgress(other)),
        Begun::TooSoon(again) => return Err(Refused::TooSoon(again)),
        Begun::NoTurn => return Err(Refused::NoTurn),
        Begun::NoTurnYet => return Err(Refused::NoTurnYet),
    };
    let (answer, answered) = oneshot::channel();
    let Place { give, seat } = place;
    let task = Task {
        seat,
        attempt,
        source: log.id,
        was: Failed {
            status: log.status_code,
            cause: log.cause,
            fingerprint: hex::key(&log.fingerprint),
        },
        replay: wish.replay,
        recalled,
        key,
        pinned,
        answer,
    };
    // Those who take hold the other end for as long as there is a gateway.
    give.send(task)
        .map_err(|_| Refused::Store(StoreError::Closed))?;
    Ok(answered)
}

fn understood(kept: Kept, error: &ErrorLogDetail) -> Result<Recalled, Refused> {
    let no = |said: String| Refused::Unreplayable(Unreplayable::NotReplayable, said);
    let head = kept.head.ok_or_else(|| {
        no("it was kept by an older version, which did not keep its headers".to_owned())
    })?;
    let client_ip = error
        .log
        .client_ip
        .parse()
        .map_err(|_| no("the address of its client cannot be read".to_owned()))?;
    Recalled::new(head, kept.body, client_ip).map_err(no)
}

/// Whether the one account that it is to go to may be used for it now. What routing finds is found out by being
/// sent: a client would be told no more.
fn may_be_asked(
    shared: &Shared,
    recalled: &Recalled,
    key: &KeyEntry,
    account: AccountId,
) -> Result<(), Refused> {
    let arrival = recalled.arrival();
    let wanted = Wanted {
        protocol: arrival.protocol,
        only: recalled.only(),
        open: recalled.tongues(),
        model: arrival.model.as_ref(),
        sticky: arrival.sticky,
        tokens: 0,
        request_id: None,
    };
    match Plan::pinned(key, wanted, account, shared.clock.now()) {
        Ok(_) => Ok(()),
        Err(Unpinnable::NotUsable(said)) => Err(Refused::NotUsable(said)),
        Err(Unpinnable::NotInGroup) => Err(Refused::NotInGroup(format!(
            "no group of the key `{}` that serves such requests has account {account}",
            key.name
        ))),
    }
}
