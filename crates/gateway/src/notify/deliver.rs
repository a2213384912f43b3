//! One message to one receiver, within a bound of time.
//!
//! Promises: secrets are taken out of what is told, and out of what the receiver said; a receiver that hangs is cut
//! off. Must not know: the outbox, when it is tried again.

use std::{fmt::Display, time::Duration};

use tokio::time::timeout;
use waybill_model::{
    notify::{ChannelKind, Notice},
    redact::Redactor,
    time::UnixMillis,
};

use super::{
    compose::{self, Message},
    judge::Verdict,
    mail,
    opened::Opened,
    post,
};
use crate::app::Shared;

/// Bytes of what a receiver said that are kept.
const MOST_SAID: usize = 500;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// What the answer means.
    pub verdict: Verdict,
    /// The receiver's status, or the mail server's code.
    pub status: Option<u16>,
    /// What it said, or what went wrong; redacted.
    pub said: String,
}

impl Reply {
    /// There was no answer.
    pub(super) fn none(error: impl Display) -> Self {
        Reply {
            verdict: Verdict::Later(None),
            status: None,
            said: error.to_string(),
        }
    }

    /// It cannot be sent like this, now or later.
    pub(super) fn refused(error: impl Display) -> Self {
        Reply {
            verdict: Verdict::Refused,
            status: None,
            said: error.to_string(),
        }
    }
}

/// Takes notices to a channel's receiver as one message, which the receiver knows by `key`.
pub async fn deliver(
    shared: &Shared,
    channel: &Opened,
    key: &str,
    notices: &[Notice],
    now: UnixMillis,
) -> Reply {
    let redactor = shared.secrets.redactor();
    let notices: Vec<Notice> = notices
        .iter()
        .map(|notice| redacted(&redactor, notice))
        .collect();
    let message = Message {
        key,
        notices: &notices,
        now,
        public_url: shared.settings.notifications.public_url.as_deref(),
    };
    let patience = shared.settings.notifications.timeout;
    let sending = async {
        match channel.body.kind {
            ChannelKind::Email => mail::send(shared, channel, &message).await,
            kind => match compose::body(kind, &message) {
                Some(body) => post::send(shared, channel, &message, body).await,
                None => Reply::refused("there is nothing to send"),
            },
        }
    };
    let reply = timeout(patience, sending).await;
    let reply = reply.unwrap_or_else(|_| Reply::none(too_slow(patience)));
    let said = redactor.text(&reply.said).into_string();
    Reply {
        said: compose::fit_bytes(said.trim(), MOST_SAID),
        ..reply
    }
}

fn too_slow(patience: Duration) -> String {
    format!("no complete answer within {} ms", patience.as_millis())
}

/// A notice without anything that looks like a secret.
fn redacted(redactor: &Redactor, notice: &Notice) -> Notice {
    let text = |text: &str| redactor.text(text).into_string();
    let maybe = |value: &Option<String>| value.as_deref().map(text);
    Notice {
        title: text(&notice.title),
        sentence: text(&notice.sentence),
        text: text(&notice.text),
        rule: maybe(&notice.rule),
        subject: maybe(&notice.subject),
        report: notice.report.clone().map(|mut report| {
            let cells = report
                .tables
                .iter_mut()
                .flat_map(|table| table.rows.iter_mut().flatten());
            cells.for_each(|cell| *cell = text(cell));
            report
        }),
        ..notice.clone()
    }
}
