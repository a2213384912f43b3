//! Requests with known fates, made from a seed. The suite uses all of it, the measurement a part.

use waybill_model::{
    cause::{Cause, Owner},
    id::{AccountId, ApiKeyId, ErrorId, GroupId, UserId},
    money::MicroUsd,
    protocol::{Endpoint, Platform},
    record::{self, Record, RequestRow, Stages},
    redact::Shown,
    rollup::Span,
    time::UnixMillis,
    waybill::{Decision, EventKind, Usage},
};

use crate::common::{DAY, error_row, event, subject};

pub const PLATFORMS: [Platform; 2] = [Platform::Anthropic, Platform::OpenAi];

/// Requests arrive within three days.
pub const START: UnixMillis = Span::Day.begin(DAY);
pub const END: UnixMillis = UnixMillis(START.0 + 3 * 86_400_000);

const MINUTE: u64 = 60_000;

/// Minutes in which something happens, of all hours and at all places in them, besides the busy ones.
const SLOTS: u64 = 108;

/// Far enough from the others for a minute of its own.
pub const LATE_MS: u64 = 3_600_000;

const MODELS: [&str; 4] = [
    "claude-sonnet-4-5",
    "claude-haiku-4-5",
    "gpt-5",
    "gpt-5-mini",
];

/// Numbers that follow from a seed.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    pub fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len() as u64) as usize]
    }

    fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1_000) < per_mille
    }
}

/// Makes one request after another.
pub struct Fates {
    random: Random,
    next: u64,
    /// How many of them an operator sent again.
    pub replays: u64,
}

impl Fates {
    pub fn of(seed: u64) -> Fates {
        Fates {
            random: Random(seed),
            next: seed << 32,
            replays: 0,
        }
    }

    /// The next one. Arrivals are in no order: clocks are set back, and what takes long is stored late.
    pub fn next(&mut self) -> Record {
        self.next += 1;
        let random = &mut self.random;
        let length = (END.0 - START.0) as u64;
        // Some minutes are busy, most are empty: every minute in which something happens costs dozens of rows.
        let at = match random.chance(600) {
            true => random.below(600_000),
            false => {
                let slot = random.below(SLOTS);
                let minute = slot * (length / MINUTE / SLOTS) + slot % (length / MINUTE / SLOTS);
                minute * MINUTE + random.below(MINUTE)
            }
        };
        let platform = *random.one_of(&PLATFORMS);
        let account = 1 + random.below(4) as i64;
        let is_routed = random.chance(970);
        let failed: Option<(Cause, u16)> = random.chance(200).then(|| {
            *random.one_of(&[
                (Cause::Overloaded, 529),
                (Cause::RateLimitRequests, 429),
                (Cause::ServerError, 500),
                (Cause::StreamErrorEvent, 200),
                (Cause::GatewayNoAccount, 503),
                (Cause::GatewayConcurrencyLimit, 429),
                (Cause::GatewayQuotaExhausted, 429),
                (Cause::GatewayModelNotServed, 404),
                (Cause::InvalidRequest, 400),
                (Cause::ClientClosed, 499),
                (Cause::NetworkReset, 502),
            ])
        });
        let hidden = match failed {
            _ if random.chance(900) => 0,
            _ => 1 + random.below(3),
        };
        let is_own = matches!(failed, Some((cause, _)) if cause.as_str().starts_with("gateway."));
        let has_last = !(is_own && hidden == 0);
        let unserved = matches!(failed, Some((Cause::GatewayNoAccount, _))) && random.chance(500);
        let served = u64::from(
            has_last && !matches!(failed, Some((cause, _)) if cause != Cause::ClientClosed),
        );
        let failed_attempts = hidden + u64::from(failed.is_some() && !is_own && served == 0);
        let attempts = failed_attempts + served;
        let duration = 10 + random.below(20) * random.below(20) * random.below(500);
        let mut stage = || random.chance(800).then(|| random.below(3_000) as u32);
        let stages = Stages {
            auth_ms: stage(),
            routing_ms: stage(),
            upstream_ms: stage(),
            response_ms: stage(),
        };
        let subject = record::Subject {
            created_at: START.plus_ms(at as i64),
            platform,
            endpoint: Some(*random.one_of(&[
                Endpoint::Messages,
                Endpoint::ChatCompletions,
                Endpoint::CountTokens,
            ])),
            model: random
                .chance(950)
                .then(|| Shown::own(MODELS[random.below(4) as usize])),
            status_code: failed.map_or(200, |(_, status)| status),
            latency_ms: duration as u32,
            time_to_first_token_ms: random.chance(700).then_some((duration / 3) as u32),
            user_id: Some(UserId(1 + random.below(9) as i64)),
            api_key_id: Some(ApiKeyId(1 + random.below(20) as i64)),
            account_id: (attempts > 0).then_some(AccountId(account)),
            group_id: is_routed.then(|| GroupId(1 + random.below(2) as i64)),
            attempts: attempts as u32,
            replay_of: random.chance(10).then_some(ErrorId(1)),
            ..subject(self.next)
        };
        self.replays += u64::from(subject.replay_of.is_some());
        let is_recovered = failed.is_none() && failed_attempts > 0;
        let request = RequestRow {
            subject: subject.clone(),
            cause: failed.map(|(cause, _)| cause),
            recovered: is_recovered,
            usage: Usage {
                input_tokens: random.chance(900).then(|| random.below(10_000)),
                output_tokens: random.chance(900).then(|| random.below(2_000)),
                cache_read_tokens: random.chance(300).then(|| random.below(9_000)),
                cache_write_tokens: random.chance(300).then(|| random.below(900)),
            },
            cost: random
                .chance(900)
                .then(|| MicroUsd(random.below(100_000) as i64)),
            body_bytes: None,
            stages,
            unserved,
        };
        let causes = [
            (Cause::Overloaded, 529),
            (Cause::RateLimitRequests, 429),
            (Cause::NetworkReset, 0),
        ];
        let mut events = Vec::new();
        for number in 1..=failed_attempts {
            let is_last = number == failed_attempts && number > hidden;
            let (cause, status) = match failed {
                Some(failed) if is_last => failed,
                _ => *random.one_of(&causes),
            };
            let mut row = event(
                self.next,
                number as u32,
                EventKind::HttpError,
                Decision::NextAccount,
            );
            row.cause = cause;
            row.upstream_status_code = (status > 0).then_some(status);
            row.account_id = AccountId(if is_last {
                account
            } else {
                1 + random.below(4) as i64
            });
            row.platform = if is_last {
                platform
            } else {
                *random.one_of(&PLATFORMS)
            };
            row.response_body = None;
            events.push(row);
        }
        let error = (failed.is_some() || is_recovered).then(|| {
            let last = events.last().map(|event| event.cause);
            let cause = failed.map(|(cause, _)| cause).or(last).unwrap();
            let mut error = error_row(subject, cause);
            error.recovered = is_recovered;
            error.upstream_error_count = failed_attempts as u32;
            error.request_body = None;
            // What failed alike on two accounts is the client's own.
            if cause == Cause::InvalidRequest && random.chance(300) {
                error.verdict.owner = Owner::Client;
            }
            Box::new(error)
        });
        Record {
            request: Some(request),
            error,
            events,
            replay: None,
        }
    }
}

/// What a changed rule says: failures of providers' servers are the client's own.
pub fn judge_anew(record: &mut Record) {
    if let Some(error) = &mut record.error
        && error.verdict.cause == Cause::ServerError
    {
        error.verdict.owner = Owner::Client;
    }
}
