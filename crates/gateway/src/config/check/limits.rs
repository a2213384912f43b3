//! What may be used, and what it costs.

use waybill_model::{
    limits::{Limits, Price, Quota},
    money::MicroUsd,
};

use super::{
    super::{
        raw::{RawPrice, RawQuota, RawUseLimits},
        read::entity,
        rules,
    },
    Check,
};

impl Check<'_> {
    /// Limits of a user or a key.
    pub(super) fn use_limits(&mut self, of: &str, raw: &RawUseLimits) -> Limits {
        let mut usd = |field: &str, usd| self.usd(format!("{of}: limits.{field}"), usd);
        let limits = Limits {
            concurrency: raw.concurrency,
            requests_per_minute: raw.requests_per_minute,
            tokens_per_minute: raw.tokens_per_minute,
            requests_per_day: raw.requests_per_day,
            tokens_per_day: raw.tokens_per_day,
            usd_per_day: usd("usd_per_day", raw.usd_per_day),
            requests_per_month: raw.requests_per_month,
            tokens_per_month: raw.tokens_per_month,
            usd_per_month: usd("usd_per_month", raw.usd_per_month),
        };
        for (field, why) in rules::limits(&limits) {
            self.problem(format!("{of}: limits.{field}"), why);
        }
        limits
    }

    /// What a provider is known to allow an account.
    pub(super) fn quota(&mut self, of: &str, raw: &RawQuota) -> Quota {
        let quota = Quota {
            requests_per_minute: raw.requests_per_minute,
            tokens_per_minute: raw.tokens_per_minute,
            requests_per_day: raw.requests_per_day,
            tokens_per_day: raw.tokens_per_day,
        };
        for (field, why) in rules::quota(&quota) {
            self.problem(format!("{of}: quota.{field}"), why);
        }
        quota
    }

    /// The price table.
    pub(super) fn prices(&mut self, raw: &[RawPrice]) -> Vec<Price> {
        let named: Vec<String> = raw
            .iter()
            .map(|price| price.model.clone().unwrap_or_default())
            .collect();
        self.unique("price", named.iter());
        raw.iter()
            .enumerate()
            .map(|(index, price)| self.price(index, price))
            .collect()
    }

    fn price(&mut self, index: usize, raw: &RawPrice) -> Price {
        let model = raw.model.clone().unwrap_or_default();
        let key = entity("price", index, &model);
        self.rule(format!("{key}: model"), rules::model_pattern(&model));
        let mut usd = |field: &str, usd| self.usd(format!("{key}: {field}"), usd);
        let (input, output) = (usd("input", raw.input), usd("output", raw.output));
        let price = Price {
            model,
            input: input.unwrap_or_default(),
            output: output.unwrap_or_default(),
            cache_read: usd("cache_read", raw.cache_read),
            cache_write: usd("cache_write", raw.cache_write),
        };
        for (field, written) in [("input", raw.input), ("output", raw.output)] {
            if written.is_none() {
                self.problem(format!("{key}: {field}"), "it is missing");
            }
        }
        price
    }

    /// An amount of money; `None` when absent or none.
    pub(super) fn usd(&mut self, key: String, usd: Option<f64>) -> Option<MicroUsd> {
        MicroUsd::from_usd(usd?)
            .map_err(|bad| self.problem(key, bad.to_string()))
            .ok()
    }
}
