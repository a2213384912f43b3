//! The way of a request, stage by stage.

use std::net::IpAddr;

use http::{Request, Response};
use hyper::body::Incoming;
use tokio::time::Instant;
use waybill_model::{
    cause::Phase,
    waybill::{Admission, Routing},
};

use crate::{
    app::Worker,
    auth::{self, Admitted},
    ingress::{self, Inbound},
    record::{Journey, millis_since},
    relay::{self, ReplyBody},
    respond::{self, Code, Refusal},
    routing::Plan,
    upstream,
};

/// Takes a client's request from its head to the last byte of its answer.
pub async fn handle(
    worker: &Worker,
    peer: IpAddr,
    request: Request<Incoming>,
) -> Response<ReplyBody> {
    let shared = &worker.shared;
    let mut opened = ingress::open(shared, peer, request);

    let admitted = match admit(&mut opened.journey) {
        Ok(admitted) => admitted,
        Err(refusal) => return turn_away(opened, refusal).await,
    };
    if let Err(refusal) = accepts(worker, &opened.journey) {
        return relay::refuse(opened.journey, &refusal).await;
    }
    let mut inbound =
        match ingress::collect(opened, &shared.settings.limits, &shared.settings.timeouts).await {
            Ok(inbound) => inbound,
            Err((journey, refusal)) => return relay::refuse(journey, &refusal).await,
        };
    let plan = match plan(&mut inbound, &admitted) {
        Ok(plan) => plan,
        Err(refusal) => return relay::refuse(inbound.journey, &refusal).await,
    };
    let result = upstream::serve(worker, &mut inbound, plan).await;
    relay::deliver(inbound, result).await
}

fn admit(journey: &mut Journey) -> Result<Admitted, Refusal> {
    let began = Instant::now();
    let shared = journey.shared();
    let arrival = &journey.waybill().arrival;
    ingress::check_head(&arrival.headers, &shared.settings.limits)?;
    let admitted = auth::admit(
        &arrival.headers,
        &arrival.path,
        &shared.snapshot(),
        &shared.vault,
        shared.clock.now(),
    )?;
    let key = admitted.key();
    journey.waybill_mut().admission = Some(Admission {
        api_key_id: key.id,
        api_key_name: key.name.clone(),
        user_id: key.user_id,
        user_name: key.user_name.clone(),
        auth_latency_ms: millis_since(began),
    });
    Ok(admitted)
}

/// Whether the gateway itself can take another request.
fn accepts(worker: &Worker, journey: &Journey) -> Result<(), Refusal> {
    let limit = worker.shared.settings.limits.in_flight;
    if worker.shared.is_stopping() {
        return Err(Refusal::new(
            Code::Shutdown,
            "the gateway is being stopped; send the request again",
        ));
    }
    if journey.shared().in_flight.count() > limit {
        return Err(Refusal::new(
            Code::Overloaded,
            format!("the gateway already has {limit} requests in flight"),
        ));
    }
    Ok(())
}

fn plan(inbound: &mut Inbound, admitted: &Admitted) -> Result<Plan, Refusal> {
    let began = Instant::now();
    let arrival = inbound.arrival();
    let plan = Plan::new(
        admitted.key(),
        arrival.protocol.native_platform(),
        arrival.model.as_ref(),
    )
    .map_err(|why| Refusal::no_route(why, arrival.model.as_deref()))?;
    inbound.journey.waybill_mut().routing = Some(Routing {
        group_id: plan.group().id,
        group_name: plan.group().name.clone(),
        candidates: Vec::new(),
        routing_latency_ms: millis_since(began),
    });
    Ok(plan)
}

/// Refuses a request whose key was not accepted. It is an attacker's to multiply, so it is counted and
/// not stored; a key that is known but disabled has an owner, who will ask.
async fn turn_away(opened: ingress::Opened, refusal: Refusal) -> Response<ReplyBody> {
    let ingress::Opened {
        journey, mut body, ..
    } = opened;
    ingress::drain(&mut body, ingress::UNADMITTED_PATIENCE).await;
    let waybill = journey.waybill();
    let (request_id, attempts, protocol) = (
        waybill.request_id,
        waybill.attempts_made(),
        journey.protocol(),
    );
    let answer = respond::own_body(protocol, &refusal, request_id);
    debug_assert!(matches!(
        refusal.cause().info().phase,
        Phase::Auth | Phase::Request
    ));
    journey.dismiss(refusal.cause());
    respond::own(&refusal, answer, request_id, attempts)
}
