//! Several gateways over one PostgreSQL and one Redis: what is limited for one account is limited for all of
//! them together, and what one learns stops the others.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use crate::support::{
    Answer, CLIENT_KEY, Setup, binary::Binary, client, eventually, key_of, message,
    replicas::Deployment, send, try_send,
};
use http::Request;
use http_body_util::Full;
use waybill_sim::{Fault, ProviderError, Rule, SimOptions};
use waybill_testbed::{Link, Manner, Redis};

const SLOTS: u64 = 8;

fn request(url: &str, body: String) -> Request<Full<bytes::Bytes>> {
    Request::post(format!("{url}/v1/messages"))
        .header("x-api-key", CLIENT_KEY)
        .header("anthropic-version", "2023-06-01")
        .body(Full::from(body))
        .unwrap()
}

async fn post(replica: &Binary) -> Answer {
    send(&client(), request(&replica.url, message(false))).await
}

/// One account of eight slots, whose answers take a moment.
async fn deployment(redis: &str) -> Deployment {
    let mut world = Deployment::new(Setup {
        accounts: 1,
        sim: SimOptions {
            chunk_pause: Duration::from_millis(3),
            ..SimOptions::default()
        },
        ..Setup::default()
    })
    .await;
    world.change(|text| {
        let text = text.replace(
            "priority = 1\n",
            &format!("priority = 1\nconcurrency = {SLOTS}\n"),
        );
        format!("redis_url = \"{redis}\"\nqueue.max_waiting_per_key = 1000\n{text}")
    });
    world
}

/// So many requests at once from `clients`, over all replicas that are there; answers how many were served.
async fn load(urls: &[String], clients: usize, requests: usize) -> usize {
    let served = Arc::<AtomicUsize>::default();
    let tasks: Vec<_> = (0..clients)
        .map(|number| {
            let (url, served) = (urls[number % urls.len()].clone(), Arc::clone(&served));
            tokio::spawn(async move {
                let client = client();
                for _ in 0..requests {
                    let Ok(answer) = try_send(&client, request(&url, message(true))).await else {
                        return;
                    };
                    assert_eq!(answer.status, 200, "{}", answer.text());
                    served.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    served.load(Ordering::Relaxed)
}

fn at_the_provider(world: &Deployment) -> (u64, u64) {
    let counters = world.sim.by_key();
    let counters = &counters[&key_of("a1")];
    (counters.in_flight, counters.max_in_flight)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_slots_are_eight_for_three_replicas_and_come_back_from_a_dead_one() {
    let redis = Redis::new().unwrap();
    let world = deployment(&redis.url()).await;
    let (a, b, c) = (
        world.replica("a").await,
        world.replica("b").await,
        world.replica("c").await,
    );
    let urls = [a.url.clone(), b.url.clone(), c.url.clone()];
    assert_eq!(load(&urls, 200, 3).await, 600);
    let (_, most) = at_the_provider(&world);
    assert!(
        (1..=SLOTS).contains(&most),
        "{most} at once at the provider"
    );

    // One dies in the middle of its work; the others get its slots when its lease is over.
    let busy = tokio::spawn({
        let urls = [c.url.clone()];
        async move { load(&urls, 30, 50).await }
    });
    eventually("the one to die is at work", || async {
        (at_the_provider(&world).0 > 0).then_some(())
    })
    .await;
    c.kill().await;
    busy.await.unwrap();
    assert_eq!(load(&urls[..2], 100, 4).await, 400);
    let shares = eventually("its slots are the others'", || async {
        let of = |list: serde_json::Value| list["cluster"]["accounts"][0]["allotment"].as_u64();
        let (of_a, of_b) = (of(a.ops("replicas").await)?, of(b.ops("replicas").await)?);
        (of_a + of_b == SLOTS).then_some((of_a, of_b))
    })
    .await;
    let (_, most) = at_the_provider(&world);
    assert!(most <= SLOTS, "{most} at once at the provider; {shares:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_met_on_one_replica_stops_the_others_at_once() {
    let redis = Redis::new().unwrap();
    let world = deployment(&redis.url()).await;
    let (a, b) = (world.replica("a").await, world.replica("b").await);
    assert_eq!(post(&b).await.status, 200);
    world.sim.script(
        Rule::new(Fault::provider(ProviderError::RateLimitRequests))
            .key(&key_of("a1"))
            .times(1),
    );
    let refused = post(&a).await;
    assert_eq!(refused.status, 429, "{}", refused.text());
    let told = Instant::now();
    eventually("the other replica asks the provider no more", || async {
        let list = b.ops("account-availability").await;
        let marks = list["accounts"]
            .as_array()?
            .iter()
            .find(|account| account["account_name"] == "a1")?["marks"]
            .as_array()?
            .len();
        (marks == 1).then_some(())
    })
    .await;
    println!("known on the other replica after {:?}", told.elapsed());
    let seen = b.ops("replicas").await;
    assert!(
        seen["cluster"]["counts"]["events_received"]
            .as_u64()
            .unwrap()
            >= 1,
        "{seen}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_for_a_redis_that_is_stopped_or_cut_off() {
    let redis = Redis::new().unwrap();
    let link = Link::to(redis.address()).await.unwrap();
    let world = deployment(&link.url(&redis.url())).await;
    let (a, b) = (world.replica("a").await, world.replica("b").await);
    let urls = [a.url.clone(), b.url.clone()];
    let is_up = |up: bool| {
        let a = &a;
        async move {
            eventually("it says how Redis is", || async {
                (a.ops("replicas").await["cluster"]["redis_up"] == up).then_some(())
            })
            .await;
        }
    };
    assert_eq!(load(&urls, 40, 2).await, 80);
    // Redis is stopped, and comes back empty.
    redis.stop().unwrap();
    assert_eq!(load(&urls, 40, 2).await, 80);
    is_up(false).await;
    redis.start().unwrap();
    is_up(true).await;
    assert_eq!(load(&urls, 40, 2).await, 80);
    // The network swallows everything, for longer than a lease.
    link.behave(Manner::BlackHole).await.unwrap();
    is_up(false).await;
    let until = Instant::now() + Duration::from_secs(6);
    while Instant::now() < until {
        assert_eq!(load(&urls, 40, 1).await, 40);
    }
    link.behave(Manner::Pass).await.unwrap();
    is_up(true).await;
    assert_eq!(load(&urls, 40, 2).await, 80);
    let (_, most) = at_the_provider(&world);
    // While nobody judges, what one still has in flight of its old share is beside the other's own view.
    assert!(most < 2 * SLOTS, "{most} at once at the provider");
}
