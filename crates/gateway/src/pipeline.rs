//! The way of a request, stage by stage.

use http::{Request, Response, header};
use hyper::body::Incoming;
use tokio::time::Instant;
use waybill_model::{
    id::AccountId,
    waybill::{Admission, Routing},
};
use waybill_wire::translate::tongue::Tongues;

use crate::{
    app::Worker,
    auth::{self, Admitted},
    ingress::{self, Inbound, Peer, Rejected},
    quota,
    record::{Journey, millis_since},
    relay::{self, ReplyBody},
    respond::{self, Code, Refusal},
    routing::{KeyEntry, NoRoute, Plan, Wanted},
    upstream::{self, Exhausted},
};

/// Longest model name. Names are remembered, with what is known of each.
const MAX_MODEL_BYTES: usize = 256;

/// Takes a client's request from its head to the last byte of its answer.
pub async fn handle(
    worker: &Worker,
    peer: &Peer,
    request: Request<Incoming>,
) -> Response<ReplyBody> {
    let shared = &worker.shared;
    let mut opened = ingress::open(shared, peer, request);

    let admitted = match admit(&mut opened.journey) {
        Ok(admitted) => admitted,
        Err(refusal) => return turn_away(opened, refusal).await,
    };
    if let Err(refusal) = accepts(worker, &opened.journey) {
        return turn_away(opened, refusal).await;
    }
    match quota::admit(admitted.key(), opened.journey.waybill().opened_at) {
        Ok(ticket) => opened.journey.hold(ticket),
        Err(refusal) => return turn_away(opened, refusal).await,
    }
    let (limits, timeouts) = (&shared.settings.limits, &shared.settings.timeouts);
    let inbound = match ingress::collect(opened, limits, timeouts).await {
        Ok(inbound) => inbound,
        Err(Rejected::Refused(refused)) => {
            let (journey, refusal) = *refused;
            return relay::refuse(journey, &refusal).await;
        }
        Err(Rejected::Left) => return respond::nothing(),
    };
    route(worker, inbound, admitted.key(), None).await
}

/// Takes a request that an operator sends again the same way, to one account where that is wished. Whose it is
/// was looked up, and it counts in no quota; all else is as for a client.
pub async fn again(
    worker: &Worker,
    inbound: Inbound,
    key: &KeyEntry,
    pinned: Option<AccountId>,
) -> Response<ReplyBody> {
    if let Err(refusal) = accepts(worker, &inbound.journey) {
        return relay::refuse(inbound.journey, &refusal).await;
    }
    route(worker, inbound, key, pinned).await
}

/// From routing on.
async fn route(
    worker: &Worker,
    mut inbound: Inbound,
    key: &KeyEntry,
    pinned: Option<AccountId>,
) -> Response<ReplyBody> {
    let mut open = Tongues::open(inbound.arrival().protocol, inbound.endpoint);
    let mut wordless = None;
    loop {
        let plan = match plan(&mut inbound, key, open, pinned) {
            Ok(plan) => plan,
            // What was in the way of the first group is what the client can change.
            Err(refusal) => {
                let refusal = wordless.unwrap_or(refusal);
                return relay::refuse(inbound.journey, &refusal).await;
            }
        };
        match upstream::serve(worker, &mut inbound, plan).await {
            // Accounts of another group may have the words: each time, fewer tongues are left.
            Err(Exhausted::Wordless(refusal, left)) => {
                wordless.get_or_insert(refusal);
                open = left;
            }
            result => return relay::deliver(worker, inbound, result).await,
        }
    }
}

/// Checks the key. Whose it is, is stamped also when it is not accepted.
fn admit(journey: &mut Journey) -> Result<Admitted, Refusal> {
    let began = Instant::now();
    let shared = journey.shared();
    let arrival = &journey.waybill().arrival;
    ingress::check_head(&arrival.headers, &shared.settings.limits)?;
    let result = auth::admit(
        &arrival.headers,
        &arrival.path,
        &shared.snapshot(),
        &shared.vault,
        shared.clock.now(),
    );
    let key = match &result {
        Ok(admitted) => Some(admitted.key()),
        Err(denied) => denied.key.as_ref(),
    };
    journey.waybill_mut().admission = key.map(|key| Admission {
        api_key_id: key.id,
        api_key_name: key.name.clone(),
        user_id: key.user_id,
        user_name: key.user_name.clone(),
        auth_latency_ms: millis_since(began),
    });
    result.map_err(|denied| denied.refusal)
}

/// Whether the gateway itself can take another request.
fn accepts(worker: &Worker, journey: &Journey) -> Result<(), Refusal> {
    let limit = worker.shared.settings.limits.in_flight;
    if journey.shared().in_flight.count() > limit {
        return Err(Refusal::new(
            Code::Overloaded,
            format!("the gateway already has {limit} requests in flight"),
        ));
    }
    Ok(())
}

fn plan(
    inbound: &mut Inbound,
    key: &KeyEntry,
    open: Tongues,
    pinned: Option<AccountId>,
) -> Result<Plan, Refusal> {
    let began = Instant::now();
    let arrival = inbound.arrival();
    if let Some(model) = arrival
        .model
        .as_deref()
        .filter(|m| m.len() > MAX_MODEL_BYTES)
    {
        let message = format!(
            "model: a name of {} bytes; at most {MAX_MODEL_BYTES} are accepted",
            model.len()
        );
        return Err(Refusal::new(Code::InvalidRequest, message));
    }
    let shared = inbound.journey.shared();
    let wanted = Wanted {
        protocol: arrival.protocol,
        only: inbound.only(),
        open,
        model: arrival.model.as_ref(),
        sticky: arrival.sticky,
        tokens: quota::estimate_tokens(arrival.endpoint, arrival.body_bytes),
        request_id: Some(inbound.journey.waybill().request_id),
    };
    let now = shared.clock.now();
    let plan = match pinned {
        None => Plan::new(key, wanted),
        // Usable a moment ago, when it was asked for.
        Some(account) => Plan::pinned(key, wanted, account, now)
            .map_err(|_| NoRoute::NoneUsable { soonest: None }),
    };
    let plan = plan.map_err(|why| Refusal::no_route(why, arrival, now))?;
    if inbound.journey.waybill().replay_of.is_none() {
        let snapshot = shared.snapshot();
        quota::check_price(key, arrival, plan.group(), &snapshot.prices)?;
    }
    inbound.journey.waybill_mut().routing = Some(Routing {
        group_id: plan.group().id,
        group_name: plan.group().name.clone(),
        platform: plan.group().platform,
        candidates: Vec::new(),
        routing_latency_ms: millis_since(began),
        queued: None,
        config_version: shared.config_revision(),
    });
    Ok(plan)
}

/// Refuses a request before its body was read. One without a known key is an attacker's to multiply,
/// so it is counted and not stored.
async fn turn_away(opened: ingress::Opened, refusal: Refusal) -> Response<ReplyBody> {
    let ingress::Opened {
        journey, mut body, ..
    } = opened;
    let waybill = journey.waybill();
    let (request_id, is_known) = (waybill.request_id, waybill.admission.is_some());
    let answer = respond::own_body(journey.protocol(), &refusal, request_id);
    // A client that asks before it sends its body need not send it.
    let asks_first = waybill.arrival.headers.contains_key(header::EXPECT);
    let response = if is_known {
        relay::refuse(journey, &refusal).await
    } else {
        journey.dismiss(refusal.cause());
        respond::own(&refusal, answer, request_id, 0)
    };
    if !asks_first {
        ingress::drain(&mut body, ingress::UNADMITTED_PATIENCE).await;
    }
    response
}
