//! The words of OpenTelemetry's semantic conventions for generative AI, and which of ours they stand for.
//!
//! They are under development. What is spoken here is what the general conventions said last (1.40, before these
//! moved to a repository of their own), which is what collectors and dashboards read today.
//!
//! Must not know: how spans and metrics are sent.

use waybill_model::{
    protocol::{Endpoint, Platform},
    waybill::Usage,
    words,
};

/// Where the names are explained.
pub const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.40.0";

words! {
    /// `gen_ai.operation.name`.
    pub enum Operation {
        /// A conversation, in any of the protocols that call it one.
        Chat = "chat",
        /// Gemini's.
        GenerateContent = "generate_content",
        /// Vectors.
        Embeddings = "embeddings",
        /// Counting tokens; a word of ours.
        CountTokens = "count_tokens",
        /// Asking for models; a word of ours.
        ListModels = "list_models",
        /// Nothing that this gateway knows.
        Other = "_OTHER",
    }
}

impl Operation {
    /// What an endpoint is for.
    pub const fn of(endpoint: Option<Endpoint>) -> Operation {
        match endpoint {
            Some(Endpoint::Messages | Endpoint::ChatCompletions | Endpoint::Responses) => {
                Operation::Chat
            }
            Some(Endpoint::GenerateContent | Endpoint::StreamGenerateContent) => {
                Operation::GenerateContent
            }
            Some(Endpoint::Embeddings | Endpoint::EmbedContent) => Operation::Embeddings,
            Some(Endpoint::CountTokens | Endpoint::GeminiCountTokens) => Operation::CountTokens,
            Some(Endpoint::Models) => Operation::ListModels,
            None => Operation::Other,
        }
    }
}

/// `gen_ai.provider.name`.
pub const fn provider(platform: Platform) -> &'static str {
    match platform {
        Platform::Anthropic => "anthropic",
        Platform::OpenAi => "openai",
        Platform::Gemini => "gcp.gemini",
        // Code Assist has no word of its own.
        Platform::Antigravity => "gcp.gen_ai",
    }
}

/// `gen_ai.usage.input_tokens`: cached ones are among them, also where the provider counts them apart.
pub fn input_tokens(platform: Platform, usage: &Usage) -> Option<u64> {
    let input = usage.input_tokens?;
    match platform {
        Platform::Anthropic => {
            let cached = [usage.cache_read_tokens, usage.cache_write_tokens];
            Some(input + cached.into_iter().flatten().sum::<u64>())
        }
        Platform::OpenAi | Platform::Gemini | Platform::Antigravity => Some(input),
    }
}

/// Where an attribute stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// The span of a request.
    Request,
    /// The spans of its attempts.
    Attempt,
    /// Both.
    Both,
    /// An event of a span.
    Event,
}

macro_rules! attributes {
    ($($constant:ident = $key:literal, $on:ident, $meaning:literal;)*) => {
        $(#[doc = $meaning] pub const $constant: &str = $key;)*

        /// Every attribute of spans and their events: key, where it stands, what it says.
        pub const ATTRIBUTES: &[(&str, On, &str)] = &[$(($key, On::$on, $meaning)),*];
    };
}

attributes! {
    OPERATION = "gen_ai.operation.name", Both, "what is asked for";
    PROVIDER = "gen_ai.provider.name", Both, "whose API the accounts speak";
    REQUEST_MODEL = "gen_ai.request.model", Both, "the model: of a request as the client named it, of an attempt as the provider was sent it";
    STREAM = "gen_ai.request.stream", Both, "a stream was asked for; absent where not";
    INPUT_TOKENS = "gen_ai.usage.input_tokens", Both, "prompt tokens, cached ones included";
    OUTPUT_TOKENS = "gen_ai.usage.output_tokens", Both, "answer tokens";
    CACHE_READ = "gen_ai.usage.cache_read.input_tokens", Both, "of the prompt, tokens read from the provider's cache";
    CACHE_WRITE = "gen_ai.usage.cache_creation.input_tokens", Both, "of the prompt, tokens written to it";
    ERROR_TYPE = "error.type", Both, "the cause, where it failed";
    METHOD = "http.request.method", Both, "the HTTP method";
    STATUS = "http.response.status_code", Both, "what the client was told; of an attempt, what the provider answered";
    SERVER_ADDRESS = "server.address", Attempt, "the provider's host";
    SERVER_PORT = "server.port", Attempt, "and port";
    REQUEST_ID = "waybill.request_id", Both, "the id that the client was given; by it the record is found";
    ENDPOINT = "waybill.endpoint", Request, "which endpoint of the client's protocol";
    PROTOCOL = "waybill.protocol", Request, "that protocol";
    GROUP = "waybill.group", Request, "the group that served, or was to";
    ACCOUNT = "waybill.account", Both, "the account; of a request, the last one tried. In events, the one it was decided about";
    API_KEY_ID = "waybill.api_key_id", Request, "the client's key, by its id";
    USER_ID = "waybill.user_id", Request, "the key's owner, by its id";
    ATTEMPTS = "waybill.attempts", Request, "how many were made";
    RECOVERED = "waybill.recovered", Request, "served after a failure that the client did not notice";
    CAUSE = "waybill.cause", Both, "what happened: of a recovered request, what was hidden";
    OWNER = "waybill.owner", Request, "whose fault: client, provider, platform";
    PHASE = "waybill.phase", Request, "in which stage";
    FIRST_TOKEN = "waybill.time_to_first_token", Request, "seconds from arrival to the first content given to the client";
    QUEUED = "waybill.queued", Request, "seconds waited for a slot";
    COST = "waybill.cost_usd", Request, "what it cost, where the model has a price";
    REPLAY_OF = "waybill.replay_of", Request, "the failure that an operator sent again here";
    NUMBER = "waybill.attempt", Attempt, "1 for the first; also in events";
    UPSTREAM_ID = "waybill.upstream_request_id", Attempt, "the provider's id for it";
    CONNECT = "waybill.connect", Attempt, "seconds to connect; absent on a kept-alive connection";
    FIRST_BYTE = "waybill.first_byte", Attempt, "seconds to the answer's head";
    RETRY_AFTER = "waybill.retry_after", Attempt, "seconds that the provider asked to wait";
    DECISION = "waybill.decision", Attempt, "what was done next; also in events";
    DECISION_REASON = "waybill.decision_reason", Attempt, "and why";
    EXCEPTION_TYPE = "exception.type", Event, "the cause";
    EXCEPTION_MESSAGE = "exception.message", Event, "what was said, redacted";
}

/// The event of a span that failed.
pub const EXCEPTION: &str = "exception";
/// The event of a request when an attempt failed: what was decided.
pub const DECIDED: &str = "waybill.decision";
