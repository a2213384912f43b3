//! The parameters that every list has: its window of time, its order, its pages.
//!
//! Promises: spelled and read in one place, whatever is listed. Must not know: what is listed.

use waybill_model::view::{Page, Sort};

use super::{
    filter::{MAX_PAGE_SIZE, Parameter, Takes, number, some_text, word, words_of},
    time_range::TimeRange,
};

/// A question that is answered page by page.
pub(super) trait Paged {
    /// Which page.
    fn page(&mut self) -> &mut Page;
}

/// A window that ends now. Windows depend on each other and are read together, in
/// [`time_range`](super::time_range).
pub(super) const fn time_range<Q>(about: &'static str) -> Parameter<Q> {
    Parameter {
        name: "time_range",
        about,
        takes: words_of!(TimeRange),
        read: |_, _| Ok(()),
    }
}

/// Where a window begins.
pub(super) const fn start_time<Q>(about: &'static str) -> Parameter<Q> {
    Parameter {
        name: "start_time",
        about,
        takes: Takes::Time,
        read: |_, _| Ok(()),
    }
}

/// Where a window ends.
pub(super) const fn end_time<Q>(about: &'static str) -> Parameter<Q> {
    Parameter {
        name: "end_time",
        about,
        takes: Takes::Time,
        read: |_, _| Ok(()),
    }
}

/// The order of what has a time.
pub(super) const fn sort<Q: Paged>() -> Parameter<Q> {
    Parameter {
        name: "sort",
        about: "`-created_at`, the default: newest first; `created_at`: oldest first.",
        takes: words_of!(Sort),
        read: |q, text| word(text).map(|word| q.page().sort = word),
    }
}

/// From where on.
pub(super) const fn cursor<Q: Paged>(about: &'static str) -> Parameter<Q> {
    Parameter {
        name: "cursor",
        about,
        takes: Takes::Text,
        read: |q, text| some_text(text).map(|text| q.page().cursor = Some(text)),
    }
}

/// A page by its number.
pub(super) const fn page<Q: Paged>() -> Parameter<Q> {
    Parameter {
        name: "page",
        about: "Page, from 1; not looked at beside a cursor.",
        takes: Takes::Number,
        read: |q, text| number(text, u32::MAX).map(|page| q.page().page = page),
    }
}

/// How much of it.
pub(super) const fn page_size<Q: Paged>(about: &'static str) -> Parameter<Q> {
    Parameter {
        name: "page_size",
        about,
        takes: Takes::Number,
        read: |q, text| number(text, MAX_PAGE_SIZE).map(|size| q.page().page_size = size),
    }
}
