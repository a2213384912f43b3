//! `ops/classification-rules`: what an operator makes of failures, in versions, and rules tried over what is stored.

use std::time::Duration;

use axum::{
    Json,
    extract::{RawQuery, State},
};
use serde::{Deserialize, Serialize};
use waybill_model::{
    classify::ruling::{ClassificationRule, LIMITS, Preview, check},
    view::{List, RulesChange, RulesProgress, RulesVersion},
};
use waybill_store::NewRules;

use super::{
    App,
    actor::Actor,
    body::Body,
    entities::{PathId, apply, paged},
    note::Note,
    openapi::{NumberParameters, SpanParameters},
    problem::{Problem, ProblemCode, ProblemDetails},
};
use crate::{config::RequestLogging, ops::filter};

/// The rules in force, and how far what is stored is judged by them.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ClassificationRules {
    /// The version, and its rules.
    #[serde(flatten)]
    in_force: RulesVersion,
    /// How far they are applied.
    applied: RulesProgress,
}

/// The operator's classification rules in force. New failures are judged by them at once; stored ones by and by,
/// which `applied` shows.
#[utoipa::path(get, path = "/api/v1/admin/ops/classification-rules", operation_id = "get_classification_rules", tag = "ops",
    responses((status = 200, body = ClassificationRules)))]
pub async fn show(
    State(shared): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<ClassificationRules>, Problem> {
    filter::parse_nothing(query.as_deref())?;
    whole(&shared).await.map(Json)
}

/// Rules to be put into force.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutRules {
    /// The version they take the place of, as it was read; 0 where there is none.
    version: i64,
    /// Why; it stands in the history.
    #[serde(default)]
    note: Option<String>,
    /// All rules, in the order in which they are looked at.
    rules: Vec<ClassificationRule>,
}

/// Puts rules into force in place of all that are, as a new version: for failures that come and for those that are
/// stored. Another change since the version was read is a conflict.
#[utoipa::path(put, path = "/api/v1/admin/ops/classification-rules", operation_id = "set_classification_rules", tag = "ops",
    request_body = PutRules,
    responses((status = 200, body = ClassificationRules), (status = 400, body = ProblemDetails), (status = 409, body = ProblemDetails)))]
pub async fn change(
    State(shared): State<App>,
    actor: Actor,
    note: Note,
    Body(form): Body<PutRules>,
) -> Result<Json<ClassificationRules>, Problem> {
    put(&shared, actor, &note, form).await.map(Json)
}

/// Rules to be tried.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TryRules {
    /// All rules, in the order in which they are looked at.
    rules: Vec<ClassificationRule>,
}

/// How long a trial may take.
const LONGEST: Duration = Duration::from_secs(60);

/// Tries rules over the stored failures of a window, against those in force: what would change, and what would
/// become of the service level. Nothing is changed. One at a time on a replica.
#[utoipa::path(post, path = "/api/v1/admin/ops/classification-rules/preview", operation_id = "preview_classification_rules", tag = "ops",
    params(SpanParameters), request_body = TryRules,
    responses((status = 200, body = Preview), (status = 400, body = ProblemDetails), (status = 409, body = ProblemDetails)))]
pub async fn preview(
    State(shared): State<App>,
    RawQuery(query): RawQuery,
    Body(form): Body<TryRules>,
) -> Result<Json<Preview>, Problem> {
    let window = filter::parse_span(query.as_deref(), shared.clock.now())?;
    let rules = checked(&shared, form.rules)?;
    let _seat = shared.rule_trials.seat().ok_or_else(|| {
        let detail = "other rules are being tried on this replica; ask again when that has ended";
        Problem::new(ProblemCode::PreviewInProgress, detail)
    })?;
    let knows_all = matches!(shared.settings.requests, RequestLogging::All);
    let preview = shared
        .store
        .try_classification_rules(rules, window, knows_all);
    // Whoever goes away, or waits for too long, ends it at its next piece.
    let preview = tokio::time::timeout(LONGEST, preview).await.map_err(|_| {
        let detail = "trying the rules took too long; ask for a shorter window";
        Problem::new(ProblemCode::TooSlow, detail)
    })?;
    Ok(Json(preview?))
}

/// Every version there was, the newest first.
#[utoipa::path(get, path = "/api/v1/admin/ops/classification-rules/versions", operation_id = "list_classification_versions", tag = "ops",
    params(NumberParameters), responses((status = 200, body = List<RulesChange>)))]
pub async fn versions(
    State(shared): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<List<RulesChange>>, Problem> {
    let all = shared.store.classification_versions().await?;
    paged(all, query.as_deref()).map(Json)
}

/// The rules of one version.
#[utoipa::path(get, path = "/api/v1/admin/ops/classification-rules/versions/{version}", operation_id = "get_classification_version", tag = "ops",
    params(("version" = i64, Path, description = "Its number")),
    responses((status = 200, body = RulesVersion), (status = 404, body = ProblemDetails)))]
pub async fn version(
    State(shared): State<App>,
    PathId(text): PathId,
    RawQuery(query): RawQuery,
) -> Result<Json<RulesVersion>, Problem> {
    filter::parse_nothing(query.as_deref())?;
    find(&shared, &text).await.map(Json)
}

/// What an old version is put back in place of.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RestoreRules {
    /// The version in force, as it was read.
    version: i64,
    /// Why; it stands in the history.
    #[serde(default)]
    note: Option<String>,
}

/// Puts the rules of an old version back into force, as a new version.
#[utoipa::path(post, path = "/api/v1/admin/ops/classification-rules/versions/{version}/restore", operation_id = "restore_classification_version", tag = "ops",
    params(("version" = i64, Path, description = "Its number")), request_body = RestoreRules,
    responses((status = 200, body = ClassificationRules), (status = 404, body = ProblemDetails), (status = 409, body = ProblemDetails)))]
pub async fn restore(
    State(shared): State<App>,
    actor: Actor,
    note: Note,
    PathId(text): PathId,
    Body(form): Body<RestoreRules>,
) -> Result<Json<ClassificationRules>, Problem> {
    let old = find(&shared, &text).await?;
    let why = form.note.or(Some(format!("as in version {}", old.version)));
    let form = PutRules {
        version: form.version,
        note: why,
        rules: old.rules,
    };
    put(&shared, actor, &note, form).await.map(Json)
}

async fn put(
    shared: &App,
    actor: Actor,
    note: &Note,
    form: PutRules,
) -> Result<ClassificationRules, Problem> {
    let rules = checked(shared, form.rules)?;
    let why = form.note.filter(|text| !text.trim().is_empty());
    if why
        .as_ref()
        .is_some_and(|text| text.len() > LIMITS.note_bytes)
    {
        let detail = format!("at most {} bytes", LIMITS.note_bytes);
        return Err(Problem::field("note", detail));
    }
    let redactor = shared.secrets.redactor();
    let new = NewRules {
        replaces: form.version,
        rules,
        by: Some(actor.name),
        note: why.map(|text| redactor.text(&text).into_string()),
    };
    let now = shared.clock.now();
    let made = shared.store.set_classification_rules(new, now).await?;
    note.say("version", made.version);
    note.say("rules", made.rules.len());
    apply(shared).await?;
    whole(shared).await
}

/// Rules without the secrets that are in texts of theirs: who may see rules is not who may see those, and what is
/// looked for in is stored without them, too.
fn checked(
    shared: &App,
    mut rules: Vec<ClassificationRule>,
) -> Result<Vec<ClassificationRule>, Problem> {
    let check = |rules: &[ClassificationRule]| {
        check(rules).map_err(|bad| Problem::field(bad.field, bad.message))
    };
    check(&rules)?;
    let redactor = shared.secrets.redactor();
    for rule in &mut rules {
        let texts = [
            &mut rule.note,
            &mut rule.when.message_contains,
            &mut rule.when.model,
        ];
        for text in texts.into_iter().flatten() {
            *text = redactor.text(text).into_string();
        }
    }
    // What stands for a secret may be longer.
    check(&rules)?;
    Ok(rules)
}

async fn whole(shared: &App) -> Result<ClassificationRules, Problem> {
    Ok(ClassificationRules {
        in_force: shared.store.classification_rules().await?,
        applied: shared.store.classification_progress().await?,
    })
}

async fn find(shared: &App, text: &str) -> Result<RulesVersion, Problem> {
    let number: i64 = text
        .parse()
        .map_err(|_| Problem::parameter("version", "a version is a whole number"))?;
    let found = shared.store.classification_version(number).await?;
    found.ok_or_else(|| Problem::not_found("version", number))
}
