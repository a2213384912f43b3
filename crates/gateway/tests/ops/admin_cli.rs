//! The client commands, as a person at a shell uses them, against a real gateway.

use std::process::{Output, Stdio};

use crate::support::{self, ADMIN_TOKEN, DEADLINE, World, key_of, message};
use http::Method;
use serde_json::Value;
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
    tokio::time::timeout(DEADLINE, output)
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
    // So that the next request need not wait for the accounts.
    for account in [1, 2] {
        let reset = format!("/accounts/{account}/reset");
        assert_eq!(world.admin(Method::POST, &reset, "").await.status, 200);
    }
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
            let line = tokio::time::timeout(DEADLINE, lines.next_line())
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
            "It is not known who asks",
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_says_how_it_stands_and_can_be_tested_reset_and_switched() {
    let world = World::new().await;
    world
        .sim
        .script(Rule::new(Fault::provider(ProviderError::InvalidKey)).key(&key_of("a1")));
    let answer = world.post("/v1/messages", message(false)).await;
    assert_eq!(answer.status, 200);
    let request = answer.request_id();

    let list = text(&world, &["accounts", "list"]).await;
    let line = list.lines().find(|line| line.contains(" a1 ")).unwrap();
    assert!(line.contains(" error ") && line.contains("20"), "{list}");
    assert!(list.contains(" active "), "{list}");
    let shown = text(&world, &["accounts", "show", "a1"]).await;
    for told in [
        "What keeps it from serving",
        "error",
        "account",
        request,
        "Events",
    ] {
        assert!(shown.contains(told), "{told} is not in\n{shown}");
    }
    let events = text(&world, &["accounts", "events", "a1", "--kind", "error"]).await;
    assert!(events.contains(request), "{events}");
    let before = ["accounts", "events", "a1", "--at", "2020-01-01T00:00:00Z"];
    let before = text(&world, &before).await;
    assert!(
        before.contains("active") && before.contains("No events."),
        "{before}"
    );

    let failed = waybill(&world, &["accounts", "test", "a1"]).await;
    let said = String::from_utf8_lossy(&failed.stdout);
    assert_eq!(failed.status.code(), Some(1), "{said}");
    assert!(
        said.contains("a1 did not serve") && said.contains("auth.invalid_key"),
        "{said}"
    );
    let model = ["accounts", "test", "a2", "--model", "claude-sonnet-4-5"];
    let good = text(&world, &model).await;
    assert!(
        good.contains("a2 served one token of claude-sonnet-4-5"),
        "{good}"
    );

    let reset = ["accounts", "reset", "a1", "--reason", "a new key"];
    assert_eq!(text(&world, &reset).await, "a1 is active.\n");
    let id = list.lines().find(|line| line.contains(" a2 ")).unwrap();
    let id = id.split_whitespace().next().unwrap();
    assert_eq!(
        text(&world, &["accounts", "disable", id]).await,
        "a2 is disabled.\n"
    );
    assert_eq!(
        text(&world, &["accounts", "enable", "a2"]).await,
        "a2 is active.\n"
    );
    let nobody = waybill(&world, &["accounts", "show", "nobody"]).await;
    assert!(String::from_utf8_lossy(&nobody.stderr).contains("there is no account `nobody`"));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_explains_why_each_account_was_passed_over() {
    let world = World::new().await;
    world
        .sim
        .script(Rule::new(Fault::provider(ProviderError::InvalidKey)));
    let first = world.post("/v1/messages", message(false)).await;
    assert!(first.status.is_server_error(), "{}", first.text());
    let second = world.post("/v1/messages", message(false)).await;
    let story = text(&world, &["errors", "show", second.request_id()]).await;
    for account in ["a1", "a2"] {
        let line = story
            .lines()
            .find(|line| line.starts_with(&format!("{account}  error (account) since ")))
            .unwrap_or_else(|| panic!("{account} is not explained in\n{story}"));
        for told in [
            " until ",
            ", event ",
            first.request_id(),
            "auth.invalid_key",
        ] {
            assert!(line.contains(told), "{told} is not in\n{line}");
        }
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_are_made_with_a_password_from_standard_input_and_what_they_do_is_listed() {
    use tokio::io::AsyncWriteExt as _;
    let world = World::new().await;
    let mut add = command(&world, &["admins", "add", "eve", "--role", "operator"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = add.stdin.take().unwrap();
    input.write_all(b"correct horse battery\n").await.unwrap();
    drop(input);
    let made = add.wait_with_output().await.unwrap();
    assert_eq!(String::from_utf8_lossy(&made.stdout), "made eve\n");
    let args = [
        "tokens", "create", "ci", "--role", "viewer", "--for", "eve", "--scopes", "errors",
    ];
    let token = text(&world, &args).await;
    let token = token.trim();
    assert!(token.starts_with("wb-pat-"), "{token}");
    let listed = command(&world, &["errors", "list", "--token", token])
        .output()
        .await
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&listed.stdout),
        "No failed requests.\n"
    );
    let refused = command(&world, &["accounts", "reset", "a1", "--token", token])
        .output()
        .await
        .unwrap();
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && told.contains("may not"),
        "{told}"
    );

    let list = text(&world, &["tokens", "list"]).await;
    assert!(
        list.contains("eve") && list.contains("errors") && !list.contains(token),
        "{list}"
    );
    text(&world, &["admins", "change", "eve", "--status", "disabled"]).await;
    let list = text(&world, &["admins", "list"]).await;
    assert!(
        list.contains("operator") && list.contains("disabled"),
        "{list}"
    );
    let told = text(&world, &["admins", "reset-totp", "eve"]).await;
    assert_eq!(told, "turned off the second factor of eve\n");
    text(&world, &["tokens", "revoke", "1"]).await;
    text(&world, &["admins", "remove", "eve"]).await;
    let log = text(&world, &["audit", "list", "--time-range", "1h"]).await;
    for action in [
        "admin-users.create",
        "tokens.create",
        "admin-users.change",
        "admin-users.totp.delete",
        "tokens.delete",
        "admin-users.delete",
    ] {
        assert!(log.contains(action), "{action}: {log}");
    }
    assert!(!log.contains("horse"), "{log}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn issues_are_listed_shown_changed_merged_and_divided() {
    let world = World::new().await;
    fail_once(&world).await;
    let issues = async |args: &[&str]| {
        let args: Vec<&str> = ["issues"].into_iter().chain(args.iter().copied()).collect();
        text(&world, &args).await
    };
    let key = support::eventually("the failure is an issue", || async {
        let list: Value = serde_json::from_str(&issues(&["list", "--json"]).await).unwrap();
        Some(list[0]["fingerprint"].as_str()?.to_owned())
    })
    .await;
    let list = issues(&["list", "--state", "new", "--cause", "overloaded"]).await;
    assert!(
        list.starts_with("FINGERPRINT ") && list.contains(&key),
        "{list}"
    );
    assert_eq!(issues(&["list", "--owner", "client"]).await, "No issues.\n");

    let ignored = issues(&["ignore", &key, "--count", "5", "--note", "known"]).await;
    assert_eq!(ignored, "The issue is ignored.\n");
    assert_eq!(
        issues(&["note", &key, "asked the provider"]).await,
        "Noted.\n"
    );
    let shown = issues(&["show", &key]).await;
    for told in ["ignored", "known", "asked the provider"] {
        assert!(shown.contains(told), "{told} is not in\n{shown}");
    }
    assert_eq!(issues(&["list"]).await, "No issues.\n");
    assert!(issues(&["list", "--all"]).await.contains(&key));
    assert_eq!(issues(&["reopen", &key]).await, "The issue is ongoing.\n");
    assert_eq!(issues(&["resolve", &key]).await, "The issue is resolved.\n");

    assert_eq!(issues(&["rules", "list"]).await, "No rules.\n");
    let other = "0".repeat(32);
    let merged = issues(&["merge", "--into", &key, &other]).await;
    assert!(merged.starts_with("Rule 1 is made"), "{merged}");
    issues(&["split", &key, "--by", "account"]).await;
    let rules = issues(&["rules", "list"]).await;
    for told in [
        format!("merge {other} into {key}"),
        format!("divide {key} by account"),
    ] {
        assert!(rules.contains(&told), "{told} is not in\n{rules}");
    }
    for id in ["2", "1"] {
        let removed = issues(&["rules", "remove", id]).await;
        assert!(removed.contains("is removed"), "{removed}");
    }
    assert_eq!(issues(&["rules", "list", "--json"]).await, "[]\n");
    let unknown = waybill(&world, &["issues", "rules", "remove", "1"]).await;
    assert_eq!(unknown.status.code(), Some(1));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_are_chosen_shown_and_taken_back() {
    let world = World::new().await;
    let shown = text(&world, &["settings", "show"]).await;
    assert!(shown.contains("Nobody chose anything yet."), "{shown}");
    let line = [
        "settings",
        "set",
        "thresholds.sla_percent_min=99.9",
        "thresholds.ttft_p99_ms_max=off",
        "ignore.client_cancellations=true",
        "--json",
    ];
    let chosen: Value = serde_json::from_str(&text(&world, &line).await).unwrap();
    assert_eq!(chosen["thresholds"]["sla_percent_min"]["in_force"], 99.9);
    assert_eq!(chosen["thresholds"]["ttft_p99_ms_max"]["in_force"], "off");
    assert_eq!(chosen["ignore"]["client_cancellations"]["set"], true);
    let line = ["settings", "set", "thresholds.sla_percent_min=default"];
    let shown = text(&world, &line).await;
    assert!(shown.contains("Version 2, by admin token"), "{shown}");
    let row = shown
        .lines()
        .find(|line| line.starts_with("thresholds.sla"));
    let row: Vec<&str> = row.unwrap().split_whitespace().collect();
    assert_eq!(row, ["thresholds.sla_percent_min", "99.5", "-", "99.5"]);
    let wrong = waybill(&world, &["settings", "set", "retention.errors_days=0"]).await;
    assert_eq!(wrong.status.code(), Some(1));
    let said = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(said.contains("number of days above 0"), "{said}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_are_listed_looked_at_and_sent() {
    let world = World::new().await;
    let made = async |path: &str, form: Value| {
        let answer = world.admin(Method::POST, path, form.to_string()).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()
    };
    let channel =
        serde_json::json!({"name": "hook", "kind": "webhook", "url": "https://example.com/hook"});
    let channel = made("/ops/notification-channels", channel).await;
    let schedule = serde_json::json!({"name": "daily", "kind": "daily_summary", "cron": "0 9 * * *",
        "channels": [channel["id"]]});
    made("/ops/report-schedules", schedule).await;
    let listed = text(&world, &["reports", "list"]).await;
    assert!(
        listed.contains("daily_summary") && listed.contains("0 9 * * *"),
        "{listed}"
    );
    let shown = text(&world, &["reports", "show", "daily"]).await;
    assert!(shown.contains("0 9 * * * (UTC)"), "{shown}");
    let preview = text(&world, &["reports", "preview", "daily"]).await;
    assert!(preview.contains("Requests"), "{preview}");
    assert_eq!(world.ops("notifications").await["total"], 0);
    let sent = text(&world, &["reports", "send", "1"]).await;
    assert!(sent.starts_with("It is in the outbox."), "{sent}");
    assert_eq!(world.ops("notifications").await["total"], 1);
    let unknown = waybill(&world, &["reports", "show", "weekly"]).await;
    assert_eq!(unknown.status.code(), Some(1));
    world.stop().await;
}
