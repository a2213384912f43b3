//! Under which name something is added up: a facet, and of which of its requests.
//!
//! Requests that count tokens and failed are added up by themselves, too, so that a reader can leave them out. A
//! program that does not know of that does not see it: its facets are what they were.

use waybill_model::rollup::Facet;

/// Of which requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Part {
    /// Of all.
    Whole,
    /// Of those that count tokens and failed, once more. Nothing is measured of them.
    TokenCountErrors,
}

impl Part {
    const ALL: [Part; 2] = [Part::Whole, Part::TokenCountErrors];
}

/// A facet, and of which of its requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Name {
    pub(super) facet: Facet,
    pub(super) part: Part,
}

impl Name {
    /// Every name.
    pub(super) fn all() -> impl Iterator<Item = Name> {
        Facet::ALL.iter().flat_map(|facet| {
            Part::ALL.map(|part| Name {
                facet: *facet,
                part,
            })
        })
    }

    /// As it is stored.
    pub(super) fn text(self) -> String {
        match self.part {
            Part::Whole => self.facet.as_str().to_owned(),
            Part::TokenCountErrors => format!("{}.token_count_errors", self.facet),
        }
    }
}
