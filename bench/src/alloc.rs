//! What capturing a failure costs in allocation, on the thread that serves the request.
//!
//! A gateway with one worker gets successes and failures with bodies of the same size over one
//! connection, batch by batch in turn, and says before and after each batch how much its worker has ever allocated.
//! The difference per request is everything a failure adds there: reading the provider's error, our
//! own answer, and handing the copy over. Compressing and sealing the copy are the recorder's, on a
//! thread that is not counted. It promises that every request came out as meant, and that no body was let
//! go before it was on record: a capture that did not happen would be cheap.

use std::{
    io::Write,
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    thread,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::Serialize;

use crate::{
    burst,
    http1::{Reader, status},
    request::{Expect, Request, get},
    subject::{ADMIN_TOKEN, KEY_SINGLE, Running, Stage},
    table,
};

/// Its name for `--only`.
pub const NAME: &str = "alloc";
/// Size of the bodies that the figure to reach speaks of.
pub const JUDGED_BODY_BYTES: usize = 256 * 1024;
/// The small size shows what a failure allocates whatever its body.
const BODY_BYTES: [usize; 2] = [1024, JUDGED_BODY_BYTES];
/// Requests of a batch.
const BATCH: u32 = 200;
/// The body is sent in pieces, each read before the next: the buffers that reading takes depend on how
/// the bytes arrive, by more than what is to be measured.
const PIECE_BYTES: usize = 16 * 1024;
/// Time to read a piece.
const PAUSE: Duration = Duration::from_millis(1);
/// A gateway that takes longer to answer is stuck.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);
/// Batches of successes, and as many of failures, in turn.
const ROUNDS: usize = 3;
const METRIC: &str = "waybill_worker_allocated_bytes_total ";

/// Of the measurement by itself.
#[derive(Args)]
pub struct Options {
    /// The gateway's program.
    #[arg(long, default_value = "target/release/waybill")]
    gateway: PathBuf,
}

/// What requests of one size allocate on the worker's thread.
#[derive(Debug, Serialize)]
pub struct Cost {
    /// Size of the request's body.
    pub body_bytes: usize,
    /// Round by round.
    pub rounds: Vec<Pair>,
}

/// One round; bytes per request.
#[derive(Debug, Serialize)]
pub struct Pair {
    /// A request that is served.
    pub served: f64,
    /// A request that fails and is captured.
    pub failed: f64,
}

impl Pair {
    /// What a failure adds.
    pub fn capture(&self) -> f64 {
        self.failed - self.served
    }
}

/// Starts what is needed, measures, and prints the table.
///
/// # Errors
/// As [`measure`]; also when the upstream cannot be started.
pub fn run(options: &Options) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let stage = Stage {
        dir: dir.path().to_owned(),
        gateway: options.gateway.clone(),
        workers: 1,
        pin: None,
    };
    stage.check()?;
    let upstream = stage.upstream()?;
    println!("{}", table::allocation(&measure(&stage, &upstream)?));
    Ok(())
}

/// Starts a gateway of its own with one worker, and asks it.
///
/// # Errors
/// When the gateway does not start, does not count its allocations, answers other than meant, or
/// has let go of a body.
pub fn measure(stage: &Stage, upstream: &Running) -> Result<Vec<Cost>> {
    let stage = Stage {
        dir: stage.dir.join(NAME),
        workers: 1,
        ..stage.clone()
    };
    let gateway = stage.waybill(upstream.plain)?;
    let costs = BODY_BYTES
        .into_iter()
        .map(|body_bytes| cost(&gateway, body_bytes))
        .collect::<Result<_>>()?;
    let books = burst::books(&gateway)?.unwrap_or_default();
    for gone in ["counted_lost", "bodies_dropped"] {
        ensure!(books[gone] == 0, "the gateway's books: {books}");
    }
    Ok(costs)
}

fn cost(gateway: &Running, body_bytes: usize) -> Result<Cost> {
    let request = |model, expect| Request::new(model, body_bytes, KEY_SINGLE, expect);
    let served = request("bench-1k", Expect::Served { body_bytes: 1024 })?;
    let failed = request("bench-fail-100-400", Expect::Refused { status: 400 })?;
    let mut client = Client::connect(gateway.plain)?;
    // Uncounted: connections, and what grows to its size once.
    for request in [&served, &failed] {
        client.batch(request)?;
    }
    let rounds = (0..ROUNDS)
        .map(|_| {
            Ok(Pair {
                served: client.batch(&served)?,
                failed: client.batch(&failed)?,
            })
        })
        .collect::<Result<_>>()?;
    Ok(Cost { body_bytes, rounds })
}

/// One connection to the gateway.
struct Client {
    target: SocketAddr,
    stream: TcpStream,
    reader: Reader<TcpStream>,
}

impl Client {
    fn connect(target: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(target)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        Ok(Client {
            target,
            reader: Reader::new(stream.try_clone()?),
            stream,
        })
    }

    /// Bytes per request. The share of one reading is in it, the same for successes and failures.
    fn batch(&mut self, request: &Request) -> Result<f64> {
        let before = allocated(self.target)?;
        for _ in 0..BATCH {
            self.call(request)?;
        }
        Ok((allocated(self.target)? - before) as f64 / f64::from(BATCH))
    }

    fn call(&mut self, request: &Request) -> Result<()> {
        for piece in request.wire.chunks(PIECE_BYTES) {
            self.stream.write_all(piece)?;
            thread::sleep(PAUSE);
        }
        let (status, message) = self
            .reader
            .message(|head| status(head).unwrap_or(0), |_| {})?
            .context("the gateway hung up")?;
        ensure!(
            request.expect.accepts(status, message.body_bytes),
            "not as meant: {status}"
        );
        Ok(())
    }
}

fn allocated(target: SocketAddr) -> Result<u64> {
    let (_, page) = get(target, "/metrics", ADMIN_TOKEN)?;
    let page = String::from_utf8(page)?;
    page.lines()
        .find_map(|line| line.strip_prefix(METRIC)?.parse().ok())
        .context("the gateway does not say what its worker has allocated")
}
