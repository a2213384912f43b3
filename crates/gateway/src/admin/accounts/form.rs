//! What is written about an account: a form to make one, a patch to change one.
//!
//! Promises: nothing unchecked leaves it; secrets leave it sealed.

use std::collections::BTreeMap;

use serde::Deserialize;
use waybill_model::{
    entity::{Account, Group, HttpVersion, ModelRule, Probe, Sealed, StateRule, Status},
    limits::Quota,
    protocol::{OpenAiApi, Platform},
    secret::Secret,
};
use waybill_store::{AccountChange, NewAccount};

use super::super::{
    body::{NameOrId, present},
    check,
    problem::Problem,
};
use crate::{
    app::Shared,
    credential::{AtRest, Given},
    egress::CustomHeaders,
    seed,
    vault::Purpose,
};

/// An account to be made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountForm {
    /// Unique name.
    name: String,
    /// Whose API it speaks.
    platform: Platform,
    /// Scheme and host, without a version segment; the provider's own when absent.
    base_url: Option<String>,
    /// Further addresses of the same kind, tried in order when the first does not answer.
    #[serde(default)]
    fallback_urls: Vec<String>,
    /// Which of OpenAI's APIs its server speaks; absent: both. For `openai` accounts alone.
    apis: Option<Vec<OpenAiApi>>,
    /// The Google Cloud project that it works in. For `antigravity` accounts alone.
    project: Option<String>,
    /// Groups it belongs to.
    #[serde(default)]
    groups: Vec<NameOrId>,
    /// Lower is tried first.
    #[serde(default)]
    priority: i32,
    /// Most requests at once.
    concurrency: Option<u32>,
    /// Models it serves; empty is all.
    #[serde(default)]
    models: Vec<String>,
    /// Model names to send under another name.
    #[serde(default)]
    model_mapping: Vec<ModelRule>,
    /// Which HTTP version to speak.
    http_version: Option<HttpVersion>,
    /// What the provider is known to allow.
    #[serde(default)]
    quota: Quota,
    /// Provider statuses that may stop the account; absent: those of the built-in table.
    counted_statuses: Option<Vec<u16>>,
    /// Rules for its failures, first match first.
    #[serde(default)]
    state_rules: Vec<StateRule>,
    /// How it is asked whether it serves again; absent: by a client's request.
    probe: Option<Probe>,
    /// Address of the proxy it is reached through, user and password included.
    #[schema(value_type = Option<String>, format = Password, write_only, example = "socks5://user:password@host:1080")]
    proxy: Option<Secret>,
    /// Headers to send along, by name.
    #[schema(value_type = Option<BTreeMap<String, String>>, write_only)]
    headers: Option<BTreeMap<String, Secret>>,
    /// Whether it may be used.
    status: Option<Status>,
    /// What it presents to the provider.
    credential: CredentialForm,
}

/// What to change about an account; what is absent stays. The platform cannot be changed.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountPatch {
    /// Unique name.
    name: Option<String>,
    /// Scheme and host, without a version segment.
    base_url: Option<String>,
    /// Further addresses: all of them.
    fallback_urls: Option<Vec<String>>,
    /// Which of OpenAI's APIs its server speaks: all of them. For `openai` accounts alone.
    apis: Option<Vec<OpenAiApi>>,
    /// The Google Cloud project that it works in; `null`: none. For `antigravity` accounts alone.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    project: Option<Option<String>>,
    /// Groups it belongs to: all of them.
    groups: Option<Vec<NameOrId>>,
    /// Lower is tried first.
    priority: Option<i32>,
    /// Most requests at once; `null` takes the limit away.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u32>)]
    concurrency: Option<Option<u32>>,
    /// Models it serves; empty is all.
    models: Option<Vec<String>>,
    /// Model names to send under another name.
    model_mapping: Option<Vec<ModelRule>>,
    /// Which HTTP version to speak.
    http_version: Option<HttpVersion>,
    /// What the provider is known to allow: all of it.
    quota: Option<Quota>,
    /// Provider statuses that may stop the account; `null`: those of the built-in table.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<u16>>)]
    counted_statuses: Option<Option<Vec<u16>>>,
    /// Rules for its failures: all of them.
    state_rules: Option<Vec<StateRule>>,
    /// How it is asked whether it serves again; `null`: by a client's request.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Probe>)]
    probe: Option<Option<Probe>>,
    /// Address of the proxy it is reached through; `null`: none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, format = Password, write_only)]
    proxy: Option<Option<Secret>>,
    /// Headers to send along: all of them; `null`: none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<BTreeMap<String, String>>, write_only)]
    headers: Option<Option<BTreeMap<String, Secret>>>,
    /// Whether it may be used.
    status: Option<Status>,
    /// What it presents to the provider.
    credential: Option<CredentialForm>,
}

/// A credential, in the clear. It is sealed before it rests.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CredentialForm {
    /// The provider's API key. One of this, `refresh_token` and `service_account` is needed.
    #[schema(value_type = Option<String>, format = Password, write_only)]
    api_key: Option<Secret>,
    /// A refresh token, for gemini and antigravity accounts.
    #[schema(value_type = Option<String>, format = Password, write_only)]
    refresh_token: Option<Secret>,
    /// The client the refresh token was given to.
    client_id: Option<String>,
    /// That client's secret; public clients have none.
    #[schema(value_type = Option<String>, format = Password, write_only)]
    client_secret: Option<Secret>,
    /// Where access tokens are had for it; Google's when absent.
    token_url: Option<String>,
    /// The text of a service account's JSON key file, for gemini and antigravity accounts.
    #[schema(value_type = Option<String>, format = Password, write_only)]
    service_account: Option<Secret>,
    /// What its tokens are for; `https://www.googleapis.com/auth/cloud-platform` when absent.
    scopes: Option<Vec<String>>,
}

impl CredentialForm {
    /// What it comes to, sealed.
    fn checked(self, shared: &Shared, platform: Platform) -> Result<Sealed, Problem> {
        let given = Given {
            api_key: self.api_key,
            refresh_token: self.refresh_token,
            client_id: self.client_id,
            client_secret: self.client_secret,
            token_url: self.token_url,
            service_account: self.service_account,
            scopes: self.scopes,
        };
        let definition = check::credential(&shared.egress, platform, given)?;
        Ok(AtRest::new(definition).seal(&shared.vault))
    }
}

impl AccountForm {
    /// What the store is to make of it.
    pub fn checked(self, shared: &Shared, groups: &[Group]) -> Result<NewAccount, Problem> {
        let base_url = self
            .base_url
            .unwrap_or_else(|| self.platform.default_base_url().to_owned());
        let http_version = self.http_version.unwrap_or(HttpVersion::Auto);
        check::name(&self.name)?;
        check::base_url(&shared.egress, &base_url, http_version)?;
        check::fallback_urls(&shared.egress, &base_url, &self.fallback_urls, http_version)?;
        given(self.apis.as_deref(), |apis| {
            check::apis(self.platform, apis)
        })?;
        given(self.project.as_deref(), |project| {
            check::project(self.platform, project)
        })?;
        check::concurrency(self.concurrency)?;
        check::models(&self.models)?;
        check::model_mapping(&self.model_mapping)?;
        check::quota(&self.quota)?;
        check::counted_statuses(self.counted_statuses.as_deref())?;
        check::state_rules(&self.state_rules)?;
        check::probe(self.probe.as_ref())?;
        check::proxy(&shared.egress, self.proxy.as_ref())?;
        let credential = self.credential.checked(shared, self.platform)?;
        let headers = check::headers(self.platform, self.headers.as_ref())?;
        Ok(NewAccount {
            group_ids: check::groups(&self.groups, groups, Some(self.platform))?,
            credential,
            name: self.name,
            platform: self.platform,
            base_url,
            fallback_urls: self.fallback_urls,
            apis: self
                .apis
                .unwrap_or_else(|| self.platform.default_apis().to_vec()),
            project: self.project,
            priority: self.priority,
            concurrency: self.concurrency,
            models: self.models,
            model_mapping: self.model_mapping,
            http_version,
            quota: self.quota,
            counted_statuses: self.counted_statuses,
            state_rules: self.state_rules,
            probe: self.probe,
            proxy: self.proxy.map(|proxy| seal(shared, Purpose::Proxy, &proxy)),
            headers: seal_headers(shared, &headers),
            status: self.status.unwrap_or(Status::Active),
        })
    }
}

impl AccountPatch {
    /// What the store is to change about an account that is as `now_is`.
    pub fn checked(
        self,
        shared: &Shared,
        groups: &[Group],
        now_is: &Account,
    ) -> Result<AccountChange, Problem> {
        let http_version = self.http_version.unwrap_or(now_is.http_version);
        given(self.name.as_deref(), check::name)?;
        given(self.base_url.as_deref(), |url| {
            check::base_url(&shared.egress, url, http_version)
        })?;
        if self.base_url.is_some() || self.fallback_urls.is_some() {
            let base_url = self.base_url.as_deref().unwrap_or(&now_is.base_url);
            let urls = self.fallback_urls.as_deref();
            let urls = urls.unwrap_or(&now_is.fallback_urls);
            check::fallback_urls(&shared.egress, base_url, urls, http_version)?;
        }
        given(self.apis.as_deref(), |apis| {
            check::apis(now_is.platform, apis)
        })?;
        given(
            self.project.as_ref().and_then(Option::as_deref),
            |project| check::project(now_is.platform, project),
        )?;
        check::concurrency(self.concurrency.flatten())?;
        given(self.models.as_deref(), check::models)?;
        given(self.model_mapping.as_deref(), check::model_mapping)?;
        given(self.quota.as_ref(), check::quota)?;
        check::counted_statuses(self.counted_statuses.as_ref().and_then(Option::as_deref))?;
        given(self.state_rules.as_deref(), check::state_rules)?;
        check::probe(self.probe.as_ref().and_then(Option::as_ref))?;
        check::proxy(&shared.egress, self.proxy.as_ref().and_then(Option::as_ref))?;
        let credential = self
            .credential
            .map(|form| form.checked(shared, now_is.platform))
            .transpose()?;
        let headers = self
            .headers
            .map(|headers| check::headers(now_is.platform, headers.as_ref()))
            .transpose()?;
        Ok(AccountChange {
            group_ids: self
                .groups
                .map(|named| check::groups(&named, groups, Some(now_is.platform)))
                .transpose()?,
            name: self.name,
            base_url: self.base_url,
            fallback_urls: self.fallback_urls,
            apis: self.apis,
            project: self.project,
            priority: self.priority,
            concurrency: self.concurrency,
            models: self.models,
            model_mapping: self.model_mapping,
            http_version: self.http_version,
            quota: self.quota,
            counted_statuses: self.counted_statuses,
            state_rules: self.state_rules,
            probe: self.probe,
            status: self.status,
            credential,
            proxy: self
                .proxy
                .map(|proxy| proxy.map(|proxy| seal(shared, Purpose::Proxy, &proxy))),
            headers: headers.map(|headers| seal_headers(shared, &headers)),
        })
    }
}

fn given<T>(value: Option<T>, check: impl FnOnce(T) -> Result<(), Problem>) -> Result<(), Problem> {
    value.map_or(Ok(()), check)
}

fn seal(shared: &Shared, purpose: Purpose, secret: &Secret) -> Sealed {
    shared.vault.seal(purpose, secret.expose().as_bytes())
}

fn seal_headers(shared: &Shared, headers: &CustomHeaders) -> Option<Sealed> {
    seed::seal_headers(&shared.vault, headers)
}
