//! One message to one receiver, within bounds of time.
//!
//! Promises: secrets are taken out of what is told, and out of what the receiver said; a receiver that hangs is cut
//! off, and whether it had been sent everything by then is told apart. Must not know: the outbox, when it is tried
//! again.

use std::{fmt::Display, time::Duration};

use waybill_model::{
    notify::{ChannelKind, Notice},
    redact::Redactor,
    time::UnixMillis,
    waybill::TransportFault,
};

use super::{
    compose::{self, Message},
    judge::Verdict,
    mail,
    opened::Opened,
    post,
};
use crate::{
    app::Shared,
    config::NotificationSettings,
    upstream::{Outlet, TransportError},
};

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

/// For how long a receiver is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Connecting.
    pub(super) connect: Duration,
    /// The answer to what was sent; with mail, all that comes before the mail.
    pub(super) answer: Duration,
    /// What a mail server says to a mail that it was given (RFC 5321, 4.5.3.2.6).
    pub(super) mail: Duration,
}

impl Patience {
    /// With what waits in line.
    pub const fn of(settings: &NotificationSettings) -> Self {
        Patience::within(settings.timeout, settings.answer_timeout)
    }

    const fn within(connect: Duration, answer: Duration) -> Self {
        Patience {
            connect,
            answer,
            mail: answer.saturating_mul(10),
        }
    }

    /// With what somebody waits for who looks at it.
    #[must_use]
    pub const fn of_a_test(settings: &NotificationSettings) -> Self {
        Patience {
            mail: settings.answer_timeout,
            ..Patience::of(settings)
        }
    }

    /// The longest that any delivery takes, however it is configured.
    pub(super) const MOST_MS: i64 = {
        let most = Patience::within(NotificationSettings::MOST, NotificationSettings::MOST);
        let (mail, post) = (
            most.longest(ChannelKind::Email).as_millis() as i64,
            most.longest(ChannelKind::Webhook).as_millis() as i64,
        );
        if mail > post { mail } else { post }
    };

    /// The longest that a delivery takes.
    pub const fn longest(&self, kind: ChannelKind) -> Duration {
        match kind {
            ChannelKind::Email => self.answer.saturating_add(self.mail),
            ChannelKind::Webhook
            | ChannelKind::Slack
            | ChannelKind::Discord
            | ChannelKind::Feishu
            | ChannelKind::Dingtalk
            | ChannelKind::Wecom
            | ChannelKind::Pagerduty => self.connect.saturating_add(self.answer),
        }
    }

    /// The gateway's way out, for as long as connecting may take.
    pub(super) fn outlet<'a>(&self, shared: &'a Shared) -> Outlet<'a> {
        let outlet = Outlet::of(shared);
        Outlet {
            timeout: outlet.timeout.min(self.connect),
            ..outlet
        }
    }
}

impl Reply {
    /// There was no whole answer.
    pub(super) fn broken(error: TransportError) -> Self {
        match (error.sent, error.fault) {
            (true, TransportFault::Timeout) => Reply::silent(error),
            (true | false, _) => Reply::none(error),
        }
    }

    /// It was sent, and there was no answer in time.
    pub(super) fn silent(error: impl Display) -> Self {
        Reply {
            verdict: Verdict::Unanswered,
            status: None,
            said: format!("{error}; it was sent, and may have arrived"),
        }
    }

    /// Nobody was there to be told, or it broke off.
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
    patience: Patience,
    now: UnixMillis,
) -> Reply {
    let redactor = shared.secrets.redactor();
    let notices: Vec<Notice> = notices
        .iter()
        .map(|notice| redacted(&redactor, notice))
        .collect();
    let installation = shared.vault.installation();
    let message = Message {
        key,
        installation: &installation,
        notices: &notices,
        now,
        public_url: shared.settings.notifications.public_url.as_deref(),
    };
    let reply = match channel.body.kind {
        ChannelKind::Email => mail::send(shared, channel, &message, patience).await,
        kind => match compose::body(kind, &message) {
            Some(body) => post::send(shared, channel, &message, body, patience).await,
            None => Reply::refused("there is nothing to send"),
        },
    };
    let said = redactor.text(&reply.said).into_string();
    Reply {
        said: compose::fit_bytes(said.trim(), MOST_SAID),
        ..reply
    }
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
