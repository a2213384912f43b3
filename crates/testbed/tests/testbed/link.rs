//! A link that is cut, silent or slow.

use std::{io::ErrorKind, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::{Instant, timeout},
};
use waybill_testbed::{Link, Manner, Redis, Traffic};

use crate::support::{DEADLINE, SILENCE};

/// A server that says back what it is told, and reports how many connections it took.
async fn echo() -> (SocketAddr, mpsc::UnboundedReceiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (report, reports) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = report.send(());
            tokio::spawn(async move {
                let (mut from, mut to) = stream.into_split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
    (address, reports)
}

async fn linked() -> (Link, mpsc::UnboundedReceiver<()>) {
    let (address, reports) = echo().await;
    (Link::to(address).await.unwrap(), reports)
}

async fn connect(link: &Link) -> TcpStream {
    TcpStream::connect(link.address()).await.unwrap()
}

async fn say(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).await.unwrap();
}

async fn hear(stream: &mut TcpStream, expected: &str) {
    let mut bytes = vec![0; expected.len()];
    let read = timeout(DEADLINE, stream.read_exact(&mut bytes)).await;
    read.expect("an answer in time").unwrap();
    assert_eq!(String::from_utf8_lossy(&bytes), expected);
}

async fn is_silent(stream: &mut TcpStream) -> bool {
    timeout(SILENCE, stream.read(&mut [0])).await.is_err()
}

/// The connection has been ended, one way or the other.
async fn is_over(stream: &mut TcpStream) -> bool {
    let read = timeout(DEADLINE, stream.read(&mut [0])).await;
    match read.expect("an end in time") {
        Ok(read) => read == 0,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

async fn is_refused(link: &Link) -> bool {
    let refused = TcpStream::connect(link.address()).await;
    matches!(refused, Err(error) if error.kind() == ErrorKind::ConnectionRefused)
}

#[tokio::test]
async fn what_passes_is_unchanged_and_counted() {
    let (link, _reports) = linked().await;
    let mut stream = connect(&link).await;
    say(&mut stream, "hello").await;
    hear(&mut stream, "hello").await;
    let mut other = connect(&link).await;
    say(&mut other, "you").await;
    hear(&mut other, "you").await;
    let expected = Traffic {
        connections: 2,
        to_server_bytes: 8,
        to_client_bytes: 8,
    };
    assert_eq!(link.traffic(), expected);
}

#[tokio::test]
async fn much_passes_whole() {
    let (link, _reports) = linked().await;
    let (mut from, mut to) = connect(&link).await.into_split();
    let sent: Vec<u8> = (0..5_000_000_u32).map(|i| (i % 251) as u8).collect();
    let copy = sent.clone();
    let sending = tokio::spawn(async move {
        to.write_all(&copy).await.unwrap();
        // The other way stays open: what is said last still comes back.
        to.shutdown().await.unwrap();
        to
    });
    let mut received = Vec::new();
    let read = timeout(DEADLINE, from.read_to_end(&mut received)).await;
    read.expect("all in time").unwrap();
    assert!(received == sent, "{} of {}", received.len(), sent.len());
    sending.await.unwrap();
}

#[tokio::test]
async fn a_link_that_refuses_closes_what_there_is_and_opens_again_at_the_same_place() {
    let (link, mut reports) = linked().await;
    let mut stream = connect(&link).await;
    say(&mut stream, "hello").await;
    hear(&mut stream, "hello").await;
    reports.recv().await.unwrap();

    link.behave(Manner::Refuse).await.unwrap();
    assert!(is_refused(&link).await);
    assert!(is_over(&mut stream).await);
    link.behave(Manner::Refuse).await.unwrap();
    assert!(is_refused(&link).await);
    assert!(reports.try_recv().is_err());

    link.behave(Manner::Pass).await.unwrap();
    let mut stream = connect(&link).await;
    say(&mut stream, "again").await;
    hear(&mut stream, "again").await;
    assert_eq!(link.traffic().connections, 2);
}

#[tokio::test]
async fn a_black_hole_swallows_everything_and_closes_nothing() {
    let (link, mut reports) = linked().await;
    let mut speaking = connect(&link).await;
    let mut quiet = connect(&link).await;
    for stream in [&mut speaking, &mut quiet] {
        say(stream, "hello").await;
        hear(stream, "hello").await;
        reports.recv().await.unwrap();
    }

    link.behave(Manner::BlackHole).await.unwrap();
    let before = link.traffic();
    let mut newcomer = connect(&link).await;
    say(&mut newcomer, "anybody there?").await;
    // More than all buffers on the way hold.
    let much = "?".repeat(20_000_000);
    timeout(DEADLINE, say(&mut speaking, &much))
        .await
        .expect("it is taken in time");
    assert!(is_silent(&mut speaking).await);
    assert!(is_silent(&mut newcomer).await);
    assert!(
        reports.try_recv().is_err(),
        "the server has not heard of the newcomer"
    );
    assert_eq!(link.traffic().to_server_bytes, before.to_server_bytes);

    link.behave(Manner::Pass).await.unwrap();
    assert!(
        is_over(&mut speaking).await,
        "a connection with a gap does not go on"
    );
    assert!(is_over(&mut newcomer).await);
    say(&mut quiet, "still here").await;
    hear(&mut quiet, "still here").await;
}

#[tokio::test]
async fn a_client_that_leaves_in_a_black_hole_is_not_heard_of_until_it_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let link = Link::to(listener.local_addr().unwrap()).await.unwrap();
    let client = connect(&link).await;
    let (mut served, _) = listener.accept().await.unwrap();
    link.behave(Manner::BlackHole).await.unwrap();
    drop(client);
    assert!(is_silent(&mut served).await);
    link.behave(Manner::Pass).await.unwrap();
    assert!(is_over(&mut served).await);
}

#[tokio::test]
async fn what_is_held_arrives_when_it_ends() {
    let (link, mut reports) = linked().await;
    let mut stream = connect(&link).await;
    say(&mut stream, "hello").await;
    hear(&mut stream, "hello").await;
    reports.recv().await.unwrap();
    link.behave(Manner::Hold).await.unwrap();
    let mut newcomer = connect(&link).await;
    say(&mut newcomer, "new").await;
    say(&mut stream, "late").await;
    assert!(is_silent(&mut stream).await);
    assert!(is_silent(&mut newcomer).await);
    assert!(reports.try_recv().is_err());
    link.behave(Manner::Pass).await.unwrap();
    hear(&mut stream, "late").await;
    hear(&mut newcomer, "new").await;
}

#[tokio::test]
async fn a_delay_is_added_each_way_and_does_not_make_pieces_wait_for_each_other() {
    const DELAY: Duration = Duration::from_millis(200);
    let (link, _reports) = linked().await;
    let mut stream = connect(&link).await;
    stream.set_nodelay(true).unwrap();
    link.behave(Manner::Delay(DELAY)).await.unwrap();
    let start = Instant::now();
    let mut said = String::new();
    for piece in 0..20 {
        let text = format!("{piece},");
        say(&mut stream, &text).await;
        said += &text;
        // A pause, so that pieces are read one by one.
        tokio::task::yield_now().await;
    }
    hear(&mut stream, &said).await;
    let took = start.elapsed();
    assert!(took >= DELAY * 2, "{took:?}");
    assert!(took < DELAY * 20, "{took:?}");
}

#[tokio::test]
async fn a_delay_that_ends_holds_nothing_back() {
    let (link, _reports) = linked().await;
    let mut stream = connect(&link).await;
    link.behave(Manner::Delay(Duration::from_secs(3600)))
        .await
        .unwrap();
    say(&mut stream, "slow").await;
    assert!(is_silent(&mut stream).await);
    link.behave(Manner::Pass).await.unwrap();
    hear(&mut stream, "slow").await;
}

#[tokio::test]
async fn a_dropped_link_is_closed() {
    let (link, _reports) = linked().await;
    let mut stream = connect(&link).await;
    say(&mut stream, "hello").await;
    hear(&mut stream, "hello").await;
    let address = link.address();
    drop(link);
    assert!(is_over(&mut stream).await);
    let deadline = Instant::now() + DEADLINE;
    while TcpStream::connect(address).await.is_ok() {
        assert!(Instant::now() < deadline, "the port is closed");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn one_client_can_lose_a_server_that_others_keep() {
    let redis = Redis::new().unwrap();
    let (one, other) = tokio::join!(Link::to(redis.address()), Link::to(redis.address()));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(one.url(&redis.url()), format!("redis://{}", one.address()));
    let (mut cut, mut kept) = (connect(&one).await, connect(&other).await);
    for stream in [&mut cut, &mut kept] {
        say(stream, "PING\r\n").await;
        hear(stream, "+PONG\r\n").await;
    }
    one.behave(Manner::BlackHole).await.unwrap();
    say(&mut cut, "PING\r\n").await;
    assert!(is_silent(&mut cut).await);
    say(&mut kept, "PING\r\n").await;
    hear(&mut kept, "+PONG\r\n").await;
}
