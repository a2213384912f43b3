#![allow(clippy::unwrap_used, clippy::panic)]
//! Good answers whose headers say that nothing is left, and the many that only seem to.

use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use waybill_model::{
    protocol::Platform::{self, *},
    state::Reach::{self, *},
    time::UnixMillis,
};
use waybill_wire::limits::used_up;

/// 2026-01-01T00:00:00Z
const NOW: UnixMillis = UnixMillis(1_767_225_600_000);

fn headers(of: &[(&'static str, &str)]) -> HeaderMap {
    of.iter()
        .map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_str(value).unwrap(),
            )
        })
        .collect()
}

fn check(platform: Platform, of: &[(&'static str, &str)], expected: Option<(u64, &str, Reach)>) {
    let got = used_up(platform, &headers(of), NOW);
    let got = got
        .as_ref()
        .map(|reset| (reset.after_ms, reset.source.as_str(), reset.scope));
    assert_eq!(got, expected, "{of:?}");
}

#[test]
fn a_subscription_whose_window_is_used_up_rests_until_it_ends() {
    let status = ("anthropic-ratelimit-unified-status", "rejected");
    let window = [
        status,
        ("anthropic-ratelimit-unified-5h-status", "rejected"),
        ("anthropic-ratelimit-unified-5h-reset", "1767229200"),
    ];
    check(
        Anthropic,
        &window,
        Some((3_600_000, "anthropic-ratelimit-unified-5h-reset", Account)),
    );
    let family = [
        status,
        ("anthropic-ratelimit-unified-7d_opus-status", "rejected"),
        ("anthropic-ratelimit-unified-7d_opus-reset", "1767229200"),
    ];
    check(
        Anthropic,
        &family,
        Some((
            3_600_000,
            "anthropic-ratelimit-unified-7d_opus-reset",
            Family("opus"),
        )),
    );
    let on_credit = [
        window.as_slice(),
        &[("anthropic-ratelimit-unified-overage-in-use", "true")],
    ]
    .concat();
    check(Anthropic, &on_credit, None);
    let plan = [
        ("x-codex-primary-used-percent", "100.0"),
        ("x-codex-primary-reset-after-seconds", "600"),
        ("x-codex-secondary-used-percent", "40"),
        ("x-codex-secondary-reset-after-seconds", "90000"),
    ];
    check(
        OpenAi,
        &plan,
        Some((600_000, "x-codex-primary-reset-after-seconds", Account)),
    );
    let credits = [plan.as_slice(), &[("x-codex-credits-has-credits", "True")]].concat();
    check(OpenAi, &credits, None);
}

#[test]
fn a_limit_of_requests_with_none_left_rests_until_there_is_one() {
    // Fifty a day, full again in a day: one more in about half an hour.
    let openai = [
        ("x-ratelimit-limit-requests", "50"),
        ("x-ratelimit-remaining-requests", "0"),
        ("x-ratelimit-reset-requests", "24h0m0s"),
    ];
    check(
        OpenAi,
        &openai,
        Some((1_728_000, "x-ratelimit-reset-requests", Model)),
    );
    let anthropic = [
        ("anthropic-ratelimit-requests-limit", "5"),
        ("anthropic-ratelimit-requests-remaining", "0"),
        ("anthropic-ratelimit-requests-reset", "2026-01-01T00:01:00Z"),
    ];
    check(
        Anthropic,
        &anthropic,
        Some((12_000, "anthropic-ratelimit-requests-reset", Model)),
    );
}

#[test]
fn what_is_not_said_clearly_is_not_believed() {
    let openai: &[&[(&str, &str)]] = &[
        &[],
        // The next one is free before it is missed.
        &[
            ("x-ratelimit-limit-requests", "5000"),
            ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-requests", "60s"),
        ],
        &[
            ("x-ratelimit-limit-requests", "50"),
            ("x-ratelimit-remaining-requests", "1"),
            ("x-ratelimit-reset-requests", "24h0m0s"),
        ],
        &[
            ("x-ratelimit-limit-requests", "50"),
            ("x-ratelimit-remaining-requests", "0"),
        ],
        &[
            ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-requests", "24h0m0s"),
        ],
        // Placeholders.
        &[
            ("x-ratelimit-limit-requests", "0"),
            ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-requests", "24h0m0s"),
        ],
        &[
            ("x-ratelimit-limit-requests", "-1"),
            ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-requests", "24h0m0s"),
        ],
        &[
            ("x-ratelimit-limit-requests", "50"),
            ("x-ratelimit-remaining-requests", "-1"),
            ("x-ratelimit-reset-requests", "-1"),
        ],
        &[
            ("x-ratelimit-limit-requests", "50"),
            ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-requests", "0"),
        ],
        &[
            ("x-ratelimit-limit-requests", "1"),
            ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-requests", "40000000000000"),
        ],
        // Tokens never count.
        &[
            ("x-ratelimit-limit-tokens", "10"),
            ("x-ratelimit-remaining-tokens", "0"),
            ("x-ratelimit-reset-tokens", "24h0m0s"),
        ],
        // Nearly.
        &[
            ("x-codex-primary-used-percent", "99.9"),
            ("x-codex-primary-reset-after-seconds", "600"),
        ],
        &[("x-codex-primary-used-percent", "100")],
    ];
    openai.iter().for_each(|of| check(OpenAi, of, None));
    let anthropic: &[&[(&str, &str)]] = &[
        &[],
        // The good answer of a subscription that buys no usage beyond its windows.
        &[
            ("anthropic-ratelimit-unified-status", "allowed"),
            ("anthropic-ratelimit-unified-5h-status", "allowed"),
            ("anthropic-ratelimit-unified-reset", "1767229200"),
            ("anthropic-ratelimit-unified-overage-status", "rejected"),
            ("anthropic-ratelimit-unified-overage-reset", "1769904000"),
        ],
        // A window is used up, and the answers go on all the same.
        &[
            ("anthropic-ratelimit-unified-status", "allowed_warning"),
            ("anthropic-ratelimit-unified-7d_oi-status", "rejected"),
            ("anthropic-ratelimit-unified-7d_oi-reset", "1767229200"),
        ],
        &[("anthropic-ratelimit-unified-status", "rejected")],
        &[
            ("anthropic-ratelimit-unified-status", "rejected"),
            ("anthropic-ratelimit-unified-reset", "1767225599"),
        ],
        &[
            ("anthropic-ratelimit-tokens-limit", "10"),
            ("anthropic-ratelimit-tokens-remaining", "0"),
            ("anthropic-ratelimit-tokens-reset", "2026-01-01T01:00:00Z"),
        ],
    ];
    anthropic.iter().for_each(|of| check(Anthropic, of, None));
    for platform in [Gemini, Antigravity] {
        check(
            platform,
            &[
                ("x-ratelimit-limit-requests", "50"),
                ("x-ratelimit-remaining-requests", "0"),
                ("x-ratelimit-reset-requests", "24h0m0s"),
            ],
            None,
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn any_values_give_a_bounded_rest_or_none(
        platform in prop::sample::select(vec![Anthropic, OpenAi, Gemini, Antigravity]),
        values in prop::collection::vec("[ -~]{0,6}|0|rejected|100|-?[0-9]{1,20}(ms|s|h)?|2026-0[0-9]-01T00:00:00Z", 8),
    ) {
        let names = [
            "anthropic-ratelimit-unified-status", "anthropic-ratelimit-unified-reset",
            "anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-limit", "anthropic-ratelimit-requests-reset",
            "x-ratelimit-remaining-requests", "x-ratelimit-limit-requests", "x-ratelimit-reset-requests",
        ];
        let of: Vec<_> = names.into_iter().zip(values.iter().map(String::as_str)).collect();
        if let Some(reset) = used_up(platform, &headers(&of), NOW) {
            prop_assert!((1_000..=366 * 24 * 3_600_000).contains(&reset.after_ms));
        }
    }
}
