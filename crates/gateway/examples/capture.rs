//! What copies of failed requests take, and what packing and storing them costs:
//! `cargo run --release -p waybill-gateway --example capture`.
//!
//! A thousand turns of one conversation that grows to about 200 KiB, each recorded as a failure, in parts and
//! whole. Prints the share of the raw bytes that the store's pages grew by, and the CPU time per record of the
//! thread that does it all, in turn: whole, in parts, whole, in parts.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../tests/way/capture/desk.rs"]
mod desk;

use bytes::Bytes;
use desk::{Desk, Talk};
use waybill_gateway::record::capture::Copies;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const ROUNDS: usize = 4;

fn main() {
    let mut talk = Talk::new(60);
    let bodies: Vec<Bytes> = (0..1_000).map(|_| talk.next_body()).collect();
    let raw: usize = bodies.iter().map(Bytes::len).sum();
    println!(
        "{} turns, {} KiB at last, {} MiB in all",
        bodies.len(),
        bodies[999].len() >> 10,
        raw >> 20
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (base, base_cpu) = run(&runtime, Copies::Whole, &bodies, false);
    for round in 1..=ROUNDS {
        for copies in [Copies::Whole, Copies::InParts] {
            let (used, cpu) = run(&runtime, copies, &bodies, true);
            println!(
                "round {round}, {copies:?}: {:.2} % of the raw bytes, {:.0} µs of CPU per copy",
                (used - base) as f64 * 100.0 / raw as f64,
                (cpu - base_cpu) / 1_000.0,
            );
        }
    }
}

/// Bytes in use, and nanoseconds per record.
fn run(
    runtime: &tokio::runtime::Runtime,
    copies: Copies,
    bodies: &[Bytes],
    with: bool,
) -> (u64, f64) {
    let mut desk = Desk::new(copies);
    let begun = cpu();
    for body in bodies {
        desk.record(with.then_some(body));
    }
    let spent = cpu() - begun;
    (
        runtime.block_on(desk.bytes_used()),
        spent as f64 / bodies.len() as f64,
    )
}

/// Nanoseconds that this thread has run.
fn cpu() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}
