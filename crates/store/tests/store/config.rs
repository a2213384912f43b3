//! The contract of the store about configuration, written against the interface alone.

use crate::common::{Fixture, Subject};
use rusqlite::Connection;
use waybill_model::{
    entity::{HttpVersion, ModelRule, Probe, RuleScope, Sealed, StateRule, Status, Sticky},
    id::{AccountId, ApiKeyId, GroupId, UserId},
    limits::{Limits, Price, Quota},
    money::MicroUsd,
    protocol::{OpenAiApi, Platform, Protocol},
    state::MarkKind,
    time::UnixMillis,
};
use waybill_store::{
    AccountChange, ApiKeyChange, GroupChange, Kind, NewAccount, NewApiKey, NewGroup, NewUser,
    Store, StoreError, UserChange,
};

on_both! {
    everything_configured_is_loaded_as_it_was_made,
    a_renewed_credential_takes_the_place_of_the_one_that_was_read_and_of_no_other,
    a_change_touches_only_what_it_names,
    an_upsert_finds_its_row_by_name,
    what_a_program_writes_that_knows_less_is_the_default_and_what_it_leaves_alone_stays,
    a_key_under_a_new_name_is_renamed_unless_its_old_name_is_still_in_use,
    of_many_keys_that_are_made_for_one_name_one_is_taken_and_only_that_one,
    names_and_keys_are_unique,
    references_must_exist_and_a_refused_change_leaves_nothing_behind,
    what_is_in_use_is_not_deleted_and_ids_are_never_given_twice,
    a_price_table_is_replaced_whole_or_changed_by_model,
    names_are_compared_as_they_are_written,
}

const THEN: UnixMillis = UnixMillis(1_000);
const LATER: UnixMillis = UnixMillis(2_000);

fn group(name: &str) -> NewGroup {
    NewGroup {
        name: name.to_owned(),
        platform: Platform::OpenAi,
        protocols: vec![Protocol::OpenAi, Protocol::Anthropic],
        model_mapping: vec![ModelRule {
            from: "gpt-5*".to_owned(),
            to: "gpt-5-mini".to_owned(),
        }],
        sticky: Sticky::Session,
        state_rules: vec![rule("long context")],
        status: Status::Active,
    }
}

fn rule(contains: &str) -> StateRule {
    StateRule {
        name: "pause".to_owned(),
        statuses: vec![400],
        contains: Some(contains.to_owned()),
        cause: None,
        state: Some(MarkKind::Paused),
        for_seconds: 600,
        scope: RuleScope::Model,
    }
}

fn account(name: &str, group_ids: Vec<GroupId>) -> NewAccount {
    NewAccount {
        name: name.to_owned(),
        platform: Platform::OpenAi,
        base_url: "http://127.0.0.1:9".to_owned(),
        fallback_urls: vec!["http://127.0.0.1:10/v".to_owned(), "http://b".to_owned()],
        apis: vec![OpenAiApi::Responses],
        project: Some("of an account".to_owned()),
        group_ids,
        priority: -3,
        concurrency: Some(16),
        models: vec!["gpt-5".to_owned(), "o*".to_owned()],
        model_mapping: Vec::new(),
        http_version: HttpVersion::Auto,
        quota: Quota {
            requests_per_minute: Some(50),
            ..Quota::default()
        },
        counted_statuses: Some(vec![401, 429]),
        state_rules: vec![rule("overdue")],
        probe: Some(Probe::default()),
        status: Status::Active,
        credential: Sealed(vec![0, 255, 1]),
        proxy: Some(Sealed(vec![7])),
        headers: None,
    }
}

fn user(name: &str) -> NewUser {
    NewUser {
        name: name.to_owned(),
        limits: Limits {
            usd_per_month: Some(MicroUsd(5_000_000)),
            ..Limits::default()
        },
        credit_usd: Some(MicroUsd(20_000_000)),
        status: Status::Active,
    }
}

fn key(name: &str, hash: u8, user_id: UserId, group_ids: Vec<GroupId>) -> NewApiKey {
    NewApiKey {
        name: name.to_owned(),
        hash: [hash; 32],
        prefix: "wb-abc".to_owned(),
        user_id,
        group_ids,
        limits: Limits {
            requests_per_day: Some(9),
            ..Limits::default()
        },
        status: Status::Active,
        expires_at: Some(UnixMillis(9_000)),
    }
}

async fn a_renewed_credential_takes_the_place_of_the_one_that_was_read_and_of_no_other(
    on: Subject,
) {
    let f = Fixture::on(on).await;
    let store = &f.store;
    let made = store
        .create_account(account("one", vec![]), THEN)
        .await
        .unwrap();
    let (was, new) = (made.credential.clone(), Sealed(vec![1, 0, 2]));
    let renewed = async |was: &Sealed, new: &Sealed| {
        store
            .renew_credential(made.id, was.clone(), new.clone())
            .await
            .unwrap()
    };
    assert!(renewed(&was, &new).await);
    assert!(
        !renewed(&was, &Sealed(vec![3])).await,
        "somebody else was quicker"
    );
    let now = store.account(made.id).await.unwrap().unwrap();
    let expected = waybill_model::entity::Account {
        credential: new,
        ..made.clone()
    };
    assert_eq!(
        now, expected,
        "nothing else has changed, nor when it was changed"
    );
}

async fn everything_configured_is_loaded_as_it_was_made(on: Subject) {
    let f = Fixture::on(on).await;
    let store = &f.store;
    let a = store.create_group(group("a"), THEN).await.unwrap();
    let b = store.create_group(group("b"), THEN).await.unwrap();
    let made = store
        .create_account(account("one", vec![b.id, a.id, b.id]), THEN)
        .await
        .unwrap();
    assert_eq!(made.group_ids, [a.id, b.id]);
    assert_eq!((made.priority, made.concurrency), (-3, Some(16)));
    assert_eq!(a.protocols, [Protocol::OpenAi, Protocol::Anthropic]);
    assert_eq!(made.fallback_urls, ["http://127.0.0.1:10/v", "http://b"]);
    assert_eq!(made.apis, [OpenAiApi::Responses]);
    assert_eq!(made.project.as_deref(), Some("of an account"));
    assert_eq!((made.created_at, made.updated_at), (THEN, THEN));
    let ada = store.create_user(user("ada"), THEN).await.unwrap();
    let dev = store
        .create_api_key(key("dev", 1, ada.id, vec![b.id, a.id]), THEN)
        .await
        .unwrap();
    assert_eq!(
        dev.group_ids,
        [b.id, a.id],
        "a key's groups keep their order"
    );

    let config = store.load_config().await.unwrap();
    assert_eq!(config.groups, [a.clone(), b]);
    assert_eq!(config.accounts, std::slice::from_ref(&made));
    assert_eq!(config.users, std::slice::from_ref(&ada));
    assert_eq!(config.api_keys, std::slice::from_ref(&dev));
    assert_eq!(store.group(a.id).await.unwrap(), Some(a));
    assert_eq!(store.account(made.id).await.unwrap(), Some(made));
    assert_eq!(store.user(ada.id).await.unwrap(), Some(ada));
    assert_eq!(store.api_key(dev.id).await.unwrap(), Some(dev));
}

async fn a_change_touches_only_what_it_names(on: Subject) {
    let f = Fixture::on(on).await;
    let store = &f.store;
    let a = store.create_group(group("a"), THEN).await.unwrap();
    let made = store
        .create_account(account("one", vec![a.id]), THEN)
        .await
        .unwrap();
    let change = AccountChange {
        concurrency: Some(None),
        status: Some(Status::Disabled),
        group_ids: Some(Vec::new()),
        ..AccountChange::default()
    };
    let changed = store.update_account(made.id, change, LATER).await.unwrap();
    let mut expected = made.clone();
    expected.concurrency = None;
    expected.status = Status::Disabled;
    expected.group_ids = Vec::new();
    expected.updated_at = LATER;
    assert_eq!(changed, expected);

    let renamed = GroupChange {
        name: Some("z".to_owned()),
        ..GroupChange::default()
    };
    let renamed = store.update_group(a.id, renamed, LATER).await.unwrap();
    assert_eq!(
        (renamed.name.as_str(), renamed.model_mapping.len()),
        ("z", 1)
    );
    assert_eq!(renamed.protocols, a.protocols);
    let gemini = GroupChange {
        protocols: Some(vec![Protocol::Gemini]),
        ..GroupChange::default()
    };
    let gemini = store.update_group(a.id, gemini, LATER).await.unwrap();
    assert_eq!(gemini.protocols, [Protocol::Gemini]);
    let elsewhere = AccountChange {
        fallback_urls: Some(Vec::new()),
        apis: Some(vec![OpenAiApi::ChatCompletions]),
        project: Some(None),
        ..AccountChange::default()
    };
    let changed = store
        .update_account(made.id, elsewhere, LATER)
        .await
        .unwrap();
    expected.fallback_urls = Vec::new();
    expected.apis = vec![OpenAiApi::ChatCompletions];
    expected.project = None;
    assert_eq!(changed, expected);

    let ada = store.create_user(user("ada"), THEN).await.unwrap();
    let off = UserChange {
        status: Some(Status::Disabled),
        ..UserChange::default()
    };
    assert_eq!(
        store.update_user(ada.id, off, LATER).await.unwrap().name,
        "ada"
    );
    let dev = store
        .create_api_key(key("dev", 1, ada.id, vec![a.id]), THEN)
        .await
        .unwrap();
    let forever = ApiKeyChange {
        expires_at: Some(None),
        ..ApiKeyChange::default()
    };
    let changed = store.update_api_key(dev.id, forever, LATER).await.unwrap();
    assert_eq!(
        (changed.expires_at, changed.hash, changed.group_ids),
        (None, dev.hash, dev.group_ids)
    );
}

async fn what_a_program_writes_that_knows_less_is_the_default_and_what_it_leaves_alone_stays(
    on: Subject,
) {
    let f = Fixture::on(on).await;
    let store = &f.store;
    let run = |sql: &str| match on {
        Subject::Sqlite => Connection::open(f.file())
            .unwrap()
            .execute_batch(sql)
            .unwrap(),
        Subject::Postgres => drop(f.sql(sql)),
    };
    // As the step before had it.
    let platforms = Platform::ALL;
    for platform in platforms {
        run(&format!(
            "INSERT INTO groups (name, platform, model_mapping, sticky, state_rules, status, created_at, updated_at)
             VALUES ('{platform}', '{platform}', '[]', 'off', '[]', 'active', 1, 1)"
        ));
        let nothing = match on {
            Subject::Sqlite => "x''",
            Subject::Postgres => "''",
        };
        run(&format!(
            "INSERT INTO accounts (name, platform, base_url, priority, models, model_mapping, http_version,
             status, credential, created_at, updated_at)
             VALUES ('{platform}', '{platform}', 'http://a', 0, '[]', '[]', 'auto', 'active', {nothing}, 1, 1)"
        ));
    }
    let config = store.load_config().await.unwrap();
    let protocols: Vec<&[Protocol]> = config.groups.iter().map(|g| &*g.protocols).collect();
    let defaults: Vec<&[Protocol]> = platforms.iter().map(|p| p.default_protocols()).collect();
    assert_eq!(protocols, defaults);
    for (account, platform) in config.accounts.iter().zip(platforms) {
        assert_eq!(account.apis, platform.default_apis(), "{platform}");
        assert_eq!(
            (account.fallback_urls.len(), account.project.as_deref()),
            (0, None)
        );
    }

    let a = store.create_group(group("a"), THEN).await.unwrap();
    let one = store
        .create_account(account("one", vec![a.id]), THEN)
        .await
        .unwrap();
    run("UPDATE groups SET name = 'b', sticky = 'off' WHERE name = 'a'");
    run("UPDATE accounts SET base_url = 'http://other' WHERE name = 'one'");
    assert_eq!(
        store.group(a.id).await.unwrap().unwrap().protocols,
        a.protocols
    );
    let changed = store.account(one.id).await.unwrap().unwrap();
    assert_eq!(changed.base_url, "http://other");
    assert_eq!(
        (changed.fallback_urls, changed.apis, changed.project),
        (one.fallback_urls, one.apis, one.project)
    );
}

async fn an_upsert_finds_its_row_by_name(on: Subject) {
    let f = Fixture::on(on).await;
    let store = &f.store;
    let a = store.upsert_group(group("a"), THEN).await.unwrap();
    let same = NewGroup {
        platform: Platform::Gemini,
        ..group("a")
    };
    let again = store.upsert_group(same, LATER).await.unwrap();
    assert_eq!((again.id, again.platform), (a.id, Platform::Gemini));
    assert_eq!((again.created_at, again.updated_at), (THEN, LATER));

    let one = store
        .upsert_account(account("one", vec![a.id]), THEN)
        .await
        .unwrap();
    let two = store
        .upsert_account(account("one", Vec::new()), LATER)
        .await
        .unwrap();
    assert_eq!((one.id, two.group_ids.len()), (two.id, 0));

    let ada = store.upsert_user(user("ada"), THEN).await.unwrap();
    assert_eq!(
        store.upsert_user(user("ada"), LATER).await.unwrap().id,
        ada.id
    );
    let dev = store
        .upsert_api_key(key("dev", 1, ada.id, vec![a.id]), vec![], THEN)
        .await
        .unwrap();
    let rotated = store
        .upsert_api_key(key("dev", 2, ada.id, vec![a.id]), vec![], LATER)
        .await
        .unwrap();
    assert_eq!((rotated.id, rotated.hash), (dev.id, [2; 32]));
}

async fn a_key_under_a_new_name_is_renamed_unless_its_old_name_is_still_in_use(on: Subject) {
    let f = Fixture::on(on).await;
    let store = &f.store;
    let ada = store.create_user(user("ada"), THEN).await.unwrap();
    let old = store
        .create_api_key(key("old", 1, ada.id, vec![]), THEN)
        .await
        .unwrap();
    let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let new = key("new", 1, ada.id, vec![]);
    let both = store
        .upsert_api_key(new.clone(), named(&["old", "new"]), LATER)
        .await;
    assert!(matches!(both, Err(StoreError::KeyTaken { name }) if name == "old"));
    let renamed = store
        .upsert_api_key(new, named(&["new"]), LATER)
        .await
        .unwrap();
    assert_eq!((renamed.id, renamed.name.as_str()), (old.id, "new"));
    assert_eq!(store.api_keys().await.unwrap(), [renamed]);
}

async fn of_many_keys_that_are_made_for_one_name_one_is_taken_and_only_that_one(on: Subject) {
    let f = Fixture::on(on).await;
    let ada = f.store.create_user(user("ada"), THEN).await.unwrap();
    let makes = |store: &Store, n: u8| {
        let store = store.clone();
        let new = key("dev", n, ada.id, vec![]);
        tokio::spawn(async move { (n, store.ensure_api_key(new, THEN).await.unwrap()) })
    };
    // Each as a replica of its own, where there may be several.
    let others: Vec<Fixture> = match &f.url {
        Some(url) => (0..3)
            .map(|_| Fixture::at(url.clone(), |_, _| {}))
            .collect(),
        None => Vec::new(),
    };
    let stores: Vec<&Store> = [&f].into_iter().chain(&others).map(|f| &f.store).collect();
    let tasks: Vec<_> = (0..8)
        .map(|n| makes(stores[usize::from(n) % stores.len()], n))
        .collect();
    let mut taken = Vec::new();
    for task in tasks {
        let (n, is_taken) = task.await.unwrap();
        taken.extend(is_taken.then_some(n));
    }
    let keys = f.store.api_keys().await.unwrap();
    assert_eq!((taken.len(), keys.len()), (1, 1));
    assert_eq!(keys[0].hash, [taken[0]; 32]);
    // All else of it is as it was asked for last.
    let changed = NewApiKey {
        status: Status::Disabled,
        ..key("dev", 9, ada.id, vec![])
    };
    assert!(!f.store.ensure_api_key(changed, LATER).await.unwrap());
    let keys = f.store.api_keys().await.unwrap();
    assert_eq!(
        (keys[0].hash, keys[0].status),
        ([taken[0]; 32], Status::Disabled)
    );
}

async fn names_and_keys_are_unique(on: Subject) {
    let f = Fixture::on(on).await;
    let store = &f.store;
    let a = store.create_group(group("a"), THEN).await.unwrap();
    let b = store.create_group(group("b"), THEN).await.unwrap();
    let taken = store.create_group(group("a"), THEN).await;
    assert!(matches!(taken, Err(StoreError::NameTaken { kind: Kind::Group, name }) if name == "a"));
    let onto = GroupChange {
        name: Some("a".to_owned()),
        ..GroupChange::default()
    };
    assert!(matches!(
        store.update_group(b.id, onto.clone(), THEN).await,
        Err(StoreError::NameTaken { .. })
    ));
    assert!(
        store.update_group(a.id, onto, THEN).await.is_ok(),
        "its own name is not taken"
    );

    let ada = store.create_user(user("ada"), THEN).await.unwrap();
    store
        .create_api_key(key("dev", 1, ada.id, Vec::new()), THEN)
        .await
        .unwrap();
    let same = store
        .create_api_key(key("other", 1, ada.id, Vec::new()), THEN)
        .await;
    assert!(matches!(same, Err(StoreError::KeyTaken { name }) if name == "dev"));
}

async fn references_must_exist_and_a_refused_change_leaves_nothing_behind(on: Subject) {
    let f = Fixture::on(on).await;
    let store = &f.store;
    let refused = store
        .create_account(account("one", vec![GroupId(9)]), THEN)
        .await;
    assert!(matches!(
        refused,
        Err(StoreError::UnknownReference {
            field: "group_ids",
            kind: Kind::Group,
            id: 9
        })
    ));
    let refused = store
        .create_api_key(key("dev", 1, UserId(9), Vec::new()), THEN)
        .await;
    assert!(matches!(
        refused,
        Err(StoreError::UnknownReference {
            field: "user_id",
            kind: Kind::User,
            id: 9
        })
    ));
    let config = store.load_config().await.unwrap();
    assert_eq!((config.accounts.len(), config.api_keys.len()), (0, 0));
}

async fn what_is_in_use_is_not_deleted_and_ids_are_never_given_twice(on: Subject) {
    let f = Fixture::on(on).await;
    let store = &f.store;
    let a = store.create_group(group("a"), THEN).await.unwrap();
    let one = store
        .create_account(account("one", vec![a.id]), THEN)
        .await
        .unwrap();
    let ada = store.create_user(user("ada"), THEN).await.unwrap();
    let dev = store
        .create_api_key(key("dev", 1, ada.id, vec![a.id]), THEN)
        .await
        .unwrap();
    let used = store.delete_group(a.id).await;
    assert!(matches!(
        used,
        Err(StoreError::InUse {
            by: Kind::Account,
            count: 1,
            ..
        })
    ));
    store.delete_account(one.id).await.unwrap();
    let used = store.delete_group(a.id).await;
    assert!(matches!(
        used,
        Err(StoreError::InUse {
            by: Kind::ApiKey,
            count: 1,
            ..
        })
    ));
    assert!(matches!(
        store.delete_user(ada.id).await,
        Err(StoreError::InUse {
            by: Kind::ApiKey,
            ..
        })
    ));
    store.delete_api_key(dev.id).await.unwrap();
    store.delete_user(ada.id).await.unwrap();
    store.delete_group(a.id).await.unwrap();
    assert!(store.create_group(group("a"), THEN).await.unwrap().id > a.id);

    let (group, account, user, key) = (GroupId(99), AccountId(99), UserId(99), ApiKeyId(99));
    let missing = [
        store.delete_group(group).await,
        store.delete_account(account).await,
        store.delete_user(user).await,
        store.delete_api_key(key).await,
        store
            .update_group(group, GroupChange::default(), LATER)
            .await
            .map(drop),
        store
            .update_account(account, AccountChange::default(), LATER)
            .await
            .map(drop),
        store
            .update_user(user, UserChange::default(), LATER)
            .await
            .map(drop),
        store
            .update_api_key(key, ApiKeyChange::default(), LATER)
            .await
            .map(drop),
    ];
    for answer in missing {
        assert!(
            matches!(answer, Err(StoreError::NotFound { id: 99, .. })),
            "{answer:?}"
        );
    }
}

fn price(model: &str, input: i64) -> Price {
    Price {
        model: model.to_owned(),
        input: MicroUsd(input),
        output: MicroUsd(2),
        cache_read: Some(MicroUsd(0)),
        cache_write: None,
    }
}

async fn a_price_table_is_replaced_whole_or_changed_by_model(on: Subject) {
    let f = Fixture::on(on).await;
    let store = &f.store;
    let table = vec![price("gpt*", 1), price("Zeta", 2), price("alpha", 3)];
    store.set_prices(table).await.unwrap();
    let models = async || -> Vec<(String, i64)> {
        let prices = store.prices().await.unwrap();
        prices.into_iter().map(|p| (p.model, p.input.0)).collect()
    };
    let pair = |model: &str, input| (model.to_owned(), input);
    // By model, byte by byte, whatever the database's language.
    let expected = [pair("Zeta", 2), pair("alpha", 3), pair("gpt*", 1)];
    assert_eq!(models().await, expected);
    let more = vec![price("alpha", 30), price("ä", 4)];
    store.upsert_prices(more).await.unwrap();
    let expected = [
        pair("Zeta", 2),
        pair("alpha", 30),
        pair("gpt*", 1),
        pair("ä", 4),
    ];
    assert_eq!(models().await, expected);
    assert_eq!(store.load_config().await.unwrap().prices.len(), 4);
    store.set_prices(vec![price("alpha", 5)]).await.unwrap();
    assert_eq!(models().await, [pair("alpha", 5)]);
}

async fn names_are_compared_as_they_are_written(on: Subject) {
    let f = Fixture::on(on).await;
    for name in [
        "a",
        "A",
        " a",
        "ä",
        "\u{e4}\u{301}",
        "it's",
        "\"",
        "\\",
        "%",
        "日本",
    ] {
        f.store.create_group(group(name), THEN).await.unwrap();
        let taken = f.store.create_group(group(name), THEN).await;
        assert!(matches!(taken, Err(StoreError::NameTaken { .. })), "{name}");
        let same = f.store.upsert_group(group(name), LATER).await.unwrap();
        assert_eq!((same.name.as_str(), same.created_at), (name, THEN));
    }
    assert_eq!(f.store.groups().await.unwrap().len(), 10);
    f.store.tidy().await.unwrap();
}
