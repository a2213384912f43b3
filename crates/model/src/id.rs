//! Typed ids. An account's id can never be passed where a user's is meant.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! row_ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::num::ParseIntError;
            fn from_str(s: &str) -> Result<Self, Self::Err> {
                s.parse().map($name)
            }
        }
    )*};
}

row_ids! {
    /// One upstream credential of the pool.
    AccountId,
    /// A set of accounts of one platform.
    GroupId,
    /// The person or service an API key belongs to.
    UserId,
    /// A client's API key.
    ApiKeyId,
    /// One row of the error log.
    ErrorId,
    /// One failed upstream attempt.
    EventId,
    /// One recorded change of an account's state.
    AccountEventId,
    /// Somebody who uses the admin API by name.
    AdminUserId,
    /// A personal token of theirs.
    AdminTokenId,
    /// One entry of the audit log.
    AuditId,
    /// One attempt to send a failed request again.
    RetryId,
    /// A replay of many failed requests.
    ReplayId,
    /// Where somebody is told of something.
    ChannelId,
    /// One notice to one channel.
    NotificationId,
    /// A report that comes by itself.
    ScheduleId,
}

/// The id a request carries from its first byte on, sent back as `x-waybill-request-id`.
/// A version 7 UUID, so ids sort by arrival.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct RequestId(uuid::Uuid);

impl RequestId {
    /// Builds an id from the arrival time and ten bytes of randomness.
    pub fn new(at: crate::time::UnixMillis, random: [u8; 10]) -> Self {
        let millis = u64::try_from(at.0).unwrap_or(0);
        RequestId(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }

    /// The id as a number.
    pub fn as_u128(&self) -> u128 {
        self.0.as_u128()
    }

    /// Whether this request is among the `share` (0 to 1) that is kept: decided by its random part, so
    /// that every part of the gateway decides alike.
    pub fn is_sampled(&self, share: f64) -> bool {
        let random = u32::try_from(self.0.as_u128() & u128::from(u32::MAX)).unwrap_or(0);
        f64::from(random) < share * (f64::from(u32::MAX) + 1.0)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl Serialize for RequestId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RequestId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl std::str::FromStr for RequestId {
    type Err = uuid::Error;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        s.parse().map(RequestId)
    }
}
