//! Every metric there is, in one table: what `/metrics` shows, what is sent over OTLP, and what
//! `docs/TELEMETRY.md` says.
//!
//! Promises: a name in the text format follows from the name in OpenTelemetry's by the rules that its collector
//! goes by, so that both ways of reading them meet the same names. Must not know: where the numbers come from.

/// What a number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, from 0 at the start of the process.
    Counter,
    /// Goes up and down.
    Gauge,
    /// How many observations lie below each of a few bounds.
    Histogram(Buckets),
}

impl Kind {
    /// Its word in the text format.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram(_) => "histogram",
        }
    }
}

/// The bounds of a histogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Buckets {
    /// Seconds of whole operations.
    Operation,
    /// Seconds to a first token, and of stages.
    FirstToken,
    /// Tokens.
    Tokens,
}

impl Buckets {
    /// The bounds that the GenAI conventions recommend for it; upper ones, inclusive.
    pub const fn bounds(self) -> &'static [f64] {
        match self {
            Buckets::Operation => &[
                0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96,
                81.92,
            ],
            Buckets::FirstToken => &[
                0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0,
                7.5, 10.0,
            ],
            Buckets::Tokens => &[
                1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0, 16384.0, 65536.0, 262144.0, 1048576.0,
                4194304.0, 16777216.0, 67108864.0,
            ],
        }
    }
}

/// What is counted or measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Time.
    Seconds,
    /// Size.
    Bytes,
    /// Things; what they are, in the spelling of UCUM.
    Of(&'static str),
}

impl Unit {
    /// As OpenTelemetry spells it.
    pub const fn ucum(self) -> &'static str {
        match self {
            Unit::Seconds => "s",
            Unit::Bytes => "By",
            Unit::Of(things) => things,
        }
    }

    /// How a name in the text format ends for it.
    pub const fn suffix(self) -> &'static str {
        match self {
            Unit::Seconds => "_seconds",
            Unit::Bytes => "_bytes",
            Unit::Of(_) => "",
        }
    }
}

/// One metric.
#[derive(Debug)]
pub struct Metric {
    /// Its name in the text format.
    pub name: &'static str,
    /// Its name in OpenTelemetry's; `None`: it is not sent.
    pub otlp: Option<&'static str>,
    /// What it is.
    pub kind: Kind,
    /// What it counts.
    pub unit: Unit,
    /// Its labels, every one from a bounded set. One that is empty is not there.
    pub labels: &'static [&'static str],
    /// One sentence.
    pub help: &'static str,
}

/// Labels that have a name of the conventions', and that name. Any other is `waybill.` and its name.
pub const CONVENTIONAL: &[(&str, &str)] = &[
    ("gen_ai_operation_name", "gen_ai.operation.name"),
    ("gen_ai_provider_name", "gen_ai.provider.name"),
    ("gen_ai_request_model", "gen_ai.request.model"),
    ("gen_ai_token_type", "gen_ai.token.type"),
    ("error_type", "error.type"),
];

/// What a label is called in OpenTelemetry.
pub fn attribute(label: &str) -> String {
    let known = CONVENTIONAL.iter().find(|(name, _)| *name == label);
    known.map_or_else(
        || format!("waybill.{label}"),
        |(_, name)| (*name).to_owned(),
    )
}

macro_rules! metrics {
    ($($constant:ident = $name:literal, $otlp:expr, $kind:expr, $unit:expr, [$($label:literal),*], $help:literal;)*) => {
        $(#[doc = $help] pub static $constant: Metric = Metric {
            name: $name, otlp: $otlp, kind: $kind, unit: $unit, labels: &[$($label),*], help: $help,
        };)*

        /// Every metric, in the order in which they are shown.
        pub static METRICS: &[&Metric] = &[$(&$constant),*];
    };
}

use Buckets::{FirstToken, Operation, Tokens};
use Kind::{Counter, Gauge, Histogram};
use Unit::{Bytes, Of, Seconds};

const REQUESTS_UNIT: Unit = Of("{request}");
const RECORDS_UNIT: Unit = Of("{record}");
const YES_OR_NO: Unit = Of("{yes}");

// constant = name, name in OTLP, kind, unit, labels, help
metrics! {
    // ── what clients saw ──
    REQUESTS = "waybill_requests_total", Some("waybill.requests"), Counter, REQUESTS_UNIT, ["platform", "endpoint", "outcome"],
        "Requests that ended, by how: served, recovered (served after a hidden failure), failed (there from the start, with 0), limited (a limit of the business), client (the caller's own doing).";
    REQUEST_FAILURES = "waybill_request_failures_total", Some("waybill.request_failures"), Counter, REQUESTS_UNIT, ["cause", "owner"],
        "Requests that failed, by what happened and whose fault it was; every cause is there from the start, with 0.";
    HIDDEN_FAILURES = "waybill_hidden_failures_total", Some("waybill.hidden_failures"), Counter, Of("{attempt}"), ["cause"],
        "Failed attempts of requests that were served all the same; a provider's causes are there from the start, with 0.";
    UNADMITTED = "waybill_requests_unadmitted_total", Some("waybill.requests_unadmitted"), Counter, REQUESTS_UNIT, ["cause"],
        "Requests refused before a key was accepted; in no other count of requests.";
    REPLAYS = "waybill_replays_total", Some("waybill.replays"), Counter, REQUESTS_UNIT, ["outcome"],
        "Failed requests that an operator sent again; in no other count of requests.";
    IN_FLIGHT = "waybill_requests_in_flight", Some("waybill.requests_in_flight"), Gauge, REQUESTS_UNIT, [],
        "Requests being served now.";
    OLDEST_IN_FLIGHT = "waybill_request_oldest_seconds", Some("waybill.request_oldest"), Gauge, Seconds, [],
        "How long the request that is being served longest has been, to the second; after two hours it shows as younger.";
    BUSINESS_REFUSALS = "waybill_business_refusals_total", Some("waybill.business_refusals"), Counter, REQUESTS_UNIT, ["cause"],
        "Requests refused for a limit of a key or a user.";
    UNCOUNTED = "waybill_requests_uncounted_total", Some("waybill.requests_uncounted"), Counter, REQUESTS_UNIT, [],
        "Requests that are in no other count, because the recorder was too far behind.";
    SERVER_DURATION = "gen_ai_server_request_duration_seconds", Some("gen_ai.server.request.duration"), Histogram(Operation), Seconds,
        ["gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "error_type"],
        "How long requests took, from their arrival to the last byte.";
    TIME_TO_FIRST_TOKEN = "gen_ai_server_time_to_first_token_seconds", Some("gen_ai.server.time_to_first_token"), Histogram(FirstToken), Seconds,
        ["gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model"],
        "From a request's arrival to the first content that its client was given.";
    STAGES = "waybill_stage_duration_seconds", Some("waybill.stage.duration"), Histogram(FirstToken), Seconds, ["stage"],
        "Where the time of requests went: auth, routing (with the wait for a slot), queue, connect, first_byte, response.";
    TOKENS = "waybill_tokens_total", Some("waybill.tokens"), Counter, Of("{token}"), ["platform", "model", "type"],
        "Tokens as providers counted them: input (without cached ones), output, cache_read, cache_write.";
    COST = "waybill_cost_usd_total", Some("waybill.cost_usd"), Counter, Of("{USD}"), ["platform", "model"],
        "What requests cost, where their model has a price.";

    // ── what providers delivered ──
    ATTEMPTS = "waybill_attempts_total", Some("waybill.attempts"), Counter, Of("{attempt}"), ["account", "outcome"],
        "Attempts on accounts, by how they ended: served, rate_limited (429), overloaded (529), failed, cut_off (the client left).";
    ATTEMPT_FAILURES = "waybill_attempt_failures_total", Some("waybill.attempt_failures"), Counter, Of("{attempt}"), ["platform", "cause"],
        "Attempts that failed, by what happened, the hidden ones included.";
    CLIENT_DURATION = "gen_ai_client_operation_duration_seconds", Some("gen_ai.client.operation.duration"), Histogram(Operation), Seconds,
        ["gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "error_type"],
        "How long attempts took, from their beginning to the provider's last byte.";
    TOKEN_USAGE = "gen_ai_client_token_usage", Some("gen_ai.client.token.usage"), Histogram(Tokens), Of("{token}"),
        ["gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "gen_ai_token_type"],
        "Tokens per request: input (cached ones included) and output.";
    ACCOUNT_IN_FLIGHT = "waybill_account_in_flight", Some("waybill.account_in_flight"), Gauge, REQUESTS_UNIT, ["account"],
        "Requests on an account now.";
    ACCOUNT_LIMIT = "waybill_account_limit", Some("waybill.account_limit"), Gauge, REQUESTS_UNIT, ["account"],
        "Most requests at once on an account just now, where there is a limit.";
    ACCOUNT_STATE = "waybill_account_state", Some("waybill.account_state"), Gauge, YES_OR_NO, ["account", "state"],
        "1 for the state an account is in, 0 for every other.";
    ACCOUNT_EVENTS = "waybill_account_events_total", Some("waybill.account_events"), Counter, Of("{event}"), [],
        "Changes of accounts' states, those that were lost included.";
    ACCOUNT_EVENTS_LOST = "waybill_account_events_lost_total", Some("waybill.account_events_lost"), Counter, Of("{event}"), [],
        "Changes of accounts' states that could not be recorded.";

    // ── waiting for an account ──
    QUEUE_WAITING = "waybill_queue_waiting", Some("waybill.queue_waiting"), Gauge, REQUESTS_UNIT, [],
        "Requests that wait for a slot now.";
    QUEUE_LONGEST = "waybill_queue_longest_wait_seconds", Some("waybill.queue_longest_wait"), Gauge, Seconds, [],
        "How long the request that waits longest has.";
    QUEUE_JOINED = "waybill_queue_joined_total", Some("waybill.queue_joined"), Counter, REQUESTS_UNIT, [],
        "Requests that began to wait.";
    QUEUE_ENDED = "waybill_queue_ended_total", Some("waybill.queue_ended"), Counter, REQUESTS_UNIT, ["outcome"],
        "How waits ended.";

    // ── the record ──
    STORE_UP = "waybill_store_up", Some("waybill.store_up"), Gauge, YES_OR_NO, [],
        "Whether the store answers.";
    SHARED_STORE_UP = "waybill_shared_store_up", Some("waybill.shared_store_up"), Gauge, YES_OR_NO, [],
        "Whether spooled records get to the shared database.";
    RECORDER_UP = "waybill_recorder_up", Some("waybill.recorder_up"), Gauge, YES_OR_NO, [],
        "Whether records are written.";
    RECORDS_DUE = "waybill_records_due_total", Some("waybill.records_due"), Counter, RECORDS_UNIT, [],
        "Records that had to be written.";
    RECORDS_STORED = "waybill_records_stored_total", Some("waybill.records_stored"), Counter, RECORDS_UNIT, [],
        "Records committed to the store.";
    RECORDS_LOST = "waybill_records_lost_total", Some("waybill.records_lost"), Counter, RECORDS_UNIT, [],
        "Records given up, each one counted.";
    REQUESTS_GIVEN_UP = "waybill_requests_given_up_total", Some("waybill.requests_given_up"), Counter, REQUESTS_UNIT, [],
        "Stored requests that this replica had to remove for want of room before they were in the roll-ups.";
    RECORDS_SPOOLED = "waybill_records_spooled", Some("waybill.records_spooled"), Gauge, RECORDS_UNIT, [],
        "Records accepted and not yet committed.";
    RECORDER_QUEUE = "waybill_recorder_queue_records", Some("waybill.recorder_queue_records"), Gauge, RECORDS_UNIT, [],
        "Records that wait for the recorder of this process.";
    RECORDER_QUEUE_BYTES = "waybill_recorder_queue_bytes", Some("waybill.recorder_queue"), Gauge, Bytes, [],
        "Bytes of bodies that wait with them.";
    WITHOUT_BODY = "waybill_records_without_body_total", Some("waybill.records_without_body"), Counter, RECORDS_UNIT, [],
        "Records whose body was let go, because too many bytes were waiting.";
    RELEASED_EARLY = "waybill_records_released_early_total", Some("waybill.records_released_early"), Counter, RECORDS_UNIT, [],
        "Answers released before their record was committed.";
    REFUSALS_UNCOUNTED = "waybill_refusals_uncounted_total", Some("waybill.refusals_uncounted"), Counter, REQUESTS_UNIT, [],
        "Refusals before auth that nobody counted, because too many came at once.";
    USAGE_LOST = "waybill_usage_lost_total", Some("waybill.usage_lost"), Counter, REQUESTS_UNIT, [],
        "Requests whose usage could not be recorded.";

    // ── what runs by itself ──
    JOB_FINISHED = "waybill_job_last_run_timestamp_seconds", Some("waybill.job_last_run_timestamp"), Gauge, Seconds, ["job"],
        "When the last run of a job that ended did, on whichever replica, since the epoch.";
    JOB_OK = "waybill_job_last_run_ok", Some("waybill.job_last_run_ok"), Gauge, YES_OR_NO, ["job"],
        "Whether that run went well.";
    JOB_RUNS = "waybill_job_runs_total", Some("waybill.job_runs"), Counter, Of("{run}"), ["job", "outcome"],
        "Runs of a job that ended on this replica, by how.";

    // ── replicas ──
    REDIS_UP = "waybill_redis_up", Some("waybill.redis_up"), Gauge, YES_OR_NO, [],
        "Whether Redis answers; while it does not, slots are shared by this replica's own view.";
    REPLICAS = "waybill_replicas", Some("waybill.replicas"), Gauge, Of("{replica}"), [],
        "Replicas that are there, this one included.";
    DRIFTED = "waybill_account_states_drifted", Some("waybill.account_states_drifted"), Gauge, Of("{account}"), [],
        "Accounts whose state differs from that on another replica, and stays so.";
    ALLOTMENT = "waybill_account_allotment", Some("waybill.account_allotment"), Gauge, REQUESTS_UNIT, ["account"],
        "Slots of an account that are this replica's, of those that all replicas share.";
    REDIS_LOSSES = "waybill_redis_losses_total", Some("waybill.redis_losses"), Counter, Of("{connection}"), [],
        "Connections to Redis that were lost.";
    SLOT_EXCHANGES = "waybill_slot_exchanges_total", Some("waybill.slot_exchanges"), Counter, Of("{exchange}"), [],
        "Exchanges of slots with other replicas.";
    SLOT_EXCHANGES_FAILED = "waybill_slot_exchanges_failed_total", Some("waybill.slot_exchanges_failed"), Counter, Of("{exchange}"), [],
        "Exchanges of slots that were not answered.";
    OWN_VIEWS = "waybill_own_views_total", Some("waybill.own_views"), Counter, Of("{account}"), [],
        "Times that an account's slots went over to this replica's own view.";
    SHARED_EVENTS_DROPPED = "waybill_shared_account_events_dropped_total", Some("waybill.shared_account_events_dropped"), Counter, Of("{event}"), [],
        "Changes of accounts' states that other replicas were not told at once.";

    // ── telemetry itself ──
    EXPORTS = "waybill_telemetry_exports_total", Some("waybill.telemetry_exports"), Counter, Of("{export}"), ["signal", "outcome"],
        "Exchanges with the OTLP receiver, by signal: ok, partial (it refused some), failed.";
    SPANS = "waybill_telemetry_spans_total", Some("waybill.telemetry_spans"), Counter, Of("{span}"), [],
        "Spans that the receiver took.";
    SPANS_DROPPED = "waybill_telemetry_spans_dropped_total", Some("waybill.telemetry_spans_dropped"), Counter, Of("{span}"), ["reason"],
        "Spans that were let go: queue_full, refused (by the receiver), unreachable (for too long), shutdown.";
    SPANS_WAITING = "waybill_telemetry_traces_waiting", Some("waybill.telemetry_traces_waiting"), Gauge, REQUESTS_UNIT, [],
        "Requests whose spans wait to be sent.";

    // ── the process ──
    BUILD = "waybill_build_info", Some("waybill.build_info"), Gauge, YES_OR_NO, ["version"],
        "Always 1: which version runs.";
    ALLOCATED = "waybill_worker_allocated_bytes_total", None, Counter, Bytes, [],
        "Bytes ever allocated by the worker thread that answered.";
    CPU = "process_cpu_seconds_total", None, Counter, Seconds, [],
        "Time on processors, user and system together.";
    RESIDENT = "process_resident_memory_bytes", None, Gauge, Bytes, [],
        "Memory that is resident.";
    VIRTUAL = "process_virtual_memory_bytes", None, Gauge, Bytes, [],
        "Memory that is mapped.";
    OPEN_FDS = "process_open_fds", None, Gauge, Of("{file}"), [],
        "Files and sockets that are open.";
    MAX_FDS = "process_max_fds", None, Gauge, Of("{file}"), [],
        "Most that may be.";
    START = "process_start_time_seconds", None, Gauge, Seconds, [],
        "When the gateway started, since the epoch.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_text_format_follow_from_those_of_opentelemetry() {
        for metric in METRICS {
            let Some(otlp) = metric.otlp else { continue };
            let mut name = format!("{}{}", otlp.replace('.', "_"), metric.unit.suffix());
            if metric.kind == Kind::Counter {
                name.push_str("_total");
            }
            assert_eq!(metric.name, name);
        }
    }

    #[test]
    fn bounds_rise() {
        for buckets in [Operation, FirstToken, Tokens] {
            assert!(buckets.bounds().windows(2).all(|pair| pair[0] < pair[1]));
        }
    }
}
