//! What an HTTP status means when nothing more specific was said.
//!
//! Statuses follow RFC 9110; 499 is nginx's and Google's, 520 to 530 are Cloudflare's, 529 is
//! Anthropic's. Must not know: names or messages.

use crate::cause::Cause;

/// The cause a status stands for.
pub(super) fn cause_of(status: u16) -> Cause {
    STATUSES
        .iter()
        .find(|(known, _)| *known == status)
        .map_or_else(|| by_family(status), |(_, cause)| *cause)
}

const STATUSES: &[(u16, Cause)] = &[
    (401, Cause::AuthInvalidKey),
    (402, Cause::BillingCreditExhausted),
    (403, Cause::AuthPermission),
    (404, Cause::NotFound),
    (407, Cause::AccessChallenge), // a proxy wants its own sign-in
    (408, Cause::UpstreamTimeout),
    (413, Cause::RequestTooLarge),
    (424, Cause::ServerError), // Bedrock: the model failed while working on it
    (425, Cause::Overloaded),
    (429, Cause::RateLimitRequests),
    (431, Cause::RequestTooLarge),
    (451, Cause::AccessRegion),
    (498, Cause::Overloaded), // Groq: flex tier has no capacity
    (499, Cause::UpstreamTimeout),
    (502, Cause::BadGateway),
    (503, Cause::Overloaded),
    (504, Cause::UpstreamTimeout),
    (520, Cause::BadGateway),
    (521, Cause::NetworkConnect),
    (522, Cause::NetworkTimeout),
    (523, Cause::NetworkConnect),
    (524, Cause::UpstreamTimeout),
    (525, Cause::NetworkConnect),
    (526, Cause::NetworkTls),
    (527, Cause::NetworkConnect),
    (529, Cause::Overloaded),
    (530, Cause::NetworkDns),
    (598, Cause::NetworkTimeout),
    (599, Cause::NetworkTimeout),
];

fn by_family(status: u16) -> Cause {
    match status {
        400..=499 => Cause::InvalidRequest,
        500..=599 => Cause::ServerError,
        _ => Cause::InvalidResponse,
    }
}
