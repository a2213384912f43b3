//! How long the first page of every filter takes over ten thousand and over a million stored errors:
//! `cargo run --release -p waybill-store --example lists [-- ERRORS [ROUNDS]]`.
//!
//! Errors with their attempts go through the journal; what happened is made of a fixed seed. Then every question is
//! asked of both stores in turn, and once more while classification rules are applied that change every failure.
//! Fails where a figure is missed.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "lists/questions.rs"]
mod questions;
#[path = "lists/records.rs"]
mod records;

use std::time::{Duration, Instant};

use common::{DAY, Fixture};
use questions::{List, Question, questions};
use records::Maker;
use tokio::runtime::Runtime;
use waybill_model::{
    cause::Severity,
    classify::ruling::{ClassificationRule, Then, When},
    id::ErrorId,
    view::Page,
};
use waybill_store::{Batch, Fate, NewRules, Store};

const FEW: u64 = 10_000;
const BATCH: usize = 200;
/// Times a question is asked of a store before it is the other's turn.
const ASKED: usize = 10;
const MOST: Duration = Duration::from_millis(50);
const MOST_RATIO: f64 = 3.0;
/// Below this a ratio is that of two noises.
const QUICK: Duration = Duration::from_millis(5);

fn main() {
    let mut given = std::env::args().skip(1);
    let many: u64 = given.next().map_or(1_000_000, |text| text.parse().unwrap());
    let rounds: usize = given.next().map_or(2, |text| text.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let stores = [FEW, many].map(|count| runtime.block_on(filled(count)));
    let asked = questions(&stores.each_ref().map(|(_, maker)| maker.known.clone()));
    let mut missed = measured(&runtime, &stores, &asked, rounds);
    for (fixture, _) in &stores {
        runtime.block_on(half_judged(&fixture.store));
    }
    println!("\nWhile rules are applied:");
    missed += measured(&runtime, &stores, &asked, rounds);
    if missed > 0 {
        std::process::exit(1);
    }
}

/// Puts a rule into force that changes every failure, and judges until that has to wait.
async fn half_judged(store: &Store) {
    let rule = ClassificationRule {
        name: "less urgent".to_owned(),
        enabled: true,
        when: When {
            status_codes: (400..600).collect(),
            ..When::default()
        },
        then: Then {
            severity: Some(Severity::P3),
            is_retryable: Some(false),
            ..Then::default()
        },
        ..ClassificationRule::default()
    };
    let new = NewRules {
        replaces: 0,
        rules: vec![rule],
        by: None,
        note: None,
    };
    store.set_classification_rules(new, DAY).await.unwrap();
    while store.judge_anew().await.unwrap().more {}
}

/// Asks everything of both stores, and says how many figures were missed.
fn measured(
    runtime: &Runtime,
    stores: &[(Fixture, Maker); 2],
    asked: &[Question],
    rounds: usize,
) -> u32 {
    let mut took: Vec<[Vec<Duration>; 2]> = asked.iter().map(|_| Default::default()).collect();
    for _ in 0..rounds {
        for at in [0, 1] {
            for (question, took) in asked.iter().zip(&mut took) {
                runtime.block_on(ask(&stores[at].0.store, question, at, &mut took[at]));
            }
        }
    }
    println!(
        "\n| question | rows, total | few: p50, p95 | many: p50, p95, worst | ratio of p95 | |"
    );
    println!("|---|---|---|---|---|---|");
    let mut missed = 0;
    for (question, [few, many]) in asked.iter().zip(&mut took) {
        few.sort();
        many.sort();
        let ratio = p(many, 95).as_secs_f64() / p(few, 95).max(QUICK).as_secs_f64();
        let is_missed = p(many, 95) > MOST || ratio > MOST_RATIO;
        missed += u32::from(is_missed);
        println!(
            "| {} | {} | {:.1}, {:.1} | {:.1}, {:.1}, {:.1} | {ratio:.1} | {} |",
            question.name,
            runtime.block_on(answer(&stores[1].0.store, question, 1)),
            ms(p(few, 50)),
            ms(p(few, 95)),
            ms(p(many, 50)),
            ms(p(many, 95)),
            ms(p(many, 100)),
            if is_missed { "missed" } else { "" },
        );
    }
    println!("\n{missed} of {} questions missed the figure", asked.len());
    missed
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn p(sorted: &[Duration], share: usize) -> Duration {
    sorted[(sorted.len() - 1) * share / 100]
}

/// A store with so many errors, taken in.
async fn filled(count: u64) -> (Fixture, Maker) {
    let mut f = Fixture::new();
    let mut maker = Maker::new(count);
    let (mut made, mut writing) = (0, Duration::ZERO);
    while made < count {
        let batch: Vec<_> = (0..BATCH).map(|_| maker.next()).collect();
        let begun = Instant::now();
        let report = f.journal.commit(Batch::of(&batch));
        writing += begun.elapsed();
        assert_eq!(report.fates, vec![Fate::Stored; batch.len()]);
        made += BATCH as u64;
        // As in use: old failures are dealt with now and then.
        if made.is_multiple_of(20_000) {
            let id = i64::try_from(made - 77).unwrap();
            f.store.set_resolved(ErrorId(id), true).await.unwrap();
        }
    }
    let before = f.store.tidy().await.map(|()| size(&f)).unwrap_or_default();
    let begun = Instant::now();
    let (mut longest, mut steps) = (Duration::ZERO, 0_u64);
    loop {
        let step = Instant::now();
        let report = f.store.index_errors().await.unwrap();
        longest = longest.max(step.elapsed());
        steps += 1;
        if steps % 100 == 0 {
            // As every second in use, by whom nobody waits for.
            f.store.tidy().await.unwrap();
        }
        if !report.more {
            break;
        }
    }
    let taking = begun.elapsed();
    let after = f.store.tidy().await.map(|()| size(&f)).unwrap_or_default();
    println!(
        "{count} errors: {:.1} µs each to write, {:.1} µs to take in (longest step {:.1} ms), {} MB and {} MB for blocks",
        writing.as_secs_f64() * 1e6 / count as f64,
        taking.as_secs_f64() * 1e6 / count as f64,
        ms(longest),
        before >> 20,
        after.saturating_sub(before) >> 20,
    );
    (f, maker)
}

fn size(f: &Fixture) -> u64 {
    std::fs::metadata(f.file()).map_or(0, |file| file.len())
}

async fn ask(store: &Store, question: &Question, at: usize, took: &mut Vec<Duration>) {
    let mut page = page(question);
    if question.second {
        page.cursor = look(store, question, at, &page).await.2;
    }
    for _ in 0..ASKED {
        let begun = Instant::now();
        look(store, question, at, &page).await;
        took.push(begun.elapsed());
    }
}

async fn answer(store: &Store, question: &Question, at: usize) -> String {
    let (rows, (total, is_estimate), _) = look(store, question, at, &page(question)).await;
    let more = if is_estimate { "+" } else { "" };
    format!("{rows}, {total}{more}")
}

fn page(question: &Question) -> Page {
    Page {
        sort: question.sort,
        page: 1,
        page_size: 50,
        cursor: None,
    }
}

/// Rows, the total, and where the next page begins.
async fn look(
    store: &Store,
    question: &Question,
    at: usize,
    page: &Page,
) -> (usize, (u64, bool), Option<String>) {
    let filter = &question.filters[at];
    match question.list {
        List::Errors => {
            let list = store.errors(filter, page).await.unwrap();
            let total = (list.total, list.total_is_estimate);
            (list.errors.len(), total, list.next_cursor)
        }
        List::Attempts => {
            let list = store.upstream_errors(filter, page).await.unwrap();
            let total = (list.total, list.total_is_estimate);
            (list.events.len(), total, list.next_cursor)
        }
    }
}
