//! Hearing of changes at once.
//!
//! Promises: whoever listens hears of a change, or is told to look after a connection was lost; it is a
//! hint, and whoever acts on it looks again from time to time anyway.

use std::{
    future::{Future as _, poll_fn},
    time::Duration,
};

use tokio_postgres::AsyncMessage;

use super::connect::{Listening, Server, why};
use crate::sql::Result;

/// Rest after a connection was lost.
const REST: Duration = Duration::from_secs(1);

/// What may have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The configuration.
    Config,
    /// Accounts' states.
    AccountEvents,
    /// Nobody knows: a connection was made, or lost.
    Anything,
}

/// Hears of changes.
#[derive(Debug)]
pub struct Changes {
    server: Server,
    link: Option<Link>,
}

struct Link {
    /// Its end is the connection's.
    _client: tokio_postgres::Client,
    connection: Listening,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Link")
    }
}

impl Changes {
    pub(super) fn at(server: Server) -> Self {
        Changes { server, link: None }
    }

    /// The next change. Waits for as long as it takes; may be dropped at any time.
    pub async fn next(&mut self) -> Change {
        loop {
            let Some(link) = self.link.as_mut() else {
                match self.connect().await {
                    Ok(()) => return Change::Anything,
                    Err(error) => {
                        tracing::debug!(%error, "changes cannot be heard of; they are looked for");
                        tokio::time::sleep(REST).await;
                        continue;
                    }
                }
            };
            match poll_fn(|cx| link.connection.poll_message(cx)).await {
                Some(Ok(AsyncMessage::Notification(heard))) => match heard.channel() {
                    "waybill_config" => return Change::Config,
                    "waybill_events" => return Change::AccountEvents,
                    _ => {}
                },
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    tracing::debug!(error = why(&error), "the connection that listens was lost");
                    self.link = None;
                    tokio::time::sleep(REST).await;
                }
                None => self.link = None,
            }
        }
    }

    async fn connect(&mut self) -> Result<()> {
        let (client, mut connection) = self.server.connect_to_listen().await?;
        {
            let listen = client.batch_execute("LISTEN waybill_config; LISTEN waybill_events");
            let mut listen = std::pin::pin!(listen);
            // The statement is answered by the half that is polled here.
            poll_fn(|cx| {
                while let std::task::Poll::Ready(Some(Ok(_))) = connection.poll_message(cx) {}
                listen.as_mut().poll(cx)
            })
            .await?;
        }
        self.link = Some(Link {
            _client: client,
            connection,
        });
        Ok(())
    }
}
