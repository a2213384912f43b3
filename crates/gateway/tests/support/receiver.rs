//! Receivers of notifications on this machine: an HTTP server and a mail server that do what they are told.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::{
    io::{
        AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _,
        BufReader,
    },
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};

/// What an HTTP receiver does with a request.
#[derive(Debug, Clone)]
pub enum Turn {
    /// Answers a status with further headers and a body.
    Answer(u16, &'static str, String),
    /// Reads the request and says nothing.
    Hang,
    /// Reads the request, and answers a status after so long.
    Slow(Duration, u16),
}

impl Turn {
    pub fn status(status: u16) -> Turn {
        Turn::Answer(status, "", String::new())
    }
}

/// A request as it came, and what was answered.
#[derive(Debug, Clone)]
pub struct Got {
    pub head: String,
    pub body: String,
    pub answered: Option<u16>,
}

impl Got {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<String> {
        self.head.lines().find_map(|line| {
            let (given, value) = line.split_once(':')?;
            given
                .eq_ignore_ascii_case(name)
                .then(|| value.trim().to_owned())
        })
    }

    /// The alerts' events that are told of.
    pub fn events(&self) -> Vec<i64> {
        let body = self.json();
        let notices = body["notices"].as_array().unwrap();
        notices
            .iter()
            .map(|notice| notice["event_id"].as_i64().unwrap())
            .collect()
    }
}

#[derive(Default)]
struct Inner {
    script: VecDeque<Turn>,
    otherwise: Option<Turn>,
    got: Vec<Got>,
}

/// An HTTP receiver.
#[derive(Clone)]
pub struct Receiver {
    pub url: String,
    inner: Arc<Mutex<Inner>>,
}

impl Receiver {
    /// One that takes everything.
    pub async fn start() -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Receiver {
            url: format!(
                "http://{}/hook/T0KEN-abcdefghijkl",
                listener.local_addr().unwrap()
            ),
            inner: Arc::default(),
        };
        let inner = Arc::clone(&receiver.inner);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&inner)));
            }
        });
        receiver
    }

    /// What it does with the next requests, and then with all others.
    pub fn script(&self, turns: impl IntoIterator<Item = Turn>, otherwise: Turn) {
        let mut inner = self.inner.lock().unwrap();
        inner.script = turns.into_iter().collect();
        inner.otherwise = Some(otherwise);
    }

    pub fn got(&self) -> Vec<Got> {
        self.inner.lock().unwrap().got.clone()
    }

    /// What it took.
    pub fn taken(&self) -> Vec<Got> {
        let is_taken = |got: &Got| got.answered.is_some_and(|status| status < 300);
        self.got().into_iter().filter(is_taken).collect()
    }

    /// The events that it took, in order.
    pub fn events(&self) -> Vec<i64> {
        self.taken().iter().flat_map(Got::events).collect()
    }
}

async fn answer(stream: TcpStream, inner: Arc<Mutex<Inner>>) {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    loop {
        let before = head.len();
        if stream.read_line(&mut head).await.unwrap_or(0) == 0 {
            return;
        }
        if head[before..].trim().is_empty() {
            break;
        }
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_it = name.eq_ignore_ascii_case("content-length");
        is_it.then(|| value.trim().parse::<usize>().unwrap())
    });
    let mut body = vec![0; length.unwrap_or(0)];
    if stream.read_exact(&mut body).await.is_err() {
        return;
    }
    let turn = {
        let mut inner = inner.lock().unwrap();
        let turn = inner.script.pop_front().or(inner.otherwise.clone());
        let turn = turn.unwrap_or_else(|| Turn::status(200));
        inner.got.push(Got {
            head,
            body: String::from_utf8(body).unwrap(),
            answered: match &turn {
                Turn::Answer(status, ..) | Turn::Slow(_, status) => Some(*status),
                Turn::Hang => None,
            },
        });
        turn
    };
    let turn = match turn {
        Turn::Slow(after, status) => {
            tokio::time::sleep(after).await;
            Turn::status(status)
        }
        turn => turn,
    };
    match turn {
        Turn::Answer(status, headers, body) => {
            let answer = format!(
                "HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
        // For as long as whoever asks stays.
        Turn::Hang | Turn::Slow(..) => {
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest).await;
        }
    }
}

/// A mail as it was taken.
#[derive(Debug, Clone, Default)]
pub struct Mail {
    pub from: String,
    pub to: Vec<String>,
    pub data: String,
    pub in_tls: bool,
    pub signed_in: bool,
}

/// A mail server.
pub struct MailServer {
    pub port: u16,
    mails: Arc<Mutex<Vec<Mail>>>,
    /// Whether it says nothing to the mails that it takes.
    mute: Arc<AtomicBool>,
}

/// The one name and password that the mail server knows.
pub const MAIL_USER: &str = "ops";
pub const MAIL_PASSWORD: &str = "mail-password-0123456789";

impl MailServer {
    /// One in the clear, or with STARTTLS where it has what that needs.
    pub async fn start(tls: Option<ServerConfig>) -> MailServer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mails = Arc::<Mutex<Vec<Mail>>>::default();
        let kept = Arc::clone(&mails);
        let mute = Arc::<AtomicBool>::default();
        let is_mute = Arc::clone(&mute);
        let tls = tls.map(|config| TlsAcceptor::from(Arc::new(config)));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (kept, tls) = (Arc::clone(&kept), tls.clone());
                let is_mute = Arc::clone(&is_mute);
                tokio::spawn(async move {
                    let mut stream = BufReader::new(stream);
                    let _ = stream.write_all(b"220 mail.test\r\n").await;
                    let wants_tls = talk(&mut stream, &kept, &is_mute, tls.is_some(), false).await;
                    if let (true, Some(tls)) = (wants_tls, tls) {
                        let stream = tls.accept(stream.into_inner()).await.unwrap();
                        talk(&mut BufReader::new(stream), &kept, &is_mute, false, true).await;
                    }
                });
            }
        });
        MailServer { port, mails, mute }
    }

    /// From now on it says nothing, or something again, to the mails that it takes.
    pub fn be_mute(&self, mute: bool) {
        self.mute.store(mute, Ordering::Relaxed);
    }

    pub fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap().clone()
    }
}

/// Speaks SMTP; `true`: TLS is to begin.
async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut BufReader<S>,
    mails: &Mutex<Vec<Mail>>,
    is_mute: &AtomicBool,
    offers_tls: bool,
    in_tls: bool,
) -> bool {
    let mut mail = Mail::default();
    let mut signed_in = false;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return false;
        }
        let line = line.trim_end();
        let upper = line.to_ascii_uppercase();
        let answer = if upper.starts_with("EHLO") {
            match offers_tls {
                true => "250-mail.test\r\n250 STARTTLS",
                false => "250-mail.test\r\n250 AUTH PLAIN LOGIN",
            }
        } else if upper == "STARTTLS" {
            let _ = stream.write_all(b"220 go on\r\n").await;
            return true;
        } else if let Some(given) = line.strip_prefix("AUTH PLAIN ") {
            let right = format!("\0{MAIL_USER}\0{MAIL_PASSWORD}");
            signed_in = given == STANDARD.encode(right);
            match signed_in {
                true => "235 yes",
                false => "535 5.7.8 no",
            }
        } else if let Some(from) = line.strip_prefix("MAIL FROM:") {
            mail = Mail {
                from: from.to_owned(),
                in_tls,
                signed_in,
                ..Mail::default()
            };
            "250 ok"
        } else if let Some(to) = line.strip_prefix("RCPT TO:") {
            match to.contains("nobody@") {
                true => "550 5.1.1 no such user",
                false => {
                    mail.to.push(to.to_owned());
                    "250 ok"
                }
            }
        } else if upper == "DATA" {
            let _ = stream.write_all(b"354 go on\r\n").await;
            loop {
                let mut line = String::new();
                if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                    return false;
                }
                if line == ".\r\n" {
                    break;
                }
                mail.data.push_str(&line);
            }
            let says_nothing = is_mute.load(Ordering::Relaxed);
            mails.lock().unwrap().push(mail.clone());
            if says_nothing {
                let mut rest = Vec::new();
                let _ = stream.read_to_end(&mut rest).await;
                return false;
            }
            "250 2.0.0 taken"
        } else if upper == "QUIT" {
            let _ = stream.write_all(b"221 bye\r\n").await;
            return false;
        } else {
            "502 what"
        };
        if stream
            .write_all(format!("{answer}\r\n").as_bytes())
            .await
            .is_err()
        {
            return false;
        }
    }
}
