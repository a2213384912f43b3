//! A message over SMTP.
//!
//! The connection is ours: its address is held against the egress policy after it was resolved, and its TLS is the
//! gateway's, with the certificates that the gateway trusts. What is said over it is `lettre`'s.
//!
//! Promises: with `starttls` and `tls` nothing but the greeting is said in the clear, and nothing that came before
//! TLS is read after it; addresses that the server refuses are passed over while it takes others. Must not know: what
//! the mail says.

mod stream;

use std::time::{Duration, UNIX_EPOCH};

use lettre::{
    Address,
    address::Envelope,
    message::{Mailbox, MessageBuilder, MultiPart, MultiPartKind, SinglePart, header},
    transport::smtp::{
        Error,
        authentication::{Credentials, Mechanism},
        client::AsyncSmtpConnection,
        commands::{Data, Mail as MailFrom, Rcpt},
        extension::ClientId,
    },
};
use tokio::time::timeout;
use waybill_model::notify::{Email, SmtpSecurity};

use super::{
    compose::{self, Message},
    deliver::{Patience, Reply},
    judge::Verdict,
    opened::Opened,
};
use crate::{app::Shared, upstream::TransportError};

/// What went wrong.
enum Fault {
    /// On the way there.
    Transport(TransportError),
    /// The server, or how it was spoken to.
    Smtp(Error),
    /// Before anything was said.
    Unusable(String),
    /// Before the mail was given to it, it was silent for too long.
    Slow(Duration),
    /// And after.
    Silent(Duration),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Fault::Smtp(error)
    }
}

impl From<TransportError> for Fault {
    fn from(error: TransportError) -> Self {
        Fault::Transport(error)
    }
}

/// Checks that the addresses of a mail can be written on one. Names the field that cannot.
pub fn check_addresses(email: &Email) -> Result<(), (String, String)> {
    let refuse = |field: &str, error: String| (format!("email.{field}"), error);
    mailbox(&email.from).map_err(|error| refuse("from", error))?;
    for (index, to) in email.to.iter().enumerate() {
        address(to).map_err(|error| refuse(&format!("to[{index}]"), error))?;
    }
    Ok(())
}

fn mailbox(text: &str) -> Result<Mailbox, String> {
    text.parse()
        .map_err(|_| "must be an address, or `Name <address>`".to_owned())
}

fn address(text: &str) -> Result<Address, String> {
    text.parse().map_err(|_| "must be an address".to_owned())
}

/// Sends a mail to a channel's addresses.
pub async fn send(
    shared: &Shared,
    channel: &Opened,
    message: &Message<'_>,
    patience: Patience,
) -> Reply {
    let Some(email) = &channel.body.email else {
        return Reply::refused("the channel has no mail server");
    };
    match exchange(shared, channel, email, message, patience).await {
        Ok(said) => Reply {
            verdict: Verdict::Taken,
            status: Some(250),
            said,
        },
        Err(Fault::Transport(error)) => Reply::none(error),
        Err(Fault::Unusable(error)) => Reply::refused(error),
        Err(Fault::Slow(waited)) => Reply::none(too_slow(waited)),
        Err(Fault::Silent(waited)) => Reply::silent(too_slow(waited)),
        Err(Fault::Smtp(error)) => Reply {
            verdict: match error.is_permanent() || error.is_client() {
                true => Verdict::Refused,
                false => Verdict::Later(None),
            },
            status: error.status().map(u16::from),
            said: said(&error),
        },
    }
}

async fn exchange(
    shared: &Shared,
    channel: &Opened,
    email: &Email,
    message: &Message<'_>,
    patience: Patience,
) -> Result<String, Fault> {
    let (envelope, bytes) = written(email, message).map_err(Fault::Unusable)?;
    let asked = timeout(
        patience.answer,
        ask_to_write(shared, channel, email, &envelope, patience),
    );
    let (mut server, refused) = asked.await.map_err(|_| Fault::Slow(patience.answer))??;
    let given = timeout(patience.mail, server.message(&bytes));
    let answer = given.await.map_err(|_| Fault::Silent(patience.mail))??;
    // It has the mail, however it takes the goodbye.
    let _ = timeout(GOODBYE, server.quit()).await;
    let answer = answer.message().collect::<Vec<_>>().join(" ");
    Ok(match refused.is_empty() {
        true => answer,
        false => format!("{answer}; not to {}", refused.join(", ")),
    })
}

/// Up to where the server waits for the mail; with the addresses that it refused.
async fn ask_to_write(
    shared: &Shared,
    channel: &Opened,
    email: &Email,
    envelope: &Envelope,
    patience: Patience,
) -> Result<(AsyncSmtpConnection, Vec<String>), Fault> {
    let hello = ClientId::Domain(domain(envelope));
    let outlet = patience.outlet(shared);
    let stream = match email.security {
        SmtpSecurity::None => stream::plain(outlet, &email.host, email.port()).await?,
        SmtpSecurity::Tls => stream::tls(outlet, &email.host, email.port()).await?,
        SmtpSecurity::Starttls => {
            let hello = hello.to_string();
            stream::starttls(outlet, &email.host, email.port(), &hello).await?
        }
    };
    let mut server = AsyncSmtpConnection::connect_with_transport(stream, &hello).await?;
    if let (Some(name), Some(password)) = (&email.username, &channel.secrets.password) {
        let credentials = Credentials::new(name.clone(), password.expose().to_owned());
        server
            .auth(&[Mechanism::Plain, Mechanism::Login], &credentials)
            .await?;
    }
    let from = envelope.from().cloned();
    server.command(MailFrom::new(from, Vec::new())).await?;
    let refused = name_receivers(&mut server, envelope).await?;
    server.command(Data).await?;
    Ok((server, refused))
}

fn too_slow(waited: Duration) -> String {
    format!("no complete answer within {} ms", waited.as_millis())
}

const GOODBYE: Duration = Duration::from_secs(1);

/// Names every receiver; answers those that the server refuses for good, with what it said. One that it does not take
/// now, or all of them refused, is a fault.
async fn name_receivers(
    server: &mut AsyncSmtpConnection,
    envelope: &Envelope,
) -> Result<Vec<String>, Error> {
    let (mut refused, mut last) = (Vec::new(), None);
    for to in envelope.to() {
        match server.command(Rcpt::new(to.clone(), Vec::new())).await {
            Ok(_) => {}
            Err(error) if error.is_permanent() => {
                refused.push(format!("{to} ({})", said(&error)));
                last = Some(error);
            }
            Err(error) => return Err(error),
        }
    }
    match last {
        Some(error) if refused.len() == envelope.to().len() => Err(error),
        _ => Ok(refused),
    }
}

/// A mail as it travels, and whom it is from and to.
fn written(email: &Email, message: &Message<'_>) -> Result<(Envelope, Vec<u8>), String> {
    let from = mailbox(&email.from)?;
    let domain = from.email.domain().to_owned();
    let to: Vec<Address> = email
        .to
        .iter()
        .map(|to| address(to))
        .collect::<Result<_, _>>()?;
    let mail = compose::mail(message);
    let sent_at = UNIX_EPOCH + Duration::from_millis(u64::try_from(message.now.0).unwrap_or(0));
    let mut builder = MessageBuilder::new()
        .from(from.clone())
        .date(sent_at)
        .message_id(Some(format!(
            "<{}.{}@{domain}>",
            message.key, message.installation
        )))
        .subject(mail.subject)
        .header(AutoSubmitted);
    for to in &to {
        builder = builder.to(Mailbox::new(None, to.clone()));
    }
    if let Some(thread) = mail.thread {
        builder = builder.references(format!("<{thread}@{domain}>"));
    }
    let both = MultiPart::builder()
        .kind(MultiPartKind::Alternative)
        .boundary(message.key)
        .singlepart(SinglePart::plain(mail.text))
        .singlepart(SinglePart::html(mail.html));
    let written = builder
        .multipart(both)
        .map_err(|error| format!("the mail cannot be written: {error}"))?;
    let envelope = Envelope::new(Some(from.email), to)
        .map_err(|error| format!("the mail cannot be addressed: {error}"))?;
    Ok((envelope, written.formatted()))
}

/// Says that no answer is wanted (RFC 3834): no holiday notes come back.
#[derive(Clone)]
struct AutoSubmitted;

impl header::Header for AutoSubmitted {
    fn name() -> header::HeaderName {
        header::HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(AutoSubmitted)
    }

    fn display(&self) -> header::HeaderValue {
        header::HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// Who we are, to a mail server: the domain that the mail is from.
fn domain(envelope: &Envelope) -> String {
    let from = envelope.from().map(|from| from.domain().to_owned());
    from.unwrap_or_else(|| "localhost".to_owned())
}

/// What an error says, with what is behind it.
fn said(error: &Error) -> String {
    use std::error::Error as _;
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
