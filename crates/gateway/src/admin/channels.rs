//! `ops/notification-channels`: who is told of something, and whether they can be.
//!
//! Promises: secrets are taken and never shown; a change that leaves a secret out keeps it, unless it would go
//! somewhere else by that. Must not know: what messages look like.

use axum::{
    Json,
    extract::{RawQuery, State},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use waybill_model::{
    cause::Severity,
    id::ChannelId,
    notify::{
        Channel, ChannelBody, ChannelKind, ChannelSecrets, Email, Notice, NoticeKind, SmtpSecurity,
    },
    secret::Secret,
    time::UnixMillis,
    view::List,
};
use waybill_store::NewChannel;

use super::{
    App,
    body::{Body, present},
    entities::{PathId, id, paged},
    note::Note,
    openapi::NumberParameters,
    problem::{Problem, ProblemDetails},
};
use crate::{
    notify::{self, Opened, Patience, Reply, Verdict},
    ops::filter,
    record::millis_since,
    routing::Upstream,
    vault::random_text,
};

/// A channel as it is shown.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ChannelView {
    /// Row id.
    id: ChannelId,
    /// Its settings.
    #[serde(flatten)]
    body: ChannelBody,
    /// Where its address leads; the rest of it is a secret. `null`: it cannot be opened, or there is one for all.
    host: Option<String>,
    /// Whether its messages are signed.
    has_signing_secret: bool,
    /// Whether it signs in to its mail server.
    has_password: bool,
    /// When it was made.
    created_at: UnixMillis,
    /// When it was last changed.
    updated_at: UnixMillis,
}

/// A channel to be made, or what to change about one: then what is absent stays as it is.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChannelForm {
    /// Unique name. Needed for a new one.
    name: Option<String>,
    /// What kind of receiver it is. Needed for a new one, and cannot be changed.
    kind: Option<ChannelKind>,
    /// Whether it is told anything; switched off, what waits for it is dropped.
    enabled: Option<bool>,
    /// It is told of what is this bad or worse, unless a rule names it.
    min_severity: Option<Severity>,
    /// What comes within so many seconds of the first goes as one message; 0: each by itself.
    group_seconds: Option<u32>,
    /// Messages in any hour; what is more waits, and goes as one. `null`: as many as there are.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u32>)]
    max_per_hour: Option<Option<u32>>,
    /// Whether it is told of ends, too.
    send_resolved: Option<bool>,
    /// Where to. Of `pagerduty` it has a default.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, format = Password, write_only)]
    url: Option<Option<Secret>>,
    /// What messages are signed with: `webhook`, `feishu`, `dingtalk`. `null`: they are not.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, format = Password, write_only)]
    signing_secret: Option<Option<Secret>>,
    /// The integration key of `pagerduty`.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, format = Password, write_only)]
    routing_key: Option<Option<Secret>>,
    /// How mail is sent: all of it, but for the password.
    email: Option<EmailForm>,
}

/// How mail is sent.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailForm {
    /// To whom.
    to: Vec<String>,
    /// From whom: an address, or `Name <address>`.
    from: String,
    /// The mail server.
    host: String,
    /// Its port; without it 587, 465 or 25, as `security` says.
    port: Option<u16>,
    /// How the connection is kept private; `starttls` when absent.
    security: Option<SmtpSecurity>,
    /// Who signs in there; absent: nobody does.
    username: Option<String>,
    /// With what; absent: as before, at the same server.
    #[schema(value_type = Option<String>, format = Password, write_only)]
    password: Option<Secret>,
}

/// What came of a test.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ChannelTested {
    /// Whether the receiver took it.
    ok: bool,
    /// The receiver's status, or the mail server's code; `null`: there was no answer.
    status: Option<u16>,
    /// What it said, or what went wrong.
    said: String,
    /// From the connection to the end of the answer.
    took_ms: u32,
}

/// Notification channels, by id.
#[utoipa::path(get, path = "/api/v1/admin/ops/notification-channels", operation_id = "list_notification_channels", tag = "notifications", params(NumberParameters),
    responses((status = 200, body = List<ChannelView>)))]
pub async fn list(
    State(shared): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<List<ChannelView>>, Problem> {
    let channels = shared.store.channels().await?;
    let all = channels.into_iter().map(|channel| view(&shared, channel));
    paged(all.collect(), query.as_deref()).map(Json)
}

/// One notification channel.
#[utoipa::path(get, path = "/api/v1/admin/ops/notification-channels/{id}", operation_id = "get_notification_channel", tag = "notifications",
    params(("id" = i64, Path)), responses((status = 200, body = ChannelView), (status = 404, body = ProblemDetails)))]
pub async fn show(
    State(shared): State<App>,
    PathId(text): PathId,
    RawQuery(query): RawQuery,
) -> Result<Json<ChannelView>, Problem> {
    filter::parse_nothing(query.as_deref())?;
    let channel = find(&shared, ChannelId(id(&text)?)).await?;
    Ok(Json(view(&shared, channel)))
}

/// Makes a notification channel.
#[utoipa::path(post, path = "/api/v1/admin/ops/notification-channels", operation_id = "create_notification_channel", tag = "notifications", request_body = ChannelForm,
    responses((status = 201, body = ChannelView), (status = 400, body = ProblemDetails), (status = 409, body = ProblemDetails)))]
pub async fn create(
    State(shared): State<App>,
    Body(form): Body<ChannelForm>,
) -> Result<(StatusCode, Json<ChannelView>), Problem> {
    let needed = |field| Problem::field(field, "is needed");
    let body = ChannelBody {
        name: form.name.clone().ok_or_else(|| needed("name"))?,
        kind: form.kind.ok_or_else(|| needed("kind"))?,
        enabled: true,
        min_severity: Severity::P3,
        group_seconds: 0,
        max_per_hour: None,
        send_resolved: true,
        email: None,
    };
    let nothing = Opened {
        body,
        secrets: ChannelSecrets::default(),
    };
    let new = changed(&shared, nothing, form)?;
    let made = shared.store.create_channel(new, shared.clock.now()).await?;
    Ok((StatusCode::CREATED, Json(view(&shared, made))))
}

/// Changes a notification channel. What is absent stays, secrets too.
#[utoipa::path(patch, path = "/api/v1/admin/ops/notification-channels/{id}", operation_id = "change_notification_channel", tag = "notifications", request_body = ChannelForm,
    params(("id" = i64, Path)),
    responses((status = 200, body = ChannelView), (status = 400, body = ProblemDetails), (status = 404, body = ProblemDetails), (status = 409, body = ProblemDetails)))]
pub async fn change(
    State(shared): State<App>,
    PathId(text): PathId,
    Body(form): Body<ChannelForm>,
) -> Result<Json<ChannelView>, Problem> {
    let id = ChannelId(id(&text)?);
    let channel = find(&shared, id).await?;
    if form.kind.is_some_and(|kind| kind != channel.body.kind) {
        return Err(Problem::field(
            "kind",
            "cannot be changed: make another one",
        ));
    }
    // One that cannot be opened is written anew.
    let before = Opened::of(&shared, &channel).unwrap_or_else(|_| Opened {
        body: channel.body,
        secrets: ChannelSecrets::default(),
    });
    let new = changed(&shared, before, form)?;
    let saved = shared
        .store
        .update_channel(id, new, shared.clock.now())
        .await?;
    shared.notifier.ring();
    Ok(Json(view(&shared, saved)))
}

/// Deletes a notification channel. What waits for it is dropped; what it was told stays in the log.
#[utoipa::path(delete, path = "/api/v1/admin/ops/notification-channels/{id}", operation_id = "delete_notification_channel", tag = "notifications",
    params(("id" = i64, Path)), responses((status = 204), (status = 404, body = ProblemDetails)))]
pub async fn remove(
    State(shared): State<App>,
    PathId(text): PathId,
) -> Result<StatusCode, Problem> {
    shared.store.delete_channel(ChannelId(id(&text)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends a test to a channel, at once and whatever waits for it, and answers with what the receiver said. At
/// PagerDuty an incident opens and is resolved at once.
#[utoipa::path(post, path = "/api/v1/admin/ops/notification-channels/{id}/test", operation_id = "test_notification_channel", tag = "notifications",
    params(("id" = i64, Path)),
    responses((status = 200, body = ChannelTested), (status = 404, body = ProblemDetails)))]
pub async fn test(
    State(shared): State<App>,
    note: Note,
    PathId(text): PathId,
) -> Result<Json<ChannelTested>, Problem> {
    let channel = find(&shared, ChannelId(id(&text)?)).await?;
    let now = shared.clock.now();
    let notice = of_test(&channel, now);
    let began = Instant::now();
    let reply = tell(&shared, &channel, &notice, now).await;
    let took_ms = millis_since(began);
    let ok = reply.verdict == Verdict::Taken;
    if ok && channel.body.kind == ChannelKind::Pagerduty {
        let over = Notice {
            kind: NoticeKind::AlertResolved,
            ended_at: Some(now),
            ..notice.clone()
        };
        tell(&shared, &channel, &over, now).await;
    }
    let error = (!ok).then(|| reply.said.clone());
    shared
        .store
        .note_delivery(&channel, notice, error, now)
        .await?;
    note.say("ok", ok);
    Ok(Json(ChannelTested {
        ok,
        status: reply.status,
        said: reply.said,
        took_ms,
    }))
}

async fn tell(shared: &App, channel: &Channel, notice: &Notice, now: UnixMillis) -> Reply {
    let key = format!("wb-{}", notice.topic.replace(':', "-"));
    match Opened::of(shared, channel) {
        Ok(opened) => {
            let notices = std::slice::from_ref(notice);
            let patience = Patience::of_a_test(&shared.settings.notifications);
            notify::deliver(shared, &opened, &key, notices, patience, now).await
        }
        Err(error) => Reply {
            verdict: Verdict::Refused,
            status: None,
            said: format!("its secrets cannot be opened: {error}"),
        },
    }
}

fn of_test(channel: &Channel, now: UnixMillis) -> Notice {
    Notice {
        kind: NoticeKind::Test,
        topic: format!("test:{}", random_text()),
        event_id: None,
        severity: Severity::P3,
        title: "A test".to_owned(),
        sentence: format!("the channel {} works", channel.body.name),
        text: String::new(),
        rule: None,
        subject: None,
        metric: None,
        value: None,
        threshold: None,
        unit: None,
        started_at: now,
        ended_at: None,
        path: None,
        report: None,
    }
}

/// What a channel becomes by a form, checked and sealed.
fn changed(shared: &App, before: Opened, form: ChannelForm) -> Result<NewChannel, Problem> {
    let Opened { body: was, secrets } = before;
    let (email, password) = match form.email {
        Some(email) => {
            let (email, password) = mail(email, was.email.as_ref(), secrets.password)?;
            (Some(email), password)
        }
        None => (was.email, secrets.password),
    };
    let body = ChannelBody {
        name: form.name.unwrap_or(was.name),
        kind: was.kind,
        enabled: form.enabled.unwrap_or(was.enabled),
        min_severity: form.min_severity.unwrap_or(was.min_severity),
        group_seconds: form.group_seconds.unwrap_or(was.group_seconds),
        max_per_hour: form.max_per_hour.unwrap_or(was.max_per_hour),
        send_resolved: form.send_resolved.unwrap_or(was.send_resolved),
        email,
    };
    let moves = form
        .url
        .as_ref()
        .is_some_and(|url| origin(url.as_ref()) != origin(secrets.url.as_ref()));
    let stays = |field, given: Option<Option<Secret>>, kept: Option<Secret>| match (given, kept) {
        (Some(given), _) => Ok(given),
        (None, Some(_)) if moves => {
            let why = "is needed again, or `null`, where `url` leads to another host";
            Err(Problem::field(field, why))
        }
        (None, kept) => Ok(kept),
    };
    let secrets = ChannelSecrets {
        signing_secret: stays(
            "signing_secret",
            form.signing_secret,
            secrets.signing_secret,
        )?,
        routing_key: stays("routing_key", form.routing_key, secrets.routing_key)?,
        url: form.url.unwrap_or(secrets.url),
        password,
    };
    body.check(&secrets)
        .map_err(|bad| Problem::field(bad.field, bad.problem))?;
    check_reach(shared, &body, &secrets)?;
    Ok(NewChannel {
        secrets: notify::seal(&shared.vault, &secrets),
        body,
    })
}

/// Whom an address leads to. Secrets stay with them: sent along to somebody else, they would be given away.
fn origin(url: Option<&Secret>) -> Option<(String, String)> {
    let url = url.map_or(notify::ENQUEUE, Secret::expose);
    let uri: http::Uri = url.parse().ok()?;
    let (scheme, authority) = (uri.scheme_str()?, uri.authority()?.as_str());
    Some((scheme.to_ascii_lowercase(), authority.to_ascii_lowercase()))
}

/// A password stays with its server and its name: sent along to another one, it would be given away.
fn mail(
    form: EmailForm,
    was: Option<&Email>,
    password: Option<Secret>,
) -> Result<(Email, Option<Secret>), Problem> {
    let email = Email {
        to: form.to,
        from: form.from,
        host: form.host,
        port: form.port,
        security: form.security.unwrap_or(SmtpSecurity::Starttls),
        username: form.username,
    };
    let is_same = was.is_some_and(|was| {
        (&was.host, was.port(), was.security, &was.username)
            == (&email.host, email.port(), email.security, &email.username)
    });
    let kept = match (&form.password, &email.username) {
        (Some(_), _) | (None, None) => None,
        (None, Some(_)) if is_same => password,
        (None, Some(_)) => {
            let why = "is needed again where the server or the user name is another one";
            return match password {
                Some(_) => Err(Problem::field("email.password", why)),
                None => Ok((email, None)),
            };
        }
    };
    Ok((email, form.password.or(kept)))
}

/// Whether a channel leads where the gateway may connect to, and its addresses can be written.
fn check_reach(shared: &App, body: &ChannelBody, secrets: &ChannelSecrets) -> Result<(), Problem> {
    if let Some(url) = &secrets.url {
        let url = url.expose();
        let refuse = |why: String| Problem::field("url", why);
        check_url(url).map_err(refuse)?;
        shared.egress.check_url(url).map_err(refuse)?;
    }
    if let Some(email) = &body.email {
        notify::check_addresses(email).map_err(|(field, why)| Problem::field(field, why))?;
        let allowed = shared.egress.check_host(&email.host);
        allowed.map_err(|error| Problem::field("email.host", error.to_string()))?;
    }
    Ok(())
}

fn check_url(url: &str) -> Result<(), String> {
    let bad = || "must be an http or https address, without a user".to_owned();
    let uri: http::Uri = url.parse().map_err(|_| bad())?;
    let base = match (uri.scheme_str(), uri.authority()) {
        (Some(scheme), Some(authority)) => format!("{scheme}://{authority}"),
        _ => return Err(bad()),
    };
    Upstream::parse(&base, waybill_model::entity::HttpVersion::Http1)
        .map(drop)
        .map_err(|_| bad())
}

async fn find(shared: &App, id: ChannelId) -> Result<Channel, Problem> {
    let found = shared.store.channel(id).await?;
    found.ok_or_else(|| Problem::not_found("notification channel", id))
}

fn view(shared: &App, channel: Channel) -> ChannelView {
    let opened = Opened::of(shared, &channel).ok();
    let has = |of: fn(&ChannelSecrets) -> &Option<Secret>| {
        opened
            .as_ref()
            .is_some_and(|opened| of(&opened.secrets).is_some())
    };
    ChannelView {
        id: channel.id,
        host: opened.as_ref().and_then(Opened::host),
        has_signing_secret: has(|secrets| &secrets.signing_secret),
        has_password: has(|secrets| &secrets.password),
        created_at: channel.created_at,
        updated_at: channel.updated_at,
        body: channel.body,
    }
}
