//! What is counted of finished requests, on the recorder's thread: a request is not made to wait for it.
//!
//! Promises: every finished request is counted once, kept or not; as many numbers as there are words in closed
//! sets, accounts and configured models, and never more than a bound. Must not know: how they are shown.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use waybill_model::{
    cause::{Cause, Owner, Phase},
    id::AccountId,
    protocol::{Endpoint, Platform},
    waybill::{Finished, Waybill},
    words,
};

use super::{
    convention::{self, Operation},
    family::{Families, Labels, name, word},
    histogram::Histogram,
    models::{ModelNames, OTHER},
    table::{self, Metric},
    told::{AttemptEnding, Ending, Told, attempt_end, attempt_ending},
};

/// Series of one metric at most; beyond, models are not told apart.
const MAX_SERIES: usize = 4096;

words! {
    /// Where time goes.
    pub enum Stage as "CountedStage" {
        /// The key.
        Auth = "auth",
        /// Choosing, waits included.
        Routing = "routing",
        /// Waiting for a slot.
        Queue = "queue",
        /// Name, TCP, TLS.
        Connect = "connect",
        /// From an attempt's start to the answer's head.
        FirstByte = "first_byte",
        /// From the answer's head to its end.
        Response = "response",
    }
}

words! {
    /// Tokens of a kind.
    pub enum TokenKind {
        /// Of the prompt, not from a cache.
        Input = "input",
        /// Of the answer.
        Output = "output",
        /// Of the prompt, read from the cache.
        CacheRead = "cache_read",
        /// Of the prompt, written to the cache.
        CacheWrite = "cache_write",
    }
}

/// What a GenAI histogram is kept by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Of {
    operation: Operation,
    platform: Platform,
    model: Arc<str>,
    /// The cause of an error, or the kind of tokens, or nothing.
    more: &'static str,
}

/// Numbers since the start.
#[derive(Debug, Default)]
pub struct Counts {
    requests: BTreeMap<(Platform, Option<Endpoint>, Ending), u64>,
    failures: BTreeMap<(Cause, Owner), u64>,
    hidden: BTreeMap<Cause, u64>,
    unadmitted: BTreeMap<Cause, u64>,
    replays: BTreeMap<Ending, u64>,
    attempts: BTreeMap<(AccountId, AttemptEnding), u64>,
    attempt_failures: BTreeMap<(Platform, Cause), u64>,
    tokens: BTreeMap<(Platform, Arc<str>, TokenKind), u64>,
    micro_usd: BTreeMap<(Platform, Arc<str>), u64>,
    stages: BTreeMap<Stage, Histogram>,
    server_duration: BTreeMap<Of, Histogram>,
    first_token: BTreeMap<Of, Histogram>,
    client_duration: BTreeMap<Of, Histogram>,
    token_usage: BTreeMap<Of, Histogram>,
}

impl Counts {
    /// Failures of platforms that there are, and causes, of which none has been yet: a rise from 0 is seen, the first
    /// number of a series is none.
    pub fn begin(&mut self, platforms: impl IntoIterator<Item = Platform>) {
        for platform in platforms {
            for endpoint in usual(platform) {
                let failed = (platform, Some(*endpoint), Ending::Failed);
                self.requests.entry(failed).or_default();
            }
        }
        for cause in Cause::ALL {
            let info = cause.info();
            self.failures.entry((*cause, info.owner)).or_default();
            if matches!(info.phase, Phase::Upstream | Phase::Network) {
                self.hidden.entry(*cause).or_default();
            }
        }
    }

    /// Counts a finished request.
    pub fn add(&mut self, finished: &Finished, told: &Told, models: &ModelNames) {
        let waybill = &*finished.waybill;
        if waybill.replay_of.is_some() {
            *self.replays.entry(told.ending).or_default() += 1;
            return;
        }
        let (platform, endpoint) = (waybill.platform(), waybill.arrival.endpoint);
        let request = (platform, endpoint, told.ending);
        *self.requests.entry(request).or_default() += 1;
        let failed = (platform, endpoint, Ending::Failed);
        self.requests.entry(failed).or_default();
        if let (Some(cause), Some(verdict)) = (told.error(), &told.verdict) {
            *self.failures.entry((cause, verdict.owner)).or_default() += 1;
        }
        let model = models.label(waybill.arrival.model.as_deref());
        let of = Of {
            operation: Operation::of(endpoint),
            platform,
            model,
            more: "",
        };
        self.add_times(finished, told, &of);
        self.add_attempts(finished, told, &of, models);
        self.add_usage(waybill, &of);
    }

    /// Counts a refusal before auth.
    pub fn add_unadmitted(&mut self, cause: Cause) {
        *self.unadmitted.entry(cause).or_default() += 1;
    }

    /// Lets go of accounts that are no more.
    pub fn keep_accounts(&mut self, is_there: impl Fn(AccountId) -> bool) {
        self.attempts.retain(|(account, _), _| is_there(*account));
    }

    fn add_times(&mut self, finished: &Finished, told: &Told, of: &Of) {
        let waybill = &*finished.waybill;
        let took = finished.finished_at.0.saturating_sub(waybill.opened_at.0);
        let took = u32::try_from(took).unwrap_or(0);
        let error = told.error().map_or("", Cause::as_str);
        let with_error = Of {
            more: error,
            ..of.clone()
        };
        add_to(
            &mut self.server_duration,
            &table::SERVER_DURATION,
            with_error,
            |times| times.add_ms(took),
        );
        let relayed = waybill.relayed.as_ref();
        if let Some(first) = relayed.and_then(|relayed| relayed.time_to_first_token_ms) {
            add_to(
                &mut self.first_token,
                &table::TIME_TO_FIRST_TOKEN,
                of.clone(),
                |times| times.add_ms(first),
            );
        }
        let routing = waybill.routing.as_ref();
        let queued = routing.and_then(|routing| routing.queued);
        for (stage, took) in [
            (
                Stage::Auth,
                waybill
                    .admission
                    .as_ref()
                    .map(|admission| admission.auth_latency_ms),
            ),
            (
                Stage::Routing,
                routing.map(|routing| routing.routing_latency_ms),
            ),
            (Stage::Queue, queued.map(|queued| queued.waited_ms)),
            (
                Stage::Response,
                relayed.and_then(|relayed| relayed.response_latency_ms),
            ),
        ] {
            self.add_stage(stage, took);
        }
    }

    fn add_stage(&mut self, stage: Stage, took: Option<u32>) {
        if let Some(took) = took {
            let new = || Histogram::of(&table::STAGES);
            self.stages.entry(stage).or_insert_with(new).add_ms(took);
        }
    }

    fn add_attempts(&mut self, finished: &Finished, told: &Told, of: &Of, models: &ModelNames) {
        let attempts = finished.waybill.attempts();
        for (index, attempt) in attempts.iter().enumerate() {
            let is_last = index + 1 == attempts.len();
            let ending = attempt_ending(attempt, &finished.outcome, is_last);
            *self
                .attempts
                .entry((attempt.account_id, ending))
                .or_default() += 1;
            let cause = attempt.failure.as_ref().map(|failure| failure.cause);
            if let Some(cause) = cause {
                let failure = (attempt.platform, cause);
                *self.attempt_failures.entry(failure).or_default() += 1;
                if told.ending == Ending::Recovered {
                    *self.hidden.entry(cause).or_default() += 1;
                }
            }
            self.add_stage(Stage::Connect, attempt.connect_ms);
            self.add_stage(Stage::FirstByte, attempt.first_byte_ms);
            let took = attempt_end(finished, attempt, is_last) - attempt.started_at.0;
            let took = u32::try_from(took).unwrap_or(0);
            let of = Of {
                platform: attempt.platform,
                model: models.label(attempt.upstream_model.as_deref()),
                more: cause.map_or("", Cause::as_str),
                ..of.clone()
            };
            add_to(
                &mut self.client_duration,
                &table::CLIENT_DURATION,
                of,
                |times| times.add_ms(took),
            );
        }
    }

    fn add_usage(&mut self, waybill: &Waybill, of: &Of) {
        let Some(relayed) = &waybill.relayed else {
            return;
        };
        let usage = &relayed.usage;
        let cached = [usage.cache_read_tokens, usage.cache_write_tokens];
        let all = convention::input_tokens(of.platform, usage);
        let fresh = all.map(|all| all.saturating_sub(cached.into_iter().flatten().sum()));
        for (kind, tokens) in [
            (TokenKind::Input, fresh),
            (TokenKind::Output, usage.output_tokens),
            (TokenKind::CacheRead, usage.cache_read_tokens),
            (TokenKind::CacheWrite, usage.cache_write_tokens),
        ] {
            if let Some(tokens) = tokens.filter(|tokens| *tokens > 0) {
                let key = (of.platform, Arc::clone(&of.model), kind);
                let other = || (of.platform, Arc::from(OTHER), kind);
                let key = within(&self.tokens, key, other);
                let count = self.tokens.entry(key).or_default();
                *count = count.saturating_add(tokens);
            }
        }
        for (kind, tokens) in [("input", all), ("output", usage.output_tokens)] {
            if let Some(tokens) = tokens {
                let of = Of {
                    more: kind,
                    ..of.clone()
                };
                add_to(&mut self.token_usage, &table::TOKEN_USAGE, of, |spread| {
                    spread.add(tokens as f64)
                });
            }
        }
        if let Some(cost) = relayed.cost {
            let key = (of.platform, Arc::clone(&of.model));
            let other = || (of.platform, Arc::from(OTHER));
            let key = within(&self.micro_usd, key, other);
            let sum = self.micro_usd.entry(key).or_default();
            *sum = sum.saturating_add(u64::try_from(cost.0).unwrap_or(0));
        }
    }

    /// The numbers as they are. `account` is what an account is called; one that is no more has no name.
    pub fn families(
        &self,
        families: &mut Families,
        account: impl Fn(AccountId) -> Option<Cow<'static, str>>,
    ) {
        families.many(
            &table::REQUESTS,
            self.requests
                .iter()
                .map(|((platform, endpoint, ending), count)| {
                    let endpoint = endpoint.map_or(OTHER, Endpoint::as_str);
                    let labels = [platform.as_str(), endpoint, ending.as_str()];
                    (labels.map(word).to_vec(), *count)
                }),
        );
        families.many(
            &table::REQUEST_FAILURES,
            self.failures.iter().map(|((cause, owner), count)| {
                ([cause.as_str(), owner.as_str()].map(word).to_vec(), *count)
            }),
        );
        let by_cause = |counts: &BTreeMap<Cause, u64>| -> Vec<(Labels, u64)> {
            let counts = counts.iter();
            counts
                .map(|(cause, count)| (vec![word(cause.as_str())], *count))
                .collect()
        };
        families.many(&table::HIDDEN_FAILURES, by_cause(&self.hidden));
        families.many(&table::UNADMITTED, by_cause(&self.unadmitted));
        families.many(
            &table::REPLAYS,
            self.replays
                .iter()
                .map(|(ending, count)| (vec![word(ending.as_str())], *count)),
        );
        families.many(
            &table::ATTEMPTS,
            self.attempts.iter().filter_map(|((id, ending), count)| {
                Some((vec![account(*id)?, word(ending.as_str())], *count))
            }),
        );
        families.many(
            &table::ATTEMPT_FAILURES,
            self.attempt_failures
                .iter()
                .map(|((platform, cause), count)| {
                    (
                        [platform.as_str(), cause.as_str()].map(word).to_vec(),
                        *count,
                    )
                }),
        );
        families.many(
            &table::TOKENS,
            self.tokens.iter().map(|((platform, model, kind), count)| {
                (
                    vec![word(platform.as_str()), name(model), word(kind.as_str())],
                    *count,
                )
            }),
        );
        families.many(
            &table::COST,
            self.micro_usd.iter().map(|((platform, model), micros)| {
                (
                    vec![word(platform.as_str()), name(model)],
                    *micros as f64 / 1e6,
                )
            }),
        );
        families.many(
            &table::STAGES,
            self.stages
                .iter()
                .map(|(stage, times)| (vec![word(stage.as_str())], times.clone())),
        );
        for (metric, series) in [
            (&table::SERVER_DURATION, &self.server_duration),
            (&table::TIME_TO_FIRST_TOKEN, &self.first_token),
            (&table::CLIENT_DURATION, &self.client_duration),
            (&table::TOKEN_USAGE, &self.token_usage),
        ] {
            families.many(
                metric,
                series
                    .iter()
                    .map(|(of, spread)| (of.labels(metric), spread.clone())),
            );
        }
    }
}

/// Where clients of a platform mostly ask.
const fn usual(platform: Platform) -> &'static [Endpoint] {
    use Endpoint as E;
    match platform {
        Platform::Anthropic => &[E::Messages],
        Platform::OpenAi => &[E::ChatCompletions, E::Responses],
        Platform::Gemini => &[E::GenerateContent, E::StreamGenerateContent],
        Platform::Antigravity => &[E::Messages, E::GenerateContent, E::StreamGenerateContent],
    }
}

impl Of {
    fn labels(&self, metric: &Metric) -> Labels {
        let mut labels = vec![
            word(self.operation.as_str()),
            word(convention::provider(self.platform)),
            name(&self.model),
            word(self.more),
        ];
        labels.truncate(metric.labels.len());
        labels
    }
}

fn add_to(
    series: &mut BTreeMap<Of, Histogram>,
    metric: &'static Metric,
    of: Of,
    add: impl FnOnce(&mut Histogram),
) {
    let other = || Of {
        model: Arc::from(OTHER),
        ..of.clone()
    };
    let key = within(series, of.clone(), other);
    let histogram = series.entry(key).or_insert_with(|| Histogram::of(metric));
    add(histogram);
}

/// The key, or the one that stands for others where there are too many.
fn within<K: Ord, V>(series: &BTreeMap<K, V>, key: K, other: impl FnOnce() -> K) -> K {
    match series.len() < MAX_SERIES || series.contains_key(&key) {
        true => key,
        false => other(),
    }
}
