//! How a simulated provider can break, as data: the same words in Rust, in a rules file and over HTTP.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use waybill_model::protocol::{Endpoint, Platform, Protocol};

pub use crate::provider::errors::ProviderError;

/// A fault and which requests it hits. The first rule that matches a request decides.
///
/// Every condition that is absent matches everything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Shown in [`crate::Received::rule`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Only requests that present this credential (`*` matches any run of characters).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Only requests for this model (`*` as above). Never matches in [fast](crate::Fast) mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Only this endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Endpoint>,
    /// Only this protocol.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Protocol>,
    /// Only requests to this platform; tells Code Assist (`antigravity`) from Gemini.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// Only streamed, or only plain answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
    /// Only this share (`0.0..=1.0`) of what matches, drawn from the simulator's seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// Lets this many matching requests through first.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skip: u64,
    /// Hits at most this many requests, then never again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// Hits only from this time on, counted from the simulator's start.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub from_ms: u64,
    /// Hits only before this time, counted from the simulator's start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
    /// Hits only for a part of each period of time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cycle: Option<Cycle>,
    /// Waits this long before the answer's head.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub delay_ms: u64,
    /// Compresses the answer; a stream is flushed after every event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// What goes wrong; absent: nothing (besides `delay_ms` and `encoding`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Rule {
    /// A fault that hits every request.
    pub fn new(fault: Fault) -> Self {
        Rule {
            fault: Some(fault),
            ..Rule::healthy()
        }
    }

    /// No fault for any request: placed before other rules, it exempts what it matches.
    pub fn healthy() -> Self {
        Rule {
            name: None,
            key: None,
            model: None,
            endpoint: None,
            protocol: None,
            platform: None,
            stream: None,
            share: None,
            skip: 0,
            times: None,
            from_ms: 0,
            until_ms: None,
            cycle: None,
            delay_ms: 0,
            encoding: None,
            fault: None,
        }
    }

    /// Only for this credential.
    #[must_use]
    pub fn key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// Only for this model.
    #[must_use]
    pub fn model(mut self, model: &str) -> Self {
        self.model = Some(model.to_owned());
        self
    }

    /// Only for this endpoint.
    #[must_use]
    pub fn endpoint(mut self, endpoint: Endpoint) -> Self {
        self.endpoint = Some(endpoint);
        self
    }

    /// Only for requests to this platform.
    #[must_use]
    pub fn platform(mut self, platform: Platform) -> Self {
        self.platform = Some(platform);
        self
    }

    /// Only for this share of requests.
    #[must_use]
    pub fn share(mut self, share: f64) -> Self {
        self.share = Some(share);
        self
    }

    /// At most this often.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Only for a while, counted from the simulator's start.
    #[must_use]
    pub fn between(mut self, from: Duration, until: Duration) -> Self {
        self.from_ms = from.as_millis() as u64;
        self.until_ms = Some(until.as_millis() as u64);
        self
    }

    /// With a name.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// Compressed.
    #[must_use]
    pub fn encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = Some(encoding);
        self
    }

    /// After a delay.
    #[must_use]
    pub fn delay_ms(mut self, delay_ms: u64) -> Self {
        self.delay_ms = delay_ms;
        self
    }
}

/// A part of each period, counted from the simulator's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cycle {
    /// The period.
    pub period_ms: u64,
    /// How long from its beginning the rule hits.
    pub on_ms: u64,
}

/// A content encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// `gzip`
    Gzip,
    /// `deflate` (zlib format)
    Deflate,
    /// `br`
    Br,
    /// `zstd`
    Zstd,
}

/// Where in an answer something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Nothing of the answer was sent.
    BeforeHeaders,
    /// Half of the answer's head was sent.
    MidHeaders,
    /// The head was sent; of a stream also the frames before the first content.
    BeforeContent,
    /// Some content frames were sent; of a plain answer, half of it.
    MidContent,
}

/// How a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cut {
    /// RST.
    Reset,
    /// FIN, without finishing the answer as HTTP requires.
    Close,
}

/// Content frames sent before something happens in mid-content, unless the fault says otherwise.
pub const DEFAULT_FRAMES: usize = 2;

fn default_frames() -> usize {
    DEFAULT_FRAMES
}

fn ok() -> u16 {
    200
}

fn temporary_redirect() -> u16 {
    307
}

/// What goes wrong.
///
/// `frames` counts content frames sent before it happens: 0 is before content, and beyond the last
/// is right before the end. A plain answer counts as half sent for anything but 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// Any status with any headers and body.
    Http {
        /// The status.
        status: u16,
        /// Added headers; replace those of the same name.
        #[serde(default)]
        headers: BTreeMap<String, String>,
        /// A JSON value, or a string that is sent as it is.
        #[serde(default)]
        body: Value,
    },
    /// An error as the provider itself answers it, with its status, headers and body.
    Provider {
        /// Which.
        error: ProviderError,
        /// The stated wait, where this error states one.
        #[serde(default)]
        retry_after_ms: Option<u64>,
        /// The presented credential is put into the error's text.
        #[serde(default)]
        echo_key: bool,
        /// Added headers; replace those of the same name.
        #[serde(default)]
        headers: BTreeMap<String, String>,
    },
    /// Status 200 with the provider's error as its body, streamed or not.
    OkWithError {
        /// Which.
        error: ProviderError,
    },
    /// An error inside a `200` stream, in the protocol's own shape; the stream ends behind it.
    /// A plain answer becomes [`Fault::OkWithError`].
    StreamError {
        /// Which.
        error: ProviderError,
        /// Content frames before it.
        #[serde(default)]
        frames: usize,
    },
    /// The answer ends cleanly as HTTP, without the protocol's end.
    Truncate {
        /// Content frames before it.
        #[serde(default = "default_frames")]
        frames: usize,
    },
    /// The connection breaks.
    Cut {
        /// How.
        how: Cut,
        /// Where.
        at: Place,
        /// Content frames before it, in mid-content.
        #[serde(default = "default_frames")]
        frames: usize,
    },
    /// Silence.
    Stall {
        /// Where.
        at: Place,
        /// For how long; absent: until the peer leaves. What was missing follows after it.
        #[serde(default)]
        for_ms: Option<u64>,
        /// Content frames before it, in mid-content.
        #[serde(default = "default_frames")]
        frames: usize,
    },
    /// The body comes a few bytes at a time.
    Trickle {
        /// Bytes at a time.
        bytes: usize,
        /// Pause between.
        every_ms: u64,
    },
    /// Keep-alive frames (pings, comments) before the first content.
    Pings {
        /// How many.
        count: u64,
        /// Pause before each.
        every_ms: u64,
    },
    /// Bytes that are not HTTP.
    NotHttp,
    /// The right content type, and in the body something that is not the protocol.
    Garbage {
        /// Content frames before it.
        #[serde(default)]
        frames: usize,
    },
    /// A web page, as a proxy in between would answer.
    Html {
        /// With this status.
        #[serde(default = "ok")]
        status: u16,
    },
    /// A body of this size, valid as JSON; with status 200 a plain answer whatever was asked for.
    Huge {
        /// MiB.
        mib: u64,
        /// With this status.
        #[serde(default = "ok")]
        status: u16,
    },
    /// `content-length` says so many bytes more than are sent before the connection closes.
    LongLength {
        /// Bytes more.
        extra: u64,
    },
    /// Bytes that are not UTF-8: with a status from 400 in the error's message, else in the answer's text.
    InvalidUtf8 {
        /// With this status.
        #[serde(default = "ok")]
        status: u16,
    },
    /// A redirect.
    Redirect {
        /// The `location`.
        to: String,
        /// With this status.
        #[serde(default = "temporary_redirect")]
        status: u16,
    },
}

impl Fault {
    /// The provider's own error, with its usual wait.
    pub fn provider(error: ProviderError) -> Self {
        Fault::Provider {
            error,
            retry_after_ms: None,
            echo_key: false,
            headers: BTreeMap::new(),
        }
    }

    /// A status with a body.
    pub fn http(status: u16, body: impl Into<Value>) -> Self {
        Fault::Http {
            status,
            headers: BTreeMap::new(),
            body: body.into(),
        }
    }

    /// The connection is reset.
    pub fn reset(at: Place) -> Self {
        Fault::Cut {
            how: Cut::Reset,
            at,
            frames: DEFAULT_FRAMES,
        }
    }

    /// Silence until the peer leaves.
    pub fn stall(at: Place) -> Self {
        Fault::Stall {
            at,
            for_ms: None,
            frames: DEFAULT_FRAMES,
        }
    }
}
