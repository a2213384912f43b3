//! Redis: whether replicas meet there.

use std::time::Duration;

use super::Finding;
use crate::{clock::Clock, cluster, config::Database, upstream::Tls};

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(3);

pub(super) async fn examine(database: &Database, clock: &Clock) -> Vec<Finding> {
    const CHECK: &str = "redis";
    let Some(url) = &database.redis_url else {
        return vec![Finding::doubtful(
            CHECK,
            "not configured: each replica counts slots and rates by itself",
            "set redis_url where more than one replica runs",
        )];
    };
    let tls = Tls::new(&[]).of_no_protocol();
    vec![
        match cluster::try_out(url.clone(), tls, clock, PATIENCE).await {
            Ok(()) => Finding::good(CHECK, format!("{url} answers")),
            Err(why) => Finding::bad(
                CHECK,
                format!("{url}: {why}"),
                "see that Redis runs there and takes the password; meanwhile each replica goes by its own view",
            ),
        },
    ]
}
