//! What was measured of the shared set-up, as a table.

use std::fmt::Write as _;

use super::{Measured, Part, Pressed, Results, Round};
use crate::table::median;

/// A shared gateway, to an embedded one.
const ONE: f64 = 1.3;
/// Three replicas, to three gateways that are alone: they forward at least 0.9 of these's sum for the same CPU.
const THREE: f64 = 1.0 / 0.9;

/// The tables, and the figures to reach.
pub fn render(results: &Results) -> String {
    let mut out = format!(
        "# The shared set-up beside the embedded one\n\n{} CPUs. CPU is per successful request of 1 KiB, until what it \
         recorded was moved; medians of the rounds, ratios within each round to the first row.\n",
        results.cpus
    );
    for part in &results.parts {
        render_part(&mut out, part);
    }
    out.push_str("\n## Figures to reach\n\n| figure | at most | measured | |\n|---|---|---|---|\n");
    for part in &results.parts {
        for (setup, base, limit) in judged(part) {
            for (load, of) in LOADS {
                let ratios = ratios(base, setup, of);
                if ratios.is_empty() {
                    continue;
                }
                let ratio = median(ratios);
                let verdict = match ratio <= limit {
                    _ if setup.name.contains("Redis") && !asks_redis(setup) => {
                        "says nothing: Redis was not asked"
                    }
                    true => "reached",
                    false => "**missed**",
                };
                let _ = writeln!(
                    out,
                    "| CPU of {}, {load}, to {} | {limit:.2}× | {ratio:.2}× | {verdict} |",
                    setup.name, base.name
                );
            }
        }
    }
    out
}

/// What is compared to what, and may be at most how many times it.
fn judged(part: &Part) -> Vec<(&Measured, &Measured, f64)> {
    match (part.name, part.setups.as_slice()) {
        ("one gateway", [base, others @ ..]) => {
            others.iter().map(|setup| (setup, base, ONE)).collect()
        }
        ("three gateways", [bases @ .., replicas]) => {
            bases.iter().map(|base| (replicas, base, THREE)).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether it asked Redis anything: a gateway without one asks none.
fn asks_redis(setup: &Measured) -> bool {
    let asks = |round: &Round| round.open.redis_commands > 1.0;
    setup.rounds.iter().all(asks)
}

/// The pressing of a round that is meant.
type Of = fn(&Round) -> Option<&Pressed>;

const LOADS: [(&str, Of); 2] = [
    ("saturated", |round| round.closed.as_ref()),
    ("at the rate", |round| Some(&round.open)),
];

fn render_part(out: &mut String, part: &Part) {
    let _ = writeln!(
        out,
        "\n## {}\n\nThe rate is {:.0} requests a second in all.\n\n| set-up | load | CPU of the gateway, µs | ratio (lowest to \
         highest) | of PostgreSQL, µs | of Redis, µs | commands to Redis a second | requests/s | p50, p99, µs | moved after, ms |\n\
         |---|---|---|---|---|---|---|---|---|---|",
        part.name, part.rate
    );
    for (load, of) in LOADS {
        for setup in &part.setups {
            let all: Vec<&Pressed> = setup.rounds.iter().filter_map(of).collect();
            if all.is_empty() {
                continue;
            }
            let mid =
                |of: fn(&Pressed) -> f64| median(all.iter().map(|pressed| of(pressed)).collect());
            let mut ratios = ratios(&part.setups[0], setup, of);
            ratios.sort_by(f64::total_cmp);
            let ratio = match (ratios.first(), ratios.last()) {
                (Some(low), Some(high)) => {
                    format!("{:.2}× ({low:.2} to {high:.2})", median(ratios.clone()))
                }
                _ => "–".to_owned(),
            };
            let _ = writeln!(
                out,
                "| {} | {load} | {:.1} | {ratio} | {:.1} | {:.1} | {:.0} | {:.0} | {:.0}, {:.0} | {:.0} |",
                setup.name,
                mid(|p| p.gateway_us),
                mid(|p| p.postgres_us),
                mid(|p| p.redis_us),
                mid(|p| p.redis_commands),
                mid(|p| p.per_second),
                mid(|p| p.latency.p50_us),
                mid(|p| p.latency.p99_us),
                mid(|p| p.behind_ms),
            );
        }
    }
}

/// Round by round; none for what was not pressed in the same rounds.
fn ratios(first: &Measured, setup: &Measured, of: Of) -> Vec<f64> {
    if first.rounds.len() != setup.rounds.len() {
        return Vec::new();
    }
    let pairs = first.rounds.iter().zip(&setup.rounds);
    pairs
        .filter_map(|(first, other)| Some(of(other)?.gateway_us / of(first)?.gateway_us))
        .collect()
}
