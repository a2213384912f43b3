//! The demo's traffic and faults.

use std::{sync::Arc, sync::atomic::Ordering, time::Duration};

use tokio_util::sync::CancellationToken;
use waybill_sim::{
    DEMO_ACCOUNTS, Fault, Rule, demo_limits, demo_rules,
    traffic::{Outcomes, TrafficOptions, run},
};

use crate::support::{DEADLINE, rig};

#[tokio::test]
async fn traffic_flows_until_it_is_cancelled_and_every_request_has_one_outcome() {
    let rig = rig().await;
    rig.sim.script(Rule::new(Fault::http(500, "no")).share(0.2));
    let (outcomes, cancel) = (Arc::new(Outcomes::default()), CancellationToken::new());
    let options = TrafficOptions {
        gateway: rig.sim.address(),
        key: "client-key".into(),
        interval: Duration::from_millis(1),
        concurrency: 4,
        seed: 3,
    };
    let flow = tokio::spawn(run(options, Arc::clone(&outcomes), cancel.clone()));
    let enough = async {
        while outcomes.answered.load(Ordering::Relaxed) < 40 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, enough).await.unwrap();
    cancel.cancel();
    tokio::time::timeout(DEADLINE, flow).await.unwrap().unwrap();

    let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    let all = [
        &outcomes.answered,
        &outcomes.refused,
        &outcomes.broken,
        &outcomes.unreachable,
    ];
    assert_eq!(
        all.into_iter().map(count).sum::<u64>(),
        count(&outcomes.sent)
    );
    assert!(count(&outcomes.refused) > 0 && count(&outcomes.unreachable) == 0);
    assert!(rig.sim.counters().max_in_flight <= 4);
    let received = rig.sim.received();
    assert!(
        received
            .iter()
            .all(|one| one.key.as_deref() == Some("client-key"))
    );
    for path in [
        "/v1/messages",
        "/v1/chat/completions",
        "/v1/responses",
        "/v1beta/models/",
    ] {
        assert!(
            received.iter().any(|one| one.path.starts_with(path)),
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_demos_faults_and_limits_are_for_the_demos_accounts() {
    let limited = demo_limits().into_iter().map(|limit| limit.key);
    for key in demo_rules().into_iter().map(|rule| rule.key).chain(limited) {
        let key = key.unwrap();
        assert!(
            DEMO_ACCOUNTS.iter().any(|account| account.key == key),
            "{key}"
        );
    }
    assert!(
        DEMO_ACCOUNTS
            .iter()
            .filter(|account| account.key.contains("healthy"))
            .count()
            >= 3
    );
}
