//! The line: where requests wait for an account.
//!
//! For now nobody waits: who finds no account is told so.

use std::sync::Arc;

use tokio::time::Instant;
use waybill_model::{id::ApiKeyId, waybill::Queued};

use super::{Chosen, NoRoute, Plan};
use crate::clock::Clock;

/// Bounds of the line.
#[derive(Debug, Clone, Copy, Default)]
pub struct LineSettings {}

/// Requests that wait for an account.
#[derive(Debug)]
pub struct Line {}

impl Line {
    /// A line in which nobody waits.
    pub fn new(_settings: LineSettings) -> Arc<Line> {
        Arc::new(Line {})
    }

    /// Chooses now, or waits. Gives the plan back.
    pub async fn choose(
        self: &Arc<Self>,
        mut plan: Plan,
        _key: ApiKeyId,
        clock: &Clock,
        _give_up_at: Instant,
    ) -> (Plan, Result<Chosen, NoRoute>, Option<Queued>) {
        let result = plan.choose(clock.now());
        (plan, result, None)
    }

    /// Whether somebody waits.
    pub fn is_waiting(&self) -> bool {
        false
    }

    /// A slot was freed or a state changed: serves who can be served. A slot that is given back while
    /// it chooses calls it again: that call must return at once.
    pub fn pump(self: &Arc<Self>) {}
}
