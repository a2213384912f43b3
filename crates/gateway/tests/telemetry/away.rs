//! A receiver that is away, slow or unwilling costs spans, which are counted, and nothing else.

use std::time::{Duration, Instant};

use crate::{
    conventions::hold,
    lint::{number, scrape},
    receiver::{Manner, Receiver},
    support::{World, eventually, message},
    traces::world,
};

/// Nobody waits this long for a request that is served from this machine, however slow it is.
const PROMPT: Duration = Duration::from_secs(5);

async fn ask(world: &World) -> String {
    let began = Instant::now();
    let answer = world.post("/v1/messages", message(false)).await;
    assert_eq!(answer.status, 200);
    assert!(began.elapsed() < PROMPT, "{:?}", began.elapsed());
    answer.request_id().to_owned()
}

async fn dropped(world: &World, reason: &str) -> f64 {
    let name = format!("waybill_telemetry_spans_dropped_total{{reason=\"{reason}\"}}");
    number(&scrape(world).await, &name).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_comes_back_gets_what_was_kept() {
    let receiver = Receiver::start(Manner::Answers(503)).await;
    let world = world(&receiver, "").await;
    let id = ask(&world).await;
    eventually("a try in vain", || async {
        let mut sent = receiver.sent().into_iter();
        sent.any(|sent| sent.path == "/v1/traces").then_some(())
    })
    .await;
    receiver.becomes(Manner::Takes);
    hold(&receiver.spans_of(&id).await);
    let page = scrape(&world).await;
    assert!(
        number(
            &page,
            "waybill_telemetry_exports_total{signal=\"traces\",outcome=\"failed\"}"
        ) >= Some(1.0)
    );
    assert_eq!(number(&page, "waybill_telemetry_spans_total"), Some(2.0));
    for reason in ["queue_full", "refused", "unreachable", "shutdown"] {
        assert_eq!(dropped(&world, reason).await, 0.0, "{reason}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_receiver_refuses_is_let_go_and_counted() {
    let receiver = Receiver::start(Manner::Answers(500)).await;
    let world = world(&receiver, "").await;
    let refused = ask(&world).await;
    eventually("the spans are let go", || async {
        (dropped(&world, "refused").await == 2.0).then_some(())
    })
    .await;
    receiver.becomes(Manner::TakesAllBut(1));
    let taken = ask(&world).await;
    hold(&receiver.spans_of(&taken).await);
    eventually("a part is let go", || async {
        (dropped(&world, "refused").await == 3.0).then_some(())
    })
    .await;
    let page = scrape(&world).await;
    assert_eq!(
        number(
            &page,
            "waybill_telemetry_exports_total{signal=\"traces\",outcome=\"partial\"}"
        ),
        Some(1.0)
    );
    assert_eq!(number(&page, "waybill_telemetry_spans_total"), Some(1.0));
    let is_refused = |id: Option<&str>| id == Some(refused.as_str());
    assert!(
        receiver
            .spans()
            .iter()
            .all(|(_, span)| !is_refused(crate::conventions::text(span, "waybill.request_id")))
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_hangs_holds_nobody_up_and_a_stop_ends_in_time() {
    let receiver = Receiver::start(Manner::Hangs).await;
    let world = world(&receiver, "metrics_every_ms = 100\n").await;
    ask(&world).await;
    eventually("the receiver hangs", || async {
        (receiver.sent().len() >= 2).then_some(())
    })
    .await;
    for _ in 0..50 {
        ask(&world).await;
    }
    let began = Instant::now();
    world.stop().await;
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_is_not_there_is_tried_and_then_taken() {
    // Its address, without it.
    let receiver = Receiver::start(Manner::Takes).await;
    let url = receiver.url.clone();
    drop(receiver);
    let world = World::with(crate::support::Setup {
        rest: format!("[telemetry]\notlp_endpoint = \"{url}\"\nmetrics_every_ms = 0\n"),
        ..Default::default()
    })
    .await;
    ask(&world).await;
    eventually("a try in vain", || async {
        let name = "waybill_telemetry_exports_total{signal=\"traces\",outcome=\"failed\"}";
        (number(&scrape(&world).await, name) >= Some(1.0)).then_some(())
    })
    .await;
    world.stop().await;
}
