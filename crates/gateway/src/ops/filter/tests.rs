//! Every parameter is read, or refused by its name.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use waybill_model::id::{AccountId, ApiKeyId, GroupId, UserId};

use super::*;
use crate::ops::query::Mistake;

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

/// A good value for every parameter that narrows, and bad ones.
const VALUES: &[(&str, &str, &[&str])] = &[
    ("platform", "anthropic", &["", "Anthropic", "azure"]),
    (
        "group_id",
        "7",
        &["", "x", "-1", "+1", "1.5", "99999999999999999999"],
    ),
    ("account_id", "8", &["", "all"]),
    ("api_key_id", "9", &["", "sk-1"]),
    ("user_id", "10", &["", "0x1"]),
    ("model", "claude-*", &[""]),
    (
        "status_codes",
        "429,529",
        &["", "429,", "4xx", "42", "1000", "-429"],
    ),
    ("phase", "upstream", &["", "auth "]),
    ("type", "rate_limit_error", &["", "rate_limit"]),
    ("cause", "rate_limit.tokens", &["", "rate_limit"]),
    ("severity", "P1", &["", "p1"]),
    ("owner", "provider", &["", "me"]),
    ("source", "gateway", &["", "us"]),
    ("resolved", "true", &["", "1", "True"]),
    ("recovered", "false", &["", "no"]),
    ("stream", "true", &["", "on"]),
    ("replay", "true", &["", "again"]),
    ("view", "excluded", &["", "everything"]),
    ("q", "quota 50%", &[]),
    ("request_id", "0199c8a4", &[""]),
    ("client_request_id", "req_1", &[""]),
    (
        "fingerprint",
        "00112233445566778899AABBCCDDEEFF",
        &["", "00", "zz112233445566778899aabbccddeeff"],
    ),
    ("issue", "00112233445566778899aabbccddeeFF", &["", "00"]),
    ("after_id", "41", &["", "-1"]),
    ("sort", "created_at", &["", "+created_at", "id"]),
    ("cursor", "6f", &[""]),
    ("page", "3", &["", "0", "-1", "x"]),
    ("page_size", "500", &["", "0", "501"]),
];

fn encode(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[test]
fn everything_at_once_is_read_into_the_filter_and_the_page() {
    let query: Vec<_> = VALUES
        .iter()
        .map(|(name, value, _)| format!("{name}={}", encode(value)))
        .collect();
    let read = parse(Some(&query.join("&")), NOW).unwrap();
    let expected = Filter {
        platform: Some(Platform::Anthropic),
        group_id: Some(GroupId(7)),
        account_id: Some(AccountId(8)),
        api_key_id: Some(ApiKeyId(9)),
        user_id: Some(UserId(10)),
        model: Some("claude-*".into()),
        status_codes: vec![429, 529],
        phase: Some(Phase::Upstream),
        error_type: Some(ErrorType::RateLimit),
        cause: Some(Cause::RateLimitTokens),
        severity: Some(Severity::P1),
        owner: Some(Owner::Provider),
        source: Some(Source::Gateway),
        resolved: Some(true),
        recovered: Some(false),
        stream: Some(true),
        replay: Some(true),
        view: View::Excluded,
        q: Some("quota 50%".into()),
        request_id: Some("0199c8a4".into()),
        client_request_id: Some("req_1".into()),
        fingerprint: Some("00112233445566778899aabbccddeeff".into()),
        issue: Some("00112233445566778899aabbccddeeff".into()),
        after_id: Some(41),
        ..read.filter.clone()
    };
    assert_eq!(read.filter, expected);
    assert_eq!(
        read.page,
        Page {
            sort: Sort::Oldest,
            page: 3,
            page_size: 500,
            cursor: Some("6f".into())
        }
    );
}

#[test]
fn every_parameter_of_the_table_has_a_value_in_this_test() {
    let table: Vec<_> = FILTERS
        .iter()
        .chain(ORDER)
        .chain(NUMBERS)
        .map(|parameter| parameter.name)
        .collect();
    let tried: Vec<_> = VALUES.iter().map(|(name, _, _)| *name).collect();
    assert_eq!(table, tried);
}

#[test]
fn a_malformed_value_is_refused_by_its_name() {
    for (name, _, bad) in VALUES {
        for value in *bad {
            let refused = parse(Some(&format!("{name}={}", encode(value))), NOW).unwrap_err();
            assert_eq!(
                (refused.parameter.as_str(), refused.mistake),
                (*name, Mistake::Malformed),
                "{name}={value}"
            );
        }
    }
}

#[test]
fn a_text_that_would_make_every_row_costly_is_refused() {
    let refused = parse(Some(&format!("q={}", "x".repeat(513))), NOW).unwrap_err();
    assert_eq!(refused.parameter, "q");
    assert!(
        parse(
            Some(&format!("status_codes={}", vec!["429"; 65].join(","))),
            NOW
        )
        .is_err()
    );
}

#[test]
fn an_unknown_parameter_is_refused_with_the_names_that_are_known() {
    let refused = parse(Some("modle=x"), NOW).unwrap_err();
    assert_eq!(
        (refused.parameter.as_str(), refused.mistake),
        ("modle", Mistake::Unknown)
    );
    assert!(refused.message.contains("model,") && refused.message.contains("time_range"));
    assert_eq!(
        parse_window(Some("model=x"), NOW).unwrap_err().mistake,
        Mistake::Unknown
    );
    assert_eq!(
        parse_page(Some("time_range=1h")).unwrap_err().mistake,
        Mistake::Unknown
    );
    assert_eq!(
        parse_small_page(Some("cursor=6f")).unwrap_err().mistake,
        Mistake::Unknown
    );
    assert_eq!(
        parse_nothing(Some("page=1")).unwrap_err().mistake,
        Mistake::Unknown
    );
}

#[test]
fn nothing_asked_for_is_the_first_page_of_the_last_day() {
    let read = parse(None, NOW).unwrap();
    let day = Filter::between(NOW.plus_ms(1 - 86_400_000), NOW.plus_ms(1));
    assert_eq!(
        read,
        Question {
            filter: day,
            page: Page {
                sort: Sort::Newest,
                page: 1,
                page_size: 50,
                cursor: None
            }
        }
    );
    assert_eq!(parse(Some("q="), NOW).unwrap(), read);
}

#[test]
fn a_request_asked_for_by_its_id_is_found_as_long_as_it_is_kept() {
    for by_id in ["request_id=a", "client_request_id=a"] {
        let filter = parse(Some(by_id), NOW).unwrap().filter;
        assert_eq!(filter.end.0 - filter.start.0, time_range::MAX_WINDOW_MS);
    }
}

proptest! {
    #[test]
    fn whatever_is_asked_the_answer_is_bounded_or_names_a_parameter(query in "([a-z_]{0,10}|page|page_size|start_time|end_time)=[ -~]{0,30}(&(q|page|model|end_time)=\\PC{0,20})?") {
        match parse(Some(&query), NOW) {
            Ok(read) => {
                prop_assert!((1..=MAX_PAGE_SIZE).contains(&read.page.page_size));
                prop_assert!(read.page.page >= 1);
                prop_assert!(read.filter.start < read.filter.end);
                prop_assert!(read.filter.end.0 - read.filter.start.0 <= time_range::MAX_WINDOW_MS);
            }
            Err(bad) => prop_assert!(!bad.message.is_empty()),
        }
    }

    #[test]
    fn any_text_survives_the_way_through_a_query_string(text in "\\PC{1,100}") {
        let read = parse(Some(&format!("q={0}&model={0}", encode(&text))), NOW).unwrap();
        prop_assert_eq!(read.filter.q.as_deref(), Some(text.as_str()));
        prop_assert_eq!(read.filter.model, Some(text));
    }
}

#[test]
fn filters_that_are_kept_have_a_window_that_does_not_move() {
    let now = UnixMillis(1_800_000_000_000);
    let given = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.iter().map(own).collect()
    };
    let issue = "02aabbccddeeff00112233445566778899"[..32].to_owned();
    let cases = [
        (given(&[("cause", "overloaded")]), TimeRange::Day),
        (
            given(&[("cause", "overloaded"), ("time_range", "1h")]),
            TimeRange::Hour,
        ),
        (given(&[("issue", issue.as_str())]), TimeRange::Month),
    ];
    for (asked, range) in cases {
        let (filter, kept) = keep_chosen(asked, now).unwrap();
        assert_eq!(filter.end.0 - filter.start.0, range.millis());
        assert_eq!(filter.replay, Some(false));
        assert_eq!(read_chosen(&kept).unwrap(), filter);
        assert!(!kept.contains_key("time_range"));
    }
    for (name, value) in [
        ("replay", "true"),
        ("causes", "x"),
        ("cause", "x"),
        ("page", "2"),
    ] {
        let refused = keep_chosen(given(&[(name, value)]), now).unwrap_err();
        assert_eq!(refused.parameter, name);
    }
}
