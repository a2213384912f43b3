//! `prices`: what models cost, as one table that is read and replaced whole.

use axum::{
    Json,
    extract::{RawQuery, State},
};
use serde::{Deserialize, Serialize};
use waybill_model::limits::Price;

use super::{
    App,
    body::Body,
    check,
    entities::apply,
    problem::{Problem, ProblemDetails},
};
use crate::ops::filter;

/// The price table, in US dollars per million tokens.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceTable {
    /// One price per model or beginning of a model's name.
    prices: Vec<Price>,
}

/// The price table, by model.
#[utoipa::path(get, path = "/api/v1/admin/prices", operation_id = "get_prices", tag = "prices",
    responses((status = 200, body = PriceTable)))]
pub async fn show(
    State(shared): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<PriceTable>, Problem> {
    filter::parse_nothing(query.as_deref())?;
    let prices = shared.store.prices().await?;
    Ok(Json(PriceTable { prices }))
}

/// Puts another price table in place of this one. Requests that end from now on cost what it says.
#[utoipa::path(put, path = "/api/v1/admin/prices", operation_id = "set_prices", tag = "prices", request_body = PriceTable,
    responses((status = 200, body = PriceTable), (status = 400, body = ProblemDetails)))]
pub async fn change(
    State(shared): State<App>,
    Body(table): Body<PriceTable>,
) -> Result<Json<PriceTable>, Problem> {
    check::prices(&table.prices)?;
    shared.store.set_prices(table.prices).await?;
    apply(&shared).await?;
    let prices = shared.store.prices().await?;
    Ok(Json(PriceTable { prices }))
}
