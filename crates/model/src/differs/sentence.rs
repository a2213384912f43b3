//! Differences in plain words.

use super::{ABSENT, Attribute, Count, Difference, Finding, LEAST_ROWS};
use crate::{number::grouped, time::UnixMillis};

/// One difference, with its numbers.
pub(super) fn sentence(
    attribute: Attribute,
    value: &str,
    name: &str,
    with: Count,
    known: Count,
    rows: Count,
) -> String {
    let failures = percent(with.failures, known.failures);
    let successes = percent(with.successes, known.successes);
    let what = what(attribute, value, name);
    let against = match attribute {
        Attribute::Account | Attribute::Group | Attribute::Egress => {
            format!("which served {successes} of the successes")
        }
        _ => format!("against {successes} of the successes"),
    };
    let of_known = match known.failures < rows.failures {
        true => " for which it is known",
        false => "",
    };
    format!(
        "{failures} of these failures{of_known} {what}, {against} ({} of {}, {} of {}).",
        grouped(with.failures.into()),
        grouped(known.failures.into()),
        grouped(with.successes.into()),
        grouped(known.successes.into()),
    )
}

/// What failures with a value have in common, after "of these failures".
fn what(attribute: Attribute, value: &str, name: &str) -> String {
    match attribute {
        Attribute::Account => format!("are on account {name}"),
        Attribute::Group => format!("are in group {name}"),
        Attribute::Platform => format!("are on platform {name}"),
        Attribute::Model => format!("ask for model {name}"),
        Attribute::ApiKey => format!("use the API key {name}"),
        Attribute::User => format!("are of user {name}"),
        Attribute::Client if value == ABSENT => "come from a client without a name".to_owned(),
        Attribute::Client | Attribute::ClientVersion => format!("come from the client {name}"),
        Attribute::AnthropicBeta
        | Attribute::AnthropicVersion
        | Attribute::OpenAiBeta
        | Attribute::StainlessLang
            if value == ABSENT =>
        {
            format!("send no {attribute}")
        }
        Attribute::AnthropicBeta
        | Attribute::AnthropicVersion
        | Attribute::OpenAiBeta
        | Attribute::StainlessLang => format!("send {attribute}: {name}"),
        Attribute::BodySize => format!("have a body of {name}"),
        Attribute::Stream if value == "true" => "ask for a stream".to_owned(),
        Attribute::Stream => "ask for no stream".to_owned(),
        Attribute::Endpoint => format!("ask for {name}"),
        Attribute::Time => format!("arrived from {name}"),
        Attribute::ConfigVersion => format!("met the configuration {name}"),
        Attribute::Egress if value == "direct" => "went out directly".to_owned(),
        Attribute::Egress => format!("went through the proxy {name}"),
    }
}

/// What came of it, in one or two sentences.
pub(super) fn summary(
    finding: Finding,
    rows: Count,
    attributes: &[Difference],
    sampled: bool,
) -> String {
    let failures = grouped(rows.failures.into());
    let successes = grouped(rows.successes.into());
    let said = match (finding, attributes.first()) {
        (Finding::StandsOut, Some(first)) => first.sentence.clone(),
        (Finding::StandsOut | Finding::NothingStandsOut, _) => format!(
            "Nothing stands out: these failures ({failures}) are spread as the successes ({successes}) are."
        ),
        (Finding::TooFew, _) => format!(
            "Too few to tell: {failures} failures and {successes} successes; at least {LEAST_ROWS} of each are needed."
        ),
    };
    match sampled {
        true => format!("{said} This is a sample: {failures} failures and {successes} successes."),
        false => said,
    }
}

/// A share in whole per cent. Only all is 100 %, only none is 0 %.
fn percent(part: u32, whole: u32) -> String {
    let (part, whole) = (u64::from(part), u64::from(whole));
    match (part * 200 + whole).checked_div(whole * 2) {
        None => "0 %".to_owned(),
        Some(0) if part > 0 => "under 1 %".to_owned(),
        Some(100) if part < whole => "over 99 %".to_owned(),
        Some(percent) => format!("{percent} %"),
    }
}

/// A band of sizes by its lower end.
pub(super) fn band(bytes: i64) -> String {
    match bytes {
        ..=0 => "nothing".to_owned(),
        _ => format!("{} to {}", size(bytes), size(bytes.saturating_mul(4))),
    }
}

fn size(bytes: i64) -> String {
    const UNITS: [(i64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match UNITS.iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => format!("{} {name}", bytes / unit),
        None => format!("{bytes} bytes"),
    }
}

/// A configuration: replicas that share one count its versions; a gateway that is alone says since when.
pub(super) fn configuration(version: i64) -> String {
    const COUNTED: i64 = 1_000_000_000_000;
    match version {
        ..COUNTED => format!("version {version}"),
        _ => format!("in force since {}", UnixMillis(version)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        for (part, whole, text) in [
            (480, 500, "96 %"),
            (1_220, 10_100, "12 %"),
            (1, 1_000, "under 1 %"),
            (999, 1_000, "over 99 %"),
            (0, 7, "0 %"),
            (7, 7, "100 %"),
            (0, 0, "0 %"),
        ] {
            assert_eq!(percent(part, whole), text);
        }
        assert_eq!(band(0), "nothing");
        assert_eq!(band(256), "256 bytes to 1 KiB");
        assert_eq!(band(1 << 18), "256 KiB to 1 MiB");
    }
}
