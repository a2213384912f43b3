//! What models cost: the price table, made ready for look-ups.

use waybill_model::limits::Price;

/// Prices in the order they are tried: exact names first, then prefixes, the longest first.
#[derive(Debug, Clone, Default)]
pub struct PriceTable {
    rows: Vec<Price>,
}

impl PriceTable {
    /// Sorts the prices once, so that the first match is the right one.
    pub fn new(mut prices: Vec<Price>) -> Self {
        prices.sort_by_key(|price| {
            (
                price.model.ends_with('*'),
                std::cmp::Reverse(price.model.len()),
            )
        });
        PriceTable { rows: prices }
    }

    /// Every model and pattern that has one.
    pub fn models(&self) -> impl Iterator<Item = &str> {
        self.rows.iter().map(|price| price.model.as_str())
    }

    /// The price of a model.
    pub fn of(&self, model: &str) -> Option<&Price> {
        self.rows
            .iter()
            .find(|price| match price.model.strip_suffix('*') {
                Some(prefix) => model.starts_with(prefix),
                None => price.model == model,
            })
    }

    /// The price of a request: by the model the client named, else by the one its provider was sent.
    pub fn of_request(&self, named: Option<&str>, upstream: Option<&str>) -> Option<&Price> {
        named
            .and_then(|model| self.of(model))
            .or_else(|| upstream.and_then(|model| self.of(model)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use waybill_model::money::MicroUsd;

    fn table() -> PriceTable {
        let price = |model: &str, input| Price {
            model: model.into(),
            input: MicroUsd(input),
            output: MicroUsd(0),
            cache_read: None,
            cache_write: None,
        };
        PriceTable::new(vec![
            price("*", 1),
            price("gpt-5*", 2),
            price("gpt-5-mini", 3),
            price("gpt-5-mini*", 4),
        ])
    }

    #[test]
    fn an_exact_name_beats_a_prefix_and_a_longer_prefix_a_shorter_one() {
        let table = table();
        let of = |model| table.of(model).map(|price| price.input.0);
        assert_eq!(of("gpt-5-mini"), Some(3));
        assert_eq!(of("gpt-5-mini-2"), Some(4));
        assert_eq!(of("gpt-5-pro"), Some(2));
        assert_eq!(of("o4"), Some(1));
        assert!(PriceTable::default().of("o4").is_none());
    }

    #[test]
    fn what_the_client_named_comes_before_what_the_provider_was_sent() {
        let table = PriceTable::new(table().rows.split_off(1));
        let of = |named, upstream| table.of_request(named, upstream).map(|price| price.input.0);
        assert_eq!(of(Some("gpt-5-x"), Some("gpt-5-mini-2")), Some(2));
        assert_eq!(of(None, Some("gpt-5-mini-2")), Some(4));
        assert_eq!(of(None, None), None);
    }
}
