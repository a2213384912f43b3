//! One connection through a link.
//!
//! What is read is queued with the time it came; what becomes of it is decided when its turn comes.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};

use super::{Manner, Shared};

/// Bytes read at once.
const PIECE_BYTES: usize = 16 << 10;

/// Pieces on their way in one direction; with as many, the sender is not read from.
const PIECES: usize = 64;

/// Something that was read.
enum Piece {
    Bytes(Vec<u8>),
    /// The peer says no more.
    End,
    /// The peer broke the connection.
    Broken(io::Error),
}

/// What becomes of a piece.
enum Fate {
    Arrives,
    IsLost,
}

/// Serves a client until both sides are done, one breaks, or it would show that bytes were lost. It is
/// dropped where it stands when connections are to be refused.
pub(super) async fn serve(client: TcpStream, shared: Arc<Shared>) {
    // How a peer ends its connection is its own affair.
    let _ = run(client, &shared).await;
}

async fn run(mut client: TcpStream, shared: &Shared) -> io::Result<()> {
    let mut manner = shared.manner.subscribe();
    let server = reach(&mut client, shared, &mut manner).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let there = direction(
        from_client,
        to_server,
        manner.clone(),
        &shared.to_server_bytes,
    );
    let back = direction(from_server, to_client, manner, &shared.to_client_bytes);
    tokio::try_join!(there, back).map(drop)
}

/// Connects to the server as soon as it can be reached.
async fn reach(
    client: &mut TcpStream,
    shared: &Shared,
    manner: &mut watch::Receiver<Manner>,
) -> io::Result<TcpStream> {
    loop {
        let now = *manner.borrow_and_update();
        match now {
            Manner::Pass | Manner::Delay(_) => return TcpStream::connect(shared.server).await,
            Manner::Hold | Manner::Refuse => change(manner).await,
            Manner::BlackHole => {
                let mut bytes = vec![0; PIECE_BYTES];
                tokio::select! {
                    () = change(manner) => {}
                    // Bytes or an end: something that the server will never hear of.
                    _ = client.read(&mut bytes) => {
                        let rest = async {
                            while client.read(&mut bytes).await.is_ok_and(|read| read > 0) {}
                        };
                        return lose(rest, manner).await;
                    }
                }
            }
        }
    }
}

/// Takes what comes for as long as everything is lost, and then breaks the connection.
async fn lose<T>(
    everything: impl Future<Output = ()>,
    manner: &mut watch::Receiver<Manner>,
) -> io::Result<T> {
    let everything = async {
        everything.await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = everything => {}
        _ = manner.wait_for(|manner| *manner != Manner::BlackHole) => {}
    }
    Err(io::Error::new(
        io::ErrorKind::ConnectionAborted,
        "bytes were lost",
    ))
}

/// One direction: everything that is read from one side is written to the other, or lost.
async fn direction(
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
    manner: watch::Receiver<Manner>,
    count: &AtomicU64,
) -> io::Result<()> {
    let (queue, pieces) = mpsc::channel(PIECES);
    let reading = async {
        read(from, queue).await;
        Ok(())
    };
    tokio::try_join!(reading, write(pieces, to, manner, count)).map(drop)
}

async fn read(mut from: OwnedReadHalf, queue: mpsc::Sender<(Instant, Piece)>) {
    loop {
        let mut bytes = vec![0; PIECE_BYTES];
        let piece = match from.read(&mut bytes).await {
            Ok(0) => Piece::End,
            Ok(length) => {
                bytes.truncate(length);
                Piece::Bytes(bytes)
            }
            Err(error) => Piece::Broken(error),
        };
        let more = matches!(piece, Piece::Bytes(_));
        if queue.send((Instant::now(), piece)).await.is_err() || !more {
            return;
        }
    }
}

async fn write(
    mut pieces: mpsc::Receiver<(Instant, Piece)>,
    mut to: OwnedWriteHalf,
    mut manner: watch::Receiver<Manner>,
    count: &AtomicU64,
) -> io::Result<()> {
    while let Some((came, piece)) = pieces.recv().await {
        match fate(&mut manner, came).await {
            Fate::Arrives => {}
            Fate::IsLost => {
                let rest = async { while pieces.recv().await.is_some() {} };
                return lose(rest, &mut manner).await;
            }
        }
        match piece {
            Piece::Bytes(bytes) => {
                to.write_all(&bytes).await?;
                count.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            }
            Piece::End => return to.shutdown().await,
            Piece::Broken(error) => return Err(error),
        }
    }
    Ok(())
}

/// Waits until the turn of a piece that came at this time has come.
async fn fate(manner: &mut watch::Receiver<Manner>, came: Instant) -> Fate {
    loop {
        let now = *manner.borrow_and_update();
        match now {
            Manner::Pass => return Fate::Arrives,
            Manner::BlackHole => return Fate::IsLost,
            Manner::Hold | Manner::Refuse => change(manner).await,
            Manner::Delay(by) => tokio::select! {
                () = sleep_until(came + by) => return Fate::Arrives,
                () = change(manner) => {}
            },
        }
    }
}

/// The link lives as long as its connections: there is always somebody who can change it.
async fn change(manner: &mut watch::Receiver<Manner>) {
    let _ = manner.changed().await;
}
