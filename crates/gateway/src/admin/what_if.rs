//! `ops/what-if/scheduler`: recorded requests under other rules of the scheduler.
//!
//! Promises: one at a time on a replica, within bounds of rows and of time; who goes away ends it. Must not
//! know: how it is simulated.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Json, extract::State};
use waybill_model::{id::AccountId, whatif::WhatIf};

use super::{
    App,
    body::Body,
    problem::{Problem, ProblemCode, ProblemDetails},
};
use crate::{
    app::Shared,
    config::RequestLogging,
    ops::{query::Mistake, what_if::WhatIfQuestion},
    whatif::{self, Bounds, Patience, Rules, Setting},
};

/// How much of the record is replayed at most.
const BOUNDS: Bounds = Bounds {
    requests: 200_000,
    attempts: 200_000,
    events: 50_000,
};

/// How long reading and the simulations may take.
const LONGEST: Duration = Duration::from_secs(60);

/// What recorded requests would have come to under other cool-downs or priorities, or without some accounts:
/// the record, the present rules simulated over it, and the changed ones, with the difference of the two and how
/// well the present rules, simulated, match what is recorded.
#[utoipa::path(post, path = "/api/v1/admin/ops/what-if/scheduler", operation_id = "what_if_scheduler", tag = "ops",
    request_body = WhatIfQuestion,
    responses((status = 200, body = WhatIf), (status = 400, body = ProblemDetails), (status = 409, body = ProblemDetails)))]
pub async fn scheduler(
    State(shared): State<App>,
    Body(question): Body<WhatIfQuestion>,
) -> Result<Json<WhatIf>, Problem> {
    let window = question.window(shared.clock.now()).map_err(|bad| {
        let code = match bad.mistake {
            Mistake::WindowTooLong => ProblemCode::WindowTooLong,
            Mistake::Malformed | Mistake::Unknown => ProblemCode::InvalidField,
        };
        Problem::new(code, bad.message).at_field(bad.parameter)
    })?;
    let (scope, policy) = question.split();
    let setting = setting(&shared).await?;
    let is_known = |id: AccountId| setting.name(id).is_some();
    policy
        .check(is_known)
        .map_err(|bad| Problem::field(bad.field, bad.message))?;
    let group = scope.group_id;
    if group.is_some_and(|id| setting.groups.iter().all(|group| group.id != id)) {
        return Err(Problem::field("group_id", "there is no such group"));
    }
    let seat = shared.what_if.seat().ok_or_else(|| {
        let detail = "another simulation runs on this replica; ask again when it has ended";
        Problem::new(ProblemCode::WhatIfInProgress, detail)
    })?;
    let accounts: Vec<AccountId> = setting.accounts.iter().map(|account| account.id).collect();
    let too_slow = || {
        let detail = "the simulation took too long; ask for a shorter window";
        Problem::new(ProblemCode::TooSlow, detail)
    };
    let leaves = Leaves(Arc::default());
    let patience = Patience {
        until: Instant::now() + LONGEST,
        is_abandoned: Arc::clone(&leaves.0),
    };
    let rows = whatif::read(&shared.store, window, &accounts, BOUNDS);
    let rows = tokio::time::timeout_at(patience.until.into(), rows).await;
    let rows = rows.map_err(|_| too_slow())??;
    let run = tokio::task::spawn_blocking(move || {
        // Taken until it has really ended, whoever waits.
        let _seat = seat;
        let past = rows.trace(&scope);
        whatif::simulate(&setting, &past, &policy, &patience)
    });
    let found = run.await.map_err(|error| {
        tracing::error!(%error, "a simulation broke");
        Problem::new(
            ProblemCode::Internal,
            "the simulation broke; the gateway's log says why",
        )
    })?;
    drop(leaves);
    let mut found = found.map_err(|whatif::Stopped| too_slow())?;
    match shared.settings.requests {
        RequestLogging::All => {}
        RequestLogging::Sampled(_) | RequestLogging::ErrorsOnly => found.notes.push(
            "The configuration keeps a row for a part of what is served only: accounts look less busy than they were."
                .to_owned(),
        ),
    }
    Ok(Json(found))
}

/// Dropped with whoever asks.
struct Leaves(Arc<AtomicBool>);

impl Drop for Leaves {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

async fn setting(shared: &Shared) -> Result<Setting, Problem> {
    let accounts = shared.store.accounts().await?;
    let groups = shared.store.groups().await?;
    let snapshot = shared.snapshot();
    let usable = snapshot
        .accounts()
        .filter(|entry| entry.credential.is_some());
    let proxies = usable
        .map(|entry| (entry.id, entry.upstream.proxy.as_deref().cloned()))
        .collect();
    let settings = &shared.settings;
    Ok(Setting {
        accounts,
        groups,
        proxies,
        rules: Rules {
            max_attempts: settings.failover.max_attempts,
            attempts_ms: i64::try_from(settings.timeouts.attempts.as_millis()).unwrap_or(i64::MAX),
            queue: settings.queue,
        },
    })
}
