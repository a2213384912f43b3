//! From notices to what each kind of receiver takes.
//!
//! In: one notice, or several that go together, already redacted. Out: a JSON body, or a mail. Each receiver has a
//! file, which names the document it follows and the limits it keeps.
//!
//! Promises: pure; what a notice says is text there and nothing else: no mention, no markup, no link of its own; no
//! receiver's limit is passed, and what is left out is counted. Must not know: addresses, secrets, signatures.

mod dingtalk;
mod discord;
mod email;
mod feishu;
mod pagerduty;
mod slack;
#[cfg(test)]
pub mod tests;
mod webhook;
mod wecom;
mod words;

use serde_json::Value;
use waybill_model::{
    notify::{ChannelKind, Notice},
    time::UnixMillis,
};

pub use email::{Mail, escape as escape_html, mail};
pub use pagerduty::ENQUEUE;
pub use words::{fit_bytes, number, one_line};

/// What goes out together.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// What a receiver knows it by, the same at each attempt.
    pub key: &'a str,
    /// What this installation is told from others by that tell the same receiver.
    pub installation: &'a str,
    /// At least one, in order.
    pub notices: &'a [Notice],
    /// When it is sent.
    pub now: UnixMillis,
    /// Where people find this gateway, without a slash at the end.
    pub public_url: Option<&'a str>,
}

/// The body for a receiver that is reached over HTTP; `None` for mail. Of PagerDuty it lacks the routing key, of
/// Feishu the signature.
pub fn body(kind: ChannelKind, message: &Message<'_>) -> Option<Value> {
    match kind {
        ChannelKind::Email => None,
        ChannelKind::Webhook => Some(webhook::body(message)),
        ChannelKind::Slack => Some(slack::body(message)),
        ChannelKind::Discord => Some(discord::body(message)),
        ChannelKind::Feishu => Some(feishu::body(message)),
        ChannelKind::Dingtalk => Some(dingtalk::body(message)),
        ChannelKind::Wecom => Some(wecom::body(message)),
        ChannelKind::Pagerduty => Some(pagerduty::body(message)),
    }
}

/// The largest of ever smaller bodies that has at most `most` bytes: fewer notices, then shorter ones.
fn within(most: usize, message: &Message<'_>, make: impl Fn(&Shape) -> Value) -> Value {
    let mut shape = Shape {
        shown: message.notices.len().min(MOST_SHOWN),
        text: MOST_TEXT,
    };
    loop {
        let body = make(&shape);
        if serialised(&body) <= most || shape.is_smallest() {
            return body;
        }
        shape = shape.smaller();
    }
}

/// Notices of one message that are written out; the others are counted.
const MOST_SHOWN: usize = 20;

/// Characters of what one notice says.
const MOST_TEXT: usize = 1500;

/// How much of a message is written out.
struct Shape {
    /// Notices.
    shown: usize,
    /// Characters of each.
    text: usize,
}

impl Shape {
    fn is_smallest(&self) -> bool {
        self.shown <= 1 && self.text <= 100
    }

    fn smaller(&self) -> Shape {
        match self.shown > 5 || self.text <= 100 {
            true => Shape {
                shown: (self.shown - 1).max(1),
                ..*self
            },
            false => Shape {
                text: self.text / 2,
                ..*self
            },
        }
    }
}

fn serialised(body: &Value) -> usize {
    serde_json::to_vec(body).map_or(usize::MAX, |bytes| bytes.len())
}
