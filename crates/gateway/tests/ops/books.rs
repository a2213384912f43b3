//! The books: whatever happens to the store, traffic goes on and every record has a counted fate.

use crate::support::{self, Setup, World, eventually, key_of, message};
use futures_util::future::join_all;
use serde_json::Value;
use waybill_sim::{Fault, ProviderError, Rule};

/// The books once nothing is on its way, checked to balance.
async fn books(world: &World) -> Value {
    eventually("nothing waits", || async {
        let books = world.ops("books").await;
        let count = |name: &str| books[name].as_u64().unwrap();
        assert_eq!(
            count("due"),
            count("stored") + count("spooled") + count("counted_lost"),
            "{books}"
        );
        (count("spooled") == 0).then_some(books)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_request_is_in_the_books_once() {
    let world = World::new().await;
    world.sim.script(
        Rule::new(Fault::provider(ProviderError::Internal))
            .key(&key_of("a1"))
            .share(0.5),
    );
    world
        .sim
        .script(Rule::new(Fault::provider(ProviderError::ContextLength)).share(0.3));
    join_all((0..200).map(|number| {
        let body = if number % 10 == 0 {
            "{".to_owned()
        } else {
            message(number % 2 == 0)
        };
        world.post("/v1/messages", body)
    }))
    .await;
    let books = books(&world).await;
    assert_eq!(
        (&books["due"], &books["counted_lost"]),
        (&200.into(), &0.into()),
        "{books}"
    );
    let requests = world.ops("requests?time_range=1h&page_size=500").await;
    assert_eq!(requests["items"].as_array().unwrap().len(), 200);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_is_a_counted_loss_and_traffic_goes_on() {
    let top = "[capture]\nqueue_records = 1".to_owned();
    let world = World::with(Setup {
        top,
        ..Setup::default()
    })
    .await;
    let mut sent = 0;
    eventually("a burst that is too much", || {
        sent += 100;
        async {
            for answer in join_all((0..100).map(|_| world.post("/v1/messages", "{"))).await {
                assert_eq!((answer.status.as_u16(), answer.broken), (400, false));
            }
            (world.ops("books").await["counted_lost"].as_u64() > Some(0)).then_some(())
        }
    })
    .await;
    let books = books(&world).await;
    assert_eq!(books["due"], sent, "{books}");
    let stored = world.ops("errors?view=all&time_range=1h&page_size=1").await;
    assert_eq!(stored["total"], books["stored"], "{books}");
    let losses = books["losses"].as_array().unwrap();
    assert_eq!(losses[0]["reason"], "queue_full", "{books}");
    assert_eq!(
        losses
            .iter()
            .map(|loss| loss["count"].as_u64().unwrap())
            .sum::<u64>(),
        books["counted_lost"],
        "{books}"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_beyond_what_may_wait_are_left_out_and_the_record_says_so() {
    let top = "[capture]\nqueue_bytes = 10".to_owned();
    let world = World::with(Setup {
        top,
        ..Setup::default()
    })
    .await;
    world
        .sim
        .script(Rule::new(Fault::provider(ProviderError::ContextLength)));
    let answer = world.post("/v1/messages", message(false)).await;
    assert_eq!(answer.status, 400);
    let error = world.error(answer.request_id()).await;
    assert_eq!(
        (&error["request_body"], &error["request_body_truncated"]),
        (&Value::Null, &true.into()),
        "{error}"
    );
    assert_eq!(
        (&error["request_body_bytes"], &error["replayable"]),
        (&message(false).len().into(), &false.into())
    );
    assert_eq!(books(&world).await["bodies_dropped"], 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_store_takes_no_writes_traffic_goes_on_and_nothing_is_lost() {
    let world = World::new().await;
    world
        .sim
        .script(Rule::new(Fault::provider(ProviderError::ContextLength)));
    let before = world.post("/v1/messages", message(false)).await;

    let mut other = rusqlite::Connection::open(world.folder.path().join("waybill.db")).unwrap();
    let lock = other
        .transaction_with_behavior(rusqlite::TransactionBehavior::Exclusive)
        .unwrap();
    // Failures wait for their record only so long; what has no failure on it does not wait at all.
    let failures = (0..20).map(|_| world.post("/v1/messages", message(false)));
    let healthy = (0..20).map(|_| world.post("/v1/chat/completions", support::chat(true)));
    world.sim.clear_script();
    world.sim.script(Rule {
        model: Some("claude*".into()),
        ..Rule::new(Fault::provider(ProviderError::ContextLength))
    });
    let (failed, served) = tokio::join!(join_all(failures), join_all(healthy));
    assert!(
        failed
            .iter()
            .all(|answer| answer.status == 400 && !answer.broken)
    );
    assert!(
        served
            .iter()
            .all(|answer| answer.status == 200 && answer.text().contains("[DONE]"))
    );
    lock.rollback().unwrap();

    let after = world.post("/v1/messages", message(false)).await;
    let books = books(&world).await;
    assert_eq!(
        (&books["due"], &books["stored"], &books["counted_lost"]),
        (&42.into(), &42.into(), &0.into()),
        "{books}"
    );
    for answer in failed.iter().chain([&before, &after]) {
        assert_eq!(
            world.error(answer.request_id()).await["cause"],
            "context_length"
        );
    }
    let stored = world.ops("requests?time_range=1h&page_size=1").await;
    assert_eq!(stored["total"], books["stored"], "{books}");
    world.stop().await;
}
