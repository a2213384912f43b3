//! Roll-ups: what requests add up to, folded from the stored rows, per minute, hour and day of their arrival, and per
//! minute of their end.
//!
//! Promises: every request is counted once, whoever folds, however often it is tried: what a batch adds and how far
//! requests are folded are one transaction. Ids are in the order of commits, so that nothing is passed over, and a
//! request that is stored late counts where it arrived. What was sent again by an operator is not counted. A window
//! is the sum of its parts, and what is not folded yet is added to it as it is asked for: the answer is that of the
//! rows themselves.
//!
//! Must not know: what counts as what (that is `waybill_model::rollup`'s); what time it is.

mod answer;
mod fold;
pub(crate) mod judged;
mod name;
mod read;
pub(crate) mod retention;
mod strangers;
mod tally;
mod write;

pub use answer::{RollupOf, RollupQuery, Rollups};
pub use fold::RollupReport;

use waybill_model::{
    rollup::{By, Facet, Span},
    time::UnixMillis,
};

/// A kind of roll-ups: how long each is, and which moment of a request lies in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Length {
    span: Span,
    by: By,
}

impl Length {
    /// Minutes by requests' ends.
    const ENDED: Length = Length {
        span: Span::Minute,
        by: By::End,
    };

    const fn arrived(span: Span) -> Length {
        Length {
            span,
            by: By::Arrival,
        }
    }

    /// What it is called in the store: how many milliseconds it has; of what is by the end, below nothing.
    const fn key(self) -> i64 {
        match self.by {
            By::Arrival => self.span.millis(),
            By::End => -self.span.millis(),
        }
    }

    /// Whether a facet is told apart. Minutes by end have what rules can be kept to.
    const fn has(self, facet: Facet) -> bool {
        match self.by {
            By::Arrival => true,
            By::End => !matches!(facet, Facet::User),
        }
    }

    /// Where the one begins that a request is in which arrived in, and ended in, these minutes.
    const fn begin(self, (arrived, ended): Minutes) -> UnixMillis {
        match self.by {
            By::Arrival => self.span.begin(arrived),
            By::End => self.span.begin(ended),
        }
    }
}

/// What the rows themselves are called, beside the lengths.
const ROWS_KEY: i64 = 0;

/// The minutes in which a request arrived and ended.
type Minutes = (UnixMillis, UnixMillis);

/// Every span by arrival, the shortest first.
const SPANS: [Span; 3] = [Span::Minute, Span::Hour, Span::Day];

/// Every length.
const LENGTHS: [Length; 4] = [
    Length::arrived(Span::Minute),
    Length::arrived(Span::Hour),
    Length::arrived(Span::Day),
    Length::ENDED,
];
