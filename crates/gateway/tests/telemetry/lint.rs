//! `/metrics` as `promtool check metrics` would look at it, and further: after traffic, and under a flood.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write as _,
    process::{Command, Stdio},
};

use http::Request;
use http_body_util::Full;
use waybill_gateway::telemetry::table::{Kind, METRICS};
use waybill_sim::{Fault, Place, ProviderError, Rule};

use crate::{
    page::{Page, read},
    support::{ADMIN_TOKEN, Setup, World, chat, eventually, generate, key_of, message},
};

/// What `/metrics` says, as text.
pub async fn text(world: &World) -> String {
    let request = Request::get(format!("{}/metrics", world.url))
        .header("authorization", format!("Bearer {ADMIN_TOKEN}"))
        .body(Full::default())
        .unwrap();
    world.send(request).await.text()
}

pub async fn scrape(world: &World) -> Page {
    let text = text(world).await;
    read(&text).unwrap_or_else(|why| panic!("{why}\n{text}"))
}

/// The value of a series as it is written: `name{label="value"}`, its labels in any order.
pub fn number(page: &Page, series: &str) -> Option<f64> {
    let (name, labels) = series.split_once('{').unwrap_or((series, ""));
    let labels: BTreeMap<String, String> = labels
        .trim_end_matches('}')
        .split(',')
        .filter_map(|pair| pair.split_once('='))
        .map(|(label, value)| (label.to_owned(), value.trim_matches('"').to_owned()))
        .collect();
    let samples = page.values().flat_map(|family| &family.samples);
    samples
        .filter(|sample| sample.name == name && sample.labels == labels)
        .map(|sample| sample.value)
        .next()
}

/// All series of a family together.
pub fn total(page: &Page, name: &str) -> f64 {
    page[name].samples.iter().map(|sample| sample.value).sum()
}

/// The rules of `promtool check metrics`, as its source states them, and those of the naming guide.
fn lint(page: &Page) -> Vec<String> {
    let mut found = Vec::new();
    for (name, family) in page {
        let mut say = |what: &str| found.push(format!("{name}: {what}"));
        if family.help.trim().is_empty() {
            say("no help text");
        }
        if (family.kind == "counter") != name.ends_with("_total") {
            say("a counter ends in _total, and nothing else does");
        }
        let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| name.ends_with(suffix));
        if ends(&["_bucket", "_count", "_sum"]) {
            say("reserved for histograms' series");
        }
        let words: Vec<&str> = name.split('_').collect();
        for word in &words {
            if ["counter", "gauge", "histogram", "summary", "metric"].contains(word) {
                say("a type in the name");
            }
            if [
                "ms",
                "us",
                "ns",
                "s",
                "sec",
                "secs",
                "milliseconds",
                "minutes",
                "hours",
                "days",
                "kb",
                "mb",
                "gb",
                "kilobytes",
                "megabytes",
                "percent",
                "usec",
            ]
            .contains(word)
            {
                say("no base unit, or one abbreviated");
            }
        }
        if name.bytes().any(|byte| byte.is_ascii_uppercase())
            || name.contains("__")
            || name.contains(':')
        {
            say("not in snake case");
        }
        for label in family
            .samples
            .iter()
            .flat_map(|sample| sample.labels.keys())
        {
            if label.bytes().any(|byte| byte.is_ascii_uppercase())
                || words.contains(&label.as_str()) && label == "le"
            {
                say("a label that is not in snake case");
            }
            if label == "le" && family.kind != "histogram" || label == "quantile" {
                say("a label of histograms and summaries");
            }
        }
    }
    found
}

/// Traffic of every kind: served, recovered, failed, refused, streamed.
async fn traffic(world: &World) {
    world.sim.script(
        Rule::new(Fault::provider(ProviderError::RateLimitRequests))
            .key(&key_of("a1"))
            .times(1),
    );
    world.sim.script(
        Rule::new(Fault::provider(ProviderError::Overloaded))
            .key(&key_of("g1"))
            .times(1),
    );
    world.sim.script(
        Rule::new(Fault::reset(Place::MidContent))
            .key(&key_of("o1"))
            .times(1),
    );
    let broken = world.post("/v1/chat/completions", chat(true)).await;
    assert!(broken.text().contains("error") || broken.broken);
    for _ in 0..3 {
        assert_eq!(world.post("/v1/messages", message(false)).await.status, 200);
        assert_eq!(
            world.post("/v1/chat/completions", chat(true)).await.status,
            200
        );
        let path = "/v1beta/models/gemini-2.5-flash:generateContent";
        assert_eq!(world.post(path, generate()).await.status, 200);
    }
    assert_eq!(world.post("/v1/messages", "no json").await.status, 400);
    let stranger = Request::post(format!("{}/v1/messages", world.url))
        .body(Full::from("{}"))
        .unwrap();
    assert_eq!(world.send(stranger).await.status, 401);
}

/// Waits until so many requests are counted.
async fn counted(world: &World, requests: f64) -> Page {
    eventually("every request is counted", || async {
        let page = scrape(world).await;
        let has_all = total(&page, "waybill_requests_total") >= requests;
        (has_all && total(&page, "waybill_requests_unadmitted_total") >= 1.0).then_some(page)
    })
    .await
}

const MODELS: &str = "[[price]]\nmodel = \"claude-*\"\ninput = 3.0\noutput = 15.0\n[[price]]\nmodel = \"gpt-5\"\ninput = 1.0\noutput = 10.0\n";

async fn priced_world() -> World {
    World::with(Setup {
        rest: MODELS.to_owned(),
        ..Setup::default()
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_passes_every_rule_and_says_what_happened() {
    let world = priced_world().await;
    traffic(&world).await;
    let page = counted(&world, 11.0).await;
    assert_eq!(lint(&page), Vec::<String>::new());
    for (series, expected) in [
        (
            "waybill_requests_total{platform=\"anthropic\",endpoint=\"messages\",outcome=\"recovered\"}",
            1.0,
        ),
        (
            "waybill_requests_total{platform=\"anthropic\",endpoint=\"messages\",outcome=\"served\"}",
            2.0,
        ),
        (
            "waybill_requests_total{platform=\"anthropic\",endpoint=\"messages\",outcome=\"client\"}",
            1.0,
        ),
        (
            "waybill_requests_total{platform=\"openai\",endpoint=\"chat_completions\",outcome=\"failed\"}",
            1.0,
        ),
        (
            "waybill_requests_total{platform=\"gemini\",endpoint=\"generate_content\",outcome=\"recovered\"}",
            1.0,
        ),
        (
            "waybill_attempts_total{account=\"a1\",outcome=\"rate_limited\"}",
            1.0,
        ),
        (
            "waybill_attempts_total{account=\"a2\",outcome=\"served\"}",
            3.0,
        ),
        (
            "waybill_requests_unadmitted_total{cause=\"gateway.invalid_key\"}",
            1.0,
        ),
        ("waybill_requests_uncounted_total", 0.0),
        ("waybill_store_up", 1.0),
        ("waybill_recorder_up", 1.0),
    ] {
        assert_eq!(number(&page, series), Some(expected), "{series}");
    }
    assert_eq!(total(&page, "waybill_hidden_failures_total"), 2.0);
    assert!(total(&page, "waybill_cost_usd_total") > 0.0);
    let kinds = ["input", "output"];
    let tokens = |kind: &str| {
        number(
            &page,
            &format!(
                "waybill_tokens_total{{platform=\"anthropic\",model=\"claude-*\",type=\"{kind}\"}}"
            ),
        )
    };
    assert!(kinds.iter().all(|kind| tokens(kind) > Some(0.0)));
    // Every request that was counted took its time.
    let durations = &page["gen_ai_server_request_duration_seconds"].samples;
    let timed: f64 = durations
        .iter()
        .filter(|sample| sample.name.ends_with("_count"))
        .map(|sample| sample.value)
        .sum();
    assert_eq!(timed, total(&page, "waybill_requests_total"));
    promtool(&text(&world).await);

    // Everything in the table is there, but what needs other replicas, a shared store or jemalloc.
    let elsewhere = [
        "waybill_redis",
        "waybill_replicas",
        "waybill_account_states_drifted",
        "waybill_account_allotment",
        "waybill_slot_exchanges",
        "waybill_own_views",
        "waybill_shared_",
        "waybill_worker_allocated",
    ];
    for metric in METRICS {
        let needs_more = elsewhere.iter().any(|start| metric.name.starts_with(start));
        assert!(
            needs_more || page.contains_key(metric.name),
            "{}",
            metric.name
        );
    }
    world.stop().await;
}

/// The real one, where it is installed.
fn promtool(text: &str) {
    let started = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut promtool) = started else {
        return;
    };
    promtool
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = promtool.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_only_grow() {
    let world = priced_world().await;
    traffic(&world).await;
    let before = counted(&world, 11.0).await;
    traffic(&world).await;
    let after = counted(&world, 22.0).await;
    for (name, family) in before.iter().filter(|(_, family)| family.kind != "gauge") {
        // Of the thread that answers, which need not be the same one.
        if name == "waybill_worker_allocated_bytes_total" {
            continue;
        }
        for sample in &family.samples {
            let later = after[name]
                .samples
                .iter()
                .find(|later| later.name == sample.name && later.labels == sample.labels);
            assert!(
                later.is_some_and(|later| later.value >= sample.value),
                "{sample:?}, then {later:?}"
            );
        }
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_names_makes_no_series() {
    let world = priced_world().await;
    traffic(&world).await;
    let before = counted(&world, 11.0).await;
    let mut known = 11.0;
    for number in 0..200 {
        let body = message(false).replace(
            "claude-sonnet-4-5",
            &format!("no-such-model-{number}\\\"}}\\n"),
        );
        let path = format!("/v1/messages?x={number}");
        let mut request = world.request(http::Method::POST, &path, body);
        let client = format!("client-{number}/1.0");
        request
            .headers_mut()
            .insert("user-agent", client.parse().unwrap());
        world.send(request).await;
        let mut stranger = world.request(http::Method::POST, &format!("/nowhere/{number}"), "{}");
        let key = format!("Bearer key-{number}").parse().unwrap();
        stranger.headers_mut().insert("authorization", key);
        world.send(stranger).await;
        // With a key, to a path that is none.
        world
            .send(world.request(http::Method::GET, &format!("/v1/nothing-{number}"), ""))
            .await;
        known += 2.0;
    }
    let after = counted(&world, known).await;
    let series = |page: &Page| {
        page.values()
            .map(|family| family.samples.len())
            .sum::<usize>()
    };
    // One for `other` in each metric with a model, and for what a path that is none comes to.
    let grown = series(&after) - series(&before);
    assert!(grown < 200, "{grown} series more");
    let models = ["claude-*", "gpt-5", "other"];
    for sample in after.values().flat_map(|family| &family.samples) {
        for label in ["model", "gen_ai_request_model"] {
            let model = sample.labels.get(label);
            assert!(
                model.is_none_or(|model| models.contains(&model.as_str())),
                "{sample:?}"
            );
        }
    }
    // A label is one of the table's.
    for metric in METRICS {
        let Some(family) = after.get(metric.name) else {
            continue;
        };
        assert_eq!(family.kind, metric.kind.as_str());
        assert_eq!(family.help, metric.help);
        let mut known: BTreeSet<&str> = metric.labels.iter().copied().collect();
        if matches!(metric.kind, Kind::Histogram(_)) {
            known.insert("le");
        }
        for sample in &family.samples {
            assert!(
                sample
                    .labels
                    .keys()
                    .all(|label| known.contains(label.as_str())),
                "{sample:?}"
            );
        }
    }
    assert_eq!(lint(&after), Vec::<String>::new());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_kept_is_counted_all_the_same() {
    let world = World::with(Setup {
        rest: "[requests]\nkeep = \"errors\"\n".to_owned(),
        ..Setup::default()
    })
    .await;
    for _ in 0..7 {
        assert_eq!(world.post("/v1/messages", message(false)).await.status, 200);
    }
    let page = eventually("they are counted", || async {
        let page = scrape(&world).await;
        (total(&page, "waybill_requests_total") == 7.0).then_some(page)
    })
    .await;
    assert_eq!(number(&page, "waybill_records_due_total"), Some(0.0));
    assert_eq!(number(&page, "waybill_requests_uncounted_total"), Some(0.0));
    world.stop().await;
}

#[test]
fn the_rules_find_what_is_wrong() {
    let text = "# HELP a_ms It.\n# TYPE a_ms gauge\na_ms 1\n# HELP b It.\n# TYPE b counter\nb 1\n# HELP c_total It.\n# TYPE c_total gauge\nc_total 1\n# HELP d_gauge It.\n# TYPE d_gauge gauge\nd_gauge 1\n# HELP e_count It.\n# TYPE e_count gauge\ne_count 1\n# HELP aB It.\n# TYPE aB gauge\naB 1\n";
    assert_eq!(lint(&read(text).unwrap()).len(), 6);
}
