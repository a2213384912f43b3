//! Whole gateways in one process, each with a store of its own that is configured alike, over one Redis.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use serde_json::Value;
use tempfile::TempDir;
use waybill_gateway::{
    clock::Clock,
    cluster::{Replica, Settings, Timing},
    config::Config,
    run::{self, Gateway},
};
use waybill_sim::{Fault, Place, ProviderError, Rule, Sim, SimOptions};
use waybill_testbed::{Link, Manner, Redis};

use crate::support::{
    ADMIN_TOKEN, Answer, CLIENT_KEY, DEADLINE, Setup, client, configuration, eventually, key_of,
    message, send,
};

/// One of the replicas.
struct One {
    gateway: Gateway,
    url: String,
    _folder: TempDir,
}

struct World {
    sim: Sim,
    redis: Redis,
    configuration: String,
}

impl World {
    /// One account with so many slots, and what else is configured.
    async fn new(slots: u32, rest: &str) -> World {
        let sim = Sim::start(SimOptions {
            chunk_pause: Duration::from_millis(5),
            ..SimOptions::default()
        })
        .await
        .unwrap();
        let setup = Setup {
            accounts: 1,
            rest: rest.to_owned(),
            ..Setup::default()
        };
        let configuration = configuration(&setup, &sim.url()).replace(
            "priority = 1\n",
            &format!("priority = 1\nconcurrency = {slots}\n"),
        );
        World {
            sim,
            redis: Redis::new().unwrap(),
            configuration,
        }
    }

    async fn replica(&self, number: u16) -> One {
        self.replica_by(number, &self.redis.url()).await
    }

    async fn replica_by(&self, number: u16, redis: &str) -> One {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::parse(&self.configuration, &|_| None).unwrap();
        config.data_dir = folder.path().to_owned();
        let settings = Settings {
            url: redis.parse().unwrap(),
            namespace: "test".to_owned(),
            replica: Replica {
                id: format!("r{number}"),
                number,
                name: format!("replica {number}"),
            },
            assumed_replicas: 2,
            timing: Timing {
                lease_ms: 1_500,
                margin_ms: 200,
                renew_ms: 300,
                ..Timing::default()
            },
        };
        let gateway = run::start_in(config, Clock::System, Some(settings))
            .await
            .unwrap();
        One {
            url: format!("http://{}", gateway.running.address()),
            gateway,
            _folder: folder,
        }
    }

    fn most_at_once(&self) -> u64 {
        // Nobody is counted before the first request.
        let counters = self.sim.by_key();
        counters
            .get(&key_of("a1"))
            .map_or(0, |one| one.max_in_flight)
    }
}

impl One {
    fn request(&self, stream: bool) -> Request<Full<Bytes>> {
        Request::post(format!("{}/v1/messages", self.url))
            .header("x-api-key", CLIENT_KEY)
            .header("anthropic-version", "2023-06-01")
            .body(Full::from(message(stream)))
            .unwrap()
    }

    async fn post(&self) -> Answer {
        send(&client(), self.request(true)).await
    }

    /// So many at once.
    async fn post_many(&self, count: usize) -> Vec<Answer> {
        let asked: Vec<_> = (0..count)
            .map(|_| {
                let request = self.request(true);
                tokio::spawn(async move { send(&client(), request).await })
            })
            .collect();
        let mut answers = Vec::new();
        for asked in asked {
            answers.push(asked.await.unwrap());
        }
        answers
    }

    async fn admin(&self, method: Method, path: &str) -> Value {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}/api/v1/admin/{path}", self.url))
            .header("authorization", format!("Bearer {ADMIN_TOKEN}"))
            .body(Full::default())
            .unwrap();
        send(&client(), request).await.json()
    }

    async fn cluster(&self) -> Value {
        self.admin(Method::GET, "ops/replicas").await["cluster"].clone()
    }

    async fn allotment(&self) -> u64 {
        let cluster = self.cluster().await;
        let accounts = cluster["accounts"].as_array().unwrap();
        let account = accounts.iter().find(|account| account["name"] == "a1");
        account.unwrap()["allotment"].as_u64().unwrap()
    }

    async fn has_slots(&self, slots: u64) {
        let began = Instant::now();
        while self.allotment().await != slots {
            let waited = began.elapsed();
            assert!(waited < DEADLINE, "not in time: {}", self.cluster().await);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// What its account is marked with.
    async fn marks(&self) -> usize {
        let list = self.admin(Method::GET, "ops/account-availability").await;
        let accounts = list["accounts"].as_array().unwrap();
        let account = accounts.iter().find(|one| one["account_name"] == "a1");
        account.unwrap()["marks"].as_array().unwrap().len()
    }

    async fn has_marks(&self, marks: usize) -> Duration {
        let began = Instant::now();
        eventually("it knows the state", || async {
            (self.marks().await == marks).then_some(())
        })
        .await;
        began.elapsed()
    }
}

#[track_caller]
fn all_served(answers: &[Answer]) {
    for answer in answers {
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slots_go_where_requests_are_and_come_back() {
    let world = World::new(8, "").await;
    let (a, b) = (world.replica(1).await, world.replica(2).await);
    a.has_slots(4).await;
    b.has_slots(4).await;
    all_served(&a.post_many(60).await);
    assert_eq!(world.most_at_once(), 8, "the other's, too");
    // The other one needs them now, while the first still wants all.
    let exchanges = async || a.cluster().await["counts"]["slot_exchanges"].as_u64();
    let (before, began) = (exchanges().await.unwrap(), Instant::now());
    let (of_a, of_b) = tokio::join!(a.post_many(80), b.post_many(80));
    println!(
        "{} exchanges in {:?} in which both wanted all slots",
        exchanges().await.unwrap() - before,
        began.elapsed()
    );
    all_served(&of_a);
    all_served(&of_b);
    assert_eq!(world.most_at_once(), 8);
    a.has_slots(4).await;
    b.has_slots(4).await;
    b.gateway.stop().await;
    a.has_slots(8).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_slots_of_a_replica_that_died_come_back_when_its_lease_ends() {
    let world = World::new(3, "").await;
    let (a, b, c) = (
        world.replica(1).await,
        world.replica(2).await,
        world.replica(3).await,
    );
    a.has_slots(1).await;
    drop(c.gateway);
    drop(b.gateway);
    a.has_slots(3).await;
    eventually("it is alone", || async {
        let cluster = a.cluster().await;
        (cluster["replicas"].as_array()?.len() == 1).then_some(())
    })
    .await;
    all_served(&a.post_many(20).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_slot_goes_round_and_nobody_waits_in_vain() {
    let world = World::new(1, "").await;
    let (a, b) = (world.replica(1).await, world.replica(2).await);
    let (of_a, of_b) = tokio::join!(a.post_many(15), b.post_many(15));
    all_served(&of_a);
    all_served(&of_b);
    assert_eq!(world.most_at_once(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_cut_off_from_redis_uses_its_part_and_rejoins() {
    let world = World::new(8, "").await;
    let link = Link::to(world.redis.address()).await.unwrap();
    let (a, b) = (
        world.replica(1).await,
        world.replica_by(2, &link.url(&world.redis.url())).await,
    );
    a.has_slots(4).await;
    link.behave(Manner::BlackHole).await.unwrap();
    // The others take over what it held; it has its part of what there was.
    a.has_slots(8).await;
    let cut_off = eventually("it goes by its own view", || async {
        let cluster = b.cluster().await;
        (cluster["accounts"][0]["own_view"] == true).then_some(cluster)
    })
    .await;
    assert_eq!(cut_off["redis_up"], false, "{cut_off}");
    assert!(cut_off["redis_reason"].is_string(), "{cut_off}");
    assert_eq!(b.allotment().await, 4);
    all_served(&b.post_many(20).await);
    link.behave(Manner::Pass).await.unwrap();
    b.has_slots(4).await;
    a.has_slots(4).await;
    assert_eq!(b.cluster().await["redis_up"], true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_without_redis_serves_and_joins_later() {
    let world = World::new(8, "").await;
    world.redis.stop().unwrap();
    let a = world.replica(1).await;
    assert_eq!(a.allotment().await, 4, "two replicas are taken to be there");
    all_served(&a.post_many(20).await);
    world.redis.start().unwrap();
    a.has_slots(8).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_is_limited_on_one_replica_is_so_on_all_and_recovers_on_all() {
    let world = World::new(8, "").await;
    let (a, b) = (world.replica(1).await, world.replica(2).await);
    let limited = Fault::Provider {
        error: ProviderError::RateLimitRequests,
        retry_after_ms: Some(1_000),
        echo_key: false,
        headers: BTreeMap::new(),
    };
    world
        .sim
        .script(Rule::new(limited).key(&key_of("a1")).times(1));
    assert_eq!(a.post().await.status, 429);
    let known_after = b.has_marks(1).await;
    println!("known on the other replica {known_after:?} after the client was told");
    // These wait for the end of the limit; one of them, here or there, finds out.
    let (of_a, of_b) = tokio::join!(a.post_many(5), b.post_many(5));
    all_served(&of_a);
    all_served(&of_b);
    a.has_marks(0).await;
    b.has_marks(0).await;
    let requests = world.sim.by_key()[&key_of("a1")].requests;
    assert_eq!(requests, 11, "whoever waited asked once");
    let heard = |cluster: Value| cluster["counts"]["events_received"].as_u64().unwrap();
    let heard = heard(a.cluster().await) + heard(b.cluster().await);
    assert!(heard >= 2, "the limit and its end: {heard}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_told_while_redis_was_away_is_known_when_it_is_back() {
    let world = World::new(8, "").await;
    let link = Link::to(world.redis.address()).await.unwrap();
    let (a, b) = (
        world.replica(1).await,
        world.replica_by(2, &link.url(&world.redis.url())).await,
    );
    link.behave(Manner::BlackHole).await.unwrap();
    eventually("it is cut off", || async {
        (b.cluster().await["redis_up"] == false).then_some(())
    })
    .await;
    world.sim.script(
        Rule::new(Fault::provider(ProviderError::InvalidKey))
            .key(&key_of("a1"))
            .times(1),
    );
    assert_eq!(a.post().await.status, 502);
    assert_eq!((a.marks().await, b.marks().await), (1, 0));
    link.behave(Manner::Pass).await.unwrap();
    b.has_marks(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_key_used_on_one_replica_is_used_on_the_other() {
    let world = World::new(8, "limits = { requests_per_day = 10 }\n").await;
    let (a, b) = (world.replica(1).await, world.replica(2).await);
    for _ in 0..5 {
        assert_eq!(a.post().await.status, 200);
        assert_eq!(b.post().await.status, 200);
    }
    let mut beyond = 0;
    let refused = eventually("the day's limit is known on both", || async {
        let answer = b.post().await;
        (answer.status != 200).then_some(answer)
    })
    .await;
    assert_eq!(refused.status, 429, "{}", refused.text());
    while a.post().await.status == 200 {
        beyond += 1;
        assert!(beyond < 5);
    }
    let served = world.sim.by_key()[&key_of("a1")].requests;
    println!("{served} of 10 were served");
    assert!((10..15).contains(&served), "{served}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_keys_requests_in_flight_count_on_every_replica_until_they_end() {
    let world = World::new(8, "limits = { concurrency = 1 }\n").await;
    let (a, b) = (world.replica(1).await, world.replica(2).await);
    world.sim.script(
        Rule::new(Fault::stall(Place::BeforeHeaders))
            .key(&key_of("a1"))
            .times(1),
    );
    let request = a.request(true);
    let long = tokio::spawn(async move { send(&client(), request).await });
    // The one that is stalled must be this one, not the other replica's.
    eventually("it is at the provider", || async {
        (world.most_at_once() == 1).then_some(())
    })
    .await;
    eventually("it is refused elsewhere", || async {
        (b.post().await.status == 429).then_some(())
    })
    .await;
    long.abort();
    eventually("its end is known", || async {
        (b.post().await.status == 200).then_some(())
    })
    .await;
}
