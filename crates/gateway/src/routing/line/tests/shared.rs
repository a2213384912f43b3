//! Accounts that are shared with other replicas.

use waybill_model::state::Scope;

use super::{super::*, pool::*, *};

fn two_of_four() -> Pool {
    Pool::shared(&[Settings::slots(4), Settings::slots(4)])
}

fn wanted(pool: &Pool) -> Vec<(i64, u32)> {
    let mut wanted: Vec<_> = pool
        .line
        .wanted(UnixMillis(0))
        .into_iter()
        .map(|(account, n)| (account.0, n))
        .collect();
    wanted.sort_unstable();
    wanted
}

fn is_rung(pool: &Pool) -> bool {
    let mut rung = std::pin::pin!(pool.line.sharing().rung());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    rung.as_mut().poll(&mut context).is_ready()
}

#[tokio::test(start_paused = true)]
async fn a_request_waits_until_slots_are_allotted_and_whoever_shares_hears_of_it() {
    let pool = two_of_four();
    assert!(!is_rung(&pool));
    let mut asked = waiting(&pool, 1, 3);
    assert!(is_rung(&pool));
    assert_eq!(wanted(&pool), [(1, 2), (2, 2)], "each its part");
    pool.live(1).allot(Some(2));
    let (first, second) = (chosen(&mut asked[0]), chosen(&mut asked[1]));
    waits(&mut asked[2]);
    assert_eq!(wanted(&pool), [(1, 1), (2, 1)]);
    // Lowered below what is in use, nobody gets one until enough are back.
    pool.live(1).allot(Some(1));
    drop(first);
    waits(&mut asked[2]);
    drop(second);
    drop(chosen(&mut asked[2]));
    is_at_rest(&pool);
}

#[tokio::test(start_paused = true)]
async fn a_slot_that_others_want_is_offered_only_when_nobody_here_takes_it() {
    let pool = two_of_four();
    pool.live(1).allot(Some(1));
    pool.live(1).contest(true);
    let held = chosen(&mut pool.ask(1));
    let mut asked = waiting(&pool, 1, 1);
    assert!(is_rung(&pool));
    drop(held);
    let held = chosen(&mut asked[0]);
    assert!(!is_rung(&pool), "it was taken here");
    drop(held);
    assert!(is_rung(&pool));
    is_at_rest(&pool);
}

#[tokio::test(start_paused = true)]
async fn who_is_full_by_its_limit_or_stopped_wants_nothing() {
    let pool = two_of_four();
    pool.live(1).allot(Some(4));
    pool.happens(&limited(1, Scope::Account, 10_000));
    let _asked = waiting(&pool, 1, 2);
    assert_eq!(wanted(&pool), [(2, 2)]);
}

#[tokio::test(start_paused = true)]
async fn the_replica_whose_turn_it_is_not_waits_a_little_before_it_finds_out() {
    let pool = Pool::shared(&[Settings::slots(4)]);
    pool.live(1).allot(Some(4));
    pool.happens(&limited(1, Scope::Account, 1_000));
    pool.live(1).defer_trials(true);
    let mut asked = pool.ask(1);
    waits(&mut asked);
    pool.set_time(1_000);
    pool.line.pump();
    waits(&mut asked);
    pool.set_time(3_000);
    pool.line.pump();
    assert!(chosen(&mut asked).slot.is_trial());
    // Or at once, when it is its turn.
    pool.set_time(1_500);
    let mut asked = pool.ask(1);
    waits(&mut asked);
    pool.live(1).defer_trials(false);
    assert!(chosen(&mut asked).slot.is_trial());
}
