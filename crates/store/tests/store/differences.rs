//! Failures compared with successes: the same rows and the same answer in both databases.

use crate::common::{self, DAY, Fixture, Subject, failure, success};
use waybill_model::{
    differs::{Attribute, Differences, Finding},
    id::AccountId,
    record::{Record, Traits},
    redact::Shown,
    time::UnixMillis,
    view::Filter,
};
use waybill_store::DifferenceBounds;

on_both!(
    what_failures_share_is_named_with_its_counts,
    a_scope_narrows_successes_and_a_cause_does_not,
    what_was_sent_again_or_recovered_is_no_success,
    more_failures_than_are_read_move_the_beginning_of_the_window,
    more_successes_than_are_read_are_sampled_evenly,
    rows_of_older_programs_are_known_as_far_as_they_say,
);

const BOUNDS: DifferenceBounds = DifferenceBounds {
    failures: 20_000,
    successes: 50_000,
};

fn day() -> Filter {
    Filter::between(DAY, DAY.plus_ms(86_400_000))
}

/// Changes who and what a record is about, in all its rows.
fn with(mut record: Record, change: impl Fn(&mut waybill_model::record::Subject)) -> Record {
    if let Some(request) = &mut record.request {
        change(&mut request.subject);
    }
    if let Some(error) = &mut record.error {
        change(&mut error.subject);
    }
    record
}

fn on_account(record: Record, account: i64) -> Record {
    with(record, |subject| {
        subject.account_id = Some(AccountId(account))
    })
}

fn from_client(record: Record, client: &'static str) -> Record {
    with(record, |subject| {
        subject.traits.client = Some(Shown::own(client))
    })
}

fn at(record: Record, ms: i64) -> Record {
    with(record, |subject| subject.created_at = DAY.plus_ms(ms))
}

async fn ask(fixture: &Fixture, filter: &Filter) -> Differences {
    fixture.store.differences(filter, BOUNDS).await.unwrap()
}

fn named(found: &Differences, attribute: Attribute) -> Vec<&str> {
    let of = found
        .attributes
        .iter()
        .filter(|found| found.attribute == attribute);
    of.map(|found| found.value.as_str()).collect()
}

async fn what_failures_share_is_named_with_its_counts(on: Subject) {
    let mut fixture = Fixture::on(on).await;
    let failures = (0..40).map(|n| {
        let account = if n < 36 { 1 } else { 2 };
        on_account(from_client(at(failure(n), 7_200_000), "cli 2.0"), account)
    });
    let successes = (100..300).map(|n| {
        let client = if n < 120 { "cli 2.0" } else { "cli 1.0" };
        let spread = i64::try_from(n).unwrap() * 280_000;
        on_account(
            from_client(at(success(n), spread), client),
            1 + i64::try_from(n % 4).unwrap(),
        )
    });
    fixture
        .write(&failures.chain(successes).collect::<Vec<_>>())
        .await;
    let found = ask(&fixture, &day()).await;
    assert_eq!(
        (found.failures, found.successes, found.sampled),
        (40, 200, false)
    );
    assert_eq!(found.finding, Finding::StandsOut);
    assert_eq!(
        (found.window.start_time, found.window.end_time),
        (day().start, day().end)
    );
    let account = found
        .attributes
        .iter()
        .find(|found| found.attribute == Attribute::Account)
        .unwrap();
    assert_eq!(
        (account.value.as_str(), account.failures, account.successes),
        ("1", 36, 50)
    );
    assert_eq!(
        account.sentence,
        "90 % of these failures are on account 1, which served 25 % of the successes (36 of 40, 50 of 200)."
    );
    assert_eq!(named(&found, Attribute::ClientVersion), ["cli 2.0"]);
    assert_eq!(
        named(&found, Attribute::Client),
        [""; 0],
        "both are the same program"
    );
    assert_eq!(named(&found, Attribute::Time).len(), 1);
    assert_eq!(named(&found, Attribute::AnthropicVersion), [""; 0]);
}

async fn a_scope_narrows_successes_and_a_cause_does_not(on: Subject) {
    let mut fixture = Fixture::on(on).await;
    let failures = (0..20).map(|n| on_account(failure(n), 1));
    let successes = (100..160).map(|n| on_account(success(n), 1 + i64::try_from(n % 2).unwrap()));
    fixture
        .write(&failures.chain(successes).collect::<Vec<_>>())
        .await;
    let of_cause = Filter {
        cause: Some(waybill_model::cause::Cause::Overloaded),
        ..day()
    };
    let found = ask(&fixture, &of_cause).await;
    assert_eq!((found.failures, found.successes), (20, 60));
    assert_eq!(named(&found, Attribute::Account), ["1"]);
    let of_account = Filter {
        account_id: Some(AccountId(1)),
        ..of_cause
    };
    let found = ask(&fixture, &of_account).await;
    assert_eq!((found.failures, found.successes), (20, 30));
    assert_eq!(
        named(&found, Attribute::Account),
        [""; 0],
        "that was asked for"
    );
    let fingerprint = |hex: &str| Filter {
        fingerprint: Some(hex.repeat(16)),
        ..day()
    };
    assert_eq!(ask(&fixture, &fingerprint("09")).await.failures, 20);
    let none = ask(&fixture, &fingerprint("08")).await;
    assert_eq!((none.failures, none.finding), (0, Finding::TooFew));
}

async fn what_was_sent_again_or_recovered_is_no_success(on: Subject) {
    let mut fixture = Fixture::on(on).await;
    let again = with(success(1), |subject| {
        subject.replay_of = Some(waybill_model::id::ErrorId(1));
    });
    let records = [success(0), again, common::recovered(2), failure(3)];
    fixture.write(&records).await;
    let found = ask(&fixture, &day()).await;
    assert_eq!((found.failures, found.successes), (1, 1));
    let recovered = Filter {
        recovered: Some(true),
        ..day()
    };
    let found = ask(&fixture, &recovered).await;
    assert_eq!((found.failures, found.successes), (1, 1));
}

async fn more_failures_than_are_read_move_the_beginning_of_the_window(on: Subject) {
    let mut fixture = Fixture::on(on).await;
    let minute = |n: u64| i64::try_from(n % 100).unwrap() * 60_000;
    let failures = (0..100).map(|n| at(failure(n), minute(n)));
    let successes = (100..200).map(|n| at(success(n), minute(n)));
    fixture
        .write(&failures.chain(successes).collect::<Vec<_>>())
        .await;
    let bounds = DifferenceBounds {
        failures: 30,
        ..BOUNDS
    };
    let found = fixture.store.differences(&day(), bounds).await.unwrap();
    assert_eq!(
        (found.failures, found.successes, found.sampled),
        (30, 30, true)
    );
    assert_eq!(found.window.start_time, UnixMillis(DAY.0 + 70 * 60_000));
    assert!(
        found
            .summary
            .ends_with("This is a sample: 30 failures and 30 successes."),
        "{}",
        found.summary
    );
}

async fn more_successes_than_are_read_are_sampled_evenly(on: Subject) {
    let mut fixture = Fixture::on(on).await;
    let second = |n: u64| i64::try_from(n).unwrap() * 1_000;
    let records = (0..6_000).map(|n| match n % 100 {
        0 => on_account(at(failure(n), second(n)), 9),
        _ => on_account(at(success(n), second(n)), 1 + i64::try_from(n % 2).unwrap()),
    });
    for batch in records.collect::<Vec<_>>().chunks(1_000) {
        fixture.write(batch).await;
    }
    let bounds = DifferenceBounds {
        successes: 2_000,
        ..BOUNDS
    };
    let window = Filter::between(DAY, DAY.plus_ms(6_000_000));
    let found = fixture.store.differences(&window, bounds).await.unwrap();
    assert_eq!(
        found,
        fixture.store.differences(&window, bounds).await.unwrap()
    );
    assert_eq!((found.failures, found.sampled), (60, true));
    assert!(
        (1_000..=2_000).contains(&found.successes),
        "{}",
        found.successes
    );
    assert_eq!(named(&found, Attribute::Account), ["9"]);
    assert_eq!(
        named(&found, Attribute::Time),
        [""; 0],
        "the sample is as old as what it is taken from"
    );
}

async fn rows_of_older_programs_are_known_as_far_as_they_say(on: Subject) {
    let mut fixture = Fixture::on(on).await;
    let bare = |record: Record| {
        let mut record = with(record, |subject| subject.traits = Traits::default());
        record.request.as_mut().unwrap().body_bytes = None;
        record
    };
    let failures = (0..20).map(|n| on_account(bare(failure(n)), 1));
    let successes = (100..200).map(|n| on_account(success(n), 2));
    fixture
        .write(&failures.chain(successes).collect::<Vec<_>>())
        .await;
    let found = ask(&fixture, &day()).await;
    assert_eq!(named(&found, Attribute::Account), ["1"]);
    assert!(found.attributes.iter().all(|found| !matches!(
        found.attribute,
        Attribute::Client
            | Attribute::AnthropicVersion
            | Attribute::Egress
            | Attribute::ConfigVersion
    )));
}
