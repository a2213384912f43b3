//! The load generator: kept-alive connections, a thread and blocking calls each.
//!
//! Two ways to press. *Closed*: every connection asks again as soon as it has its answer, which
//! measures throughput. *Open*: requests are due at fixed times whether or not earlier ones were
//! answered, which measures latency without coordinated omission: a request that had to wait for its
//! connection counts from when it was due. One that was sent late because the generator's own sleep
//! ended late counts from when it was sent, since no proxy is to blame for that.
//!
//! Threads instead of an event loop, because a timer wheel of a millisecond would send in clumps.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow};
use hdrhistogram::Histogram;
use serde::Serialize;

use crate::{http1::Reader, http1::status, request::Request};

/// An answer that takes longer is counted as broken, so that a stuck subject cannot stop the run.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);
/// A subject that broke this many answers on one connection in a row is not worth measuring.
const MAX_BROKEN_IN_A_ROW: u32 = 50;
const STACK_BYTES: usize = 128 * 1024;

/// One pressing of one target.
pub struct Load {
    /// Where to send.
    pub target: SocketAddr,
    /// What to send.
    pub request: Request,
    /// How many connections.
    pub connections: usize,
    /// How hard.
    pub pace: Pace,
    /// For how long.
    pub length: Duration,
    /// Ends it early once set.
    pub stop: Arc<AtomicBool>,
}

/// How hard to press.
#[derive(Debug, Clone, Copy)]
pub enum Pace {
    /// Ask again at once.
    Closed,
    /// Ask again at once until so many were asked, or the time is over.
    Count {
        /// Of all connections together.
        requests: u64,
    },
    /// At fixed times, spread evenly.
    Open {
        /// Of all connections together.
        per_second: f64,
    },
    /// At fixed times, all connections at once.
    Flights {
        /// From one flight to the next.
        every: Duration,
        /// How many.
        flights: u32,
    },
}

/// What came back.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Requests sent, the uncounted first one of each connection included: what the CPU was spent on.
    pub sent: u64,
    /// Answers that were as expected.
    pub good: u64,
    /// Answers that were not.
    pub wrong: u64,
    /// Requests without a whole answer.
    pub broken: u64,
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// How long it took.
    pub seconds: f64,
    /// Whole answers a second.
    pub per_second: f64,
    /// To the last byte.
    pub total: Percentiles,
    /// To the first payload byte.
    pub first_byte: Percentiles,
}

/// Microseconds.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Percentiles {
    /// Half are faster.
    pub p50_us: f64,
    /// Nine of ten are faster.
    pub p90_us: f64,
    /// Ninety-nine of a hundred are faster.
    pub p99_us: f64,
    /// The slowest.
    pub max_us: f64,
}

impl Load {
    /// Connects, sends one uncounted request on each connection, then presses.
    ///
    /// # Errors
    /// When the target cannot be connected to, or keeps breaking connections.
    pub fn run(&self) -> Result<Report> {
        let ready = Barrier::new(self.connections);
        let tickets = AtomicU64::new(0);
        let tallies = thread::scope(|scope| {
            let spawn = |index| {
                let (ready, tickets) = (&ready, &tickets);
                let work = move || Client::new(self, index, ready, tickets)?.press();
                thread::Builder::new()
                    .stack_size(STACK_BYTES)
                    .spawn_scoped(scope, work)
                    .map_err(anyhow::Error::from)
            };
            let threads = (0..self.connections)
                .map(spawn)
                .collect::<Result<Vec<_>>>()?;
            threads
                .into_iter()
                .map(|thread| {
                    thread
                        .join()
                        .map_err(|_| anyhow!("a load thread panicked"))?
                })
                .collect::<Result<Vec<Tally>>>()
        })
        .with_context(|| format!("load on {}", self.target))?;
        let mut all = Tally::new()?;
        for tally in tallies {
            all.add(tally)?;
        }
        Ok(all.report(self.connections as u64))
    }
}

struct Client<'l> {
    load: &'l Load,
    index: usize,
    tickets: &'l AtomicU64,
    connection: Connection,
    start: Instant,
    tally: Tally,
}

impl<'l> Client<'l> {
    /// Waits for every other connection to be as far, also when it failed itself: a barrier that one
    /// never reaches would hold all others for ever.
    fn new(load: &'l Load, index: usize, ready: &Barrier, tickets: &'l AtomicU64) -> Result<Self> {
        let connection = Connection::open(load.target).and_then(|mut connection| {
            connection.call(&load.request.wire)?;
            Ok(connection)
        });
        ready.wait();
        Ok(Client {
            load,
            index,
            tickets,
            connection: connection?,
            start: Instant::now(),
            tally: Tally::new()?,
        })
    }

    fn press(mut self) -> Result<Tally> {
        let deadline = self.start + self.load.length;
        let mut broken_in_a_row = 0;
        for turn in 0.. {
            let Some(begin) = self.next_begin(turn, deadline) else {
                break;
            };
            match self.connection.call(&self.load.request.wire) {
                Ok(reply) => {
                    broken_in_a_row = 0;
                    self.tally.count(&self.load.request, begin, &reply)?;
                    if reply.close {
                        self.connection = Connection::open(self.load.target)?;
                    }
                }
                Err(error) => {
                    self.tally.broken += 1;
                    broken_in_a_row += 1;
                    if broken_in_a_row == MAX_BROKEN_IN_A_ROW {
                        return Err(error).context("the target keeps breaking connections");
                    }
                    self.connection = Connection::open(self.load.target)?;
                }
            }
        }
        self.tally.seconds = self.start.elapsed().as_secs_f64();
        Ok(self.tally)
    }

    /// Waits for the next request's turn; the instant its latency counts from, `None` when it is over.
    fn next_begin(&self, turn: u32, deadline: Instant) -> Option<Instant> {
        if self.load.stop.load(Ordering::Relaxed) {
            return None;
        }
        let now = Instant::now();
        match self.load.pace {
            Pace::Closed => (now < deadline).then_some(now),
            Pace::Count { requests } => (now < deadline
                && self.tickets.fetch_add(1, Ordering::Relaxed) < requests)
                .then_some(now),
            Pace::Open { per_second } => {
                let ticket = self.index as f64 + f64::from(turn) * self.load.connections as f64;
                wait_until(
                    self.start + Duration::from_secs_f64(ticket / per_second),
                    now,
                    deadline,
                )
            }
            Pace::Flights { flights, .. } if turn == flights => None,
            Pace::Flights { every, .. } => wait_until(self.start + every * turn, now, deadline),
        }
    }
}

/// Sleeps until a request is due; the instant its latency counts from.
fn wait_until(due: Instant, now: Instant, deadline: Instant) -> Option<Instant> {
    if due >= deadline {
        return None;
    }
    let Some(early) = due.checked_duration_since(now) else {
        return Some(due);
    };
    thread::sleep(early);
    Some(Instant::now())
}

struct Connection {
    stream: TcpStream,
    reader: Reader<TcpStream>,
}

struct Reply {
    status: u16,
    body_bytes: u64,
    first_byte_at: Option<Instant>,
    end_at: Instant,
    close: bool,
}

impl Connection {
    fn open(target: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(target)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        Ok(Connection {
            reader: Reader::new(stream.try_clone()?),
            stream,
        })
    }

    fn call(&mut self, wire: &[u8]) -> io::Result<Reply> {
        self.stream.write_all(wire)?;
        let (status, message) = self
            .reader
            .message(|head| status(head).unwrap_or(0), |_| {})?
            .ok_or(io::Error::from(io::ErrorKind::UnexpectedEof))?;
        Ok(Reply {
            status,
            body_bytes: message.body_bytes,
            first_byte_at: message.first_byte_at,
            end_at: Instant::now(),
            close: message.close,
        })
    }
}

/// What one connection has counted.
struct Tally {
    good: u64,
    wrong: u64,
    broken: u64,
    statuses: BTreeMap<u16, u64>,
    seconds: f64,
    total: Histogram<u64>,
    first_byte: Histogram<u64>,
}

impl Tally {
    fn new() -> Result<Self> {
        // Nanoseconds up to a minute, three digits.
        let histogram = Histogram::new_with_bounds(1_000, 60_000_000_000, 3)?;
        Ok(Tally {
            good: 0,
            wrong: 0,
            broken: 0,
            statuses: BTreeMap::new(),
            seconds: 0.0,
            total: histogram.clone(),
            first_byte: histogram,
        })
    }

    fn count(&mut self, request: &Request, begin: Instant, reply: &Reply) -> Result<()> {
        *self.statuses.entry(reply.status).or_default() += 1;
        match request.expect.accepts(reply.status, reply.body_bytes) {
            true => self.good += 1,
            false => self.wrong += 1,
        }
        let since = |at: Instant| at.saturating_duration_since(begin).as_nanos() as u64;
        self.total.saturating_record(since(reply.end_at));
        if let Some(at) = reply.first_byte_at {
            self.first_byte.saturating_record(since(at));
        }
        Ok(())
    }

    fn add(&mut self, other: Tally) -> Result<()> {
        self.good += other.good;
        self.wrong += other.wrong;
        self.broken += other.broken;
        self.seconds = self.seconds.max(other.seconds);
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
        self.total.add(&other.total)?;
        self.first_byte.add(&other.first_byte)?;
        Ok(())
    }

    fn report(self, uncounted: u64) -> Report {
        let answered = self.good + self.wrong;
        Report {
            sent: answered + self.broken + uncounted,
            good: self.good,
            wrong: self.wrong,
            broken: self.broken,
            statuses: self.statuses,
            seconds: self.seconds,
            per_second: answered as f64 / self.seconds.max(1e-9),
            total: Percentiles::of(&self.total),
            first_byte: Percentiles::of(&self.first_byte),
        }
    }
}

impl Percentiles {
    fn of(histogram: &Histogram<u64>) -> Self {
        let at = |q| histogram.value_at_quantile(q) as f64 / 1e3;
        Percentiles {
            p50_us: at(0.5),
            p90_us: at(0.9),
            p99_us: at(0.99),
            max_us: histogram.max() as f64 / 1e3,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::request::Expect;

    /// Answers every request on every connection with `201` and three bytes.
    fn server() -> SocketAddr {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                thread::spawn(move || {
                    let mut out = stream.try_clone().unwrap();
                    let mut reader = Reader::new(stream);
                    while let Ok(Some(_)) = reader.message(|_| {}, |_| {}) {
                        out.write_all(b"HTTP/1.1 201 Made\r\ncontent-length: 3\r\n\r\nyes")
                            .unwrap();
                    }
                });
            }
        });
        addr
    }

    fn load(pace: Pace, expect: Expect) -> Report {
        let request = Request::new("bench-1k", 1024, "k", expect).unwrap();
        Load {
            target: server(),
            request,
            connections: 3,
            pace,
            length: Duration::from_secs(20),
            stop: Arc::default(),
        }
        .run()
        .unwrap()
    }

    #[test]
    fn counted_load_sends_exactly_as_many_and_checks_each_answer() {
        let report = load(
            Pace::Count { requests: 50 },
            Expect::Refused { status: 201 },
        );
        assert_eq!(
            (report.good, report.wrong, report.broken, report.sent),
            (50, 0, 0, 53)
        );
        let report = load(
            Pace::Count { requests: 5 },
            Expect::Served { body_bytes: 3 },
        );
        assert_eq!(
            (report.good, report.wrong),
            (0, 5),
            "201 is not what was expected"
        );
    }

    #[test]
    fn flights_send_on_every_connection_each_time() {
        let every = Duration::from_millis(1);
        let report = load(Pace::Flights { every, flights: 7 }, Expect::Anything);
        assert_eq!((report.good, report.broken), (21, 0));
    }

    #[test]
    fn open_load_sends_what_is_due_and_no_more() {
        let request = Request::new("bench-1k", 1024, "k", Expect::Anything).unwrap();
        let length = Duration::from_millis(200);
        let open = Pace::Open { per_second: 100.0 };
        let report = Load {
            target: server(),
            request,
            connections: 3,
            pace: open,
            length,
            stop: Arc::default(),
        }
        .run()
        .unwrap();
        assert_eq!((report.good, report.broken), (20, 0));
    }
}
