//! The judge's script does what the judge of the properties does.

use std::{cell::RefCell, time::Duration};

use proptest::{prelude::*, test_runner::TestRunner};
use redis::{Connection, Value};
use waybill_gateway::cluster::share::{Claim, Timing, Verdict};
use waybill_testbed::Redis;

use super::judge::{Caller, Judged, Ledger, News, Said};

const SCRIPT: &str = include_str!("../../src/cluster/slots.lua");
const CHANNEL: &str = "news";

/// One call, by the replica of this number.
#[derive(Debug, Clone)]
struct Call {
    replica: u16,
    claim: Option<Claim>,
    /// Short enough that leases end between calls now and then.
    lease_ms: i64,
    /// The call comes after one that was made later.
    is_overtaken: bool,
    /// The replica knew another memory before.
    is_strange: bool,
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let claim = (0..10u32, 0..10u32).prop_map(|(hold, demand)| Claim { hold, demand });
    let call = (
        0..4u16,
        proptest::option::weighted(0.9, claim),
        prop_oneof![Just(1i64), Just(3i64), Just(10_000i64)],
        proptest::bool::weighted(0.1),
        proptest::bool::weighted(0.1),
    );
    let call = call.prop_map(
        |(replica, claim, lease_ms, is_overtaken, is_strange)| Call {
            replica,
            claim,
            lease_ms,
            is_overtaken,
            is_strange,
        },
    );
    proptest::collection::vec(call, 1..40)
}

fn numbers(value: Value) -> Vec<i64> {
    let Value::Array(values) = value else {
        panic!("{value:?}");
    };
    values
        .into_iter()
        .map(|value| match value {
            Value::Int(number) => number,
            other => panic!("{other:?}"),
        })
        .collect()
}

fn told(message: &str) -> News {
    let mut words = message.split(' ');
    assert_eq!(words.next(), Some("7"), "the account");
    let mut news: News = words
        .map(|word| {
            let (id, target) = word.rsplit_once('=').unwrap();
            (id.to_owned(), target.parse().unwrap())
        })
        .collect();
    news.sort();
    news
}

#[test]
fn the_script_judges_as_the_judge_of_the_properties_does() {
    let redis = Redis::new().unwrap();
    let client = redis::Client::open(redis.url()).unwrap();
    let connection = RefCell::new(client.get_connection().unwrap());
    let mut heard = client.get_connection().unwrap();
    heard
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let mut heard = heard.as_pubsub();
    heard.subscribe(CHANNEL).unwrap();
    let heard = RefCell::new(heard);
    let next = || -> String {
        heard
            .borrow_mut()
            .get_message()
            .unwrap()
            .get_payload()
            .unwrap()
    };
    let mut runner = TestRunner::new(ProptestConfig::with_cases(150));
    let result = runner.run(&(calls(), 1..10u32), |(calls, limit)| {
        let _: () = redis::cmd("FLUSHALL")
            .query(&mut *connection.borrow_mut())
            .unwrap();
        let mut ledger = Ledger::default();
        for (seq, call) in (10u64..).zip(calls) {
            let seq = if call.is_overtaken { seq - 5 } else { seq };
            let answer = ask(
                &mut connection.borrow_mut(),
                &call,
                seq,
                limit,
                ledger.began,
            );
            let [now, began, grant, target, contested] = answer[..] else {
                panic!("{answer:?}");
            };
            ledger.began = began;
            let caller = Caller {
                id: format!("r{}", call.replica),
                number: call.replica,
                seq,
                first: Some(if call.is_strange { 1 } else { began }),
            };
            let timing = Timing {
                lease_ms: call.lease_ms,
                ..Timing::default()
            };
            let said = call.claim.map_or(Said::Leaves, Said::Claim);
            let (judged, mut news) = ledger.judge(&caller, 7, limit, said, now, &timing);
            let scripts = if grant < 0 {
                Judged::Overtaken(u64::try_from(target).unwrap())
            } else {
                Judged::Verdict(Verdict {
                    grant: u32::try_from(grant).unwrap(),
                    target: u32::try_from(target).unwrap(),
                    contested: contested == 1,
                })
            };
            prop_assert_eq!(&scripts, &judged, "{:?}", call);
            if !news.is_empty() {
                news.sort();
                prop_assert_eq!(told(&next()), news, "{:?}", call);
            }
        }
        // Nothing was told beyond that.
        let _: () = redis::cmd("PUBLISH")
            .arg(CHANNEL)
            .arg("end")
            .query(&mut *connection.borrow_mut())
            .unwrap();
        prop_assert_eq!(next(), "end");
        Ok(())
    });
    result.unwrap();
}

fn ask(connection: &mut Connection, call: &Call, seq: u64, limit: u32, began: i64) -> Vec<i64> {
    let first = match (call.is_strange, began) {
        (true, _) => "1".to_owned(),
        // It meets this memory with its first call.
        (false, 0) => String::new(),
        (false, began) => began.to_string(),
    };
    let mut eval = redis::cmd("EVAL");
    eval.arg(SCRIPT).arg(2).arg("memory").arg("slots");
    eval.arg(format!("r{}", call.replica)).arg(call.replica);
    eval.arg(seq).arg(call.lease_ms);
    eval.arg(Timing::default().tenure_ms)
        .arg(first)
        .arg(CHANNEL);
    eval.arg(7).arg(limit);
    match call.claim {
        Some(claim) => eval.arg(claim.hold).arg(claim.demand),
        None => eval.arg(0).arg("leave"),
    };
    numbers(eval.query(connection).unwrap())
}
