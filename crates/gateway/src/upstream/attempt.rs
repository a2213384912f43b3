//! One try on one account: from its connection to the head of the answer, which [`judge`] then judges.

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, header};
use tokio::time::{Instant, timeout};
use waybill_model::{
    cause::Cause,
    waybill::{Attempt, Decision, Failure, TransportFault},
};

use super::{
    build::{self, Prepared},
    connect::{self, TransportError},
    exchange,
    failure::{Fault, failure_of},
    judge::{self, Answer},
};
use crate::{
    app::Worker,
    credential,
    ingress::Inbound,
    record::millis_since,
    routing::{Chosen, Place},
};

/// A kept-alive connection that breaks within this time had been closed before it was used.
const STALE_WITHIN: Duration = Duration::from_secs(1);

/// A try that did not serve.
pub struct BrokenAttempt {
    /// Its facts.
    pub failure: Failure,
    /// An idle connection had been closed under it.
    pub stale_connection: bool,
    /// The provider refused an access token before its end: a new one may do.
    pub stale_token: bool,
}

/// Which connection may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connect {
    /// An idle one, if there is one.
    KeptAlive,
    /// A new one.
    Afresh,
}

/// The facts of an attempt that begins.
pub fn begin(worker: &Worker, chosen: &Chosen, place: Place, number: u32) -> Attempt {
    let account = &chosen.account;
    Attempt {
        number,
        account_id: account.id,
        account_name: Arc::clone(&account.name),
        platform: account.platform,
        upstream_model: chosen.upstream_model.clone(),
        host: Arc::clone(account.host_at(place)),
        proxy: account
            .upstream_at(place)
            .proxy
            .as_ref()
            .map(|proxy| Arc::clone(proxy.place())),
        started_at: worker.shared.clock.now(),
        connect_ms: None,
        first_byte_ms: None,
        duration_ms: 0,
        status: None,
        upstream_request_id: None,
        failure: None,
        decision: Decision::Serve,
        decision_reason: "the provider answered",
    }
}

/// Tries one account. Returns the facts of the attempt, completed.
pub async fn attempt(
    worker: &Worker,
    inbound: &Inbound,
    chosen: &Chosen,
    mut attempt: Attempt,
    mut prepared: Prepared,
    connect: Connect,
) -> (Attempt, Result<Answer, Box<BrokenAttempt>>) {
    let account = &chosen.account;
    let started = Instant::now();
    let bridge = prepared.over.as_ref().map(|over| over.bridge);
    let place = prepared.place;
    let mut token = None;
    let trying = async {
        // Within the attempt: a wait in vain is on record as one.
        token = credential::token_of(&worker.shared, account)
            .await
            .map_err(Fault::NoToken)?;
        if prepared.needs_project() && account.project.id().is_none() {
            credential::project_of(&worker.shared, account)
                .await
                .map_err(Fault::NoToken)?;
            prepared = build::prepare(inbound, chosen, place, prepared.stage).map_err(|_| {
                Fault::unsent(TransportFault::Protocol, "its project fits no request")
            })?;
        }
        if let Some(token) = &token {
            let headers = prepared.request.headers_mut();
            headers.insert(header::AUTHORIZATION, token.clone());
        }
        let headers = prepared.request.headers_mut();
        build::trace(&inbound.journey, attempt.number, headers);
        try_account(
            worker,
            inbound,
            chosen,
            &mut attempt,
            prepared,
            started,
            connect,
        )
        .await
    };
    let result = trying.await;
    attempt.duration_ms = millis_since(started);
    let result = result.map_err(|fault| {
        if let Fault::Status { status, .. } = &fault {
            attempt.status = Some(status.as_u16());
        }
        let stale_connection = matches!(fault, Fault::Transport { stale: true, .. });
        let client = &inbound.arrival().headers;
        let mut sent = build::headers_sent(client, account, place, &inbound.method, bridge);
        build::mark(&inbound.journey, &mut sent);
        build::trace(&inbound.journey, attempt.number, &mut sent);
        let (failure, request_id) =
            failure_of(account.platform, fault, sent, worker.shared.clock.now());
        attempt.upstream_request_id = attempt.upstream_request_id.take().or(request_id);
        let stale_token = failure.cause == Cause::AuthInvalidKey
            && credential::refused_by_provider(&worker.shared, account, token.as_ref());
        Box::new(BrokenAttempt {
            failure,
            stale_connection,
            stale_token,
        })
    });
    (attempt, result)
}

async fn try_account(
    worker: &Worker,
    inbound: &Inbound,
    chosen: &Chosen,
    attempt: &mut Attempt,
    prepared: Prepared,
    started: Instant,
    connect: Connect,
) -> Result<Answer, Fault> {
    let settings = &worker.shared.settings;
    let Prepared {
        request,
        over,
        place,
        stage: _,
    } = prepared;
    let upstream = chosen.account.upstream_at(place);
    let kept_alive = match connect {
        Connect::KeptAlive => worker.pool.take(upstream),
        Connect::Afresh => None,
    };
    let reused = kept_alive.is_some();
    let connection = match kept_alive {
        Some(connection) => connection,
        None => {
            let connection = connect::connect(upstream, &worker.shared).await;
            attempt.connect_ms = Some(millis_since(started));
            let connection = connection.map_err(|error| Fault::Transport {
                error,
                stale: false,
            })?;
            worker.pool.home(upstream).share(&connection);
            connection
        }
    };
    let sent_at = Instant::now();
    let sending = exchange::send(connection, worker.pool.home(upstream), request);
    let response = match timeout(settings.timeouts.first_byte, sending).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => {
            // A provider that works on a request for a while and then breaks was not found closed.
            let at_once = !error.sent || sent_at.elapsed() < STALE_WITHIN;
            let stale = reused && error.fault == TransportFault::Reset && at_once;
            return Err(Fault::Transport { error, stale });
        }
        Err(_) => {
            let message = format!(
                "no answer within {} ms",
                settings.timeouts.first_byte.as_millis()
            );
            let error = TransportError::sent(TransportFault::Timeout, message);
            return Err(Fault::Transport {
                error,
                stale: false,
            });
        }
    };
    let head_at = Instant::now();
    attempt.first_byte_ms = Some(millis_since(started));
    attempt.status = Some(response.status().as_u16());
    attempt.upstream_request_id = request_id(response.headers());
    let asked = judge::Asked {
        stream_format: inbound.stream_format,
        endpoint: inbound.endpoint,
        over,
        place,
        started,
        head_at,
    };
    judge::judge(worker, chosen, asked, response).await
}

/// The provider's own id for the request.
pub(super) fn request_id(headers: &HeaderMap) -> Option<String> {
    [
        "request-id",
        "x-request-id",
        "apim-request-id",
        "x-goog-request-id",
        "cf-ray",
    ]
    .iter()
    .find_map(|name| headers.get(*name)?.to_str().ok())
    .map(str::to_owned)
}
