//! The truth: the same requests, counted one by one, as plainly as can be.

use std::collections::BTreeMap;

use waybill_model::{
    cause::{Cause, Owner},
    record::Record,
    rollup::{Bucket, By, Counts, Facet, Scope, Side, Sketches, Span},
    time::UnixMillis,
};

/// A request, or an attempt, and what it counts.
struct Part {
    at: UnixMillis,
    ended_at: UnixMillis,
    scope: Scope,
    counts: Counts,
    cause: Option<(Side, Cause, Owner)>,
    measured: Option<Measured>,
}

#[derive(Clone, Copy)]
struct Measured {
    duration: Option<u64>,
    first_token: Option<u64>,
    stages: [Option<u64>; 4],
}

#[derive(Default)]
pub struct Truth {
    parts: Vec<Part>,
    pub durations: Vec<u64>,
}

#[derive(Default, Debug, PartialEq)]
struct Sum {
    counts: Counts,
    causes: BTreeMap<(Side, Cause, Owner), u64>,
    sketches: Sketches,
}

impl Truth {
    pub fn add(&mut self, record: &Record) {
        let request = record.request.as_ref().unwrap();
        let subject = &request.subject;
        if subject.replay_of.is_some() {
            return;
        }
        let group_id = subject.group_id.map(|id| id.0);
        let model = subject.model.as_ref().map(|model| match group_id {
            Some(_) => model.as_str().to_owned(),
            None => String::new(),
        });
        let scope = Scope {
            platform: Some(subject.platform),
            group_id,
            account_id: subject.account_id.map(|id| id.0),
            model,
            api_key_id: subject.api_key_id.map(|id| id.0),
            user_id: subject.user_id.map(|id| id.0),
        };
        let ended_at = subject.created_at.plus_ms(subject.latency_ms.into());
        let error = record.error.as_ref();
        let failed_attempts = record.events.len() as u64;
        let mut counts = Counts {
            requests: 1,
            attempts: u64::from(subject.attempts) - failed_attempts,
            input_tokens: request.usage.input_tokens.unwrap_or(0),
            output_tokens: request.usage.output_tokens.unwrap_or(0),
            cache_read_tokens: request.usage.cache_read_tokens.unwrap_or(0),
            cache_write_tokens: request.usage.cache_write_tokens.unwrap_or(0),
            cost_micro_usd: request.cost.map_or(0, |cost| cost.0 as u64),
            ..Counts::default()
        };
        let counts_tokens = subject.endpoint.unwrap().as_str() == "count_tokens";
        counts.token_counts = u64::from(counts_tokens);
        let mut cause =
            error.map(|error| (Side::Recovered, error.verdict.cause, error.verdict.owner));
        if request.cause.is_none() {
            counts.successes = 1;
            counts.recovered = u64::from(request.recovered);
        } else {
            let verdict = error.unwrap().verdict;
            // What neither failed nor delivered was cut off.
            counts.attempts_cut_off = counts.attempts;
            cause = Some((Side::Failed, verdict.cause, verdict.owner));
            if verdict.is_business_limited {
                counts.business_limited = 1;
            } else if verdict.cause == Cause::ClientClosed {
                counts.client_gone = 1;
            } else if verdict.owner == Owner::Client {
                counts.client_errors = 1;
            } else {
                counts.failures = 1;
                counts.broken_answers = u64::from(subject.status_code == 200);
                counts.unserved = u64::from(request.unserved);
                counts.token_count_failures = u64::from(counts_tokens);
            }
        }
        let is_success = request.cause.is_none();
        let duration = is_success.then_some(u64::from(subject.latency_ms));
        self.durations.extend(duration);
        self.parts.push(Part {
            at: subject.created_at,
            ended_at,
            scope: scope.clone(),
            counts,
            cause,
            measured: Some(Measured {
                duration,
                first_token: subject
                    .time_to_first_token_ms
                    .filter(|_| is_success)
                    .map(u64::from),
                stages: request.stages.all().map(|ms| ms.map(u64::from)),
            }),
        });
        for event in &record.events {
            let mut owner = event.cause.info().owner;
            if let Some(error) = error.filter(|error| !error.recovered)
                && error.verdict.cause == event.cause
                && error.verdict.owner == Owner::Client
            {
                owner = Owner::Client;
            }
            self.parts.push(Part {
                at: subject.created_at,
                ended_at,
                scope: Scope {
                    platform: Some(event.platform),
                    account_id: Some(event.account_id.0),
                    ..scope.clone()
                },
                counts: Counts {
                    attempts: 1,
                    attempts_failed: 1,
                    attempts_client: u64::from(owner == Owner::Client),
                    attempts_429: u64::from(
                        owner != Owner::Client && event.upstream_status_code == Some(429),
                    ),
                    attempts_529: u64::from(
                        owner != Owner::Client && event.upstream_status_code == Some(529),
                    ),
                    ..Counts::default()
                },
                cause: Some((Side::Attempt, event.cause, owner)),
                measured: None,
            });
        }
    }

    /// Compares answers of one length and facet with the truth.
    pub fn hold(&self, by: By, span: Span, facet: Facet, given: &[Bucket]) {
        let mut sums: BTreeMap<(UnixMillis, String), Sum> = BTreeMap::new();
        for part in &self.parts {
            if let Some(value) = value_of(facet, &part.scope) {
                let at = match by {
                    By::Arrival => part.at,
                    By::End => part.ended_at,
                };
                sums.entry((span.begin(at), value))
                    .or_default()
                    .add(part, facet);
            }
        }
        assert_eq!(given.len(), sums.len(), "{span} {facet}");
        for (bucket, ((start, value), sum)) in given.iter().zip(sums) {
            assert_eq!(
                (bucket.start, &bucket.value),
                (start, &value),
                "{span} {facet}"
            );
            assert_eq!(given_sum(bucket), sum, "{span} {facet} {start} {value}");
            let c = &bucket.counts;
            assert_eq!(
                c.requests,
                c.successes + c.failures + c.client_errors + c.business_limited + c.client_gone
            );
        }
    }

    pub fn of_scope(&self, scope: &Scope) -> Counts {
        let mut counts = Counts::default();
        for part in self.parts.iter().filter(|part| scope.holds(&part.scope)) {
            counts.add(&part.counts);
        }
        counts
    }
}

impl Sum {
    fn add(&mut self, part: &Part, facet: Facet) {
        self.counts.add(&part.counts);
        if let Some(cause) = part.cause {
            *self.causes.entry(cause).or_default() += 1;
        }
        let Some(measured) = part.measured else {
            return;
        };
        let Sketches {
            duration,
            first_token,
            auth,
            routing,
            upstream,
            response,
        } = &mut self.sketches;
        measured
            .duration
            .into_iter()
            .for_each(|ms| duration.add(ms));
        measured
            .first_token
            .into_iter()
            .for_each(|ms| first_token.add(ms));
        if matches!(facet, Facet::All | Facet::Platform | Facet::Group) {
            for (sketch, ms) in [auth, routing, upstream, response]
                .into_iter()
                .zip(measured.stages)
            {
                ms.into_iter().for_each(|ms| sketch.add(ms));
            }
        }
    }
}

fn given_sum(bucket: &Bucket) -> Sum {
    let mut causes = BTreeMap::new();
    for cause in &bucket.causes {
        *causes
            .entry((cause.why.side, cause.why.cause, cause.why.owner))
            .or_default() += cause.count;
    }
    Sum {
        counts: bucket.counts,
        causes,
        sketches: bucket.sketches.clone(),
    }
}

fn value_of(facet: Facet, scope: &Scope) -> Option<String> {
    let text = |id: Option<i64>| id.map(|id| id.to_string());
    match facet {
        Facet::All => Some(String::new()),
        Facet::Platform => scope.platform.map(|platform| platform.as_str().to_owned()),
        Facet::Group => text(scope.group_id),
        Facet::Account => text(scope.account_id),
        Facet::Model => scope.model.clone(),
        Facet::Key => text(scope.api_key_id),
        Facet::User => text(scope.user_id),
        Facet::GroupModel => Some(format!("{}/{}", scope.group_id?, scope.model.as_ref()?)),
        Facet::AccountModel => Some(format!("{}/{}", scope.account_id?, scope.model.as_ref()?)),
    }
}
