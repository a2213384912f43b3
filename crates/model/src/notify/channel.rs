//! Where somebody is told: a channel as it is written, checked.

use serde::{Deserialize, Serialize};

use super::Invalid;
use crate::{
    cause::Severity,
    entity::Sealed,
    id::ChannelId,
    notify::{Notice, NoticeKind},
    secret::Secret,
    time::UnixMillis,
    words,
};

/// Longest name, in bytes.
const MOST_NAME: usize = 128;

/// Longest address and secret, in bytes.
const MOST_SECRET: usize = 2048;

/// Longest grouping window.
const MOST_GROUP_SECONDS: u32 = 3600;

/// Largest limit of an hour.
const MOST_PER_HOUR: u32 = 10_000;

/// Receivers of one mail.
const MOST_RECEIVERS: usize = 50;

words! {
    /// What kind of receiver it is.
    pub enum ChannelKind {
        /// Mail, over SMTP.
        Email = "email",
        /// Anything that takes our own JSON body.
        Webhook = "webhook",
        /// A Slack incoming webhook.
        Slack = "slack",
        /// A Discord webhook.
        Discord = "discord",
        /// A custom bot of Feishu or Lark.
        Feishu = "feishu",
        /// A custom robot of DingTalk.
        Dingtalk = "dingtalk",
        /// A group robot of WeCom.
        Wecom = "wecom",
        /// PagerDuty's Events API.
        Pagerduty = "pagerduty",
    }
}

words! {
    /// How a connection to a mail server is kept private.
    pub enum SmtpSecurity {
        /// It begins in the clear and goes on in TLS; a server that cannot do that gets nothing.
        Starttls = "starttls",
        /// TLS from the first byte.
        Tls = "tls",
        /// Not at all.
        None = "none",
    }
}

/// How mail is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Email {
    /// To whom.
    pub to: Vec<String>,
    /// From whom: an address, or `Name <address>`.
    pub from: String,
    /// The mail server.
    pub host: String,
    /// Its port; without it 587, 465 or 25, as `security` says.
    #[serde(default)]
    pub port: Option<u16>,
    /// How the connection is kept private.
    #[serde(default = "starttls")]
    pub security: SmtpSecurity,
    /// Who signs in there; absent: nobody does.
    #[serde(default)]
    pub username: Option<String>,
}

/// A channel's settings, none of them secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChannelBody {
    /// Unique name.
    pub name: String,
    /// Whether it is told anything.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// What kind of receiver it is.
    pub kind: ChannelKind,
    /// It is told of what is this bad or worse, unless a rule names it.
    #[serde(default = "any")]
    pub min_severity: Severity,
    /// What comes within so many seconds of the first goes as one message; 0: each by itself.
    #[serde(default)]
    pub group_seconds: u32,
    /// Messages in any hour; what is more waits, and goes as one. Absent: as many as there are.
    #[serde(default)]
    pub max_per_hour: Option<u32>,
    /// Whether it is told of ends, too.
    #[serde(default = "yes")]
    pub send_resolved: bool,
    /// For `email`: how.
    #[serde(default)]
    pub email: Option<Email>,
}

/// What nobody is shown of a channel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChannelSecrets {
    /// Where to: such addresses hold tokens.
    pub url: Option<Secret>,
    /// What messages are signed with.
    pub signing_secret: Option<Secret>,
    /// PagerDuty's integration key.
    pub routing_key: Option<Secret>,
    /// The mail server's.
    pub password: Option<Secret>,
}

/// A channel, as it rests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Row id.
    pub id: ChannelId,
    /// Its settings.
    pub body: ChannelBody,
    /// Its secrets, sealed.
    pub secrets: Sealed,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it was last changed.
    pub updated_at: UnixMillis,
}

const fn yes() -> bool {
    true
}
const fn any() -> Severity {
    Severity::P3
}
const fn starttls() -> SmtpSecurity {
    SmtpSecurity::Starttls
}

/// Whether a kind needs something, may have it, or has no use for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wants {
    Needs,
    Takes,
    Nothing,
}

impl ChannelKind {
    const fn url(self) -> Wants {
        match self {
            ChannelKind::Webhook
            | ChannelKind::Slack
            | ChannelKind::Discord
            | ChannelKind::Feishu
            | ChannelKind::Dingtalk
            | ChannelKind::Wecom => Wants::Needs,
            // It has one address for everybody; another one for Europe.
            ChannelKind::Pagerduty => Wants::Takes,
            ChannelKind::Email => Wants::Nothing,
        }
    }

    const fn signing_secret(self) -> Wants {
        match self {
            ChannelKind::Webhook | ChannelKind::Feishu | ChannelKind::Dingtalk => Wants::Takes,
            ChannelKind::Email
            | ChannelKind::Slack
            | ChannelKind::Discord
            | ChannelKind::Wecom
            | ChannelKind::Pagerduty => Wants::Nothing,
        }
    }

    /// Whether several notices may go as one message. PagerDuty has an incident for each, and groups by itself.
    pub const fn groups(self) -> bool {
        match self {
            ChannelKind::Pagerduty => false,
            ChannelKind::Email
            | ChannelKind::Webhook
            | ChannelKind::Slack
            | ChannelKind::Discord
            | ChannelKind::Feishu
            | ChannelKind::Dingtalk
            | ChannelKind::Wecom => true,
        }
    }
}

impl ChannelKind {
    /// Whether each attempt carries something by which the receiver knows a message that it was sent before: an
    /// `idempotency-key`, a `dedup_key`, a `Message-ID`. To the others a repeat is one more message.
    pub const fn knows_repeats(self) -> bool {
        match self {
            ChannelKind::Email | ChannelKind::Webhook | ChannelKind::Pagerduty => true,
            ChannelKind::Slack
            | ChannelKind::Discord
            | ChannelKind::Feishu
            | ChannelKind::Dingtalk
            | ChannelKind::Wecom => false,
        }
    }
}

impl Email {
    /// The port.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.security {
            SmtpSecurity::Starttls => 587,
            SmtpSecurity::Tls => 465,
            SmtpSecurity::None => 25,
        })
    }

    fn check(&self, password: Option<&Secret>) -> Result<(), Invalid> {
        if self.to.is_empty() || self.to.len() > MOST_RECEIVERS {
            let problem = format!("must have 1 to {MOST_RECEIVERS} addresses");
            return wrong("email.to", problem);
        }
        if self.host.is_empty() || !self.host.bytes().all(is_of_host) {
            return wrong("email.host", "must be a host name or an address");
        }
        if self.port == Some(0) {
            return wrong("email.port", "must be 1 to 65535");
        }
        match (&self.username, password) {
            (None, None) => Ok(()),
            (Some(name), _) if name.is_empty() || name.len() > MOST_NAME => {
                wrong("email.username", "must have 1 to 128 bytes")
            }
            (Some(_), None) => wrong("email.password", "is needed with a user name"),
            (None, Some(_)) => wrong("email.username", "is needed with a password"),
            (Some(_), Some(_)) if self.security == SmtpSecurity::None && !self.is_here() => wrong(
                "email.security",
                "`none` would send the password in the clear",
            ),
            (Some(_), Some(_)) => Ok(()),
        }
    }

    /// Whether the server is this machine.
    fn is_here(&self) -> bool {
        let address = self.host.parse::<std::net::IpAddr>();
        self.host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }
}

fn is_of_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b".-:_".contains(&byte)
}

fn wrong(field: &'static str, problem: impl Into<String>) -> Result<(), Invalid> {
    Err(Invalid {
        field,
        problem: problem.into(),
    })
}

impl ChannelBody {
    /// Checks what types alone do not, with the secrets that belong to it.
    pub fn check(&self, secrets: &ChannelSecrets) -> Result<(), Invalid> {
        if self.name.trim().is_empty() || self.name.len() > MOST_NAME {
            return wrong("name", format!("must have 1 to {MOST_NAME} bytes"));
        }
        if self.group_seconds > MOST_GROUP_SECONDS {
            let problem = format!("must be at most {MOST_GROUP_SECONDS}");
            return wrong("group_seconds", problem);
        }
        if let Some(most) = self.max_per_hour
            && !(1..=MOST_PER_HOUR).contains(&most)
        {
            return wrong("max_per_hour", format!("must be 1 to {MOST_PER_HOUR}"));
        }
        if !self.kind.groups() && (self.group_seconds > 0 || self.max_per_hour.is_some()) {
            let field = match self.group_seconds {
                0 => "max_per_hour",
                _ => "group_seconds",
            };
            return wrong(field, "is not for `pagerduty`, which groups by itself");
        }
        let routing_key = match self.kind {
            ChannelKind::Pagerduty => Wants::Needs,
            _ => Wants::Nothing,
        };
        let given = [
            ("url", &secrets.url, self.kind.url()),
            (
                "signing_secret",
                &secrets.signing_secret,
                self.kind.signing_secret(),
            ),
            ("routing_key", &secrets.routing_key, routing_key),
        ];
        for (field, secret, wants) in given {
            self.check_secret(field, secret.as_ref(), wants)?;
        }
        match (&self.email, self.kind) {
            (Some(email), ChannelKind::Email) => email.check(secrets.password.as_ref()),
            (None, ChannelKind::Email) => wrong("email", "is needed"),
            (Some(_), kind) => wrong("email", format!("says nothing about `{kind}`")),
            (None, kind) if secrets.password.is_some() => {
                wrong("email.password", format!("says nothing about `{kind}`"))
            }
            (None, _) => Ok(()),
        }
    }

    fn check_secret(
        &self,
        field: &'static str,
        secret: Option<&Secret>,
        wants: Wants,
    ) -> Result<(), Invalid> {
        match (secret.map(Secret::expose), wants) {
            (None, Wants::Needs) => wrong(field, format!("is needed for `{}`", self.kind)),
            (Some(_), Wants::Nothing) => {
                wrong(field, format!("says nothing about `{}`", self.kind))
            }
            (Some(text), _) if text.is_empty() || text.len() > MOST_SECRET => {
                wrong(field, format!("must have 1 to {MOST_SECRET} bytes"))
            }
            (Some(text), _) if !text.bytes().all(|byte| byte.is_ascii_graphic()) => {
                wrong(field, "must be visible ASCII characters")
            }
            (None | Some(_), _) => Ok(()),
        }
    }

    /// Whether the channel is told of a notice that names no channels.
    pub fn takes(&self, notice: &Notice) -> bool {
        self.takes_kind(notice.kind) && notice.severity <= self.min_severity
    }

    /// Whether the channel is told of notices of a kind at all.
    pub fn takes_kind(&self, kind: NoticeKind) -> bool {
        self.enabled && (self.send_resolved || kind != NoticeKind::AlertResolved)
    }
}

#[cfg(test)]
mod tests;
