//! What happened: failures over thirty days, as they come.

use waybill_model::{
    cause::{Cause, Source},
    id::{AccountId, ApiKeyId, GroupId, RequestId, UserId},
    protocol::Platform,
    record::{ErrorRow, Record, RequestRow, Stages, Subject},
    redact::Shown,
    time::UnixMillis,
    waybill::{Decision, EventKind, Usage},
};

use crate::common::{DAY, error_row, event, subject};

const SPAN_MS: u64 = 30 * 86_400_000;

/// A seed and what was made of it.
pub struct Maker {
    state: u64,
    made: u64,
    count: u64,
    /// Every byte, spelled.
    hex: Vec<&'static str>,
    pub known: Known,
}

/// Values that are asked for.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Of the middle of the time.
    pub request_id: String,
    pub client_request_id: String,
    /// Often, and once in a while.
    pub fingerprints: Vec<String>,
    /// Of one message.
    pub in_message: String,
    pub first: UnixMillis,
    pub last: UnixMillis,
}

/// So many of a hundred thousand; cause, status, message.
const KINDS: &[(u64, Cause, u16, &str)] = &[
    (
        30_000,
        Cause::RateLimitTokens,
        429,
        "This request would exceed the rate limit of your organization of {n} input tokens per minute. Contact support with request {id}.",
    ),
    (
        20_000,
        Cause::RateLimitRequests,
        429,
        "Rate limit reached for requests in organization org-{id}: limit {n}, used {n}. Please try again in {n}ms.",
    ),
    (20_000, Cause::Overloaded, 529, "Overloaded"),
    (
        10_000,
        Cause::ContextLength,
        400,
        "prompt is too long: {n} tokens > 200000 maximum",
    ),
    (9_000, Cause::AuthInvalidKey, 401, "invalid x-api-key"),
    (
        5_000,
        Cause::QuotaExhausted,
        429,
        "You exceeded your current quota, please check your plan and billing details. Retry at {n}.",
    ),
    (
        3_000,
        Cause::GatewayKeyDisabled,
        401,
        "this key is disabled",
    ),
    (
        2_000,
        Cause::BillingCreditExhausted,
        400,
        "Your credit balance is too low to access the API (balance {n}).",
    ),
    (
        900,
        Cause::AuthPermission,
        403,
        "The caller does not have permission on project prj-{id}.",
    ),
    (
        90,
        Cause::BillingSpendLimit,
        400,
        "You have reached your specified API usage limits of {n}.",
    ),
    (
        9,
        Cause::AuthAccountDisabled,
        403,
        "This organization has been disabled.",
    ),
    (
        1,
        Cause::NoProject,
        403,
        "no project for account {id}: zebra crossing",
    ),
];

impl Maker {
    pub fn new(count: u64) -> Self {
        Maker {
            state: 0x5eed,
            made: 0,
            count,
            hex: (0..256)
                .map(|byte| &*format!("{byte:02x}").leak())
                .collect(),
            known: Known::default(),
        }
    }

    /// xorshift64*.
    fn number(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.number() % limit
    }

    /// Few are much used, many little: squared twice.
    fn skewed(&mut self, limit: u64) -> u64 {
        let share = self.below(1 << 16) as f64 / f64::from(1 << 16);
        (share.powi(3) * limit as f64) as u64
    }

    /// A template with its places filled in.
    fn text(&mut self, template: &'static str) -> Shown {
        let mut parts = Vec::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            parts.push(Shown::own(before));
            let (place, after) = after.split_once('}').unwrap();
            match place {
                "n" => parts.push(Shown::number(i64::try_from(self.below(1_000_000)).unwrap())),
                _ => {
                    for _ in 0..12 {
                        let at = self.below_256();
                        parts.push(Shown::own(self.hex[at]));
                    }
                }
            }
            rest = after;
        }
        parts.push(Shown::own(rest));
        Shown::join(&parts, "")
    }

    fn below_256(&mut self) -> usize {
        usize::try_from(self.below(256)).unwrap()
    }

    pub fn next(&mut self) -> Record {
        let n = self.made;
        self.made += 1;
        // Requests end in another order than they arrive in.
        let at = DAY.plus_ms(
            i64::try_from(n * (SPAN_MS / self.count)).unwrap()
                - i64::try_from(self.below(60_000)).unwrap(),
        );
        let day = n * 30 / self.count;
        let mut random = [0; 10];
        random[..6].copy_from_slice(&self.number().to_be_bytes()[2..]);
        random[6..].copy_from_slice(&(n as u32).to_be_bytes());
        let request_id = RequestId::new(at, random);
        let mut draw = self.below(100_000);
        // The tenth day has an outage of its own; elsewhere one kind is as rare as a thousandth of a percent.
        let (cause, status, message) = if day == 10 && self.below(2) == 0 {
            (
                Cause::NetworkTls,
                502,
                "certificate has expired for host api-{n}.provider.test",
            )
        } else {
            let found = KINDS.iter().find(|(share, ..)| {
                let hit = draw < *share;
                draw = draw.wrapping_sub(*share);
                hit
            });
            let (_, cause, status, message) = found.copied().unwrap_or(KINDS[0]);
            (cause, status, message)
        };
        let message = self.text(message);
        let user = self.skewed(500);
        let account = self.skewed(50);
        let model = self.skewed(24);
        let platform = Platform::ALL[(account as usize) % Platform::ALL.len()];
        let client_request_id = (self.below(4) == 0).then(|| self.text("req_{id}"));
        let is_hidden = status != 401 && status != 400 && self.below(10) < 3;
        let subject = Subject {
            request_id,
            created_at: at,
            client_request_id: client_request_id.clone(),
            platform,
            model: Some(Shown::join(
                &[
                    Shown::own("model-"),
                    Shown::number(i64::try_from(model).unwrap()),
                    Shown::own("-2026"),
                ],
                "",
            )),
            stream: self.below(10) < 6,
            status_code: if is_hidden { 200 } else { status },
            user_id: Some(UserId(i64::try_from(user).unwrap())),
            api_key_id: Some(ApiKeyId(i64::try_from(user * 3 + self.below(3)).unwrap())),
            account_id: Some(AccountId(i64::try_from(account).unwrap())),
            group_id: Some(GroupId(i64::try_from(account % 9).unwrap())),
            ..subject(n)
        };
        let mut error = error_row(subject.clone(), cause);
        error.message = message.clone();
        error.upstream_error_message = Some(message.clone());
        error.recovered = is_hidden;
        error.fingerprint = [
            cause as u8,
            platform as u8,
            status as u8,
            7,
            7,
            7,
            7,
            7,
            7,
            7,
            7,
            7,
            7,
            7,
            7,
            7,
        ];
        if self.below(200) == 0 {
            error.verdict.source = Source::Gateway;
        }
        error.request_body = None;
        let attempts = 1 + self.below(3);
        let mut events = Vec::new();
        for attempt in 1..=attempts {
            let mut row = event(
                n,
                u32::try_from(attempt).unwrap(),
                EventKind::Failover,
                Decision::NextAccount,
            );
            row.created_at = at.plus_ms(i64::try_from(attempt * 800).unwrap());
            row.platform = platform;
            row.account_id = AccountId(i64::try_from((account + attempt - 1) % 50).unwrap());
            row.model.clone_from(&subject.model);
            row.cause = cause;
            row.upstream_status_code = Some(status);
            row.message = message.clone();
            row.upstream_request_id = Some(self.text("up_{id}"));
            row.response_body = None;
            events.push(row);
        }
        self.note(n, &error);
        Record {
            request: Some(RequestRow {
                subject,
                cause: (!is_hidden).then_some(cause),
                recovered: is_hidden,
                usage: Usage::default(),
                cost: None,
                body_bytes: Some(2_048),
                stages: Stages::default(),
                unserved: false,
            }),
            error: Some(Box::new(error)),
            events,
            replay: None,
        }
    }

    fn note(&mut self, n: u64, error: &ErrorRow) {
        let known = &mut self.known;
        if n == 0 {
            known.first = error.subject.created_at;
        }
        known.last = error.subject.created_at;
        let print: String = error
            .fingerprint
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        if known.fingerprints.len() < 40 && !known.fingerprints.contains(&print) {
            known.fingerprints.push(print);
        }
        if n <= self.count / 2 && !error.recovered {
            known.request_id = error.subject.request_id.to_string();
            if let Some(client) = &error.subject.client_request_id {
                known.client_request_id = client.to_string();
            }
            if let Some((_, id)) = error.message.as_str().split_once("org-") {
                known.in_message = id[2..18].to_owned();
            }
        }
    }
}
