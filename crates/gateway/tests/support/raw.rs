//! A socket without an HTTP client in between: for what no client would send.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{Answer, DEADLINE};

/// A connection to the gateway.
pub struct Wire(TcpStream);

impl Wire {
    /// Connects to a base URL.
    pub async fn to(url: &str) -> Wire {
        Wire(
            TcpStream::connect(url.strip_prefix("http://").unwrap())
                .await
                .unwrap(),
        )
    }

    /// The same with little room for what is not read yet.
    pub async fn narrow(url: &str) -> Wire {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(16 << 10).unwrap();
        let address = url.strip_prefix("http://").unwrap().parse().unwrap();
        Wire(socket.connect(address).await.unwrap())
    }

    /// Sends bytes. The other side may have stopped listening: then they are lost.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.0.write_all(bytes.as_ref()).await;
    }

    /// Says that nothing more will be sent.
    pub async fn finish(&mut self) {
        let _ = self.0.shutdown().await;
    }

    /// One byte; `None` at the end.
    pub async fn byte(&mut self) -> Option<u8> {
        tokio::time::timeout(DEADLINE, self.0.read_u8())
            .await
            .expect("a byte in time")
            .ok()
    }

    /// Some of what is there; nothing at the end.
    pub async fn some(&mut self) -> Vec<u8> {
        let mut some = vec![0; 64 << 10];
        let read = tokio::time::timeout(DEADLINE, self.0.read(&mut some)).await;
        some.truncate(read.expect("something in time").unwrap_or(0));
        some
    }

    /// Everything up to the end of the connection, however it ends.
    pub async fn rest(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        let ended = tokio::time::timeout(DEADLINE, self.0.read_to_end(&mut all)).await;
        assert!(
            ended.is_ok(),
            "the connection ends in time: {}",
            String::from_utf8_lossy(&all)
        );
        all
    }

    /// The answer, read to the end of the connection.
    pub async fn answer(&mut self) -> Answer {
        parse(&self.rest().await)
    }
}

/// Takes an HTTP/1.1 answer apart whose body ends with the connection or has a length.
#[track_caller]
pub fn parse(bytes: &[u8]) -> Answer {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.unwrap_or_else(|| panic!("no whole head: {}", String::from_utf8_lossy(bytes)));
    let head = std::str::from_utf8(&bytes[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .unwrap()
        .split(' ')
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    let mut headers = http::HeaderMap::new();
    for (name, value) in lines.map(|line| line.split_once(": ").unwrap()) {
        headers.append(
            name.parse::<http::HeaderName>().unwrap(),
            value.parse().unwrap(),
        );
    }
    let body = bytes[end + 4..].to_vec();
    let promised = headers
        .get("content-length")
        .map(|value| value.to_str().unwrap().parse::<usize>().unwrap());
    Answer {
        status,
        headers,
        broken: promised.is_some_and(|length| length != body.len()),
        body: body.into(),
    }
}
