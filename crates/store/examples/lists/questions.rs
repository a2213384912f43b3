//! What is asked: every filter by itself, with what many rows have and what few have, and some together.

use waybill_model::{
    cause::{Cause, Owner, Source},
    id::{AccountId, ApiKeyId, GroupId, UserId},
    protocol::Platform,
    time::UnixMillis,
    view::{Filter, Sort, View},
};

use crate::records::Known;

/// Which list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    Errors,
    Attempts,
}

/// One question, for each of the stores.
pub struct Question {
    pub name: String,
    pub list: List,
    pub filters: [Filter; 2],
    pub sort: Sort,
    /// The page behind the first is measured.
    pub second: bool,
}

type Narrow = fn(&mut Filter, &Known);

const NARROWED: &[(&str, Narrow)] = &[
    ("all", |_, _| {}),
    ("platform", |f, _| f.platform = Some(Platform::ALL[0])),
    ("group, frequent", |f, _| f.group_id = Some(GroupId(0))),
    ("group, rare", |f, _| f.group_id = Some(GroupId(8))),
    ("group, none", |f, _| f.group_id = Some(GroupId(99))),
    ("account, frequent", |f, _| {
        f.account_id = Some(AccountId(0))
    }),
    ("account, rare", |f, _| f.account_id = Some(AccountId(49))),
    ("key, frequent", |f, _| f.api_key_id = Some(ApiKeyId(1))),
    ("key, rare", |f, _| f.api_key_id = Some(ApiKeyId(1_490))),
    ("user, frequent", |f, _| f.user_id = Some(UserId(0))),
    ("user, rare", |f, _| f.user_id = Some(UserId(497))),
    ("model, frequent", |f, _| {
        f.model = Some("model-0-2026".to_owned())
    }),
    ("model, rare", |f, _| {
        f.model = Some("model-23-2026".to_owned())
    }),
    ("model, none", |f, _| f.model = Some("model-99".to_owned())),
    ("status 429", |f, _| f.status_codes = vec![429]),
    ("status 403", |f, _| f.status_codes = vec![403]),
    ("statuses 403, 502, none", |f, _| {
        f.status_codes = vec![403, 502, 599]
    }),
    ("phase, frequent", |f, _| {
        f.phase = Some(Cause::Overloaded.info().phase)
    }),
    ("phase, rare", |f, _| {
        f.phase = Some(Cause::GatewayKeyDisabled.info().phase)
    }),
    ("type, frequent", |f, _| {
        f.error_type = Some(Cause::RateLimitTokens.info().error_type)
    }),
    ("type, rare", |f, _| {
        f.error_type = Some(Cause::AuthPermission.info().error_type)
    }),
    ("cause, frequent", |f, _| {
        f.cause = Some(Cause::RateLimitTokens)
    }),
    ("cause, one in 100", |f, _| {
        f.cause = Some(Cause::AuthPermission)
    }),
    ("cause, one in 1,000", |f, _| {
        f.cause = Some(Cause::BillingSpendLimit)
    }),
    ("cause, one in 10,000", |f, _| {
        f.cause = Some(Cause::AuthAccountDisabled)
    }),
    ("cause, one in 100,000", |f, _| {
        f.cause = Some(Cause::NoProject)
    }),
    ("cause, of one day", |f, _| {
        f.cause = Some(Cause::NetworkTls)
    }),
    ("cause, none", |f, _| f.cause = Some(Cause::TokenRefused)),
    ("severity", |f, _| {
        f.severity = Some(Cause::Overloaded.info().severity)
    }),
    ("severity of clients'", |f, _| {
        f.severity = Some(Cause::ContextLength.info().severity)
    }),
    ("owner, frequent", |f, _| f.owner = Some(Owner::Provider)),
    ("owner, client", |f, _| f.owner = Some(Owner::Client)),
    ("source, rare", |f, _| f.source = Some(Source::Gateway)),
    ("resolved", |f, _| f.resolved = Some(true)),
    ("not resolved", |f, _| f.resolved = Some(false)),
    ("recovered", |f, _| f.recovered = Some(true)),
    ("streamed", |f, _| f.stream = Some(true)),
    ("not streamed", |f, _| f.stream = Some(false)),
    ("replays", |f, _| f.replay = Some(true)),
    ("view errors", |f, _| f.view = View::Errors),
    ("view excluded", |f, _| f.view = View::Excluded),
    ("request id", |f, known| {
        f.request_id = Some(known.request_id.clone())
    }),
    ("client request id", |f, known| {
        f.client_request_id = Some(known.client_request_id.clone())
    }),
    ("fingerprint, frequent", |f, known| {
        f.fingerprint = Some(known.fingerprints[0].clone())
    }),
    ("fingerprint, none", |f, _| {
        f.fingerprint = Some("00".repeat(16))
    }),
    ("fingerprints, thirty", |f, known| {
        f.fingerprints = known.fingerprints.iter().take(30).cloned().collect()
    }),
    ("fingerprints, two of few", |f, known| {
        f.fingerprints = known.fingerprints.iter().rev().take(2).cloned().collect()
    }),
    ("q, frequent", |f, _| f.q = Some("rate limit".to_owned())),
    ("q, one in 100", |f, _| {
        f.q = Some("permission on project".to_owned())
    }),
    ("q, one in 1,000", |f, _| {
        f.q = Some("USAGE LIMITS".to_owned())
    }),
    ("q, one in 10,000", |f, _| {
        f.q = Some("has been disabled".to_owned())
    }),
    ("q, one in 100,000", |f, _| f.q = Some("zebra".to_owned())),
    ("q, of one day", |f, _| {
        f.q = Some("certificate has expired".to_owned())
    }),
    ("q, a request id", |f, known| {
        f.q = Some(known.request_id.clone())
    }),
    ("q, the end of a request id", |f, known| {
        f.q = Some(known.request_id[26..].to_owned())
    }),
    ("q, in a client's id", |f, known| {
        f.q = Some(known.client_request_id[8..20].to_owned())
    }),
    ("q, an id in a message", |f, known| {
        f.q = Some(known.in_message.clone())
    }),
    ("q, a model", |f, _| f.q = Some("model-23".to_owned())),
    ("q, none", |f, _| {
        f.q = Some("nowhere to be found".to_owned())
    }),
    ("q, none of known words", |f, _| {
        f.q = Some("limit reached for tokens".to_owned())
    }),
    ("q, six digits", |f, _| f.q = Some("770077".to_owned())),
    ("q, three letters", |f, _| f.q = Some("zeb".to_owned())),
    ("q, two letters", |f, _| f.q = Some("zq".to_owned())),
    ("q, one letter, none", |f, _| f.q = Some("ü".to_owned())),
    ("a day", |f, known| {
        f.start = UnixMillis(known.last.0 - 86_400_000 * 15);
        f.end = UnixMillis(known.last.0 - 86_400_000 * 14);
    }),
    ("a day and a rare cause", |f, known| {
        f.start = UnixMillis(known.last.0 - 86_400_000 * 15);
        f.end = UnixMillis(known.last.0 - 86_400_000 * 14);
        f.cause = Some(Cause::AuthAccountDisabled);
    }),
    ("account and cause", |f, _| {
        (f.account_id, f.cause) = (Some(AccountId(0)), Some(Cause::BillingSpendLimit));
    }),
    ("user, model and status", |f, _| {
        (f.user_id, f.model) = (Some(UserId(0)), Some("model-3-2026".to_owned()));
        f.status_codes = vec![529];
    }),
    ("rare account and rare model", |f, _| {
        (f.account_id, f.model) = (Some(AccountId(40)), Some("model-20-2026".to_owned()));
    }),
    ("q and group", |f, _| {
        (f.q, f.group_id) = (Some("credit balance".to_owned()), Some(GroupId(7)));
    }),
];

pub fn questions(known: &[Known; 2]) -> Vec<Question> {
    let mut all = Vec::new();
    for list in [List::Errors, List::Attempts] {
        for (name, narrow) in NARROWED {
            let filters = known.each_ref().map(|known| {
                let mut filter = Filter::between(
                    UnixMillis(known.first.0 - 86_400_000),
                    UnixMillis(known.last.0 + 86_400_000),
                );
                narrow(&mut filter, known);
                filter
            });
            let one = |name: String, sort, second| Question {
                name,
                list,
                filters: filters.clone(),
                sort,
                second,
            };
            let of = match list {
                List::Errors => "",
                List::Attempts => "attempts: ",
            };
            all.push(one(format!("{of}{name}"), Sort::Newest, false));
            let is_often = [
                "all",
                "cause, one in 1,000",
                "q, one in 1,000",
                "account, frequent",
            ]
            .contains(name);
            if is_often {
                all.push(one(format!("{of}{name}, oldest"), Sort::Oldest, false));
                all.push(one(format!("{of}{name}, second page"), Sort::Newest, true));
            }
        }
    }
    all
}
