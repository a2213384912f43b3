//! The parameters that every list has: its window of time, its order, its pages.
//!
//! Promises: spelled and read in one place, whatever is listed. Must not know: what is listed.

use waybill_model::{
    time::UnixMillis,
    view::{Page, Sort},
};

use super::{
    filter::{
        DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, Parameter, Takes, number, some_text, word, words_of,
    },
    query::{BadParameter, Pairs},
    time_range::{self, TimeRange},
};

/// What `page` says where there is a cursor too.
pub(super) const PAGE_OR_CURSOR: &str = "Page, from 1; not looked at beside a cursor.";

/// The page of who asks for none.
pub(super) const fn first_page(sort: Sort) -> Page {
    Page {
        sort,
        page: 1,
        page_size: DEFAULT_PAGE_SIZE,
        cursor: None,
    }
}

/// The window that is asked for; `None`: none is. `default` is how long one is of which only the end is given.
pub(super) fn window_if_any(
    pairs: &Pairs,
    default: TimeRange,
    now: UnixMillis,
) -> Result<Option<(UnixMillis, UnixMillis)>, BadParameter> {
    let is_asked = |name: &&str| pairs.get(name).is_some();
    let any = time_range::NAMES.iter().any(is_asked);
    any.then(|| time_range::window(pairs, default, now))
        .transpose()
}

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
pub(super) const fn page<Q: Paged>(about: &'static str) -> Parameter<Q> {
    Parameter {
        name: "page",
        about,
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
