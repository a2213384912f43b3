//! What a failure does to an account: one table, from cause to effect.
//!
//! Promises: pure; every cause has a row. Must not know: for how long (that is [`super::backoff`]), nor
//! what an operator's rules say (that is [`super::rules`]), which come first.

use waybill_model::{cause::Cause, state::MarkKind};

use super::backoff::Ladder;

/// What one failure does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: the request, or nobody, is at fault.
    Nothing,
    /// It stops a part of the account.
    Stops {
        /// As what.
        kind: MarkKind,
        /// Which part.
        part: Part,
        /// How its wait grows where the provider states none.
        ladder: Ladder,
    },
    /// Nothing alone; several in a row stop the account for a short while.
    CountsTowardsStop,
    /// The way to the provider failed, never the account.
    WayOnly,
}

/// Which part of an account is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Account,
    /// The model that was asked for.
    Model,
    /// As far as the provider says that its limit reaches.
    AsStated,
}

/// Answers of a broken provider in a row that stop an account.
pub const FAULTS_IN_A_ROW: u32 = 3;

/// The row of a cause.
pub const fn of(cause: Cause) -> Effect {
    match cause {
        Cause::RateLimitRequests | Cause::RateLimitTokens => {
            stops(MarkKind::RateLimited, Part::AsStated, Ladder::Rate)
        }
        Cause::RateLimitConcurrency => {
            stops(MarkKind::RateLimited, Part::AsStated, Ladder::Concurrency)
        }
        Cause::QuotaExhausted => stops(MarkKind::RateLimited, Part::AsStated, Ladder::Quota),
        Cause::Overloaded => stops(MarkKind::Overloaded, Part::Model, Ladder::Capacity),
        Cause::AuthInvalidKey
        | Cause::TokenRefused
        | Cause::NoProject
        | Cause::AuthAccountDisabled
        | Cause::AccessRegion
        | Cause::BillingCreditExhausted
        | Cause::BillingSpendLimit => stops(MarkKind::Error, Part::Account, Ladder::Refused),
        // Nothing can be sent without a token, or a project; it is asked for again soon.
        Cause::TokenUnavailable | Cause::ProjectUnavailable => {
            stops(MarkKind::Error, Part::Account, Ladder::Capacity)
        }
        Cause::AuthPermission => stops(MarkKind::Error, Part::Model, Ladder::Refused),
        // Another request on the same account is served.
        Cause::BillingEntitlement
        | Cause::RequestOverBudget
        | Cause::InvalidRequest
        | Cause::ContextLength
        | Cause::RequestTooLarge
        | Cause::ContentFilter
        | Cause::ModelNotFound
        | Cause::NotFound
        | Cause::ThinkingSignature
        | Cause::ConversationState
        | Cause::ModelGaveUp
        | Cause::ResponseTooLarge => Effect::Nothing,
        Cause::ServerError
        | Cause::BadGateway
        | Cause::UpstreamTimeout
        | Cause::InvalidResponse
        | Cause::StreamErrorEvent
        | Cause::StreamTruncated
        | Cause::StreamStalled => Effect::CountsTowardsStop,
        // What stands in front of the provider looks at where a request comes from.
        Cause::AccessChallenge
        | Cause::NetworkDns
        | Cause::NetworkConnect
        | Cause::NetworkTls
        | Cause::NetworkReset
        | Cause::NetworkTimeout
        | Cause::NetworkProxy
        | Cause::NetworkForbidden => Effect::WayOnly,
        // Our own words: no provider said them.
        Cause::GatewayInvalidKey
        | Cause::GatewayKeyDisabled
        | Cause::GatewayInvalidRequest
        | Cause::GatewayUntranslatable
        | Cause::GatewayRequestTooLarge
        | Cause::GatewayRequestTimeout
        | Cause::GatewayNotFound
        | Cause::GatewayMethodNotAllowed
        | Cause::GatewayModelNotServed
        | Cause::GatewayNoAccount
        | Cause::GatewayNoSlot
        | Cause::GatewayQueueTimeout
        | Cause::GatewayQueueFull
        | Cause::GatewayConcurrencyLimit
        | Cause::GatewayRateLimit
        | Cause::GatewayQuotaExhausted
        | Cause::GatewayBalanceExhausted
        | Cause::GatewayNoPrice
        | Cause::GatewayOverloaded
        | Cause::GatewayShutdown
        | Cause::GatewayInternal
        | Cause::ClientClosed
        | Cause::ClientStalled => Effect::Nothing,
    }
}

/// Whether a cause stops an account for want of an access token alone.
pub fn is_of_token(cause: Cause) -> bool {
    matches!(cause, Cause::TokenRefused | Cause::TokenUnavailable)
}

/// Whether a cause stops an account for want of a project alone.
pub fn is_of_project(cause: Cause) -> bool {
    matches!(cause, Cause::NoProject | Cause::ProjectUnavailable)
}

/// What several answers of a broken provider in a row do.
pub const IN_A_ROW: Effect = stops(MarkKind::Overloaded, Part::Account, Ladder::Capacity);

const fn stops(kind: MarkKind, part: Part, ladder: Ladder) -> Effect {
    Effect::Stops { kind, part, ladder }
}

/// Whether a failure's status is among those an operator lets count. A failure without a status of its
/// own (an error inside a `200`) counts as the statuses its cause usually comes with.
pub fn counts(counted: Option<&[u16]>, status: Option<u16>, cause: Cause) -> bool {
    let Some(counted) = counted else {
        return true;
    };
    match status.filter(|status| *status >= 400) {
        Some(status) => counted.contains(&status),
        None => usual_statuses(cause)
            .iter()
            .any(|status| counted.contains(status)),
    }
}

const fn usual_statuses(cause: Cause) -> &'static [u16] {
    match of(cause) {
        Effect::Stops {
            kind: MarkKind::RateLimited,
            ..
        } => &[429],
        Effect::Stops {
            kind: MarkKind::Overloaded,
            ..
        } => &[529, 503],
        Effect::Stops {
            kind: MarkKind::Error,
            ..
        } => &[401, 402, 403],
        Effect::Stops {
            kind: MarkKind::Paused | MarkKind::Disabled,
            ..
        }
        | Effect::Nothing
        | Effect::WayOnly => &[],
        Effect::CountsTowardsStop => &[500, 502, 503, 504],
    }
}

#[cfg(test)]
mod tests {
    use waybill_model::cause::{Blame, Phase};

    use super::*;

    #[test]
    fn what_is_the_requests_own_fault_stops_no_account() {
        for cause in Cause::ALL {
            if cause.info().blame == Blame::Request {
                assert_eq!(of(*cause), Effect::Nothing, "{cause}");
            }
        }
    }

    #[test]
    fn the_network_stops_no_account() {
        for cause in Cause::ALL {
            if cause.info().phase == Phase::Network {
                assert_eq!(of(*cause), Effect::WayOnly, "{cause}");
            }
        }
    }

    #[test]
    fn a_credential_that_is_refused_stops_its_account() {
        for cause in Cause::ALL {
            if cause.info().blame == Blame::Credential {
                let stops = matches!(
                    of(*cause),
                    Effect::Stops {
                        kind: MarkKind::Error,
                        ..
                    }
                );
                assert!(stops, "{cause}");
            }
        }
    }

    #[test]
    fn statuses_that_are_not_counted_have_no_effect() {
        let only_429 = Some(&[429_u16][..]);
        assert!(counts(only_429, Some(429), Cause::RateLimitRequests));
        assert!(!counts(only_429, Some(403), Cause::AuthPermission));
        // Inside a 200 the cause speaks for the status.
        assert!(counts(only_429, Some(200), Cause::RateLimitRequests));
        assert!(!counts(only_429, Some(200), Cause::Overloaded));
        assert!(counts(None, Some(403), Cause::AuthPermission));
    }
}
