//! What the API says of issues, and is asked about them. Field names are a contract.

use serde::{Deserialize, Serialize};

use super::{IssueState, RuleBody, SplitBy, Why};
use crate::{
    cause::{Cause, Owner, Phase, Severity},
    fingerprint::Scope,
    id::{AccountId, ApiKeyId, ErrorId, GroupId, UserId},
    protocol::Platform,
    time::UnixMillis,
    words,
};

/// One issue of the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct IssueLog {
    /// Its key: the fingerprint of its failures, hex; of a part of a divided issue, or a merged one, one like it.
    pub fingerprint: String,
    /// The version of the rules that made it.
    pub fingerprint_version: u8,
    /// Its message with ids, numbers and names taken out.
    pub title: String,
    /// Platform.
    pub platform: Platform,
    /// Stage in which it fails.
    pub phase: Phase,
    /// What really happens.
    pub cause: Cause,
    /// The provider's status, if it answers.
    pub status_code: Option<u16>,
    /// The provider's machine name for it.
    pub provider_code: Option<String>,
    /// What such a failure reaches.
    pub scope: Scope,
    /// Whose fault, as of its newest failure.
    pub owner: Owner,
    /// Urgency, as of its newest failure.
    pub severity: Severity,
    /// How it stands.
    pub state: IssueState,
    /// Since when.
    pub state_since: UnixMillis,
    /// Why.
    pub state_why: Why,
    /// Who said so, where somebody did; the attempt, where a replay proved it.
    pub state_by: Option<String>,
    /// Until then it is ignored.
    pub ignore_until: Option<UnixMillis>,
    /// Until it has failed so often, over all time, it is ignored.
    pub ignore_count: Option<u64>,
    /// Until it escalates it is ignored.
    pub ignore_escalation: bool,
    /// When the request of its first failure arrived.
    pub first_seen: UnixMillis,
    /// When that of its newest did.
    pub last_seen: UnixMillis,
    /// Its first failure.
    pub first_error_id: ErrorId,
    /// Its newest failure.
    pub last_error_id: ErrorId,
    /// A failure to look at: the newest that a client saw, else the newest.
    pub sample_error_id: ErrorId,
    /// Failures that clients saw.
    pub count: u64,
    /// Failures that failover hid.
    pub hidden_count: u64,
    /// Users that met it.
    pub users: u64,
    /// Keys.
    pub api_keys: u64,
    /// Accounts.
    pub accounts: u64,
    /// Models.
    pub models: u64,
    /// Groups.
    pub groups: u64,
    /// Whether any of these five is a lower bound: no more are told apart.
    pub members_are_bounded: bool,
    /// What it does to users, now: severity × who × failures that fade by half a day.
    pub impact: f64,
    /// Failures per hour, hidden ones too, of the last 24 hours of the clock, the current one last.
    pub hourly: Vec<u64>,
    /// Of a part of a divided issue: which.
    pub part_of: Option<String>,
    /// What the issue it is a part of is divided by.
    pub part_by: Option<SplitBy>,
    /// The value that makes it this part.
    pub part_value: Option<String>,
    /// Whether it is being counted anew, after a rule was changed.
    pub recounting: bool,
}

/// One issue, whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct IssueDetail {
    /// The list's columns.
    #[serde(flatten)]
    pub log: IssueLog,
    /// What happens, as a sentence.
    pub explanation: String,
    /// What to do about it.
    pub remedy: String,
    /// Where its failures are listed.
    pub errors_path: String,
    /// Who and what is affected, most first.
    pub members: IssueMembers,
    /// Its states, newest first.
    pub timeline: Vec<IssueTransition>,
    /// Notes, newest first.
    pub notes: Vec<IssueNote>,
    /// Failures per hour, of the last seven days; hours without any are left out. Oldest first.
    pub hours: Vec<HourCount>,
    /// The kinds of failures it is made of.
    pub kinds: Vec<IssueKind>,
}

/// Who and what is affected.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct IssueMembers {
    /// Users.
    pub users: MemberList,
    /// Keys.
    pub api_keys: MemberList,
    /// Accounts.
    pub accounts: MemberList,
    /// Models.
    pub models: MemberList,
    /// Groups.
    pub groups: MemberList,
}

/// Members of one sort.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MemberList {
    /// Those with most failures.
    pub top: Vec<Member>,
    /// How many are told apart.
    pub known: u64,
    /// Failures of others, which are not.
    pub others: u64,
}

/// One member.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Member {
    /// Its id; of a model, its name.
    pub id: String,
    /// Its name when it was first met.
    pub name: Option<String>,
    /// Failures that clients saw.
    pub count: u64,
    /// Failures that failover hid.
    pub hidden_count: u64,
    /// Its newest failure.
    pub last_seen: UnixMillis,
}

/// A change of an issue's state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct IssueTransition {
    /// When.
    pub at: UnixMillis,
    /// From which state; `null` for the first.
    pub from: Option<IssueState>,
    /// To which.
    pub to: IssueState,
    /// Why.
    pub why: Why,
    /// Who, where somebody did it; the attempt, where a replay proved it.
    pub by: Option<String>,
    /// What else there is to say.
    pub detail: Option<String>,
}

/// A note.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct IssueNote {
    /// Its id.
    pub id: i64,
    /// When.
    pub at: UnixMillis,
    /// Who.
    pub author: Option<String>,
    /// What.
    pub text: String,
}

/// Failures of one hour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct HourCount {
    /// Start of the hour.
    pub hour: UnixMillis,
    /// Failures that clients saw.
    pub count: u64,
    /// Failures that failover hid.
    pub hidden_count: u64,
}

/// One kind of failures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct IssueKind {
    /// Its fingerprint, hex.
    pub fingerprint: String,
    /// Its message's template.
    pub title: String,
    /// Platform.
    pub platform: Platform,
    /// What really happens.
    pub cause: Cause,
    /// The provider's status.
    pub status_code: Option<u16>,
    /// The provider's machine name for it.
    pub provider_code: Option<String>,
}

/// A rule, and where it came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct IssueRule {
    /// Its id. Rules are looked at in the order of ids.
    pub id: i64,
    /// What it says.
    pub rule: RuleBody,
    /// Since when.
    pub created_at: UnixMillis,
    /// Whose.
    pub created_by: Option<String>,
}

/// The issue a failure belongs to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct IssueLink {
    /// Its key.
    pub fingerprint: String,
    /// How it stands.
    pub state: IssueState,
    /// Failures that clients saw.
    pub count: u64,
    /// Failures that failover hid.
    pub hidden_count: u64,
}

words! {
    /// Order of the list of issues.
    pub enum IssueSort {
        /// What they do to users.
        Impact = "-impact",
        /// Newest failure first.
        LastSeen = "-last_seen",
        /// Newest issue first.
        FirstSeen = "-first_seen",
        /// Most failures first, hidden ones too.
        Count = "-count",
    }
}

/// What issues can be narrowed by. Empty narrows nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct IssueFilter {
    /// Any of these states.
    pub states: Vec<IssueState>,
    /// Platform.
    pub platform: Option<Platform>,
    /// Cause.
    pub cause: Option<Cause>,
    /// Owner.
    pub owner: Option<Owner>,
    /// Severity.
    pub severity: Option<Severity>,
    /// An account that failed so.
    pub account_id: Option<AccountId>,
    /// A group.
    pub group_id: Option<GroupId>,
    /// A key that met it.
    pub api_key_id: Option<ApiKeyId>,
    /// A user that met it.
    pub user_id: Option<UserId>,
    /// A model, exact.
    pub model: Option<String>,
    /// Failed at this instant or later.
    pub start: Option<UnixMillis>,
    /// First failed before this instant.
    pub end: Option<UnixMillis>,
    /// Text in title or provider's name.
    pub q: Option<String>,
}
