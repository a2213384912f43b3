//! `ops/issues`: failures of one kind as one thing, and the rules that bring kinds together or divide them.

use axum::{
    Json,
    extract::{RawQuery, State},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use waybill_model::{
    issue::{Ignore, IssueDetail, IssueLog, IssueNote, IssueRule, RuleBody, hex},
    time::UnixMillis,
    view::List,
    words,
};
use waybill_store::IssueChange;

use super::{
    App,
    actor::Actor,
    body::Body,
    entities::{PathId, id},
    openapi::IssueParameters,
    problem::{Problem, ProblemDetails},
};
use crate::{
    jobs::issue_settings,
    ops::{filter, issues as asked},
};

/// Longest note, in bytes.
const MAX_NOTE_BYTES: usize = 4096;

/// Issues: what hurts most first. A failure is counted there within a second or two.
#[utoipa::path(get, path = "/api/v1/admin/ops/issues", operation_id = "list_issues", tag = "ops", params(IssueParameters),
    responses((status = 200, body = List<IssueLog>), (status = 400, body = ProblemDetails)))]
pub async fn list(
    State(shared): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<List<IssueLog>>, Problem> {
    let now = shared.clock.now();
    let asked = asked::parse(query.as_deref(), now)?;
    let list = shared
        .store
        .issues(&asked.filter, asked.sort, &asked.page, now);
    Ok(Json(list.await?))
}

/// One issue: whom it meets, its states, its hours, what to do.
#[utoipa::path(get, path = "/api/v1/admin/ops/issues/{fingerprint}", operation_id = "get_issue", tag = "ops",
    params(("fingerprint" = String, Path, description = "Its key, 32 hexadecimal digits")),
    responses((status = 200, body = IssueDetail), (status = 404, body = ProblemDetails)))]
pub async fn show(
    State(shared): State<App>,
    PathId(text): PathId,
    RawQuery(query): RawQuery,
) -> Result<Json<IssueDetail>, Problem> {
    filter::parse_nothing(query.as_deref())?;
    find(&shared, key(&text)?).await.map(Json)
}

words! {
    /// What an issue can be made by hand.
    pub enum StateAsked {
        /// Dealt with.
        Resolved = "resolved",
        /// Not to be looked at, until something ends that.
        Ignored = "ignored",
        /// Known, and still there: acknowledges a new one, reopens one that is resolved or ignored.
        Ongoing = "ongoing",
    }
}

/// Body of a change of an issue.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeIssue {
    /// How it is to stand.
    state: StateAsked,
    /// `ignored` until then.
    #[serde(default)]
    ignore_until: Option<UnixMillis>,
    /// `ignored` until it has failed so often from now on, hidden failures too.
    #[serde(default)]
    ignore_count: Option<u64>,
    /// `ignored` until it escalates.
    #[serde(default)]
    ignore_escalation: bool,
    /// Why; it stands in the timeline.
    #[serde(default)]
    note: Option<String>,
}

/// Resolves an issue, ignores it, or opens it again. What ends that it is ignored is whichever comes first;
/// with nothing of it, only a hand does.
#[utoipa::path(put, path = "/api/v1/admin/ops/issues/{fingerprint}", operation_id = "change_issue", tag = "ops",
    params(("fingerprint" = String, Path, description = "Its key, 32 hexadecimal digits")), request_body = ChangeIssue,
    responses((status = 200, body = IssueDetail), (status = 400, body = ProblemDetails), (status = 404, body = ProblemDetails)))]
pub async fn change(
    State(shared): State<App>,
    actor: Actor,
    PathId(text): PathId,
    Body(form): Body<ChangeIssue>,
) -> Result<Json<IssueDetail>, Problem> {
    let key = key(&text)?;
    let now = shared.clock.now();
    let ends = [
        ("ignore_until", form.ignore_until.is_some()),
        ("ignore_count", form.ignore_count.is_some()),
        ("ignore_escalation", form.ignore_escalation),
    ];
    let change = match form.state {
        StateAsked::Ignored => IssueChange::Ignore(Ignore {
            until: form.ignore_until,
            until_count: form.ignore_count,
            until_escalation: form.ignore_escalation,
        }),
        StateAsked::Resolved => IssueChange::Resolve,
        StateAsked::Ongoing => IssueChange::Reopen,
    };
    if !matches!(change, IssueChange::Ignore(_))
        && let Some((field, _)) = ends.iter().find(|(_, given)| *given)
    {
        return Err(Problem::field(
            *field,
            "it is for the state `ignored` alone",
        ));
    }
    if form.ignore_until.is_some_and(|until| until <= now) {
        return Err(Problem::field("ignore_until", "it is not in the future"));
    }
    if form.ignore_count == Some(0) {
        return Err(Problem::field("ignore_count", "at least 1 is needed"));
    }
    find(&shared, key).await?;
    let note = form.note.filter(|note| !note.trim().is_empty());
    let note = note.map(|note| {
        shared
            .secrets
            .redactor()
            .text_bounded(&note, MAX_NOTE_BYTES)
    });
    shared
        .store
        .change_issue(
            key,
            change,
            Some(actor.name),
            note,
            issue_settings(&shared),
            now,
        )
        .await?;
    find(&shared, key).await.map(Json)
}

/// Body of a note.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewNote {
    /// What; at most 4 KiB.
    text: String,
}

/// Adds a note to an issue.
#[utoipa::path(post, path = "/api/v1/admin/ops/issues/{fingerprint}/notes", operation_id = "add_issue_note", tag = "ops",
    params(("fingerprint" = String, Path, description = "Its key, 32 hexadecimal digits")), request_body = NewNote,
    responses((status = 201, body = IssueNote), (status = 400, body = ProblemDetails), (status = 404, body = ProblemDetails)))]
pub async fn note(
    State(shared): State<App>,
    actor: Actor,
    PathId(text): PathId,
    Body(note): Body<NewNote>,
) -> Result<(StatusCode, Json<IssueNote>), Problem> {
    let key = key(&text)?;
    if note.text.trim().is_empty() || note.text.len() > MAX_NOTE_BYTES {
        let detail = format!("1 to {MAX_NOTE_BYTES} bytes of text are needed");
        return Err(Problem::field("text", detail));
    }
    find(&shared, key).await?;
    let shown = shared
        .secrets
        .redactor()
        .text_bounded(&note.text, MAX_NOTE_BYTES);
    let made = shared
        .store
        .add_issue_note(key, shown, Some(actor.name), shared.clock.now())
        .await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// `GET issue-rules`.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct IssueRules {
    /// Every rule, in the order in which they are looked at.
    items: Vec<IssueRule>,
}

/// Rules that bring kinds of failures together, or divide an issue.
#[utoipa::path(get, path = "/api/v1/admin/ops/issue-rules", operation_id = "list_issue_rules", tag = "ops",
    responses((status = 200, body = IssueRules)))]
pub async fn rules(
    State(shared): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<IssueRules>, Problem> {
    filter::parse_nothing(query.as_deref())?;
    let items = shared.store.issue_rules().await?;
    Ok(Json(IssueRules { items }))
}

/// Adds a rule. It is for what is stored, too: what it changes is counted anew from the stored failures, by
/// and by; meanwhile such issues are `recounting`.
#[utoipa::path(post, path = "/api/v1/admin/ops/issue-rules", operation_id = "create_issue_rule", tag = "ops",
    request_body = RuleBody,
    responses((status = 201, body = IssueRule), (status = 400, body = ProblemDetails)))]
pub async fn add_rule(
    State(shared): State<App>,
    actor: Actor,
    Body(rule): Body<RuleBody>,
) -> Result<(StatusCode, Json<IssueRule>), Problem> {
    rule.check()
        .map_err(|bad| Problem::field(bad.field, bad.message))?;
    let (field, issue) = match &rule {
        RuleBody::Merge(merge) => ("into", &merge.into),
        RuleBody::Split(split) => ("issue", &split.issue),
    };
    let found = shared.store.issue(key(issue)?, shared.clock.now()).await?;
    match found {
        None => return Err(Problem::field(field, "there is no such issue")),
        Some(issue) if issue.log.part_of.is_some() => {
            let detail = "it is a part of a divided issue; name that one";
            return Err(Problem::field(field, detail));
        }
        Some(_) => {}
    }
    let made = shared
        .store
        .add_issue_rule(rule, Some(actor.name), shared.clock.now())
        .await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Removes a rule. What it changed is counted anew.
#[utoipa::path(delete, path = "/api/v1/admin/ops/issue-rules/{id}", operation_id = "delete_issue_rule", tag = "ops",
    params(("id" = i64, Path, description = "Row id")),
    responses((status = 204), (status = 404, body = ProblemDetails)))]
pub async fn remove_rule(
    State(shared): State<App>,
    PathId(text): PathId,
) -> Result<StatusCode, Problem> {
    shared.store.remove_issue_rule(id(&text)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn key(text: &str) -> Result<[u8; 16], Problem> {
    hex::key(text)
        .ok_or_else(|| Problem::parameter("fingerprint", "a fingerprint is 32 hexadecimal digits"))
}

async fn find(shared: &App, key: [u8; 16]) -> Result<IssueDetail, Problem> {
    let found = shared.store.issue(key, shared.clock.now()).await?;
    found.ok_or_else(|| Problem::not_found("issue", hex::text(key)))
}
