//! The client commands, as a person at a shell uses them, against a real gateway.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::{
    process::{Output, Stdio},
    time::Duration,
};

use serde_json::Value;
use support::{ADMIN_TOKEN, World, key_of, message};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
};
use waybill_sim::{Fault, ProviderError, Rule};

fn command(world: &World, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waybill"));
    command
        .args(args)
        .env("WAYBILL_URL", &world.url)
        .env("WAYBILL_ADMIN_TOKEN", ADMIN_TOKEN)
        .kill_on_drop(true);
    command
}

async fn waybill(world: &World, args: &[&str]) -> Output {
    let output = command(world, args).output();
    tokio::time::timeout(Duration::from_secs(30), output)
        .await
        .unwrap()
        .unwrap()
}

async fn text(world: &World, args: &[&str]) -> String {
    let output = waybill(world, args).await;
    assert_eq!(
        output.status.code(),
        Some(0),
        "{args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

async fn fail_once(world: &World) -> String {
    world
        .sim
        .script(Rule::new(Fault::provider(ProviderError::Overloaded)));
    let answer = world.post("/v1/messages", message(false)).await;
    world.sim.clear_script();
    assert!(answer.status.is_server_error(), "{}", answer.text());
    answer.request_id().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_are_listed_and_each_tells_its_story() {
    let world = World::new().await;
    assert_eq!(
        text(&world, &["errors", "list"]).await,
        "No failed requests.\n"
    );
    let id = fail_once(&world).await;

    let list = text(
        &world,
        &[
            "errors",
            "list",
            "--time-range",
            "1h",
            "--cause",
            "overloaded",
        ],
    )
    .await;
    assert!(
        list.starts_with("ID ") && list.contains("overloaded") && list.contains("a2"),
        "{list}"
    );
    assert!(
        !list.contains('\u{1b}'),
        "colours are for terminals: {list}"
    );
    assert_eq!(
        text(&world, &["errors", "list", "--status", "418"]).await,
        "No failed requests.\n"
    );
    let json: Value =
        serde_json::from_str(&text(&world, &["errors", "list", "--json"]).await).unwrap();
    assert_eq!(json[0]["request_id"], id);

    let story = text(&world, &["errors", "show", &id]).await;
    for told in [
        "failed",
        "What happened",
        "the provider's",
        "What to do",
        "Failed attempts",
        "a1",
        "a2",
        "next_account",
    ] {
        assert!(story.contains(told), "{told} is not in\n{story}");
    }
    assert!(!story.contains("Request body"), "{story}");
    let full = text(&world, &["errors", "show", &id, "--full"]).await;
    assert!(
        full.contains("Request body") && full.contains("Say something."),
        "{full}"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hidden_failures_accounts_and_keys_are_shown_and_a_made_key_works() {
    let world = World::new().await;
    world
        .sim
        .script(Rule::new(Fault::provider(ProviderError::Internal)).key(&key_of("a1")));
    assert_eq!(world.post("/v1/messages", message(false)).await.status, 200);
    let hidden = text(&world, &["upstream-errors", "list", "--recovered"]).await;
    assert!(
        hidden.contains("a1") && hidden.contains("success"),
        "{hidden}"
    );
    assert_eq!(
        text(&world, &["errors", "list"]).await,
        "No failed requests.\n"
    );

    let accounts = text(&world, &["accounts", "list"]).await;
    assert_eq!(accounts.lines().count(), 7, "{accounts}");
    let key = text(
        &world,
        &["keys", "create", "by-hand", "--groups", "claude,gpt"],
    )
    .await;
    assert!(
        key.starts_with("sk-wb-") && key.lines().count() == 1,
        "{key}"
    );
    let keys = text(&world, &["keys", "list"]).await;
    assert!(
        keys.contains("by-hand") && keys.contains("claude, gpt") && !keys.contains(key.trim()),
        "{keys}"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tail_misses_nothing_and_repeats_nothing() {
    let world = World::new().await;
    let mut expected = vec![fail_once(&world).await];
    let mut tail = command(&world, &["errors", "tail", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    let mut seen = Vec::new();
    for _ in 0..3 {
        while seen.len() < expected.len() {
            let line = tokio::time::timeout(Duration::from_secs(20), lines.next_line())
                .await
                .unwrap()
                .unwrap()
                .unwrap();
            let error: Value = serde_json::from_str(&line).unwrap();
            seen.push(error["request_id"].as_str().unwrap().to_owned());
        }
        assert_eq!(seen, expected);
        for _ in 0..2 {
            expected.push(fail_once(&world).await);
        }
    }
    tail.kill().await.unwrap();
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_wrong_is_a_sentence_and_an_exit_code() {
    let world = World::new().await;
    let nowhere = ["errors", "list", "--url", "http://127.0.0.1:9"];
    for (args, code, says) in [
        (
            &["errors", "list", "--token", "wrong"][..],
            1,
            "The admin token is missing or wrong.",
        ),
        (&["errors", "show", "77"], 1, "there is no error 77"),
        (
            &["errors", "list", "--account-id", "x"],
            1,
            "account_id: an id is a whole number",
        ),
        (&["errors", "list", "--time-range", "2h"], 2, "30d"),
        (&["errors", "list", "--url", "nothing"], 1, "--url nothing"),
        (&nowhere, 1, "no gateway answers there"),
        (&["errors"], 2, "Usage"),
    ] {
        let output = waybill(&world, args).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        assert!(said.contains(says), "{args:?}: {said}");
    }
    world.stop().await;
}
