//! Redis: whether replicas meet there.

use super::Finding;
use crate::{clock::Clock, config::Database};

pub(super) async fn examine(database: &Database, _clock: &Clock) -> Vec<Finding> {
    const CHECK: &str = "redis";
    match &database.redis_url {
        None => vec![Finding::doubtful(
            CHECK,
            "not configured: each replica counts slots and rates by itself",
            "set redis_url where more than one replica runs",
        )],
        Some(_) => Vec::new(),
    }
}
