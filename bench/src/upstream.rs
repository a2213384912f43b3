//! The fixed-answer upstream: the lightest OpenAI-like server that can be had.
//!
//! A thread and blocking calls per connection: two system calls a request, and pauses finer than an
//! event loop's timer. It promises not to be the bottleneck, and to count what it answered
//! (`GET /stats`). It knows nothing of who is in front of it.

use std::{
    collections::HashMap,
    io::Write,
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use anyhow::Result;

use crate::{
    answer::{Answer, Ask},
    http1::{Reader, header},
};

/// The frame of a connection's thread is small; hundreds of connections come in a burst.
const STACK_BYTES: usize = 128 * 1024;
/// The model's name is looked for in so much of the body: the load writes it first.
const PEEK_BYTES: usize = 512;

/// Serves until the process ends. Prints the address it got as its first line.
///
/// # Errors
/// When the address cannot be bound.
pub fn serve(listen: SocketAddr) -> Result<()> {
    let listener = TcpListener::bind(listen)?;
    println!("{}", listener.local_addr()?);
    let shared = Arc::new(Shared::default());
    loop {
        let (stream, _) = listener.accept()?;
        let shared = shared.clone();
        // A connection that breaks is the other end's to report.
        thread::Builder::new()
            .stack_size(STACK_BYTES)
            .spawn(move || drop(Connection::run(stream, &shared)))?;
    }
}

#[derive(Default)]
struct Shared {
    answers: Mutex<HashMap<String, Arc<Answer>>>,
    /// Requests to models that fail in part: decides which ones do.
    turn: AtomicU64,
    served: AtomicU64,
    failed: AtomicU64,
}

impl Shared {
    fn answer(&self, model: &str) -> Option<Arc<Answer>> {
        // The lock is held while an answer is built: connections that ask for the same wait for it.
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = answers.get(model) {
            return Some(answer.clone());
        }
        let answer = Answer::new(Ask::parse(model)?);
        answers.insert(model.to_owned(), answer.clone());
        Some(answer)
    }
}

struct Connection<'s> {
    stream: TcpStream,
    shared: &'s Shared,
    /// The answer given last, with its model: nearly always the next one too.
    last: Option<(String, Arc<Answer>)>,
}

impl Connection<'_> {
    fn run(stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut reader = Reader::new(stream.try_clone()?);
        let mut connection = Connection {
            stream,
            shared,
            last: None,
        };
        let mut peek = Vec::with_capacity(PEEK_BYTES);
        loop {
            peek.clear();
            let on_head = |head: &[u8]| {
                let stats = head.starts_with(b"GET /stats");
                let first = header(head, b"authorization").is_some_and(|v| v.ends_with(b"first"));
                (stats, first, model_in_path(head).map(str::to_owned))
            };
            let on_body = |piece: &[u8]| {
                peek.extend_from_slice(&piece[..piece.len().min(PEEK_BYTES - peek.len())])
            };
            let Some(((stats, first, named), message)) = reader.message(on_head, on_body)? else {
                return Ok(());
            };
            if stats {
                connection.stats()?;
            } else {
                let model = named.as_deref().or_else(|| model_of(&peek));
                connection.answer(model.unwrap_or_default(), first)?;
            }
            if message.close {
                return Ok(());
            }
        }
    }

    fn answer(&mut self, model: &str, first_account: bool) -> std::io::Result<()> {
        if self.last.as_ref().is_none_or(|(name, _)| name != model) {
            let Some(answer) = self.shared.answer(model) else {
                return self
                    .stream
                    .write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
            };
            self.last = Some((model.to_owned(), answer));
        }
        let Some((_, answer)) = &self.last else {
            return Ok(());
        };
        let mut gap = std::time::Duration::ZERO;
        let fails = match answer.ask {
            Ask::Plain { .. } | Ask::In { .. } => false,
            Ask::Stream { gap: pause, .. } => {
                gap = pause;
                false
            }
            Ask::Fail { percent, .. } => {
                falls_in(self.shared.turn.fetch_add(1, Ordering::Relaxed), percent)
            }
            Ask::Failover { .. } => first_account,
        };
        if fails {
            self.shared.failed.fetch_add(1, Ordering::Relaxed);
            return self.stream.write_all(&answer.failed);
        }
        self.shared.served.fetch_add(1, Ordering::Relaxed);
        for (n, write) in answer.served.iter().enumerate() {
            if n > 0 && !gap.is_zero() {
                thread::sleep(gap);
            }
            self.stream.write_all(write)?;
        }
        Ok(())
    }

    fn stats(&mut self) -> std::io::Result<()> {
        let (served, failed) = (
            self.shared.served.load(Ordering::Relaxed),
            self.shared.failed.load(Ordering::Relaxed),
        );
        let body = format!(r#"{{"served":{served},"failed":{failed}}}"#);
        write!(
            self.stream,
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
    }
}

/// Spreads `percent` of the turns evenly instead of in a row.
fn falls_in(turn: u64, percent: u64) -> bool {
    (turn % 100 + 1) * percent / 100 > (turn % 100) * percent / 100
}

fn model_of(peek: &[u8]) -> Option<&str> {
    let rest = &peek[memchr::memmem::find(peek, b"\"model\":\"")? + 9..];
    std::str::from_utf8(&rest[..memchr::memchr(b'"', rest)?]).ok()
}

/// Gemini's clients name it there: `POST /v1beta/models/<model>:generateContent`.
fn model_in_path(head: &[u8]) -> Option<&str> {
    let line = &head[..memchr::memchr(b'\r', head)?];
    let rest = &line[memchr::memmem::find(line, b"/models/")? + 8..];
    std::str::from_utf8(&rest[..memchr::memchr(b':', rest)?]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_failing_share_is_exact_over_a_hundred_turns() {
        for percent in [0, 1, 10, 33, 100] {
            let failing = (0..100).filter(|turn| falls_in(*turn, percent)).count() as u64;
            assert_eq!(failing, percent);
        }
    }

    #[test]
    fn the_model_is_read_from_the_start_of_a_body() {
        assert_eq!(
            model_of(br#"{"model":"bench-1k","stream":false"#),
            Some("bench-1k")
        );
        assert_eq!(model_of(br#"{"messages":[]}"#), None);
        let head = b"POST /v1beta/models/bench-in-gemini:generateContent HTTP/1.1\r\nhost: x\r\n";
        assert_eq!(model_in_path(head), Some("bench-in-gemini"));
        assert_eq!(model_in_path(b"POST /v1/messages HTTP/1.1\r\n"), None);
    }
}
