//! Antigravity accounts for which no project is named, through the real server: Code Assist is asked for it once,
//! and what it refuses is on record while other accounts serve.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use crate::support::{Answer, CLIENT_KEY, Setup, World, eventually, key_of};
use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};
use waybill_gateway::clock::Clock;
use waybill_model::protocol::Endpoint;
use waybill_sim::{Fault, Received, Rule, Sim, SimClock, SimOptions};

const LOAD: &str = "/v1internal:loadCodeAssist";

/// An account of the group; `more`: further lines.
fn account(name: &str, priority: u32, more: &str) -> String {
    format!(
        "[[account]]\nname = \"{name}\"\nplatform = \"antigravity\"\ngroups = [\"assist\"]\n\
         base_url = \"{{providers}}\"\ncredential = {{ api_key = \"{}\" }}\npriority = {priority}\n{more}\n",
        key_of(name)
    )
}

struct Case {
    world: World,
    time: Arc<AtomicI64>,
}

impl Case {
    async fn new(accounts: &[String], rules: Vec<Rule>) -> Case {
        let time = Arc::new(AtomicI64::new(Clock::System.now().0));
        let sim = SimOptions {
            clock: SimClock::Manual(Arc::clone(&time)),
            ..SimOptions::default()
        };
        let rest = format!(
            "[[group]]\nname = \"assist\"\nplatform = \"antigravity\"\n{}\
             [[api_key]]\nname = \"assisted\"\nkey = \"{CLIENT_KEY}-assisted\"\ngroups = [\"assist\"]\n",
            accounts.concat()
        );
        let setup = Setup {
            sim: sim.clone(),
            accounts: 0,
            top: "[queue]\ntimeout_ms = 0".into(),
            rest,
            clock: Clock::Manual(Arc::clone(&time)),
        };
        let sim = Sim::start(sim).await.unwrap();
        for rule in rules {
            sim.script(rule);
        }
        let world = World::over(sim, setup).await;
        Case { world, time }
    }

    async fn ask(&self) -> Answer {
        let body = json!({
            "model": "gemini-2.5-flash", "max_tokens": 64,
            "messages": [{"role": "user", "content": "Say something."}],
        });
        let request = http::Request::post(format!("{}/v1/messages", self.world.url))
            .header("x-api-key", format!("{CLIENT_KEY}-assisted"))
            .header("anthropic-version", "2023-06-01")
            .header("user-agent", "somebody/1")
            .body(body.to_string().into_bytes().into())
            .unwrap();
        self.world.send(request).await
    }

    fn received(&self, path: &str) -> Vec<Received> {
        let all = self.world.sim.received();
        all.into_iter().filter(|one| one.path == path).collect()
    }

    async fn account(&self, name: &str) -> Value {
        let list = self.world.admin(Method::GET, "/accounts", "").await.json();
        let mut accounts = list["items"].as_array().unwrap().iter();
        accounts.find(|seen| seen["name"] == name).unwrap().clone()
    }

    async fn events(&self, name: &str) -> Vec<Value> {
        let path = format!("/accounts/{}/events", self.account(name).await["id"]);
        let list = self.world.admin(Method::GET, &path, "").await.json();
        list["items"].as_array().unwrap().clone()
    }
}

fn served(answer: &Answer, attempts: &str) {
    assert_eq!(
        (answer.status.as_u16(), answer.header("x-waybill-attempts")),
        (200, Some(attempts)),
        "{}",
        answer.text()
    );
}

/// Code Assist tells no project to this account.
fn refuses(name: &str) -> Rule {
    let why = json!({"ineligibleTiers": [{"reasonMessage": "Not in this country."}]});
    Rule::new(Fault::http(200, why))
        .endpoint(Endpoint::Models)
        .key(&key_of(name))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_project_that_nobody_named_is_asked_for_once_and_then_worked_in() {
    let slow = Rule::healthy().endpoint(Endpoint::Models).delay_ms(300);
    let case = Case::new(&[account("a1", 1, "")], vec![slow]).await;
    let answers = join_all((0..100).map(|_| case.ask())).await;
    answers.iter().for_each(|answer| served(answer, "1"));
    let asked = case.received(LOAD);
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!(&asked[0].body[..], br#"{"metadata":{}}"#);
    assert_eq!(asked[0].key, Some(key_of("a1")));
    let agent = asked[0].header("user-agent").unwrap();
    assert!(agent.starts_with("waybill/"), "{agent}");
    let sent = case.received("/v1internal:generateContent");
    assert_eq!(sent.len(), 100);
    for request in &sent {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let project = body["project"].as_str().unwrap();
        assert!(project.starts_with("simulated-harbour-"), "{project}");
    }

    // A new credential is another account's, perhaps.
    let id = case.account("a1").await["id"].clone();
    let change = json!({"credential": {"api_key": key_of("a1-again")}}).to_string();
    let path = format!("/accounts/{id}");
    let changed = case.world.admin(Method::PATCH, &path, change).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    served(&case.ask().await, "1");
    assert_eq!(case.received(LOAD).len(), 2);
    case.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_project_stops_its_account_while_others_serve_until_one_is_named() {
    let accounts = [
        account("a1", 1, ""),
        account("a2", 2, "project = \"project-2\""),
    ];
    let slow = refuses("a1").delay_ms(300);
    let case = Case::new(&accounts, vec![slow]).await;
    // It waits for what is asked since the start.
    let answer = case.ask().await;
    served(&answer, "2");
    let events = case.world.events_of(answer.request_id()).await;
    assert_eq!(
        (&events[0]["kind"], &events[0]["cause"]),
        (&"request_error".into(), &"auth.no_project".into()),
        "{events:?}"
    );
    let said = events[0]["message"].as_str().unwrap();
    assert!(said.contains("Not in this country."), "{said}");
    let marked = case.events("a1").await;
    assert!(
        marked.iter().any(|event| event["kind"] == "error"
            && event["actor"] == "credential"
            && event["reason"] == said),
        "{marked:?}"
    );
    assert_eq!(case.account("a1").await["state"]["status"], "error");
    served(&case.ask().await, "1");
    assert_eq!(case.received(LOAD).len(), 1, "it is left alone");

    let id = case.account("a1").await["id"].clone();
    let change = json!({"project": "project-1"}).to_string();
    let path = format!("/accounts/{id}");
    let changed = case.world.admin(Method::PATCH, &path, change).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    assert_eq!(case.account("a1").await["state"]["status"], "active");
    served(&case.ask().await, "1");
    let last = case.world.sim.received().pop().unwrap();
    assert_eq!(last.key, Some(key_of("a1")));
    case.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_fails_is_asked_for_the_project_again_soon() {
    let down = Rule::new(Fault::http(
        503,
        json!({"error": {"code": 503, "message": "down"}}),
    ))
    .endpoint(Endpoint::Models)
    .delay_ms(300)
    .times(1);
    let case = Case::new(&[account("a1", 1, "")], vec![down]).await;
    let answer = case.ask().await;
    assert_eq!(answer.status, 502, "{}", answer.text());
    let events = case.world.events_of(answer.request_id()).await;
    assert_eq!(events[0]["cause"], "auth.project_unavailable", "{events:?}");
    case.time.fetch_add(2_000, Ordering::Relaxed);
    eventually("the project", || async {
        (case.received(LOAD).len() == 2).then_some(())
    })
    .await;
    eventually("an account that serves", || async {
        (case.account("a1").await["state"]["status"] == "active").then_some(())
    })
    .await;
    served(&case.ask().await, "1");
    case.world.stop().await;
}
