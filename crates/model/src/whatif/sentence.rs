//! The answer in words: what the change would have done, and how far that may be trusted.

use super::{Reproduced, WhatIf};
use crate::number::grouped;

/// Below this share of requests with the same fate, or account, the reader is told to beware.
const TRUSTED: f64 = 0.9;

/// Above this share of attempts whose answer is not on record, too.
const GUESSED: f64 = 0.2;

/// All of it in a sentence.
pub fn summary(found: &WhatIf) -> String {
    if found.requests == 0 {
        return "No request of this window and scope can be replayed.".to_owned();
    }
    let Reproduced {
        fate_share,
        account_share,
        ..
    } = found.reproduced;
    format!(
        "Over {}, {} {} and {}; the present rules, simulated, give {:.1} % of the requests the fate that is recorded, and {:.1} % the account.",
        counted(found.requests, "request"),
        found.change,
        attempts(found),
        requests(found.difference.failed),
        fate_share * 100.0,
        account_share * 100.0,
    )
}

fn attempts(found: &WhatIf) -> String {
    let difference = found.difference.failed_attempts;
    let all = counted(found.present.failed_attempts, "failed attempt");
    match difference {
        0 => format!("would have changed nothing about {all}"),
        less if less < 0 => format!(
            "would have avoided {} of {all}",
            grouped(less.unsigned_abs())
        ),
        more => format!("would have added {} to {all}", grouped(more.unsigned_abs())),
    }
}

fn requests(difference: i64) -> String {
    match difference {
        0 => "failed no more requests and no fewer".to_owned(),
        less if less < 0 => format!("served {} more", counted(less.unsigned_abs(), "request")),
        more => format!("failed {} more", counted(more.unsigned_abs(), "request")),
    }
}

/// What has to be known to judge it.
pub fn notes(found: &WhatIf) -> Vec<String> {
    let mut notes = Vec::new();
    let basis = found.changed.basis;
    let guessed = basis.sum() - basis.recorded - basis.of_the_request;
    if found.is_cut {
        notes.push(
            "There is more on record than is replayed: the window begins later than was asked for."
                .to_owned(),
        );
    }
    if found.requests > 0
        && found
            .reproduced
            .fate_share
            .min(found.reproduced.account_share)
            < TRUSTED
    {
        notes.push(
            "The present rules, simulated, do not match the record well: beware of the difference."
                .to_owned(),
        );
    }
    if guessed as f64 > GUESSED * basis.sum() as f64 {
        notes.push(format!(
            "Of {} under the changed rules {} were answered by estimate: their accounts were not asked then.",
            counted(basis.sum(), "attempt"),
            grouped(guessed)
        ));
    }
    if basis.unknown > 0 {
        notes.push(format!(
            "{} had no attempt near enough to judge by, and counted as served.",
            counted(basis.unknown, "attempt")
        ));
    }
    notes
}

fn counted(count: u64, what: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{} {what}{s}", grouped(count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        time::UnixMillis,
        whatif::{Basis, Difference, Outcome},
    };

    fn found() -> WhatIf {
        let outcome = |failed, failed_attempts| Outcome {
            failed,
            failed_attempts,
            basis: Basis {
                recorded: 1000,
                nearest: 300,
                unknown: 1,
                ..Basis::default()
            },
            ..Outcome::default()
        };
        let (present, changed) = (outcome(0, 131), outcome(3, 43));
        WhatIf {
            start_time: UnixMillis(0),
            end_time: UnixMillis(1),
            is_cut: false,
            requests: 1204,
            left_out: 0,
            replayed: 1204,
            change: "a cool-down of 120 s on rate_limit.requests".to_owned(),
            recorded: present.clone(),
            difference: Difference::between(&present, &changed),
            present,
            changed,
            reproduced: Reproduced {
                fate_share: 0.987,
                account_share: 0.95,
                ..Reproduced::default()
            },
            notes: Vec::new(),
            summary: String::new(),
        }
        .told()
    }

    #[test]
    fn the_sentence_has_the_difference_and_how_far_it_is_to_be_trusted() {
        let found = found();
        assert_eq!(
            found.summary,
            "Over 1,204 requests, a cool-down of 120 s on rate_limit.requests would have avoided 88 of 131 failed attempts \
             and failed 3 requests more; the present rules, simulated, give 98.7 % of the requests the fate that is \
             recorded, and 95.0 % the account."
        );
        assert_eq!(found.notes.len(), 2, "{:?}", found.notes);
    }

    #[test]
    fn nothing_to_replay_is_said_and_nothing_else() {
        let none = WhatIf {
            requests: 0,
            ..found()
        }
        .told();
        assert!(none.summary.starts_with("No request"), "{}", none.summary);
    }
}
