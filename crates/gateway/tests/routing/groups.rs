//! Which of a key's groups serves: the first that speaks the client's protocol and has the model.

use std::sync::Arc;

use waybill_gateway::routing::{NoRoute, Sought, Wanted};
use waybill_model::{
    protocol::{Endpoint, Platform, Protocol},
    time::UnixMillis,
    waybill::Exclusion,
};
use waybill_wire::translate::tongue::{Tongue, Tongues};

use crate::pool::{Pool, Settings, wanted};

const ANTHROPIC: (Platform, &[Protocol]) = (Platform::Anthropic, &[Protocol::Anthropic]);
const BRIDGE: (Platform, &[Protocol]) =
    (Platform::Gemini, &[Protocol::Gemini, Protocol::Anthropic]);
const ANTIGRAVITY: (Platform, &[Protocol]) = (
    Platform::Antigravity,
    Platform::Antigravity.default_protocols(),
);

/// An account of a group with these models.
fn of(group: usize, models: &[&str]) -> Settings {
    Settings {
        group,
        models: models.iter().map(|model| (*model).to_owned()).collect(),
        ..Settings::default()
    }
}

/// The group that serves a request.
fn group(
    pool: &Pool,
    protocol: Protocol,
    only: Option<Platform>,
    model: &str,
) -> Result<i64, NoRoute> {
    let model = Arc::from(model);
    let wanted = Wanted {
        protocol,
        only,
        ..wanted(&model)
    };
    let mut plan = pool.plan(wanted)?;
    let group = plan.group().id.0;
    assert!(plan.choose(UnixMillis(0)).is_ok());
    Ok(group)
}

#[test]
fn the_keys_order_decides_between_its_own_platform_and_a_bridge() {
    let accounts = [of(1, &["gemini-*", "both"]), of(2, &["claude-*", "both"])];
    let pool = Pool::of_groups(&[BRIDGE, ANTHROPIC], &accounts);
    for (protocol, model, serves) in [
        (Protocol::Anthropic, "both", 1),
        (Protocol::Anthropic, "gemini-x", 1),
        (Protocol::Anthropic, "claude-x", 2),
        (Protocol::Gemini, "both", 1),
    ] {
        assert_eq!(
            group(&pool, protocol, None, model),
            Ok(serves),
            "{protocol} {model}"
        );
    }
    let accounts = [of(1, &["claude-*", "both"]), of(2, &["gemini-*", "both"])];
    let pool = Pool::of_groups(&[ANTHROPIC, BRIDGE], &accounts);
    assert_eq!(group(&pool, Protocol::Anthropic, None, "both"), Ok(1));
    assert_eq!(group(&pool, Protocol::Anthropic, None, "gemini-x"), Ok(2));
    assert_eq!(group(&pool, Protocol::Gemini, None, "both"), Ok(2));
}

#[test]
fn a_group_serves_nobody_whose_protocol_it_does_not_name_its_own_platforms_neither() {
    let accounts = [of(1, &[]), of(2, &[])];
    let pool = Pool::of_groups(
        &[(Platform::OpenAi, &[Protocol::Anthropic]), ANTHROPIC],
        &accounts,
    );
    assert_eq!(group(&pool, Protocol::Anthropic, None, "m"), Ok(1));
    for protocol in [Protocol::OpenAi, Protocol::Gemini] {
        let sought = Sought {
            protocol,
            only: None,
        };
        assert_eq!(
            group(&pool, protocol, None, "m"),
            Err(NoRoute::NoGroup(sought))
        );
    }
}

#[test]
fn who_asks_for_accounts_of_one_platform_gets_no_others() {
    let accounts = [of(1, &[]), of(2, &[]), of(3, &["known"])];
    let pool = Pool::of_groups(&[BRIDGE, ANTHROPIC, ANTIGRAVITY], &accounts);
    let only = Some(Platform::Antigravity);
    assert_eq!(group(&pool, Protocol::Anthropic, only, "known"), Ok(3));
    assert_eq!(group(&pool, Protocol::Gemini, only, "known"), Ok(3));
    let native = Some(Platform::Anthropic);
    assert_eq!(group(&pool, Protocol::Anthropic, native, "m"), Ok(2));
    let protocol = Protocol::Anthropic;
    assert_eq!(
        group(&pool, protocol, only, "unknown"),
        Err(NoRoute::ModelNotServed(Sought { protocol, only }))
    );
    let protocol = Protocol::OpenAi;
    assert_eq!(
        group(&pool, protocol, only, "known"),
        Err(NoRoute::NoGroup(Sought { protocol, only }))
    );
}

#[test]
fn a_group_that_cannot_be_asked_is_passed_over_and_named_where_it_was_the_last() {
    const OPENAI: (Platform, &[Protocol]) = (Platform::OpenAi, &[Protocol::Anthropic]);
    let counts = |pool: &Pool, model| {
        let model = Arc::from(model);
        let wanted = Wanted {
            open: Tongues::open(Protocol::Anthropic, Endpoint::CountTokens),
            ..wanted(&model)
        };
        pool.plan(wanted).map(|plan| plan.group().id.0)
    };
    let accounts = [of(1, &["both", "one"]), of(2, &["both"])];
    let pool = Pool::of_groups(&[OPENAI, ANTHROPIC], &accounts);
    assert_eq!(counts(&pool, "both"), Ok(2));
    assert_eq!(
        counts(&pool, "one"),
        Err(NoRoute::NoWords(Platform::OpenAi))
    );
    let sought = Sought {
        protocol: Protocol::Anthropic,
        only: None,
    };
    assert_eq!(counts(&pool, "none"), Err(NoRoute::ModelNotServed(sought)));
    assert_eq!(group(&pool, Protocol::Anthropic, None, "one"), Ok(1));
    // A group without accounts is one of its platform all the same.
    let pool = Pool::of_groups(&[OPENAI, ANTHROPIC], &[of(2, &["both"])]);
    assert_eq!(counts(&pool, "both"), Ok(2));
}

#[test]
fn an_account_that_cannot_be_told_closes_its_tongue_and_costs_nothing() {
    let pool = Pool::of(3, Settings::default());
    let model = Arc::from("m");
    let mut plan = pool.plan(wanted(&model)).unwrap();
    let chosen = plan.choose(UnixMillis(0)).unwrap();
    assert!(plan.has_words());
    plan.close(chosen, "`x` is not said".to_owned());
    assert!(!plan.has_words() && !plan.open().contains(Tongue::Anthropic));
    assert_eq!(
        plan.choose(UnixMillis(0)).unwrap_err(),
        NoRoute::NoneUsable { soonest: None }
    );
    assert!(pool.accounts().all(|account| account.live.in_flight() == 0));
    for candidate in plan.candidates(UnixMillis(0)) {
        assert_eq!(candidate.excluded, Some(Exclusion::Untranslatable));
        assert_eq!(candidate.reason.as_deref(), Some("`x` is not said"));
    }
}

#[test]
fn an_account_shares_the_way_to_each_of_its_addresses_with_who_else_is_there() {
    let at = |host, fallbacks: &[&'static str]| Settings {
        host,
        fallbacks: fallbacks.to_vec(),
        ..Settings::default()
    };
    let accounts = [
        at("a.test", &["b.test:8443", "c.test", "not an address"]),
        at("c.test", &[]),
    ];
    let pool = Pool::new(&accounts);
    let (first, second) = (pool.account(1), pool.account(2));
    let hosts: Vec<&str> = first.fallbacks.iter().map(|there| &*there.host).collect();
    assert_eq!(hosts, ["b.test:8443", "c.test"], "in order");
    assert_eq!(first.fallbacks[0].upstream.port(), 8443);
    assert!(Arc::ptr_eq(&first.fallbacks[1].way, &second.way));
    assert!(!Arc::ptr_eq(&first.way, &second.way));
    assert_eq!(first.ways().count(), 3);
}
