//! Operations: what is asked of the records.
//!
//! In: the query string of a request to the admin API. Out: the store's own [`Filter`] and [`Page`].
//! Promises: pure; a parameter is either understood or refused by name, never ignored.
//! Must not know: HTTP, the store.
//!
//! [`Filter`]: waybill_model::view::Filter
//! [`Page`]: waybill_model::view::Page

pub mod accounts;
pub mod alerts;
pub mod audit;
pub mod code;
mod common;
pub mod dashboard;
pub mod deliveries;
pub mod filter;
pub mod issues;
pub mod query;
pub mod replays;
pub mod reports;
pub mod statement;
pub mod time_range;
pub mod what_if;
