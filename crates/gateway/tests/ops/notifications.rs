//! Notifications as receivers get them: in order, once, however long a receiver is away; and what operators can do.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use crate::support::{
    self, Setup, World, eventually,
    receiver::{Got, MAIL_PASSWORD, MAIL_USER, MailServer, Receiver, Turn},
    replicas::Deployment,
};
use http::Method;
use serde_json::{Value, json};
use waybill_gateway::clock::Clock;
use waybill_model::{
    cause::Severity,
    notify::{Notice, NoticeKind},
    secret::Secret,
    time::UnixMillis,
};
use waybill_store::{PostgresOptions, Store, StoreOptions};

const START: i64 = 1_800_000_000_000;
const MINUTE: i64 = 60_000;
const CHANNELS: &str = "/ops/notification-channels";

/// A gateway by a clock that stands still, and its store seen from beside it.
struct Desk {
    world: World,
    store: Store,
    now: Arc<AtomicI64>,
}

impl Desk {
    async fn new() -> Desk {
        Desk::with("").await
    }

    async fn with(top: &str) -> Desk {
        Desk::waiting(top, "timeout_ms = 500\nanswer_timeout_ms = 500").await
    }

    /// One that waits for receivers as `times` says.
    async fn waiting(top: &str, times: &str) -> Desk {
        let now = Arc::new(AtomicI64::new(START));
        let world = World::with(Setup {
            top: format!(
                "public_url = \"https://waybill.example.com/\"\n{top}\n[notifications]\n{times}\n\
                 [egress]\nallow = [\"127.0.0.1\", \"::1\"]"
            ),
            accounts: 1,
            clock: Clock::Manual(Arc::clone(&now)),
            ..Setup::default()
        })
        .await;
        let store = Store::open(StoreOptions::at(world.folder.path().join("waybill.db"))).unwrap();
        Desk { world, store, now }
    }

    async fn channel(&self, form: Value) -> i64 {
        let answer = self
            .world
            .admin(Method::POST, CHANNELS, form.to_string())
            .await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()["id"].as_i64().unwrap()
    }

    async fn hook(&self, name: &str, receiver: &Receiver, more: Value) -> i64 {
        let mut form = json!({"name": name, "kind": "webhook", "url": receiver.url});
        let fields = more.as_object().unwrap().clone();
        form.as_object_mut().unwrap().extend(fields);
        self.channel(form).await
    }

    async fn fired(&self, event: i64) {
        fired(&self.store, event, self.now()).await;
    }

    fn now(&self) -> UnixMillis {
        UnixMillis(self.now.load(Ordering::Relaxed))
    }

    fn pass(&self, ms: i64) {
        self.now.fetch_add(ms, Ordering::Relaxed);
    }

    async fn log(&self, query: &str) -> Vec<Value> {
        let path = format!("notifications?sort=created_at&{query}");
        let list = self.world.ops(&path).await;
        list["items"].as_array().unwrap().clone()
    }

    /// Waits for so many requests at a receiver.
    async fn requests(&self, receiver: &Receiver, count: usize) -> Vec<Got> {
        eventually("requests at the receiver", || async {
            let got = receiver.got();
            (got.len() >= count).then_some(got)
        })
        .await
    }

    async fn events(&self, receiver: &Receiver, wanted: &[i64]) {
        eventually("the events at the receiver", || async {
            (receiver.events() == wanted).then_some(())
        })
        .await;
    }

    /// Waits until it is written down what came of a channel's so many attempts to tell of an event.
    async fn tried(&self, channel: i64, event: i64, attempts: usize) -> Value {
        let query = format!("channel_id={channel}&event_id={event}");
        eventually("what came of it is written down", || async {
            let row = self.log(&query).await.pop()?;
            let is_under_way = row["reason"] == "it is on its way";
            let is_written = row["last_error"].is_string() && !is_under_way;
            (is_written && row["attempts"] == attempts).then_some(row)
        })
        .await
    }

    async fn in_state(&self, state: &str, count: usize) -> Vec<Value> {
        let query = format!("state={state}");
        eventually(state, || async {
            let log = self.log(&query).await;
            (log.len() == count).then_some(log)
        })
        .await
    }
}

async fn fired(store: &Store, event: i64, now: UnixMillis) {
    store
        .notify(notice(event, now), Vec::new(), now)
        .await
        .unwrap();
}

fn notice(event: i64, now: UnixMillis) -> Notice {
    Notice {
        kind: NoticeKind::AlertFired,
        topic: Notice::topic_of_event(event),
        event_id: Some(event),
        severity: Severity::P1,
        title: "Requests fail".to_owned(),
        sentence: "the error rate is 12 %".to_owned(),
        text: "Look at the issues.".to_owned(),
        rule: Some("Requests fail".to_owned()),
        subject: None,
        metric: None,
        value: Some(12.0),
        threshold: Some(5.0),
        unit: None,
        started_at: now,
        ended_at: None,
        path: Some(format!("/alerts/{event}")),
        report: None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_hangs_for_an_hour_gets_everything_afterwards_in_order_and_once() {
    let desk = Desk::new().await;
    let (down, well) = (Receiver::start().await, Receiver::start().await);
    down.script([], Turn::Hang);
    let channel = desk.hook("down", &down, json!({})).await;
    desk.hook("well", &well, json!({})).await;
    let mut told = vec![1, 2, 3];
    for event in &told {
        desk.fired(*event).await;
    }
    let (began, mut attempts, mut waited) = (desk.now(), 0, 0);
    loop {
        attempts += 1;
        let head = desk.tried(channel, 1, attempts).await;
        assert_eq!(head["state"], "pending", "{head}");
        if desk.now().0 - began.0 >= 60 * MINUTE {
            break;
        }
        // Ever more rarely, and never for more than a quarter of an hour.
        let next_at: UnixMillis = head["next_at"].as_str().unwrap().parse().unwrap();
        let waits = next_at.0 - desk.now().0;
        assert!(waits >= waited && waits <= 15 * MINUTE, "{head}");
        waited = waits;
        let event = 100 + i64::try_from(attempts).unwrap();
        desk.fired(event).await;
        told.push(event);
        // Nobody else waits for it.
        desk.events(&well, &told).await;
        desk.pass(waits);
    }
    assert!((10..20).contains(&attempts), "{attempts}");
    let tried = down.got();
    assert!(tried.iter().all(|got| got.events() == [1]));
    down.script([], Turn::status(200));
    desk.pass(15 * MINUTE);
    desk.events(&down, &told).await;
    desk.in_state("pending", 0).await;
    assert_eq!(down.events(), told, "nothing twice");
    let key = |got: &Got| got.header("idempotency-key").unwrap();
    let first = key(&down.taken()[0]);
    assert!(tried.iter().all(|got| key(got) == first));
    let keys: std::collections::HashSet<_> = down.taken().iter().map(key).collect();
    assert_eq!(keys.len(), told.len(), "each is a message of its own");
    desk.in_state("sent&page_size=100", 2 * told.len()).await;
    desk.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_hangs_once_and_fails_for_an_hour_gets_everything_afterwards_in_order() {
    let desk = Desk::new().await;
    let (down, well) = (Receiver::start().await, Receiver::start().await);
    down.script([Turn::Hang, Turn::status(503)], Turn::status(500));
    let secret = "signing-secret-0123456789";
    desk.hook("down", &down, json!({"signing_secret": secret}))
        .await;
    desk.hook("well", &well, json!({})).await;
    for event in 1..=3 {
        desk.fired(event).await;
    }
    // The other channel is not held up by the one that hangs.
    desk.events(&well, &[1, 2, 3]).await;
    // An hour, and an attempt whenever one is due: nothing but the first is tried.
    let began = desk.now();
    let mut seen = 0;
    while desk.now().0 - began.0 < 60 * MINUTE {
        seen = desk.requests(&down, seen + 1).await.len();
        eventually("what came of it is written down", || async {
            let log = desk.log("state=pending").await;
            log[0]["last_error"].is_string().then_some(())?;
            (log[0]["attempts"].as_u64()? as usize >= seen).then_some(())
        })
        .await;
        desk.fired(100 + i64::try_from(seen).unwrap()).await;
        desk.pass(5 * MINUTE);
    }
    let tried = down.got();
    assert!(tried.len() >= 12);
    assert!(tried.iter().all(|got| got.events() == [1]));
    let keys: std::collections::HashSet<_> = tried
        .iter()
        .map(|got| got.header("idempotency-key"))
        .collect();
    assert_eq!(keys.len(), 1, "an attempt is the same message again");
    down.script([], Turn::status(200));
    desk.pass(5 * MINUTE);
    let told: Vec<i64> = (1..=3)
        .chain(101..=100 + i64::try_from(seen).unwrap())
        .collect();
    desk.events(&down, &told).await;
    desk.in_state("pending", 0).await;
    assert_eq!(down.events(), told, "nothing twice");
    let got = down.taken().pop().unwrap();
    let seconds = got.header("x-waybill-timestamp").unwrap();
    let signed = format!("{seconds}.{}", got.body);
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
    let tag = ring::hmac::sign(&key, signed.as_bytes());
    let hex: String = tag
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(
        got.header("x-waybill-signature").unwrap(),
        format!("v1={hex}")
    );
    assert_eq!(
        got.json()["notices"][0]["url"],
        format!(
            "https://waybill.example.com/alerts/{}",
            told.last().unwrap()
        )
    );
    desk.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_answers_slowly_gets_a_message_once() {
    let desk = Desk::waiting("", "timeout_ms = 100").await;
    let receiver = Receiver::start().await;
    let slow = Turn::Slow(Duration::from_millis(400), 200);
    receiver.script([slow], Turn::status(200));
    desk.hook("slow", &receiver, json!({})).await;
    desk.fired(1).await;
    desk.fired(2).await;
    desk.events(&receiver, &[1, 2]).await;
    let sent = desk.in_state("sent", 2).await;
    assert!(sent.iter().all(|row| row["attempts"] == 1), "{sent:?}");
    desk.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_chat_never_answers_is_left_after_five_times_and_a_mail_is_sent_again() {
    let desk = Desk::waiting("", "timeout_ms = 500\nanswer_timeout_ms = 300").await;
    let receiver = Receiver::start().await;
    receiver.script(vec![Turn::Hang; 5], Turn::status(200));
    let server = MailServer::start(None).await;
    server.be_mute(true);
    let chat = desk.hook("chat", &receiver, json!({"kind": "slack"})).await;
    let mail = desk
        .channel(json!({"name": "mail", "kind": "email", "email": {
            "to": ["ops@example.com"], "from": "waybill@example.com", "host": "127.0.0.1",
            "port": server.port, "security": "none",
        }}))
        .await;
    desk.fired(1).await;
    desk.fired(2).await;
    for attempt in 1..=5 {
        let waits = desk.tried(mail, 1, attempt).await;
        assert_eq!(waits["state"], "pending", "{waits}");
        desk.tried(chat, 1, attempt).await;
        if attempt == 5 {
            server.be_mute(false);
        }
        desk.pass(MINUTE);
    }
    let uncertain = desk.in_state("uncertain", 1).await.remove(0);
    assert_eq!(uncertain["channel_id"], chat);
    let (reason, error) = (
        uncertain["reason"].as_str(),
        uncertain["last_error"].as_str(),
    );
    assert!(reason.unwrap().contains("may have arrived"), "{uncertain}");
    assert!(error.unwrap().contains("it was sent"), "{uncertain}");
    // The chat's next one goes, and the mail, known by its id as the one that was sent before.
    desk.requests(&receiver, 6).await;
    let mails = eventually("the mails", || async {
        let mails = server.mails();
        (mails.len() == 7).then_some(mails)
    })
    .await;
    let id = |mail: &support::receiver::Mail| {
        let mut lines = mail.data.lines();
        let found = lines.find(|line| line.starts_with("Message-ID:"));
        found.unwrap().to_owned()
    };
    assert!(mails[..6].iter().all(|mail| id(mail) == id(&mails[0])));
    assert_ne!(id(&mails[6]), id(&mails[0]));
    desk.in_state("sent", 3).await;
    // By hand it goes again.
    let path = format!("/ops/notifications/{}/retry", uncertain["id"]);
    let answer = desk.world.admin(Method::POST, &path, "").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    desk.in_state("sent", 4).await;
    desk.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_receiver_refuses_is_given_up_soon_and_the_next_goes_on() {
    let desk = Desk::new().await;
    let receiver = Receiver::start().await;
    let gone = Turn::Answer(410, "", "hook T0KEN-abcdefghijkl is gone".to_owned());
    receiver.script([gone.clone(), gone.clone(), gone], Turn::status(200));
    let id = desk.hook("ops", &receiver, json!({})).await;
    desk.fired(1).await;
    desk.fired(2).await;
    for attempt in 1..=3 {
        desk.tried(id, 1, attempt).await;
        desk.pass(10_000);
    }
    desk.events(&receiver, &[2]).await;
    let failed = desk.in_state("failed", 1).await.remove(0);
    assert_eq!(
        (&failed["attempts"], &failed["event_id"]),
        (&json!(3), &json!(1))
    );
    let error = failed["last_error"].as_str().unwrap();
    assert!(
        error.contains("410") && !error.contains("T0KEN-abcdefghijkl"),
        "{error}"
    );
    // By hand it goes again, and no other does.
    let path = format!("/ops/notifications/{}/retry", failed["id"]);
    let answer = desk.world.admin(Method::POST, &path, "").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    desk.events(&receiver, &[2, 1]).await;
    desk.in_state("sent", 2).await;
    let again = desk.world.admin(Method::POST, &path, "").await;
    assert_eq!(
        (again.status.as_u16(), &again.json()["code"]),
        (409, &json!("not_pending"))
    );
    assert_eq!(desk.log(&format!("channel_id={id}")).await.len(), 2);
    assert!(desk.log("event_id=9").await.is_empty());
    let bad = desk
        .world
        .admin(Method::GET, "/ops/notifications?state=lost", "")
        .await;
    assert_eq!(
        (bad.status.as_u16(), &bad.json()["parameter"]),
        (400, &json!("state"))
    );
    desk.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wish_to_be_left_alone_is_kept_to() {
    let desk = Desk::new().await;
    let receiver = Receiver::start().await;
    let busy = Turn::Answer(429, "retry-after: 120\r\n", String::new());
    receiver.script([busy], Turn::status(200));
    desk.hook("ops", &receiver, json!({})).await;
    desk.fired(1).await;
    let waits = eventually("it waits", || async {
        let log = desk.log("state=pending").await;
        log.first()?["last_error"]
            .is_string()
            .then(|| log[0].clone())
    })
    .await;
    let until = UnixMillis(START + 120_000).to_string();
    assert_eq!(waits["next_at"], until);
    desk.pass(120_000);
    desk.events(&receiver, &[1]).await;
    desk.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_together_goes_together_and_no_hour_has_too_many() {
    let desk = Desk::new().await;
    let (grouped, limited) = (Receiver::start().await, Receiver::start().await);
    desk.hook("grouped", &grouped, json!({"group_seconds": 30}))
        .await;
    desk.hook("limited", &limited, json!({"max_per_hour": 2}))
        .await;
    desk.fired(1).await;
    desk.events(&limited, &[1]).await;
    desk.fired(2).await;
    desk.events(&limited, &[1, 2]).await;
    desk.fired(3).await;
    desk.fired(4).await;
    eventually("they wait for the hour, or for their group", || async {
        let waits = desk.log("state=pending").await;
        let told = |text: &str| {
            let has = |row: &&Value| row["reason"].as_str().is_some_and(|why| why.contains(text));
            waits.iter().any(|row| has(&row))
        };
        (told("hour") && told("may come")).then_some(())
    })
    .await;
    assert!(grouped.got().is_empty());
    desk.pass(31_000);
    desk.events(&grouped, &[1, 2, 3, 4]).await;
    assert_eq!(grouped.got().len(), 1);
    assert_eq!(grouped.got()[0].json()["summary"], "[P1] 4 alerts");
    assert_eq!(limited.events(), [1, 2]);
    desk.pass(60 * MINUTE);
    desk.events(&limited, &[1, 2, 3, 4]).await;
    desk.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_is_taken_by_a_mail_server_and_a_wrong_password_is_not() {
    let desk = Desk::new().await;
    let server = MailServer::start(None).await;
    let form = |name: &str, password: &str| {
        json!({"name": name, "kind": "email", "email": {
            "to": ["ops@example.com", "nobody@example.com"], "from": "Waybill <waybill@example.com>",
            "host": "127.0.0.1", "port": server.port, "security": "none",
            "username": MAIL_USER, "password": password,
        }})
    };
    let right = desk.channel(form("right", MAIL_PASSWORD)).await;
    desk.fired(7).await;
    let mail = eventually("the mail", || async { server.mails().pop() }).await;
    assert_eq!(mail.from.trim(), "<waybill@example.com>");
    assert_eq!(mail.to, ["<ops@example.com>"]);
    assert!(mail.signed_in && !mail.in_tls);
    for part in [
        "Subject: [P1] Requests fail",
        "Auto-Submitted: auto-generated",
        "the error rate is 12 %",
        "https://waybill.example.com/alerts/7",
        "Message-ID: <wb-",
    ] {
        assert!(mail.data.contains(part), "{part}: {}", mail.data);
    }
    let sent = desk.in_state("sent", 1).await;
    assert_eq!(sent[0]["channel_id"], right);
    let wrong = desk.channel(form("wrong", "another-password")).await;
    let tested = desk
        .world
        .admin(Method::POST, &format!("{CHANNELS}/{wrong}/test"), "")
        .await
        .json();
    assert_eq!(
        (&tested["ok"], &tested["status"]),
        (&json!(false), &json!(535)),
        "{tested}"
    );
    assert_eq!(server.mails().len(), 1);
    desk.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_starttls_nothing_of_a_mail_is_said_in_the_clear() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, made.cert.pem()).unwrap();
    let key =
        tokio_rustls::rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der())
            .unwrap();
    let config = tokio_rustls::rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let desk = Desk::with(&format!("upstream_ca = \"{}\"", ca.display())).await;
    let (able, unable) = (
        MailServer::start(Some(config)).await,
        MailServer::start(None).await,
    );
    let test = async |name: &str, server: &MailServer| {
        let form = json!({"name": name, "kind": "email", "email": {
            "to": ["ops@example.com"], "from": "waybill@example.com", "host": "localhost",
            "port": server.port, "username": MAIL_USER, "password": MAIL_PASSWORD,
        }});
        let id = desk.channel(form).await;
        desk.world
            .admin(Method::POST, &format!("{CHANNELS}/{id}/test"), "")
            .await
            .json()
    };
    let tested = test("able", &able).await;
    assert_eq!(tested["ok"], true, "{tested}");
    let mail = able.mails().pop().unwrap();
    assert!(mail.in_tls && mail.signed_in);
    let tested = test("unable", &unable).await;
    assert_eq!(tested["ok"], false, "{tested}");
    assert!(
        tested["said"].as_str().unwrap().contains("STARTTLS"),
        "{tested}"
    );
    assert!(unable.mails().is_empty());
    desk.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channels_secrets_are_kept_and_never_shown() {
    let desk = Desk::new().await;
    let receiver = Receiver::start().await;
    let secret = "signing-secret-0123456789";
    let id = desk
        .hook("ops", &receiver, json!({"signing_secret": secret}))
        .await;
    let path = format!("{CHANNELS}/{id}");
    let change = json!({"name": "ops-2", "group_seconds": 5}).to_string();
    let changed = desk.world.admin(Method::PUT, &path, change).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    let host = receiver.url.split('/').nth(2).unwrap().to_owned();
    for answer in [
        changed,
        desk.world.admin(Method::GET, &path, "").await,
        desk.world.admin(Method::GET, CHANNELS, "").await,
    ] {
        let text = answer.text();
        assert!(!text.contains("T0KEN") && !text.contains(secret), "{text}");
        assert!(
            text.contains(&host) && text.contains(r#""has_signing_secret":true"#),
            "{text}"
        );
    }
    let tested = desk
        .world
        .admin(Method::POST, &format!("{path}/test"), "")
        .await
        .json();
    assert_eq!(
        (&tested["ok"], &tested["status"]),
        (&json!(true), &json!(200))
    );
    let got = &receiver.got()[0];
    assert_eq!(got.json()["notices"][0]["kind"], "test");
    assert!(got.header("x-waybill-signature").is_some());
    let unsigned = json!({"signing_secret": null}).to_string();
    let changed = desk.world.admin(Method::PATCH, &path, unsigned).await;
    assert_eq!(changed.json()["has_signing_secret"], false);
    let audit = desk
        .world
        .admin(
            Method::GET,
            "/ops/audit-log?subject=notification-channels",
            "",
        )
        .await;
    let text = audit.text();
    for action in ["create", "change", "test"] {
        assert!(
            text.contains(&format!("notification-channels.{action}")),
            "{text}"
        );
    }
    assert!(!text.contains("T0KEN") && !text.contains(secret));
    // Sealed at rest.
    let bytes = std::fs::read(desk.world.folder.path().join("waybill.db-wal")).unwrap();
    assert!(memchr::memmem::find(&bytes, b"T0KEN-abcdefghijkl").is_none());
    let gone = desk.world.admin(Method::DELETE, &path, "").await;
    assert_eq!(gone.status, 204);
    assert_eq!(desk.world.admin(Method::GET, &path, "").await.status, 404);
    desk.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_that_cannot_be_is_refused_by_its_field() {
    let desk = Desk::new().await;
    let receiver = Receiver::start().await;
    let mail = |change: Value| {
        let mut email =
            json!({"to": ["a@example.com"], "from": "b@example.com", "host": "mail.example.com"});
        let fields = change.as_object().unwrap().clone();
        email.as_object_mut().unwrap().extend(fields);
        json!({"name": "m", "kind": "email", "email": email})
    };
    for (form, field) in [
        (json!({"kind": "slack", "url": receiver.url}), "name"),
        (json!({"name": "x", "url": receiver.url}), "kind"),
        (json!({"name": "x", "kind": "slack"}), "url"),
        (
            json!({"name": "x", "kind": "slack", "url": "ftp://example.com"}),
            "url",
        ),
        (
            json!({"name": "x", "kind": "slack", "url": "http://10.1.2.3/x"}),
            "url",
        ),
        (
            json!({"name": "x", "kind": "slack", "url": receiver.url, "signing_secret": "s"}),
            "signing_secret",
        ),
        (json!({"name": "x", "kind": "pagerduty"}), "routing_key"),
        (json!({"name": "x", "kind": "email"}), "email"),
        (
            json!({"name": "x", "kind": "webhook", "url": receiver.url, "max_per_hour": 0}),
            "max_per_hour",
        ),
        (mail(json!({"to": ["not an address"]})), "email.to[0]"),
        (mail(json!({"from": "x"})), "email.from"),
        (mail(json!({"host": "10.1.2.3"})), "email.host"),
        (mail(json!({"username": "u"})), "email.password"),
    ] {
        let answer = desk
            .world
            .admin(Method::POST, CHANNELS, form.to_string())
            .await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["field"]),
            (400, &json!(field)),
            "{form}"
        );
    }
    let form = mail(json!({"username": "u", "password": "p-0123456789"})).to_string();
    let made = desk.world.admin(Method::POST, CHANNELS, form).await.json();
    let path = format!("{CHANNELS}/{}", made["id"]);
    // A password does not move to another server by itself.
    let moved =
        json!({"email": mail(json!({"username": "u", "host": "other.example.com"}))["email"]});
    let answer = desk
        .world
        .admin(Method::PUT, &path, moved.to_string())
        .await;
    assert_eq!(
        answer.json()["field"],
        "email.password",
        "{}",
        answer.text()
    );
    let same = json!({"email": mail(json!({"username": "u", "to": ["c@example.com"]}))["email"]});
    let answer = desk.world.admin(Method::PUT, &path, same.to_string()).await;
    assert_eq!(answer.json()["has_password"], true, "{}", answer.text());
    // Nor does an integration key, or a secret that messages are signed with.
    let other = Receiver::start().await;
    for (form, field) in [
        (
            json!({"name": "pages", "kind": "pagerduty", "routing_key": "r-0123456789"}),
            "routing_key",
        ),
        (
            json!({"name": "hook", "kind": "webhook", "url": receiver.url, "signing_secret": "s-0123456789"}),
            "signing_secret",
        ),
    ] {
        let id = desk.channel(form).await;
        let path = format!("{CHANNELS}/{id}");
        let put = async |form: Value| desk.world.admin(Method::PUT, &path, form.to_string()).await;
        let moved = put(json!({"url": other.url})).await;
        assert_eq!(
            (moved.status.as_u16(), &moved.json()["field"]),
            (400, &json!(field))
        );
        let again = put(json!({"url": other.url, field: "again-0123456789"})).await;
        assert_eq!(again.status, 200, "{}", again.text());
        // Another path of the same host is no other receiver.
        let same = put(json!({"url": format!("{}/2", other.url)})).await;
        assert_eq!(same.status, 200, "{}", same.text());
    }
    let kind = json!({"kind": "slack"}).to_string();
    assert_eq!(
        desk.world.admin(Method::PUT, &path, kind).await.json()["field"],
        "kind"
    );
    desk.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_reads_an_operator_tests_and_an_admin_alone_makes_channels() {
    let desk = Desk::new().await;
    let receiver = Receiver::start().await;
    let id = desk.hook("ops", &receiver, json!({})).await;
    let mut tokens = Vec::new();
    for role in ["viewer", "operator"] {
        let user = json!({"name": role, "role": role, "password": "correct horse battery"});
        let made = desk
            .world
            .admin(Method::POST, "/admin-users", user.to_string())
            .await;
        assert_eq!(made.status, 201, "{}", made.text());
        let form = json!({"name": "t", "role": role, "admin_user": role}).to_string();
        let made = desk.world.admin(Method::POST, "/tokens", form).await.json();
        tokens.push(made["token"].as_str().unwrap().to_owned());
    }
    let status = async |token: &str, method: Method, path: &str| {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("{}/api/v1/admin{path}", desk.world.url))
            .header("authorization", format!("Bearer {token}"))
            .body(http_body_util::Full::from("{}"))
            .unwrap();
        desk.world.send(request).await.status.as_u16()
    };
    let (one, test) = (format!("{CHANNELS}/{id}"), format!("{CHANNELS}/{id}/test"));
    for (method, path, viewer, operator) in [
        (Method::GET, CHANNELS, 200, 200),
        (Method::GET, "/ops/notifications", 200, 200),
        (Method::POST, &test, 403, 200),
        (Method::POST, CHANNELS, 403, 403),
        (Method::PUT, &one, 403, 403),
        (Method::DELETE, &one, 403, 403),
    ] {
        assert_eq!(
            status(&tokens[0], method.clone(), path).await,
            viewer,
            "{path}"
        );
        assert_eq!(status(&tokens[1], method, path).await, operator, "{path}");
    }
    desk.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_makes_a_channel_and_tries_it() {
    use tokio::io::AsyncWriteExt as _;
    let desk = Desk::new().await;
    let receiver = Receiver::start().await;
    let run = async |args: &[&str], input: &str| {
        let variables = [
            ("WAYBILL_URL", desk.world.url.as_str()),
            ("WAYBILL_ADMIN_TOKEN", support::ADMIN_TOKEN),
        ];
        let mut child = support::binary::waybill(&variables)
            .args(args)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // One that reads nothing has ended already.
        let _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        let output = child.wait_with_output().await.unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(text).unwrap())
    };
    let add = [
        "channels",
        "add",
        "ops",
        "--kind",
        "webhook",
        "--group-seconds",
        "5",
    ];
    let (ok, text) = run(&add, &format!("{}\n", receiver.url)).await;
    assert!(ok && text.contains("waybill channels test ops"), "{text}");
    let (ok, text) = run(&["channels", "test", "ops"], "").await;
    assert!(ok && text.contains("taken after"), "{text}");
    receiver.script([], Turn::status(403));
    let (ok, text) = run(&["channels", "test", "ops"], "").await;
    assert!(!ok && text.contains("it answered 403"), "{text}");
    let (ok, text) = run(&["channels", "list"], "").await;
    assert!(
        ok && text.contains("webhook") && !text.contains("T0KEN"),
        "{text}"
    );
    let (ok, text) = run(&["notifications", "list", "--state", "failed"], "").await;
    assert!(
        ok && text.contains("it answered 403") && !text.contains("sent"),
        "{text}"
    );
    let (ok, text) = run(&["channels", "remove", "ops"], "").await;
    assert!(ok, "{text}");
    let (ok, text) = run(&["channels", "test", "ops"], "").await;
    assert!(!ok && text.contains("there is no channel ops"), "{text}");
    desk.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_on_its_way_when_the_process_was_killed_comes_again_as_the_same_message() {
    let receiver = Receiver::start().await;
    // It takes the first one, and before it can say so nobody is there to hear it.
    receiver.script([Turn::Hang], Turn::status(200));
    let folder = tempfile::tempdir().unwrap();
    let configuration = format!(
        "listen = \"127.0.0.1:0\"\nadmin_token = \"{}\"\n[egress]\nallow = [\"127.0.0.1\"]\n",
        support::ADMIN_TOKEN
    );
    let serve = async || support::binary::Binary::serve(folder.path(), &configuration, &[]).await;
    let waybill = serve().await;
    let form = json!({"name": "ops", "kind": "webhook", "url": receiver.url}).to_string();
    let made = waybill.admin(Method::POST, CHANNELS, form).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let store = Store::open(StoreOptions::at(folder.path().join("data/waybill.db"))).unwrap();
    for event in 1..=2 {
        fired(&store, event, Clock::System.now()).await;
    }
    let begun = async |count: usize| {
        eventually("requests at the receiver", || async {
            let got = receiver.got();
            (got.len() >= count).then_some(got)
        })
        .await
    };
    begun(1).await;
    waybill.kill().await;
    let waybill = serve().await;
    // Twice, and known by the same key; then the next. Nothing is lost.
    let got = begun(3).await;
    let events: Vec<_> = got.iter().map(Got::events).collect();
    assert_eq!(events, [[1], [1], [2]]);
    let key = |got: &Got| got.header("idempotency-key").unwrap();
    assert_eq!(key(&got[0]), key(&got[1]));
    assert_ne!(key(&got[1]), key(&got[2]));
    waybill.terminate();
    assert!(waybill.ended().await.success());
    assert_eq!(receiver.got().len(), 3);
}

/// A replica's store, seen from beside it, for putting notices in.
fn beside(world: &Deployment, folder: &tempfile::TempDir) -> Store {
    let options = StoreOptions::at(folder.path().join("waybill.db"));
    let postgres = PostgresOptions::at(Secret::new(world.database.clone()));
    Store::shared(options, &postgres, "beside").unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas_tell_everything_once_and_in_order_also_when_one_leaves() {
    let receiver = Receiver::start().await;
    let world = Deployment::new(Setup {
        top: "[egress]\nallow = [\"127.0.0.1\"]".to_owned(),
        accounts: 1,
        ..Setup::default()
    })
    .await;
    let (a, b) = (world.replica("a").await, world.replica("b").await);
    let form = json!({"name": "ops", "kind": "webhook", "url": receiver.url}).to_string();
    let made = b.admin(Method::POST, CHANNELS, form).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let folder = tempfile::tempdir().unwrap();
    let store = beside(&world, &folder);
    let now = || Clock::System.now();
    for event in 1..=20 {
        fired(&store, event, now()).await;
    }
    let told = |count: i64| {
        let receiver = receiver.clone();
        eventually("everything is told", move || {
            let events = receiver.events();
            async move { (events.len() >= usize::try_from(count).unwrap()).then_some(events) }
        })
    };
    assert_eq!(told(20).await, (1..=20).collect::<Vec<_>>());
    // Whoever sends leaves in the middle of it; the other one goes on.
    let holder = a.ops("jobs").await["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|job| job["name"] == "notifications")
        .and_then(|job| job["holder"].as_str().map(str::to_owned));
    assert!(holder.is_some());
    for event in 21..=60 {
        fired(&store, event, now()).await;
    }
    told(25).await;
    a.terminate();
    assert!(a.ended().await.success());
    assert_eq!(told(60).await, (1..=60).collect::<Vec<_>>());
    b.terminate();
    assert!(b.ended().await.success());
    assert_eq!(receiver.events().len(), 60, "nothing twice");
}
