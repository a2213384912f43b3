//! Why an account was passed over.

use std::sync::Arc;

use proptest::prelude::*;
use waybill_gateway::routing::{FailingWay, Plan};
use waybill_model::{
    entity::Status,
    id::AccountEventId,
    limits::Quota,
    state::{MarkKind, Scope, Standing},
    time::UnixMillis,
    waybill::{Candidate, Exclusion},
};

use super::{
    choice::{courses, models},
    pool::{Pool, Settings, conversation, limited, request, wanted},
};

const NOW: UnixMillis = UnixMillis(1_000_000);

fn of(candidates: &[Candidate], id: i64) -> &Candidate {
    candidates.iter().find(|c| c.account_id.0 == id).unwrap()
}

fn plan(pool: &Pool) -> Plan {
    let model = Arc::from("m");
    pool.plan(wanted(&model)).unwrap()
}

fn exclusion(kind: MarkKind) -> Exclusion {
    match kind {
        MarkKind::RateLimited => Exclusion::RateLimited,
        MarkKind::Overloaded => Exclusion::Overloaded,
        MarkKind::Paused => Exclusion::Paused,
        MarkKind::Error => Exclusion::Error,
        MarkKind::Disabled => Exclusion::Disabled,
    }
}

proptest! {
    #[test]
    fn every_account_is_named_and_what_a_mark_keeps_out_names_its_event_and_request(
        events in courses(4),
        model in models(),
        attempts in 0..5usize,
    ) {
        let pool = Pool::of(4, Settings::default());
        for event in &events {
            pool.happens(event);
        }
        let model = Arc::from(model);
        let mut plan = pool.plan(wanted(&model)).unwrap();
        let tried: Vec<_> = std::iter::from_fn(|| plan.choose(NOW).ok()).take(attempts).collect();
        let candidates = plan.candidates(NOW);
        prop_assert_eq!(candidates.len(), 4);
        for candidate in &candidates {
            let was_tried = tried.iter().any(|chosen| chosen.account.id == candidate.account_id);
            let last = tried.last().is_some_and(|chosen| chosen.account.id == candidate.account_id);
            prop_assert_eq!(candidate.excluded.is_none(), last);
            prop_assert_eq!(candidate.excluded == Some(Exclusion::AlreadyTried), was_tried && !last);
            let state = pool.account(candidate.account_id.0).live.state();
            if let (false, Standing::Blocked(mark)) = (was_tried, state.standing(Some(&model), NOW)) {
                prop_assert_eq!(candidate.excluded, Some(exclusion(mark.kind)));
                prop_assert_eq!(candidate.event_id, Some(mark.event));
                prop_assert_eq!(candidate.caused_by, mark.request_id);
                prop_assert_eq!(candidate.caused_by, Some(request(mark.event.0.unsigned_abs())));
                prop_assert_eq!(candidate.until, mark.until);
                prop_assert_eq!(candidate.since, Some(mark.since));
                prop_assert_eq!(candidate.scope.as_ref(), Some(&mark.scope));
                prop_assert_eq!(candidate.reason.as_deref(), Some(&*mark.reason));
            }
        }
    }
}

#[test]
fn what_the_settings_exclude_is_said() {
    let pool = Pool::new(&[
        Settings::default(),
        Settings {
            status: Status::Disabled,
            ..Settings::default()
        },
        Settings {
            models: vec!["other-*".into()],
            ..Settings::default()
        },
        Settings {
            has_credential: false,
            ..Settings::default()
        },
    ]);
    let candidates = plan(&pool).candidates(NOW);
    let excluded = |id| of(&candidates, id).excluded;
    assert_eq!(excluded(2), Some(Exclusion::Disabled));
    assert_eq!(excluded(3), Some(Exclusion::ModelNotServed));
    assert_eq!(excluded(4), Some(Exclusion::NoCredential));
    assert!(
        candidates
            .iter()
            .all(|candidate| candidate.reason.is_some())
    );
}

#[test]
fn slots_quotas_and_ways_tell_how_full_and_until_when() {
    let full = Settings {
        concurrency: Some(1),
        ..Settings::default()
    };
    let metered = Settings {
        quota: Quota {
            requests_per_day: Some(1),
            ..Quota::default()
        },
        ..Settings::default()
    };
    let lame = Settings {
        host: "lame.test",
        ..Settings::default()
    };
    let pool = Pool::new(&[full, metered, lame, Settings::default()]);
    let mut first = plan(&pool);
    let held: Vec<_> = std::iter::from_fn(|| first.choose(NOW).ok()).collect();
    assert_eq!(held.len(), 4);
    pool.account(3).way.fails(FailingWay {
        since: NOW,
        until: NOW.plus_ms(9),
    });
    let mut second = plan(&pool);
    assert_eq!(second.choose(NOW).unwrap().account.id.0, 4);
    let candidates = second.candidates(NOW);
    let said = |id| {
        let candidate = of(&candidates, id);
        (
            candidate.excluded,
            candidate.reason.as_deref().unwrap_or_default(),
        )
    };
    assert_eq!(said(1), (Some(Exclusion::NoSlot), "in flight 1 of 1"));
    assert_eq!(
        said(2),
        (
            Some(Exclusion::QuotaReached),
            "requests per day: 1 of 1 used"
        )
    );
    assert!(of(&candidates, 2).until > Some(NOW));
    assert_eq!(
        said(3),
        (
            Some(Exclusion::WayFailing),
            "the way to lame.test is failing"
        )
    );
    assert_eq!(of(&candidates, 3).until, Some(NOW.plus_ms(9)));
    assert_eq!(said(4).0, None);
}

#[test]
fn a_half_open_account_names_who_is_finding_out_and_about_what() {
    let pool = Pool::of(1, Settings::default());
    pool.happens(&limited(77, 1, Scope::Family("m".into()), NOW.0));
    let mut first = plan(&pool);
    let trial = first.choose(NOW).unwrap();
    let second = plan(&pool);
    assert!(second.has_busy(NOW) && second.soonest(NOW).is_none());
    let candidates = second.candidates(NOW);
    let candidate = of(&candidates, 1);
    assert_eq!(candidate.excluded, Some(Exclusion::HalfOpen));
    assert_eq!(candidate.event_id, Some(AccountEventId(77)));
    assert_eq!(candidate.caused_by, Some(request(77)));
    let reason = candidate.reason.as_deref().unwrap();
    assert!(reason.contains(&request(0xabc).to_string()), "{reason}");
    assert!(reason.contains("the words of event 77"), "{reason}");
    drop(trial);
}

#[test]
fn accounts_that_could_have_served_are_told_apart() {
    let worse = Settings {
        priority: 20,
        ..Settings::default()
    };
    let pool = Pool::new(&[
        Settings::default(),
        Settings::default(),
        Settings::default(),
        worse,
    ]);
    let held: Vec<_> = (0..4).map(|_| pool.choose("m", NOW).unwrap()).collect();
    // Accounts 1 has two in flight, 2 and 3 have one; 2 has waited longer than 3.
    assert_eq!(held[3].account.id.0, 1);
    let mut third = plan(&pool);
    assert_eq!(third.choose(NOW).unwrap().account.id.0, 2);
    let candidates = third.candidates(NOW);
    assert_eq!(of(&candidates, 1).excluded, Some(Exclusion::MoreInFlight));
    assert_eq!(of(&candidates, 3).excluded, Some(Exclusion::LessPreferred));
    assert_eq!(of(&candidates, 4).excluded, Some(Exclusion::LowerPriority));

    let model = Arc::from("m");
    let mut sticky = pool
        .plan(waybill_gateway::routing::Wanted {
            sticky: conversation(1),
            ..wanted(&model)
        })
        .unwrap();
    let own = sticky.choose(NOW).unwrap();
    let other = (1..=3).find(|id| *id != own.account.id.0).unwrap();
    let candidates = sticky.candidates(NOW);
    assert_eq!(of(&candidates, other).excluded, Some(Exclusion::Sticky));
}

#[test]
fn a_long_reason_is_cut_between_characters() {
    let pool = Pool::of(1, Settings::default());
    let mut event = limited(1, 1, Scope::Account, NOW.0 + 1);
    event.reason = "é".repeat(2_000);
    pool.happens(&event);
    let candidates = plan(&pool).candidates(NOW);
    let reason = of(&candidates, 1).reason.as_deref().unwrap();
    assert_eq!((reason.len(), reason.chars().count()), (512, 256));
}
