//! Instants as the record keeps them: milliseconds since the Unix epoch, shown as RFC 3339 in UTC.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, Unexpected},
};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct UnixMillis(pub i64);

impl UnixMillis {
    /// This instant moved by `millis`, saturating.
    #[must_use]
    pub fn plus_ms(self, millis: i64) -> Self {
        UnixMillis(self.0.saturating_add(millis))
    }
}

impl fmt::Display for UnixMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(at) => write!(f, "{at:.3}"),
            Err(_) => write!(f, "{}ms", self.0),
        }
    }
}

impl std::str::FromStr for UnixMillis {
    type Err = jiff::Error;
    /// Reads RFC 3339.
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        s.parse::<jiff::Timestamp>()
            .map(|at| UnixMillis(at.as_millisecond()))
    }
}

impl Serialize for UnixMillis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for UnixMillis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(|_| {
            let expected = &"an RFC 3339 time, such as 2030-01-31T00:00:00Z";
            D::Error::invalid_value(Unexpected::Str(&text), expected)
        })
    }
}

impl utoipa::PartialSchema for UnixMillis {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .format(Some(utoipa::openapi::SchemaFormat::KnownFormat(
                utoipa::openapi::KnownFormat::DateTime,
            )))
            .into()
    }
}

impl utoipa::ToSchema for UnixMillis {}

#[cfg(test)]
mod tests {
    use super::UnixMillis;

    #[test]
    fn an_instant_survives_being_shown_and_read() {
        let at = UnixMillis(1_760_000_000_123);
        assert_eq!(at.to_string(), "2025-10-09T08:53:20.123Z");
        assert_eq!(at.to_string().parse::<UnixMillis>().ok(), Some(at));
    }
}
