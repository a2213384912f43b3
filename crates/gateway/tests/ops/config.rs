//! Configuration: every mistake at once, the environment, and changes that act on the next request.

use crate::support::{
    self, ADMIN_TOKEN, Setup, World,
    binary::{Binary, waybill},
    client, configuration, key_of, message, send,
};
use http::Method;
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};
use waybill_gateway::config::Config;
use waybill_sim::{Sim, SimOptions};

/// What `check-config` says: its exit code, its standard output, its standard error.
async fn check(text: &str, variables: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("waybill.toml");
    std::fs::write(&file, text).unwrap();
    let output = waybill(variables)
        .arg("check-config")
        .arg(&file)
        .output()
        .await
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[tokio::test]
async fn a_good_file_is_called_good() {
    let (code, out, err) =
        check(&configuration(&Setup::default(), "http://127.0.0.1:1"), &[]).await;
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(
        out.contains("3 groups, 6 accounts") && out.contains("1 client keys"),
        "{out}"
    );
    for account in ["a1", "o1", "g1"] {
        assert!(
            !out.contains(&key_of(account)) && !err.contains(&key_of(account)),
            "{out}{err}"
        );
    }
    assert_eq!(check("", &[]).await.0, Some(0), "nothing has to be said");
}

#[tokio::test]
async fn every_mistake_of_a_file_is_reported_at_once_with_its_key() {
    let file = r#"
listen = "nowhere"
durability = "eventual"
database_url = "mysql://x"
admin_token = "env:NOT_SET"

[timeouts]
connect_ms = 0
[failover]
max_attempts = 0
[requests]
keep = "some"
[retention]
errors_days = -1

[[group]]
name = "claude"
platform = "anthropic"
model_mapping = { "a*b" = "c" }
[[group]]
name = "claude"
platform = "anthropic"
[[group]]
name = "llama"
platform = "meta"

[[account]]
name = "one"
platform = "anthropic"
groups = ["claude", "nothing"]
base_url = "ftp://x"
credential = { api_key = "env:NOT_SET_EITHER" }
concurrency = 0
http_version = "3"
[[account]]
name = "two"
platform = "openai"
groups = ["claude"]
credential = { api_key = "file:/no/such/file" }

[[api_key]]
name = "short"
key = "short"
groups = ["claude", "elsewhere"]
user = "nobody"
expires_at = "tomorrow"
[[api_key]]
name = "lost"
"#;
    let (code, out, err) = check(file, &[]).await;
    assert_eq!((code, out.as_str()), (Some(1), ""), "{err}");
    for mistake in [
        "listen: `nowhere`",
        "durability: `eventual`",
        "database_url: begins with neither",
        "secret_key: needed with database_url",
        "admin_token: the environment has no variable NOT_SET",
        "timeouts.connect_ms: ",
        "failover.max_attempts: ",
        "requests.keep: `some`",
        "retention.errors_days: ",
        "group \"claude\": model_mapping.\"a*b\": ",
        "group \"claude\": the name is there twice",
        "group \"llama\": platform: ",
        "account \"one\": groups: there is no group `nothing`",
        "account \"one\": base_url: `ftp://x`",
        "account \"one\": credential.api_key: the environment has no variable NOT_SET_EITHER",
        "account \"one\": concurrency: ",
        "account \"one\": http_version: ",
        "account \"two\": groups: group `claude` is for anthropic",
        "account \"two\": credential.api_key: /no/such/file",
        "api_key \"short\": key: ",
        "api_key \"short\": groups: there is no group `elsewhere`",
        "api_key \"short\": user: there is no user `nobody`",
        "api_key \"short\": expires_at: ",
        "api_key \"lost\": groups: ",
    ] {
        assert!(err.contains(mistake), "{mistake}\nis not in\n{err}");
    }
}

#[tokio::test]
async fn a_file_that_is_no_configuration_is_refused_with_the_place() {
    for (file, says) in [
        ("listen = ", "line 1"),
        ("lisden = \"127.0.0.1:1\"", "lisden"),
        ("[timeouts]\nconect_ms = 5", "conect_ms"),
        (
            "[[account]]\nname = \"a\"\nplatform = \"openai\"",
            "credential",
        ),
        (
            "[limits]\nrequest_bytes = \"many\"",
            "limits.request_bytes: a whole number, 0 or more, is needed (line 2, column 1)",
        ),
    ] {
        let (code, _, err) = check(file, &[]).await;
        assert!(code == Some(1) && err.contains(says), "{file}: {err}");
    }
    let missing = waybill(&[])
        .args(["check-config", "/no/such/file"])
        .output()
        .await
        .unwrap();
    assert_eq!(missing.status.code(), Some(1));
    assert!(
        String::from_utf8(missing.stderr)
            .unwrap()
            .contains("/no/such/file")
    );
}

/// Why a text is refused, with nothing in the environment but what is given.
fn refused(text: &str, variables: &[(&str, &str)]) -> String {
    let variable = |name: &str| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    Config::parse(text, &variable).unwrap_err().to_string()
}

#[test]
fn a_misspelt_or_misplaced_secret_is_not_printed() {
    let account = "[[account]]\nname = \"a\"\nplatform = \"openai\"\n";
    for (text, says) in [
        (
            format!("{account}credential = {{ apikey = \"sk-hunter2\" }}"),
            "account \"a\": credential.apikey: there is no such key; expected one of `api_key`, `refresh_token`",
        ),
        (
            format!("{account}credential = \"sk-hunter2\""),
            "account \"a\": credential: a table of its keys is needed (line 4, column 1)",
        ),
        (
            format!("{account}credential = {{ api_key = [\"sk-hunter2, expected hunter2\"] }}"),
            "account \"a\": credential.api_key: text in quotes is needed",
        ),
        (
            format!("{account}credential = {{ api_key = \"sk-hunter2 }}"),
            "line 4, column",
        ),
        (
            format!("{account}credential = {{ api_key = hunter2 }}"),
            "line 4, column",
        ),
        (
            format!(
                "{account}credential = {{ api_key = \"k\" }}\ncredential.api_key = \"hunter2\""
            ),
            "line 5, column",
        ),
        (
            "retention.errors_days = 12_hunter2".to_owned(),
            "line 1, column",
        ),
        (
            "workers = \"hunter2\"".to_owned(),
            "workers: a whole number, 0 or more, is needed (line 1, column 1)",
        ),
        (
            "admin_token = 5\nadmin_tokn = \"hunter2\"".to_owned(),
            "admin_tokn: there is no such key",
        ),
        (
            format!(
                "{account}base_url = \"https://u:hunter2@host\"\ncredential = {{ api_key = \"k\" }}"
            ),
            "base_url: user and password",
        ),
    ] {
        let why = refused(&text, &[]);
        assert!(why.contains(says), "{text}: {why}");
        assert!(!why.contains("hunter2"), "{why}");
        let debug = format!("{:?}", Config::parse(&text, &|_| None));
        assert!(!debug.contains("hunter2"), "{debug}");
    }
}

#[test]
fn unknown_keys_and_wrong_types_hide_no_other_mistake() {
    let text = r#"
listen = "nowhere"
colour = "red"
[limits]
request_bytes = "many"
sped = 1
[[account]]
name = "a"
platform = 7
groups = [1, "x"]
credential = { apikey = "k" }
proirity = 3
[[account]]
platform = "openai"
enabled = "yes"
[[api_key]]
name = "k"
models = []
"#;
    let why = refused(
        text,
        &[("WAYBILL_WORKERS", "many"), ("WAYBILL_DURABILITY", "x")],
    );
    let expected = [
        "colour: there is no such key",
        "limits.request_bytes: a whole number",
        "limits.sped: there is no such key; expected one of `request_bytes`",
        "workers: a whole number, 0 or more, is needed (set by WAYBILL_WORKERS)",
        "durability: `x` is neither `process` nor `power` (set by WAYBILL_DURABILITY)",
        "listen: `nowhere`",
        "account \"a\": platform: text in quotes is needed (line 9, column 1)",
        "account \"a\": groups: in every place of the list, text in quotes is needed",
        "account \"a\": credential.apikey: there is no such key",
        "account \"a\": credential.api_key: it is missing",
        "account \"a\": proirity: there is no such key",
        "account[1]: enabled: true or false is needed (line 15, column 1)",
        "account[1]: name: ",
        "account[1]: credential: it is missing",
        "api_key \"k\": models: there is no such key",
        "api_key \"k\": groups: at least one",
    ];
    for mistake in expected {
        assert!(why.contains(mistake), "{mistake}\nis not in\n{why}");
    }
    assert_eq!(why.lines().count(), expected.len(), "{why}");
}

#[test]
fn what_would_let_nothing_through_or_delete_everything_is_refused() {
    for (key, value) in [
        ("limits.request_bytes", "0"),
        ("limits.header_bytes", "0"),
        ("limits.response_bytes", "0"),
        ("limits.in_flight", "0"),
        ("timeouts.idle_ms", "0"),
        ("failover.max_attempts", "0"),
        ("queue.max_waiting", "0"),
        ("queue.max_waiting_per_key", "0"),
        ("capture.queue_records", "0"),
        ("retention.max_bytes", "0"),
        ("retention.max_bytes", "1048575"),
        ("retention.replay_days", "0"),
        ("notifications.timeout_ms", "0"),
        ("notifications.answer_timeout_ms", "0"),
    ] {
        let why = refused(&format!("{key} = {value}"), &[]);
        assert!(why.starts_with(&format!("{key}: ")), "{key}: {why}");
    }
    assert!(Config::parse("retention.max_bytes = 1048576", &|_| None).is_ok());
    // A message that is under way for too long would be begun once more by another replica.
    for key in [
        "notifications.timeout_ms",
        "notifications.answer_timeout_ms",
    ] {
        let why = refused(&format!("{key} = 300001"), &[]);
        assert_eq!(why, format!("{key}: 300001 is too much: at most 300000"));
        assert!(Config::parse(&format!("{key} = 300000"), &|_| None).is_ok());
    }
    let nobody_waits = Config::parse("queue.timeout_ms = 0", &|_| None).unwrap();
    assert!(nobody_waits.settings.queue.timeout.is_zero());
}

#[test]
fn what_the_admin_api_refuses_the_file_and_the_environment_may_not_say_either() {
    let file = r#"
[[group]]
name = " g"
platform = "openai"
model_mapping = { "a" = "b*" }
[[account]]
name = "a"
platform = "openai"
models = ["a*b"]
credential = { api_key = "a\nb" }
[[user]]
name = ""
[[api_key]]
name = "k"
key = "0123456789 abcdef"
groups = [" g"]
"#;
    let why = refused(file, &[]);
    for mistake in [
        "group \" g\": name: ",
        "group \" g\": model_mapping.\"a\": on the right, ",
        "account \"a\": models: `a*b`",
        "account \"a\": credential.api_key: ",
        "user[0]: name: ",
        "api_key \"k\": key: ",
    ] {
        assert!(why.contains(mistake), "{mistake}\nis not in\n{why}");
    }
    let why = refused(
        "",
        &[
            ("OPENAI_API_KEY", "a\nb"),
            ("OPENAI_BASE_URL", "ftp://x"),
            ("WAYBILL_DEV_KEY", "short"),
        ],
    );
    for variable in ["OPENAI_API_KEY: ", "OPENAI_BASE_URL: ", "WAYBILL_DEV_KEY: "] {
        assert!(why.contains(variable), "{variable}\nis not in\n{why}");
    }
}

#[test]
fn whom_a_group_serves_and_where_an_account_is_are_checked_key_by_key() {
    let file = r#"
[[group]]
name = "nobody"
platform = "gemini"
protocols = []
[[group]]
name = "words"
platform = "gemini"
protocols = ["gemini", "klingon", "antigravity"]
[[group]]
name = "twice"
platform = "gemini"
protocols = ["gemini", "anthropic", "gemini"]
[[group]]
name = "shape"
platform = "gemini"
protocols = "gemini"
[[account]]
name = "a"
platform = "anthropic"
credential = { api_key = "k" }
apis = ["responses"]
project = "p-1"
fallback_urls = ["https://b.test", "https://api.anthropic.com/"]
[[account]]
name = "o"
platform = "openai"
credential = { api_key = "k" }
apis = ["responses", "assistants"]
fallback_urls = ["https://b.test", "https://u:hunter2@c.test"]
[[account]]
name = "none"
platform = "openai"
credential = { api_key = "k" }
apis = []
fallback_urls = ["https://b.test", "http://10.0.0.7:1"]
[[account]]
name = "g"
platform = "antigravity"
credential = { api_key = "k" }
project = "my project"
apis = ["chat_completions"]
fallback_urls = ["http://metadata.google.internal"]
"#;
    let why = refused(file, &[]);
    let expected = [
        "group \"nobody\": protocols: at least one",
        "group \"words\": protocols: `klingon` is not one of anthropic, openai, gemini",
        "group \"words\": protocols: `antigravity` is not one of",
        "group \"twice\": protocols: `gemini` is there twice",
        "group \"shape\": protocols: a list is needed",
        "account \"a\": apis: it is for openai accounts alone, this one speaks anthropic",
        "account \"a\": project: it is for antigravity accounts alone, this one speaks anthropic",
        "account \"a\": fallback_urls[1]: `https://api.anthropic.com/` is there already",
        "account \"o\": apis: `assistants` is not one of chat_completions, responses",
        "account \"o\": fallback_urls[1]: user and password cannot stand in an address",
        "account \"none\": apis: at least one",
        "account \"g\": project: the id of a Google Cloud project is needed",
        "account \"g\": apis: it is for openai accounts alone, this one speaks antigravity",
        "account \"g\": fallback_urls[0]: `metadata.google.internal`",
    ];
    for mistake in expected {
        assert!(why.contains(mistake), "{mistake}\nis not in\n{why}");
    }
    assert!(!why.contains("hunter2"), "{why}");
    assert_eq!(why.lines().count(), expected.len(), "{why}");
}

#[test]
fn what_is_not_said_of_groups_and_accounts_follows_from_their_platform() {
    use waybill_model::protocol::{OpenAiApi, Platform, Protocol};
    let mut file = String::new();
    for platform in Platform::ALL {
        file.push_str(&format!(
            "[[group]]\nname = \"{platform}\"\nplatform = \"{platform}\"\n\
             [[account]]\nname = \"{platform}\"\nplatform = \"{platform}\"\ncredential = {{ api_key = \"k\" }}\n"
        ));
    }
    file.push_str(
        "[[group]]\nname = \"said\"\nplatform = \"gemini\"\nprotocols = [\"gemini\", \"anthropic\"]\n\
         [[account]]\nname = \"said\"\nplatform = \"openai\"\ncredential = { api_key = \"k\" }\n\
         apis = [\"chat_completions\"]\nfallback_urls = [\"https://b.test\", \"https://c.test/x\"]\n\
         [[account]]\nname = \"cloud\"\nplatform = \"antigravity\"\ncredential = { api_key = \"k\" }\nproject = \"p-1\"\n",
    );
    let config = Config::parse(&file, &|_| None).unwrap();
    let protocols: Vec<&[Protocol]> = config.groups.iter().map(|g| &*g.protocols).collect();
    assert_eq!(
        protocols,
        [
            &[Protocol::Anthropic][..],
            &[Protocol::OpenAi],
            &[Protocol::Gemini],
            &[Protocol::Anthropic, Protocol::Gemini],
            &[Protocol::Gemini, Protocol::Anthropic],
        ]
    );
    let account = |name: &str| config.accounts.iter().find(|a| a.name == name).unwrap();
    assert_eq!(account("openai").apis, OpenAiApi::ALL);
    assert_eq!(account("gemini").apis, []);
    assert_eq!(account("said").apis, [OpenAiApi::ChatCompletions]);
    assert_eq!(
        account("said").fallback_urls,
        ["https://b.test", "https://c.test/x"]
    );
    assert_eq!(account("antigravity").project, None);
    assert_eq!(account("cloud").project.as_deref(), Some("p-1"));
}

#[test]
fn the_environment_is_laid_over_the_file() {
    let file = "listen = \"127.0.0.1:1\"\nworkers = 1\n[timeouts]\nconnect_ms = 5\nidle_ms = 6\n";
    let variable = |name: &str| {
        let value = match name {
            "WAYBILL_LISTEN" => "127.0.0.1:7",
            "WAYBILL_DATA_DIR" => "/somewhere/else",
            "WAYBILL_WORKERS" => "3",
            "WAYBILL_TIMEOUTS_CONNECT_MS" => "50",
            "WAYBILL_LIMITS_REQUEST_BYTES" => "1000",
            "WAYBILL_CAPTURE_REPLAY" => "false",
            "WAYBILL_REQUESTS_KEEP" => "errors",
            "WAYBILL_RETENTION_ERRORS_DAYS" => "1.5",
            "WAYBILL_ADMIN_TOKEN" => "12345678901234567890",
            "WAYBILL_DURABILITY" => "",
            _ => return None,
        };
        Some(value.to_owned())
    };
    let config = Config::parse(file, &variable).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:7");
    assert_eq!(config.data_dir.to_str(), Some("/somewhere/else"));
    assert_eq!(config.workers, 3);
    assert_eq!(config.settings.timeouts.connect.as_millis(), 50);
    assert_eq!(
        config.settings.timeouts.idle.as_millis(),
        6,
        "what the environment does not name stays"
    );
    assert_eq!(config.settings.limits.request_bytes, 1000);
    assert!(!config.settings.capture.replay);
    assert_eq!(config.settings.retention.errors.as_secs(), 36 * 3600);
    assert_eq!(
        config.admin_token.unwrap().expose(),
        "12345678901234567890",
        "text stays text"
    );

    let wrong = Config::parse(file, &|name| {
        (name == "WAYBILL_LISTEN").then(|| "x".to_owned())
    })
    .unwrap_err();
    assert!(wrong.to_string().contains("listen: `x`"), "{wrong}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn provider_keys_in_the_environment_make_a_gateway_that_works() {
    let sim = Sim::start(SimOptions::default()).await.unwrap();
    let (url, openai) = (sim.url(), format!("{}/v1", sim.url()));
    let key = "a-key-for-development-0123";
    let (a, o, g) = (key_of("a1"), key_of("o1"), key_of("g1"));
    let variables = [
        ("ANTHROPIC_API_KEY", a.as_str()),
        ("ANTHROPIC_BASE_URL", url.as_str()),
        ("OPENAI_API_KEY", o.as_str()),
        ("OPENAI_BASE_URL", openai.as_str()),
        ("GEMINI_API_KEY", g.as_str()),
        ("GEMINI_BASE_URL", url.as_str()),
        ("WAYBILL_DEV_KEY", key),
        ("WAYBILL_ADMIN_TOKEN", ADMIN_TOKEN),
    ];
    let folder = tempfile::tempdir().unwrap();
    let gateway = Binary::serve(folder.path(), "", &variables).await;
    let http = client();
    for (path, body, account) in [
        ("/v1/messages", message(false), &a),
        ("/v1/chat/completions", support::chat(false), &o),
        (
            "/v1beta/models/gemini-2.5-pro:generateContent",
            support::generate(),
            &g,
        ),
    ] {
        let request = Request::post(format!("{}{path}", gateway.url))
            .header("authorization", format!("Bearer {key}"))
            .header("anthropic-version", "2023-06-01");
        let answer = send(&http, request.body(Full::from(body)).unwrap()).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        assert_eq!(sim.received().pop().unwrap().key.as_ref(), Some(account));
    }
    gateway.kill().await;

    // Again without a key for clients: one is made, shown once, and still works after that.
    let folder = tempfile::tempdir().unwrap();
    let variables: Vec<_> = variables
        .into_iter()
        .filter(|(name, _)| *name != "WAYBILL_DEV_KEY")
        .collect();
    let gateway = Binary::serve(folder.path(), "", &variables).await;
    let keys = gateway
        .admin(Method::GET, "/api-keys", String::new())
        .await
        .json();
    assert_eq!(keys["items"][0]["name"], "default", "{keys}");
    assert!(
        keys["items"][0].get("key").is_none() && keys["items"][0].get("hash").is_none(),
        "{keys}"
    );
    gateway.kill().await;
}

/// The provider's view of who served the next request.
async fn serves(world: &World) -> Option<String> {
    let answer = world.post("/v1/messages", message(false)).await;
    (answer.status == 200).then(|| world.sim.received().pop().unwrap().key.unwrap())
}

/// The id of a resource.
async fn id(world: &World, resource: &str, name: &str) -> String {
    let list = world
        .admin(Method::GET, &format!("/{resource}"), "")
        .await
        .json();
    let found = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|item| item["name"] == name)
        .cloned();
    format!(
        "/{resource}/{}",
        found.unwrap_or_else(|| panic!("{name}: {list}"))["id"]
    )
}

async fn change(world: &World, method: Method, path: &str, body: Value) {
    let answer = world.admin(method, path, body.to_string()).await;
    assert!(
        answer.status.is_success(),
        "{path} {body}: {}",
        answer.text()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_through_the_admin_api_acts_on_the_next_request() {
    let world = World::new().await;
    let account = id(&world, "accounts", "a1").await;
    assert_eq!(serves(&world).await, Some(key_of("a1")));

    change(
        &world,
        Method::POST,
        &format!("{account}/disable"),
        json!({}),
    )
    .await;
    assert_eq!(serves(&world).await, Some(key_of("a2")));
    change(
        &world,
        Method::POST,
        &format!("{account}/enable"),
        json!({}),
    )
    .await;
    assert_eq!(serves(&world).await, Some(key_of("a1")));
    change(&world, Method::PATCH, &account, json!({"priority": 9})).await;
    assert_eq!(serves(&world).await, Some(key_of("a2")));
    change(
        &world,
        Method::PATCH,
        &account,
        json!({"priority": 1, "models": ["claude-haiku*"]}),
    )
    .await;
    assert_eq!(serves(&world).await, Some(key_of("a2")));
    change(
        &world,
        Method::PATCH,
        &account,
        json!({"models": [], "credential": {"api_key": key_of("a7")}}),
    )
    .await;
    assert_eq!(serves(&world).await, Some(key_of("a7")));
    change(
        &world,
        Method::PATCH,
        &account,
        json!({"model_mapping": [{"from": "claude*", "to": "claude-other"}]}),
    )
    .await;
    serves(&world).await;
    let sent: Value = serde_json::from_slice(&world.sim.received().pop().unwrap().body).unwrap();
    assert_eq!(sent["model"], "claude-other");

    let new = json!({
        "name": "a9", "platform": "anthropic", "base_url": world.sim.url(), "groups": ["claude"], "priority": 0,
        "credential": {"api_key": key_of("a9")},
    });
    change(&world, Method::POST, "/accounts", new).await;
    assert_eq!(serves(&world).await, Some(key_of("a9")));
    let a9 = id(&world, "accounts", "a9").await;
    change(&world, Method::DELETE, &a9, json!({})).await;
    assert_eq!(serves(&world).await, Some(key_of("a7")));

    let group = id(&world, "groups", "claude").await;
    change(&world, Method::PATCH, &group, json!({"status": "disabled"})).await;
    assert_eq!(serves(&world).await, None);
    change(&world, Method::PATCH, &group, json!({"status": "active"})).await;
    assert_eq!(serves(&world).await, Some(key_of("a7")));

    let user = id(&world, "users", "default").await;
    change(&world, Method::PATCH, &user, json!({"status": "disabled"})).await;
    assert_eq!(world.post("/v1/messages", message(false)).await.status, 403);
    change(&world, Method::PATCH, &user, json!({"status": "active"})).await;
    let key = id(&world, "api-keys", "dev").await;
    change(&world, Method::PATCH, &key, json!({"status": "disabled"})).await;
    assert_eq!(world.post("/v1/messages", message(false)).await.status, 403);
    change(&world, Method::PATCH, &key, json!({"status": "active"})).await;
    assert_eq!(serves(&world).await, Some(key_of("a7")));
    change(&world, Method::DELETE, &key, json!({})).await;
    assert_eq!(world.post("/v1/messages", message(false)).await.status, 401);
    world.stop().await;
}

/// Everything that says what stops an account, how it comes back, and what may be used.
const LIMITED: &str = r#"
[[group]]
name = "claude"
platform = "anthropic"
sticky = "session"
[[group.state_rules]]
name = "capacity"
cause = "overloaded"
state = "overloaded"
for_seconds = 5
scope = "model"

[[account]]
name = "one"
platform = "anthropic"
groups = ["claude"]
credential = { api_key = "sk-ant-0123456789" }
quota = { requests_per_minute = 50, tokens_per_day = 1000000 }
counted_statuses = [429, 529]
probe = { model = "claude-haiku-4-5", every_seconds = 60 }
proxy = "env:PROXY"
headers = { "x-team" = "a", "X-Pass" = "env:PASS" }
[[account.state_rules]]
name = "maintenance"
statuses = [400, 200]
contains = "maintenance"
state = "paused"
for_seconds = 600
[[account.state_rules]]
name = "harmless"
statuses = [403]

[[user]]
name = "team"
limits = { concurrency = 4, usd_per_month = 12.5 }
credit_usd = 100

[[api_key]]
name = "dev"
key = "client-key-0123456789"
user = "team"
groups = ["claude"]
limits = { requests_per_minute = 10, tokens_per_month = 5000 }

[[price]]
model = "claude-*"
input = 3
output = 15.0
cache_read = 0.3
"#;

#[test]
fn limits_rules_proxies_headers_and_prices_are_read() {
    use waybill_model::{
        entity::{RuleScope, Sticky},
        money::MicroUsd,
        state::MarkKind,
    };
    let variables = [
        ("PROXY", "socks5://me:hunter2@proxy:1080"),
        ("PASS", "word"),
    ];
    let config = Config::parse(LIMITED, &|name| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    })
    .unwrap();
    let (group, account) = (&config.groups[0], &config.accounts[0]);
    assert_eq!(group.sticky, Sticky::Session);
    assert_eq!(group.state_rules[0].scope, RuleScope::Model);
    assert_eq!(account.quota.requests_per_minute, Some(50));
    assert_eq!(account.counted_statuses, Some(vec![429, 529]));
    assert_eq!(account.probe.as_ref().unwrap().every_seconds, Some(60));
    let rule = &account.state_rules[0];
    assert_eq!(
        (rule.state, rule.for_seconds, rule.scope),
        (Some(MarkKind::Paused), 600, RuleScope::Account)
    );
    assert_eq!(account.state_rules[1].state, None);
    assert_eq!(
        account.proxy.as_ref().unwrap().expose(),
        "socks5://me:hunter2@proxy:1080"
    );
    assert_eq!(account.headers.names(), ["x-pass", "x-team"]);
    assert_eq!(config.users[0].credit_usd, Some(MicroUsd(100_000_000)));
    assert_eq!(
        config.users[0].limits.unwrap().usd_per_month,
        Some(MicroUsd(12_500_000))
    );
    assert_eq!(
        config.api_keys[0].limits.unwrap().tokens_per_month,
        Some(5000)
    );
    assert_eq!(config.prices[0].cache_read, Some(MicroUsd(300_000)));
    let shown = format!("{config:?}");
    assert!(
        !shown.contains("hunter2") && !shown.contains("word\""),
        "{shown}"
    );
}

#[test]
fn every_mistake_in_limits_and_rules_is_reported_with_its_key() {
    let file = r#"
[[group]]
name = "g"
platform = "anthropic"
sticky = "always"
[[group.state_rules]]
name = "no condition"
state = "paused"
for_seconds = 5

[[account]]
name = "a"
platform = "anthropic"
groups = ["g"]
credential = { api_key = "sk-ant-0123456789" }
quota = { requests_per_minute = 0, tokens_per_hour = 5 }
counted_statuses = [429, 42]
probe = { model = "claude-*", every_seconds = 0 }
proxy = "ftp://me:hunter2@proxy"
headers = { "x y" = "v", "host" = "elsewhere", "x-api-key" = "sk-2", "x-broken" = "a\nb" }
[[account.state_rules]]
name = "for no time"
statuses = [400]
state = "paused"
[[account.state_rules]]
name = "unknown words"
statuses = [999]
cause = "sunspots"
state = "tired"
scope = "planet"
[[account.state_rules]]
statuses = [500]
[[account.state_rules]]
name = "by hand"
statuses = [401]
state = "disabled"
for_seconds = 1
[[account.state_rules]]
name = "nothing stops"
statuses = [401]
for_seconds = 1
[[account.state_rules]]
name = "empty text"
contains = ""
[[account.state_rules]]
name = "wrong status"
statuses = [302]
[[account.state_rules]]
name = "wrong shape"
statuses = [401]
for_seconds = "long"

[[user]]
name = "u"
limits = { usd_per_day = -1, requests_per_day = 0 }
credit_usd = -5

[[price]]
model = "m"
input = -1
[[price]]
model = "m"
input = 1
output = 1
[[price]]
input = 1
output = 1
"#;
    let said = refused(file, &[]);
    for mistake in [
        "group \"g\": sticky: `always`",
        "group \"g\": state_rules[0]: a condition is needed",
        "account \"a\": quota.requests_per_minute: 0 would",
        "account \"a\": quota.tokens_per_hour: there is no such key",
        "account \"a\": counted_statuses: 42 ",
        "account \"a\": probe.model: ",
        "account \"a\": proxy: ",
        "account \"a\": headers.\"x y\": ",
        "account \"a\": headers.\"host\": ",
        "account \"a\": headers.\"x-api-key\": ",
        "account \"a\": headers.\"x-broken\": ",
        "account \"a\": state_rules[0].for_seconds: at least 1",
        "account \"a\": state_rules[1].cause: `sunspots`",
        "account \"a\": state_rules[1].state: `tired`",
        "account \"a\": state_rules[1].scope: `planet`",
        "account \"a\": state_rules[2].name: ",
        "account \"a\": state_rules[3].state: an account is disabled by hand",
        "account \"a\": state_rules[4].state: it is missing",
        "account \"a\": state_rules[5].contains: it is empty",
        "account \"a\": state_rules[6].statuses: 302 ",
        "account \"a\": state_rules[7].for_seconds: a whole number",
        "user \"u\": limits.usd_per_day: not an amount",
        "user \"u\": limits.requests_per_day: 0 would",
        "user \"u\": credit_usd: not an amount",
        "price \"m\": input: not an amount",
        "price \"m\": output: it is missing",
        "price \"m\": the name is there twice",
        "price[2]: model: ",
    ] {
        assert!(said.contains(mistake), "{mistake}\nis not in\n{said}");
    }
    assert!(
        !said.contains("hunter2") && !said.contains("sk-2"),
        "{said}"
    );
}
