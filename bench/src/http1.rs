//! The little of HTTP/1.1 that both ends of the bench need, on blocking sockets.
//!
//! Reads one message after another from a kept-alive connection. It promises to end a body exactly
//! where its framing ends, in whatever pieces the bytes come. It is no general parser: it trusts
//! that the peer is a well-behaved server or client, because a bench has chosen its peers.

use std::{io, io::Read, time::Instant};

/// One read takes at most this much: enough that a 1 MiB body is not all system calls.
const READ_BYTES: usize = 64 * 1024;
/// A head longer than this is a mistake of the bench.
const MAX_HEAD_BYTES: usize = 32 * 1024;

/// Reads messages from one connection.
pub struct Reader<S> {
    stream: S,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

/// What was read of one message.
#[derive(Debug, Clone, Copy)]
pub struct Message {
    /// Payload bytes, framing not counted.
    pub body_bytes: u64,
    /// When the first payload byte was there; absent for an empty body.
    pub first_byte_at: Option<Instant>,
    /// Whether the peer closes after it.
    pub close: bool,
}

impl<S: Read> Reader<S> {
    /// A reader with nothing read yet.
    pub fn new(stream: S) -> Self {
        Reader {
            stream,
            buffer: vec![0; READ_BYTES],
            start: 0,
            end: 0,
        }
    }

    /// Reads one message: `on_head` sees the head (start line and headers), `on_body` each piece of
    /// payload. `None` when the peer closed between messages.
    pub fn message<T>(
        &mut self,
        on_head: impl FnOnce(&[u8]) -> T,
        mut on_body: impl FnMut(&[u8]),
    ) -> io::Result<Option<(T, Message)>> {
        let Some(head_len) = self.head()? else {
            return Ok(None);
        };
        let head = &self.buffer[self.start..self.start + head_len];
        let mut framing = Framing::of(head);
        let mut message = Message {
            body_bytes: 0,
            first_byte_at: None,
            close: header(head, b"connection").is_some_and(|v| v == b"close"),
        };
        let seen = on_head(head);
        self.start += head_len;
        while !framing.is_done() {
            if self.start == self.end && self.fill()? == 0 {
                if matches!(framing, Framing::UntilClose) {
                    message.close = true;
                    break;
                }
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let used = framing.take(&self.buffer[self.start..self.end], |piece| {
                message.first_byte_at.get_or_insert_with(Instant::now);
                message.body_bytes += piece.len() as u64;
                on_body(piece);
            })?;
            self.start += used;
        }
        Ok(Some((seen, message)))
    }

    /// Length of the next head, its empty line included.
    fn head(&mut self) -> io::Result<Option<usize>> {
        loop {
            if let Some(at) = memchr::memmem::find(&self.buffer[self.start..self.end], b"\r\n\r\n")
            {
                return Ok(Some(at + 4));
            }
            let have = self.end - self.start;
            if have > MAX_HEAD_BYTES {
                return Err(invalid("head too long"));
            }
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, have);
            if self.fill()? == 0 {
                return if have == 0 {
                    Ok(None)
                } else {
                    Err(io::ErrorKind::UnexpectedEof.into())
                };
            }
        }
    }

    fn fill(&mut self) -> io::Result<usize> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        let read = self.stream.read(&mut self.buffer[self.end..])?;
        self.end += read;
        Ok(read)
    }
}

/// Where a body ends.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Framing {
    Length(u64),
    Chunked(Chunk),
    UntilClose,
    Done,
}

/// Where in a chunked body the next byte is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Chunk {
    Size(u64),
    SizeRest(u64),
    Data(u64),
    DataEnd,
    /// Trailers: `true` at the start of a line.
    Trailer(bool),
}

impl Framing {
    fn of(head: &[u8]) -> Framing {
        if header(head, b"transfer-encoding").is_some() {
            return Framing::Chunked(Chunk::Size(0));
        }
        let length =
            header(head, b"content-length").and_then(|v| std::str::from_utf8(v).ok()?.parse().ok());
        match length {
            Some(0) => Framing::Done,
            Some(n) => Framing::Length(n),
            // Requests without either have no body; answers without either end with the connection.
            None if head.starts_with(b"HTTP/") => Framing::UntilClose,
            None => Framing::Done,
        }
    }

    fn is_done(&self) -> bool {
        *self == Framing::Done
    }

    /// Eats what belongs to this body; says how much that was.
    fn take(&mut self, bytes: &[u8], mut on_piece: impl FnMut(&[u8])) -> io::Result<usize> {
        let mut at = 0;
        while at < bytes.len() && !self.is_done() {
            let rest = &bytes[at..];
            at += match *self {
                Framing::Done => 0,
                Framing::UntilClose => {
                    on_piece(rest);
                    rest.len()
                }
                Framing::Length(left) => {
                    let piece = &rest[..rest.len().min(left as usize)];
                    on_piece(piece);
                    let left = left - piece.len() as u64;
                    *self = if left == 0 {
                        Framing::Done
                    } else {
                        Framing::Length(left)
                    };
                    piece.len()
                }
                Framing::Chunked(Chunk::Data(left)) => {
                    let piece = &rest[..rest.len().min(left as usize)];
                    on_piece(piece);
                    let left = left - piece.len() as u64;
                    *self = Framing::Chunked(if left == 0 {
                        Chunk::DataEnd
                    } else {
                        Chunk::Data(left)
                    });
                    piece.len()
                }
                Framing::Chunked(between) => {
                    *self = between.step(rest[0])?;
                    1
                }
            };
        }
        Ok(at)
    }
}

impl Chunk {
    /// One byte that is not data.
    fn step(self, byte: u8) -> io::Result<Framing> {
        Ok(Framing::Chunked(match (self, byte) {
            (Chunk::Size(0), b'\n') => Chunk::Trailer(true),
            (Chunk::Size(n) | Chunk::SizeRest(n), b'\n') => {
                if n == 0 {
                    Chunk::Trailer(true)
                } else {
                    Chunk::Data(n)
                }
            }
            (Chunk::Size(n), b'\r' | b';') | (Chunk::SizeRest(n), _) => Chunk::SizeRest(n),
            (Chunk::Size(n), hex) => {
                let digit = (hex as char)
                    .to_digit(16)
                    .ok_or_else(|| invalid("bad chunk size"))?;
                Chunk::Size(n * 16 + u64::from(digit))
            }
            (Chunk::DataEnd, b'\n') => Chunk::Size(0),
            (Chunk::DataEnd | Chunk::Data(_), _) => Chunk::DataEnd,
            (Chunk::Trailer(true), b'\n') => return Ok(Framing::Done),
            (Chunk::Trailer(_), b'\n') => Chunk::Trailer(true),
            (Chunk::Trailer(line_start), b'\r') => Chunk::Trailer(line_start),
            (Chunk::Trailer(_), _) => Chunk::Trailer(false),
        }))
    }
}

/// The value of a header in a head, its surrounding blanks removed.
pub fn header<'h>(head: &'h [u8], name: &[u8]) -> Option<&'h [u8]> {
    head.split(|b| *b == b'\n').skip(1).find_map(|line| {
        let (key, value) = line.split_at_checked(name.len())?;
        (key.eq_ignore_ascii_case(name) && value.first() == Some(&b':'))
            .then(|| value[1..].trim_ascii())
    })
}

/// The status in an answer's head.
pub fn status(head: &[u8]) -> Option<u16> {
    std::str::from_utf8(head.get(9..12)?).ok()?.parse().ok()
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    /// Gives its bytes in two pieces.
    struct Split<'a>(&'a [u8], &'a [u8]);
    impl Read for Split<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                self.0 = std::mem::take(&mut self.1);
            }
            self.0.read(out)
        }
    }

    #[test]
    fn two_messages_on_one_connection_are_read_the_same_at_every_split() {
        let wire: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
            5;x=1\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\nt: v\r\n\r\n\
            HTTP/1.1 429 No\r\ncontent-length: 3\r\nconnection: close\r\n\r\nend";
        for at in 0..=wire.len() {
            let mut reader = Reader::new(Split(&wire[..at], &wire[at..]));
            let mut body = Vec::new();
            let (code, first) = reader
                .message(status, |b| body.extend_from_slice(b))
                .unwrap()
                .unwrap();
            assert_eq!(
                (code, first.body_bytes, first.close),
                (Some(200), 21, false),
                "split at {at}"
            );
            assert_eq!(body, b"hello0123456789abcdef");
            let (code, second) = reader.message(status, |_| {}).unwrap().unwrap();
            assert_eq!(
                (code, second.body_bytes, second.close),
                (Some(429), 3, true),
                "split at {at}"
            );
            assert!(reader.message(status, |_| {}).unwrap().is_none());
        }
    }

    #[test]
    fn a_message_cut_short_is_an_error() {
        let wire: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nend";
        assert!(Reader::new(wire).message(status, |_| {}).is_err());
    }
}
