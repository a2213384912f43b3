//! `ops/account-availability`: which accounts can serve now, what keeps the others, since when, until
//! when, and which event and request said so.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{RawQuery, State},
};
use serde::Serialize;
use waybill_model::{
    entity::Group,
    id::{AccountId, GroupId},
    protocol::Platform,
    redact::Redactor,
    time::UnixMillis,
    waybill::Exclusion,
};

use super::{
    App,
    entities::names,
    openapi::AvailabilityParameters,
    problem::{Problem, ProblemDetails},
    state::{MarkView, StateView, StateWord},
    usage::{QuotaUse, quota_use},
};
use crate::{
    ops::accounts::{AvailabilityQuestion, parse_availability},
    routing::{AccountEntry, ModelMap, mapping, obstacle},
    standing::WayView,
};

/// Which accounts can serve now.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Availability {
    /// The moment this is of.
    at: UnixMillis,
    /// Every account that was asked about, by priority and id.
    accounts: Vec<AccountAvailability>,
    /// The same, counted by group.
    groups: Vec<GroupAvailability>,
    /// The same, counted by platform.
    platforms: Vec<PlatformAvailability>,
    /// Ways to providers that something is held against since their last success.
    ways: Vec<Way>,
}

/// Whether an account can serve now.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AccountAvailability {
    /// The account.
    account_id: AccountId,
    /// Its name.
    account_name: String,
    /// Whose API it speaks.
    platform: Platform,
    /// Names of its groups.
    groups: Vec<String>,
    /// Lower is tried first.
    priority: i32,
    /// How it stands, for the model that was asked about.
    status: StateWord,
    /// When it may be tried again.
    until: Option<UnixMillis>,
    /// A request could be sent to it now.
    available: bool,
    /// Why not.
    obstacle: Option<Exclusion>,
    /// Everything that keeps it, or models on it, from serving.
    marks: Vec<MarkView>,
    /// Requests on it now.
    in_flight: u32,
    /// Most requests at once.
    concurrency: Option<u32>,
    /// Requests at once that are let through while it recovers; `null`: it is not recovering.
    ramp: Option<u32>,
    /// Average time to the head of its answers, in milliseconds; `null` before the first.
    latency_ms: Option<u32>,
    /// What is used of what its provider is known to allow.
    quota: Vec<QuotaUse>,
    /// The way to its provider is failing: it is tried last.
    way_failing: bool,
}

/// Accounts counted by how they stand.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
pub struct Counts {
    /// All of them.
    total: u32,
    /// Those that a request could be sent to now.
    available: u32,
    /// Requests on them now.
    in_flight: u32,
    /// How many stand how; what nothing is, is left out.
    #[schema(value_type = BTreeMap<String, u32>)]
    by_status: BTreeMap<StateWord, u32>,
}

/// The accounts of a group.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct GroupAvailability {
    /// The group.
    group_id: GroupId,
    /// Its name.
    group_name: String,
    /// Its accounts.
    #[serde(flatten)]
    counts: Counts,
}

/// The accounts of a platform.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PlatformAvailability {
    /// The platform.
    platform: Platform,
    /// Its accounts.
    #[serde(flatten)]
    counts: Counts,
}

/// A way to a provider: its host, and the proxy between.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Way {
    /// Scheme, host and port of the proxy, if there is one.
    proxy: Option<String>,
    /// Host and port of the provider.
    host: String,
    /// Accounts that failed on it since its last success.
    accounts: Vec<AccountId>,
    /// Since when it, and not its accounts, is to blame; `null`: it is not.
    failing_since: Option<UnixMillis>,
    /// When it is tried first again.
    trial_at: Option<UnixMillis>,
    /// Models for which the provider, and not its accounts, has no capacity.
    full_models: Vec<String>,
}

/// Which accounts can serve now, and what keeps the others.
#[utoipa::path(get, path = "/api/v1/admin/ops/account-availability", operation_id = "get_account_availability", tag = "ops",
    params(AvailabilityParameters), responses((status = 200, body = Availability), (status = 400, body = ProblemDetails)))]
pub async fn show(
    State(shared): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<Availability>, Problem> {
    let asked = parse_availability(query.as_deref())?;
    let (groups, stored) = (shared.store.groups().await?, shared.store.accounts().await?);
    let model = model(&asked, &groups);
    let (snapshot, redactor) = (shared.snapshot(), shared.secrets.redactor());
    let look = Look {
        model: model.as_deref(),
        redactor: &redactor,
        now: shared.clock.now(),
    };
    let mut found: Vec<(AccountAvailability, Vec<GroupId>)> = stored
        .iter()
        .filter(|account| asks_for(&asked, account))
        .filter_map(|account| Some((snapshot.account(account.id)?, &account.group_ids)))
        .filter(|(entry, _)| look.serves(entry))
        .map(|(entry, ids)| (look.at(entry, names(&groups, ids)), ids.clone()))
        .collect();
    found.sort_by_key(|(account, _)| (account.priority, account.account_id));
    Ok(Json(Availability {
        at: look.now,
        groups: by_group(&groups, &found),
        platforms: by_platform(&found),
        ways: shared
            .keeper
            .ways()
            .into_iter()
            .map(|way| Way::of(way, &redactor))
            .collect(),
        accounts: found.into_iter().map(|(account, _)| account).collect(),
    }))
}

/// The model as accounts know it: a group may have another name for it.
fn model(asked: &AvailabilityQuestion, groups: &[Group]) -> Option<String> {
    let model = asked.model.as_ref()?;
    let group = groups.iter().find(|group| Some(group.id) == asked.group_id);
    let mapped = group.and_then(|group| ModelMap::new(&group.model_mapping).get(model));
    Some(mapped.map_or_else(|| model.clone(), |name| name.to_string()))
}

fn asks_for(asked: &AvailabilityQuestion, account: &waybill_model::entity::Account) -> bool {
    asked
        .platform
        .is_none_or(|wanted| wanted == account.platform)
        && asked.account_id.is_none_or(|wanted| wanted == account.id)
        && asked
            .group_id
            .is_none_or(|wanted| account.group_ids.contains(&wanted))
}

/// What accounts are looked at with.
struct Look<'a> {
    model: Option<&'a str>,
    redactor: &'a Redactor,
    now: UnixMillis,
}

impl Look<'_> {
    fn serves(&self, entry: &AccountEntry) -> bool {
        self.model.is_none_or(|model| {
            mapping::serves(&entry.models, model) || entry.model_map.get(model).is_some()
        })
    }

    fn at(&self, entry: &AccountEntry, groups: Vec<String>) -> AccountAvailability {
        // Marks are on the names that providers know.
        let mapped = self.model.and_then(|model| entry.model_map.get(model));
        let model = mapped.as_deref().or(self.model);
        let (state, in_flight) = (entry.live.state(), entry.live.in_flight());
        let seen = StateView::of(&state, entry.status, model, self.redactor, self.now);
        let obstacle = obstacle(entry, model, self.now);
        AccountAvailability {
            account_id: entry.id,
            account_name: entry.name.to_string(),
            platform: entry.platform,
            groups,
            priority: entry.priority,
            status: seen.status,
            until: seen.until,
            available: obstacle.is_none(),
            obstacle,
            marks: seen.marks,
            in_flight,
            concurrency: entry.concurrency,
            ramp: ramp(entry),
            latency_ms: entry.live.latency_ms(),
            quota: quota_use(&entry.quota, entry.live.meter(), self.now),
            way_failing: entry.way.failing().is_some(),
        }
    }
}

/// Requests at once that are let through while an account recovers.
pub fn ramp(entry: &AccountEntry) -> Option<u32> {
    let allowed = entry.live.allowed(entry.concurrency);
    allowed.filter(|_| allowed != entry.concurrency)
}

impl Counts {
    fn add(&mut self, account: &AccountAvailability) {
        self.total += 1;
        self.available += u32::from(account.available);
        self.in_flight = self.in_flight.saturating_add(account.in_flight);
        *self.by_status.entry(account.status).or_default() += 1;
    }
}

fn by_group(
    groups: &[Group],
    found: &[(AccountAvailability, Vec<GroupId>)],
) -> Vec<GroupAvailability> {
    groups
        .iter()
        .map(|group| {
            let mut counts = Counts::default();
            for (account, ids) in found {
                if ids.contains(&group.id) {
                    counts.add(account);
                }
            }
            GroupAvailability {
                group_id: group.id,
                group_name: group.name.clone(),
                counts,
            }
        })
        .filter(|group| group.counts.total > 0)
        .collect()
}

fn by_platform(found: &[(AccountAvailability, Vec<GroupId>)]) -> Vec<PlatformAvailability> {
    let mut platforms: BTreeMap<Platform, Counts> = BTreeMap::new();
    for (account, _) in found {
        platforms.entry(account.platform).or_default().add(account);
    }
    platforms
        .into_iter()
        .map(|(platform, counts)| PlatformAvailability { platform, counts })
        .collect()
}

impl Way {
    fn of(way: WayView, redactor: &Redactor) -> Self {
        Way {
            proxy: way.proxy,
            host: way.host.to_string(),
            accounts: way.accounts,
            failing_since: way.failing_since,
            full_models: way
                .full_models
                .iter()
                .map(|model| redactor.text(model).into_string())
                .collect(),
            trial_at: way.trial_at,
        }
    }
}
