//! HTTP `CONNECT`, RFC 9110 9.3.6.

use std::io;

use base64::Engine as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{Manner, Shared};

/// Longest head that is read.
const MAX_HEAD: usize = 8 << 10;

/// Reads a request and answers it. Gives the connection to the target, unless it was refused.
pub(super) async fn greet(
    client: &mut TcpStream,
    shared: &Shared,
) -> io::Result<Option<TcpStream>> {
    let head = head(client).await?;
    let mut lines = head.lines();
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (Some("CONNECT"), Some(target)) = (words.next(), words.next()) else {
        return refuse(client, 405).await;
    };
    let given = lines.find_map(credentials);
    let given = given.as_ref().and_then(|pair| pair.split_once(':'));
    if !shared.may_pass(given) {
        return refuse(client, 407).await;
    }
    if let Manner::Refuse(status) = shared.manner() {
        return refuse(client, status).await;
    }
    match shared.reach(target).await {
        Ok(provider) => {
            client
                .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
                .await?;
            Ok(Some(provider))
        }
        Err(_) => refuse(client, 502).await,
    }
}

/// Up to the empty line. A byte at a time: what comes after it is not for the proxy.
async fn head(client: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < MAX_HEAD {
        head.push(client.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// `user:password` of a `proxy-authorization` header.
fn credentials(line: &str) -> Option<String> {
    let (name, value) = line.split_once(':')?;
    if !name.eq_ignore_ascii_case("proxy-authorization") {
        return None;
    }
    let encoded = value.trim().strip_prefix("Basic ")?;
    let pair = base64::engine::general_purpose::STANDARD
        .decode(encoded)
        .ok()?;
    String::from_utf8(pair).ok()
}

async fn refuse(client: &mut TcpStream, status: u16) -> io::Result<Option<TcpStream>> {
    let reason = match status {
        403 => "Forbidden",
        405 => "Method Not Allowed",
        407 => "Proxy Authentication Required\r\nproxy-authenticate: Basic realm=\"sim\"",
        502 => "Bad Gateway",
        _ => "No",
    };
    let head =
        format!("HTTP/1.1 {status} {reason}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    client.write_all(head.as_bytes()).await?;
    client.shutdown().await?;
    Ok(None)
}
