//! Values on their way into a statement.

use waybill_model::{
    id::{
        AccountEventId, AccountId, AdminTokenId, AdminUserId, ApiKeyId, AuditId, ChannelId,
        ErrorId, EventId, GroupId, NotificationId, ReplayId, RetryId, ScheduleId, UserId,
    },
    money::MicroUsd,
    time::UnixMillis,
};

/// One value of a statement.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// Nothing.
    Null,
    /// A number, an id, an instant.
    Int(i64),
    /// Yes or no.
    Flag(bool),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::Text(text)
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Value::Text(text.clone())
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Value::Bytes(bytes)
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Value::Bytes(bytes.to_vec())
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Value::Flag(flag)
    }
}

impl From<u64> for Value {
    /// No count here comes near the limit; one that did stays at it.
    fn from(count: u64) -> Self {
        Value::Int(super::int(count))
    }
}

macro_rules! whole {
    ($($number:ty),*) => {$(
        impl From<$number> for Value {
            fn from(number: $number) -> Self {
                Value::Int(number.into())
            }
        }
    )*};
}

whole! { i64, i32, u32, u16 }

macro_rules! wrapped {
    ($($name:ty),*) => {$(
        impl From<$name> for Value {
            fn from(value: $name) -> Self {
                Value::Int(value.0)
            }
        }
    )*};
}

wrapped! {
    AccountEventId, AccountId, AdminTokenId, AdminUserId, ApiKeyId, AuditId, ChannelId, ErrorId, EventId, GroupId, NotificationId, ReplayId, RetryId, ScheduleId, UserId, MicroUsd, UnixMillis
}

/// The values of a statement, in order.
macro_rules! values {
    ($($value:expr),* $(,)?) => {
        &[$($crate::sql::Value::from($value)),*][..]
    };
}

pub(crate) use values;
