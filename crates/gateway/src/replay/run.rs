//! One request that is sent again, on a worker: from its begin to the end of its answer, and to its record.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use tokio::time::{Instant, sleep, timeout};
use waybill_model::{
    cause::Cause,
    id::{AccountId, RequestId, RetryId},
    retry::{Came, Failed, RetryAttempt, verdict},
};
use waybill_store::{RetryOutcome, StoreError};

use super::{
    keep::GRACE,
    prove::{self, Proves},
    queue::Task,
};
use crate::{
    app::{Shared, Worker},
    ingress::Inbound,
    pipeline,
    record::{Ended, millis_since},
    routing::KeyEntry,
};

/// How much of an answer is shown.
const PREVIEW_BYTES: usize = 8 << 10;

/// How much of it is read for that: secrets may be longer than what stands for them.
const KEPT_BYTES: usize = 64 << 10;

/// Longest message and id that are kept.
const MAX_MESSAGE_BYTES: usize = 2048;
const MAX_ID_BYTES: usize = 128;

/// How long to wait before an end is written down once more that could not be.
const WRITE_AGAIN_AFTER: Duration = Duration::from_millis(500);

/// Sends it, writes down what came of it, and tells whoever still waits.
pub async fn run(worker: Arc<Worker>, task: Task) {
    let Task {
        seat: _seat,
        attempt,
        source,
        was,
        replay,
        recalled,
        key,
        pinned,
        answer,
    } = task;
    let shared = &worker.shared;
    let request_id = RequestId::new(shared.clock.now(), rand::random());
    let (began, limit) = (Instant::now(), shared.settings.replay.timeout);
    let mut seen = Seen::default();
    let mut inbound = recalled.begin(shared, request_id, source, &key);
    let told = inbound.journey.tell();
    let in_time = timeout(limit, send(&worker, inbound, &key, pinned, &mut seen)).await;
    // Whatever it was at, it is over: what was still under way was dropped, which is an end, too.
    let ended = told.await.ok();
    let late = in_time.is_err();
    let message = match &ended {
        _ if late => Some(format!("no whole answer within {} ms", limit.as_millis())),
        Some(ended) => ended.message.clone(),
        None => Some("the gateway failed".to_owned()),
    };
    let came = match &ended {
        _ if late => Came::TooLate,
        Some(ended) if ended.served => Came::Served,
        Some(ended) => Came::Failed(Failed {
            status: seen.status.unwrap_or(ended.status_code),
            cause: ended.cause.unwrap_or(Cause::GatewayInternal),
            fingerprint: ended.fingerprint,
        }),
        None => Came::Failed(Failed {
            status: 500,
            cause: Cause::GatewayInternal,
            fingerprint: None,
        }),
    };
    let cost = ended.as_ref().and_then(|ended| ended.cost);
    let came_back = ended.as_ref().and_then(|ended| ended.fingerprint);
    let redactor = shared.secrets.redactor();
    let (preview, cut) = redactor.bytes(&seen.kept, PREVIEW_BYTES);
    let outcome = RetryOutcome {
        success: came == Came::Served,
        verdict: verdict(&was, came),
        // What was given up did not end by itself.
        cause: ended
            .as_ref()
            .filter(|_| !late)
            .and_then(|ended| ended.cause),
        fingerprint: came_back.filter(|_| !late),
        cost,
        // What began as a good answer is charged for, however it ended.
        cost_is_unknown: cost.is_none() && (late || seen.status.is_some_and(|status| status < 300)),
        duration_ms: millis_since(began),
        result_request_id: request_id,
        error_message: message.map(|said| redactor.text_bounded(&said, MAX_MESSAGE_BYTES)),
        http_status_code: seen.status,
        upstream_request_id: ended
            .as_ref()
            .and_then(|ended: &Ended| ended.upstream_request_id.as_deref())
            .map(|id| redactor.text_bounded(id, MAX_ID_BYTES)),
        used_account_id: ended.and_then(|ended| ended.account_id),
        response_truncated: cut || seen.total > seen.kept.len() as u64,
        response_preview: (seen.total > 0).then_some(preview),
    };
    drop(redactor);
    let is_served = outcome.success && pinned.is_none();
    let written = write_down(shared, attempt, outcome).await;
    if is_served && written.is_ok() {
        let proves = match replay {
            // It says so at its end, when it is known what came of the others.
            Some(_) => Proves::Itself,
            // Of several that failover hid on the way one kind is known. Any of them may be the failure itself.
            None if came_back.is_some() => Proves::Itself,
            None => Proves::Issue,
        };
        prove::served_again(shared, source, attempt, proves).await;
    }
    // Whoever asked may have gone.
    let _ = answer.send(written);
}

async fn send(
    worker: &Worker,
    inbound: Inbound,
    key: &KeyEntry,
    pinned: Option<AccountId>,
    seen: &mut Seen,
) {
    let response = pipeline::again(worker, inbound, key, pinned).await;
    seen.status = Some(response.status().as_u16());
    let mut body = response.into_body();
    // One that breaks off has said so on its record.
    while let Some(Ok(frame)) = body.frame().await {
        if let Ok(data) = frame.into_data() {
            seen.take(&data);
        }
    }
}

/// What a client would have been sent.
#[derive(Default)]
struct Seen {
    status: Option<u16>,
    kept: Vec<u8>,
    total: u64,
}

impl Seen {
    fn take(&mut self, data: &Bytes) {
        let room = KEPT_BYTES.saturating_sub(self.kept.len());
        self.kept.extend_from_slice(&data[..data.len().min(room)]);
        self.total += data.len() as u64;
    }
}

/// Writes the end down, if need be after a while: a database that is away must not make it look interrupted.
async fn write_down(
    shared: &Shared,
    attempt: RetryId,
    outcome: RetryOutcome,
) -> Result<RetryAttempt, StoreError> {
    let until = Instant::now() + GRACE / 2;
    loop {
        let now = shared.clock.now();
        let written = shared
            .store
            .finish_retry(attempt, outcome.clone(), now)
            .await;
        match written {
            Ok(Some(attempt)) => return Ok(attempt),
            // It was given up as interrupted meanwhile.
            Ok(None) => return shared.store.retry(attempt).await?.ok_or(StoreError::Closed),
            Err(error) if Instant::now() >= until => {
                tracing::error!(%error, %attempt, "the end of a replay is not on record");
                return Err(error);
            }
            Err(error) => {
                tracing::debug!(%error, %attempt, "the end of a replay is not on record yet");
                sleep(WRITE_AGAIN_AFTER).await;
            }
        }
    }
}
