//! The files for operators say nothing that the gateway does not know: `deploy/`.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use waybill_gateway::config::{Config, Timeouts};

const COMPOSE: &str = include_str!("../../../../deploy/compose.yaml");
const DOCKERFILE: &str = include_str!("../../../../deploy/Dockerfile");
const EXAMPLE: &str = include_str!("../../../../deploy/.env.example");
const SERVICE: &str = include_str!("../../../../deploy/waybill.service");
const CONFIGURATION: &str = include_str!("../../../../deploy/waybill.toml");

/// What moving the spool may take at the end, and some breath.
const LAST_MOVE: Duration = Duration::from_secs(20);

/// Every variable that the gateway asks its environment for.
fn known() -> BTreeSet<String> {
    let asked = RefCell::new(BTreeSet::from(["WAYBILL_CONFIG".to_owned()]));
    // With an account, the key for clients is asked for, too.
    let parsed = Config::parse("", &|name| {
        asked.borrow_mut().insert(name.to_owned());
        (name == "ANTHROPIC_API_KEY").then(|| "sk-ant-0123456789".to_owned())
    });
    parsed.unwrap();
    asked.into_inner()
}

/// `NAME: value` or `NAME=value`, wherever a line has nothing but that.
fn set_in(text: &str) -> BTreeMap<&str, &str> {
    let is_name = |name: &str| {
        let plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        !name.is_empty() && name.bytes().all(plain)
    };
    text.lines()
        .map(|line| line.trim().trim_start_matches("ENV "))
        .filter_map(|line| line.split_once([':', '=']))
        .filter(|(name, _)| is_name(name))
        .map(|(name, value)| (name, value.trim_end_matches('\\').trim()))
        .collect()
}

/// The first word after this mark.
fn after<'t>(text: &'t str, mark: &str) -> &'t str {
    let (_, rest) = text.split_once(mark).unwrap();
    rest.split_whitespace().next().unwrap()
}

#[test]
fn every_variable_that_is_set_for_the_gateway_exists() {
    let known = known();
    for (file, text) in [("compose.yaml", COMPOSE), ("Dockerfile", DOCKERFILE)] {
        let set = set_in(text);
        let ours: Vec<_> = set
            .keys()
            .filter(|name| name.starts_with("WAYBILL_") || name.ends_with("_API_KEY"))
            .collect();
        assert!(ours.len() >= 2, "{file}: {set:?}");
        for name in ours {
            assert!(known.contains(*name), "{file}: {name}");
        }
    }
}

#[test]
fn every_variable_that_compose_takes_is_in_the_example_and_the_other_way_round() {
    let used: BTreeSet<&str> = COMPOSE
        .split("${")
        .skip(1)
        .map(|rest| rest.split([':', '}']).next().unwrap())
        .collect();
    let offered: BTreeSet<&str> = set_in(EXAMPLE).into_keys().collect();
    assert_eq!(used, offered);
}

#[test]
fn every_replica_has_a_name_and_a_folder_of_its_own() {
    for replica in ["waybill-1", "waybill-2", "waybill-3"] {
        let name = format!("WAYBILL_REPLICA_NAME: {replica} }}");
        let folder = format!("[\"{replica}:/var/lib/waybill\"]");
        for once in [name, folder] {
            assert_eq!(COMPOSE.matches(&once).count(), 1, "{once}");
        }
    }
}

#[test]
fn who_is_stopped_is_given_the_time_that_takes() {
    let set = set_in(COMPOSE);
    let millis = set["WAYBILL_TIMEOUTS_DRAIN_MS"].parse().unwrap();
    let grace = after(COMPOSE, "stop_grace_period: ")
        .strip_suffix('m')
        .unwrap();
    let grace = Duration::from_secs(60 * grace.parse::<u64>().unwrap());
    assert!(grace >= Duration::from_millis(millis) + LAST_MOVE);

    let defaults = Timeouts::default();
    let stop = Duration::from_secs(after(SERVICE, "TimeoutStopSec=").parse().unwrap());
    assert!(stop >= defaults.drain + defaults.notice + LAST_MOVE);
}

#[test]
fn the_configuration_to_begin_with_is_good() {
    let config = Config::parse(CONFIGURATION, &|name| match name {
        "ANTHROPIC_API_KEY" => Some("sk-ant-0123456789".to_owned()),
        "WAYBILL_TEAM_KEY" => Some("0123456789abcdef".to_owned()),
        _ => None,
    });
    let config = config.unwrap();
    assert_eq!((config.accounts.len(), config.api_keys.len()), (1, 1));
}

#[test]
fn the_example_is_good_once_it_is_filled_in() {
    let filled: BTreeMap<&str, String> = set_in(EXAMPLE)
        .into_iter()
        .map(|(name, value)| match value {
            "" if name.ends_with("_API_KEY") => (name, String::new()),
            "" => (name, "0123456789abcdef0123456789abcdef".to_owned()),
            value => {
                let value = value.replace("${POSTGRES_PASSWORD}", "letters1");
                (name, value.replace("${REDIS_PASSWORD}", "letters2"))
            }
        })
        .collect();
    let config = Config::parse("", &|name| filled.get(name).cloned()).unwrap();
    let database = config.database.unwrap();
    assert!(database.url.expose().contains(":letters1@"));
    assert!(database.redis_url.is_some());
}
