//! SOCKS5, RFC 1928, with user and password, RFC 1929.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{Manner, Shared};

/// The first byte of everything.
pub(super) const VERSION: u8 = 5;

const NO_AUTH: u8 = 0;
const USER_AND_PASSWORD: u8 = 2;
const NONE_ACCEPTABLE: u8 = 0xff;

/// Shakes hands. Gives the connection to the target, unless it was refused.
pub(super) async fn greet(
    client: &mut TcpStream,
    shared: &Shared,
) -> io::Result<Option<TcpStream>> {
    if !authenticated(client, shared).await? {
        return Ok(None);
    }
    let mut request = [0; 4];
    client.read_exact(&mut request).await?;
    let [_, _, _, kind] = request;
    let target = target(client, kind).await?;
    if let Manner::Refuse(status) = shared.manner() {
        return reply(client, reply_for(status)).await.map(|()| None);
    }
    match shared.reach(&target).await {
        Ok(provider) => reply(client, 0).await.map(|()| Some(provider)),
        Err(_) => reply(client, reply_for(502)).await.map(|()| None),
    }
}

/// The reply that says what an HTTP proxy would say with this status.
fn reply_for(status: u16) -> u8 {
    match status {
        403 => 2,
        502 => 5,
        504 => 4,
        _ => 1,
    }
}

async fn authenticated(client: &mut TcpStream, shared: &Shared) -> io::Result<bool> {
    let _version = client.read_u8().await?;
    let offered = counted(client).await?;
    let wanted = match shared.options.auth {
        None => NO_AUTH,
        Some(_) => USER_AND_PASSWORD,
    };
    if !offered.contains(&wanted) {
        client.write_all(&[VERSION, NONE_ACCEPTABLE]).await?;
        return Ok(false);
    }
    client.write_all(&[VERSION, wanted]).await?;
    if wanted == NO_AUTH {
        return Ok(true);
    }
    let _version = client.read_u8().await?;
    let user = text(client).await?;
    let password = text(client).await?;
    let good = shared.may_pass(Some((&user, &password)));
    client.write_all(&[1, u8::from(!good)]).await?;
    Ok(good)
}

async fn target(client: &mut TcpStream, kind: u8) -> io::Result<String> {
    let ip: Option<IpAddr> = match kind {
        1 => Some(Ipv4Addr::from(client.read_u32().await?).into()),
        4 => Some(Ipv6Addr::from(client.read_u128().await?).into()),
        _ => None,
    };
    let name = match ip {
        Some(_) => String::new(),
        None => text(client).await?,
    };
    let port = client.read_u16().await?;
    Ok(match ip {
        Some(ip) => SocketAddr::new(ip, port).to_string(),
        None => format!("{name}:{port}"),
    })
}

/// A byte that counts, and as many bytes.
async fn counted(client: &mut TcpStream) -> io::Result<Vec<u8>> {
    let len = client.read_u8().await?;
    let mut bytes = vec![0; usize::from(len)];
    client.read_exact(&mut bytes).await?;
    Ok(bytes)
}

async fn text(client: &mut TcpStream) -> io::Result<String> {
    let bytes = counted(client).await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

async fn reply(client: &mut TcpStream, code: u8) -> io::Result<()> {
    client
        .write_all(&[VERSION, code, 0, 1, 0, 0, 0, 0, 0, 0])
        .await
}
