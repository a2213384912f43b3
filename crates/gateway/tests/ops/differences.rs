//! What is different about failures, asked of a real gateway: the account, the client or the kind of request that
//! fails is named first, with its counts; what fails everywhere is not blamed on anything.

use crate::support::{ADMIN_TOKEN, Setup, World, eventually, key_of, message};
use http::{HeaderValue, Method};
use serde_json::Value;
use waybill_sim::{Fault, ProviderError, Rule};

/// A refusal as the client's own doing: no account suffers, and no other one is asked.
fn refused() -> Rule {
    Rule::new(Fault::provider(ProviderError::BadRequest))
}

async fn send(world: &World, agent: &'static str, stream: bool) -> u16 {
    let mut request = world.request(Method::POST, "/v1/messages", message(stream));
    let headers = request.headers_mut();
    headers.insert("user-agent", HeaderValue::from_static(agent));
    headers.insert(
        "anthropic-beta",
        HeaderValue::from_static("context-1m-2025-08-07"),
    );
    world.send(request).await.status.as_u16()
}

/// The answer, once everything is written.
async fn differences(world: &World, failures: u64, successes: u64) -> Value {
    eventually("all rows", || async move {
        let found = world.ops("errors/differences?time_range=1h").await;
        let all = found["failures"] == failures && found["successes"] == successes;
        all.then_some(found)
    })
    .await
}

#[track_caller]
fn assert_first(found: &Value, attribute: &str, name: &str, counts: [u64; 4]) {
    assert_eq!(found["finding"], "stands_out", "{found:#}");
    let first = &found["attributes"][0];
    assert_eq!(first["attribute"], attribute, "{found:#}");
    assert_eq!(first["name"], name, "{found:#}");
    let keys = ["failures", "failures_known", "successes", "successes_known"];
    assert_eq!(
        keys.map(|key| first[key].as_u64().unwrap()),
        counts,
        "{found:#}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_one_broken_account_of_three_is_named_first() {
    let world = World::with(Setup {
        accounts: 3,
        ..Setup::default()
    })
    .await;
    world.sim.script(refused().key(&key_of("a2")));
    for account in 1..=3 {
        for other in 1..=3 {
            let verb = if other == account {
                "enable"
            } else {
                "disable"
            };
            let path = format!("/accounts/{other}/{verb}");
            assert_eq!(world.admin(Method::POST, &path, "").await.status, 200);
        }
        for _ in 0..12 {
            let status = send(&world, "claude-cli/1.0.83 (external, cli)", false).await;
            assert_eq!(status, if account == 2 { 400 } else { 200 });
        }
    }
    let found = differences(&world, 12, 24).await;
    assert_first(&found, "account", "a2", [12, 12, 0, 24]);
    assert_eq!(
        found["summary"],
        "100 % of these failures are on account a2, which served 0 % of the successes (12 of 12, 0 of 24)."
    );
    let asked = world
        .ops("errors/differences?time_range=1h&account_id=1")
        .await;
    assert_eq!(asked["finding"], "too_few", "{asked:#}");
    assert_eq!(
        (&asked["failures"], &asked["successes"]),
        (&0.into(), &12.into())
    );

    let url = world.url.clone();
    let told = tokio::task::spawn_blocking(move || {
        std::process::Command::new(env!("CARGO_BIN_EXE_waybill"))
            .args(["errors", "differences", "--time-range", "1h"])
            .args(["--url", &url, "--token", ADMIN_TOKEN])
            .output()
            .unwrap()
    });
    let told = told.await.unwrap();
    let text = String::from_utf8(told.stdout).unwrap();
    assert!(
        told.status.success(),
        "{}",
        String::from_utf8_lossy(&told.stderr)
    );
    assert!(
        text.starts_with("100 % of these failures are on account a2"),
        "{text}"
    );
    assert!(text.contains("100.0 % (12 of 12)"), "{text}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_client_version_that_sends_what_is_refused_is_named_first() {
    let world = World::new().await;
    for n in 0..45 {
        let is_new = n % 3 == 0;
        let agent = if is_new {
            "claude-cli/2.0.0"
        } else {
            "claude-cli/1.0.83"
        };
        if is_new && n > 5 {
            world.sim.script(refused());
        }
        send(&world, agent, n % 2 == 0).await;
        world.sim.clear_script();
    }
    let found = differences(&world, 13, 32).await;
    assert_first(
        &found,
        "client_version",
        "claude-cli 2.0.0",
        [13, 13, 2, 32],
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_that_fail_alone_are_named_first() {
    let world = World::new().await;
    world.sim.script(Rule {
        stream: Some(true),
        ..refused()
    });
    for n in 0..40 {
        send(&world, "OpenAI/Python 1.40.0", n % 2 == 0).await;
    }
    let found = differences(&world, 20, 20).await;
    // A stream is asked for by a longer body, which may be of another size.
    let named = found["attributes"].as_array().unwrap();
    let stream = named
        .iter()
        .find(|found| found["attribute"] == "stream")
        .unwrap();
    assert_eq!(stream["value"], "true");
    assert!(
        stream["sentence"]
            .as_str()
            .unwrap()
            .starts_with("100 % of these failures ask for a stream, against 0 %")
    );
    assert_eq!(stream["score"], named[0]["score"]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_everywhere_is_blamed_on_nothing() {
    let world = World::new().await;
    const AGENTS: [&str; 3] = ["claude-cli/1.0.83", "curl/8.5.0", "google-genai-sdk/1.2.0"];
    for n in 0..96_usize {
        if (n / 6).is_multiple_of(4) {
            world.sim.script(refused());
        }
        send(&world, AGENTS[n % 3], n.is_multiple_of(2)).await;
        world.sim.clear_script();
    }
    let found = differences(&world, 24, 72).await;
    assert_eq!(found["finding"], "nothing_stands_out", "{found:#}");
    assert_eq!(found["attributes"], serde_json::json!([]));
    assert_eq!(
        found["summary"],
        "Nothing stands out: these failures (24) are spread as the successes (72) are."
    );
    let page = world
        .admin(Method::GET, "/ops/errors/differences?page=2", "")
        .await;
    assert_eq!(page.status, 400, "there are no pages: {}", page.text());
    world.stop().await;
}
