//! What the configuration names is created or updated in the store at start, by name; a client
//! key under a new name is the same row, renamed.

use anyhow::Context as _;
use waybill_model::{
    entity::{Account, Sealed, Status},
    id::{GroupId, UserId},
    limits::Limits,
    secret::Secret,
    time::UnixMillis,
};
use waybill_store::{NewAccount, NewApiKey, NewGroup, NewUser, Store, StoreError};

use crate::{
    config::{ApiKeySeed, Config},
    credential::{AtRest, Definition},
    egress::CustomHeaders,
    vault::{self, Purpose, Vault},
};

/// Characters of a client key that are kept to tell keys apart.
const PREFIX_CHARS: usize = 10;

/// Applies the configuration. Returns the client keys that were made, by name.
pub async fn apply(
    store: &Store,
    vault: &Vault,
    config: &Config,
    now: UnixMillis,
) -> anyhow::Result<Vec<(String, Secret)>> {
    // What the file says nothing of stays as an operator has set it since.
    let before = store.load_config().await?;
    for group in &config.groups {
        let known = before.groups.iter().find(|known| known.name == group.name);
        let new = NewGroup {
            name: group.name.clone(),
            platform: group.platform,
            protocols: group.protocols.clone(),
            model_mapping: group.model_mapping.clone(),
            sticky: group.sticky,
            state_rules: group.state_rules.clone(),
            status: status(group.status, known.map(|known| known.status)),
        };
        store
            .upsert_group(new, now)
            .await
            .with_context(|| format!("group \"{}\"", group.name))?;
    }
    let groups = store.groups().await?;
    let ids = |names: &[String]| -> Vec<GroupId> {
        names
            .iter()
            .filter_map(|name| groups.iter().find(|group| &group.name == name))
            .map(|group| group.id)
            .collect()
    };
    for account in &config.accounts {
        let known = before
            .accounts
            .iter()
            .find(|known| known.name == account.name);
        let new = NewAccount {
            name: account.name.clone(),
            platform: account.platform,
            base_url: account.base_url.clone(),
            fallback_urls: account.fallback_urls.clone(),
            apis: account.apis.clone(),
            project: account.project.clone(),
            group_ids: ids(&account.groups),
            priority: account.priority,
            concurrency: account.concurrency,
            models: account.models.clone(),
            model_mapping: account.model_mapping.clone(),
            http_version: account.http_version,
            quota: account.quota,
            counted_statuses: account.counted_statuses.clone(),
            state_rules: account.state_rules.clone(),
            probe: account.probe.clone(),
            proxy: account
                .proxy
                .as_ref()
                .map(|proxy| vault.seal(Purpose::Proxy, proxy.expose().as_bytes())),
            headers: seal_headers(vault, &account.headers),
            status: status(account.status, known.map(|known| known.status)),
            credential: credential(vault, &account.credential, known),
        };
        store
            .upsert_account(new, now)
            .await
            .with_context(|| format!("account \"{}\"", account.name))?;
    }
    for user in &config.users {
        let known = before.users.iter().find(|known| known.name == user.name);
        let new = NewUser {
            name: user.name.clone(),
            limits: user
                .limits
                .or(known.map(|known| known.limits))
                .unwrap_or_default(),
            credit_usd: user
                .credit_usd
                .or_else(|| known.and_then(|known| known.credit_usd)),
            status: status(user.status, known.map(|known| known.status)),
        };
        store
            .upsert_user(new, now)
            .await
            .with_context(|| format!("user \"{}\"", user.name))?;
    }
    store
        .upsert_prices(config.prices.clone())
        .await
        .context("price")?;
    let named: Vec<String> = config
        .api_keys
        .iter()
        .map(|seed| seed.name.clone())
        .collect();
    let mut made = Vec::new();
    for seed in &config.api_keys {
        let group_ids = match &seed.groups {
            Some(names) => ids(names),
            None => groups.iter().map(|group| group.id).collect(),
        };
        let made_now = api_key(store, vault, seed, group_ids, named.clone(), now)
            .await
            .with_context(|| format!("api_key \"{}\"", seed.name))?;
        made.extend(made_now.map(|key| (seed.name.clone(), key)));
    }
    Ok(made)
}

async fn api_key(
    store: &Store,
    vault: &Vault,
    seed: &ApiKeySeed,
    group_ids: Vec<GroupId>,
    named: Vec<String>,
    now: UnixMillis,
) -> anyhow::Result<Option<Secret>> {
    let known = store
        .api_keys()
        .await?
        .into_iter()
        .find(|key| key.name == seed.name);
    let limits = seed
        .limits
        .or(known.as_ref().map(|known| known.limits))
        .unwrap_or_default();
    let status = status(seed.status, known.as_ref().map(|known| known.status));
    let key = seed.key.clone().unwrap_or_else(vault::new_client_key);
    let new = NewApiKey {
        name: seed.name.clone(),
        hash: vault.hash_key(key.expose()),
        prefix: prefix(&key),
        user_id: user(store, &seed.user, now).await?,
        group_ids,
        limits,
        status,
        expires_at: seed.expires_at,
    };
    if seed.key.is_some() {
        store.upsert_api_key(new, named, now).await?;
        return Ok(None);
    }
    // Made on an earlier start, or by another replica a moment ago: only its hash is there, and that is enough.
    let is_made = store.ensure_api_key(new, now).await?;
    Ok(is_made.then_some(key))
}

/// The user of a name, made where there is none.
async fn user(store: &Store, name: &str, now: UnixMillis) -> Result<UserId, StoreError> {
    let known = async || {
        let users = store.users().await?;
        let user = users.into_iter().find(|user| user.name == name);
        Ok::<_, StoreError>(user.map(|user| user.id))
    };
    if let Some(id) = known().await? {
        return Ok(id);
    }
    let new = NewUser {
        name: name.to_owned(),
        limits: Limits::default(),
        credit_usd: None,
        status: Status::Active,
    };
    match store.create_user(new, now).await {
        Ok(user) => Ok(user.id),
        // Another replica was faster.
        Err(taken @ StoreError::NameTaken { .. }) => known().await?.ok_or(taken),
        Err(error) => Err(error),
    }
}

/// What the file names, sealed. What was had for the same before stays with it: the file holds the refresh token
/// as it once was.
fn credential(vault: &Vault, named: &Definition, known: Option<&Account>) -> Sealed {
    let is_same = |known: &&Account| {
        AtRest::open(vault, &known.credential).is_ok_and(|at_rest| at_rest.definition == *named)
    };
    match known.filter(is_same) {
        Some(known) => known.credential.clone(),
        None => AtRest::new(named.clone()).seal(vault),
    }
}

/// What the file says, else what was before, else in use.
fn status(said: Option<Status>, before: Option<Status>) -> Status {
    said.or(before).unwrap_or(Status::Active)
}

/// Headers to send along, sealed; `None` when there are none.
pub fn seal_headers(vault: &Vault, headers: &CustomHeaders) -> Option<Sealed> {
    let some = !headers.names().is_empty();
    some.then(|| vault.seal(Purpose::Headers, &headers.to_json()))
}

/// The first characters of a key: enough to tell keys apart, far too few to guess the rest.
pub fn prefix(key: &Secret) -> String {
    let chars = key.expose().chars().count();
    key.expose()
        .chars()
        .take(PREFIX_CHARS.min(chars / 3))
        .collect()
}
