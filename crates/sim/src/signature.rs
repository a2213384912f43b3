//! Signatures of thoughts: what the simulator signs it knows again, and nothing else.
//!
//! Promises: a signature says by itself whether it is the simulator's; it belongs to one provider and
//! to what was signed. It is no cryptography: it only has to be something that nobody makes by mistake.

use waybill_model::protocol::Platform;

use crate::seed::Seed;

const NONCE: usize = 24;
const MARK: usize = 96;

/// Signs `covered` as this provider does.
pub fn sign(platform: Platform, covered: &str) -> String {
    let nonce = Seed::of(&["nonce", platform.as_str(), covered]).letters(NONCE);
    let mark = mark(platform, &nonce, covered);
    format!("{}{nonce}{mark}", opening(platform))
}

/// Whether the provider signed exactly this. Google's take either alphabet of base64, as their SDKs
/// write the other one than the service.
pub fn is_signed(platform: Platform, covered: &str, signature: &str) -> bool {
    let signature = match platform {
        Platform::Gemini | Platform::Antigravity => signature.replace('-', "+").replace('_', "/"),
        Platform::Anthropic | Platform::OpenAi => signature.to_owned(),
    };
    let nonce = signature
        .strip_prefix(opening(platform))
        .and_then(|rest| rest.get(..NONCE));
    nonce.is_some_and(|nonce| {
        let mark = mark(platform, nonce, covered);
        signature == format!("{}{nonce}{mark}", opening(platform))
    })
}

fn mark(platform: Platform, nonce: &str, covered: &str) -> String {
    Seed::of(&["signed by the simulator", platform.as_str(), nonce, covered]).letters(MARK)
}

/// How the signatures of a provider look at their beginning; a multiple of four letters, so that
/// the whole is base64.
fn opening(platform: Platform) -> &'static str {
    match platform {
        Platform::Anthropic => "EqQBCgIYAhIM",
        Platform::OpenAi => "gAAAAABo",
        Platform::Gemini => "CiQB4/H/",
        Platform::Antigravity => "CikBGhQd",
    }
}

#[cfg(test)]
mod tests {
    use super::{is_signed, sign};
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use waybill_model::protocol::Platform;

    #[test]
    fn a_signature_holds_for_what_was_signed_and_by_whom() {
        for platform in Platform::ALL {
            let signature = sign(*platform, "a thought");
            assert!(is_signed(*platform, "a thought", &signature));
            assert!(!is_signed(*platform, "another thought", &signature));
            assert!(!is_signed(*platform, "a thought", "EqQBCgIYAhIMmade-up"));
            let other_alphabet = signature.replace('/', "_");
            let takes_both = matches!(platform, Platform::Gemini | Platform::Antigravity);
            let fits = other_alphabet == signature || takes_both;
            assert_eq!(is_signed(*platform, "a thought", &other_alphabet), fits);
            for other in Platform::ALL.iter().filter(|other| *other != platform) {
                assert!(!is_signed(*other, "a thought", &signature));
            }
            assert!(STANDARD.decode(&signature).is_ok(), "{signature}");
        }
    }
}
