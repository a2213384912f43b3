//! What the words of a message say when status and names say too little, or something else.
//!
//! Promises: one pass over the text for all phrases. Phrases are compared in lower case, without
//! backticks, double quotes and typographic apostrophes, and with single spaces. The order of rows
//! is the order of belief.
//!
//! Must not know: names and what a status means by itself.

use std::{collections::HashMap, sync::LazyLock};

use aho_corasick::AhoCorasick;

use crate::{cause::Cause, protocol::Platform};

/// Which answers a row may speak about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum On {
    /// Whatever the status.
    Any,
    /// Not where a rate limit was announced: 429 and overload statuses.
    NotLimit,
    /// A refusal: 4xx but 429, or an error without a status.
    Refusal,
    /// A limit: 429, 5xx, or an error without a status.
    Limit,
    /// A failure on the way: 5xx or an error without a status.
    Way,
    /// Only this platform's refusals and limits.
    Only(Platform),
}

impl On {
    fn admits(self, platform: Platform, status: Option<u16>) -> bool {
        let Some(status) = status else {
            return match self {
                On::Only(only) => only == platform,
                On::Any | On::NotLimit | On::Refusal | On::Limit | On::Way => true,
            };
        };
        match self {
            On::Any => true,
            On::NotLimit => !matches!(status, 429 | 503 | 529),
            On::Refusal => (400..500).contains(&status) && status != 429,
            On::Limit => status == 429 || status >= 500,
            On::Way => status >= 500,
            On::Only(only) => only == platform && status < 500,
        }
    }
}

/// A cause, where it may be read, and the phrases that tell of it: any row's phrases must all be there.
pub(super) struct Row(Cause, On, &'static [&'static [&'static str]]);

/// Wordings believed against the status and the names they came with.
pub(super) const OVERRULING: &[Row] = &[
    // The request alone is larger than a whole minute's budget: waiting never helps.
    Row(
        Cause::RequestOverBudget,
        On::Any,
        &[
            &["request too large for", "per min"],
            &["request too large for", "tpm"],
            &["request too large for", "per day"],
            &["input or output tokens must be reduced"],
            &["please reduce your message size and try again", "limit"],
            &["single request exceeds", "limit"],
        ],
    ),
    // Anthropic and others: a paid extra is missing, under a rate limit's name.
    Row(
        Cause::BillingEntitlement,
        On::Any,
        &[
            &["extra usage"],
            &["fast mode", "credit"],
            &["requires usage credits"],
            &["usage credits are required"],
            &["long context beta is not yet available"],
            &["long context", "not available for this subscription"],
        ],
    ),
    Row(
        Cause::BillingSpendLimit,
        On::Any,
        &[
            &["reached your specified", "usage limit"],
            &["specified api usage limits"],
            &["monthly spending cap"],
            &["spending cap"],
            &["monthly budget", "exceeded"],
        ],
    ),
    Row(
        Cause::BillingCreditExhausted,
        On::Any,
        &[
            &["credit balance is too low"],
            &["credit balance", "insufficient"],
            &["insufficient balance"],
            &["insufficient account balance"],
            &["insufficient credit"],
            &["insufficient funds"],
            &["insufficient g1 credits"],
            &["not enough credits"],
            &["out of credits"],
            &["requires more credits"],
            &["but can only afford"],
            &["never purchased credits"],
            &["credits are depleted"],
            &["credits have been depleted"],
            &["used all available credits"],
            &["exceeded your monthly included credits"],
            &["doesn't have any credits"],
            &["does not have any credits"],
            &["billing hard limit"],
            &["billing is disabled"],
            &["requires billing to be enabled"],
            &["enable billing"],
            &["billing to be enabled"],
            &["account is not active", "billing"],
            &["account is in arrears"],
            &["overdue payment"],
            &["overdue balance"],
            &["unpaid invoice"],
            &["payment required"],
            &["payment method", "required"],
            &["invalid_payment_instrument"],
            &["balance is not enough"],
            &["quota is not enough"],
            &["余额不足"],
            &["欠费"],
        ],
    ),
    Row(
        Cause::AuthAccountDisabled,
        On::Refusal,
        &[
            &["organization has been disabled"],
            &["organization is disabled"],
            &["account has been disabled"],
            &["account has been deactivated"],
            &["account is deactivated"],
            &["account has been suspended"],
            &["account is suspended"],
            &["account has been banned"],
            &["account has been blocked"],
            &["workspace has been disabled"],
            &["workspace", "deactivated"],
            &["consumer", "has been suspended"],
            &["service has been disabled in this account"],
            &["disabled", "violation of terms of service"],
            &["user has been banned"],
        ],
    ),
    Row(
        Cause::AuthInvalidKey,
        On::Refusal,
        &[
            &["token has been revoked"],
            &["token was revoked"],
            &["token has been invalidated"],
            &["invalidated oauth token"],
            &["token has expired"],
            &["token is expired"],
            &["token expired"],
            &["token could not be validated"],
            &["could not parse your authentication token"],
            &["refresh token not found"],
            &["refresh token", "already been used"],
            &["api key expired"],
            &["api key has expired"],
            &["api key not valid"],
            &["api key not found"],
            &["api key is not valid"],
            &["api key is invalid"],
            &["api key", "reported as leaked"],
            &["api key", "has been revoked"],
            &["invalid api key"],
            &["invalid api-key"],
            &["invalid apikey"],
            &["incorrect api key"],
            &["invalid x-api-key"],
            &["invalid bearer token"],
            &["x-api-key header is required"],
            &["invalid authentication"],
            &["authentication fails"],
            &["missing authentication"],
            &["missing required authentication"],
            &["authentication parameter not received"],
            &["didn't provide an api key"],
            &["no auth credentials"],
            &["no cookie auth credentials"],
            &["security token included in the request"],
            &["request signature we calculated does not match"],
            &["unable to locate credentials"],
            &["could not be authenticated"],
            &["signature expired"],
            &["signature not yet current"],
        ],
    ),
    Row(
        Cause::AuthPermission,
        On::Refusal,
        &[
            &["does not have access to model"],
            &["does not have access to the model"],
            &["don't have access to the model with the specified"],
            &["must be verified"],
            &["not authorized to access this model"],
            &["not authorized to perform"],
            &["not authorized to invoke"],
            &["missing scopes"],
            &["scope requirement"],
            &["insufficient authentication scopes"],
            &["insufficient permissions"],
            &["only authorized for use with"],
        ],
    ),
    Row(
        Cause::AccessRegion,
        On::Refusal,
        &[
            &["location is not supported"],
            &["country, region, or territory not supported"],
            &["not available in your country"],
            &["not available in your region"],
            &["not supported in your country"],
            &["unsupported country"],
            &[
                "access from",
                "countries, regions, or territories is not allowed",
            ],
            &["access to anthropic models is not allowed from unsupported"],
        ],
    ),
    Row(
        Cause::ThinkingSignature,
        On::NotLimit,
        &[
            &["invalid signature in", "thinking"],
            &["thinking.signature"],
            &["thought_signature"],
            &["thought signature"],
            &["thoughtsignature"],
            &["expected thinking or redacted_thinking"],
            &["must start with a thinking block"],
            &["thinking", "blocks", "cannot be modified"],
            &["thinking", "must be passed back"],
            &["encrypted content", "could not be verified"],
            &["encrypted_content", "could not be"],
            &["encrypted content", "could not be decrypted"],
        ],
    ),
    Row(
        Cause::ContextLength,
        On::NotLimit,
        &[
            &["context window"],
            &["maximum context length"],
            &["model's context length"],
            &["exceeds the context length"],
            &["context length", "exceed"],
            &["context limit"],
            &["context size", "exceed"],
            &["prompt is too long"],
            &["input is too long"],
            &["input too long"],
            &["prompt too long"],
            &["conversation is too long"],
            &["too long for requested model"],
            &["input token count", "exceed"],
            &["input tokens exceed"],
            &["exceeds the maximum number of tokens"],
            &["exceeds the maximum number of input tokens"],
            &["maximum allowed number of input tokens"],
            &["maximum prompt length"],
            &["maximum input length"],
            &["range of input length should be"],
            &["reduce the length of the messages"],
            &["reduce the length of the prompt"],
            &["reduce the length of your prompt"],
            &["reduce the length of the input"],
            &["please reduce the length"],
            &["prompt contains", "tokens", "too large"],
            &["input length", "exceed"],
            &["tokens", "exceed", "model's maximum"],
            &["tokens", "maximum sequence length"],
            &["requested token count exceeds"],
            &["must have less than", "tokens"],
            &["less than or equal to", "max_new_tokens"],
        ],
    ),
    Row(
        Cause::ContentFilter,
        On::NotLimit,
        &[
            &["content filtering policy"],
            &["content management policy"],
            &["content filter"],
            &["content policy"],
            &["content policies"],
            &["content moderation"],
            &["content was flagged"],
            &["content violates"],
            &["content blocked"],
            &["prompt was flagged"],
            &["input was flagged"],
            &["was flagged for"],
            &["requires moderation"],
            &["violating our usage policy"],
            &["violate our usage policy"],
            &["violates our usage policy"],
            &["violation of our usage policy"],
            &["usage policies", "violat"],
            &["acceptable use policy"],
            &["limited access to this content for safety"],
            &["safety system"],
            &["safety filter"],
            &["safety policies"],
            &["blocked", "safety"],
            &["blocked", "prohibited"],
            &["prohibited_content"],
            &["responsible ai"],
            &["inappropriate content"],
            &["content exists risk"],
            &["unsafe or sensitive content"],
            &["sensitive content"],
            &["prompt was blocked"],
            &["response was blocked"],
            &["prompt could not be submitted", "policy"],
            &["guardrail intervened"],
        ],
    ),
    Row(
        Cause::ConversationState,
        On::Refusal,
        &[
            &["items are not persisted"],
            &["item with id", "not found"],
            &["previous response with id"],
            &["previous response", "not found"],
            &["previous_response_id", "not found"],
            &["response with id", "not found"],
            &["conversation with id", "not found"],
        ],
    ),
    // A shortage on the provider's side, also where it is called a rate limit.
    Row(
        Cause::Overloaded,
        On::Limit,
        &[
            &["overloaded"],
            &["no capacity available"],
            &["at capacity"],
            &["over capacity"],
            &["capacity exceeded"],
            &["insufficient capacity"],
            &["out of capacity"],
            &["not enough capacity"],
            &["capacity constraints"],
            &["high demand"],
            &["high load"],
            &["high traffic"],
            &["heavy load"],
            &["high concurrency usage of this model"],
            &["server is busy"],
            &["system is too busy"],
            &["servers are busy"],
            &["service is busy"],
            &["service is too busy"],
            &["too busy"],
            &["负载已饱和"],
        ],
    ),
    Row(
        Cause::NetworkDns,
        On::Way,
        &[
            &["getaddrinfo"],
            &["enotfound"],
            &["eai_again"],
            &["dns error"],
            &["dns lookup"],
            &["dns resolution"],
            &["no such host"],
            &["name or service not known"],
            &["nodename nor servname"],
            &["failed to lookup address"],
            &["failed to resolve"],
            &["name resolution"],
            &["nameresolutionerror"],
            &["could not resolve"],
            &["couldn't resolve"],
        ],
    ),
    // The other side hung up during the handshake: a broken connection, no trouble with trust.
    Row(
        Cause::NetworkReset,
        On::Way,
        &[
            &["tls handshake eof"],
            &["handshake", "unexpected eof"],
            &["ssl", "unexpected_eof"],
            &["before secure tls connection was established"],
        ],
    ),
    Row(
        Cause::NetworkTls,
        On::Way,
        &[
            &["certificate verify failed"],
            &["certificate_verify_failed"],
            &["self-signed certificate"],
            &["self signed certificate"],
            &["unable to verify the first certificate"],
            &["unable to get local issuer"],
            &["certificate has expired"],
            &["certificate is not valid"],
            &["invalid peer certificate"],
            &["invalid certificate"],
            &["certificate unknown"],
            &["hostname/ip does not match certificate"],
            &["hostname mismatch"],
            &["unknownissuer"],
            &["x509:"],
            &["corrupt message of type"],
            &["wrong version number"],
            &["wrong_version_number"],
            &["packet length too long"],
            &["does not look like a tls handshake"],
            &["handshake failure"],
            &["tls_error:"],
            &["received fatal alert"],
            &["ssl alert"],
            &["server gave http response to https client"],
        ],
    ),
    // A mesh proxy's word for "no connection"; its reasons may mention a time-out of its own.
    Row(
        Cause::NetworkConnect,
        On::Way,
        &[
            &["upstream connect error"],
            &["connection refused"],
            &["econnrefused"],
            &["network is unreachable"],
            &["network unreachable"],
            &["no route to host"],
            &["ehostunreach"],
            &["enetunreach"],
            &["no healthy upstream"],
            &["failed to establish a new connection"],
            &["all connection attempts failed"],
            &["cannot connect to proxy"],
            &["unable to connect to proxy"],
            &["tunnel connection failed"],
        ],
    ),
    Row(
        Cause::NetworkTimeout,
        On::Way,
        &[
            &["etimedout"],
            &["client.timeout exceeded"],
            &["context deadline exceeded"],
            &["i/o timeout"],
            &["connect timeout"],
            &["read timeout"],
            &["headers timeout"],
            &["body timeout"],
            &["idle timeout"],
            &["connecttimeout"],
            &["readtimeout"],
            &["operation timed out"],
            &["connection timed out"],
            &["connection timeout"],
            &["read operation timed out"],
            &["deadline has elapsed"],
        ],
    ),
    Row(
        Cause::NetworkReset,
        On::Way,
        &[
            &["econnreset"],
            &["econnaborted"],
            &["epipe"],
            &["connection reset"],
            &["connection aborted"],
            &["connection closed"],
            &["connection was closed"],
            &["connection terminated"],
            &["connection error"],
            &["connection lost"],
            &["socket hang up"],
            &["socket closed"],
            &["other side closed"],
            &["broken pipe"],
            &["remote end closed"],
            &["remotedisconnected"],
            &["server disconnected"],
            &["stream disconnected"],
            &["peer closed connection"],
            &["premature close"],
            &["prematurely"],
            &["incompleteread"],
            &["incomplete chunked"],
            &["incomplete message"],
            &["incompletemessage"],
            &["invalidchunklength"],
            &["response ended prematurely"],
            &["unexpected eof"],
            &["eof while reading"],
            &["abnormal closure"],
            &["close 1006"],
            &["disconnect/reset before headers"],
            &["error reading a body from connection"],
            &["error decoding response body"],
            &["error sending request"],
            &["do request failed"],
            &["fetch failed"],
            &["goaway"],
            &["rst_stream"],
            &["stream error", "internal_error"],
            &["transport closing"],
            &["context canceled"],
            &["error trying to connect"],
            &["dispatch failure"],
            &[": eof\u{3}"],
            &["\u{2}eof\u{3}"],
            &["\u{2}terminated\u{3}"],
        ],
    ),
];

/// Wordings that say more than the status and generic names do.
pub(super) const REFINING: &[Row] = &[
    // Gemini sends this text with RESOURCE_EXHAUSTED for its rate limits; OpenAI means money by it.
    Row(
        Cause::BillingCreditExhausted,
        On::Only(Platform::OpenAi),
        &[&["check your plan and billing details"]],
    ),
    Row(
        Cause::RequestTooLarge,
        On::Refusal,
        &[
            &["request exceeds the maximum size"],
            &["request exceeds the maximum allowed"],
            &["request entity too large"],
            &["request body too large"],
            &["payload too large"],
            &["request payload size exceeds"],
            &["payload size exceeds"],
            &["content too large"],
            &["body is too large"],
            &["exceeded maximum request size"],
        ],
    ),
    Row(
        Cause::ModelNotFound,
        On::Refusal,
        &[
            &["model", "does not exist"],
            &["model", "doesn't exist"],
            &["model", "not exist"],
            &["model", "not found"],
            &["is not found for api version"],
            &["model", "could not be found"],
            &["unknown model"],
            &["no such model"],
            &["no endpoints found"],
            &["not a valid model"],
            &["invalid model name"],
            &["\u{2}invalid model"],
            &["invalid model id"],
            &["model identifier is invalid"],
            &["model", "decommissioned"],
            &["model", "reached the end of its life"],
            &["model", "no longer available"],
            &["deployment for this resource does not exist"],
            &["unable to access model"],
            &["\u{2}model: "],
        ],
    ),
    Row(
        Cause::RateLimitConcurrency,
        On::Limit,
        &[
            &["concurrent"],
            &["concurrency"],
            &["simultaneous"],
            &["parallel requests"],
            &["too many connections"],
            &["number of connections"],
        ],
    ),
    Row(
        Cause::QuotaExhausted,
        On::Limit,
        &[
            &["per day"],
            &["per-day"],
            &["perday"],
            &["(rpd)"],
            &["(tpd)"],
            &["daily"],
            &["per week"],
            &["weekly"],
            &["7-day"],
            &["7 day"],
            &["5-hour"],
            &["five-hour"],
            &["5 hour"],
            &["24-hour"],
            &["monthly"],
            &["per month"],
            &["/ month"],
            &["usage limit"],
            &["usage window"],
            &["free usage"],
            &["individual quota"],
            &["exhausted your capacity"],
            &["quota will reset after"],
            &["quota exhausted"],
            &["hit your limit"],
        ],
    ),
    Row(
        Cause::RateLimitTokens,
        On::Limit,
        &[
            &["tokens per min"],
            &["tokens/min"],
            &["tokens per second"],
            &["token rate limit"],
            &["token limit"],
            &["token_count"],
            &["tokencount"],
            &["inputtokens"],
            &["too many tokens"],
            &["(tpm)"],
            &["tpm limit"],
            &["acceleration limit"],
            &["\u{2}tokens\u{3}"],
        ],
    ),
    Row(
        Cause::RateLimitRequests,
        On::Limit,
        &[
            &["rate limit"],
            &["rate-limit"],
            &["ratelimit"],
            &["too many requests"],
            &["requests per min"],
            &["quota exceeded"],
            &["exceeded your current quota"],
            &["exceeded your quota"],
            &["resource has been exhausted"],
            &["resource exhausted"],
            &["throttl"],
            &["being rate limited"],
        ],
    ),
    Row(
        Cause::UpstreamTimeout,
        On::Way,
        &[
            &["timed out"],
            &["timeout"],
            &["time-out"],
            &["deadline expired"],
            &["deadline exceeded"],
            &["took too long"],
        ],
    ),
];

/// Wordings for errors that came without any status: an error event, or an error as an SDK prints it.
const UNFRAMED: &[Row] = &[
    Row(
        Cause::BadGateway,
        On::Any,
        &[&["bad gateway"], &["provider returned error"]],
    ),
    Row(
        Cause::Overloaded,
        On::Any,
        &[&["service unavailable"], &["temporarily unavailable"]],
    ),
    Row(
        Cause::ServerError,
        On::Any,
        &[
            &["internal server error"],
            &["internal error"],
            &["server had an error"],
            &["error occurred while processing"],
            &["unexpected error"],
        ],
    ),
];

/// Marks the beginning and the end of a text, so that a phrase can be tied to either.
const BEGIN: char = '\u{2}';
const END: char = '\u{3}';

/// Longest text looked at; an error that says nothing in this many bytes says nothing.
const TEXT_BYTES: usize = 4096;

/// The phrases found in one error, by their number.
pub(super) struct Said(Vec<bool>);

impl Said {
    /// Looks for every phrase of every table in the message and in the names, quota ids among them.
    pub(super) fn read(message: &str, names: &[String]) -> Said {
        let text = plain(message, names);
        let mut found = vec![false; BOOK.automaton.patterns_len()];
        for hit in BOOK.automaton.find_overlapping_iter(&text) {
            found[hit.pattern().as_usize()] = true;
        }
        Said(found)
    }

    /// The first row that is believed against status and names.
    pub(super) fn overruling(&self, platform: Platform, status: Option<u16>) -> Option<Cause> {
        self.first(&BOOK.overruling, platform, status)
    }

    /// The first row that says more than the status does.
    pub(super) fn refining(&self, platform: Platform, status: Option<u16>) -> Option<Cause> {
        let refined = self.first(&BOOK.refining, platform, status);
        if status.is_some() {
            refined
        } else {
            refined.or_else(|| self.first(&BOOK.unframed, platform, status))
        }
    }

    /// Which limit it was, where a name only says that there was one.
    pub(super) fn kind_of_limit(&self, platform: Platform, status: Option<u16>) -> Option<Cause> {
        let limits = [
            Cause::RateLimitConcurrency,
            Cause::QuotaExhausted,
            Cause::RateLimitTokens,
        ];
        self.find(
            BOOK.refining
                .iter()
                .filter(|row| limits.contains(&row.cause)),
            platform,
            status,
        )
    }

    fn first(
        &self,
        rows: &[NumberedRow],
        platform: Platform,
        status: Option<u16>,
    ) -> Option<Cause> {
        self.find(rows.iter(), platform, status)
    }

    fn find<'a>(
        &self,
        mut rows: impl Iterator<Item = &'a NumberedRow>,
        platform: Platform,
        status: Option<u16>,
    ) -> Option<Cause> {
        let said = |phrases: &Vec<usize>| phrases.iter().all(|phrase| self.0[*phrase]);
        let row = rows.find(|row| row.on.admits(platform, status) && row.any.iter().any(said));
        row.map(|row| row.cause)
    }
}

/// The tables with their phrases numbered, and the automaton that finds all of them in one pass.
struct Book {
    automaton: AhoCorasick,
    overruling: Vec<NumberedRow>,
    refining: Vec<NumberedRow>,
    unframed: Vec<NumberedRow>,
}

struct NumberedRow {
    cause: Cause,
    on: On,
    any: Vec<Vec<usize>>,
}

static BOOK: LazyLock<Book> = LazyLock::new(|| {
    let mut phrases: Vec<&'static str> = Vec::new();
    let mut numbers: HashMap<&'static str, usize> = HashMap::new();
    let mut number = |phrase: &'static str| {
        *numbers.entry(phrase).or_insert_with(|| {
            phrases.push(phrase);
            phrases.len() - 1
        })
    };
    let mut numbered = |table: &'static [Row]| {
        let rows = table.iter().map(|Row(cause, on, any)| NumberedRow {
            cause: *cause,
            on: *on,
            any: any
                .iter()
                .map(|all| all.iter().map(|phrase| number(phrase)).collect())
                .collect(),
        });
        rows.collect::<Vec<_>>()
    };
    let (overruling, refining, unframed) =
        (numbered(OVERRULING), numbered(REFINING), numbered(UNFRAMED));
    // The phrases are constants: a set that cannot be built fails every test of this crate.
    #[expect(clippy::expect_used, reason = "a constant table")]
    let automaton = AhoCorasick::new(&phrases).expect("the phrase table fits an automaton");
    Book {
        automaton,
        overruling,
        refining,
        unframed,
    }
});

/// Lower case, single spaces, no marks that are there only for looks; each text between its own marks.
fn plain(message: &str, names: &[String]) -> String {
    let texts = std::iter::once(message).chain(names.iter().map(String::as_str));
    let mut out = String::with_capacity(message.len().min(TEXT_BYTES) + 64);
    for text in texts {
        out.push(BEGIN);
        let mut spaced = true;
        for c in text.trim().chars() {
            if out.len() > TEXT_BYTES {
                break;
            }
            match c {
                '`' | '"' | '“' | '”' => {}
                '’' | '‘' => out.push('\''),
                c if c.is_whitespace() => {
                    if !spaced {
                        out.push(' ');
                    }
                }
                c => out.push(c.to_ascii_lowercase()),
            }
            spaced = c.is_whitespace();
        }
        out.push(END);
    }
    out
}
