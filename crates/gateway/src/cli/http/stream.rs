//! An answer that does not end: server-sent events, one after the other.
//!
//! Promises: silence that is too long is an error, for the gateway says every so often that it is there.

use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt as _, Empty};
use hyper::{
    body::Incoming,
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;

use super::{MAX_ANSWER_BYTES, Remote, TIMEOUT, sentence};

/// Longest silence of a stream, several times that of a gateway.
const SILENCE: Duration = Duration::from_secs(60);

/// Events of a gateway, for as long as it sends them.
pub struct Events<'a> {
    remote: &'a Remote,
    body: Incoming,
    parser: Parser,
    /// The connection ends with it.
    _sender: SendRequest<Empty<Bytes>>,
}

/// One event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// Its name; empty where it has none.
    pub name: String,
    /// Where to go on after it.
    pub id: Option<String>,
    /// Its data; without any it is no event, but its id counts.
    pub data: String,
}

impl Remote {
    /// `GET` of a stream of events, after the one with an id if there is one.
    pub fn events(
        &self,
        path: &str,
        query: &[(&str, String)],
        last_id: Option<&str>,
    ) -> anyhow::Result<Events<'_>> {
        let path = super::with_query(path, query);
        let (sender, body) = self
            .runtime
            .block_on(async {
                tokio::time::timeout(TIMEOUT, self.begin(&path, last_id))
                    .await
                    .map_err(|_| anyhow!("no answer within {} s", TIMEOUT.as_secs()))?
            })
            .with_context(|| format!("{}://{}", self.scheme(), self.authority()))?;
        Ok(Events {
            remote: self,
            body,
            parser: Parser::default(),
            _sender: sender,
        })
    }

    async fn begin(
        &self,
        path: &str,
        last_id: Option<&str>,
    ) -> anyhow::Result<(SendRequest<Empty<Bytes>>, Incoming)> {
        let stream = self.connect().await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Driven whenever something is waited for.
        tokio::spawn(connection);
        let prefix = self.uri.path().trim_end_matches('/');
        let mut request = Request::builder()
            .uri(format!("{prefix}/api/v1/admin{path}"))
            .header(header::HOST, self.authority())
            .header(
                header::AUTHORIZATION,
                format!("Bearer {}", self.token.expose()),
            )
            .header(header::ACCEPT, "text/event-stream");
        if let Some(id) = last_id {
            request = request.header("last-event-id", id);
        }
        let request = request
            .body(Empty::new())
            .context("--token: it has characters that cannot be sent")?;
        let response = sender.send_request(request).await?;
        let status = response.status();
        if status.is_success() {
            return Ok((sender, response.into_body()));
        }
        let body = http_body_util::Limited::new(response.into_body(), MAX_ANSWER_BYTES);
        let body = body.collect().await;
        let body = body.map_err(|error| anyhow!("the answer broke off: {error}"))?;
        bail!(sentence(status, &body.to_bytes()))
    }
}

impl Events<'_> {
    /// The next event, if it is here already.
    pub fn ready(&mut self) -> Option<Event> {
        self.parser.next()
    }

    /// The next event; `None` when the gateway ended the stream in order.
    pub fn next(&mut self) -> anyhow::Result<Option<Event>> {
        loop {
            if let Some(event) = self.ready() {
                return Ok(Some(event));
            }
            let body = &mut self.body;
            let frame = self
                .remote
                .runtime
                .block_on(async { tokio::time::timeout(SILENCE, body.frame()).await })
                .map_err(|_| anyhow!("nothing came for {} s", SILENCE.as_secs()))?;
            match frame {
                None => return Ok(None),
                Some(frame) => {
                    let frame = frame.context("the stream broke off")?;
                    if let Some(data) = frame.data_ref() {
                        self.parser.feed(data)?;
                    }
                }
            }
        }
    }
}

/// Bytes to events.
#[derive(Debug, Default)]
struct Parser {
    buffer: Vec<u8>,
    read: usize,
    event: Event,
}

impl Parser {
    fn feed(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.buffer.drain(..self.read);
        self.read = 0;
        if self.buffer.len() + bytes.len() > MAX_ANSWER_BYTES {
            bail!("an event is larger than any that a gateway sends");
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    fn next(&mut self) -> Option<Event> {
        loop {
            let rest = &self.buffer[self.read..];
            let end = rest.iter().position(|byte| *byte == b'\n')?;
            let line = String::from_utf8_lossy(&rest[..end]);
            let line = line.strip_suffix('\r').unwrap_or(&line).to_owned();
            self.read += end + 1;
            if line.is_empty() {
                let event = std::mem::take(&mut self.event);
                if event != Event::default() {
                    return Some(event);
                }
                continue;
            }
            let (field, value) = line.split_once(':').unwrap_or((&line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "event" => value.clone_into(&mut self.event.name),
                "id" => self.event.id = Some(value.to_owned()),
                "data" => {
                    if !self.event.data.is_empty() {
                        self.event.data.push('\n');
                    }
                    self.event.data.push_str(value);
                }
                // Comments, and what there may be one day.
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn events_are_read_however_they_are_cut() {
        let text = "retry: 1000\nevent: hello\nid: 7\ndata: {}\n\n: alive\nid: 9\n\n: nothing\n\n\
                    event: error\r\nid: 10\r\ndata: a\r\ndata: b\r\n\r\nevent: half";
        for size in [1, 2, 7, 1000] {
            let mut parser = Parser::default();
            let mut events = Vec::new();
            for chunk in text.as_bytes().chunks(size) {
                parser.feed(chunk).unwrap();
                while let Some(event) = parser.next() {
                    events.push((event.name, event.id.unwrap_or_default(), event.data));
                }
            }
            let expected = [("hello", "7", "{}"), ("", "9", ""), ("error", "10", "a\nb")];
            let expected = expected.map(|(name, id, data)| (name.into(), id.into(), data.into()));
            assert_eq!(events, expected, "{size}");
        }
    }
}
