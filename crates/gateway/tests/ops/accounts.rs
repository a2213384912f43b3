//! Accounts, limits and prices as an operator sets and sees them, through the real server.

use crate::support::{self, Setup, World, eventually, key_of, message};
use http::Method;
use serde_json::{Value, json};
use waybill_sim::{Fault, ProviderError, Rule};

async fn ask(world: &World, method: Method, path: &str, body: Value) -> Value {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let answer = world.admin(method, path, body).await;
    assert!(
        answer.status.is_success(),
        "{path}: {} {}",
        answer.status,
        answer.text()
    );
    answer.json()
}

async fn show(world: &World, path: &str) -> Value {
    ask(world, Method::GET, path, Value::Null).await
}

/// The account with this name.
async fn account(world: &World, name: &str) -> Value {
    let list = show(world, "/accounts").await;
    let found = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|account| account["name"] == name)
        .cloned();
    found.unwrap_or_else(|| panic!("no account {name}: {list}"))
}

/// Makes `a1` limited for a while; answers the id of the request that found out.
async fn limit(world: &World, seconds: u64) -> String {
    world.sim.script(
        Rule::new(Fault::Provider {
            error: ProviderError::RateLimitRequests,
            retry_after_ms: Some(seconds * 1000),
            echo_key: false,
            headers: Default::default(),
        })
        .key(&key_of("a1"))
        .times(1),
    );
    let answer = world.post("/v1/messages", message(false)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.request_id().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_set_over_the_api_is_shown_again_without_its_secrets() {
    let world = World::new().await;
    let form = json!({
        "name": "new", "platform": "anthropic", "groups": ["claude"],
        "credential": {"api_key": "sk-ant-api03-new-0123456789"},
        "quota": {"requests_per_minute": 50, "tokens_per_day": 1000000},
        "counted_statuses": [429, 529],
        "state_rules": [{"name": "maintenance", "statuses": [400], "contains": "maintenance",
            "state": "paused", "for_seconds": 600}],
        "probe": {"model": "claude-haiku-4-5", "every_seconds": 60},
        "proxy": "socks5://me:hunter2@proxy.example.com:1080",
        "headers": {"X-Team": "hunter3", "x-other": "hunter4"},
    });
    let made = ask(&world, Method::POST, "/accounts", form).await;
    assert_eq!(made["quota"]["requests_per_minute"], 50);
    assert_eq!(made["counted_statuses"], json!([429, 529]));
    assert_eq!(made["state_rules"][0]["scope"], "account");
    assert_eq!(made["probe"]["every_seconds"], 60);
    assert_eq!(made["proxy"], "socks5://proxy.example.com:1080");
    assert_eq!(made["headers"], json!(["x-other", "x-team"]));
    assert_eq!(made["state"]["status"], "active");
    assert!(!made.to_string().contains("hunter"), "{made}");
    assert!(!made.to_string().contains("sk-ant"), "{made}");

    let path = format!("/accounts/{}", made["id"]);
    let patch = json!({"counted_statuses": null, "probe": null, "proxy": null, "state_rules": []});
    let changed = ask(&world, Method::PATCH, &path, patch).await;
    for gone in ["counted_statuses", "probe", "proxy"] {
        assert_eq!(changed[gone], Value::Null, "{gone}");
    }
    assert_eq!(changed["state_rules"], json!([]));
    assert_eq!(changed["quota"], made["quota"], "what is not named stays");
    assert_eq!(changed["headers"], made["headers"]);
    let changed = ask(&world, Method::PATCH, &path, json!({"headers": null})).await;
    assert_eq!(changed["headers"], json!([]));

    let group = json!({"name": "g", "platform": "openai", "sticky": "off",
        "state_rules": [{"name": "r", "cause": "overloaded", "state": "overloaded", "for_seconds": 5, "scope": "model"}]});
    let group = ask(&world, Method::POST, "/groups", group).await;
    assert_eq!(group["sticky"], "off");
    assert_eq!(group["state_rules"][0]["cause"], "overloaded");
    let plain = json!({"name": "h", "platform": "openai"});
    let plain = ask(&world, Method::POST, "/groups", plain).await;
    assert_eq!(plain["sticky"], "prefix");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_setting_that_cannot_be_is_refused_with_its_field() {
    let world = World::new().await;
    let rule = |change: Value| {
        let mut rule = json!({"name": "r", "statuses": [400], "state": "paused", "for_seconds": 1});
        for (field, value) in change.as_object().unwrap() {
            rule[field] = value.clone();
        }
        json!({ "state_rules": [rule] })
    };
    let id = account(&world, "a1").await["id"].clone();
    let path = format!("/accounts/{id}");
    for (body, field) in [
        (
            json!({"quota": {"tokens_per_day": 0}}),
            "quota.tokens_per_day",
        ),
        (json!({"quota": {"per_day": 1}}), "quota.per_day"),
        (
            json!({"counted_statuses": [429, 302]}),
            "counted_statuses[1]",
        ),
        (rule(json!({"statuses": []})), "state_rules[0]"),
        (
            rule(json!({"for_seconds": 0})),
            "state_rules[0].for_seconds",
        ),
        (rule(json!({"state": null})), "state_rules[0].state"),
        (rule(json!({"state": "disabled"})), "state_rules[0].state"),
        (rule(json!({"cause": "sunspots"})), "state_rules[0].cause"),
        (json!({"probe": {"model": "m*"}}), "probe.model"),
        (json!({"proxy": "ftp://me:hunter2@proxy"}), "proxy"),
        (json!({"proxy": "http://169.254.169.254:80"}), "proxy"),
        (json!({"base_url": "http://169.254.169.254"}), "base_url"),
        (json!({"base_url": "http://10.0.0.1"}), "base_url"),
        (json!({"headers": {"host": "hunter2"}}), "headers"),
        (json!({"headers": {"x-api-key": "hunter2"}}), "headers"),
    ] {
        let answer = world.admin(Method::PATCH, &path, body.to_string()).await;
        let problem = answer.json();
        assert_eq!(
            (answer.status.as_u16(), problem["field"].as_str()),
            (400, Some(field)),
            "{body}: {problem}"
        );
        assert!(!problem.to_string().contains("hunter2"), "{problem}");
    }
    for (path, body, field) in [
        (
            "/users",
            json!({"name": "u", "limits": {"usd_per_day": 0}}),
            "limits.usd_per_day",
        ),
        (
            "/users",
            json!({"name": "u", "credit_usd": -1}),
            "credit_usd",
        ),
        (
            "/api-keys",
            json!({"name": "k", "limits": {"concurrency": 0}}),
            "limits.concurrency",
        ),
        (
            "/groups",
            json!({"name": "g", "platform": "openai", "sticky": "always"}),
            "sticky",
        ),
    ] {
        let answer = world.admin(Method::POST, path, body.to_string()).await;
        assert_eq!(answer.json()["field"], field, "{body}: {}", answer.text());
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_price_table_is_replaced_whole_and_what_is_used_is_shown_beside_the_limits() {
    let rest = "[[price]]\nmodel = \"claude-*\"\ninput = 3\noutput = 15\n\
                [[user]]\nname = \"team\"\ncredit_usd = 5\n";
    let world = World::with(Setup {
        rest: rest.to_owned(),
        ..Setup::default()
    })
    .await;
    let table = show(&world, "/prices").await;
    assert_eq!(table["prices"][0]["model"], "claude-*");
    assert_eq!(table["prices"][0]["input"], 3.0);
    let other = json!({"prices": [
        {"model": "claude-sonnet-4-5", "input": 1000, "output": 1000},
        {"model": "gpt-5", "input": 1.25, "output": 10, "cache_read": 0.125},
    ]});
    let now_is = ask(&world, Method::PUT, "/prices", other).await;
    assert_eq!(now_is["prices"].as_array().unwrap().len(), 2);
    for (prices, field) in [
        (
            json!([{"model": "a*b", "input": 1, "output": 1}]),
            "prices[0].model",
        ),
        (
            json!([{"model": "m", "input": 1, "output": 1}, {"model": "m", "input": 2, "output": 2}]),
            "prices[1].model",
        ),
        (
            json!([{"model": "m", "input": -1, "output": 1}]),
            "prices[0].input",
        ),
    ] {
        let body = json!({ "prices": prices }).to_string();
        let answer = world.admin(Method::PUT, "/prices", body).await;
        assert_eq!(answer.json()["field"], field, "{}", answer.text());
    }

    let users = show(&world, "/users").await;
    let of = |name: &str| {
        let users = users["items"].as_array().unwrap();
        let found = users.iter().find(|user| user["name"] == name);
        format!("/users/{}", found.unwrap()["id"])
    };
    let default = of("default");
    let patch = json!({"credit_usd": 2, "limits": {"requests_per_day": 100}});
    let user = ask(&world, Method::PATCH, &default, patch).await;
    assert_eq!(
        (&user["balance_usd"], &user["usage"]["day"]["requests"]),
        (&json!(2.0), &json!(0))
    );
    assert_eq!(show(&world, &of("team")).await["balance_usd"], 5.0);
    assert_eq!(world.post("/v1/messages", message(false)).await.status, 200);
    let user = eventually("the tokens are counted", || async {
        let user = show(&world, &default).await;
        (user["usage"]["total"]["tokens"].as_u64() > Some(0)).then_some(user)
    })
    .await;
    assert_eq!(user["usage"]["day"]["requests"], 1);
    assert_eq!(user["usage"]["minute"]["requests"], 1);
    let (spent, left) = (
        user["usage"]["month"]["usd"].as_f64().unwrap(),
        user["balance_usd"].as_f64().unwrap(),
    );
    assert!(spent > 0.0 && (spent + left - 2.0).abs() < 1e-6, "{user}");
    let keys = show(&world, "/api-keys").await;
    let key = show(&world, &format!("/api-keys/{}", keys["items"][0]["id"])).await;
    assert_eq!(key["usage"], user["usage"]);
    assert_eq!(key["balance_usd"], user["balance_usd"]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limited_account_says_why_and_a_reset_clears_it() {
    let world = World::new().await;
    let request = limit(&world, 120).await;
    let limited = account(&world, "a1").await;
    let (state, mark) = (&limited["state"], &limited["state"]["marks"][0]);
    assert_eq!(
        state["status"], "active",
        "it serves other models: {limited}"
    );
    assert_eq!(mark["kind"], "rate_limited");
    assert_eq!(mark["scope"], "model:claude-sonnet-4-5");
    assert_eq!(mark["request_id"], request);
    assert_eq!(mark["cause"], "rate_limit.requests");
    assert_eq!(mark["source"], "retry-after");
    let path = format!("/accounts/{}", limited["id"]);
    let events = show(&world, &format!("{path}/events")).await;
    assert_eq!(events["items"][0]["id"], mark["event_id"]);
    assert_eq!(events["items"][0]["request_id"], request);
    assert_eq!(events["state"], *state);

    let reset = ask(
        &world,
        Method::POST,
        &format!("{path}/reset"),
        json!({"reason": "the provider raised it"}),
    )
    .await;
    assert_eq!(
        reset["state"],
        json!({"status": "active", "until": null, "marks": []})
    );
    world.sim.clear_script();
    let served = world.post("/v1/messages", message(false)).await;
    assert_eq!(served.header("x-waybill-attempts"), Some("1"));
    let events = eventually("the reset is on record", || async {
        let events = show(&world, &format!("{path}/events?kind=reset")).await;
        (!events["items"].as_array().unwrap().is_empty()).then_some(events)
    })
    .await;
    let event = &events["items"][0];
    assert_eq!(
        (&event["actor"], &event["reason"]),
        (&json!("admin token"), &json!("the provider raised it"))
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_state_at_a_past_moment_is_what_it_was_then() {
    let world = World::new().await;
    world
        .sim
        .script(Rule::new(Fault::provider(ProviderError::InvalidKey)).key(&key_of("a1")));
    assert_eq!(world.post("/v1/messages", message(false)).await.status, 200);
    let refused = account(&world, "a1").await;
    assert_eq!(refused["state"]["status"], "error", "{refused}");
    let path = format!("/accounts/{}", refused["id"]);
    ask(&world, Method::POST, &format!("{path}/reset"), Value::Null).await;
    let since = refused["state"]["marks"][0]["since"].as_str().unwrap();
    let then = eventually("both are on record", || async {
        let all = show(&world, &format!("{path}/events")).await;
        if all["items"].as_array().unwrap().len() < 2 {
            return None;
        }
        assert_eq!(all["state"]["status"], "active");
        Some(show(&world, &format!("{path}/events?at={since}")).await)
    })
    .await;
    assert_eq!(then["state"]["status"], "error", "{then}");
    assert_eq!(then["at"], since);
    let before = show(&world, &format!("{path}/events?at=2020-01-01T00:00:00Z")).await;
    assert_eq!(before["state"]["status"], "active");
    assert_eq!(before["items"], json!([]));

    let first = show(&world, &format!("{path}/events?page_size=1")).await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = show(
        &world,
        &format!("{path}/events?page_size=1&cursor={cursor}"),
    )
    .await;
    assert_ne!(first["items"][0]["id"], second["items"][0]["id"]);
    assert_eq!(second["next_cursor"], Value::Null);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn switching_off_and_on_makes_an_event_each_and_only_one() {
    let world = World::new().await;
    let path = format!("/accounts/{}", account(&world, "a1").await["id"]);
    for _ in 0..2 {
        let off = ask(
            &world,
            Method::POST,
            &format!("{path}/disable"),
            Value::Null,
        )
        .await;
        assert_eq!(off["state"]["status"], "disabled");
    }
    let reset = ask(&world, Method::POST, &format!("{path}/reset"), Value::Null).await;
    assert_eq!(
        reset["state"]["status"], "disabled",
        "a reset switches nothing on"
    );
    let served = world.post("/v1/messages", message(false)).await;
    assert_eq!(served.status, 200, "{}", served.text());
    let on = ask(&world, Method::PATCH, &path, json!({"status": "active"})).await;
    assert_eq!(on["state"]["status"], "active", "{on}");
    let kinds = eventually("all are on record", || async {
        let events = show(&world, &format!("{path}/events")).await;
        let kinds: Vec<_> = events["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|event| event["kind"].as_str().unwrap().to_owned())
            .collect();
        (kinds.len() >= 3).then_some(kinds)
    })
    .await;
    assert_eq!(kinds, ["enabled", "reset", "disabled"]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_says_what_it_found_and_acts_on_the_state() {
    let world = World::new().await;
    let path = format!("/accounts/{}", account(&world, "a1").await["id"]);
    let test = format!("{path}/test");
    let good = ask(&world, Method::POST, &test, Value::Null).await;
    assert_eq!(
        (&good["ok"], &good["kind"]),
        (&json!(true), &json!("models"))
    );
    assert_eq!(good["state_changed"], false);

    world
        .sim
        .script(Rule::new(Fault::provider(ProviderError::InvalidKey)).key(&key_of("a1")));
    let asked = json!({"model": "claude-sonnet-4-5"});
    let bad = ask(&world, Method::POST, &test, asked.clone()).await;
    assert_eq!(
        (&bad["ok"], &bad["status"]),
        (&json!(false), &json!(401)),
        "{bad}"
    );
    assert_eq!(bad["cause"], "auth.invalid_key");
    assert!(!bad["explanation"].as_str().unwrap().is_empty());
    assert_eq!(
        (&bad["state_before"]["status"], &bad["state"]["status"]),
        (&json!("active"), &json!("error"))
    );
    assert_eq!(bad["state_changed"], true);
    assert!(!bad.to_string().contains(&key_of("a1")), "{bad}");

    world.sim.clear_script();
    // One that began in the millisecond of the refusal proves nothing against it.
    let good = eventually("a later test proves the account", || async {
        let good = ask(&world, Method::POST, &test, asked.clone()).await;
        (good["state"]["status"] == "active").then_some(good)
    })
    .await;
    assert_eq!(
        (&good["ok"], &good["kind"]),
        (&json!(true), &json!("message")),
        "{good}"
    );
    let refused = world.admin(Method::POST, &test, r#"{"model": "m*"}"#).await;
    assert_eq!(refused.json()["code"], "invalid_field");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn availability_says_what_keeps_each_account_by_model_group_and_platform() {
    let rest = "[[account]]\nname = \"quota\"\nplatform = \"openai\"\ngroups = [\"gpt\"]\n\
                base_url = \"{providers}\"\ncredential = { api_key = \"sk-proj-q-0123456789\" }\n\
                priority = 90\nconcurrency = 3\nquota = { requests_per_day = 5 }\n\
                models = [\"gpt-5\"]\n";
    let world = World::with(Setup {
        rest: rest.to_owned(),
        ..Setup::default()
    })
    .await;
    let request = limit(&world, 120).await;
    let of = |list: &Value, field: &str, name: &str| {
        let rows = list[field].as_array().unwrap();
        let key = if field == "accounts" {
            "account_name"
        } else {
            "group_name"
        };
        rows.iter().find(|row| row[key] == name).cloned().unwrap()
    };

    let all = world.ops("account-availability").await;
    let limited = of(&all, "accounts", "a1");
    assert_eq!(
        (&limited["status"], &limited["available"]),
        (&json!("active"), &json!(true)),
        "it serves other models: {limited}"
    );
    assert_eq!(limited["marks"][0]["request_id"], request);
    let quota = of(&all, "accounts", "quota");
    assert_eq!(
        quota["quota"],
        json!([{"unit": "requests", "window": "day", "used": 0, "limit": 5}])
    );
    assert_eq!(quota["concurrency"], 3);
    assert_eq!(all["platforms"].as_array().unwrap().len(), 3);

    let path = "account-availability?platform=anthropic&model=claude-sonnet-4-5";
    let of_model = world.ops(path).await;
    assert_eq!(of_model["accounts"].as_array().unwrap().len(), 2);
    let limited = of(&of_model, "accounts", "a1");
    assert_eq!(
        (&limited["status"], &limited["obstacle"], &limited["until"]),
        (
            &json!("rate_limited"),
            &json!("rate_limited"),
            &limited["marks"][0]["until"]
        )
    );
    let group = of(&of_model, "groups", "claude");
    assert_eq!(
        (&group["total"], &group["available"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(
        group["by_status"],
        json!({"active": 1, "rate_limited": 1}),
        "{group}"
    );

    let off = format!("/accounts/{}/disable", account(&world, "o1").await["id"]);
    ask(&world, Method::POST, &off, Value::Null).await;
    let gpt = of(&all, "groups", "gpt")["group_id"].clone();
    let of_group = world
        .ops(&format!("account-availability?group_id={gpt}&model=gpt-4o"))
        .await;
    let names: Vec<_> = of_group["accounts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|account| (account["account_name"].clone(), account["obstacle"].clone()))
        .collect();
    assert_eq!(
        names,
        [(json!("o1"), json!("disabled")), (json!("o2"), Value::Null)],
        "`quota` does not serve the model"
    );
    let one = world
        .ops(&format!(
            "account-availability?account_id={}",
            limited["account_id"]
        ))
        .await;
    assert_eq!(one["accounts"].as_array().unwrap().len(), 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_proxy_and_the_headers_of_an_account_rest_sealed() {
    let world = World::new().await;
    let form = json!({
        "name": "new", "platform": "openai", "credential": {"api_key": "sk-proj-new-0123456789"},
        "proxy": "http://me:hunter2@proxy.example.com:3128", "headers": {"x-pass": "hunter3"},
    });
    ask(&world, Method::POST, "/accounts", form).await;
    let mut looked_at = 0;
    for file in std::fs::read_dir(world.folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        looked_at += bytes.len();
        for secret in ["hunter2", "hunter3"] {
            let found = bytes
                .windows(secret.len())
                .any(|part| part == secret.as_bytes());
            assert!(!found, "{secret} is on disk");
        }
    }
    assert!(looked_at > 0);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_the_file_switches_off_and_on_follows_it_over_restarts() {
    use crate::support::{ADMIN_TOKEN, binary::Binary};
    let folder = tempfile::tempdir().unwrap();
    let file = |enabled: bool| {
        format!(
            "admin_token = \"{ADMIN_TOKEN}\"\n[[account]]\nname = \"a\"\nplatform = \"openai\"\n\
             credential = {{ api_key = \"sk-proj-0123456789\" }}\nenabled = {enabled}\n"
        )
    };
    for (enabled, status, kinds) in [
        (true, "active", &[][..]),
        (false, "disabled", &["disabled"][..]),
        (false, "disabled", &["disabled"][..]),
        (true, "active", &["enabled", "disabled"][..]),
    ] {
        let gateway = Binary::serve(folder.path(), &file(enabled), &[]).await;
        let events = eventually("its events are on record", || async {
            let path = "/accounts/1/events";
            let answer = gateway.admin(Method::GET, path, String::new()).await.json();
            let found: Vec<_> = answer["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|event| event["kind"].as_str().unwrap().to_owned())
                .collect();
            (found == kinds).then_some(answer)
        })
        .await;
        assert_eq!(events["state"]["status"], status, "{events}");
        assert!(
            events["items"]
                .as_array()
                .unwrap()
                .iter()
                .all(|event| event["actor"] == "configuration"),
            "{events}"
        );
        gateway.terminate();
        gateway.ended().await;
    }
}

/// The value of a metric.
async fn metric(world: &World, name: &str) -> Option<String> {
    let request = http::Request::get(format!("{}/metrics", world.url))
        .header("authorization", format!("Bearer {}", support::ADMIN_TOKEN))
        .body(http_body_util::Full::default())
        .unwrap();
    let page = world.send(request).await.text();
    page.lines().find_map(|line| {
        line.strip_prefix(name)?
            .strip_prefix(' ')
            .map(str::to_owned)
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_tell_one_state_per_account_what_changed_and_who_was_refused() {
    let world = World::new().await;
    world
        .sim
        .script(Rule::new(Fault::provider(ProviderError::InvalidKey)).key(&key_of("a1")));
    assert_eq!(world.post("/v1/messages", message(false)).await.status, 200);
    for (account, is) in [("a1", "error"), ("a2", "active")] {
        for state in [
            "active",
            "rate_limited",
            "overloaded",
            "paused",
            "error",
            "disabled",
            "half_open",
        ] {
            let name = format!("waybill_account_state{{account=\"{account}\",state=\"{state}\"}}");
            let expected = u8::from(state == is).to_string();
            assert_eq!(metric(&world, &name).await, Some(expected), "{name}");
        }
    }
    assert_eq!(
        metric(&world, "waybill_account_events_total")
            .await
            .as_deref(),
        Some("1")
    );
    assert_eq!(
        metric(&world, "waybill_account_events_lost_total")
            .await
            .as_deref(),
        Some("0")
    );

    let user = format!("/users/{}", show(&world, "/users").await["items"][0]["id"]);
    let patch = json!({"limits": {"requests_per_day": 1}});
    ask(&world, Method::PATCH, &user, patch).await;
    let refused = world.post("/v1/messages", message(false)).await;
    assert_eq!(refused.status, 429, "{}", refused.text());
    let name = "waybill_business_refusals_total{cause=\"gateway.quota_exhausted\"}";
    assert_eq!(metric(&world, name).await.as_deref(), Some("1"));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrency_says_who_holds_how_many_of_how_many_and_who_waits() {
    let world = World::with(Setup {
        accounts: 1,
        ..Setup::default()
    })
    .await;
    let a1 = account(&world, "a1").await;
    let patch = json!({"concurrency": 1});
    ask(
        &world,
        Method::PATCH,
        &format!("/accounts/{}", a1["id"]),
        patch,
    )
    .await;
    world.sim.script(Rule {
        delay_ms: 1_000,
        fault: None,
        ..Rule::new(Fault::provider(ProviderError::Internal))
    });
    let post = || world.post("/v1/messages", message(false));
    let watch = async {
        let seen = eventually("one runs and one waits", || async {
            let seen = world.ops("concurrency").await;
            (seen["queue"]["waiting"] == 1).then_some(seen)
        })
        .await;
        let of = |list: &str, name: &str| {
            let rows = seen[list].as_array().unwrap();
            rows.iter()
                .find(|row| row["name"] == name)
                .cloned()
                .unwrap()
        };
        let (account, group) = (of("accounts", "a1"), of("groups", "claude"));
        assert_eq!(
            (&account["in_flight"], &account["limit"]),
            (&json!(1), &json!(1))
        );
        assert_eq!(
            (&group["in_flight"], &group["limit"]),
            (&json!(1), &json!(1))
        );
        assert_eq!(group["waiting"], 1);
        assert_eq!(of("groups", "gpt")["waiting"], 0);
        assert_eq!(of("users", "default")["in_flight"], 2);
        assert_eq!(of("api_keys", "dev")["in_flight"], 2);
        assert_eq!(
            (&seen["queue"]["joined"], &seen["in_flight"]),
            (&json!(1), &json!(2))
        );
    };
    let (one, other, ()) = tokio::join!(post(), post(), watch);
    assert_eq!((one.status.as_u16(), other.status.as_u16()), (200, 200));
    let after = world.ops("concurrency").await;
    assert_eq!(
        (&after["queue"]["waiting"], &after["queue"]["served"]),
        (&json!(0), &json!(1))
    );
    assert_eq!(
        metric(&world, "waybill_queue_ended_total{outcome=\"served\"}")
            .await
            .as_deref(),
        Some("1")
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_switched_off_every_account_stands_in_the_refused_requests_detail() {
    let world = World::new().await;
    for name in ["a1", "a2"] {
        let path = format!("/accounts/{}/disable", account(&world, name).await["id"]);
        let body = json!({"reason": "moving to another contract"});
        ask(&world, Method::POST, &path, body).await;
    }
    let refused = world.post("/v1/messages", message(false)).await;
    assert!(refused.status.is_server_error(), "{}", refused.text());
    let detail = world.error(refused.request_id()).await;
    assert_eq!(detail["queued"], Value::Null);
    let route = detail["route"].as_array().unwrap();
    assert_eq!(route.len(), 2, "{detail}");
    for candidate in route {
        assert_eq!(candidate["excluded"], "disabled");
        assert_eq!(candidate["reason"], "moving to another contract");
        let path = format!("/accounts/{}/events", candidate["account_id"]);
        let events = show(&world, &path).await;
        assert_eq!(events["items"][0]["id"], candidate["event_id"]);
        assert_eq!(events["items"][0]["at"], candidate["since"]);
    }
    world.stop().await;
}
