#![allow(clippy::unwrap_used, clippy::panic)]
//! When a limit ends, read from every place where providers put it, with the place; and what is not
//! believed. Written from the providers' public references.

use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use waybill_model::{
    protocol::Platform::{self, *},
    state::Reach,
    time::UnixMillis,
};
use waybill_wire::error::{Reset, read};

/// 2026-01-01T00:00:00Z
const NOW: UnixMillis = UnixMillis(1_767_225_600_000);

type Headers = &'static [(&'static str, &'static str)];

/// Platform, status, headers, body, then the wait and where it stands.
type Case = (
    Platform,
    u16,
    Headers,
    &'static str,
    Option<(u64, &'static str)>,
);

const PLAIN: &str = r#"{"error":{"message":"limited"}}"#;

fn reset(
    platform: Platform,
    status: u16,
    headers: &[(&'static str, &str)],
    body: &str,
) -> Option<Reset> {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_str(value).unwrap(),
            )
        })
        .collect();
    read(platform, Some(status), &headers, body.as_bytes(), NOW).reset
}

fn check(cases: &[Case]) {
    for (platform, status, headers, body, expected) in cases {
        let got = reset(*platform, *status, headers, body);
        let got = got
            .as_ref()
            .map(|reset| (reset.after_ms, reset.source.as_str()));
        assert_eq!(got, *expected, "{headers:?} {body}");
    }
}

#[test]
fn the_answers_own_wait_comes_first() {
    check(&[
        (
            Anthropic,
            429,
            &[("retry-after", "30")],
            PLAIN,
            Some((30_000, "retry-after")),
        ),
        (
            Anthropic,
            529,
            &[("retry-after", "3")],
            PLAIN,
            Some((3_000, "retry-after")),
        ),
        (
            Anthropic,
            429,
            &[("retry-after", "Thu, 01 Jan 2026 00:01:00 GMT")],
            PLAIN,
            Some((60_000, "retry-after")),
        ),
        (
            OpenAi,
            429,
            &[("retry-after", "3"), ("retry-after-ms", "2500")],
            PLAIN,
            Some((2_500, "retry-after-ms")),
        ),
        (
            OpenAi,
            429,
            &[("retry-after-ms", "0"), ("retry-after", "3")],
            PLAIN,
            Some((3_000, "retry-after")),
        ),
        (
            OpenAi,
            429,
            &[
                ("retry-after", "2"),
                ("x-ratelimit-remaining-tokens", "0"),
                ("x-ratelimit-reset-tokens", "6m0s"),
            ],
            r#"{"error":{"message":"Please try again in 9s."}}"#,
            Some((2_000, "retry-after")),
        ),
    ]);
}

#[test]
fn anthropics_windows_count_where_they_are_exhausted() {
    check(&[
        (
            Anthropic,
            429,
            &[
                ("anthropic-ratelimit-requests-remaining", "0"),
                ("anthropic-ratelimit-requests-reset", "2026-01-01T00:00:20Z"),
                ("anthropic-ratelimit-tokens-remaining", "100"),
                ("anthropic-ratelimit-tokens-reset", "2026-01-01T01:00:00Z"),
            ],
            PLAIN,
            Some((20_000, "anthropic-ratelimit-requests-reset")),
        ),
        (
            Anthropic,
            429,
            &[
                ("anthropic-ratelimit-input-tokens-remaining", "0"),
                (
                    "anthropic-ratelimit-input-tokens-reset",
                    "2026-01-01T00:00:07+00:00",
                ),
                ("anthropic-ratelimit-output-tokens-remaining", "8000"),
                (
                    "anthropic-ratelimit-output-tokens-reset",
                    "2026-01-01T01:00:00Z",
                ),
            ],
            PLAIN,
            Some((7_000, "anthropic-ratelimit-input-tokens-reset")),
        ),
        (
            Anthropic,
            429,
            &[
                ("anthropic-ratelimit-requests-remaining", "7"),
                ("anthropic-ratelimit-requests-reset", "2026-01-01T00:00:20Z"),
            ],
            PLAIN,
            None,
        ),
        (
            Anthropic,
            429,
            &[
                ("anthropic-ratelimit-unified-status", "rejected"),
                ("anthropic-ratelimit-unified-5h-status", "rejected"),
                ("anthropic-ratelimit-unified-5h-reset", "1767229200"),
                ("anthropic-ratelimit-unified-7d-status", "allowed"),
                ("anthropic-ratelimit-unified-7d-reset", "1767700000"),
                (
                    "anthropic-ratelimit-unified-representative-claim",
                    "five_hour",
                ),
            ],
            PLAIN,
            Some((3_600_000, "anthropic-ratelimit-unified-5h-reset")),
        ),
        (
            Anthropic,
            429,
            &[
                ("anthropic-ratelimit-unified-status", "rejected"),
                ("anthropic-ratelimit-unified-reset", "1767229200"),
                (
                    "anthropic-ratelimit-unified-representative-claim",
                    "seven_day_opus",
                ),
            ],
            PLAIN,
            Some((3_600_000, "anthropic-ratelimit-unified-reset")),
        ),
        // A short limit on an account that has enough left, and buys nothing beyond it.
        (
            Anthropic,
            429,
            &[
                ("anthropic-ratelimit-unified-status", "allowed"),
                ("anthropic-ratelimit-unified-reset", "1767229200"),
                ("anthropic-ratelimit-unified-5h-status", "allowed"),
                ("anthropic-ratelimit-unified-5h-reset", "1767229200"),
                ("anthropic-ratelimit-unified-overage-status", "rejected"),
                ("anthropic-ratelimit-unified-overage-reset", "1769904000"),
            ],
            PLAIN,
            None,
        ),
    ]);
}

#[test]
fn openais_windows_count_where_they_are_exhausted() {
    check(&[
        (
            OpenAi,
            429,
            &[
                ("x-ratelimit-remaining-requests", "0"),
                ("x-ratelimit-reset-requests", "6m0s"),
            ],
            PLAIN,
            Some((360_000, "x-ratelimit-reset-requests")),
        ),
        (
            OpenAi,
            429,
            &[
                ("x-ratelimit-remaining-requests", "0"),
                ("x-ratelimit-reset-requests", "120ms"),
            ],
            PLAIN,
            Some((120, "x-ratelimit-reset-requests")),
        ),
        (
            OpenAi,
            429,
            &[
                ("x-ratelimit-remaining-tokens", "0"),
                ("x-ratelimit-reset-tokens", "2m30s"),
            ],
            PLAIN,
            Some((150_000, "x-ratelimit-reset-tokens")),
        ),
        (
            OpenAi,
            429,
            &[
                ("x-ratelimit-remaining-requests", "99"),
                ("x-ratelimit-reset-requests", "6ms"),
            ],
            PLAIN,
            None,
        ),
        (
            OpenAi,
            429,
            &[
                ("x-ratelimit-remaining-requests", "0"),
                ("x-ratelimit-reset-requests", "1s"),
                ("x-ratelimit-remaining-tokens", "50"),
                ("x-ratelimit-reset-tokens", "6m0s"),
            ],
            PLAIN,
            Some((1_000, "x-ratelimit-reset-requests")),
        ),
        // Without a word about what is left, the message tells which window it was.
        (
            OpenAi,
            429,
            &[
                ("x-ratelimit-reset-requests", "1h0m0s"),
                ("x-ratelimit-reset-tokens", "8s"),
            ],
            r#"{"error":{"message":"Rate limit reached on tokens per min (TPM)"}}"#,
            Some((8_000, "x-ratelimit-reset-tokens")),
        ),
        // Seconds, epoch seconds and epoch milliseconds, told apart by size.
        (
            OpenAi,
            429,
            &[("x-ratelimit-reset", "60")],
            PLAIN,
            Some((60_000, "x-ratelimit-reset")),
        ),
        (
            OpenAi,
            429,
            &[("x-ratelimit-reset", "1767225660")],
            PLAIN,
            Some((60_000, "x-ratelimit-reset")),
        ),
        (
            OpenAi,
            429,
            &[("x-ratelimit-reset", "1767225660500")],
            PLAIN,
            Some((60_500, "x-ratelimit-reset")),
        ),
        (
            OpenAi,
            429,
            &[
                ("x-codex-primary-used-percent", "100"),
                ("x-codex-primary-reset-after-seconds", "90"),
                ("x-codex-secondary-used-percent", "20"),
                ("x-codex-secondary-reset-after-seconds", "9000"),
            ],
            PLAIN,
            Some((90_000, "x-codex-primary-reset-after-seconds")),
        ),
    ]);
}

#[test]
fn waits_in_a_body_are_found_with_their_path() {
    check(&[
        (
            OpenAi,
            429,
            &[],
            r#"{"error":{"type":"usage_limit_reached","resets_in_seconds":60,"resets_at":1767225661}}"#,
            Some((60_000, "error.resets_in_seconds")),
        ),
        (
            OpenAi,
            429,
            &[],
            r#"{"error":{"type":"usage_limit_reached","resets_at":1767225661}}"#,
            Some((61_000, "error.resets_at")),
        ),
        (
            OpenAi,
            429,
            &[],
            r#"{"error":{"type":"usage_limit_reached","resets_at":1767225661000}}"#,
            Some((61_000, "error.resets_at")),
        ),
        (
            OpenAi,
            429,
            &[],
            r#"{"error":{"message":"x","metadata":{"headers":{"X-RateLimit-Reset":"1767225601000"}}}}"#,
            Some((1_000, "error.metadata.headers.X-RateLimit-Reset")),
        ),
        (
            OpenAi,
            429,
            &[],
            r#"{"type":"error","status":429,"error":{"type":"usage_limit_reached"},"headers":{"retry-after":"30"}}"#,
            Some((30_000, "headers.retry-after")),
        ),
        (
            Gemini,
            429,
            &[],
            r#"{"error":{"message":"m","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"40s"}]}}"#,
            Some((40_000, "error.details.0.retryDelay")),
        ),
        (
            Gemini,
            429,
            &[],
            r#"[{"error":{"message":"m","details":[{"retryDelay":{"seconds":"3","nanos":500000000}}]}}]"#,
            Some((3_500, "0.error.details.0.retryDelay")),
        ),
        (
            Antigravity,
            429,
            &[],
            r#"{"error":{"message":"m","details":[{"metadata":{"quotaResetDelay":"1h2m3.5s","quotaResetTimeStamp":"2026-01-01T09:00:00Z"}},{"retryDelay":"0.5s"}]}}"#,
            Some((3_723_500, "error.details.0.metadata.quotaResetDelay")),
        ),
        (
            Antigravity,
            429,
            &[],
            r#"{"error":{"message":"m","details":[{"metadata":{"quotaResetTimeStamp":"2026-01-01T09:00:00Z"}}]}}"#,
            Some((32_400_000, "error.details.0.metadata.quotaResetTimeStamp")),
        ),
    ]);
}

#[test]
fn waits_in_words_are_read() {
    let texts: [(&str, Option<u64>); 11] = [
        ("Please try again in 174ms.", Some(174)),
        ("Please try again in 26.604s. Visit the docs.", Some(26_604)),
        ("Please try again in 7m12s.", Some(432_000)),
        ("Please retry after 9 seconds.", Some(9_000)),
        ("Please retry in 40.025771073s.", Some(40_025)),
        ("Your quota will reset after 1h2m3s.", Some(3_723_000)),
        ("Limit reached. Resets in 9h22m20s", Some(33_740_000)),
        (
            "You will regain access on 2026-01-02 at 00:00 UTC.",
            Some(86_400_000),
        ),
        ("Please try again in a few minutes.", None),
        ("You have used your rolling 24-hour window.", None),
        ("Your quota will reset after 0s.", None),
    ];
    for (text, wait) in texts {
        let body = format!(r#"{{"error":{{"message":"{text}"}}}}"#);
        let got = reset(OpenAi, 429, &[], &body);
        let got = got
            .as_ref()
            .map(|reset| (reset.after_ms, reset.source.as_str()));
        assert_eq!(got, wait.map(|wait| (wait, "message")), "{text}");
    }
    let bar = "Claude AI usage limit reached|1767229200";
    assert_eq!(reset(Anthropic, 429, &[], bar).unwrap().after_ms, 3_600_000);
}

#[test]
fn placeholders_and_impossible_values_are_not_believed() {
    let headers: [(&str, &str); 16] = [
        ("retry-after", "0"),
        ("retry-after", "-1"),
        ("retry-after", "120s"),
        ("retry-after", "soon"),
        ("retry-after", "Wed, 31 Dec 2025 23:59:00 GMT"),
        ("retry-after", "99999999999"),
        ("retry-after-ms", "-5"),
        ("anthropic-ratelimit-requests-reset", "2025-12-31T23:59:00Z"),
        ("anthropic-ratelimit-requests-reset", "0001-01-01T00:00:00Z"),
        ("anthropic-ratelimit-requests-reset", "never"),
        ("anthropic-ratelimit-unified-reset", "1767225599"),
        ("anthropic-ratelimit-unified-reset", "0"),
        ("x-ratelimit-reset-tokens", "-1"),
        ("x-ratelimit-reset-tokens", "0"),
        ("x-ratelimit-reset-tokens", "0s"),
        ("x-ratelimit-reset", "40000000000000"),
    ];
    for (name, value) in headers {
        assert_eq!(
            reset(Anthropic, 429, &[(name, value)], PLAIN),
            None,
            "{name}: {value}"
        );
    }
    for member in [
        r#""retryDelay":"0s""#,
        r#""retryDelay":"-3s""#,
        r#""resets_at":1"#,
        r#""resets_in_seconds":-1"#,
        r#""resets_at":"2025-01-01T00:00:00Z""#,
    ] {
        let body = format!(r#"{{"error":{{"message":"m",{member}}}}}"#);
        assert_eq!(reset(OpenAi, 429, &[], &body), None, "{body}");
    }
}

#[test]
fn the_state_of_a_limit_is_nothing_to_a_request_that_was_refused_for_itself() {
    check(&[
        (Anthropic, 400, &[("retry-after", "30")], PLAIN, None),
        (
            OpenAi,
            400,
            &[
                ("x-ratelimit-remaining-requests", "0"),
                ("x-ratelimit-reset-requests", "6m0s"),
            ],
            PLAIN,
            None,
        ),
    ]);
}

#[test]
fn what_a_limit_reaches_is_told_by_the_windows_and_the_claim() {
    const REJECTED: (&str, &str) = ("anthropic-ratelimit-unified-status", "rejected");
    const CLAIM: &str = "anthropic-ratelimit-unified-representative-claim";
    let cases: &[(Headers, Reach)] = &[
        (
            &[
                ("anthropic-ratelimit-unified-5h-status", "allowed"),
                ("anthropic-ratelimit-unified-7d_opus-status", "rejected"),
            ],
            Reach::Family("opus"),
        ),
        (
            &[
                ("anthropic-ratelimit-unified-7d_sonnet-status", "rejected"),
                ("anthropic-ratelimit-unified-overage-status", "rejected"),
            ],
            Reach::Family("sonnet"),
        ),
        (
            &[
                ("anthropic-ratelimit-unified-7d_sonnet-status", "rejected"),
                ("anthropic-ratelimit-unified-7d_opus-status", "rejected"),
            ],
            Reach::Model,
        ),
        (
            &[("anthropic-ratelimit-unified-7d_oi-status", "rejected")],
            Reach::Model,
        ),
        (
            &[
                ("anthropic-ratelimit-unified-7d-status", "rejected"),
                ("anthropic-ratelimit-unified-7d_opus-status", "rejected"),
            ],
            Reach::Account,
        ),
        (
            &[REJECTED, (CLAIM, "seven_day_opus")],
            Reach::Family("opus"),
        ),
        (
            &[REJECTED, (CLAIM, "seven_day_sonnet")],
            Reach::Family("sonnet"),
        ),
        (
            &[REJECTED, (CLAIM, "seven_day_overage_included")],
            Reach::Model,
        ),
        (&[REJECTED, (CLAIM, "seven_day")], Reach::Account),
        (&[REJECTED, (CLAIM, "five_hour")], Reach::Account),
        (
            &[
                REJECTED,
                (CLAIM, "five_hour"),
                ("anthropic-ratelimit-unified-5h-status", "allowed"),
            ],
            Reach::Model,
        ),
        // A claim is sent with every answer; without a rejection it says nothing.
        (
            &[
                ("anthropic-ratelimit-unified-status", "allowed"),
                (CLAIM, "seven_day_opus"),
            ],
            Reach::Account,
        ),
    ];
    for (headers, reach) in cases {
        let mut with_wait = vec![("retry-after", "60")];
        with_wait.extend(*headers);
        let got = reset(Anthropic, 429, &with_wait, "{}").unwrap();
        assert_eq!((got.scope, got.after_ms), (*reach, 60_000), "{headers:?}");
        let mut with_reset = vec![("anthropic-ratelimit-unified-reset", "1767225660")];
        with_reset.extend(*headers);
        let got = reset(Anthropic, 429, &with_reset, "{}");
        assert!(got.is_none_or(|got| got.scope == *reach), "{headers:?}");
    }
}

#[test]
fn limits_of_the_apis_are_of_a_model_and_those_of_a_plan_of_the_account() {
    let plan = r#"{"error":{"type":"usage_limit_reached","resets_in_seconds":60}}"#;
    assert_eq!(reset(OpenAi, 429, &[], plan).unwrap().scope, Reach::Account);
    let api = r#"{"error":{"message":"Rate limit reached for gpt-5 on tokens per min (TPM). Please try again in 2s."}}"#;
    assert_eq!(reset(OpenAi, 429, &[], api).unwrap().scope, Reach::Model);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_header_says_no_wait_is_zero_or_beyond_a_year(
        name in prop::sample::select(vec![
            "retry-after", "retry-after-ms", "anthropic-ratelimit-tokens-reset", "anthropic-ratelimit-unified-5h-reset",
            "anthropic-ratelimit-unified-reset", "x-ratelimit-reset-requests", "x-ratelimit-reset", "x-codex-primary-reset-after-seconds",
        ]),
        value in prop_oneof!["[ -~]{0,24}", "-?[0-9]{1,20}(\\.[0-9]{1,12})?(ms|s|m|h)?", Just("2026-05-01T00:00:00Z".to_owned())],
    ) {
        let rejected = ("anthropic-ratelimit-unified-5h-status", "rejected");
        if let Some(found) = reset(Anthropic, 429, &[(name, &value), rejected], PLAIN) {
            prop_assert!((1..=366 * 24 * 3_600_000).contains(&found.after_ms));
            prop_assert_eq!(found.source, name);
        }
    }
}
