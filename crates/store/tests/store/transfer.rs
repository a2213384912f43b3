//! A store that is exported and imported, to the other database and back, answers every question as it
//! did before; a file that was cut or changed imports nothing.

use std::{
    io::{Cursor, Write},
    sync::{Arc, Mutex},
};

use crate::common::{
    DAY, Fixture, Subject,
    along::{count, event},
    everything, failure, first_page, long_text, new_account, recovered, request_id, success,
};
use proptest::{collection::vec, prelude::*, test_runner::TestCaseError};
use serde_json::{Value, json};
use waybill_model::{
    cause::Cause,
    classify::ruling::{ClassificationRule, Then, When},
    entity::{Sealed, Status, Sticky},
    id::{AccountId, ErrorId, GroupId, ReplayId},
    limits::{Consumer, Limits, Price, Window},
    money::MicroUsd,
    people::{Area, Role, Through},
    protocol::{OpenAiApi, Platform, Protocol},
    record::Record,
    redact::Shown,
    retry::{NotSent, RetryMode, many::ReplayBudget},
    view::{Filter, NoiseCount, Page, Sort},
};
use waybill_store::{
    AccountEventFilter, AuditFilter, Batch, LossReason, NewAdminToken, NewAdminUser, NewApiKey,
    NewAuditEntry, NewGroup, NewReplay, NewRetry, NewRules, NewUser, RetryBounds, RightCode, Store,
    StoreError, TransferError, Transferred, Turn,
};

/// A file in memory.
#[derive(Clone, Default)]
struct File(Arc<Mutex<Vec<u8>>>);

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Tells the instance key of every store here that has one.
const KEY: &str = "the-right-key";

async fn export(store: &Store) -> (Vec<u8>, Transferred) {
    let file = File::default();
    let key = Some(KEY.to_owned());
    let done = store.export(file.clone(), key).await.unwrap();
    let bytes = file.0.lock().unwrap().clone();
    (bytes, done)
}

async fn import(store: &Store, bytes: Vec<u8>) -> Result<Transferred, TransferError> {
    store.import(Cursor::new(bytes), Some(KEY.to_owned())).await
}

/// What is generated of a record: what kind, on which day, how far into it.
type Sketch = (u8, u64, u64);

fn record((kind, day, ms): Sketch) -> Record {
    let n = day * 86_400_000 + ms;
    match kind {
        0 => success(n),
        1 => recovered(n),
        2 => {
            let mut record = failure(n);
            let error = record.error.as_mut().unwrap();
            error.message = Shown::own("ü'\"\\\u{0}\n日本");
            error.request_body = Some(long_text(2_000));
            error.subject.client_request_id = Some(Shown::own("client-1"));
            record
        }
        _ => failure(n),
    }
}

async fn fill(f: &mut Fixture, sketches: &[Sketch]) {
    let store = f.store.clone();
    let group = NewGroup {
        name: "g".to_owned(),
        platform: Platform::OpenAi,
        protocols: vec![Protocol::Gemini, Protocol::OpenAi],
        model_mapping: Vec::new(),
        sticky: Sticky::Session,
        state_rules: Vec::new(),
        status: Status::Active,
    };
    let group = store.create_group(group, DAY).await.unwrap();
    let mut account = new_account("a");
    account.group_ids = vec![group.id];
    account.credential = Sealed((0..=255).collect());
    account.fallback_urls = vec!["https://b.test/\"ü\"".to_owned()];
    account.apis = vec![OpenAiApi::Responses];
    account.project = Some("project-1".to_owned());
    let account = store.create_account(account, DAY).await.unwrap();
    let gone = store
        .create_account(new_account("gone"), DAY)
        .await
        .unwrap();
    store.delete_account(gone.id).await.unwrap();
    let user = NewUser {
        name: "u".to_owned(),
        limits: Limits::default(),
        credit_usd: Some(MicroUsd(-5)),
        status: Status::Disabled,
    };
    let user = store.create_user(user, DAY).await.unwrap();
    let key = NewApiKey {
        name: "k".to_owned(),
        hash: [200; 32],
        prefix: "wb-".to_owned(),
        user_id: user.id,
        group_ids: vec![group.id],
        limits: Limits::default(),
        status: Status::Active,
        expires_at: None,
    };
    store.create_api_key(key, DAY).await.unwrap();
    let price = Price {
        model: "gpt-5*".to_owned(),
        input: MicroUsd(1),
        output: MicroUsd(2),
        cache_read: None,
        cache_write: Some(MicroUsd(3)),
    };
    store.set_prices(vec![price]).await.unwrap();
    let admin = NewAdminUser {
        name: "eve".to_owned(),
        role: Role::Admin,
        status: Status::Active,
        password_hash: "$argon2id$hash".to_owned(),
    };
    let admin = store.create_admin_user(admin, DAY).await.unwrap();
    let secret = Sealed((0..60).rev().collect());
    let begun = store.begin_totp(admin.id, secret.clone(), DAY).await;
    assert!(begun.unwrap());
    let code = RightCode {
        secret,
        step: 57_600_000,
    };
    let confirmed = store.confirm_totp(admin.id, code, None, DAY).await;
    assert!(confirmed.unwrap());
    store.code_was_wrong(admin.id).await.unwrap();
    let token = NewAdminToken {
        name: "t".to_owned(),
        admin_user_id: admin.id,
        hash: [9; 32],
        prefix: "wb-pat-".to_owned(),
        role: Role::Viewer,
        scopes: vec![Area::Errors],
        expires_at: None,
    };
    store.create_admin_token(token, DAY).await.unwrap();
    let done = NewAuditEntry {
        at: DAY,
        actor_id: Some(admin.id),
        actor: "eve".to_owned(),
        role: Some(Role::Admin),
        through: Through::Session,
        client_ip: "192.0.2.1".to_owned(),
        action: "accounts.create".to_owned(),
        subject: "accounts".to_owned(),
        subject_id: None,
        status: None,
        count: 2,
        detail: json!({"fields": ["name"]}),
    };
    store.audit(done).await.unwrap();
    replay_many(&store).await;

    let records: Vec<Record> = sketches.iter().map(|sketch| record(*sketch)).collect();
    let mut odd = failure(77);
    odd.error = None;
    let events: Vec<_> = (1..20)
        .map(|id| {
            let mut happened = event(id);
            happened.account_id = account.id;
            happened
        })
        .collect();
    let usage = [
        count(Consumer::Account(account.id), Window::Total, DAY, 3),
        count(Consumer::User(user.id), Window::Minute, DAY, 9),
    ];
    f.journal.commit(Batch {
        records: &[records, vec![odd]].concat(),
        account_events: &events,
        usage: &usage,
    });
    let noise = NoiseCount {
        minute: DAY,
        client_ip: "192.0.2.1".to_owned(),
        cause: Cause::GatewayInvalidKey,
        count: 3,
        samples: vec!["s".to_owned()],
    };
    f.journal.commit_noise(&[noise]).unwrap();
    f.journal
        .give_up(&[failure(5), success(6)], LossReason::QueueFull);
    f.journal.commit(Batch::default());
    f.drain().await;
    let rules = NewRules {
        replaces: 0,
        rules: vec![ClassificationRule {
            name: "r".to_owned(),
            enabled: true,
            when: When {
                cause: Some(Cause::Overloaded),
                ..When::default()
            },
            then: Then {
                cause: Some(Cause::QuotaExhausted),
                ..Then::default()
            },
            ..ClassificationRule::default()
        }],
        by: Some("ada".to_owned()),
        note: None,
    };
    store.set_classification_rules(rules, DAY).await.unwrap();
    // Some are judged by it, and how far they are is taken along.
    store.judge_anew().await.unwrap();
    if let Some(sketch) = sketches.iter().find(|sketch| sketch.0 > 0) {
        let id = request_id(sketch.1 * 86_400_000 + sketch.2).to_string();
        let mut marked = everything();
        marked.recovered = Some(sketch.0 == 1);
        marked.request_id = Some(id);
        let found = f.store.errors(&marked, &first_page(1)).await.unwrap();
        if let Some(error) = found.errors.first() {
            f.store.set_resolved(error.id, true).await.unwrap();
        }
    }
}

/// A replay with a failure of each kind: one that is being sent, and one that could not be.
async fn replay_many(store: &Store) {
    let new = NewReplay {
        requested_by_user_id: Some(7),
        note: Some(Shown::own("ü")),
        filter: "{\"cause\":\"overloaded\"}".to_owned(),
        mode: RetryMode::Client,
        pinned_account_id: None,
        budget: ReplayBudget {
            max_count: 3,
            per_minute: 60,
            max_usd: Some(MicroUsd(9)),
        },
        newest_error_id: ErrorId(9_002),
        candidates: 2,
        candidates_is_estimate: true,
    };
    let replay = store.create_replay(new, 9, DAY).await.unwrap().unwrap();
    let attempt = NewRetry {
        source_error_id: ErrorId(9_002),
        source_error_at: DAY,
        requested_by_user_id: None,
        mode: RetryMode::Client,
        pinned_account_id: None,
        holder: "here".to_owned(),
        replay_id: Some(replay.id),
    };
    let bounds = RetryBounds {
        every_ms: 0,
        abandoned_after_ms: 3_600_000,
    };
    store.begin_retry(attempt, bounds, DAY).await.unwrap();
    let turn = Turn {
        replay: replay.id,
        error: ErrorId(9_001),
        at: DAY,
    };
    let skipped = store.skip_in_replay(turn, NotSent::BodyExpired, DAY).await;
    assert!(skipped.unwrap());
}

/// Everything that can be asked, with ids.
async fn answers(store: &Store) -> Value {
    let account = AccountId(1);
    let mut lists = Vec::new();
    let filters = [
        everything(),
        Filter {
            recovered: Some(true),
            ..everything()
        },
        Filter {
            q: Some("overloaded".to_owned()),
            ..everything()
        },
        Filter {
            client_request_id: Some("client-1".to_owned()),
            ..everything()
        },
        Filter {
            cause: Some(Cause::Overloaded),
            ..everything()
        },
    ];
    for filter in filters {
        for sort in [Sort::Newest, Sort::Oldest] {
            let page = Page {
                sort,
                ..first_page(200)
            };
            let errors = store.errors(&filter, &page).await.unwrap();
            let events = store.upstream_errors(&filter, &page).await.unwrap();
            let requests = store.requests(&filter, &page).await.unwrap();
            let mut whole = Vec::new();
            // A few of each list are opened: every one would take minutes.
            for error in errors.errors.iter().take(12) {
                whole.push(json!({
                    "whole": store.error(error.id).await.unwrap(),
                    "replay": store.replay_copy(error.id).await.unwrap().map(|copy| (copy.sealed.0, copy.body_bytes, copy.parts.into_iter().map(|part| part.0).collect::<Vec<_>>())),
                }));
            }
            lists.push(json!([errors, events, requests, whole]));
        }
    }
    lists.push(json!([
        store.classification_rules().await.unwrap(),
        store.classification_versions().await.unwrap(),
        store.classification_progress().await.unwrap(),
    ]));
    let config = store.load_config().await.unwrap();
    let sealed: Vec<_> = config
        .accounts
        .iter()
        .map(|a| a.credential.0.clone())
        .collect();
    let states = store.account_states().await.unwrap();
    let events = store
        .account_events(account, AccountEventFilter::default())
        .await
        .unwrap();
    let noise = store
        .noise(DAY, DAY.plus_ms(1), &first_page(5))
        .await
        .unwrap();
    let log = AuditFilter {
        start: DAY,
        end: DAY.plus_ms(1),
        actor: None,
        action: None,
        subject: None,
        subject_id: None,
    };
    let known = store.admin_token_by_hash([9; 32]).await.unwrap();
    let (token, admin) = known.unwrap();
    let password = admin.password_hash.clone();
    let totp = store.totp(admin.id).await.unwrap().unwrap();
    let totp = json!([totp.secret.0, totp.is_on, totp.step, totp.wrong]);
    json!({
        "people": json!([token, admin, password, totp]),
        "audit": store.audit_log(&log, &first_page(5)).await.unwrap(),
        "lists": lists,
        "config": [json!(config.groups), json!(config.accounts), json!(config.users), json!(config.api_keys),
                   json!(config.prices), json!(sealed)],
        "states": states,
        "events": events,
        "noise": noise,
        "replays": [json!(store.replays(&first_page(5)).await.unwrap()),
                    json!(store.replay_items(ReplayId(1), None, &first_page(5)).await.unwrap())],
        "usage": format!("{:?}", store.usage().await.unwrap()),
        "losses": format!("{:?}", store.losses().await.unwrap()),
        "aside": format!("{:?}", store.set_aside(10).await.unwrap()),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn there_and_back_again_every_answer_is_the_same(
        sketches in vec((0..4_u8, 0..4_u64, 0..1_000_u64), 0..300),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut first = Fixture::on(Subject::Sqlite).await;
            fill(&mut first, &sketches).await;
            let before = answers(&first.store).await;
            let books = first.store.books().await.unwrap();
            let (bytes, done) = export(&first.store).await;

            let there = Fixture::on(Subject::Postgres).await;
            prop_assert_eq!(import(&there.store, bytes.clone()).await.unwrap(), done.clone());
            prop_assert_eq!(&answers(&there.store).await, &before);
            let told = format!("{}|{}|{}|{}", books.due, books.stored, books.counted_lost, books.set_aside);
            prop_assert_eq!(there.sql("SELECT due, stored, counted_lost, set_aside FROM books"), told);

            let (again, _) = export(&there.store).await;
            let back = Fixture::on(Subject::Sqlite).await;
            prop_assert_eq!(import(&back.store, again).await.unwrap(), done);
            prop_assert_eq!(&answers(&back.store).await, &before);
            prop_assert_eq!(back.store.books().await.unwrap(), books);
            Ok::<(), TestCaseError>(())
        })?;
    }
}

#[tokio::test]
async fn what_comes_after_an_import_gets_ids_of_its_own() {
    let mut first = Fixture::on(Subject::Sqlite).await;
    fill(&mut first, &[(3, 0, 1), (0, 1, 2), (2, 2, 3)]).await;
    let (bytes, _) = export(&first.store).await;
    for on in [Subject::Postgres, Subject::Sqlite] {
        let mut f = Fixture::on(on).await;
        import(&f.store, bytes.clone()).await.unwrap();
        f.write(&[failure(1_000_000)]).await;
        let list = f.store.errors(&everything(), &first_page(9)).await.unwrap();
        let newest = list.errors.iter().map(|error| error.id).max();
        let written = f
            .store
            .error_by_request_id(&request_id(1_000_000).to_string())
            .await;
        assert_eq!(newest, Some(written.unwrap().unwrap().log.id), "{on:?}");
        assert_eq!(list.total, 3);
        let account = f.store.create_account(new_account("b"), DAY).await.unwrap();
        assert!(account.id > AccountId(1));
        // What refers to what is still refused to go.
        let used = f.store.delete_group(GroupId(1)).await;
        assert!(
            matches!(used, Err(StoreError::InUse { .. })),
            "{on:?}: {used:?}"
        );
        // A provider's id is found in the attempts of what was imported, too.
        let mut asked = everything();
        asked.q = Some("REQ_upstream".to_owned());
        let found = f
            .store
            .upstream_errors(&asked, &first_page(1))
            .await
            .unwrap();
        assert_eq!(found.total, 6, "{on:?}");
    }
}

#[tokio::test]
async fn an_export_of_a_program_that_knew_fewer_columns_is_taken_with_their_defaults() {
    let lines = [
        json!({"waybill_export": {"format": 1, "tables": ["groups"]}}),
        json!({"table": {"name": "groups", "columns": ["id", "name", "platform", "model_mapping", "status",
            "created_at", "updated_at", "sticky", "state_rules"]}}),
        json!([1, "g", "antigravity", "[]", "active", 1, 1, "off", "[]"]),
    ];
    let mut file: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let sum = blake3::hash(file.as_bytes()).to_hex();
    let end = json!({"end": {"rows": {"groups": 1}, "blake3": sum.as_str()}});
    file.push_str(&format!("{end}\n"));
    for on in [Subject::Postgres, Subject::Sqlite] {
        let f = Fixture::on(on).await;
        import(&f.store, file.clone().into_bytes()).await.unwrap();
        let group = f.store.group(GroupId(1)).await.unwrap().unwrap();
        assert_eq!(group.protocols, [Protocol::Anthropic, Protocol::Gemini]);
    }
}

#[tokio::test]
async fn a_store_that_holds_anything_is_not_imported_into() {
    let mut first = Fixture::on(Subject::Sqlite).await;
    fill(&mut first, &[(3, 0, 1)]).await;
    let (bytes, _) = export(&first.store).await;
    for on in [Subject::Postgres, Subject::Sqlite] {
        let configured = Fixture::on(on).await;
        configured
            .store
            .create_account(new_account("x"), DAY)
            .await
            .unwrap();
        let refused = import(&configured.store, bytes.clone()).await;
        assert!(
            matches!(refused, Err(TransferError::NotEmpty("accounts"))),
            "{refused:?}"
        );
        let mut recorded = Fixture::on(on).await;
        recorded.write(&[success(1)]).await;
        let refused = import(&recorded.store, bytes.clone()).await;
        assert!(
            matches!(refused, Err(TransferError::NotEmpty(_))),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn a_file_that_was_cut_or_changed_imports_nothing() {
    let mut first = Fixture::on(Subject::Sqlite).await;
    fill(&mut first, &[(3, 0, 1), (3, 0, 2)]).await;
    let (bytes, _) = export(&first.store).await;
    let text = String::from_utf8(bytes).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let cut = |n: usize| lines[..n].join("\n") + "\n";
    let row = lines
        .iter()
        .position(|line| line.contains("\"192.0.2.1\""))
        .unwrap();
    let without = |gone: usize| {
        let kept = lines.iter().enumerate().filter(|(n, _)| *n != gone);
        kept.map(|(_, line)| format!("{line}\n"))
            .collect::<String>()
    };
    let cases = [
        (String::new(), "ends early"),
        ("\n".to_owned(), "cannot be read"),
        ("[1]\n".to_owned(), "before their table"),
        (
            "{\"waybill_export\":{\"format\":9,\"tables\":[]}}\n".to_owned(),
            "format 9",
        ),
        (cut(lines.len() - 1), "ends early"),
        (cut(lines.len() / 2), "ends early"),
        (text[..text.len() - 10].to_owned(), "ends early"),
        (without(row), "rows are missing"),
        (text.replace("192.0.2.1", "192.0.2.2"), "checksum"),
        (text.replace("\"accounts\"", "\"acounts\""), "no table"),
        (
            text.replace("\"credential\"", "\"credentials\""),
            "no column",
        ),
    ];
    for on in [Subject::Sqlite, Subject::Postgres] {
        let f = Fixture::on(on).await;
        for (file, says) in &cases {
            let refused = import(&f.store, file.clone().into_bytes()).await;
            let said = refused.map(drop).unwrap_err().to_string();
            assert!(said.contains(says), "{on:?}: {says}: {said}");
            let config = f.store.load_config().await.unwrap();
            assert!(config.groups.is_empty() && config.accounts.is_empty());
        }
        // And whole, it is taken.
        import(&f.store, text.clone().into_bytes()).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_sealed_goes_only_where_its_key_is_and_brings_it_along() {
    let mut first = Fixture::on(Subject::Sqlite).await;
    fill(&mut first, &[(3, 0, 1)]).await;
    let (bytes, _) = export(&first.store).await;
    for on in [Subject::Sqlite, Subject::Postgres] {
        let f = Fixture::on(on).await;
        for other in [None, Some("another-key".to_owned())] {
            let refused = f.store.import(Cursor::new(bytes.clone()), other).await;
            assert!(
                matches!(refused, Err(TransferError::OtherKey)),
                "{on:?}: {refused:?}"
            );
        }
        assert!(f.store.load_config().await.unwrap().accounts.is_empty());
    }
    // A first start with a wrong key, before anything was there, stands in nobody's way.
    let there = Fixture::on(Subject::Postgres).await;
    let replicas = there.store.replicas().unwrap();
    let asks = |key: &str| replicas.has_key(key.to_owned(), |_| false);
    assert!(asks("another-key").await.unwrap());
    import(&there.store, bytes.clone()).await.unwrap();
    assert!(!asks("another-key").await.unwrap());
    assert!(asks(KEY).await.unwrap());
    // A shared store knows which key it is, whatever the one who asks has.
    let file = File::default();
    let exported = there.store.export(file.clone(), None).await;
    exported.unwrap();
    let again = Fixture::on(Subject::Sqlite).await;
    let bytes = file.0.lock().unwrap().clone();
    let refused = again.store.import(Cursor::new(bytes.clone()), None).await;
    assert!(matches!(refused, Err(TransferError::OtherKey)));
    import(&again.store, bytes).await.unwrap();
}

#[tokio::test]
async fn a_key_is_the_deployments_only_where_it_opens_what_is_there() {
    let f = Fixture::on(Subject::Postgres).await;
    let replicas = f.store.replicas().unwrap();
    let asks = |key: &str, opens: bool| replicas.has_key(key.to_owned(), move |_| opens);
    // Nothing is sealed yet: a key that was wrong is replaced by the right one, unless somebody runs with it.
    assert!(asks("wrong", false).await.unwrap());
    assert!(asks("right", false).await.unwrap());
    let other = Fixture::at(f.url.clone().unwrap(), |_, _| {});
    let others = other.store.replicas().unwrap();
    others.join("other", "1", DAY).await.unwrap();
    assert!(!asks("wrong", false).await.unwrap());
    others.leave().await.unwrap();
    // What is sealed decides, also where nobody said which key it is.
    f.store.create_account(new_account("a"), DAY).await.unwrap();
    assert!(!asks("wrong", true).await.unwrap());
    assert!(asks("right", false).await.unwrap());
    f.sql("UPDATE deployment SET key_check = NULL");
    assert!(!asks("wrong", false).await.unwrap());
    assert!(asks("right", true).await.unwrap());
    assert!(!asks("wrong", true).await.unwrap());
}
