//! The simulator's own API, for tests in other languages: rules, limits, what was received, counters.
//!
//! | request | answer |
//! |---|---|
//! | `POST /_sim/rules` (a rule, or a list of rules) | `201 {"rules": number of rules now}` |
//! | `GET /_sim/rules` | every rule with `matched` and `hits` |
//! | `DELETE /_sim/rules` | `204` |
//! | `POST /_sim/limits` (a limit, or a list of limits) | `201 {"limits": number of limits now}` |
//! | `GET /_sim/limits` | every limit with `refused` |
//! | `DELETE /_sim/limits` | `204` |
//! | `GET /_sim/received` | the newest requests, oldest first |
//! | `DELETE /_sim/received` | `204` |
//! | `GET /_sim/counters` | `{"requests", "in_flight", "max_in_flight", "keys"}`; `keys` has for each credential `{"requests", "limited", "in_flight", "max_in_flight", "models": {name: requests}}` |

use bytes::Bytes;
use http::{HeaderMap, Method, request::Parts};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    fault::Rule,
    json::{json, obj},
    limit::Limit,
    outgoing::{JSON, Outgoing},
    sim::Shared,
};

/// The answer, if the request is for the simulator itself.
pub(crate) fn answer(head: &Parts, body: &Bytes, shared: &Shared) -> Option<Outgoing> {
    let path = head.uri.path().strip_prefix("/_sim/")?;
    let out = match (&head.method, path) {
        (&Method::POST, "limits") => match list_from::<Limit>(body) {
            Ok(limits) => {
                limits
                    .into_iter()
                    .for_each(|limit| shared.allowances.add(limit));
                say(201, &obj! { "limits": shared.allowances.states().len() })
            }
            Err(e) => say(400, &obj! { "error": e.to_string() }),
        },
        (&Method::GET, "limits") => say(200, &shared.allowances.states()),
        (&Method::DELETE, "limits") => {
            shared.allowances.clear();
            nothing()
        }
        (&Method::POST, "rules") => match list_from::<Rule>(body) {
            Ok(rules) => {
                rules.into_iter().for_each(|rule| shared.script.add(rule));
                say(201, &obj! { "rules": shared.script.states().len() })
            }
            Err(e) => say(400, &obj! { "error": e.to_string() }),
        },
        (&Method::GET, "rules") => say(200, &shared.script.states()),
        (&Method::DELETE, "rules") => {
            shared.script.clear();
            nothing()
        }
        (&Method::GET, "received") => say(200, &shared.log.all()),
        (&Method::DELETE, "received") => {
            shared.log.clear();
            nothing()
        }
        (&Method::GET, "counters") => {
            let all = shared.log.counters();
            let counters = obj! {
                "requests": all.requests,
                "in_flight": all.in_flight,
                "max_in_flight": all.max_in_flight,
                "keys": shared.log.keys(),
            };
            say(200, &counters)
        }
        _ => say(
            404,
            &obj! { "error": "the simulator has rules, limits, received and counters under /_sim" },
        ),
    };
    Some(out)
}

/// One of something, or a list of them.
///
/// # Errors
/// What is wrong with them, with line and column.
fn list_from<T: DeserializeOwned>(text: &[u8]) -> serde_json::Result<Vec<T>> {
    if text.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
        serde_json::from_slice(text)
    } else {
        serde_json::from_slice(text).map(|one| vec![one])
    }
}

fn say<T: Serialize + ?Sized>(status: u16, value: &T) -> Outgoing {
    Outgoing::whole(status, HeaderMap::new(), JSON, json(value).to_string())
}

fn nothing() -> Outgoing {
    Outgoing {
        steps: Vec::new(),
        ..Outgoing::whole(204, HeaderMap::new(), JSON, Bytes::new())
    }
}
