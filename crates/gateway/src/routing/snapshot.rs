//! The routing data: an immutable picture of keys, groups and accounts, swapped when they change.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::AtomicU64},
};

use waybill_model::{
    entity::{Account, ApiKey, Group, Probe, StateRule, Status, Sticky, User},
    id::{AccountId, ApiKeyId, GroupId, UserId},
    limits::{Limits, Price, Quota},
    money::MicroUsd,
    protocol::{OpenAiApi, Platform, Protocol},
    time::UnixMillis,
};
use waybill_wire::translate::tongue::Tongue;

use super::{Credential, Lanes, Line, Live, ModelMap, Upstream, Way, WayKey};
use crate::{
    credential::{AtRest, Bearer, Definition, Discovery, Project},
    egress::{CustomHeaders, Opened},
    quota::{PriceTable, Tallies, Tally},
};

/// Everything the request path looks up. Built off the path, read through an `ArcSwap`.
#[derive(Debug, Default)]
pub struct Snapshot {
    keys: HashMap<[u8; 32], Arc<KeyEntry>>,
    accounts: HashMap<AccountId, Arc<AccountEntry>>,
    /// What models cost.
    pub prices: PriceTable,
    /// What keys and users use, shared over snapshots.
    pub tallies: Tallies,
    /// Ways to providers, shared over snapshots.
    ways: HashMap<WayKey, Arc<Way>>,
    /// Choices made, shared over snapshots: what "last chosen" is counted in.
    turns: Arc<AtomicU64>,
}

/// An API key with everything admission needs.
#[derive(Debug)]
pub struct KeyEntry {
    /// The key.
    pub id: ApiKeyId,
    /// Its name.
    pub name: Arc<str>,
    /// Its owner.
    pub user_id: UserId,
    /// The owner's name.
    pub user_name: Arc<str>,
    /// `Disabled` when the key or its user is.
    pub status: Status,
    /// After this instant it no longer works.
    pub expires_at: Option<UnixMillis>,
    /// Active groups it may use, in order.
    pub groups: Vec<Arc<GroupEntry>>,
    /// What it may use.
    pub limits: Limits,
    /// What its owner may use, all keys together.
    pub user_limits: Limits,
    /// What its owner has paid in advance.
    pub credit_usd: Option<MicroUsd>,
    /// What it uses.
    pub tally: Arc<Tally>,
    /// What its owner uses, all keys together.
    pub user_tally: Arc<Tally>,
}

/// A group with its accounts.
#[derive(Debug)]
pub struct GroupEntry {
    /// The group.
    pub id: GroupId,
    /// Its name.
    pub name: Arc<str>,
    /// Platform of its accounts.
    pub platform: Platform,
    /// Whose clients it serves.
    pub protocols: Vec<Protocol>,
    /// Applied before the account's own.
    pub model_map: ModelMap,
    /// What ties a conversation to one account.
    pub sticky: Sticky,
    /// Rules for failures of its accounts, after their own.
    pub state_rules: Vec<StateRule>,
    /// Its accounts, lowest priority value first.
    pub accounts: Vec<Arc<AccountEntry>>,
    /// Which of them serve a model.
    pub lanes: Lanes,
    /// Choices made, in all groups together.
    pub turns: Arc<AtomicU64>,
}

/// An account with everything an attempt needs.
#[derive(Debug)]
pub struct AccountEntry {
    /// The account.
    pub id: AccountId,
    /// Its name.
    pub name: Arc<str>,
    /// Whose API it speaks.
    pub platform: Platform,
    /// Lower first.
    pub priority: i32,
    /// Most requests at once.
    pub concurrency: Option<u32>,
    /// Models it serves; empty is all.
    pub models: Vec<String>,
    /// Names to send under another name.
    pub model_map: ModelMap,
    /// Switched on.
    pub status: Status,
    /// Where it is.
    pub upstream: Upstream,
    /// Host and port, for the record.
    pub host: Arc<str>,
    /// Where else it is, in the order in which that is tried when the first does not answer.
    pub fallbacks: Vec<Address>,
    /// Which of OpenAI's APIs its server speaks; empty on other platforms.
    pub apis: Vec<OpenAiApi>,
    /// What it is spoken to in.
    pub tongue: Tongue,
    /// The Google Cloud project that it works in.
    pub project: Project,
    /// What it presents; `None` when something sealed of it could not be opened.
    pub credential: Option<Credential>,
    /// What it sends along.
    pub headers: CustomHeaders,
    /// What the provider is known to allow.
    pub quota: Quota,
    /// Provider statuses that may stop it; `None`: those of the built-in table.
    pub counted_statuses: Option<Vec<u16>>,
    /// Rules for its failures.
    pub state_rules: Vec<StateRule>,
    /// How it is asked whether it serves again.
    pub probe: Option<Probe>,
    /// What changes while requests run, shared over snapshots.
    pub live: Arc<Live>,
    /// What it shares with other accounts to reach its provider.
    pub way: Arc<Way>,
}

/// One of an account's addresses, and what it shares with other accounts to reach it.
#[derive(Debug, Clone)]
pub struct Address {
    /// Where it is.
    pub upstream: Upstream,
    /// Host and port, for the record.
    pub host: Arc<str>,
    /// The way there.
    pub way: Arc<Way>,
}

/// Which of an account's addresses: 0 is the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place(usize);

impl AccountEntry {
    /// Where it is asked at `now`: at the first of its addresses that does not rest.
    pub fn place(&self, now: UnixMillis) -> Place {
        if self.fallbacks.is_empty() {
            return Place::default();
        }
        Place(self.ways().position(|way| !way.rests(now)).unwrap_or(0))
    }

    /// One of its addresses.
    pub fn upstream_at(&self, place: Place) -> &Upstream {
        match place.0.checked_sub(1).and_then(|at| self.fallbacks.get(at)) {
            Some(address) => &address.upstream,
            None => &self.upstream,
        }
    }

    /// The host of one of its addresses.
    pub fn host_at(&self, place: Place) -> &Arc<str> {
        match place.0.checked_sub(1).and_then(|at| self.fallbacks.get(at)) {
            Some(address) => &address.host,
            None => &self.host,
        }
    }

    /// Remembers that it did not answer at one of its addresses. Whether it is asked at another one now.
    pub fn rests_at(&self, place: Place, until: UnixMillis, now: UnixMillis) -> bool {
        if self.fallbacks.is_empty() {
            return false;
        }
        if let Some(way) = self.ways().nth(place.0) {
            way.rest(until);
        }
        self.ways().any(|way| !way.rests(now))
    }

    /// The ways to all of its addresses, the first one's first.
    pub fn ways(&self) -> impl Iterator<Item = &Arc<Way>> {
        let others = self.fallbacks.iter().map(|address| &address.way);
        std::iter::once(&self.way).chain(others)
    }
}

impl Snapshot {
    /// Joins the stored definitions. `open` unseals what an account keeps sealed; an account of which
    /// something cannot be opened stays in the picture, so that a plan can say so.
    pub fn build(
        groups: &[Group],
        accounts: &[Account],
        users: &[User],
        keys: &[ApiKey],
        open: impl Fn(&Account) -> Option<Opened>,
        line: &Arc<Line>,
        previous: &Snapshot,
    ) -> Snapshot {
        let mut ways = HashMap::new();
        let turns = Arc::clone(&previous.turns);
        let mut members: HashMap<GroupId, Vec<Arc<AccountEntry>>> = HashMap::new();
        let mut by_id = HashMap::new();
        for account in accounts {
            let Some(entry) = account_entry(account, &open, line, &mut ways, previous) else {
                continue;
            };
            for group in &account.group_ids {
                members.entry(*group).or_default().push(Arc::clone(&entry));
            }
            by_id.insert(account.id, entry);
        }
        let groups: HashMap<GroupId, Arc<GroupEntry>> = groups
            .iter()
            .filter(|group| group.status == Status::Active)
            .map(|group| {
                let mut accounts = members.remove(&group.id).unwrap_or_default();
                accounts.sort_by_key(|account| (account.priority, account.id));
                let entry = GroupEntry {
                    id: group.id,
                    name: group.name.as_str().into(),
                    platform: group.platform,
                    protocols: group.protocols.clone(),
                    model_map: ModelMap::new(&group.model_mapping),
                    sticky: group.sticky,
                    state_rules: group.state_rules.clone(),
                    accounts,
                    lanes: Lanes::default(),
                    turns: Arc::clone(&turns),
                };
                (group.id, Arc::new(entry))
            })
            .collect();
        let tallies = previous.tallies.kept_for(users, keys);
        let users: HashMap<UserId, &User> = users.iter().map(|user| (user.id, user)).collect();
        let keys = keys
            .iter()
            .filter_map(|key| {
                let user = users.get(&key.user_id)?;
                let active = key.status == Status::Active && user.status == Status::Active;
                let entry = KeyEntry {
                    id: key.id,
                    name: key.name.as_str().into(),
                    user_id: user.id,
                    user_name: user.name.as_str().into(),
                    status: if active {
                        Status::Active
                    } else {
                        Status::Disabled
                    },
                    expires_at: key.expires_at,
                    groups: key
                        .group_ids
                        .iter()
                        .filter_map(|id| groups.get(id).cloned())
                        .collect(),
                    limits: key.limits,
                    user_limits: user.limits,
                    credit_usd: user.credit_usd,
                    tally: tallies.of_key(key.id)?,
                    user_tally: tallies.of_user(user.id)?,
                };
                Some((key.hash, Arc::new(entry)))
            })
            .collect();
        Snapshot {
            keys,
            accounts: by_id,
            prices: PriceTable::default(),
            tallies,
            ways,
            turns,
        }
    }

    /// The same, with what models cost.
    #[must_use]
    pub fn with_prices(self, prices: Vec<Price>) -> Self {
        Snapshot {
            prices: PriceTable::new(prices),
            ..self
        }
    }

    /// The key with this hash.
    pub fn key(&self, hash: &[u8; 32]) -> Option<&Arc<KeyEntry>> {
        self.keys.get(hash)
    }

    /// The key with this id.
    pub fn key_by_id(&self, id: ApiKeyId) -> Option<&Arc<KeyEntry>> {
        self.keys.values().find(|key| key.id == id)
    }

    /// Every key.
    pub fn keys(&self) -> impl Iterator<Item = &Arc<KeyEntry>> {
        self.keys.values()
    }

    /// The account with this id.
    pub fn account(&self, id: AccountId) -> Option<&Arc<AccountEntry>> {
        self.accounts.get(&id)
    }

    /// Every account.
    pub fn accounts(&self) -> impl Iterator<Item = &Arc<AccountEntry>> {
        self.accounts.values()
    }
}

/// What an account presents. An access token lives over snapshots, for as long as what it is had for is the same.
fn credential(
    account: &Account,
    opened: AtRest,
    before: Option<&Arc<AccountEntry>>,
) -> Option<Credential> {
    let source = match opened.definition {
        Definition::ApiKey(key) => return Credential::api_key(account.platform, &key).ok(),
        Definition::Expiring(source) => source,
    };
    match before.and_then(|before| before.credential.as_ref()) {
        Some(Credential::Token(bearer)) if *bearer.source() == source => {
            bearer.adopt(opened.grant);
            Some(Credential::Token(Arc::clone(bearer)))
        }
        _ => Some(Credential::Token(Arc::new(Bearer::new(
            source,
            opened.grant,
        )))),
    }
}

/// What an account works in. One that its service told lives over snapshots, for as long as the account asks with
/// the same credential at the same addresses.
fn project(
    account: &Account,
    upstream: &Upstream,
    fallbacks: &[Address],
    credential: Option<&Credential>,
    before: Option<&Arc<AccountEntry>>,
) -> Project {
    match (account.platform, &account.project) {
        (Platform::Antigravity, Some(id)) => return Project::Named(id.as_str().into()),
        (Platform::Antigravity, None) => {}
        (Platform::Anthropic | Platform::OpenAi | Platform::Gemini, _) => return Project::None,
    }
    let is_same = |before: &&Arc<AccountEntry>| {
        let others = before.fallbacks.iter().map(|address| &address.upstream);
        let is_same_credential = match (&before.credential, credential) {
            (Some(before), Some(credential)) => before.is_same(credential),
            (Some(_), None) | (None, _) => false,
        };
        is_same_credential
            && before.upstream == *upstream
            && others.eq(fallbacks.iter().map(|address| &address.upstream))
    };
    let known = before
        .filter(is_same)
        .and_then(|before| before.project.discovery().cloned());
    Project::Told(known.unwrap_or_else(|| Arc::new(Discovery::default())))
}

fn account_entry(
    account: &Account,
    open: impl Fn(&Account) -> Option<Opened>,
    line: &Arc<Line>,
    ways: &mut HashMap<WayKey, Arc<Way>>,
    previous: &Snapshot,
) -> Option<Arc<AccountEntry>> {
    let read = |url: &str| {
        Upstream::parse(url, account.http_version).inspect_err(
            |error| tracing::error!(account = %account.name, %error, "address left out"),
        )
    };
    let first = read(&account.base_url).ok()?;
    let (proxy, credential, headers) = match open(account) {
        Some(opened) => {
            let before = previous.accounts.get(&account.id);
            let credential = credential(account, opened.credential, before);
            (opened.proxy.map(Arc::new), credential, opened.headers)
        }
        // Without a credential it is never tried: nothing goes past a proxy that cannot be read.
        None => (None, None, CustomHeaders::default()),
    };
    let mut address = |upstream: Upstream| {
        let upstream = Upstream {
            proxy: proxy.clone(),
            ..upstream
        };
        let host: Arc<str> = upstream.authority.as_str().into();
        let key = WayKey {
            proxy: upstream.proxy.clone(),
            host: Arc::clone(&host),
        };
        let old_way = || previous.ways.get(&key).cloned();
        let way = ways
            .entry(key.clone())
            .or_insert_with(|| old_way().unwrap_or_else(|| Arc::new(Way::new(key.clone()))));
        Address {
            upstream,
            host,
            way: Arc::clone(way),
        }
    };
    let Address {
        upstream,
        host,
        way,
    } = address(first);
    let others = account.fallback_urls.iter();
    let fallbacks = others.filter_map(|url| read(url).ok().map(&mut address));
    let fallbacks: Vec<Address> = fallbacks.collect();
    let before = previous.accounts.get(&account.id);
    let project = project(account, &upstream, &fallbacks, credential.as_ref(), before);
    Some(Arc::new(AccountEntry {
        id: account.id,
        name: account.name.as_str().into(),
        platform: account.platform,
        priority: account.priority,
        concurrency: account.concurrency,
        models: account.models.clone(),
        model_map: ModelMap::new(&account.model_mapping),
        status: account.status,
        host,
        upstream,
        fallbacks,
        apis: account.apis.clone(),
        tongue: Tongue::of(account.platform, &account.apis),
        project,
        credential,
        headers,
        quota: account.quota,
        counted_statuses: account.counted_statuses.clone(),
        state_rules: account.state_rules.clone(),
        probe: account.probe.clone(),
        live: previous.accounts.get(&account.id).map_or_else(
            || Arc::new(Live::new(Arc::clone(line))),
            |old| Arc::clone(&old.live),
        ),
        way,
    }))
}
