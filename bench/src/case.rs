//! The cases: what is asked, of which group, and what must come back. One table.

use anyhow::{Context, Result};
use serde::Serialize;

use crate::{
    answer::Ask,
    request::{Expect, Request},
    subject::{KEY_PAIR, KEY_SINGLE, Kind, Running},
};

/// One row of the comparison.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Case {
    /// Its name in tables and for `--only`.
    pub name: &'static str,
    /// What the upstream is asked for.
    pub model: &'static str,
    /// Size of the request.
    pub request_bytes: usize,
    /// Of which group.
    pub group: Group,
    /// How failures come back.
    pub refusal: Refusal,
    /// Whether nginx is also measured with its access log on.
    pub with_log: bool,
}

/// Which group of the gateway is asked.
#[derive(Clone, Copy, Debug, Serialize)]
pub enum Group {
    /// One account.
    Single,
    /// Two accounts, the first preferred.
    Pair,
}

/// How a failure of the upstream comes back.
#[derive(Clone, Copy, Debug, Serialize)]
pub enum Refusal {
    /// It does not: every answer must be good.
    Never,
    /// Some answers have this status.
    Some(u16),
    /// All have this status.
    All(u16),
    /// However the gateway sees fit; only the books must balance.
    Any,
}

const fn case(
    name: &'static str,
    model: &'static str,
    request_bytes: usize,
    group: Group,
    refusal: Refusal,
) -> Case {
    Case {
        name,
        model,
        request_bytes,
        group,
        refusal,
        with_log: false,
    }
}

/// Every case, in the order of the run.
pub const CASES: &[Case] = &[
    Case {
        with_log: true,
        ..case("1 KiB", "bench-1k", 1024, Group::Single, Refusal::Never)
    },
    case(
        "100 KiB",
        "bench-100k",
        100 * 1024,
        Group::Single,
        Refusal::Never,
    ),
    case(
        "1 MiB",
        "bench-1m",
        1024 * 1024,
        Group::Single,
        Refusal::Never,
    ),
    case(
        "stream 50",
        "bench-stream-50-0us",
        1024,
        Group::Single,
        Refusal::Never,
    ),
    case(
        "stream 50 paced",
        "bench-stream-50-200us",
        1024,
        Group::Single,
        Refusal::Never,
    ),
    case(
        "stream 100",
        "bench-stream-100-0us",
        1024,
        Group::Single,
        Refusal::Never,
    ),
    case(
        "fail 10 %",
        "bench-fail-10-400",
        1024,
        Group::Single,
        Refusal::Some(400),
    ),
    case(
        "fail 100 %",
        "bench-fail-100-400",
        1024,
        Group::Single,
        Refusal::All(400),
    ),
    case(
        "fail 100 %, 100 KiB",
        "bench-fail-100-400",
        100 * 1024,
        Group::Single,
        Refusal::All(400),
    ),
    case(
        "fail 100 % with 500",
        "bench-fail-100-500",
        1024,
        Group::Pair,
        Refusal::Any,
    ),
    case(
        "failover",
        "bench-failover-500",
        1024,
        Group::Pair,
        Refusal::Never,
    ),
];

impl Case {
    /// The request to send to a subject.
    ///
    /// # Errors
    /// When the table names a model the upstream does not know.
    pub fn request(&self) -> Result<Request> {
        let body_bytes = Ask::parse(self.model)
            .with_context(|| format!("no such model: {}", self.model))?
            .served_bytes();
        let expect = match self.refusal {
            Refusal::Never => Expect::Served { body_bytes },
            Refusal::Some(status) => Expect::ServedOr { body_bytes, status },
            Refusal::All(status) => Expect::Refused { status },
            Refusal::Any => Expect::Anything,
        };
        let key = match self.group {
            Group::Single => KEY_SINGLE,
            Group::Pair => KEY_PAIR,
        };
        Request::new(self.model, self.request_bytes, key, expect)
    }

    /// Which address of a subject to use.
    pub fn target(&self, subject: &Running) -> std::net::SocketAddr {
        if self.is_stream() {
            subject.streams
        } else {
            subject.plain
        }
    }

    /// Whether the answer is a stream.
    pub fn is_stream(&self) -> bool {
        self.model.contains("-stream-")
    }

    /// Whether a subject takes part.
    pub fn includes(&self, kind: Kind) -> bool {
        kind != Kind::NginxLog || self.with_log
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    #[test]
    fn every_case_has_a_request() {
        for case in CASES {
            case.request().unwrap();
        }
    }
}
