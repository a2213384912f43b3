//! Traces that the simulator makes itself, before providers whose answers the test knows.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::{cell::RefCell, collections::HashMap, sync::Arc, time::Duration};

use proptest::prelude::*;
use waybill_model::{
    cause::Cause,
    entity::{Account, Group, HttpVersion, Sealed, Status, Sticky},
    id::{AccountEventId, AccountId, GroupId, RequestId},
    limits::Quota,
    protocol::{Endpoint, Platform, Protocol},
    record::AccountEventRow,
    redact::Redactor,
    state::{AccountEventKind, Reach},
    time::UnixMillis,
};
use waybill_store::{Batch, PastPlace, PastRequest, Store, StoreOptions};

use super::{
    answers::{Answers, Given, Ground, Oracle, Question},
    past::{Answered, Try},
    *,
};
use crate::{routing::LineSettings, standing::CoolDown};

/// 2026-03-02T00:00:00Z.
const START: i64 = 1_772_409_600_000;
const HOUR: i64 = 3_600_000;

/// When an account refuses, in milliseconds from the start, and whether it states until when.
#[derive(Debug, Clone)]
struct Provider {
    down: Vec<(i64, i64)>,
    states: bool,
}

/// Answers as providers would, and keeps what it answered.
struct Truth {
    providers: Vec<Provider>,
    told: RefCell<HashMap<RequestId, Vec<Try>>>,
}

impl Oracle for Truth {
    fn answer(&self, question: Question<'_>) -> Given {
        let now = question.now.0 - START;
        let provider = &self.providers[usize::try_from(question.account.0).unwrap() - 1];
        let mut down = provider.down.iter();
        let until = down
            .find(|(from, until)| (*from..*until).contains(&now))
            .map(|(_, until)| *until);
        let states = provider.states;
        let answer = Arc::new(answer(until.map(|until| states.then_some(until - now))));
        self.told
            .borrow_mut()
            .entry(question.spell.request_id)
            .or_default()
            .push(Try {
                account: question.account,
                at: question.now,
                answer: Arc::clone(&answer),
            });
        (answer, Ground::Recorded)
    }
}

/// Served, or refused with a stated wait or none.
fn answer(refused: Option<Option<i64>>) -> Answered {
    Answered {
        fault: refused.map(|wait| Fault {
            cause: Cause::RateLimitRequests,
            status: Some(429),
            name: None,
            message: "too many requests".to_owned(),
            retry_after_ms: wait.map(|wait| u64::try_from(wait).unwrap()),
            source: wait.map(|_| "retry-after".to_owned()),
            reach: Reach::Account,
        }),
        ms: if refused.is_some() { 80 } else { 900 },
        first_ms: None,
        is_late: false,
        again: None,
        used_up: None,
    }
}

fn account(number: i64, priority: i32) -> Account {
    let at = UnixMillis(0);
    Account {
        id: AccountId(number),
        name: format!("a{number}"),
        platform: Platform::Anthropic,
        base_url: "http://provider.invalid".into(),
        fallback_urls: Vec::new(),
        apis: Vec::new(),
        project: None,
        group_ids: vec![GroupId(1)],
        priority,
        concurrency: Some(8),
        models: Vec::new(),
        model_mapping: Vec::new(),
        http_version: HttpVersion::Auto,
        quota: Quota::default(),
        counted_statuses: None,
        state_rules: Vec::new(),
        probe: None,
        status: Status::Active,
        credential: Sealed(Vec::new()),
        proxy: None,
        headers: None,
        created_at: at,
        updated_at: at,
    }
}

fn setting(priorities: &[i32]) -> Setting {
    let at = UnixMillis(0);
    let accounts: Vec<Account> = (1..)
        .zip(priorities)
        .map(|(number, priority)| account(number, *priority))
        .collect();
    Setting {
        groups: vec![Group {
            id: GroupId(1),
            name: "claude".into(),
            platform: Platform::Anthropic,
            protocols: vec![Protocol::Anthropic],
            model_mapping: Vec::new(),
            sticky: Sticky::Off,
            state_rules: Vec::new(),
            status: Status::Active,
            created_at: at,
            updated_at: at,
        }],
        proxies: accounts.iter().map(|account| (account.id, None)).collect(),
        accounts,
        rules: Rules {
            max_attempts: 8,
            attempts_ms: 600_000,
            queue: LineSettings::default(),
        },
    }
}

fn patience() -> Patience {
    Patience {
        until: Instant::now() + Duration::from_secs(60),
        is_abandoned: Arc::default(),
    }
}

/// Requests of which nothing is known yet but when they arrive, in milliseconds from the start.
fn asked(arrivals: &[i64]) -> Past {
    let model: Arc<str> = "claude-sonnet-4-5".into();
    let spells = (0_u64..).zip(arrivals).map(|(number, at)| {
        let at = UnixMillis(START + at);
        let mut random = [0; 10];
        random[2..].copy_from_slice(&number.to_be_bytes());
        Spell {
            request_id: RequestId::new(at, random),
            at,
            group: GroupId(1),
            endpoint: Endpoint::Messages,
            model: Some(Arc::clone(&model)),
            body_bytes: 1000,
            tokens: 100,
            in_scope: true,
            tries: Vec::new(),
            served: false,
            account: None,
        }
    });
    Past {
        start: UnixMillis(START),
        end: UnixMillis(START + HOUR),
        spells: spells.collect(),
        ..Past::default()
    }
}

/// What the present rules make of requests before these providers.
fn lived(setting: &Setting, arrivals: &[i64], providers: &[Provider]) -> Past {
    let truth = Truth {
        providers: providers.to_vec(),
        told: RefCell::default(),
    };
    let mut past = asked(arrivals);
    let playable = vec![true; past.spells.len()];
    let run = Run::new(setting, &past, &truth, &playable, &Policy::default());
    let played = run.play(&patience()).unwrap();
    let mut told = truth.told.into_inner();
    for (spell, end) in past.spells.iter_mut().zip(&played.ends) {
        let end = end.unwrap();
        spell.tries = told.remove(&spell.request_id).unwrap_or_default();
        (spell.served, spell.account) = (end.served, end.account);
    }
    past.events = played.events;
    past
}

fn what_if(setting: &Setting, past: &Past, policy: &Policy) -> WhatIf {
    simulate(setting, past, policy, &patience()).unwrap()
}

fn cool_down(seconds: u32) -> Policy {
    Policy {
        cooldown: vec![CoolDown {
            seconds: Some(seconds),
            ..CoolDown::default()
        }],
        ..Policy::default()
    }
}

/// One request a second.
fn steadily() -> Vec<i64> {
    (0..600).map(|second| second * 1000).collect()
}

const UP: Provider = Provider {
    down: Vec::new(),
    states: true,
};

fn down(from: i64, until: i64) -> Provider {
    Provider {
        down: vec![(from, until)],
        states: false,
    }
}

fn arrivals() -> impl Strategy<Value = Vec<i64>> {
    proptest::collection::vec(0..600_000_i64, 1..150).prop_map(|mut arrivals| {
        arrivals.sort_unstable();
        arrivals
    })
}

fn providers() -> impl Strategy<Value = Vec<Provider>> {
    let spell = (0..600_000_i64, 1_000..120_000_i64).prop_map(|(from, long)| (from, from + long));
    let provider = (proptest::collection::vec(spell, 0..6), any::<bool>());
    let provider = provider.prop_map(|(down, states)| Provider { down, states });
    proptest::collection::vec(provider, 3)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_the_simulator_made_itself_it_makes_again_exactly(
        arrivals in arrivals(),
        providers in providers(),
        priorities in proptest::array::uniform3(1..3_i32),
    ) {
        let setting = setting(&priorities);
        let past = lived(&setting, &arrivals, &providers);
        let found = what_if(&setting, &past, &cool_down(60));
        let all = past.spells.len() as u64;
        let Reproduced { same_fate, same_account, same_attempts, .. } = found.reproduced;
        prop_assert_eq!((same_fate, same_account, same_attempts), (all, all, all));
        prop_assert_eq!(&found.present, &found.recorded);
        prop_assert_eq!(found, what_if(&setting, &past, &cool_down(60)));
    }

    #[test]
    fn a_longer_cool_down_never_costs_more_attempts_on_an_account_that_is_down_throughout(
        arrivals in arrivals(),
        shorter in 1..300_u32,
        more in 0..300_u32,
    ) {
        let setting = setting(&[1, 2]);
        let past = lived(&setting, &arrivals, &[down(0, HOUR), UP]);
        let failed = |seconds| what_if(&setting, &past, &cool_down(seconds)).changed.failed_attempts;
        prop_assert!(failed(shorter + more) <= failed(shorter));
    }
}

#[test]
fn a_longer_cool_down_avoids_attempts_and_says_how_many() {
    let setting = setting(&[1, 2]);
    let past = lived(&setting, &steadily(), &[down(60_000, 420_000), UP]);
    let found = what_if(&setting, &past, &cool_down(300));
    assert!(found.present.failed_attempts > 5, "{found:#?}");
    assert_eq!(found.changed.failed_attempts, 2, "{found:#?}");
    assert_eq!((found.changed.failed, found.difference.failed), (0, 0));
    let rested = |outcome: &waybill_model::whatif::Outcome| outcome.accounts[0].rested_ms;
    assert!(rested(&found.changed) > 500_000, "{found:#?}");
    assert!(
        found
            .summary
            .starts_with("Over 600 requests, a cool-down of 300 s would have avoided "),
        "{}",
        found.summary
    );
    assert!(
        found.summary.contains("100.0 % of the requests the fate"),
        "{}",
        found.summary
    );
}

#[test]
fn another_priority_moves_requests_and_says_that_their_answers_are_not_known() {
    let setting = setting(&[1, 2]);
    let past = lived(&setting, &steadily(), &[UP, UP]);
    let swapped = Policy {
        priority: [(1, 2), (2, 1)]
            .map(|(id, priority)| OtherPriority {
                account_id: AccountId(id),
                priority,
            })
            .to_vec(),
        ..Policy::default()
    };
    let found = what_if(&setting, &past, &swapped);
    let served = |outcome: &waybill_model::whatif::Outcome| {
        outcome
            .accounts
            .iter()
            .map(|account| (account.account_id.0, account.served))
            .collect::<Vec<_>>()
    };
    assert_eq!(served(&found.present), [(1, 600)]);
    assert_eq!(served(&found.changed), [(2, 600)]);
    assert_eq!(found.changed.basis.unknown, 600);
    assert!(
        found
            .notes
            .iter()
            .any(|note| note.contains("counted as served")),
        "{:?}",
        found.notes
    );
}

#[test]
fn an_account_that_comes_among_equals_takes_its_share() {
    let setting = setting(&[1, 2]);
    let past = lived(&setting, &steadily(), &[UP, UP]);
    let beside = Policy {
        priority: vec![OtherPriority {
            account_id: AccountId(2),
            priority: 1,
        }],
        ..Policy::default()
    };
    let found = what_if(&setting, &past, &beside);
    let served: Vec<u64> = found
        .changed
        .accounts
        .iter()
        .map(|account| account.served)
        .collect();
    assert_eq!(served, [300, 300]);
}

#[test]
fn without_its_only_account_everything_fails() {
    let setting = setting(&[1]);
    let past = lived(&setting, &steadily(), &[UP]);
    let without = Policy {
        disable: vec![AccountId(1)],
        ..Policy::default()
    };
    let found = what_if(&setting, &past, &without);
    assert_eq!(
        (
            found.present.served,
            found.changed.failed,
            found.changed.attempts
        ),
        (600, 600, 0)
    );
}

#[test]
fn what_nobody_waits_for_ends() {
    let setting = setting(&[1]);
    let past = lived(&setting, &steadily(), &[UP]);
    let patience = patience();
    patience.is_abandoned.store(true, Ordering::Relaxed);
    assert!(simulate(&setting, &past, &cool_down(1), &patience).is_err());
}

#[test]
fn an_answer_is_from_the_record_or_a_stated_wait_or_the_nearest_attempt_or_not_known() {
    let setting = setting(&[1, 2]);
    let stated = Provider {
        down: vec![(60_000, 120_000)],
        states: true,
    };
    let past = lived(&setting, &[0, 60_000, 61_000, 200_000], &[stated, UP]);
    let answers = Answers::of(&past);
    let ask = |spell: usize, account: i64, nth: usize, at: i64| {
        let (answer, ground) = answers.answer(Question {
            spell: &past.spells[spell],
            account: AccountId(account),
            model: Some("claude-sonnet-4-5"),
            nth,
            now: UnixMillis(START + at),
        });
        let wait = answer.fault.as_ref().map(|fault| fault.retry_after_ms);
        (wait, ground)
    };
    assert_eq!(ask(1, 1, 0, 60_000), (Some(Some(60_000)), Ground::Recorded));
    // Not asked then, but the wait that was stated a second ago ran on.
    assert_eq!(ask(2, 1, 0, 70_080), (Some(Some(50_000)), Ground::Stated));
    assert_eq!(ask(2, 1, 0, 30_001), (Some(Some(60_000)), Ground::Nearest));
    assert_eq!(ask(2, 1, 0, 29_999), (None, Ground::Nearest));
    assert_eq!(ask(3, 2, 0, 200_000), (None, Ground::Nearest));
    assert_eq!(ask(3, 2, 0, 361_001), (None, Ground::Unknown));
}

#[test]
fn requests_of_one_moment_are_in_the_order_of_their_ids() {
    let asked: Vec<Spell> = asked(&[5, 5, 5]).spells;
    let row = |spell: &Spell, id: i64| PastRequest {
        place: PastPlace {
            created_at: spell.at,
            id,
        },
        request_id: spell.request_id,
        platform: Platform::Anthropic,
        endpoint: Some(spell.endpoint),
        model: None,
        status_code: 200,
        cause: None,
        recovered: false,
        latency_ms: 1,
        time_to_first_token_ms: None,
        attempts: 1,
        account_id: Some(AccountId(1)),
        group_id: Some(spell.group),
        body_bytes: None,
        tokens: 0,
        is_replay: false,
    };
    let rows = vec![row(&asked[2], 1), row(&asked[0], 2), row(&asked[1], 3)];
    let window = (UnixMillis(START), UnixMillis(START + HOUR));
    let (none, all) = (Vec::new, Scope::default());
    let past = Past::of(window, rows, Vec::new(), none(), none(), &all);
    let ids = |spells: &[Spell]| {
        spells
            .iter()
            .map(|spell| spell.request_id)
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(&past.spells), ids(&asked));
}

#[tokio::test]
async fn where_an_account_changed_more_often_than_is_read_the_window_begins_later_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(StoreOptions::at(folder.path().join("waybill.db"))).unwrap();
    let redactor = Redactor::default();
    let events: Vec<AccountEventRow> = (1..=6)
        .map(|number| AccountEventRow {
            id: AccountEventId(number),
            at: UnixMillis(START + number * 1000),
            account_id: AccountId(number % 2 + 1),
            kind: AccountEventKind::RateLimited,
            scope: redactor.text("account"),
            since: None,
            until: Some(UnixMillis(START + HOUR)),
            source: None,
            strikes: 1,
            cause: Some(Cause::RateLimitRequests),
            status_code: Some(429),
            reason: redactor.text("too many requests"),
            request_id: None,
            attempt: None,
            actor: None,
            undoes: None,
        })
        .collect();
    let batch = Batch {
        account_events: &events,
        ..Batch::default()
    };
    store.journal().unwrap().commit(batch);
    let window = (UnixMillis(START), UnixMillis(START + HOUR));
    let accounts = [AccountId(1), AccountId(2)];
    let read = async |events| {
        let bounds = Bounds {
            requests: 10,
            attempts: 10,
            events,
        };
        let rows = super::read(&store, window, &accounts, bounds).await;
        rows.unwrap().trace(&Scope::default())
    };
    let ids = |past: &Past| {
        past.events
            .iter()
            .map(|event| event.id.0)
            .collect::<Vec<_>>()
    };
    let whole = read(3).await;
    assert_eq!((whole.is_cut, whole.start), (false, window.0));
    assert_eq!(ids(&whole), [1, 2, 3, 4, 5, 6]);
    // Of the first account the two newest: of it all is known behind the fourth second.
    let cut = read(2).await;
    assert_eq!((cut.is_cut, cut.start), (true, UnixMillis(START + 4001)));
    assert_eq!(ids(&cut), [5, 6]);
}
