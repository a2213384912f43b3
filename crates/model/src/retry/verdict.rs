//! What a failure that was sent again came to, beside what it was.
//!
//! Promises: pure; one table. Must not know: how it was sent.

use crate::{cause::Cause, words};

use super::Unreplayable;

words! {
    /// What sending a failed request again says of the failure.
    pub enum Verdict {
        /// It was served: the failure would not be one now.
        WouldSucceed = "would_succeed",
        /// It failed, and the failure is of the same kind.
        FailsTheSame = "fails_the_same",
        /// It failed for another reason.
        FailsDifferently = "fails_differently",
        /// It cannot be sent again at all.
        NotReplayable = "not_replayable",
        /// It was not sent, for a reason of the moment.
        NotRun = "not_run",
        /// It was sent, and the gateway ended before the answer did: nothing is known.
        Interrupted = "interrupted",
    }
}

words! {
    /// Why a failed request was not sent again.
    pub enum NotSent {
        /// Its exact bytes are not kept, or no longer.
        BodyExpired = "body_expired",
        /// Its body is larger than what is kept.
        BodyTooLarge = "body_too_large",
        /// A key that sending it again needs is not there.
        KeyUnavailable = "key_unavailable",
        /// It was refused before it had anywhere to go.
        NotReplayable = "not_replayable",
        /// What is stored of it cannot be read by this version.
        Unreadable = "unreadable",
        /// No account was tried for it, and none was named.
        NoAccount = "no_account",
        /// Its API key has no group with the account that was named.
        AccountNotInGroup = "account_not_in_group",
        /// The account may not be used now.
        AccountNotSchedulable = "account_not_schedulable",
        /// Somebody else was sending it again.
        RetryInProgress = "retry_in_progress",
        /// It had just been sent again.
        RetryTooFrequent = "retry_too_frequent",
    }
}

impl NotSent {
    /// What that says of the failure.
    pub const fn verdict(self) -> Verdict {
        match self {
            NotSent::BodyExpired
            | NotSent::BodyTooLarge
            | NotSent::KeyUnavailable
            | NotSent::NotReplayable
            | NotSent::Unreadable
            | NotSent::NoAccount => Verdict::NotReplayable,
            NotSent::AccountNotInGroup
            | NotSent::AccountNotSchedulable
            | NotSent::RetryInProgress
            | NotSent::RetryTooFrequent => Verdict::NotRun,
        }
    }

    /// The same in words, after "was not sent: ".
    pub const fn said(self) -> &'static str {
        match self {
            NotSent::BodyExpired => "its exact bytes are not kept, or no longer",
            NotSent::BodyTooLarge => "its body is larger than what is kept",
            NotSent::KeyUnavailable => "a key that it needs is not there",
            NotSent::NotReplayable => "it was refused before it had anywhere to go",
            NotSent::Unreadable => "what is stored of it cannot be read",
            NotSent::NoAccount => "no account was tried for it",
            NotSent::AccountNotInGroup => "its API key has no group with the account",
            NotSent::AccountNotSchedulable => "the account may not be used now",
            NotSent::RetryInProgress => "somebody else was sending it",
            NotSent::RetryTooFrequent => "it had just been sent",
        }
    }
}

impl From<Unreplayable> for NotSent {
    fn from(why: Unreplayable) -> Self {
        match why {
            Unreplayable::BodyExpired => NotSent::BodyExpired,
            Unreplayable::BodyTooLarge => NotSent::BodyTooLarge,
            Unreplayable::KeyUnavailable => NotSent::KeyUnavailable,
            Unreplayable::NotReplayable => NotSent::NotReplayable,
        }
    }
}

/// A failure, as far as it is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failed {
    /// The status that a client was, or would have been, sent.
    pub status: u16,
    /// What really happened.
    pub cause: Cause,
    /// Its kind, where that is known.
    pub fingerprint: Option<[u8; 16]>,
}

/// How sending it again ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// It was served.
    Served,
    /// It failed.
    Failed(Failed),
    /// There was no whole answer within the time that it is given.
    TooLate,
}

/// What a failure that was sent again comes to. Kinds decide; where one of them is not known, or they were made
/// by different rules, the cause and the status do.
pub fn verdict(was: &Failed, came: Came) -> Verdict {
    let same = match came {
        Came::Served => return Verdict::WouldSucceed,
        // Kinds of failures by time: it does not say which part of the time ran out.
        Came::TooLate => matches!(
            was.cause,
            Cause::UpstreamTimeout | Cause::NetworkTimeout | Cause::StreamStalled
        ),
        Came::Failed(now) => match (was.fingerprint, now.fingerprint) {
            (Some(one), Some(other)) if one[0] == other[0] => one == other,
            _ => (was.cause, was.status) == (now.cause, now.status),
        },
    };
    match same {
        true => Verdict::FailsTheSame,
        false => Verdict::FailsDifferently,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(status: u16, cause: Cause, kind: Option<[u8; 16]>) -> Failed {
        Failed {
            status,
            cause,
            fingerprint: kind,
        }
    }

    #[test]
    fn what_a_failure_comes_to_is_one_table() {
        let (a, b, old) = (
            Some([2; 16]),
            Some([2, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9]),
            Some([1; 16]),
        );
        let was = failed(529, Cause::Overloaded, a);
        let cases = [
            (was, Came::Served, Verdict::WouldSucceed),
            (was, Came::Failed(was), Verdict::FailsTheSame),
            // The kind alone decides where both are known,
            (
                was,
                Came::Failed(failed(529, Cause::Overloaded, b)),
                Verdict::FailsDifferently,
            ),
            (
                was,
                Came::Failed(failed(503, Cause::Overloaded, a)),
                Verdict::FailsTheSame,
            ),
            // and cause with status where they cannot be compared.
            (
                was,
                Came::Failed(failed(529, Cause::Overloaded, None)),
                Verdict::FailsTheSame,
            ),
            (
                was,
                Came::Failed(failed(429, Cause::Overloaded, None)),
                Verdict::FailsDifferently,
            ),
            (
                was,
                Came::Failed(failed(529, Cause::ServerError, None)),
                Verdict::FailsDifferently,
            ),
            (
                failed(529, Cause::Overloaded, old),
                Came::Failed(was),
                Verdict::FailsTheSame,
            ),
            (
                failed(500, Cause::ServerError, old),
                Came::Failed(was),
                Verdict::FailsDifferently,
            ),
            // Time that runs out is like time that ran out.
            (was, Came::TooLate, Verdict::FailsDifferently),
            (
                failed(504, Cause::UpstreamTimeout, a),
                Came::TooLate,
                Verdict::FailsTheSame,
            ),
            (
                failed(504, Cause::NetworkTimeout, a),
                Came::TooLate,
                Verdict::FailsTheSame,
            ),
            (
                failed(504, Cause::StreamStalled, a),
                Came::TooLate,
                Verdict::FailsTheSame,
            ),
        ];
        for (was, came, expected) in cases {
            assert_eq!(verdict(&was, came), expected, "{was:?} {came:?}");
        }
    }

    #[test]
    fn what_was_not_sent_is_either_impossible_or_a_matter_of_the_moment() {
        for why in Unreplayable::ALL {
            assert_eq!(NotSent::from(*why).verdict(), Verdict::NotReplayable);
            assert_eq!(NotSent::from(*why).as_str(), why.as_str());
        }
        let of_the_moment = NotSent::ALL
            .iter()
            .filter(|why| why.verdict() == Verdict::NotRun);
        assert_eq!(of_the_moment.count(), 4);
    }
}
