//! The store on SQLite.
#![allow(clippy::unimplemented, unused_variables, clippy::unused_async)]

use waybill_model::{
    entity::{Account, ApiKey, Group, Sealed, User},
    id::{AccountId, ApiKeyId, ErrorId, EventId, GroupId, UserId},
    record::Record,
    time::UnixMillis,
    view::{
        Books, ErrorLogDetail, ErrorLogList, Filter, List, NoiseCount, Page, RequestLog,
        UpstreamErrorEvent, UpstreamErrorList,
    },
};

use crate::{
    AccountChange, ApiKeyChange, CommitReport, Config, GroupChange, LossCount, LossReason,
    NewAccount, NewApiKey, NewGroup, NewUser, RetentionPolicy, RetentionReport, SetAside,
    StoreError, StoreOptions, UserChange,
};

/// Queries, configuration and retention. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {}

/// The one writer of records.
#[derive(Debug)]
pub struct Journal {}

type Result<T> = std::result::Result<T, StoreError>;

impl Store {
    /// Opens the database, making or migrating it as needed. Blocks; call it at start.
    pub fn open(options: StoreOptions) -> Result<Store> {
        unimplemented!()
    }
    /// Takes the one writer. A second call fails while the first one lives.
    pub fn journal(&self) -> Result<Journal> {
        unimplemented!()
    }
    /// Counts records lost before they reached the journal; written with its next commit.
    pub fn count_lost(&self, count: u64, reason: LossReason) {
        unimplemented!()
    }
    /// The error list.
    pub async fn errors(&self, filter: &Filter, page: &Page) -> Result<ErrorLogList> {
        unimplemented!()
    }
    /// One error, whole.
    pub async fn error(&self, id: ErrorId) -> Result<Option<ErrorLogDetail>> {
        unimplemented!()
    }
    /// One error, by Waybill's request id.
    pub async fn error_by_request_id(&self, request_id: &str) -> Result<Option<ErrorLogDetail>> {
        unimplemented!()
    }
    /// Failed attempts.
    pub async fn upstream_errors(&self, filter: &Filter, page: &Page) -> Result<UpstreamErrorList> {
        unimplemented!()
    }
    /// One failed attempt.
    pub async fn upstream_error(&self, id: EventId) -> Result<Option<UpstreamErrorEvent>> {
        unimplemented!()
    }
    /// Failed attempts of one error.
    pub async fn events_of_error(&self, id: ErrorId, page: &Page) -> Result<UpstreamErrorList> {
        unimplemented!()
    }
    /// Requests, successes too.
    pub async fn requests(&self, filter: &Filter, page: &Page) -> Result<List<RequestLog>> {
        unimplemented!()
    }
    /// Refused, unauthenticated requests.
    pub async fn noise(
        &self,
        start: UnixMillis,
        end: UnixMillis,
        page: &Page,
    ) -> Result<List<NoiseCount>> {
        unimplemented!()
    }
    /// Where every due record went.
    pub async fn books(&self) -> Result<Books> {
        unimplemented!()
    }
    /// What remains of lost records.
    pub async fn losses(&self) -> Result<Vec<LossCount>> {
        unimplemented!()
    }
    /// Records that the database refused, newest first.
    pub async fn set_aside(&self, limit: u32) -> Result<Vec<SetAside>> {
        unimplemented!()
    }
    /// Marks an error as dealt with, or not.
    pub async fn set_resolved(&self, id: ErrorId, resolved: bool) -> Result<()> {
        unimplemented!()
    }
    /// The exact request, sealed, and its size before compression.
    pub async fn replay_body(&self, id: ErrorId) -> Result<Option<(Sealed, u64)>> {
        unimplemented!()
    }
    /// Removes what is old or too much.
    pub async fn retain(
        &self,
        policy: &RetentionPolicy,
        now: UnixMillis,
    ) -> Result<RetentionReport> {
        unimplemented!()
    }
    /// A value kept under a name for the program itself.
    pub async fn meta(&self, name: &str) -> Result<Option<String>> {
        unimplemented!()
    }
    /// Keeps a value under a name.
    pub async fn set_meta(&self, name: &str, value: &str) -> Result<()> {
        unimplemented!()
    }
    /// Everything configured, read at one instant.
    pub async fn load_config(&self) -> Result<Config> {
        unimplemented!()
    }
    /// All groups, by id.
    pub async fn groups(&self) -> Result<Vec<Group>> {
        unimplemented!()
    }
    /// One group.
    pub async fn group(&self, id: GroupId) -> Result<Option<Group>> {
        unimplemented!()
    }
    /// Makes a group.
    pub async fn create_group(&self, new: NewGroup, now: UnixMillis) -> Result<Group> {
        unimplemented!()
    }
    /// Makes a group, or changes the one of that name into it.
    pub async fn upsert_group(&self, new: NewGroup, now: UnixMillis) -> Result<Group> {
        unimplemented!()
    }
    /// Changes a group.
    pub async fn update_group(
        &self,
        id: GroupId,
        change: GroupChange,
        now: UnixMillis,
    ) -> Result<Group> {
        unimplemented!()
    }
    /// Deletes a group that no account and no key refers to.
    pub async fn delete_group(&self, id: GroupId) -> Result<()> {
        unimplemented!()
    }
    /// All accounts, by id.
    pub async fn accounts(&self) -> Result<Vec<Account>> {
        unimplemented!()
    }
    /// One account.
    pub async fn account(&self, id: AccountId) -> Result<Option<Account>> {
        unimplemented!()
    }
    /// Makes an account.
    pub async fn create_account(&self, new: NewAccount, now: UnixMillis) -> Result<Account> {
        unimplemented!()
    }
    /// Makes an account, or changes the one of that name into it.
    pub async fn upsert_account(&self, new: NewAccount, now: UnixMillis) -> Result<Account> {
        unimplemented!()
    }
    /// Changes an account.
    pub async fn update_account(
        &self,
        id: AccountId,
        change: AccountChange,
        now: UnixMillis,
    ) -> Result<Account> {
        unimplemented!()
    }
    /// Deletes an account.
    pub async fn delete_account(&self, id: AccountId) -> Result<()> {
        unimplemented!()
    }
    /// All users, by id.
    pub async fn users(&self) -> Result<Vec<User>> {
        unimplemented!()
    }
    /// One user.
    pub async fn user(&self, id: UserId) -> Result<Option<User>> {
        unimplemented!()
    }
    /// Makes a user.
    pub async fn create_user(&self, new: NewUser, now: UnixMillis) -> Result<User> {
        unimplemented!()
    }
    /// Makes a user, or changes the one of that name into it.
    pub async fn upsert_user(&self, new: NewUser, now: UnixMillis) -> Result<User> {
        unimplemented!()
    }
    /// Changes a user.
    pub async fn update_user(
        &self,
        id: UserId,
        change: UserChange,
        now: UnixMillis,
    ) -> Result<User> {
        unimplemented!()
    }
    /// Deletes a user who has no keys.
    pub async fn delete_user(&self, id: UserId) -> Result<()> {
        unimplemented!()
    }
    /// All API keys, by id.
    pub async fn api_keys(&self) -> Result<Vec<ApiKey>> {
        unimplemented!()
    }
    /// One API key.
    pub async fn api_key(&self, id: ApiKeyId) -> Result<Option<ApiKey>> {
        unimplemented!()
    }
    /// Makes an API key.
    pub async fn create_api_key(&self, new: NewApiKey, now: UnixMillis) -> Result<ApiKey> {
        unimplemented!()
    }
    /// Makes an API key, or changes the one of that name into it.
    pub async fn upsert_api_key(&self, new: NewApiKey, now: UnixMillis) -> Result<ApiKey> {
        unimplemented!()
    }
    /// Changes an API key.
    pub async fn update_api_key(
        &self,
        id: ApiKeyId,
        change: ApiKeyChange,
        now: UnixMillis,
    ) -> Result<ApiKey> {
        unimplemented!()
    }
    /// Deletes an API key.
    pub async fn delete_api_key(&self, id: ApiKeyId) -> Result<()> {
        unimplemented!()
    }
}

impl Journal {
    /// Writes a batch in one transaction, and says what became of each record. Never fails: what
    /// cannot be written is counted. Blocks.
    pub fn commit(&mut self, batch: &[Record]) -> CommitReport {
        unimplemented!()
    }
    /// Adds to the counts of refused requests.
    pub fn commit_noise(&mut self, counts: &[NoiseCount]) -> Result<()> {
        unimplemented!()
    }
}
