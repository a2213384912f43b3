//! Reports by a clock that is set: when they come, that each comes once, and what they say.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use crate::support::{
    Setup, World, eventually, message,
    receiver::{MailServer, Receiver},
};
use http::Method;
use serde_json::{Value, json};
use waybill_gateway::clock::Clock;
use waybill_model::{
    id::ChannelId,
    report::{ReportKind, ScheduleBody},
    time::UnixMillis,
};
use waybill_sim::{Fault, ProviderError, Rule};
use waybill_store::{Store, StoreOptions};

const SCHEDULES: &str = "/ops/report-schedules";

struct Desk {
    world: World,
    now: Arc<AtomicI64>,
}

impl Desk {
    async fn at(instant: &str) -> Desk {
        let instant: UnixMillis = instant.parse().unwrap();
        let now = Arc::new(AtomicI64::new(instant.0));
        let world = World::with(Setup {
            top: "[egress]\nallow = [\"127.0.0.1\"]".to_owned(),
            accounts: 1,
            clock: Clock::Manual(Arc::clone(&now)),
            ..Setup::default()
        })
        .await;
        Desk { world, now }
    }

    fn set(&self, instant: &str) {
        let instant: UnixMillis = instant.parse().unwrap();
        self.now.store(instant.0, Ordering::Relaxed);
    }

    async fn made(&self, path: &str, form: Value) -> Value {
        let answer = self.world.admin(Method::POST, path, form.to_string()).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()
    }

    async fn hook(&self, receiver: &Receiver) -> i64 {
        let form = json!({"name": "hook", "kind": "webhook", "url": receiver.url});
        self.made("/ops/notification-channels", form).await["id"]
            .as_i64()
            .unwrap()
    }

    async fn schedule(&self, id: &Value) -> Value {
        self.world.ops(&format!("report-schedules/{id}")).await
    }

    /// Waits until a schedule is due next at that instant.
    async fn due(&self, id: &Value, instant: &str) {
        eventually("the schedule has moved on", || async {
            (self.schedule(id).await["next_at"] == instant).then_some(())
        })
        .await;
    }
}

/// The ends of the reports that a receiver has.
fn ends(receiver: &Receiver) -> Vec<String> {
    let taken = receiver.taken();
    let end = |body: Value| {
        body["notices"][0]["report"]["end"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    taken.iter().map(|got| end(got.json())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_missed_comes_once_and_nine_oclock_stays_nine_oclock_over_a_change_of_clocks() {
    let desk = Desk::at("2027-03-25T12:00:00Z").await;
    let receiver = Receiver::start().await;
    let channel = desk.hook(&receiver).await;
    let form = json!({"name": "daily", "kind": "daily_summary", "cron": "0 9 * * *",
        "time_zone": "Europe/Berlin", "channels": [channel]});
    let made = desk.made(SCHEDULES, form).await;
    let id = &made["id"];
    assert_eq!(made["next_at"], "2027-03-26T08:00:00.000Z");
    let told = |count: usize| {
        let receiver = receiver.clone();
        eventually("reports at the receiver", move || {
            let ends = ends(&receiver);
            async move { (ends.len() >= count).then_some(ends) }
        })
    };
    desk.set("2027-03-26T08:00:00Z");
    desk.due(id, "2027-03-27T08:00:00.000Z").await;
    // At nine it is of the calendar day before.
    assert_eq!(told(1).await, ["2027-03-25T23:00:00.000Z"]);
    // Three were missed: the last one comes, of a day that has 23 hours.
    desk.set("2027-03-29T07:30:00Z");
    desk.due(id, "2027-03-30T07:00:00.000Z").await;
    let ends = told(2).await;
    assert_eq!(ends[1], "2027-03-28T22:00:00.000Z");
    let report = receiver.taken()[1].json()["notices"][0]["report"].clone();
    assert_eq!(report["start"], "2027-03-27T23:00:00.000Z");
    assert_eq!(report["charts"][0]["points"].as_array().unwrap().len(), 23);
    desk.set("2027-03-30T07:00:00Z");
    desk.due(id, "2027-03-31T07:00:00.000Z").await;
    assert_eq!(told(3).await.len(), 3);
    assert_eq!(
        desk.schedule(id).await["last_at"],
        "2027-03-30T07:00:00.000Z"
    );
    // Switched off, it is not due.
    let off = json!({"enabled": false}).to_string();
    let path = format!("{SCHEDULES}/{id}");
    let off = desk.world.admin(Method::PUT, &path, off).await.json();
    assert_eq!(
        (&off["next_at"], &off["cron"]),
        (&Value::Null, &json!("0 9 * * *"))
    );
    desk.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schedule_whose_zone_is_not_known_any_more_leaves_the_others_alone() {
    let desk = Desk::at("2027-01-15T08:00:00Z").await;
    let receiver = Receiver::start().await;
    let channel = desk.hook(&receiver).await;
    let now = UnixMillis(desk.now.load(Ordering::Relaxed));
    let store = Store::open(StoreOptions::at(
        desk.world.folder.path().join("waybill.db"),
    ))
    .unwrap();
    let lost = ScheduleBody {
        name: "lost".to_owned(),
        enabled: true,
        kind: ReportKind::DailySummary,
        cron: "0 8 * * *".to_owned(),
        time_zone: "Mars/Olympus".to_owned(),
        channels: vec![ChannelId(channel)],
    };
    // It is due before the other one, and stays so.
    store
        .save_schedule(None, lost, Some(now), now)
        .await
        .unwrap();
    let form = json!({"name": "daily", "kind": "daily_summary", "cron": "0 9 * * *", "channels": [channel]});
    let id = desk.made(SCHEDULES, form).await["id"].clone();
    desk.set("2027-01-15T09:00:00Z");
    desk.due(&id, "2027-01-16T09:00:00.000Z").await;
    let jobs = desk.world.ops("jobs").await;
    let job = jobs["items"].as_array().unwrap().iter();
    let text = job
        .map(Value::to_string)
        .find(|job| job.contains("Mars/Olympus"));
    assert!(text.is_some_and(|job| job.contains("lost: ")), "{jobs}");
    desk.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_was_ahead_keeps_no_report_away_afterwards() {
    let desk = Desk::at("2027-01-15T08:00:00Z").await;
    let receiver = Receiver::start().await;
    let channel = desk.hook(&receiver).await;
    let form = json!({"name": "daily", "kind": "daily_summary", "cron": "0 9 * * *", "channels": [channel]});
    let id = &desk.made(SCHEDULES, form).await["id"];
    // A year ahead for a moment: what it missed comes, as it must seem.
    desk.set("2028-01-15T08:30:00Z");
    desk.due(id, "2028-01-15T09:00:00.000Z").await;
    desk.set("2027-01-15T08:01:00Z");
    desk.due(id, "2027-01-15T09:00:00.000Z").await;
    desk.set("2027-01-15T09:00:00Z");
    desk.due(id, "2027-01-16T09:00:00.000Z").await;
    let ends = eventually("both reports", || async {
        let ends = ends(&receiver);
        (ends.len() >= 2).then_some(ends)
    })
    .await;
    assert_eq!(
        ends,
        ["2028-01-14T00:00:00.000Z", "2027-01-15T00:00:00.000Z"]
    );
    desk.set("2027-01-16T09:00:00Z");
    desk.due(id, "2027-01-17T09:00:00.000Z").await;
    eventually("the next day's", || async {
        (self::ends(&receiver).len() == 3).then_some(())
    })
    .await;
    desk.world.stop().await;
}

/// Requests of one read of roll-ups: where so many are not counted, the answer is not whole.
const MANY: usize = 5_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_waits_an_hour_for_requests_that_are_not_counted_and_then_says_so() {
    let desk = Desk::at("2027-01-15T10:00:00Z").await;
    let receiver = Receiver::start().await;
    let channel = desk.hook(&receiver).await;
    let form = json!({"name": "daily", "kind": "daily_summary", "cron": "0 9 * * *", "channels": [channel]});
    let id = &desk.made(SCHEDULES, form).await["id"];
    let db = rusqlite::Connection::open(desk.world.folder.path().join("waybill.db")).unwrap();
    db.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    // Nothing is rolled up any more.
    for what in ["INSERT", "UPDATE"] {
        let sql = format!(
            "CREATE TRIGGER stuck_{what} BEFORE {what} ON rollup_fold BEGIN SELECT RAISE(ABORT, 'stuck'); END"
        );
        db.execute_batch(&sql).unwrap();
    }
    let answer = desk.world.post("/v1/messages", message(false)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let columns: Vec<String> = db
        .prepare(
            "SELECT name FROM pragma_table_info('requests') WHERE name NOT IN ('id', 'request_id')",
        )
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let columns = columns.join(", ");
    let copy = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MANY})
         INSERT INTO requests (request_id, {columns})
         SELECT lower(hex(randomblob(16))), {columns} FROM n, (SELECT * FROM requests ORDER BY id LIMIT 1)"
    );
    assert_eq!(db.execute(&copy, []).unwrap(), MANY);
    desk.set("2027-01-16T09:00:00Z");
    eventually("it waits", || async {
        let jobs = desk.world.ops("jobs").await;
        let waits = jobs.to_string().contains("1 reports wait");
        waits.then_some(())
    })
    .await;
    assert_eq!(
        desk.schedule(id).await["next_at"],
        "2027-01-16T09:00:00.000Z"
    );
    assert!(receiver.got().is_empty());
    desk.set("2027-01-16T10:00:00Z");
    desk.due(id, "2027-01-17T09:00:00.000Z").await;
    let report = async |count: usize| {
        let taken = eventually("the report", || async {
            let taken = receiver.taken();
            (taken.len() >= count).then_some(taken)
        });
        taken.await[count - 1].json()["notices"][0]["report"].clone()
    };
    let note = report(1).await["notes"][0].to_string();
    assert!(note.contains("incomplete"), "{note}");
    // Once they are counted, the next one comes when it is due, and lacks nothing.
    desk.set("2027-01-17T09:00:00Z");
    db.execute_batch("DROP TRIGGER stuck_INSERT; DROP TRIGGER stuck_UPDATE")
        .unwrap();
    desk.due(id, "2027-01-18T09:00:00.000Z").await;
    let whole = report(2).await;
    assert_eq!(whole["notes"], json!([]), "{whole}");
    let requests = &whole["figures"][0];
    assert_eq!(
        (&requests["name"], &requests["value"], &requests["before"]),
        (&json!("Requests"), &json!(0.0), &json!(5_001.0))
    );
    desk.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_says_what_happened_in_a_mail_and_in_a_preview() {
    let desk = Desk::at("2027-01-15T10:00:00Z").await;
    let server = MailServer::start(None).await;
    desk.world
        .sim
        .script(Rule::new(Fault::provider(ProviderError::Overloaded)).times(1));
    for wanted in [529, 200, 200] {
        let answer = desk.world.post("/v1/messages", message(false)).await;
        assert_eq!(answer.status.as_u16(), wanted, "{}", answer.text());
        desk.world.clear_states().await;
    }
    // The next day: a summary is of days that are over.
    desk.set("2027-01-16T09:30:00Z");
    let form = json!({"name": "mail", "kind": "email", "email": {"to": ["a@example.com"],
        "from": "b@example.com", "host": "127.0.0.1", "port": server.port, "security": "none"}});
    let channel = desk.made("/ops/notification-channels", form).await["id"].clone();
    let form = |kind: &str| json!({"name": kind, "kind": kind, "cron": "0 9 * * MON", "channels": [channel]});
    let summary = desk.made(SCHEDULES, form("weekly_summary")).await["id"].clone();
    let preview = format!("{SCHEDULES}/{summary}/preview");
    let figure = |report: &Value, name: &str| {
        let figures = report["figures"].as_array().unwrap();
        let found = figures.iter().find(|figure| figure["name"] == name);
        found.unwrap_or_else(|| panic!("{name}: {report}"))["value"].clone()
    };
    eventually("the requests are counted", || async {
        let report = desk.world.admin(Method::GET, &preview, "").await.json();
        (figure(&report, "Requests") == 3.0).then_some(())
    })
    .await;
    let report = desk.world.admin(Method::GET, &preview, "").await.json();
    assert_eq!(figure(&report, "Failed requests"), 1.0);
    assert_eq!(report["charts"][0]["points"].as_array().unwrap().len(), 7);
    assert_eq!(report["tables"][0]["rows"][0][0], "overloaded");
    let html = desk
        .world
        .admin(Method::GET, &format!("{preview}?as=html"), "")
        .await;
    assert!(html.header("content-security-policy").is_some());
    assert!(html.text().contains("Why requests failed"));
    let bad = desk
        .world
        .admin(Method::GET, &format!("{preview}?as=pdf"), "")
        .await;
    assert_eq!(
        (bad.status.as_u16(), &bad.json()["parameter"]),
        (400, &json!("as"))
    );
    for (kind, says) in [("error_digest", "overloaded"), ("account_health", "active")] {
        let made = desk.made(SCHEDULES, form(kind)).await;
        let path = format!("{SCHEDULES}/{}/preview?as=text", made["id"]);
        let text = desk.world.admin(Method::GET, &path, "").await.text();
        assert!(text.contains(says), "{text}");
    }
    let sent = desk
        .world
        .admin(Method::POST, &format!("{SCHEDULES}/{summary}/send"), "")
        .await;
    assert_eq!(sent.status, 200, "{}", sent.text());
    let mail = eventually("the mail", || async { server.mails().pop() }).await;
    assert!(
        mail.data
            .contains("Subject: Weekly summary: weekly_summary"),
        "{}",
        mail.data
    );
    assert!(mail.data.contains("multipart/alternative"));
    desk.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schedule_that_cannot_be_is_refused_by_its_field() {
    let desk = Desk::at("2027-01-15T10:00:00Z").await;
    let receiver = Receiver::start().await;
    let channel = desk.hook(&receiver).await;
    let paged = json!({"name": "pd", "kind": "pagerduty", "routing_key": "r-0123456789"});
    let paged = desk.made("/ops/notification-channels", paged).await["id"].clone();
    let good =
        json!({"name": "x", "kind": "daily_summary", "cron": "0 9 * * *", "channels": [channel]});
    for (field, value, named) in [
        ("name", json!(""), "name"),
        ("cron", json!("0 25 * * *"), "cron"),
        ("cron", json!("0 9 30 2 *"), "cron"),
        ("time_zone", json!("Mars/Olympus"), "time_zone"),
        ("channels", json!([]), "channels"),
        ("channels", json!([channel, 99]), "channels[1]"),
        ("channels", json!([paged]), "channels[0]"),
    ] {
        let mut form = good.clone();
        form[field] = value;
        let answer = desk
            .world
            .admin(Method::POST, SCHEDULES, form.to_string())
            .await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["field"]),
            (400, &json!(named)),
            "{form}"
        );
    }
    let made = desk.made(SCHEDULES, good).await;
    let path = format!("{SCHEDULES}/{}", made["id"]);
    assert_eq!(
        desk.world.admin(Method::DELETE, &path, "").await.status,
        204
    );
    assert_eq!(desk.world.admin(Method::GET, &path, "").await.status, 404);
    desk.world.stop().await;
}
