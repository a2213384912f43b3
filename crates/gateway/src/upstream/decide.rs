//! The decision after each attempt: one pure function from facts to one word and its reason.
//!
//! No I/O, no clock, no sleeping: it can be property-tested, and replayed over recorded history.

use waybill_model::{
    cause::Blame,
    waybill::{Decision, EventKind},
};

/// What the decision is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// What the failure says about the next attempt; `None` when the attempt serves.
    pub blame: Option<Blame>,
    /// The provider answered with an error that could be shown to the client.
    pub answered: bool,
    /// Another account failed alike for this request: the request is at fault.
    pub repeats: bool,
    /// A kept-alive connection was closed before any byte of the answer: the provider may never have
    /// seen the request, and the account is not at fault.
    pub stale_connection: bool,
    /// The provider refused an access token before its end: with a new one the account may serve.
    pub stale_token: bool,
    /// Attempts made so far, this one included.
    pub attempts: u32,
    /// Attempts allowed.
    pub max_attempts: u32,
    /// Times this account was tried again already, other than with a new token.
    pub retries_here: u32,
    /// Times it was tried again with a new token.
    pub token_retries_here: u32,
    /// Another account could be tried.
    pub has_next: bool,
    /// The conversation can be told again without the signatures that were refused.
    pub retold: bool,
    /// The account has another address, which may answer.
    pub elsewhere: bool,
    /// The time for attempts is spent.
    pub out_of_time: bool,
}

/// Why the same account is tried again, where that takes more than the failure itself: each is a fact of
/// [`Facts`], which the record keeps by these words.
const SIGNATURE: &str = "the provider refused a signature: the conversation is told without";
const IDLE: &str = "an idle connection had been closed by the provider";
const TOKEN: &str = "its access token was refused before its end: a new one is had";
const ADDRESS: &str = "another address of the account may answer";

/// The fact that made a recorded attempt be followed by one on the same account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// The conversation was told without signatures.
    Retold,
    /// An idle connection had been closed.
    StaleConnection,
    /// A new access token was had.
    StaleToken,
    /// The account has another address.
    Elsewhere,
}

impl Again {
    /// Reads it from a decision's recorded reason; `None` for every other reason.
    pub fn of(reason: &str) -> Option<Again> {
        match reason {
            SIGNATURE => Some(Again::Retold),
            IDLE => Some(Again::StaleConnection),
            TOKEN => Some(Again::StaleToken),
            ADDRESS => Some(Again::Elsewhere),
            _ => None,
        }
    }
}

/// Decides what follows an attempt made before any content reached the client.
pub fn decide(facts: Facts) -> (Decision, &'static str) {
    let Some(blame) = facts.blame else {
        return (Decision::Serve, "the provider answered");
    };
    let end = |reason| {
        // A pool credential's refusal is never shown as if it were the client's own.
        let surface = facts.answered && blame != Blame::Credential;
        (
            if surface {
                Decision::Surface
            } else {
                Decision::GiveUp
            },
            reason,
        )
    };
    if facts.repeats {
        return end("another account failed alike: the request is at fault");
    }
    if facts.retold && !facts.out_of_time {
        return (Decision::RetrySameAccount, SIGNATURE);
    }
    if blame == Blame::Request {
        return end("the request would fail the same on every account");
    }
    if facts.out_of_time {
        return end("the time for attempts is spent");
    }
    if facts.stale_connection && facts.retries_here == 0 {
        return (Decision::RetrySameAccount, IDLE);
    }
    // Counted by itself: a connection that had been closed says nothing about the token.
    if facts.stale_token && facts.token_retries_here == 0 {
        return (Decision::RetrySameAccount, TOKEN);
    }
    if facts.attempts >= facts.max_attempts {
        return end("the attempt limit is reached");
    }
    if facts.elsewhere {
        return (Decision::RetrySameAccount, ADDRESS);
    }
    if facts.has_next {
        return (
            Decision::NextAccount,
            match blame {
                Blame::Account => "this account cannot serve it now",
                Blame::Credential => "this account's credential is at fault",
                Blame::Transient | Blame::Request => "the provider or the way to it failed",
            },
        );
    }
    if blame == Blame::Transient && !facts.answered && facts.retries_here == 0 {
        return (
            Decision::RetrySameAccount,
            "no other account is left, and the failure may pass",
        );
    }
    end("no other account is left")
}

/// The kind of event a failed attempt leaves behind, given what was decided. Broken streams name
/// themselves.
pub fn event_kind(answered: bool, decision: Decision, attempts: u32) -> EventKind {
    match (answered, decision) {
        (false, _) => EventKind::RequestError,
        (true, Decision::NextAccount) => EventKind::Failover,
        (true, Decision::RetrySameAccount) => EventKind::Retry,
        (true, Decision::Serve | Decision::Surface | Decision::GiveUp) if attempts > 1 => {
            EventKind::RetryExhausted
        }
        (true, Decision::Serve | Decision::Surface | Decision::GiveUp) => EventKind::HttpError,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn facts() -> impl Strategy<Value = Facts> {
        let blame = prop_oneof![
            Just(None),
            Just(Some(Blame::Request)),
            Just(Some(Blame::Account)),
            Just(Some(Blame::Credential)),
            Just(Some(Blame::Transient)),
        ];
        (
            blame,
            any::<bool>(),
            any::<bool>(),
            any::<bool>(),
            any::<bool>(),
            1..20u32,
            1..10u32,
            (0..3u32, 0..3u32),
            any::<bool>(),
            any::<bool>(),
            (any::<bool>(), any::<bool>()),
        )
            .prop_map(
                |(
                    blame,
                    answered,
                    repeats,
                    stale,
                    stale_token,
                    attempts,
                    max_attempts,
                    (retries_here, token_retries_here),
                    has_next,
                    retold,
                    (elsewhere, out_of_time),
                )| Facts {
                    blame,
                    answered,
                    repeats,
                    stale_connection: stale && !answered,
                    stale_token: stale_token && blame == Some(Blame::Credential),
                    attempts,
                    max_attempts,
                    retries_here,
                    token_retries_here,
                    has_next,
                    retold,
                    elsewhere,
                    out_of_time,
                },
            )
    }

    proptest! {
        #[test]
        fn a_requests_own_fault_is_never_tried_elsewhere(facts in facts()) {
            let (word, _) = decide(Facts { blame: Some(Blame::Request), retold: false, ..facts });
            prop_assert!(matches!(word, Decision::Surface | Decision::GiveUp));
        }

        #[test]
        fn a_credentials_refusal_is_never_surfaced(facts in facts()) {
            let facts = Facts { blame: Some(Blame::Credential), ..facts };
            let (word, _) = decide(facts);
            prop_assert_ne!(word, Decision::Surface);
        }

        #[test]
        fn nothing_is_surfaced_that_the_provider_did_not_say(facts in facts()) {
            let (word, _) = decide(Facts { answered: false, ..facts });
            prop_assert_ne!(word, Decision::Surface);
        }

        #[test]
        fn what_failed_alike_on_two_accounts_goes_to_no_third(facts in facts()) {
            let (word, _) = decide(Facts { repeats: true, ..facts });
            prop_assert!(matches!(word, Decision::Serve | Decision::Surface | Decision::GiveUp));
        }

        #[test]
        fn attempts_end(facts in facts()) {
            let (word, _) = decide(facts);
            if word == Decision::RetrySameAccount {
                let anew = facts.retold || facts.elsewhere && facts.attempts < facts.max_attempts;
                let with_token = facts.stale_token && facts.token_retries_here == 0;
                let again = anew || with_token;
                prop_assert!(facts.retries_here == 0 || again && !facts.out_of_time);
            }
            if word == Decision::NextAccount {
                prop_assert!(facts.has_next && facts.attempts < facts.max_attempts && !facts.out_of_time);
            }
        }

        #[test]
        fn a_token_is_had_anew_once_whatever_else_was_tried_again(
            facts in facts(),
            retries_here in 0..3u32,
        ) {
            let refused = Facts {
                blame: Some(Blame::Credential),
                stale_token: true,
                repeats: false,
                retold: false,
                elsewhere: false,
                stale_connection: false,
                out_of_time: false,
                answered: true,
                retries_here,
                token_retries_here: 0,
                ..facts
            };
            prop_assert_eq!(decide(refused).0, Decision::RetrySameAccount);
            let again = Facts { token_retries_here: 1, ..refused };
            prop_assert_ne!(decide(again).0, Decision::RetrySameAccount);
        }

        #[test]
        fn only_an_attempt_without_failure_serves(facts in facts()) {
            prop_assert_eq!(decide(facts).0 == Decision::Serve, facts.blame.is_none());
        }
    }
}
