//! Copies of failed requests in a store: what they take, and that they come back.

mod desk;

use desk::{BEGIN, Desk, Talk};
use waybill_gateway::record::capture::{Copies, Unopened, open};
use waybill_model::id::ErrorId;
use waybill_store::{RetentionPolicy, Store, StoreOptions};

#[tokio::test]
async fn a_thousand_turns_of_a_conversation_take_less_than_a_fiftieth_of_their_bytes() {
    let mut raw = 0;
    let mut talk = Talk::new(60);
    let (mut with, mut without) = (Desk::new(Copies::InParts), Desk::new(Copies::InParts));
    let mut some = Vec::new();
    for turn in 0..1_000 {
        let body = talk.next_body();
        raw += body.len() as u64;
        let id = with.record(Some(&body));
        without.record(None);
        if turn % 97 == 0 || turn == 999 {
            some.push((id, body));
        }
    }
    let largest = some.last().unwrap().1.len();
    assert!((190 << 10..240 << 10).contains(&largest), "{largest}");
    for (id, body) in &some {
        let copy = with.store.replay_copy(*id).await.unwrap().unwrap();
        assert_eq!(open(&with.vault, &copy).unwrap().body, body);
    }
    // All pages, with indexes and what is not filled.
    let taken = with.bytes_used().await - without.bytes_used().await;
    assert!(
        taken * 50 < raw,
        "{taken} of {raw}: {:.2} %",
        taken as f64 * 100.0 / raw as f64
    );
}

#[tokio::test]
async fn a_copy_outlives_those_that_it_shares_parts_with_and_a_restart() {
    let mut talk = Talk::new(2_000);
    let mut desk = Desk::new(Copies::InParts);
    let mut bodies = Vec::new();
    for _ in 0..150 {
        let body = talk.next_body();
        bodies.push((desk.record(Some(&body)), body));
    }
    let (last, body) = bodies.pop().unwrap();
    assert!(body.len() > 200 << 10, "{}", body.len());
    let now = BEGIN.plus_ms(150_000);
    let newest_alone = RetentionPolicy {
        replay_max_age_ms: Some(0),
        ..RetentionPolicy::default()
    };
    let report = desk.store.retain(&newest_alone, now).await.unwrap();
    assert_eq!(report.replay_bodies, 149);
    assert!(report.replay_parts > 0);
    let again = Store::open(StoreOptions::at(desk.folder.path().join("waybill.db"))).unwrap();
    let copy = again.replay_copy(last).await.unwrap().unwrap();
    assert_eq!(open(&desk.vault, &copy).unwrap().body, body);
    assert_eq!(again.replay_copy(ErrorId(1)).await.unwrap(), None);

    let mut lacking = copy.clone();
    lacking.parts.pop();
    assert_eq!(open(&desk.vault, &lacking), Err(Unopened::Damaged));
}

#[tokio::test]
async fn nothing_of_a_body_can_be_read_in_the_files() {
    let mut desk = Desk::new(Copies::InParts);
    let marker = "SEARCH-FOR-THIS-MARKER";
    for repeat in [1, 400, 20_000] {
        let body = format!(
            "{{\"a\":\"{}\"}}",
            format!("{marker} {repeat} ").repeat(repeat)
        );
        desk.record(Some(&body.into()));
    }
    for file in std::fs::read_dir(desk.folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        // Not even a part of it: what is compressed has its first words in the clear.
        let found = bytes
            .windows(6)
            .any(|window| window == &marker.as_bytes()[..6]);
        assert!(!found);
    }
}
