//! What the resources of the configuration have in common.

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use serde::Serialize;
use waybill_model::{entity::Group, id::GroupId, view::List};

use super::{App, problem::Problem};
use crate::{app::Changed, ops::filter};

/// The `{id}` of a path, as it was given.
pub struct PathId(pub String);

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(id) = Path::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::parameter("id", "it is not valid UTF-8"))?;
        Ok(PathId(id))
    }
}

/// The id in a path, as a number.
pub fn id(text: &str) -> Result<i64, Problem> {
    text.parse()
        .map_err(|_| Problem::parameter("id", "an id is a whole number"))
}

/// One page of a list that is small enough to be read whole, in the order of ids.
pub fn paged<T: Serialize>(all: Vec<T>, query: Option<&str>) -> Result<List<T>, Problem> {
    let page = filter::parse_small_page(query)?;
    let total = all.len() as u64;
    let skip = (page.page as usize - 1).saturating_mul(page.page_size as usize);
    let items = all
        .into_iter()
        .skip(skip)
        .take(page.page_size as usize)
        .collect();
    Ok(List {
        items,
        total,
        page: page.page,
        page_size: page.page_size,
        next_cursor: None,
        total_is_estimate: false,
    })
}

/// Lets the next request see what was changed.
pub async fn apply(shared: &App) -> Result<(), Problem> {
    shared
        .reload(Changed::Here)
        .await
        .map_err(Problem::not_applied)
}

/// Names of the groups with these ids, in the ids' order.
pub fn names(groups: &[Group], ids: &[GroupId]) -> Vec<String> {
    ids.iter()
        .filter_map(|id| groups.iter().find(|group| group.id == *id))
        .map(|group| group.name.clone())
        .collect()
}
