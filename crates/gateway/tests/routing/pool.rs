//! A pool of accounts without a server, for tests and measurements of the choice.
//!
//! One key; its groups and the accounts have the ids 1, 2, 3, … in the order of their settings.

use std::sync::Arc;

use waybill_gateway::{
    egress::{CustomHeaders, Opened},
    routing::{AccountEntry, Chosen, Line, LineSettings, NoRoute, Plan, Snapshot, Wanted},
};
use waybill_model::{
    entity::{Account, ApiKey, Group, HttpVersion, Sealed, Status, Sticky, User},
    id::{AccountEventId, AccountId, ApiKeyId, GroupId, RequestId, UserId},
    limits::{Limits, Quota},
    protocol::{Platform, Protocol},
    secret::Secret,
    state::{AccountEvent, AccountEventKind, Scope},
    time::UnixMillis,
    waybill,
};
use waybill_wire::translate::tongue::Tongues;

const KEY_HASH: [u8; 32] = [7; 32];

/// Settings of one account.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The group it is in; it is of that group's platform.
    pub group: usize,
    pub priority: i32,
    pub concurrency: Option<u32>,
    pub models: Vec<String>,
    pub quota: Quota,
    pub host: &'static str,
    pub fallbacks: Vec<&'static str>,
    pub status: Status,
    pub has_credential: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            group: 1,
            priority: 10,
            concurrency: None,
            models: Vec::new(),
            quota: Quota::default(),
            host: "provider.test",
            fallbacks: Vec::new(),
            status: Status::Active,
            has_credential: true,
        }
    }
}

pub struct Pool {
    snapshot: Snapshot,
}

impl Pool {
    pub fn new(accounts: &[Settings]) -> Pool {
        Pool::of_groups(&[(Platform::Anthropic, &[Protocol::Anthropic])], accounts)
    }

    /// Groups of these platforms that serve clients of these protocols, in the key's order.
    pub fn of_groups(groups: &[(Platform, &[Protocol])], accounts: &[Settings]) -> Pool {
        let zero = UnixMillis(0);
        let groups: Vec<_> = (1..)
            .zip(groups)
            .map(|(id, (platform, protocols))| Group {
                id: GroupId(id),
                name: format!("group-{id}"),
                platform: *platform,
                protocols: protocols.to_vec(),
                model_mapping: Vec::new(),
                sticky: Sticky::Session,
                state_rules: Vec::new(),
                status: Status::Active,
                created_at: zero,
                updated_at: zero,
            })
            .collect();
        let user = User {
            id: UserId(1),
            name: "user".into(),
            limits: Limits::default(),
            credit_usd: None,
            status: Status::Active,
            created_at: zero,
            updated_at: zero,
        };
        let key = ApiKey {
            id: ApiKeyId(1),
            name: "key".into(),
            hash: KEY_HASH,
            prefix: "k".into(),
            user_id: user.id,
            group_ids: groups.iter().map(|group| group.id).collect(),
            limits: Limits::default(),
            status: Status::Active,
            expires_at: None,
            created_at: zero,
            updated_at: zero,
        };
        let closed: Vec<_> = accounts.iter().map(|s| !s.has_credential).collect();
        let accounts: Vec<_> = (1..)
            .zip(accounts)
            .map(|(id, settings)| account(AccountId(id), &groups[settings.group - 1], settings))
            .collect();
        let open = |account: &Account| {
            let is_closed = closed[usize::try_from(account.id.0 - 1).unwrap()];
            (!is_closed).then(|| Opened {
                credential: waybill_gateway::credential::AtRest::new(
                    waybill_gateway::credential::Definition::ApiKey(Secret::new("sk-test")),
                ),
                proxy: None,
                headers: CustomHeaders::default(),
            })
        };
        let snapshot = Snapshot::build(
            &groups,
            &accounts,
            &[user],
            &[key],
            open,
            &Line::new(LineSettings::default()),
            &Snapshot::default(),
        );
        Pool { snapshot }
    }

    /// So many accounts with the same settings.
    pub fn of(n: usize, settings: Settings) -> Pool {
        Pool::new(&vec![settings; n])
    }

    pub fn plan(&self, wanted: Wanted<'_>) -> Result<Plan, NoRoute> {
        Plan::new(self.snapshot.key(&KEY_HASH).unwrap(), wanted)
    }

    /// What a request for `model` would get at `now`.
    pub fn choose(&self, model: &str, now: UnixMillis) -> Result<Chosen, NoRoute> {
        let model = Arc::from(model);
        self.plan(wanted(&model))?.choose(now)
    }

    pub fn account(&self, id: i64) -> &Arc<AccountEntry> {
        self.snapshot.account(AccountId(id)).unwrap()
    }

    pub fn accounts(&self) -> impl Iterator<Item = &Arc<AccountEntry>> {
        self.snapshot.accounts()
    }

    /// Applies an event to an account, as a failure would.
    pub fn happens(&self, event: &AccountEvent) {
        self.account(event.account_id.0)
            .live
            .change(|state| state.apply(event));
    }
}

pub fn wanted(model: &Arc<str>) -> Wanted<'_> {
    Wanted {
        protocol: Protocol::Anthropic,
        only: None,
        open: Tongues::ALL,
        model: Some(model),
        sticky: None,
        tokens: 0,
        request_id: Some(request(0xabc)),
    }
}

/// What ties requests together.
pub fn conversation(key: u64) -> Option<waybill::Sticky> {
    Some(waybill::Sticky {
        key,
        from: waybill::StickySource::Session,
    })
}

/// A request's id made from a number.
pub fn request(number: u64) -> RequestId {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&number.to_be_bytes());
    RequestId::new(UnixMillis(0), random)
}

/// An event of kind `rate_limited` whose request has the number of the event.
pub fn limited(id: i64, account: i64, scope: Scope, until: i64) -> AccountEvent {
    AccountEvent {
        id: AccountEventId(id),
        at: UnixMillis(0),
        account_id: AccountId(account),
        kind: AccountEventKind::RateLimited,
        scope,
        since: None,
        until: Some(UnixMillis(until)),
        source: None,
        strikes: 1,
        cause: None,
        status_code: Some(429),
        reason: format!("the words of event {id}"),
        request_id: Some(request(id.unsigned_abs())),
        attempt: Some(1),
        actor: None,
        undoes: None,
    }
}

fn account(id: AccountId, group: &Group, settings: &Settings) -> Account {
    Account {
        id,
        name: format!("account-{id}"),
        platform: group.platform,
        base_url: format!("https://{}", settings.host),
        fallback_urls: settings
            .fallbacks
            .iter()
            .map(|host| format!("https://{host}"))
            .collect(),
        apis: Vec::new(),
        project: None,
        group_ids: vec![group.id],
        priority: settings.priority,
        concurrency: settings.concurrency,
        models: settings.models.clone(),
        model_mapping: Vec::new(),
        http_version: HttpVersion::Auto,
        quota: settings.quota,
        counted_statuses: None,
        state_rules: Vec::new(),
        probe: None,
        status: settings.status,
        credential: Sealed(Vec::new()),
        proxy: None,
        headers: None,
        created_at: UnixMillis(0),
        updated_at: UnixMillis(0),
    }
}
