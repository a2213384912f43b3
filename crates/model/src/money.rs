//! Money: whole millionths of a US dollar, shown as dollars.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An amount in millionths of a US dollar. In JSON and TOML a number of dollars.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct MicroUsd(pub i64);

/// Not an amount.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not an amount of US dollars from 0 to 1,000,000,000")]
pub struct BadAmount;

impl MicroUsd {
    /// Largest amount taken: a billion dollars.
    pub const MAX: MicroUsd = MicroUsd(1_000_000_000_000_000);

    /// From dollars; amounts below a millionth are rounded.
    pub fn from_usd(usd: f64) -> Result<Self, BadAmount> {
        let micros = (usd * 1e6).round();
        if !(0.0..=MicroUsd::MAX.0 as f64).contains(&micros) {
            return Err(BadAmount);
        }
        Ok(MicroUsd(micros as i64))
    }

    /// In dollars.
    pub fn usd(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

impl std::fmt::Display for MicroUsd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "${}", self.usd())
    }
}

impl Serialize for MicroUsd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.usd())
    }
}

impl<'de> Deserialize<'de> for MicroUsd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        MicroUsd::from_usd(f64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl utoipa::PartialSchema for MicroUsd {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::Number)
            .description(Some("US dollars"))
            .into()
    }
}

impl utoipa::ToSchema for MicroUsd {}
